//! Claims that come at the same moment, and the bell: what several lanes start at once is what they would start one after the other.

use std::sync::Arc;

use futures_util::future::join_all;
use rundruf::clock::Ms;
use rundruf::ids::LaneId;
use rundruf::store::*;
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
