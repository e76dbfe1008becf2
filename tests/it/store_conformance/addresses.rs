//! One recipient, however the lists spell an address; and what an older release has stored by another idea of that.

use rundruf::domain::outcome::Remote;
use rundruf::ids::LaneId;
use rundruf::store::*;

use super::fixture::*;

/// A phone's number without blanks, as `channel::sms` compares them.
fn phone(address: &str) -> String {
    address.replace(' ', "")
}

async fn listed<S: Store>(store: &S, lane: LaneId, addresses: &[&str], compared: Compared<'_>) -> AudienceChange {
    let person = |address: &&str| Person {
        address: (*address).to_owned(),
        canonical: compared(address),
        name: None,
        language: None,
        places: Vec::new(),
    };
    let all: Vec<Person> = addresses.iter().map(person).collect();
    store.sync_audience(lane, &all, T0).await.unwrap()
}

/// Publishes, sends, and says who got it.
async fn got<S: Store>(store: &S, lane: LaneId, number: u32) -> Vec<String> {
    let at = T0 + i64::from(number);
    publish(store, notice("i", number), vec![to_all(lane)], at).await;
    let jobs = claim(store, lane, at).await;
    for job in &jobs {
        settle(store, job, at, Settled::Delivered(Remote::default())).await;
    }
    jobs.into_iter().map(|job| job.address).collect()
}

async fn suppress<S: Store>(store: &S, lane: LaneId, address: &str, because: SuppressedBecause) {
    let what = Suppression {
        lane,
        address: address.to_owned(),
        because,
    };
    store.suppress(&what, &act("suppress", T0)).await.unwrap();
}

async fn lift<S: Store>(store: &S, lane: LaneId, address: &str) -> bool {
    store
        .lift(lane, address, &act("unsuppress", T0))
        .await
        .unwrap()
        .suppressed
}

pub async fn another_spelling_is_the_same_recipient<S: Store>(store: &S) {
    let lane = lanes(store, &["a"]).await[0];
    assert_eq!(
        listed(store, lane, &["+49 171 1", "+491711", "+491712"], &phone)
            .await
            .added,
        2
    );
    assert_eq!(got(store, lane, 1).await, ["+49 171 1", "+491712"]);
    // The next list spells it otherwise: nobody is new, and what hangs on the first spelling (names of mails, links) stays.
    let change = listed(store, lane, &["+4917 12", "+491711"], &phone).await;
    assert_eq!((change.added, change.removed, change.total), (0, 0, 2));
    assert_eq!(got(store, lane, 2).await, ["+49 171 1", "+491712"]);
    suppress(store, lane, "+491711", SuppressedBecause::ByHand).await;
    assert_eq!(store.lane_rows().await.unwrap()[0].audience, 1);
    assert!(store.is_listed(lane, "+491711").await.unwrap());
    assert_eq!(got(store, lane, 3).await, ["+491712"]);
    // In advance, and in the list afterwards.
    suppress(store, lane, "+491713", SuppressedBecause::ByHand).await;
    let change = listed(store, lane, &["+4917 11", "+491712", "+49 1713"], &phone).await;
    assert_eq!((change.added, change.total), (0, 1));
    assert_eq!(got(store, lane, 4).await, ["+491712"]);
    assert!(lift(store, lane, "+491713").await);
    assert_eq!(got(store, lane, 5).await, ["+491712", "+49 1713"]);
}

/// An older release took two spellings for two people, and suppressed one of them.
pub async fn what_was_stored_by_an_older_idea_is_compared_by_the_new_one<S: Store>(store: &S) {
    let lane = lanes(store, &["a"]).await[0];
    let written = ["+49 171 1", "+49 171 2", "+491711", "+491712", "+49 171 3"];
    listed(store, lane, &written, &str::to_owned).await;
    suppress(store, lane, "+49 171 1", SuppressedBecause::ByHand).await;
    suppress(store, lane, "+491711", SuppressedBecause::Unsubscribed).await;
    suppress(store, lane, "+491712", SuppressedBecause::ByHand).await;
    suppress(store, lane, "+49 171 9", SuppressedBecause::ByHand).await;
    for number in [1, 2] {
        store.respell(&[(lane, &phone)]).await.unwrap();
        let mut kept: Vec<_> = store.suppressions().await.unwrap();
        kept.sort_by(|a, b| a.address.cmp(&b.address));
        let kept: Vec<_> = kept.iter().map(|one| (one.address.as_str(), one.because)).collect();
        let (own, hand) = (SuppressedBecause::Unsubscribed, SuppressedBecause::ByHand);
        assert_eq!(kept, [("+491711", own), ("+491712", hand), ("+491719", hand)]);
        assert_eq!(got(store, lane, number).await, ["+49 171 3"]);
    }
    // The list as it was: each is one of them now.
    assert_eq!(listed(store, lane, &written, &phone).await.total, 1);
    assert!(lift(store, lane, "+491712").await);
    assert_eq!(got(store, lane, 3).await, ["+49 171 2", "+49 171 3"]);
}

