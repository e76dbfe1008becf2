//! Audience files: UTF-8 CSV with a head line `address`, then optionally `name`, `language`, `places` (DESIGN section 6). One is read line by line, as
//! often as it takes, because a city's inhabitants do not fit into memory.

mod census;
mod file;
mod lines;

use std::path::Path;

use crate::channel::Built;
use crate::domain::notice::Scope;
use crate::domain::problem::Problem;
use crate::said;
use crate::store::Person;
use crate::text::lang::Lang;
use crate::text::said::Said;
pub use census::Census;
pub use file::{AudienceFile, Checked, Pages, Stamp};

/// Largest audience file, bytes: beyond that somebody has taken something else for one.
const MAX_BYTES: u64 = 256 * 1024 * 1024;
/// Longest address, name or list of places, characters.
const MAX_FIELD: usize = 2_000;
/// How many faulty lines are named before reading stops.
const MAX_PROBLEMS: usize = 20;

/// A channel's idea of an address: the form in which it is compared, and whether it is one that the channel can send to.
pub type Spelled<'a> = &'a (dyn Fn(&str) -> (String, bool) + Send + Sync);

/// Goes through the audience file of a channel, which knows which spellings are one recipient: everybody once, and whether their address is one. Every
/// faulty line is named; nobody is told of where there are any.
pub fn each(path: &Path, channel: &Built, mut tell: impl FnMut(Person, bool)) -> Result<(), Vec<Problem>> {
    let file = AudienceFile::open(path)?;
    let spelled = |address: &str| channel.spelled(address);
    let checked = file.check(&spelled)?;
    let mut pages = file.pages(&checked, &spelled)?;
    while let Some((person, is_address)) = pages.next_one().map_err(|_| file.is_written())? {
        tell(person, is_address);
    }
    Ok(())
}

/// True where a notice of this scope concerns whoever follows these places; whoever follows none follows all.
pub fn concerns(places: &[String], scope: &Scope) -> bool {
    match scope {
        Scope::Named { places: named, .. } if !named.is_empty() => {
            places.is_empty() || places.iter().any(|place| named.contains(place))
        }
        _ => true,
    }
}

/// Whoever stands in a list twice follows the places of both lines; a line without places follows all.
fn follows_too(known: &mut Person, again: Person) {
    if known.places.is_empty() || again.places.is_empty() {
        known.places.clear();
        return;
    }
    for place in again.places {
        if !known.places.contains(&place) {
            known.places.push(place);
        }
    }
}

type Fault = (&'static str, Said, Said);

fn person(
    address: Option<&str>,
    name: Option<&str>,
    language: Option<&str>,
    places: Option<&str>,
) -> Result<Person, Fault> {
    let address = address.ok_or_else(|| {
        (
            "address",
            said!("Die Adresse fehlt.", "The address is missing."),
            said!("Zeile ergänzen oder löschen.", "Complete or delete the line."),
        )
    })?;
    let long = [Some(address), name, places]
        .into_iter()
        .flatten()
        .any(|f| f.chars().count() > MAX_FIELD);
    if long || address.chars().any(char::is_control) {
        return Err((
            "address",
            said!(
                "Das Feld ist zu lang oder enthält Steuerzeichen.",
                "The field is too long or has control characters."
            ),
            said!(
                "Höchstens 2000 Zeichen, keine Steuerzeichen.",
                "At most 2000 characters, no control characters."
            ),
        ));
    }
    let language = match language {
        None => None,
        Some(word) => Some(word.parse::<Lang>().map_err(|_| {
            (
                "language",
                said!("Die Sprache {word} ist unbekannt.", "The language {word} is unknown."),
                said!(
                    "Zum Beispiel de, de-simple oder en; leer heißt: die erste Sprache.",
                    "For example de, de-simple or en; empty means: the first language."
                ),
            )
        })?),
    };
    let places: Vec<String> = places
        .map(|p| p.split_whitespace().map(str::to_owned).collect())
        .unwrap_or_default();
    if let Some(bad) = places.iter().find(|p| !crate::ids::is_slug(p)) {
        return Err((
            "places",
            said!("„{bad}“ ist keine Kennung eines Ortes.", "`{bad}` is no place id."),
            said!(
                "Kennungen aus a-z, 0-9, - und _, getrennt durch Leerzeichen.",
                "Use ids of a-z, 0-9, - and _, separated by spaces."
            ),
        ));
    }
    Ok(Person {
        address: address.to_owned(),
        canonical: address.to_owned(),
        name: name.map(str::to_owned),
        language,
        places,
    })
}

fn broken(name: &str, error: &csv::Error) -> Problem {
    let line = error
        .position()
        .map(|p| usize::try_from(p.line()).unwrap_or(usize::MAX));
    problem(
        name,
        line,
        None,
        said!(
            "Die Zeile ist kein gültiges CSV in UTF-8: {error}.",
            "The line is no valid CSV in UTF-8: {error}."
        ),
        said!(
            "Jede Zeile hat so viele Felder wie die Kopfzeile, getrennt durch Kommas.",
            "Each line has as many fields as the head line, separated by commas."
        ),
    )
}

fn problem(file: &str, line: Option<usize>, field: Option<&str>, what: Said, remedy: Said) -> Problem {
    Problem {
        file: Some(file.to_owned()),
        line,
        field: field.map(str::to_owned),
        what,
        remedy,
    }
}

#[cfg(test)]
mod tests;
