//! What became of single recipients goes some time after the last of it has ended; the numbers stay.

use rundruf::clock::Ms;
use rundruf::domain::delivery::{BroadcastState, CatchUp, DeliveryState, Operation};
use rundruf::domain::words::Kind;
use rundruf::ids::{LaneId, NoticeSeq};
use rundruf::store::*;

use super::fixture::*;

const DAY: Ms = 24 * 3_600_000;
const LATER: Ms = T0 + 91 * DAY;

/// Everything that has ended by then, in as many steps as that takes.
async fn remove<S: Store>(store: &S, before: Ms) -> u64 {
    let mut rows = 0;
    loop {
        let removed = store.remove_old(before, 2, LATER).await.unwrap();
        if removed.broadcast.is_none() {
            return rows;
        }
        rows += removed.rows;
    }
}

/// Three people on a lane.
async fn three<S: Store>(store: &S) -> LaneId {
    let lane = lanes(store, &["a"]).await[0];
    people(store, lane, &[("a@ex", &[]), ("b@ex", &[]), ("c@ex", &[])]).await;
    lane
}

/// A notice that all of them have got by then.
async fn everybody_has<S: Store>(store: &S, lane: LaneId, number: u32, at: Ms) -> NoticeSeq {
    let seq = publish(store, notice("i", number), vec![to_all(lane)], at).await;
    for job in claim(store, lane, at + 1).await {
        delivered(store, &job, at + 2).await;
    }
    seq
}

fn correction(number: u32, kind: Kind, of: u32, lane: LaneId) -> (rundruf::domain::notice::Notice, NewBroadcast) {
    let mut n = notice("i", number);
    (n.kind, n.corrects) = (kind, vec![of]);
    let mut b = NewBroadcast {
        operation: Operation::Reply,
        ..to_all(lane)
    };
    for variant in b.variants.values_mut() {
        variant.text = "Berichtigung: Die IT geht.".into();
        variant.first = Some("Die IT geht.".into());
    }
    (n, b)
}

pub async fn what_ended_long_ago_goes_and_the_numbers_stay<S: Store>(store: &S) {
    let lane = three(store).await;
    let seq = publish(store, notice("i", 1), vec![to_all(lane)], T0).await;
    let jobs = claim(store, lane, T0 + 1).await;
    delivered(store, &jobs[0], T0 + 2).await;
    delivered(store, &jobs[1], T0 + 3).await;
    settle(store, &jobs[2], T0 + 4, Settled::Permanent).await;
    let before = board(store, seq).await;
    assert_eq!(remove(store, T0 + 3).await, 0, "the last of it ended later");
    assert_eq!(store.kept(T0 + 3).await.unwrap().next, Some((before.id, T0 + 4)));

    let first = store.remove_old(T0 + 4, 2, LATER).await.unwrap();
    assert_eq!((first.broadcast, first.rows, first.done), (Some(before.id), 2, false));
    let half = board(store, seq).await;
    assert_eq!((half.removed_ms, half.counters), (Some(LATER), before.counters));
    assert_eq!(store.kept(LATER).await.unwrap().removing, Some(before.id));
    assert_eq!(store.recount().await.unwrap(), [], "it is known that rows are missing");
    assert_eq!(remove(store, T0 + 4).await, 1);

    let after = board(store, seq).await;
    assert_eq!(
        (after.counters, after.state, after.removed_ms),
        (before.counters, BroadcastState::Ended, Some(LATER))
    );
    assert_eq!(store.deliveries(after.id, None, 9).await.unwrap(), []);
    for job in &jobs {
        assert!(store.explain(job.delivery).await.unwrap().is_none());
    }
    assert_eq!(store.kept(LATER).await.unwrap(), Kept::default());
    let log = store.log(0, 99).await.unwrap();
    let line = log.iter().find(|line| line.act.action == "remove").unwrap();
    assert_eq!(line.act.object, format!("b{}", after.id));
    // What a person or a gateway says of them now meets nothing.
    let decided = DecideOn::Delivery(jobs[2].delivery);
    let again = store
        .decide(decided, Decision::Again, &act("decide", LATER), LATER)
        .await;
    assert!(matches!(again, Err(StoreError::Refused(Refusal::NothingToDecide))));
    let late = Receipt {
        delivery: Some((jobs[0].delivery, 1)),
        remote_id: None,
        word: ReceiptWord::Rejected,
        raw: String::new(),
    };
    assert_eq!(
        store.receipts(lane, &[late], LATER).await.unwrap(),
        [ReceiptMatch::Unmatched]
    );
    assert_eq!(board(store, seq).await.counters, before.counters);
}

