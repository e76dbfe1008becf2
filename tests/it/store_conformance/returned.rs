//! Mails that came back: whom that concerns, once, and what it does to a release.

use std::collections::BTreeMap;

use rundruf::clock::Ms;
use rundruf::domain::delivery::{Gate, GateCause};
use rundruf::domain::outcome::{Reason, Remote};
use rundruf::ids::{DeliveryId, LaneId, RecipientId};
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

/// Publishes to all and sends; the deliveries by address.
async fn send<S: Store>(store: &S, lane: LaneId, number: u32, at: Ms) -> BTreeMap<String, DeliveryId> {
    publish(store, notice("i", number), vec![to_all(lane)], at).await;
    let jobs = claim(store, lane, at).await;
    for job in &jobs {
        settle(store, job, at, Settled::Delivered(Remote::default())).await;
    }
    jobs.into_iter().map(|job| (job.address, job.delivery)).collect()
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
    let first = send(store, lane, 1, T0).await;
    let of = |name: &str| *first.iter().find(|(address, _)| address.starts_with(name)).unwrap().1;
    let lines = store.log(0, 100).await.unwrap().len();
    let say = async |what: CameBack| store.came_back(&what).await.unwrap();

    // A full mailbox is noted; the token of one says nothing about another's address; a list reports its members.
    assert_eq!(say(came_back(of("bert"), T0 + 1, &[])).await, Followed::Noted);
    let member = came_back(of("list"), T0 + 1, &["bert@ex.example", "member@elsewhere.example"]);
    assert_eq!(say(member).await, Followed::Noted);
    assert_eq!(store.log(0, 100).await.unwrap().len(), lines);

    let anna = came_back(of("Anna"), T0 + 1, &["anna@ex.example"]);
    assert_eq!(say(anna.clone()).await, Followed::Reported);
    assert_eq!(say(anna).await, Followed::Nothing, "read twice");
    // What was sent before anybody knew, or soon after, tells nothing new, however late it comes.
    let second = send(store, lane, 2, T0 + DAY).await;
    let too_soon = came_back(second["Anna@ex.example"], T0 + 3 * DAY, &["anna@ex.example"]);
    assert_eq!(say(too_soon).await, Followed::Reported);
    assert_eq!(
        store.reported(T0 + 3 * DAY).await.unwrap()[0].address,
        "anna@ex.example"
    );
    let third = send(store, lane, 3, T0 + DAY + 1).await;
    let lines = store.log(0, 100).await.unwrap().len();
    let sure = came_back(third["Anna@ex.example"], T0 + DAY + 2, &["anna@ex.example"]);
    assert_eq!(say(sure).await, Followed::Suppressed);
    assert_eq!(store.log(0, 100).await.unwrap().len(), lines + 1);
    assert_eq!(store.reported(T0 + 3 * DAY).await.unwrap(), []);
    let story = store.explain(of("bert")).await.unwrap().unwrap();
    let lines = story.events.iter().filter(|event| event.what == "came-back");
    assert_eq!(lines.count(), 1);
    let late = came_back(of("late"), T0 + 40 * DAY, &["late@ex.example"]);
    assert_eq!(say(late).await, Followed::Nothing, "too long ago");
    // What is said first and passes hides no later word.
    let bert = came_back(of("bert"), T0 + 2, &["bert@ex.example"]);
    assert_eq!(say(bert).await, Followed::Reported);
    assert_eq!(say(came_back(of("bert"), T0 + 3, &[])).await, Followed::Nothing);
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
    let to: Vec<_> = send(store, lane, 4, T0 + 2 * DAY).await.into_keys().collect();
    assert_eq!(to, ["bert@ex.example", "late@ex.example", "list@ex.example"]);

    // A person knows better; what was said before counts no more.
    assert_eq!(store.suppressed().await.unwrap()[0].bounced, 1);
    for first in [true, false] {
        let lifted = store
            .lift(lane, "anna@ex.example", &act("unsuppress", T0 + 3 * DAY))
            .await
            .unwrap();
        assert_eq!((lifted.suppressed, lifted.reported), (first, first), "once");
    }
    assert_eq!(store.lane_rows().await.unwrap()[0].audience, 4);
    let fifth = send(store, lane, 5, T0 + 3 * DAY).await;
    let anna = came_back(fifth["Anna@ex.example"], T0 + 3 * DAY, &["anna@ex.example"]);
    assert_eq!(say(anna).await, Followed::Reported);
}

