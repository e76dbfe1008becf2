//! What concerns all lanes: reading their rows again (one query for all), the clock, expiry, gauges.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;

use super::clock_watch::others_agree;
use super::glance::Watch;
use super::retention::Retention;
use super::{Told, World, metrics};
use crate::channel::Channel;
use crate::clock::Ms;
use crate::ids::LaneId;
use crate::lane_core::clock_jump::Jump;
use crate::store::disk::Room;
use crate::store::{Act, LaneRow, Leap, StoreError, WentBack};

/// Whose calls of the store these are.
const ALL: &str = "all";
/// How often clocks are compared and gauges set.
const TICK: Duration = Duration::from_secs(1);
/// How long news of lanes wait for messages that begin; a gate that changes is acknowledged so much later.
const MESSAGES_FIRST: Duration = Duration::from_millis(3);
/// Expiry is looked at every so many ticks.
const EXPIRY_TICKS: u64 = 5;
/// After a leap the counterparts are asked for the time at once, and again every so many ticks.
const ASK_TICKS: u64 = 60;
/// The highest time seen is stored every so many ticks; completions carry times of their own.
const HIGH_TIME_TICKS: u64 = 60;

/// One per process.
pub(super) struct Supervisor {
    world: World,
    lanes: Vec<(LaneId, mpsc::UnboundedSender<Told>)>,
    watches: Vec<(String, Watch)>,
    /// Whom to ask for the time.
    channels: Vec<Arc<dyn Channel>>,
    asking: Option<JoinHandle<bool>>,
    ask_at: u64,
    leap: Option<Leap>,
    rows: HashMap<LaneId, LaneRow>,
    retention: Retention,
    ticks: u64,
}

/// Told once, whoever finds it.
pub(super) fn disk_is_low() {
    tracing::error!("less than 64 MB are free on the disk of DATA: nothing new begins until there is room");
}

impl Supervisor {
    pub(super) fn new(
        world: World,
        lanes: Vec<(LaneId, mpsc::UnboundedSender<Told>)>,
        watches: Vec<(String, Watch)>,
        channels: Vec<Arc<dyn Channel>>,
    ) -> Self {
        Self {
            world,
            lanes,
            watches,
            channels,
            asking: None,
            ask_at: 0,
            leap: None,
            rows: HashMap::new(),
            retention: Retention::default(),
            ticks: 0,
        }
    }

