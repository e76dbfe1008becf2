//! Cuts: what waits becomes one message, made of what its texts were rendered from or not at all.

use rundruf::domain::delivery::{BroadcastState, CatchUp, Operation};
use rundruf::domain::notice::Notice;
use rundruf::domain::words::Kind;
use rundruf::ids::{LaneId, NoticeSeq};
use rundruf::store::*;
use rundruf::text::lang::Lang;

use super::fixture::*;

pub(super) fn digest(lane: LaneId) -> NewBroadcast {
    NewBroadcast {
        catch_up: CatchUp::Digest,
        ..to_all(lane)
    }
}

pub(super) fn frozen(due: &DueCut) -> FrozenCut {
    let text = Variant {
        text: format!("{} und {:?}", due.notice, due.covers),
        ..to(due.lane).variants[&Lang::De].clone()
    };
    FrozenCut {
        due: due.clone(),
        texts: [(Lang::De, text)].into(),
    }
}

pub(super) async fn due<S: Store>(store: &S, lane: LaneId) -> Option<DueCut> {
    store.due_cuts(lane, None).await.unwrap().pop()
}

pub(super) async fn cut<S: Store>(store: &S, lane: LaneId, now: i64) -> Vec<NoticeSeq> {
    let due = due(store, lane).await.unwrap();
    store.cut(&frozen(&due), now).await.unwrap();
    due.covers
}

fn refused(made: Result<(), StoreError>) -> bool {
    matches!(made, Err(StoreError::Conflict(Conflict::Waiting)))
}

/// Whom the claim starts what for: address, notice, text.
pub(super) async fn started<S: Store>(store: &S, lane: LaneId, now: i64) -> Vec<(String, NoticeSeq, String)> {
    let jobs = claim(store, lane, now).await;
    let mut all = Vec::new();
    for job in &jobs {
        delivered(store, job, now).await;
        all.push((job.address.clone(), job.notice, job.variant.text.clone()));
    }
    all
}

pub async fn nothing_starts_before_the_cut_and_then_each_gets_one<S: Store>(store: &S) {
    let lane = lanes(store, &["email"]).await[0];
    people(store, lane, &[("a@ex", &[]), ("b@ex", &["soest"])]).await;
    let first = publish(store, notice("i", 1), vec![digest(lane)], T0).await;
    let mut werl = notice("i", 2);
    werl.scope = places(&["werl"]);
    let second = publish(store, werl, vec![digest(lane)], T0 + 1).await;
    let claimed = store.claim(&request(lane, T0 + 2)).await.unwrap();
    assert!(claimed.jobs.is_empty() && claimed.uncut.len() == 1, "{claimed:?}");
    assert_eq!(cut(store, lane, T0 + 3).await, [first]);
    assert_eq!(due(store, lane).await, None, "once");
    let both = format!("{second} und {:?}", [first]);
    // The newest concerns only one of them; what it sums up concerns both.
    let wanted = ["a@ex", "b@ex"].map(|who| (who.to_owned(), second, both.clone()));
    assert_eq!(started(store, lane, T0 + 4).await, wanted);
    let old = board(store, first).await;
    assert_eq!((old.state, old.summed_up_in), (BroadcastState::Superseded, Some(2)));
    assert_eq!(board(store, second).await.covers, [first]);

    // Whoever was served gets the newest alone.
    let third = publish(store, notice("i", 3), vec![digest(lane)], T0 + 5).await;
    assert_eq!(due(store, lane).await, None, "nothing older waits");
    let alone = started(store, lane, T0 + 6).await;
    assert!(alone.len() == 2 && alone.iter().all(|(_, n, text)| *n == third && !text.contains("und")));
}

