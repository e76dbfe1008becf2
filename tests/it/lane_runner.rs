//! The lanes as they run: tasks, a store behind the async trait, a channel. The store is the simulation's model, the
//! channel answers when it is told to; nothing sleeps and nothing depends on how fast the machine is.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use rundruf::channel::{Abilities, Built, Channel, Finding};
use rundruf::clock::{Ms, SystemClock};
use rundruf::domain::delivery::{DeliveryState as State, Gate, Operation, UnknownPolicy};
use rundruf::domain::notice::Notice;
use rundruf::domain::outcome::{Outcome, Reason, Remote, Report};
use rundruf::formats::{Site, SiteBuilder, SiteError};
use rundruf::ids::{DeliveryId, IncidentId, LaneId, NoticeSeq};
use rundruf::lane::{LaneSetup, LanesHandle, SiteWorld, start};
use rundruf::render::message::Message;
use rundruf::render::{Engine, RenderError};
use rundruf::settings::Common;
use rundruf::store::{
    Act, AudienceChange, ClaimRequest, Claimed, Completion, GateChange, HealthRow, Job, LaneRow, LaneSpec, Lanes,
    Person, Receipt, ReceiptMatch, StoreError, TakenOver, Takeover, TargetResult, TargetRow, Variant,
};
use tokio::sync::{Semaphore, watch};

use crate::simulation::model::Model;
use crate::store_conformance::fixture::{notice, publication, to_all};

const LANE: LaneId = LaneId(1);

/// The model behind the trait.
#[derive(Default)]
struct ModelStore(Mutex<Model>);

impl ModelStore {
    fn model(&self) -> MutexGuard<'_, Model> {
        self.0.lock().unwrap()
    }

    fn count(&self, state: State) -> usize {
        self.model().rows.iter().filter(|row| row.state == state).count()
    }
}

#[async_trait]
impl Lanes for ModelStore {
    async fn configure(&self, _: &[LaneSpec], _: Ms) -> Result<Vec<LaneRow>, StoreError> {
        self.lane_rows().await
    }
    async fn lane_rows(&self) -> Result<Vec<LaneRow>, StoreError> {
        let model = self.model();
        let row = |(id, lane): (&LaneId, &crate::simulation::model::ModelLane)| LaneRow {
            id: *id,
            name: format!("lane{id}"),
            kind: "test".into(),
            account: "test".into(),
            configured: true,
            gate: lane.gate,
            gate_reason: None,
            gate_by: None,
            gate_since_ms: 0,
            epoch: lane.epoch,
            acknowledged: lane.acknowledged,
            audience: 0,
            health: lane.health.clone(),
        };
        Ok(model.lanes.iter().map(row).collect())
    }
    async fn sync_audience(&self, _: LaneId, _: &[Person], _: Ms) -> Result<AudienceChange, StoreError> {
        Ok(AudienceChange::default())
    }
    async fn take_over(&self, lanes: &[Takeover], now: Ms) -> Result<Vec<TakenOver>, StoreError> {
        Ok(self.model().take_over(lanes, now))
    }
    async fn claim(&self, request: &ClaimRequest) -> Result<Claimed, StoreError> {
        Ok(self.model().claim(request))
    }
    async fn give_back(&self, rows: &[(DeliveryId, u32)], now: Ms) -> Result<(), StoreError> {
        self.model().give_back(rows, now);
        Ok(())
    }
    async fn unknown_jobs(&self, lane: LaneId, _: u32) -> Result<Vec<Job>, StoreError> {
        Ok(self.model().unknown_jobs(lane))
    }
    async fn complete(&self, completions: &[Completion]) -> Result<(), StoreError> {
        self.model().complete(completions);
        Ok(())
    }
    async fn set_health(&self, lane: LaneId, health: &HealthRow) -> Result<(), StoreError> {
        self.model().lanes.get_mut(&lane).unwrap().health = health.clone();
        Ok(())
    }
    async fn set_gate(&self, change: &GateChange, _: &Act) -> Result<LaneRow, StoreError> {
        self.model().set_gate(change.lane, change.gate);
        Ok(self.lane_rows().await?.remove(0))
    }
    async fn acknowledge_gate(&self, lane: LaneId, epoch: i64, in_flight: u32) -> Result<(), StoreError> {
        let mut model = self.model();
        let lane = model.lanes.get_mut(&lane).unwrap();
        lane.acknowledged = lane.acknowledged.max((epoch, in_flight));
        Ok(())
    }
    async fn receipts(&self, _: LaneId, _: &[Receipt], _: Ms) -> Result<Vec<ReceiptMatch>, StoreError> {
        Ok(Vec::new())
    }
    async fn expire(&self, _: Ms) -> Result<u64, StoreError> {
        Ok(0)
    }
    async fn targets(&self, _: LaneId) -> Result<Vec<TargetRow>, StoreError> {
        Ok(Vec::new())
    }
    async fn raise_targets(&self, _: LaneId, _: Ms) -> Result<(), StoreError> {
        Ok(())
    }
    async fn target_result(&self, _: &TargetResult) -> Result<(), StoreError> {
        Ok(())
    }
    async fn high_time(&self, now: Ms) -> Result<Ms, StoreError> {
        Ok(now)
    }
    async fn handles_from(&self, back_at: Option<Ms>) -> Result<Ms, StoreError> {
        Ok(self.model().handles_from(back_at))
    }
    async fn shift_times(&self, by: Ms) -> Result<(), StoreError> {
        self.model().shift_times(by);
        Ok(())
    }
}

