//! The task of one message lane: carries the core's commands to store and channel, and their answers back.

use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt};
use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, Sleep};

use super::cuts;
use super::glance::{Glance, Show};
use super::metrics::Timings;
use super::rules::{LaneSetup, MessageRules};
use super::troubles::Troubles;
use super::{Told, Waker, World};
use crate::channel::{Channel, LookUp};
use crate::clock::{Clock, Ms, SharedClock};
use crate::domain::outcome::{Outcome, Reason, Report};
use crate::ids::LaneId;
use crate::lane_core::event::{Command, Event, Found, Now};
use crate::lane_core::lane::Lane;
use crate::said;
use crate::store::{ClaimRequest, Completed, Job, LaneRow, StoreError};
use crate::text::said::Said;

/// Unknown rows read at once for looking up.
const PAGE: u32 = 1_000;

/// What is under way: requests, look-ups and store calls alike end in an event.
type UnderWay = FuturesUnordered<BoxFuture<'static, Event<Job>>>;

/// One message lane.
pub(super) struct Task {
    world: World,
    lane: LaneId,
    name: String,
    rules: MessageRules,
    channel: Arc<dyn Channel>,
    core: Lane<Job>,
    under_way: UnderWay,
    timer: Option<Pin<Box<Sleep>>>,
    show: Show,
    seen: u64,
    stopped: bool,
    began: Instant,
    timings: Timings,
}

impl Task {
    pub(super) fn new(
        world: World,
        setup: LaneSetup,
        rules: MessageRules,
        channel: Arc<dyn Channel>,
        show: Show,
    ) -> Self {
        Self {
            core: Lane::new(rules.core, fastrand::u64(..)),
            timings: Timings::of(&setup.name),
            world,
            lane: setup.lane,
            name: setup.name,
            rules,
            channel,
            under_way: UnderWay::new(),
            timer: None,
            show,
            seen: 0,
            stopped: false,
            began: Instant::now(),
        }
    }

    /// Runs until it is stopped.
    pub(super) async fn run(mut self, mut inbox: mpsc::UnboundedReceiver<Told>, mut woken: watch::Receiver<u64>) {
        while !self.stopped {
            let event = tokio::select! {
                biased;
                told = inbox.recv() => match told {
                    Some(Told::Row(row)) => row_event(&row),
                    Some(Told::Look) => Event::Wake,
                    Some(Told::AccountWaits(health)) => Event::AccountWaits(health),
                    Some(Told::Shifted(by)) => Event::Shifted { by },
                    // Nobody is left to tell us anything: the process ends.
                    Some(Told::Stop) | None => Event::Stop,
                },
                Ok(()) = woken.changed() => {
                    self.seen = *woken.borrow_and_update();
                    Event::Wake
                }
                Some(event) = self.under_way.next() => event,
                () = due(&mut self.timer) => {
                    self.timer = None;
                    Event::Timer
                }
            };
            self.take(event);
            // Whatever else has ended by now goes into the same commit.
            while let Some(Some(event)) = self.under_way.next().now_or_never() {
                self.take(event);
            }
            let lane = self.core.at_a_glance(self.running_ms());
            self.show.show(Glance { lane, seen: self.seen });
        }
    }

    fn running_ms(&self) -> Ms {
        super::rules::ms(self.began.elapsed())
    }

    fn take(&mut self, event: Event<Job>) {
        let now = Now {
            wall_ms: self.world.pace.now_ms(),
            running_ms: self.running_ms(),
        };
        for command in self.core.step(now, event) {
            self.carry_out(now, command);
        }
    }