pub async fn a_digest_of_what_does_not_wait_any_more_is_refused<S: Store>(store: &S) {
    let lane = lanes(store, &["email"]).await[0];
    people(store, lane, &[("a@ex", &[])]).await;
    for number in 1..=2 {
        publish(store, notice("i", number), vec![digest(lane)], T0).await;
    }
    let seen = due(store, lane).await.unwrap();
    publish(store, notice("i", 3), vec![digest(lane)], T0 + 1).await;
    assert!(refused(store.cut(&frozen(&seen), T0 + 2).await));
    let newest = due(store, lane).await.unwrap();
    assert_eq!(newest.covers.len(), 2);
    // What was taken out of a notice meanwhile must not be in a frozen text.
    let redaction = Redaction {
        notice: newest.covers[0],
        redacted: notice("i", 2),
        hash: "gesalzen".into(),
        texts: Vec::new(),
        unrendered: Vec::new(),
        looks_up: Vec::new(),
    };
    store.redact(&redaction, &act("redact", T0 + 3)).await.unwrap();
    assert!(refused(store.cut(&frozen(&newest), T0 + 4).await));
    assert_eq!(cut(store, lane, T0 + 5).await.len(), 2);
    let again = store.cut(&frozen(&newest), T0 + 6).await;
    assert!(refused(again), "another process was there first");
}

pub async fn what_was_taken_back_is_in_no_later_digest<S: Store>(store: &S) {
    let lane = lanes(store, &["email"]).await[0];
    people(store, lane, &[("a@ex", &[]), ("b@ex", &[])]).await;
    let mut seqs = Vec::new();
    for number in 1..=3 {
        seqs.push(publish(store, notice("i", number), vec![digest(lane)], T0).await);
    }
    cut(store, lane, T0 + 1).await;
    let mut one = request(lane, T0 + 2);
    one.limit = 1;
    let job = store.claim(&one).await.unwrap().jobs.remove(0);
    delivered(store, &job, T0 + 3).await;
    let retract = |number: u32, old: u32| {
        let mut n = notice("i", number);
        (n.kind, n.corrects) = (Kind::Retraction, vec![old]);
        n
    };
    // The second: the digest is written again without it. Who had it hears of that.
    let retraction = publish(store, retract(4, 2), vec![digest(lane)], T0 + 4).await;
    assert_eq!(cut(store, lane, T0 + 5).await, [seqs[0]]);
    let told = started(store, lane, T0 + 6).await;
    let without = format!("{} und {:?}", seqs[2], [seqs[0]]);
    assert_eq!(told[0], ("b@ex".into(), seqs[2], without));
    let heard: Vec<_> = told[1..].iter().map(|(who, n, _)| (who.as_str(), *n)).collect();
    assert!(heard.contains(&("a@ex", retraction)), "{heard:?}");
}

/// Whoever retracts a notice and takes its words out finds them nowhere any more, not in a digest either that held them once.
pub async fn what_is_redacted_is_in_no_frozen_digest<S: Store>(store: &S) {
    let lane = lanes(store, &["email"]).await[0];
    people(store, lane, &[("a@ex", &[])]).await;
    let mut seqs = Vec::new();
    for number in 1..=3 {
        seqs.push(publish(store, notice("i", number), vec![digest(lane)], T0).await);
    }
    assert_eq!(cut(store, lane, T0 + 1).await.len(), 2);
    let texts = async || store.texts(board(store, seqs[2]).await.id).await.unwrap();
    assert!(!texts().await.digest.is_empty());
    let mut retraction = notice("i", 4);
    (retraction.kind, retraction.corrects) = (Kind::Retraction, vec![1]);
    publish(store, retraction, vec![digest(lane)], T0 + 2).await;
    let redaction = Redaction {
        notice: seqs[0],
        redacted: notice("i", 1),
        hash: "gesalzen".into(),
        texts: Vec::new(),
        unrendered: Vec::new(),
        looks_up: Vec::new(),
    };
    store.redact(&redaction, &act("redact", T0 + 3)).await.unwrap();
    assert!(texts().await.digest.is_empty());
    // It is written again, without.
    assert_eq!(cut(store, lane, T0 + 4).await, [seqs[1]]);
    let without = format!("{} und {:?}", seqs[2], [seqs[1]]);
    assert_eq!(started(store, lane, T0 + 5).await, [("a@ex".into(), seqs[2], without)]);
}

