//! The running process: carries commands to model and services, and their answers back, late, in any order, or not at all.

use rundruf::domain::delivery::DeliveryState as State;
use rundruf::domain::outcome::{Outcome, Reason, Remote, Report};
use rundruf::ids::{DeliveryId, LaneId};
use rundruf::lane_core::event::{Command, Event, Found, Now};
use rundruf::store::{ClaimRequest, Job, Receipt, ReceiptMatch, ReceiptWord, Settled};
use rundruf::text::said::Said;

use super::digests::text;
use super::provider::{Fate, LATEST_ARRIVAL_MS, Mood};
use super::script::TIMEOUT_MS;
use super::world::{Disk, Item, Moment, Op, World};

/// Unknown rows read at once: few, so that there are pages.
const PAGE: usize = 3;

impl World {
    /// Gives a lane an event and carries out what it wants.
    pub(super) fn step(&mut self, lane: LaneId, event: Event<Job>) -> Result<(), String> {
        let wall = self.wall();
        let Some(core) = self.cores.get_mut(&lane) else {
            return Ok(());
        };
        let running_ms = if self.sabotage.wall_time { wall } else { self.t };
        let now = Now {
            wall_ms: wall,
            running_ms,
        };
        for command in core.step(now, event) {
            match command {
                Command::Start(job) => self.send(lane, job)?,
                Command::LookUp(job) => {
                    let delay = self.rng.i64(1..1_000);
                    self.after(delay, Item::Look(lane, job));
                }
                Command::ReadUnknown { after } => self.ask(lane, Op::ReadUnknown { after }),
                Command::Claim {
                    epoch,
                    limit,
                    probe,
                    late_ms,
                    settles,
                } => {
                    self.checks.complete(&settles)?;
                    if self.stopping.contains(&lane) {
                        return Err(format!("lane {lane} claims although the process ends"));
                    }
                    // As the runner does: nothing new begins that could not be written down.
                    if self.disk == Disk::Low {
                        self.back(lane, Event::ClaimFailed);
                        if !settles.is_empty() {
                            self.ask(lane, Op::Complete(settles));
                        }
                        continue;
                    }
                    let claim = Op::Claim {
                        epoch,
                        limit,
                        probe,
                        late_ms,
                        settles,
                    };
                    self.ask(lane, claim);
                }
                Command::Complete(batch) => {
                    self.checks.complete(&batch)?;
                    self.ask(lane, Op::Complete(batch));
                }
                Command::GiveBack(rows) => self.ask(lane, Op::GiveBack(rows)),
                Command::SetHealth(row) => self.ask(lane, Op::Health(row)),
                Command::Acknowledge { epoch, in_flight } => self.ask(lane, Op::Acknowledge { epoch, in_flight }),
                Command::Refresh => self.after(1, Item::ReadRow(lane)),
                Command::EndDrain { epoch } => self.ask(lane, Op::EndDrain { epoch }),
                Command::WakeAt(at) => {
                    let number = self.timers.entry(lane).or_default();
                    *number += 1;
                    let number = *number;
                    if let Some(at) = at {
                        self.after((at - running_ms).max(0), Item::Timer(lane, number));
                    }
                }
                Command::Stopped => return self.stopped(lane),
            }
        }
        Ok(())
    }

    fn ask(&mut self, lane: LaneId, op: Op) {
        let delay = self.rng.i64(1..6);
        self.after(delay, Item::Op(lane, op));
    }

    /// A store call comes to its commit: the process may die just before or just after it, or the store may fail.
    pub(super) fn store(&mut self, lane: LaneId, op: Op) -> Result<(), String> {
        let dies = !self.healed && self.crashes_left > 0 && self.rng.u8(..60) == 0;
        if dies {
            self.crashes_left -= 1;
            if self.rng.bool() {
                self.commit(lane, &op);
            }
            self.crash();
            return Ok(());
        }
        let fails = self.disk == Disk::Full || self.store_fails && !self.healed && self.rng.u8(..100) == 0;
        let answer = if fails {
            self.say(|| format!("lane {lane}: the store fails at {}", op.name()));
            if op.settles() {
                self.back(lane, Event::CommitFailed);
            }
            op.failure()
        } else {
            self.commit(lane, &op)
        };
        if let Op::Claim { .. } = op {
            self.checks.claimed(lane, &self.rules[&lane], &self.model)?;
        }
        if let Some(event) = answer {
            self.back(lane, event);
        }
        Ok(())
    }

