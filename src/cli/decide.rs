//! `rundruf decide DELIVERY|BROADCAST there|again|drop`: a person ends what nobody knows.

use clap::{Args, ValueEnum};
use serde_json::json;

use super::output::{Failure, Output};
use super::price::{self, Cost};
use super::{Globals, confirm};
use crate::app::{App, Open};
use crate::ids::{BroadcastId, DeliveryId};
use crate::said;
use crate::store::{Act, Board, DecideOn, Decision, Refusal, StoreError};
use crate::text::said::Said;

/// Arguments of `decide`.
#[derive(Debug, Args)]
pub struct DecideArgs {
    /// A delivery's number, or `b7` for everything unknown of broadcast b7.
    pub what: String,
    /// It is there; send it again; or give it up.
    pub decision: Word,
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
    let Ok(open) = App::load_existing(&globals.config, &globals.data).await? else {
        return Err(StoreError::Refused(Refusal::NothingToDecide).into());
    };
    let mut asked = 0;
    if decision == Decision::Again
        && let Some((people, cost)) = once_more(&open, what).await?
    {
        asked = people;
        let Said { de, en } = price::list(&[cost]);
        confirm::ask(
            out,
            &said!(
                "Noch einmal geht hinaus: {de}. Wer die Nachricht doch bekommen hat, bekommt sie doppelt.",
                "Once more goes out: {en}. Whoever did get the message gets it twice."
            ),
            globals.yes,
        )?;
    }
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
        Decision::Again if count == 1 => said!("1 geht noch einmal hinaus.", "1 goes out once more."),
        Decision::Again => said!("{count} gehen noch einmal hinaus.", "{count} go out once more."),
        Decision::Drop => said!("{count} aufgegeben.", "{count} given up."),
    });
    let passed = asked.saturating_sub(count);
    if passed > 0 {
        out.say(&said!(
            "Nicht noch einmal: {passed}. Dorthin ging seither eine neuere Meldung, oder es ist inzwischen geklärt. Was noch unbekannt ist, bitte mit there oder drop beantworten.",
            "Not sent again: {passed}. Something newer has gone there since, or it is known by now. Please answer what is still unknown with there or drop."
        ));
    }
    out.answer(&json!({ "decided": count }));
    Ok(0)
}

/// How many would get it again at most, at what price; `None` where there is no such thing, which the store then says.
async fn once_more(open: &Open, what: DecideOn) -> Result<Option<(u64, Cost)>, Failure> {
    let (id, one) = match what {
        DecideOn::Broadcast(id) => (id, false),
        DecideOn::Delivery(id) => match open.store.explain(id).await? {
            Some(story) => (story.broadcast.id, true),
            None => return Ok(None),
        },
    };
    let rows = open.store.broadcasts(None).await?;
    let Some(row) = rows.iter().find(|row| row.id == id) else {
        return Ok(None);
    };
    let people = if one { 1 } else { row.counters.unknown };
    let texts = open.store.texts(id).await?.dearest();
    Ok((people > 0).then(|| (people, Cost::of(&open.office, &row.channel, people, &texts))))
}