/// What a renamed channel may not do, it may not do under its new name.
pub async fn a_renamed_channel_keeps_whom_it_does_not_write_to<S: Store>(store: &S) {
    let [old, new] = lanes(store, &["a", "b"]).await[..] else {
        unreachable!()
    };
    listed(store, old, &["+491711", "+491712", "+491713"], &phone).await;
    assert_eq!(got(store, old, 1).await.len(), 3);
    suppress(store, old, "+491711", SuppressedBecause::Unsubscribed).await;
    suppress(store, old, "+491712", SuppressedBecause::ByHand).await;
    // Somebody has been quicker there.
    suppress(store, new, "+491711", SuppressedBecause::ByHand).await;
    suppress(store, new, "+491719", SuppressedBecause::ByHand).await;
    store.rename_lane("a", "b", &act("rename", T0)).await.unwrap();
    listed(store, new, &["+491711", "+491712", "+491713", "+491719"], &phone).await;
    publish(store, notice("i", 2), vec![to_all(new)], T0 + 2).await;
    let request = ClaimRequest {
        epoch: 2,
        ..request(new, T0 + 2)
    };
    let jobs = store.claim(&request).await.unwrap().jobs;
    assert_eq!(
        jobs.iter().map(|job| job.address.as_str()).collect::<Vec<_>>(),
        ["+491713"]
    );
    let own = store
        .suppressions()
        .await
        .unwrap()
        .into_iter()
        .find(|one| one.address == "+491711");
    assert_eq!(own.unwrap().because, SuppressedBecause::Unsubscribed);
}

/// Suppressed, taken out of the list, and lifted: that puts nobody back into the list.
pub async fn who_was_lifted_after_leaving_the_list_gets_nothing<S: Store>(store: &S) {
    let lane = lanes(store, &["a"]).await[0];
    listed(store, lane, &["+491711", "+491712"], &phone).await;
    suppress(store, lane, "+491711", SuppressedBecause::ByHand).await;
    assert_eq!(
        listed(store, lane, &["+491712"], &phone).await.removed,
        0,
        "counted when it was suppressed"
    );
    assert!(!store.is_listed(lane, "+491711").await.unwrap());
    assert!(lift(store, lane, "+491711").await);
    assert_eq!(store.lane_rows().await.unwrap()[0].audience, 1);
    assert_eq!(got(store, lane, 1).await, ["+491712"]);
    // Back in the list while suppressed, and lifted then.
    suppress(store, lane, "+491711", SuppressedBecause::ByHand).await;
    let change = listed(store, lane, &["+49 1711", "+491712"], &phone).await;
    assert_eq!((change.added, change.total), (0, 1));
    assert_eq!(got(store, lane, 2).await, ["+491712"]);
    assert!(lift(store, lane, "+491711").await);
    assert_eq!(store.lane_rows().await.unwrap()[0].audience, 2);
    assert_eq!(got(store, lane, 3).await, ["+491711", "+491712"]);
}

/// An older release took a list that spelled somebody otherwise for one who left and one who came.
pub async fn of_two_spellings_the_one_stays_that_has_got_something<S: Store>(store: &S) {
    let lane = lanes(store, &["a"]).await[0];
    listed(store, lane, &["+49 171 1", "+49 171 2"], &str::to_owned).await;
    assert_eq!(got(store, lane, 1).await, ["+49 171 1", "+49 171 2"]);
    listed(store, lane, &["+491711", "+491712"], &str::to_owned).await;
    // The second has got something under both spellings; of the first it waits.
    publish(store, notice("i", 2), vec![to_all(lane)], T0 + 2).await;
    let jobs = claim(store, lane, T0 + 2).await;
    for job in jobs.iter().filter(|job| job.address == "+491712") {
        delivered(store, job, T0 + 3).await;
    }
    let waits = jobs.iter().find(|job| job.address == "+491711").unwrap();
    store
        .give_back(&[(waits.delivery, waits.attempt)], T0 + 3)
        .await
        .unwrap();

    store.respell(&[(lane, &phone)]).await.unwrap();
    for _ in 0..2 {
        let change = listed(store, lane, &["+491711", "+491712"], &phone).await;
        assert_eq!((change.added, change.removed, change.total), (0, 0, 2));
        assert_eq!(store.lane_rows().await.unwrap()[0].audience, 2);
    }
    // What waited goes to the one who stays, whose first notice and its corrections hang on that number; the second has the newest by the other one.
    let jobs = claim(store, lane, T0 + 4).await;
    assert_eq!(
        jobs.iter().map(|job| job.address.as_str()).collect::<Vec<_>>(),
        ["+49 171 1"]
    );
    delivered(store, &jobs[0], T0 + 5).await;
    assert_eq!(got(store, lane, 3).await, ["+49 171 1", "+491712"]);
    suppress(store, lane, "+491711", SuppressedBecause::ByHand).await;
    assert_eq!(got(store, lane, 4).await, ["+491712"]);
}
