//! What follows from the lane's state after every event: what starts, what is written, what is asked for, when to look again. Everything that
//! waits here waits by the monotonic clock.

use crate::clock::Ms;
use crate::lane_core::claims::{self, InHand};
use crate::lane_core::event::{Command, Now, Rules, Work};
use crate::lane_core::lane::{InFlight, Lane, count};
use crate::lane_core::turns::Turn;
use crate::lane_core::unknown;
use crate::lane_core::values::Completion;

impl<J: Work> Lane<J> {
    /// Everything that follows from the state as it is now.
    pub(super) fn go_on(&mut self, at: Now, out: &mut Vec<Command<J>>) {
        if self.stopped {
            return;
        }
        let now = at.running_ms;
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
            self.give_back_claimed();
        }
        let recorded = store_well && !self.outcomes.is_troubled();
        let may_send = recorded && !self.stopping && self.gate.sends() && !self.is_paused();
        if may_send {
            self.start(at, out);
        }
        let mut outcomes = None;
        if store_well {
            outcomes = self.write(out);
            if self.reads_unknown()
                && let Some(after) = self.look_ups.read_next(now)
            {
                out.push(Command::ReadUnknown { after });
            }
        }
        if may_send {
            self.look(now, out);
            outcomes = self.claim(now, outcomes, out);
        }
        out.extend(outcomes.map(Command::Complete));
        self.set_timer(now, out);
        if self.stopping && self.is_idle() && self.health.saved() {
            self.stopped = true;
            out.push(Command::Stopped);
        }
    }

    /// What stands as unknown can be read back, and the lane has begun and does not end.
    fn reads_unknown(&self) -> bool {
        self.rules.looks_up && self.rows_read && !self.stopping
    }

    /// While the breaker is open only a row claimed as a probe may stay, and only when its time has come.
    fn probe_waits(&self, now: Ms) -> bool {
        now < self.breaker.until_ms() || self.queued() > 1 || !self.in_flight.is_empty()
    }

    fn start(&mut self, at: Now, out: &mut Vec<Command<J>>) {
        let now = at.running_ms;
        let stale = self.queue.take_stale(now);
        self.give_back(stale);
        self.queue.set_pace(self.pace.spacing_ms(now));
        let bulk_slots = claims::for_bulk(self.rules.concurrency);
        while self.breaker.lets_start(now, count(self.in_flight.len())) {
            let bulk_may = self.bulk_in_flight < bulk_slots;
            let Some(job) = self.next_turn(now).or_else(|| self.queue.pop(now, bulk_may)) else {
                break;
            };
            if let Some(until) = self.told.still(now, job.delivery()) {
                self.not_yet(at, &job, until);
                continue;
            }
            if unknown::too_late_to_repeat(&self.rules, job.after_unknown(), job.first_started_ms(), at.wall_ms) {
                self.not_repeated(at, job);
                continue;
            }
            let flight = InFlight {
                urgent: job.urgent(),
                probe: self.breaker.is_open(),
                started: now,
                shifted: self.shifted,
            };
            if !flight.urgent {
                self.bulk_in_flight += 1;
            }
            self.in_flight.insert(job.delivery(), flight);
            out.push(Command::Start(job));
        }
    }

    /// The next row of a lane with a ramp. Each has a connection: no more are claimed than are free.
    fn next_turn(&mut self, now: Ms) -> Option<J> {
        if now < self.queue.not_before_ms() {
            return None;
        }
        loop {
            match self.turns.pop(now)? {
                Turn::Start(job) => {
                    self.queue.started(now);
                    return Some(job);
                }
                Turn::Missed(job) => self.give_back(vec![job]),
            }
        }
    }

    /// What is to be stored; the outcomes come back, because a claim may take them along.
    fn write(&mut self, out: &mut Vec<Command<J>>) -> Option<Vec<Completion>> {
        if let Some(row) = self.health.next_write() {
            out.push(Command::SetHealth(row));
        }
        if let Some(batch) = self.give_backs.next_write() {
            out.push(Command::GiveBack(batch));
        }
        // A time the service named is stored before the outcome that named it: a crash between the two repeats a row too
        // late rather than others too early.
        self.health.saved().then(|| self.outcomes.next_write())?
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

    /// Asks for rows where there is room, and has these outcomes committed with it; else they come back.
    fn claim(
        &mut self,
        now: Ms,
        outcomes: Option<Vec<Completion>>,
        out: &mut Vec<Command<J>>,
    ) -> Option<Vec<Completion>> {
        if self.claiming.asked || !self.claiming.wanted || now < self.breaker.until_ms() {
            return outcomes;
        }
        let probe = self.breaker.is_open();
        let limit = if probe {
            // A lane without a handle counts rows whose outcome is not committed as open.
            let settled = self.is_idle();
            u32::from(settled)
        } else {
            let settled = outcomes.as_ref().map_or(0, Vec::len);
            let uncommitted = self.outcomes.unwritten() - settled + self.give_backs.unwritten();
            let hand = InHand {
                queued: count(self.queued()),
                in_flight: count(self.in_flight.len()),
                uncommitted: count(uncommitted),
                window: self.breaker.window(),
                woken: self.claiming.woken,
                urgent: self.claiming.urgent,
                by_ramp: self.by_ramp(),
            };
            let rules = Rules {
                rate: claims::slower(self.rules.rate, self.pace.rate(now)),
                ..self.rules
            };
            claims::limit(&rules, hand)
        };
        if limit == 0 {
            return outcomes;
        }
        self.claiming.asked = true;
        self.claiming.wanted = false;
        out.push(Command::Claim {
            epoch: self.gate.epoch(),
            limit,
            probe,
            late_ms: self.turns.late_ms(),
            settles: outcomes.unwrap_or_default(),
        });
        None
    }

    fn set_timer(&mut self, now: Ms, out: &mut Vec<Command<J>>) {
        let sends = self.gate.sends() && !self.stopping && !self.is_paused();
        let blocked = self.breaker.until_ms();
        let waits_for_time = self.claiming.wanted || self.queued() > 0;
        let times = [
            self.store_again,
            self.claiming.next_due.filter(|_| sends),
            self.queue.next_start_ms().filter(|_| sends),
            self.turns
                .next_start_ms()
                .filter(|_| sends)
                .map(|at| at.max(self.queue.not_before_ms())),
            Some(blocked).filter(|_| sends && waits_for_time),
            self.look_ups.next_due_ms().filter(|_| sends).map(|at| at.max(blocked)),
            self.look_ups.read_at_ms().filter(|_| self.reads_unknown()),
        ];
        let next = times.into_iter().flatten().filter(|at| *at > now).min();
        if next != self.timer {
            self.timer = next;
            out.push(Command::WakeAt(next));
        }
    }
}
