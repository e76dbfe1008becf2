//! Backup, then life goes on, then the copy comes up on another DATA among the same counterparts: what it cannot know it settles by
//! handle or asks a person about, and nobody gets anything twice.

use sqlx::Connection;

use super::support::TestApp;
use super::support::counterparts::Stage;
use super::support::counterparts::{WEBSITE, mastodon, sms, webhook};

const PUBLISHER: &str =
    "[publisher.potsdam]\nname = \"Landeshauptstadt Potsdam\"\nlanguages = [\"de\"]\ntimezone = \"Europe/Berlin\"\n";
const PEOPLE: usize = 5;
const RECEIVERS: usize = 4;

fn channels(sandbox: &rundruf::sandbox::Sandbox) -> String {
    [
        WEBSITE.to_owned(),
        mastodon(sandbox),
        sms(sandbox, ""),
        webhook("audience = { file = \"nachbarn.csv\" }\nallow_private = true"),
    ]
    .concat()
}

fn stage() -> Stage {
    let stage = Stage::new(PUBLISHER, channels);
    lists(&stage, &stage.app);
    stage
}

fn lists(stage: &Stage, app: &TestApp) {
    let phones: String = (0..PEOPLE).map(|n| format!("+49171392{n:04}\n")).collect();
    app.write("presse.csv", &format!("address\n{phones}"));
    let url = stage.sandbox.webhook.url();
    let receivers: String = (0..RECEIVERS).map(|n| format!("{url}/kreis-{n}\n")).collect();
    app.write("nachbarn.csv", &format!("address\n{receivers}"));
}

/// Another machine with the same configuration; its website goes to the same folder.
fn another(stage: &Stage) -> TestApp {
    let public = format!("file:{}", stage.app.path().join("public").display());
    let app = TestApp::with_publishers(PUBLISHER, &channels(&stage.sandbox).replace("file:public", &public));
    lists(stage, &app);
    app
}

fn notice(words: &str) -> String {
    format!("incident = \"ausfall\"\nheadline = \"{words}\"\nsummary = \"{words}. Bitte rufen Sie an.\"\n")
}

fn all_arrived(app: &TestApp, number: u64) {
    app.wait_for("mastodon", number, "delivered", 1);
    app.wait_for("sms", number, "delivered", PEOPLE as u64);
    app.wait_for("webhook", number, "delivered", RECEIVERS as u64);
    app.wait_for("website", number, "delivered", 1);
}

/// What the counterparts have accepted: posts, SMS, calls.
fn accepted(stage: &Stage) -> [usize; 3] {
    let sandbox = &stage.sandbox;
    [
        sandbox.mastodon.books(),
        sandbox.kannel.books(),
        sandbox.webhook.books(),
    ]
    .map(|books| {
        assert_eq!(books.doubles(), 0, "somebody got something twice: {:#?}", books.entries);
        books.accepted()
    })
}

