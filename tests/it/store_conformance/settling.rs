//! Outcomes, takeovers, decisions, time.

use rundruf::clock::Ms;
use rundruf::domain::delivery::{BroadcastState, DeliveryState};
use rundruf::domain::notice::Notice;
use rundruf::domain::words::Kind;
use rundruf::ids::{DeliveryId, LaneId};
use rundruf::store::*;

use super::fixture::*;

pub async fn state<S: Store>(store: &S, job: &Job) -> DeliveryState {
    let story = store.explain(job.delivery).await.unwrap().unwrap();
    story.delivery.state
}

pub async fn one_out<S: Store>(store: &S) -> (LaneId, Job) {
    let lane = lanes(store, &["a"]).await[0];
    publish(store, notice("i", 1), vec![to(lane)], T0).await;
    let job = claim(store, lane, T0).await.remove(0);
    (lane, job)
}

fn later(due_ms: Ms) -> Settled {
    Settled::Waiting {
        due_ms,
        spent: true,
        after_unknown: false,
    }
}

pub async fn an_old_attempt_is_only_evidence<S: Store>(store: &S) {
    let (lane, first) = one_out(store).await;
    settle(store, &first, T0, later(T0)).await;
    let second = claim(store, lane, T0).await.remove(0);
    assert_eq!(second.attempt, 2);
    settle(store, &first, T0, Settled::Permanent).await;
    assert_eq!(state(store, &second).await, DeliveryState::Started);
    delivered(store, &second, T0).await;
    settle(store, &second, T0, Settled::Permanent).await;
    let story = store.explain(second.delivery).await.unwrap().unwrap();
    assert_eq!(story.delivery.state, DeliveryState::Delivered);
    let evidence = story.events.iter().filter(|e| e.what == "evidence");
    assert_eq!(evidence.count(), 2);
}

pub async fn given_back_rows_lose_nothing<S: Store>(store: &S) {
    let (lane, job) = one_out(store).await;
    store.give_back(&[(job.delivery, job.attempt)], T0 + 5).await.unwrap();
    let again = claim(store, lane, T0 + 5).await.remove(0);
    assert_eq!((again.attempt, again.first_started_ms), (1, T0 + 5));
    // Given back twice, or by an old attempt: nothing.
    store.give_back(&[(job.delivery, 7)], T0).await.unwrap();
    assert_eq!(state(store, &again).await, DeliveryState::Started);
}

pub async fn a_takeover_repeats_with_a_handle_and_else_asks<S: Store>(store: &S) {
    let ids = lanes(store, &["handle", "none"]).await;
    let both = vec![to(ids[0]), to(ids[1])];
    publish(store, notice("i", 1), both, T0).await;
    let with = claim(store, ids[0], T0).await.remove(0);
    let without = claim(store, ids[1], T0).await.remove(0);
    let takeover = |lane, handle_for_ms| Takeover {
        lane,
        handle_for_ms,
        handles_from_ms: Ms::MIN,
        repeat: false,
        drop: false,
    };
    let taken = store
        .take_over(&[takeover(ids[0], Some(3_600_000)), takeover(ids[1], None)], T0 + 9)
        .await
        .unwrap();
    assert_eq!((taken[0].repeated, taken[0].unknown), (1, 0));
    assert_eq!((taken[1].repeated, taken[1].unknown), (0, 1));
    let again = claim(store, ids[0], T0 + 9).await.remove(0);
    assert!(again.after_unknown);
    assert_eq!((again.attempt, again.first_started_ms), (2, T0));
    assert_eq!(again.delivery, with.delivery);
    assert!(claim(store, ids[1], T0 + 999_999).await.is_empty());
    assert_eq!(state(store, &without).await, DeliveryState::Unknown);
    // What the dead process learned late still counts.
    delivered(store, &without, T0 + 20).await;
    assert_eq!(state(store, &without).await, DeliveryState::Delivered);
}

pub async fn a_passed_unknown_is_not_sent_again<S: Store>(store: &S) {
    let (lane, job) = one_out(store).await;
    settle(store, &job, T0, Settled::Unknown).await;
    publish(store, notice("i", 2), vec![to(lane)], T0).await;
    let next = claim(store, lane, T0 + 120_000).await.remove(0);
    delivered(store, &next, T0 + 120_000).await;
    let what = DecideOn::Delivery(job.delivery);
    assert!(matches!(
        store.decide(what, Decision::Again, &act("decide", T0), T0).await,
        Err(StoreError::Refused(_))
    ));
    let there = store.decide(what, Decision::There, &act("decide", T0), T0).await;
    assert_eq!(there.unwrap(), 1);
    assert_eq!(state(store, &job).await, DeliveryState::Delivered);
}

