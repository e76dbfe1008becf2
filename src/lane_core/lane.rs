//! The lane: takes one event, returns what is to be done. See the module head for the rules' own files.

use std::collections::HashMap;

use crate::clock::Ms;
use crate::domain::delivery::{Gate, Health, UnknownPolicy};
use crate::domain::outcome::Report;
use crate::ids::DeliveryId;
use crate::lane_core::batch::Batch;
use crate::lane_core::breaker::{self, Breaker};
use crate::lane_core::claims::{self, InHand};
use crate::lane_core::event::{Command, Event, Rules, Work};
use crate::lane_core::gate::{GateKeeper, GateNews};
use crate::lane_core::health::HealthKeeper;
use crate::lane_core::look_ups::LookUps;
use crate::lane_core::queue::Queue;
use crate::lane_core::unknown;
use crate::lane_core::values::{Completion, HealthRow, Settled};

/// The store is asked again after a failure, ms.
const STORE_AGAIN_MS: Ms = 1_000;

/// A request under way.
#[derive(Debug, Clone, Copy)]
pub(super) struct InFlight {
    pub urgent: bool,
    pub probe: bool,
    /// How far the clock had been shifted in all when it started.
    pub shifted: Ms,
}

/// What the lane knows about claiming.
#[derive(Debug, Default)]
struct Claiming {
    asked: bool,
    wanted: bool,
    woken: bool,
    woken_while_asked: bool,
    next_due: Option<Ms>,
}

/// One lane as a synchronous state machine. `J` is the claimed row.
///
/// ```text
/// Row, Wake, Timer, Claimed, Finished, Committed, …  ──►  step(now)  ──►  Claim, Start, Complete, GiveBack, WakeAt, …
/// ```
#[derive(Debug)]
pub struct Lane<J> {
    pub(super) rules: Rules,
    pub(super) breaker: Breaker,
    pub(super) health: HealthKeeper,
    pub(super) look_ups: LookUps<J>,
    pub(super) rng: fastrand::Rng,
    pub(super) outcomes: Batch<Completion>,
    pub(super) in_flight: HashMap<DeliveryId, InFlight>,
    pub(super) shifted: Ms,
    gate: GateKeeper,
    queue: Queue<J>,
    bulk_in_flight: u32,
    give_backs: Batch<(DeliveryId, u32)>,
    claiming: Claiming,
    store_again: Option<Ms>,
    timer: Option<Ms>,
    rows_read: bool,
    stopping: bool,
    stopped: bool,
}

impl<J: Work> Lane<J> {
    /// A lane that is held until its first [`Event::Row`]. `seed` feeds the jitter.
    pub fn new(rules: Rules, seed: u64) -> Self {
        let probe_costs = rules.handle_for_ms.is_none() && rules.unknown != UnknownPolicy::Repeat;
        let longest_gap = if probe_costs {
            breaker::LONGEST_COSTLY_GAP_MS
        } else {
            breaker::LONGEST_GAP_MS
        };
        Self {
            breaker: Breaker::new(rules.concurrency, longest_gap),
            rules,
            health: HealthKeeper::default(),
            look_ups: LookUps::default(),
            rng: fastrand::Rng::with_seed(seed),
            outcomes: Batch::default(),
            in_flight: HashMap::new(),
            shifted: 0,
            gate: GateKeeper::default(),
            queue: Queue::default(),
            bulk_in_flight: 0,
            give_backs: Batch::default(),
            claiming: Claiming::default(),
            store_again: None,
            timer: None,
            rows_read: false,
            stopping: false,
            stopped: false,
        }
    }

    /// Takes in one event and says what is to be done now, in this order.
    pub fn step(&mut self, now: Ms, event: Event<J>) -> Vec<Command<J>> {
        let mut out = Vec::new();
        self.take_in(now, event, &mut out);
        self.go_on(now, &mut out);
        out
    }