    /// Runs until it is aborted.
    pub(super) async fn run(mut self, mut woken: watch::Receiver<u64>) {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                Ok(()) = woken.changed() => {
                    // Mostly a publication, whose messages leave in this moment.
                    tokio::time::sleep(MESSAGES_FIRST).await;
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
                self.trouble("reading lanes", &error);
                return;
            }
        };
        self.works("reading lanes", false);
        let mut asked = Vec::new();
        for row in rows {
            let Some((_, lane)) = self.lanes.iter().find(|(id, _)| *id == row.id) else {
                continue;
            };
            // A row whose gate nobody has acknowledged is told again: the acknowledgement may have failed.
            let acknowledged = row.acknowledged.0 >= row.epoch;
            if self.rows.get(&row.id) != Some(&row) || !acknowledged {
                // A lane that has ended needs no news.
                let _ = lane.send(Told::Row(Box::new(row.clone())));
                if let Some((_, reserve)) = self.lanes.iter().find(|(id, _)| row.failover == Some(*id)) {
                    let _ = reserve.send(Told::Look);
                }
                let old = self.rows.insert(row.id, row.clone());
                if old.is_none_or(|old| old.health != row.health) {
                    asked.push(row);
                }
            }
        }
        for row in asked.iter().filter(|row| row.health.until_told().is_some()) {
            self.tell_account(row);
        }
    }

    /// What a service asked one lane of an account concerns all of them.
    fn tell_account(&self, asked: &LaneRow) {
        let same = |id: &LaneId| {
            let row = self.rows.get(id);
            *id != asked.id && row.is_some_and(|row| (&row.kind, &row.account) == (&asked.kind, &asked.account))
        };
        for (_, lane) in self.lanes.iter().filter(|(id, _)| same(id)) {
            let _ = lane.send(Told::AccountWaits(asked.health.clone()));
        }
    }

    async fn tick(&mut self) {
        self.ticks += 1;
        let now = self.world.clock.now_ms();
        self.look_at_clocks(now).await;
        self.look_at_disk();
        for (name, watch) in &self.watches {
            metrics::show(name, &watch.now());
        }
        if self.ticks.is_multiple_of(EXPIRY_TICKS) && self.leap.is_none() {
            match self.world.store.expire(now).await {
                Ok(ended) => {
                    self.works("expiring", ended > 0);
                    if ended > 0 {
                        self.world.waker.wake();
                    }
                }
                Err(error) => self.trouble("expiring", &error),
            }
        }
        match self.retention.tick(&self.world, &self.watches, self.ticks).await {
            Some(Ok(())) => self.works("removing old rows", false),
            Some(Err(error)) => self.trouble("removing old rows", &error),
            None => {}
        }
        // Also after a leap that nobody has looked at: the stored times have gone along with it, and would have to come back.
        if self.ticks.is_multiple_of(HIGH_TIME_TICKS) {
            match self.world.store.high_time(now).await {
                Ok(_) => self.works("storing the time", true),
                Err(error) => self.trouble("storing the time", &error),
            }
        }
        self.read_rows().await;
    }

    async fn look_at_clocks(&mut self, now: Ms) {
        // A person's word comes through the store.
        match self.world.store.leap().await {
            Ok(leap) => {
                self.works("reading the clock's leap", false);
                self.leap = leap;
            }
            Err(error) => self.trouble("reading the clock's leap", &error),
        }
        let mut doubted = false;
        match self.world.pace.look() {
            Jump::None => {}
            Jump::Back(by) => {
                tracing::warn!(
                    by_ms = by,
                    "the clock went back: due times are shifted, sending goes on"
                );
                let said = WentBack { at_ms: now, by_ms: by };
                self.shift(by, self.leap.and_then(|leap| leap.after(by)), Some(&said.act()))
                    .await;
            }
            Jump::Ahead(by) => {
                tracing::warn!(
                    by_ms = by,
                    "the clock went ahead: due times are shifted, sending goes on"
                );
                self.shift(-by, self.leap.and_then(|leap| leap.after(-by)), None).await;
            }
            Jump::Leap(by) => {
                tracing::warn!(
                    by_ms = by,
                    "the clock leapt forward: nothing expires until somebody has looked"
                );
                // From now on, whatever the store says to it: lanes claim meanwhile. Until it is shifted the same leap is found again.
                self.world.trust.set(true);
                let before = self.leap.map_or(0, |leap| leap.by_ms);
                let by_ms = before.saturating_add(by);
                doubted = !self.shift(-by, Some(Leap { at_ms: now, by_ms }), None).await;
            }
        }
        self.ask_others().await;
        let leapt = self.leap.is_some() || doubted;
        self.world.trust.set(leapt);
        ::metrics::gauge!("rundruf_clock_leapt").set(f64::from(u8::from(leapt)));
    }

    /// Asks the counterparts for the time, beside everything else, as long as ours is in doubt.
    async fn ask_others(&mut self) {
        if let Some(asked) = self.asking.take_if(|asked| asked.is_finished())
            && asked.await.unwrap_or(false)
            && self.leap.is_some()
        {
            tracing::info!("the clocks of two counterparts agree with ours: it is trusted again");
            self.believe().await;
        }
        if self.leap.is_some() && self.asking.is_none() && self.ticks >= self.ask_at {
            self.ask_at = self.ticks + ASK_TICKS;
            let asking = others_agree(self.channels.clone(), Arc::clone(&self.world.clock));
            self.asking = Some(tokio::spawn(asking));
        }
    }

    /// The clock is trusted again.
    async fn believe(&mut self) {
        self.leap = None;
        match self.world.store.set_leap(None, None).await {
            Ok(()) => self.works("storing the clock's leap", true),
            Err(error) => self.trouble("storing the clock's leap", &error),
        }
    }

    fn look_at_disk(&mut self) {
        match self.world.disk.look() {
            Ok(news) => {
                self.works("looking at the disk", false);
                match news {
                    None => {}
                    Some(Room::Low) => {
                        disk_is_low();
                    }
                    Some(Room::Enough) => {
                        tracing::info!("there is room on the disk again: sending goes on");
                        self.world.waker.wake();
                    }
                }
            }
            Err(error) => self.trouble("looking at the disk", &StoreError::file(self.world.disk.data(), &error)),
        }
        ::metrics::gauge!("rundruf_disk_low").set(f64::from(u8::from(self.world.disk.is_low())));
    }

    /// Store first, lanes after it. Where the store fails (false) nobody is told, and the next look finds the same jump.
    async fn shift(&mut self, by: Ms, leap: Option<Leap>, act: Option<&Act>) -> bool {
        if let Err(error) = self.world.store.shift_times(by, leap, act).await {
            self.trouble("shifting times", &error);
            return false;
        }
        (self.leap, self.ask_at) = (leap, self.ticks);
        self.works("shifting times", true);
        self.world.pace.settle();
        for (_, lane) in &self.lanes {
            // A lane that has ended needs no news.
            let _ = lane.send(Told::Shifted(by));
        }
        true
    }

    fn trouble(&self, what: &'static str, error: &StoreError) {
        self.world.troubles.met(ALL, what, error);
    }

    fn works(&self, what: &'static str, wrote: bool) {
        self.world.troubles.over(ALL, what, wrote);
    }
}
