//! Digests: what waits becomes one message (LANES 4). The rules are the product's own, pure; what is stored of them is told here a second time.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::sync::Arc;

use rundruf::clock::Ms;
use rundruf::domain::delivery::{BroadcastState, DeliveryState as State};
use rundruf::domain::digest::{self, Waits};
use rundruf::domain::supersede::concerns;
use rundruf::domain::words::Kind;
use rundruf::ids::{ACCOUNT, IncidentId, LaneId, NoticeSeq, RecipientId};
use rundruf::store::{ClaimRequest, Variant};

use super::Model;

impl Model {
    /// The broadcasts of an incident that wait for their turn on a lane, and have not run out by then (`None`: nothing does).
    fn waiting(&self, lane: LaneId, incident: IncidentId, over: Option<Ms>) -> Vec<usize> {
        let waits = |index: &usize| {
            let b = &self.broadcasts[*index];
            let open = b.state == BroadcastState::Open || b.of(State::Waiting) > 0;
            let here = b.lane == lane && b.incident == incident;
            here && b.is_alive() && open && b.superseded_by.is_none() && !b.overtaken && !b.is_over(over)
        };
        (0..self.broadcasts.len()).filter(waits).collect()
    }

    fn due_cut(&self, lane: LaneId, incident: IncidentId, over: Option<Ms>) -> Option<digest::Cut> {
        let over = over.filter(|_| !self.breaks.over);
        let waiting = self.waiting(lane, incident, over);
        let waits = waiting.iter().map(|index| {
            let b = &self.broadcasts[*index];
            Waits {
                notice: b.notice,
                kind: b.kind,
                digest: b.digest,
                covers: b.covers.clone(),
                stale: b.stale,
            }
        });
        digest::cut(&waits.collect::<Vec<_>>()).filter(|_| !self.breaks.cuts)
    }

    /// Incidents of which a cut has to be made first, on the claiming lane and on those that it stands in for.
    pub(super) fn uncut(&self, r: &ClaimRequest) -> Vec<(LaneId, IncidentId)> {
        let lanes: BTreeSet<LaneId> = self.homes(r.lane).into_iter().chain([r.lane]).collect();
        let incidents: BTreeSet<IncidentId> = self.broadcasts.iter().map(|b| b.incident).collect();
        let all = lanes
            .iter()
            .flat_map(|lane| incidents.iter().map(|incident| (*lane, *incident)));
        all.filter(|(lane, incident)| self.due_cut(*lane, *incident, r.over()).is_some())
            .collect()
    }

    /// What a cut would sum up under which notice.
    pub fn sums_up(&self, lane: LaneId, incident: IncidentId, over: Option<Ms>) -> Option<(NoticeSeq, Vec<NoticeSeq>)> {
        self.due_cut(lane, incident, over).map(|cut| (cut.newest, cut.covers))
    }

    /// Makes the cut that is due; its digest says this.
    pub fn cut(&mut self, lane: LaneId, incident: IncidentId, text: &str, over: Option<Ms>, now: Ms) {
        let Some(cut) = self.due_cut(lane, incident, over) else {
            return;
        };
        for index in self.waiting(lane, incident, over) {
            let notice = self.broadcasts[index].notice;
            if cut.ends.contains(&notice) {
                self.close(index, cut.newest, true, now);
            } else if cut.overtakes.contains(&notice) {
                self.broadcasts[index].overtaken = true;
            }
        }
        let of = |b: &super::ModelBroadcast| b.lane == lane && cut.covers.contains(&b.notice);
        let urgent = self.broadcasts.iter().any(|b| of(b) && b.urgent);
        let Some(top) = self.find(lane, cut.newest) else { return };
        let b = &mut self.broadcasts[top];
        b.urgent |= urgent;
        b.stale = false;
        let cut_covers = cut.covers.clone();
        b.covers = cut.covers;
        let digest = Arc::new(Variant {
            text: text.to_owned(),
            ..Variant::clone(&b.variant)
        });
        b.digests.push((b.covers.clone(), digest));
        if !(cut.ends.is_empty() && cut.overtakes.is_empty()) {
            self.begin_anew(top, now);
            let covered = |b: &super::ModelBroadcast| cut_covers.contains(&b.notice) && b.superseded_by.is_some();
            for row in 0..self.rows.len() {
                let r = &self.rows[row];
                let begun = r.after_unknown || r.step > 0;
                if r.lane == lane && r.state == State::Waiting && !begun && covered(&self.broadcasts[r.broadcast]) {
                    self.set(row, State::Superseded, r.due_ms, now);
                }
            }
            for row in 0..self.rows.len() {
                let r = &self.rows[row];
                let begun = r.after_unknown || r.step > 0 || r.attempt > 0 || r.tried;
                if r.broadcast == top && r.state == State::Expired && !begun && !self.passed(row) {
                    self.set(row, State::Waiting, now, now);
                    self.rows[row].reason = None;
                }
            }
        }
        self.settle_broadcasts();
    }

