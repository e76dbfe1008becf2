//! JSON to a tree with lines. `serde_json` checks and decodes; this only walks the brackets, because `serde_json` does not
//! say where a value stood.

use serde::de::IgnoredAny;

use super::limits::MAX_DEPTH;
use super::node::{Key, Lines, Node, Value};
use super::sink::Sink;
use super::source::too_deep;
use crate::said;

/// The tree of a JSON file, or a fault in `sink`.
pub fn node(text: &str, sink: &mut Sink) -> Option<Node> {
    // Ignoring values does not recurse, so this is safe for any depth.
    if let Err(error) = serde_json::from_str::<IgnoredAny>(text) {
        let message = error.to_string();
        let cut = message.find(" at line ").unwrap_or(message.len());
        let message = message.get(..cut).unwrap_or(&message);
        sink.add(
            error.line(),
            "",
            said!("Kein gültiges JSON ({message}).", "Not valid JSON: {message}."),
            said!(
                "Prüfen Sie Kommas, Klammern und Anführungszeichen; hinter dem letzten Eintrag steht kein Komma.",
                "Check commas, brackets and quotation marks; there is no comma after the last entry."
            ),
        );
        return None;
    }
    let mut walk = Walk {
        text,
        at: 0,
        lines: Lines::of(text),
        sink,
    };
    walk.value(0)
}

/// Walks a text that is known to be valid JSON; `None` where it is too deep or has a key twice.
struct Walk<'t, 's> {
    text: &'t str,
    at: usize,
    lines: Lines,
    sink: &'s mut Sink,
}

impl Walk<'_, '_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or("")
    }

    /// The next character that is no space.
    fn peek(&mut self) -> Option<char> {
        let rest = self.rest();
        let trimmed = rest.trim_start_matches([' ', '\t', '\n', '\r']);
        let skipped = rest.len() - trimmed.len();
        let next = trimmed.chars().next();
        self.at += skipped;
        next
    }

    /// Takes `c` where it comes next.
    fn take(&mut self, c: char) -> bool {
        let there = self.peek() == Some(c);
        if there {
            self.at += c.len_utf8();
        }
        there
    }

    fn value(&mut self, depth: usize) -> Option<Node> {
        let next = self.peek()?;
        let line = self.lines.line(self.at);
        if matches!(next, '{' | '[') && depth >= MAX_DEPTH {
            too_deep(line, self.sink);
            return None;
        }
        let value = match next {
            '{' => self.table(depth)?,
            '[' => self.list(depth)?,
            _ => match self.scalar()? {
                serde_json::Value::String(text) => Value::Text(text.replace("\r\n", "\n")),
                serde_json::Value::Bool(flag) => Value::Flag(flag),
                serde_json::Value::Number(n) => n.as_i64().map_or_else(|| Value::Number(n.to_string()), Value::Whole),
                _ => Value::Nothing,
            },
        };
        Some(Node { line, value })
    }

    fn scalar(&mut self) -> Option<serde_json::Value> {
        let mut values = serde_json::Deserializer::from_str(self.rest()).into_iter::<serde_json::Value>();
        // `Some(Err)` only for numbers beyond the range of a double: there is nothing such in a notice.
        let value = values.next()?;
        let used = values.byte_offset();
        match value {
            Ok(value) => {
                self.at += used;
                Some(value)
            }
            Err(error) => {
                let line = self.lines.line(self.at);
                self.sink.add(
                    line,
                    "",
                    said!(
                        "Der Wert ist nicht zu lesen ({error}).",
                        "The value cannot be read: {error}."
                    ),
                    said!(
                        "Schreiben Sie ihn als Text in Anführungszeichen.",
                        "Write it as a text in quotation marks."
                    ),
                );
                None
            }
        }
    }

    fn list(&mut self, depth: usize) -> Option<Value> {
        let mut list = Vec::new();
        self.take('[');
        while self.peek()? != ']' {
            list.push(self.value(depth + 1)?);
            self.take(',');
        }
        self.take(']');
        Some(Value::List(list))
    }

    fn table(&mut self, depth: usize) -> Option<Value> {
        let mut entries: Vec<(Key, Node)> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        self.take('{');
        while self.peek()? != '}' {
            let line = self.lines.line(self.at);
            let serde_json::Value::String(name) = self.scalar()? else {
                return None;
            };
            if !seen.insert(name.clone()) {
                self.sink.add(
                    line,
                    &name,
                    said!(
                        "Das Feld steht zweimal da.",
                        "The field is there twice (duplicate key)."
                    ),
                    said!("Streichen Sie eines.", "Remove one."),
                );
            }
            self.take(':');
            let value = self.value(depth + 1)?;
            entries.push((Key { line, name }, value));
            self.take(',');
        }
        self.take('}');
        Some(Value::Table(entries))
    }
}
