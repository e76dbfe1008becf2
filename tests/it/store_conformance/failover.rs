//! Two channels, one standing in for the other: what moves, when, and what stays.

use jiff::tz::TimeZone;
use rundruf::clock::Ms;
use rundruf::domain::delivery::{BroadcastState, Gate, GateCause, Health};
use rundruf::domain::outcome::Reason;
use rundruf::ids::{LaneId, NoticeSeq};
use rundruf::lane_core::ramp::Ramp;
use rundruf::publication::board::{Light, line};
use rundruf::store::*;

use super::fixture::*;
use crate::model::well;

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

/// Three recipients: the first one's row has moved, the second one's waits at home, the third has no row yet.
async fn parted<S: Store>(store: &S) -> ([LaneId; 2], NoticeSeq) {
    let [home, reserve] = pair(store, &["+1", "+2", "+3"]).await;
    let seq = publish(store, notice("i", 1), vec![to_all(home)], T0).await;
    let two = ClaimRequest {
        limit: 2,
        ..request(home, T0)
    };
    let jobs = store.claim(&two).await.unwrap().jobs;
    refused(store, &jobs[0], T0 + 1).await;
    store.give_back(&[(jobs[1].delivery, 1)], T0 + 1).await.unwrap();
    ([home, reserve], seq)
}

fn held(lane: LaneId) -> GateChange {
    GateChange {
        lane,
        gate: Gate::Held,
        cause: GateCause::Person,
        expected_epoch: None,
        reason: None,
    }
}

pub async fn what_waits_is_counted_where_it_waits<S: Store>(store: &S) {
    let ([home, reserve], seq) = parted(store).await;
    let row = board(store, seq).await;
    assert_eq!(
        (row.waiting_on(home), row.waiting_on(reserve), row.waiting()),
        (2, 1, 3)
    );
    store.set_gate(&held(reserve), &act("hold", T0)).await.unwrap();
    let lanes = store.lane_rows().await.unwrap();
    let shown = line(&row, &lanes, T0 + 60_000, &TimeZone::UTC).unwrap();
    assert_eq!(shown.light, Light::Held);
    let text = shown.text.en;
    assert!(text.contains("1 waiting for reserve, held since"), "{text}");
    // What has moved does not wait for its old channel.
    store.set_gate(&held(home), &act("hold", T0)).await.unwrap();
    let lanes = store.lane_rows().await.unwrap();
    let text = line(&row, &lanes, T0 + 60_000, &TimeZone::UTC).unwrap().text.en;
    assert!(text.starts_with("held since") && text.contains("; 2 waiting"), "{text}");
}

pub async fn a_dropped_channel_leaves_what_has_moved_from_it<S: Store>(store: &S) {
    let ([home, reserve], seq) = parted(store).await;
    store.configure(&specs()[1..], T0).await.unwrap();
    assert_eq!(store.drop_lane(home, &act("drop", T0), T0 + 2).await.unwrap(), 1);
    let jobs = claim(store, reserve, T0 + 3).await;
    assert_eq!(jobs.len(), 1);
    delivered(store, &jobs[0], T0 + 4).await;
    let row = board(store, seq).await;
    assert_eq!((row.counters.delivered, row.counters.dropped), (1, 1));
    assert_eq!(row.state, BroadcastState::Ended);
}

pub async fn a_dropped_reserve_ends_what_has_moved_to_it<S: Store>(store: &S) {
    let ([home, reserve], seq) = parted(store).await;
    store.configure(&specs()[..1], T0).await.unwrap();
    assert_eq!(store.drop_lane(reserve, &act("drop", T0), T0 + 2).await.unwrap(), 1);
    assert_eq!(claim(store, home, T0 + 3).await.len(), 2);
    let row = board(store, seq).await;
    assert_eq!((row.counters.dropped, row.waiting_on(reserve)), (1, 0));
}

