//! The breaker (LANES 3): after repeated failures one probe at a time, with growing gaps; when the counterpart answers
//! again, the lane opens up request by request, the more slowly the longer it was away, so that a recovering service is not run over. All times are of the monotonic clock.

use crate::clock::Ms;

/// Failures in a row that open the breaker.
pub const TRIPS_AFTER: u32 = 5;
/// The first gap between probes, ms.
const FIRST_GAP_MS: Ms = 2_000;
/// The longest gap where a probe costs nothing, ms: recovery is noticed within a minute.
pub const LONGEST_GAP_MS: Ms = 60_000;
/// The longest gap where a probe that gets no answer leaves a message unknown, ms.
pub const LONGEST_COSTLY_GAP_MS: Ms = 15 * 60_000;

/// Closed, or open until a probe got an answer.
#[derive(Debug, Clone, Copy)]
pub struct Breaker {
    concurrency: u32,
    longest_gap_ms: Ms,
    failures: u32,
    failed_probes: u32,
    open: bool,
    until_ms: Ms,
    window: u32,
    /// Since when requests fail.
    failing_since: Option<Ms>,
    /// The newest failure that said something.
    failed_last: Ms,
    /// Answers it takes for one more request at the same time, and how many there were.
    step: u32,
    answers: u32,
}

/// Each minute of an outage makes it one answer more that is needed for one more request at the same time: at most so many.
const LONGEST_STEP: u32 = 512;

impl Breaker {
    /// A closed breaker of a lane with so many connections.
    pub fn new(concurrency: u32, longest_gap_ms: Ms) -> Self {
        Self {
            concurrency: concurrency.max(1),
            longest_gap_ms,
            failures: 0,
            failed_probes: 0,
            open: false,
            until_ms: Ms::MIN,
            window: concurrency.max(1),
            failing_since: None,
            failed_last: Ms::MIN,
            step: 1,
            answers: 0,
        }
    }

    /// Opens it as it was stored: the first request after `until` is a probe. `failing_since`: where requests failed.
    pub fn restore(&mut self, until: Ms, failures: u32, failing_since: Option<Ms>) {
        self.failing_since = failing_since;
        self.failed_last = failing_since.unwrap_or(Ms::MIN);
        self.open = true;
        self.until_ms = until;
        self.failures = failures;
        self.failed_probes = failures.saturating_sub(TRIPS_AFTER);
        self.window = 1;
    }

    /// The counterpart answered sensibly (also with a refusal of this one message). True where that closed the breaker.
    pub fn answered(&mut self, now: Ms) -> bool {
        self.failures = 0;
        self.failed_probes = 0;
        if now < self.until_ms {
            return false; // started before the service named a time, which still holds
        }
        let closed = std::mem::take(&mut self.open);
        if let Some(since) = self.failing_since.take() {
            // The longer it was away, the more has gathered, here and at others.
            // Nobody knows how it was while nothing was tried.
            let minutes = (self.failed_last - since).max(0) / 60_000;
            self.step = u32::try_from(minutes).unwrap_or(LONGEST_STEP).clamp(1, LONGEST_STEP);
        } else if self.window >= self.concurrency {
            self.step = 1;
        }
        self.answers += 1;
        if closed || self.answers >= self.step {
            self.answers = 0;
            self.window = (self.window + 1).min(self.concurrency);
        }
        closed
    }

