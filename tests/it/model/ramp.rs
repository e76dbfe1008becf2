//! The gate and the ramp of a release: how fast, for the lane and for each domain, and when it stops by itself.

use std::collections::BTreeMap;

use rundruf::clock::Ms;
use rundruf::domain::delivery::{DeliveryState as State, Gate};
use rundruf::domain::outcome::Reason;
use rundruf::ids::LaneId;
use rundruf::lane_core::ramp::Ramp;
use rundruf::store::{ClaimRequest, Completion, Rate, Settled};

use super::Model;

/// A longer silence counts as this much sending.
const SILENCE_MS: Ms = 60_000;

/// How fast one claim may go, by the account and by the ramp; µs.
pub struct Pace {
    pub account_us: i64,
    pub account_step_us: Option<i64>,
    ramp: Option<Climb>,
    now_us: i64,
    late_ms: Ms,
}

struct Climb {
    lane: LaneId,
    next_us: i64,
    step_us: i64,
    domain_step_us: Option<i64>,
    put_off: Vec<String>,
    /// The slots as they were, should nothing start.
    before: BTreeMap<(LaneId, String), i64>,
    /// Where the ramp stands, should something start.
    ran: (Ms, Ms),
}

fn step_us(rate: Rate) -> i64 {
    i64::from(rate.per_ms) * 1_000 / i64::from(rate.count)
}

pub(super) fn domain(address: &str) -> Option<&str> {
    address.split_once('@').map(|(_, domain)| domain)
}

impl Pace {
    /// Sends that may be reserved within the next second.
    pub fn free(&self) -> usize {
        let fits = |next_us: i64, step_us: i64| {
            let last = self.now_us + 1_000_000;
            usize::try_from(if next_us > last {
                0
            } else {
                (last - next_us) / step_us + 1
            })
            .unwrap()
        };
        let account = self
            .account_step_us
            .map_or(usize::MAX, |step| fits(self.account_us, step));
        let ramp = self.ramp.as_ref().map_or(usize::MAX, |r| fits(r.next_us, r.step_us));
        account.min(ramp)
    }

    pub fn next_ms(&self) -> Ms {
        let ramp = self.ramp.as_ref().map_or(i64::MIN, |r| r.next_us);
        (self.account_us.max(ramp) - 1_000_000 + 999) / 1_000
    }

    pub fn by_domain(&self) -> bool {
        self.domain_step_us().is_some()
    }

    pub fn domain_step_us(&self) -> Option<i64> {
        self.ramp.as_ref()?.domain_step_us
    }
}

impl Model {
    pub fn set_gate(&mut self, lane: LaneId, gate: Gate, now: Ms) {
        let of = self.lanes.get_mut(&lane).unwrap();
        of.gate = gate;
        of.epoch += 1;
        of.tries_since_ms = now;
        of.ran = (gate == Gate::Draining).then_some((0, now));
        of.results.clear();
        for row in &mut self.rows {
            let alive = self.broadcasts[row.broadcast].is_alive();
            if row.by() == lane && alive && row.state == State::Waiting && std::mem::take(&mut row.turn) {
                row.due_ms = now;
            }
        }
    }

    /// The gate opens after a drain, if it is still that one.
    pub fn end_drain(&mut self, lane: LaneId, epoch: i64, now: Ms) {
        if self.lanes[&lane].epoch == epoch {
            self.set_gate(lane, Gate::Open, now);
        }
    }

    pub fn pace(&mut self, r: &ClaimRequest) -> Pace {
        let lane = &self.lanes[&r.lane];
        let now_us = r.now_ms * 1_000;
        let tat = self.tats_us.get(&lane.account).copied().unwrap_or(0);
        let ramp = r.ramp.filter(|_| lane.gate == Gate::Draining).map(|ramp: Ramp| {
            let (ran, seen) = lane.ran.unwrap_or((0, r.now_ms));
            let ran = ran + (r.now_ms - seen).clamp(0, SILENCE_MS);
            let doubled = if self.breaks.ramp { 9 } else { ran / ramp.double_ms };
            let before = self.slots_us.clone();
            for (key, at) in &mut self.slots_us {
                *at += if key.0 == r.lane { r.late_ms * 1_000 } else { 0 };
            }
            let next = self.slots_us.get(&(r.lane, String::new())).copied().unwrap_or(0);
            Climb {
                before,
                ran: (ran, r.now_ms),
                lane: r.lane,
                next_us: next.max(now_us),
                step_us: (step_us(ramp.start) >> doubled.min(20)).max(1),
                domain_step_us: ramp.per_domain.map(step_us),
                put_off: Vec::new(),
            }
        });
        Pace {
            account_us: if r.rate.is_some() { tat.max(now_us) } else { now_us },
            account_step_us: r.rate.map(step_us),
            ramp,
            now_us,
            late_ms: r.late_ms,
        }
    }

