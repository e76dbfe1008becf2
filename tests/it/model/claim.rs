//! The claim: what may start now, in which order, and what holds it; and how far an audience opens.

use std::collections::BTreeMap;

use rundruf::clock::Ms;
use rundruf::domain::delivery::{DeliveryState as State, Gate, Operation};
use rundruf::domain::words::Kind;
use rundruf::ids::IncidentId;
use rundruf::store::{ClaimRequest, Claimed, Job};

use super::ramp::Pace;
use super::{Model, Person};

/// A claim opens at most so many chunks of one broadcast.
const ROUNDS: usize = 8;
/// So many due rows are looked at where domains have a rate of their own.
const SCAN: usize = 512;
/// Somebody of an audience who is held back is looked at again after this, and at the latest after that.
const LOOK_AGAIN_MS: Ms = 500;
const LOOK_AGAIN_MAX_MS: Ms = 60_000;

/// What one claim has so far.
struct Run {
    jobs: Vec<Job>,
    more: bool,
    next: Option<Ms>,
    pace: Pace,
    /// Rows that ended here because nobody needs them.
    ended: Vec<usize>,
}

impl Run {
    fn at(&mut self, ms: Ms) {
        self.next = Some(self.next.map_or(ms, |next| next.min(ms)));
    }
}

/// What a look at the due rows of a broadcast found.
#[derive(Default)]
struct Seen {
    started: bool,
    /// Older notices hold some back.
    blocked: bool,
    /// These are out of the way now, and others may stand behind them.
    behind: bool,
    ended: bool,
}

impl Model {
    pub fn claim(&mut self, r: &ClaimRequest) -> Claimed {
        let lane = &self.lanes[&r.lane];
        let mut claimed = Claimed {
            epoch: lane.epoch,
            ..Claimed::default()
        };
        if lane.epoch != r.epoch || lane.gate == Gate::Held || !lane.configured {
            return claimed;
        }
        let account = lane.account;
        let mut run = Run {
            jobs: Vec::new(),
            more: false,
            next: None,
            pace: self.pace(r),
            ended: Vec::new(),
        };
        for home in self.homes(r.lane) {
            if let Some(at) = self.moves_at(home, r.lane).filter(|at| *at > r.now_ms) {
                run.at(at);
            }
        }
        let limit = if r.probe { 1 } else { r.limit as usize };
        claimed.uncut = self.uncut(r);
        for broadcast in self.in_order(r) {
            let left = limit - run.jobs.len();
            if left == 0 {
                run.more = true;
                break;
            }
            let b = &self.broadcasts[broadcast];
            if (b.is_over(r.over()) && !self.breaks.late) || claimed.uncut.contains(&(b.lane, b.incident)) {
                continue;
            }
            let room = left.min(run.pace.free());
            if room == 0 {
                run.at(run.pace.next_ms());
                break;
            }
            let cursor = self.broadcasts[broadcast].cursor;
            let ended = self.start_rows(r, broadcast, room, &mut run);
            let moved = self.broadcasts[broadcast].cursor > cursor;
            let stirs = |other: usize| {
                let b = &self.broadcasts[other];
                other != broadcast
                    && b.is_alive()
                    && ((moved && self.opens_here(other, r)) || (ended && b.of(State::Waiting) > 0))
            };
            run.more |= self.siblings(broadcast).any(stirs);
        }
        let mut ended = std::mem::take(&mut run.ended);
        ended.retain(|row| self.rows[*row].attempt > 0 || self.rows[*row].tried);
        let stirred = self.passed_no_more(&ended, (r.now_ms, r.over()));
        run.more |= stirred.contains(&r.lane);
        claimed.wakes = stirred.into_iter().filter(|lane| *lane != r.lane).collect();
        self.settle_broadcasts();
        if r.rate.is_some() && !run.jobs.is_empty() {
            self.tats_us.insert(account, run.pace.account_us);
        }
        if !run.more {
            let alive = |b: usize| self.broadcasts[b].is_alive();
            let waits = |row: &&super::ModelRow| {
                row.by() == r.lane && row.state == State::Waiting && row.due_ms > r.now_ms && alive(row.broadcast)
            };
            if let Some(due) = self.rows.iter().filter(waits).map(|row| row.due_ms).min() {
                run.at(due);
            }
        }
        claimed.paid_ms = self.settle_pace(run.pace, !run.jobs.is_empty());
        claimed.drained = run.jobs.is_empty() && !run.more && self.is_drained(r.lane);
        claimed.jobs = run.jobs;
        claimed.more = run.more;
        claimed.next_due_ms = run.next;
        claimed
    }

