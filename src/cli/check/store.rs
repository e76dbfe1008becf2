//! The store: whether it is whole, how long it keeps what, and when it was last backed up.

use jiff::SignedDuration;
use jiff::tz::TimeZone;

use super::{Group, Line};
use crate::app::Open;
use crate::cli::host;
use crate::cli::output::Failure;
use crate::clock::{Ms, timestamp};
use crate::publication::board::day;
use crate::said;
use crate::store::Board;
use crate::text::said::Said;

/// A backup older than this is worth a word.
const OLD: SignedDuration = SignedDuration::from_hours(7 * 24);

/// A store that cannot be opened.
pub fn closed(why: Said) -> Group {
    Group::new("store", said!("Speicher", "Store"), vec![Line::wrong(why)])
}

/// How the store is: that it cannot be written, or read, is a finding as any other.
pub async fn group(open: &Open) -> Group {
    let mut lines: Vec<Line> = host::of_the_store(&open.office.settings.data)
        .map(Line::wrong)
        .into_iter()
        .collect();
    match look(open).await {
        Ok(found) => lines.extend(found),
        Err(failure) => lines.push(Line::wrong(failure.said())),
    }
    Group::new("store", said!("Speicher", "Store"), lines)
}

async fn look(open: &Open) -> Result<Vec<Line>, Failure> {
    let identity = open.store.identity().await?;
    let wrong = open.store.recount().await?;
    let (schema, instance) = (identity.schema, identity.instance);
    let mut lines = vec![if identity.moved {
        Line::wrong(said!(
            "Der Speicher ist als umgezogen vermerkt und sendet nicht. Auf der neuen Maschine weiterarbeiten, oder dort rundruf restore.",
            "The store is marked as moved and does not send. Go on at the new machine, or rundruf restore there."
        ))
    } else {
        Line::well(said!(
            "Speicher in Ordnung (Schema {schema}, Instanz {instance}).",
            "Store is fine (schema {schema}, instance {instance})."
        ))
    }];
    if !wrong.is_empty() {
        let count = wrong.len();
        lines.push(Line::wrong(said!(
            "{count} Zähler stimmen nicht mit den Zeilen überein. Bitte den Ordner sichern und den Fall melden.",
            "{count} counters differ from their rows. Please keep a copy of the folder and report it."
        )));
    }
    lines.push(retention(open).await?);
    lines.push(backup(open.store.last_backup().await?, open.office.clock.now_ms()));
    Ok(lines)
}

/// How long single results are kept, and what goes next.
async fn retention(open: &Open) -> Result<Line, Failure> {
    let Some(keep) = open.office.settings.store.keep else {
        return Ok(Line::well(said!(
            "Was aus einzelnen Zustellungen wurde, bleibt für immer gespeichert (store.keep = \"forever\"), mit Nummern und Adressen.",
            "What became of single deliveries is kept for ever (store.keep = \"forever\"), with numbers and addresses."
        )));
    };
    let now = open.office.clock.now_ms();
    let keep_ms = Ms::try_from(keep.as_millis()).unwrap_or(Ms::MAX);
    let kept = open.store.kept(now.saturating_sub(keep_ms)).await?;
    let days = keep.as_secs() / 86_400;
    let Said { mut de, mut en } = said!(
        "Was aus einzelnen Zustellungen wurde, bleibt {days} Tage nach der letzten gespeichert (store.keep), danach nur die Zahlen.",
        "What became of single deliveries is kept for {days} days after the last of them (store.keep), then only the numbers."
    );
    let mut add = |more: Said| {
        de.push_str(&more.de);
        en.push_str(&more.en);
    };
    match (kept.removing, kept.next) {
        (Some(id), _) => add(said!(" Gerade gelöscht: b{id}.", " Being deleted now: b{id}.")),
        (None, Some((id, ended_ms))) => {
            let Said { de, en } = due(ended_ms.saturating_add(keep_ms), now);
            add(said!(" Als Nächstes: b{id}, {de}.", " Next: b{id}, {en}."));
        }
        (None, None) => add(said!(" Zu löschen ist nichts.", " There is nothing to delete.")),
    }
    if !kept.held.is_empty() {
        let list: Vec<String> = kept.held.iter().map(|id| format!("b{id}")).collect();
        let list = list.join(", ");
        add(said!(
            " Länger bleibt {list}: Im selben Vorfall wartet auf dem Kanal noch etwas, oder niemand weiß, ob es ankam (rundruf status).",
            " Kept longer: {list}, because something of the same incident waits on the channel, or nobody knows whether it arrived (rundruf status)."
        ));
    }
    Ok(Line::well(Said { de, en }))
}

/// "am 12.03.2024", or that it is time.
fn due(at: Ms, now: Ms) -> Said {
    if at <= now {
        return said!(
            "sobald rundruf serve läuft und nichts zu senden ist",
            "as soon as rundruf serve is running and nothing is being sent"
        );
    }
    let Said { de, en } = day(at, &TimeZone::system());
    said!("am {de}", "on {en}")
}

fn backup(last: Option<Ms>, now: Ms) -> Line {
    let Some(last) = last else {
        return Line::note(said!(
            "Von hier ist noch keine Sicherung gemacht. Bitte: rundruf backup DATEI, und die Datei auf einen anderen Datenträger legen.",
            "No backup has been made from here. Please: rundruf backup FILE, and put the file on another disk."
        ));
    };
    let age = timestamp(now).duration_since(timestamp(last));
    let days = age.as_hours() / 24;
    if age < OLD {
        Line::well(said!(
            "Die letzte Sicherung ist {days} Tage alt.",
            "The last backup is {days} days old."
        ))
    } else {
        Line::note(said!(
            "Die letzte Sicherung ist {days} Tage alt. Bitte erneuern: rundruf backup DATEI",
            "The last backup is {days} days old. Please renew it: rundruf backup FILE"
        ))
    }
}
