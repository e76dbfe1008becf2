//! Bytes to a tree: size, encoding, and which of the two notations it is.

use super::limits::MAX_BYTES;
use super::node::Node;
use super::sink::Sink;
use super::{json, toml};
use crate::said;

/// The tree of a file, or a fault in `sink`.
pub fn node(bytes: &[u8], sink: &mut Sink) -> Option<Node> {
    if bytes.len() > MAX_BYTES {
        let (found, limit) = (bytes.len() / 1024, MAX_BYTES / 1024);
        sink.add(
            0,
            "",
            said!(
                "Die Datei ist zu groß: {found} kB, erlaubt sind {limit} kB.",
                "The file is too big: {found} kB, allowed are {limit} kB."
            ),
            said!(
                "Kürzen Sie die Texte oder teilen Sie die Meldung auf.",
                "Shorten the texts or split the notice."
            ),
        );
        return None;
    }
    // Windows editors put a byte order mark in front.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let good = bytes.get(..error.valid_up_to()).unwrap_or_default();
            let line = good.iter().filter(|&&b| b == b'\n').count() + 1;
            sink.add(
                line,
                "",
                said!(
                    "Die Datei ist nicht in UTF-8 gespeichert.",
                    "The file is not stored as UTF-8."
                ),
                said!(
                    "Speichern Sie sie im Editor mit der Kodierung UTF-8.",
                    "Store it with the encoding UTF-8 in your editor."
                ),
            );
            return None;
        }
    };
    match text.trim_start().chars().next() {
        None => {
            sink.add(
                0,
                "",
                said!("Die Datei ist leer.", "The file is empty."),
                said!(
                    "Eine Meldung braucht mindestens headline und summary.",
                    "A notice needs at least headline and summary."
                ),
            );
            None
        }
        Some('{') => json::node(text, sink),
        Some(_) => toml::node(text, sink),
    }
}

/// The fault of a file with more levels than allowed.
pub fn too_deep(line: usize, sink: &mut Sink) {
    let limit = super::limits::MAX_DEPTH;
    sink.add(
        line,
        "",
        said!(
            "Die Datei ist zu tief geschachtelt; erlaubt sind {limit} Ebenen.",
            "The file is nested too deep; allowed are {limit} levels."
        ),
        said!(
            "Tabellen und Listen einer Meldung brauchen höchstens fünf; sehen Sie nach, ob eine Klammer zu viel ist.",
            "Tables and lists of a notice need at most five; look for a bracket too many."
        ),
    );
}
