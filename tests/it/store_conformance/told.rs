//! Digests that have gone: which words each message began with, where a notice is by now, and why one could not be written.

use rundruf::domain::delivery::DeliveryState;
use rundruf::domain::words::Kind;
use rundruf::store::*;

use super::digests::{about, cut, digest, due, first, frozen, started};
use super::fixture::*;

/// Whose answer was lost is found again by the words that went, and people are told of these, whatever the digest says by now.
pub async fn a_digest_that_is_written_again_leaves_what_has_gone<S: Store>(store: &S) {
    let lane = lanes(store, &["email"]).await[0];
    people(store, lane, &[("a@ex", &[]), ("b@ex", &[])]).await;
    let mut seqs = Vec::new();
    for number in 1..=3 {
        seqs.push(publish(store, notice("i", number), vec![digest(lane)], T0).await);
    }
    cut(store, lane, T0 + 1).await;
    let lost = first(store, lane, T0 + 2).await;
    let whole = format!("{} und {:?}", seqs[2], [seqs[1], seqs[0]]);
    assert_eq!(lost.variant.text, whole);
    settle(store, &lost, T0 + 3, Settled::Unknown).await;
    publish(store, about(Kind::Retraction, 4, 1), vec![digest(lane)], T0 + 4).await;
    assert_eq!(cut(store, lane, T0 + 5).await, [seqs[1]]);
    let shorter = claim(store, lane, T0 + 6).await.remove(0);
    assert_eq!(shorter.variant.text, format!("{} und {:?}", seqs[2], [seqs[1]]));
    let unknown = store.unknown_jobs(lane, rundruf::ids::DeliveryId(0), 9).await.unwrap();
    assert_eq!(unknown[0].variant.text, whole);
    for (job, text, tells) in [(&lost, &whole, vec![2, 1]), (&shorter, &shorter.variant.text, vec![2])] {
        let story = store.explain(job.delivery).await.unwrap().unwrap();
        assert_eq!((&story.variant.text, story.tells), (text, tells));
    }
}

/// A correction that is itself taken back before it went: whoever had only a digest with the wrong words hears of that.
pub async fn whoever_had_only_a_digest_hears_of_every_word_on_it<S: Store>(store: &S) {
    let lane = lanes(store, &["email"]).await[0];
    people(store, lane, &[("a@ex", &[]), ("b@ex", &[])]).await;
    publish(store, notice("i", 1), vec![digest(lane)], T0).await;
    let second = publish(store, notice("i", 2), vec![digest(lane)], T0).await;
    cut(store, lane, T0 + 1).await;
    let job = first(store, lane, T0 + 2).await;
    delivered(store, &job, T0 + 3).await;
    publish(store, about(Kind::Correction, 3, 1), vec![digest(lane)], T0 + 4).await;
    let retraction = publish(store, about(Kind::Retraction, 4, 3), vec![digest(lane)], T0 + 5).await;
    assert_eq!(due(store, lane).await, None, "of the second nothing is left to sum up");
    let told = started(store, lane, T0 + 6).await;
    let told: Vec<_> = told.iter().map(|(who, n, _)| (who.as_str(), *n)).collect();
    assert_eq!(told, [("b@ex", second), ("a@ex", retraction)]);
}

/// Words that are taken out of a notice are not shown as what went either, whichever digest that was.
pub async fn what_is_redacted_is_in_no_digest_that_has_gone<S: Store>(store: &S) {
    let lane = lanes(store, &["email"]).await[0];
    people(store, lane, &[("a@ex", &[]), ("b@ex", &[])]).await;
    let mut seqs = Vec::new();
    for number in 1..=3 {
        seqs.push(publish(store, notice("i", number), vec![digest(lane)], T0).await);
    }
    cut(store, lane, T0 + 1).await;
    let job = first(store, lane, T0 + 2).await;
    delivered(store, &job, T0 + 3).await;
    publish(store, about(Kind::Retraction, 4, 1), vec![digest(lane)], T0 + 4).await;
    cut(store, lane, T0 + 5).await;
    let newest = board(store, seqs[2]).await.id;
    let mut texts = store.texts(newest).await.unwrap();
    texts.own.values_mut().for_each(|text| text.text = "ohne".to_owned());
    let redaction = Redaction {
        notice: seqs[2],
        redacted: notice("i", 3),
        hash: "gesalzen".into(),
        texts: vec![(newest, texts)],
        unrendered: Vec::new(),
        looks_up: Vec::new(),
    };
    store.redact(&redaction, &act("redact", T0 + 6)).await.unwrap();
    let story = store.explain(job.delivery).await.unwrap().unwrap();
    assert_eq!(story.variant.text, "ohne");
    assert_eq!(story.tells, [2, 1], "that it was a digest stays known");
}

/// Whoever looks for a notice is sent to the digest that has it now.
pub async fn a_notice_is_looked_for_in_the_newest_digest<S: Store>(store: &S) {
    let lane = lanes(store, &["email"]).await[0];
    people(store, lane, &[("a@ex", &[])]).await;
    let one = publish(store, notice("i", 1), vec![digest(lane)], T0).await;
    let two = publish(store, notice("i", 2), vec![digest(lane)], T0).await;
    cut(store, lane, T0 + 1).await;
    for number in 3..=4 {
        publish(store, notice("i", number), vec![digest(lane)], T0 + 2).await;
        cut(store, lane, T0 + 3).await;
    }
    for seq in [one, two] {
        assert_eq!(board(store, seq).await.summed_up_in, Some(4));
    }
}

