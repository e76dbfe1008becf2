//! Case C as it happened: twelve notices of one incident for a district and its places, published one by one to the website, the feeds
//! and SMS, while the SMS gateway is away for an hour or for the whole day.

use std::path::Path;

use super::feeds::{assert_valid, read_alike};
use super::pages::{in_order, plain};
use super::support::counterparts::Stage;
use super::support::counterparts::{WEBSITE, sms};
use super::support::{self, eventually, http};

const PUBLISHER: &str = "[publisher.soest]\nname = \"Kreis Soest\"\nlanguages = [\"de\", \"de-simple\", \"en\"]\ntimezone = \"Europe/Berlin\"\n";

/// One follows Lippetal, one Werl, one the city of Soest, one everything.
const FOLLOWERS: &str = "address,name,language,places\n\
    +491713920001,Lippetal,de,lippetal\n+491713920002,Werl,de,werl\n+491713920003,Soest,de,soest\n+491713920004,Alles,de,\n";
const LIPPETAL: &str = "+491713920001";
const WERL: &str = "+491713920002";
const SOEST: &str = "+491713920003";
const ALL: &str = "+491713920004";

/// The notices in order, and how many of the four followers each concerns.
const NOTICES: [(&str, u64); 12] = [
    ("00-0815-soest", 2),
    ("01-0834-region", 4),
    ("02-0932-lippetal", 2),
    ("03-0956-kreis", 4),
    ("04-1008-werl", 2),
    ("05-1016-ense", 1),
    ("06-1016-soest", 2),
    ("07-1204-warstein", 1),
    ("08-1258-wickede", 1),
    ("09-1313-region", 4),
    ("10-1555-region", 4),
    ("11-2000-soest", 2),
];

fn stage() -> Stage {
    let stage = Stage::new(PUBLISHER, |sandbox| {
        [WEBSITE.to_owned(), sms(sandbox, "catch_up = \"latest\"")].concat()
    });
    stage.app.write("presse.csv", FOLLOWERS);
    stage
}

/// Publishes the n-th notice of the day.
fn publish(stage: &Stage, n: usize) {
    let file = support::root().join(format!("examples/c-soest/{}.toml", NOTICES[n - 1].0));
    let answer = stage.app.json(&["publish", file.to_str().unwrap(), "--yes"]);
    assert_eq!(
        (answer["number"].as_u64(), answer["created"].as_bool()),
        (Some(n as u64), Some(true))
    );
}

/// Publishes these and waits until everybody concerned has each of them on the phone.
fn publish_and_arrive(stage: &Stage, numbers: impl IntoIterator<Item = usize>) {
    for n in numbers {
        publish(stage, n);
        stage.app.wait_for("sms", n as u64, "delivered", NOTICES[n - 1].1);
    }
}

/// Numbers of the notices that a phone got, in order: each SMS carries the address of its notice.
fn got(stage: &Stage, phone: &str) -> Vec<usize> {
    let number = |text: String| {
        let (_, rest) = text
            .split_once("/soest/2023-10-30-it/")
            .unwrap_or_else(|| panic!("no address: {text}"));
        rest.split('/').next().unwrap().parse().unwrap()
    };
    stage.phone(phone).into_iter().map(number).collect()
}

/// The gateway was tried and nobody answered.
fn in_vain(stage: &Stage) {
    eventually("the gateway is known to be away", || {
        let sms = stage.app.broadcasts().into_iter().filter(|b| b["channel"] == "sms");
        sms.into_iter().any(|b| b["last_text"].is_string()).then_some(())
    });
}

