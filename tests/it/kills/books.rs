//! What is compared at the end: our counters, our rows, their books.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rundruf::clock::SystemClock;
use rundruf::domain::delivery::DeliveryState as State;
use rundruf::ids::{BroadcastId, DeliveryId};
use rundruf::sandbox::books::{Books, Entry};
use rundruf::store::{Board, Sqlite};

use super::moments::sum;
use super::{CONNECTIONS, PEOPLE, RECEIVERS};
use crate::support::counterparts::Stage;
use crate::support::eventually;
use crate::support::stage::{assert_same, files};

/// The SMS that a killed process left open: one for each connection at most.
pub(super) fn in_flight(stage: &Stage) -> BTreeSet<DeliveryId> {
    let rows = sms_rows(stage, State::Started);
    assert!(rows.len() <= CONNECTIONS, "{} rows were in flight", rows.len());
    rows
}

/// The SMS of all notices that stand like this now.
pub(super) fn sms_rows(stage: &Stage, state: State) -> BTreeSet<DeliveryId> {
    let path = stage.app.path().join("data/rundruf.db");
    stage.wait("rows are read", async {
        let store = Sqlite::open(&path, Arc::new(SystemClock)).await.unwrap();
        let mut found = BTreeSet::new();
        for broadcast in store.broadcasts(None).await.unwrap() {
            if broadcast.channel == "sms" {
                let rows = store.deliveries(broadcast.id, Some(state), 1_000).await.unwrap();
                found.extend(rows.iter().map(|row| row.id));
            }
        }
        store.close().await;
        found
    })
}

/// Waits until nothing is to be sent any more, and no report to come: what a kill left unknown has ended for us, while its report may still be on its
/// way, and finds nobody once `serve` has stopped.
pub(super) fn everything_ends(stage: &Stage) {
    nothing_is_open(stage);
    let told = |books: &Books| books.entries.iter().all(|entry| entry.reported);
    stage.wait("the gateway has told everything", stage.sandbox.kannel.until(told));
    nothing_is_open(stage);
}

fn nothing_is_open(stage: &Stage) {
    eventually("everything has ended", || {
        let rows = stage.app.broadcasts();
        let open = |counter| {
            let of = ["website", "mastodon", "sms", "webhook"].map(|channel| sum(&rows, channel, counter));
            of.iter().sum::<u64>()
        };
        let open: u64 = ["waiting", "started", "accepted"].map(open).iter().sum();
        (open == 0).then_some(())
    });
}

/// What the counterparts' books say about so many notices.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// Posts and calls that nobody got.
    pub(super) lost: usize,
    /// What somebody got twice.
    pub(super) double: usize,
}

/// Posts and calls of `notices` notices that are in no book, and whatever somebody got twice.
pub(super) fn found(stage: &Stage, notices: usize) -> Found {
    let (toots, phones, calls) = (
        stage.sandbox.mastodon.books(),
        stage.sandbox.kannel.books(),
        stage.sandbox.webhook.books(),
    );
    let there = |accepted: usize, doubles: usize| accepted - doubles;
    let wanted = notices + notices * RECEIVERS;
    let got = there(toots.accepted(), toots.doubles()) + there(calls.accepted(), calls.doubles());
    Found {
        lost: wanted.saturating_sub(got),
        double: toots.doubles() + phones.doubles() + calls.doubles(),
    }
}