    fn carry_out(&mut self, at: Now, command: Command<Job>) {
        let now = at.wall_ms;
        let (lane, store) = (self.lane, Arc::clone(&self.world.store));
        match command {
            Command::Start(job) => {
                let clock = Arc::clone(&self.world.pace) as SharedClock;
                let channel = Arc::clone(&self.channel);
                self.push(send(channel, job, clock, self.rules.timeout()));
            }
            Command::LookUp(job) => {
                let channel = Arc::clone(&self.channel);
                self.push(look_up(channel, job, self.rules.timeout()));
            }
            Command::ReadUnknown { after } => {
                let failing = self.failing();
                self.push(async move {
                    match store.unknown_jobs(lane, after, PAGE).await {
                        Ok(jobs) => {
                            failing.over("read unknown", false);
                            Event::Unknowns {
                                more: jobs.len() >= PAGE as usize,
                                jobs,
                            }
                        }
                        Err(error) => failing.at("read unknown", &error, Event::UnknownsFailed),
                    }
                });
            }
            // Nothing new begins that could not be written down; the lane asks again in a second.
            Command::Claim { settles, .. } if self.world.disk.is_low() => {
                self.push(std::future::ready(Event::ClaimFailed));
                if !settles.is_empty() {
                    self.carry_out(at, Command::Complete(settles));
                }
            }
            Command::Claim {
                epoch,
                limit,
                probe,
                late_ms,
                settles,
            } => {
                let told = (!settles.is_empty()).then(|| self.told_apart());
                let request = ClaimRequest {
                    late_ms,
                    settles,
                    ..self.rules.claim(epoch, now, !self.world.trust.leapt(), limit, probe)
                };
                let began = Instant::now();
                let timings = self.timings.clone();
                let (name, failing) = (self.name.clone(), self.failing());
                let digests = Arc::clone(&self.world.digests);
                let (waker, others) = (self.world.waker.clone(), self.world.waker.clone());
                self.push(async move {
                    let written = timings.clone();
                    let settled = move |done: &Completed| {
                        if let Some(told) = told {
                            written.commit(began.elapsed());
                            // Nobody listens any more where the lane has ended.
                            let _ = told.send(committed(lane, done, &waker));
                        }
                    };
                    match cuts::claim(store.as_ref(), digests.as_ref(), &name, request, settled).await {
                        Ok(claimed) => {
                            timings.claim(began.elapsed());
                            if !claimed.wakes.is_empty() {
                                others.wake();
                            }
                            // What finds nothing writes nothing.
                            failing.over("claim", !claimed.jobs.is_empty());
                            Event::Claimed {
                                epoch,
                                stored_epoch: claimed.epoch,
                                jobs: claimed.jobs,
                                next_due_ms: claimed.next_due_ms,
                                more: claimed.more,
                                drained: claimed.drained,
                                paid_ms: claimed.paid_ms,
                            }
                        }
                        Err(error) => failing.at("claim", &error, Event::ClaimFailed),
                    }
                });
            }
            Command::Complete(batch) => {
                let began = Instant::now();
                let timings = self.timings.clone();
                let failing = self.failing();
                let waker = self.world.waker.clone();
                self.push(async move {
                    match store.complete(&batch).await {
                        Ok(done) => {
                            timings.commit(began.elapsed());
                            failing.over("complete", true);
                            committed(lane, &done, &waker)
                        }
                        Err(error) => failing.at("complete", &error, Event::CommitFailed),
                    }
                });
            }
            Command::GiveBack(rows) => {
                let (failing, waker) = (self.failing(), self.world.waker.clone());
                self.push(async move {
                    match store.give_back(&rows, now).await {
                        Ok(homes) => {
                            if !homes.is_empty() {
                                waker.wake();
                            }
                            failing.over("give back", true);
                            Event::GivenBack
                        }
                        Err(error) => failing.at("give back", &error, Event::GiveBackFailed),
                    }
                });
            }
            Command::SetHealth(row) => {
                let (failing, waker) = (self.failing(), self.world.waker.clone());
                self.push(async move {
                    match store.set_health(lane, &row).await {
                        Ok(()) => {
                            if row.until_told().is_some() {
                                // The other lanes of the account are to hear it at once.
                                waker.wake();
                            }
                            failing.over("health", true);
                            Event::HealthStored
                        }
                        Err(error) => failing.at("health", &error, Event::HealthFailed),
                    }
                });
            }
            Command::Acknowledge { epoch, in_flight } => {
                let name = self.name.clone();
                self.push(async move {
                    // Where it fails, the next look at the row finds it missing and it is said again.
                    if let Err(error) = store.acknowledge_gate(lane, epoch, in_flight).await {
                        tracing::warn!(lane = name, %error, "the gate could not be acknowledged");
                    }
                    Event::Timer
                });
            }
            Command::Refresh => self.world.waker.wake(),
            Command::EndDrain { epoch } => {
                let (name, waker) = (self.name.clone(), self.world.waker.clone());
                self.push(async move {
                    // Where it fails, or somebody has changed the gate meanwhile, the next claim says it again, or not.
                    match super::gate::open_drained(store.as_ref(), lane, &name, epoch, now).await {
                        Ok(()) => waker.wake(),
                        Err(error) => tracing::info!(lane = name, %error, "the gate was not opened after the drain"),
                    }
                    Event::Timer
                });
            }
            Command::WakeAt(until) => self.timer = until.map(|until| sleep_until(at.running_ms, until)),
            Command::Stopped => self.stopped = true,
        }
    }

