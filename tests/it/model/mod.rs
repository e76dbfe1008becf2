//! The store as a few lists: the queue's semantics a second time, without SQL. Lanes run against it in the simulation, real stores are compared
//! with it in the conformance suite, so what holds here holds there. One method is one transaction, as in the trait.

mod chunks;
mod claim;
mod cuts;
mod decide;
mod failover;
mod publish;
mod ramp;
mod retention;
mod settle;
mod time;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use rundruf::clock::Ms;
use rundruf::domain::delivery::{BroadcastState, DeliveryState as State, Gate, Health, Operation};
use rundruf::domain::notice::{Notice, Scope};
use rundruf::domain::outcome::{Reason, Remote};
use rundruf::domain::words::Kind;
use rundruf::ids::{BroadcastId, DeliveryId, IncidentId, LaneId, NoticeSeq, RecipientId};
use rundruf::store::{HealthRow, Job, ReceiptWord, Thread, Variant};
use rundruf::text::lang::Lang;

/// Somebody of an audience, or the account itself (number 0, no address).
#[derive(Debug, Clone)]
pub struct ModelPerson {
    pub id: RecipientId,
    pub address: String,
    /// Places followed; none: everything.
    pub places: Vec<String>,
    pub is: Person,
}

/// Whether somebody is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Person {
    In,
    Left,
    /// The service said so: for good.
    Gone,
}

/// A lane. One without people is an account.
#[derive(Debug, Clone)]
pub struct ModelLane {
    /// In the configuration now.
    pub configured: bool,
    pub gate: Gate,
    pub epoch: i64,
    pub acknowledged: (i64, u32),
    /// Its gate and its process are what they are since then.
    pub tries_since_ms: Ms,
    /// While it drains: time of sending, and when that was last counted.
    pub ran: Option<(Ms, Ms)>,
    /// The last results of a drain: true: refused; `None`: too fast.
    pub results: Vec<Option<bool>>,
    pub health: HealthRow,
    pub people: Vec<ModelPerson>,
    /// Lanes of one account share its rate.
    pub account: LaneId,
    /// The lane that takes over.
    pub failover: Option<LaneId>,
    /// First and newest post per incident, and the notice of the newest.
    pub threads: BTreeMap<IncidentId, (Thread, NoticeSeq)>,
}

/// A notice on a lane.
#[derive(Debug, Clone)]
pub struct ModelBroadcast {
    pub lane: LaneId,
    pub incident: IncidentId,
    pub notice: NoticeSeq,
    pub number: u32,
    pub scope: Scope,
    pub kind: Kind,
    pub urgent: bool,
    pub operation: Operation,
    pub audience: bool,
    pub state: BroadcastState,
    pub superseded_by: Option<NoticeSeq>,
    /// A correction only for whoever has what it corrects.
    pub overtaken: bool,
    /// Published for a channel that catches up by digest.
    pub digest: bool,
    /// Of a cut: what it sums up.
    pub covers: Vec<NoticeSeq>,
    /// Its digest has to be written again.
    pub stale: bool,
    /// The digests of all its cuts, for whoever lacked any of this.
    pub digests: Vec<(Vec<NoticeSeq>, Arc<Variant>)>,
    /// Broadcasts of the lane that it corrects or retracts, newest first; with a cut where only that one's digest tells what is wrong.
    pub corrects: Vec<(usize, Option<i64>)>,
    pub upto: Option<i64>,
    pub cursor: i64,
    /// Domains that were left out of the opening.
    pub left: BTreeMap<String, chunks::Left>,
    pub expires_ms: Option<Ms>,
    pub changed_ms: Ms,
    /// When a row of it last came into being or became something else.
    pub touched_ms: Ms,
    /// Since when its rows are removed.
    pub removed_ms: Option<Ms>,
    /// Some of them may be left.
    pub removing: bool,
    pub opened: u64,
    /// By state, counted with every change of a row.
    pub counters: [u64; 10],
    pub variant: Arc<Variant>,
}

impl ModelBroadcast {
    pub fn is_alive(&self) -> bool {
        matches!(self.state, BroadcastState::Open | BroadcastState::Opened)
    }

