//! What attempts come to: outcomes, rows given back, takeovers, receipts.

use std::collections::{BTreeMap, BTreeSet};

use rundruf::clock::Ms;
use rundruf::domain::delivery::DeliveryState as State;
use rundruf::domain::outcome::{Reason, Remote};
use rundruf::ids::{DeliveryId, LaneId};
use rundruf::store::{Completed, Completion, Receipt, ReceiptMatch, ReceiptWord, Settled, TakenOver, Takeover, Thread};

use super::{Inbox, Model, Person};

impl Model {
    /// Waits again, unless a newer notice has passed it, or it was closed meanwhile and nothing of it has begun.
    fn wait(&mut self, at: usize, due_ms: Ms, begun: bool, passed: bool, now: Ms) {
        let row = &self.rows[at];
        let ended = self.broadcasts[row.broadcast].superseded_by.is_some();
        let closed = ended && (!self.breaks.by_itself || self.is_closed(row.broadcast));
        if (passed || (ended && self.is_closed(row.broadcast) && row.waits_for_a_person())) && row.after_unknown {
            self.set(at, State::Unknown, 0, now);
        } else if passed || (closed && !begun && row.step == 0) {
            self.set(at, State::Superseded, due_ms, now);
        } else {
            self.set(at, State::Waiting, due_ms, now);
        }
    }

    pub fn give_back(&mut self, rows: &[(DeliveryId, u32)], now: Ms) -> Vec<LaneId> {
        let there = rows.iter().filter(|(id, _)| !self.row(*id).removed);
        let rows = &there.copied().collect::<Vec<_>>();
        let started = |(id, attempt): &(DeliveryId, u32)| {
            let row = &self.rows[self.at(*id)];
            row.state == State::Started && row.attempt == *attempt
        };
        let back: BTreeSet<usize> = rows
            .iter()
            .filter(|row| started(row))
            .map(|(id, _)| self.at(*id))
            .collect();
        let back: Vec<_> = back.into_iter().map(|at| (at, self.passed(at))).collect();
        for (at, passed) in back {
            self.rows[at].attempt -= 1;
            let begun = self.rows[at].after_unknown;
            self.wait(at, now, begun, passed, now);
        }
        let rows: Vec<usize> = rows.iter().map(|(id, _)| self.at(*id)).collect();
        let ended = rows.iter().filter(|at| self.rows[**at].state == State::Superseded);
        let mut wakes = self.reopen(&ended.copied().collect(), now);
        self.settle_broadcasts();
        let moved = rows.iter().map(|at| &self.rows[*at]).filter(|row| row.via.is_some());
        wakes.extend(moved.map(|row| row.lane));
        wakes.into_iter().collect()
    }

    pub fn complete(&mut self, completions: &[Completion]) -> Completed {
        let newest = completions.iter().map(|c| c.at_ms).max().unwrap_or_default();
        let there = completions.iter().filter(|c| !self.row(c.delivery).removed);
        let completions = &there.cloned().collect::<Vec<_>>();
        let passed: Vec<bool> = completions.iter().map(|c| self.passed(self.at(c.delivery))).collect();
        let moved = |at: &usize| self.rows[*at].via.is_some();
        let moved: BTreeSet<usize> = completions.iter().map(|c| self.at(c.delivery)).filter(moved).collect();
        let mut named = Vec::new();
        let mut gone = Vec::new();
        let mut homes = BTreeSet::new();
        let mut ended = BTreeSet::new();
        let mut applied: BTreeMap<LaneId, Vec<Completion>> = BTreeMap::new();
        for (c, passed) in completions.iter().zip(passed) {
            let at = self.at(c.delivery);
            let row = &self.rows[at];
            let open = row.state == State::Started || (row.state == State::Unknown && c.settled != Settled::Unknown);
            if open && row.attempt == c.attempt {
                homes.extend(row.via.map(|_| row.lane));
                applied.entry(row.via.unwrap_or(row.lane)).or_default().push(c.clone());
                self.apply(at, c, passed);
                self.rows[at].reason = match self.rows[at].state {
                    State::Delivered | State::Accepted => None,
                    _ => Some(c.reason),
                };
                if matches!(self.rows[at].state, State::Superseded | State::Permanent) {
                    ended.insert(at);
                }
                if self.rows[at].state == State::Gone {
                    gone.push((self.rows[at].lane, self.rows[at].recipient));
                }
            } else {
                self.late(at, c);
            }
            named.push(at);
        }
        for (lane, recipient) in gone {
            let people = &mut self.lanes.get_mut(&lane).unwrap().people;
            if let Some(person) = people.iter_mut().find(|p| p.id == recipient) {
                person.is = Person::Gone;
            }
        }
        let again = self.reopen(&ended, newest);
        self.meet_inbox(&named);
        self.settle_broadcasts();
        let new = |at: &usize| self.rows[*at].via.filter(|_| !moved.contains(at));
        let wakes: BTreeSet<LaneId> = named.iter().filter_map(new).chain(homes).chain(again).collect();
        Completed {
            wakes: wakes.into_iter().collect(),
            held: applied
                .iter()
                .filter_map(|(lane, list)| self.note_results(*lane, list))
                .collect(),
        }
    }