    fn take_in(&mut self, now: Ms, event: Event<J>, out: &mut Vec<Command<J>>) {
        match event {
            Event::Wake => {
                self.claiming.wanted = true;
                self.claiming.woken = true;
                self.claiming.woken_while_asked = self.claiming.asked;
            }
            Event::Timer => self.timer = None,
            Event::Row {
                gate,
                epoch,
                acknowledged,
                health,
            } => self.row(gate, epoch, acknowledged, &health, out),
            Event::Claimed {
                epoch,
                stored_epoch,
                jobs,
                next_due_ms,
                more,
            } => {
                self.claiming.asked = false;
                self.claiming.wanted |=
                    (more && !jobs.is_empty()) || self.claiming.woken_while_asked;
                self.claiming.woken = std::mem::take(&mut self.claiming.woken_while_asked);
                self.claiming.next_due = if more && jobs.is_empty() {
                    Some(now + STORE_AGAIN_MS)
                } else {
                    next_due_ms
                };
                if epoch == self.gate.epoch() {
                    jobs.into_iter().for_each(|job| self.queue.push(job));
                    self.give_back_surplus();
                } else {
                    self.give_back(jobs);
                    self.claiming.wanted = true;
                }
                if stored_epoch > self.gate.epoch() {
                    out.push(Command::Refresh);
                }
            }
            Event::ClaimFailed => {
                self.claiming.asked = false;
                self.claiming.wanted = true;
                self.store_failed(now);
            }
            Event::Finished { job, report } => self.finished(now, job, &report),
            Event::LookedUp { job, found } => self.looked_up(now, job, found),
            Event::Unknowns(jobs) => {
                jobs.into_iter().for_each(|job| self.look_ups.add(now, job));
            }
            Event::Committed => {
                self.outcomes.written();
                // A row that ended may have held its successor back.
                self.claiming.wanted = true;
            }
            Event::CommitFailed => {
                self.outcomes.failed();
                self.store_failed(now);
            }
            Event::GivenBack => {
                self.give_backs.written();
                self.claiming.wanted = true;
            }
            Event::GiveBackFailed => {
                self.give_backs.failed();
                self.store_failed(now);
            }
            Event::HealthStored => self.health.written(),
            Event::HealthFailed => {
                self.health.failed();
                self.store_failed(now);
            }
            Event::Shifted { by } => self.shift(by),
            Event::Stop => self.stopping = true,
        }
    }

    fn row(
        &mut self,
        gate: Gate,
        epoch: i64,
        acknowledged: i64,
        health: &HealthRow,
        out: &mut Vec<Command<J>>,
    ) {
        if !self.rows_read {
            self.rows_read = true;
            self.health.adopt(health);
            if matches!(health.health, Health::BackingOff | Health::Probing) {
                let until = health.blocked_until_ms.unwrap_or(Ms::MIN);
                self.breaker.restore(until, health.failures);
            }
            self.claiming.wanted = true;
        } else if self.health.read(health) {
            self.breaker.try_now();
            self.claiming.wanted = true;
        }
        match self.gate.read(gate, epoch, acknowledged) {
            GateNews::Same => return,
            GateNews::Unacknowledged => {}
            GateNews::Changed => {
                let queued = self.queue.take_all();
                self.give_back(queued);
                self.claiming.wanted = true;
            }
        }
        out.push(Command::Acknowledge {
            epoch,
            in_flight: count(self.in_flight.len()),
        });
    }

    fn shift(&mut self, by: Ms) {
        self.shifted += by;
        // Their start times and first starts are of the old clock; the store has the new ones.
        let queued = self.queue.take_all();
        self.give_back(queued);
        self.outcomes.each_waiting(|completion| {
            if let Settled::Waiting { due_ms, .. } = &mut completion.settled {
                *due_ms -= by;
            }
        });
        self.breaker.shift(by);
        self.health.shift(by);
        self.look_ups.shift(by);
        for at in [&mut self.claiming.next_due, &mut self.store_again] {
            *at = at.map(|at| at - by);
        }
        self.claiming.wanted = true;
    }