pub async fn where_the_newest_is_taken_back_the_others_wait_again<S: Store>(store: &S) {
    let lane = lanes(store, &["email"]).await[0];
    people(store, lane, &[("a@ex", &[]), ("b@ex", &[])]).await;
    let mut seqs = Vec::new();
    for number in 1..=3 {
        seqs.push(publish(store, notice("i", number), vec![digest(lane)], T0).await);
    }
    cut(store, lane, T0 + 1).await;
    let mut one = request(lane, T0 + 2);
    one.limit = 1;
    let job = store.claim(&one).await.unwrap().jobs.remove(0);
    delivered(store, &job, T0 + 3).await;
    let mut wrong = notice("i", 4);
    (wrong.kind, wrong.corrects) = (Kind::Retraction, vec![3]);
    let retraction = publish(store, wrong, vec![digest(lane)], T0 + 4).await;
    assert_eq!(cut(store, lane, T0 + 5).await, [seqs[0]]);
    let both = format!("{} und {:?}", seqs[1], [seqs[0]]);
    let told = started(store, lane, T0 + 6).await;
    assert_eq!(
        told[0],
        ("b@ex".into(), seqs[1], both),
        "an older one never after a newer one"
    );
    assert_eq!((told.len(), told[1].0.as_str(), told[1].1), (2, "a@ex", retraction));
}

pub async fn an_account_posts_one_digest<S: Store>(store: &S) {
    let lane = lanes(store, &["mastodon"]).await[0];
    let account = NewBroadcast {
        catch_up: CatchUp::Digest,
        ..to(lane)
    };
    for number in 1..=2 {
        publish(store, notice("i", number), vec![account.clone()], T0).await;
    }
    let covers = cut(store, lane, T0 + 1).await;
    let posts = claim(store, lane, T0 + 2).await;
    assert_eq!(posts.len(), 1);
    assert!(posts[0].variant.text.ends_with(&format!("{covers:?}")));
    // Its answer was lost: read back with the text that went.
    settle(store, &posts[0], T0 + 3, Settled::Unknown).await;
    let unknown = store.unknown_jobs(lane, rundruf::ids::DeliveryId(0), 9).await.unwrap();
    assert_eq!(unknown[0].variant.text, posts[0].variant.text);
    let story = store.explain(posts[0].delivery).await.unwrap().unwrap();
    assert_eq!(
        (story.variant.text.as_str(), story.tells),
        (posts[0].variant.text.as_str(), vec![1])
    );
    assert_eq!(board(store, posts[0].notice).await.told, Some(1));
}

/// What has run out is in no digest, also where nobody has ended it yet; by a clock in doubt nothing runs out.
pub async fn what_has_run_out_is_in_no_digest<S: Store>(store: &S) {
    let lane = lanes(store, &["email"]).await[0];
    people(store, lane, &[("a@ex", &[])]).await;
    let until = |at| NewBroadcast {
        expires_at_ms: Some(at),
        ..digest(lane)
    };
    let mut seqs = Vec::new();
    for (number, expires) in (1..).zip([T0 + 10, T0 + 90, T0 + 90, T0 + 20]) {
        seqs.push(publish(store, notice("i", number), vec![until(expires)], T0).await);
    }
    let later = T0 + 20;
    let in_doubt = store.due_cuts(lane, None).await.unwrap().remove(0);
    assert_eq!(in_doubt.notice, seqs[3]);
    let mut doubting = request(lane, later);
    doubting.expires = false;
    assert_eq!(store.claim(&doubting).await.unwrap().uncut.len(), 1);
    let due = store.due_cuts(lane, Some(later)).await.unwrap().remove(0);
    assert_eq!((due.notice, &due.covers), (seqs[2], &vec![seqs[1]]));
    store.cut(&frozen(&due), later).await.unwrap();
    assert_eq!(store.claim(&request(lane, later)).await.unwrap().uncut, []);
    store.expire(later).await.unwrap();
    let both = format!("{} und {:?}", seqs[2], [seqs[1]]);
    assert_eq!(started(store, lane, later + 1).await, [("a@ex".into(), seqs[2], both)]);
    for seq in [seqs[0], seqs[3]] {
        let row = board(store, seq).await;
        assert_eq!((row.state, row.summed_up_in), (BroadcastState::Ended, None), "{seq}");
    }
}