#[test]
fn a_restored_copy_sends_nobody_anything_twice_and_asks_where_it_cannot_know() {
    let stage = stage();
    let old = &stage.app;
    // The copy knows the first notice as waiting, no row of an audience opened; afterwards it goes out, and a second one.
    old.publish(&notice("Erste Lage"), &[]);
    let copy = old.path().join("rundruf.backup");
    let copy = copy.to_str().unwrap();
    assert_eq!(old.json(&["backup", copy])["moved"], false);
    let serve = old.serve();
    all_arrived(old, 1);
    old.publish(&notice("Zweite Lage, die die Sicherung nicht kennt"), &[]);
    all_arrived(old, 2);
    assert_eq!(serve.stop(), 0);
    assert_eq!(accepted(&stage), [2, 2 * PEOPLE, 2 * RECEIVERS]);

    let new = another(&stage);
    let restored = new.json(&["restore", copy, "--yes"]);
    let of = |name: &str| {
        restored["channels"]
            .as_array()
            .unwrap()
            .iter()
            .find(|c| c["name"] == name)
            .unwrap()
            .clone()
    };
    assert_eq!(
        (of("mastodon")["settles"].as_u64(), of("mastodon")["asks"].as_u64()),
        (Some(1), Some(0))
    );
    assert_eq!(
        (of("webhook")["settles"].as_u64(), of("webhook")["asks"].as_u64()),
        (Some(RECEIVERS as u64), Some(0))
    );
    assert_eq!(
        (of("sms")["settles"].as_u64(), of("sms")["asks"].as_u64()),
        (Some(0), Some(PEOPLE as u64))
    );
    let gates = new.json(&["status"])["channels"].clone();
    for lane in gates.as_array().unwrap() {
        let expected = if lane["kind"] == "website" { "open" } else { "held" };
        assert_eq!(lane["gate"], expected, "{lane}");
    }

    let _serve = new.serve();
    new.wait_for("website", 1, "delivered", 1);
    for channel in ["mastodon", "sms", "webhook"] {
        new.run(&["channel", "release", channel, "--yes"]).ok();
    }
    new.wait_for("mastodon", 1, "delivered", 1);
    new.wait_for("webhook", 1, "delivered", RECEIVERS as u64);
    assert_eq!(
        accepted(&stage),
        [2, 2 * PEOPLE, 2 * RECEIVERS],
        "they were asked with the handle they know"
    );
    assert_eq!(stage.sandbox.mastodon.books().repeats(), 1);
    assert_eq!(
        stage.sandbox.webhook.books().repeats(),
        u32::try_from(RECEIVERS).unwrap()
    );

    let sms = new.broadcast("sms", 1);
    assert_eq!(sms["counters"]["unknown"], PEOPLE, "{sms}");
    let said = new.run(&["status"]).ok().out;
    assert!(said.contains(&format!("{PEOPLE} unknown")), "{said}");
    let decided = new.json(&["decide", &format!("b{}", sms["id"]), "there"]);
    assert_eq!(decided["decided"], PEOPLE);
    new.wait_for("sms", 1, "delivered", PEOPLE as u64);

    // What the copy publishes now is new to everybody, although the old store gave the same numbers to something else.
    new.publish(&notice("Neue Lage aus der Sicherung"), &[]);
    all_arrived(&new, 2);
    assert_eq!(accepted(&stage), [3, 3 * PEOPLE, 3 * RECEIVERS]);
    let newest = stage.sandbox.mastodon.books().entries.pop().unwrap();
    assert!(newest.text.contains("Neue Lage aus der Sicherung"), "{}", newest.text);
}

/// What the store remembers is two hours older; nobody waits for a clock.
async fn two_hours_pass(app: &TestApp) {
    let path = app.path().join("data/rundruf.db");
    let mut store = sqlx::SqliteConnection::connect(&format!("sqlite:{}", path.display()))
        .await
        .unwrap();
    for sql in [
        "UPDATE delivery SET first_started = first_started - 7200000",
        "UPDATE broadcast SET created = created - 7200000",
    ] {
        sqlx::query(sql).execute(&mut store).await.unwrap();
    }
    store.close().await.unwrap();
}

