//! What LANES 3 promises of an outage, checked at every request and at the end. The numbers are written here again.

use std::collections::{HashMap, HashSet};

use rundruf::clock::Ms;
use rundruf::domain::outcome::Outcome;
use rundruf::ids::DeliveryId;
use rundruf::lane_core::values::{Completion, Settled};

use super::desk::{Parcel, Row, State};
use super::plan::{OUTAGE_MS, Plan, Sum, TIMEOUT_MS};
use super::service::Away;

/// The first gap between two probes, and the longest: where a probe costs nothing, and where it may leave a message that only a person can decide on.
const FIRST_GAP_MS: Ms = 2_000;
const LONGEST_GAP_MS: Ms = 60_000;
const LONGEST_COSTLY_GAP_MS: Ms = 15 * 60_000;
/// Commits between the moment when a probe may go and its start.
const COMMITS_MS: Ms = 20;

pub struct Checks {
    plan: Plan,
    pub in_flight: u32,
    arrived: HashSet<DeliveryId>,
    done: usize,
    told: Ms,
    /// Requests that were told to wait, and until when.
    later: HashMap<(DeliveryId, u32), Ms>,
    unknown: usize,
    probe: Option<DeliveryId>,
    probes: u32,
    failed_at: Ms,
    ended_at: Ms,
    /// Requests fail, and one at a time tries.
    pub open: bool,
}

impl Checks {
    pub fn new(plan: Plan) -> Self {
        Self {
            plan,
            in_flight: 0,
            arrived: HashSet::new(),
            done: 0,
            told: 0,
            later: HashMap::new(),
            unknown: 0,
            probe: None,
            probes: 0,
            failed_at: 0,
            ended_at: 0,
            open: false,
        }
    }

    fn longest_gap(&self) -> Ms {
        if self.plan.handle {
            LONGEST_GAP_MS
        } else {
            LONGEST_COSTLY_GAP_MS
        }
    }

    /// A request leaves the troubled lane.
    pub fn start(&mut self, t: Ms, parcel: &Parcel, away: bool) -> Result<(), String> {
        if t < self.told {
            return Err(format!(
                "{:?} starts at {t}, told to wait until {}",
                parcel.id, self.told
            ));
        }
        self.in_flight += 1;
        if !(away && self.open) {
            return Ok(());
        }
        if self.in_flight > 1 {
            return Err(format!(
                "{} requests at the same time to a service that is away",
                self.in_flight
            ));
        }
        let before = self.probe.replace(parcel.id);
        if before.is_some_and(|before| parcel.id <= before) {
            return Err(format!("{:?} is tried after {before:?}", parcel.id));
        }
        let most = (FIRST_GAP_MS << self.probes.min(20)).min(self.longest_gap());
        let gap = t - self.failed_at;
        // One at a time: what had left before the breaker opened has to end first.
        let at_most = most.max(self.ended_at - self.failed_at) + COMMITS_MS;
        if gap < most / 2 || gap > at_most {
            return Err(format!(
                "probe {} follows {gap} ms after the one before, not {most}",
                self.probes
            ));
        }
        self.probes += 1;
        Ok(())
    }

    /// A request of the troubled lane has ended.
    pub fn ended(&mut self, t: Ms, parcel: &Parcel, outcome: &Outcome, sum: &mut Sum) {
        self.in_flight -= 1;
        self.ended_at = t;
        if let Some(until) = self.later.get(&(parcel.id, parcel.attempt)) {
            self.told = self.told.max(*until);
        }
        match outcome {
            Outcome::Delivered(_) => {
                self.open = false;
                self.done += 1;
                if self.done == 1 {
                    sum.first_after_ms = t - OUTAGE_MS;
                }
                sum.all_after_ms = t - OUTAGE_MS;
            }
            // What had left before the first probe says nothing of the gaps.
            Outcome::Transient | Outcome::Unknown if !self.open || self.probe == Some(parcel.id) => {
                sum.last_gap_ms = t - self.failed_at;
                self.failed_at = t;
            }
            _ => {}
        }
    }

    pub fn arrived(&mut self, parcel: &Parcel) -> Result<(), String> {
        if self.arrived.insert(parcel.id) {
            return Ok(());
        }
        Err(format!("{:?} arrives twice", parcel.id))
    }

    /// The service says 429; the lane hears it with the answer.
    pub fn told(&mut self, until: Ms, parcel: &Parcel) {
        self.later.insert((parcel.id, parcel.attempt), until);
    }

    pub fn completed(&mut self, c: &Completion) -> Result<(), String> {
        self.unknown += usize::from(c.settled == Settled::Unknown);
        let later = self.later.remove(&(c.delivery, c.attempt)).is_some();
        if later && !matches!(c.settled, Settled::Waiting { spent: false, .. }) {
            return Err(format!(
                "{:?} was told to wait and lost an attempt: {:?}",
                c.delivery, c.settled
            ));
        }
        Ok(())
    }

    /// Nothing is left to happen: all has arrived, or waits for a person.
    pub fn over(&self) -> bool {
        self.plan.away.is_some() && self.in_flight == 0 && self.done + self.unknown >= self.plan.waiting
    }

    /// Requests that can fail before the first probe: four failures are none yet, and their places are taken again.
    fn before_the_first(&self) -> u32 {
        self.plan.concurrency + 4
    }

    /// Requests that hung and cannot be repeated: those before the first probe, and the probes.
    fn lost(&self) -> usize {
        let hung = self.plan.away == Some(Away::Hangs) && !self.plan.handle;
        if hung {
            (self.probes + self.before_the_first()) as usize
        } else {
            0
        }
    }

    pub fn at_rest(&self, rows: &[Row], sum: &mut Sum) -> Result<(), String> {
        sum.probes = self.probes as usize;
        if self.plan.away.is_none() {
            return Ok(());
        }
        let open = rows
            .iter()
            .filter(|row| matches!(row.state, State::Waiting | State::Started))
            .count();
        let done = self.arrived.len();
        if done + sum.unknown != self.plan.waiting || sum.unknown > self.lost() {
            return Err(format!("{done} arrived, {} are unknown, {open} are open", sum.unknown));
        }
        if sum.waits.len() > 3 {
            let (n, first) = (sum.waits.len(), &sum.waits[..sum.waits.len().min(10)]);
            return Err(format!("{n} answers of 429, the first after {first:?} ms"));
        }
        let hangs = if self.plan.away == Some(Away::Hangs) {
            TIMEOUT_MS
        } else {
            0
        };
        if sum.first_after_ms > hangs + self.longest_gap() + self.plan.takes_ms + COMMITS_MS {
            return Err(format!(
                "the first arrives {} ms after the end of the outage",
                sum.first_after_ms
            ));
        }
        // What failed before the breaker opened has spent an attempt, no probe has, and no request to wait.
        if !matches!(self.plan.away, Some(Away::Hangs)) {
            let spent: u32 = rows.iter().map(|row| row.attempt - 1).sum();
            if spent > self.before_the_first() {
                return Err(format!("{spent} attempts are spent"));
            }
        }
        Ok(())
    }
}
