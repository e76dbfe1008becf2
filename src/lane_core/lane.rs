//! The lane: takes one event, returns what is to be done. See the module head for the rules' own files.

use std::collections::HashMap;

use crate::clock::Ms;
use crate::domain::delivery::{Gate, Health, UnknownPolicy};
use crate::domain::outcome::Report;
use crate::ids::DeliveryId;
use crate::lane_core::batch::Batch;
use crate::lane_core::breaker::{self, Breaker};
use crate::lane_core::claims;
use crate::lane_core::event::{Command, Event, Now, Rules, Work};
use crate::lane_core::gate::{GateKeeper, GateNews};
use crate::lane_core::health::HealthKeeper;
use crate::lane_core::look_ups::LookUps;
use crate::lane_core::pace::Pace;
use crate::lane_core::queue::Queue;
use crate::lane_core::told::Told;
use crate::lane_core::turns::Turns;
use crate::lane_core::values::{Completion, HealthRow, Settled};
use crate::text::said::Said;

/// The store is asked again after a failure, ms.
const STORE_AGAIN_MS: Ms = 1_000;

/// A request under way.
#[derive(Debug, Clone, Copy)]
pub(super) struct InFlight {
    pub urgent: bool,
    pub probe: bool,
    /// By the monotonic clock.
    pub started: Ms,
    /// How far the clock had been shifted when it started.
    pub shifted: Shifts,
}

/// How far stored times have been shifted since the lane began, ms.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Shifts {
    /// Back only: first starts never move forward, so that no handle is taken for younger than it is.
    pub back: Ms,
    /// Back less ahead.
    pub net: Ms,
}

/// What the lane knows about claiming; `next_due` by the monotonic clock.
#[derive(Debug, Default)]
pub(super) struct Claiming {
    pub asked: bool,
    pub wanted: bool,
    pub woken: bool,
    pub woken_while_asked: bool,
    pub urgent: bool,
    pub next_due: Option<Ms>,
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
    pub(super) told: Told,
    pub(super) pace: Pace,
    pub(super) rng: fastrand::Rng,
    pub(super) outcomes: Batch<Completion>,
    pub(super) in_flight: HashMap<DeliveryId, InFlight>,
    pub(super) shifted: Shifts,
    pub(super) gate: GateKeeper,
    pub(super) queue: Queue<J>,
    /// Claimed while the lane drained by its ramp.
    pub(super) turns: Turns<J>,
    pub(super) bulk_in_flight: u32,
    pub(super) give_backs: Batch<(DeliveryId, u32)>,
    pub(super) claiming: Claiming,
    /// By the monotonic clock, as is the timer.
    pub(super) store_again: Option<Ms>,
    pub(super) timer: Option<Ms>,
    pub(super) rows_read: bool,
    pub(super) stopping: bool,
    pub(super) stopped: bool,
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
            told: Told::default(),
            pace: Pace::default(),
            rng: fastrand::Rng::with_seed(seed),
            outcomes: Batch::default(),
            in_flight: HashMap::new(),
            shifted: Shifts::default(),
            gate: GateKeeper::default(),
            queue: Queue::new(rules.rate),
            turns: Turns::default(),
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
    pub fn step(&mut self, now: impl Into<Now>, event: Event<J>) -> Vec<Command<J>> {
        let mut out = Vec::new();
        let now = now.into();
        self.take_in(now, event, &mut out);
        self.go_on(now, &mut out);
        out
    }

