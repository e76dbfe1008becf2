//! One outage from its beginning to the end of the catch-up: eight lanes with one writer on one thread, in simulated time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use rundruf::clock::Ms;
use rundruf::domain::delivery::{Gate, Health, UnknownPolicy};
use rundruf::domain::outcome::{Outcome, Reason, Remote, Report};
use rundruf::ids::DeliveryId;
use rundruf::lane_core::event::{Command, Event, Rules};
use rundruf::lane_core::lane::Lane;
use rundruf::lane_core::values::{Completion, Settled};
use rundruf::text::said::Said;

use super::checks::Checks;
use super::desk::{Desk, Parcel, State};
use super::plan::{COMMIT_MS, OUTAGE_MS, Plan, Sabotage, Sum, TIMEOUT_MS};
use super::service::{Away, Limit, Service, Word};
use crate::model::well;

/// Lanes beside the one that is in trouble.
const OTHERS: usize = 7;
/// They get a notice so often, for so many.
const NOTICE_MS: Ms = 40_000;
const RECIPIENTS: usize = 6;

enum Op {
    Claim { limit: u32, probe: bool, epoch: i64 },
    Complete(Vec<Completion>),
    GiveBack(Vec<(DeliveryId, u32)>),
    Health,
    Acknowledge,
}

enum Item {
    Commit,
    Back(usize, Box<Event<Parcel>>),
    Arrive(usize, Parcel, Ms),
    Answer(usize, Parcel, Outcome, Reason),
    Timer(usize, u64),
    Publish(usize),
}

struct One {
    core: Lane<Parcel>,
    rules: Rules,
    desk: Desk,
    service: Service,
    timer: u64,
}

pub struct Run {
    plan: Plan,
    pub t: Ms,
    lanes: Vec<One>,
    checks: Checks,
    agenda: BinaryHeap<Reverse<(Ms, u64, usize)>>,
    items: Vec<Option<Item>>,
    free: Vec<usize>,
    count: u64,
    ops: Vec<(usize, Op)>,
    writing: bool,
    sum: Sum,
}

impl Run {
    pub fn new(plan: Plan) -> Self {
        let lanes = (0..=OTHERS).map(|n| {
            let rules = Rules {
                handle_for_ms: (n > 0 || plan.handle).then_some(Ms::MAX),
                handles_from_ms: Ms::MIN,
                looks_up: false,
                unknown: UnknownPolicy::Ask,
                concurrency: plan.concurrency,
                timeout_ms: TIMEOUT_MS,
                one_counterpart: true,
                rate: plan.rate.filter(|_| n == 0),
                ramp: None,
            };
            One {
                core: Lane::new(rules, plan.seed + n as u64),
                rules,
                desk: Desk::default(),
                service: Service::new(if n == 0 { plan.limit } else { Limit::None }),
                timer: 0,
            }
        });
        let mut run = Self {
            t: 0,
            lanes: lanes.collect(),
            checks: Checks::new(plan),
            agenda: BinaryHeap::new(),
            items: Vec::new(),
            free: Vec::new(),
            count: 0,
            ops: Vec::new(),
            writing: false,
            sum: Sum::default(),
            plan,
        };
        run.lanes[0]
            .desk
            .publish(if plan.away.is_some() { plan.waiting } else { 0 }, 0);
        for n in 0..=OTHERS {
            let row = Event::Row {
                gate: Gate::Open,
                epoch: 1,
                acknowledged: 0,
                health: well(0),
            };
            run.after(0, Item::Back(n, Box::new(row)));
        }
        for n in 1..=OTHERS {
            run.after(NOTICE_MS * n as Ms / 8, Item::Publish(n));
        }
        run
    }

    fn after(&mut self, delay: Ms, item: Item) {
        self.count += 1;
        let at = self.free.pop().unwrap_or_else(|| {
            self.items.push(None);
            self.items.len() - 1
        });
        self.items[at] = Some(item);
        self.agenda.push(Reverse((self.t + delay, self.count, at)));
    }

