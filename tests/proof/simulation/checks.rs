//! The invariants of LANES 9, checked while a history runs and at its end.

use std::collections::{BTreeMap, HashMap, HashSet};

use rundruf::clock::Ms;
use rundruf::domain::delivery::{DeliveryState as State, Gate, UnknownPolicy};
use rundruf::domain::words::Kind;
use rundruf::ids::{BroadcastId, DeliveryId, IncidentId, LaneId, RecipientId};
use rundruf::lane_core::event::Rules;
use rundruf::store::{Completion, Job, Settled};

use super::audience;
use super::digests::Digests;
use super::provider::Provider;
use super::ramps::Ramps;
use super::world::Moment;
use crate::model::{Model, Person};

/// What the outside knows about a request of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// Under way, or answered and not yet committed.
    Out,
    /// It may have got through and nobody knows.
    Ambiguous,
}

/// A time that a service named.
#[derive(Debug, Clone, Copy)]
pub struct Told {
    /// True time.
    t: Ms,
    /// As it is stored; shifted as the store is.
    wall: Ms,
    /// Known from the store alone: by an earlier process, or a wait of one row.
    before: bool,
}

/// What the checks remember beside the store.
#[derive(Debug, Default)]
pub struct Checks {
    /// Times services named: of a lane, or of one delivery where each is a counterpart of its own.
    pub told: HashMap<(LaneId, Option<DeliveryId>), Told>,
    pub left: HashMap<DeliveryId, Left>,
    pub in_flight: HashMap<LaneId, u32>,
    begun: HashMap<(LaneId, RecipientId, IncidentId), BTreeMap<i64, DeliveryId>>,
    /// Retractions that have begun.
    taken_back: HashMap<(LaneId, RecipientId, IncidentId), Vec<DeliveryId>>,
    later: HashMap<DeliveryId, u32>,
    /// What requests told.
    pub digests: Digests,
    /// Releases with a ramp.
    pub ramps: Ramps,
    /// The newest start of a lane with a rate.
    last_start: HashMap<LaneId, Ms>,
    /// Somebody has said what is the matter with them: whether that is so is their affair.
    decided: HashSet<DeliveryId>,
    fault: Option<String>,
    pub starts: u64,
}

impl Checks {
    /// A request is about to leave.
    pub fn start(&mut self, lane: LaneId, rules: &Rules, job: &Job, model: &Model, t: Ms) -> Result<(), String> {
        self.starts += 1;
        let row = model.row(job.delivery);
        let stored = &model.lanes[&lane];
        if stored.gate == Gate::Held && stored.acknowledged.0 >= stored.epoch {
            return Err(format!(
                "{lane} is held, the hold was acknowledged, and delivery {} starts",
                job.delivery
            ));
        }
        if row.state != State::Started || row.attempt != job.attempt {
            return Err(format!(
                "delivery {} starts attempt {} but the store says {:?} {}",
                job.delivery, job.attempt, row.state, row.attempt
            ));
        }
        for key in [None, Some(job.delivery)] {
            if let Some(until) = self.told.get(&(lane, key)).filter(|told| t < told.t) {
                return Err(format!(
                    "delivery {} starts at {t}, told to wait until {}",
                    job.delivery, until.t
                ));
            }
        }
        self.ramps.start(lane, rules, job, model, t)?;
        if let Some(rate) = rules.rate {
            let before = self.last_start.insert(lane, t);
            let spacing = Ms::from(rate.per_ms / rate.count);
            if before.is_some_and(|before| t < before + spacing) {
                return Err(format!("{lane} starts two requests within {spacing} ms"));
            }
        }
        // Of one recipient, whichever lane sends.
        let begun = self.begun.entry((row.lane, job.recipient, job.incident)).or_default();
        // What was refused and then ended by a newer notice is nowhere.
        let stands = |of: &DeliveryId| model.row(*of).state != State::Superseded;
        if let Some((newest, _)) = begun.range(job.notice.0 + 1..).find(|(_, of)| stands(of)) {
            return Err(format!(
                "notice {} starts for recipient {} after notice {newest} of the same incident",
                job.notice, job.recipient
            ));
        }
        let taken_back = self
            .taken_back
            .entry((row.lane, job.recipient, job.incident))
            .or_default();
        let number = model.broadcasts[row.broadcast].number;
        let back = |of: &&DeliveryId| {
            let by = model.broadcasts[model.row(**of).broadcast].number;
            by > number && model.numbers(job.incident, &[by]).contains(&number)
        };
        if let Some(by) = taken_back.iter().filter(|of| stands(of)).find(back) {
            return Err(format!(
                "notice {} starts for recipient {} after its retraction by delivery {by}",
                job.notice, job.recipient
            ));
        }
        // A retraction tells nothing that another one could come after.
        if model.broadcasts[row.broadcast].kind == Kind::Retraction {
            taken_back.push(job.delivery);
        } else {
            begun.insert(job.notice.0, job.delivery);
        }
        self.digests.fault()?;
        let safe = rules.handle_for_ms.is_some() || rules.unknown == UnknownPolicy::Repeat;
        if !safe && self.left.contains_key(&job.delivery) {
            return Err(format!(
                "delivery {} is sent again although nobody knows what became of it",
                job.delivery
            ));
        }
        self.left.insert(job.delivery, Left::Out);
        let in_flight = self.in_flight.entry(lane).or_default();
        *in_flight += 1;
        if *in_flight > rules.concurrency {
            return Err(format!("{lane} has {in_flight} requests at the same time"));
        }
        Ok(())
    }

