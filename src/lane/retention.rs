//! Retention by the owner: what has ended longer ago than it is kept goes, a short transaction a second, as long as nothing is being sent. A clock in
//! doubt ends nothing, and takes nothing out.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use super::World;
use super::glance::Watch;
use crate::clock::{Clock, Ms};
use crate::store::{Removed, StoreError};

/// Whether there is anything to take out is looked at every so many ticks, for the first time a few seconds after the start.
const LOOK_TICKS: u64 = 60;
const FIRST_TICK: u64 = 5;
/// Rows of one transaction: to begin with, at least and at most.
const FIRST_ROWS: u32 = 250;
const FEW_ROWS: u32 = 50;
const MANY_ROWS: u32 = 8_000;
/// One that has taken longer, with its commit, was too much; one that took less than half as long leaves room for more (LANES 1: at most 50 ms).
const LONG: Duration = Duration::from_millis(30);

/// How long it is kept, ms; nothing is taken out before that is known.
pub(super) type Keep = Arc<OnceLock<Ms>>;

/// What is left to take out, as far as this process knows.
#[derive(Debug)]
pub(super) struct Retention {
    /// There may be something.
    under_way: bool,
    /// Taken out of the broadcast that is under way.
    rows: u64,
    /// So many at once.
    at_once: u32,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            under_way: false,
            rows: 0,
            at_once: FIRST_ROWS,
        }
    }
}

impl Retention {
    /// The next step, where it is time for one; `None`: it is not.
    pub(super) async fn tick(
        &mut self,
        world: &World,
        watches: &[(String, Watch)],
        ticks: u64,
    ) -> Option<Result<(), StoreError>> {
        let keep = *world.keep.get()?;
        // Whatever keeps it from looking now, it looks as soon as that is over.
        self.under_way |= ticks % LOOK_TICKS == FIRST_TICK;
        let sends = |(_, watch): &(String, Watch)| {
            let lane = watch.now().lane;
            lane.in_flight > 0 || lane.queued > 0
        };
        if !self.under_way || world.trust.leapt() || world.disk.is_low() || watches.iter().any(sends) {
            return None;
        }
        let (now, since) = (world.pace.now_ms(), Instant::now());
        let before = now.saturating_sub(keep);
        let done = world.store.remove_old(before, self.at_once, now).await;
        self.adapt(since.elapsed());
        let done = done.map(|removed| self.note(removed));
        if done.is_err() || self.under_way {
            return Some(done);
        }
        // With nothing of them stored any more.
        let forgot = world.store.forget_left(before, FIRST_ROWS).await;
        Some(forgot.map(|people| self.under_way = people > 0))
    }

    fn adapt(&mut self, took: Duration) {
        if took > LONG {
            self.at_once = (self.at_once / 2).max(FEW_ROWS);
        } else if took < LONG / 2 {
            self.at_once = (self.at_once * 2).min(MANY_ROWS);
        }
    }

    fn note(&mut self, removed: Removed) {
        self.under_way = removed.broadcast.is_some();
        self.rows += removed.rows;
        if let Some(broadcast) = removed.broadcast.filter(|_| removed.done) {
            let rows = std::mem::take(&mut self.rows);
            tracing::info!(%broadcast, rows, "single results are kept no longer (store.keep); the counters stay");
        }
    }
}
