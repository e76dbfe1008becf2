//! The lane's state machine on the real store: what neither shows alone. One thread, and time is a number.

use std::collections::VecDeque;

use rundruf::clock::Ms;
use rundruf::domain::delivery::{DeliveryState as State, Gate, UnknownPolicy};
use rundruf::domain::outcome::{Outcome, Reason, Remote, Report};
use rundruf::ids::{DeliveryId, LaneId};
use rundruf::lane_core::event::{Command, Event, Found, Now, Rules};
use rundruf::lane_core::lane::Lane;
use rundruf::store::*;
use rundruf::text::said::Said;

use crate::store_conformance::fixture::*;

const MINUTE: Ms = 60_000;
const HOUR: Ms = 60 * MINUTE;

/// A lane that knows its messages again for an hour and reads back.
fn rules(unknown: UnknownPolicy) -> Rules {
    Rules {
        handle_for_ms: Some(HOUR),
        handles_from_ms: Ms::MIN,
        looks_up: true,
        unknown,
        concurrency: 1,
        timeout_ms: 15_000,
        one_counterpart: true,
        rate: None,
        ramp: None,
    }
}

/// Carries commands to the store at once; requests and look-ups wait to be answered.
struct Stage {
    store: Sqlite,
    lane: LaneId,
    core: Lane<Job>,
    now: Ms,
    timer: Option<Ms>,
    requests: VecDeque<Job>,
    looks: VecDeque<Job>,
    _dir: tempfile::TempDir,
}

impl Stage {
    async fn new(unknown: UnknownPolicy) -> Self {
        let (dir, store) = sqlite().await;
        let lane = lanes(&store, &["a"]).await[0];
        let mut stage = Self {
            store,
            lane,
            core: Lane::new(rules(unknown), 7),
            now: T0,
            timer: None,
            requests: VecDeque::new(),
            looks: VecDeque::new(),
            _dir: dir,
        };
        stage.read_row().await;
        stage
    }

    async fn read_row(&mut self) {
        let row = self.store.lane_rows().await.unwrap().remove(0);
        let event = Event::Row {
            gate: row.gate,
            epoch: row.epoch,
            acknowledged: row.acknowledged.0,
            health: row.health,
        };
        self.step(event).await;
    }

    async fn step(&mut self, event: Event<Job>) {
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            let now = Now {
                wall_ms: self.now,
                running_ms: self.now,
            };
            for command in self.core.step(now, event) {
                match command {
                    Command::Start(job) => self.requests.push_back(job),
                    Command::LookUp(job) => self.looks.push_back(job),
                    Command::ReadUnknown { after } => {
                        let jobs = self.store.unknown_jobs(self.lane, after, 1_000).await.unwrap();
                        events.push_back(Event::Unknowns { jobs, more: false });
                    }
                    Command::Claim {
                        epoch,
                        limit,
                        probe,
                        settles,
                        ..
                    } => {
                        if !settles.is_empty() {
                            events.push_back(Event::Committed);
                        }
                        let request = ClaimRequest {
                            epoch,
                            limit,
                            probe,
                            settles,
                            ..request(self.lane, self.now)
                        };
                        let claimed = self.store.claim(&request).await.unwrap();
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
                        self.store.complete(&batch).await.unwrap();
                        events.push_back(Event::Committed);
                    }
                    Command::GiveBack(rows) => {
                        self.store.give_back(&rows, self.now).await.unwrap();
                        events.push_back(Event::GivenBack);
                    }
                    Command::SetHealth(row) => {
                        self.store.set_health(self.lane, &row).await.unwrap();
                        events.push_back(Event::HealthStored);
                    }
                    Command::Acknowledge { epoch, in_flight } => {
                        self.store.acknowledge_gate(self.lane, epoch, in_flight).await.unwrap();
                    }
                    Command::WakeAt(at) => self.timer = at,
                    Command::Refresh | Command::EndDrain { .. } | Command::Stopped => {}
                }
            }
        }
    }

    /// Lets so much time pass, with every timer that falls into it.
    async fn pass(&mut self, ms: Ms) {
        let end = self.now + ms;
        while let Some(at) = self.timer.take_if(|at| *at <= end) {
            self.now = at.max(self.now);
            self.step(Event::Timer).await;
        }
        self.now = end;
    }

    async fn publish(&mut self, number: u32) {
        publish(&self.store, notice("i", number), vec![to(self.lane)], self.now).await;
        self.step(Event::Wake).await;
    }

    async fn answer(&mut self, outcome: Outcome) {
        let job = self.requests.pop_front().expect("a request is under way");
        let report = Report {
            outcome,
            reason: Reason::NoAnswer,
            text: Said::default(),
        };
        self.step(Event::Finished { job, report }).await;
    }

    async fn found(&mut self, found: Found) {
        let job = self.looks.pop_front().expect("a look is under way");
        self.step(Event::LookedUp { job, found }).await;
    }

    async fn gate(&mut self, gate: Gate) {
        let change = GateChange {
            lane: self.lane,
            gate,
            cause: rundruf::domain::delivery::GateCause::Person,
            expected_epoch: None,
            reason: None,
        };
        self.store.set_gate(&change, &act("gate", self.now)).await.unwrap();
        self.read_row().await;
    }

    async fn state(&self, delivery: DeliveryId) -> State {
        self.store.explain(delivery).await.unwrap().unwrap().delivery.state
    }

    fn is_silent(&self) -> bool {
        self.requests.is_empty() && self.looks.is_empty()
    }
}