    /// A service named a time, in an answer to a request that began then.
    pub fn told_later(&mut self, lane: LaneId, rules: &Rules, job: &Job, wait: Ms, began: Moment, now: Moment) {
        self.later.insert(job.delivery, job.attempt);
        let key = (!rules.one_counterpart).then_some(job.delivery);
        self.told((lane, key), wait, began, now, false);
    }

    /// A service takes nothing for this recipient for so long; the attempt is spent.
    pub fn told_aside(&mut self, lane: LaneId, job: &Job, wait: Ms, began: Moment, now: Moment) {
        // Only the row knows it.
        self.told((lane, Some(job.delivery)), wait, began, now, true);
    }

    fn told(&mut self, whom: (LaneId, Option<DeliveryId>), wait: Ms, began: Moment, now: Moment, before: bool) {
        // What the clock did unnoticed during the request nobody can make good.
        let slipped = now.unnoticed - began.unnoticed;
        let until = Told {
            t: now.t + wait - slipped.max(0),
            wall: now.wall + wait - slipped,
            before,
        };
        let told = self.told.entry(whom).or_insert(until);
        if until.t > told.t {
            *told = until;
        }
    }

    /// A lane has read its own time.
    pub fn read(&mut self, lane: LaneId) {
        if let Some(told) = self.told.get_mut(&(lane, None)) {
            told.before = false;
        }
    }

    /// The clock jumped by too little to be noticed. What a lane knows it measures by the monotonic clock; rows are due by stored times.
    pub fn slipped(&mut self, by: Ms) {
        self.ramps.slipped(by);
        for told in self.told.values_mut().filter(|told| told.before) {
            told.t -= by.max(0);
        }
    }

    /// The store's times were shifted.
    pub fn shifted(&mut self, by: Ms) {
        self.told.values_mut().for_each(|told| told.wall -= by);
    }

    /// A new process knows no other time than the stored ones.
    pub fn started(&mut self, now: Moment) {
        for told in self.told.values_mut() {
            told.t = told.t.min(now.t + told.wall - now.wall);
            told.before = true;
        }
    }

    /// Outcomes are about to be committed.
    pub fn complete(&mut self, batch: &[Completion]) -> Result<(), String> {
        for c in batch {
            let later = self.later.get(&c.delivery) == Some(&c.attempt);
            if later && !matches!(c.settled, Settled::Waiting { spent: false, .. }) {
                return Err(format!(
                    "delivery {} was told to wait and lost an attempt: {:?}",
                    c.delivery, c.settled
                ));
            }
        }
        Ok(())
    }

    /// The outcomes are committed: what was certainly not accepted may go again.
    pub fn committed(&mut self, batch: &[Completion]) {
        for c in batch {
            self.later.remove(&c.delivery);
            if matches!(
                c.settled,
                Settled::Permanent
                    | Settled::Waiting {
                        after_unknown: false,
                        ..
                    }
            ) {
                self.left.remove(&c.delivery);
            }
        }
    }

    /// A receipt has settled that nothing was done.
    pub fn rejected(&mut self, delivery: DeliveryId) {
        self.left.remove(&delivery);
    }

    /// These have begun, as far as the store is concerned.
    pub fn begins(&mut self, jobs: &[Job], model: &Model, over: Option<Ms>) {
        self.digests.claimed(jobs, model);
        for job in jobs {
            let expires = model.broadcasts[model.row(job.delivery).broadcast].expires_ms;
            if expires.is_some_and(|at| Some(at) <= over) {
                self.fault = Some(format!(
                    "delivery {} begins although its time has run out",
                    job.delivery
                ));
            }
        }
    }

