//! The pace a service has taught us (LANES 3): where no `rate` is configured, or too high a one, each request to wait says how many requests the
//! service takes in which time. The lane then goes a little slower than that by itself, so that a long catch-up does not run into the limit again
//! and again, and tries after a while whether more is possible. Pure; all times are of the monotonic clock.

use crate::clock::Ms;
use crate::lane_core::values::Rate;

/// The longest wait between two starts, ms: what a service lets through in bursts (so many an hour) is not spread over its hour, because an urgent
/// notice must not wait for it.
const SLOWEST_MS: f64 = 5_000.0;
/// Slower than the service said, by so much.
const MARGIN: f64 = 1.25;
/// Each minute without a request to wait the pace is this part of the minute before; until the limit is confirmed.
const EASES: f64 = 0.75;
const MINUTE_MS: Ms = 60_000;
/// Two lessons that differ by no more than this confirm each other.
const ALIKE: f64 = 2.0;
/// A confirmed limit is tried again after so long, and then each time after twice as long, ms.
const CONFIRMED_FOR_MS: Ms = 6 * 3_600_000;
/// Whoever sends nothing for so long learns nothing from what was before, ms.
const IDLE_MS: Ms = 30_000;

/// What was learned, and what is being learned.
#[derive(Debug, Default, Clone, Copy)]
pub struct Pace {
    learned: Option<Learned>,
    /// Requests taken in this stretch, since when, and the newest.
    taken: u32,
    since: Option<Ms>,
    newest: Ms,
    /// The newest time that was named; what started before says nothing new.
    told: Option<Ms>,
}

#[derive(Debug, Clone, Copy)]
struct Learned {
    /// Between two starts, ms, at the beginning.
    spacing_ms: f64,
    /// As the service said it.
    taught_ms: f64,
    /// Eases from then on.
    eases_at: Ms,
    /// How often it was confirmed.
    confirmed: u32,
}

impl Learned {
    fn spacing_ms(&self, now: Ms) -> f64 {
        let minutes = (now - self.eases_at).div_euclid(MINUTE_MS).clamp(0, 1_000);
        self.spacing_ms * EASES.powi(i32::try_from(minutes).unwrap_or(0))
    }
}

impl Pace {
    /// A request was taken.
    pub fn taken(&mut self, now: Ms) {
        if self.since.is_none() || now - self.newest > IDLE_MS {
            self.since = Some(self.since.filter(|since| *since > now - IDLE_MS).unwrap_or(now));
            self.taken = 0;
        }
        self.taken = self.taken.saturating_add(1);
        self.newest = now;
    }

    /// The service asked a request that began at `started` to wait until then.
    pub fn told_to_wait(&mut self, now: Ms, started: Ms, until: Ms) {
        if self.told.is_some_and(|told| started < told) {
            return; // left before the lesson came
        }
        let until = until.max(now);
        let since = self.since.filter(|_| now - self.newest <= IDLE_MS).unwrap_or(now);
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of a wait")]
        let taught_ms = (until.saturating_sub(since)) as f64 / f64::from(self.taken.max(1));
        // Whatever the count says: this was too fast.
        let was_ms = self.learned.map_or(0.0, |learned| learned.spacing_ms(now));
        let alike = |before: f64| (before / ALIKE..=before * ALIKE).contains(&taught_ms);
        let before = self.learned.filter(|learned| alike(learned.taught_ms));
        let confirmed = before.map_or(0, |learned| learned.confirmed + 1);
        let rests = match confirmed {
            0 => MINUTE_MS,
            n => CONFIRMED_FOR_MS << (n - 1).min(6),
        };
        self.learned = Some(Learned {
            spacing_ms: (taught_ms.max(was_ms) * MARGIN).clamp(1.0, SLOWEST_MS),
            taught_ms,
            eases_at: until.saturating_add(rests),
            confirmed,
        });
        (self.taken, self.since, self.newest) = (0, Some(until), until);
        self.told = Some(until);
    }

    /// Between two starts now, ms; 0: as fast as the lane can.
    pub fn spacing_ms(&self, now: Ms) -> Ms {
        let spacing = self.learned.map_or(0.0, |learned| learned.spacing_ms(now));
        #[expect(clippy::cast_possible_truncation, reason = "at most five seconds")]
        let spacing = if spacing < 1.0 { 0 } else { spacing.ceil() as Ms };
        spacing
    }

    /// The same as a rate, to bound what is claimed ahead.
    pub fn rate(&self, now: Ms) -> Option<Rate> {
        let per_ms = u32::try_from(self.spacing_ms(now)).ok().filter(|ms| *ms > 0)?;
        Some(Rate { count: 1, per_ms })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A service that takes 20 a second and one second's worth at once.
    #[test]
    fn a_request_to_wait_teaches_the_pace() {
        let mut pace = Pace::default();
        for n in 0..220 {
            pace.taken(n * 46);
        }
        assert_eq!(pace.spacing_ms(10_080), 0, "nothing is known");
        pace.told_to_wait(10_080, 10_000, 11_080);
        assert_eq!(pace.spacing_ms(11_080), 63, "a little slower than 20 a second");
        pace.told_to_wait(10_090, 10_010, 11_090);
        assert_eq!(pace.spacing_ms(11_080), 63, "what had left before teaches nothing");
        assert_eq!(pace.rate(11_080).map(|rate| (rate.count, rate.per_ms)), Some((1, 63)));
    }

    #[test]
    fn it_eases_until_the_limit_is_confirmed() {
        let mut pace = Pace::default();
        pace.taken(0);
        pace.told_to_wait(100, 50, 1_000);
        assert_eq!(pace.spacing_ms(1_000), 1_250);
        assert_eq!(pace.spacing_ms(1_000 + 3 * MINUTE_MS), 704);
        assert_eq!(pace.spacing_ms(3_600_000), 0, "forgotten");
        pace.taken(121_000);
        pace.told_to_wait(121_100, 121_050, 122_000);
        let hour = 3_600_000;
        assert_eq!(pace.spacing_ms(hour), pace.spacing_ms(5 * hour), "confirmed");
        assert!(pace.spacing_ms(7 * hour) < pace.spacing_ms(5 * hour));
    }

    #[test]
    fn an_hours_quota_is_not_spread_over_its_hour() {
        let mut pace = Pace::default();
        for n in 0..50 {
            pace.taken(n * 100);
        }
        pace.told_to_wait(5_000, 4_900, 3_600_000);
        assert_eq!(pace.spacing_ms(3_600_000), 5_000);
    }
}
