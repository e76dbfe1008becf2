//! What the machine itself does to the sending (LANES 8): a clock that leapt, a disk that fills up. Said by `status`, and the clock's
//! leap is settled by `check --clock-is-right`.

use serde_json::json;

use super::output::{Failure, Output};
use crate::app::{App, Open};
use crate::said;
use crate::store::disk::{Disk, FLOOR};
use crate::store::{Act, Lanes};
use crate::text::said::Said;

/// What hinders the sending now.
pub async fn troubles(open: &Open) -> Result<Vec<Said>, Failure> {
    let mut out = Vec::new();
    let data = &open.office.settings.data;
    let free = Disk::free(data)?;
    if free < FLOOR {
        let (mb, data) = (free >> 20, data.display());
        out.push(said!(
            "Auf dem Datenträger von {data} sind nur noch {mb} MB frei: Es wird nichts Neues gesendet. Bitte Platz schaffen; es geht dann von selbst weiter.",
            "Only {mb} MB are free on the disk of {data}: nothing new is sent. Please free some space; sending then goes on by itself."
        ));
    }
    if let Some(leap) = open.store.leap().await? {
        let minutes = leap.by_ms / 60_000;
        let to = crate::clock::timestamp(leap.at_ms);
        out.push(said!(
            "Die Uhr dieser Maschine ist um {minutes} Minuten vorgesprungen, auf {to}: Bis jemand nachsieht, läuft keine Meldung ab. Stimmt die Uhr jetzt? Dann: rundruf check --clock-is-right",
            "This machine's clock leapt forward by {minutes} minutes, to {to}: until somebody has looked, no message runs out. Is the clock right now? Then: rundruf check --clock-is-right"
        ));
    }
    Ok(out)
}

/// A person has looked at the clock.
pub async fn trust_the_clock(app: App, out: &Output) -> Result<u8, Failure> {
    let nothing = said!(
        "Die Uhr ist nicht vorgesprungen; es gibt nichts zu bestätigen.",
        "The clock did not leap; there is nothing to confirm."
    );
    let Ok(open) = app.open_existing().await? else {
        return Err(Failure::Refused(nothing));
    };
    let Some(leap) = open.store.leap().await? else {
        return Err(Failure::Refused(nothing));
    };
    let act = Act {
        at_ms: open.office.clock.now_ms(),
        actor: Open::actor(None),
        action: "clock is right".to_owned(),
        object: "store".to_owned(),
        details: json!({ "leapt_to_ms": leap.at_ms, "leapt_by_ms": leap.by_ms }),
    };
    open.store.set_leap(None, Some(&act)).await?;
    crate::store::owner::wake(&open.office.settings.data);
    out.say(&said!(
        "Danke. Meldungen, deren Frist vorbei ist, enden wieder von selbst.",
        "Thank you. Messages that are out of time end by themselves again."
    ));
    out.answer(&json!({ "clock_trusted": true }));
    Ok(0)
}
