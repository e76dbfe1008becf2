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
    /// Kills of a process that was just taking over from one that had been killed, among them.
    pub(super) second_kills: usize,
    /// SMS that a kill met in flight, at most.
    pub(super) in_flight: usize,
    /// SMS that nobody knows of after it.
    pub(super) unknown: usize,
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
            second_kills,
            in_flight,
            unknown,
            again,
        } = self;
        let mut out = format!(
            "\n{kills} kills ({second_kills} while taking over), {freezes} times frozen ({refused} second owners refused): {lost} lost, \
             {double} double; sms: {unknown} unknown, {in_flight} in flight at a kill at most\n"
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