    fn find(&self, lane: LaneId, notice: NoticeSeq) -> Option<usize> {
        self.broadcasts
            .iter()
            .position(|b| b.lane == lane && b.notice == notice)
    }

    /// A newer notice has its place, and does not only sum it up.
    pub(super) fn is_closed(&self, broadcast: usize) -> bool {
        let b = &self.broadcasts[broadcast];
        let by = b.superseded_by.map(|by| self.find(b.lane, by));
        by.is_some_and(|by| by.is_none_or(|by| !self.broadcasts[by].covers.contains(&b.notice)))
    }

    fn begin_anew(&mut self, index: usize, now: Ms) {
        let b = &mut self.broadcasts[index];
        b.changed_ms = now;
        b.cursor = 0;
        b.left.clear();
        b.state = BroadcastState::Opened;
        if b.audience {
            b.state = BroadcastState::Open;
            b.upto = None;
        }
    }

    /// A notice names earlier ones: no cut sums them up any more, and what one of them summed up while it waited waits again by itself.
    /// Returns these.
    pub(super) fn undo_cuts(&mut self, incident: IncidentId, named: &[u32], now: Ms) -> Vec<usize> {
        let mut all = Vec::new();
        let number = |model: &Self, notice: NoticeSeq| {
            let known = model.notices.iter().find(|(seq, ..)| *seq == notice);
            known.is_some_and(|(.., n)| named.contains(&n.number))
        };
        for cut in 0..self.broadcasts.len() {
            let b = &self.broadcasts[cut];
            let under_way = [State::Waiting, State::Started, State::Unknown];
            let reaches = b.state == BroadcastState::Open || under_way.iter().any(|state| b.of(*state) > 0);
            let here = b.incident == incident && b.is_alive() && b.superseded_by.is_none();
            if here && reaches && number(self, b.notice) {
                let again = b.covers.iter().filter(|notice| !number(self, **notice));
                let again = again.filter_map(|notice| self.find(b.lane, *notice));
                all.extend(again.filter(|index| self.is_there(*index)));
            }
        }
        all.iter().for_each(|index| self.waits_again(*index, now));
        for index in 0..self.broadcasts.len() {
            let b = &self.broadcasts[index];
            let told = b.covers.iter().any(|notice| number(self, *notice));
            if b.incident != incident || !told {
                continue;
            }
            if !b.is_alive() && b.superseded_by.is_none() {
                self.broadcasts[index].stale = true;
            } else {
                let covers = b.covers.iter().copied().filter(|notice| !number(self, *notice));
                let covers: Vec<NoticeSeq> = covers.collect();
                let b = &mut self.broadcasts[index];
                b.stale = !covers.is_empty();
                b.covers = covers;
            }
        }
        all
    }

