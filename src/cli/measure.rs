//! `rundruf measure`: how long a text is for one service, and whether it fits. Reads no configuration and touches no store.
//! Imports [`crate::text`] only.

use std::io::{self, BufRead, Read, Write};

use crate::text::measure::{MeasureError, Platform, measure_line};

/// Longest line that is read; a text for a channel is a thousandth of it.
const MAX_LINE: usize = 1024 * 1024;

/// Measures texts as a service does: JSON lines in, JSON lines out.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Input, one JSON object a line (\"spoiler\" counts on mastodon only):
  {\"text\": \"Siehe https://www.potsdam.de/it\", \"spoiler\": \"IT-Störung\"}

Output, one answer a line, in the same order:
  {\"length\": 29, \"limit\": 280, \"fits\": true}
  sms counts in characters of the encoding, up to ten SMS (1530, or 670 with costly ones; gateways take
  no longer texts), and adds encoding, segments, and costly: the characters that double the price
  bluesky adds bytes and facets (links, tags, mentions)

Example:
  echo '{\"text\": \"„Störung“ im Bürgeramt\"}' | rundruf measure --as sms")]
pub struct MeasureArgs {
    /// Whose unit and limit counts
    #[arg(long = "as", value_name = "SERVICE")]
    pub platform: Platform,
}

/// Why measuring stopped. Lines before the bad one are already answered.
#[derive(Debug, thiserror::Error)]
pub enum Stopped {
    /// A line is not what is asked for.
    #[error("line {number}: {source}")]
    Line {
        /// Which, counted from 1.
        number: usize,
        /// What is wrong with it.
        source: MeasureError,
    },
    /// A line is longer than 1 MiB.
    #[error("line {number} is longer than 1 MiB; write each text on a line of its own")]
    TooLong {
        /// Which, counted from 1.
        number: usize,
    },
    /// A line is not UTF-8.
    #[error("line {number} is not UTF-8; save the file as UTF-8")]
    NotUtf8 {
        /// Which, counted from 1.
        number: usize,
    },
    /// Standard input or output failed.
    #[error("standard input or output failed: {0}")]
    Io(#[from] io::Error),
}

impl Stopped {
    /// The same words in German; `Display` has the English ones.
    pub fn in_german(&self) -> String {
        match self {
            Self::Line { number, source } => format!("Zeile {number}: {}", source.in_german()),
            Self::TooLong { number } => {
                format!("Zeile {number} ist länger als 1 MiB; schreiben Sie jeden Text in eine eigene Zeile")
            }
            Self::NotUtf8 { number } => format!("Zeile {number} ist kein UTF-8; speichern Sie die Datei als UTF-8"),
            Self::Io(error) => format!("Standardeingabe oder -ausgabe: {error}"),
        }
    }
}

/// Measures what comes on standard input until it ends.
///
/// # Errors
/// At the first line that cannot be measured; the process should then end with exit code 2.
pub fn run(args: MeasureArgs) -> Result<(), Stopped> {
    let out = io::BufWriter::new(io::stdout().lock());
    match stream(args.platform, io::stdin().lock(), out) {
        // Whoever reads (`head`) has enough.
        Err(Stopped::Io(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// Answers each line of `input` on `output`; blank lines are passed over.
fn stream(platform: Platform, mut input: impl BufRead, mut output: impl Write) -> Result<(), Stopped> {
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        // One byte more than allowed tells a line that is too long from one that just fits.
        if input.by_ref().take(MAX_LINE as u64 + 1).read_until(b'\n', &mut line)? == 0 {
            break;
        }
        let answered = answer(platform, &line, number);
        // Answers come in time for a program that waits for each before it writes the next line.
        match answered {
            Ok(Some(value)) => writeln!(output, "{value}")?,
            Ok(None) => continue,
            Err(stopped) => {
                output.flush()?;
                return Err(stopped);
            }
        }
        output.flush()?;
    }
    Ok(())
}

fn answer(platform: Platform, line: &[u8], number: usize) -> Result<Option<serde_json::Value>, Stopped> {
    if line.len() > MAX_LINE && !line.ends_with(b"\n") {
        return Err(Stopped::TooLong { number });
    }
    let line = str::from_utf8(line).map_err(|_| Stopped::NotUtf8 { number })?;
    let line = if number == 1 {
        line.trim_start_matches('\u{feff}')
    } else {
        line
    };
    if line.trim().is_empty() {
        return Ok(None);
    }
    measure_line(platform, line.trim())
        .map(Some)
        .map_err(|source| Stopped::Line { number, source })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measure(input: &[u8]) -> (String, Result<(), Stopped>) {
        let mut output = Vec::new();
        let result = stream(Platform::X, input, &mut output);
        (String::from_utf8(output).unwrap(), result)
    }

    #[test]
    fn answers_come_in_order() {
        let (output, result) = measure(b"{\"text\":\"a\"}\n\n{\"text\":\"bc\"}");
        assert_eq!(output.lines().count(), 2);
        assert!(
            output.starts_with("{\"length\":1") && output.contains("{\"length\":2"),
            "{output}"
        );
        assert!(result.is_ok());
    }

    #[test]
    fn a_bad_line_is_named_and_earlier_ones_are_answered() {
        let (output, result) = measure(b"{\"text\":\"a\"}\n\nx\n{\"text\":\"b\"}\n");
        assert_eq!(output.lines().count(), 1);
        let stopped = result.unwrap_err();
        assert!(stopped.to_string().starts_with("line 3: "));
        assert!(stopped.in_german().starts_with("Zeile 3: "));
        let (_, result) = measure(b"{\"text\":\"\xff\"}\n");
        assert!(result.unwrap_err().to_string().contains("line 1 is not UTF-8"));
    }

    #[test]
    fn lines_are_bounded() {
        let long = format!("{{\"text\":\"{}\"}}", "a".repeat(MAX_LINE));
        assert!(matches!(
            measure(long.as_bytes()).1,
            Err(Stopped::TooLong { number: 1 })
        ));
    }
}