/// Our counters, our rows, their books, the order, and the web space.
pub(super) fn compare(stage: &Stage, notices: usize) {
    let rows = stage.app.broadcasts();
    let (toots, phones, calls) = (
        stage.sandbox.mastodon.books(),
        stage.sandbox.kannel.books(),
        stage.sandbox.webhook.books(),
    );
    assert_eq!(found(stage, notices), Found::default());
    assert_eq!(
        (toots.refused, phones.refused, calls.refused),
        (0, 0, 0),
        "a counterpart refused something"
    );
    let mut per_notice: BTreeMap<usize, u64> = BTreeMap::new();
    for entry in &phones.entries {
        *per_notice.entry(number_of(&entry.text)).or_default() += 1;
    }
    for row in &rows {
        let number = usize::try_from(row["number"].as_u64().unwrap()).unwrap();
        let (c, channel) = (&row["counters"], row["channel"].as_str().unwrap());
        let of = |counter: &str| c[counter].as_u64().unwrap();
        match channel {
            // Whom the gateway has on its books has it; nobody knows only of those whom it never heard of.
            "sms" => {
                if of("delivered") != per_notice.get(&number).copied().unwrap_or(0) {
                    panic!("{row}\n{}", stories(stage, row["id"].as_i64().unwrap(), number));
                }
                assert_eq!(of("delivered") + of("unknown"), PEOPLE as u64, "{row}");
            }
            "webhook" => assert_eq!(of("delivered"), RECEIVERS as u64, "{row}"),
            _ => assert_eq!(of("delivered"), 1, "{row}"),
        }
    }
    assert_eq!(rows.len(), notices * 4);
    // In order: nobody ever got an older notice after a newer one.
    let mut last: BTreeMap<&str, usize> = BTreeMap::new();
    let toots = toots.entries.iter().map(|e| ("the account", number_of(&e.text)));
    for (who, number) in phones
        .entries
        .iter()
        .map(|e| (e.to.as_str(), number_of(&e.text)))
        .chain(toots)
    {
        let before = last.insert(who, number).unwrap_or(0);
        assert!(before < number, "{who} got {number} after {before}");
    }
    recounted(stage);
    // The web space has the site of all notices, whole.
    stage.app.run(&["export", "out"]).ok();
    let public = stage.app.path().join("public");
    assert_same(&files(&stage.app.path().join("out")), &files(&public), &public);
}

/// What we know and what the gateway knows of everybody who has not got a notice as far as we know.
fn stories(stage: &Stage, broadcast: i64, number: usize) -> String {
    let path = stage.app.path().join("data/rundruf.db");
    let undelivered = stage.wait("rows are read", async {
        let store = Sqlite::open(&path, Arc::new(SystemClock)).await.unwrap();
        let rows = store.deliveries(BroadcastId(broadcast), None, 1_000).await.unwrap();
        let mut stories = Vec::new();
        for row in rows.iter().filter(|row| row.state != State::Delivered) {
            stories.push(store.explain(row.id).await.unwrap().unwrap());
        }
        store.close().await;
        stories
    });
    let phones = stage.sandbox.kannel.books();
    let lines = undelivered.iter().map(|story| {
        // Addresses are masked: the last two digits tell, but for one other phone.
        let end = story
            .address
            .as_deref()
            .map_or("", |masked| &masked[masked.len() - 2..]);
        let here = |e: &&Entry| e.to.ends_with(end) && number_of(&e.text) == number;
        let taken: Vec<_> = phones.entries.iter().filter(here).collect();
        let (row, events) = (&story.delivery, &story.events);
        format!("{row:?}\n    {events:?}\n    at the gateway: {taken:?}")
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The number in "Lage 7".
fn number_of(text: &str) -> usize {
    let (_, rest) = text
        .split_once("Lage ")
        .unwrap_or_else(|| panic!("whose text is this? {text}"));
    rest.split(|c: char| !c.is_ascii_digit())
        .next()
        .unwrap()
        .parse()
        .unwrap()
}

/// The counters are those of the rows.
pub(super) fn recounted(stage: &Stage) {
    let path = stage.app.path().join("data/rundruf.db");
    let wrong = stage.wait("the recount", async {
        let store = Sqlite::open(&path, Arc::new(SystemClock)).await.unwrap();
        store.recount().await.unwrap()
    });
    assert!(wrong.is_empty(), "counters differ from rows: {wrong:?}");
}