    /// Urgent first, then the rest of incidents with urgent work, then all other; each by the age of the incident's oldest work. A probe goes
    /// strictly by number within the most urgent incident.
    fn in_order(&self, r: &ClaimRequest) -> Vec<usize> {
        let homes = self.homes(r.lane);
        let has_work = |index: &usize| {
            let b = &self.broadcasts[*index];
            let here = b.lane == r.lane || homes.contains(&b.lane);
            here && b.is_alive() && (b.of(State::Waiting) > 0 || self.opens_here(*index, r))
        };
        let mut work: Vec<usize> = (0..self.broadcasts.len()).filter(has_work).collect();
        let mut incidents: BTreeMap<IncidentId, (bool, i64)> = BTreeMap::new();
        for b in work.iter().map(|b| &self.broadcasts[*b]) {
            let (urgent, oldest) = incidents.entry(b.incident).or_insert((false, i64::MAX));
            *urgent |= b.urgent;
            *oldest = b.notice.0.min(*oldest);
        }
        work.sort_by_key(|b| {
            let b = &self.broadcasts[*b];
            let (urgent, oldest) = incidents[&b.incident];
            let class = match (b.urgent && !r.probe, urgent) {
                _ if self.breaks.bulk_first => i32::from(!urgent),
                (true, _) => 0,
                (false, true) => 1,
                (false, false) => 2,
            };
            (class, oldest, b.notice, b.lane)
        });
        work
    }

    /// Chunks of it may open on the claiming lane.
    pub(super) fn opens_here(&self, broadcast: usize, r: &ClaimRequest) -> bool {
        let b = &self.broadcasts[broadcast];
        b.opens() && (b.lane == r.lane || self.moves(broadcast, r))
    }

    /// Older ones of the incident that still count: alive, or lately ended with a refusal.
    fn older(&self, r: &ClaimRequest, broadcast: usize) -> Vec<usize> {
        let notice = self.broadcasts[broadcast].notice;
        let since = r.now_ms - r.order_wait_ms.max(r.correction_wait_ms);
        let counts = |other: &usize| {
            let b = &self.broadcasts[*other];
            b.notice < notice && (b.is_alive() || (b.of(State::Permanent) > 0 && b.changed_ms > since))
        };
        self.siblings(broadcast).filter(counts).collect()
    }

    /// Due rows first, then chunks; whether any ended here without being sent.
    fn start_rows(&mut self, r: &ClaimRequest, broadcast: usize, room: usize, run: &mut Run) -> bool {
        let older = self.older(r, broadcast);
        let opening: Vec<usize> = older.iter().copied().filter(|o| self.opens_here(*o, r)).collect();
        let full = run.jobs.len() + room;
        let (mut any_ended, mut looked) = (false, false);
        let mut waiting = self.broadcasts[broadcast].of(State::Waiting) > 0;
        let (mut wide, mut held) = (false, false);
        for round in 0..=ROUNDS {
            if waiting {
                let seen = self.start_due(r, broadcast, &older, (full, wide), run);
                any_ended |= seen.ended;
                held = (held || seen.blocked) && !seen.started;
                if (seen.ended || seen.behind) && run.jobs.len() < full && round < ROUNDS {
                    wide |= seen.behind;
                    continue;
                }
                if held {
                    if seen.behind {
                        run.at(r.now_ms + LOOK_AGAIN_MS);
                    }
                    break;
                }
            }
            if run.jobs.len() == full || round == ROUNDS {
                run.more = true;
                break;
            }
            let room = full - run.jobs.len();
            let moved = self.moves(broadcast, r) && self.move_waiting(broadcast, r.lane, room, r.now_ms);
            looked |= !moved && self.opens_here(broadcast, r);
            let step_us = run.pace.domain_step_us();
            let want = if step_us.is_none() {
                room.max(r.opens as usize)
            } else {
                room
            };
            if !moved && !self.open_more(r, broadcast, &opening, want, step_us) {
                break;
            }
            waiting = true;
        }
        if let Some(at) = self.opens_again_at(broadcast, r.now_ms).filter(|_| looked) {
            run.at(at);
        }
        any_ended
    }

    /// Starts due rows, as many as there is room for, but looks at more where `wide`.
    fn start_due(
        &mut self,
        r: &ClaimRequest,
        broadcast: usize,
        older: &[usize],
        (full, wide): (usize, bool),
        run: &mut Run,
    ) -> Seen {
        let mut due: Vec<usize> = (0..self.rows.len())
            .filter(|at| {
                let row = &self.rows[*at];
                row.broadcast == broadcast
                    && row.by() == r.lane
                    && row.state == State::Waiting
                    && row.due_ms <= r.now_ms
            })
            .collect();
        due.sort_by_key(|at| (self.rows[*at].due_ms, *at));
        let room = full - run.jobs.len();
        let limit = if wide || run.pace.by_domain() {
            room.max(SCAN)
        } else {
            room
        };
        due.truncate(limit);
        let full_look = due.len() == limit;
        let mut seen = Seen::default();
        for at in due {
            if let Some(free_at) = self.held_until(at, older, r) {
                seen.blocked = true;
                if free_at != Ms::MAX {
                    run.at(free_at);
                }
                let moved = self.rows[at].via.is_some();
                if self.broadcasts[broadcast].audience || moved {
                    let again = if free_at == Ms::MAX {
                        r.now_ms + if moved { LOOK_AGAIN_MAX_MS } else { LOOK_AGAIN_MS }
                    } else {
                        free_at
                    };
                    let again = again.min(r.now_ms + LOOK_AGAIN_MAX_MS);
                    run.at(again);
                    self.rows[at].due_ms = again;
                    seen.behind = full_look;
                }
                continue;
            }
            let operation = self.rows[at].operation;
            let Some(first) = self.prepare(at, r.now_ms) else {
                seen.ended = true;
                run.ended.push(at);
                continue;
            };
            if run.jobs.len() == full {
                self.rows[at].operation = operation;
                continue;
            }
            match self.take_turn(at, &mut run.pace) {
                Ok(start_at_ms) => {
                    seen.started = true;
                    let job = self.start(at, first, r, start_at_ms);
                    run.jobs.push(job);
                }
                Err(turn) => {
                    run.at(turn);
                    let row = &mut self.rows[at];
                    (row.operation, row.due_ms, row.turn) = (operation, turn, true);
                }
            }
        }
        seen
    }

