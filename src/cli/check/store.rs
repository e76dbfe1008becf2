//! The store: whether it is whole, and when it was last backed up.

use jiff::SignedDuration;

use super::{Group, Line};
use crate::app::Open;
use crate::cli::host;
use crate::cli::output::Failure;
use crate::clock::{Ms, timestamp};
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
    lines.push(backup(open.store.last_backup().await?, open.office.clock.now_ms()));
    Ok(lines)
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