    fn take_in(&mut self, now: Now, event: Event<J>, out: &mut Vec<Command<J>>) {
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
            } => self.row(now, (gate, epoch, acknowledged), &health, out),
            Event::Claimed {
                epoch,
                stored_epoch,
                jobs,
                next_due_ms,
                more,
                drained,
                paid_ms,
            } => {
                self.claiming.asked = false;
                self.turns.paid(paid_ms);
                self.claiming.wanted |= (more && !jobs.is_empty()) || self.claiming.woken_while_asked;
                self.claiming.woken = std::mem::take(&mut self.claiming.woken_while_asked);
                self.claiming.next_due = if more && jobs.is_empty() {
                    Some(now.running_ms + STORE_AGAIN_MS)
                } else {
                    next_due_ms.map(|at| now.running(at))
                };
                self.claiming.urgent = !jobs.is_empty() && jobs.iter().all(Work::urgent);
                if epoch == self.gate.epoch() && self.by_ramp() {
                    for job in jobs {
                        self.turns.push(now.running(job.start_at_ms()), job);
                    }
                } else if epoch == self.gate.epoch() {
                    for job in jobs {
                        self.queue.push(now.running_ms, now.running(job.start_at_ms()), job);
                    }
                    self.give_back_surplus();
                } else {
                    self.give_back(jobs);
                    self.claiming.wanted = true;
                }
                if stored_epoch > self.gate.epoch() {
                    out.push(Command::Refresh);
                } else if drained && epoch == self.gate.epoch() && self.gate.drains() && self.is_idle() {
                    out.push(Command::EndDrain { epoch });
                }
            }
            Event::ClaimFailed => {
                self.claiming.asked = false;
                self.claiming.wanted = true;
                self.store_failed(now);
            }
            Event::Finished { job, report } => self.finished(now, job, &report),
            Event::LookedUp { job, found } => self.looked_up(now, job, found),
            Event::Unknowns { jobs, more } => self.look_ups.read(now.running_ms, jobs, more),
            Event::UnknownsFailed => {
                self.look_ups.read_failed();
                self.store_failed(now);
            }
            Event::Committed => {
                self.outcomes.written();
                // A row that ended may have held its successor back.
                self.claiming.wanted = true;
            }
            Event::CommittedAndHeld => {
                self.outcomes.written();
                self.gate.shut();
                self.give_back_claimed();
                out.push(Command::Refresh);
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
            Event::AccountWaits(health) => self.account_waits(now, &health),
            Event::Shifted { by } => self.shift(by),
            Event::Stop => self.stopping = true,
        }
    }

    fn row(
        &mut self,
        now: Now,
        (gate, epoch, acknowledged): (Gate, i64, i64),
        health: &HealthRow,
        out: &mut Vec<Command<J>>,
    ) {
        if !self.rows_read {
            self.rows_read = true;
            self.health.adopt(health);
            if matches!(health.health, Health::BackingOff | Health::Probing) {
                let until = health.blocked_until_ms.map_or(Ms::MIN, |at| now.running(at));
                let fails = health.health == Health::Probing;
                let since = fails.then(|| now.running(health.since_ms));
                self.breaker.restore(until, health.failures, since);
            }
            self.claiming.wanted = true;
        } else if self.health.read(health) {
            self.breaker.try_now();
            self.pace = Pace::default();
            self.claiming.wanted = true;
        }
        match self.gate.read(gate, epoch, acknowledged) {
            GateNews::Same => return,
            GateNews::Unacknowledged => {}
            GateNews::Changed => {
                self.give_back_claimed();
                self.claiming.wanted = true;
            }
        }
        out.push(Command::Acknowledge {
            epoch,
            in_flight: count(self.in_flight.len()),
        });
    }

    /// What runs is of the monotonic clock and stays; what is going to be stored, or was read from the store, moves.
    fn shift(&mut self, by: Ms) {
        self.shifted.back += by.max(0);
        self.shifted.net += by;
        self.rules.handles_from_ms = self.rules.handles_from_ms.saturating_sub(by.max(0));
        if by > 0 {
            // Their first starts are of the old clock; the store has the new ones.
            self.give_back_claimed();
        }
        self.outcomes.each_waiting(|completion| match &mut completion.settled {
            Settled::Waiting { due_ms, .. } | Settled::GoesAgain { due_ms } => *due_ms -= by,
            _ => {}
        });
        self.health.shift(by);
        self.claiming.wanted = true;
    }

    fn store_failed(&mut self, now: Now) {
        self.store_again = Some(now.running_ms + STORE_AGAIN_MS);
    }

    /// Everything claimed and not started.
    pub(super) fn give_back_claimed(&mut self) {
        let queued = self.queue.take_all();
        self.give_back(queued);
        let queued = self.turns.take_all();
        self.give_back(queued);
    }

    /// Starts by its ramp now.
    pub(super) fn by_ramp(&self) -> bool {
        self.gate.drains() && self.rules.ramp.is_some()
    }

    /// Claimed and not started.
    pub(super) fn queued(&self) -> usize {
        self.queue.len() + self.turns.len()
    }

    pub(super) fn give_back(&mut self, jobs: Vec<J>) {
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

    pub(super) fn take_from_flight(&mut self, delivery: DeliveryId) -> Option<InFlight> {
        let flight = self.in_flight.remove(&delivery)?;
        if !flight.urgent {
            self.bulk_in_flight -= 1;
        }
        Some(flight)
    }

    /// The lane should ask again at this time of the monotonic clock.
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
        self.queued() == 0
            && self.in_flight.is_empty()
            && self.look_ups.running() == 0
            && self.outcomes.is_empty()
            && self.give_backs.is_empty()
            && !self.claiming.asked
    }

    /// Idle, and nothing more to ask for now (by the monotonic clock).
    pub fn is_drained(&self, running_ms: Ms) -> bool {
        let blocked = self.is_paused() || running_ms < self.breaker.until_ms();
        let asks = self.claiming.wanted && self.gate.sends() && !blocked;
        self.rows_read && self.is_idle() && !asks
    }

    /// Gate and health as the lane knows them, requests under way and rows claimed, for metrics; by the monotonic clock.
    pub fn at_a_glance(&self, running_ms: Ms) -> LaneNow {
        LaneNow {
            gate: self.gate.gate(),
            health: self.health.row().health,
            in_flight: count(self.in_flight.len()),
            queued: count(self.queued()),
            drained: self.is_drained(running_ms),
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

pub(super) fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// What a failure's report says, for rows that were never sent.
pub(super) fn unsent(text: Said) -> Report {
    Report {
        outcome: crate::domain::outcome::Outcome::Unknown,
        reason: crate::domain::outcome::Reason::NoAnswer,
        text,
    }
}
