//! Receipts: before the answer, twice, about an older attempt.

use rundruf::domain::delivery::DeliveryState;
use rundruf::store::*;

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