    fn store_failed(&mut self, now: Ms) {
        self.store_again = Some(now + STORE_AGAIN_MS);
    }

    fn give_back(&mut self, jobs: Vec<J>) {
        for job in jobs {
            self.give_backs.add((job.delivery(), job.attempt()));
        }
    }

    /// A lane that claims only free connections asked with its reserved ones: bulk rows that came instead go back.
    fn give_back_surplus(&mut self) {
        if self.rules.handle_for_ms.is_none() {
            let slots = claims::for_bulk(self.rules.concurrency);
            let keep = slots.saturating_sub(self.bulk_in_flight) as usize;
            let surplus = self.queue.take_bulk_beyond(keep);
            self.give_back(surplus);
        }
    }

    /// Everything that follows from the state as it is now.
    fn go_on(&mut self, now: Ms, out: &mut Vec<Command<J>>) {
        if self.stopped {
            return;
        }
        if self.store_again.is_some_and(|at| at <= now) {
            self.store_again = None;
        }
        if self.claiming.next_due.is_some_and(|at| at <= now) {
            self.claiming.next_due = None;
            self.claiming.wanted = true;
        }
        let store_well = self.store_again.is_none();
        if self.stopping {
            self.look_ups.clear();
        }
        if self.stopping || self.is_paused() || (self.breaker.is_open() && self.probe_waits(now)) {
            let queued = self.queue.take_all();
            self.give_back(queued);
        }
        let recorded = store_well && !self.outcomes.is_troubled();
        let may_send = recorded && !self.stopping && self.gate.sends() && !self.is_paused();
        if may_send {
            self.start(now, out);
        }
        if store_well {
            self.write(out);
        }
        if may_send {
            self.look(now, out);
            self.claim(now, out);
        }
        self.set_timer(now, out);
        if self.stopping && self.is_idle() && self.health.saved() {
            self.stopped = true;
            out.push(Command::Stopped);
        }
    }

    /// While the breaker is open only a row claimed as a probe may stay, and only when its time has come.
    fn probe_waits(&self, now: Ms) -> bool {
        now < self.breaker.until_ms() || self.queue.len() > 1 || !self.in_flight.is_empty()
    }

    fn start(&mut self, now: Ms, out: &mut Vec<Command<J>>) {
        let bulk_slots = claims::for_bulk(self.rules.concurrency);
        while self.breaker.lets_start(now, count(self.in_flight.len())) {
            let Some(job) = self.queue.pop(now, self.bulk_in_flight < bulk_slots) else {
                break;
            };
            if unknown::too_late_to_repeat(
                &self.rules,
                job.after_unknown(),
                job.first_started_ms(),
                now,
            ) {
                self.not_repeated(now, job);
                continue;
            }
            let flight = InFlight {
                urgent: job.urgent(),
                probe: self.breaker.is_open(),
                shifted: self.shifted,
            };
            if !flight.urgent {
                self.bulk_in_flight += 1;
            }
            self.in_flight.insert(job.delivery(), flight);
            out.push(Command::Start(job));
        }
    }

    pub(super) fn take_from_flight(&mut self, delivery: DeliveryId) -> Option<InFlight> {
        let flight = self.in_flight.remove(&delivery)?;
        if !flight.urgent {
            self.bulk_in_flight -= 1;
        }
        Some(flight)
    }

    fn write(&mut self, out: &mut Vec<Command<J>>) {
        if let Some(row) = self.health.next() {
            out.push(Command::SetHealth(row));
        }
        // A time the service named is stored before the outcome that named it: a crash between the two repeats a row too
        // late rather than others too early.
        if self.health.saved()
            && let Some(batch) = self.outcomes.next()
        {
            out.push(Command::Complete(batch));
        }
        if let Some(batch) = self.give_backs.next() {
            out.push(Command::GiveBack(batch));
        }
    }

