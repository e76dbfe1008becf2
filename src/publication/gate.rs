//! What the probe says about a channel, in words, wherever its gate is shown.

use jiff::tz::TimeZone;

use super::moments::clock_time;
use crate::clock::Ms;
use crate::domain::delivery::Gate;
use crate::lane_core::probation::Verdict;
use crate::said;
use crate::store::LaneRow;
use crate::text::said::Said;

/// Behind "held since …" or "draining since …": that it works again and may be released, that it still fails, or nothing.
pub fn probe(lane: &LaneRow, now: Ms, zone: &TimeZone) -> Said {
    let Some(probed) = &lane.probe else {
        return Said::default();
    };
    let (since, name) = (clock_time(probed.since_ms, now, zone), &lane.name);
    match probed.verdict {
        Verdict::Good if lane.gate == Gate::Held && probed.proposes => said!(
            "; die Probe gelingt seit {since}, Vorschlag: rundruf channel release {name}",
            "; the probe works since {since}, proposed: rundruf channel release {name}"
        ),
        Verdict::Good if lane.gate == Gate::Held => said!(
            "; die Probe gelingt seit {since}, noch nicht oft genug",
            "; the probe works since {since}, not often enough yet"
        ),
        Verdict::Bad | Verdict::CameBack => {
            let Said { de, en } = Said::in_brackets(Some(&probed.text));
            said!(
                "; die Probe misslingt seit {since}{de}",
                "; the probe fails since {since}{en}"
            )
        }
        Verdict::Good | Verdict::Unclear => Said::default(),
    }
}