    /// A claim is committed: a lane without a handle has at most `concurrency` open rows.
    pub fn claimed(&mut self, lane: LaneId, rules: &Rules, model: &Model) -> Result<(), String> {
        if let Some(fault) = self.fault.take() {
            return Err(fault);
        }
        if rules.handle_for_ms.is_some() {
            return Ok(());
        }
        let open = model
            .rows
            .iter()
            .filter(|r| r.by() == lane && r.state == State::Started)
            .count();
        if open > rules.concurrency as usize {
            return Err(format!("{lane} has {open} open rows and no handle"));
        }
        Ok(())
    }

    /// A person has decided.
    pub fn decided(&mut self, delivery: DeliveryId) {
        self.decided.insert(delivery);
        self.left.remove(&delivery);
        // Who says "again" means now, whatever the service said of this one.
        self.told.retain(|(_, of), _| *of != Some(delivery));
    }

    /// The first rows of a broadcast are removed: nothing of its incident on its lane may need them.
    pub fn removed(&self, model: &Model, broadcast: BroadcastId) -> Result<(), String> {
        let of = &model.broadcasts[usize::try_from(broadcast.0).unwrap()];
        let needs = model.rows.iter().find(|row| {
            let open = matches!(row.state, State::Waiting | State::Started | State::Unknown);
            open && row.lane == of.lane && model.broadcasts[row.broadcast].incident == of.incident
        });
        needs.map_or(Ok(()), |row| {
            Err(format!(
                "rows of notice {} on lane {} are removed, and delivery {} is {:?}",
                of.notice, of.lane, row.id, row.state
            ))
        })
    }

    /// The process came to its end.
    pub fn ended(&mut self) {
        self.last_start.clear();
    }

    /// The process died.
    pub fn crashed(&mut self, model: &Model) {
        self.in_flight.clear();
        self.later.clear();
        self.last_start.clear();
        for (delivery, left) in &mut self.left {
            let row = model.row(*delivery);
            if matches!(row.state, State::Started | State::Unknown) {
                *left = Left::Ambiguous;
            }
        }
        // What was not stored yet is not known any more.
        self.told.retain(|(lane, delivery), told| match delivery {
            None => model.lanes[lane].health.blocked_until_ms >= Some(told.wall),
            Some(id) => {
                let row = model.row(*id);
                row.state == State::Waiting && row.due_ms >= told.wall
            }
        });
    }

    /// All services are well, all gates open, nothing moves any more.
    pub fn at_rest(
        &self,
        model: &Model,
        rules: &BTreeMap<LaneId, Rules>,
        providers: &BTreeMap<LaneId, Provider>,
        wall: Ms,
    ) -> Result<(), String> {
        if let Some(broadcast) = model.recount().first() {
            return Err(format!("counters of broadcast {broadcast} are not what its rows say"));
        }
        for (at, row) in model.rows.iter().enumerate() {
            let rules = &rules[&row.by()];
            // By all services together: never two texts.
            let done: u32 = providers.values().map(|p| p.done(row.id)).sum();
            let says = format!(
                "delivery {} of lane {} (by {}) is {:?} (attempt {}), done {done} times",
                row.id,
                row.lane,
                row.by(),
                row.state,
                row.attempt
            );
            if matches!(row.state, State::Waiting | State::Started) {
                return Err(format!("nothing moves any more, but {says}"));
            }
            if self.decided.contains(&row.id) {
                continue;
            }
            let may_double = rules.handle_for_ms.is_none() && rules.unknown == UnknownPolicy::Repeat && !rules.looks_up;
            if done > 1 && !may_double {
                return Err(says);
            }
            let known_there = matches!(row.state, State::Delivered | State::Accepted);
            // Once the rows of a broadcast are being removed no later word is heard of any.
            let removed = model.broadcasts[row.broadcast].removed_ms.is_some();
            let unheard = removed && row.state == State::Accepted;
            if known_there && done == 0 && !unheard {
                return Err(format!("the board shows more than there is: {says}"));
            }
            let may_be_there = known_there || matches!(row.state, State::Unknown | State::Dropped);
            if done > 0 && !may_be_there && !may_double {
                return Err(format!("the board shows less than there is: {says}"));
            }
            let forever = rules.handle_for_ms == Some(Ms::MAX);
            let left = model
                .person(row.lane, row.recipient)
                .is_some_and(|p| p.is != Person::In);
            let over = model.broadcasts[row.broadcast].expires_ms.is_some_and(|at| at <= wall);
            // As is who got a digest for what it does not tell any more.
            let meant = model.is_for(row.broadcast, row.recipient);
            if row.state == State::Unknown && forever && !model.passed(at) && !left && !over && meant {
                return Err(format!("a handle is in force for ever, yet {says}"));
            }
            if row.state == State::Unknown && !row.after_unknown {
                return Err(format!("nothing says that it may be there: {says}"));
            }
        }
        audience::all_hear(model, &self.digests.tells, &self.decided, wall)
    }
}