    fn is_over(&self, by: Option<Ms>) -> bool {
        self.expires_ms.is_some_and(|at| Some(at) <= by)
    }

    fn opens(&self) -> bool {
        self.audience && self.state == BroadcastState::Open
    }

    fn of(&self, state: State) -> u64 {
        self.counters[state as usize]
    }
}

/// A delivery.
#[derive(Debug, Clone)]
pub struct ModelRow {
    pub id: DeliveryId,
    /// The lane of its broadcast, whose recipient it is for.
    pub lane: LaneId,
    /// The lane it moved to.
    pub via: Option<LaneId>,
    /// Its newest outcome's, until something else becomes of it.
    pub reason: Option<Reason>,
    pub broadcast: usize,
    pub recipient: RecipientId,
    pub state: State,
    pub attempt: u32,
    pub due_ms: Ms,
    pub first_started_ms: Ms,
    pub changed_ms: Ms,
    pub operation: Operation,
    pub step: u8,
    pub step_handle: Option<String>,
    pub remote: Remote,
    /// An earlier attempt may have got through.
    pub after_unknown: bool,
    /// It goes again all the same.
    pub decided: bool,
    /// A person wanted that.
    pub asked_for: bool,
    /// It has started, though nothing is counted.
    pub tried: bool,
    /// Its domain's turn comes later.
    pub turn: bool,
    /// It moved, and its lane has not tried it yet.
    pub new_here: bool,
    pub by_receipt: bool,
    /// The text it began with: 0 its notice's own, a cut's digest, -1 that for whoever has not got what it corrects.
    pub told: i64,
    /// Not stored any more: kept here for whoever has to know what once was.
    pub removed: bool,
}

impl ModelRow {
    /// The lane that sends it.
    pub fn by(&self) -> LaneId {
        self.via.unwrap_or(self.lane)
    }

    /// It waits because a person wants it again, and an attempt may have got through.
    fn waits_for_a_person(&self) -> bool {
        self.after_unknown && self.decided && self.asked_for
    }
}

/// A receipt that met no delivery yet.
#[derive(Debug, Clone)]
struct Inbox {
    lane: LaneId,
    remote_id: Option<String>,
    word: ReceiptWord,
    at_ms: Ms,
}

/// The rules of the model that a test may break, to see whether the simulation or the comparison with a store notices.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Breaks {
    /// Claims look at no older notice.
    pub order: bool,
    /// A takeover makes every started row waiting.
    pub takeover: bool,
    /// A completion's counters are forgotten.
    pub counters: bool,
    /// A claim does not write that the row has started.
    pub started: bool,
    /// What was read back as missing keeps its mark.
    pub mark: bool,
    /// What a newer notice has passed waits again.
    pub passed: bool,
    /// `latest` ends whatever is older.
    pub latest: bool,
    /// A correction goes to its own scope only.
    pub elsewhere: bool,
    /// Bad news about an older attempt ends the newest.
    pub old_news: bool,
    /// A correction's five minutes run from the first start.
    pub first_start: bool,
    /// What has ended is not closed by what corrects it.
    pub reopens: bool,
    /// Everything of an incident with urgent work goes before the next incident.
    pub bulk_first: bool,
    /// What may have got through moves to another lane all the same.
    pub moves: bool,
    /// What a newer notice has passed starts by another lane all the same.
    pub late_move: bool,
    /// A ramp is no slower at its beginning.
    pub ramp: bool,
    /// Bad results stop no drain.
    pub results: bool,
    /// A domain that was left out opens further than for older notices.
    pub crowd: bool,
    /// No domain is left out.
    pub crowded: bool,
    /// No cut is ever made.
    pub cuts: bool,
    /// A cut goes to everybody as a digest.
    pub served: bool,
    /// What was named stays in the cuts that sum it up.
    pub recut: bool,
    /// A cut sums up what has run out.
    pub over: bool,
    /// What a cut sums up runs out with it.
    pub run_out: bool,
    /// What was under way when a cut was made waits again by itself.
    pub by_itself: bool,
    /// What stands as unknown has no mark.
    pub unmarked: bool,
    /// What has run out of time starts all the same.
    pub late: bool,
    /// What is repeated by its handle begins with other words.
    pub words: bool,
    /// Rows are removed although something of their incident has not ended.
    pub restless: bool,
}

