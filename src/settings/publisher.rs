//! `[publisher.ID]` and its imprint.

use super::quoted::quoted;
use super::raw::RawTable;
use super::reader::Reader;
use crate::domain::problem::Problem;
use crate::domain::publisher::{Imprint, Publisher};
use crate::said;
use crate::text::lang::Lang;

/// The words for languages.
pub const LANGUAGES: &[(&str, Lang)] = &[("de", Lang::De), ("de-simple", Lang::DeSimple), ("en", Lang::En)];

/// The sixteen Länder, as in `land = "BB"`.
const LAENDER: &[&str] = &[
    "BB", "BE", "BW", "BY", "HB", "HE", "HH", "MV", "NI", "NW", "RP", "SH", "SL", "SN", "ST", "TH",
];

/// Reads one publisher; whether its parent exists is asked later.
pub fn read(id: &str, table: &RawTable) -> (Publisher, Vec<Problem>) {
    let mut reader = Reader::new(table, &[]);
    let name = reader
        .required(
            "name",
            said!(
                "Schreiben Sie name = \"Stadt Beispiel\", so wie es auf der Seite stehen soll.",
                "Write name = \"City of Example\", as it shall stand on the page."
            ),
        )
        .unwrap_or_else(|| id.to_owned());
    let languages = languages(&mut reader)
        .filter(|l| !l.is_empty())
        .unwrap_or_else(|| vec![Lang::De]);
    let zone = reader.parsed(
        "timezone",
        crate::clock::zone,
        said!(
            "Erlaubt sind IANA-Namen wie \"Europe/Berlin\".",
            "Allowed are IANA names such as \"Europe/Berlin\"."
        ),
    );
    let timezone = zone
        .or_else(|| crate::clock::zone("Europe/Berlin"))
        .unwrap_or(jiff::tz::TimeZone::UTC);
    let land = reader.has("land").then(|| reader.text("land")).flatten();
    if let Some(land) = &land
        && !LAENDER.contains(&land.as_str())
    {
        reader.unknown_word("land", land, LAENDER);
    }
    let ars = reader.parsed(
        "ars",
        |written| (written.len() == 12 && written.bytes().all(|b| b.is_ascii_digit())).then(|| written.to_owned()),
        said!(
            "Der Regionalschlüssel hat 12 Ziffern, zum Beispiel \"120540000000\".",
            "The regional key has 12 digits, such as \"120540000000\"."
        ),
    );
    let own_domains = own_domains(&mut reader);
    let official = official(&mut reader);
    let imprint = imprint(&mut reader, table);
    let publisher = Publisher {
        id: id.to_owned(),
        name,
        languages,
        timezone,
        land,
        ars,
        phone: reader.text("phone"),
        own_domains,
        parent: reader.text("parent"),
        official,
        imprint,
    };
    (publisher, reader.finish())
}

/// `languages = ["de", "en"]`: known ones, none twice.
pub fn languages(reader: &mut Reader<'_>) -> Option<Vec<Lang>> {
    let written = reader.texts("languages")?;
    let mut out = Vec::new();
    for (word, _) in &written {
        match LANGUAGES.iter().find(|(known, _)| known == word) {
            Some((_, lang)) if !out.contains(lang) => out.push(*lang),
            Some(_) => reader.problem(
                "languages",
                said!(
                    "Die Sprache \"{word}\" steht doppelt.",
                    "the language \"{word}\" is there twice."
                ),
                said!("Bitte nennen Sie jede Sprache einmal.", "Name each language once."),
            ),
            None => reader.unknown_word("languages", word, &["de", "de-simple", "en"]),
        }
    }
    if written.is_empty() {
        reader.problem(
            "languages",
            said!("Die Liste der Sprachen ist leer.", "the list of languages is empty."),
            said!(
                "Mindestens eine: de, de-simple oder en. Die erste ist die, die jede Meldung haben muss.",
                "At least one of de, de-simple, en. The first is the one every notice must have."
            ),
        );
    }
    Some(out)
}

fn own_domains(reader: &mut Reader<'_>) -> Vec<String> {
    let written = reader.texts("own_domains").unwrap_or_default();
    let mut out = Vec::new();
    for (domain, _) in written {
        let domain = domain.trim().to_ascii_lowercase();
        let fine = domain.contains('.')
            && domain.len() <= 253
            && domain
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-');
        if fine {
            out.push(domain);
        } else {
            let found = quoted(&domain);
            reader.problem(
                "own_domains",
                said!("{found} ist kein Domainname.", "{found} is no domain name."),
                said!(
                    "Erlaubt sind Namen wie \"stadt.example\", ohne https:// und ohne Pfad.",
                    "Allowed are names such as \"city.example\", without https:// and without a path."
                ),
            );
        }
    }
    out
}

/// `official = ["https://…"]`: web addresses, as they are to stand on the page.
fn official(reader: &mut Reader<'_>) -> Vec<String> {
    /// More than that nobody compares.
    const MOST: usize = 10;
    let written = reader.texts("official").unwrap_or_default();
    let fine = |address: &str| {
        let url = url::Url::parse(address).ok();
        url.is_some_and(|url| matches!(url.scheme(), "http" | "https") && url.username().is_empty())
    };
    let wrong = written.iter().find(|(address, _)| !fine(address));
    if wrong.is_some() || written.len() > MOST {
        let found = wrong.map_or_else(|| written.len().to_string(), |(address, _)| quoted(address));
        reader.problem(
            "official",
            said!(
                "{found}: Hier stehen höchstens {MOST} vollständige Adressen.",
                "{found}: here stand at most {MOST} complete addresses."
            ),
            said!(
                "Zum Beispiel official = [\"https://www.stadt.example\", \"https://social.example/@stadt\"].",
                "For example official = [\"https://www.city.example\", \"https://social.example/@city\"]."
            ),
        );
        return Vec::new();
    }
    written.into_iter().map(|(address, _)| address).collect()
}

fn imprint(reader: &mut Reader<'_>, table: &RawTable) -> Option<Imprint> {
    if !reader.has("imprint") {
        return None;
    }
    reader.table("imprint")?;
    let mut inner = Reader::new(table.table("imprint")?, &[]);
    let mut field = |key: &str| {
        inner
            .required(
                key,
                said!(
                    "Ein Impressum hat name, address, represented_by, phone, email und responsible.",
                    "An imprint has name, address, represented_by, phone, email and responsible."
                ),
            )
            .unwrap_or_default()
    };
    let imprint = Imprint {
        name: field("name"),
        address: field("address"),
        represented_by: field("represented_by"),
        phone: field("phone"),
        email: field("email"),
        responsible: field("responsible"),
    };
    reader.absorb(inner.finish());
    Some(imprint)
}
