//! What `/metrics` says about lanes. Names are part of what people build alarms on: they do not change.

use std::time::Duration;

use metrics::{Histogram, gauge, histogram};

use super::glance::Glance;
use crate::clock::Ms;
use crate::domain::delivery::BroadcastState;
use crate::store::BroadcastRow;

/// How long a lane's transactions took.
#[derive(Clone)]
pub(super) struct Timings {
    claim: Histogram,
    commit: Histogram,
}

impl Timings {
    pub(super) fn of(lane: &str) -> Self {
        Self {
            claim: histogram!("rundruf_lane_claim_seconds", "lane" => lane.to_owned()),
            commit: histogram!("rundruf_lane_commit_seconds", "lane" => lane.to_owned()),
        }
    }

    pub(super) fn claim(&self, took: Duration) {
        self.claim.record(took);
    }

    pub(super) fn commit(&self, took: Duration) {
        self.commit.record(took);
    }
}

/// Gate (0 open, 1 held, 2 draining), health (0 well, 1 backing off, 2 probing, 3 paused) and what is in hand.
pub(super) fn show(lane: &str, glance: &Glance) {
    let set = |name: &'static str, value: u32| {
        gauge!(name, "lane" => lane.to_owned()).set(f64::from(value));
    };
    set("rundruf_lane_gate", glance.lane.gate as u32);
    set("rundruf_lane_health", glance.lane.health as u32);
    set("rundruf_lane_in_flight", glance.lane.in_flight);
    set("rundruf_lane_queued", glance.lane.queued);
}

/// Waiting rows, unknown rows and the age of the oldest due row per lane, from the board's broadcast rows. Called when
/// somebody reads `/metrics`, because only then does it matter.
pub fn observe(rows: &[BroadcastRow], now: Ms) {
    let mut lanes = std::collections::BTreeMap::<&str, (u64, u64, Ms)>::new();
    for row in rows {
        let lane = lanes.entry(&row.channel).or_default();
        let open = row.state == BroadcastState::Open;
        let unopened = if open {
            row.counters.expected.saturating_sub(row.counters.opened)
        } else {
            0
        };
        lane.0 += row.counters.waiting + unopened;
        lane.1 += row.counters.unknown;
        if let Some(due) = row.next_due_ms {
            lane.2 = lane.2.max(now.saturating_sub(due));
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "numbers for a diagram")]
    for (lane, (waiting, unknown, age_ms)) in lanes {
        gauge!("rundruf_lane_waiting", "lane" => lane.to_owned()).set(waiting as f64);
        gauge!("rundruf_lane_unknown", "lane" => lane.to_owned()).set(unknown as f64);
        gauge!("rundruf_lane_oldest_due_seconds", "lane" => lane.to_owned()).set(age_ms as f64 / 1_000.0);
    }
}
