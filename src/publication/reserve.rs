//! What waits on a reserve channel that sends nothing: said beside the line of the channel it came from.

use jiff::tz::TimeZone;

use super::board::{Light, clock_time, dotted, wait};
use crate::clock::Ms;
use crate::domain::delivery::{Gate, Health};
use crate::said;
use crate::store::LaneRow;
use crate::text::said::Said;

/// Why so many messages do not go out there, if they do not.
pub(super) fn halted(reserve: &LaneRow, waiting: u64, now: Ms, zone: &TimeZone) -> Option<(Light, Said)> {
    let (n, wait, name) = (dotted(waiting), wait(waiting), &reserve.name);
    if !reserve.configured {
        return Some((
            Light::Look,
            said!(
                "; {n} {wait} auf {name}, das nicht mehr in der Konfiguration steht (rundruf channel rename oder drop)",
                "; {waiting} waiting for {name}, which is not in the configuration any more (rundruf channel rename or drop)"
            ),
        ));
    }
    if reserve.gate == Gate::Held {
        let since = clock_time(reserve.gate_since_ms, now, zone);
        let Said { de, en } = Said::in_brackets(reserve.gate_reason.as_ref());
        return Some((
            Light::Held,
            said!(
                "; {n} {wait} auf {name}, angehalten seit {since}{de}",
                "; {waiting} waiting for {name}, held since {since}{en}"
            ),
        ));
    }
    if reserve.health.health == Health::Paused {
        let since = clock_time(reserve.health.since_ms, now, zone);
        let Said { de, en } = Said::in_brackets(reserve.health.text.as_ref());
        return Some((
            Light::Look,
            said!(
                "; {n} {wait} auf {name}, pausiert seit {since}{de}. Nach der Abhilfe: rundruf channel retry {name}",
                "; {waiting} waiting for {name}, paused since {since}{en}. When mended: rundruf channel retry {name}"
            ),
        ));
    }
    None
}
