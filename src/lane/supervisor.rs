//! What concerns all lanes: reading their rows again (one query for all), the clock, expiry, gauges.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::MissedTickBehavior;

use super::clock_watch::Trust;
use super::glance::Watch;
use super::{Told, World, metrics};
use crate::clock::Ms;
use crate::ids::LaneId;
use crate::lane_core::clock_jump::Jump;
use crate::store::LaneRow;

/// How often clocks are compared and gauges set.
const TICK: Duration = Duration::from_secs(1);
/// Expiry is looked at every so many ticks.
const EXPIRY_TICKS: u64 = 5;
/// The highest time seen is stored every so many ticks; completions carry times of their own.
const HIGH_TIME_TICKS: u64 = 60;

/// One per process.
pub(super) struct Supervisor {
    world: World,
    lanes: Vec<(LaneId, mpsc::UnboundedSender<Told>)>,
    watches: Vec<(String, Watch)>,
    trust: Arc<Trust>,
    rows: HashMap<LaneId, LaneRow>,
    ticks: u64,
    in_trouble: bool,
}

impl Supervisor {
    pub(super) fn new(
        world: World,
        lanes: Vec<(LaneId, mpsc::UnboundedSender<Told>)>,
        watches: Vec<(String, Watch)>,
        trust: Arc<Trust>,
    ) -> Self {
        Self {
            world,
            lanes,
            watches,
            trust,
            rows: HashMap::new(),
            ticks: 0,
            in_trouble: false,
        }
    }

    /// Runs until it is aborted.
    pub(super) async fn run(mut self, mut woken: watch::Receiver<u64>) {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                Ok(()) = woken.changed() => {
                    woken.borrow_and_update();
                    self.read_rows().await;
                }
                _ = tick.tick() => self.tick().await,
            }
        }
    }

    async fn read_rows(&mut self) {
        let rows = match self.world.store.lane_rows().await {
            Ok(rows) => rows,
            Err(error) => {
                self.trouble("reading lanes", &error.to_string());
                return;
            }
        };
        self.in_trouble = false;
        for row in rows {
            let Some((_, lane)) = self.lanes.iter().find(|(id, _)| *id == row.id) else {
                continue;
            };
            // A row whose gate nobody has acknowledged is told again: the acknowledgement may have failed.
            let acknowledged = row.acknowledged.0 >= row.epoch;
            if self.rows.get(&row.id) != Some(&row) || !acknowledged {
                // A lane that has ended needs no news.
                let _ = lane.send(Told::Row(Box::new(row.clone())));
                self.rows.insert(row.id, row);
            }
        }
    }

    async fn tick(&mut self) {
        self.ticks += 1;
        let now = self.world.clock.now_ms();
        match self.world.pace.look() {
            Jump::None => {}
            Jump::Back(by) => {
                tracing::warn!(
                    by_ms = by,
                    "the clock went back: due times are shifted, sending goes on"
                );
                self.shift(by).await;
            }
            Jump::Ahead(by) => {
                tracing::warn!(
                    by_ms = by,
                    "the clock went ahead: due times are shifted, sending goes on"
                );
                self.shift(-by).await;
            }
            Jump::Leap(by) => {
                tracing::warn!(
                    by_ms = by,
                    "the clock leapt forward: nothing expires until a person has looked"
                );
                self.trust.distrust();
                self.shift(-by).await;
            }
        }
        for (name, watch) in &self.watches {
            metrics::show(name, &watch.now());
        }
        ::metrics::gauge!("rundruf_clock_leapt").set(f64::from(u8::from(self.trust.leapt())));
        if self.ticks.is_multiple_of(EXPIRY_TICKS) && !self.trust.leapt() {
            match self.world.store.expire(now).await {
                Ok(0) => {}
                Ok(_) => self.world.waker.wake(),
                Err(error) => self.trouble("expiring", &error.to_string()),
            }
        }
        // A leap must not become the highest time before a person has looked.
        if self.ticks.is_multiple_of(HIGH_TIME_TICKS)
            && !self.trust.leapt()
            && let Err(error) = self.world.store.high_time(now).await
        {
            self.trouble("storing the time", &error.to_string());
        }
        self.read_rows().await;
    }

    /// Store first, lanes after it. Where the store fails nobody is told, and the next look finds the same jump.
    async fn shift(&mut self, by: Ms) {
        if let Err(error) = self.world.store.shift_times(by).await {
            return self.trouble("shifting times", &error.to_string());
        }
        self.world.pace.settle();
        for (_, lane) in &self.lanes {
            // A lane that has ended needs no news.
            let _ = lane.send(Told::Shifted(by));
        }
    }

    /// The same trouble twice in a row is logged once.
    fn trouble(&mut self, what: &str, error: &str) {
        if !self.in_trouble {
            tracing::error!(what, error, "the store failed");
        }
        self.in_trouble = true;
    }
}
