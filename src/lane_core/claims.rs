//! How many rows to ask the store for (LANES 3): channels with a handle claim ahead, so that connections never wait for a
//! commit; channels without one claim only free connections, so that a crash leaves at most `concurrency` open rows.

use crate::lane_core::event::Rules;
use crate::lane_core::ramp::step_us;
use crate::lane_core::values::Rate;

/// Rows per connection below which a lane with a handle asks for more.
const LOW: u32 = 4;
/// Rows per connection up to which it fills.
const HIGH: u32 = 8;
/// Never more rows than this ahead, however many connections.
const MOST_AHEAD: u32 = 4_096;

/// Connections kept free for urgent messages beside a running bulk broadcast; a lane with few has none to spare.
pub fn reserved(concurrency: u32) -> u32 {
    if concurrency < 4 { 0 } else { concurrency.div_ceil(16) }
}

/// Connections bulk messages may use.
pub fn for_bulk(concurrency: u32) -> u32 {
    concurrency.saturating_sub(reserved(concurrency)).max(1)
}

/// What a lane has in hand.
#[derive(Debug, Clone, Copy)]
pub struct InHand {
    /// Claimed, not started.
    pub queued: u32,
    /// Requests under way.
    pub in_flight: u32,
    /// Outcomes and give-backs that are not committed before this claim is: their rows still stand as started.
    pub uncommitted: u32,
    /// Requests the lane may have at the same time now (after trouble it grows from one).
    pub window: u32,
    /// Just woken: something urgent may be there, so the reserved connections ask too.
    pub woken: bool,
    /// The last claim brought urgent rows only: they may use the reserved connections.
    pub urgent: bool,
    /// Starts by a ramp: each row has a time of its own and has to find a free connection then.
    pub by_ramp: bool,
}

/// The slower of two rates.
pub fn slower(one: Option<Rate>, other: Option<Rate>) -> Option<Rate> {
    one.into_iter().chain(other).max_by_key(|rate| step_us(*rate))
}

/// How many rows to claim now; 0: none.
pub fn limit(rules: &Rules, hand: InHand) -> u32 {
    let slots = rules.concurrency.min(hand.window);
    let room = if rules.handle_for_ms.is_some() && !hand.by_ramp && hand.window >= rules.concurrency {
        let high = slots.saturating_mul(HIGH).min(MOST_AHEAD);
        let low = slots.saturating_mul(LOW).min(MOST_AHEAD / 2);
        if hand.queued < low {
            high - hand.queued
        } else if hand.woken {
            (high + slots).saturating_sub(hand.queued).min(slots)
        } else {
            0
        }
    } else {
        let slots = if hand.woken || hand.urgent {
            slots
        } else {
            slots.min(for_bulk(rules.concurrency))
        };
        let busy = hand.queued + hand.in_flight;
        let open = if rules.handle_for_ms.is_some() {
            busy
        } else {
            busy + hand.uncommitted
        };
        slots.saturating_sub(open)
    };
    match rules.rate {
        // What starts within a second is enough; a reserved start time that is given back is lost.
        Some(rate) => {
            let second = u64::from(rate.count) * 1_000 / u64::from(rate.per_ms.max(1));
            let ahead = u32::try_from(second).unwrap_or(u32::MAX).max(1);
            room.min(ahead.saturating_sub(hand.queued))
        }
        None => room,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Ms;
    use crate::domain::delivery::UnknownPolicy;

    fn rules(handle: bool) -> Rules {
        Rules {
            handle_for_ms: handle.then_some(1_000),
            handles_from_ms: Ms::MIN,
            looks_up: false,
            unknown: UnknownPolicy::Ask,
            concurrency: 64,
            timeout_ms: 1_000,
            one_counterpart: true,
            rate: None,
            ramp: None,
        }
    }

    fn hand(queued: u32, in_flight: u32, uncommitted: u32) -> InHand {
        InHand {
            queued,
            in_flight,
            uncommitted,
            window: 64,
            woken: false,
            urgent: false,
            by_ramp: false,
        }
    }

    #[test]
    fn with_a_handle_64_connections_never_starve() {
        assert_eq!(limit(&rules(true), hand(0, 64, 64)), 512);
        assert_eq!(limit(&rules(true), hand(255, 64, 64)), 257);
        assert_eq!(limit(&rules(true), hand(256, 64, 64)), 0, "enough ahead");
        let woken = InHand {
            woken: true,
            ..hand(512, 64, 0)
        };
        assert_eq!(limit(&rules(true), woken), 64, "an urgent one gets in");
    }

    #[test]
    fn without_a_handle_open_rows_never_exceed_the_connections() {
        for queued in 0..70 {
            for in_flight in 0..64 {
                for uncommitted in [0, 3, 64] {
                    let hand = hand(queued, in_flight, uncommitted);
                    let woken = InHand { woken: true, ..hand };
                    let open = queued + in_flight + uncommitted;
                    assert!(open >= 64 || open + limit(&rules(false), woken) <= 64);
                    assert!(open >= 60 || open + limit(&rules(false), hand) <= 60);
                }
            }
        }
    }

    #[test]
    fn by_a_ramp_only_free_connections_are_claimed_for() {
        let by_ramp = InHand {
            by_ramp: true,
            ..hand(10, 30, 64)
        };
        assert_eq!(limit(&rules(true), by_ramp), 20);
    }

    #[test]
    fn after_trouble_only_the_window() {
        let hand = InHand {
            window: 2,
            ..hand(0, 1, 0)
        };
        assert_eq!(limit(&rules(true), hand), 1);
    }

    #[test]
    fn a_rate_bounds_what_is_claimed_ahead_to_a_second() {
        let mut slow = rules(true);
        slow.rate = Some(Rate {
            count: 50,
            per_ms: 1_000,
        });
        assert_eq!(limit(&slow, hand(0, 0, 0)), 50);
        assert_eq!(limit(&slow, hand(50, 0, 0)), 0);
        slow.rate = Some(Rate {
            count: 1,
            per_ms: 60_000,
        });
        assert_eq!(limit(&slow, hand(0, 0, 0)), 1);
    }

    #[test]
    fn reserved_connections() {
        assert_eq!([1, 2, 8, 16, 64].map(reserved), [0, 0, 1, 1, 4]);
        assert_eq!([1, 2, 8, 16, 64].map(for_bulk), [1, 2, 7, 15, 60]);
    }
}