/// The service takes requests and answers none for over an hour, nor can it be asked; then it recovers, and has got nothing.
#[tokio::test]
async fn what_is_certainly_not_there_goes_again_after_an_hour_of_silence() {
    let mut stage = Stage::new(UnknownPolicy::Ask).await;
    stage.publish(1).await;
    let delivery = stage.requests[0].delivery;
    while stage.now < T0 + 2 * HOUR || stage.looks.is_empty() {
        if let Some(job) = stage.requests.front() {
            assert_eq!(job.delivery, delivery);
            stage.answer(Outcome::Unknown).await;
        }
        if !stage.looks.is_empty() {
            stage.found(Found::CannotTell).await;
        }
        stage.pass(MINUTE).await;
        assert!(stage.now < T0 + 9 * HOUR, "nobody looks");
    }
    stage.found(Found::NotThere).await;
    stage.pass(MINUTE).await;
    assert_eq!(stage.requests.len(), 1, "certainly not there: it goes again");
    assert!(!stage.requests[0].after_unknown);
    stage.answer(Outcome::Delivered(Remote::default())).await;
    assert_eq!(stage.state(delivery).await, State::Delivered);
    stage.publish(2).await;
    assert_eq!(stage.requests.len(), 1, "and the incident goes on");
}

/// Its time ran out while it waited to be repeated: nobody knew, and nobody looked before the next start.
#[tokio::test]
async fn what_is_out_of_time_is_looked_for() {
    let mut stage = Stage::new(UnknownPolicy::Ask).await;
    let short = NewBroadcast {
        expires_at_ms: Some(T0 + 2 * MINUTE),
        ..to(stage.lane)
    };
    publish(&stage.store, notice("i", 1), vec![short], stage.now).await;
    stage.step(Event::Wake).await;
    let delivery = stage.requests[0].delivery;
    stage.answer(Outcome::Unknown).await;
    stage.gate(Gate::Held).await;
    stage.pass(2 * MINUTE).await;
    assert_eq!(stage.store.expire(stage.now).await.unwrap(), 1);
    assert_eq!(stage.state(delivery).await, State::Unknown);
    stage.gate(Gate::Open).await;
    stage.pass(15 * MINUTE).await;
    stage.found(Found::There(Remote::default())).await;
    assert_eq!(stage.state(delivery).await, State::Delivered);
}

/// `repeat` on a kind that reads back: first it is looked for, and repeated once where nobody can say.
#[tokio::test]
async fn with_repeat_it_is_looked_for_before_it_is_repeated() {
    let mut stage = Stage::new(UnknownPolicy::Repeat).await;
    stage.publish(1).await;
    let delivery = stage.requests[0].delivery;
    stage.answer(Outcome::Unknown).await;
    stage.gate(Gate::Held).await;
    stage.pass(2 * HOUR).await;
    assert!(stage.is_silent());
    stage.gate(Gate::Open).await;
    stage.pass(MINUTE).await;
    assert!(stage.requests.is_empty(), "its key has run out: nothing leaves unseen");
    let mut looks = 0;
    while stage.requests.is_empty() {
        while !stage.looks.is_empty() {
            stage.found(Found::CannotTell).await;
            looks += 1;
            assert!(looks < 10, "looked for over and over");
        }
        stage.pass(MINUTE).await;
        assert!(stage.now < T0 + 10 * HOUR, "it never goes");
    }
    assert!(looks > 1);
    assert_eq!(stage.requests.len(), 1);
    stage.answer(Outcome::Unknown).await;
    assert_ne!(stage.state(delivery).await, State::Delivered);
    stage.pass(10 * MINUTE).await;
    assert!(
        !stage.requests.is_empty() || !stage.looks.is_empty(),
        "and all over again"
    );
}