    /// For the second event of one store call: what became of the outcomes that a claim took along. Unheard, they are to be written again.
    fn told_apart(&mut self) -> oneshot::Sender<Event<Job>> {
        let (tell, told) = oneshot::channel();
        self.push(async move { told.await.unwrap_or(Event::CommitFailed) });
        tell
    }

    fn failing(&self) -> Failing {
        Failing {
            troubles: Arc::clone(&self.world.troubles),
            name: self.name.clone(),
        }
    }

    fn push(&mut self, future: impl Future<Output = Event<Job>> + Send + 'static) {
        self.under_way.push(future.boxed());
    }
}

/// Outcomes are committed.
fn committed(lane: LaneId, done: &Completed, waker: &Waker) -> Event<Job> {
    if !done.wakes.is_empty() {
        waker.wake();
    }
    if done.held.contains(&lane) {
        Event::CommittedAndHeld
    } else {
        Event::Committed
    }
}

fn row_event(row: &LaneRow) -> Event<Job> {
    Event::Row {
        gate: row.gate,
        epoch: row.epoch,
        acknowledged: row.acknowledged.0,
        health: row.health.clone(),
    }
}

/// What comes of a call of the store where it failed: noted, and tried again by the core.
struct Failing {
    troubles: Arc<Troubles>,
    name: String,
}

impl Failing {
    fn over(&self, what: &'static str, wrote: bool) {
        self.troubles.over(&self.name, what, wrote);
    }

    fn at(&self, what: &'static str, error: &StoreError, event: Event<Job>) -> Event<Job> {
        self.troubles.met(&self.name, what, error);
        event
    }
}

/// One attempt. Ends within `timeout` whatever the channel does; a panic in it is an attempt nobody knows the outcome of.
async fn send(channel: Arc<dyn Channel>, job: Job, clock: SharedClock, timeout: Duration) -> Event<Job> {
    let attempt = AssertUnwindSafe(channel.send(&job, clock.now_ms())).catch_unwind();
    let report = match tokio::time::timeout(timeout, attempt).await {
        Ok(Ok(report)) => report,
        Ok(Err(_)) => nobody_knows(said!(
            "der eigene Code des Kanals ist mitten in der Anfrage gescheitert",
            "the channel's own code failed in the middle of the request"
        )),
        Err(_) => nobody_knows(said!("keine Antwort zur rechten Zeit", "no answer in time")),
    };
    Event::Finished { job, report }
}

async fn look_up(channel: Arc<dyn Channel>, job: Job, timeout: Duration) -> Event<Job> {
    let look = AssertUnwindSafe(channel.look_up(&job)).catch_unwind();
    let found = match tokio::time::timeout(timeout, look).await {
        Ok(Ok(LookUp::There(remote))) => Found::There(remote),
        Ok(Ok(LookUp::NotThere)) => Found::NotThere,
        Ok(Ok(LookUp::CannotTell) | Err(_)) | Err(_) => Found::CannotTell,
    };
    Event::LookedUp { job, found }
}

fn nobody_knows(text: Said) -> Report {
    Report {
        outcome: Outcome::Unknown,
        reason: Reason::NoAnswer,
        text,
    }
}

/// A timer on the monotonic clock; `now` and `at` are of one clock. A wall clock that jumps comes as an event of its own.
pub(super) fn sleep_until(now: Ms, at: Ms) -> Pin<Box<Sleep>> {
    let wait = u64::try_from(at.saturating_sub(now)).unwrap_or(0);
    Box::pin(tokio::time::sleep(Duration::from_millis(wait)))
}

/// Waits for the timer; for ever without one.
pub(super) async fn due(timer: &mut Option<Pin<Box<Sleep>>>) {
    match timer {
        Some(sleep) => sleep.as_mut().await,
        None => std::future::pending().await,
    }
}
