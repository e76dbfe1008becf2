//! Corrections and retractions through the binary: each channel does what it can, and the counterparts' books show it.

use super::pages::plain;
use super::support::counterparts::Stage;
use super::support::counterparts::{WEBSITE, mastodon, sms, webhook};
use super::support::eventually;
use rundruf::sandbox::fault::Fault;

const PUBLISHER: &str =
    "[publisher.potsdam]\nname = \"Landeshauptstadt Potsdam\"\nlanguages = [\"de\"]\ntimezone = \"Europe/Berlin\"\n";
const FIRST: &str = "+491713920001";
const SECOND: &str = "+491713920002";

const NOTICE: &str =
    "incident = \"ausfall\"\nheadline = \"Das Bürgerbüro ist offen\"\nsummary = \"Das Bürgerbüro hat heute offen.\"\n";
const CORRECTION: &str = "incident = \"ausfall\"\nkind = \"correction\"\ncorrects = [1]\nheadline = \"Das Bürgerbüro ist geschlossen\"\nsummary = \"Das Bürgerbüro hat heute geschlossen.\"\n";

/// Two people, one connection to the gateway: the second SMS goes when the first is through.
fn stage() -> Stage {
    let stage = Stage::new(PUBLISHER, |sandbox| {
        let receiver = format!("url = \"{}/nachbarkreis\"", sandbox.webhook.url());
        [
            WEBSITE.to_owned(),
            mastodon(sandbox),
            sms(sandbox, "concurrency = 1"),
            webhook(&receiver),
        ]
        .concat()
    });
    stage.app.write("presse.csv", &format!("address\n{FIRST}\n{SECOND}\n"));
    stage
}

/// Publishes the notice; the first person gets it, then the gateway is away, and the second one still waits for it.
fn half_sent(stage: &Stage) {
    stage.sandbox.kannel.fault(Fault::WorkAndHang);
    stage.app.publish(NOTICE, &[]);
    stage.wait("the first SMS", stage.sandbox.kannel.until(|b| b.entries.len() == 1));
    stage.stop_kannel();
    stage.sandbox.kannel.heal();
    for channel in ["mastodon", "webhook"] {
        stage.app.wait_for(channel, 1, "delivered", 1);
    }
    // Nobody answered, but the phone's own report says that it is there.
    stage.app.wait_for("sms", 1, "delivered", 1);
    assert_eq!((stage.phone(FIRST).len(), stage.phone(SECOND).len()), (1, 0));
}

#[test]
fn a_correction_edits_where_it_can_and_tells_each_what_is_new_to_them() {
    let stage = stage();
    let _serve = stage.app.serve();
    half_sent(&stage);
    stage.app.publish(CORRECTION, &[]);
    stage.app.run(&["channel", "retry", "sms"]).ok();
    stage.start_kannel();
    stage.app.wait_for("sms", 2, "delivered", 2);
    stage.app.wait_for("mastodon", 2, "delivered", 1);
    stage.app.wait_for("webhook", 2, "delivered", 1);

    let posts = stage.sandbox.mastodon.books().entries;
    assert_eq!((posts.len(), posts[0].edits), (1, 1), "{posts:?}");
    assert!(posts[0].text.contains("geschlossen"), "{}", posts[0].text);

    let first = stage.phone(FIRST);
    assert_eq!(first.len(), 2, "{first:?}");
    assert!(
        first[1].contains("Berichtigung") && first[1].contains("geschlossen"),
        "{}",
        first[1]
    );
    let second = stage.phone(SECOND);
    assert_eq!(second.len(), 1, "{second:?}");
    assert!(
        second[0].contains("geschlossen") && !second[0].contains("Berichtigung"),
        "{}",
        second[0]
    );

    let calls = stage.calls("/nachbarkreis");
    let kinds: Vec<&str> = calls.iter().map(|c| c["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["notice.published", "notice.corrected"]);
    marked(&stage, 2, "Berichtigt");
}

#[test]
fn a_retraction_reaches_only_who_got_the_notice() {
    let stage = stage();
    let _serve = stage.app.serve();
    half_sent(&stage);
    stage
        .app
        .json(&["retract", "1", "--reason", "Die Meldung war falsch.", "--yes"]);
    stage.app.run(&["channel", "retry", "sms"]).ok();
    stage.start_kannel();
    stage.app.wait_for("sms", 2, "delivered", 1);
    stage.app.wait_for("sms", 2, "superseded", 1);
    stage.app.wait_for("mastodon", 2, "delivered", 1);
    stage.app.wait_for("webhook", 2, "delivered", 1);
    let first = stage.phone(FIRST);
    assert_eq!(first.len(), 2, "{first:?}");
    assert!(first[1].contains("Meldung 1 zurückgenommen: "), "{}", first[1]);
    assert_eq!(
        stage.phone(SECOND),
        Vec::<String>::new(),
        "nobody takes back what was never said"
    );
    let kinds: Vec<_> = stage
        .calls("/nachbarkreis")
        .into_iter()
        .map(|c| c["type"].clone())
        .collect();
    assert_eq!(kinds, ["notice.published", "notice.retracted"]);
    let posts = stage.sandbox.mastodon.books().entries;
    // The post itself says so now: there is no second one.
    assert_eq!(posts.len(), 1, "{posts:?}");
    assert!(posts[0].edits == 1 && !posts[0].deleted, "{posts:?}");
    assert!(
        posts[0].text.contains("Meldung 1 zurückgenommen: "),
        "{}",
        posts[0].text
    );
    marked(&stage, 2, "Zurückgenommen");
}

#[test]
fn a_retraction_of_a_waiting_notice_reaches_nobody() {
    let stage = stage();
    stage.stop_kannel();
    stage.wait("the account's server stops", stage.sandbox.mastodon.stop());
    stage.wait("the receiver stops", stage.sandbox.webhook.stop());
    let _serve = stage.app.serve();
    stage.app.publish(NOTICE, &[]);
    stage
        .app
        .json(&["retract", "1", "--reason", "Die Meldung war falsch.", "--yes"]);
    for channel in ["mastodon", "sms", "webhook"] {
        stage.app.run(&["channel", "retry", channel]).ok();
    }
    stage.start_kannel();
    stage
        .wait("the account's server starts", stage.sandbox.mastodon.start_again())
        .unwrap();
    stage
        .wait("the receiver starts", stage.sandbox.webhook.start_again())
        .unwrap();
    eventually("nothing waits any more", || {
        let open = |b: &serde_json::Value| ["waiting", "started"].iter().any(|c| b["counters"][c] != 0);
        let rows = stage.app.broadcasts();
        let unopened = rows.iter().any(|b| b["state"] == "open");
        (!unopened && !rows.iter().any(open)).then_some(())
    });
    assert_eq!(stage.sandbox.kannel.books().entries.len(), 0);
    assert_eq!(stage.sandbox.mastodon.books().entries.len(), 0);
    assert_eq!(stage.sandbox.webhook.books().entries.len(), 0);
    marked(&stage, 2, "Zurückgenommen");
}

/// The website says of the first notice what became of it.
fn marked(stage: &Stage, newest: u64, word: &str) {
    stage.app.wait_for("website", newest, "delivered", 1);
    let page = stage.app.path().join("public/potsdam/ausfall/1/index.html");
    let page = plain(&std::fs::read_to_string(page).unwrap());
    assert!(page.contains(word), "{word}: {page}");
}
