//! Values as written, each with its place, so that an error years later still names file and line. Nothing here knows which
//! keys exist; [`super::reader`] does the reading. `Debug` shows keys only: a value may be a secret.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use crate::domain::problem::Problem;
use crate::text::said::Said;

/// Where a value stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// File as the person named it, or the name of the environment variable.
    pub source: Arc<str>,
    /// Line, from 1; `None` for the environment.
    pub line: Option<usize>,
    /// Folder that relative paths count from.
    pub dir: Arc<Path>,
    /// Came from the environment: always text, read by what is expected there.
    pub from_environment: bool,
}

impl Place {
    /// A problem at this place.
    pub fn problem(&self, field: &str, what: Said, remedy: Said) -> Problem {
        Problem {
            file: Some(self.source.to_string()),
            line: self.line,
            field: (!field.is_empty()).then(|| field.to_owned()),
            what,
            remedy,
        }
    }
}

/// A value with its place.
#[derive(Debug, Clone)]
pub struct Node {
    /// The value.
    pub value: Value,
    /// Where it stands.
    pub place: Place,
}

/// What can be written.
#[derive(Clone)]
pub enum Value {
    /// Text (also dates, which no setting has).
    Text(String),
    /// Whole number.
    Whole(i64),
    /// Broken number.
    Broken(f64),
    /// Yes or no.
    Flag(bool),
    /// List.
    List(Vec<Node>),
    /// Table.
    Table(RawTable),
}

impl Value {
    /// The type in words, for errors.
    pub fn type_words(&self) -> Said {
        let (de, en) = match self {
            Self::Text(_) => ("ein Text", "a text"),
            Self::Whole(_) => ("eine ganze Zahl", "a whole number"),
            Self::Broken(_) => ("eine gebrochene Zahl", "a number with a fraction"),
            Self::Flag(_) => ("true oder false", "true or false"),
            Self::List(_) => ("eine Liste", "a list"),
            Self::Table(_) => ("eine Tabelle", "a table"),
        };
        Said {
            de: de.to_owned(),
            en: en.to_owned(),
        }
    }
}

impl fmt::Debug for Value {
    /// Never the content: it may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Table(table) => table.fmt(f),
            Self::List(list) => write!(f, "[{} values]", list.len()),
            other => f.write_str(&other.type_words().en),
        }
    }
}

/// A table as written, with places for errors.
#[derive(Clone)]
pub struct RawTable {
    /// Dotted path from the top (`channel.sms`); empty for the whole configuration.
    pub path: String,
    /// Where its head stands.
    pub place: Place,
    /// Its keys.
    pub entries: BTreeMap<String, Node>,
}

impl RawTable {
    /// The dotted path of a key of this table.
    pub fn field(&self, key: &str) -> String {
        if self.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.path)
        }
    }

    /// A table inside this one, if there is one of that name.
    pub fn table(&self, key: &str) -> Option<&RawTable> {
        match &self.entries.get(key)?.value {
            Value::Table(table) => Some(table),
            _ => None,
        }
    }

    /// Text over all keys and values but those in `secret_keys` and their `_file` and `_env` forms: what a change of settings
    /// is seen by. Places do not count.
    pub fn canonical(&self, secret_keys: &[&str]) -> String {
        let mut out = String::new();
        write_table(self, secret_keys, &mut out);
        out
    }
}

impl fmt::Debug for RawTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.path)?;
        f.debug_set().entries(self.entries.keys()).finish()
    }
}

impl Default for RawTable {
    fn default() -> Self {
        Self {
            path: String::new(),
            place: Place {
                source: Arc::from("-"),
                line: None,
                dir: Arc::from(Path::new(".")),
                from_environment: false,
            },
            entries: BTreeMap::new(),
        }
    }
}

fn write_table(table: &RawTable, secret_keys: &[&str], out: &mut String) {
    out.push('{');
    for (key, node) in &table.entries {
        let bare = key
            .strip_suffix("_file")
            .or_else(|| key.strip_suffix("_env"))
            .unwrap_or(key);
        if secret_keys.contains(&bare) {
            continue;
        }
        out.push_str(&format!("{key:?}="));
        write_value(&node.value, secret_keys, out);
        out.push(';');
    }
    out.push('}');
}

fn write_value(value: &Value, secret_keys: &[&str], out: &mut String) {
    match value {
        Value::Text(text) => out.push_str(&format!("{text:?}")),
        Value::Whole(n) => out.push_str(&n.to_string()),
        Value::Broken(n) => out.push_str(&n.to_string()),
        Value::Flag(yes) => out.push_str(&yes.to_string()),
        Value::List(list) => {
            out.push('[');
            for node in list {
                write_value(&node.value, secret_keys, out);
                out.push(',');
            }
            out.push(']');
        }
        Value::Table(table) => write_table(table, secret_keys, out),
    }
}

/// A value out of the environment: TOML where it reads as TOML, else text.
pub(super) fn from_environment(text: &str, place: &Place) -> Value {
    fn convert(value: toml::Value, place: &Place, path: &str) -> Value {
        match value {
            toml::Value::String(text) => Value::Text(text),
            toml::Value::Integer(n) => Value::Whole(n),
            toml::Value::Float(n) => Value::Broken(n),
            toml::Value::Boolean(yes) => Value::Flag(yes),
            toml::Value::Datetime(when) => Value::Text(when.to_string()),
            toml::Value::Array(list) => Value::List(
                list.into_iter()
                    .map(|v| Node {
                        value: convert(v, place, path),
                        place: place.clone(),
                    })
                    .collect(),
            ),
            toml::Value::Table(table) => Value::Table(RawTable {
                path: path.to_owned(),
                place: place.clone(),
                entries: table
                    .into_iter()
                    .map(|(key, v)| {
                        (
                            key,
                            Node {
                                value: convert(v, place, path),
                                place: place.clone(),
                            },
                        )
                    })
                    .collect(),
            }),
        }
    }
    if text.contains('\n') {
        return Value::Text(text.to_owned());
    }
    toml::from_str::<toml::Table>(&format!("v = {text}"))
        .ok()
        .and_then(|mut table| table.remove("v"))
        .map_or_else(|| Value::Text(text.to_owned()), |v| convert(v, place, &place.source))
}