/// It stands on the board until it is written.
pub async fn why_a_digest_cannot_be_written_is_on_the_board<S: Store>(store: &S) {
    let lane = lanes(store, &["email"]).await[0];
    people(store, lane, &[("a@ex", &[])]).await;
    publish(store, notice("i", 1), vec![digest(lane)], T0).await;
    let newest = publish(store, notice("i", 2), vec![digest(lane)], T0).await;
    let cut = due(store, lane).await.unwrap();
    let why = rundruf::text::said::Said::quoted("Vorlage");
    store.no_digest(&cut, &why).await.unwrap();
    assert_eq!(board(store, newest).await.no_digest, Some(why));
    store.cut(&frozen(&cut), T0 + 1).await.unwrap();
    assert_eq!(board(store, newest).await.no_digest, None);
}

/// Whose answer was lost is found again by the words that went, also where these were taken out since: they are named, are never sent again, and are
/// gone as soon as somebody knows.
pub async fn what_was_taken_out_is_kept_for_looking_alone_and_until_it_is_known<S: Store>(store: &S) {
    let lane = lanes(store, &["mastodon"]).await[0];
    people(store, lane, &[("a@ex", &[]), ("b@ex", &[]), ("c@ex", &[])]).await;
    let mut seqs = Vec::new();
    for number in 1..=2 {
        seqs.push(publish(store, notice("i", number), vec![digest(lane)], T0).await);
    }
    cut(store, lane, T0 + 1).await;
    let jobs = claim(store, lane, T0 + 2).await;
    let whole = jobs[0].variant.text.clone();
    settle(store, &jobs[0], T0 + 3, Settled::Unknown).await;
    let repeated = Settled::Waiting {
        due_ms: T0 + 20,
        spent: true,
        after_unknown: true,
    };
    settle(store, &jobs[1], T0 + 3, repeated).await;
    publish(store, about(Kind::Retraction, 3, 1), vec![digest(lane)], T0 + 4).await;
    let redact = async |at| {
        let redaction = Redaction {
            notice: seqs[0],
            redacted: notice("i", 1),
            hash: "gesalzen".into(),
            texts: Vec::new(),
            unrendered: Vec::new(),
            looks_up: vec!["mastodon".into()],
        };
        let there = store.redact(&redaction, &act("redact", at)).await.unwrap();
        Vec::from_iter(there.iter().map(|still| still.delivery.unwrap()))
    };
    let expected = [
        (jobs[0].delivery, DeliveryState::Unknown),
        (jobs[1].delivery, DeliveryState::Waiting),
        (jobs[2].delivery, DeliveryState::Started),
    ];
    assert_eq!(redact(T0 + 5).await, expected);
    let unknown = store.unknown_jobs(lane, rundruf::ids::DeliveryId(0), 9).await.unwrap();
    assert_eq!(unknown[0].withdrawn.as_ref(), Some(&whole));
    assert!(!unknown[0].variant.text.contains("und"), "{:?}", unknown[0].variant);

    delivered(store, &jobs[2], T0 + 6).await;
    let what = DecideOn::Delivery(jobs[0].delivery);
    store
        .decide(what, Decision::There, &act("decide", T0 + 7), T0 + 7)
        .await
        .unwrap();
    assert_eq!(redact(T0 + 8).await, expected[1..2]);
    let again = claim(store, lane, T0 + 400_000).await;
    let again = again.iter().find(|job| job.delivery == jobs[1].delivery).unwrap();
    assert_eq!(again.withdrawn.as_ref(), Some(&whole));
    assert!(!again.variant.text.contains("und"), "{:?}", again.variant);
    delivered(store, again, T0 + 400_001).await;
    assert_eq!(redact(T0 + 400_002).await, []);
}

/// By a clock that was ahead the newest notice ran out for one of two, and what it had summed up waited by itself again. By the right clock it is in time,
/// sums that up once more, and is for both.
pub async fn what_ran_out_by_a_clock_ahead_is_told_after_all<S: Store>(store: &S) {
    let lane = lanes(store, &["email"]).await[0];
    people(store, lane, &[("a@ex", &[]), ("b@ex", &[])]).await;
    let first = publish(store, notice("i", 1), vec![digest(lane)], T0).await;
    let until = NewBroadcast {
        expires_at_ms: Some(T0 + 1_000),
        ..digest(lane)
    };
    let second = publish(store, notice("i", 2), vec![until], T0).await;
    assert_eq!(cut(store, lane, T0).await, [first]);
    let one = ClaimRequest {
        limit: 1,
        opens: 8,
        ..request(lane, T0)
    };
    let lost = store.claim(&one).await.unwrap().jobs.remove(0);
    assert_eq!(lost.address, "a@ex");
    store.expire(T0 + 2_000).await.unwrap();
    let repeat = Settled::Waiting {
        due_ms: T0 + 9_000,
        spent: true,
        after_unknown: true,
    };
    settle(store, &lost, T0 + 2_000, repeat).await;
    assert_eq!(cut(store, lane, T0 + 10).await, [first]);
    let both = format!("{second} und {:?}", [first]);
    assert_eq!(started(store, lane, T0 + 10).await, [("b@ex".into(), second, both)]);
}
