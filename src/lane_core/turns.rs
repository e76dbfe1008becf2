//! Claimed rows of a lane with a ramp, each with a start time of its own. Two starts are never closer than the times reserved for them: what
//! comes late makes all that follow as late, until the store is told, whose next reserved times come as much later. What comes much too late is
//! given back. All times are of the monotonic clock.

use std::collections::VecDeque;

use crate::clock::Ms;

/// Later than this a row is given back, ms. The store adds as much at a takeover: a dead process may have been so late with its last start.
pub const LATEST_MS: Ms = 1_000;

/// What became of the next row.
#[derive(Debug)]
pub enum Turn<J> {
    /// It starts.
    Start(J),
    /// Its time has passed; its place is lost.
    Missed(J),
}

/// Rows in the order of their start times.
#[derive(Debug)]
pub struct Turns<J> {
    rows: VecDeque<(Ms, J)>,
    /// How late the latest start was so far, beside what the store knows of.
    late_ms: Ms,
}

impl<J> Default for Turns<J> {
    fn default() -> Self {
        Self {
            rows: VecDeque::new(),
            late_ms: 0,
        }
    }
}

impl<J> Turns<J> {
    /// Adds a row behind the others.
    pub fn push(&mut self, start_ms: Ms, job: J) {
        self.rows.push_back((start_ms, job));
    }

    /// When the next one may start.
    pub fn next_start_ms(&self) -> Option<Ms> {
        self.rows.front().map(|(at, _)| at + self.late_ms)
    }

    /// The next row, if its time has come.
    pub fn pop(&mut self, now: Ms) -> Option<Turn<J>> {
        let (at, job) = self.rows.pop_front_if(|(at, _)| *at + self.late_ms <= now)?;
        let late = now - at;
        if late > LATEST_MS {
            return Some(Turn::Missed(job));
        }
        self.late_ms = late;
        Some(Turn::Start(job))
    }

    /// How late the latest start was: the next claim says so.
    pub fn late_ms(&self) -> Ms {
        self.late_ms
    }

    /// So much lateness is in the times that the store reserves from now on: only what was reserved before is late by it.
    pub fn paid(&mut self, late_ms: Ms) {
        self.late_ms -= late_ms;
        for (at, _) in &mut self.rows {
            *at += late_ms;
        }
    }

    /// Everything, to be given back.
    pub fn take_all(&mut self) -> Vec<J> {
        self.rows.drain(..).map(|(_, job)| job).collect()
    }

    /// Rows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// True where nothing waits to start.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_start_makes_the_next_as_late() {
        let mut turns = Turns::default();
        for at in [0, 300, 600, 900] {
            turns.push(at, at);
        }
        let mut started = Vec::new();
        for now in [0, 450, 600, 749, 750, 1_050, 1_200] {
            while let Some(Turn::Start(at)) = turns.pop(now) {
                started.push((at, now));
            }
        }
        assert_eq!(started, [(0, 0), (300, 450), (600, 750), (900, 1_050)]);
        assert!(started.windows(2).all(|two| two[1].1 - two[0].1 >= 300));
    }

    #[test]
    fn lateness_that_the_store_knows_of_holds_back_only_what_was_reserved_before() {
        let mut turns = Turns::default();
        for at in [0, 300] {
            turns.push(at, at);
        }
        assert!(matches!(turns.pop(200), Some(Turn::Start(0))));
        let known = turns.late_ms();
        turns.paid(known);
        // Reserved 300 ms after the one before, and as much later as the first was late.
        turns.push(800, 800);
        assert_eq!(turns.next_start_ms(), Some(500));
        assert!(matches!(turns.pop(500), Some(Turn::Start(300))));
        assert_eq!((turns.next_start_ms(), turns.late_ms()), (Some(800), 0));
    }

    #[test]
    fn what_missed_its_time_is_given_back() {
        let mut turns = Turns::default();
        turns.push(0, 1);
        turns.push(2_000, 2);
        assert!(matches!(turns.pop(1_001), Some(Turn::Missed(1))));
        assert_eq!(turns.next_start_ms(), Some(2_000), "nothing started late");
        assert!(matches!(turns.pop(2_000), Some(Turn::Start(2))));
        assert!(turns.is_empty() && turns.pop(9_000).is_none());
    }
}
