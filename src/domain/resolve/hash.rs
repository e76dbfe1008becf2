//! The hash of a notice as written (LANES 2): the default idempotency key.

use std::fmt::Write;

use base16ct::lower::encode_string as hex;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::domain::draft::Draft;
use crate::domain::notice::Notice;

/// SHA-256 over what the author gave, as hex. `notice` holds the resolved times and facts. Left out: publisher and incident
/// (the key counts within the incident, however it was found), `key` and `after` (they are about the act), and every field
/// that was not given.
pub fn of(draft: &Draft, notice: &Notice) -> String {
    let texts = |given: bool, value: Value| if given { value } else { Value::Null };
    let content = json!({
        "kind": draft.kind.as_ref().map(|at| at.value),
        "state": draft.state.as_ref().map(|at| at.value),
        "exercise": draft.exercise.as_ref().map(|at| at.value),
        "title": draft.title.as_ref().map(|at| &at.value),
        "parent": notice.parent,
        "words": notice.words,
        "scope": texts(draft.scope.is_some(), json!(notice.scope)),
        "at": notice.at,
        "since": notice.since,
        "as_of": texts(draft.as_of.is_some(), json!(notice.as_of)),
        "next": notice.next,
        "replaces": notice.replaces,
        "takes_back": notice.takes_back,
        "corrects": notice.corrects,
        "urgent": notice.urgent,
        "cleared_with": notice.cleared_with,
        "facts": notice.facts,
    });
    let mut text = String::from("rundruf notice 1\n");
    canonical(&content, &mut text);
    hex(&Sha256::digest(text.as_bytes()))
}

/// Keys sorted, nothing between them, `null` left out of tables.
fn canonical(value: &Value, out: &mut String) {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().filter(|(_, v)| !v.is_null()).collect();
            entries.sort_by_key(|(key, _)| *key);
            out.push('{');
            for (key, value) in entries {
                string(key, out);
                out.push(':');
                canonical(value, out);
                out.push(',');
            }
            out.push('}');
        }
        Value::Array(list) => {
            out.push('[');
            for value in list {
                canonical(value, out);
                out.push(',');
            }
            out.push(']');
        }
        Value::String(text) => string(text, out),
        Value::Null | Value::Bool(_) | Value::Number(_) => {
            let _ = write!(out, "{value}");
        }
    }
}

/// As JSON has it.
fn string(text: &str, out: &mut String) {
    // A text can always be written.
    out.push_str(&serde_json::to_string(text).unwrap_or_default());
}
