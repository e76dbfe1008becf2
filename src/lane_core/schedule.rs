//! When a delivery is tried again (LANES 3): full jitter over 1 s, 5 s, 15 s, 60 s, then doubling to 15 min, bulk to 2 h.
//! There is no attempt limit.

use crate::clock::Ms;

/// The first steps, ms.
const FIRST: [Ms; 4] = [1_000, 5_000, 15_000, 60_000];
/// The longest wait of an urgent delivery, ms.
pub const LONGEST_URGENT_MS: Ms = 15 * 60_000;
/// The longest wait of a bulk delivery, ms.
pub const LONGEST_BULK_MS: Ms = 2 * 60 * 60_000;

/// The longest wait after the failed attempt number `attempt` (from 1), before jitter.
///
/// ```
/// use rundruf::lane_core::schedule::step_ms;
/// assert_eq!([1, 2, 3, 4, 5].map(|n| step_ms(n, true)), [1_000, 5_000, 15_000, 60_000, 120_000]);
/// ```
pub fn step_ms(attempt: u32, urgent: bool) -> Ms {
    let longest = if urgent { LONGEST_URGENT_MS } else { LONGEST_BULK_MS };
    let n = attempt.max(1) as usize - 1;
    match FIRST.get(n) {
        Some(step) => *step,
        None => {
            let doublings = u32::try_from(n - FIRST.len() + 1).unwrap_or(20).min(20);
            (FIRST[FIRST.len() - 1] << doublings).min(longest)
        }
    }
}

/// The wait after attempt `attempt`: anything from nothing to the whole step, so that many failures at one moment do not
/// come back at one moment. `chance` is a random number from 0 to 1.
pub fn delay_ms(attempt: u32, urgent: bool, chance: f64) -> Ms {
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "at most two hours in ms"
    )]
    let delay = (step_ms(attempt, urgent) as f64 * chance.clamp(0.0, 1.0)) as Ms;
    delay
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_as_specified_and_then_stays() {
        let urgent: Vec<_> = (1..=10).map(|n| step_ms(n, true) / 1000).collect();
        assert_eq!(urgent, [1, 5, 15, 60, 120, 240, 480, 900, 900, 900]);
        let bulk: Vec<_> = (7..=13).map(|n| step_ms(n, false) / 1000).collect();
        assert_eq!(bulk, [480, 960, 1920, 3840, 7200, 7200, 7200]);
        assert_eq!(step_ms(u32::MAX, true), LONGEST_URGENT_MS);
        assert_eq!(step_ms(0, true), 1_000);
    }

    #[test]
    fn full_jitter_spans_the_whole_step() {
        assert_eq!(delay_ms(4, true, 0.0), 0);
        assert_eq!(delay_ms(4, true, 0.5), 30_000);
        assert_eq!(delay_ms(4, true, 1.0), 60_000);
        assert_eq!(delay_ms(4, true, 7.0), 60_000);
    }
}
