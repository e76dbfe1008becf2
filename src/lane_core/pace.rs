//! The pace a service has taught us (LANES 3): where no `rate` is configured, or too high a one, each request to wait says how many requests the
//! service takes in which time. The lane then goes a little slower than that by itself, so that a long catch-up does not run into the limit again
//! and again, and tries after a while whether more is possible. Pure; all times are of the monotonic clock.

use crate::clock::Ms;
use crate::lane_core::values::Rate;

/// The longest wait between two starts, ms: what a service lets through in bursts (so many an hour) is not spread over its hour, because an urgent
/// notice must not wait for it.
const SLOWEST_MS: f64 = 5_000.0;
/// Three quarters of what the service said: what it takes at once (a burst, the rest of a window) makes it look faster than it is.
const MARGIN: f64 = 4.0 / 3.0;
/// Each minute without a request to wait the wait between two starts is this part of the one before, until the limit is known.
const EASES: f64 = 0.75;
const MINUTE_MS: Ms = 60_000;
/// So many requests are a part of a stretch: the last parts show best what the service takes, because a lane begins slowly.
const PART: u32 = 400;
/// So many requests taken show what the limit is; fewer may have met a service that was busy for a moment.
const SURE: u32 = 100;
/// So many where a pace was learned before and was too fast all the same.
const SURE_AGAIN: u32 = 20;
/// A limit that is known is tried again after so long, and then each time after four times as long, ms.
const KNOWN_FOR_MS: Ms = 24 * 3_600_000;
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
    /// The time and the count where the last two parts of the stretch began.
    parts: [(Ms, u32); 2],
    /// The newest time that was named; what started before says nothing new.
    told: Option<Ms>,
}

#[derive(Debug, Clone, Copy)]
struct Learned {
    /// Between two starts, ms, at the beginning.
    spacing_ms: f64,
    /// Eases from then on.
    eases_at: Ms,
    /// How often the limit was met where it was expected.
    known: u32,
}

impl Learned {
    /// How often it has eased.
    fn eased(&self, now: Ms) -> i32 {
        i32::try_from((now - self.eases_at).div_euclid(MINUTE_MS).clamp(0, 1_000)).unwrap_or(0)
    }

    fn spacing_ms(&self, now: Ms) -> f64 {
        self.spacing_ms * EASES.powi(self.eased(now))
    }
}

impl Pace {
    /// What was long ago says nothing about now.
    fn begins(&mut self, now: Ms) {
        if self.since.is_none() || now - self.newest > IDLE_MS {
            (self.taken, self.since, self.parts) = (0, Some(now), [(now, 0); 2]);
        }
    }

    /// A request was taken.
    pub fn taken(&mut self, now: Ms) {
        self.begins(now);
        self.taken = self.taken.saturating_add(1);
        if self.taken.is_multiple_of(PART) {
            self.parts = [self.parts[1], (now, self.taken)];
        }
        self.newest = now;
    }

    /// The service asked a request that began at `started` to wait until then.
    pub fn told_to_wait(&mut self, now: Ms, started: Ms, until: Ms) {
        if self.told.is_some_and(|told| started < told) {
            return; // left before the lesson came
        }
        if self.taken == 0 && self.told.is_some() {
            // Nothing was taken since the last time that was named: the service is as busy as it was, which says nothing about how fast it may go.
            self.told = Some(until.max(now));
            return;
        }
        let until = until.max(now);
        self.begins(now);
        let since = self.since.unwrap_or(now);
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of a wait")]
        let each = |from: Ms, taken: u32| until.saturating_sub(from) as f64 / f64::from(taken.max(1));
        // By all of it where the limit is one of a long window, by its end where it is one of seconds.
        let (from, count) = self.parts[0];
        let counted_ms = each(since, self.taken).min(each(from, self.taken - count));
        let before = self.learned.filter(|learned| learned.spacing_ms(now) >= 1.0);
        let spacing_ms = match before {
            // It was well for a day: back to that.
            Some(learned) if learned.eased(now) > 0 && learned.known > 0 => learned.spacing_ms,
            // A minute ago it was well, now it is too fast: the limit lies between.
            Some(learned) if learned.eased(now) > 0 => learned.spacing_ms(now) / EASES * MARGIN,
            // Whatever the count says: this was too fast.
            Some(learned) => counted_ms.max(learned.spacing_ms(now)) * MARGIN,
            None => counted_ms * MARGIN,
        };
        let sure = self.taken >= SURE || (before.is_some() && self.taken >= SURE_AGAIN);
        // A limit that has eased to nothing was none, or is none any more.
        let known = before.map_or(0, |learned| learned.known) + u32::from(sure);
        let rests = if sure {
            KNOWN_FOR_MS << (2 * (known - 1).min(3))
        } else {
            MINUTE_MS
        };
        self.learned = Some(Learned {
            spacing_ms: spacing_ms.clamp(1.0, SLOWEST_MS),
            eases_at: until.saturating_add(rests),
            known,
        });
        (self.taken, self.since, self.newest, self.parts) = (0, Some(until), until, [(until, 0); 2]);
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

    const HOUR_MS: Ms = 3_600_000;

    /// A service that takes 20 a second and one second's worth at once.
    #[test]
    fn a_request_to_wait_teaches_the_pace() {
        let mut pace = Pace::default();
        for n in 0..220 {
            pace.taken(n * 46);
        }
        assert_eq!(pace.spacing_ms(10_080), 0, "nothing is known");
        pace.told_to_wait(10_080, 10_000, 11_080);
        assert_eq!(pace.spacing_ms(11_080), 68, "three quarters of 20 a second");
        pace.told_to_wait(10_090, 10_010, 11_090);
        assert_eq!(pace.spacing_ms(11_080), 68, "what had left before teaches nothing");
        assert_eq!(pace.rate(11_080).map(|rate| (rate.count, rate.per_ms)), Some((1, 68)));
        assert_eq!(pace.spacing_ms(23 * HOUR_MS), 68, "it has seen enough");
        assert!(pace.spacing_ms(25 * HOUR_MS) < 68);
    }

    #[test]
    fn it_eases_until_the_limit_is_known() {
        let mut pace = Pace::default();
        pace.taken(0);
        pace.told_to_wait(100, 50, 1_000);
        assert_eq!(pace.spacing_ms(1_000), 1_334);
        assert_eq!(pace.spacing_ms(1_000 + 3 * MINUTE_MS), 750);
        assert_eq!(pace.spacing_ms(HOUR_MS), 0, "it was busy for a moment");
        // 750 ms are too fast, 1,000 were not.
        for _ in 0..20 {
            pace.taken(180_000);
        }
        pace.told_to_wait(181_500, 181_000, 182_000);
        assert_eq!(pace.spacing_ms(182_000), 1_334);
        assert_eq!(pace.spacing_ms(23 * HOUR_MS), 1_334);
    }

    /// A gateway that is overloaded for an hour takes nothing and says "wait" to every try: what it can do is as unknown as before.
    #[test]
    fn a_service_that_takes_nothing_teaches_nothing() {
        let mut pace = Pace::default();
        for n in 0..60 {
            pace.told_to_wait(n * MINUTE_MS + 100, n * MINUTE_MS, (n + 1) * MINUTE_MS);
        }
        assert_eq!(pace.spacing_ms(HOUR_MS + 15 * MINUTE_MS), 0);
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
