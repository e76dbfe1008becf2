//! How far an audience opens, and the domains that a release with a ramp leaves out of it.

use std::collections::BTreeMap;

use rundruf::clock::Ms;
use rundruf::domain::delivery::{BroadcastState, DeliveryState as State};
use rundruf::domain::notice::Scope;
use rundruf::domain::supersede::concerns;
use rundruf::ids::LaneId;
use rundruf::store::ClaimRequest;

use super::ramp::domain;
use super::{Model, Person};

/// So many recipients are looked at where most of them may not be concerned.
const WINDOW: usize = 4_096;
/// So many waiting rows show what crowds.
const SAMPLE: usize = 8_192;
/// An older notice has not got as far.
const LOOK_AGAIN_MS: Ms = 1_000;

/// A domain that was left out: how far it was looked at, not before when, how many waited then.
#[derive(Debug, Clone, Copy)]
pub struct Left {
    pub cursor: i64,
    pub due_ms: Ms,
    pub waiting: i64,
}

/// Whom a chunk is for.
enum Whom<'a> {
    Only(&'a str),
    AllBut(Vec<String>),
}

fn plenty(r: &ClaimRequest) -> i64 {
    i64::from(r.turns / 16).max(1)
}

fn has_room_at(r: &ClaimRequest, waiting: i64, step_us: i64) -> Ms {
    r.now_ms + (waiting - plenty(r) + 1).max(0) * step_us / 1_000
}

impl Model {
    /// Opens the next chunk, no further than the `older` ones that still open. False: nothing (more) to open now.
    pub(super) fn open_more(
        &mut self,
        r: &ClaimRequest,
        broadcast: usize,
        older: &[usize],
        want: usize,
        step_us: Option<i64>,
    ) -> bool {
        if !self.opens_here(broadcast, r) {
            return false;
        }
        let b = &self.broadcasts[broadcast];
        let people = &self.lanes[&b.lane].people;
        let upto = b.upto.unwrap_or_else(|| people.last().map_or(0, |p| p.id.0));
        self.broadcasts[broadcast].upto = Some(upto);
        self.open_left(r, broadcast, older, upto, step_us) || self.open_next(r, broadcast, older, want, step_us)
    }

    /// When a domain that was left out may open further.
    pub(super) fn opens_again_at(&self, broadcast: usize, now: Ms) -> Option<Ms> {
        let b = &self.broadcasts[broadcast];
        let dues = b.left.values().map(|left| left.due_ms).filter(|due| *due > now);
        dues.min().filter(|_| b.state == BroadcastState::Open)
    }

    fn open_next(
        &mut self,
        r: &ClaimRequest,
        broadcast: usize,
        older: &[usize],
        want: usize,
        step_us: Option<i64>,
    ) -> bool {
        let b = &self.broadcasts[broadcast];
        let (cursor, upto) = (b.cursor, b.upto.unwrap());
        let (mut end, mut opened) = (cursor, 0);
        if cursor < upto {
            let left: i64 = b.left.values().map(|left| left.waiting).sum();
            let rest = i64::try_from(b.of(State::Waiting)).unwrap() - left;
            if let Some(step) = step_us
                && rest >= i64::from(r.turns)
                && !self.leave_most(r, broadcast, rest, step)
            {
                return false;
            }
            for other in older.iter().filter(|_| !self.breaks.crowd) {
                for domain in self.broadcasts[*other].left.clone().into_keys() {
                    let left = Left {
                        cursor,
                        due_ms: r.now_ms,
                        waiting: 0,
                    };
                    self.broadcasts[broadcast].left.entry(domain).or_insert(left);
                }
            }
            let b = &self.broadcasts[broadcast];
            let by_places = matches!(&b.scope, Scope::Named { places, .. } if !places.is_empty());
            let sparse = by_places || !b.left.is_empty();
            let looked_at = if sparse { WINDOW } else { want.min(WINDOW) };
            let reach = older.iter().map(|o| self.broadcasts[*o].cursor).fold(upto, i64::min);
            let but: Vec<String> = b.left.keys().cloned().collect();
            end = self.window(broadcast, (cursor, reach), looked_at);
            if !by_places && !but.is_empty() {
                let meant = |p: &&super::ModelPerson| {
                    let out = domain(&p.address).is_some_and(|d| but.iter().any(|b| b == d));
                    p.id.0 > cursor && p.id.0 <= end && !out
                };
                let mut people = self.lanes[&self.broadcasts[broadcast].lane].people.iter().filter(meant);
                end = people.nth(want - 1).map_or(end, |p| p.id.0);
            }
            opened = self.open(r, broadcast, (cursor, end), &Whom::AllBut(but));
        }
        let b = &mut self.broadcasts[broadcast];
        let finished = end >= upto && b.left.is_empty();
        if end == cursor && !finished {
            return false;
        }
        b.cursor = end;
        b.changed_ms = r.now_ms;
        if finished {
            b.state = BroadcastState::Opened;
        }
        opened > 0 || !finished
    }

