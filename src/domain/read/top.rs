//! The top level of a notice file.

use super::fields::{as_table, number, numbers, slug, slugs, unknown, word};
use super::limits::{MAX_HEADLINE, MAX_KEY, MAX_SUMMARY};
use super::node::{Key, Node, Value};
use super::sink::{Sink, shown};
use super::{fact, text, time};
use crate::domain::draft::{At, Draft, GivenParent};
use crate::domain::notice::{Scope, Words};
use crate::domain::schema::{TOP, Table};
use crate::domain::words::{IncidentState, Kind};
use crate::ids::{is_name, is_slug};
use crate::said;
use crate::text::lang::Lang;

const WORD_KEYS: &[&str] = &["headline", "summary", "body", "short", "checked_by"];

/// The draft of a file; faults in `sink`.
pub fn draft(root: &Node, sink: &mut Sink) -> Option<Draft> {
    let entries = as_table(root, "", sink)?;
    let mut draft = Draft {
        file: sink.file().to_owned(),
        ..Draft::default()
    };
    for (key, node) in entries {
        entry(&mut draft, key, node, sink);
    }
    for need in ["headline", "summary"] {
        if !entries.iter().any(|(key, _)| key.name == need) {
            sink.add(
                0,
                need,
                said!("Es fehlt {need}.", "{need} is missing."),
                said!(
                    "Eine Meldung braucht headline und summary ganz oben, vor der ersten [Tabelle].",
                    "A notice needs headline and summary at the top, before the first [table]."
                ),
            );
        }
    }
    Some(draft)
}

fn entry(draft: &mut Draft, key: &Key, node: &Node, sink: &mut Sink) {
    let name = key.name.as_str();
    fn placed<T>(node: &Node, value: Option<T>) -> Option<At<T>> {
        value.map(|value| At { line: node.line, value })
    }
    match name {
        "publisher" => draft.publisher = placed(node, publisher(node, sink)),
        "incident" => draft.incident = placed(node, slug(node, name, sink)),
        "kind" => {
            let found = word(node, name, Kind::WORDS, sink).and_then(Kind::parse);
            draft.kind = placed(node, found);
        }
        "state" => {
            let found = word(node, name, IncidentState::WORDS, sink).and_then(IncidentState::parse);
            draft.state = placed(node, found);
        }
        "exercise" => draft.exercise = placed(node, text::flag(node, name, sink)),
        "title" => {
            draft.title = placed(node, text::bounded(node, name, MAX_HEADLINE, sink));
        }
        "parent" => draft.parent = placed(node, parent(node, sink)),
        "headline" | "summary" | "body" | "short" => word_field(&mut draft.words, key, node, name, sink),
        "text" => texts(draft, node, sink),
        "scope" => draft.scope = placed(node, scope(node, sink)),
        "at" => draft.at = placed(node, time::when(node, name, sink)),
        "since" => draft.since = placed(node, time::when(node, name, sink)),
        "as_of" => draft.as_of = time::at(node, name, sink),
        "next" => draft.next = placed(node, time::next(node, name, sink)),
        "replaces" => draft.replaces = placed(node, numbers(node, name, sink)),
        "takes_back" => draft.takes_back = placed(node, numbers(node, name, sink)),
        "corrects" => draft.corrects = placed(node, numbers(node, name, sink)),
        "urgent" => draft.urgent = text::flag(node, name, sink).unwrap_or_default(),
        "cleared_with" => draft.cleared_with = text::line(node, name, sink),
        "key" => draft.key = text::bounded(node, name, MAX_KEY, sink),
        "after" => draft.after = number(node, name, 0, sink),
        _ => match Table::named(name) {
            Some(table) => fact::table(table, node, &mut draft.facts, sink),
            None => {
                let tables = Table::ALL.iter().map(|table| table.name());
                let known: Vec<&str> = TOP.iter().map(|key| key.name).chain(tables).collect();
                unknown(key, "", &known, sink);
            }
        },
    }
}

fn word_field(words: &mut Words, key: &Key, node: &Node, path: &str, sink: &mut Sink) {
    match key.name.as_str() {
        "headline" => {
            words.headline = text::bounded(node, path, MAX_HEADLINE, sink).unwrap_or_default();
        }
        "summary" => {
            let text = text::lines(node, path, sink);
            let text = text.and_then(|t| text::within(node, path, t, MAX_SUMMARY, sink));
            words.summary = text.unwrap_or_default();
        }
        "body" => words.body = text::lines(node, path, sink),
        "short" => words.short = text::line(node, path, sink),
        _ => words.checked_by = text::line(node, path, sink),
    }
}

