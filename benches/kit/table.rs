//! What was measured, held against its bar.

use std::fmt;
use std::time::Duration;

/// One line of the table.
struct Line {
    what: String,
    /// Measured by the bar.
    ratio: f64,
    /// In words: `at most 3 × fdatasync + 3 ms`.
    bar: String,
    holds: bool,
}

/// Every figure that has a bar.
#[derive(Default)]
pub struct Table(Vec<Line>);

impl Table {
    /// A time that may be so long and no longer.
    pub fn at_most(&mut self, what: impl Into<String>, took: Duration, bar: Duration, words: &str) {
        self.0.push(Line {
            what: what.into(),
            ratio: took.as_secs_f64() / bar.as_secs_f64(),
            bar: format!("at most {words} = {bar:.1?}"),
            holds: took <= bar,
        });
    }

    /// A time that must be so long.
    pub fn at_least(&mut self, what: impl Into<String>, took: Duration, bar: Duration) {
        self.0.push(Line {
            what: what.into(),
            ratio: took.as_secs_f64() / bar.as_secs_f64(),
            bar: format!("at least {bar:.1?}"),
            holds: took >= bar,
        });
    }

    /// A share of a ceiling.
    pub fn share(&mut self, what: impl Into<String>, share: f64, bar: f64) {
        self.0.push(Line {
            what: what.into(),
            ratio: share,
            bar: format!("at least {bar:.2}"),
            holds: share >= bar,
        });
    }

    /// A part of what another takes, and no more.
    pub fn part(&mut self, what: impl Into<String>, part: f64, bar: f64) {
        self.0.push(Line {
            what: what.into(),
            ratio: part,
            bar: format!("at most {bar:.2}"),
            holds: part <= bar,
        });
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.0.iter().map(|l| l.what.chars().count()).max().unwrap_or(0);
        writeln!(f, "{:width$}   ratio         bar", "")?;
        for Line {
            what,
            ratio,
            bar,
            holds,
        } in &self.0
        {
            let verdict = if *holds { "holds" } else { "FAILS" };
            writeln!(f, "{what:width$}  {ratio:6.3}  {verdict}  {bar}")?;
        }
        Ok(())
    }
}
