//! The rate of an account (GCRA, the generic cell rate algorithm of ITU-T I.371): one number per account, the theoretical arrival time
//! of the next send, is enough, and it stays exact over restarts. Pure.

use super::Rate;
use crate::clock::Ms;
use crate::lane_core::ramp::step_us;

/// How far ahead sends are reserved. Short, so that a held lane gives little back, and long enough that no slot passes unused.
pub(super) const AHEAD_MS: Ms = 1_000;

/// The slots of one claim.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slots {
    next_us: i64,
    step_us: i64,
    last_us: i64,
    unlimited: bool,
}

impl Slots {
    /// From what is stored: the moment from which the account may send again.
    pub(super) fn new(rate: Option<Rate>, tat_us: Option<i64>, now: Ms) -> Self {
        Self::with_step(rate.map(step_us), tat_us, now)
    }

    /// With so many µs between two sends; `None`: no limit.
    pub(super) fn with_step(step_us: Option<i64>, tat_us: Option<i64>, now: Ms) -> Self {
        let now_us = now.saturating_mul(1_000);
        Self {
            next_us: tat_us.filter(|_| step_us.is_some()).unwrap_or(now_us).max(now_us),
            step_us: step_us.unwrap_or(0),
            last_us: now_us + AHEAD_MS * 1_000,
            unlimited: step_us.is_none(),
        }
    }

    /// The moment of the next send, µs.
    pub(super) fn next_us(&self) -> i64 {
        self.next_us
    }

    /// Reserves a send at `at_us`, which is not before the next one.
    pub(super) fn take_at(&mut self, at_us: i64) {
        if !self.unlimited {
            self.next_us = at_us + self.step_us;
        }
    }

    /// No limit.
    pub(super) fn is_free(&self) -> bool {
        self.unlimited
    }

    /// How many more sends fit, at most `want`.
    pub(super) fn free(&self, want: usize) -> usize {
        if self.unlimited || self.step_us == 0 {
            return want;
        }
        if self.next_us > self.last_us {
            return 0;
        }
        let fits = (self.last_us - self.next_us) / self.step_us + 1;
        want.min(usize::try_from(fits).unwrap_or(usize::MAX))
    }

    /// What to store.
    pub(super) fn tat_us(&self) -> Option<i64> {
        (!self.unlimited).then_some(self.next_us)
    }

    /// When the lane should ask again, where the rate is what stops it.
    pub(super) fn next_ms(&self) -> Ms {
        (self.next_us - AHEAD_MS * 1_000 + 999) / 1_000
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_holds_exactly_its_count_and_goes_on_after_a_restart() {
        let rate = Some(Rate {
            count: 50,
            per_ms: 1_000,
        });
        let mut slots = Slots::new(rate, None, 10_000);
        assert_eq!(slots.free(512), 51);
        for n in 0..51 {
            assert_eq!(slots.next_us(), 10_000_000 + n * 20_000);
            slots.take_at(slots.next_us());
        }
        let again = Slots::new(rate, slots.tat_us(), 10_010);
        assert_eq!(again.free(512), 0);
        assert_eq!(again.next_ms(), 10_020);
    }

    #[test]
    fn without_a_rate_everything_starts_now() {
        let mut slots = Slots::new(None, Some(99), 5);
        slots.take_at(5_000);
        assert_eq!((slots.free(7), slots.next_us(), slots.tat_us()), (7, 5_000, None));
    }
}
