//! `rundruf channel list|test|hold|release|retry|rename|drop`.

mod list;

use std::time::{Duration, Instant};

use clap::Subcommand;
use serde_json::json;

use super::output::{Failure, Output};
use super::{Globals, check, confirm};
use crate::app::{App, Open};
use crate::domain::delivery::{BroadcastState, Gate};
use crate::said;
use crate::store::{Act, Board, GateChange, LaneRow, Lanes, StoreError};
use crate::text::said::Said;
use list::{list, list_configured};

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
    let open = match App::load(&globals.config, &globals.data)?.open_existing().await? {
        Ok(open) => open,
        // Only holding a channel ahead of the first notice makes a store: it has something to remember.
        Err(app) => match &command {
            ChannelCommand::List => return Ok(list_configured(&app.office, out)),
            ChannelCommand::Hold { .. } => app.open().await?,
            _ => {
                return Err(Failure::Refused(said!(
                    "Noch nichts veröffentlicht, also wartet auch nichts.",
                    "Nothing published yet, so nothing waits."
                )));
            }
        },
    };
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
            out.say(&if lane.gate == Gate::Held {
                said!(
                    "{name} ist angehalten; erst rundruf channel release {name} lässt etwas hinaus.",
                    "{name} is held; only rundruf channel release {name} lets anything out."
                )
            } else if lane.kind == "website" {
                said!(
                    "{name}: Jedes Ziel wird jetzt mit der Seite verglichen und erneuert.",
                    "{name}: every target is compared with the site and renewed now."
                )
            } else {
                said!(
                    "{name}: {count} wartende Sendungen sind jetzt an der Reihe.",
                    "{name}: {count} waiting messages are due now."
                )
            });
            not_serving(&open, out);
            out.answer(&json!({ "retried": count }));
            Ok(0)
        }
        ChannelCommand::Rename { name, to } => {
            rename(&open, &name, &to).await?;
            crate::store::owner::wake(&open.office.settings.data);
            out.say(&said!("{name} heißt jetzt {to}.", "{name} is now {to}."));
            out.answer(&json!({ "renamed": name, "to": to }));
            Ok(0)
        }
        ChannelCommand::Drop { name, yes } => drop_channel(&open, &name, yes, out).await,
    }
}

/// Gives the rows of a channel that is no longer configured to one that never sent.
async fn rename(open: &Open, name: &str, to: &str) -> Result<(), Failure> {
    let lane = find(open, name).await?;
    if lane.configured {
        return Err(Failure::Refused(said!(
            "{name} steht noch in der Konfiguration. Dort erst umbenennen, dann noch einmal.",
            "{name} is still configured. Rename it there first, then again."
        )));
    }
    open.store
        .rename_lane(name, to, &act(open, "rename", name))
        .await
        .map_err(|error| match error {
            StoreError::Refused(_) => Failure::Refused(said!(
                "{to} hat schon eigene Sendungen. Bitte einen Namen nehmen, über den noch nichts ging.",
                "{to} has messages of its own. Please take a name that was never used."
            )),
            other => other.into(),
        })
}

/// A word where a change waits for a process that is not there.
fn not_serving(open: &Open, out: &Output) {
    if !crate::store::owner::is_running(&open.office.settings.data) {
        out.say(&said!(
            "Es läuft kein rundruf serve: Gesendet wird, sobald es läuft.",
            "No rundruf serve is running: sending goes on as soon as it runs."
        ));
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
            "{name} ist angehalten. Es läuft kein rundruf serve, also war auch nichts unterwegs.",
            "{name} is held. No rundruf serve is running, so nothing was under way."
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
                "{name} ist angehalten; {flying} Sendungen sind schon unterwegs und enden noch.",
                "{name} is held; {flying} in flight will end."
            ));
            out.answer(&json!({ "channel": name, "gate": "held", "acknowledged": true, "in_flight": flying }));
            return Ok(0);
        }
        if Instant::now() >= end {
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
    // Nothing waits: nothing to ask.
    if people > 0 {
        confirm::ask(out, &what_goes(name, notices, people), yes)?;
    }
    // The epoch shown is the one released: whoever held it again meanwhile wins.
    let change = GateChange {
        lane: lane.id,
        gate: Gate::Open,
        expected_epoch: Some(lane.epoch),
        reason: None,
    };
    open.store.set_gate(&change, &act(open, "release", name)).await.map_err(|error| match error {
        StoreError::Conflict(_) => Failure::Refused(said!(
            "{name} wurde inzwischen von jemand anderem oder von selbst angehalten. Bitte erst ansehen: rundruf channel list",
            "{name} was held meanwhile, by somebody else or by itself. Please look first: rundruf channel list"
        )),
        other => other.into(),
    })?;
    crate::store::owner::wake(&open.office.settings.data);
    out.say(&said!("{name} ist freigegeben.", "{name} is released."));
    if people > 0 {
        not_serving(open, out);
    }
    out.answer(&json!({ "channel": name, "gate": "open", "notices": notices, "messages": people }));
    Ok(0)
}

fn what_goes(name: &str, notices: u64, messages: u64) -> Said {
    match (notices, messages) {
        (1, 1) => said!(
            "{name} wird freigegeben: 1 Meldung geht jetzt hinaus.",
            "{name} will be released: 1 notice goes out now."
        ),
        (1, _) => said!(
            "{name} wird freigegeben: 1 Meldung geht jetzt an {messages} Empfänger hinaus.",
            "{name} will be released: 1 notice goes out to {messages} recipients now."
        ),
        _ => said!(
            "{name} wird freigegeben: {notices} Meldungen mit zusammen {messages} Sendungen gehen jetzt hinaus.",
            "{name} will be released: {notices} notices with {messages} messages in all go out now."
        ),
    }
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
            "Alles, was über {name} noch wartet, endet ungesendet.",
            "Everything that still waits for {name} ends unsent."
        ),
        yes,
    )?;
    let count = open
        .store
        .drop_lane(lane.id, &act(open, "drop", name), now(open))
        .await?;
    out.say(&said!(
        "{name}: {count} Sendungen sind ungesendet beendet.",
        "{name}: {count} messages ended unsent."
    ));
    out.answer(&json!({ "dropped": count }));
    Ok(0)
}
