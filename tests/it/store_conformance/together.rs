//! Claims that come at the same moment, and the bell: what several lanes start at once is what they would start one after the other.

use std::sync::Arc;

use futures_util::future::join_all;
use rundruf::clock::Ms;
use rundruf::domain::delivery::DeliveryState;
use rundruf::ids::LaneId;
use rundruf::store::*;
use sqlx::{Connection, SqliteConnection};
use tokio::sync::Notify;

use super::fixture::*;

/// Four lanes: two of one account, one that another stands in for.
async fn four<S: Store>(store: &S) -> Vec<LaneId> {
    let home = LaneSpec {
        failover: Some("reserve".into()),
        ..spec("home", "c/user")
    };
    let specs = [
        spec("a", "x/user"),
        spec("b", "x/user"),
        home,
        spec("reserve", "d/user"),
    ];
    let rows = store.configure(&specs, T0).await.unwrap();
    rows.iter().map(|row| row.id).collect()
}

fn addresses(claimed: &Claimed) -> Vec<(String, Ms)> {
    let jobs = claimed.jobs.iter();
    jobs.map(|job| (job.address.clone(), job.start_at_ms)).collect()
}

pub async fn what_several_lanes_claim_at_once_each_gets_once<S: Store>(store: &S) {
    let lanes = four(store).await;
    people(store, lanes[2], &[("+1", &[]), ("+2", &[])]).await;
    let to = vec![to(lanes[0]), to(lanes[1]), to_all(lanes[2]), to(lanes[3])];
    publish(store, notice("i", 1), to, T0).await;
    let hour = Rate {
        count: 1,
        per_ms: 3_600_000,
    };
    let ask = |lane: LaneId| ClaimRequest {
        rate: (lane == lanes[0] || lane == lanes[1]).then_some(hour),
        ..request(lane, T0 + 1)
    };
    // Each twice, as no lane would ask.
    let requests: Vec<ClaimRequest> = lanes.iter().chain(&lanes).map(|lane| ask(*lane)).collect();
    let claimed: Vec<Claimed> = join_all(requests.iter().map(|r| store.claim(r)))
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    let jobs: Vec<_> = claimed.iter().map(addresses).collect();
    assert_eq!(jobs[0], [(String::new(), T0 + 1)]);
    assert!(jobs[1].is_empty(), "the account's one an hour is the other lane's");
    assert_eq!(claimed[1].next_due_ms, Some(T0 + 1 + 3_600_000 - 1_000));
    assert_eq!(jobs[2], [("+1".to_owned(), T0 + 1), ("+2".to_owned(), T0 + 1)]);
    assert_eq!(jobs[3], [(String::new(), T0 + 1)], "only its own: nothing has moved");
    assert!(jobs[4..].iter().all(Vec::is_empty), "nothing twice: {jobs:?}");
}

pub async fn a_claim_that_fails_fails_alone<S: Store>(store: &S) {
    let lanes = four(store).await;
    publish(store, notice("i", 1), vec![to(lanes[0])], T0).await;
    let requests = [
        request(LaneId(77), T0 + 1),
        request(lanes[0], T0 + 1),
        request(lanes[1], T0 + 1),
    ];
    let claimed = join_all(requests.iter().map(|r| store.claim(r))).await;
    assert!(matches!(&claimed[0], Err(StoreError::NotFound(Missing::Lane(77)))));
    assert_eq!(claimed[1].as_ref().unwrap().jobs.len(), 1);
    assert!(claimed[2].as_ref().unwrap().jobs.is_empty());
}

/// Says when it rang.
#[derive(Default)]
struct Listener {
    queued: Notify,
    committed: Notify,
}

impl Bell for Listener {
    fn queued(&self) {
        self.queued.notify_one();
    }
    fn committed(&self) {
        self.committed.notify_one();
    }
}

pub async fn a_claim_after_the_bell_finds_the_publication<S: Store>(store: &S) {
    let lanes = four(store).await;
    let bell = Arc::new(Listener::default());
    store.ring(Arc::clone(&bell) as Arc<dyn Bell>);
    let request = request(lanes[0], T0 + 1);
    let claims = async {
        bell.queued.notified().await;
        store.claim(&request).await.unwrap()
    };
    let (_, claimed) = tokio::join!(publish(store, notice("i", 1), vec![to(lanes[0])], T0), claims);
    assert_eq!(claimed.jobs.len(), 1);
    bell.committed.notified().await;
}

/// Another process's transaction: until it ends the store's writer waits.
async fn lock(store: &Sqlite) -> SqliteConnection {
    let mut other = SqliteConnection::connect(&format!("sqlite:{}", store.path().display()))
        .await
        .unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    other
}

