//! How many people a release is said to reach: as many as get something after it.

use rundruf::domain::words::Kind;
use rundruf::ids::LaneId;
use rundruf::store::*;

use super::digests::{about, cut, digest, due, first};
use super::fixture::*;

/// What the lane would bring out now: of each broadcast, of a digest as it will be once it is made.
async fn said<S: Store>(store: &S, lane: LaneId) -> u64 {
    let cut = due(store, lane).await;
    let mut people = 0;
    for row in store.broadcasts(None).await.unwrap() {
        let part = |cut: &&DueCut| cut.broadcast == row.id || cut.covers.contains(&row.notice);
        people += store.reach(row.id, cut.as_ref().filter(part)).await.unwrap();
    }
    people
}

/// Lets everything go and counts it.
async fn sent<S: Store>(store: &S, lane: LaneId, mut now: i64) -> u64 {
    if due(store, lane).await.is_some() {
        cut(store, lane, now).await;
    }
    let mut count = 0;
    loop {
        now += 400_000;
        let jobs = claim(store, lane, now).await;
        if jobs.is_empty() {
            return count;
        }
        count += jobs.len() as u64;
        for job in jobs {
            delivered(store, &job, now).await;
        }
    }
}

pub async fn who_is_counted_before_a_release_is_who_gets_it<S: Store>(store: &S) {
    let lane = lanes(store, &["email"]).await[0];
    let list: [(&str, &[&str]); 5] = [
        ("a@ex", &[]),
        ("b@ex", &["werl"]),
        ("c@ex", &["soest"]),
        ("d@ex", &["bad"]),
        ("e@ex", &[]),
    ];
    people(store, lane, &list).await;
    let scoped = |number, place: &str| {
        let mut n = notice("i", number);
        n.scope = places(&[place]);
        n
    };
    // One notice for one place, and somebody who has left since.
    publish(store, scoped(1, "werl"), vec![digest(lane)], T0).await;
    let left = Suppression {
        lane,
        address: "e@ex".into(),
        because: SuppressedBecause::Unsubscribed,
    };
    store.suppress(&left, &act("suppress", T0)).await.unwrap();
    assert_eq!(said(store, lane).await, 2);
    // The newest concerns two; what it sums up concerns another one.
    publish(store, scoped(2, "soest"), vec![digest(lane)], T0 + 1).await;
    assert_eq!(said(store, lane).await, 3);
    cut(store, lane, T0 + 2).await;
    let one = first(store, lane, T0 + 3).await;
    delivered(store, &one, T0 + 4).await;
    assert_eq!(said(store, lane).await, 2, "{} has it", one.address);
    // Whoever has the newest of what is summed up gets the next one alone, where it concerns them.
    publish(store, scoped(3, "bad"), vec![digest(lane)], T0 + 5).await;
    assert_eq!(said(store, lane).await, 4);
    assert_eq!(sent(store, lane, T0 + 6).await, 4);
    assert_eq!(said(store, lane).await, 0);
}

pub async fn whoever_has_something_wrong_is_counted_with_its_correction<S: Store>(store: &S) {
    let lane = lanes(store, &["email"]).await[0];
    people(store, lane, &[("a@ex", &[]), ("b@ex", &[]), ("c@ex", &[])]).await;
    publish(store, notice("i", 1), vec![digest(lane)], T0).await;
    let one = first(store, lane, T0 + 1).await;
    delivered(store, &one, T0 + 2).await;
    publish(store, about(Kind::Correction, 2, 1), vec![digest(lane)], T0 + 3).await;
    assert_eq!(
        said(store, lane).await,
        3,
        "the correction, and two get it as their first"
    );
    publish(store, notice("i", 3), vec![digest(lane)], T0 + 4).await;
    let before = said(store, lane).await;
    assert_eq!(
        before, 4,
        "all get the digest or the newest, one of them the correction too"
    );
    publish(store, about(Kind::Retraction, 4, 3), vec![digest(lane)], T0 + 5).await;
    let before = said(store, lane).await;
    assert_eq!(
        sent(store, lane, T0 + 6).await,
        before,
        "of what was taken back before it went nobody hears"
    );
}
