//! What many rounds came to: printed past the test runner's capture, because it is the figures that one wants to see.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::time::Duration;

use super::books::Found;

/// Over all houses.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) kills: usize,
    pub(super) freezes: usize,
    pub(super) refused: usize,
    pub(super) found: Found,
    /// SMS that became unknown by a kill, for each kill that met some.
    pub(super) unknown: Vec<usize>,
    /// By channel: from the start of the process to the first repetition of what had been in flight.
    pub(super) again: BTreeMap<&'static str, Vec<Duration>>,
}

impl Tally {
    pub(super) fn print(&self) {
        let Self {
            kills,
            freezes,
            refused,
            found: Found { lost, double },
            unknown,
            again,
        } = self;
        let mut out = format!(
            "\n{kills} kills, {freezes} times frozen ({refused} second owners refused): {lost} lost, {double} double; \
             sms: {} unknown, {} by one kill at most\n",
            unknown.iter().sum::<usize>(),
            unknown.iter().max().unwrap_or(&0),
        );
        for (channel, times) in again {
            let mut times = times.clone();
            times.sort();
            let at = |part: usize| times[(times.len() - 1) * part / 100].as_millis();
            out += &format!(
                "{channel}: first repetition of what was in flight, after the start, {} times: median {} ms, 95 % {} ms, most {} ms\n",
                times.len(),
                at(50),
                at(95),
                at(100),
            );
        }
        // A closed standard error is none of the product's faults.
        let _ = std::io::stderr().write_all(out.as_bytes());
    }
}
