//! What the machine itself does to the sending (LANES 8): a clock that leapt, a disk that fills up. Said by `status`, and the clock's
//! leap is settled by `check --clock-is-right`.

use std::path::Path;

use jiff::SignedDuration;
use serde_json::json;

use super::output::{Failure, Output};
use crate::app::{App, Open};
use crate::clock::{Ms, timestamp};
use crate::said;
use crate::store::disk::{Disk, FLOOR};
use crate::store::{Act, Board, Lanes};
use crate::store::{owner, trouble};
use crate::text::dates::duration;
use crate::text::lang::Lang;
use crate::text::said::Said;

/// For so long a clock that went back is worth a word, ms.
const NEWS_MS: Ms = 24 * 60 * 60_000;

/// What hinders the sending now.
pub async fn troubles(open: &Open) -> Result<Vec<Said>, Failure> {
    let mut out = Vec::new();
    let data = &open.office.settings.data;
    let free = Disk::free(data)?;
    out.extend(of_the_store(data));
    if free < FLOOR {
        let (mb, data) = (free >> 20, data.display());
        out.push(said!(
            "Auf dem Datenträger von {data} sind nur noch {mb} MB frei: Es wird nichts Neues gesendet. Bitte Platz schaffen; es geht dann von selbst weiter.",
            "Only {mb} MB are free on the disk of {data}: nothing new is sent. Please free some space; sending then goes on by itself."
        ));
    }
    if let Some(leap) = open.store.leap().await? {
        let (by, to) = (long(leap.by_ms), moment(leap.at_ms));
        let (by_de, to_de, by_en, to_en) = (by.de, to.de, by.en, to.en);
        out.push(said!(
            "Die Uhr dieser Maschine ist um {by_de} vorgesprungen, auf {to_de}: Bis jemand nachsieht, läuft keine Meldung ab. Stimmt die Uhr jetzt? Dann: rundruf check --clock-is-right",
            "This machine's clock leapt forward by {by_en}, to {to_en}: until somebody has looked, no message runs out. Is the clock right now? Then: rundruf check --clock-is-right"
        ));
    }
    let now = open.office.clock.now_ms();
    let back = open.store.went_back().await?;
    if let Some(back) = back.filter(|back| (0..NEWS_MS).contains(&(now - back.at_ms))) {
        let (by, to) = (long(back.by_ms), moment(back.at_ms));
        let (by_de, to_de, by_en, to_en) = (by.de, to.de, by.en, to.en);
        out.push(said!(
            "Die Uhr dieser Maschine ist um {by_de} zurückgegangen, auf {to_de}: Was ansteht, ist mit ihr verschoben, das Senden geht weiter. Bitte nachsehen, ob sie jetzt stimmt.",
            "This machine's clock went back by {by_en}, to {to_en}: what is due has moved with it, sending goes on. Please look whether it is right now."
        ));
    }
    Ok(out)
}

/// What keeps the store from being written, or the owner from going on with it.
pub fn of_the_store(data: &Path) -> Option<Said> {
    if let Some(Said { de, en }) = trouble::unwritable(data) {
        let data = data.display();
        return Some(said!(
            "Auf dem Datenträger von {data} lässt sich nichts mehr schreiben ({de}): Es wird nichts gesendet, die Seite bleibt abrufbar. Bitte ins Systemprotokoll sehen, den Datenträger wieder beschreibbar machen und rundruf serve neu starten.",
            "Nothing can be written on the disk of {data} any more ({en}): nothing is sent, the pages stay up. Please look at the system's log, make the disk writable again and restart rundruf serve."
        ));
    }
    if let Some(note) = trouble::read(data).filter(|_| owner::is_running(data)) {
        let (since, Said { de, en }) = (moment(note.since_ms), note.said);
        let (since_de, since_en) = (since.de, since.en);
        return Some(said!(
            "rundruf serve kommt seit {since_de} mit dem Speicher nicht weiter: Was sich nicht vermerken lässt, wird nicht gesendet; die Seite bleibt abrufbar. {de}",
            "rundruf serve has been in trouble with the store since {since_en}: what cannot be written down is not sent; the pages stay up. {en}"
        ));
    }
    None
}

/// How long a jump was, to the minute: what was an hour is found a moment later.
fn long(by_ms: Ms) -> Said {
    let length = SignedDuration::from_mins((by_ms + 30_000).div_euclid(60_000));
    Said {
        de: duration(length, Lang::De),
        en: duration(length, Lang::En),
    }
}

/// A moment in this machine's own time zone.
fn moment(at_ms: Ms) -> Said {
    let at = timestamp(at_ms).to_zoned_datetime(jiff::tz::TimeZone::system());
    Said {
        de: at.strftime("%d.%m.%Y, %H:%M").to_string(),
        en: at.strftime("%Y-%m-%d %H:%M").to_string(),
    }
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