    fn apply(&mut self, at: usize, c: &Completion, passed: bool) {
        let row = &mut self.rows[at];
        let was_unknown = row.state == State::Unknown;
        row.new_here = false;
        match &c.settled {
            Settled::Delivered(remote) | Settled::Accepted(remote) => {
                row.remote = remote.clone();
                let done = matches!(c.settled, Settled::Delivered(_));
                self.posted(at);
                self.set(at, if done { State::Delivered } else { State::Accepted }, 0, c.at_ms);
            }
            Settled::Stepped { step, handle } => {
                row.step = *step;
                row.step_handle = Some(handle.clone());
                (row.after_unknown, row.decided, row.tried) = (false, false, true);
                row.attempt -= 1;
                self.wait(at, c.at_ms, true, passed, c.at_ms);
            }
            Settled::Waiting {
                due_ms,
                spent,
                after_unknown,
            } => {
                let begun = *after_unknown || (!was_unknown && row.after_unknown);
                if *after_unknown {
                    (row.after_unknown, row.decided) = (true, false);
                } else if was_unknown && !self.breaks.mark {
                    (row.after_unknown, row.decided) = (false, false);
                }
                if !spent {
                    row.attempt -= 1;
                    row.tried = true;
                }
                self.wait(at, *due_ms, begun, passed, c.at_ms);
            }
            Settled::GoesAgain { due_ms } => {
                (row.after_unknown, row.decided) = (true, true);
                self.wait(at, *due_ms, true, passed, c.at_ms);
            }
            Settled::Unknown => self.set(at, State::Unknown, 0, c.at_ms),
            Settled::Permanent => {
                let begun = row.after_unknown;
                self.set(at, State::Permanent, 0, c.at_ms);
                self.refused(at, c.reason, begun, passed, c.at_ms);
            }
            Settled::Gone => self.set(at, State::Gone, 0, c.at_ms),
            Settled::Dropped => {
                row.after_unknown = true;
                self.set(at, State::Dropped, 0, c.at_ms);
            }
        }
        self.touched(at, c.at_ms);
    }

    fn touched(&mut self, at: usize, now: Ms) {
        let b = &mut self.broadcasts[self.rows[at].broadcast];
        b.changed_ms = b.changed_ms.max(now);
    }

    /// Evidence, but for the remote id where none is known.
    fn late(&mut self, at: usize, c: &Completion) {
        let row = &mut self.rows[at];
        if let Settled::Delivered(remote) | Settled::Accepted(remote) = &c.settled
            && c.attempt == row.attempt
            && row.state != State::Waiting
            && row.remote.id.is_none()
            && remote.id.is_some()
        {
            row.remote = remote.clone();
            (row.due_ms, row.changed_ms) = (0, c.at_ms);
            self.posted(at);
            self.touched(at, c.at_ms);
        }
    }

    /// An account's thread: its first post stays the root.
    fn posted(&mut self, at: usize) {
        let row = &self.rows[at];
        let b = &self.broadcasts[row.broadcast];
        if b.audience || row.remote == Remote::default() {
            return;
        }
        let new = (
            Thread {
                root: row.remote.clone(),
                parent: row.remote.clone(),
            },
            b.notice,
        );
        let threads = &mut self.lanes.get_mut(&row.by()).unwrap().threads;
        let (thread, newest) = threads.entry(b.incident).or_insert_with(|| new.clone());
        if new.1 >= *newest {
            thread.parent = new.0.parent;
            *newest = new.1;
        }
    }

    pub fn take_over(&mut self, lanes: &[Takeover], now: Ms) -> Vec<TakenOver> {
        let mut found = Vec::new();
        for takeover in lanes {
            let mut one = TakenOver {
                lane: takeover.lane,
                repeated: 0,
                unknown: 0,
            };
            let started: Vec<_> = (0..self.rows.len())
                .filter(|at| self.rows[*at].by() == takeover.lane && self.rows[*at].state == State::Started)
                .map(|at| (at, self.passed(at)))
                .collect();
            for (at, passed) in started {
                let row = &mut self.rows[at];
                row.new_here &= self.breaks.takeover;
                let term = takeover.handle_for_ms;
                let young = |t: Ms| {
                    row.first_started_ms > now.saturating_sub(t) && row.first_started_ms > takeover.handles_from_ms
                };
                let in_force = term.is_some_and(|t| t == Ms::MAX || young(t));
                if self.breaks.takeover {
                    self.set(at, State::Waiting, now, now);
                } else if (in_force || takeover.repeat) && !passed {
                    one.repeated += 1;
                    (row.after_unknown, row.decided) = (true, false);
                    self.set(at, State::Waiting, now, now);
                } else {
                    one.unknown += u64::from(!takeover.drop);
                    (row.after_unknown, row.decided) = (true, false);
                    let state = if takeover.drop { State::Dropped } else { State::Unknown };
                    self.set(at, state, 0, now);
                }
            }
            found.push(one);
        }
        // The dead process may have been late with its last starts.
        self.slots_us.values_mut().for_each(|at| *at += 1_000_000);
        for lane in self.lanes.values_mut() {
            lane.tries_since_ms = now;
        }
        self.settle_broadcasts();
        found
    }

