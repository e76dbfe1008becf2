//! From what a kind can do and what is configured, to the rules of its lane.

use std::time::Duration;

use crate::channel::{Built, Channel};
use crate::clock::Ms;
use crate::domain::delivery::UnknownPolicy;
use crate::ids::{DeliveryId, LaneId};
use crate::lane_core::event::{Rules, Work};
use crate::settings::Common;
use crate::store::{ClaimRequest, Job, Takeover};

/// A request gets this much longer than its timeout before the lane stops waiting for it: the channel's own word is better.
const MARGIN_MS: Ms = 5_000;
/// `order_wait` where nothing is configured (LANES 4).
const ORDER_WAIT_MS: Ms = 2 * 60_000;
/// Rows of a broadcast that may wait for their domains' turns: a hold, a newer notice and the end of its time touch them all at once.
const TURNS: u32 = 1_024;
/// Recipients of an audience who are opened at once: as TURNS, but for lanes without a ramp, where a claim takes all that is open soon after.
const OPENS: u32 = 128;
/// How long a correction waits for what it corrects (LANES 4).
const CORRECTION_WAIT_MS: Ms = 5 * 60_000;

/// A channel as the lanes need it.
pub struct LaneSetup {
    /// Its lane's row.
    pub lane: LaneId,
    /// Name, for logs and metrics.
    pub name: String,
    /// What is configured.
    pub common: Common,
    /// The channel.
    pub built: Built,
}

/// A message lane's rules and what goes into each of its claims.
#[derive(Debug, Clone)]
pub struct MessageRules {
    /// For the core.
    pub core: Rules,
    lane: LaneId,
    order_wait_ms: Ms,
}

impl MessageRules {
    /// The rules of a channel that sends messages. `handles_from_ms`: see [`Rules`].
    pub fn of(lane: LaneId, common: &Common, channel: &dyn Channel, handles_from_ms: Ms) -> Self {
        let can = channel.abilities();
        let timeout = common.timeout.unwrap_or(can.timeout);
        Self {
            core: Rules {
                handle_for_ms: can.handle_for.map(ms),
                handles_from_ms,
                looks_up: can.looks_up,
                unknown: common.unknown.unwrap_or(can.unknown),
                concurrency: common.concurrency.unwrap_or(can.concurrency).max(1),
                timeout_ms: ms(timeout).saturating_add(MARGIN_MS),
                one_counterpart: !channel.many_counterparts() || common.audience.is_none(),
                rate: common.rate,
                ramp: common.release.ramp,
            },
            lane,
            order_wait_ms: common.order_wait.map_or(ORDER_WAIT_MS, ms),
        }
    }

    /// The longest the lane waits for one request.
    pub fn timeout(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.core.timeout_ms).unwrap_or_default())
    }

    /// A claim. `expires`: the clock is trusted.
    pub fn claim(&self, epoch: i64, now_ms: Ms, expires: bool, limit: u32, probe: bool) -> ClaimRequest {
        ClaimRequest {
            lane: self.lane,
            epoch,
            now_ms,
            expires,
            limit,
            probe,
            lease_ms: self.core.timeout_ms.saturating_add(MARGIN_MS),
            rate: self.core.rate,
            ramp: self.core.ramp,
            late_ms: 0,
            turns: TURNS,
            opens: OPENS,
            order_wait_ms: self.order_wait_ms,
            correction_wait_ms: CORRECTION_WAIT_MS,
            settles: Vec::new(),
        }
    }

    /// What a new owner does with the lane's open rows. A kind that reads back lets them stand as unknown first.
    pub fn takeover(&self) -> Takeover {
        let by_policy = !self.core.looks_up;
        Takeover {
            lane: self.lane,
            // Rows that are repeated by their handle are looked at once more when they start.
            handle_for_ms: self.core.handle_for_ms,
            handles_from_ms: self.core.handles_from_ms,
            repeat: by_policy && self.core.unknown == UnknownPolicy::Repeat,
            drop: by_policy && self.core.unknown == UnknownPolicy::Drop,
        }
    }
}

/// Whole milliseconds; longer than the calendar counts as for ever.
pub(super) fn ms(duration: Duration) -> Ms {
    Ms::try_from(duration.as_millis()).unwrap_or(Ms::MAX)
}

impl Work for Job {
    fn delivery(&self) -> DeliveryId {
        self.delivery
    }
    fn attempt(&self) -> u32 {
        self.attempt
    }
    fn first_started_ms(&self) -> Ms {
        self.first_started_ms
    }
    fn start_at_ms(&self) -> Ms {
        self.start_at_ms
    }
    fn urgent(&self) -> bool {
        self.urgent
    }
    fn after_unknown(&self) -> bool {
        self.after_unknown
    }
}