/// Everything stored.
#[derive(Debug, Clone, Default)]
pub struct Model {
    pub lanes: BTreeMap<LaneId, ModelLane>,
    pub notices: Vec<(NoticeSeq, IncidentId, Notice)>,
    pub broadcasts: Vec<ModelBroadcast>,
    pub rows: Vec<ModelRow>,
    pub high_ms: Ms,
    /// The clock leapt forward by so much, and nobody has looked yet: nothing runs out.
    pub leapt: Option<Ms>,
    handles_from: Option<Ms>,
    /// Theoretical arrival times of accounts, µs.
    tats_us: BTreeMap<LaneId, i64>,
    /// The same of lanes that drain, and of the domains of their recipients.
    slots_us: BTreeMap<(LaneId, String), i64>,
    pub breaks: Breaks,
    inbox: Vec<Inbox>,
    /// Rows by broadcast and recipient.
    of: HashMap<(usize, RecipientId), usize>,
    numbers: i64,
}

/// A lane's health at the beginning, and after a person said "try now".
pub fn well(since_ms: Ms) -> HealthRow {
    HealthRow {
        health: Health::Well,
        since_ms,
        blocked_until_ms: None,
        reason: None,
        text: None,
        failures: 0,
    }
}

impl Model {
    /// A model that breaks these rules.
    pub fn breaking(breaks: Breaks) -> Self {
        Self {
            breaks,
            ..Self::default()
        }
    }

    /// Adds a lane with this audience (address and places); an empty one is an account.
    pub fn add_lane(&mut self, lane: LaneId, people: &[(String, Vec<String>)]) {
        self.lanes.insert(
            lane,
            ModelLane {
                configured: true,
                gate: Gate::Open,
                epoch: 1,
                acknowledged: (0, 0),
                tries_since_ms: 0,
                ran: None,
                results: Vec::new(),
                health: well(0),
                people: Vec::new(),
                account: lane,
                failover: None,
                threads: BTreeMap::new(),
            },
        );
        self.sync_audience(lane, people);
    }

    /// Brings an audience up to date: new people behind all others, missing ones gone, whoever the service called gone stays so.
    pub fn sync_audience(&mut self, lane: LaneId, people: &[(String, Vec<String>)]) {
        let known = &mut self.lanes.get_mut(&lane).unwrap().people;
        for person in known.iter_mut().filter(|p| p.is == Person::In) {
            person.is = Person::Left;
        }
        for (address, places) in people {
            if let Some(person) = known.iter_mut().find(|p| p.address == *address) {
                if person.is != Person::Gone {
                    person.is = Person::In;
                    person.places.clone_from(places);
                }
                continue;
            }
            self.numbers += 1;
            known.push(ModelPerson {
                id: RecipientId(self.numbers),
                address: address.clone(),
                places: places.clone(),
                is: Person::In,
            });
        }
    }

    pub fn person(&self, lane: LaneId, id: RecipientId) -> Option<&ModelPerson> {
        self.lanes[&lane].people.iter().find(|p| p.id == id)
    }

    /// A row's place in `rows`.
    pub fn at(&self, delivery: DeliveryId) -> usize {
        usize::try_from(delivery.0 - 1).unwrap()
    }

    pub fn row(&self, delivery: DeliveryId) -> &ModelRow {
        &self.rows[self.at(delivery)]
    }

    /// The row of a recipient in a broadcast.
    pub fn row_of(&self, broadcast: usize, recipient: RecipientId) -> Option<&ModelRow> {
        self.row_ever(broadcast, recipient).filter(|row| !row.removed)
    }

    /// The same, also where it is removed.
    pub fn row_ever(&self, broadcast: usize, recipient: RecipientId) -> Option<&ModelRow> {
        self.of.get(&(broadcast, recipient)).map(|at| &self.rows[*at])
    }

