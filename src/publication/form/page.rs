//! The file of a form as it grows: comments, fields, fields that wait for words.

use crate::text::basic::toml_string;
use crate::text::said::Said;
use crate::text::wrap::wrap;

/// Width of a comment.
const WIDTH: usize = 78;

/// A file that grows line by line.
#[derive(Debug)]
pub struct Page {
    german: bool,
    lines: Vec<String>,
    waiting: Vec<usize>,
}

impl Page {
    /// An empty file, with comments in German or English.
    pub fn new(german: bool) -> Self {
        Self {
            german,
            lines: Vec::new(),
            waiting: Vec::new(),
        }
    }

    /// A comment in the language of the file, in as many lines as it needs.
    pub fn note(&mut self, said: &Said) {
        let text = said.in_german(self.german).to_owned();
        self.lines
            .extend(wrap(&text, WIDTH).iter().map(|line| format!("# {line}")));
    }

    /// A comment after an empty line.
    pub fn section(&mut self, said: &Said) {
        self.gap();
        self.note(said);
    }

    /// An empty line, unless there is one.
    pub fn gap(&mut self) {
        if self.lines.last().is_some_and(|line| !line.is_empty()) {
            self.lines.push(String::new());
        }
    }

    /// A line as it is.
    pub fn line(&mut self, line: impl Into<String>) {
        self.lines.push(line.into());
    }

    /// A line of the file that does not count until its `#` is removed.
    pub fn off(&mut self, line: &str) {
        self.lines.push(format!("# {line}"));
    }

    /// A text.
    pub fn text(&mut self, key: &str, text: &str) {
        self.line(format!("{key} = {}", toml_string(text)));
    }

    /// A line that waits for words.
    pub fn waits(&mut self, key: &str) {
        self.text(key, "…");
        self.waiting.push(self.lines.len());
    }

    /// The word for the language of the file.
    pub fn word(&self, said: &Said) -> String {
        said.in_german(self.german).to_owned()
    }

    /// The file, and its lines that wait for words.
    pub fn finish(mut self) -> (String, Vec<usize>) {
        while self.lines.last().is_some_and(String::is_empty) {
            self.lines.pop();
        }
        let mut text = self.lines.join("\n");
        text.push('\n');
        (text, self.waiting)
    }
}
