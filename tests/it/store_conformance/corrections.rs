//! Corrections and retractions: who hears of them, when, and what they put an end to.

use rundruf::domain::delivery::{BroadcastState, CatchUp, DeliveryState, Operation};
use rundruf::domain::notice::Notice;
use rundruf::domain::words::Kind;
use rundruf::ids::LaneId;
use rundruf::store::*;

use super::digests::{cut, digest, started};
use super::fixture::*;
use super::settling::state;

pub fn correction(number: u32, corrects: u32) -> Notice {
    Notice {
        kind: Kind::Correction,
        corrects: vec![corrects],
        ..notice("i", number)
    }
}

fn edit(lane: LaneId) -> NewBroadcast {
    NewBroadcast {
        operation: Operation::Edit,
        ..to_all(lane)
    }
}

async fn claimed<S: Store>(store: &S, lane: LaneId, now: i64) -> Vec<(String, Operation, bool)> {
    let jobs = claim(store, lane, now).await;
    let seen = jobs
        .iter()
        .map(|j| (j.address.clone(), j.operation, j.target.is_some()));
    seen.collect()
}

fn seen(address: &str, operation: Operation, target: bool) -> (String, Operation, bool) {
    (address.to_owned(), operation, target)
}

pub async fn a_correction_knows_who_got_what<S: Store>(store: &S) {
    let lane = lanes(store, &["a"]).await[0];
    people(store, lane, &[("+1", &[]), ("+2", &[])]).await;
    let wrong = publish(store, notice("i", 1), vec![to_all(lane)], T0).await;
    let mut one = request(lane, T0);
    one.limit = 1;
    let job = store.claim(&one).await.unwrap().jobs.remove(0);
    delivered(store, &job, T0).await;
    let mut right = notice("i", 2);
    right.kind = Kind::Correction;
    right.corrects = vec![1];
    let edit = NewBroadcast {
        operation: Operation::Edit,
        ..to_all(lane)
    };
    publish(store, right, vec![edit], T0).await;
    let jobs = claim(store, lane, T0).await;
    let got: Vec<_> = jobs
        .iter()
        .map(|j| (j.address.as_str(), j.operation, j.target.is_some()))
        .collect();
    assert_eq!(got, [("+1", Operation::Edit, true), ("+2", Operation::Post, false)]);
    let old = board(store, wrong).await;
    assert_eq!((old.state, old.counters.opened), (BroadcastState::Ended, 1));
}

pub async fn a_retraction_reaches_only_who_got_it<S: Store>(store: &S) {
    let lane = lanes(store, &["a"]).await[0];
    people(store, lane, &[("+1", &[]), ("+2", &[])]).await;
    publish(store, notice("i", 1), vec![to_all(lane)], T0).await;
    let mut one = request(lane, T0);
    one.limit = 1;
    let job = store.claim(&one).await.unwrap().jobs.remove(0);
    let mut back = notice("i", 2);
    back.kind = Kind::Retraction;
    back.corrects = vec![1];
    let back = publish(store, back, vec![to_all(lane)], T0).await;
    assert!(claim(store, lane, T0).await.is_empty(), "the first is out");
    settle(store, &job, T0, Settled::Unknown).await;
    assert!(claim(store, lane, T0 + 200_000).await.is_empty());
    let jobs = claim(store, lane, T0 + 300_000).await;
    let got: Vec<_> = jobs.iter().map(|j| j.address.as_str()).collect();
    assert_eq!(got, ["+1"], "after five minutes, to whoever may have it");
    assert_eq!(board(store, back).await.counters.superseded, 1);
}

/// A notice to Werl, a correction that says Soest: those of Werl have the wrong words and are told as well.
pub async fn a_correction_reaches_whoever_has_what_it_corrects<S: Store>(store: &S) {
    let lane = lanes(store, &["a"]).await[0];
    let list: [(&str, &[&str]); 4] = [
        ("+1", &["werl"]),
        ("+2", &["soest"]),
        ("+3", &["werl"]),
        ("+4", &["werl"]),
    ];
    people(store, lane, &list).await;
    let mut wrong = notice("i", 1);
    wrong.scope = places(&["werl"]);
    publish(store, wrong, vec![to_all(lane)], T0).await;
    let jobs = claim(store, lane, T0).await;
    assert_eq!(jobs.len(), 3);
    delivered(store, &jobs[0], T0).await;
    settle(store, &jobs[1], T0, Settled::Permanent).await;
    let mut right = correction(2, 1);
    right.scope = places(&["soest"]);
    let right = publish(store, right, vec![edit(lane)], T0).await;
    // The third is still out: it may have the wrong words.
    let got = claimed(store, lane, T0 + 1).await;
    assert_eq!(
        got,
        [seen("+1", Operation::Edit, true), seen("+2", Operation::Post, false)]
    );
    // It was refused: then there is nothing to put right for somebody whom Soest does not concern.
    settle(store, &jobs[2], T0 + 2, Settled::Permanent).await;
    assert!(claim(store, lane, T0 + 600_000).await.is_empty());
    let row = board(store, right).await;
    assert_eq!((row.counters.opened, row.counters.superseded), (3, 1));
}

