//! Gates, changed and dropped channels, audiences.

use rundruf::domain::delivery::{BroadcastState, Gate, GateCause};
use rundruf::domain::outcome::Remote;
use rundruf::publication::board::{Light, line};
use rundruf::store::*;
use rundruf::text::said::Said;

use super::fixture::*;

fn hold(lane: rundruf::ids::LaneId) -> GateChange {
    GateChange {
        lane,
        gate: Gate::Held,
        cause: GateCause::Person,
        expected_epoch: None,
        reason: Some(Said::quoted("Probe")),
    }
}

pub async fn a_held_lane_starts_nothing<S: Store>(store: &S) {
    let lane = lanes(store, &["a"]).await[0];
    let seq = publish(store, notice("i", 1), vec![to(lane)], T0).await;
    let job = claim(store, lane, T0).await.remove(0);
    let held = store.set_gate(&hold(lane), &act("hold", T0)).await.unwrap();
    assert_eq!((held.gate, held.epoch), (Gate::Held, 2));
    store.give_back(&[(job.delivery, job.attempt)], T0).await.unwrap();
    store.acknowledge_gate(lane, 2, 3).await.unwrap();
    assert_eq!(store.lane_rows().await.unwrap()[0].acknowledged, (2, 3));
    for epoch in [1, 2] {
        let mut r = request(lane, T0);
        r.epoch = epoch;
        assert!(store.claim(&r).await.unwrap().jobs.is_empty());
    }
    let row = board(store, seq).await;
    assert_eq!((row.counters.waiting, row.counters.started), (1, 0));
}

pub async fn an_old_epoch_gets_nothing_and_conflicts<S: Store>(store: &S) {
    let lane = lanes(store, &["a"]).await[0];
    publish(store, notice("i", 1), vec![to(lane)], T0).await;
    store.set_gate(&hold(lane), &act("hold", T0)).await.unwrap();
    let mut release = hold(lane);
    release.gate = Gate::Open;
    release.expected_epoch = Some(1);
    let refused = store.set_gate(&release, &act("release", T0)).await;
    assert!(matches!(refused, Err(StoreError::Conflict(_))));
    release.expected_epoch = Some(2);
    store.set_gate(&release, &act("release", T0)).await.unwrap();
    let old = store.claim(&request(lane, T0)).await.unwrap();
    assert_eq!((old.jobs.len(), old.epoch), (0, 3));
    let mut new = request(lane, T0);
    new.epoch = 3;
    assert_eq!(store.claim(&new).await.unwrap().jobs.len(), 1);
}

pub async fn another_account_with_rows_waiting_starts_held<S: Store>(store: &S) {
    let lane = lanes(store, &["a"]).await[0];
    let same = store.configure(&[spec("a", "elsewhere")], T0).await.unwrap();
    assert_eq!(same[0].gate, Gate::Open, "nothing waits");
    publish(store, notice("i", 1), vec![to(lane)], T0).await;
    let rows = store.configure(&[spec("a", "host/user")], T0).await.unwrap();
    assert_eq!(rows[0].gate, Gate::Held);
    assert!(rows[0].gate_reason.as_ref().unwrap().en.contains("elsewhere"));
}

/// What nobody knows the outcome of concerns the old account; and whoever asks later finds who held the lane.
pub async fn another_account_with_unknown_rows_starts_held<S: Store>(store: &S) {
    let lane = lanes(store, &["a"]).await[0];
    publish(store, notice("i", 1), vec![to(lane)], T0).await;
    let job = claim(store, lane, T0).await.remove(0);
    settle(store, &job, T0, Settled::Unknown).await;
    let before = store.log(0, 100).await.unwrap().len();
    let rows = store.configure(&[spec("a", "elsewhere")], T0 + 9).await.unwrap();
    assert_eq!(rows[0].gate, Gate::Held);
    let log = store.log(0, 100).await.unwrap();
    let line = &log[before].act;
    assert_eq!((line.actor.as_str(), line.action.as_str()), ("configuration", "hold"));
    assert_eq!((line.object.as_str(), line.at_ms), ("channel a", T0 + 9));
    assert_eq!(audit::first_break(&log), None);
}