    /// Until all has arrived (the seven alone: until `until`).
    pub fn run(mut self, until: Ms) -> Result<Sum, String> {
        while let Some(Reverse((at, _, item))) = self.agenda.pop() {
            if at > until {
                break;
            }
            self.t = at;
            self.free.push(item);
            match self.items[item].take().unwrap() {
                Item::Commit => self.commit()?,
                Item::Back(n, event) => self.step(n, *event)?,
                Item::Timer(n, number) if self.lanes[n].timer == number => self.step(n, Event::Timer)?,
                Item::Timer(..) => {}
                Item::Publish(n) => {
                    self.lanes[n].desk.publish(RECIPIENTS, at);
                    self.after(NOTICE_MS, Item::Publish(n));
                    self.step(n, Event::Wake)?;
                }
                Item::Arrive(n, parcel, back) => self.arrive(n, parcel, back)?,
                Item::Answer(n, job, outcome, reason) => self.answer(n, job, outcome, reason)?,
            }
            if self.checks.over() && self.ops.is_empty() {
                break;
            }
        }
        let rows = &self.lanes[0].desk.rows;
        self.sum.unknown = rows.iter().filter(|row| row.state == State::Unknown).count();
        self.checks.at_rest(rows, &mut self.sum)?;
        Ok(self.sum)
    }

    fn step(&mut self, n: usize, event: Event<Parcel>) -> Result<(), String> {
        for command in self.lanes[n].core.step(self.t, event) {
            match command {
                Command::Start(parcel) => self.send(n, parcel)?,
                Command::Claim {
                    epoch,
                    limit,
                    probe,
                    settles,
                    ..
                } => {
                    if !settles.is_empty() {
                        self.ask(n, Op::Complete(settles));
                    }
                    self.ask(n, Op::Claim { limit, probe, epoch });
                }
                Command::Complete(batch) => self.ask(n, Op::Complete(batch)),
                Command::GiveBack(rows) => self.ask(n, Op::GiveBack(rows)),
                Command::SetHealth(_) => self.ask(n, Op::Health),
                Command::Acknowledge { .. } => self.ask(n, Op::Acknowledge),
                Command::WakeAt(at) => {
                    self.lanes[n].timer += 1;
                    let number = self.lanes[n].timer;
                    if let Some(at) = at {
                        self.after((at - self.t).max(0), Item::Timer(n, number));
                    }
                }
                other => return Err(format!("nobody asked for {other:?}")),
            }
        }
        Ok(())
    }

    /// One writer: what is asked for while it works shares the next commit.
    fn ask(&mut self, n: usize, op: Op) {
        self.ops.push((n, op));
        if !self.writing {
            self.writing = true;
            self.after(COMMIT_MS, Item::Commit);
        }
    }

    fn commit(&mut self) -> Result<(), String> {
        let t = self.t;
        let mut ops = std::mem::take(&mut self.ops);
        self.writing = false;
        // Claims come last.
        ops.sort_by_key(|(_, op)| matches!(op, Op::Claim { .. }));
        for (n, op) in ops {
            let lane = &mut self.lanes[n];
            let event = match op {
                Op::Claim { limit, probe, epoch } => {
                    let limit = if probe { 1 } else { limit };
                    let found = lane.desk.claim(limit, lane.rules.rate, t);
                    Event::Claimed {
                        epoch,
                        stored_epoch: 1,
                        jobs: found.jobs,
                        next_due_ms: found.next_due_ms,
                        more: found.more,
                        drained: false,
                        paid_ms: 0,
                    }
                }
                Op::Complete(batch) => {
                    for mut c in batch {
                        if let (Sabotage::Costs, Settled::Waiting { spent, .. }) = (self.plan.sabotage, &mut c.settled)
                        {
                            *spent = true;
                        }
                        if n == 0 {
                            self.checks.completed(&c)?;
                        }
                        lane.desk.complete(&c);
                    }
                    Event::Committed
                }
                Op::GiveBack(rows) => {
                    rows.iter().for_each(|(id, _)| lane.desk.give_back(*id, t));
                    Event::GivenBack
                }
                Op::Health => Event::HealthStored,
                Op::Acknowledge => continue,
            };
            self.after(0, Item::Back(n, Box::new(event)));
        }
        Ok(())
    }