/// Tried for the first time long ago, under way again now: its five minutes run from this start.
pub async fn a_correction_waits_for_what_is_under_way<S: Store>(store: &S) {
    let lane = lanes(store, &["a"]).await[0];
    people(store, lane, &[("+1", &[])]).await;
    publish(store, notice("i", 1), vec![to_all(lane)], T0).await;
    let job = claim(store, lane, T0).await.remove(0);
    let later = Settled::Waiting {
        due_ms: T0 + 600_000,
        spent: true,
        after_unknown: false,
    };
    settle(store, &job, T0, later).await;
    let job = claim(store, lane, T0 + 600_000).await.remove(0);
    assert_eq!((job.attempt, job.first_started_ms), (2, T0));
    publish(store, correction(2, 1), vec![edit(lane)], T0 + 600_001).await;
    for now in [T0 + 600_002, T0 + 899_999] {
        assert!(claim(store, lane, now).await.is_empty(), "the first is out");
    }
    assert_eq!(claim(store, lane, T0 + 900_000).await.len(), 1);
}

/// A refused notice that has been corrected meanwhile does not come back, whoever says so.
pub async fn a_corrected_notice_is_not_sent_again<S: Store>(store: &S) {
    let lane = lanes(store, &["a"]).await[0];
    let wrong = publish(store, notice("i", 1), vec![to(lane)], T0).await;
    let job = claim(store, lane, T0).await.remove(0);
    settle(store, &job, T0, Settled::Permanent).await;
    assert_eq!(board(store, wrong).await.state, BroadcastState::Ended);
    let right = publish(store, correction(2, 1), vec![to(lane)], T0).await;
    let what = DecideOn::Delivery(job.delivery);
    let again = store.decide(what, Decision::Again, &act("decide", T0), T0).await;
    assert!(matches!(again, Err(StoreError::Refused(_))), "{again:?}");
    let row = board(store, wrong).await;
    assert_eq!((row.state, row.superseded_by), (BroadcastState::Ended, Some(right)));
    assert_eq!(claim(store, lane, T0 + 300_000).await[0].notice, right);
}

/// A person wants it again while the lane cannot send; before it can, the notice is taken back: the wrong words do not go once more, and
/// whoever may have them hears of the retraction.
pub async fn what_a_person_wanted_again_is_not_sent_once_it_is_taken_back<S: Store>(store: &S) {
    let lane = lanes(store, &["a"]).await[0];
    people(store, lane, &[("+1", &[])]).await;
    let wrong = publish(store, notice("i", 1), vec![to_all(lane)], T0).await;
    let job = claim(store, lane, T0).await.remove(0);
    settle(store, &job, T0, Settled::Unknown).await;
    let what = DecideOn::Delivery(job.delivery);
    store
        .decide(what, Decision::Again, &act("decide", T0), T0)
        .await
        .unwrap();
    let back = Notice {
        kind: Kind::Retraction,
        ..correction(2, 1)
    };
    let back = publish(store, back, vec![to_all(lane)], T0).await;
    let row = board(store, wrong).await;
    assert_eq!((row.counters.waiting, row.counters.unknown), (0, 1));
    let mut got = Vec::new();
    for now in [T0, T0 + 300_000] {
        got.extend(claim(store, lane, now).await.into_iter().map(|job| job.notice));
    }
    assert_eq!(got, [back]);
}

/// `latest` keeps the newest words per scope; a correction puts older words right and is not the newest.
pub async fn a_correction_ends_nothing_newer_than_what_it_corrects<S: Store>(store: &S) {
    let lane = lanes(store, &["a"]).await[0];
    let latest = || NewBroadcast {
        catch_up: CatchUp::Latest,
        ..to(lane)
    };
    publish(store, notice("i", 1), vec![latest()], T0).await;
    let job = claim(store, lane, T0).await.remove(0);
    delivered(store, &job, T0).await;
    let newer = publish(store, notice("i", 2), vec![latest()], T0).await;
    let correction = publish(store, correction(3, 1), vec![latest()], T0).await;
    let mut got = Vec::new();
    for step in 0..3 {
        for job in claim(store, lane, T0 + step).await {
            got.push(job.notice);
            delivered(store, &job, T0 + step).await;
        }
    }
    assert_eq!(got, [newer, correction]);
}

