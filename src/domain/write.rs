//! The reverse of [`super::read`]: a fact as it would stand in a notice file, for a form that a person goes on writing. Its
//! as-of is left out: who gives a fact again says it anew.

use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::publisher::Publisher;
use super::schema::{COMMON, Shape, Table};
use super::when::{Until, When};
use crate::text::basic::toml_string;
use crate::text::lang::Lang;

/// The lines of a fact: `[service.online]`, then its fields in the order of the documentation. Words in languages that the
/// publisher does not have any more are left out; a notice with them would be refused.
pub fn fact<T: Serialize>(table: Table, id: &str, fact: &T, publisher: &Publisher) -> Vec<String> {
    let mut lines = vec![format!("[{}.{id}]", table.name())];
    // Facts are structs with string keys, so this is always a map.
    let Ok(Value::Object(fields)) = serde_json::to_value(fact) else {
        return lines;
    };
    let text = words(table, &fields, publisher);
    for (name, shape) in table.fields().iter().chain(COMMON) {
        if matches!(*name, "as_of" | "ended") || *name == "text" && text.is_some() {
            continue;
        }
        if let Some(written) = fields.get(*name).and_then(|value| value_of(*shape, value, publisher)) {
            lines.push(format!("{name} = {written}"));
        }
    }
    lines.extend(text);
    lines
}

/// A value by its shape; `None` where there is nothing to write.
fn value_of(shape: Shape, value: &Value, publisher: &Publisher) -> Option<String> {
    fn read<T: DeserializeOwned>(value: &Value) -> Option<T> {
        serde_json::from_value(value.clone()).ok()
    }
    let texts = || Some(value.as_array()?.iter().filter_map(Value::as_str).map(toml_string));
    Some(match shape {
        Shape::Line | Shape::Text | Shape::TextOrTime | Shape::Phone | Shape::Mail | Shape::Link | Shape::Word(_) => {
            toml_string(value.as_str()?)
        }
        Shape::Words(_) | Shape::Ids => format!("[{}]", texts()?.collect::<Vec<_>>().join(", ")),
        Shape::Flag => value.as_bool()?.to_string(),
        Shape::When => when(&read(value)?, publisher),
        Shape::Time => moment(read(value)?, publisher),
        Shape::Until => until(&read(value)?, publisher),
        Shape::Source => inline(value.as_object()?),
        Shape::Exceptions => {
            let days = value.as_array()?.iter().filter_map(Value::as_object).map(exception);
            format!("[{}]", days.collect::<Vec<_>>().join(", "))
        }
    })
}

/// The words of a fact in several languages, on one line; `None` where it has those of the first language only.
fn words(table: Table, fields: &Map<String, Value>, publisher: &Publisher) -> Option<String> {
    let known = |tag: &str| {
        tag.parse::<Lang>()
            .is_ok_and(|lang| publisher.languages.contains(&lang))
    };
    let mut parts: Vec<String> = fields
        .get("translations")?
        .as_object()?
        .iter()
        .filter(|(tag, _)| known(tag))
        .filter_map(|(tag, words)| Some(format!("{tag} = {}", inline(words.as_object()?))))
        .collect();
    if parts.is_empty() {
        return None;
    }
    // Where a fact has a text of its own, both stand under one name.
    if let Some(own) = fields.get("text").and_then(Value::as_str).filter(|_| table.has_text()) {
        parts.insert(0, format!("{} = {}", publisher.first_language(), toml_string(own)));
    }
    Some(format!("text = {{ {} }}", parts.join(", ")))
}

/// A table of texts in braces.
fn inline(fields: &Map<String, Value>) -> String {
    let fields = fields
        .iter()
        .filter_map(|(name, text)| Some(format!("{name} = {}", toml_string(text.as_str()?))));
    format!("{{ {} }}", fields.collect::<Vec<_>>().join(", "))
}

fn exception(day: &Map<String, Value>) -> String {
    let date = day.get("date").and_then(Value::as_str).unwrap_or_default();
    match day.get("hours").and_then(Value::as_str) {
        Some(hours) => format!("{{ date = {date}, hours = {} }}", toml_string(hours)),
        None => format!("{{ date = {date}, closed = true }}"),
    }
}

/// A moment as the publisher's clock shows it, with its offset.
fn moment(at: Timestamp, publisher: &Publisher) -> String {
    at.to_zoned_datetime(publisher.timezone.clone())
        .strftime("%Y-%m-%dT%H:%M:%S%.f%:z")
        .to_string()
}

fn when(when: &When, publisher: &Publisher) -> String {
    match when {
        When::Exact { at } => moment(*at, publisher),
        When::Day { date } => date.to_string(),
        When::Vague { words, from, before } => {
            let bound = |name: &str, at: &Option<Timestamp>| {
                at.map(|at| format!(", {name} = {}", moment(at, publisher)))
                    .unwrap_or_default()
            };
            let (words, from, before) = (toml_string(words), bound("from", from), bound("before", before));
            format!("{{ words = {words}{from}{before} }}")
        }
    }
}

fn until(until: &Until, publisher: &Publisher) -> String {
    match until {
        Until::At { when: at } => when(at, publisher),
        Until::FurtherNotice => "\"further-notice\"".to_owned(),
        Until::Confirm { words, at } => {
            let (words, at) = (toml_string(words), moment(*at, publisher));
            format!("{{ words = {words}, at = {at}, confirm = true }}")
        }
    }
}