    /// How long a request takes: of the message alone, so that it is the same in every run.
    fn takes(&self, n: usize, parcel: &Parcel) -> Ms {
        let of = (n as u64) << 48 | parcel.id.0.unsigned_abs() << 16 | u64::from(parcel.attempt);
        let takes = fastrand::Rng::with_seed(self.plan.seed ^ of).i64(self.plan.takes_ms / 3..=self.plan.takes_ms);
        let behind = self.plan.sabotage == Sabotage::Behind && n > 0 && self.checks.in_flight > 0;
        takes + if behind { 1_000 } else { 0 }
    }

    fn is_away(&self, n: usize) -> Option<Away> {
        self.plan.away.filter(|_| n == 0 && self.t < OUTAGE_MS)
    }

    fn send(&mut self, n: usize, parcel: Parcel) -> Result<(), String> {
        let twice = n == 0 && self.plan.sabotage == Sabotage::Two && self.checks.open;
        for _ in 0..=usize::from(twice) {
            if n == 0 {
                let away = self.is_away(0).is_some();
                self.checks.start(self.t, &parcel, away)?;
            }
            let takes = self.takes(n, &parcel);
            match self.is_away(n) {
                Some(Away::Refuses) => {
                    self.after(
                        2,
                        Item::Answer(n, parcel.clone(), Outcome::Transient, Reason::NotConnected),
                    );
                }
                Some(Away::Hangs) => {
                    self.after(
                        TIMEOUT_MS,
                        Item::Answer(n, parcel.clone(), Outcome::Unknown, Reason::NoAnswer),
                    );
                }
                Some(Away::Trouble) | None => {
                    self.after(takes / 2, Item::Arrive(n, parcel.clone(), takes - takes / 2));
                }
            }
        }
        Ok(())
    }

    fn is_open(&self) -> bool {
        let health = self.lanes[0].core.at_a_glance(self.t).health;
        matches!(health, Health::Probing | Health::BackingOff)
    }

    fn arrive(&mut self, n: usize, parcel: Parcel, back: Ms) -> Result<(), String> {
        if self.is_away(n).is_some() {
            self.after(
                back,
                Item::Answer(n, parcel, Outcome::Transient, Reason::ServiceTrouble),
            );
            return Ok(());
        }
        let (outcome, reason) = match self.lanes[n].service.hear(self.t) {
            Word::Taken => {
                if n == 0 {
                    self.checks.arrived(&parcel)?;
                }
                (Outcome::Delivered(Remote::default()), Reason::Ok)
            }
            Word::Wait(wait) => {
                let until = self.t + back + wait;
                self.sum.waits.push(self.t - OUTAGE_MS);
                if self.plan.sabotage != Sabotage::Deaf {
                    self.checks.told(until, &parcel);
                }
                let until = if self.plan.sabotage == Sabotage::Clamp {
                    until - wait / 2
                } else {
                    until
                };
                match self.plan.sabotage {
                    Sabotage::Deaf => (Outcome::Transient, Reason::ServiceTrouble),
                    _ => (Outcome::Later { until }, Reason::RateLimited),
                }
            }
        };
        self.after(back, Item::Answer(n, parcel, outcome, reason));
        Ok(())
    }

    fn answer(&mut self, n: usize, job: Parcel, outcome: Outcome, reason: Reason) -> Result<(), String> {
        if n == 0 {
            self.checks.ended(self.t, &job, &outcome, &mut self.sum);
        } else {
            let published = self.lanes[n].desk.row(job.id).published_ms;
            self.sum.others.push((n, job.id, self.t - published));
        }
        let failed = matches!(outcome, Outcome::Transient | Outcome::Unknown);
        let report = Report {
            outcome,
            reason,
            text: Said::default(),
        };
        self.step(n, Event::Finished { job, report })?;
        self.checks.open |= n == 0 && failed && self.is_open();
        if n == 0 && failed && self.plan.sabotage == Sabotage::Restless {
            let row = Event::Row {
                gate: Gate::Open,
                epoch: 1,
                acknowledged: 1,
                health: well(self.t),
            };
            self.after(10 * COMMIT_MS, Item::Back(0, Box::new(row)));
        }
        Ok(())
    }
}
