//! Typed reading of a [`RawTable`]: every getter remembers the key it took, `finish` reports the keys nobody asked for, with
//! the nearest known name. All problems are collected; a getter that finds one answers `None`.

mod numbers;

use std::collections::BTreeSet;
use std::path::PathBuf;

use url::Url;

use super::quoted::quoted;
use super::raw::{Node, Place, RawTable, Value, from_environment};
use crate::domain::problem::Problem;
use crate::said;
use crate::text::near::nearest;
use crate::text::said::Said;

/// Reads one table and remembers what it took.
#[derive(Debug)]
pub struct Reader<'a> {
    pub(super) table: &'a RawTable,
    pub(super) known: BTreeSet<String>,
    problems: Vec<Problem>,
}

impl<'a> Reader<'a> {
    /// A reader of `table`; `known` are keys somebody else reads.
    pub fn new(table: &'a RawTable, known: &[&str]) -> Self {
        Self {
            table,
            known: known.iter().map(|k| (*k).to_owned()).collect(),
            problems: Vec::new(),
        }
    }

    /// Where a key stands, or the table's head where it is missing.
    pub fn place(&self, key: &str) -> Place {
        self.table
            .entries
            .get(key)
            .map_or(&self.table.place, |node| &node.place)
            .clone()
    }

    /// True where the key is written. Counts as known from now on.
    pub fn has(&mut self, key: &str) -> bool {
        self.node(key).is_some()
    }

    /// Adds a problem at a key (or, where it is missing, at the table's head).
    pub fn problem(&mut self, key: &str, what: Said, remedy: Said) {
        let field = if key.is_empty() {
            self.table.path.clone()
        } else {
            self.table.field(key)
        };
        let problem = self.place(key).problem(&field, what, remedy);
        self.problems.push(problem);
    }

