//! The lanes as they run: tasks, a store behind the async trait, a channel. The store is the simulation's model, the
//! channel answers when it is told to; nothing sleeps and nothing depends on how fast the machine is.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use rundruf::channel::{Abilities, Built, Channel, Finding};
use rundruf::clock::{Clock, Ms, SharedClock, SystemClock};
use rundruf::domain::delivery::{DeliveryState as State, Gate, GateCause, Operation, UnknownPolicy};
use rundruf::domain::notice::Notice;
use rundruf::domain::outcome::{Outcome, Reason, Remote, Report};
use rundruf::formats::{Site, SiteBuilder, SiteError, SiteOf};
use rundruf::ids::{DeliveryId, IncidentId, LaneId, NoticeSeq};
use rundruf::lane::{Digests, LaneSetup, LanesHandle, SiteWorld, Unwritten, start};
use rundruf::lane_core::probation::{ProbeResult, ProbeRules, Step};
use rundruf::render::Engine;
use rundruf::render::compose::ComposeError;
use rundruf::render::message::Message;
use rundruf::settings::Common;
use rundruf::store::disk::Disk;
use rundruf::store::{
    Act, AudienceChange, Bell, ClaimRequest, Claimed, Completed, Completion, DueCut, FrozenCut, GateChange, HealthRow,
    Job, LaneRow, LaneSpec, Lanes, Leap, List, ListMark, Receipt, ReceiptMatch, ReceiptWord, Removed, StoreError,
    TakenOver, Takeover, TargetResult, TargetRow, Trouble, Variant,
};
use rundruf::text::said::Said;
use tokio::sync::{Semaphore, watch};

use crate::model::Model;
use crate::store_conformance::fixture::{notice, publication, to_all};
use crate::support::wait::eventually_async;

const LANE: LaneId = LaneId(1);

/// The model behind the trait.
#[derive(Default)]
struct ModelStore {
    model: Mutex<Model>,
    leap: watch::Sender<Option<Leap>>,
    /// So many claims that take outcomes along fail, with all they were to write.
    fails: AtomicU32,
}

impl ModelStore {
    fn model(&self) -> MutexGuard<'_, Model> {
        self.model.lock().unwrap()
    }

    fn count(&self, state: State) -> usize {
        self.model().rows.iter().filter(|row| row.state == state).count()
    }
}

#[async_trait]
impl Digests for ModelStore {
    async fn cut(&self, lane: LaneId, over: Option<Ms>) -> Result<(), Unwritten> {
        self.model().cut(lane, IncidentId(1), "Zusammenfassung", over, 0);
        Ok(())
    }
}