    /// Until when older notices hold this row; `None`: they do not. `Ms::MAX`: until that moves.
    fn held_until(&self, at: usize, older: &[usize], r: &ClaimRequest) -> Option<Ms> {
        if self.breaks.order {
            return None;
        }
        let row = &self.rows[at];
        let correction = self.broadcasts[row.broadcast].kind != Kind::Notice;
        let wait = if correction {
            r.correction_wait_ms
        } else {
            r.order_wait_ms
        };
        let holds = |other: &super::ModelRow| match other.state {
            // As a refused one does: the lane it moved to may be held.
            State::Waiting if other.via.is_some() => Some(other.changed_ms + wait),
            State::Waiting if other.due_ms > r.now_ms => Some(other.due_ms),
            State::Waiting => Some(Ms::MAX),
            State::Started if !correction => Some(Ms::MAX),
            State::Started if self.breaks.first_start => Some(other.first_started_ms + wait),
            State::Started | State::Unknown | State::Permanent => Some(other.changed_ms + wait),
            _ => None,
        };
        let rows = older.iter().filter_map(|o| self.row_of(*o, row.recipient));
        rows.filter_map(holds).max().filter(|until| *until > r.now_ms)
    }

    /// Whom it goes to and as what; `None`: it ended instead. True: the corrected text as a first message.
    fn prepare(&mut self, at: usize, now: Ms) -> Option<bool> {
        let row = &self.rows[at];
        if row.via.is_some() && self.passed(at) && !self.breaks.late_move {
            let state = if row.after_unknown {
                State::Unknown
            } else {
                State::Superseded
            };
            self.take_out(at, state, now);
            return None;
        }
        let row = &self.rows[at];
        let b = &self.broadcasts[row.broadcast];
        let person = self.person(row.lane, row.recipient);
        let here = self.is_for(row.broadcast, row.recipient);
        if let Some(person) = person.filter(|p| p.is != Person::In || (!here && b.kind == Kind::Notice)) {
            // What may be there is not said not to be.
            let state = match (row.after_unknown, b.digest && person.is == Person::In) {
                (true, _) => State::Unknown,
                (false, true) => State::Superseded,
                (false, false) => State::Gone,
            };
            self.take_out(at, state, now);
            return None;
        }
        if b.kind == Kind::Notice {
            return Some(false);
        }
        let (kind, operation, overtaken) = (b.kind, b.operation, b.overtaken);
        match self.target(row.broadcast, row.recipient) {
            Some(remote) => {
                // Without an id nothing can be edited or answered.
                self.rows[at].operation = if remote.id.is_some() {
                    operation
                } else {
                    Operation::Post
                };
                Some(false)
            }
            None if !row.after_unknown && (kind == Kind::Retraction || overtaken || !here) => {
                self.take_out(at, State::Superseded, now);
                None
            }
            None => {
                let first = !self.forgotten(self.rows[at].broadcast);
                self.rows[at].operation = Operation::Post;
                Some(first)
            }
        }
    }

    fn take_out(&mut self, at: usize, state: State, now: Ms) {
        self.set(at, state, 0, now);
        self.rows[at].decided = false;
    }

    fn start(&mut self, at: usize, first: bool, r: &ClaimRequest, start_at_ms: Ms) -> Job {
        if !self.breaks.started {
            self.set(at, State::Started, start_at_ms + r.lease_ms, r.now_ms);
        }
        let row = &self.rows[at];
        // What is repeated by its handle goes on with the words it began with.
        let repeated = (row.after_unknown && !row.decided) || row.step > 0;
        if !repeated || self.breaks.words {
            self.rows[at].told = match self.lacks(row.broadcast, row.recipient) {
                _ if first => -1,
                true => i64::try_from(self.broadcasts[row.broadcast].digests.len()).unwrap(),
                false => 0,
            };
        }
        let row = &mut self.rows[at];
        if row.attempt == 0 && row.step == 0 && (!row.after_unknown || row.decided) {
            row.first_started_ms = start_at_ms;
        }
        row.attempt += 1;
        (row.turn, row.by_receipt) = (false, false);
        self.job(at, start_at_ms)
    }
}