/// Takes a request, counts it, and answers when it has a permit to.
struct Slow {
    handle: bool,
    permits: Semaphore,
    books: Mutex<HashMap<DeliveryId, u32>>,
    begun: watch::Sender<u32>,
}

impl Slow {
    fn new(handle: bool, permits: usize) -> Arc<Self> {
        Arc::new(Self {
            handle,
            permits: Semaphore::new(permits),
            books: Mutex::default(),
            begun: watch::Sender::new(0),
        })
    }

    fn begun(&self) -> u32 {
        *self.begun.borrow()
    }

    async fn until_begun(&self, n: u32) {
        self.begun.subscribe().wait_for(|begun| *begun >= n).await.unwrap();
    }
}

#[async_trait]
impl Channel for Slow {
    fn abilities(&self) -> Abilities {
        Abilities {
            handle_for: self.handle.then_some(Duration::MAX),
            looks_up: false,
            receipts: false,
            threads: false,
            correction: Operation::Post,
            retraction: Operation::Post,
            links: false,
            audience: true,
            unknown: UnknownPolicy::Ask,
            concurrency: 16,
            timeout: Duration::from_secs(3_600),
        }
    }
    fn account(&self) -> String {
        "test".into()
    }
    fn compose(&self, _: &Engine, _: &Message, _: Operation) -> Result<Variant, RenderError> {
        unreachable!("lanes send what was composed before")
    }
    async fn send(&self, job: &Job, _: Ms) -> Report {
        *self.books.lock().unwrap().entry(job.delivery).or_default() += 1;
        self.begun.send_modify(|n| *n += 1);
        self.permits.acquire().await.unwrap().forget();
        Report {
            outcome: Outcome::Delivered(Remote::default()),
            reason: Reason::Ok,
            text: String::new(),
        }
    }
    async fn check(&self) -> Vec<Finding> {
        Vec::new()
    }
}

struct NoSite;

#[async_trait]
impl SiteBuilder for NoSite {
    async fn build(&self, _: &[String], _: Ms) -> Result<Site, SiteError> {
        Ok(Site::default())
    }
}

async fn run(store: &Arc<ModelStore>, channel: &Arc<Slow>) -> LanesHandle {
    let site = SiteWorld {
        builder: Arc::new(NoSite),
        instance: 1,
    };
    let setup = LaneSetup {
        lane: LANE,
        name: "lane1".into(),
        common: Common::default(),
        publishers: vec!["potsdam".into()],
        built: Built::Messages(Arc::clone(channel) as Arc<dyn Channel>),
    };
    let store = Arc::clone(store) as Arc<dyn Lanes>;
    start(store, Arc::new(SystemClock), site, vec![setup]).await.unwrap()
}

fn thousand() -> Arc<ModelStore> {
    let store = Arc::new(ModelStore::default());
    let people: Vec<_> = (0..1_000).map(|n| (format!("+49{n}"), Vec::new())).collect();
    store.model().add_lane(LANE, &people);
    publish(&store, 1);
    store
}

