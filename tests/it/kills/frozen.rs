//! An owner that stands still (SIGSTOP, a machine put to sleep, a virtual one that is moved) for longer than its requests may take: it stays the owner,
//! and when it goes on it does what it would have done.

use super::books::{compare, everything_ends};
use super::moments::{published, publishing};
use super::{CONNECTIONS, PEOPLE, stage};

#[test]
fn an_owner_that_stood_still_for_longer_than_its_requests_may_take_stays_the_owner() {
    // Shorter than what `hold` waits for an owner that stands.
    let stage = stage("1s");
    let (app, sandbox) = (&stage.app, &stage.sandbox);
    let serve = app.serve();
    published(publishing(app, 1));
    stage.wait("SMS go", sandbox.kannel.until(|b| b.entries.len() >= PEOPLE / 4));
    loop {
        serve.freeze();
        // It has the lock, and nobody takes its place.
        let second = app.run(&["serve"]);
        assert!(second.code == 1 && second.err.contains("already"), "{second:?}");
        // What it has in flight nobody stops: that is said, after the five seconds in which every request of it has run out.
        let held = app.run(&["channel", "hold", "webhook", "--reason", "Probe"]);
        assert_eq!(held.code, 1, "{held:?}");
        if held.err.contains("did not confirm it within 5 s") {
            break;
        }
        // In the middle of a transaction it keeps everybody from writing; that too is said after five seconds, and how one gets out of it.
        assert!(held.err.contains("kill -CONT"), "{held:?}");
        serve.go_on();
    }
    // Others publish meanwhile.
    published(publishing(app, 2));

    serve.go_on();
    let status = crate::support::eventually("it knows of the hold", || {
        let status = app.json(&["status"]);
        let lanes = status["channels"].as_array().unwrap().clone();
        let lane = lanes.into_iter().find(|lane| lane["name"] == "webhook").unwrap();
        (lane["acknowledged"][0] == lane["epoch"]).then_some(status)
    });
    assert_eq!(status["serving"], true);
    let calls = sandbox.webhook.books().entries.len();
    app.wait_for("mastodon", 2, "delivered", 1);
    app.wait_for("website", 2, "delivered", 1);
    assert_eq!(
        sandbox.webhook.books().entries.len(),
        calls,
        "something started after the hold was confirmed"
    );
    app.run(&["channel", "release", "webhook", "--yes"]).ok();
    everything_ends(&stage);
    let unknown = app.broadcast("sms", 1)["counters"]["unknown"].as_u64().unwrap();
    assert!(unknown <= CONNECTIONS as u64, "{unknown} SMS are unknown");
    assert_eq!(serve.stop(), 0);
    compare(&stage, 2);
}
