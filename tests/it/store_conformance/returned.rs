//! Mails that came back: whom that concerns, once, and what it does to a release.

use rundruf::clock::Ms;
use rundruf::domain::delivery::{Gate, GateCause};
use rundruf::domain::outcome::Remote;
use rundruf::ids::DeliveryId;
use rundruf::store::*;
use rundruf::text::said::Said;

use super::fixture::*;

const DAY: Ms = 24 * 3_600_000;

fn came_back(delivery: DeliveryId, at_ms: Ms, gone: &[&str]) -> CameBack {
    CameBack {
        delivery,
        at_ms,
        gone: gone.iter().map(ToString::to_string).collect(),
        text: Said::quoted("weg"),
    }
}

pub async fn a_mail_that_came_back_ends_its_own_address_once<S: Store>(store: &S) {
    let lane = lanes(store, &["a"]).await[0];
    let all: &[(&str, &[&str])] = &[
        ("Anna@ex.example", &[]),
        ("bert@ex.example", &[]),
        ("list@ex.example", &[]),
        ("late@ex.example", &[]),
    ];
    people(store, lane, all).await;
    publish(store, notice("i", 1), vec![to_all(lane)], T0).await;
    let jobs = claim(store, lane, T0).await;
    for job in &jobs {
        settle(store, job, T0, Settled::Delivered(Remote::default())).await;
    }
    let of = |name: &str| jobs.iter().find(|job| job.address.starts_with(name)).unwrap().delivery;
    let lines = store.log(0, 100).await.unwrap().len();
    let say = async |what: CameBack| store.came_back(&what).await.unwrap();

    // A full mailbox is noted; the token of one says nothing about another's address; a list reports its members.
    assert_eq!(say(came_back(of("bert"), T0 + 1, &[])).await, Followed::Noted);
    let member = came_back(of("list"), T0 + 1, &["bert@ex.example", "member@elsewhere.example"]);
    assert_eq!(say(member).await, Followed::Noted);
    assert_eq!(store.log(0, 100).await.unwrap().len(), lines);

    let anna = came_back(of("Anna"), T0 + 1, &["anna@EX.example"]);
    assert_eq!(say(anna.clone()).await, Followed::Suppressed);
    assert_eq!(say(anna).await, Followed::Nothing, "read twice");
    assert_eq!(store.log(0, 100).await.unwrap().len(), lines + 1);
    let late = came_back(of("late"), T0 + 40 * DAY, &["late@ex.example"]);
    assert_eq!(say(late).await, Followed::Nothing, "too long ago");
    let nobody = came_back(DeliveryId(99_999), T0 + 1, &["bert@ex.example"]);
    assert_eq!(say(nobody).await, Followed::Nothing);

    let story = store.explain(of("Anna")).await.unwrap().unwrap();
    assert!(
        story.events.iter().any(|event| event.what == "came-back"),
        "{:?}",
        story.events
    );
    // Still in the file.
    people(store, lane, all).await;
    publish(store, notice("i", 2), vec![to_all(lane)], T0 + 2).await;
    let to: Vec<_> = claim(store, lane, T0 + 2)
        .await
        .into_iter()
        .map(|job| job.address)
        .collect();
    assert_eq!(to, ["bert@ex.example", "list@ex.example", "late@ex.example"]);
}

pub async fn what_comes_back_stops_a_drain<S: Store>(store: &S) {
    let lane = lanes(store, &["a"]).await[0];
    let all: Vec<String> = (0..40).map(|n| format!("{n}@ex.example")).collect();
    let all: Vec<(&str, &[&str])> = all.iter().map(|address| (address.as_str(), [].as_slice())).collect();
    people(store, lane, &all).await;
    publish(store, notice("i", 1), vec![to_all(lane)], T0).await;
    let mut epoch = 1;
    for gate in [Gate::Held, Gate::Draining] {
        let change = GateChange {
            lane,
            gate,
            cause: GateCause::Person,
            expected_epoch: None,
            reason: None,
        };
        epoch = store.set_gate(&change, &act("gate", T0)).await.unwrap().epoch;
    }
    let request = ClaimRequest {
        epoch,
        limit: 30,
        ..request(lane, T0)
    };
    let jobs = store.claim(&request).await.unwrap().jobs;
    for job in &jobs {
        settle(store, job, T0, Settled::Delivered(Remote::default())).await;
    }
    for job in &jobs[..2] {
        let row = store.lane_rows().await.unwrap().remove(0);
        assert_eq!(row.gate, Gate::Draining, "2 of 32 are too many, 1 of 31 is not");
        store.came_back(&came_back(job.delivery, T0 + 1, &[])).await.unwrap();
    }
    let row = store.lane_rows().await.unwrap().remove(0);
    assert_eq!((row.gate, row.gate_cause), (Gate::Held, GateCause::Itself));
}

pub async fn what_went_out_before_a_hold_does_not_stop_the_release_after_it<S: Store>(store: &S) {
    let lane = lanes(store, &["a"]).await[0];
    let all: Vec<String> = (0..40).map(|n| format!("{n}@ex.example")).collect();
    let all: Vec<(&str, &[&str])> = all.iter().map(|address| (address.as_str(), [].as_slice())).collect();
    people(store, lane, &all).await;
    publish(store, notice("i", 1), vec![to_all(lane)], T0).await;
    let jobs = claim(store, lane, T0).await;
    for job in &jobs {
        settle(store, job, T0, Settled::Delivered(Remote::default())).await;
    }
    for gate in [Gate::Held, Gate::Draining] {
        let change = GateChange {
            lane,
            gate,
            cause: GateCause::Person,
            expected_epoch: None,
            reason: None,
        };
        store.set_gate(&change, &act("gate", T0 + DAY)).await.unwrap();
    }
    for job in &jobs {
        let followed = store
            .came_back(&came_back(job.delivery, T0 + DAY + 1, &[]))
            .await
            .unwrap();
        assert_eq!(followed, Followed::Noted, "its story has it all the same");
    }
    assert_eq!(store.lane_rows().await.unwrap().remove(0).gate, Gate::Draining);
}
