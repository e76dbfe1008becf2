//! The city's mail lane: state machine and real store, a relay that takes a while, and a clock that is a number.

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;

use rundruf::clock::{Clock, Ms};
use rundruf::domain::delivery::{CatchUp, Gate, GateCause, UnknownPolicy};
use rundruf::domain::outcome::{Outcome, Reason, Remote, Report};
use rundruf::ids::{LaneId, NoticeSeq};
use rundruf::lane_core::event::{Command, Event, Now, Rules};
use rundruf::lane_core::lane::Lane;
use rundruf::lane_core::probation::{ProbeResult, ProbeRules, Step, Then, Verdict};
use rundruf::lane_core::ramp::Ramp;
use rundruf::store::*;
use rundruf::text::lang::Lang;
use rundruf::text::said::Said;

use super::older;
use crate::store_conformance::fixture::*;

pub const MINUTE: Ms = 60_000;
pub const DAY: Ms = 24 * 60 * MINUTE;
/// Everybody on the list.
pub const PEOPLE: usize = 412;
/// As in the contract's example, faster for one domain so that half a day is enough.
pub const RAMP: Ramp = Ramp {
    start: Rate {
        count: 60,
        per_ms: 60_000,
    },
    double_ms: 2 * MINUTE,
    per_domain: Some(Rate {
        count: 40,
        per_ms: 60_000,
    }),
};
const PROBE: ProbeRules = ProbeRules {
    every_ms: 5 * MINUTE,
    good: 3,
    then: Then::Propose,
    ramp: true,
};

/// A mail that has left.
#[derive(Debug)]
pub struct Mail {
    pub at: Ms,
    pub to: String,
    pub notice: NoticeSeq,
    /// What it sums up beside that, newest first.
    pub covers: Vec<NoticeSeq>,
}

struct Fixed;

impl Clock for Fixed {
    fn now_ms(&self) -> Ms {
        T0
    }
}

fn rules() -> Rules {
    Rules {
        handle_for_ms: None,
        handles_from_ms: Ms::MIN,
        looks_up: false,
        unknown: UnknownPolicy::Repeat,
        concurrency: 8,
        timeout_ms: 65_000,
        one_counterpart: true,
        rate: None,
        ramp: Some(RAMP),
    }
}

fn held() -> LaneSpec {
    LaneSpec {
        first_gate: Gate::Held,
        ..spec("email", "info@stadt.example")
    }
}

/// The installation.
pub struct City {
    dir: tempfile::TempDir,
    store: Option<Sqlite>,
    lane: LaneId,
    core: Lane<Job>,
    rng: fastrand::Rng,
    pub now: Ms,
    timer: Option<Ms>,
    /// Requests under way, by the moment of their answer.
    flights: BTreeMap<(Ms, i64), Job>,
    /// Every mail that left.
    pub mails: Vec<Mail>,
    /// When each release was.
    pub released: Vec<Ms>,
}

