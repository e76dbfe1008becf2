//! `publish --wait`: until nothing more is to be expected now, at most 30 s. Becomes the owner of the lanes where nobody is.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::output::{Failure, Output};
use super::progress::Progress;
use crate::app::{Lanes, Open};
use crate::clock::Ms;
use crate::domain::delivery::{BroadcastState, Gate, Health};
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
    let mut changes = Changes::new(Arc::clone(&open.store));
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
    let c = &row.counters;
    let unopened = row.state == BroadcastState::Open && c.expected > c.opened;
    if c.started > 0 {
        return false;
    }
    if c.waiting == 0 && !unopened {
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
