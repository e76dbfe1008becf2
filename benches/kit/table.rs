//! What was measured, held against its bar. Of several rounds the middle one counts, and how far they lay apart stands beside it.

use std::fmt;
use std::time::Duration;

use super::machine;

/// One line of the table.
struct Line {
    what: String,
    /// Measured by the bar or by the other's figure.
    ratio: f64,
    /// The smallest and the largest, of several rounds.
    spread: Option<(f64, f64)>,
    /// In words: `at most 3 × fdatasync + 3 ms`.
    bar: String,
    /// `None`: there is no bar.
    holds: Option<bool>,
}

/// Every figure that is reported.
#[derive(Default)]
pub struct Table(Vec<Line>);

impl Table {
    /// A time that may be so long and no longer.
    pub fn at_most(&mut self, what: impl Into<String>, took: Duration, bar: Duration, words: &str) {
        self.0.push(Line {
            what: what.into(),
            ratio: took.as_secs_f64() / bar.as_secs_f64(),
            spread: None,
            bar: format!("at most {words} = {bar:.1?}"),
            holds: Some(took <= bar),
        });
    }

    /// A time that must be so long.
    pub fn at_least(&mut self, what: impl Into<String>, took: Duration, bar: Duration) {
        self.0.push(Line {
            what: what.into(),
            ratio: took.as_secs_f64() / bar.as_secs_f64(),
            spread: None,
            bar: format!("at least {bar:.1?}"),
            holds: Some(took >= bar),
        });
    }

    /// A share of a ceiling, or so many times what another does, in each round.
    pub fn share(&mut self, what: impl Into<String>, rounds: Vec<f64>, bar: f64) {
        self.rounds(what, rounds, |ratio| (format!("at least {bar:.2}"), Some(ratio >= bar)));
    }

    /// A part of what another takes, and no more, in each round.
    pub fn part(&mut self, what: impl Into<String>, rounds: Vec<f64>, bar: f64) {
        self.rounds(what, rounds, |ratio| (format!("at most {bar:.2}"), Some(ratio <= bar)));
    }

    /// A ratio that has no bar, in each round.
    pub fn reported(&mut self, what: impl Into<String>, rounds: Vec<f64>) {
        self.rounds(what, rounds, |_| (String::new(), None));
    }

    /// Nothing where nothing was measured.
    fn rounds(&mut self, what: impl Into<String>, rounds: Vec<f64>, held: impl Fn(f64) -> (String, Option<bool>)) {
        let smallest = rounds.iter().copied().reduce(f64::min);
        let largest = rounds.iter().copied().reduce(f64::max);
        let Some(spread) = smallest.zip(largest) else { return };
        let several = rounds.len() > 1;
        let ratio = machine::median(rounds);
        let (bar, holds) = held(ratio);
        self.0.push(Line {
            what: what.into(),
            ratio,
            spread: several.then_some(spread),
            bar,
            holds,
        });
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.0.iter().map(|l| l.what.chars().count()).max().unwrap_or(0);
        writeln!(f, "{:width$}   ratio  smallest to largest         bar", "")?;
        for Line {
            what,
            ratio,
            spread,
            bar,
            holds,
        } in &self.0
        {
            let spread = spread.map_or_else(String::new, |(from, to)| format!("{from:.3} to {to:.3}"));
            let verdict = match holds {
                Some(true) => "holds",
                Some(false) => "FAILS",
                None => "",
            };
            let line = format!("{what:width$}  {ratio:6.3}  {spread:19}  {verdict:5}  {bar}");
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}
