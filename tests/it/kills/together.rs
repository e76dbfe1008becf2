//! Several processes on one DATA: two that publish, two that serve, two that wait.

use std::process::Stdio;

use super::books::recounted;
use super::moments::{published, publishing};
use super::{PEOPLE, RECEIVERS, notice, stage};
use crate::support::http;

#[test]
fn the_same_file_published_twice_at_once_is_one_notice() {
    let stage = stage("1m");
    let app = &stage.app;
    let serve = app.serve();
    let two = [publishing(app, 1), publishing(app, 1)].map(published);
    assert_eq!((&two[0]["number"], &two[1]["number"]), (&1.into(), &1.into()));
    assert_ne!(two[0]["created"], two[1]["created"], "one of them found it there");
    app.wait_for("sms", 1, "delivered", PEOPLE as u64);
    app.wait_for("webhook", 1, "delivered", RECEIVERS as u64);
    app.wait_for("mastodon", 1, "delivered", 1);
    let again = app
        .run(&["publish", "lage-1.toml", "--yes", "--wait", "--json"])
        .ok()
        .json();
    assert_eq!(again["created"], false);
    assert_eq!(serve.stop(), 0);
    assert_eq!(stage.sandbox.mastodon.books().entries.len(), 1);
    assert_eq!(stage.sandbox.kannel.books().entries.len(), PEOPLE);
    assert_eq!(stage.sandbox.webhook.books().entries.len(), RECEIVERS);
    recounted(&stage);
}

#[test]
fn a_second_serve_refuses_and_disturbs_nothing() {
    let stage = stage("1m");
    let app = &stage.app;
    let mut serve = app.serve();
    let second = app.run(&["serve"]);
    assert_eq!(second.code, 1, "{second:?}");
    assert!(second.err.contains("already"), "{}", second.err);
    published(publishing(app, 1));
    app.wait_for("sms", 1, "delivered", PEOPLE as u64);
    // The kernel frees the lock of a dead process at once.
    serve.kill();
    let _serve = app.serve();
    assert_eq!(http::get(app.port, "/readyz").unwrap().status, 200);
    assert_eq!(stage.sandbox.kannel.books().doubles(), 0);
}

#[test]
fn two_waiting_publications_without_serve_both_arrive() {
    let stage = stage("1m");
    let app = &stage.app;
    let wait = |n: usize| {
        let file = format!("lage-{n}.toml");
        app.write(&file, &notice(n));
        let mut command = app.command(&["publish", &file, "--yes", "--wait", "--json"]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    for answer in [wait(1), wait(2)].map(published) {
        assert_eq!(answer["created"], true);
    }
    // One of them owned the lanes, and the other after it where something was left: both see everything out.
    let (toots, calls) = (stage.sandbox.mastodon.books(), stage.sandbox.webhook.books());
    assert_eq!((toots.accepted(), toots.doubles()), (2, 0));
    assert_eq!((calls.accepted(), calls.doubles()), (2 * RECEIVERS, 0));
    let phones = stage.sandbox.kannel.books();
    assert_eq!((phones.accepted(), phones.doubles()), (2 * PEOPLE, 0));
}
