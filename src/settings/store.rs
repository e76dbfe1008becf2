//! `[store]`: where the store is, and how long it keeps what became of single recipients.

use std::path::Path;
use std::time::Duration;

use super::reader::Reader;
use super::units;
use crate::said;

const DAY: Duration = Duration::from_secs(24 * 3_600);
/// What nobody corrects any more after that long, and hardly anybody asks about, are numbers and addresses with what somebody was told.
const KEPT: Duration = DAY.saturating_mul(90);
/// Mail servers give up after five days, unmatched delivery reports are kept for seven: until then something may still come.
const KEPT_AT_LEAST: Duration = DAY.saturating_mul(7);

/// `store.keep`: a duration of at least seven days, or "forever" (`None`).
pub fn keep(reader: &mut Reader<'_>) -> Option<Duration> {
    let parse = |written: &str| match written.trim() {
        "forever" => Some(None),
        written => units::duration(written).filter(|long| *long >= KEPT_AT_LEAST).map(Some),
    };
    let remedy = said!(
        "Erlaubt sind mindestens sieben Tage, zum Beispiel \"90d\", oder \"forever\" (für immer).",
        "Allowed are at least seven days, such as \"90d\", or \"forever\"."
    );
    reader.parsed("keep", parse, remedy).unwrap_or(Some(KEPT))
}

/// `store.url`: SQLite files, relative ones from DATA.
pub fn urls(reader: &mut Reader<'_>, data: &Path) -> Vec<String> {
    let written = reader
        .texts("url")
        .unwrap_or_else(|| vec![("sqlite:rundruf.db".to_owned(), reader.place("url"))]);
    let mut out = Vec::new();
    for (url, _) in &written {
        let path = url.strip_prefix("sqlite:").map(|rest| rest.trim_start_matches("//"));
        match path {
            Some(path) if !path.is_empty() && !path.contains('?') => {
                out.push(format!("sqlite:{}", data.join(path).display()));
            }
            // Not quoted: an address of a database may carry a password.
            _ => reader.problem(
                "url",
                said!(
                    "Diese Adresse eines Speichers kennt Rundruf nicht.",
                    "Rundruf does not know this address of a store."
                ),
                said!(
                    "Erlaubt ist \"sqlite:DATEI\", zum Beispiel \"sqlite:rundruf.db\" (ab DATA).",
                    "Allowed is \"sqlite:FILE\", such as \"sqlite:rundruf.db\" (from DATA)."
                ),
            ),
        }
    }
    if written.len() != 1 {
        reader.problem(
            "url",
            said!(
                "Ein SQLite-Speicher hat genau eine Adresse.",
                "a store on SQLite has exactly one address."
            ),
            said!("Bitte nennen Sie eine.", "Name one."),
        );
    }
    out
}
