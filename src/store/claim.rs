//! One lane's claim: what it may start now, in order, at its rate (LANES 3 and 4). What is due comes from `due.rs`, new chunks of an audience
//! from `chunks.rs`, what several claims read and write together from `claims.rs`.

use std::collections::BTreeSet;

use sqlx::SqliteConnection;

use super::alive::{self, Alive, OfLanes};
use super::claims::Ahead;
use super::failover::{self, Homes};
use super::look::{Look, look};
use super::outset::Outset;
use super::pace::{self, Pace};
use super::rate::Slots;
use super::starts::{self, SCAN, Sink, Writes};
use super::texts::texts;
use super::{ClaimRequest, Claimed, StoreError, chunks, due, thread};
use crate::clock::Ms;
use crate::ids::{IncidentId, LaneId};
use crate::lane_core::ramp::Ran;

/// Rounds of opening chunks within one claim; more is another claim's, so that no transaction lasts.
const ROUNDS: usize = 8;

/// The earliest of some moments.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Next(pub(super) Option<Ms>);

impl Next {
    pub(super) fn at(&mut self, ms: Ms) {
        self.0 = Some(self.0.map_or(ms, |known| known.min(ms)));
    }
}

/// What a lane row says to a claim.
#[derive(Debug, Clone)]
pub(super) struct LaneState {
    pub(super) epoch: i64,
    pub(super) shut: bool,
    pub(super) drains: bool,
    pub(super) ran: Option<Ran>,
    pub(super) account: String,
    pub(super) tat_us: Option<i64>,
}

/// A claim under way.
pub(super) struct Claim<'a> {
    r: &'a ClaimRequest,
    lane: LaneState,
    homes: Homes,
    alive: Vec<Alive>,
    /// Of these incidents a digest has to be written first.
    uncut: BTreeSet<(i64, i64)>,
    pace: Pace,
    next: Next,
    answer: Claimed,
    /// Lanes some of whose broadcasts may have ended.
    settle: BTreeSet<i64>,
    /// Tried rows that ended because nobody needs them.
    needless: BTreeSet<i64>,
}

impl<'a> Claim<'a> {
    pub(super) fn new(r: &'a ClaimRequest, lane: LaneState, homes: Homes, alive: Vec<Alive>) -> Self {
        Self {
            r,
            alive,
            uncut: BTreeSet::new(),
            pace: Pace::new(Slots::new(r.rate, lane.tat_us, r.now_ms)),
            next: Next(homes.next_ms),
            answer: Claimed {
                epoch: lane.epoch,
                ..Claimed::default()
            },
            settle: BTreeSet::new(),
            needless: BTreeSet::new(),
            lane,
            homes,
        }
    }

    pub(super) fn lane(&self) -> i64 {
        self.r.lane.0
    }

    pub(super) fn account(&self) -> &str {
        &self.lane.account
    }

    /// Rows of other lanes may be its to send.
    pub(super) fn stands_in(&self) -> bool {
        !self.homes.lanes.is_empty()
    }

