//! Gathers the faults of one file and says them in the reader's words.

use std::collections::BTreeSet;

use super::limits::MAX_PROBLEMS;
use super::node::{Key, Node};
use crate::domain::problem::Problem;
use crate::said;
use crate::text::near::nearest;
use crate::text::said::Said;

/// The faults of one file so far.
#[derive(Debug)]
pub struct Sink {
    file: String,
    problems: Vec<Problem>,
    /// Lines and fields not filled in yet.
    unfilled: BTreeSet<(usize, String)>,
    /// Faults beyond [`MAX_PROBLEMS`].
    more: usize,
}

impl Sink {
    /// None yet.
    pub fn new(file: &str) -> Self {
        Self {
            file: file.to_owned(),
            problems: Vec::new(),
            unfilled: BTreeSet::new(),
            more: 0,
        }
    }

    /// The file as the person named it.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// True where all is well so far.
    pub fn is_empty(&self) -> bool {
        self.problems.is_empty()
    }

    /// In the order of the file; the last one says how many are not shown.
    pub fn into_problems(mut self) -> Vec<Problem> {
        self.problems.sort_by_key(|p| p.line);
        if self.more > 0 {
            let more = self.more;
            let (file, line) = (Some(self.file), None);
            self.problems.push(Problem {
                file,
                line,
                field: None,
                what: said!(
                    "{more} weitere Fehler sind nicht gezeigt.",
                    "{more} more faults are not shown."
                ),
                remedy: said!("Beheben Sie zuerst die oben genannten.", "Mend those above first."),
            });
        }
        self.problems
    }

    /// A fault at a line (0: the file as a whole) and field (empty: none).
    pub fn add(&mut self, line: usize, field: &str, what: Said, remedy: Said) {
        if self.unfilled.contains(&(line, field.to_owned())) {
            return;
        }
        if self.problems.len() >= MAX_PROBLEMS {
            self.more += 1;
            return;
        }
        self.problems.push(Problem {
            file: Some(self.file.clone()),
            line: (line > 0).then_some(line),
            field: (!field.is_empty()).then(|| field.to_owned()),
            what,
            remedy,
        });
    }

    /// A field that still holds the placeholder of a form.
    pub fn placeholder(&mut self, line: usize, field: &str) {
        self.add(
            line,
            field,
            said!(
                "Hier steht noch der Platzhalter \"…\".",
                "Here is still the placeholder \"…\"."
            ),
            // The two that every notice needs.
            if matches!(field, "headline" | "summary") {
                said!(
                    "Schreiben Sie hin, was gilt, auch wenn es nur ein Satz ist.",
                    "Write what holds, be it one sentence."
                )
            } else {
                said!(
                    "Schreiben Sie hin, was gilt; was Sie nicht wissen, streichen Sie samt der Zeile.",
                    "Write what holds; what you do not know, remove with its line."
                )
            },
        );
        self.unfilled.insert((line, field.to_owned()));
    }

    /// A value of the wrong type; `expected` completes "expected is …".
    pub fn wrong_type(&mut self, node: &Node, field: &str, expected: Said) {
        let (de, en) = node.value.described();
        let Said {
            de: want_de,
            en: want_en,
        } = expected;
        self.add(
            node.line,
            field,
            said!("Hier steht {de}.", "Found {en}."),
            said!("Erwartet wird {want_de}.", "Expected is {want_en}."),
        );
    }

    /// A key nobody knows, with the nearest one that somebody does.
    pub fn unknown_key(&mut self, key: &Key, field: &str, known: &[&str]) {
        let name = shown(&key.name);
        let what = said!(
            "Das Feld \"{name}\" gibt es hier nicht.",
            "There is no field \"{name}\" here."
        );
        self.add(key.line, field, what, choice(&key.name, known));
    }

    /// A word that is not in its list.
    pub fn unknown_word(&mut self, node: &Node, field: &str, found: &str, known: &[&str]) {
        let found_shown = shown(found);
        let what = said!(
            "\"{found_shown}\" ist keines der erlaubten Wörter.",
            "\"{found_shown}\" is none of the allowed words."
        );
        self.add(node.line, field, what, choice(found, known));
    }
}

/// At most 40 characters, control characters made visible.
pub fn shown(text: &str) -> String {
    let mut out: String = text.chars().take(40).flat_map(char::escape_debug).collect();
    if text.chars().nth(40).is_some() {
        out.push('…');
    }
    out
}

/// "Did you mean …? Allowed are …".
pub fn choice(found: &str, known: &[&str]) -> Said {
    let list = known.join(", ");
    match nearest(found, known.iter().copied()) {
        Some(near) => said!(
            "Meinten Sie \"{near}\"? Erlaubt sind: {list}.",
            "Did you mean \"{near}\"? Allowed are: {list}."
        ),
        None => said!("Erlaubt sind: {list}.", "Allowed are: {list}."),
    }
}