/// Its credentials are refused for an hour, in which it was held, and nobody was there.
pub async fn after_a_hold_or_a_restart_a_lane_tries_before_anything_moves<S: Store>(store: &S) {
    let [home, reserve] = pair(store, &["+1", "+2"]).await;
    publish(store, notice("i", 1), vec![to_all(home)], T0).await;
    pauses(store, home, T0).await;
    store.set_gate(&held(home), &act("hold", T0)).await.unwrap();
    let hour = T0 + 3_600_000;
    let open = GateChange {
        gate: Gate::Open,
        ..held(home)
    };
    store.set_gate(&open, &act("release", hour)).await.unwrap();
    let look = |now_ms| ClaimRequest {
        limit: 1,
        ..request(reserve, now_ms)
    };
    let soon = store.claim(&look(hour + 59_999)).await.unwrap();
    assert_eq!((soon.jobs.len(), soon.next_due_ms), (0, Some(hour + 60_000)));
    assert_eq!(store.claim(&look(hour + 60_000)).await.unwrap().jobs.len(), 1);
    // The next process begins anew, also where the clock goes back meanwhile.
    store.take_over(&[], hour + 70_000).await.unwrap();
    store.high_time(hour + 80_000).await.unwrap();
    store.shift_times(20_000, None, None).await.unwrap();
    assert!(store.claim(&look(hour + 109_999)).await.unwrap().jobs.is_empty());
    assert_eq!(store.claim(&look(hour + 110_000)).await.unwrap().jobs.len(), 1);
}

const RAMP: Ramp = Ramp {
    start: Rate {
        count: 60,
        per_ms: 60_000,
    },
    double_ms: 600_000,
    per_domain: None,
};

fn drains(lane: LaneId) -> GateChange {
    GateChange {
        gate: Gate::Draining,
        ..held(lane)
    }
}

/// A claim with the lane's epoch as it is.
async fn by_ramp<S: Store>(store: &S, lane: LaneId, ramp: Ramp, now_ms: Ms) -> Claimed {
    let rows = store.lane_rows().await.unwrap();
    let epoch = rows.iter().find(|row| row.id == lane).unwrap().epoch;
    let r = ClaimRequest {
        epoch,
        ramp: Some(ramp),
        ..request(lane, now_ms)
    };
    store.claim(&r).await.unwrap()
}

/// What one gateway has refused is new to the other: it goes by the other's ramp, and its drain is not over before.
pub async fn a_drain_is_about_what_its_lane_sends<S: Store>(store: &S) {
    let [home, reserve] = pair(store, &["+1", "+2", "+3", "+4"]).await;
    publish(store, notice("i", 1), vec![to_all(home)], T0).await;
    for job in claim(store, home, T0).await {
        refused(store, &job, T0 + 1).await;
    }
    let claims = async |lane, now_ms| by_ramp(store, lane, RAMP, now_ms).await;
    store.set_gate(&drains(reserve), &act("release", T0 + 2)).await.unwrap();
    let first = claims(reserve, T0 + 2).await.jobs;
    assert_eq!(first.len(), 2, "as many as fit into the next second");
    let between = claims(reserve, T0 + 2).await;
    assert_eq!((between.jobs.len(), between.drained), (0, false));
    // Its old lane has nothing to do with them any more.
    store.set_gate(&drains(home), &act("release", T0 + 3)).await.unwrap();
    assert!(claims(home, T0 + 3).await.drained);
    for job in &first {
        delivered(store, job, T0 + 4).await;
    }
    assert!(!claims(reserve, T0 + 4).await.drained, "two were never tried by it");
    let rest = claims(reserve, T0 + 3_002).await.jobs;
    assert_eq!(rest.len(), 2);
    for job in &rest {
        delivered(store, job, T0 + 3_003).await;
    }
    assert!(claims(reserve, T0 + 3_003).await.drained);
}

/// What moved here and waits for its domain's turn is let go with all else.
pub async fn a_gate_that_opens_frees_what_has_moved_there<S: Store>(store: &S) {
    let list = ["a@gross.example", "b@gross.example", "c@gross.example"];
    let [home, reserve] = pair(store, &list).await;
    publish(store, notice("i", 1), vec![to_all(home)], T0).await;
    for job in claim(store, home, T0).await {
        refused(store, &job, T0 + 1).await;
    }
    store.set_gate(&drains(reserve), &act("release", T0 + 2)).await.unwrap();
    let ramp = Ramp {
        per_domain: Some(Rate {
            count: 1,
            per_ms: 60_000,
        }),
        ..RAMP
    };
    assert_eq!(by_ramp(store, reserve, ramp, T0 + 2).await.jobs.len(), 1);
    let open = GateChange {
        gate: Gate::Open,
        ..held(reserve)
    };
    store.set_gate(&open, &act("release", T0 + 3)).await.unwrap();
    assert_eq!(by_ramp(store, reserve, ramp, T0 + 3).await.jobs.len(), 2);
}
