//! Times as written: dates, clock times, moments, vague ones. Which moment they are is decided later, with the publisher's zone.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};

use super::fields::{as_table, unknown};
use super::node::{Node, Value};
use super::sink::Sink;
use super::text;
use crate::domain::draft::At;
use crate::said;

/// A point in time as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GivenTime {
    /// `"10:00"`: today.
    Clock(Time),
    /// A date: in the course of that day.
    Day(Date),
    /// Date and time in the publisher's zone.
    Local(DateTime),
    /// With an offset.
    Moment(Timestamp),
}

/// Reads what a person wrote without saying what is wrong with it.
impl std::str::FromStr for GivenTime {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        parse(text).ok_or(())
    }
}

/// As it is read.
impl std::fmt::Display for GivenTime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Clock(time) => write!(f, "{}", time.strftime("%H:%M")),
            Self::Day(date) => write!(f, "{date}"),
            Self::Local(at) => write!(f, "{at}"),
            Self::Moment(at) => write!(f, "{at}"),
        }
    }
}

/// A time with its precision, as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GivenWhen {
    /// A point in time.
    Time(GivenTime),
    /// Words, with the earliest and latest moment where known.
    Vague {
        /// The author's words.
        words: String,
        /// Not before.
        from: Option<GivenTime>,
        /// Before.
        before: Option<GivenTime>,
    },
}

/// The end of a fact, as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GivenUntil {
    /// `"further-notice"`.
    FurtherNotice,
    /// A time.
    At(GivenWhen),
    /// `{ words, at, confirm = true }`.
    Confirm {
        /// The author's words.
        words: String,
        /// When it has to be confirmed again.
        at: GivenTime,
    },
}

/// The promised next information, as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenNext {
    /// When.
    pub at: GivenWhen,
    /// Where.
    pub place: Option<String>,
}

/// A TOML date or time; `None` for one outside the calendar.
pub fn of_toml(at: &toml::value::Datetime) -> Option<GivenTime> {
    // Its text is RFC 3339, which the reader of strings knows; seconds may be missing since TOML 1.1.
    parse(&at.to_string())
}

/// Reads `10:00`, `2023-01-24`, `2023-01-24 10:00`, `2023-01-24T10:00:00+01:00`.
pub fn parse(text: &str) -> Option<GivenTime> {
    let text = text.trim();
    // jiff takes more (years of six digits, week dates); what people write is no longer than this.
    if text.len() > 40 || !text.is_ascii() || !text.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    if text.len() <= 5 || (!text.contains('-') && text.contains(':')) {
        let padded = if text.find(':') == Some(1) {
            format!("0{text}")
        } else {
            text.to_owned()
        };
        let clock = padded.contains(':').then(|| padded.parse::<Time>().ok());
        return clock.flatten().map(GivenTime::Clock);
    }
    if text.len() == 10 {
        return text.parse::<Date>().ok().map(GivenTime::Day);
    }
    if !matches!(text.as_bytes().get(10), Some(b'T' | b't' | b' ')) {
        return None;
    }
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Some(GivenTime::Moment(moment));
    }
    let time = text.get(11..)?;
    if time.contains(['+', '-', 'Z', 'z', '[']) {
        return None;
    }
    let date = text.get(..10)?.parse::<Date>().ok()?;
    Some(GivenTime::Local(date.to_datetime(time.trim().parse().ok()?)))
}

/// A point in time.
pub fn time(node: &Node, field: &str, sink: &mut Sink) -> Option<GivenTime> {
    let found = match &node.value {
        Value::Time(at) => return Some(*at),
        Value::Text(text) => parse(text),
        _ => None,
    };
    if found.is_none() {
        sink.wrong_type(
            node,
            field,
            said!(
                "eine Zeit wie \"10:00\", 2023-01-24, \"2023-01-24 10:00\" oder 2023-01-24T10:00:00+01:00",
                "a time like \"10:00\", 2023-01-24, \"2023-01-24 10:00\" or 2023-01-24T10:00:00+01:00"
            ),
        );
    }
    found
}