    fn insert(&mut self, broadcast: usize, recipient: RecipientId, via: Option<LaneId>, now: Ms) -> bool {
        if self.row_of(broadcast, recipient).is_some() {
            return false;
        }
        let of = &mut self.broadcasts[broadcast];
        of.touched_ms = of.touched_ms.max(now);
        of.opened += 1;
        of.counters[State::Waiting as usize] += 1;
        self.of.insert((broadcast, recipient), self.rows.len());
        self.rows.push(ModelRow {
            id: DeliveryId(i64::try_from(self.rows.len()).unwrap() + 1),
            lane: of.lane,
            via,
            reason: None,
            broadcast,
            recipient,
            state: State::Waiting,
            attempt: 0,
            due_ms: now,
            first_started_ms: now,
            changed_ms: now,
            operation: of.operation,
            step: 0,
            step_handle: None,
            remote: Remote::default(),
            after_unknown: false,
            decided: false,
            asked_for: false,
            tried: false,
            turn: false,
            new_here: false,
            by_receipt: false,
            told: 0,
            removed: false,
        });
        true
    }

    /// A row becomes this; whoever waits is due at `due_ms`.
    fn set(&mut self, at: usize, state: State, due_ms: Ms, now: Ms) {
        let row = &mut self.rows[at];
        let of = &mut self.broadcasts[row.broadcast];
        if !self.breaks.counters || state != State::Delivered {
            of.counters[row.state as usize] -= 1;
            of.counters[state as usize] += 1;
        }
        if row.state != state {
            of.touched_ms = of.touched_ms.max(now);
        }
        row.state = state;
        row.due_ms = due_ms;
        row.changed_ms = now;
        if state == State::Unknown {
            row.after_unknown = !self.breaks.unmarked;
            row.decided = false;
        }
    }

    /// Broadcasts whose last row has ended have ended.
    fn settle_broadcasts(&mut self) {
        for b in &mut self.broadcasts {
            let open = [State::Waiting, State::Started, State::Accepted, State::Unknown];
            if b.state == BroadcastState::Opened && open.iter().all(|state| b.of(*state) == 0) {
                b.state = BroadcastState::Ended;
            }
        }
    }

