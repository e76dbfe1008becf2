//! A release with a ramp (LANES 5): how fast a lane may start after a hold, by the time it has been sending. The position is stored; it stands
//! still while nothing is sent, and every release begins anew. Pure.

use serde::{Deserialize, Serialize};

use crate::clock::Ms;
use crate::lane_core::values::Rate;

/// Time between two claims counts as sending up to this much, ms: who was off, or had nothing to send, has not proved anything.
const COUNTS_AT_MOST_MS: Ms = 60_000;
/// After so many doublings it is no ramp any more (a million times the first rate).
const DOUBLINGS: i64 = 20;

/// `ramp = { start = "200/min", double = "10m", per_domain = "20/min" }`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ramp {
    /// First rate of the lane.
    pub start: Rate,
    /// Time of sending after which the rate doubles, ms.
    pub double_ms: Ms,
    /// Rate for each domain of the recipients; it does not double.
    pub per_domain: Option<Rate>,
}

/// Where a ramp stands, as stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ran {
    /// Time of sending so far, ms.
    pub ran_ms: Ms,
    /// When that was last counted.
    pub seen_ms: Ms,
}

/// The time between two sends at this rate, µs.
pub fn step_us(rate: Rate) -> i64 {
    (i64::from(rate.per_ms) * 1_000 / i64::from(rate.count.max(1))).max(1)
}

impl Ran {
    /// The beginning, at a release.
    pub fn begin(now: Ms) -> Self {
        Self {
            ran_ms: 0,
            seen_ms: now,
        }
    }

    /// The lane is about to send: the time since it last did counts, but no long silence.
    pub fn go_on(self, now: Ms) -> Self {
        let since = now.saturating_sub(self.seen_ms).clamp(0, COUNTS_AT_MOST_MS);
        Self {
            ran_ms: self.ran_ms.saturating_add(since),
            seen_ms: now,
        }
    }
}

impl Ramp {
    /// The time between two sends of the lane at this position, µs.
    ///
    /// ```
    /// use rundruf::lane_core::{ramp::Ramp, values::Rate};
    /// let ramp = Ramp { start: Rate { count: 60, per_ms: 60_000 }, double_ms: 600_000, per_domain: None };
    /// assert_eq!([0, 599_999, 600_000, 1_200_000].map(|ran| ramp.step_us(ran)), [1_000_000, 1_000_000, 500_000, 250_000]);
    /// ```
    pub fn step_us(&self, ran_ms: Ms) -> i64 {
        (step_us(self.start) >> self.doublings(ran_ms)).max(1)
    }

    fn doublings(&self, ran_ms: Ms) -> i64 {
        (ran_ms.max(0) / self.double_ms.max(1)).min(DOUBLINGS)
    }

    /// Sends in a minute at this position.
    pub fn per_minute(&self, ran_ms: Ms) -> u64 {
        u64::try_from(60_000_000 / self.step_us(ran_ms)).unwrap_or(1).max(1)
    }

    /// How long the lane takes for so many at least, ms: by the ramp alone, from its beginning. `largest`: so many of them are of one domain.
    pub fn takes_ms(&self, sends: u64, largest: u64) -> Ms {
        let step = self.per_domain.map_or(0, step_us);
        let alone = i64::try_from(largest).unwrap_or(i64::MAX).saturating_mul(step) / 1_000;
        self.lane_takes_ms(sends).max(alone)
    }

    fn lane_takes_ms(&self, sends: u64) -> Ms {
        let mut left = sends;
        let mut took: Ms = 0;
        for _ in 0..DOUBLINGS {
            let step = self.step_us(took);
            let fits = u64::try_from(self.double_ms.saturating_mul(1_000) / step)
                .unwrap_or(u64::MAX)
                .max(1);
            if left <= fits {
                break;
            }
            left -= fits;
            took = took.saturating_add(self.double_ms);
        }
        let rest = i64::try_from(left)
            .unwrap_or(i64::MAX)
            .saturating_mul(self.step_us(took));
        took.saturating_add(rest / 1_000)
    }
}

/// The domain of a recipient's address (in the form in which it is compared: one domain has one spelling there), for its own rate: of a mail address what stands behind the @, of a web address its host; a telephone
/// number and an account have none.
pub fn domain(address: &str) -> Option<String> {
    let host = match address.split_once("://") {
        Some((_, rest)) => {
            let host = rest.split(['/', '?', '#']).next()?;
            host.rsplit_once('@').map_or(host, |(_, host)| host)
        }
        None => address.rsplit_once('@')?.1,
    };
    let host = host.trim().to_lowercase();
    (!host.is_empty()).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RAMP: Ramp = Ramp {
        start: Rate {
            count: 200,
            per_ms: 60_000,
        },
        double_ms: 600_000,
        per_domain: None,
    };

    #[test]
    fn silence_and_a_clock_that_went_back_prove_nothing() {
        let ran = Ran::begin(1_000).go_on(1_300).go_on(1_300 + 86_400_000);
        assert_eq!(ran.ran_ms, 300 + 60_000);
        let back = ran.go_on(5);
        assert_eq!((back.ran_ms, back.seen_ms), (60_300, 5));
    }

    #[test]
    fn it_takes_as_long_as_it_says() {
        assert_eq!(RAMP.per_minute(0), 200);
        assert_eq!(RAMP.per_minute(600_000), 400);
        assert_eq!(RAMP.takes_ms(200, 0), 60_000);
        assert_eq!(RAMP.takes_ms(2_000, 0), 600_000);
        assert_eq!(RAMP.takes_ms(2_400, 0), 660_000, "the last 400 in a minute");
        let per_domain = Some(Rate {
            count: 20,
            per_ms: 60_000,
        });
        let by_domain = Ramp { per_domain, ..RAMP };
        assert_eq!(by_domain.takes_ms(2_000, 200), 600_000, "as long as the lane takes");
        assert_eq!(by_domain.takes_ms(2_000, 1_200), 3_600_000);
        assert!(RAMP.takes_ms(1_700_000, 340_000) < 24 * 3_600_000);
        assert_eq!(RAMP.step_us(Ms::MAX), 1, "no overflow: hardly a ramp any more");
    }

    #[test]
    fn domains() {
        let cases = [
            ("anna@Ex.Example", Some("ex.example")),
            ("\"a@b\"@c.example", Some("c.example")),
            ("https://u:p@hook.example:8443/x?y@z", Some("hook.example:8443")),
            ("+4930231250", None),
            ("", None),
            ("anna@", None),
        ];
        for (address, want) in cases {
            assert_eq!(domain(address).as_deref(), want, "{address}");
        }
    }
}
