//! Publishing, as far as lanes see it: what a notice ends, and its broadcasts.

use std::sync::Arc;

use std::collections::BTreeMap;

use rundruf::clock::Ms;
use rundruf::domain::delivery::{BroadcastState, CatchUp, DeliveryState as State};
use rundruf::domain::notice::Notice;
use rundruf::domain::supersede::{Older, ends, named, names, takes_place};
use rundruf::domain::words::Kind;
use rundruf::ids::{ACCOUNT, IncidentId, LaneId, NoticeSeq};
use rundruf::store::Publication;
use rundruf::text::lang::Lang;

use super::{Model, ModelBroadcast};

impl Model {
    /// Publishes what is new, under this number.
    pub fn publish(&mut self, p: &Publication, seq: NoticeSeq, incident: IncidentId) {
        let at = p.act.at_ms;
        self.notices.push((seq, incident, p.notice.clone()));
        let lanes: Vec<(LaneId, CatchUp)> = p.broadcasts.iter().map(|b| (b.lane, b.catch_up)).collect();
        let corrected: Vec<Vec<(usize, Option<i64>)>> = p
            .broadcasts
            .iter()
            .map(|b| match p.notice.kind {
                Kind::Notice => Vec::new(),
                _ => self.corrected(incident, b.lane, &p.notice.corrects),
            })
            .collect();
        let again = match self.breaks.recut {
            true => Vec::new(),
            false => self.undo_cuts(incident, &named(&p.notice).collect::<Vec<_>>(), at),
        };
        self.supersede(incident, seq, &p.notice, &lanes, at);
        self.rows_again(again, at);
        for (b, corrects) in p.broadcasts.iter().zip(corrected) {
            let newest = self.lanes[&b.lane].people.last().map_or(0, |p| p.id.0);
            let index = self.broadcasts.len();
            self.broadcasts.push(ModelBroadcast {
                lane: b.lane,
                incident,
                notice: seq,
                number: p.notice.number,
                scope: p.notice.scope.clone(),
                kind: p.notice.kind,
                urgent: p.notice.urgent,
                operation: b.operation,
                audience: b.audience,
                state: if b.audience {
                    BroadcastState::Open
                } else {
                    BroadcastState::Opened
                },
                superseded_by: None,
                overtaken: false,
                digest: b.catch_up == CatchUp::Digest,
                covers: Vec::new(),
                stale: false,
                digests: Vec::new(),
                corrects,
                // Who is there now; `latest` and `digest`: who is there when the first chunk opens.
                upto: (b.catch_up == CatchUp::Every).then_some(newest),
                left: BTreeMap::new(),
                cursor: 0,
                expires_ms: b.expires_at_ms,
                changed_ms: at,
                touched_ms: at,
                removed_ms: None,
                removing: false,
                opened: 0,
                counters: [0; 10],
                variant: Arc::new(b.variants[&Lang::De].clone()),
            });
            if !b.audience {
                self.insert(index, ACCOUNT, None, at);
            }
        }
    }

    fn supersede(&mut self, incident: IncidentId, seq: NoticeSeq, newer: &Notice, lanes: &[(LaneId, CatchUp)], at: Ms) {
        let mut ended = Vec::new();
        for index in 0..self.broadcasts.len() {
            let b = &self.broadcasts[index];
            if b.incident != incident {
                continue;
            }
            let catch_up = lanes
                .iter()
                .find(|(lane, _)| *lane == b.lane)
                .map_or(CatchUp::Every, |l| l.1);
            let blunt = self.breaks.latest && catch_up == CatchUp::Latest && newer.kind == Kind::Notice;
            let older = Older {
                number: b.number,
                kind: b.kind,
                scope: &b.scope,
            };
            if !b.is_alive() {
                if b.superseded_by.is_none() && names(newer, b.number) && !self.breaks.reopens {
                    self.broadcasts[index].superseded_by = Some(seq);
                }
            } else if blunt || ends(catch_up, older, newer) {
                ended.extend(self.close(index, seq, false, at));
            } else if takes_place(catch_up, older, newer) {
                self.broadcasts[index].overtaken = true;
            }
        }
        ended.retain(|row| self.rows[*row].attempt > 0 || self.rows[*row].tried);
        self.passed_no_more(&ended, (at, self.over(at)));
        self.settle_broadcasts();
    }

    /// No chunk opens, nothing not started starts; what has begun runs out; what a person wanted again only where a digest tells it (`told`). Which rows end.
    pub(super) fn close(&mut self, broadcast: usize, by: NoticeSeq, told: bool, at: Ms) -> Vec<usize> {
        let mut ended = Vec::new();
        for row in 0..self.rows.len() {
            let r = &self.rows[row];
            if r.broadcast != broadcast || r.state != State::Waiting || r.step > 0 {
                continue;
            }
            if !r.after_unknown {
                self.set(row, State::Superseded, r.due_ms, at);
                ended.push(row);
            } else if r.waits_for_a_person() && !told {
                self.set(row, State::Unknown, 0, at);
            }
        }
        let b = &mut self.broadcasts[broadcast];
        b.superseded_by = Some(by);
        b.changed_ms = at;
        b.state = if b.of(State::Superseded) == b.opened {
            BroadcastState::Superseded
        } else {
            BroadcastState::Opened
        };
        ended
    }

    /// These notices, and what they had corrected themselves.
    pub fn numbers(&self, incident: IncidentId, corrects: &[u32]) -> Vec<u32> {
        let mut numbers = corrects.to_vec();
        let mut next = 0;
        while let Some(number) = numbers.get(next).copied() {
            next += 1;
            let known = self
                .notices
                .iter()
                .find(|(_, of, n)| *of == incident && n.number == number);
            if let Some((_, _, notice)) = known.filter(|(_, _, n)| n.kind != Kind::Notice) {
                let more = notice.corrects.iter().filter(|n| !numbers.contains(n));
                numbers.extend(more.copied().collect::<Vec<_>>());
            }
        }
        numbers
    }

    /// The lane's broadcasts of what is corrected, newest first, and the digests that ever told any of it.
    fn corrected(&self, incident: IncidentId, lane: LaneId, corrects: &[u32]) -> Vec<(usize, Option<i64>)> {
        let numbers = self.numbers(incident, corrects);
        let told = |notice: &NoticeSeq| {
            let covered = self.notices.iter().find(|(seq, ..)| seq == notice);
            covered.is_some_and(|(.., n)| numbers.contains(&n.number))
        };
        let mut found = Vec::new();
        for (index, b) in self.broadcasts.iter().enumerate() {
            if b.incident != incident || b.lane != lane {
                continue;
            }
            if numbers.contains(&b.number) {
                found.push((index, None));
                continue;
            }
            let cuts = (1..).zip(&b.digests).filter(|(_, (tells, _))| tells.iter().any(told));
            found.extend(cuts.map(|(cut, _)| (index, Some(cut))));
        }
        found.sort_by_key(|(index, cut)| std::cmp::Reverse((self.broadcasts[*index].notice, *cut)));
        found
    }
}
