//! One owner of the lanes, many processes beside it: nothing goes out twice, nothing is forgotten, a held lane starts nothing.

use std::collections::BTreeSet;
use std::process::{Child, Stdio};
use std::sync::Arc;

use futures_util::future::join_all;
use rundruf::clock::SystemClock;
use rundruf::store::Sqlite;
use serde_json::Value;

use super::support::receiver::{self, Receiver};
use super::support::{TestApp, eventually};

fn notice(headline: &str, incident: &str) -> String {
    format!(
        "incident = \"{incident}\"\nheadline = \"{headline}\"\nsummary = \"Bitte rufen Sie vor einem Besuch an.\"\ncontact.zentrale.phone = \"115\"\n"
    )
}

/// Website in a folder and one webhook.
fn app(receiver: &Receiver) -> TestApp {
    TestApp::new(&format!(
        "[channel.website]\nkind = \"website\"\ntargets = [\"file:public\"]\n[channel.nachbarn]\nkind = \"webhook\"\nurl = \"http://127.0.0.1:{}/hook\"\nsecret = \"{}\"\n",
        receiver.port(),
        receiver::SECRET
    ))
}

/// `publish` as a process of its own.
fn publishing(app: &TestApp, file: &str, more: &[&str]) -> Child {
    let mut command = app.command(&["publish", file, "--yes", "--json"]);
    command
        .args(more)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn answer(child: Child) -> Value {
    let done = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{said}");
    serde_json::from_slice(&done.stdout).unwrap()
}

fn delivered(answer: &Value) -> Vec<&Value> {
    let broadcasts = answer["broadcasts"].as_array().unwrap();
    broadcasts.iter().map(|b| &b["counters"]["delivered"]).collect()
}

#[test]
fn publish_and_wait_beside_serve() {
    let receiver = Receiver::start();
    let app = app(&receiver);
    let serve = app.serve();
    let done = app.publish(&notice("Neben serve", "it"), &["--wait"]);
    assert_eq!(delivered(&done), [1, 1], "{done}");
    // The same file again, and once more without waiting: it is there, nothing goes out.
    for more in [&["--wait"][..], &[]] {
        let again = app.publish(&notice("Neben serve", "it"), more);
        assert_eq!(
            (&again["created"], &again["number"]),
            (&false.into(), &1.into()),
            "{again}"
        );
    }
    // Serve still owns the lanes: what comes now goes out too.
    app.publish(&notice("Danach", "it"), &[]);
    app.wait_for("nachbarn", 2, "delivered", 1);
    assert_eq!(receiver.hooks().len(), 2, "{:#?}", receiver.hooks());
    assert_eq!(serve.stop(), 0);
}

#[test]
fn a_second_serve_refuses_and_the_first_goes_on() {
    let receiver = Receiver::start();
    let app = app(&receiver);
    let _serve = app.serve();
    let second = app.run(&["serve"]);
    assert_eq!(second.code, 1, "{second:?}");
    assert!(second.err.contains("running"), "{second:?}");
    app.publish(&notice("Einer bleibt", "it"), &[]);
    app.wait_for("nachbarn", 1, "delivered", 1);
}

#[test]
fn two_processes_publish_at_once() {
    let receiver = Receiver::start();
    let app = app(&receiver);
    app.write("a.toml", &notice("Stadt A", "a"));
    app.write("b.toml", &notice("Stadt B", "b"));
    // Without serve: one of them becomes the owner, the other watches, or takes over where the first has ended.
    let (a, b) = (
        publishing(&app, "a.toml", &["--wait"]),
        publishing(&app, "b.toml", &["--wait"]),
    );
    for done in [answer(a), answer(b)] {
        assert_eq!(delivered(&done), [1, 1], "{done}");
    }
    // The same file by two at once, in one incident: one makes it, the other finds it.
    app.write("c.toml", &notice("Nur einmal", "a"));
    let (one, two) = (
        publishing(&app, "c.toml", &["--wait"]),
        publishing(&app, "c.toml", &["--wait"]),
    );
    let both = [answer(one), answer(two)];
    let created = both.iter().filter(|done| done["created"] == true).count();
    assert_eq!(
        (created, &both[0]["number"], &both[1]["number"]),
        (1, &2.into(), &2.into()),
        "{both:#?}"
    );
    // Two notices of one incident at once: both are there, one after the other.
    app.write("d.toml", &notice("Zuerst oder danach", "a"));
    app.write("e.toml", &notice("Danach oder zuerst", "a"));
    let (d, e) = (
        publishing(&app, "d.toml", &["--wait"]),
        publishing(&app, "e.toml", &["--wait"]),
    );
    let numbers: BTreeSet<u64> = [answer(d), answer(e)]
        .iter()
        .map(|done| done["number"].as_u64().unwrap())
        .collect();
    assert_eq!(numbers, [3, 4].into());
    let hooks = eventually("all five arrive", || {
        Some(receiver.hooks()).filter(|hooks| hooks.len() >= 5)
    });
    let ids: BTreeSet<_> = hooks.iter().map(|hook| &hook.id).collect();
    assert_eq!((hooks.len(), ids.len()), (5, 5), "{hooks:#?}");
    assert!(hooks.iter().all(|hook| hook.verified));
    let told: BTreeSet<_> = hooks
        .iter()
        .map(|hook| hook.body["data"]["headline"].as_str().unwrap())
        .collect();
    assert_eq!(told.len(), 5, "{told:?}");
}

#[test]
fn a_hold_in_mid_drain_stops_every_start() {
    const PEOPLE: usize = 60;
    const ANSWERED: usize = 3;
    const CONNECTIONS: usize = 2;
    let receiver = Receiver::answering(ANSWERED);
    let app = TestApp::new(&format!(
        "[channel.website]\nkind = \"website\"\ntargets = [\"file:public\"]\n[channel.nachbarn]\nkind = \"webhook\"\nallow_private = true\naudience = {{ file = \"hooks.csv\" }}\nconcurrency = {CONNECTIONS}\ntimeout = \"5m\"\nsecret = \"{}\"\n",
        receiver::SECRET
    ));
    let list: String = (0..PEOPLE)
        .map(|n| format!("http://127.0.0.1:{}/{n}\n", receiver.port()))
        .collect();
    app.write("hooks.csv", &format!("address\n{list}"));
    let serve = app.serve();
    app.publish(&notice("An sechzig", "it"), &[]);
    // Some have it, and every connection hangs: the middle, for as long as it is needed.
    eventually("all connections are in use", || {
        (receiver.hooks().len() == ANSWERED + CONNECTIONS).then_some(())
    });
    app.wait_for("nachbarn", 1, "delivered", ANSWERED as u64);
    let held = app.json(&["channel", "hold", "nachbarn", "--reason", "Probe"]);
    assert_eq!(
        (&held["acknowledged"], &held["gate"], &held["in_flight"]),
        (&true.into(), &"held".into(), &CONNECTIONS.into()),
        "{held}"
    );

    // What was in flight ends; while another lane works through several notices, nothing more comes here.
    receiver.answer_all();
    app.wait_for("nachbarn", 1, "started", 0);
    for n in 2..=4 {
        app.publish(&notice(&format!("Nur Website {n}"), "it"), &["--channel", "website"]);
        app.wait_for("website", n, "delivered", 1);
    }
    let count = receiver.hooks().len();
    assert_eq!(count, ANSWERED + CONNECTIONS, "something started after the hold");
    let broadcast = app.broadcast("nachbarn", 1);
    assert_eq!(broadcast["counters"]["delivered"], count, "{broadcast}");
    assert!(
        broadcast["light"] == "held" && broadcast["text"].as_str().unwrap().contains("(Probe)"),
        "{broadcast}"
    );

    app.run(&["channel", "release", "nachbarn", "--yes"]).ok();
    app.wait_for("nachbarn", 1, "delivered", PEOPLE as u64);
    let hooks = receiver.hooks();
    let paths: BTreeSet<_> = hooks.iter().map(|hook| &hook.path).collect();
    assert_eq!((paths.len(), hooks.len()), (PEOPLE, PEOPLE), "{hooks:#?}");
    assert_eq!(serve.stop(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_make_one_store_at_the_same_moment() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("data/rundruf.db");
    let open = |_| {
        let path = path.clone();
        tokio::spawn(async move {
            // Whoever is done closes it while others still open it.
            let store = Sqlite::open(&path, Arc::new(SystemClock)).await.unwrap();
            store.close().await;
        })
    };
    for opened in join_all((0..16).map(open)).await {
        opened.unwrap();
    }
}
