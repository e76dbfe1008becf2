//! What TOML and JSON have in common: a tree of values that know their line.

use super::time::GivenTime;

/// A value and the line it stands in, from 1.
#[derive(Debug, Clone)]
pub struct Node {
    /// The line.
    pub line: usize,
    /// The value.
    pub value: Value,
}

/// A key and the line it stands in.
#[derive(Debug, Clone)]
pub struct Key {
    /// The line.
    pub line: usize,
    /// The key.
    pub name: String,
}

/// What can stand in a file.
#[derive(Debug, Clone)]
pub enum Value {
    /// A string.
    Text(String),
    /// A whole number.
    Whole(i64),
    /// Any other number, as written.
    Number(String),
    /// `true` or `false`.
    Flag(bool),
    /// A date or time without quotation marks (TOML).
    Time(GivenTime),
    /// A list.
    List(Vec<Node>),
    /// A table; every key once, in the order of the file.
    Table(Vec<(Key, Node)>),
    /// `null` (JSON).
    Nothing,
}

impl Value {
    /// What it is, in German and English, for "found …".
    pub fn described(&self) -> (String, String) {
        match self {
            Self::Text(text) => {
                let start: String = text.chars().take(40).collect();
                let dots = if text.chars().nth(40).is_some() { "…" } else { "" };
                let start = start.escape_debug();
                (
                    format!("der Text \"{start}{dots}\""),
                    format!("the text \"{start}{dots}\""),
                )
            }
            Self::Whole(n) => (format!("die Zahl {n}"), format!("the number {n}")),
            Self::Number(n) => (format!("die Zahl {n}"), format!("the number {n}")),
            Self::Flag(f) => (format!("{f}"), format!("{f}")),
            Self::Time(_) => ("ein Zeitpunkt".to_owned(), "a date or time".to_owned()),
            Self::List(_) => ("eine Liste".to_owned(), "a list".to_owned()),
            Self::Table(_) => ("eine Tabelle".to_owned(), "a table".to_owned()),
            Self::Nothing => ("null".to_owned(), "null".to_owned()),
        }
    }
}

/// Finds lines of byte offsets.
#[derive(Debug)]
pub struct Lines(Vec<usize>);

impl Lines {
    /// Of a text.
    pub fn of(text: &str) -> Self {
        Self(
            text.bytes()
                .enumerate()
                .filter_map(|(i, b)| (b == b'\n').then_some(i))
                .collect(),
        )
    }

    /// The line of an offset, from 1.
    pub fn line(&self, offset: usize) -> usize {
        self.0.partition_point(|&end| end < offset) + 1
    }
}
