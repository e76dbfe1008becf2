//! Two channels, one standing in for the other: what moves, when, and what stays.

use rundruf::clock::Ms;
use rundruf::domain::delivery::{BroadcastState, Gate, GateCause, Health};
use rundruf::domain::outcome::Reason;
use rundruf::ids::LaneId;
use rundruf::store::*;

use super::fixture::*;
use crate::simulation::model::well;

/// `home`, and `reserve`, which stands in for it.
fn specs() -> [LaneSpec; 2] {
    let home = LaneSpec {
        failover: Some("reserve".into()),
        ..spec("home", "host/user")
    };
    [home, spec("reserve", "other/user")]
}

/// The two lanes, the home's with these recipients.
async fn pair<S: Store>(store: &S, list: &[&str]) -> [LaneId; 2] {
    let rows = store.configure(&specs(), T0).await.unwrap();
    let list: Vec<(&str, &[&str])> = list.iter().map(|address| (*address, [].as_slice())).collect();
    people(store, rows[0].id, &list).await;
    [rows[0].id, rows[1].id]
}

/// The lane's credentials are refused.
async fn pauses<S: Store>(store: &S, lane: LaneId, since_ms: Ms) {
    let health = HealthRow {
        health: Health::Paused,
        ..well(since_ms)
    };
    store.set_health(lane, &health).await.unwrap();
}

/// Refused for its recipient: another gateway may have a way.
async fn refused<S: Store>(store: &S, job: &Job, at: Ms) {
    let refused = Completion {
        reason: Reason::RecipientRefused,
        ..completion(job, at, Settled::Permanent)
    };
    store.complete(&[refused]).await.unwrap();
}

pub async fn what_waits_on_a_removed_channel_is_not_sent_by_its_reserve<S: Store>(store: &S) {
    let [home, reserve] = pair(store, &["+1", "+2"]).await;
    publish(store, notice("i", 1), vec![to_all(home)], T0).await;
    pauses(store, home, T0).await;
    store.configure(&specs()[1..], T0).await.unwrap();
    assert!(
        claim(store, reserve, T0 + 600_000).await.is_empty(),
        "kept, shown, never sent"
    );
    store.configure(&specs(), T0).await.unwrap();
    assert_eq!(claim(store, reserve, T0 + 600_000).await.len(), 2);
}

pub async fn what_a_removed_channel_is_refused_ends<S: Store>(store: &S) {
    let [home, reserve] = pair(store, &["+1", "+2"]).await;
    let seq = publish(store, notice("i", 1), vec![to_all(home)], T0).await;
    let jobs = claim(store, home, T0).await;
    store.configure(&specs()[..1], T0).await.unwrap();
    refused(store, &jobs[0], T0 + 1).await;
    store.configure(&specs()[1..], T0).await.unwrap();
    settle(store, &jobs[1], T0 + 2, Settled::Accepted(remote("g2"))).await;
    let rejected = Receipt {
        delivery: Some((jobs[1].delivery, 1)),
        remote_id: None,
        word: ReceiptWord::Rejected,
        raw: String::new(),
    };
    store.receipts(home, &[rejected], T0 + 3).await.unwrap();
    assert_eq!(board(store, seq).await.counters.permanent, 2);
    store.configure(&specs(), T0).await.unwrap();
    assert!(claim(store, reserve, T0 + 4).await.is_empty());
}

/// The reserve has never had a notice of its own, so its name is free.
pub async fn a_channel_renamed_to_its_reserve_keeps_what_had_moved_there<S: Store>(store: &S) {
    let [home, reserve] = pair(store, &["+1", "+2"]).await;
    let seq = publish(store, notice("i", 1), vec![to_all(home)], T0).await;
    let jobs = claim(store, home, T0).await;
    refused(store, &jobs[0], T0 + 1).await;
    assert_eq!(board(store, seq).await.moved, 1);
    store.give_back(&[(jobs[1].delivery, 1)], T0 + 1).await.unwrap();
    store.configure(&specs()[1..], T0).await.unwrap();
    store.rename_lane("home", "reserve", &act("rename", T0)).await.unwrap();
    let row = store.lane_rows().await.unwrap().remove(0);
    assert_eq!((row.id, row.name.as_str(), row.failover), (reserve, "reserve", None));
    // Another account while something waits: a person looks first.
    let change = GateChange {
        lane: reserve,
        gate: Gate::Open,
        cause: GateCause::Person,
        expected_epoch: Some(row.epoch),
        reason: None,
    };
    let r = ClaimRequest {
        epoch: store.set_gate(&change, &act("release", T0)).await.unwrap().epoch,
        ..request(reserve, T0 + 2)
    };
    let jobs = store.claim(&r).await.unwrap().jobs;
    assert_eq!(jobs.len(), 2);
    for job in &jobs {
        delivered(store, job, T0 + 3).await;
    }
    let row = board(store, seq).await;
    assert_eq!(
        (row.counters.delivered, row.moved, row.state),
        (2, 0, BroadcastState::Ended)
    );
}
