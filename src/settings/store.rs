//! `[store]`: where the store is.

use std::path::Path;

use super::reader::Reader;
use crate::said;

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