impl City {
    pub async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = open(&dir.path().join("data/rundruf.db")).await;
        let lane = store.configure(&[held()], T0).await.unwrap()[0].id;
        let domains = ["gross.example", "gross.example", "mittel.example"];
        let address = |n: usize| match domains.get(n % 5) {
            Some(domain) => format!("p{n}@{domain}"),
            None => format!("p{n}@eigen{n}.example"),
        };
        let list: Vec<String> = (0..PEOPLE).map(address).collect();
        let list: Vec<(&str, &[&str])> = list.iter().map(|a| (a.as_str(), [].as_slice())).collect();
        people(&store, lane, &list).await;
        let mut city = Self {
            dir,
            store: Some(store),
            lane,
            core: Lane::new(rules(), 7),
            rng: fastrand::Rng::with_seed(7),
            now: T0,
            timer: None,
            flights: BTreeMap::new(),
            mails: Vec::new(),
            released: Vec::new(),
        };
        city.read_row().await;
        city
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("data/rundruf.db")
    }

    fn store(&self) -> &Sqlite {
        self.store.as_ref().unwrap()
    }

    pub async fn row(&self) -> LaneRow {
        self.store().lane_rows().await.unwrap().remove(0)
    }

    async fn read_row(&mut self) {
        let row = self.row().await;
        let event = Event::Row {
            gate: row.gate,
            epoch: row.epoch,
            acknowledged: row.acknowledged.0,
            health: row.health,
        };
        self.step(event).await;
    }

    pub async fn publish(&mut self, number: u32) {
        let mut broadcast = to_all(self.lane);
        broadcast.catch_up = CatchUp::Digest;
        publish(self.store(), notice("i", number), vec![broadcast], self.now).await;
        self.step(Event::Wake).await;
    }

    pub async fn probe(&mut self, verdict: Verdict) -> Step {
        let found = ProbeResult {
            at_ms: self.now,
            epoch: self.row().await.epoch,
            verdict,
            text: Said::quoted("421 4.3.2"),
        };
        let step = self.store().probed(self.lane, &found, &PROBE).await.unwrap();
        self.read_row().await;
        step
    }

    fn change(&self, gate: Gate, epoch: i64) -> GateChange {
        GateChange {
            lane: self.lane,
            gate,
            cause: GateCause::Person,
            expected_epoch: Some(epoch),
            reason: None,
        }
    }

    /// A person releases what was shown: the epoch of it, and when.
    pub async fn release(&mut self) -> (i64, Ms) {
        let shown = self.row().await.epoch;
        let change = self.change(Gate::Draining, shown);
        self.store().set_gate(&change, &act("release", self.now)).await.unwrap();
        self.released.push(self.now);
        self.read_row().await;
        (shown, self.now)
    }

    /// The same again, by somebody who was shown the same: refused, and nothing changes.
    pub async fn release_again(&mut self, shown: i64) -> bool {
        let before = self.row().await;
        let change = self.change(Gate::Draining, shown);
        let again = self.store().set_gate(&change, &act("release", self.now)).await;
        matches!(again, Err(StoreError::Conflict(_))) && self.row().await == before
    }

    /// Rows that stand as started.
    pub async fn open_rows(&self) -> u64 {
        let rows = self.store().broadcasts(None).await.unwrap();
        rows.iter().map(|row| row.counters.started).sum()
    }

    async fn step(&mut self, event: Event<Job>) {
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            let now = Now::from(self.now);
            for command in self.core.step(now, event) {
                let store = self.store.as_ref().unwrap();
                match command {
                    Command::Start(job) => {
                        self.mails.push(Mail {
                            at: self.now,
                            to: job.address.clone(),
                            notice: job.notice,
                            covers: serde_json::from_str(&job.variant.text).unwrap_or_default(),
                        });
                        let answer = self.now + self.rng.i64(20..4_000);
                        self.flights.insert((answer, job.delivery.0), job);
                    }
                    Command::Claim {
                        epoch,
                        limit,
                        probe,
                        late_ms,
                        settles,
                    } => {
                        if !settles.is_empty() {
                            events.push_back(Event::Committed);
                        }
                        let mut request = ClaimRequest {
                            epoch,
                            limit,
                            probe,
                            ramp: Some(RAMP),
                            late_ms,
                            settles,
                            ..request(self.lane, self.now)
                        };
                        let mut claimed = store.claim(&request).await.unwrap();
                        assert!(claimed.settled.held.is_empty(), "nothing was refused");
                        request.settles.clear();
                        if !claimed.uncut.is_empty() {
                            assert!(claimed.jobs.is_empty(), "nothing starts before the cut");
                            cut(store, self.lane, self.now).await;
                            claimed = store.claim(&request).await.unwrap();
                        }
                        events.push_back(Event::Claimed {
                            epoch,
                            stored_epoch: claimed.epoch,
                            jobs: claimed.jobs,
                            next_due_ms: claimed.next_due_ms,
                            more: claimed.more,
                            drained: claimed.drained,
                            paid_ms: claimed.paid_ms,
                        });
                    }
                    Command::Complete(batch) => {
                        let done = store.complete(&batch).await.unwrap();
                        assert!(done.held.is_empty(), "nothing was refused");
                        events.push_back(Event::Committed);
                    }
                    Command::GiveBack(rows) => {
                        store.give_back(&rows, self.now).await.unwrap();
                        events.push_back(Event::GivenBack);
                    }
                    Command::SetHealth(row) => {
                        store.set_health(self.lane, &row).await.unwrap();
                        events.push_back(Event::HealthStored);
                    }
                    Command::Acknowledge { epoch, in_flight } => {
                        store.acknowledge_gate(self.lane, epoch, in_flight).await.unwrap();
                    }
                    Command::EndDrain { epoch } => {
                        let change = GateChange {
                            cause: GateCause::Itself,
                            ..self.change(Gate::Open, epoch)
                        };
                        let row = store.set_gate(&change, &act("drained", self.now)).await.unwrap();
                        events.push_back(Event::Row {
                            gate: row.gate,
                            epoch: row.epoch,
                            acknowledged: row.acknowledged.0,
                            health: row.health,
                        });
                    }
                    Command::WakeAt(at) => self.timer = at,
                    Command::Refresh | Command::Stopped => {}
                    Command::LookUp(_) | Command::ReadUnknown { .. } => panic!("mail reads nothing back"),
                }
            }
        }
    }

    /// Lets so much time pass, with every timer and every answer that falls into it.
    pub async fn pass(&mut self, ms: Ms) {
        let end = self.now + ms;
        loop {
            let answer = self.flights.keys().next().map(|(at, _)| *at);
            let Some(next) = answer.into_iter().chain(self.timer).min().filter(|at| *at <= end) else {
                break;
            };
            // A timer comes a little late, as they do.
            self.now = self.now.max(next) + self.rng.i64(0..20);
            if answer == Some(next) {
                let ((..), job) = self.flights.pop_first().unwrap();
                let report = Report {
                    outcome: Outcome::Delivered(Remote::default()),
                    reason: Reason::Ok,
                    text: Said::default(),
                };
                self.step(Event::Finished { job, report }).await;
            } else {
                self.timer = None;
                self.step(Event::Timer).await;
            }
        }
        self.now = self.now.max(end);
    }

    /// SIGTERM: what is in flight ends and is written down; then a new process.
    pub async fn stop_and_start(&mut self) {
        self.step(Event::Stop).await;
        while let Some((at, _)) = self.flights.keys().next().copied() {
            self.pass((at - self.now).max(0)).await;
        }
        self.restart(false).await;
    }

    /// The process dies and another one comes; with `older` the store is one of the release before gates were complete.
    pub async fn restart(&mut self, older: bool) {
        assert!(self.flights.is_empty());
        self.store.take().unwrap().close().await;
        if older {
            older::back_to_schema_2(&self.path()).await;
        }
        let store = open(&self.path()).await;
        assert_eq!(store.identity().await.unwrap().schema, SCHEMA);
        store.configure(&[held()], self.now).await.unwrap();
        let takeover = Takeover {
            lane: self.lane,
            handle_for_ms: None,
            handles_from_ms: Ms::MIN,
            repeat: true,
            drop: false,
        };
        store.take_over(&[takeover], self.now).await.unwrap();
        self.store = Some(store);
        self.core = Lane::new(rules(), 7);
        self.timer = None;
        self.read_row().await;
    }
}

/// What waits becomes one message, whose text is what it sums up.
async fn cut(store: &Sqlite, lane: LaneId, now: Ms) {
    for due in store.due_cuts(lane, Some(now)).await.unwrap() {
        let text = Variant {
            text: serde_json::to_string(&due.covers).unwrap(),
            ..to_all(lane).variants[&Lang::De].clone()
        };
        let texts = [(Lang::De, text)].into();
        store.cut(&FrozenCut { due, texts }, now).await.unwrap();
    }
}

async fn open(path: &std::path::Path) -> Sqlite {
    Sqlite::open(path, Arc::new(Fixed)).await.unwrap()
}
