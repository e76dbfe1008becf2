//! `rundruf channel list|test|hold|release|retry|rename|drop`.

mod list;
mod release;

use std::time::{Duration, Instant};

use clap::Subcommand;
use serde_json::json;

use super::output::{Failure, Output};
use super::{Globals, check, confirm};
use crate::app::{App, Open};
use crate::domain::delivery::{Gate, GateCause};
use crate::said;
use crate::store::{Act, Board, GateChange, LaneRow, Lanes, Refusal, StoreError};
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
        /// Let it go although its probe fails; the reason is logged and shown.
        #[arg(long = "override", value_name = "REASON")]
        override_reason: Option<String>,
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
    },
}

/// Runs the command.
pub async fn run(globals: &Globals, command: ChannelCommand, out: &Output) -> Result<u8, Failure> {
    if let ChannelCommand::Test { name } = &command {
        let app = App::load(&globals.config, &globals.data)?;
        return check::one(&app.office, name, out).await;
    }
    let open = match App::load_existing(&globals.config, &globals.data).await? {
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
        ChannelCommand::Release { name, override_reason } => {
            release::release(&open, &name, override_reason, globals.yes, out).await
        }
        ChannelCommand::Retry { name } => {
            let lane = find(&open, &name).await?;
            let count = open
                .store
                .retry_now(lane.id, &act(&open, "retry", &name), now(&open))
                .await?;
            crate::store::owner::wake(&open.office.settings.data);
            out.say(&match count {
                _ if lane.gate == Gate::Held => said!(
                    "{name} ist angehalten; erst rundruf channel release {name} lässt etwas hinaus.",
                    "{name} is held; only rundruf channel release {name} lets anything out."
                ),
                _ if lane.kind == "website" => said!(
                    "{name}: Jedes Ziel wird jetzt mit der Seite verglichen und erneuert.",
                    "{name}: every target is compared with the site and renewed now."
                ),
                1 => said!(
                    "{name}: 1 wartende Sendung ist jetzt an der Reihe.",
                    "{name}: 1 waiting message is due now."
                ),
                _ => said!(
                    "{name}: {count} wartende Sendungen sind jetzt an der Reihe.",
                    "{name}: {count} waiting messages are due now."
                ),
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
        ChannelCommand::Drop { name } => drop_channel(&open, &name, globals.yes, out).await,
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
    open.store.rename_lane(name, to, &act(open, "rename", name)).await?;
    Ok(())
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

pub(super) async fn find(open: &Open, name: &str) -> Result<LaneRow, Failure> {
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
        cause: GateCause::Person,
        expected_epoch: None,
        // A person's words, in whatever language they wrote them.
        reason: reason.map(Said::quoted),
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
    let mut changes = crate::store::owner::Changes::from_now(std::sync::Arc::clone(&open.store)).await;
    loop {
        let seen = find(open, name).await?;
        if seen.acknowledged.0 >= row.epoch {
            let flying = seen.acknowledged.1;
            out.say(&match flying {
                0 => said!(
                    "{name} ist angehalten; es war nichts unterwegs.",
                    "{name} is held; nothing was in flight."
                ),
                1 => said!(
                    "{name} ist angehalten; 1 Sendung ist schon unterwegs und endet noch.",
                    "{name} is held; 1 in flight will end."
                ),
                _ => said!(
                    "{name} ist angehalten; {flying} Sendungen sind schon unterwegs und enden noch.",
                    "{name} is held; {flying} in flight will end."
                ),
            });
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

async fn drop_channel(open: &Open, name: &str, yes: bool, out: &Output) -> Result<u8, Failure> {
    let lane = find(open, name).await?;
    if lane.configured {
        return Err(StoreError::Refused(Refusal::StillConfigured(name.to_owned())).into());
    }
    let rows = open.store.broadcasts(None).await?;
    // Also what came from a channel that this one stands in for; what has gone to its own reserve goes out there.
    let count: u64 = rows.iter().map(|row| row.waiting_on(lane.id)).sum();
    // Where nothing waits nothing is to be asked, and what a website lacks its next upload brings.
    if count > 0 && lane.kind != "website" {
        let question = match count {
            1 => said!(
                "1 Sendung, die über {name} noch wartet, endet ungesendet.",
                "1 message that still waits for {name} ends unsent."
            ),
            _ => said!(
                "{count} Sendungen, die über {name} noch warten, enden ungesendet.",
                "{count} messages that still wait for {name} end unsent."
            ),
        };
        confirm::ask(out, &question, yes)?;
    }
    let count = open
        .store
        .drop_lane(lane.id, &act(open, "drop", name), now(open))
        .await?;
    out.say(&match count {
        1 => said!(
            "{name}: 1 Sendung ist ungesendet beendet.",
            "{name}: 1 message ended unsent."
        ),
        _ => said!(
            "{name}: {count} Sendungen sind ungesendet beendet.",
            "{name}: {count} messages ended unsent."
        ),
    });
    out.answer(&json!({ "dropped": count }));
    Ok(0)
}
