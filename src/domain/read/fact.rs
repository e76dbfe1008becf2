//! The tables of facts: `[service.ID]` and the others, by their schema.

use std::collections::BTreeMap;

use serde_json::json;

use super::fields::{as_list, as_table, slug_fault, slugs, unknown, word, words};
use super::limits::MAX_FACTS;
use super::node::{Key, Node, Value};
use super::sink::{Sink, shown};
use super::{text, time};
use crate::domain::draft::{At, Given, GivenFact};
use crate::domain::schema::{Shape, Table};
use crate::said;
use crate::text::lang::Lang;

/// All facts of one table; stops with a fault where there are too many in the file.
pub fn table(table: Table, node: &Node, facts: &mut Vec<GivenFact>, sink: &mut Sink) {
    let Some(entries) = as_table(node, table.name(), sink) else {
        return;
    };
    for (key, node) in entries {
        let path = format!("{}.{}", table.name(), shown(&key.name));
        if facts.len() == MAX_FACTS {
            sink.add(
                key.line,
                &path,
                said!(
                    "Mehr als {MAX_FACTS} Fakten in einer Meldung.",
                    "More than {MAX_FACTS} facts in one notice."
                ),
                said!(
                    "Eine Meldung hat höchstens {MAX_FACTS} Fakten; teilen Sie sie auf.",
                    "A notice has at most {MAX_FACTS} facts; split it."
                ),
            );
            return;
        }
        // A field written without an id: `[service] name = "…"`.
        if !matches!(node.value, Value::Table(_)) {
            let name = table.name();
            sink.wrong_type(
                node,
                &path,
                said!(
                    "eine Tabelle mit einer Kennung: [{name}.kennung]",
                    "a table with an id: [{name}.id]"
                ),
            );
            continue;
        }
        if slug_fault(key.line, &path, &key.name, sink)
            && let Some(fact) = fact(table, key, node, &path, sink)
        {
            facts.push(fact);
        }
    }
}

fn fact(table: Table, key: &Key, node: &Node, path: &str, sink: &mut Sink) -> Option<GivenFact> {
    let mut fact = GivenFact {
        table,
        id: key.name.clone(),
        line: key.line,
        fields: BTreeMap::new(),
        texts: BTreeMap::new(),
    };
    for (key, node) in as_table(node, path, sink)? {
        let field = format!("{path}.{}", shown(&key.name));
        if key.name == "text" && (!table.has_text() || matches!(node.value, Value::Table(_))) {
            texts(table, node, &field, &mut fact.texts, sink);
            continue;
        }
        let Some((name, shape)) = table.field(&key.name) else {
            unknown(key, path, &table.keys(), sink);
            continue;
        };
        if let Some(value) = value(shape, node, &field, sink) {
            fact.fields.insert(name, At { line: node.line, value });
        }
    }
    Some(fact)
}

fn value(shape: Shape, node: &Node, field: &str, sink: &mut Sink) -> Option<Given> {
    let plain = match shape {
        Shape::Line => json!(text::line(node, field, sink)?),
        Shape::Text => json!(text::lines(node, field, sink)?),
        Shape::TextOrTime => match &node.value {
            Value::Time(at) => json!(at.to_string()),
            _ => json!(text::lines(node, field, sink)?),
        },
        Shape::Phone => json!(text::phone(node, field, sink)?),
        Shape::Mail => json!(text::mail(node, field, sink)?),
        Shape::Link => json!(text::link(node, field, sink)?),
        Shape::Word(known) => json!(word(node, field, known, sink)?),
        Shape::Words(known) => json!(words(node, field, known, sink)?),
        Shape::Flag => json!(text::flag(node, field, sink)?),
        Shape::Ids => json!(slugs(node, field, sink)?),
        Shape::Source => source(node, field, sink)?,
        Shape::Exceptions => exceptions(node, field, sink)?,
        Shape::When => return time::when(node, field, sink).map(Given::When),
        Shape::Time => return time::time(node, field, sink).map(Given::Time),
        Shape::Until => return time::until(node, field, sink).map(Given::Until),
    };
    Some(Given::Plain(plain))
}

