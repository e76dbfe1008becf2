//! Order per recipient and incident, supersession, rate.

use rundruf::domain::delivery::{BroadcastState, CatchUp};
use rundruf::store::*;

use super::fixture::*;

pub async fn an_account_gets_notices_in_order<S: Store>(store: &S) {
    let lane = lanes(store, &["a"]).await[0];
    let first = publish(store, notice("i", 1), vec![to(lane)], T0).await;
    let second = publish(store, notice("i", 2), vec![to(lane)], T0).await;
    let jobs = claim(store, lane, T0).await;
    assert_eq!(jobs.iter().map(|j| j.notice).collect::<Vec<_>>(), [first]);
    assert!(claim(store, lane, T0).await.is_empty(), "the first is out");
    delivered(store, &jobs[0], T0).await;
    let jobs = claim(store, lane, T0).await;
    assert_eq!(jobs[0].notice, second);
    let thread = jobs[0].thread.clone().unwrap();
    assert_eq!(thread.root, thread.parent);
    assert_eq!(board(store, first).await.state, BroadcastState::Ended);
}

pub async fn a_failing_first_holds_the_second<S: Store>(store: &S) {
    let lane = lanes(store, &["a"]).await[0];
    let first = publish(store, notice("i", 1), vec![to(lane)], T0).await;
    publish(store, notice("i", 2), vec![to(lane)], T0).await;
    let other = publish(store, notice("j", 1), vec![to(lane)], T0).await;
    let jobs = claim(store, lane, T0).await;
    assert_eq!(jobs.len(), 2, "another incident waits for nobody");
    assert_eq!(jobs[1].notice, other);
    let later = Settled::Waiting {
        due_ms: T0 + 5_000,
        spent: true,
        after_unknown: false,
    };
    settle(store, &jobs[0], T0, later).await;
    let claimed = store.claim(&request(lane, T0 + 10)).await.unwrap();
    assert!(claimed.jobs.is_empty());
    assert_eq!(claimed.next_due_ms, Some(T0 + 5_000));
    let jobs = claim(store, lane, T0 + 5_000).await;
    assert_eq!((jobs[0].notice, jobs[0].attempt), (first, 2));
}

pub async fn an_unknown_holds_its_successor_for_the_order_wait<S: Store>(store: &S) {
    let lane = lanes(store, &["a"]).await[0];
    publish(store, notice("i", 1), vec![to(lane)], T0).await;
    let second = publish(store, notice("i", 2), vec![to(lane)], T0).await;
    publish(store, notice("i", 3), vec![to(lane)], T0).await;
    let job = claim(store, lane, T0).await.remove(0);
    settle(store, &job, T0, Settled::Permanent).await;
    let claimed = store.claim(&request(lane, T0 + 1)).await.unwrap();
    assert!(claimed.jobs.is_empty());
    assert_eq!(
        claimed.next_due_ms,
        Some(T0 + 120_000),
        "not before, whatever waits behind"
    );
    let jobs = claim(store, lane, T0 + 120_000).await;
    assert_eq!(jobs[0].notice, second);
}

/// Two of three may have the first one. However few a claim has room for, it finds the third behind them.
pub async fn whoever_is_held_back_stands_in_nobodys_way<S: Store>(store: &S) {
    let lane = lanes(store, &["a"]).await[0];
    people(store, lane, &[("+1", &[]), ("+2", &[]), ("+3", &[])]).await;
    publish(store, notice("i", 1), vec![to_all(lane)], T0).await;
    let jobs = claim(store, lane, T0).await;
    settle(store, &jobs[0], T0, Settled::Unknown).await;
    settle(store, &jobs[1], T0, Settled::Unknown).await;
    delivered(store, &jobs[2], T0).await;
    publish(store, notice("i", 2), vec![to_all(lane)], T0).await;
    let one = ClaimRequest {
        limit: 1,
        opens: 8,
        ..request(lane, T0)
    };
    let started = store.claim(&one).await.unwrap().jobs;
    let addresses: Vec<_> = started.iter().map(|job| job.address.as_str()).collect();
    assert_eq!(addresses, ["+3"]);
}

pub async fn latest_ends_the_same_scope_only<S: Store>(store: &S) {
    let lane = lanes(store, &["a"]).await[0];
    let latest = || NewBroadcast {
        catch_up: CatchUp::Latest,
        ..to_all(lane)
    };
    people(store, lane, &[("+491", &["lippetal"]), ("+492", &["werl"])]).await;
    let all = publish(store, notice("i", 1), vec![latest()], T0).await;
    let mut lippetal = notice("i", 2);
    lippetal.scope = places(&["lippetal"]);
    let lippetal = publish(store, lippetal, vec![latest()], T0).await;
    let mut werl = notice("i", 3);
    werl.scope = places(&["werl"]);
    publish(store, werl, vec![latest()], T0).await;
    let newest = publish(store, notice("i", 4), vec![latest()], T0).await;
    assert_eq!(board(store, all).await.state, BroadcastState::Superseded);
    assert_eq!(board(store, all).await.superseded_by, Some(newest));
    // Whoever follows a place gets its newest notice, then the newest for all.
    let mut got = Vec::new();
    for step in 0..10 {
        let now = T0 + step * 1_000;
        for job in claim(store, lane, now).await {
            if job.address == "+491" {
                got.push(job.notice);
            }
            delivered(store, &job, now).await;
        }
    }
    assert_eq!(got, [lippetal, newest]);
}