fn publish(store: &ModelStore, number: u32) {
    let urgent = Notice {
        urgent: true,
        ..notice("i", number)
    };
    let p = publication(urgent, vec![to_all(LANE)], 0);
    store.model().publish(&p, NoticeSeq(number.into()), IncidentId(1));
}

async fn acknowledged(store: &ModelStore) -> u32 {
    loop {
        let lane = store.model().lanes[&LANE].clone();
        if lane.acknowledged.0 >= lane.epoch {
            return lane.acknowledged.1;
        }
        tokio::task::yield_now().await;
    }
}

const PLENTY: usize = 100_000;

#[tokio::test]
async fn a_thousand_deliveries_arrive_once_each() {
    let (store, channel) = (thousand(), Slow::new(true, PLENTY));
    let lanes = run(&store, &channel).await;
    lanes.drained().await;
    assert_eq!(store.count(State::Delivered), 1_000);
    assert_eq!(channel.begun(), 1_000);
    assert!(store.model().recount().is_empty());
    assert!(lanes.stop(Duration::from_secs(60)).await);
}

#[tokio::test]
async fn a_wake_brings_what_was_published_meanwhile() {
    let (store, channel) = (thousand(), Slow::new(false, PLENTY));
    let lanes = run(&store, &channel).await;
    lanes.drained().await;
    publish(&store, 2);
    lanes.wake();
    lanes.drained().await;
    assert_eq!(store.count(State::Delivered), 2_000);
}

#[tokio::test]
async fn after_a_hold_is_acknowledged_nothing_starts_until_the_release() {
    let (store, channel) = (thousand(), Slow::new(true, 100));
    let lanes = run(&store, &channel).await;
    channel.until_begun(116).await;
    store.model().set_gate(LANE, Gate::Held);
    lanes.wake();
    let in_flight = acknowledged(&store).await;
    let begun = channel.begun();
    assert_eq!(in_flight, 16);
    channel.permits.add_permits(PLENTY);
    lanes.drained().await;
    assert_eq!(channel.begun(), begun, "what was in flight ended, nothing else began");
    assert_eq!(store.count(State::Delivered), 116);
    assert_eq!(store.count(State::Started), 0, "claimed rows went back");
    store.model().set_gate(LANE, Gate::Open);
    lanes.wake();
    acknowledged(&store).await;
    lanes.drained().await;
    assert_eq!(store.count(State::Delivered), 1_000);
    assert_eq!(channel.begun(), 1_000, "nobody twice");
}

#[tokio::test]
async fn after_a_crash_a_handle_repeats_and_without_one_it_stands_as_unknown() {
    for handle in [true, false] {
        let (store, channel) = (thousand(), Slow::new(handle, 100));
        let lanes = run(&store, &channel).await;
        channel.until_begun(116).await;
        // Sixteen requests have left and nobody will ever hear their answers.
        drop(lanes);
        let next = Slow::new(handle, PLENTY);
        let lanes = run(&store, &next).await;
        lanes.drained().await;
        let unknown = store.count(State::Unknown);
        assert_eq!(store.count(State::Delivered) + unknown, 1_000);
        assert_eq!(store.count(State::Started) + store.count(State::Waiting), 0);
        if handle {
            assert_eq!(unknown, 0);
        } else {
            assert!(unknown <= 16, "at most the connections: {unknown}");
            let first = channel.books.lock().unwrap().clone();
            let twice = next
                .books
                .lock()
                .unwrap()
                .keys()
                .filter(|id| first.contains_key(id))
                .count();
            assert_eq!(twice, 0, "nothing is sent again by itself");
        }
        assert!(store.model().recount().is_empty());
    }
}

#[tokio::test]
async fn stopping_gives_back_what_has_not_started_and_waits_for_the_rest() {
    let (store, channel) = (thousand(), Slow::new(true, 100));
    let lanes = run(&store, &channel).await;
    channel.until_begun(116).await;
    channel.permits.add_permits(16);
    assert!(lanes.stop(Duration::from_secs(60)).await);
    assert_eq!(store.count(State::Started), 0);
    assert_eq!(store.count(State::Delivered), 116);
    assert_eq!(store.count(State::Waiting), store.model().rows.len() - 116);
}
