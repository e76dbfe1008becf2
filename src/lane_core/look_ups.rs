//! Reading back after unknown (LANES 3): when, how often, and a few at a time. What stands as unknown without the lane having
//! seen it (from before the start, out of time, passed by a newer notice) is read from the store page by page, now and then.
//! All times here are of the monotonic clock: a wall clock that leaps must not make a look come before the request it looks for.

use std::collections::HashMap;

use crate::clock::Ms;
use crate::ids::DeliveryId;
use crate::lane_core::event::Work;
use crate::lane_core::schedule;

/// A request without an answer may still be on its way: the first look comes this much later, ms.
pub const FIRST_LOOK_MS: Ms = 10_000;
/// Looks at the same time.
const AT_ONCE: usize = 2;
/// Looks without an answer before the row is left to receipts and people (about five hours).
const MOST_LOOKS: u32 = 24;
/// The same where the channel's policy has an answer of its own (`repeat`, `drop`).
const MOST_LOOKS_WITH_POLICY: u32 = 4;
/// The store is asked for unknown rows again after this, ms.
pub const READ_AGAIN_MS: Ms = 10 * 60_000;
/// The next page is read when so few of the last ones wait.
const FEW: usize = 100;
/// So many given up are remembered; the others are looked for once more.
const MOST_GIVEN_UP: usize = 10_000;

#[derive(Debug)]
struct Waiting<J> {
    due_ms: Ms,
    looks: u32,
    job: J,
}

/// Rows to look for.
#[derive(Debug)]
pub struct LookUps<J> {
    waiting: Vec<Waiting<J>>,
    running: Vec<(DeliveryId, u32)>,
    /// Rows left to receipts and people, with their attempt.
    given_up: HashMap<DeliveryId, u32>,
    /// The last row of the page read; `None`: all are read.
    page: Option<DeliveryId>,
    read_at: Ms,
    reading: bool,
}

impl<J> Default for LookUps<J> {
    fn default() -> Self {
        Self {
            waiting: Vec::new(),
            running: Vec::new(),
            given_up: HashMap::new(),
            page: None,
            read_at: Ms::MIN,
            reading: false,
        }
    }
}

impl<J: Work> LookUps<J> {
    /// A row to look for; one that is waited for already is not added twice.
    pub fn add(&mut self, now: Ms, job: J) {
        let known = |id| self.waiting.iter().any(|w| w.job.delivery() == id);
        let runs = |id| self.running.iter().any(|(of, _)| *of == id);
        let given_up = self.given_up.get(&job.delivery()) == Some(&job.attempt());
        if !known(job.delivery()) && !runs(job.delivery()) && !given_up {
            self.waiting.push(Waiting {
                due_ms: now + FIRST_LOOK_MS,
                looks: 0,
                job,
            });
        }
    }

    /// The next row whose time has come, oldest first.
    pub fn next(&mut self, now: Ms) -> Option<J> {
        if self.running.len() >= AT_ONCE {
            return None;
        }
        let at = self.waiting.iter().position(|w| w.due_ms <= now)?;
        let next = self.waiting.remove(at);
        self.running.push((next.job.delivery(), next.looks + 1));
        Some(next.job)
    }

    /// A look ended; how many there were for this row.
    pub fn ended(&mut self, job: &J) -> u32 {
        let Some(at) = self.running.iter().position(|(id, _)| *id == job.delivery()) else {
            return MOST_LOOKS;
        };
        self.running.swap_remove(at).1
    }

    /// Nobody could say: looks again later. False where that was the last look.
    pub fn again(&mut self, now: Ms, looks: u32, policy: bool, chance: f64, job: J) -> bool {
        let most = if policy { MOST_LOOKS_WITH_POLICY } else { MOST_LOOKS };
        if looks >= most {
            if self.given_up.len() >= MOST_GIVEN_UP {
                self.given_up.clear();
            }
            self.given_up.insert(job.delivery(), job.attempt());
            return false;
        }
        let due_ms = now + schedule::delay_ms(looks + 1, true, 0.5 + chance / 2.0);
        self.waiting.push(Waiting { due_ms, looks, job });
        true
    }

    /// When the next look is due, if one may run.
    pub fn next_due_ms(&self) -> Option<Ms> {
        if self.running.len() >= AT_ONCE {
            return None;
        }
        self.waiting.iter().map(|w| w.due_ms).min()
    }

    /// The unknown rows to be read from the store now: those behind this one. None are read again before
    /// [`LookUps::read`] or [`LookUps::read_failed`].
    pub fn read_next(&mut self, now: Ms) -> Option<DeliveryId> {
        let after = match self.page {
            Some(last) if self.waiting.len() < FEW => last,
            None if self.read_at <= now => DeliveryId(0),
            _ => return None,
        };
        if std::mem::replace(&mut self.reading, true) {
            return None;
        }
        Some(after)
    }

    /// A page came; `more`: there are rows behind it.
    pub fn read(&mut self, now: Ms, jobs: Vec<J>, more: bool) {
        self.reading = false;
        self.page = jobs.last().map(Work::delivery).filter(|_| more);
        if self.page.is_none() {
            self.read_at = now + READ_AGAIN_MS;
        }
        for job in jobs {
            self.add(now, job);
        }
    }

    /// The store did not answer.
    pub fn read_failed(&mut self) {
        self.reading = false;
    }

    /// When the store is to be asked again.
    pub fn read_at_ms(&self) -> Option<Ms> {
        (self.page.is_none() && !self.reading).then_some(self.read_at)
    }

    /// Looks under way.
    pub fn running(&self) -> usize {
        self.running.len()
    }

    /// Forgets what waits (the rows stand as unknown in the store).
    pub fn clear(&mut self) {
        self.waiting.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lane_core::tests::J;

    #[test]
    fn looks_late_few_at_once_and_not_for_ever() {
        let mut looks = LookUps::default();
        for id in [1, 2, 3, 3] {
            looks.add(0, J::urgent(id));
        }
        assert!(looks.next(FIRST_LOOK_MS - 1).is_none());
        let first = looks.next(FIRST_LOOK_MS).expect("due");
        assert!(looks.next(FIRST_LOOK_MS).is_some());
        assert!(looks.next(FIRST_LOOK_MS).is_none(), "two at once");
        assert_eq!(looks.ended(&first), 1);
        assert!(looks.again(20_000, 1, false, 0.0, first));
        assert_eq!(looks.next(20_000).map(|j| j.id), Some(3));
        assert!(!looks.again(0, MOST_LOOKS, false, 0.0, J::urgent(9)));
        assert!(!looks.again(0, MOST_LOOKS_WITH_POLICY, true, 0.0, J::urgent(9)));
    }
}