/// `[….text.LANG]`, or `text = { de = "…", en = "…" }` where the fact has a field `text`.
fn texts(
    table: Table,
    node: &Node,
    field: &str,
    out: &mut BTreeMap<Lang, At<BTreeMap<String, String>>>,
    sink: &mut Sink,
) {
    const LANGS: &[&str] = &["de", "de-simple", "en"];
    let Value::Table(entries) = &node.value else {
        let id = field.trim_end_matches(".text");
        sink.wrong_type(
            node,
            field,
            said!(
                "eine Tabelle je Sprache: [{id}.text.en] (ein Feld text für sich hat dieser Fakt nicht)",
                "a table for each language: [{id}.text.en] (this fact has no field text of its own)"
            ),
        );
        return;
    };
    let known = table.translatable();
    for (key, node) in entries {
        let Ok(lang) = key.name.parse::<Lang>() else {
            unknown(key, field, LANGS, sink);
            continue;
        };
        let path = format!("{field}.{}", key.name);
        let mut words = BTreeMap::new();
        match &node.value {
            Value::Text(_) if table.has_text() => {
                if let Some(text) = text::lines(node, &path, sink) {
                    words.insert("text".to_owned(), text);
                }
            }
            _ => {
                for (key, node) in as_table(node, &path, sink).unwrap_or_default() {
                    let path = format!("{path}.{}", shown(&key.name));
                    if !known.contains(&key.name.as_str()) {
                        unknown(key, path.rsplit_once('.').map_or("", |(p, _)| p), &known, sink);
                        continue;
                    }
                    let one_line = table.field(&key.name).is_some_and(|(_, s)| s == Shape::Line);
                    let text = if one_line {
                        text::line(node, &path, sink)
                    } else {
                        text::lines(node, &path, sink)
                    };
                    words.extend(text.map(|text| (key.name.clone(), text)));
                }
            }
        }
        out.insert(
            lang,
            At {
                line: key.line,
                value: words,
            },
        );
    }
}

/// `{ who, function, link }`; a string is short for `who`.
fn source(node: &Node, field: &str, sink: &mut Sink) -> Option<serde_json::Value> {
    if matches!(node.value, Value::Text(_)) {
        return Some(json!({ "who": text::line(node, field, sink)? }));
    }
    const KNOWN: &[&str] = &["who", "function", "link"];
    let mut out = serde_json::Map::new();
    for (key, node) in as_table(node, field, sink)? {
        let path = format!("{field}.{}", shown(&key.name));
        let value = match key.name.as_str() {
            "who" | "function" => text::line(node, &path, sink),
            "link" => text::link(node, &path, sink),
            _ => {
                unknown(key, field, KNOWN, sink);
                continue;
            }
        };
        out.insert(key.name.clone(), json!(value?));
    }
    Some(out.into())
}

/// `[{ date = 2021-10-16, closed = true }, { date = …, hours = "8 bis 12 Uhr" }]`, by date, each day once.
fn exceptions(node: &Node, field: &str, sink: &mut Sink) -> Option<serde_json::Value> {
    const KNOWN: &[&str] = &["date", "hours", "closed"];
    let mut days = BTreeMap::new();
    for entry in as_list(node, field, "[{ date = 2023-10-31, closed = true }]", sink)? {
        let (mut date, mut hours, mut closed) = (None, None, false);
        for (key, node) in as_table(entry, field, sink)? {
            let path = format!("{field}.{}", shown(&key.name));
            match key.name.as_str() {
                "date" => match time::time(node, &path, sink)? {
                    time::GivenTime::Day(day) => date = Some(day),
                    _ => sink.wrong_type(
                        node,
                        &path,
                        said!("ein Datum ohne Uhrzeit", "a date without a clock time"),
                    ),
                },
                "hours" => hours = Some(text::line(node, &path, sink)?),
                "closed" => closed = text::flag(node, &path, sink)?,
                _ => unknown(key, field, KNOWN, sink),
            }
        }
        let what = match (date, &hours, closed) {
            (None, ..) => said!("Es fehlt date.", "date is missing."),
            (_, Some(_), true) => said!(
                "hours und closed = true widersprechen sich.",
                "hours and closed = true contradict each other."
            ),
            (_, None, false) => said!(
                "Es fehlt hours oder closed = true.",
                "hours or closed = true is missing."
            ),
            (Some(day), ..) => {
                let value = json!({ "date": day, "hours": hours, "closed": closed });
                if days.insert(day, value).is_none() {
                    continue;
                }
                said!("Der Tag {day} steht zweimal da.", "The day {day} is there twice.")
            }
        };
        sink.add(
            entry.line,
            field,
            what,
            said!(
                "Je Tag eine Ausnahme: {{ date = 2023-10-31, closed = true }} oder {{ date = 2023-10-31, hours = \"8 bis 12 Uhr\" }}.",
                "One exception a day: {{ date = 2023-10-31, closed = true }} or {{ date = 2023-10-31, hours = \"8 to 12\" }}."
            ),
        );
    }
    Some(days.into_values().collect())
}
