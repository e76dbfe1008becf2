//! `rundruf channel list|test|hold|release|retry|rename|drop`.

use std::time::{Duration, Instant};

use clap::Subcommand;
use serde_json::json;

use super::output::{Failure, Output, table};
use super::{Globals, check, confirm};
use crate::app::{App, Open};
use crate::domain::delivery::{BroadcastState, Gate, Health};
use crate::publication::board::clock_time;
use crate::said;
use crate::store::{Act, Board, GateChange, LaneRow, Lanes};

/// How long `hold` waits for the owner's word (LANES 5).
const ACKNOWLEDGE: Duration = Duration::from_secs(5);

/// What to do with channels.
#[derive(Debug, Subcommand)]
pub enum ChannelCommand {
    /// Every channel with gate and health, also those no longer configured.
    List,
    /// Look at one channel's settings and counterpart. Sends no message.
    Test {
        /// Channel.
        name: String,
    },
    /// Stop it: after the answer no request starts.
    Hold {
        /// Channel.
        name: String,
        /// Why; shown on the board.
        #[arg(long)]
        reason: Option<String>,
    },
    /// Let it go on, after showing who gets what.
    Release {
        /// Channel.
        name: String,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
    /// Try again now, after a pause or failures.
    Retry {
        /// Channel.
        name: String,
    },
    /// Give the rows of a channel that is no longer configured to another name.
    Rename {
        /// Old name.
        name: String,
        /// New name.
        to: String,
    },
    /// End the waiting rows of a channel that is no longer configured.
    Drop {
        /// Channel.
        name: String,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
}

/// Runs the command.
pub async fn run(globals: &Globals, command: ChannelCommand, out: &Output) -> Result<u8, Failure> {
    if let ChannelCommand::Test { name } = &command {
        let app = App::load(&globals.config, &globals.data)?;
        return check::one(&app.office, name, out).await;
    }
    let open = Open::new(&globals.config, &globals.data).await?;
    open.office.register(open.store.as_ref()).await?;
    match command {
        ChannelCommand::List => list(&open, out).await,
        ChannelCommand::Test { .. } => Ok(0),
        ChannelCommand::Hold { name, reason } => hold(&open, &name, reason, out).await,
        ChannelCommand::Release { name, yes } => release(&open, &name, yes, out).await,
        ChannelCommand::Retry { name } => {
            let lane = find(&open, &name).await?;
            let count = open
                .store
                .retry_now(lane.id, &act(&open, "retry", &name), now(&open))
                .await?;
            crate::store::owner::wake(&open.office.settings.data);
            out.say(&said!(
                "{name}: {count} werden jetzt versucht.",
                "{name}: {count} are tried now."
            ));
            out.answer(&json!({ "retried": count }));
            Ok(0)
        }
        ChannelCommand::Rename { name, to } => {
            open.store.rename_lane(&name, &to, &act(&open, "rename", &name)).await?;
            crate::store::owner::wake(&open.office.settings.data);
            out.say(&said!("{name} heißt jetzt {to}.", "{name} is now {to}."));
            out.answer(&json!({ "renamed": name, "to": to }));
            Ok(0)
        }
        ChannelCommand::Drop { name, yes } => drop_channel(&open, &name, yes, out).await,
    }
}

fn now(open: &Open) -> i64 {
    open.office.clock.now_ms()
}

fn act(open: &Open, action: &str, name: &str) -> Act {
    Act {
        at_ms: now(open),
        actor: Open::actor(None),
        action: action.to_owned(),
        object: format!("channel {name}"),
        details: json!({}),
    }
}

async fn find(open: &Open, name: &str) -> Result<LaneRow, Failure> {
    let rows = open.store.lane_rows().await?;
    rows.iter().find(|l| l.name == name).cloned().ok_or_else(|| {
        let list = rows.iter().map(|l| l.name.as_str()).collect::<Vec<_>>().join(", ");
        Failure::Usage(said!(
            "Einen Kanal {name} gibt es nicht. Vorhanden: {list}",
            "There is no channel {name}. There are: {list}"
        ))
    })
}

async fn list(open: &Open, out: &Output) -> Result<u8, Failure> {
    let rows = open.store.lane_rows().await?;
    let zone = jiff::tz::TimeZone::system();
    let cells: Vec<Vec<String>> = rows
        .iter()
        .map(|l| {
            vec![
                l.name.clone(),
                l.kind.clone(),
                describe(l, now(open), &zone, out.german),
            ]
        })
        .collect();
    let head = if out.german {
        ["Kanal", "Art", "Stand"]
    } else {
        ["channel", "kind", "state"]
    };
    out.text(table(&head, &cells).trim_end());
    out.answer(&json!({ "channels": rows }));
    Ok(0)
}

fn describe(lane: &LaneRow, now: i64, zone: &jiff::tz::TimeZone, german: bool) -> String {
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
    let reason = lane
        .gate_reason
        .as_deref()
        .or(lane.health.text.as_deref())
        .map(|r| format!(" ({r})"))
        .unwrap_or_default();
    format!("{}{}{reason}", gate.in_german(german), health.in_german(german))
}

async fn hold(open: &Open, name: &str, reason: Option<String>, out: &Output) -> Result<u8, Failure> {
    let lane = find(open, name).await?;
    let change = GateChange {
        lane: lane.id,
        gate: Gate::Held,
        expected_epoch: None,
        reason,
    };
    let row = open.store.set_gate(&change, &act(open, "hold", name)).await?;
    crate::store::owner::wake(&open.office.settings.data);
    if !crate::store::owner::is_running(&open.office.settings.data) {
        out.say(&said!(
            "{name} ist angehalten; es läuft kein rundruf serve.",
            "{name} is held; no rundruf serve is running."
        ));
        out.answer(&json!({ "channel": name, "gate": "held", "acknowledged": true, "in_flight": 0 }));
        return Ok(0);
    }
    let end = Instant::now() + ACKNOWLEDGE;
    let mut changes = crate::store::owner::Changes::new(std::sync::Arc::clone(&open.store));
    loop {
        let seen = find(open, name).await?;
        if seen.acknowledged.0 >= row.epoch {
            let flying = seen.acknowledged.1;
            out.say(&said!(
                "{name} ist angehalten; {flying} in Arbeit werden noch fertig.",
                "{name} is held; {flying} in flight will end."
            ));
            out.answer(&json!({ "channel": name, "gate": "held", "acknowledged": true, "in_flight": flying }));
            return Ok(0);
        }
        if Instant::now() >= end {
            out.answer(&json!({ "channel": name, "gate": "held", "acknowledged": false }));
            return Err(Failure::Refused(said!(
                "{name} ist als angehalten vermerkt, aber rundruf serve hat es binnen 5 s nicht bestätigt. Bitte dessen Protokoll ansehen.",
                "{name} is noted as held, but rundruf serve did not confirm it within 5 s. Please look at its log."
            )));
        }
        changes.next(end).await;
    }
}

async fn release(open: &Open, name: &str, yes: bool, out: &Output) -> Result<u8, Failure> {
    let lane = find(open, name).await?;
    let rows = open.store.broadcasts(None).await?;
    let (mut notices, mut people) = (0u64, 0u64);
    for row in rows.iter().filter(|r| r.lane == lane.id) {
        let c = &row.counters;
        let unopened = if row.state == BroadcastState::Open {
            c.expected.saturating_sub(c.opened)
        } else {
            0
        };
        if c.waiting + unopened > 0 {
            notices += 1;
            people += c.waiting + unopened;
        }
    }
    confirm::ask(
        out,
        &said!(
            "{name} wird freigegeben: {notices} Meldungen, zusammen {people} Sendungen gehen jetzt hinaus.",
            "{name} will be released: {notices} notices, {people} messages in all go out now."
        ),
        yes,
    )?;
    // The epoch shown is the one released: whoever held it again meanwhile wins.
    let change = GateChange {
        lane: lane.id,
        gate: Gate::Open,
        expected_epoch: Some(lane.epoch),
        reason: None,
    };
    open.store.set_gate(&change, &act(open, "release", name)).await?;
    crate::store::owner::wake(&open.office.settings.data);
    out.say(&said!("{name} ist freigegeben.", "{name} is released."));
    out.answer(&json!({ "channel": name, "gate": "open", "notices": notices, "messages": people }));
    Ok(0)
}

async fn drop_channel(open: &Open, name: &str, yes: bool, out: &Output) -> Result<u8, Failure> {
    let lane = find(open, name).await?;
    if lane.configured {
        return Err(Failure::Refused(said!(
            "{name} steht noch in der Konfiguration. Erst dort entfernen, dann noch einmal.",
            "{name} is still configured. Remove it there first, then again."
        )));
    }
    confirm::ask(
        out,
        &said!(
            "Alles Wartende von {name} endet ungesendet.",
            "Everything waiting of {name} ends unsent."
        ),
        yes,
    )?;
    let count = open
        .store
        .drop_lane(lane.id, &act(open, "drop", name), now(open))
        .await?;
    out.say(&said!("{name}: {count} beendet.", "{name}: {count} ended."));
    out.answer(&json!({ "dropped": count }));
    Ok(0)
}