/// `gate = "held"` written for a channel that is there already holds it; a person's later release stands while nothing changes.
pub async fn a_gate_set_to_held_in_the_settings_holds_a_known_lane<S: Store>(store: &S) {
    let lane = lanes(store, &["a"]).await[0];
    let held = LaneSpec {
        first_gate: Gate::Held,
        settings_hash: "y".into(),
        ..spec("a", "host/user")
    };
    let row = store
        .configure(std::slice::from_ref(&held), T0)
        .await
        .unwrap()
        .remove(0);
    assert_eq!((row.gate, row.gate_by.as_deref()), (Gate::Held, Some("configuration")));
    assert!(row.gate_reason.is_some());
    assert_eq!(store.log(0, 100).await.unwrap().len(), 1);
    let release = GateChange {
        gate: Gate::Open,
        ..hold(lane)
    };
    store.set_gate(&release, &act("release", T0)).await.unwrap();
    let row = store.configure(&[held], T0).await.unwrap().remove(0);
    assert_eq!(row.gate, Gate::Open, "nothing in the settings has changed");
}

pub async fn a_dropped_channel_ends_its_rows<S: Store>(store: &S) {
    let lane = lanes(store, &["old"]).await[0];
    let seq = publish(store, notice("i", 1), vec![to(lane)], T0).await;
    let refused = store.drop_lane(lane, &act("drop", T0), T0).await;
    assert!(matches!(refused, Err(StoreError::Refused(_))));
    lanes(store, &["new"]).await;
    assert!(claim(store, lane, T0).await.is_empty(), "not configured");
    assert_eq!(store.drop_lane(lane, &act("drop", T0), T0).await.unwrap(), 1);
    assert_eq!(board(store, seq).await.state, BroadcastState::Ended);
    store.rename_lane("old", "older", &act("rename", T0)).await.unwrap();
    assert_eq!(board(store, seq).await.channel, "older");
}

pub async fn whoever_leaves_the_audience_is_gone<S: Store>(store: &S) {
    let lane = lanes(store, &["a"]).await[0];
    let change = people(store, lane, &[("+1", &[]), ("+2", &[])]).await;
    assert_eq!((change.total, change.added, change.removed), (2, 2, 0));
    let seq = publish(store, notice("i", 1), vec![to_all(lane)], T0).await;
    let jobs = claim(store, lane, T0).await;
    let later = Settled::Waiting {
        due_ms: T0 + 10,
        spent: true,
        after_unknown: false,
    };
    settle(store, &jobs[0], T0, later).await;
    settle(store, &jobs[1], T0, Settled::Gone).await;
    let change = people(store, lane, &[("+2", &[]), ("+3", &[])]).await;
    assert_eq!((change.total, change.added, change.removed), (1, 1, 1));
    assert!(claim(store, lane, T0 + 10).await.is_empty());
    let row = board(store, seq).await;
    assert_eq!((row.state, row.counters.gone), (BroadcastState::Ended, 2));
}

pub async fn a_renamed_channel_hands_everything_to_the_lane_a_running_owner_knows<S: Store>(store: &S) {
    let old = lanes(store, &["alt"]).await[0];
    people(store, old, &[("+491", &[]), ("+492", &[])]).await;
    let seq = publish(store, notice("i", 1), vec![to_all(old)], T0).await;
    let sent = claim(store, old, T0).await.remove(0);
    delivered(store, &sent, T0).await;
    let new = lanes(store, &["neu"]).await[0];
    people(store, new, &[("+491", &[]), ("+492", &[]), ("+493", &[])]).await;
    let epoch = store
        .lane_rows()
        .await
        .unwrap()
        .iter()
        .find(|l| l.id == new)
        .unwrap()
        .epoch;
    store.rename_lane("alt", "neu", &act("rename", T0)).await.unwrap();

    let rows = store.lane_rows().await.unwrap();
    let [lane] = &rows[..] else {
        panic!("one lane: {rows:?}")
    };
    assert_eq!((lane.id, lane.name.as_str(), lane.configured), (new, "neu", true));
    assert!(lane.epoch > epoch, "whoever claims with the old epoch is told");
    let row = board(store, seq).await;
    assert_eq!((row.lane, row.counters.delivered), (new, 1));
    let jobs = store
        .claim(&ClaimRequest {
            epoch: lane.epoch,
            ..request(new, T0 + 60_000_000)
        })
        .await
        .unwrap()
        .jobs;
    assert!(
        jobs.iter().all(|job| job.delivery != sent.delivery),
        "nobody gets it twice"
    );
    people(store, new, &[("+491", &[]), ("+492", &[]), ("+493", &[])]).await;
    let all = store.lane_rows().await.unwrap();
    assert_eq!(all[0].audience, 3, "the file is compared with whom the old one had");
}

