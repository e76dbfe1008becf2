//! The task of one website lane: builds the site once per generation and brings it to every target that is behind.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt};
use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::sync::{mpsc, watch};
use tokio::time::Sleep;

use super::glance::{Glance, Show};
use super::messages::{due, sleep_until};
use super::rules::LaneSetup;
use super::site::{Shared, build, trouble};
use super::{SiteWorld, Told, World};
use crate::channel::{Stamp, Target};
use crate::clock::Ms;
use crate::domain::delivery::Health;
use crate::ids::{LaneId, RecipientId};
use crate::lane_core::lane::LaneNow;
use crate::lane_core::level::{Level, LevelCommand, LevelEvent, Levels};
use crate::said;
use crate::store::{LaneRow, TargetFailure, TargetResult, TargetRow};

/// The longest an upload may take, site and all, where no timeout is configured. Targets have their own; this one is for those
/// that forget it.
const UPLOAD_TIMEOUT: Duration = Duration::from_secs(600);
/// For building the site, before the target's own time begins.
const BUILDING: Duration = Duration::from_secs(60);

/// What ended.
enum Ended {
    Core(LevelEvent),
    Targets(Vec<TargetRow>),
    /// The site is built; when time alone changes it.
    Built(Option<Ms>),
    Raised,
    Nothing,
}

/// One website lane.
pub(super) struct Task {
    world: World,
    site: SiteWorld,
    lane: LaneId,
    name: String,
    timeout: Duration,
    configured: Vec<Arc<dyn Target>>,
    targets: HashMap<RecipientId, Arc<dyn Target>>,
    built: Shared,
    core: Levels,
    row: Option<LaneRow>,
    under_way: FuturesUnordered<BoxFuture<'static, Ended>>,
    uploads: u32,
    timer: Option<Pin<Box<Sleep>>>,
    /// The wall time at which time alone changes the site.
    changes_at: Option<Ms>,
    clock_changes: Option<Pin<Box<Sleep>>>,
    show: Show,
    seen: u64,
    read_seen: u64,
    stopped: bool,
}

impl Task {
    pub(super) fn new(
        world: World,
        site: SiteWorld,
        setup: LaneSetup,
        configured: Vec<Arc<dyn Target>>,
        show: Show,
    ) -> Self {
        Self {
            world,
            site,
            lane: setup.lane,
            name: setup.name,
            timeout: setup
                .common
                .timeout
                .map_or(UPLOAD_TIMEOUT, |timeout| timeout + BUILDING),
            configured,
            targets: HashMap::new(),
            built: Shared::default(),
            core: Levels::new(fastrand::u64(..)),
            row: None,
            under_way: FuturesUnordered::new(),
            uploads: 0,
            timer: None,
            changes_at: None,
            clock_changes: None,
            show,
            seen: 0,
            read_seen: 0,
            stopped: false,
        }
    }

    /// Runs until it is stopped.
    pub(super) async fn run(mut self, mut inbox: mpsc::UnboundedReceiver<Told>, mut woken: watch::Receiver<u64>) {
        while !self.stopped {
            tokio::select! {
                biased;
                told = inbox.recv() => match told {
                    Some(Told::Row(row)) => {
                        // What this process would say differently (the imprint, a template, a promise that has passed
                        // meanwhile) goes out once at its start. Where nothing differs, nothing is changed.
                        if self.row.replace(*row).is_none() {
                            self.raise();
                        } else {
                            self.read_targets();
                        }
                    }
                    // Due times are in the rows. What a page promises is for a wall time, whatever the clock does.
                    Some(Told::Shifted(_)) => {
                        self.wait_for_change(self.changes_at);
                        self.read_targets();
                    }
                    // Nothing stands in for a website.
                    Some(Told::Look | Told::AccountWaits(_)) => {}
                    Some(Told::Stop) | None => self.take(LevelEvent::Stop),
                },
                Ok(()) = woken.changed() => {
                    self.seen = *woken.borrow_and_update();
                    self.read_targets();
                }
                Some(ended) = self.under_way.next() => self.ended(ended),
                () = due(&mut self.timer) => {
                    self.timer = None;
                    self.take(LevelEvent::Timer);
                }
                () = due(&mut self.clock_changes) => {
                    self.wait_for_change(None);
                    self.raise();
                }
            }
            self.show();
        }
    }

    fn show(&self) {
        let now = self.world.clock.now_ms();
        let row = self.row.as_ref();
        let lane = LaneNow {
            gate: self.core.gate(),
            health: row.map_or(Health::Well, |row| row.health.health),
            in_flight: self.uploads,
            queued: 0,
            drained: row.is_some() && self.under_way.is_empty() && self.core.is_drained(now),
        };
        self.show.show(Glance {
            lane,
            seen: self.read_seen,
        });
    }

    fn ended(&mut self, ended: Ended) {
        match ended {
            Ended::Core(event) => {
                match &event {
                    LevelEvent::Uploaded { .. } => self.uploads -= 1,
                    // Messages may have waited for this link.
                    LevelEvent::Recorded { .. } => self.world.waker.wake(),
                    _ => {}
                }
                self.take(event);
            }
            Ended::Targets(rows) => self.rows(&rows),
            Ended::Built(changes_at) => self.wait_for_change(changes_at),
            Ended::Raised => self.read_targets(),
            Ended::Nothing => {}
        }
    }

