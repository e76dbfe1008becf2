//! The wall clock of the machine is set while `serve` runs (LANES 8): an hour back, into 2036, and right again, with rows that wait, a held lane, times that
//! run out and a counterpart that asked to wait. The counterparts' clocks are right all the time, and their books say what came of it.

use std::time::Duration;

use rundruf::clock::{Clock, SystemClock};
use rundruf::sandbox::fault::Fault;
use serde_json::Value;

use super::support::clock::WallClock;
use super::support::counterparts::{Stage, WEBSITE, mastodon, sms, webhook};
use super::support::{TestApp, eventually, http};

const HOUR: Duration = Duration::from_secs(3_600);
/// From any year in which this runs to 2036 or later.
const TEN_YEARS: Duration = Duration::from_secs(10 * 365 * 86_400);
/// What the account asks to wait for, seconds.
const WAIT: u32 = 4;

const PUBLISHER: &str = "[publisher.potsdam]\nname = \"Landeshauptstadt Potsdam\"\nlanguages = [\"de\"]\ntimezone = \"Europe/Berlin\"\nphone = \"115\"\n";

/// A website, an account, two phones whose messages run out after `expires`, and a receiver of webhooks; the gateway goes by another name than the account,
/// so that they are two counterparts.
fn stage(expires: &str) -> Option<(Stage, WallClock)> {
    let mut stage = Stage::new(PUBLISHER, |sandbox| {
        let expires = format!("expires = \"{expires}\"\n");
        let receiver = format!("url = \"{}/kreis\"\nallow_private = true\n", sandbox.webhook.url());
        [
            WEBSITE.to_owned(),
            mastodon(sandbox),
            sms(sandbox, &expires).replace("127.0.0.1", "localhost"),
            webhook(&(receiver + &expires)),
        ]
        .concat()
    });
    stage.app.write("presse.csv", "address\n+491713920001\n+491713920002\n");
    let clock = WallClock::of(&mut stage.app)?;
    Some((stage, clock))
}

fn publish(app: &TestApp, number: usize) -> Value {
    let notice = format!(
        "incident = \"ausfall\"\nheadline = \"Lage {number}\"\nsummary = \"Dies ist Lage {number}. Bitte rufen Sie an.\"\n"
    );
    app.publish(&notice, &[])
}

/// What `status` says about the machine.
fn machine(app: &TestApp) -> String {
    app.json(&["status"])["machine"].to_string()
}

fn says(app: &TestApp, words: &str) {
    let mut said = String::new();
    eventually(&format!("status says {words:?}"), || {
        let now = machine(app);
        if now != said {
            println!("{now}");
            said = now;
        }
        said.contains(words).then_some(())
    });
}

fn leapt(app: &TestApp) -> bool {
    let metrics = http::get(app.admin_port, "/metrics").unwrap().text();
    metrics.contains("rundruf_clock_leapt 1")
}

/// Publishes the first notice into a world where nothing goes out but the page: the gateway is away, the account asks to wait, the webhook is held.
/// The moment before, by a clock that is right.
fn publish_into_trouble(stage: &Stage) -> i64 {
    let (app, sandbox) = (&stage.app, &stage.sandbox);
    app.json(&["channel", "hold", "webhook", "--reason", "Probe"]);
    stage.stop_kannel();
    sandbox.mastodon.fault_times(Fault::TooMany { seconds: WAIT }, 1);
    let asked = SystemClock.now_ms();
    publish(app, 1);
    app.wait_for("website", 1, "delivered", 1);
    eventually("the gateway was tried and the account was asked", || {
        let tried = |channel| app.broadcast(channel, 1)["text"].as_str().unwrap().contains("next try");
        (tried("sms") && tried("mastodon")).then_some(())
    });
    asked
}

/// The account has the posts of so many notices, each once and in order, the first of them not before its time.
fn posts(stage: &Stage, notices: usize, asked: i64) {
    let posted = stage.wait(
        "the account has them all",
        stage.sandbox.mastodon.until(|b| b.entries.len() >= notices),
    );
    let first = posted.entries[0].at_ms;
    assert!(
        first >= asked + i64::from(WAIT) * 1_000,
        "asked at {asked} to wait {WAIT} s, sent at {first}"
    );
    for (number, entry) in (1..).zip(&posted.entries) {
        assert!(entry.text.contains(&format!("Lage {number}")), "{}", entry.text);
    }
    assert_eq!((posted.entries.len(), posted.doubles()), (notices, 0));
}

/// Everybody has every notice once.
fn nothing_is_lost_or_double(stage: &Stage, notices: usize) {
    let (app, sandbox) = (&stage.app, &stage.sandbox);
    for number in 1..=notices as u64 {
        for (channel, count) in [("website", 1), ("mastodon", 1), ("sms", 2), ("webhook", 1)] {
            app.wait_for(channel, number, "delivered", count);
        }
    }
    let (phones, calls) = (sandbox.kannel.books(), sandbox.webhook.books());
    assert_eq!((phones.accepted(), phones.doubles()), (2 * notices, 0));
    assert_eq!((calls.accepted(), calls.doubles()), (notices, 0));
}