/// What corrects or takes back a notice.
pub(super) fn about(kind: Kind, number: u32, old: u32) -> Notice {
    let mut n = notice("i", number);
    (n.kind, n.corrects) = (kind, vec![old]);
    n
}

fn account(lane: LaneId, operation: Operation) -> NewBroadcast {
    NewBroadcast {
        audience: false,
        operation,
        ..digest(lane)
    }
}

pub async fn a_correction_of_a_part_leaves_the_post_of_the_whole<S: Store>(store: &S) {
    let lane = lanes(store, &["mastodon"]).await[0];
    for number in 1..=2 {
        publish(store, notice("i", number), vec![account(lane, Operation::Post)], T0).await;
    }
    cut(store, lane, T0 + 1).await;
    let post = claim(store, lane, T0 + 2).await.remove(0);
    delivered(store, &post, T0 + 3).await;
    for (number, old, wanted) in [(3, 1, (Operation::Post, false)), (4, 2, (Operation::Edit, true))] {
        let right = about(Kind::Correction, number, old);
        publish(store, right, vec![account(lane, Operation::Edit)], T0 + 4).await;
        let job = claim(store, lane, T0 + 5).await.remove(0);
        assert_eq!((job.operation, job.target.is_some()), wanted, "correction of {old}");
        delivered(store, &job, T0 + 6).await;
    }
}

pub async fn an_unknown_part_may_be_repeated<S: Store>(store: &S) {
    let lane = lanes(store, &["email"]).await[0];
    people(store, lane, &[("a@ex", &[]), ("b@ex", &[])]).await;
    publish(store, notice("i", 1), vec![digest(lane)], T0).await;
    let under_way = first(store, lane, T0 + 1).await;
    publish(store, notice("i", 2), vec![digest(lane)], T0 + 2).await;
    cut(store, lane, T0 + 3).await;
    settle(store, &under_way, T0 + 4, Settled::Unknown).await;
    let what = DecideOn::Delivery(under_way.delivery);
    let again = store
        .decide(what, Decision::Again, &act("decide", T0 + 5), T0 + 5)
        .await;
    assert_eq!(again.unwrap(), 1, "no newer notice is in its place");
    assert_eq!(claim(store, lane, T0 + 6).await[0].delivery, under_way.delivery);
}

/// The first one alone.
pub(super) async fn first<S: Store>(store: &S, lane: LaneId, now: i64) -> Job {
    let mut one = request(lane, now);
    one.limit = 1;
    store.claim(&one).await.unwrap().jobs.remove(0)
}

pub async fn what_was_taken_back_is_in_no_cut_of_a_cut<S: Store>(store: &S) {
    let lane = lanes(store, &["email"]).await[0];
    people(store, lane, &[("a@ex", &[])]).await;
    publish(store, notice("i", 1), vec![digest(lane)], T0).await;
    let second = publish(store, notice("i", 2), vec![digest(lane)], T0).await;
    cut(store, lane, T0 + 1).await;
    publish(store, notice("i", 3), vec![digest(lane)], T0 + 2).await;
    cut(store, lane, T0 + 3).await;
    for (number, old) in [(4, 1), (5, 3)] {
        publish(store, about(Kind::Retraction, number, old), vec![digest(lane)], T0 + 4).await;
    }
    assert_eq!(due(store, lane).await, None, "of the second nothing is left to sum up");
    let own = to(lane).variants[&Lang::De].text.clone();
    assert_eq!(started(store, lane, T0 + 5).await, [("a@ex".into(), second, own)]);
}

