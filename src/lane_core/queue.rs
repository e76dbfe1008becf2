//! Claimed rows that have not started: urgent before bulk, at the start times the store reserved (LANES 3: rate, fairness).

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use crate::clock::Ms;
use crate::lane_core::event::Work;

/// Rows claimed and not started.
///
/// A start time belongs to the account, not to the message: the earliest reserved time goes to the most urgent row. So an
/// urgent notice does not wait behind the times a running bulk broadcast has reserved.
#[derive(Debug)]
pub struct Queue<J> {
    urgent: VecDeque<J>,
    bulk: VecDeque<J>,
    times: BinaryHeap<Reverse<Ms>>,
}

impl<J> Default for Queue<J> {
    fn default() -> Self {
        Self {
            urgent: VecDeque::new(),
            bulk: VecDeque::new(),
            times: BinaryHeap::new(),
        }
    }
}

impl<J: Work> Queue<J> {
    /// Adds a claimed row behind those of its class.
    pub fn push(&mut self, job: J) {
        self.times.push(Reverse(job.start_at_ms()));
        if job.urgent() {
            self.urgent.push_back(job);
        } else {
            self.bulk.push_back(job);
        }
    }

    /// The next row whose start time has come; bulk only where `bulk_may`.
    pub fn pop(&mut self, now: Ms, bulk_may: bool) -> Option<J> {
        if self.next_start_ms()? > now {
            return None;
        }
        let job = match self.urgent.pop_front() {
            Some(job) => job,
            None if bulk_may => self.bulk.pop_front()?,
            None => return None,
        };
        self.times.pop();
        Some(job)
    }

    /// The earliest reserved start time.
    pub fn next_start_ms(&self) -> Option<Ms> {
        self.times.peek().map(|at| at.0)
    }

    /// Everything, to be given back; their start times are lost, which can only make the account slower.
    pub fn take_all(&mut self) -> Vec<J> {
        self.times.clear();
        self.urgent.drain(..).chain(self.bulk.drain(..)).collect()
    }

    /// Takes bulk rows beyond `keep`, newest first.
    pub fn take_bulk_beyond(&mut self, keep: usize) -> Vec<J> {
        let mut taken = Vec::new();
        while self.bulk.len() > keep {
            taken.extend(self.bulk.pop_back());
            // The latest reserved time would be the one to lose; which one is lost does not matter for exactness.
            self.times.pop();
        }
        taken
    }

    /// Rows.
    pub fn len(&self) -> usize {
        self.urgent.len() + self.bulk.len()
    }

    /// Bulk rows.
    pub fn bulk_len(&self) -> usize {
        self.bulk.len()
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
        let mut queue = Queue::default();
        queue.push(J::bulk(1).at(100));
        queue.push(J::bulk(2).at(200));
        queue.push(J::urgent(3).at(300));
        assert!(queue.pop(99, true).is_none(), "never before the rate allows");
        assert_eq!(queue.pop(100, true).map(|j| j.id), Some(3));
        assert!(queue.pop(100, true).is_none());
        assert_eq!(queue.pop(250, true).map(|j| j.id), Some(1));
        assert_eq!(queue.pop(300, false).map(|j| j.id), None, "no slot for bulk");
        assert_eq!(queue.take_all().len(), 1);
        assert!(queue.is_empty() && queue.next_start_ms().is_none());
    }
}