#[test]
fn an_hour_back_and_right_again() {
    let Some((stage, clock)) = stage("2d") else { return };
    let app = &stage.app;
    let serve = app.serve();
    let asked = publish_into_trouble(&stage);

    clock.behind(HOUR);
    says(app, "went back by 1 hour");
    let status = app.json(&["status"]);
    let text = status["machine"].to_string();
    assert!(text.contains("sending goes on"), "{text}");
    // What was to be tried in a moment still is.
    stage.start_kannel();
    app.wait_for("sms", 1, "delivered", 2);
    posts(&stage, 1, asked);
    publish(app, 2);
    app.wait_for("sms", 2, "delivered", 2);
    app.wait_for("website", 2, "delivered", 1);
    // A receiver that looks at the time of a signature takes none of an hour ago: it stays, and the board says why.
    app.json(&["channel", "release", "webhook", "--yes"]);
    eventually("the board says why the receiver takes nothing", || {
        let line = app.broadcast("webhook", 1)["text"].to_string();
        line.contains("there it is 1 hour later than here").then_some(())
    });

    // Forward again: two counterparts have the same time, and nobody has to be asked.
    clock.right();
    eventually("the clock is trusted", || {
        (app.log().contains("leapt forward") && !leapt(app)).then_some(())
    });
    app.json(&["channel", "retry", "webhook"]);
    nothing_is_lost_or_double(&stage, 2);
    posts(&stage, 2, asked);
    assert_eq!(serve.stop(), 0);
}

#[test]
fn into_2036_and_back() {
    let Some((stage, clock)) = stage("2h") else { return };
    let (app, sandbox) = (&stage.app, &stage.sandbox);
    let mut serve = app.serve();
    let asked = publish_into_trouble(&stage);

    clock.ahead(TEN_YEARS);
    says(app, "leapt forward by 3650 days");
    assert!(leapt(app) && machine(app).contains("no message runs out"));
    let german = app.german(&["status"]).ok().out;
    assert!(german.contains("um 3650 Tage vorgesprungen"), "{german}");
    // Sending goes on, no sooner than was asked for; what came before the leap has not run out, nor does it when another process takes over.
    posts(&stage, 1, asked);
    serve.kill();
    serve = app.serve();
    assert!(machine(app).contains("leapt forward"));
    assert_eq!(app.broadcast("webhook", 1)["counters"]["expired"], 0);
    sandbox.mastodon.fault_times(Fault::TooMany { seconds: WAIT }, 1);
    let asked_again = SystemClock.now_ms();
    publish(app, 2);
    app.wait_for("mastodon", 2, "delivered", 1);
    let second = sandbox.mastodon.books().entries[1].at_ms;
    assert!(
        second >= asked_again + i64::from(WAIT) * 1_000,
        "asked at {asked_again} to wait {WAIT} s, sent at {second}"
    );

    clock.right();
    eventually("the clock is trusted again", || (!leapt(app)).then_some(()));
    says(app, "went back by 3650 days");
    stage.start_kannel();
    app.json(&["channel", "release", "webhook", "--yes"]);
    nothing_is_lost_or_double(&stage, 2);
    posts(&stage, 2, asked);
    assert_eq!(serve.stop(), 0);
}

#[test]
fn into_2036_killed_there_and_started_when_it_is_right_again() {
    let Some((stage, clock)) = stage("2h") else { return };
    let app = &stage.app;
    let mut serve = app.serve();
    let asked = publish_into_trouble(&stage);
    clock.ahead(TEN_YEARS);
    says(app, "leapt forward");
    posts(&stage, 1, asked);
    serve.kill();

    clock.right();
    let serve = app.serve();
    // Ten years, less the moment in which nobody looked.
    says(app, "went back by 36");
    assert!(!machine(app).contains("leapt forward"), "{}", machine(app));
    stage.start_kannel();
    app.json(&["channel", "release", "webhook", "--yes"]);
    nothing_is_lost_or_double(&stage, 1);
    assert_eq!(serve.stop(), 0);
}

#[test]
fn what_runs_out_by_a_leap_waits_for_a_person() {
    let Some((stage, clock)) = stage("2h") else { return };
    let app = &stage.app;
    let serve = app.serve();
    publish_into_trouble(&stage);
    clock.ahead(3 * HOUR);
    says(app, "leapt forward by 3 hours");
    // The gateway is still away: it is tried, and stays.
    stage.start_kannel();
    app.wait_for("sms", 1, "delivered", 2);
    assert_eq!(app.broadcast("webhook", 1)["counters"]["waiting"], 1);

    let thanks = app.run(&["check", "--clock-is-right"]).ok();
    assert!(thanks.out.contains("Thank you"), "{thanks:?}");
    app.wait_for("webhook", 1, "expired", 1);
    let line = app.broadcast("webhook", 1);
    assert!(line["text"].as_str().unwrap().contains("out of time"), "{line}");
    assert!(!leapt(app) && !machine(app).contains("leapt"));
    assert_eq!(stage.sandbox.webhook.books().entries.len(), 0);
    assert_eq!(serve.stop(), 0);
}
