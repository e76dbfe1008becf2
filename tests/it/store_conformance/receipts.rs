//! Receipts: before the answer, twice, about an older attempt.

use rundruf::domain::delivery::DeliveryState;
use rundruf::domain::notice::Notice;
use rundruf::domain::words::Kind;
use rundruf::store::*;

use super::corrections::correction;
use super::fixture::*;
use super::settling::{one_out, state};

fn receipt(id: &str, word: ReceiptWord) -> Receipt {
    Receipt {
        delivery: None,
        remote_id: Some(id.into()),
        word,
        raw: "DELIVRD".into(),
    }
}

pub async fn a_receipt_may_come_before_the_answer<S: Store>(store: &S) {
    let (lane, job) = one_out(store).await;
    let early = store
        .receipts(lane, &[receipt("g1", ReceiptWord::Delivered)], T0)
        .await
        .unwrap();
    assert_eq!(early, [ReceiptMatch::Unmatched]);
    settle(store, &job, T0, Settled::Accepted(remote("g1"))).await;
    assert_eq!(state(store, &job).await, DeliveryState::Delivered);
}

pub async fn the_first_final_receipt_wins<S: Store>(store: &S) {
    let (lane, job) = one_out(store).await;
    settle(store, &job, T0, Settled::Accepted(remote("g1"))).await;
    let words = [
        receipt("g1", ReceiptWord::Buffered),
        receipt("g1", ReceiptWord::Delivered),
        receipt("g1", ReceiptWord::Rejected),
    ];
    let matches = store.receipts(lane, &words, T0).await.unwrap();
    use ReceiptMatch::{Applied, Evidence};
    assert_eq!(matches, [Evidence, Applied, Evidence]);
    assert_eq!(state(store, &job).await, DeliveryState::Delivered);
}

pub async fn a_receipt_resolves_unknown<S: Store>(store: &S) {
    let (lane, job) = one_out(store).await;
    settle(store, &job, T0, Settled::Unknown).await;
    let own = Receipt {
        delivery: Some((job.delivery, job.attempt)),
        remote_id: None,
        word: ReceiptWord::Delivered,
        raw: String::new(),
    };
    let stray = Receipt {
        delivery: Some((job.delivery, 99)),
        ..own.clone()
    };
    let matches = store.receipts(lane, &[stray, own], T0).await.unwrap();
    assert_eq!(matches, [ReceiptMatch::Unmatched, ReceiptMatch::Applied]);
    assert_eq!(state(store, &job).await, DeliveryState::Delivered);
}

/// The centre reports that it has the message before the gateway's own answer is lost: nobody has to be asked.
pub async fn an_interim_word_before_the_answer_is_no_less_true<S: Store>(store: &S) {
    let (lane, job) = one_out(store).await;
    let has_it = Receipt {
        delivery: Some((job.delivery, job.attempt)),
        ..receipt("g1", ReceiptWord::Buffered)
    };
    let early = store.receipts(lane, &[has_it], T0).await.unwrap();
    assert_eq!(early, [ReceiptMatch::Applied]);
    settle(store, &job, T0 + 15_000, Settled::Unknown).await;
    assert_eq!(state(store, &job).await, DeliveryState::Accepted);
}

/// The first attempt's bad news says nothing about the second; its good news does.
pub async fn a_receipt_of_an_older_attempt_ends_nothing_badly<S: Store>(store: &S) {
    let (lane, first) = one_out(store).await;
    settle(store, &first, T0, Settled::Unknown).await;
    let what = DecideOn::Delivery(first.delivery);
    let again = store.decide(what, Decision::Again, &act("decide", T0), T0).await;
    assert_eq!(again.unwrap(), 1);
    let second = claim(store, lane, T0).await.remove(0);
    settle(store, &second, T0, Settled::Accepted(remote("g2"))).await;
    let of = |job: &Job, word| Receipt {
        delivery: Some((job.delivery, job.attempt)),
        ..receipt("g1", word)
    };
    for word in [ReceiptWord::Rejected, ReceiptWord::Expired] {
        let old = store.receipts(lane, &[of(&first, word)], T0).await.unwrap();
        assert_eq!(old, [ReceiptMatch::Evidence]);
        assert_eq!(state(store, &second).await, DeliveryState::Accepted);
    }
    let story = store.explain(first.delivery).await.unwrap().unwrap();
    let evidence = story.events.iter().filter(|e| e.what == "evidence");
    assert_eq!(evidence.count(), 2, "kept for whoever asks");
    store
        .receipts(lane, &[of(&first, ReceiptWord::Delivered)], T0)
        .await
        .unwrap();
    assert_eq!(state(store, &second).await, DeliveryState::Delivered);
}