    fn back(&mut self, lane: LaneId, event: Event<Job>) {
        let delay = self.rng.i64(0..3);
        self.after(delay, Item::Back(lane, event));
    }

    /// The commit itself.
    pub(super) fn commit(&mut self, lane: LaneId, op: &Op) -> Option<Event<Job>> {
        let wall = self.wall();
        if self.leapt.is_none() {
            self.model.high_ms = self.model.high_ms.max(wall);
        }
        match op {
            Op::Claim {
                epoch,
                limit,
                probe,
                late_ms,
                settles,
            } => {
                if op.settles()
                    && let Some(event) = self.commit(lane, &Op::Complete(settles.clone()))
                {
                    self.back(lane, event);
                }
                let request = ClaimRequest {
                    lane,
                    epoch: *epoch,
                    now_ms: wall,
                    expires: self.leapt.is_none(),
                    limit: *limit,
                    probe: *probe,
                    lease_ms: 60_000,
                    rate: self.rules[&lane].rate,
                    ramp: self.rules[&lane].ramp,
                    late_ms: *late_ms,
                    turns: 2,
                    opens: 0,
                    order_wait_ms: 120_000,
                    correction_wait_ms: 300_000,
                    settles: Vec::new(),
                };
                let mut claimed = self.model.claim(&request);
                if !claimed.uncut.is_empty() {
                    for (lane, incident) in &claimed.uncut {
                        let sums_up = self.model.sums_up(*lane, *incident, request.over());
                        self.say(|| format!("lane {lane}: one message of all that waits: {sums_up:?}"));
                        let text = text(&sums_up.map(|(_, covers)| covers).unwrap_or_default());
                        self.model.cut(*lane, *incident, &text, request.over(), wall);
                    }
                    // As the runner does: what the cut holds is claimed next, with the dangers of a claim.
                    if claimed.jobs.is_empty() {
                        let again = Op::Claim {
                            epoch: *epoch,
                            limit: *limit,
                            probe: *probe,
                            late_ms: *late_ms,
                            settles: Vec::new(),
                        };
                        self.ask(lane, again);
                        return None;
                    }
                    claimed.more = true;
                }
                self.checks.ramps.claimed(&claimed.jobs);
                self.checks.begins(&claimed.jobs, &self.model, request.over());
                if !claimed.jobs.is_empty() || claimed.more {
                    let ids: Vec<_> = claimed.jobs.iter().map(|j| j.delivery.0).collect();
                    self.say(|| {
                        format!(
                            "lane {lane}: claims deliveries {ids:?}{}{}",
                            if *probe { " as a probe" } else { "" },
                            if claimed.more { ", and there is more" } else { "" }
                        )
                    });
                }
                Some(Event::Claimed {
                    epoch: *epoch,
                    stored_epoch: claimed.epoch,
                    jobs: claimed.jobs,
                    next_due_ms: claimed.next_due_ms,
                    more: claimed.more,
                    drained: claimed.drained,
                    paid_ms: claimed.paid_ms,
                })
            }
            Op::Complete(batch) => {
                for c in batch {
                    self.say(|| {
                        format!(
                            "lane {lane}: delivery {} attempt {} becomes {:?}",
                            c.delivery, c.attempt, c.settled
                        )
                    });
                }
                let done = self.model.complete(batch);
                self.checks.committed(batch);
                for c in batch {
                    let taken = matches!(c.settled, Settled::Accepted(_));
                    if taken && matches!(self.model.row(c.delivery).state, State::Waiting | State::Permanent) {
                        self.say(|| format!("a receipt had rejected delivery {} before", c.delivery));
                        self.checks.rejected(c.delivery);
                    }
                }
                for lane in done.moved_to {
                    self.wake(lane);
                }
                if done.held.contains(&lane) {
                    self.say(|| format!("lane {lane}: holds itself"));
                    Some(Event::CommittedAndHeld)
                } else {
                    Some(Event::Committed)
                }
            }
            Op::GiveBack(rows) => {
                self.say(|| format!("lane {lane}: gives back {rows:?}"));
                self.model.give_back(rows, wall);
                Some(Event::GivenBack)
            }
            Op::Health(row) => {
                self.say(|| format!("lane {lane}: {:?} until {:?}", row.health, row.blocked_until_ms));
                self.model.lanes.get_mut(&lane).unwrap().health = row.clone();
                self.wake_reserve(lane);
                Some(Event::HealthStored)
            }
            Op::Acknowledge { epoch, in_flight } => {
                let stored = self.model.lanes.get_mut(&lane).unwrap();
                stored.acknowledged = stored.acknowledged.max((*epoch, *in_flight));
                self.say(|| format!("lane {lane}: acknowledges epoch {epoch}, {in_flight} in flight"));
                None
            }
            Op::EndDrain { epoch } => {
                self.say(|| format!("lane {lane}: the drain of epoch {epoch} is over"));
                self.model.end_drain(lane, *epoch, wall);
                self.poke();
                None
            }
            Op::ReadUnknown { after } => {
                let jobs = self.model.unknown_jobs(lane, *after, PAGE);
                Some(Event::Unknowns {
                    more: jobs.len() == PAGE,
                    jobs,
                })
            }
        }
    }