    /// Broadcasts of the same lane and incident.
    fn siblings(&self, broadcast: usize) -> impl Iterator<Item = usize> + '_ {
        let of = &self.broadcasts[broadcast];
        (0..self.broadcasts.len()).filter(move |other| {
            let other = &self.broadcasts[*other];
            other.lane == of.lane && other.incident == of.incident
        })
    }

    /// True where a newer notice of the incident has started for this recipient. A retraction passes only what it is about.
    pub fn passed(&self, at: usize) -> bool {
        if self.breaks.passed {
            return false;
        }
        let row = &self.rows[at];
        self.ever_passed((row.broadcast, Some(row.told)), row.recipient, |row| !row.removed)
    }

    /// The same, also where there is no row.
    fn passed_by(&self, broadcast: usize, recipient: RecipientId) -> bool {
        self.ever_passed((broadcast, None), recipient, |row| !row.removed)
    }

    /// The same of a row that began with the text of this cut, if any, as far as rows count.
    pub fn ever_passed(
        &self,
        (broadcast, told): (usize, Option<i64>),
        recipient: RecipientId,
        counts: impl Fn(&ModelRow) -> bool,
    ) -> bool {
        let about = |(of, cut): &(usize, Option<i64>)| *of == broadcast && (cut.is_none() || *cut == told);
        let notice = self.broadcasts[broadcast].notice;
        let newer = self.siblings(broadcast).filter(|other| {
            let of = &self.broadcasts[*other];
            of.notice > notice && (of.kind != Kind::Retraction || of.corrects.iter().any(about))
        });
        let started = |r: &ModelRow| {
            let state = matches!(
                r.state,
                State::Started | State::Accepted | State::Delivered | State::Permanent
            );
            counts(r) && r.state != State::Superseded && (state || r.tried || r.attempt > 0)
        };
        newer.filter_map(|other| self.row_ever(other, recipient)).any(started)
    }

    /// What a recipient has, or may have, of these broadcasts: `None`: nothing; else the newest remote id known.
    fn had(&self, broadcasts: &[(usize, Option<i64>)], recipient: RecipientId) -> Option<Remote> {
        let has = |row: &&ModelRow| match row.state {
            State::Started | State::Accepted | State::Delivered | State::Unknown => true,
            State::Waiting | State::Expired | State::Dropped => row.after_unknown,
            _ => false,
        };
        let rows: Vec<&ModelRow> = broadcasts
            .iter()
            .filter_map(|(b, cut)| {
                let row = self.row_of(*b, recipient)?;
                // It may have begun with an earlier digest than the one it went again with.
                let again = row.attempt > 1 && row.after_unknown;
                cut.is_none_or(|cut| row.told == cut || again).then_some(row)
            })
            .filter(has)
            .collect();
        let named = rows.iter().find(|row| row.remote.id.is_some());
        let first = named.or(rows.first())?;
        Some(first.remote.clone())
    }

    /// What a correction has to do with: as `had`, but of a cut that only sums up what is wrong the post is not named.
    fn target(&self, broadcast: usize, recipient: RecipientId) -> Option<Remote> {
        let b = &self.broadcasts[broadcast];
        self.had(&b.corrects, recipient)?;
        let named: Vec<_> = b.corrects.iter().filter(|(_, cut)| cut.is_none()).copied().collect();
        Some(self.had(&named, recipient).unwrap_or_default())
    }

    /// A row as a lane gets it.
    pub(super) fn job(&self, at: usize, start_at_ms: Ms) -> Job {
        let row = &self.rows[at];
        let of = &self.broadcasts[row.broadcast];
        let thread = self.lanes[&row.by()].threads.get(&of.incident);
        let target = self.target(row.broadcast, row.recipient).filter(|r| r.id.is_some());
        let digest = usize::try_from(row.told - 1).ok().and_then(|n| of.digests.get(n));
        let variant = digest.map_or(&of.variant, |(_, text)| text);
        let variant = match variant.first.as_ref().filter(|_| row.told == -1) {
            Some(text) => Arc::new(Variant {
                text: text.clone(),
                ..Variant::clone(variant)
            }),
            None => Arc::clone(variant),
        };
        Job {
            delivery: row.id,
            broadcast: BroadcastId(i64::try_from(row.broadcast).unwrap()),
            incident: of.incident,
            notice: of.notice,
            attempt: row.attempt,
            first_started_ms: row.first_started_ms,
            start_at_ms,
            operation: row.operation,
            step: row.step,
            step_handle: row.step_handle.clone(),
            after_unknown: row.after_unknown && !row.decided,
            begun: row.after_unknown,
            recipient: row.recipient,
            name: None,
            address: self
                .person(row.lane, row.recipient)
                .map(|p| p.address.clone())
                .unwrap_or_default(),
            variant,
            lang: Lang::De,
            withdrawn: None,
            thread: thread.filter(|_| !of.audience).map(|(thread, _)| thread.clone()),
            target,
            urgent: of.urgent,
            created_ms: 0,
        }
    }

    /// Rows that stand as unknown, as jobs, behind `after`.
    pub fn unknown_jobs(&self, lane: LaneId, after: DeliveryId, limit: usize) -> Vec<Job> {
        let unknown = |row: &&ModelRow| row.by() == lane && row.state == State::Unknown && row.id > after;
        let jobs = self.rows.iter().filter(unknown).take(limit).map(|row| Job {
            after_unknown: true,
            ..self.job(self.at(row.id), row.changed_ms)
        });
        jobs.collect()
    }

    /// Broadcasts whose counters are not what their rows say, or that have rows although these are removed.
    pub fn recount(&self) -> Vec<usize> {
        let mut counted = vec![[0; 10]; self.broadcasts.len()];
        for row in self.rows.iter().filter(|row| !row.removed) {
            counted[row.broadcast][row.state as usize] += 1;
        }
        let differs = |b: &usize| {
            let of = &self.broadcasts[*b];
            match of.removed_ms {
                Some(_) => !of.removing && counted[*b] != [0; 10],
                None => counted[*b] != of.counters,
            }
        };
        (0..counted.len()).filter(differs).collect()
    }
}