pub async fn every_ends_only_what_is_named<S: Store>(store: &S) {
    let lane = lanes(store, &["a"]).await[0];
    let first = publish(store, notice("i", 1), vec![to(lane)], T0).await;
    let second = publish(store, notice("i", 2), vec![to(lane)], T0).await;
    let mut third = notice("i", 3);
    third.replaces = vec![1];
    publish(store, third, vec![to(lane)], T0).await;
    assert_eq!(board(store, first).await.state, BroadcastState::Superseded);
    assert_eq!(board(store, first).await.counters.superseded, 1);
    assert_eq!(claim(store, lane, T0).await[0].notice, second);
}

pub async fn urgent_incidents_go_first<S: Store>(store: &S) {
    let lane = lanes(store, &["a"]).await[0];
    publish(store, notice("bulk", 1), vec![to(lane)], T0).await;
    let calm = publish(store, notice("fire", 1), vec![to(lane)], T0).await;
    let mut urgent = notice("fire", 2);
    urgent.urgent = true;
    publish(store, urgent, vec![to(lane)], T0).await;
    let mut one = request(lane, T0);
    one.probe = true;
    let jobs = store.claim(&one).await.unwrap().jobs;
    assert_eq!(jobs.len(), 1);
    assert_eq!(jobs[0].notice, calm, "the urgent incident, in its order");
}

pub async fn one_incidents_bulk_goes_behind_anothers_urgent_notice<S: Store>(store: &S) {
    let lane = lanes(store, &["a"]).await[0];
    people(store, lane, &[("+1", &[]), ("+2", &[]), ("+3", &[])]).await;
    let urgent = |incident| {
        let mut n = notice(incident, 1);
        n.urgent = true;
        n
    };
    publish(store, notice("calm", 1), vec![to_all(lane)], T0).await;
    publish(store, urgent("fire"), vec![to_all(lane)], T0).await;
    let mut three = request(lane, T0);
    three.limit = 3;
    let jobs = store.claim(&three).await.unwrap().jobs;
    let later = Settled::Waiting {
        due_ms: T0 + 3_600_000,
        spent: true,
        after_unknown: false,
    };
    settle(store, &jobs[0], T0, later).await;
    delivered(store, &jobs[1], T0).await;
    delivered(store, &jobs[2], T0).await;
    // The fire still has urgent work, for one recipient, and now a bulk notice for all of them.
    let bulk = publish(store, notice("fire", 2), vec![to_all(lane)], T0).await;
    let flood = publish(store, urgent("flood"), vec![to_all(lane)], T0).await;
    let jobs = store.claim(&three).await.unwrap().jobs;
    assert_eq!(jobs.iter().map(|j| j.notice).collect::<Vec<_>>(), [flood; 3]);
    let jobs = store.claim(&three).await.unwrap().jobs;
    let first = jobs.iter().map(|j| j.notice).next();
    assert_eq!(first, Some(bulk), "before what no urgent incident is about");
}

pub async fn an_audience_opens_in_order_and_by_places<S: Store>(store: &S) {
    let lane = lanes(store, &["a"]).await[0];
    people(store, lane, &[("+1", &[]), ("+2", &["werl"]), ("+3", &["soest"])]).await;
    let mut werl = notice("i", 1);
    werl.scope = places(&["werl"]);
    let first = publish(store, werl, vec![to_all(lane)], T0).await;
    let second = publish(store, notice("i", 2), vec![to_all(lane)], T0).await;
    // Who comes later is not meant by `every`.
    people(
        store,
        lane,
        &[("+1", &[]), ("+2", &["werl"]), ("+3", &["soest"]), ("+4", &[])],
    )
    .await;
    let jobs = claim(store, lane, T0).await;
    let got: Vec<_> = jobs.iter().map(|j| (j.notice, j.address.as_str())).collect();
    assert_eq!(got, [(first, "+1"), (first, "+2"), (second, "+3")]);
    for job in &jobs {
        delivered(store, job, T0).await;
    }
    let jobs = claim(store, lane, T0 + 1_000).await;
    let got: Vec<_> = jobs.iter().map(|j| (j.notice, j.address.as_str())).collect();
    assert_eq!(got, [(second, "+1"), (second, "+2")]);
    for job in &jobs {
        delivered(store, job, T0).await;
    }
    let row = board(store, second).await;
    assert_eq!(row.state, BroadcastState::Ended);
    assert_eq!((row.counters.expected, row.counters.delivered), (3, 3));
}

pub async fn the_rate_spaces_the_starts<S: Store>(store: &S) {
    let lane = lanes(store, &["a"]).await[0];
    people(store, lane, &[("+1", &[]), ("+2", &[]), ("+3", &[]), ("+4", &[])]).await;
    publish(store, notice("i", 1), vec![to_all(lane)], T0).await;
    let mut slow = request(lane, T0);
    slow.rate = Some(Rate {
        count: 2,
        per_ms: 1_000,
    });
    let claimed = store.claim(&slow).await.unwrap();
    let starts: Vec<_> = claimed.jobs.iter().map(|j| j.start_at_ms - T0).collect();
    assert_eq!(starts, [0, 500, 1_000]);
    let again = store.claim(&slow).await.unwrap();
    assert!(again.jobs.is_empty());
    assert_eq!(again.next_due_ms, Some(T0 + 500));
    slow.now_ms = T0 + 500;
    let last = store.claim(&slow).await.unwrap();
    assert_eq!(last.jobs[0].start_at_ms, T0 + 1_500);
}