/// Those who have nothing to take back stand before the one who has.
pub async fn a_retraction_does_not_get_stuck_on_those_who_have_nothing<S: Store>(store: &S) {
    let lane = lanes(store, &["a"]).await[0];
    let list: Vec<String> = (1..=9).map(|n| format!("+{n}")).collect();
    let list: Vec<(&str, &[&str])> = list.iter().map(|a| (a.as_str(), &["werl"][..])).collect();
    people(store, lane, &list).await;
    let werl = |n| Notice {
        scope: places(&["werl"]),
        ..n
    };
    publish(store, werl(notice("i", 1)), vec![to_all(lane)], T0).await;
    for (n, job) in claim(store, lane, T0).await.iter().enumerate() {
        let last = Settled::Delivered(remote("g9"));
        settle(store, job, T0, if n == 8 { last } else { Settled::Permanent }).await;
    }
    let back = Notice {
        kind: Kind::Retraction,
        ..werl(correction(2, 1))
    };
    let back = publish(store, back, vec![to_all(lane)], T0).await;
    let mut one = request(lane, T0 + 300_000);
    one.limit = 1;
    let mut got = Vec::new();
    loop {
        let claimed = store.claim(&one).await.unwrap();
        got.extend(claimed.jobs.into_iter().map(|job| job.address));
        if !claimed.more {
            break;
        }
    }
    assert_eq!(got, ["+9"]);
    assert_eq!(board(store, back).await.counters.waiting, 0);
}

/// Nor does a newer notice of the same scope end a correction for whoever has the wrong words; all others get the newer one alone.
pub async fn in_latest_a_correction_reaches_whoever_has_the_wrong_words<S: Store>(store: &S) {
    let lane = lanes(store, &["a"]).await[0];
    people(store, lane, &[("+1", &[]), ("+2", &[])]).await;
    let latest = |b| NewBroadcast {
        catch_up: CatchUp::Latest,
        ..b
    };
    publish(store, notice("i", 1), vec![latest(to_all(lane))], T0).await;
    let mut one = request(lane, T0);
    one.limit = 1;
    let job = store.claim(&one).await.unwrap().jobs.remove(0);
    delivered(store, &job, T0).await;
    let right = publish(store, correction(2, 1), vec![latest(edit(lane))], T0).await;
    let newest = publish(store, notice("i", 3), vec![latest(to_all(lane))], T0).await;
    let mut got = Vec::new();
    for step in 0..5 {
        let now = T0 + step * 1_000;
        for job in claim(store, lane, now).await {
            got.push((job.address.clone(), job.notice, job.operation));
            delivered(store, &job, now).await;
        }
    }
    got.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(
        got,
        [
            ("+1".to_owned(), right, Operation::Edit),
            ("+1".to_owned(), newest, Operation::Post),
            ("+2".to_owned(), newest, Operation::Post)
        ]
    );
}

/// What has been overtaken after it began runs out: the handle tells whether it is there.
pub async fn an_overtaken_correction_that_began_runs_out<S: Store>(store: &S) {
    let lane = lanes(store, &["a"]).await[0];
    people(store, lane, &[("+1", &[])]).await;
    let latest = |b| NewBroadcast {
        catch_up: CatchUp::Latest,
        ..b
    };
    publish(store, notice("i", 1), vec![latest(to_all(lane))], T0).await;
    let right = publish(store, correction(2, 1), vec![latest(edit(lane))], T0).await;
    let job = claim(store, lane, T0).await.remove(0);
    assert_eq!(job.notice, right);
    let repeat = Settled::Waiting {
        due_ms: T0,
        spent: true,
        after_unknown: true,
    };
    settle(store, &job, T0, repeat).await;
    publish(store, notice("i", 3), vec![latest(to_all(lane))], T0).await;
    let again = claim(store, lane, T0).await.remove(0);
    assert_eq!((again.notice, again.after_unknown), (right, true));
}

