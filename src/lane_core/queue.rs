//! Claimed rows that have not started: urgent before bulk, at the start times the store reserved (LANES 3: rate, fairness). All times are of
//! the monotonic clock: a wall clock that leaps must not make a burst.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use crate::clock::Ms;
use crate::lane_core::event::Work;
use crate::lane_core::values::Rate;

/// A claim older than this is given back instead of acted upon: consent, address, corrections and order were read when it
/// was made, and a correction stops waiting for a started row after five minutes.
pub const FRESH_MS: Ms = 60_000;

/// Rows claimed and not started.
///
/// A start time belongs to the account, not to the message: the earliest reserved time goes to the most urgent row. So an
/// urgent notice does not wait behind the times a running bulk broadcast has reserved.
#[derive(Debug)]
pub struct Queue<J> {
    urgent: VecDeque<(Ms, J)>,
    bulk: VecDeque<(Ms, J)>,
    times: BinaryHeap<Reverse<Ms>>,
    /// Between two starts, ms: reserved times that could not be used must not be made up for in a burst.
    spacing_ms: Ms,
    /// The same where the service has taught us a pace.
    pace_ms: Ms,
    not_before_ms: Ms,
}

impl<J> Queue<J> {
    /// An empty queue of an account with this rate.
    pub fn new(rate: Option<Rate>) -> Self {
        let spacing = |rate: Rate| Ms::from(rate.per_ms) / Ms::from(rate.count.max(1));
        Self {
            spacing_ms: rate.map_or(0, spacing),
            pace_ms: 0,
            not_before_ms: Ms::MIN,
            urgent: VecDeque::new(),
            bulk: VecDeque::new(),
            times: BinaryHeap::new(),
        }
    }
}

impl<J: Work> Queue<J> {
    /// Adds a row claimed `now` behind those of its class, with the start time reserved for it.
    pub fn push(&mut self, now: Ms, start_ms: Ms, job: J) {
        self.times.push(Reverse(start_ms));
        if job.urgent() {
            self.urgent.push_back((now, job));
        } else {
            self.bulk.push_back((now, job));
        }
    }

    /// Takes the rows at the head whose claim is too old to act upon.
    pub fn take_stale(&mut self, now: Ms) -> Vec<J> {
        let mut stale = Vec::new();
        for class in [&mut self.urgent, &mut self.bulk] {
            while let Some((_, job)) = class.pop_front_if(|(at, _)| now - *at > FRESH_MS) {
                self.times.pop();
                stale.push(job);
            }
        }
        stale
    }

    /// The next row whose start time has come; bulk only where `bulk_may`.
    pub fn pop(&mut self, now: Ms, bulk_may: bool) -> Option<J> {
        if self.next_start_ms()? > now {
            return None;
        }
        let job = match self.urgent.pop_front() {
            Some((_, job)) => job,
            None if bulk_may => self.bulk.pop_front()?.1,
            None => return None,
        };
        self.times.pop();
        self.started(now);
        Some(job)
    }

    /// A row of the account starts, from here or from elsewhere.
    pub fn started(&mut self, now: Ms) {
        let spacing_ms = self.spacing_ms.max(self.pace_ms);
        if spacing_ms > 0 {
            self.not_before_ms = now + spacing_ms;
        }
    }

    /// The pace the service has taught us, ms between two starts; 0: none.
    pub fn set_pace(&mut self, spacing_ms: Ms) {
        self.pace_ms = spacing_ms;
    }

    /// The account may not start before this.
    pub fn not_before_ms(&self) -> Ms {
        self.not_before_ms
    }

    /// The earliest reserved start time.
    pub fn next_start_ms(&self) -> Option<Ms> {
        self.times.peek().map(|at| at.0.max(self.not_before_ms))
    }

    /// Everything, to be given back; their start times are lost, which can only make the account slower.
    pub fn take_all(&mut self) -> Vec<J> {
        self.times.clear();
        let all = self.urgent.drain(..).chain(self.bulk.drain(..));
        all.map(|(_, job)| job).collect()
    }

    /// Takes bulk rows beyond `keep`, newest first.
    pub fn take_bulk_beyond(&mut self, keep: usize) -> Vec<J> {
        let mut taken = Vec::new();
        while self.bulk.len() > keep {
            taken.extend(self.bulk.pop_back().map(|(_, job)| job));
            // The latest reserved time would be the one to lose; which one is lost does not matter for exactness.
            self.times.pop();
        }
        taken
    }

    /// Rows.
    pub fn len(&self) -> usize {
        self.urgent.len() + self.bulk.len()
    }

    /// True where nothing waits to start.
    pub fn is_empty(&self) -> bool {
        self.urgent.is_empty() && self.bulk.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lane_core::tests::J;

    #[test]
    fn an_urgent_row_takes_the_earliest_start_time() {
        let mut queue = Queue::new(None);
        queue.push(0, 100, J::bulk(1));
        queue.push(0, 200, J::bulk(2));
        queue.push(0, 300, J::urgent(3));
        assert!(queue.pop(99, true).is_none(), "never before the rate allows");
        assert_eq!(queue.pop(100, true).map(|j| j.id), Some(3));
        assert!(queue.pop(100, true).is_none());
        assert_eq!(queue.pop(250, true).map(|j| j.id), Some(1));
        assert_eq!(queue.pop(300, false).map(|j| j.id), None, "no slot for bulk");
        assert_eq!(queue.take_all().len(), 1);
        assert!(queue.is_empty() && queue.next_start_ms().is_none());
    }

    #[test]
    fn an_old_claim_is_not_acted_upon() {
        let mut queue = Queue::new(None);
        queue.push(0, 0, J::bulk(1));
        queue.push(40_000, 0, J::bulk(2));
        assert!(queue.take_stale(60_000).is_empty());
        assert_eq!(queue.take_stale(60_001).len(), 1);
        assert_eq!(queue.pop(60_001, true).map(|j| j.id), Some(2));
    }

    #[test]
    fn missed_start_times_are_not_made_up_for_in_a_burst() {
        let rate = Rate {
            count: 2,
            per_ms: 1_000,
        };
        let mut queue = Queue::new(Some(rate));
        for id in 1..=3 {
            queue.push(0, id * 500, J::urgent(id));
        }
        assert!(queue.pop(5_000, true).is_some());
        assert!(queue.pop(5_499, true).is_none());
        assert!(queue.pop(5_500, true).is_some());
    }
}
