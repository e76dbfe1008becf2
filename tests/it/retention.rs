//! `store.keep`: what became of single recipients goes after that time, and everybody who asks is told so.

use std::sync::Arc;
use std::time::Duration;

use rundruf::clock::SystemClock;
use rundruf::store::{Board, Kept, Lanes, Sqlite};
use sqlx::{Connection, SqliteConnection};

use super::store_conformance::fixture::*;
use super::support::clock::WallClock;
use super::support::counterparts::{Stage, WEBSITE, mastodon, sms};
use super::support::{TestApp, eventually};

const DAY: Duration = Duration::from_secs(86_400);
const PUBLISHER: &str = "[publisher.potsdam]\nname = \"Landeshauptstadt Potsdam\"\nlanguages = [\"de\"]\ntimezone = \"Europe/Berlin\"\nphone = \"115\"\n";

/// What a command says, whatever the width it is wrapped to.
fn said(app: &TestApp, args: &[&str]) -> String {
    app.run(args).out.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn after_ninety_days_only_the_numbers_are_left_and_a_retraction_says_so() {
    let mut stage = Stage::new(PUBLISHER, |sandbox| {
        [WEBSITE.to_owned(), mastodon(sandbox), sms(sandbox, "")].concat()
    });
    stage.app.write("presse.csv", "address\n+491713920001\n+491713920002\n");
    let Some(clock) = WallClock::of(&mut stage.app) else {
        return;
    };
    let (app, sandbox) = (&stage.app, &stage.sandbox);
    let mut serve = app.serve();
    let notice = "incident = \"ausfall\"\nheadline = \"Die IT steht\"\nsummary = \"Bitte rufen Sie an.\"\n";
    app.publish(notice, &[]);
    for (channel, count) in [("website", 1), ("mastodon", 1), ("sms", 2)] {
        app.wait_for(channel, 1, "delivered", count);
    }
    let id = format!("b{}", app.broadcast("sms", 1)["id"]);
    let single = |app: &TestApp| app.json(&["explain", &id])["deliveries"].as_array().unwrap().len();
    let check = said(app, &["check"]);
    assert!(
        check.contains("kept for 90 days") && check.contains(&format!("Next: {id}, on ")),
        "{check}"
    );
    assert_eq!(single(app), 2);

    serve.kill();
    clock.ahead(91 * DAY);
    let check = said(app, &["check"]);
    assert!(check.contains(&format!("Next: {id}, as soon as")), "{check}");
    let _serve = app.serve();
    eventually("what became of two phones is removed", || {
        said(app, &["check"])
            .contains("There is nothing to delete.")
            .then_some(())
    });
    let row = app.broadcast("sms", 1);
    let text = row["text"].as_str().unwrap();
    assert!(
        text.starts_with("2 of 2 delivered; single results deleted on "),
        "{text}"
    );
    assert_eq!((single(app), row["counters"]["delivered"].as_u64()), (0, Some(2)));
    let explained = said(app, &["explain", &id]);
    assert!(
        explained.contains("deleted since") && explained.contains("2 of 2 delivered"),
        "{explained}"
    );
    let german = app.german(&["explain", &id]).ok().out;
    assert!(german.contains("Geblieben sind die Zahlen"), "{german}");
    // The account's post is about nobody.
    assert!(app.broadcast("mastodon", 1)["removed_ms"].is_null());

    let words = "sms: who got notice 1 is stored no longer";
    app.write(
        "weg.toml",
        "incident = \"ausfall\"\nkind = \"retraction\"\ncorrects = [1]\nheadline = \"Das stimmte nicht\"\nsummary = \"Die IT steht nicht.\"\n",
    );
    let preview = said(app, &["preview", "weg.toml"]);
    assert!(preview.contains(words), "{preview}");
    let retracted = said(app, &["retract", "1", "--reason", "Die IT steht nicht.", "--yes"]);
    assert!(retracted.contains(words), "{retracted}");
    app.wait_for("mastodon", 2, "delivered", 1);
    eventually("nobody is left to hear of it by SMS", || {
        (app.broadcast("sms", 2)["state"] == "ended").then_some(())
    });
    assert_eq!(sandbox.kannel.books().accepted(), 2, "the two of the first notice");
}

#[tokio::test]
async fn killed_in_the_middle_it_goes_on_where_it_was() {
    let (_dir, store) = sqlite().await;
    let lane = lanes(&store, &["a"]).await[0];
    people(&store, lane, &[("a@ex", &[]), ("b@ex", &[]), ("c@ex", &[])]).await;
    let seq = publish(&store, notice("i", 1), vec![to_all(lane)], T0).await;
    for job in claim(&store, lane, T0).await {
        settle(&store, &job, T0 + 1, rundruf::store::Settled::Permanent).await;
    }
    let before = board(&store, seq).await;
    store.remove_old(T0 + 1, 1, T0 + 9).await.unwrap();
    let path = store.path().to_owned();
    store.close().await;

    let store = Sqlite::open(&path, Arc::new(SystemClock)).await.unwrap();
    // Whatever the setting is by now: what was begun is brought to its end.
    let rest = store.remove_old(0, 100, T0 + 10).await.unwrap();
    assert_eq!((rest.broadcast, rest.rows, rest.done), (Some(before.id), 2, true));
    let after = board(&store, seq).await;
    assert_eq!((after.counters, after.removed_ms), (before.counters, Some(T0 + 9)));
    assert_eq!(store.kept(T0 + 10).await.unwrap(), Kept::default());
    let evidence: i64 = ask(&path, "SELECT count(*) FROM attempt").await;
    assert_eq!(evidence, 0);
}

async fn ask(path: &std::path::Path, sql: &'static str) -> i64 {
    let mut c = SqliteConnection::connect(&format!("sqlite:{}", path.display()))
        .await
        .unwrap();
    let answer = sqlx::query_scalar(sql).fetch_one(&mut c).await.unwrap();
    c.close().await.unwrap();
    answer
}

/// The file gets no smaller; what is free in it is used first.
#[tokio::test]
async fn what_was_removed_leaves_room_for_what_comes() {
    let (_dir, store) = sqlite().await;
    let lane = lanes(&store, &["a"]).await[0];
    let list: Vec<String> = (0..2_000).map(|n| format!("{n}@example.org")).collect();
    let list: Vec<(&str, &[&str])> = list.iter().map(|address| (address.as_str(), &[][..])).collect();
    people(&store, lane, &list).await;
    let mut pages = Vec::new();
    for number in 1..=4 {
        let at = T0 + i64::from(number) * 1_000_000;
        publish(&store, notice("i", number), vec![to_all(lane)], at).await;
        loop {
            let jobs = claim(&store, lane, at + 1).await;
            if jobs.is_empty() {
                break;
            }
            let done = jobs.iter().map(|job| {
                let id = remote(&format!("id {}", job.delivery));
                completion(job, at + 2, rundruf::store::Settled::Delivered(id))
            });
            store.complete(&done.collect::<Vec<_>>()).await.unwrap();
        }
        while store
            .remove_old(at + 2, 1_000, at + 3)
            .await
            .unwrap()
            .broadcast
            .is_some()
        {}
        pages.push(ask(store.path(), "SELECT page_count FROM pragma_page_count").await);
    }
    assert!(pages[3] <= pages[1] + 8, "pages after each round: {pages:?}");
    assert_eq!(store.recount().await.unwrap(), []);
}