/// What a person gave up may have arrived, and so may what the channel's policy drops.
pub async fn a_retraction_reaches_whoever_may_have_it<S: Store>(store: &S) {
    let ids = lanes(store, &["person", "policy", "takeover"]).await;
    for lane in &ids {
        people(store, *lane, &[("+1", &[])]).await;
    }
    let all = || ids.iter().map(|lane| to_all(*lane)).collect::<Vec<_>>();
    publish(store, notice("i", 1), all(), T0).await;
    let jobs = [
        claim(store, ids[0], T0).await.remove(0),
        claim(store, ids[1], T0).await.remove(0),
        claim(store, ids[2], T0).await.remove(0),
    ];
    settle(store, &jobs[0], T0, Settled::Unknown).await;
    let what = DecideOn::Delivery(jobs[0].delivery);
    let drop = store.decide(what, Decision::Drop, &act("decide", T0), T0).await;
    assert_eq!(drop.unwrap(), 1);
    settle(store, &jobs[1], T0, Settled::Dropped).await;
    let takeover = Takeover {
        lane: ids[2],
        handle_for_ms: None,
        handles_from_ms: i64::MIN,
        repeat: false,
        drop: true,
    };
    store.take_over(&[takeover], T0).await.unwrap();
    let back = Notice {
        kind: Kind::Retraction,
        ..correction(2, 1)
    };
    publish(store, back, all(), T0).await;
    for lane in ids {
        assert_eq!(claim(store, lane, T0).await.len(), 1, "lane {lane}");
    }
}

/// A notice was tried and refused while it was not known what had become of the one before it; then it was taken back, so that nobody needs it.
/// The older one that it had passed still stands, and goes.
pub async fn what_nobody_needs_passes_nobody<S: Store>(store: &S) {
    let ids = lanes(store, &["refused first", "taken back first"]).await;
    for (lane, incident) in ids.into_iter().zip(["i", "j"]) {
        let mut jobs = Vec::new();
        for (number, now) in [(1, T0), (2, T0 + 600_000)] {
            publish(store, notice(incident, number), vec![to(lane)], T0).await;
            jobs.push(claim(store, lane, now).await.remove(0));
            settle(store, &jobs[jobs.len() - 1], now, Settled::Unknown).await;
        }
        let now = T0 + 1_300_000;
        let not_there = Settled::Waiting {
            due_ms: now,
            spent: true,
            after_unknown: false,
        };
        settle(store, &jobs[0], now, not_there.clone()).await;
        assert_eq!(state(store, &jobs[0]).await, DeliveryState::Superseded);
        if incident == "i" {
            settle(store, &jobs[1], now, not_there.clone()).await;
        }
        let back = Notice {
            kind: Kind::Retraction,
            corrects: vec![2],
            ..notice(incident, 3)
        };
        publish(store, back, vec![to(lane)], now).await;
        if incident == "j" {
            settle(store, &jobs[1], now, not_there).await;
        }
        let job = claim(store, lane, now).await.remove(0);
        assert_eq!(job.notice, jobs[0].notice, "{incident}");
    }
}

/// Whoever had the wrong words hears of the retraction by itself, before the digest. Where that is taken back, what it summed up still goes: a
/// retraction passes nothing but what it is about.
pub async fn what_a_retraction_came_before_still_goes<S: Store>(store: &S) {
    let lane = lanes(store, &["email"]).await[0];
    people(store, lane, &[("a@ex", &[])]).await;
    publish(store, notice("i", 1), vec![digest(lane)], T0).await;
    assert_eq!(started(store, lane, T0 + 1).await.len(), 1);
    let stands = publish(store, notice("i", 2), vec![digest(lane)], T0 + 2).await;
    let back = |number, corrects| Notice {
        kind: Kind::Retraction,
        corrects: vec![corrects],
        ..notice("i", number)
    };
    let retraction = publish(store, back(3, 1), vec![digest(lane)], T0 + 3).await;
    let mut werl = notice("i", 4);
    werl.scope = places(&["werl"]);
    publish(store, werl, vec![digest(lane)], T0 + 4).await;
    assert_eq!(cut(store, lane, T0 + 5).await, [stands]);
    let mut one = request(lane, T0 + 6);
    one.limit = 1;
    let job = store.claim(&one).await.unwrap().jobs.remove(0);
    assert_eq!(job.notice, retraction);
    delivered(store, &job, T0 + 7).await;
    publish(store, back(5, 4), vec![digest(lane)], T0 + 8).await;
    let told = started(store, lane, T0 + 9).await;
    assert_eq!(told.iter().map(|t| t.1).collect::<Vec<_>>(), [stands]);
}
