//! What commands print: German where `LANG` is German, else English; JSON untranslated; errors with what to do.

use std::io::{IsTerminal, Write};

pub use crate::failure::Failure;
use crate::said;
use crate::text::said::Said;
pub use crate::text::wrap::wrap;

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
        Self {
            json,
            german: reads_german(|name| std::env::var(name).ok()),
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

    /// A head line, in several where it is long.
    pub fn title(&self, text: &str) {
        for line in wrap(text, WIDTH) {
            self.text(&line);
        }
    }

    /// A line for people on standard error, also with `--json`.
    pub fn complain(&self, said: &Said) {
        eprintln!("{}", said.in_german(self.german));
    }

    /// A finding with its mark; nothing with `--json`.
    pub fn point(&self, ok: bool, said: &Said) {
        let mark = if ok {
            self.coloured("✓", 32)
        } else {
            self.coloured("✗", 31)
        };
        for (n, line) in wrap(said.in_german(self.german), WIDTH - 4).iter().enumerate() {
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

    /// The word in colour where colours are shown. `code` is an SGR number (1 bold, 32 green, 33 yellow, 31 red; `1;32` both).
    pub fn coloured(&self, text: &str, code: impl std::fmt::Display) -> String {
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
                serde_json::json!({ "error": format!("{count} problem(s) in the settings"), "problems": problems })
            }
        });
        self.complain(&failure.said());
        match failure {
            Failure::Refused(_) | Failure::Usage(_) => {}
            Failure::Notice(problems) => {
                let count = problems.len();
                self.complain(&said!(
                    "{count} Fehler in der Meldung; nichts wurde veröffentlicht.",
                    "{count} problem(s) in the notice; nothing was published."
                ));
            }
            Failure::Configuration(problems) => {
                let count = problems.len();
                self.complain(&said!(
                    "{count} Fehler in den Angaben; nichts wurde getan.",
                    "{count} problem(s) in the settings; nothing was done."
                ));
            }
        }
        failure.code()
    }
}

/// True where the first locale that names a language names German. `C` and `POSIX` name none: containers and cron set them for
/// the sake of sorting, beside the `LANG` of the person.
fn reads_german(env: impl Fn(&str) -> Option<String>) -> bool {
    ["LC_ALL", "LC_MESSAGES", "LANG"]
        .into_iter()
        .filter_map(|name| Some(env(name)?.to_ascii_lowercase()))
        .find(|locale| !matches!(locale.split('.').next(), None | Some("" | "c" | "posix")))
        .is_some_and(|locale| locale.starts_with("de"))
}

/// Columns of a screen.
pub const WIDTH: usize = 80;
/// The last column, which holds sentences, has at least so many of them.
const LAST: usize = 30;

/// A table for people that fits 80 columns.
pub fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    table_rows(head, rows).concat()
}

/// A table's head and its rows, each with its line ends: columns are as wide as their longest cell, the last one takes what is
/// left; where that is too little, the widest of the others gives way. Every cell wraps.
pub fn table_rows(head: &[&str], rows: &[Vec<String>]) -> Vec<String> {
    let head: Vec<String> = head.iter().map(|h| (*h).to_owned()).collect();
    let last = head.len().saturating_sub(1);
    let mut widths: Vec<usize> = (0..last)
        .map(|i| {
            let cells = std::iter::once(&head).chain(rows).filter_map(|row| row.get(i));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        })
        .collect();
    let used = |widths: &[usize]| widths.iter().map(|w| w + 2).sum::<usize>();
    while used(&widths) > WIDTH - LAST
        && let Some(widest) = widths.iter_mut().max().filter(|w| **w > 1)
    {
        *widest -= 1;
    }
    widths.push(WIDTH.saturating_sub(used(&widths)).max(LAST));
    std::iter::once(&head)
        .chain(rows)
        .map(|row| table_row(row, &widths))
        .collect()
}

fn table_row(row: &[String], widths: &[usize]) -> String {
    let cell = |i: usize| row.get(i).map_or("", String::as_str);
    let cells: Vec<Vec<String>> = widths
        .iter()
        .enumerate()
        .map(|(i, width)| wrap(cell(i), *width))
        .collect();
    let mut out = String::new();
    for n in 0..cells.iter().map(Vec::len).max().unwrap_or(0) {
        let mut line = String::new();
        for (pieces, width) in cells.iter().zip(widths) {
            let piece = pieces.get(n).map_or("", String::as_str);
            line.push_str(&format!("{piece:<width$}  "));
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
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

    #[test]
    fn long_words_and_wide_first_columns_fit_too() {
        let address = format!("sftp://web1234@host.example/{}", "ordner/".repeat(20));
        let rows = vec![
            vec![
                address.clone(),
                "7".to_owned(),
                format!("{address} lässt sich nicht schreiben"),
            ],
            vec!["kurz".to_owned(), String::new(), String::new()],
        ];
        let text = table(&["Ziel", "Nr.", "Stand"], &rows);
        assert!(text.lines().all(|l| l.chars().count() <= 80), "{text}");
        // Nothing is lost.
        let joined = wrap(&address, 20).concat();
        assert_eq!(joined, address);
        assert_eq!(wrap("a bb ccc", 4), ["a bb", "ccc"]);
        assert_eq!(wrap("a bbbbbbb c", 4), ["a", "bbbb", "bbb", "c"]);
        assert_eq!(wrap("", 4), [""]);
    }

    #[test]
    fn the_first_locale_that_names_a_language_decides() {
        let german = |set: &[(&str, &str)]| {
            reads_german(|name| {
                set.iter()
                    .find(|(n, _)| *n == name)
                    .map(|(_, value)| (*value).to_owned())
            })
        };
        assert!(german(&[("LANG", "de_DE.UTF-8")]));
        assert!(german(&[("LC_ALL", "C.UTF-8"), ("LANG", "de_AT.UTF-8")]));
        assert!(german(&[("LC_ALL", ""), ("LC_MESSAGES", "POSIX"), ("LANG", "de")]));
        assert!(!german(&[("LC_ALL", "en_GB.UTF-8"), ("LANG", "de_DE.UTF-8")]));
        assert!(!german(&[("LANG", "C.UTF-8")]));
        assert!(!german(&[]));
    }
}