/// The same by the gateway's id, which is the first attempt's until the second is answered.
pub async fn an_older_id_ends_nothing_badly<S: Store>(store: &S) {
    let (lane, first) = one_out(store).await;
    settle(store, &first, T0, Settled::Accepted(remote("g1"))).await;
    let rejected = receipt("g1", ReceiptWord::Rejected);
    store.receipts(lane, std::slice::from_ref(&rejected), T0).await.unwrap();
    assert_eq!(state(store, &first).await, DeliveryState::Permanent);
    let what = DecideOn::Delivery(first.delivery);
    let again = store.decide(what, Decision::Again, &act("decide", T0), T0).await;
    assert_eq!(again.unwrap(), 1);
    let second = claim(store, lane, T0).await.remove(0);
    let twice = store.receipts(lane, &[rejected], T0).await.unwrap();
    assert_eq!(twice, [ReceiptMatch::Evidence]);
    assert_eq!(state(store, &second).await, DeliveryState::Started);
    settle(store, &second, T0, Settled::Accepted(remote("g2"))).await;
    let now = receipt("g2", ReceiptWord::Rejected);
    assert_eq!(store.receipts(lane, &[now], T0).await.unwrap(), [ReceiptMatch::Applied]);
}

/// That the gateway still has an older attempt says nothing about the newest: somebody has to be asked about that one all the same.
pub async fn an_interim_word_about_an_older_attempt_answers_nothing<S: Store>(store: &S) {
    let (lane, first) = one_out(store).await;
    settle(store, &first, T0, Settled::Unknown).await;
    let what = DecideOn::Delivery(first.delivery);
    store
        .decide(what, Decision::Again, &act("decide", T0), T0)
        .await
        .unwrap();
    let second = claim(store, lane, T0).await.remove(0);
    settle(store, &second, T0, Settled::Unknown).await;
    let of = |job: &Job| Receipt {
        delivery: Some((job.delivery, job.attempt)),
        ..receipt("g1", ReceiptWord::Buffered)
    };
    store.receipts(lane, &[of(&first)], T0).await.unwrap();
    assert_eq!(state(store, &second).await, DeliveryState::Unknown);
    store.receipts(lane, &[of(&second)], T0).await.unwrap();
    assert_eq!(state(store, &second).await, DeliveryState::Accepted);
}

/// The same by the gateway's id, which stays the first attempt's where the second is not answered.
pub async fn an_interim_word_by_an_older_id_answers_nothing<S: Store>(store: &S) {
    let (lane, first) = one_out(store).await;
    settle(store, &first, T0, Settled::Accepted(remote("g1"))).await;
    let words = [receipt("g1", ReceiptWord::Rejected)];
    store.receipts(lane, &words, T0).await.unwrap();
    let what = DecideOn::Delivery(first.delivery);
    store
        .decide(what, Decision::Again, &act("decide", T0), T0)
        .await
        .unwrap();
    let second = claim(store, lane, T0).await.remove(0);
    settle(store, &second, T0, Settled::Unknown).await;
    let words = [
        receipt("g1", ReceiptWord::Buffered),
        receipt("g1", ReceiptWord::Rejected),
    ];
    store.receipts(lane, &words, T0).await.unwrap();
    assert_eq!(state(store, &second).await, DeliveryState::Unknown);
}

/// A report that settles the only attempt leaves nothing to take back.
pub async fn a_retraction_is_not_for_whom_a_report_has_settled_it<S: Store>(store: &S) {
    let lane = lanes(store, &["a"]).await[0];
    people(store, lane, &[("+1", &[]), ("+2", &[]), ("+3", &[])]).await;
    publish(store, notice("i", 1), vec![to_all(lane)], T0).await;
    let jobs = claim(store, lane, T0).await;
    for job in &jobs {
        settle(store, job, T0, Settled::Unknown).await;
    }
    for (job, word) in [(&jobs[0], ReceiptWord::Expired), (&jobs[1], ReceiptWord::Rejected)] {
        let settled = Receipt {
            delivery: Some((job.delivery, job.attempt)),
            ..receipt("g1", word)
        };
        assert_eq!(
            store.receipts(lane, &[settled], T0).await.unwrap(),
            [ReceiptMatch::Applied]
        );
    }
    let back = Notice {
        kind: Kind::Retraction,
        ..correction(2, 1)
    };
    publish(store, back, vec![to_all(lane)], T0).await;
    let told = claim(store, lane, T0 + 600_000).await;
    let told: Vec<_> = told.iter().map(|job| job.address.as_str()).collect();
    assert_eq!(told, ["+3"]);
}

/// A report is told of the attempt that it ended, not of the one after it.
pub async fn a_report_is_no_report_of_the_next_attempt<S: Store>(store: &S) {
    let (lane, first) = one_out(store).await;
    settle(store, &first, T0, Settled::Accepted(remote("g1"))).await;
    let rejected = receipt("g1", ReceiptWord::Rejected);
    store.receipts(lane, &[rejected], T0).await.unwrap();
    let what = DecideOn::Delivery(first.delivery);
    store
        .decide(what, Decision::Again, &act("decide", T0), T0)
        .await
        .unwrap();
    let second = claim(store, lane, T0).await.remove(0);
    settle(store, &second, T0, Settled::Accepted(remote("g2"))).await;
    let story = store.explain(first.delivery).await.unwrap().unwrap();
    let reports = story.events.iter().filter(|e| e.what == "receipt");
    assert_eq!(reports.map(|e| e.attempt).collect::<Vec<_>>(), [Some(1)]);
}