#[test]
fn an_hour_without_sms_then_each_place_gets_its_own_news_and_the_newest_for_all() {
    let stage = stage();
    let _serve = stage.app.serve();
    publish_and_arrive(&stage, 1..=2);
    stage.stop_kannel();
    for n in 3..=5 {
        publish(&stage, n);
    }
    in_vain(&stage);
    stage.start_kannel();
    for n in 3..=5 {
        stage.app.wait_for("sms", n as u64, "delivered", NOTICES[n - 1].1);
    }
    assert_eq!(
        got(&stage, LIPPETAL),
        [2, 3, 4],
        "09:32 is Lippetal's, 09:56 the newest for all; 10:08 is Werl's"
    );
    assert_eq!(got(&stage, WERL), [2, 4, 5]);
    assert_eq!(got(&stage, SOEST), [1, 2, 4]);
    assert_eq!(got(&stage, ALL), [1, 2, 3, 4, 5]);

    publish_and_arrive(&stage, 6..=12);
    assert_eq!(got(&stage, LIPPETAL), [2, 3, 4, 10, 11]);
    assert_eq!(got(&stage, WERL), [2, 4, 5, 10, 11]);
    assert_eq!(got(&stage, SOEST), [1, 2, 4, 7, 10, 11, 12]);
    assert_eq!(got(&stage, ALL), (1..=12).collect::<Vec<_>>());
    assert_eq!(stage.sandbox.kannel.books().doubles(), 0);
    page_and_feeds(&stage);
}

#[test]
fn a_day_without_sms_leaves_the_newest_of_every_scope() {
    let stage = stage();
    stage.stop_kannel();
    let _serve = stage.app.serve();
    for n in 1..=12 {
        publish(&stage, n);
    }
    in_vain(&stage);
    // Only the first notice is known to be in vain by now; what it waited for is newer news, and the try is not waited out.
    stage.app.run(&["channel", "retry", "sms"]).ok();
    stage.start_kannel();
    for n in [3, 5, 6, 8, 9, 11, 12] {
        stage.app.wait_for("sms", n as u64, "delivered", NOTICES[n - 1].1);
    }
    assert_eq!(got(&stage, LIPPETAL), [3, 11]);
    assert_eq!(got(&stage, WERL), [5, 11]);
    assert_eq!(got(&stage, SOEST), [11, 12]);
    assert_eq!(got(&stage, ALL), [3, 5, 6, 8, 9, 11, 12]);
    for n in [1, 2, 4, 7, 10] {
        let row = stage.app.broadcast("sms", n);
        assert_eq!(row["light"], "superseded", "{row}");
    }
}

/// The page and the feeds of the whole day, as the folder has them and as `serve` gives them.
fn page_and_feeds(stage: &Stage) {
    stage.app.wait_for("website", 12, "delivered", 1);
    let folder = stage.app.path().join("public/soest/2023-10-30-it");
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let page = plain(&read("index.html"));
    let course = page.split_once("Verlauf").unwrap().1;
    in_order(
        course,
        &[
            "20:00 Uhr",
            "Meldung 12",
            "Stadt Soest",
            "15:55 Uhr",
            "Meldung 11",
            "13:13 Uhr",
            "Meldung 10",
            "12:58 Uhr",
            "Meldung 9",
            "Wickede (Ruhr)",
            "12:04 Uhr",
            "Meldung 8",
            "Warstein",
            "10:16 Uhr",
            "Meldung 7",
            "Stadt Soest",
            "10:16 Uhr",
            "Meldung 6",
            "Ense",
            "10:08 Uhr",
            "Meldung 5",
            "Werl",
            "9:56 Uhr",
            "Meldung 4",
            "9:32 Uhr",
            "Meldung 3",
            "Lippetal",
            "8:34 Uhr",
            "Meldung 2",
            "8:15 Uhr",
            "Meldung 1",
            "Erste Meldung",
            "Stadt Soest",
            "Überholt seit 10:16 Uhr: Stadt Soest: Alle Ämter sind geöffnet",
            "Es gilt Meldung 7",
        ],
    );
    assert_eq!(
        course.matches("Überholt").count(),
        1,
        "only the 08:15 statement is superseded"
    );
    assert!(
        !course.split_once("Erste Meldung").unwrap().1.contains("Meldung 2"),
        "the first notice is the last"
    );
    eventually("serve says the same as the folder", || {
        let served = http::get(stage.app.port, "/soest/2023-10-30-it/").unwrap();
        (plain(&served.text()) == page).then_some(())
    });

    // The incident's feeds, and the publisher's: twelve entries each, newest first.
    let titles = |folder: &Path| -> Vec<String> { read_alike(folder).into_iter().map(|entry| entry.1).collect() };
    let entries = titles(&folder);
    assert_eq!(entries.len(), 12);
    assert!(entries[11].starts_with("Überholt: "), "{entries:#?}");
    assert_eq!(titles(&stage.app.path().join("public/soest")), entries);
    assert_valid(&stage.app.path().join("public"), &stage.app.url());
}