    /// A failure that says something about the counterpart. `chance` from 0 to 1 spreads the gap. True where the breaker
    /// opened or the next probe moved.
    pub fn failed(&mut self, now: Ms, probe: bool, chance: f64) -> bool {
        self.failures = self.failures.saturating_add(1);
        if self.open {
            if !probe {
                return false; // started before it opened; says nothing new
            }
            self.failed_probes = self.failed_probes.saturating_add(1);
        } else if self.failures < TRIPS_AFTER {
            return false;
        }
        self.failing_since.get_or_insert(now);
        self.failed_last = now;
        self.open = true;
        self.window = 1;
        let gap = (FIRST_GAP_MS << self.failed_probes.min(12)).min(self.longest_gap_ms);
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            reason = "a gap is at most 15 minutes"
        )]
        let spread = (gap as f64 * 0.5 * chance.clamp(0.0, 1.0)) as Ms;
        self.until_ms = self.until_ms.max(now + gap - spread);
        true
    }

    /// The service named a time. It is taken exactly; afterwards one request tries first.
    pub fn told_to_wait(&mut self, until: Ms) {
        self.open = true;
        self.window = 1;
        self.until_ms = self.until_ms.max(until);
    }

    /// A person asks for a try now.
    pub fn try_now(&mut self) {
        self.until_ms = Ms::MIN;
    }

    /// True where one more request may start.
    pub fn lets_start(&self, now: Ms, in_flight: u32) -> bool {
        now >= self.until_ms
            && if self.open {
                in_flight == 0
            } else {
                in_flight < self.window
            }
    }

    /// True while one probe at a time goes.
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// Nothing starts before this, ms.
    pub fn until_ms(&self) -> Ms {
        self.until_ms
    }

    /// Requests at the same time now.
    pub fn window(&self) -> u32 {
        if self.open { 1 } else { self.window }
    }

    /// Failures in a row.
    pub fn failures(&self) -> u32 {
        self.failures
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_probe_at_a_time_with_growing_gaps() {
        let mut breaker = Breaker::new(4, LONGEST_GAP_MS);
        for _ in 0..4 {
            assert!(!breaker.failed(0, false, 0.0));
        }
        assert!(breaker.lets_start(0, 3));
        assert!(breaker.failed(0, false, 0.0));
        let mut gaps = Vec::new();
        let mut now = 0;
        for _ in 0..7 {
            gaps.push((breaker.until_ms() - now) / 1_000);
            now = breaker.until_ms();
            assert!(!breaker.lets_start(now - 1, 0));
            assert!(breaker.lets_start(now, 0));
            assert!(!breaker.lets_start(now, 1), "one at a time");
            assert!(breaker.failed(now, true, 0.0));
        }
        assert_eq!(gaps, [2, 4, 8, 16, 32, 60, 60]);
        assert!(breaker.answered(now + 60_000), "closed");
        assert_eq!(breaker.window(), 2);
        let mut widens = || {
            breaker.answered(now + 60_000);
            breaker.window()
        };
        // It failed for three minutes.
        assert_eq!(
            [(); 6].map(|()| widens()),
            [2, 2, 3, 3, 3, 4],
            "with every third answer"
        );
    }

    #[test]
    fn stragglers_move_no_gap_and_a_success_between_resets() {
        let mut breaker = Breaker::new(4, LONGEST_GAP_MS);
        for _ in 0..4 {
            breaker.failed(0, false, 0.0);
        }
        breaker.answered(0);
        assert!(!breaker.failed(0, false, 0.0));
        for _ in 0..4 {
            breaker.failed(0, false, 0.0);
        }
        let until = breaker.until_ms();
        assert!(!breaker.failed(1_000, false, 0.0));
        assert_eq!(breaker.until_ms(), until);
    }

    #[test]
    fn a_named_time_is_never_shortened() {
        let mut breaker = Breaker::new(4, LONGEST_GAP_MS);
        breaker.told_to_wait(86_400_000);
        breaker.told_to_wait(5_000);
        for _ in 0..9 {
            breaker.failed(0, false, 1.0);
        }
        assert_eq!(breaker.until_ms(), 86_400_000);
        assert!(!breaker.answered(1));
        assert!(
            !breaker.lets_start(86_399_999, 0),
            "a straggler's success does not shorten it"
        );
        assert!(breaker.lets_start(86_400_000, 0));
        assert!(breaker.is_open(), "and then one at a time");
    }
}