#[tokio::test]
async fn a_claim_after_the_bell_does_not_overtake_a_publication_that_waits_for_another_process() {
    let (_dir, store) = sqlite().await;
    let lanes = four(&store).await;
    let bell = Arc::new(Listener::default());
    store.ring(Arc::clone(&bell) as Arc<dyn Bell>);
    let mut other = lock(&store).await;
    let (first, second) = (request(lanes[0], T0 + 1), request(lanes[1], T0 + 1));
    let in_order = async {
        bell.queued.notified().await;
        let claim = store.claim(&second);
        let unlock = async { sqlx::query("COMMIT").execute(&mut other).await.unwrap() };
        tokio::join!(claim, unlock).0.unwrap()
    };
    let to = vec![to(lanes[0]), to(lanes[1])];
    let (_, _, after) = tokio::join!(store.claim(&first), publish(&store, notice("i", 1), to, T0), in_order);
    assert_eq!(after.jobs.len(), 1);
}

#[tokio::test]
async fn claims_that_waited_together_each_get_their_own() {
    let (_dir, store) = sqlite().await;
    let lanes = four(&store).await;
    people(&store, lanes[2], &[("+1", &[]), ("+2", &[])]).await;
    let to = vec![to(lanes[0]), to(lanes[1]), to_all(lanes[2]), to(lanes[3])];
    publish(&store, notice("i", 1), to, T0).await;
    let mut other = lock(&store).await;
    let requests: Vec<ClaimRequest> = lanes.iter().map(|lane| request(*lane, T0 + 1)).collect();
    let unlock = async { sqlx::query("COMMIT").execute(&mut other).await.unwrap() };
    let (claimed, _) = tokio::join!(join_all(requests.iter().map(|r| store.claim(r))), unlock);
    let jobs: Vec<usize> = claimed.into_iter().map(|claimed| claimed.unwrap().jobs.len()).collect();
    assert_eq!(jobs, [1, 1, 2, 1]);
    for lane in lanes {
        assert!(claim(&store, lane, T0 + 2).await.is_empty(), "written as started");
    }
    assert_eq!(store.recount().await.unwrap(), []);
}

#[tokio::test]
async fn sqlite_is_built_to_keep_its_plans() {
    let (_dir, store) = sqlite().await;
    let mut c = lock(&store).await;
    let options: Vec<String> = sqlx::query_scalar("PRAGMA compile_options")
        .fetch_all(&mut c)
        .await
        .unwrap();
    assert!(
        options.iter().any(|option| option == "ENABLE_QPSG"),
        ".cargo/config.toml was not read: build within the project's folder"
    );
}

/// A full disk ends the transaction in the middle of a claim, with the outcomes that came along. They are not said to be written, and can be again.
#[tokio::test]
async fn outcomes_that_went_with_the_transaction_are_written_by_the_next_claim() {
    let (_dir, store) = sqlite().await;
    let lane = lanes(&store, &["a"]).await[0];
    publish(&store, notice("i", 1), vec![to(lane)], T0).await;
    let first = claim(&store, lane, T0).await.remove(0);
    publish(&store, notice("j", 1), vec![to(lane)], T0).await;
    let mut other = SqliteConnection::connect(&format!("sqlite:{}", store.path().display()))
        .await
        .unwrap();
    sqlx::query("CREATE TRIGGER full BEFORE UPDATE OF state ON delivery WHEN new.state = 1 BEGIN SELECT RAISE(ROLLBACK, 'disk full'); END")
        .execute(&mut other)
        .await
        .unwrap();
    let with = ClaimRequest {
        settles: vec![completion(&first, T0, Settled::Delivered(remote("1")))],
        ..request(lane, T0)
    };
    let state = async || {
        let row = store.deliveries(first.broadcast, None, 1).await.unwrap().remove(0);
        (row.state, row.attempt)
    };
    assert!(store.claim(&with).await.is_err());
    assert_eq!(state().await, (DeliveryState::Started, 1), "nothing of it is written");
    sqlx::query("DROP TRIGGER full").execute(&mut other).await.unwrap();
    let claimed = store.claim(&with).await.unwrap();
    assert_eq!(state().await, (DeliveryState::Delivered, 1));
    assert_eq!(claimed.jobs.len(), 1, "the other one, and nothing twice");
    let story = store.explain(first.delivery).await.unwrap().unwrap();
    assert!(
        story.events.iter().all(|event| event.what != "evidence"),
        "{:?}",
        story.events
    );
    assert_eq!(store.recount().await.unwrap(), []);
}