    /// These rows have ended without arriving. Whoever had no part in a cut because of one gets it after all; and what a cut of these had summed
    /// up, where it waits again, is for their recipients too.
    pub(super) fn reopen(&mut self, rows: &BTreeSet<usize>, now: Ms) -> BTreeSet<LaneId> {
        for row in rows {
            self.hand_over(*row, now);
        }
        let ended = rows.iter().filter(|row| self.rows[**row].state == State::Superseded);
        let ended: BTreeSet<usize> = ended.map(|row| self.rows[*row].broadcast).collect();
        let mut all = BTreeSet::new();
        for cut in ended.iter().filter(|cut| self.is_closed(**cut)) {
            let covers = &self.broadcasts[*cut].covers;
            let about = |index: &usize| {
                let b = &self.broadcasts[*index];
                let told = |notice: &NoticeSeq| covers.contains(notice);
                let stands = b.superseded_by.is_none() && !b.overtaken;
                index != cut && stands && self.is_there(*index) && (told(&b.notice) || b.covers.iter().any(told))
            };
            all.extend(self.siblings(*cut).filter(about));
        }
        all.iter().for_each(|index| self.waits_again(*index, now));
        self.rows_again(all, now);
        let rows: Vec<usize> = rows.iter().copied().collect();
        self.passed_no_more(&rows, (now, self.over(now)))
    }

    /// The recipient of this row is for the cut that sums it up, unless something newer has started for them.
    pub(super) fn hand_over(&mut self, row: usize, now: Ms) {
        let (recipient, own) = (self.rows[row].recipient, self.rows[row].broadcast);
        let mut at = own;
        let by = |model: &Self, at: usize| {
            let b = &model.broadcasts[at];
            let by = b.superseded_by.and_then(|by| model.find(b.lane, by));
            by.filter(|by| model.broadcasts[*by].covers.contains(&b.notice))
        };
        while let Some(cut) = by(self, at) {
            at = cut;
        }
        let stands = self.broadcasts[at].superseded_by.is_none() && recipient != ACCOUNT;
        if at == own || !stands || self.passed_by(at, recipient) {
            return;
        }
        let there = self.row_of(at, recipient).map(|row| self.at(row.id));
        let again = there.filter(|row| self.rows[*row].state == State::Superseded);
        if let Some(row) = again {
            self.set(row, State::Waiting, now, now);
            self.rows[row].reason = None;
        }
        if again.is_some() || self.insert(at, recipient, None, now) {
            let b = &mut self.broadcasts[at];
            if !b.is_alive() {
                b.state = BroadcastState::Opened;
            }
        }
    }

    /// What a cut that has run out sums up, as far as it has not run out itself.
    pub(super) fn summed_up_by(&self, cut: usize, now: Ms) -> Vec<usize> {
        let top = &self.broadcasts[cut];
        let units = top.covers.iter().filter_map(|notice| self.find(top.lane, *notice));
        let its = |unit: &usize| {
            let b = &self.broadcasts[*unit];
            // Also by a cut that this one has summed up.
            let by = |by: NoticeSeq| by == top.notice || top.covers.contains(&by);
            let here = b.superseded_by.map_or(b.overtaken, by);
            here && !b.is_over(Some(now)) && self.is_there(*unit)
        };
        units.filter(|_| top.superseded_by.is_none()).filter(its).collect()
    }

    pub(super) fn waits_again(&mut self, index: usize, now: Ms) {
        self.begin_anew(index, now);
        let b = &mut self.broadcasts[index];
        (b.superseded_by, b.overtaken) = (None, false);
        b.stale = !b.covers.is_empty();
    }

    /// Rows that were summed up wait again, unless something newer has passed them: newest first, as what waits again may pass them, too.
    pub(super) fn rows_again(&mut self, broadcasts: impl IntoIterator<Item = usize>, now: Ms) {
        let mut broadcasts: Vec<usize> = broadcasts.into_iter().collect();
        broadcasts.sort_by_key(|index| Reverse(self.broadcasts[*index].notice));
        for index in broadcasts {
            let b = &self.broadcasts[index];
            if b.superseded_by.is_none() && !b.overtaken {
                let of = (0..self.rows.len()).filter(|row| self.rows[*row].broadcast == index);
                self.wait_again(&of.collect::<Vec<_>>(), now);
                self.revive(index);
            }
        }
    }