/// A person who knows better need not wait until the second word has ended the address.
pub async fn a_person_clears_a_first_word_that_still_counts<S: Store>(store: &S) {
    let lane = lanes(store, &["a"]).await[0];
    people(store, lane, &[("anna@ex.example", &[])]).await;
    for (number, at, want) in [
        (1, T0, Followed::Reported),
        (2, T0 + 2 * DAY, Followed::Reported),
        (3, T0 + 4 * DAY, Followed::Suppressed),
    ] {
        let sent = send(store, lane, number, at).await["anna@ex.example"];
        let said = came_back(sent, at, &["anna@ex.example"]);
        assert_eq!(store.came_back(&said).await.unwrap(), want, "{number}");
        if number == 1 {
            let lines = store.log(0, 100).await.unwrap().len();
            for first in [true, false] {
                let lifted = store
                    .lift(lane, "anna@ex.example", &act("unsuppress", at))
                    .await
                    .unwrap();
                assert_eq!((lifted.suppressed, lifted.reported), (false, first));
            }
            let log = store.log(0, 100).await.unwrap();
            assert_eq!((log.len(), log[lines].act.action.as_str()), (lines + 1, "clear-report"));
            assert_eq!(store.reported(at).await.unwrap(), []);
        }
    }
}

pub async fn a_directory_that_is_down_ends_nobody<S: Store>(store: &S) {
    let lane = lanes(store, &["a"]).await[0];
    let all: Vec<String> = (0..9).map(|n| format!("{n}@ex.example")).collect();
    let all: Vec<&str> = all.iter().map(String::as_str).chain(["x@other.example"]).collect();
    let listed: Vec<(&str, &[&str])> = all.iter().map(|address| (*address, [].as_slice())).collect();
    people(store, lane, &listed).await;
    let say = async |sent: &BTreeMap<String, DeliveryId>, address: &str, at: Ms| {
        store
            .came_back(&came_back(sent[address], at, &[address]))
            .await
            .unwrap()
    };
    let first = send(store, lane, 1, T0).await;
    for address in ["0@ex.example", "1@ex.example", "x@other.example"] {
        assert_eq!(say(&first, address, T0 + 1).await, Followed::Reported);
    }
    // A day later the whole domain answers so. Two ends were written before that could be seen.
    let (second, at) = (send(store, lane, 2, T0 + 2 * DAY).await, T0 + 2 * DAY + 1);
    for address in ["0@ex.example", "1@ex.example", "x@other.example"] {
        assert_eq!(say(&second, address, at).await, Followed::Suppressed);
    }
    for address in &all[2..5] {
        assert_eq!(say(&second, address, at).await, Followed::Reported);
    }
    assert_eq!(store.doubted(at).await.unwrap(), []);
    for address in &all[5..9] {
        assert_eq!(
            say(&second, address, at + 3_600_000 - 1).await,
            Followed::Doubted,
            "{address}"
        );
    }
    let doubted = store.doubted(at + DAY).await.unwrap();
    assert_eq!(
        (doubted[0].domain.as_deref(), doubted[0].addresses, doubted.len()),
        (Some("ex.example"), 9, 1)
    );
    assert!(store.doubted(at + 9 * DAY).await.unwrap().is_empty(), "it is over");

    // Everybody of it is written to as before. What was said then counts for nothing; what was said before that is only put off.
    let third = send(store, lane, 3, T0 + 4 * DAY).await;
    assert_eq!(third.keys().map(String::as_str).collect::<Vec<_>>(), all[..9]);
    assert_eq!(store.lane_rows().await.unwrap()[0].audience, 9);
    assert_eq!(say(&third, "0@ex.example", T0 + 4 * DAY).await, Followed::Suppressed);
    assert_eq!(say(&third, "2@ex.example", T0 + 4 * DAY).await, Followed::Reported);
    let fourth = send(store, lane, 4, T0 + 6 * DAY).await;
    assert_eq!(say(&fourth, "2@ex.example", T0 + 6 * DAY).await, Followed::Suppressed);
    store.expire(T0 + 400 * DAY).await.unwrap();
    assert_eq!(store.reported(T0).await.unwrap(), [], "forgotten after a year");
}

