//! What was found, in groups: for people in 80 columns, for programs as JSON.

use serde_json::{Value, json};

use crate::channel::Finding;
use crate::cli::output::{Output, wrap};
use crate::text::said::Said;

/// Width of a line's text beside its mark.
const WIDTH: usize = 76;

/// How it stands with one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// All is well.
    Well,
    /// Nothing is wrong yet; worth knowing, or to be done soon.
    Note,
    /// To be mended.
    Wrong,
}

/// One thing looked at: what was found, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// How it stands.
    pub level: Level,
    /// In words.
    pub text: Said,
}

impl Line {
    /// All is well.
    pub fn well(text: Said) -> Self {
        Self {
            level: Level::Well,
            text,
        }
    }

    /// Worth knowing.
    pub fn note(text: Said) -> Self {
        Self {
            level: Level::Note,
            text,
        }
    }

    /// To be mended.
    pub fn wrong(text: Said) -> Self {
        Self {
            level: Level::Wrong,
            text,
        }
    }
}

impl From<Finding> for Line {
    fn from(finding: Finding) -> Self {
        if finding.ok {
            Self::well(finding.text)
        } else {
            Self::wrong(finding.text)
        }
    }
}

/// Lines about one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// What, for programs: `site`, a channel's name.
    pub about: String,
    /// What, for people.
    pub title: Said,
    /// The lines; each text once.
    pub lines: Vec<Line>,
}

impl Group {
    /// A group.
    pub fn new(about: &str, title: Said, mut lines: Vec<Line>) -> Self {
        // A counterpart that cannot be reached fails every question in the same words; once is enough.
        lines.dedup();
        Self {
            about: about.to_owned(),
            title,
            lines,
        }
    }
}

/// All that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report(pub Vec<Group>);

impl Report {
    /// True where nothing is wrong.
    pub fn ok(&self) -> bool {
        self.lines().all(|(_, line)| line.level != Level::Wrong)
    }

    fn lines(&self) -> impl Iterator<Item = (&str, &Line)> {
        self.0
            .iter()
            .flat_map(|group| group.lines.iter().map(|line| (group.about.as_str(), line)))
    }

    /// For people.
    pub fn print(&self, out: &Output) {
        for group in &self.0 {
            out.text(group.title.in_german(out.german));
            for line in &group.lines {
                let mark = match line.level {
                    Level::Well => out.coloured("✓", 32),
                    Level::Note => out.coloured("!", 33),
                    Level::Wrong => out.coloured("✗", 31),
                };
                for (n, piece) in wrap(line.text.in_german(out.german), WIDTH).iter().enumerate() {
                    let mark = if n == 0 { mark.as_str() } else { " " };
                    out.text(&format!("  {mark} {piece}"));
                }
            }
        }
    }

    /// For programs.
    pub fn json(&self) -> Value {
        let findings: Vec<Value> = self
            .lines()
            .map(|(about, line)| {
                json!({ "about": about, "ok": line.level != Level::Wrong, "level": line.level, "text": line.text.en })
            })
            .collect();
        json!({ "ok": self.ok(), "findings": findings })
    }
}