/// Nobody knew whether it had arrived, its retraction went, and nothing was found when it was looked for: what is wrong is not sent after that.
pub async fn what_was_retracted_is_not_sent_after_its_retraction<S: Store>(store: &S) {
    let (lane, job) = one_out(store).await;
    settle(store, &job, T0, Settled::Unknown).await;
    let back = Notice {
        kind: Kind::Retraction,
        corrects: vec![1],
        ..notice("i", 2)
    };
    publish(store, back, vec![to(lane)], T0).await;
    let now = T0 + 600_000;
    let next = claim(store, lane, now).await.remove(0);
    delivered(store, &next, now).await;
    settle(store, &job, now, Settled::GoesAgain { due_ms: now }).await;
    assert_eq!(state(store, &job).await, DeliveryState::Unknown);
    assert!(claim(store, lane, now).await.is_empty());
}

pub async fn outcomes_that_come_with_a_claim_are_written_before_it<S: Store>(store: &S) {
    let (lane, first) = one_out(store).await;
    publish(store, notice("i", 2), vec![to(lane)], T0).await;
    assert!(claim(store, lane, T0).await.is_empty(), "the first is under way");
    let with = ClaimRequest {
        settles: vec![completion(&first, T0, Settled::Delivered(remote("1")))],
        ..request(lane, T0)
    };
    let claimed = store.claim(&with).await.unwrap();
    assert_eq!(state(store, &first).await, DeliveryState::Delivered);
    assert_eq!(claimed.jobs.len(), 1, "what it held back may go at once");
    let other = ClaimRequest {
        epoch: 99,
        settles: vec![completion(&claimed.jobs[0], T0, Settled::Permanent)],
        ..request(lane, T0)
    };
    assert!(store.claim(&other).await.unwrap().jobs.is_empty());
    let ended = state(store, &claimed.jobs[0]).await;
    assert_eq!(ended, DeliveryState::Permanent, "written though the claim got nothing");
}

pub async fn what_a_person_sends_again_goes<S: Store>(store: &S) {
    let (lane, job) = one_out(store).await;
    settle(store, &job, T0, Settled::Unknown).await;
    let what = DecideOn::Delivery(job.delivery);
    store
        .decide(what, Decision::Again, &act("decide", T0), T0)
        .await
        .unwrap();
    let job = claim(store, lane, T0).await.remove(0);
    assert!(
        !job.after_unknown,
        "the decision covers what the earlier attempt came to"
    );
    let unknown = Settled::Waiting {
        due_ms: T0,
        spent: true,
        after_unknown: true,
    };
    settle(store, &job, T0, unknown).await;
    let job = claim(store, lane, T0).await.remove(0);
    assert!(job.after_unknown, "but not what comes after it");
}

pub async fn what_was_given_back_goes_once_though_new_chunks_open<S: Store>(store: &S) {
    let lane = lanes(store, &["a"]).await[0];
    people(store, lane, &[("+491", &[]), ("+492", &[]), ("+493", &[])]).await;
    publish(store, notice("i", 1), vec![to_all(lane)], T0).await;
    let one = ClaimRequest {
        limit: 1,
        ..request(lane, T0)
    };
    let jobs = store.claim(&one).await.unwrap().jobs;
    assert_eq!(jobs.len(), 1);
    store
        .give_back(&[(jobs[0].delivery, jobs[0].attempt)], T0)
        .await
        .unwrap();
    let mut ids: Vec<_> = claim(store, lane, T0).await.iter().map(|job| job.recipient).collect();
    let all = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!((ids.len(), all), (3, 3), "somebody would get it twice");
}

pub async fn what_is_out_of_time_ends<S: Store>(store: &S) {
    let lane = lanes(store, &["a"]).await[0];
    let short = NewBroadcast {
        expires_at_ms: Some(T0 + 60_000),
        ..to(lane)
    };
    let seq = publish(store, notice("i", 1), vec![short], T0).await;
    assert_eq!(store.expire(T0 + 59_999).await.unwrap(), 0);
    let in_doubt = ClaimRequest {
        expires: false,
        ..request(lane, T0 + 60_000)
    };
    let jobs = store.claim(&in_doubt).await.unwrap().jobs;
    assert_eq!(jobs.len(), 1, "by a clock in doubt nothing ends, and sending goes on");
    let rows: Vec<_> = jobs.iter().map(|job| (job.delivery, job.attempt)).collect();
    store.give_back(&rows, T0).await.unwrap();
    assert!(claim(store, lane, T0 + 60_000).await.is_empty());
    assert_eq!(store.expire(T0 + 60_000).await.unwrap(), 1);
    let row = board(store, seq).await;
    assert_eq!((row.state, row.counters.expired), (BroadcastState::Ended, 1));
}