    pub fn receipts(&mut self, lane: LaneId, receipts: &[Receipt], now: Ms) -> Vec<ReceiptMatch> {
        let mut matches = Vec::new();
        for receipt in receipts {
            let met = match (&receipt.delivery, &receipt.remote_id) {
                (Some((id, attempt)), _) => self
                    .rows
                    .get(self.at(*id))
                    .filter(|row| (row.lane == lane || row.via == Some(lane)) && (1..=row.attempt).contains(attempt))
                    .filter(|row| self.broadcasts[row.broadcast].removed_ms.is_none())
                    .map(|row| (self.at(*id), row.attempt == *attempt, *attempt < row.attempt)),
                (None, Some(remote)) => self
                    .by_remote(lane, remote)
                    .map(|(at, newest)| (at, newest, self.rows[at].state == State::Unknown)),
                (None, None) => None,
            };
            matches.push(match met {
                Some((at, newest, older)) => self.hear(at, (newest, older), receipt.word, now),
                None => {
                    self.inbox.push(Inbox {
                        lane,
                        remote_id: receipt.remote_id.clone(),
                        word: receipt.word,
                        at_ms: now,
                    });
                    ReceiptMatch::Unmatched
                }
            });
        }
        self.settle_broadcasts();
        matches
    }

    /// The newest delivery with this id, and whether the id is that of its newest attempt.
    fn by_remote(&self, lane: LaneId, remote: &str) -> Option<(usize, bool)> {
        let has = |at: &usize| {
            let row = &self.rows[*at];
            let there = self.broadcasts[row.broadcast].removed_ms.is_none();
            there && row.by() == lane && row.remote.id.as_deref() == Some(remote)
        };
        let at = (0..self.rows.len()).rev().find(has)?;
        Some((at, self.rows[at].state == State::Accepted))
    }

    /// The first final word wins; of an older attempt bad news says nothing, and that the gateway still has it nothing about an unknown one.
    fn hear(&mut self, at: usize, (newest, older): (bool, bool), word: ReceiptWord, now: Ms) -> ReceiptMatch {
        let newest = newest || self.breaks.old_news;
        let passed = self.passed(at);
        let row = &mut self.rows[at];
        let open = matches!(row.state, State::Started | State::Accepted | State::Unknown);
        // What has moved may have arrived by the lane that had refused it.
        let waits = row.state == State::Waiting;
        let may_be_there = waits && (row.after_unknown || (row.via.is_some() && word == ReceiptWord::Delivered));
        let becomes = match word {
            ReceiptWord::Delivered if open || may_be_there => State::Delivered,
            ReceiptWord::Rejected if open && newest => State::Permanent,
            ReceiptWord::Expired if open && newest => State::Expired,
            ReceiptWord::Buffered
                if (row.state == State::Unknown && !older)
                    || may_be_there
                    || (row.state == State::Started && newest) =>
            {
                State::Accepted
            }
            _ => return ReceiptMatch::Evidence,
        };
        // An unknown first attempt is the one that the receipt speaks of.
        let begun = row.after_unknown && row.attempt > 1;
        row.reason = match becomes {
            State::Permanent => Some(Reason::ReceiptRejected),
            State::Expired => Some(Reason::Expired),
            _ => None,
        };
        // The only attempt there was is settled.
        row.after_unknown &= row.reason.is_none() || row.attempt > 1;
        self.set(at, becomes, 0, now);
        let moved = becomes == State::Permanent && self.refused(at, Reason::ReceiptRejected, begun, passed, now);
        self.rows[at].by_receipt |= !moved;
        if !moved && matches!(becomes, State::Permanent | State::Expired) {
            self.hand_over(at, now);
        }
        self.broadcasts[self.rows[at].broadcast].changed_ms = now;
        ReceiptMatch::Applied
    }

    /// Rows that have got a remote id meet receipts that came before it; final words first.
    fn meet_inbox(&mut self, rows: &[usize]) {
        let mut hits: Vec<(bool, usize, usize)> = Vec::new();
        for at in rows.iter().copied() {
            let row = &self.rows[at];
            if self.broadcasts[row.broadcast].removed_ms.is_some() {
                continue;
            }
            for (n, kept) in self.inbox.iter().enumerate() {
                if kept.lane == row.by() && kept.remote_id.is_some() && kept.remote_id == row.remote.id {
                    hits.push((kept.word == ReceiptWord::Buffered, n, at));
                }
            }
        }
        hits.sort_unstable();
        for (_, n, at) in &hits {
            let (word, now) = (self.inbox[*n].word, self.inbox[*n].at_ms);
            let newest = self.rows[*at].state == State::Accepted;
            let older = self.rows[*at].state == State::Unknown;
            self.hear(*at, (newest, older), word, now);
        }
        let mut n = 0;
        self.inbox.retain(|_| {
            n += 1;
            !hits.iter().any(|(_, used, _)| *used == n - 1)
        });
    }
}