pub async fn nothing_goes_that_a_rule_still_needs<S: Store>(store: &S) {
    let lane = three(store).await;
    let first = publish(store, notice("i", 1), vec![to_all(lane)], T0).await;
    let jobs = claim(store, lane, T0 + 1).await;
    for job in &jobs[1..] {
        delivered(store, job, T0 + 2).await;
    }
    settle(store, &jobs[0], T0 + 2, Settled::Unknown).await;
    let second = everybody_has(store, lane, 2, T0 + 200_000).await;
    assert_eq!(remove(store, LATER).await, 0, "nobody knows what became of one");
    let (one, two) = (board(store, first).await.id, board(store, second).await.id);
    assert_eq!(store.kept(LATER).await.unwrap().held, [one]);

    let unknown = DecideOn::Delivery(jobs[0].delivery);
    let decided = T0 + 50 * DAY;
    let act = act("decide", decided);
    store.decide(unknown, Decision::Drop, &act, decided).await.unwrap();
    assert_eq!(
        remove(store, decided - 1).await,
        0,
        "an older one of the incident has ended later"
    );
    assert_eq!(store.kept(LATER).await.unwrap().next, Some((one, decided)));

    // A third one waits: whoever gets it may have to be found among those who got the others.
    publish(store, notice("i", 3), vec![to_all(lane)], decided + 1).await;
    assert_eq!(remove(store, LATER).await, 0);
    for job in claim(store, lane, decided + 2).await {
        delivered(store, &job, decided + 3).await;
    }
    assert_eq!(
        remove(store, decided).await,
        6,
        "both that have ended, and not the third"
    );
    assert_eq!(board(store, second).await.id, two);
    assert!(board(store, second).await.removed_ms.is_some());
    assert_eq!(
        store.kept(LATER).await.unwrap().next.map(|next| next.1),
        Some(decided + 3)
    );
}

pub async fn a_receipt_that_never_came_holds_nothing<S: Store>(store: &S) {
    let lane = three(store).await;
    let seq = publish(store, notice("i", 1), vec![to_all(lane)], T0).await;
    for job in claim(store, lane, T0 + 1).await {
        let id = remote(&job.address);
        settle(store, &job, T0 + 2, Settled::Accepted(id)).await;
    }
    assert_eq!(remove(store, T0 + 2).await, 3);
    let row = board(store, seq).await;
    assert_eq!((row.state, row.counters.accepted), (BroadcastState::Ended, 3));
}

pub async fn what_an_account_posted_stays<S: Store>(store: &S) {
    let lane = lanes(store, &["a"]).await[0];
    let seq = publish(store, notice("i", 1), vec![to(lane)], T0).await;
    let job = claim(store, lane, T0 + 1).await.remove(0);
    delivered(store, &job, T0 + 2).await;
    assert_eq!(remove(store, LATER).await, 0);
    let delivered = store.deliveries(board(store, seq).await.id, Some(DeliveryState::Delivered), 9);
    assert_eq!(delivered.await.unwrap().len(), 1);
}

pub async fn nothing_goes_by_a_clock_in_doubt<S: Store>(store: &S) {
    let lane = three(store).await;
    everybody_has(store, lane, 1, T0).await;
    let leap = Leap {
        at_ms: LATER,
        by_ms: 91 * DAY,
    };
    store.set_leap(Some(leap), None).await.unwrap();
    assert_eq!(remove(store, LATER).await, 0);
    store.set_leap(None, None).await.unwrap();
    assert_eq!(remove(store, LATER).await, 3);
}

pub async fn a_clock_that_was_ahead_keeps_nothing_longer<S: Store>(store: &S) {
    let lane = three(store).await;
    let ahead = T0 + 3_650 * DAY;
    store.high_time(ahead).await.unwrap();
    let seq = everybody_has(store, lane, 1, ahead).await;
    store.shift_times(3_650 * DAY, None, None).await.unwrap();
    let ended = store.kept(LATER).await.unwrap().next;
    assert_eq!(
        ended,
        Some((board(store, seq).await.id, T0)),
        "it cannot have ended later than now"
    );
}

/// Who has the wrong words is not known any more: all whom it concerns read that they were wrong.
pub async fn a_later_correction_goes_to_everybody_as_one<S: Store>(store: &S) {
    let lane = three(store).await;
    everybody_has(store, lane, 1, T0).await;
    remove(store, LATER).await;
    let (n, b) = correction(2, Kind::Correction, 1, lane);
    publish(store, n, vec![b], LATER).await;
    let jobs = claim(store, lane, LATER + 1).await;
    let shown: Vec<_> = jobs
        .iter()
        .map(|job| (job.operation, job.variant.text.as_str()))
        .collect();
    assert_eq!(shown, [(Operation::Post, "Berichtigung: Die IT geht."); 3]);
    for job in &jobs {
        delivered(store, job, LATER + 2).await;
    }
}

