//! `publish --wait`: until nothing more is to be expected now, at most 30 s. Becomes the owner of the lanes where nobody is.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::output::{Failure, Output};
use super::progress::Progress;
use crate::app::{Lanes, Open};
use crate::clock::Ms;
use crate::domain::delivery::{Gate, Health};
use crate::ids::NoticeSeq;
use crate::said;
use crate::store::owner::{Changes, Owner};
use crate::store::{Board, BroadcastRow, LaneRow, Lanes as _};

/// How long it waits at most.
const MAX_WAIT: Duration = Duration::from_secs(30);
/// What is tried again sooner is waited for.
const SOON_MS: Ms = 250;

/// Waits until every broadcast of the notice has ended, is held or paused, or waits for a later try.
pub async fn until_settled(open: &Open, notice: NoticeSeq, out: &Output) -> Result<(), Failure> {
    let mut lanes = None;
    let watched = watch(open, notice, &mut lanes, out).await;
    // Whatever came of watching: what is under way ends in order.
    if let Some(lanes) = lanes {
        lanes.stop(MAX_WAIT).await;
    }
    watched
}

async fn watch(open: &Open, notice: NoticeSeq, lanes: &mut Option<Lanes>, out: &Output) -> Result<(), Failure> {
    let end = Instant::now() + MAX_WAIT;
    let progress = Progress::turning("");
    let mut changes = Changes::from_now(Arc::clone(&open.store)).await;
    loop {
        // The owner may be another waiting `publish` that ends before this notice is out.
        if lanes.is_none()
            && let Some(owner) = Owner::try_take(&open.office.settings.data)?
        {
            *lanes = Some(Lanes::start(open, owner).await?);
        }
        let rows = open.store.broadcasts_of(notice).await?;
        let all = open.store.lane_rows().await?;
        let now = open.office.clock.now_ms();
        let open_ones: Vec<&str> = rows
            .iter()
            .filter(|row| !is_settled(row, all.iter().find(|lane| lane.id == row.lane), now))
            .map(|row| row.channel.as_str())
            .collect();
        if open_ones.is_empty() || Instant::now() >= end {
            return Ok(());
        }
        let list = open_ones.join(", ");
        progress.say(said!("wartet auf {list}", "waiting for {list}").in_german(out.german));
        changes.next(end).await;
    }
}

/// True where nothing more is to be expected now.
fn is_settled(row: &BroadcastRow, lane: Option<&LaneRow>, now: Ms) -> bool {
    if row.counters.started > 0 {
        return false;
    }
    if row.waiting() == 0 {
        return true;
    }
    let later = |at: Option<Ms>| at.is_some_and(|at| at > now + SOON_MS);
    lane.is_none_or(|lane| {
        !lane.configured
            || lane.gate == Gate::Held
            || lane.health.health == Health::Paused
            || later(lane.health.blocked_until_ms)
    }) || (row.last_text.is_some() && later(row.next_due_ms))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::delivery::BroadcastState;
    use crate::domain::notice::Scope;
    use crate::ids::{BroadcastId, IncidentId, LaneId};
    use crate::store::{Counters, HealthRow};

    const NOW: Ms = 1_000_000;

    fn lane() -> LaneRow {
        LaneRow {
            id: LaneId(1),
            name: "hook".to_owned(),
            kind: "webhook".to_owned(),
            account: "nachbar".to_owned(),
            configured: true,
            gate: Gate::Open,
            gate_reason: None,
            gate_by: None,
            gate_cause: crate::domain::delivery::GateCause::Settings,
            ran: None,
            probe: None,
            gate_since_ms: 0,
            epoch: 1,
            acknowledged: (1, 0),
            health: HealthRow {
                health: Health::Well,
                since_ms: 0,
                blocked_until_ms: None,
                reason: None,
                text: None,
                failures: 0,
            },
            audience: 0,
            failover: None,
        }
    }

    fn row(waiting: u64, started: u64) -> BroadcastRow {
        BroadcastRow {
            id: BroadcastId(1),
            lane: LaneId(1),
            channel: "hook".to_owned(),
            kind: "webhook".to_owned(),
            incident: IncidentId(1),
            number: 1,
            notice: NoticeSeq(1),
            scope: Scope::All,
            urgent: false,
            state: BroadcastState::Opened,
            superseded_by: None,
            summed_up_in: None,
            covers: Vec::new(),
            told: None,
            no_digest: None,
            audience: false,
            counters: Counters {
                opened: waiting + started,
                expected: waiting + started,
                waiting,
                started,
                ..Counters::default()
            },
            moved: 0,
            guests: Vec::new(),
            created_ms: 0,
            removed_ms: None,
            first_done_ms: None,
            changed_ms: 0,
            next_due_ms: (waiting > 0).then_some(NOW),
            last_text: None,
            url: None,
            expires_ms: None,
        }
    }

    #[test]
    fn what_ended_is_held_paused_or_waits_for_later_is_settled() {
        let settled = |row: &BroadcastRow, lane: &LaneRow| is_settled(row, Some(lane), NOW);
        assert!(settled(&row(0, 0), &lane()));
        assert!(!settled(&row(1, 0), &lane()), "due now");
        let mut held = lane();
        held.gate = Gate::Held;
        assert!(settled(&row(1, 0), &held));
        assert!(!settled(&row(1, 1), &held), "in flight");
        // Credentials: only a person ends that.
        let mut paused = lane();
        paused.health.health = Health::Paused;
        assert!(settled(&row(1, 0), &paused));
        // The service named a time, or the breaker waits: also for rows that were not tried themselves.
        let mut blocked = lane();
        blocked.health.blocked_until_ms = Some(NOW + 60_000);
        assert!(settled(&row(1, 0), &blocked));
        blocked.health.blocked_until_ms = Some(NOW - 1);
        assert!(!settled(&row(1, 0), &blocked));
        let failed = BroadcastRow {
            next_due_ms: Some(NOW + 5_000),
            last_text: Some(said!("gestört", "in trouble")),
            ..row(1, 0)
        };
        assert!(settled(&failed, &lane()));
        let mut gone = lane();
        gone.configured = false;
        assert!(settled(&row(1, 0), &gone));
        // An audience whose rows are not made yet.
        let unopened = BroadcastRow {
            state: BroadcastState::Open,
            counters: Counters {
                expected: 5,
                ..Counters::default()
            },
            ..row(0, 0)
        };
        assert!(!settled(&unopened, &lane()));
    }
}