    /// What a lane cannot bring out another one may.
    fn wake_reserve(&mut self, lane: LaneId) {
        if let Some(reserve) = self.model.lanes[&lane].failover {
            self.wake(reserve);
        }
    }

    fn wake(&mut self, lane: LaneId) {
        let delay = self.rng.i64(0..1_000);
        self.after(delay, Item::Back(lane, Event::Wake));
    }

    /// A gateway reports until somebody listens; some know our reference, some only their own.
    pub(super) fn reported(&mut self, lane: LaneId, delivery: DeliveryId, attempt: u32, word: ReceiptWord) {
        if self.cores.is_empty() || self.disk == Disk::Full {
            self.outside(10_000, Item::Reported(lane, delivery, attempt, word));
            return;
        }
        let by_id = delivery.0 % 2 == 1;
        let receipt = Receipt {
            delivery: (!by_id).then_some((delivery, attempt)),
            remote_id: by_id.then(|| delivery.to_string()),
            word,
            raw: String::new(),
        };
        let heard = self.model.receipts(lane, &[receipt], self.wall());
        let via = self.model.row(delivery).via;
        self.say(|| {
            format!(
                "lane {lane}: a receipt says of delivery {delivery} attempt {attempt} {word:?}: {heard:?}, via {via:?}"
            )
        });
        let bad = matches!(word, ReceiptWord::Rejected | ReceiptWord::Expired);
        if bad && heard == [ReceiptMatch::Applied] {
            self.checks.rejected(delivery);
        }
        self.poke();
    }

    /// A request reaches the service, which does what it asks, and may say so later in a receipt or two.
    pub(super) fn arrive(&mut self, lane: LaneId, delivery: DeliveryId, attempt: u32) {
        let t = self.t;
        self.say(|| format!("lane {lane}: the service does delivery {delivery}"));
        let provider = self.providers.get_mut(&lane).unwrap();
        provider.accept(delivery, t);
        if provider.reports && provider.mood != Mood::Good {
            let (buffered, delivered) = (self.rng.i64(1..60_000), self.rng.i64(1..300_000));
            let words = [(buffered, ReceiptWord::Buffered), (delivered, ReceiptWord::Delivered)];
            for (delay, word) in words {
                if self.rng.bool() {
                    self.outside(delay, Item::Reported(lane, delivery, attempt, word));
                }
            }
        }
    }

