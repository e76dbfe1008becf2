//! What commands print: German where `LANG` is German, else English; JSON untranslated; errors with what to do.

use std::io::{IsTerminal, Write};

pub use crate::failure::Failure;
use crate::text::said::Said;

/// Where and how a command prints.
#[derive(Debug, Clone)]
pub struct Output {
    /// Answer in JSON.
    pub json: bool,
    /// People read German.
    pub german: bool,
    /// Colours: only on a terminal, not with `NO_COLOR`.
    pub colour: bool,
}

impl Output {
    /// From the environment: `LC_ALL`, `LC_MESSAGES`, `LANG` in this order (POSIX), `NO_COLOR`.
    pub fn new(json: bool) -> Self {
        let word = ["LC_ALL", "LC_MESSAGES", "LANG"]
            .iter()
            .find_map(|name| std::env::var(name).ok().filter(|v| !v.is_empty()))
            .unwrap_or_default();
        Self {
            json,
            german: word.to_ascii_lowercase().starts_with("de"),
            colour: std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none(),
        }
    }

    /// A line for people; nothing with `--json`.
    pub fn say(&self, said: &Said) {
        if !self.json {
            self.line(said.in_german(self.german));
        }
    }

    /// A line as it is, for people; nothing with `--json`.
    pub fn text(&self, line: &str) {
        if !self.json {
            self.line(line);
        }
    }

    /// A finding with its mark; nothing with `--json`.
    pub fn point(&self, ok: bool, said: &Said) {
        let mark = if ok {
            self.coloured("✓", 32)
        } else {
            self.coloured("✗", 31)
        };
        for (n, line) in wrap(said.in_german(self.german), 76).iter().enumerate() {
            let mark = if n == 0 { mark.as_str() } else { " " };
            self.text(&format!("{mark} {line}"));
        }
    }

    /// The answer with `--json`; nothing without.
    pub fn answer(&self, value: &impl serde::Serialize) {
        if self.json {
            match serde_json::to_string(value) {
                Ok(text) => self.line(&text),
                Err(error) => eprintln!("the answer cannot be written as JSON: {error}"),
            }
        }
    }

    fn line(&self, line: &str) {
        // A closed pipe (`| head`) ends the reading, not the work.
        let _ = writeln!(std::io::stdout().lock(), "{line}");
    }

    /// The word in colour where colours are shown. `code` is an SGR number (32 green, 33 yellow, 31 red).
    pub fn coloured(&self, text: &str, code: u8) -> String {
        if self.colour {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }

    /// Says what is wrong with the command line.
    pub fn usage(&self, error: &clap::Error) {
        let text = error.to_string();
        // clap's first paragraph says what is wrong; tip, usage and the way to the help follow.
        let what = text
            .split("\n\n")
            .next()
            .unwrap_or_default()
            .trim_start_matches("error: ");
        self.answer(&serde_json::json!({ "error": what.split_whitespace().collect::<Vec<_>>().join(" ") }));
        match super::german::error(error).filter(|_| self.german) {
            Some(said) => eprintln!("{said}\nHilfe: rundruf --help, oder zu einem Befehl: rundruf BEFEHL --help"),
            None => {
                let _ = error.print();
            }
        }
    }

    /// Says why it did not work and what to do, on standard error; with `--json` also as JSON on standard output. The exit code.
    pub fn failure(&self, failure: &Failure) -> u8 {
        self.answer(&match failure {
            Failure::Refused(said) | Failure::Usage(said) => serde_json::json!({ "error": said.en }),
            Failure::Notice(problems) => {
                let count = problems.len();
                serde_json::json!({ "error": format!("{count} problem(s) in the notice"), "problems": problems })
            }
            Failure::Configuration(problems) => {
                let count = problems.len();
                serde_json::json!({ "error": format!("{count} problem(s) in the configuration"), "problems": problems })
            }
        });
        match failure {
            Failure::Refused(said) | Failure::Usage(said) => eprintln!("{}", said.in_german(self.german)),
            Failure::Notice(problems) | Failure::Configuration(problems) => {
                for problem in problems {
                    eprintln!("{}", problem.line_for(self.german));
                }
                let count = problems.len();
                let (de, en) = if matches!(failure, Failure::Notice(_)) {
                    (
                        format!("{count} Fehler in der Meldung; nichts wurde veröffentlicht."),
                        format!("{count} problem(s) in the notice; nothing was published."),
                    )
                } else {
                    (
                        format!("{count} Fehler in der Konfiguration; nichts wurde getan."),
                        format!("{count} problem(s) in the configuration; nothing was done."),
                    )
                };
                eprintln!("{}", if self.german { de } else { en });
            }
        }
        failure.code()
    }
}

/// A table for people that fits 80 columns: columns as wide as their longest cell, the last one takes what is left and wraps.
pub fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    const WIDTH: usize = 80;
    let mut widths: Vec<usize> = head.iter().map(|h| h.chars().count()).collect();
    for row in rows {
        for (i, cell) in row.iter().enumerate().take(widths.len()) {
            widths[i] = widths[i].max(cell.chars().count());
        }
    }
    let last = widths.len().saturating_sub(1);
    let used: usize = widths.iter().take(last).map(|w| w + 2).sum();
    if let Some(width) = widths.last_mut() {
        *width = WIDTH.saturating_sub(used).max(20);
    }
    let mut out = String::new();
    let head: Vec<String> = head.iter().map(|h| (*h).to_owned()).collect();
    for row in std::iter::once(&head).chain(rows) {
        let wrapped = wrap(
            row.get(last).map_or("", String::as_str),
            widths.last().copied().unwrap_or(WIDTH),
        );
        for (n, piece) in wrapped.iter().enumerate() {
            let mut line = String::new();
            for (i, width) in widths.iter().enumerate().take(last) {
                let cell = if n == 0 {
                    row.get(i).map_or("", String::as_str)
                } else {
                    ""
                };
                line.push_str(&format!("{cell:<width$}  "));
            }
            line.push_str(piece);
            out.push_str(line.trim_end());
            out.push('\n');
        }
    }
    out
}

/// Breaks a text into lines of at most `width` characters at spaces; a longer word stands alone.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines
            .last_mut()
            .expect("there is always a line: it begins with one and only grows");
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > width {
            lines.push(word.to_owned());
        } else {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_fits_eighty_columns() {
        let rows = vec![
            vec!["mastodon".to_owned(), "wort ".repeat(40)],
            vec!["sms".to_owned(), "kurz".to_owned()],
        ];
        let text = table(&["Kanal", "Stand"], &rows);
        assert!(text.lines().all(|l| l.chars().count() <= 80), "{text}");
        assert!(text.lines().count() > 4);
    }
}