#[async_trait]
impl Lanes for ModelStore {
    async fn configure(&self, _: &[LaneSpec], _: Ms) -> Result<Vec<LaneRow>, StoreError> {
        self.lane_rows().await
    }
    fn ring(&self, _: Arc<dyn Bell>) {}
    async fn lane_rows(&self) -> Result<Vec<LaneRow>, StoreError> {
        let model = self.model();
        let row = |(id, lane): (&LaneId, &crate::model::ModelLane)| LaneRow {
            id: *id,
            name: format!("lane{id}"),
            kind: "test".into(),
            account: "test".into(),
            configured: true,
            gate: lane.gate,
            gate_reason: None,
            gate_by: None,
            gate_cause: GateCause::Settings,
            ran: None,
            probe: None,
            gate_since_ms: 0,
            epoch: lane.epoch,
            acknowledged: lane.acknowledged,
            audience: 0,
            failover: lane.failover,
            health: lane.health.clone(),
        };
        Ok(model.lanes.iter().map(row).collect())
    }
    async fn sync_list(&self, _: LaneId, _: &mut dyn List, _: Ms) -> Result<AudienceChange, StoreError> {
        Ok(AudienceChange::default())
    }
    async fn list_marks(&self) -> Result<BTreeMap<LaneId, ListMark>, StoreError> {
        Ok(BTreeMap::new())
    }
    async fn list_is_same(&self, _: LaneId, _: &ListMark) -> Result<(), StoreError> {
        Ok(())
    }
    async fn take_over(&self, lanes: &[Takeover], now: Ms) -> Result<Vec<TakenOver>, StoreError> {
        Ok(self.model().take_over(lanes, now))
    }
    async fn claim(&self, request: &ClaimRequest) -> Result<Claimed, StoreError> {
        let one_less = |left: u32| left.checked_sub(1);
        if !request.settles.is_empty() && self.fails.fetch_update(SeqCst, SeqCst, one_less).is_ok() {
            return Err(StoreError::Broken(Trouble::NotTaken));
        }
        let mut model = self.model();
        let settled = model.complete(&request.settles);
        Ok(Claimed {
            settled,
            ..model.claim(request)
        })
    }
    async fn due_cuts(&self, _: LaneId, _: Option<Ms>) -> Result<Vec<DueCut>, StoreError> {
        Ok(Vec::new())
    }
    async fn cut(&self, _: &FrozenCut, _: Ms) -> Result<(), StoreError> {
        Ok(())
    }
    async fn no_digest(&self, _: &DueCut, _: &Said) -> Result<bool, StoreError> {
        Ok(true)
    }
    async fn give_back(&self, rows: &[(DeliveryId, u32)], now: Ms) -> Result<Vec<LaneId>, StoreError> {
        Ok(self.model().give_back(rows, now))
    }
    async fn unknown_jobs(&self, lane: LaneId, after: DeliveryId, limit: u32) -> Result<Vec<Job>, StoreError> {
        Ok(self.model().unknown_jobs(lane, after, limit as usize))
    }
    async fn complete(&self, completions: &[Completion]) -> Result<Completed, StoreError> {
        Ok(self.model().complete(completions))
    }
    async fn set_health(&self, lane: LaneId, health: &HealthRow) -> Result<(), StoreError> {
        self.model().lanes.get_mut(&lane).unwrap().health = health.clone();
        Ok(())
    }
    async fn set_gate(&self, change: &GateChange, act: &Act) -> Result<LaneRow, StoreError> {
        self.model().set_gate(change.lane, change.gate, act.at_ms);
        Ok(self.lane_rows().await?.remove(0))
    }
    async fn probed(&self, _: LaneId, _: &ProbeResult, _: &ProbeRules) -> Result<Step, StoreError> {
        Ok(Step::Leave)
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
    async fn remove_old(&self, before: Ms, limit: u32, now: Ms) -> Result<Removed, StoreError> {
        Ok(self.model().remove_old(before, limit, now))
    }
    async fn forget_left(&self, _: Ms, _: u32) -> Result<u64, StoreError> {
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
    async fn leap(&self) -> Result<Option<Leap>, StoreError> {
        Ok(*self.leap.borrow())
    }
    async fn set_leap(&self, leap: Option<Leap>, _: Option<&Act>) -> Result<(), StoreError> {
        self.leap.send_replace(leap);
        Ok(())
    }
    async fn high_time(&self, now: Ms) -> Result<Ms, StoreError> {
        Ok(now)
    }
    async fn handles_from(&self, back_at: Option<Ms>) -> Result<Ms, StoreError> {
        Ok(self.model().handles_from(back_at))
    }
    async fn shift_times(&self, by: Ms, leap: Option<Leap>, _: Option<&Act>) -> Result<(), StoreError> {
        self.model().shift_times(by);
        self.leap.send_replace(leap);
        Ok(())
    }
}

/// Takes a request, counts it, and answers when it has a permit to.
struct Slow {
    handle: bool,
    permits: Semaphore,
    books: Mutex<HashMap<DeliveryId, u32>>,
    begun: watch::Sender<u32>,
    /// A gateway: takes it, and says later what became of it.
    gateway: bool,
    /// Asks everybody to wait until then.
    asks: Option<Ms>,
    /// The counterpart's host and clock.
    time: Mutex<Option<(String, Ms)>>,
}

impl Slow {
    fn new(handle: bool, permits: usize) -> Arc<Self> {
        Arc::new(Self::of(handle, permits))
    }

    fn gateway(permits: usize) -> Arc<Self> {
        Arc::new(Self {
            gateway: true,
            ..Self::of(false, permits)
        })
    }

    fn of(handle: bool, permits: usize) -> Self {
        Self {
            handle,
            permits: Semaphore::new(permits),
            books: Mutex::default(),
            begun: watch::Sender::new(0),
            gateway: false,
            asks: None,
            time: Mutex::default(),
        }
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
    fn compose(&self, _: &Engine, _: &Message, _: Operation) -> Result<Variant, ComposeError> {
        unreachable!("lanes send what was composed before")
    }
    async fn send(&self, job: &Job, _: Ms) -> Report {
        *self.books.lock().unwrap().entry(job.delivery).or_default() += 1;
        self.begun.send_modify(|n| *n += 1);
        self.permits.acquire().await.unwrap().forget();
        let (outcome, reason) = match self.asks {
            Some(until) => (Outcome::Later { until }, Reason::RateLimited),
            None if self.gateway => (Outcome::Accepted(taken_as(job.delivery)), Reason::Ok),
            None => (Outcome::Delivered(Remote::default()), Reason::Ok),
        };
        Report {
            outcome,
            reason,
            text: Said::default(),
        }
    }
    async fn their_time(&self) -> Option<(String, Ms)> {
        self.time.lock().unwrap().clone()
    }
    async fn check(&self) -> Vec<Finding> {
        Vec::new()
    }
}

/// The gateway's id.
fn taken_as(delivery: DeliveryId) -> Remote {
    Remote {
        id: Some(format!("g{delivery}")),
        url: None,
    }
}

/// A clock set by hand.
struct HandSet(std::sync::atomic::AtomicI64);

impl HandSet {
    fn set(&self, ms: Ms) {
        self.0.store(ms, std::sync::atomic::Ordering::SeqCst);
    }
}

impl Clock for HandSet {
    fn now_ms(&self) -> Ms {
        self.0.load(std::sync::atomic::Ordering::SeqCst)
    }
}

struct NoSite;

#[async_trait]
impl SiteBuilder for NoSite {
    async fn build(&self, _: SiteOf<'_>, _: Ms) -> Result<Site, SiteError> {
        Ok(Site::default())
    }
}

async fn run(store: &Arc<ModelStore>, channel: &Arc<Slow>) -> LanesHandle {
    run_by(Arc::new(SystemClock), store, &[(LANE, channel)]).await
}

async fn run_by(clock: SharedClock, store: &Arc<ModelStore>, channels: &[(LaneId, &Arc<Slow>)]) -> LanesHandle {
    let site = SiteWorld {
        builder: Arc::new(NoSite),
        instance: 1,
    };
    let setup = |(lane, channel): &(LaneId, &Arc<Slow>)| LaneSetup {
        lane: *lane,
        name: format!("lane{lane}"),
        common: Common::default(),
        built: Built::Messages(Arc::clone(channel) as Arc<dyn Channel>),
    };
    let setups = channels.iter().map(setup).collect();
    let digests = Arc::clone(store) as Arc<dyn Digests>;
    let lanes = Arc::clone(store) as Arc<dyn Lanes>;
    let disk = Disk::of(&std::env::temp_dir());
    start(lanes, clock, site, digests, setups, disk).await.unwrap()
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
    eventually_async("the gate is acknowledged", || async {
        let lane = store.model().lanes[&LANE].clone();
        (lane.acknowledged.0 >= lane.epoch).then_some(lane.acknowledged.1)
    })
    .await
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

/// Without a handle a claim takes the outcomes along. Where its transaction fails, they are written with the next one: nobody is asked about a message
/// whose answer came, and nobody gets it twice.
#[tokio::test]
async fn outcomes_that_went_with_a_failed_claim_are_written_again() {
    let (store, channel) = (thousand(), Slow::new(false, PLENTY));
    store.fails.store(2, SeqCst);
    let lanes = run(&store, &channel).await;
    lanes.drained().await;
    assert_eq!(store.fails.load(SeqCst), 0, "some have failed");
    assert_eq!(store.count(State::Delivered), 1_000);
    assert_eq!(channel.begun(), 1_000);
    assert!(store.model().recount().is_empty());
    assert!(lanes.stop(Duration::from_secs(60)).await);
    assert_eq!(store.count(State::Delivered), 1_000);
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
    store.model().set_gate(LANE, Gate::Held, 0);
    lanes.wake();
    let in_flight = acknowledged(&store).await;
    let begun = channel.begun();
    assert_eq!(in_flight, 16);
    channel.permits.add_permits(PLENTY);
    lanes.drained().await;
    assert_eq!(channel.begun(), begun, "what was in flight ended, nothing else began");
    assert_eq!(store.count(State::Delivered), 116);
    assert_eq!(store.count(State::Started), 0, "claimed rows went back");
    store.model().set_gate(LANE, Gate::Open, 0);
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

#[tokio::test]
async fn a_rejection_that_comes_before_the_answer_brings_the_reserve_to_work() {
    const RESERVE: LaneId = LaneId(2);
    let store = Arc::new(ModelStore::default());
    let people: Vec<_> = (0..3).map(|n| (format!("+49{n}"), Vec::new())).collect();
    store.model().add_lane(LANE, &people);
    store.model().add_lane(RESERVE, &[]);
    store.model().lanes.get_mut(&LANE).unwrap().failover = Some(RESERVE);
    publish(&store, 1);
    let (first, reserve) = (Slow::gateway(0), Slow::gateway(PLENTY));
    let channels = [(LANE, &first), (RESERVE, &reserve)];
    let lanes = run_by(Arc::new(SystemClock), &store, &channels).await;
    first.until_begun(3).await;
    let rejected = |delivery: &DeliveryId| Receipt {
        delivery: None,
        remote_id: taken_as(*delivery).id,
        word: ReceiptWord::Rejected,
        raw: String::new(),
    };
    let receipts: Vec<_> = first.books.lock().unwrap().keys().map(rejected).collect();
    let met = store.model().receipts(LANE, &receipts, 0);
    assert_eq!(met, [ReceiptMatch::Unmatched; 3]);
    first.permits.add_permits(PLENTY);
    // Nobody wakes the lanes from outside.
    eventually_async("the reserve has taken all", || async {
        (store.count(State::Accepted) == 3).then_some(())
    })
    .await;
    assert_eq!((first.begun(), reserve.begun()), (3, 3));
    drop(lanes);
}

/// A service limits accounts, not our channels.
#[tokio::test]
async fn what_a_service_asks_one_lane_the_others_of_its_account_obey() {
    const OTHER: LaneId = LaneId(2);
    let store = Arc::new(ModelStore::default());
    for lane in [LANE, OTHER] {
        store.model().add_lane(lane, &[(format!("+49{lane}"), Vec::new())]);
    }
    publish(&store, 1);
    let until = SystemClock.now_ms() + 3_600_000;
    let asks = Arc::new(Slow {
        asks: Some(until),
        ..Slow::of(true, PLENTY)
    });
    let other = Slow::new(true, PLENTY);
    let lanes = run_by(Arc::new(SystemClock), &store, &[(LANE, &asks), (OTHER, &other)]).await;
    eventually_async("the other lane waits as long", || async {
        let health = store.model().lanes[&OTHER].health.clone();
        (health.until_told() == Some(until)).then_some(())
    })
    .await;
    let p = publication(notice("i", 2), vec![to_all(OTHER)], 0);
    store.model().publish(&p, NoticeSeq(2), IncidentId(1));
    lanes.wake();
    assert!(lanes.stop(Duration::from_secs(60)).await);
    assert_eq!((asks.begun(), other.begun()), (1, 0));
}

#[tokio::test]
async fn a_leap_of_the_clock_waits_for_two_counterparts_who_agree() {
    const NOON: Ms = 1_674_561_600_000;
    const HOUR: Ms = 3_600_000;
    let store = Arc::new(ModelStore::default());
    let (first, second) = (Slow::new(true, PLENTY), Slow::new(true, PLENTY));
    store.model().add_lane(LANE, &[]);
    store.model().add_lane(LaneId(2), &[]);
    let says = |channel: &Slow, host: &str, at| *channel.time.lock().unwrap() = Some((host.to_owned(), at));
    // One of them has the old time, so nobody is as good as a person yet.
    says(&first, "social.example", NOON + HOUR);
    says(&second, "gateway.example", NOON);
    let clock = Arc::new(HandSet(NOON.into()));
    let lanes = run_by(
        Arc::clone(&clock) as SharedClock,
        &store,
        &[(LANE, &first), (LaneId(2), &second)],
    )
    .await;
    lanes.drained().await;
    clock.set(NOON + HOUR);
    let mut seen = store.leap.subscribe();
    let leap = seen.wait_for(Option::is_some).await.unwrap().unwrap();
    assert_eq!(leap.at_ms, NOON + HOUR);
    assert!((HOUR - 60_000..=HOUR).contains(&leap.by_ms), "{leap:?}");
    drop(lanes);

    // The process ends; the next one still knows, asks again, and both agree with our clock now.
    says(&second, "gateway.example", NOON + HOUR + 1_000);
    let lanes = run_by(
        Arc::clone(&clock) as SharedClock,
        &store,
        &[(LANE, &first), (LaneId(2), &second)],
    )
    .await;
    seen.wait_for(Option::is_none).await.unwrap();
    drop(lanes);
}