    /// The end of a claim: what was reserved stays where something started. How much of the lateness told of is in there.
    pub(super) fn settle_pace(&mut self, pace: Pace, started: bool) -> Ms {
        let Some(ramp) = pace.ramp else { return 0 };
        if !started {
            self.slots_us = ramp.before;
            return 0;
        }
        self.lanes.get_mut(&ramp.lane).unwrap().ran = Some(ramp.ran);
        let free = |key: &(LaneId, String), at: i64| key.0 == ramp.lane && !key.1.is_empty() && at <= pace.now_us;
        self.slots_us.retain(|key, at| !free(key, *at));
        pace.late_ms
    }

    /// When this row may start; `Err`: its domain has had enough until then.
    pub(super) fn take_turn(&mut self, at: usize, pace: &mut Pace) -> Result<Ms, Ms> {
        let mut start_us = pace.account_us;
        if let Some(ramp) = &mut pace.ramp {
            start_us = start_us.max(ramp.next_us);
            let row = &self.rows[at];
            let address = self.person(row.lane, row.recipient).map(|p| p.address.clone());
            if let (Some(step), Some(domain)) = (ramp.domain_step_us, address.as_deref().and_then(domain)) {
                let key = (ramp.lane, domain.to_owned());
                let free_us = self.slots_us.get(&key).copied().unwrap_or(0);
                if free_us > start_us {
                    let before = ramp.put_off.iter().filter(|d| *d == domain).count();
                    ramp.put_off.push(domain.to_owned());
                    return Err((free_us + i64::try_from(before).unwrap() * step + 999) / 1_000);
                }
                self.slots_us.insert(key, start_us + step);
            }
            ramp.next_us = start_us + ramp.step_us;
            self.slots_us.insert((ramp.lane, String::new()), ramp.next_us);
        }
        if let Some(step) = pace.account_step_us {
            pace.account_us = start_us + step;
        }
        Ok((start_us + 999) / 1_000)
    }

    /// A drain that has nothing more to do, but what was tried and waits.
    pub(super) fn is_drained(&self, lane: LaneId) -> bool {
        let tried = |row: &super::ModelRow| !row.new_here && (row.attempt > 0 || row.tried);
        let busy = |row: &super::ModelRow| match row.state {
            State::Started => true,
            State::Waiting => !tried(row),
            _ => false,
        };
        let rows = self.rows.iter().filter(|row| row.by() == lane);
        self.lanes[&lane].gate == Gate::Draining
            && !self.broadcasts.iter().any(|b| b.lane == lane && b.opens())
            && !rows.filter(|row| self.broadcasts[row.broadcast].is_alive()).any(busy)
    }

    /// What outcomes say about the drain of their lanes; those that stop.
    pub(super) fn note_results(&mut self, lane: LaneId, applied: &[Completion]) -> Option<LaneId> {
        let of = self.lanes.get_mut(&lane).unwrap();
        if of.gate != Gate::Draining || applied.is_empty() {
            return None;
        }
        for c in applied {
            match &c.settled {
                Settled::Delivered(_) | Settled::Accepted(_) => of.results.push(Some(false)),
                Settled::Permanent | Settled::Gone => of.results.push(Some(true)),
                Settled::Waiting { .. } if c.reason == Reason::PolicyRefused => of.results.push(Some(true)),
                Settled::Waiting { .. } if c.reason == Reason::RateLimited => of.results.push(None),
                _ => {}
            }
        }
        let last = of.results.len().saturating_sub(200);
        of.results.drain(..last);
        let (all, refused) = (
            of.results.len(),
            of.results.iter().filter(|r| **r == Some(true)).count(),
        );
        let stops = of.results.contains(&None) || (all >= 20 && refused * 20 > all);
        let at = applied.iter().map(|c| c.at_ms).max().unwrap();
        (stops && !self.breaks.results).then(|| {
            self.set_gate(lane, Gate::Held, at);
            lane
        })
    }
}
