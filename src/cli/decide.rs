//! `rundruf decide DELIVERY|BROADCAST there|again|drop`: a person ends what nobody knows.

use clap::{Args, ValueEnum};
use serde_json::json;

use super::output::{Failure, Output};
use super::{Globals, confirm};
use crate::app::{App, Open};
use crate::ids::{BroadcastId, DeliveryId};
use crate::said;
use crate::store::{Act, Board, DecideOn, Decision, Refusal, StoreError};

/// Arguments of `decide`.
#[derive(Debug, Args)]
pub struct DecideArgs {
    /// A delivery's number, or `b7` for everything unknown of broadcast 7.
    pub what: String,
    /// It is there; send it again; or give it up.
    pub decision: Word,
    /// Do not ask before sending again.
    #[arg(long)]
    pub yes: bool,
}

/// The decision's word.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Word {
    /// Somebody saw that it arrived.
    There,
    /// Send it once more: whoever got it already gets it twice.
    Again,
    /// Give it up.
    Drop,
}

/// Runs the command.
pub async fn run(globals: &Globals, args: DecideArgs, out: &Output) -> Result<u8, Failure> {
    let word = args.what.as_str();
    let what = match (word.strip_prefix('b').map(str::parse), word.parse()) {
        (Some(Ok(id)), _) => DecideOn::Broadcast(BroadcastId(id)),
        (_, Ok(id)) => DecideOn::Delivery(DeliveryId(id)),
        _ => {
            return Err(Failure::Usage(said!(
                "„{word}“ ist keine Nummer. Schreiben Sie die Nummer einer Zustellung, oder b und die Nummer einer Sendung (b7).",
                "`{word}` is no number. Write a delivery's number, or b and a broadcast's number (b7)."
            )));
        }
    };
    let decision = match args.decision {
        Word::There => Decision::There,
        Word::Again => Decision::Again,
        Word::Drop => Decision::Drop,
    };
    if decision == Decision::Again {
        confirm::ask(
            out,
            &said!(
                "Wer die Nachricht doch bekommen hat, bekommt sie noch einmal.",
                "Whoever did get the message gets it once more."
            ),
            args.yes,
        )?;
    }
    let Ok(open) = App::load(&globals.config, &globals.data)?.open_existing().await? else {
        return Err(StoreError::Refused(Refusal::NothingToDecide).into());
    };
    let now = open.office.clock.now_ms();
    let act = Act {
        at_ms: now,
        actor: Open::actor(None),
        action: "decide".to_owned(),
        object: word.to_owned(),
        details: json!({ "decision": decision }),
    };
    let count = open.store.decide(what, decision, &act, now).await?;
    crate::store::owner::wake(&open.office.settings.data);
    out.say(&match decision {
        Decision::There => said!("{count} als angekommen vermerkt.", "{count} marked as there."),
        Decision::Again => said!("{count} gehen noch einmal hinaus.", "{count} go out once more."),
        Decision::Drop => said!("{count} aufgegeben.", "{count} given up."),
    });
    out.answer(&json!({ "decided": count }));
    Ok(0)
}