pub async fn a_leap_of_the_clock_is_remembered_until_somebody_looked<S: Store>(store: &S) {
    assert_eq!(store.leap().await.unwrap(), None);
    let leap = Leap {
        at_ms: T0 + 3_600_000,
        by_ms: 3_600_000,
    };
    store.set_leap(Some(leap), None).await.unwrap();
    assert_eq!(store.leap().await.unwrap(), Some(leap));
    store.set_leap(None, Some(&act("clock is right", T0))).await.unwrap();
    assert_eq!(store.leap().await.unwrap(), None);
    assert_eq!(store.log(0, 10).await.unwrap().len(), 1);
}

pub async fn a_clock_that_went_back_moves_what_is_due<S: Store>(store: &S) {
    let (lane, job) = one_out(store).await;
    settle(store, &job, T0, later(T0 + 10_000)).await;
    let high = store.high_time(T0 + 3_600_000_000_000).await.unwrap();
    assert_eq!(store.high_time(T0).await.unwrap(), high);
    store.shift_times(high - T0, None, None).await.unwrap();
    assert_eq!(store.high_time(T0).await.unwrap(), T0);
    let due = T0 + 10_000 - (high - T0);
    assert!(claim(store, lane, due - 1).await.is_empty());
    assert_eq!(claim(store, lane, due).await.len(), 1);
}

/// A leap forward makes nothing due; a handle is as old as it was.
pub async fn a_clock_that_went_ahead_moves_what_is_due<S: Store>(store: &S) {
    let (lane, job) = one_out(store).await;
    settle(store, &job, T0, later(T0 + 10_000)).await;
    let high = store.high_time(T0).await.unwrap();
    store.shift_times(-7_200_000, None, None).await.unwrap();
    assert_eq!(store.high_time(T0).await.unwrap(), high);
    let due = T0 + 7_210_000;
    assert!(claim(store, lane, due - 1).await.is_empty());
    assert_eq!(claim(store, lane, due).await[0].first_started_ms, T0);
}

/// The hold of a refused notice moves with the clock, and a small step back does not end it.
pub async fn a_clock_that_went_back_ends_no_hold<S: Store>(store: &S) {
    let lane = lanes(store, &["a"]).await[0];
    let now = store.high_time(T0).await.unwrap();
    publish(store, notice("i", 1), vec![to(lane)], now - 5_000).await;
    let second = publish(store, notice("i", 2), vec![to(lane)], now - 5_000).await;
    let job = claim(store, lane, now - 5_000).await.remove(0);
    settle(store, &job, now, Settled::Permanent).await;
    assert!(
        claim(store, lane, now - 3_000).await.is_empty(),
        "a step of three seconds"
    );
    store.shift_times(3_600_000, None, None).await.unwrap();
    let end = now - 3_600_000 + 120_000;
    for moment in [now - 3_600_000, end - 1] {
        assert!(claim(store, lane, moment).await.is_empty());
    }
    assert_eq!(claim(store, lane, end).await[0].notice, second);
}

/// A late commit may bring both what the request came to and what a look found.
pub async fn two_outcomes_of_one_attempt_are_taken_in_turn<S: Store>(store: &S) {
    let (_, job) = one_out(store).await;
    let both = [
        completion(&job, T0, Settled::Unknown),
        completion(&job, T0 + 1, Settled::Delivered(remote("g1"))),
    ];
    store.complete(&both).await.unwrap();
    assert_eq!(state(store, &job).await, DeliveryState::Delivered);
}

/// Certainly not there: whatever comes next, no earlier attempt has got through, and no handle is needed any more.
pub async fn what_was_read_back_as_missing_has_not_begun<S: Store>(store: &S) {
    let (lane, job) = one_out(store).await;
    let repeat = Settled::Waiting {
        due_ms: T0,
        spent: true,
        after_unknown: true,
    };
    settle(store, &job, T0, repeat).await;
    let second = claim(store, lane, T0).await.remove(0);
    assert!(second.after_unknown);
    settle(store, &second, T0, Settled::Unknown).await;
    let look = store.unknown_jobs(lane, DeliveryId(0), 10).await.unwrap().remove(0);
    settle(store, &look, T0, later(T0)).await;
    let third = claim(store, lane, T0).await.remove(0);
    assert_eq!((third.attempt, third.after_unknown), (3, false));
}