    /// Domains that were left out and have room again; whether any got further.
    fn open_left(
        &mut self,
        r: &ClaimRequest,
        broadcast: usize,
        older: &[usize],
        upto: i64,
        step_us: Option<i64>,
    ) -> bool {
        let mut further = false;
        for (domain, mut left) in self.broadcasts[broadcast].left.clone() {
            if let Some(step) = step_us {
                if left.due_ms > r.now_ms {
                    continue;
                }
                left.waiting = self
                    .waiting_by_domain(r, broadcast, usize::MAX)
                    .remove(&domain)
                    .unwrap_or(0);
                left.due_ms = has_room_at(r, left.waiting, step);
                self.broadcasts[broadcast].left.insert(domain.clone(), left);
                if left.due_ms > r.now_ms {
                    continue;
                }
            }
            let reach = |o: &usize| {
                let older = &self.broadcasts[*o];
                older.left.get(&domain).map_or(older.cursor, |left| left.cursor)
            };
            let older = older.iter().filter(|_| !self.breaks.crowd);
            let reach = older.map(reach).fold(upto, i64::min);
            let end = self.window(broadcast, (left.cursor, reach), r.turns as usize);
            left.waiting += self.open(r, broadcast, (left.cursor, end), &Whom::Only(&domain));
            let got_on = end > left.cursor;
            further |= got_on;
            left.cursor = end;
            left.due_ms = match step_us {
                _ if !got_on => r.now_ms + LOOK_AGAIN_MS,
                Some(step) => has_room_at(r, left.waiting, step),
                None => r.now_ms,
            };
            let lefts = &mut self.broadcasts[broadcast].left;
            if end >= upto {
                lefts.remove(&domain);
            } else {
                lefts.insert(domain, left);
            }
        }
        further
    }

    /// The domains with the most waiting rows are left out, until the others have half of the room.
    fn leave_most(&mut self, r: &ClaimRequest, broadcast: usize, mut rest: i64, step_us: i64) -> bool {
        let turns = i64::from(r.turns);
        let mut counts = self.waiting_by_domain(r, broadcast, SAMPLE);
        counts.retain(|_, _| !self.breaks.crowded);
        let b = &mut self.broadcasts[broadcast];
        let mut counts: Vec<(String, i64)> = counts.into_iter().filter(|(d, _)| !b.left.contains_key(d)).collect();
        counts.sort_by_key(|(domain, count)| (-count, domain.clone()));
        let mut any = false;
        for (domain, waiting) in counts {
            if rest < turns / 2 || waiting < (turns / 64).max(1) {
                break;
            }
            rest -= waiting;
            any = true;
            let left = Left {
                cursor: b.cursor,
                due_ms: r.now_ms + waiting / 2 * step_us / 1_000,
                waiting,
            };
            b.left.insert(domain, left);
        }
        any
    }

    /// The broadcast's waiting rows that the claiming lane sends, the first so many, by domain.
    fn waiting_by_domain(&self, r: &ClaimRequest, broadcast: usize, first: usize) -> BTreeMap<String, i64> {
        let here =
            |row: &&super::ModelRow| row.broadcast == broadcast && row.by() == r.lane && row.state == State::Waiting;
        let mut rows: Vec<_> = self.rows.iter().filter(here).collect();
        rows.sort_by_key(|row| (row.due_ms, row.id));
        let mut counts = BTreeMap::new();
        for row in rows.into_iter().take(first) {
            let address = self.person(row.lane, row.recipient).map(|p| p.address.as_str());
            if let Some(domain) = address.and_then(domain) {
                *counts.entry(domain.to_owned()).or_default() += 1;
            }
        }
        counts
    }

    /// The end of the next so many recipients behind `from`, up to `reach`.
    fn window(&self, broadcast: usize, (from, reach): (i64, i64), size: usize) -> i64 {
        let people = &self.lanes[&self.broadcasts[broadcast].lane].people;
        let within = people.iter().filter(|p| p.id.0 > from && p.id.0 <= reach);
        within.take(size).last().map_or(reach, |p| p.id.0).max(from)
    }

    /// Rows for whoever is concerned and meant; how many.
    fn open(&mut self, r: &ClaimRequest, broadcast: usize, (from, to): (i64, i64), whom: &Whom<'_>) -> i64 {
        let b = &self.broadcasts[broadcast];
        let concerned = |p: &&super::ModelPerson| {
            let told = concerns(&b.scope, &p.places) || (b.digest && self.lacks(broadcast, p.id));
            let here = !b.overtaken && told;
            let passed = b.digest && self.passed_by(broadcast, p.id);
            let domain = domain(&p.address).unwrap_or_default();
            let meant = match whom {
                Whom::Only(only) => domain == *only,
                Whom::AllBut(but) => !but.iter().any(|d| d == domain),
            };
            let had = !self.breaks.elsewhere && self.had(&b.corrects, p.id).is_some();
            p.id.0 > from && p.id.0 <= to && p.is == Person::In && meant && !passed && (here || had)
        };
        let to: Vec<_> = self.lanes[&b.lane]
            .people
            .iter()
            .filter(concerned)
            .map(|p| p.id)
            .collect();
        let via: Option<LaneId> = (b.lane != r.lane).then_some(r.lane);
        let opened = to
            .into_iter()
            .filter(|person| self.insert(broadcast, *person, via, r.now_ms));
        i64::try_from(opened.count()).unwrap()
    }
}
