//! Audience files: UTF-8 CSV with a head line `address`, then optionally `name`, `language`, `places` (DESIGN section 6).

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::Path;

use crate::channel::Built;
use crate::domain::notice::Scope;
use crate::domain::problem::Problem;
use crate::said;
use crate::store::{Compared, Person};
use crate::text::lang::Lang;
use crate::text::said::Said;

/// Largest audience file read at once, bytes: two million short lines.
const MAX_BYTES: u64 = 256 * 1024 * 1024;
/// Longest address, name or list of places, characters.
const MAX_FIELD: usize = 2_000;
/// How many faulty lines are named before reading stops.
const MAX_PROBLEMS: usize = 20;

/// Reads the audience file of a channel, which knows which spellings are one recipient. Every faulty line is named; nothing is taken over from a file
/// with faults.
pub fn read(path: &Path, channel: &Built) -> Result<Vec<Person>, Vec<Problem>> {
    let name = path.display().to_string();
    let whole = |what: Said, remedy: Said| vec![problem(&name, None, None, what, remedy)];
    let unreadable = |error: std::io::Error| {
        whole(
            said!(
                "Die Datei lässt sich nicht lesen: {error}.",
                "The file cannot be read: {error}."
            ),
            said!("Bitte Pfad und Rechte prüfen.", "Please check path and permissions."),
        )
    };
    let size = std::fs::metadata(path).map_err(unreadable)?;
    if size.len() > MAX_BYTES {
        return Err(whole(
            said!("Die Datei ist größer als 256 MB.", "The file is larger than 256 MB."),
            said!(
                "Bitte auf mehrere Kanäle verteilen.",
                "Please split it over several channels."
            ),
        ));
    }
    let bytes = std::fs::read(path).map_err(unreadable)?;
    parse(&name, &bytes, &|address| channel.compared(address))
}

/// Reads the bytes of an audience file called `name`, whose addresses are compared like this.
pub fn parse(name: &str, bytes: &[u8], compared: Compared<'_>) -> Result<Vec<Person>, Vec<Problem>> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .flexible(false)
        .from_reader(bytes);
    let head = reader.headers().map_err(|e| vec![broken(name, &e)])?.clone();
    let column = |word: &str| head.iter().position(|h| h.eq_ignore_ascii_case(word));
    let Some(address) = column("address") else {
        return Err(vec![problem(
            name,
            Some(1),
            None,
            said!(
                "In der Kopfzeile fehlt die Spalte address.",
                "The head line has no column `address`."
            ),
            said!(
                "Die erste Zeile heißt zum Beispiel: address,name,language,places",
                "Make the first line, for example: address,name,language,places"
            ),
        )]);
    };
    let mut problems: Vec<Problem> = head
        .iter()
        .filter(|h| !["address", "name", "language", "places"].contains(&h.to_ascii_lowercase().as_str()))
        .map(|h| {
            problem(
                name,
                Some(1),
                Some(h),
                said!("Die Spalte {h} ist unbekannt.", "The column {h} is unknown."),
                said!(
                    "Möglich sind address, name, language, places.",
                    "Allowed are address, name, language, places."
                ),
            )
        })
        .collect();
    let (full_name, language, places) = (column("name"), column("language"), column("places"));
    let (mut people, mut seen) = (Vec::<Person>::new(), HashMap::new());
    for record in reader.records() {
        if problems.len() >= MAX_PROBLEMS {
            break;
        }
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                problems.push(broken(name, &error));
                continue;
            }
        };
        let line = record
            .position()
            .map(|p| usize::try_from(p.line()).unwrap_or(usize::MAX));
        let field = |at: Option<usize>| at.and_then(|i| record.get(i)).map(str::trim).filter(|f| !f.is_empty());
        match person(field(Some(address)), field(full_name), field(language), field(places)) {
            // The same address twice is one recipient: nobody gets a message twice because a list was merged by hand.
            Ok(mut person) => {
                person.canonical = compared(&person.address);
                match seen.entry(person.canonical.clone()) {
                    Entry::Vacant(place) => {
                        place.insert(people.len());
                        people.push(person);
                    }
                    Entry::Occupied(at) => follows_too(&mut people[*at.get()], person),
                }
            }
            Err((field, what, remedy)) => problems.push(problem(name, line, Some(field), what, remedy)),
        }
    }
    if problems.is_empty() { Ok(people) } else { Err(problems) }
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

/// Those whom a notice of this scope concerns: whoever follows no place follows all.
pub fn concerned<'p>(people: &'p [Person], scope: &'p Scope) -> impl Iterator<Item = &'p Person> {
    people.iter().filter(move |person| match scope {
        Scope::Named { places, .. } if !places.is_empty() => {
            person.places.is_empty() || person.places.iter().any(|place| places.contains(place))
        }
        _ => true,
    })
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
mod tests {
    use super::*;

    #[test]
    fn whoever_stands_there_twice_is_one_and_follows_the_places_of_both_lines() {
        let csv = "\u{feff}address,name,language,places\n+491713920001,Redaktion,de,lippetal werl\n+491713920001,,,soest werl\n";
        let people = parse("presse.csv", csv.as_bytes(), &str::to_owned).unwrap();
        assert_eq!((people.len(), people[0].name.as_deref()), (1, Some("Redaktion")));
        assert_eq!(people[0].places, ["lippetal", "werl", "soest"]);
        let everything = format!("{csv}+491713920001,,,\n");
        let people = parse("presse.csv", everything.as_bytes(), &str::to_owned).unwrap();
        assert_eq!((people.len(), people[0].places.len()), (1, 0));
    }

    #[test]
    fn names_line_and_field_of_a_fault() {
        let problems = parse(
            "presse.csv",
            b"address,language\n+491713920001,klingon\n,de\n",
            &str::to_owned,
        )
        .unwrap_err();
        assert_eq!(problems.len(), 2);
        assert_eq!(
            (problems[0].line, problems[0].field.as_deref()),
            (Some(2), Some("language"))
        );
        assert_eq!(
            (problems[1].line, problems[1].field.as_deref()),
            (Some(3), Some("address"))
        );
    }

    #[test]
    fn asks_for_the_head_line() {
        let problems = parse("presse.csv", b"+491713920001\n", &str::to_owned).unwrap_err();
        assert!(problems[0].remedy.en.contains("address,name"));
    }
}