    fn wait_for_change(&mut self, at: Option<Ms>) {
        let now = self.world.clock.now_ms();
        self.changes_at = at;
        self.clock_changes = at.map(|at| sleep_until(now, at));
    }

    fn rows(&mut self, rows: &[TargetRow]) {
        let Some(lane) = &self.row else { return };
        let (gate, epoch, acknowledged) = (lane.gate, lane.epoch, lane.acknowledged.0);
        let mut levels = Vec::new();
        for row in rows {
            // Rows of targets no longer configured are kept and left alone.
            let Some(target) = self.configured.iter().find(|t| t.address() == row.address) else {
                continue;
            };
            self.targets.insert(row.id, Arc::clone(target));
            levels.push(Level {
                id: row.id,
                wanted: row.wanted,
                done: row.done,
                failures: row.failures,
                due_ms: row.due_ms,
            });
        }
        self.take(LevelEvent::Rows {
            gate,
            epoch,
            acknowledged,
            targets: levels,
        });
    }

    fn take(&mut self, event: LevelEvent) {
        let now = self.world.clock.now_ms();
        for command in self.core.step(now, event) {
            self.carry_out(now, command);
        }
    }

    fn carry_out(&mut self, now: Ms, command: LevelCommand) {
        let (lane, store) = (self.lane, Arc::clone(&self.world.store));
        match command {
            LevelCommand::Upload { target, generation } => self.upload(target, generation),
            LevelCommand::Record {
                target,
                generation,
                at_ms,
                result,
            } => {
                let result = TargetResult {
                    lane,
                    target,
                    generation,
                    at_ms,
                    result: result.map_err(|failure| TargetFailure {
                        failures: failure.failures,
                        due_ms: failure.due_ms,
                        reason: failure.reason,
                        text: failure.text,
                    }),
                };
                let name = self.name.clone();
                self.under_way.push(
                    async move {
                        Ended::Core(match store.target_result(&result).await {
                            Ok(()) => LevelEvent::Recorded { target },
                            Err(error) => {
                                tracing::error!(lane = name, %error, "an upload could not be recorded");
                                LevelEvent::RecordFailed { target }
                            }
                        })
                    }
                    .boxed(),
                );
            }
            LevelCommand::Acknowledge { epoch, in_flight } => self.under_way.push(
                async move {
                    // Where it fails, the next look at the row finds it missing and it is said again.
                    let _ = store.acknowledge_gate(lane, epoch, in_flight).await;
                    Ended::Nothing
                }
                .boxed(),
            ),
            LevelCommand::WakeAt(at) => self.timer = at.map(|at| sleep_until(now, at)),
            LevelCommand::Stopped => self.stopped = true,
        }
    }

    fn read_targets(&mut self) {
        let (lane, store, name) = (self.lane, Arc::clone(&self.world.store), self.name.clone());
        self.read_seen = self.seen;
        self.under_way.push(
            async move {
                match store.targets(lane).await {
                    Ok(rows) => Ended::Targets(rows),
                    Err(error) => {
                        tracing::error!(lane = name, %error, "targets could not be read");
                        Ended::Nothing
                    }
                }
            }
            .boxed(),
        );
    }

    /// The page may say something else now: the next expiry or overdue promise has come, or this process is new.
    fn raise(&mut self) {
        let (lane, store) = (self.lane, Arc::clone(&self.world.store));
        let now = self.world.clock.now_ms();
        self.under_way.push(
            async move {
                match store.raise_targets(lane, now).await {
                    Ok(()) => Ended::Raised,
                    Err(_) => Ended::Built(Some(now + 1_000)),
                }
            }
            .boxed(),
        );
    }

    fn upload(&mut self, id: RecipientId, generation: i64) {
        let Some(target) = self.targets.get(&id).map(Arc::clone) else {
            return;
        };
        self.uploads += 1;
        let site = build(
            self.site.clone(),
            self.name.clone(),
            Arc::clone(&self.built),
            Arc::clone(&self.world.clock),
            generation,
        )
        .shared();
        let (instance, clock) = (self.site.instance, Arc::clone(&self.world.clock));
        let (for_timer, counted, before) = (site.clone(), Arc::clone(&target), target.brought());
        let upload = async move {
            let site = site.await?;
            let stamp = Stamp {
                instance,
                generation,
                now: clock.now_ms(),
            };
            target.upload(&site, stamp).await
        };
        let timed = tokio::time::timeout(self.timeout, AssertUnwindSafe(upload).catch_unwind());
        self.under_way.push(
            async move {
                let result = match timed.await {
                    Ok(Ok(result)) => result,
                    Ok(Err(_)) => Err(trouble(said!(
                        "der eigene Code ist mitten im Hochladen gescheitert",
                        "the upload's own code failed in the middle"
                    ))),
                    Err(_) => Err(trouble(said!(
                        "das Hochladen dauerte zu lange",
                        "the upload took too long"
                    ))),
                };
                Ended::Core(LevelEvent::Uploaded {
                    target: id,
                    generation,
                    progress: counted.brought() > before,
                    result,
                })
            }
            .boxed(),
        );
        self.under_way.push(
            async move {
                match for_timer.await {
                    Ok(site) => Ended::Built(site.changes_at),
                    Err(_) => Ended::Nothing,
                }
            }
            .boxed(),
        );
    }
}
