//! `rundruf channel list`: every channel with its gate and health in words.

use jiff::tz::TimeZone;
use serde_json::json;

use super::now;
use crate::app::Open;
use crate::channel::registry::Configured;
use crate::cli::output::{Failure, Output, table};
use crate::domain::delivery::{Gate, Health};
use crate::publication::Office;
use crate::publication::board::clock_time;
use crate::publication::suppressed;
use crate::said;
use crate::store::{Consent, LaneRow, Lanes, SuppressedCount};
use crate::text::said::Said;

/// The channels as the store knows them.
pub(super) async fn list(open: &Open, out: &Output) -> Result<u8, Failure> {
    let rows = open.store.lane_rows().await?;
    let suppressed = open.store.suppressed().await?;
    let cells: Vec<Vec<String>> = rows
        .iter()
        .map(|l| {
            vec![
                l.name.clone(),
                l.kind.clone(),
                describe(l, now(open), &zone_of(&open.office, &l.name), out.german)
                    + &left_out(l, &suppressed, out.german),
            ]
        })
        .collect();
    print(&cells, out);
    out.answer(&json!({ "channels": rows, "suppressed": suppressed }));
    Ok(0)
}

/// How many of its audience are written to no more.
fn left_out(lane: &LaneRow, suppressed: &[SuppressedCount], german: bool) -> String {
    let count = suppressed.iter().find(|count| count.channel == lane.name);
    count.map_or_else(String::new, |count| {
        format!("; {}", suppressed::counted(count).in_german(german))
    })
}

/// Before the first command that writes: the channels as they will begin.
pub(super) fn list_configured(office: &Office, out: &Output) -> u8 {
    let word = |held| {
        if held {
            said!("angehalten (Konfiguration)", "held (configuration)")
        } else {
            said!("offen", "open")
        }
    };
    let held = |c: &Configured| c.spec.first_gate == Gate::Held;
    let cells: Vec<Vec<String>> = office
        .channels
        .iter()
        .map(|c| {
            vec![
                c.spec.name.clone(),
                c.spec.kind.clone(),
                word(held(c)).in_german(out.german).to_owned(),
            ]
        })
        .collect();
    print(&cells, out);
    let list: Vec<_> = office
        .channels
        .iter()
        .map(|c| json!({ "name": c.spec.name, "kind": c.spec.kind, "account": c.spec.account, "configured": true, "gate": c.spec.first_gate }))
        .collect();
    out.answer(&json!({ "channels": list }));
    0
}

fn print(cells: &[Vec<String>], out: &Output) {
    let head = if out.german {
        ["Kanal", "Art", "Stand"]
    } else {
        ["channel", "kind", "state"]
    };
    out.text(table(&head, cells).trim_end());
}

/// The clock of a channel's (first) publisher: the same as on its page and in `status`.
fn zone_of(office: &Office, channel: &str) -> TimeZone {
    let configured = office.channels.iter().find(|c| c.settings.name == channel);
    let publisher = configured.and_then(|c| office.publisher(c.settings.publishers.first()?));
    publisher.map_or_else(TimeZone::system, |p| p.timezone.clone())
}

fn describe(lane: &LaneRow, now: i64, zone: &TimeZone, german: bool) -> String {
    if !lane.configured {
        return said!("nicht mehr eingerichtet", "not configured any more")
            .in_german(german)
            .to_owned();
    }
    let since = clock_time(lane.gate_since_ms, now, zone);
    let gate = match lane.gate {
        Gate::Open => said!("offen", "open"),
        Gate::Held => said!("angehalten seit {since}", "held since {since}"),
        Gate::Draining => said!("wird geleert seit {since}", "draining since {since}"),
    };
    let since = clock_time(lane.health.since_ms, now, zone);
    let health = match lane.health.health {
        Health::Well => said!("", ""),
        Health::BackingOff => said!(", wartet nach Fehlern seit {since}", ", backing off since {since}"),
        Health::Probing => said!(", versucht es einzeln seit {since}", ", probing since {since}"),
        Health::Paused => said!(", pausiert seit {since}", ", paused since {since}"),
    };
    // Why it is held matters most; why it is open least.
    let (gate_reason, trouble) = (lane.gate_reason.as_ref(), lane.health.text.as_ref());
    let reason = Said::in_brackets(if lane.gate == Gate::Open {
        trouble.or(gate_reason)
    } else {
        gate_reason.or(trouble)
    });
    let probe = crate::publication::gate::probe(lane, now, zone);
    [gate, health, reason, probe]
        .iter()
        .map(|said| said.in_german(german))
        .collect()
}