/// `[text.LANG]`.
fn texts(draft: &mut Draft, node: &Node, sink: &mut Sink) {
    let langs = Lang::ALL.map(Lang::tag);
    for (key, node) in as_table(node, "text", sink).unwrap_or_default() {
        let path = format!("text.{}", shown(&key.name));
        let Ok(lang) = key.name.parse::<Lang>() else {
            unknown(key, "text", &langs, sink);
            continue;
        };
        let Some(entries) = as_table(node, &path, sink) else {
            continue;
        };
        let mut words = Words::default();
        for (key, node) in entries {
            if WORD_KEYS.contains(&key.name.as_str()) {
                word_field(&mut words, key, node, &format!("{path}.{}", key.name), sink);
            } else {
                unknown(key, &path, WORD_KEYS, sink);
            }
        }
        // What is missing is shown in the first language; something has to be there.
        if !entries.iter().any(|(key, _)| key.name != "checked_by") {
            sink.add(
                key.line,
                &path,
                said!("Hier steht kein Text.", "There is no text here."),
                said!(
                    "Schreiben Sie headline und summary (oder short), oder streichen Sie [{path}], dann wird die erste Sprache gezeigt.",
                    "Write headline and summary (or short), or remove [{path}], then the first language is shown."
                ),
            );
        }
        draft.texts.insert(
            lang,
            At {
                line: key.line,
                value: words,
            },
        );
    }
}

fn publisher(node: &Node, sink: &mut Sink) -> Option<String> {
    let found = text::bounded(node, "publisher", 64, sink)?;
    if !is_name(&found) {
        let shown = shown(&found);
        sink.add(
            node.line,
            "publisher",
            said!(
                "\"{shown}\" ist keine Kennung eines Herausgebers.",
                "\"{shown}\" is no id of a publisher."
            ),
            said!(
                "Erlaubt sind Kleinbuchstaben a bis z, Ziffern und _, wie in channels.toml unter [publisher.…].",
                "Allowed are small letters a to z, digits and _, as in channels.toml under [publisher.…]."
            ),
        );
        return None;
    }
    Some(found)
}

fn parent(node: &Node, sink: &mut Sink) -> Option<GivenParent> {
    let found = text::bounded(node, "parent", 130, sink)?;
    match found.split_once('/') {
        Some((publisher, incident)) if is_name(publisher) && is_slug(incident) => Some(GivenParent {
            publisher: publisher.to_owned(),
            incident: incident.to_owned(),
        }),
        _ => {
            let shown = shown(&found);
            sink.add(
                node.line,
                "parent",
                said!("\"{shown}\" nennt keinen Vorfall.", "\"{shown}\" names no incident."),
                said!(
                    "Schreiben Sie herausgeber/vorfall, etwa \"provider/2023-10-sit\".",
                    "Write publisher/incident, like \"provider/2023-10-sit\"."
                ),
            );
            None
        }
    }
}

fn scope(node: &Node, sink: &mut Sink) -> Option<Scope> {
    const KNOWN: &[&str] = &["places", "services"];
    let Value::Table(entries) = &node.value else {
        return word(node, "scope", &["all"], sink).map(|_| Scope::All);
    };
    let (mut places, mut services) = (Some(Vec::new()), Some(Vec::new()));
    for (key, node) in entries {
        match key.name.as_str() {
            "places" => places = slugs(node, "scope.places", sink),
            "services" => services = slugs(node, "scope.services", sink),
            _ => unknown(key, "scope", KNOWN, sink),
        }
    }
    let (places, services) = (places?, services?);
    if places.is_empty() && services.is_empty() {
        sink.add(
            node.line,
            "scope",
            said!(
                "Es ist weder ein Ort noch ein Dienst genannt.",
                "Neither a place nor a service is named."
            ),
            said!(
                "Nennen Sie mindestens einen, oder schreiben Sie scope = \"all\".",
                "Name at least one, or write scope = \"all\"."
            ),
        );
        return None;
    }
    Some(Scope::Named { places, services })
}