#[test]
fn where_the_service_has_forgotten_its_keys_it_is_asked_what_is_there() {
    let stage = stage();
    let old = &stage.app;
    old.publish(&notice("Erste Lage"), &[]);
    let copy = old.path().join("rundruf.backup");
    let copy = copy.to_str().unwrap();
    old.json(&["backup", copy]);
    let serve = old.serve();
    all_arrived(old, 1);
    assert_eq!(serve.stop(), 0);
    // Two hours later, Mastodon has forgotten its keys: the key alone would post it a second time.
    stage.sandbox.mastodon.service().forget_keys();
    let new = another(&stage);
    let said = new.run(&["restore", copy]).ok().out;
    for words in [
        "Restored. Every channel but the website is held.",
        "mastodon: 1 message may have arrived; it is settled first on release.",
        "sms: 5 messages may have arrived; they wait for your decision.",
        "webhook: 4 messages may have arrived; they are settled first on release.",
        "rundruf channel release NAME",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    stage.wait("two hours pass", two_hours_pass(&new));
    let _serve = new.serve();
    new.run(&["channel", "release", "mastodon", "--yes"]).ok();
    new.wait_for("mastodon", 1, "delivered", 1);
    let books = stage.sandbox.mastodon.books();
    assert_eq!((books.entries.len(), books.doubles()), (1, 0), "{:#?}", books.entries);
    // The thread goes on under the post that was found.
    new.publish(&notice("Zweite Lage"), &["--channel", "mastodon"]);
    new.wait_for("mastodon", 2, "delivered", 1);
    let books = stage.sandbox.mastodon.books();
    assert_eq!(books.entries[1].reply_to.as_ref(), Some(&books.entries[0].id));
}

#[test]
fn a_moved_store_sends_no_more_and_says_so() {
    let stage = stage();
    let old = &stage.app;
    let serve = old.serve();
    old.publish(&notice("Erste Lage"), &[]);
    all_arrived(old, 1);
    let copy = old.path().join("umzug.backup");
    let copy = copy.to_str().unwrap();
    assert_eq!(old.json(&["backup", copy, "--move"])["moved"], true);

    old.write("spaet.toml", &notice("Zu spät"));
    let late = old.run(&["publish", "spaet.toml", "--yes"]);
    assert_eq!(late.code, 1, "{late:?}");
    assert!(late.err.contains("moved"), "{}", late.err);
    assert_eq!(old.json(&["status"])["moved"], true);
    assert_eq!(serve.stop(), 0);
    let again = old.run(&["serve"]);
    assert_eq!(again.code, 1, "{again:?}");
    assert!(
        again.err.contains("moved") && again.err.contains("restore"),
        "{}",
        again.err
    );
    assert_eq!(accepted(&stage), [1, PEOPLE, RECEIVERS]);

    // A nightly backup on the old machine, and a second move that fails, leave it moved.
    old.json(&["backup", old.path().join("nacht.backup").to_str().unwrap()]);
    assert_eq!(
        old.json(&["status"])["moved"],
        true,
        "a plain backup does not bring it back"
    );
    let nowhere = old.path().join("gibt-es-nicht/umzug.backup");
    assert_eq!(old.run(&["backup", nowhere.to_str().unwrap(), "--move"]).code, 1);
    assert_eq!(old.json(&["status"])["moved"], true, "nor does a move that fails");

    // On the new machine it goes on; everything was certain, so nothing is asked.
    let new = another(&stage);
    assert_eq!(new.json(&["restore", copy, "--yes"])["channels"], serde_json::json!([]));
    let _serve = new.serve();
    for channel in ["mastodon", "sms", "webhook"] {
        new.run(&["channel", "release", channel, "--yes"]).ok();
    }
    new.publish(&notice("Zweite Lage"), &[]);
    all_arrived(&new, 2);
    assert_eq!(accepted(&stage), [2, 2 * PEOPLE, 2 * RECEIVERS]);
    let books = stage.sandbox.mastodon.books();
    assert_eq!(
        books.entries[1].reply_to.as_ref(),
        Some(&books.entries[0].id),
        "the thread goes on"
    );
}

#[test]
fn a_backup_does_not_come_up_under_another_key() {
    let stage = stage();
    stage.app.publish(&notice("Erste Lage"), &[]);
    let copy = stage.app.path().join("rundruf.backup");
    let copy = copy.to_str().unwrap();
    stage.app.json(&["backup", copy]);
    let new = another(&stage);
    new.write("data/rundruf.key", "einundzwanzig Tage und elf Stund");
    let refused = new.run(&["restore", copy, "--yes"]);
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(!new.path().join("data/rundruf.db").exists(), "nothing was changed");
    std::fs::remove_file(new.path().join("data/rundruf.key")).unwrap();
    new.run(&["restore", copy, "--yes"]).ok();
}

#[test]
fn a_journal_of_another_store_is_not_played_into_the_restored_one() {
    let stage = stage();
    stage.app.publish(&notice("Erste Lage"), &[]);
    let copy = stage.app.path().join("rundruf.backup");
    let copy = copy.to_str().unwrap();
    stage.app.json(&["backup", copy]);
    let new = another(&stage);
    new.write("data/rundruf.db-wal", "was ein getöteter Prozess zurückließ");
    let refused = new.run(&["restore", copy, "--yes"]);
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.err.contains("rundruf.db-wal"), "{}", refused.err);
    assert!(!new.path().join("data/rundruf.db").exists(), "nothing was changed");
}

#[test]
fn a_backup_that_breaks_off_leaves_nothing_that_looks_like_one() {
    let stage = stage();
    stage.app.publish(&notice("Erste Lage"), &[]);
    let copy = stage.app.path().join("rundruf.backup");
    // What an earlier attempt left aside is no obstacle, and never taken for a backup.
    stage.app.write("rundruf.backup.part", "halb");
    stage.app.json(&["backup", copy.to_str().unwrap()]);
    assert!(!stage.app.path().join("rundruf.backup.part").exists());
    another(&stage).run(&["restore", copy.to_str().unwrap(), "--yes"]).ok();
}