pub async fn an_audience_that_ran_out_before_it_was_opened_is_not_done<S: Store>(store: &S) {
    let lane = lanes(store, &["sms"]).await[0];
    people(store, lane, &[("+491", &[]), ("+492", &[])]).await;
    let short = NewBroadcast {
        expires_at_ms: Some(T0 + 60_000),
        ..to_all(lane)
    };
    let seq = publish(store, notice("i", 1), vec![short], T0).await;
    store.expire(T0 + 60_000).await.unwrap();
    let (row, lanes) = (board(store, seq).await, store.lane_rows().await.unwrap());
    let line = line(&row, &lanes, T0 + 60_000, &jiff::tz::TimeZone::UTC).unwrap();
    assert_eq!(line.light, Light::Look);
    assert!(
        line.text.en.contains("2 out of time before it went out"),
        "{}",
        line.text.en
    );
}

pub async fn who_has_unsubscribed_gets_nothing_more<S: Store>(store: &S) {
    let lane = lanes(store, &["a"]).await[0];
    let all: &[(&str, &[&str])] = &[("Anna@stadt.example", &[]), ("bert@stadt.example", &[])];
    people(store, lane, all).await;
    publish(store, notice("i", 1), vec![to_all(lane)], T0).await;
    let jobs = claim(store, lane, T0).await;
    let later = Settled::Waiting {
        due_ms: T0 + 10,
        spent: true,
        after_unknown: false,
    };
    settle(store, &jobs[0], T0, later).await;
    settle(store, &jobs[1], T0, Settled::Delivered(Remote::default())).await;

    let anna = store.recipient(jobs[0].recipient).await.unwrap().unwrap();
    assert_eq!(
        (anna.lane, anna.address.as_str(), anna.suppressed),
        (lane, "Anna@stadt.example", None)
    );
    let lines = store.log(0, 100).await.unwrap().len();
    // Her own word outlives every other reason.
    let (hand, own) = (SuppressedBecause::ByHand, SuppressedBecause::Unsubscribed);
    for (because, first) in [(hand, true), (own, true), (own, false), (hand, false)] {
        let suppression = Suppression {
            lane,
            address: anna.canonical.clone(),
            because,
        };
        let done = store.suppress(&suppression, &act("suppress", T0 + 1)).await.unwrap();
        assert_eq!(done, first, "{because:?}");
    }
    assert_eq!(store.log(0, 100).await.unwrap().len(), lines + 2);
    assert_eq!(store.lane_rows().await.unwrap()[0].audience, 1, "counted once");
    let anna = store.recipient(jobs[0].recipient).await.unwrap().unwrap();
    assert_eq!(anna.suppressed, Some(own));

    assert!(
        claim(store, lane, T0 + 10).await.is_empty(),
        "what still waited is gone"
    );
    // Still in the file, once more in another spelling, and a second notice.
    let again: &[(&str, &[&str])] = &[
        ("Anna@stadt.example", &[]),
        ("bert@stadt.example", &[]),
        ("anna@stadt.example", &[]),
    ];
    people(store, lane, again).await;
    publish(store, notice("i", 2), vec![to_all(lane)], T0 + 20).await;
    let to: Vec<_> = claim(store, lane, T0 + 20)
        .await
        .into_iter()
        .map(|j| j.address)
        .collect();
    assert_eq!(to, ["bert@stadt.example"]);
}

/// Nothing goes any more to somebody who left; but what may have arrived is not called gone.
pub async fn whoever_leaves_may_have_got_it<S: Store>(store: &S) {
    let lane = lanes(store, &["a"]).await[0];
    people(store, lane, &[("+1", &[])]).await;
    let seq = publish(store, notice("i", 1), vec![to_all(lane)], T0).await;
    let job = claim(store, lane, T0).await.remove(0);
    let repeat = Settled::Waiting {
        due_ms: T0,
        spent: true,
        after_unknown: true,
    };
    settle(store, &job, T0, repeat).await;
    people(store, lane, &[]).await;
    assert!(claim(store, lane, T0).await.is_empty());
    let counters = board(store, seq).await.counters;
    assert_eq!((counters.unknown, counters.gone), (1, 0));
}

pub async fn the_log_says_when_the_last_backup_was<S: Store>(store: &S) {
    assert_eq!(store.last_backup().await.unwrap(), None);
    for (action, at) in [
        ("backup", T0),
        ("hold", T0 + 1),
        ("backup", T0 + 2),
        ("restore", T0 + 3),
    ] {
        store.audit(&act(action, at)).await.unwrap();
    }
    assert_eq!(store.last_backup().await.unwrap(), Some(T0 + 2));
}