pub async fn what_comes_back_is_in_the_next_cut<S: Store>(store: &S) {
    let lane = lanes(store, &["email"]).await[0];
    people(store, lane, &[("a@ex", &[]), ("b@ex", &[])]).await;
    let one = publish(store, notice("i", 1), vec![digest(lane)], T0).await;
    let under_way = first(store, lane, T0 + 1).await;
    let two = publish(store, notice("i", 2), vec![digest(lane)], T0 + 2).await;
    cut(store, lane, T0 + 3).await;
    let later = Settled::Waiting {
        due_ms: T0 + 4,
        spent: true,
        after_unknown: false,
    };
    settle(store, &under_way, T0 + 4, later).await;
    let three = publish(store, notice("i", 3), vec![digest(lane)], T0 + 5).await;
    assert_eq!(cut(store, lane, T0 + 6).await, [two, one]);
    let told = started(store, lane, T0 + 7).await;
    let all = format!("{three} und {:?}", [two, one]);
    let wanted = ["a@ex", "b@ex"].map(|who| (who.to_owned(), three, all.clone()));
    assert_eq!(told, wanted, "each gets one");
}

/// Tried, refused for now.
fn later(at: i64) -> Settled {
    Settled::Waiting {
        due_ms: at,
        spent: true,
        after_unknown: false,
    }
}

/// Told to wait while a digest tells the same; that runs out, and the wait holds.
pub async fn a_told_wait_outlives_a_digest<S: Store>(store: &S) {
    let lane = lanes(store, &["email"]).await[0];
    people(store, lane, &[("a@ex", &[]), ("b@ex", &[])]).await;
    let one = publish(store, notice("i", 1), vec![digest(lane)], T0).await;
    let under_way = first(store, lane, T0 + 1).await;
    let short = NewBroadcast {
        expires_at_ms: Some(T0 + 50),
        ..digest(lane)
    };
    publish(store, notice("i", 2), vec![short], T0 + 2).await;
    cut(store, lane, T0 + 3).await;
    settle(store, &under_way, T0 + 4, later(T0 + 900)).await;
    store.expire(T0 + 60).await.unwrap();
    let whom =
        |told: Vec<(String, NoticeSeq, String)>| told.into_iter().map(|(who, seq, _)| (who, seq)).collect::<Vec<_>>();
    assert_eq!(whom(started(store, lane, T0 + 899).await), [("b@ex".to_owned(), one)]);
    assert_eq!(whom(started(store, lane, T0 + 900).await), [("a@ex".to_owned(), one)]);
}

pub async fn a_digest_that_never_arrived_takes_nothing_with_it<S: Store>(store: &S) {
    let lanes = lanes(store, &["mastodon", "bluesky"]).await;
    for (lane, under_way) in lanes.iter().copied().zip([false, true]) {
        let incident = |number| notice(if under_way { "i" } else { "j" }, number);
        let mut seqs = Vec::new();
        for number in 1..=3 {
            seqs.push(publish(store, incident(number), vec![account(lane, Operation::Post)], T0).await);
        }
        cut(store, lane, T0 + 1).await;
        let digest = claim(store, lane, T0 + 2).await.remove(0);
        if !under_way {
            settle(store, &digest, T0 + 3, later(T0 + 900)).await;
        }
        let mut wrong = incident(4);
        (wrong.kind, wrong.corrects) = (Kind::Retraction, vec![3]);
        publish(store, wrong, vec![account(lane, Operation::Post)], T0 + 4).await;
        if under_way {
            settle(store, &digest, T0 + 5, later(T0 + 900)).await;
        }
        assert_eq!(cut(store, lane, T0 + 6).await, [seqs[0]]);
        let told = started(store, lane, T0 + 400_000).await;
        let text = format!("{} und {:?}", seqs[1], [seqs[0]]);
        assert_eq!(told, [(String::new(), seqs[1], text)], "under way: {under_way}");
    }
}
