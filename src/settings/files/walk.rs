//! From the TOML of one file to the values that are merged: each with its line, each section noted where it is defined.

use std::path::Path;
use std::sync::Arc;

use config::{Map, Value as Merged, ValueKind};
use toml::de::{DeTable, DeValue};

use super::{Book, NAMED, Parsed, SINGLE, line_of, no_section};
use crate::domain::problem::Problem;
use crate::said;
use crate::settings::quoted::quoted;
use crate::settings::raw::Place;

/// What may stand at the top of a file.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Top {
    Sections,
    Anything,
}

/// Reads one file of a configuration; the book learns where its sections stand.
pub(super) fn parse(path: &Path, name: Arc<str>, text: &str, book: &mut Book) -> Result<Parsed, Vec<Problem>> {
    walk(path, name, text, book, Top::Sections)
}

/// Reads a file that is no configuration: any key may stand at its top.
pub(super) fn values(path: &Path, name: Arc<str>, text: &str, book: &mut Book) -> Result<Parsed, Vec<Problem>> {
    walk(path, name, text, book, Top::Anything)
}

fn walk(path: &Path, name: Arc<str>, text: &str, book: &mut Book, top: Top) -> Result<Parsed, Vec<Problem>> {
    let dir: Arc<Path> = Arc::from(path.parent().unwrap_or(Path::new("")));
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut problems: Vec<Problem> = errors
        .iter()
        .map(|error| {
            // Only the parser's own words: the line itself may hold a secret.
            let message = error.message();
            Problem {
                file: Some(name.to_string()),
                line: error.span().map(|span| line_of(text.as_bytes(), span.start)),
                field: None,
                what: said!(
                    "Das ist kein gültiges TOML: {message}.",
                    "this is not valid TOML: {message}."
                ),
                remedy: said!(
                    "Bitte prüfen Sie Anführungszeichen, Klammern und doppelte Namen an dieser Stelle.",
                    "Check quotation marks, brackets and doubled names at this place."
                ),
            }
        })
        .collect();
    if problems.is_empty() {
        book.files.push((name.clone(), dir.clone()));
        let mut walk = Walk {
            text,
            name,
            dir,
            index: book.files.len() - 1,
            book,
            problems: Vec::new(),
        };
        let map = walk.table("", table.get_ref());
        if top == Top::Sections {
            walk.definitions(table.get_ref());
        }
        problems = walk.problems;
        if problems.is_empty() {
            return Ok(Parsed(map));
        }
    }
    Err(problems)
}

struct Walk<'a> {
    text: &'a str,
    name: Arc<str>,
    dir: Arc<Path>,
    index: usize,
    book: &'a mut Book,
    problems: Vec<Problem>,
}

impl Walk<'_> {
    fn place(&self, at: usize) -> Place {
        Place {
            source: self.name.clone(),
            line: Some(line_of(self.text.as_bytes(), at)),
            dir: self.dir.clone(),
            from_environment: false,
        }
    }

    fn table(&mut self, path: &str, table: &DeTable<'_>) -> Map<String, Merged> {
        let mut map = Map::new();
        for (key, value) in table {
            let at = key.span().start;
            let key = key.get_ref();
            let inner = if path.is_empty() {
                key.to_string()
            } else {
                format!("{path}.{key}")
            };
            if key.is_empty() || !key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-') {
                let shown = quoted(key);
                self.problems.push(self.place(at).problem(
                    path,
                    said!(
                        "Der Name {shown} enthält Zeichen, die kein Name hat.",
                        "the name {shown} has characters no name has."
                    ),
                    said!(
                        "Erlaubt sind a–z, 0–9 und der Unterstrich.",
                        "Allowed are a to z, 0 to 9 and the underscore."
                    ),
                ));
                continue;
            }
            let merged = self.value(&inner, at, value.get_ref());
            map.insert(key.to_string(), merged);
        }
        map
    }

    fn value(&mut self, path: &str, at: usize, value: &DeValue<'_>) -> Merged {
        let origin = format!("{}:{}", self.index, line_of(self.text.as_bytes(), at));
        let kind = match value {
            DeValue::String(text) => ValueKind::String(text.to_string()),
            DeValue::Integer(n) => match i64::from_str_radix(n.as_str(), n.radix()) {
                Ok(n) => ValueKind::I64(n),
                Err(_) => ValueKind::Float(f64::INFINITY),
            },
            DeValue::Float(n) => ValueKind::Float(n.as_str().parse().unwrap_or(f64::NAN)),
            DeValue::Boolean(yes) => ValueKind::Boolean(*yes),
            DeValue::Datetime(when) => ValueKind::String(when.to_string()),
            DeValue::Array(list) => ValueKind::Array(
                list.iter()
                    .enumerate()
                    .map(|(n, v)| self.value(&format!("{path}[{n}]"), v.span().start, v.get_ref()))
                    .collect(),
            ),
            DeValue::Table(table) => {
                let place = self.place(at);
                self.book.tables.entry(path.to_owned()).or_insert(place);
                ValueKind::Table(self.table(path, table))
            }
        };
        Merged::new(Some(&origin), kind)
    }

    /// Notes the tables this file defines; one that another file has is an error naming both.
    fn definitions(&mut self, table: &DeTable<'_>) {
        for (key, value) in table {
            let at = key.span().start;
            let key = key.get_ref().as_ref();
            if SINGLE.contains(&key) {
                self.define(key.to_owned(), at);
            } else if NAMED.contains(&key) {
                if let DeValue::Table(inner) = value.get_ref() {
                    for (name, _) in inner {
                        self.define(format!("{key}.{}", name.get_ref()), name.span().start);
                    }
                }
            } else {
                self.problems.push(no_section(&self.place(at), key));
            }
        }
    }

    fn define(&mut self, path: String, at: usize) {
        let here = self.place(at);
        let Some(first) = self.book.definitions.get(&path) else {
            self.book.definitions.insert(path, here);
            return;
        };
        let (file, line) = (first.source.clone(), first.line.unwrap_or(1));
        let name = here.source.clone();
        self.problems.push(here.problem(
            &path,
            said!(
                "[{path}] steht schon in {file}:{line} und noch einmal in {name}.",
                "[{path}] is in {file}:{line} already and again in {name}."
            ),
            said!(
                "Jeder Abschnitt darf nur in einer Datei stehen; bitte führen Sie beide zusammen.",
                "A section may stand in one file only; put both together."
            ),
        ));
    }
}
