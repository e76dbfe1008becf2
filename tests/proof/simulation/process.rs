//! The running process: carries commands to model and services, and their answers back, late, in any order, or not at all.

use rundruf::domain::delivery::DeliveryState as State;
use rundruf::ids::LaneId;
use rundruf::lane_core::event::{Command, Event, Now};
use rundruf::store::{ClaimRequest, Job, Settled};

use super::digests::text;
use super::world::{Disk, Item, Op, World};

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
                Command::Complete(mut batch) => {
                    for c in &mut batch {
                        if let Settled::Waiting { spent, .. } = &mut c.settled {
                            *spent |= self.sabotage.costs;
                        }
                    }
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
        if self.model.leapt.is_none() {
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
                    expires: self.model.leapt.is_none(),
                    limit: *limit,
                    probe: *probe,
                    lease_ms: 60_000,
                    rate: self.rules[&lane].rate.filter(|_| !self.sabotage.rateless),
                    ramp: self.rules[&lane].ramp,
                    late_ms: *late_ms,
                    turns: 2,
                    opens: 0,
                    order_wait_ms: 120_000,
                    correction_wait_ms: 300_000,
                    settles: Vec::new(),
                };
                let mut claimed = self.model.claim(&request);
                for other in std::mem::take(&mut claimed.wakes) {
                    self.wake(other);
                }
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
                    let of = |job: &Job| format!("{} (notice {} for {})", job.delivery, job.notice, job.recipient);
                    let ids: Vec<_> = claimed.jobs.iter().map(of).collect();
                    self.say(|| {
                        format!(
                            "lane {lane}: claims deliveries {}{}{}",
                            ids.join(", "),
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
                for lane in done.wakes {
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
                for home in self.model.give_back(rows, wall) {
                    self.wake(home);
                }
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
}