    /// The lanes it stands in for, whose broadcasts it has to know, too, and since when what was refused there holds its successors.
    pub(super) fn homes(&self) -> impl Iterator<Item = (i64, Ms)> + '_ {
        let since = self.r.refused_since();
        self.homes.lanes.iter().map(move |home| (home.lane, since))
    }

    /// Learns what is alive on these; rows have moved from there to it, or may move.
    pub(super) fn meets(&mut self, alive: &mut OfLanes) {
        for home in &self.homes.lanes {
            let guests = alive.remove(&home.lane).unwrap_or_default();
            self.alive.extend(guests.into_iter().map(|b| Alive {
                via: Some(self.r.lane.0),
                moves: home.moves,
                ..b
            }));
        }
        self.uncut = alive::uncut(&self.alive, self.r.over());
        let uncut = self.uncut.iter();
        self.answer.uncut = uncut
            .map(|(lane, incident)| (LaneId(*lane), IncidentId(*incident)))
            .collect();
    }

    /// Another lane of the same account has just reserved slots up to this moment.
    pub(super) fn paces(&mut self, tat_us: Option<i64>) {
        if tat_us.is_some() {
            self.pace.set_account(Slots::new(self.r.rate, tat_us, self.r.now_ms));
        }
    }

    /// Learns where its ramp stands.
    pub(super) async fn climbs(&mut self, c: &mut SqliteConnection) -> Result<(), StoreError> {
        if self.lane.drains {
            pace::climb(c, self.r, self.lane.ran, &mut self.pace).await?;
        }
        Ok(())
    }

    /// What it will begin with, if there is room for it.
    pub(super) fn first(&self) -> Option<&Alive> {
        let order = alive::in_order(&self.alive, self.r.probe);
        order
            .into_iter()
            .map(|index| &self.alive[index])
            .find(|b| !self.is_over(b) && !self.is_uncut(b) && self.waits_until(b).is_none())
    }

    /// How it looks at the due rows of a broadcast.
    pub(super) fn look(&self, b: &Alive) -> Look {
        Look::at(self.r, b, &alive::older(b, &self.alive))
    }

    /// At most so many due rows of one broadcast matter to it.
    pub(super) fn looks_at(&self) -> usize {
        starts::looks_at(&self.pace, self.limit())
    }

    fn limit(&self) -> usize {
        if self.r.probe { 1 } else { self.r.limit as usize }
    }

    fn is_over(&self, b: &Alive) -> bool {
        b.is_over(self.r.over())
    }

    fn is_uncut(&self, b: &Alive) -> bool {
        self.uncut.contains(&(b.lane, b.incident))
    }

    fn waits_until(&self, b: &Alive) -> Option<Ms> {
        b.not_before.filter(|at| *at > self.r.now_ms)
    }

    /// Starts what it may.
    pub(super) async fn run(
        &mut self,
        c: &mut SqliteConnection,
        mut ahead: Ahead,
        writes: &mut Writes,
    ) -> Result<(), StoreError> {
        let limit = self.limit();
        for index in alive::in_order(&self.alive, self.r.probe) {
            let broadcast = self.alive[index].clone();
            let left = limit - self.answer.jobs.len();
            if left == 0 {
                self.answer.more = true;
                break;
            }
            if self.is_over(&broadcast) || self.is_uncut(&broadcast) {
                continue;
            }
            if let Some(until) = self.waits_until(&broadcast) {
                self.next.at(until);
                continue;
            }
            let room = self.pace.free(left);
            if room == 0 {
                self.next.at(self.pace.next_ms());
                break;
            }
            let read = if ahead.broadcast == broadcast.id {
                std::mem::take(&mut ahead)
            } else {
                Ahead::default()
            };
            let before = self.answer.jobs.len();
            let found = self.start_rows(c, index, read, limit - left + room, writes).await?;
            // A newer notice of the incident that came earlier in the order (urgent) may go as far now, or is held back no more.
            let moved = self.alive[index].cursor > broadcast.cursor;
            let stirs = |b: &Alive| {
                b.lane == broadcast.lane
                    && b.incident == broadcast.incident
                    && b.id != broadcast.id
                    && ((moved && b.opens()) || (found.ended && b.waiting > 0))
            };
            self.answer.more |= found.more || self.alive.iter().any(stirs);
            // Of which something has just started has not ended.
            if (found.ended || found.closed) && self.answer.jobs.len() == before {
                self.settle.insert(broadcast.lane);
            }
        }
        if !self.answer.jobs.is_empty() {
            self.answer.paid_ms = pace::settle(c, self.r, &self.pace).await?;
        }
        Ok(())
    }

    /// Starts due rows first, then opens chunks of the audience until there is no room or nobody left; `alive` learns how far they opened.
    async fn start_rows(
        &mut self,
        c: &mut SqliteConnection,
        index: usize,
        mut ahead: Ahead,
        full: usize,
        writes: &mut Writes,
    ) -> Result<Found, StoreError> {
        let (r, next) = (self.r, &mut self.next);
        let broadcast = self.alive[index].clone();
        let older = alive::older(&broadcast, &self.alive);
        let mut sink = Sink {
            pace: &mut self.pace,
            jobs: &mut self.answer.jobs,
            full,
            texts: match ahead.texts {
                Some(texts) => texts,
                None => texts(c, &[broadcast.id])
                    .await?
                    .remove(&broadcast.id)
                    .unwrap_or_default(),
            },
            writes,
        };
        let mut found = Found::default();
        let mut chunk = chunks::Cursor::of(&broadcast, &older);
        let mut waiting = broadcast.waiting > 0;
        let (mut taken, mut wide, mut held) = (0, false, false);
        for round in 0..=ROUNDS {
            let opened = chunk.started();
            if !opened.is_empty() {
                taken += sink.opened(r, &broadcast, opened)?;
                waiting = broadcast.waiting + chunk.opened() - taken > 0;
            }
            if waiting && sink.room() > 0 {
                let limit = sink.looks_at().max(if wide { SCAN } else { 0 });
                let mut rows = match ahead.due.take() {
                    Some(rows) => rows,
                    None => {
                        sink.writes.flush_of(c, r.lane.0).await?;
                        look(c, Look::at(r, &broadcast, &older), limit).await?
                    }
                };
                rows.truncate(limit);
                let full_look = rows.len() == limit;
                let seen = due::sort(c, r, &broadcast, rows, next).await?;
                found.ended |= seen.ended > 0;
                self.needless.extend(seen.needless);
                let thread = match ahead.thread.take() {
                    Some(thread) => thread,
                    None if broadcast.is_account() && !seen.rows.is_empty() => {
                        let of = (r.lane.0, broadcast.incident);
                        thread::of(c, &[of]).await?.remove(&of)
                    }
                    None => None,
                };
                let started = sink.start(r, &broadcast, seen.rows, thread.as_ref(), next)?;
                taken += i64::try_from(seen.ended + started).unwrap_or(i64::MAX);
                // Whoever is held back by an older notice holds back the opening too: else a broken lane would open everything.
                held = (held || seen.blocked) && started == 0;
                let behind = seen.put_off > 0 && full_look;
                if (seen.ended > 0 || behind) && sink.room() > 0 && round < ROUNDS {
                    // Whoever was taken out, or has to wait, stood before others who are due as well.
                    wide |= behind;
                    continue;
                }
                if held {
                    if behind {
                        next.at(r.now_ms + due::LOOK_AGAIN_MS);
                    }
                    break;
                }
            }
            if sink.room() == 0 || round == ROUNDS {
                found.more = true;
                break;
            }
            let moved = match broadcast.via.filter(|_| broadcast.moves) {
                Some(to) => {
                    sink.writes.flush_of(c, r.lane.0).await?;
                    failover::move_waiting(c, broadcast.id, to, sink.room(), r.now_ms).await?
                }
                None => 0,
            };
            if moved == 0 {
                if !chunk.is_open() {
                    break;
                }
                sink.writes.flush_of(c, r.lane.0).await?;
                let step_us = sink.pace.domain_step_us();
                let opens = if step_us.is_none() { r.opens as usize } else { 0 };
                let opening = chunks::Opening {
                    want: sink.room().max(opens),
                    waiting: broadcast.waiting - taken,
                    step_us,
                    outset: Outset::of(&broadcast, &older, sink.pace, sink.room(), r.lease_until()),
                };
                if !chunk.open_more(c, r, &opening).await? {
                    break;
                }
            }
            waiting = true;
        }
        found.closed = chunk.finished();
        if let Some(at) = chunk.next_ms(r.now_ms) {
            next.at(at);
        }
        chunk.note(&mut self.alive[index]);
        self.alive[index].waiting -= taken;
        Ok(found)
    }

    /// Lanes some of whose broadcasts may have ended.
    pub(super) fn settle(&mut self) -> BTreeSet<i64> {
        std::mem::take(&mut self.settle)
    }

    /// What ended here because nobody needs it, although it had been tried: older ones that it had passed may start after all.
    pub(super) fn needless(&mut self) -> ((Ms, Option<Ms>), BTreeSet<i64>) {
        ((self.r.now_ms, self.r.over()), std::mem::take(&mut self.needless))
    }

    /// Because of that, rows of these lanes wait again.
    pub(super) fn stirs(&mut self, lanes: &BTreeSet<i64>) {
        self.answer.more |= lanes.contains(&self.lane());
        let others = lanes.iter().filter(|lane| **lane != self.r.lane.0);
        self.answer.wakes.extend(others.map(|lane| LaneId(*lane)));
    }

    /// Its account, and from when that may send again; where it has started something.
    pub(super) fn reserved(&self) -> Option<(String, i64)> {
        let tat_us = self.pace.account_tat_us().filter(|_| !self.answer.jobs.is_empty())?;
        Some((self.lane.account.clone(), tat_us))
    }

    /// The broadcasts whose next due row says when to ask again: now, broadcast, `via`.
    pub(super) fn waits(&self) -> impl Iterator<Item = (Ms, i64, Option<i64>)> + '_ {
        let waiting = |b: &&Alive| b.waiting > 0 && self.waits_until(b).is_none();
        let alive = self.alive.iter().filter(|_| !self.answer.more).filter(waiting);
        alive.map(|b| (self.r.now_ms, b.id, b.via))
    }

    pub(super) fn asks_again(&mut self, at: Option<Ms>) {
        if let Some(at) = at {
            self.next.at(at);
        }
    }

    /// Whether the drain has come to its end is worth a look.
    pub(super) fn may_be_drained(&self) -> bool {
        self.lane.drains && self.answer.jobs.is_empty() && !self.answer.more
    }

    pub(super) fn drained(&mut self, drained: bool) {
        self.answer.drained = drained;
    }

    pub(super) fn answer(self) -> Claimed {
        Claimed {
            next_due_ms: self.next.0,
            ..self.answer
        }
    }
}

/// What going through one broadcast left behind.
#[derive(Default)]
struct Found {
    more: bool,
    /// Rows ended without being sent.
    ended: bool,
    /// The last chunk is open.
    closed: bool,
}