/// A point in time, or `{ words, from, before }`.
pub fn when(node: &Node, field: &str, sink: &mut Sink) -> Option<GivenWhen> {
    let Value::Table(entries) = &node.value else {
        return time(node, field, sink).map(GivenWhen::Time);
    };
    const KNOWN: &[&str] = &["words", "from", "before"];
    let (mut words, mut from, mut before) = (None, None, None);
    for (key, node) in entries {
        let path = format!("{field}.{}", key.name);
        match key.name.as_str() {
            "words" => words = text::line(node, &path, sink),
            "from" => from = time(node, &path, sink),
            "before" => before = time(node, &path, sink),
            _ => unknown(key, field, KNOWN, sink),
        }
    }
    need(words, node, field, "words", entries, sink).map(|words| GivenWhen::Vague { words, from, before })
}

/// `"further-notice"`, a time, a vague time, or `{ words, at, confirm }`.
pub fn until(node: &Node, field: &str, sink: &mut Sink) -> Option<GivenUntil> {
    match &node.value {
        Value::Text(word) if word.trim() == "further-notice" => {
            return Some(GivenUntil::FurtherNotice);
        }
        Value::Text(word) if parse(word).is_none() => {
            let en = super::sink::shown(word);
            sink.add(
                node.line,
                field,
                said!("Hier steht der Text \"{en}\".", "Found the text \"{en}\"."),
                said!(
                    "Erlaubt sind \"further-notice\", eine Zeit wie \"10:00\" oder 2023-01-24, und {{ words = \"…\", at = …, confirm = true }}.",
                    "Allowed are \"further-notice\", a time like \"10:00\" or 2023-01-24, and {{ words = \"…\", at = …, confirm = true }}."
                ),
            );
            return None;
        }
        Value::Table(entries) if entries.iter().any(|(k, _)| k.name == "at" || k.name == "confirm") => {
            return confirm(node, entries, field, sink);
        }
        _ => {}
    }
    when(node, field, sink).map(GivenUntil::At)
}

fn confirm(table: &Node, entries: &[(super::node::Key, Node)], field: &str, sink: &mut Sink) -> Option<GivenUntil> {
    const KNOWN: &[&str] = &["words", "at", "confirm"];
    let (mut words, mut at, mut confirm) = (None, None, false);
    for (key, node) in entries {
        let path = format!("{field}.{}", key.name);
        match key.name.as_str() {
            "words" => words = text::line(node, &path, sink),
            "at" => at = time(node, &path, sink),
            "confirm" => confirm = text::flag(node, &path, sink).unwrap_or_default(),
            _ => unknown(key, field, KNOWN, sink),
        }
    }
    let at = need(at, table, field, "at", entries, sink)?;
    if confirm {
        let words = need(words, table, field, "words", entries, sink)?;
        return Some(GivenUntil::Confirm { words, at });
    }
    // Words of the author for an end that needs no confirming: it ends before that moment.
    Some(GivenUntil::At(match words {
        Some(words) => GivenWhen::Vague {
            words,
            from: None,
            before: Some(at),
        },
        None => GivenWhen::Time(at),
    }))
}

/// `"10:00"` or `{ at, where }`.
pub fn next(node: &Node, field: &str, sink: &mut Sink) -> Option<GivenNext> {
    if !matches!(node.value, Value::Table(_)) {
        let at = GivenWhen::Time(time(node, field, sink)?);
        return Some(GivenNext { at, place: None });
    }
    const KNOWN: &[&str] = &["at", "where"];
    let entries = as_table(node, field, sink)?;
    let (mut at, mut place) = (None, None);
    for (key, node) in entries {
        let path = format!("{field}.{}", key.name);
        match key.name.as_str() {
            "at" => at = when(node, &path, sink),
            "where" => place = text::line(node, &path, sink),
            _ => unknown(key, field, KNOWN, sink),
        }
    }
    let at = need(at, node, field, "at", entries, sink)?;
    Some(GivenNext { at, place })
}

/// The value, or a fault that names the missing field (unless it is there and its own fault is already said).
fn need<T>(
    value: Option<T>,
    table: &Node,
    field: &str,
    name: &str,
    entries: &[(super::node::Key, Node)],
    sink: &mut Sink,
) -> Option<T> {
    if value.is_none() && !entries.iter().any(|(key, _)| key.name == name) {
        sink.add(
            table.line,
            field,
            said!("Es fehlt {name}.", "{name} is missing."),
            said!("Ergänzen Sie {name} = ….", "Add {name} = …."),
        );
    }
    value
}

/// A point in time with its line.
pub fn at(node: &Node, field: &str, sink: &mut Sink) -> Option<At<GivenTime>> {
    time(node, field, sink).map(|value| At { line: node.line, value })
}