/// A newer notice was refused for the moment (the service asked to wait): it has started, and the older one stays behind.
pub async fn what_was_told_to_wait_has_started<S: Store>(store: &S) {
    let (lane, first) = one_out(store).await;
    settle(store, &first, T0, Settled::Unknown).await;
    publish(store, notice("i", 2), vec![to(lane)], T0).await;
    let second = claim(store, lane, T0 + 120_000).await.remove(0);
    let wait = Settled::Waiting {
        due_ms: T0 + 900_000,
        spent: false,
        after_unknown: false,
    };
    settle(store, &second, T0 + 120_000, wait).await;
    settle(store, &first, T0 + 120_001, later(T0 + 120_001)).await;
    assert_eq!(state(store, &first).await, DeliveryState::Superseded);
}

/// The clock was set back while nothing ran: no later process believes how old a handle with a term is.
pub async fn a_clock_set_back_at_rest_is_not_forgotten<S: Store>(store: &S) {
    let lane = lanes(store, &["a"]).await[0];
    assert_eq!(store.handles_from(None).await.unwrap(), Ms::MIN);
    publish(store, notice("h", 1), vec![to(lane)], T0 + 100).await;
    assert_eq!(
        store.handles_from(Some(T0)).await.unwrap(),
        T0 + 100,
        "what has started"
    );
    assert_eq!(store.handles_from(None).await.unwrap(), T0 + 100);
    store.shift_times(40, None, None).await.unwrap();
    assert_eq!(store.handles_from(Some(T0)).await.unwrap(), T0 + 60);
    assert_eq!(claim(store, lane, T0 + 60).await.len(), 1);
    for (incident, first, repeated) in [("i", T0 + 60, 0), ("j", T0 + 61, 1)] {
        publish(store, notice(incident, 1), vec![to(lane)], first).await;
        assert_eq!(claim(store, lane, first).await.len(), 1);
        let takeover = Takeover {
            lane,
            handle_for_ms: Some(3_600_000),
            handles_from_ms: T0 + 60,
            repeat: false,
            drop: true,
        };
        let taken = store.take_over(&[takeover], first).await.unwrap();
        assert_eq!(taken[0].repeated, repeated);
    }
}

pub async fn an_unknown_read_back_as_missing_goes_again_unless_passed<S: Store>(store: &S) {
    let (lane, job) = one_out(store).await;
    settle(store, &job, T0, Settled::Unknown).await;
    let again = store.unknown_jobs(lane, DeliveryId(0), 10).await.unwrap().remove(0);
    assert_eq!((again.delivery, again.attempt), (job.delivery, 1));
    settle(store, &again, T0, later(T0)).await;
    let second = claim(store, lane, T0).await.remove(0);
    assert_eq!(second.attempt, 2);
    settle(store, &second, T0, Settled::Unknown).await;
    publish(store, notice("i", 2), vec![to(lane)], T0).await;
    let newer = claim(store, lane, T0 + 120_000).await.remove(0);
    delivered(store, &newer, T0 + 120_000).await;
    settle(store, &second, T0 + 120_000, later(T0 + 120_000)).await;
    assert_eq!(state(store, &job).await, DeliveryState::Superseded);
}

pub async fn a_big_audience_gets_each_notice_once<S: Store>(store: &S) {
    let lane = lanes(store, &["a"]).await[0];
    let addresses: Vec<String> = (0..300).map(|n| format!("+49{n}")).collect();
    let list: Vec<(&str, &[&str])> = addresses.iter().map(|a| (a.as_str(), &[][..])).collect();
    people(store, lane, &list).await;
    let seq = publish(store, notice("i", 1), vec![to_all(lane)], T0).await;
    let mut r = request(lane, T0);
    r.limit = 7;
    let mut seen = std::collections::BTreeSet::new();
    loop {
        // Some rows wait already when the next chunk opens.
        let jobs = store.claim(&r).await.unwrap().jobs;
        if jobs.is_empty() {
            break;
        }
        let (back, done) = jobs.split_at(jobs.len() / 3);
        let back: Vec<_> = back.iter().map(|j| (j.delivery, j.attempt)).collect();
        store.give_back(&back, T0).await.unwrap();
        for job in done {
            assert!(seen.insert(job.address.clone()), "{} twice", job.address);
            delivered(store, job, T0).await;
        }
    }
    assert_eq!(seen.len(), 300);
    assert_eq!(board(store, seq).await.state, BroadcastState::Ended);
}