/// A list of so many, of which each domain has `each`.
async fn listed<S: Store>(store: &S, lane: LaneId, all: usize, each: usize) -> Vec<String> {
    let all: Vec<String> = (0..all).map(|n| format!("{n}@d{}.example", n / each)).collect();
    let rows: Vec<(&str, &[&str])> = all.iter().map(|address| (address.as_str(), [].as_slice())).collect();
    people(store, lane, &rows).await;
    all
}

/// A provider of many domains, or our own relay, calls everybody unknown, twice.
pub async fn many_domains_at_once_end_nobody<S: Store>(store: &S) {
    let lane = lanes(store, &["a"]).await[0];
    let all = listed(store, lane, 60, 1).await;
    for (number, at) in [(1, T0), (2, T0 + 2 * DAY)] {
        let sent = send(store, lane, number, at).await;
        for (n, address) in all[..30].iter().enumerate() {
            let followed = store
                .came_back(&came_back(sent[address], at, &[address]))
                .await
                .unwrap();
            assert_eq!(followed == Followed::Doubted, n >= 20, "{n}: {followed:?}");
        }
    }
    assert_eq!(store.suppressions().await.unwrap(), []);
    let doubted = store.doubted(T0 + 2 * DAY).await.unwrap();
    assert_eq!(
        (&doubted[0].domain, doubted[0].addresses, doubted.len()),
        (&None, 30, 1)
    );
}

/// In a large domain more than a handful are dead at any time.
pub async fn a_few_of_a_large_domain_are_no_crowd<S: Store>(store: &S) {
    let lane = lanes(store, &["a"]).await[0];
    let all = listed(store, lane, 100, 100).await;
    for (number, at, want) in [(1, T0, Followed::Reported), (2, T0 + 2 * DAY, Followed::Suppressed)] {
        let sent = send(store, lane, number, at).await;
        for address in &all[..8] {
            let followed = store
                .came_back(&came_back(sent[address], at, &[address]))
                .await
                .unwrap();
            assert_eq!(followed, want, "{address}");
        }
    }
}

/// An address that took a mail after it was called unknown was somebody's.
pub async fn a_mail_that_arrived_makes_the_count_begin_anew<S: Store>(store: &S) {
    let lane = lanes(store, &["a"]).await[0];
    people(store, lane, &[("anna@ex.example", &[])]).await;
    for (number, at, want) in [
        (1, T0, Some(Followed::Reported)),
        (2, T0 + DAY, None),
        (3, T0 + 2 * DAY, Some(Followed::Reported)),
        (4, T0 + 4 * DAY, Some(Followed::Suppressed)),
    ] {
        let sent = send(store, lane, number, at).await["anna@ex.example"];
        if let Some(want) = want {
            let followed = store
                .came_back(&came_back(sent, at, &["anna@ex.example"]))
                .await
                .unwrap();
            assert_eq!(followed, want, "{number}");
        }
    }
}

/// A server that says so when the mail is handed over is believed no sooner.
pub async fn who_is_unknown_at_the_door_is_no_sooner_ended<S: Store>(store: &S) {
    let lane = lanes(store, &["a"]).await[0];
    people(store, lane, &[("anna@ex.example", &[])]).await;
    for (number, at) in [(1, T0), (2, T0 + DAY / 2), (3, T0 + 2 * DAY)] {
        publish(store, notice("i", number), vec![to_all(lane)], at).await;
        let job = claim(store, lane, at).await.remove(0);
        let done = Completion {
            reason: Reason::RecipientUnknown,
            ..completion(&job, at, Settled::Gone)
        };
        store.complete(&[done]).await.unwrap();
    }
    publish(store, notice("i", 4), vec![to_all(lane)], T0 + 3 * DAY).await;
    assert!(claim(store, lane, T0 + 3 * DAY).await.is_empty());
    assert_eq!(
        store
            .recipient(RecipientId(1))
            .await
            .unwrap()
            .map(|anna| anna.suppressed),
        Some(Some(SuppressedBecause::Bounced))
    );
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