    fn send(&mut self, lane: LaneId, job: Job) -> Result<(), String> {
        let began = self.now();
        self.checks
            .start(lane, &self.rules[&lane], &job, &self.model, began.t)?;
        let provider = &self.providers[&lane];
        let mut fate = provider.fate(&mut self.rng);
        let refuses = matches!(
            fate,
            Fate::Permanent | Fate::Gone | Fate::NoWay | Fate::TakenThenRejected { .. }
        );
        if refuses && provider.agreed.contains(&job.delivery) {
            fate = Fate::Done;
        }
        self.say(|| {
            format!(
                "lane {lane}: delivery {} attempt {} leaves ({fate:?})",
                job.delivery, job.attempt
            )
        });
        let took = self.rng.i64(1..2_000);
        let (arrives, answers) = match fate {
            Fate::Done | Fate::DoneThen500 => (Some(took / 2), took),
            Fate::AnswerLost => (Some(took / 2), TIMEOUT_MS),
            Fate::ArrivesLate => (Some(TIMEOUT_MS + self.rng.i64(0..LATEST_ARRIVAL_MS)), TIMEOUT_MS),
            Fate::RequestLost | Fate::TakenThenRejected { answered: false } => (None, TIMEOUT_MS),
            _ => (None, took),
        };
        if let Some(delay) = arrives {
            let provider = self.providers.get_mut(&lane).unwrap();
            provider.agreed.insert(job.delivery);
            self.outside(delay, Item::Arrive(lane, job.delivery, job.attempt));
        }
        if matches!(fate, Fate::TakenThenRejected { .. }) {
            let delay = self.rng.i64(1..300_000);
            let word = [ReceiptWord::Rejected, ReceiptWord::Expired][self.rng.usize(..2)];
            self.outside(delay, Item::Reported(lane, job.delivery, job.attempt, word));
        }
        self.after(answers, Item::Answer(lane, job, fate, began));
        Ok(())
    }

    pub(super) fn answer(&mut self, lane: LaneId, job: Job, fate: Fate, began: Moment) -> Result<(), String> {
        *self.checks.in_flight.entry(lane).or_default() -= 1;
        let remote = Remote {
            id: Some(job.delivery.to_string()),
            url: None,
        };
        let (outcome, reason) = match fate {
            Fate::Done if lane.0 == 1 => (Outcome::Delivered(remote), Reason::Ok),
            Fate::Done | Fate::TakenThenRejected { answered: true } => (Outcome::Accepted(remote), Reason::Ok),
            Fate::DoneThen500 => (Outcome::Unknown, Reason::ServiceTrouble),
            Fate::AnswerLost | Fate::ArrivesLate | Fate::RequestLost | Fate::TakenThenRejected { answered: false } => {
                (Outcome::Unknown, Reason::NoAnswer)
            }
            Fate::Refused => (Outcome::Transient, Reason::ServiceTrouble),
            Fate::NoConnection => (Outcome::Transient, Reason::NotConnected),
            Fate::Wait(wait) => {
                let rules = self.rules[&lane];
                let now = self.now();
                self.checks.told_later(lane, &rules, &job, wait, began, now);
                let heard = if self.sabotage.clamp { wait / 2 } else { wait };
                // The channel counts from the start of the request by the clock of then.
                let until = began.wall + (now.t - began.t) + heard;
                (Outcome::Later { until }, Reason::RateLimited)
            }
            Fate::Busy(wait) => {
                let now = self.now();
                self.checks.told_aside(lane, &job, wait, began, now);
                let until = began.wall + (now.t - began.t) + wait;
                (Outcome::Deferred { until }, Reason::RecipientBusy)
            }
            Fate::Permanent => (Outcome::Permanent, Reason::ContentRefused),
            Fate::NoWay => (Outcome::Permanent, Reason::RecipientRefused),
            Fate::Gone => (Outcome::Gone, Reason::RecipientGone),
            Fate::Auth => (Outcome::Auth, Reason::Credentials),
        };
        let outcome = match outcome {
            Outcome::Unknown if self.sabotage.optimist => Outcome::Transient,
            outcome => outcome,
        };
        let report = Report {
            outcome,
            reason,
            text: Said::default(),
        };
        self.step(lane, Event::Finished { job, report })
    }

    pub(super) fn look(&mut self, lane: LaneId, job: Job) -> Result<(), String> {
        let provider = &self.providers[&lane];
        let blind = match provider.mood {
            Mood::Good => false,
            Mood::Down | Mood::Hangs => true,
            Mood::Fair | Mood::Busy => self.rng.u8(..5) == 0,
        };
        let found = if blind {
            Found::CannotTell
        } else if provider.done(job.delivery) > 0 {
            Found::There(Remote::default())
        } else {
            Found::NotThere
        };
        self.say(|| format!("lane {lane}: looks for delivery {}: {found:?}", job.delivery));
        self.step(lane, Event::LookedUp { job, found })
    }
}