pub async fn a_later_retraction_reaches_nobody<S: Store>(store: &S) {
    let lane = three(store).await;
    everybody_has(store, lane, 1, T0).await;
    remove(store, LATER).await;
    let (n, b) = correction(2, Kind::Retraction, 1, lane);
    let seq = publish(store, n, vec![b], LATER).await;
    assert!(claim(store, lane, LATER + 1).await.is_empty());
    let row = board(store, seq).await;
    assert_eq!((row.state, row.counters.delivered), (BroadcastState::Ended, 0));
}

/// Who has left goes with the last that was stored of them, and is somebody new on coming back.
pub async fn whoever_left_long_ago_is_forgotten<S: Store>(store: &S) {
    let lane = three(store).await;
    let seq = publish(store, notice("i", 1), vec![to_all(lane)], T0).await;
    let jobs = claim(store, lane, T0 + 1).await;
    for job in &jobs {
        delivered(store, job, T0 + 2).await;
    }
    let number = async |job: &Job| store.recipient(job.recipient).await.unwrap().map(|known| known.id);
    people(store, lane, &[("a@ex", &[]), ("b@ex", &[])]).await;
    assert_eq!(
        store.forget_left(LATER, 9).await.unwrap(),
        0,
        "what they were told is still stored"
    );
    remove(store, LATER).await;
    assert_eq!(
        store.forget_left(T0 - 1, 9).await.unwrap(),
        0,
        "they have not left long ago"
    );
    assert_eq!(store.forget_left(LATER, 9).await.unwrap(), 1);
    assert_eq!(
        number(&jobs[0]).await,
        Some(jobs[0].recipient),
        "who stays stays the same"
    );
    assert_eq!(number(&jobs[2]).await, None);

    people(store, lane, &[("a@ex", &[]), ("b@ex", &[]), ("c@ex", &[])]).await;
    publish(store, notice("i", 2), vec![to_all(lane)], LATER).await;
    let again = claim(store, lane, LATER + 1).await;
    assert_eq!(again.len(), 3);
    assert!(again[2].recipient > jobs[2].recipient, "no number is given twice");
    for job in again {
        delivered(store, &job, LATER + 2).await;
    }
    assert_eq!(board(store, seq).await.counters.delivered, 3);
}

/// Who has got it is not known any more: where the digest that sums it up is taken back, it would go to them a second time.
pub async fn what_was_removed_does_not_wait_again<S: Store>(store: &S) {
    let lane = lanes(store, &["a"]).await[0];
    let list: [(&str, &[&str]); 3] = [("a@ex", &["soest"]), ("b@ex", &["soest"]), ("c@ex", &["werl"])];
    people(store, lane, &list).await;
    let digest = || NewBroadcast {
        catch_up: CatchUp::Digest,
        ..to_all(lane)
    };
    let about = |number, place| {
        let mut n = notice("i", number);
        n.scope = places(&[place]);
        n
    };
    let first = publish(store, about(1, "soest"), vec![digest()], T0).await;
    let jobs = claim(store, lane, T0 + 1).await;
    delivered(store, &jobs[0], T0 + 2).await;
    let later = Settled::Waiting {
        due_ms: T0 + 900_000,
        spent: true,
        after_unknown: false,
    };
    settle(store, &jobs[1], T0 + 2, later).await;
    publish(store, about(2, "werl"), vec![digest()], T0 + 10).await;
    let due = store.due_cuts(lane, Some(T0 + 10)).await.unwrap().remove(0);
    let texts = to(lane).variants;
    store.cut(&FrozenCut { due, texts }, T0 + 11).await.unwrap();
    let jobs = claim(store, lane, T0 + 12).await;
    let of = |address: &str| jobs.iter().find(|job| job.address == address).unwrap();
    settle(store, of("b@ex"), T0 + 13, Settled::Permanent).await;
    delivered(store, of("c@ex"), T0 + 13).await;
    assert_eq!(remove(store, T0 + 12).await, 2, "of the first notice alone");

    let refused = DecideOn::Delivery(of("b@ex").delivery);
    let act = act("decide", LATER);
    store.decide(refused, Decision::Again, &act, LATER).await.unwrap();
    let mut back = about(3, "werl");
    (back.kind, back.corrects) = (Kind::Retraction, vec![2]);
    publish(store, back, vec![digest()], LATER + 1).await;
    let jobs = claim(store, lane, LATER + 2).await;
    let to: Vec<&str> = jobs.iter().map(|job| job.address.as_str()).collect();
    assert_eq!(to, ["c@ex"], "whoever has what is taken back");
    delivered(store, &jobs[0], LATER + 3).await;
    assert_eq!(board(store, first).await.counters.delivered, 1);
}