    /// These, as far as they were superseded and nothing newer has passed them; where there were any.
    fn wait_again(&mut self, rows: &[usize], now: Ms) -> bool {
        let again = |row: &&usize| self.rows[**row].state == State::Superseded && !self.passed(**row);
        let again: Vec<usize> = rows.iter().filter(again).copied().collect();
        for row in &again {
            self.set(*row, State::Waiting, now.max(self.rows[*row].due_ms), now);
            self.rows[*row].reason = None;
        }
        !again.is_empty()
    }

    /// What has run out by then is over; `None`: the clock is in doubt.
    pub(super) fn over(&self, now: Ms) -> Option<Ms> {
        self.leapt.is_none().then_some(now)
    }

    /// These rows have ended. Older ones that one of them had passed, and that still stand, wait again where nothing else has. Returns the
    /// lanes that send them.
    pub(super) fn passed_no_more(&mut self, ended: &[usize], (now, over): (Ms, Option<Ms>)) -> BTreeSet<LaneId> {
        let mut older_rows = BTreeSet::new();
        for row in ended.iter().map(|at| &self.rows[*at]) {
            if row.state != State::Superseded {
                continue;
            }
            let newer = self.broadcasts[row.broadcast].notice;
            let stands = |index: &usize| {
                let b = &self.broadcasts[*index];
                let stands = b.superseded_by.is_none() && !b.overtaken && !b.is_over(over);
                b.notice < newer && stands && self.is_there(*index)
            };
            let older = self.siblings(row.broadcast).filter(stands);
            let rows = older.filter_map(|index| self.row_of(index, row.recipient));
            older_rows.extend(rows.map(|row| (Reverse(self.broadcasts[row.broadcast].notice), self.at(row.id))));
        }
        let mut lanes = BTreeSet::new();
        for (_, row) in older_rows {
            if self.wait_again(&[row], now) {
                lanes.insert(self.rows[row].by());
                self.revive(self.rows[row].broadcast);
            }
        }
        lanes
    }

    /// A broadcast with open rows is not done.
    fn revive(&mut self, index: usize) {
        let b = &mut self.broadcasts[index];
        let open = [State::Waiting, State::Started, State::Accepted, State::Unknown];
        if !b.is_alive() && open.iter().any(|state| b.of(*state) > 0) {
            b.state = BroadcastState::Opened;
        }
    }

    /// It concerns this recipient, or tells them in a digest what they lack. An account is concerned by everything.
    pub fn is_for(&self, broadcast: usize, recipient: RecipientId) -> bool {
        let b = &self.broadcasts[broadcast];
        let person = self.person(b.lane, recipient);
        person.is_none_or(|p| self.lacks(broadcast, recipient) || concerns(&b.scope, &p.places))
    }

    /// Somebody lacks any of what a cut sums up.
    pub fn lacks(&self, broadcast: usize, person: RecipientId) -> bool {
        let b = &self.broadcasts[broadcast];
        if self.breaks.served {
            return !b.covers.is_empty();
        }
        let places = match person {
            ACCOUNT => &[][..],
            _ => self.person(b.lane, person).map_or(&[][..], |p| p.places.as_slice()),
        };
        let has = |index: &usize| self.had(&[(*index, None)], person).is_some();
        let older = self.siblings(broadcast).filter(|index| {
            let older = &self.broadcasts[*index];
            older.kind == Kind::Notice && older.notice < b.notice && has(index)
        });
        let newest = older.map(|index| self.broadcasts[index].notice).max();
        let units = b.covers.iter().filter_map(|notice| self.find(b.lane, *notice));
        let covers = units.map(|index| (self.broadcasts[index].notice, &self.broadcasts[index].scope));
        digest::lacks(covers, places, newest, |notice| {
            self.find(b.lane, notice).is_some_and(|index| has(&index))
        })
    }
}