    fn node(&mut self, key: &str) -> Option<&'a Node> {
        self.known.insert(key.to_owned());
        self.table.entries.get(key)
    }

    /// The value under a key; what came from the environment is read as TOML where it is no text that is wanted.
    fn typed(&mut self, key: &str) -> Option<Value> {
        let node = self.node(key)?;
        match &node.value {
            Value::Text(text) if node.place.from_environment => Some(from_environment(text, &node.place)),
            value => Some(value.clone()),
        }
    }

    fn wrong_type(&mut self, key: &str, found: &Value, wanted: Said) {
        let found = found.type_words();
        self.problem(
            key,
            Said {
                de: format!("Hier steht {}.", found.de),
                en: format!("here is {}.", found.en),
            },
            Said {
                de: format!("Erwartet wird {}.", wanted.de),
                en: format!("Expected is {}.", wanted.en),
            },
        );
    }

    /// Text, not empty.
    pub fn text(&mut self, key: &str) -> Option<String> {
        let node = self.node(key)?;
        match &node.value {
            Value::Text(text) if !text.trim().is_empty() => Some(text.clone()),
            Value::Text(_) => {
                self.problem(
                    key,
                    said!("Der Wert ist leer.", "the value is empty."),
                    said!(
                        "Tragen Sie etwas ein oder lassen Sie die Zeile weg.",
                        "Fill it in or leave the line out."
                    ),
                );
                None
            }
            other => {
                self.wrong_type(
                    key,
                    &other.clone(),
                    said!("ein Text in Anführungszeichen", "a text in quotation marks"),
                );
                None
            }
        }
    }

    /// Text that must be there; `remedy` says what to write.
    pub fn required(&mut self, key: &str, remedy: Said) -> Option<String> {
        if self.has(key) {
            return self.text(key);
        }
        self.missing(key, remedy);
        None
    }

    /// Reports a key that must be there.
    pub fn missing(&mut self, key: &str, remedy: Said) {
        self.problem(
            key,
            said!("Die Angabe {key} fehlt.", "the key {key} is missing."),
            remedy,
        );
    }

    /// `true` or `false`.
    pub fn flag(&mut self, key: &str) -> Option<bool> {
        match self.typed(key)? {
            Value::Flag(yes) => Some(yes),
            other => {
                self.wrong_type(
                    key,
                    &other,
                    said!(
                        "true oder false, ohne Anführungszeichen",
                        "true or false, without quotation marks"
                    ),
                );
                None
            }
        }
    }

    /// Text read by `parse`; `remedy` says what is allowed.
    pub fn parsed<T>(&mut self, key: &str, parse: impl Fn(&str) -> Option<T>, remedy: Said) -> Option<T> {
        let written = self.text(key)?;
        let parsed = parse(&written);
        if parsed.is_none() {
            let found = quoted(&written);
            self.problem(
                key,
                said!(
                    "{found} ist hier nicht verständlich.",
                    "{found} is not understood here."
                ),
                remedy,
            );
        }
        parsed
    }

    /// One of a closed list of words.
    pub fn word<T: Copy>(&mut self, key: &str, words: &[(&str, T)]) -> Option<T> {
        let written = self.text(key)?;
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == written) {
            return Some(*value);
        }
        let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        self.unknown_word(key, &written, &names);
        None
    }

    /// Reports a word that is none of `names`.
    pub fn unknown_word(&mut self, key: &str, written: &str, names: &[&str]) {
        let (found, list) = (quoted(written), names.join(", "));
        let (de, en) = hint(written, names.iter().copied());
        self.problem(
            key,
            said!("{found} gibt es hier nicht.{de}", "there is no {found} here.{en}"),
            said!("Erlaubt sind: {list}.", "Allowed are: {list}."),
        );
    }

    /// A list of texts with their places; a single text counts as a list of one.
    pub fn texts(&mut self, key: &str) -> Option<Vec<(String, Place)>> {
        let place = self.place(key);
        match self.typed(key)? {
            Value::Text(text) => Some(vec![(text, place)]),
            Value::List(list) => {
                let mut out = Vec::new();
                for node in list {
                    match node.value {
                        Value::Text(text) => out.push((text, node.place)),
                        other => {
                            self.wrong_type(key, &other, said!("eine Liste von Texten", "a list of texts"));
                            return None;
                        }
                    }
                }
                Some(out)
            }
            other => {
                self.wrong_type(key, &other, said!("eine Liste von Texten", "a list of texts"));
                None
            }
        }
    }

    /// A list of anything, with places.
    pub fn list(&mut self, key: &str) -> Option<Vec<Node>> {
        let place = self.place(key);
        match self.typed(key)? {
            Value::List(list) => Some(list),
            value @ (Value::Text(_) | Value::Table(_)) => Some(vec![Node { value, place }]),
            other => {
                self.wrong_type(key, &other, said!("eine Liste", "a list"));
                None
            }
        }
    }

    /// A table.
    pub fn table(&mut self, key: &str) -> Option<RawTable> {
        match self.typed(key)? {
            Value::Table(table) => Some(table),
            other => {
                self.wrong_type(
                    key,
                    &other,
                    said!(
                        "eine Tabelle in geschweiften Klammern oder mit eigener Überschrift",
                        "a table in braces or with a heading of its own"
                    ),
                );
                None
            }
        }
    }

    /// A web address of one of `schemes`, without user and password.
    pub fn url(&mut self, key: &str, schemes: &[&str]) -> Option<Url> {
        let allowed = schemes.join(", ");
        let parse = |written: &str| {
            let url = Url::parse(written.trim()).ok()?;
            let fine = schemes.contains(&url.scheme()) && url.host_str().is_some_and(|h| !h.is_empty());
            fine.then_some(url)
        };
        let written = self.text(key)?;
        let Some(url) = parse(&written) else {
            // The address is not quoted: it may carry a password.
            self.problem(
                key,
                said!("Das ist keine vollständige Adresse.", "this is no complete address."),
                said!(
                    "Erlaubt sind Adressen mit {allowed}, zum Beispiel https://info.stadt.example.",
                    "Allowed are addresses with {allowed}, such as https://info.city.example."
                ),
            );
            return None;
        };
        if !url.username().is_empty() || url.password().is_some() {
            self.problem(key, said!("In der Adresse stehen Zugangsdaten.", "the address carries credentials."), said!("Bitte tragen Sie Name und Passwort als eigene Angaben ein (username, password_file oder token_env).", "Put name and password into keys of their own (username, password_file or token_env)."));
            return None;
        }
        Some(url)
    }

    /// A path; a relative one counts from the folder of the file it stands in.
    pub fn path(&mut self, key: &str) -> Option<PathBuf> {
        let written = self.text(key)?;
        Some(self.place(key).dir.join(written))
    }

    /// Marks keys as known without reading them.
    pub fn ignore(&mut self, keys: &[&str]) {
        self.known.extend(keys.iter().map(|k| (*k).to_owned()));
    }

    /// Takes over problems found elsewhere.
    pub fn absorb(&mut self, problems: Vec<Problem>) {
        self.problems.extend(problems);
    }

    /// The problems so far, without a word on keys nobody asked for.
    pub fn into_problems(self) -> Vec<Problem> {
        self.problems
    }

    /// All problems; also every key nobody asked for.
    pub fn finish(mut self) -> Vec<Problem> {
        let unknown: Vec<&String> = self
            .table
            .entries
            .keys()
            .filter(|key| !self.known.contains(*key))
            .collect();
        for key in unknown {
            let (found, list) = (
                quoted(key),
                self.known
                    .iter()
                    .map(String::as_str)
                    .filter(|k| {
                        !k.ends_with("_env") && !k.ends_with("_file")
                            || ["key_file", "private_key_file", "tls_ca_file"].contains(k)
                    })
                    .collect::<Vec<_>>()
                    .join(", "),
            );
            let (de, en) = hint(key, self.known.iter().map(String::as_str));
            let problem = self.table.entries[key].place.problem(
                &self.table.field(key),
                said!(
                    "Eine Angabe {found} gibt es hier nicht.{de}",
                    "there is no key {found} here.{en}"
                ),
                said!("Möglich sind: {list}.", "Possible are: {list}."),
            );
            self.problems.push(problem);
        }
        self.problems
    }
}

/// `Meinten Sie …?` where a known name is near.
pub fn hint<'n>(written: &str, known: impl IntoIterator<Item = &'n str>) -> (String, String) {
    nearest(written, known)
        .map(|n| (format!(" Meinten Sie \"{n}\"?"), format!(" Did you mean \"{n}\"?")))
        .unwrap_or_default()
}
