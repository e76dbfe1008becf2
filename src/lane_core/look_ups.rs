//! Reading back after unknown (LANES 3): when, how often, and a few at a time. All times here are of the monotonic clock:
//! a wall clock that leaps must not make a look come before the request it looks for.

use crate::clock::Ms;
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
    running: Vec<(crate::ids::DeliveryId, u32)>,
}

impl<J> Default for LookUps<J> {
    fn default() -> Self {
        Self {
            waiting: Vec::new(),
            running: Vec::new(),
        }
    }
}

impl<J: Work> LookUps<J> {
    /// A row to look for; one that is waited for already is not added twice.
    pub fn add(&mut self, now: Ms, job: J) {
        let known = |id| self.waiting.iter().any(|w| w.job.delivery() == id);
        let runs = |id| self.running.iter().any(|(of, _)| *of == id);
        if !known(job.delivery()) && !runs(job.delivery()) {
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
