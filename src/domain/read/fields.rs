//! Small readers for lists, words, ids and tables.

use super::limits::MAX_LIST;
use super::node::{Key, Node, Value};
use super::sink::{Sink, shown};
use crate::ids::{RESERVED, is_slug};
use crate::said;

/// The entries of a table.
pub fn as_table<'n>(node: &'n Node, field: &str, sink: &mut Sink) -> Option<&'n [(Key, Node)]> {
    if let Value::Table(entries) = &node.value {
        return Some(entries);
    }
    sink.wrong_type(node, field, said!("eine Tabelle mit Feldern", "a table with fields"));
    None
}

/// The entries of a list, at most [`MAX_LIST`].
pub fn as_list<'n>(node: &'n Node, field: &str, example: &str, sink: &mut Sink) -> Option<&'n [Node]> {
    let Value::List(list) = &node.value else {
        sink.wrong_type(node, field, said!("eine Liste wie {example}", "a list like {example}"));
        return None;
    };
    if list.len() > MAX_LIST {
        let found = list.len();
        sink.add(
            node.line,
            field,
            said!("Die Liste hat {found} Einträge.", "The list has {found} entries."),
            said!("Erlaubt sind {MAX_LIST}.", "Allowed are {MAX_LIST}."),
        );
        return None;
    }
    Some(list)
}

/// Says that a key is not known below `field`.
pub fn unknown(key: &Key, field: &str, known: &[&str], sink: &mut Sink) {
    let name = shown(&key.name);
    let path = if field.is_empty() {
        name
    } else {
        format!("{field}.{name}")
    };
    sink.unknown_key(key, &path, known);
}

/// A word of a closed list.
pub fn word<'k>(node: &Node, field: &str, known: &[&'k str], sink: &mut Sink) -> Option<&'k str> {
    let Value::Text(text) = &node.value else {
        let list = known.join(", ");
        sink.wrong_type(node, field, said!("eines der Wörter {list}", "one of the words {list}"));
        return None;
    };
    let found = known.iter().find(|k| **k == text.trim()).copied();
    if found.is_none() {
        sink.unknown_word(node, field, text, known);
    }
    found
}

/// A list of words of a closed list, each once, in the order given.
pub fn words<'k>(node: &Node, field: &str, known: &[&'k str], sink: &mut Sink) -> Option<Vec<&'k str>> {
    let example = format!("[\"{}\"]", known.first().unwrap_or(&""));
    let mut out = Vec::new();
    for entry in as_list(node, field, &example, sink)? {
        let found = word(entry, field, known, sink)?;
        if !out.contains(&found) {
            out.push(found);
        }
    }
    Some(out)
}

/// An id of an incident, fact, place or service.
pub fn slug(node: &Node, field: &str, sink: &mut Sink) -> Option<String> {
    let Value::Text(text) = &node.value else {
        sink.wrong_type(
            node,
            field,
            said!("eine Kennung in Anführungszeichen", "an id in quotation marks"),
        );
        return None;
    };
    slug_fault(node.line, field, text, sink).then(|| text.clone())
}

/// True where `text` is an id; else says why not.
pub fn slug_fault(line: usize, field: &str, text: &str, sink: &mut Sink) -> bool {
    if is_slug(text) {
        return true;
    }
    let found = shown(text);
    let (what, remedy) = if RESERVED.contains(&text) {
        (
            said!(
                "\"{found}\" ist ein vergebenes Wort.",
                "\"{found}\" is a reserved word."
            ),
            said!(
                "Nehmen Sie eine andere Kennung, etwa \"{found}-1\".",
                "Use another id, perhaps \"{found}-1\"."
            ),
        )
    } else {
        (
            said!("\"{found}\" ist keine Kennung.", "\"{found}\" is no id."),
            said!(
                "Erlaubt sind Kleinbuchstaben a bis z, Ziffern, _ und -, höchstens 64 Zeichen, ohne Umlaute.",
                "Allowed are small letters a to z, digits, _ and -, at most 64 characters, no umlauts."
            ),
        )
    };
    sink.add(line, field, what, remedy);
    false
}

/// A list of ids, sorted, each once.
pub fn slugs(node: &Node, field: &str, sink: &mut Sink) -> Option<Vec<String>> {
    let mut out = Vec::new();
    for entry in as_list(node, field, "[\"rathaus\"]", sink)? {
        out.push(slug(entry, field, sink)?);
    }
    out.sort();
    out.dedup();
    Some(out)
}

/// A list of numbers of notices, sorted, each once.
pub fn numbers(node: &Node, field: &str, sink: &mut Sink) -> Option<Vec<u32>> {
    if let Value::Whole(n) = node.value {
        sink.add(
            node.line,
            field,
            said!("Hier steht die Zahl {n}.", "Found the number {n}."),
            said!("Schreiben Sie eine Liste: [{n}].", "Write a list: [{n}]."),
        );
        return None;
    }
    let mut out = Vec::new();
    for entry in as_list(node, field, "[1, 2]", sink)? {
        out.push(number(entry, field, 1, sink)?);
    }
    out.sort_unstable();
    out.dedup();
    Some(out)
}

/// The number of a notice, from `least` on.
pub fn number(node: &Node, field: &str, least: u32, sink: &mut Sink) -> Option<u32> {
    if let Value::Whole(n) = node.value
        && let Ok(n) = u32::try_from(n)
        && n >= least
    {
        return Some(n);
    }
    sink.wrong_type(
        node,
        field,
        said!(
            "die Nummer einer Meldung ohne Anführungszeichen, ab {least}",
            "the number of a notice without quotation marks, from {least} on"
        ),
    );
    None
}