    fn look(&mut self, now: Ms, out: &mut Vec<Command<J>>) {
        let probing = self.breaker.is_open() && !self.in_flight.is_empty();
        if now < self.breaker.until_ms() || probing {
            return;
        }
        while let Some(job) = self.look_ups.next(now) {
            out.push(Command::LookUp(job));
        }
    }

    fn claim(&mut self, now: Ms, out: &mut Vec<Command<J>>) {
        if self.claiming.asked || !self.claiming.wanted || now < self.breaker.until_ms() {
            return;
        }
        let probe = self.breaker.is_open();
        let limit = if probe {
            u32::from(self.queue.is_empty() && self.in_flight.is_empty())
        } else {
            let uncommitted = self.outcomes.unwritten() + self.give_backs.unwritten();
            let hand = InHand {
                queued: count(self.queue.len()),
                in_flight: count(self.in_flight.len()),
                uncommitted: count(uncommitted),
                window: self.breaker.window(),
                woken: self.claiming.woken,
            };
            claims::limit(&self.rules, hand)
        };
        if limit > 0 {
            self.claiming.asked = true;
            self.claiming.wanted = false;
            out.push(Command::Claim {
                epoch: self.gate.epoch(),
                limit,
                probe,
            });
        }
    }

    fn set_timer(&mut self, now: Ms, out: &mut Vec<Command<J>>) {
        let sends = self.gate.sends() && !self.stopping && !self.is_paused();
        let blocked = self.breaker.until_ms();
        let waits_for_time = self.claiming.wanted || !self.queue.is_empty();
        let times = [
            self.store_again,
            self.claiming.next_due.filter(|_| sends),
            self.queue.next_start_ms().filter(|_| sends),
            Some(blocked).filter(|_| sends && waits_for_time),
            self.look_ups
                .next_due_ms()
                .filter(|_| sends)
                .map(|at| at.max(blocked)),
        ];
        let next = times.into_iter().flatten().filter(|at| *at > now).min();
        if next != self.timer {
            self.timer = next;
            out.push(Command::WakeAt(next));
        }
    }

    /// The lane should ask again at this time.
    pub(super) fn due_again(&mut self, at: Ms) {
        let next = self.claiming.next_due.map_or(at, |due| due.min(at));
        self.claiming.next_due = Some(next);
    }

    /// Waits for a person to mend the credentials.
    pub fn is_paused(&self) -> bool {
        self.health.row().health == Health::Paused
    }

    /// Nothing queued, nothing in flight, everything committed, no claim under way.
    pub fn is_idle(&self) -> bool {
        self.queue.is_empty()
            && self.in_flight.is_empty()
            && self.look_ups.running() == 0
            && self.outcomes.is_empty()
            && self.give_backs.is_empty()
            && !self.claiming.asked
    }

    /// Idle, and nothing more to ask for now.
    pub fn is_drained(&self, now: Ms) -> bool {
        let blocked = self.is_paused() || now < self.breaker.until_ms();
        let asks = self.claiming.wanted && self.gate.sends() && !blocked;
        self.is_idle() && !asks
    }

    /// Gate and health as the lane knows them, requests under way and rows claimed, for metrics.
    pub fn at_a_glance(&self, now: Ms) -> LaneNow {
        LaneNow {
            gate: self.gate.gate(),
            health: self.health.row().health,
            in_flight: count(self.in_flight.len()),
            queued: count(self.queue.len()),
            drained: self.is_drained(now),
        }
    }
}

/// A lane at a glance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LaneNow {
    /// Gate.
    pub gate: Gate,
    /// Health.
    pub health: Health,
    /// Requests under way.
    pub in_flight: u32,
    /// Claimed, not started.
    pub queued: u32,
    /// Nothing to do now.
    pub drained: bool,
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// What a failure's report says, for rows that were never sent.
pub(super) fn unsent(text: &str) -> Report {
    Report {
        outcome: crate::domain::outcome::Outcome::Unknown,
        reason: crate::domain::outcome::Reason::NoAnswer,
        text: text.to_owned(),
    }
}
