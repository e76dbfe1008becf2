//! Idempotent, in order, previewed, waited for.

use std::io::Write;
use std::process::Stdio;

use super::{Counterpart, WEBSITE, hook, nobody, notice, sms};
use crate::support::TestApp;

fn broadcasts(app: &TestApp) -> usize {
    app.broadcasts().len()
}

#[test]
fn the_same_file_twice_is_one_notice() {
    let app = TestApp::new(WEBSITE);
    app.write(
        "a.toml",
        "headline = \"Eins\"\nsummary = \"Zwei.\"\nsince = \"06:00\"\n",
    );
    app.write(
        "b.toml",
        "# anders geschrieben\nsummary   = 'Zwei.'\n\nsince=\"06:00\"\nheadline=\"Eins\"\n",
    );
    assert_eq!(app.json(&["publish", "a.toml"])["created"], true);
    for file in ["a.toml", "b.toml"] {
        let again = app.json(&["publish", file]);
        assert_eq!(
            (&again["created"], &again["number"]),
            (&false.into(), &1.into()),
            "{file}"
        );
    }
    let serve = app.serve();
    assert_eq!(app.json(&["publish", "b.toml"])["created"], false);
    let said = app.run(&["publish", "a.toml"]).ok().out;
    assert!(said.contains("there already: number 1"), "{said}");
    assert_eq!(
        (
            app.json(&["status"])["incidents"][0]["notices"].clone(),
            broadcasts(&app)
        ),
        (1.into(), 1)
    );
    drop(serve);
}

#[test]
fn the_same_file_twice_beside_serve_reaches_a_counterpart_once() {
    let counterpart = Counterpart::start();
    let app = TestApp::new(&hook("hook", counterpart.port));
    app.write("a.toml", &notice(1));
    let serve = app.serve();
    let twice: Vec<_> = (0..2)
        .map(|_| {
            app.command(&["publish", "a.toml", "--json"])
                .stdout(Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    counterpart.answer("204 No Content");
    let created: Vec<_> = twice
        .into_iter()
        .map(|child| {
            let output = child.wait_with_output().unwrap();
            assert!(output.status.success());
            serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap()["created"]
                .as_bool()
                .unwrap()
        })
        .collect();
    assert_eq!(created.iter().filter(|c| **c).count(), 1);
    app.wait_for("hook", 1, "delivered", 1);
    assert_eq!(serve.stop(), 0);
    assert!(counterpart.requests.try_recv().is_err(), "a second request came");
}

#[test]
fn a_key_belongs_to_one_content() {
    let app = TestApp::new(WEBSITE);
    app.publish(&notice(1), &["--key", "k1"]);
    assert_eq!(app.publish(&notice(1), &["--key", "k1"])["created"], false);
    app.write("meldung.toml", &notice(2));
    let refused = app.run(&["publish", "meldung.toml", "--key", "k1"]);
    assert_eq!(refused.code, 1);
    assert!(
        refused.err.contains("notice 1") && refused.err.contains("--key"),
        "{}",
        refused.err
    );
    let json = app.run(&["publish", "meldung.toml", "--key", "k1", "--json"]);
    assert!(json.code == 1 && json.json()["error"].is_string());
    // The key in the file counts the same.
    assert_eq!(
        app.publish(&format!("key = \"k1\"\n{}", notice(1)), &[])["created"],
        false
    );
    assert_eq!(broadcasts(&app), 1);
}

#[test]
fn after_refuses_where_something_came_in_between() {
    let app = TestApp::new(WEBSITE);
    app.publish(&notice(1), &[]);
    app.publish(&notice(2), &["--after", "1"]);
    app.publish(&notice(3), &[]);
    app.write("meldung.toml", &notice(4));
    let refused = app.run(&["publish", "meldung.toml", "--after", "1"]);
    assert_eq!(refused.code, 1);
    assert!(
        refused.err.contains("notice 2, 3") && refused.err.contains("incident show"),
        "{}",
        refused.err
    );
    let ahead = app.run(&["publish", "meldung.toml", "--after", "9"]);
    assert_eq!(ahead.code, 1);
    assert!(ahead.err.contains('9') && ahead.err.contains('3'), "{}", ahead.err);
    app.publish(&notice(4), &["--after", "3"]);
}

#[test]
fn standard_input_is_a_notice_too() {
    let app = TestApp::new(WEBSITE);
    let pipe = |args: &[&str], text: &str| {
        let mut child = app
            .command(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    let (code, out, _) = pipe(&["publish", "-", "--json"], &notice(1));
    assert_eq!(
        (
            code,
            serde_json::from_str::<serde_json::Value>(&out).unwrap()["number"].clone()
        ),
        (Some(0), 1.into())
    );
    let (code, out, _) = pipe(&["preview", "-"], &notice(2));
    assert!(code == Some(0) && out.contains("notice 2"), "{out}");
    let (code, _, err) = pipe(&["publish", "-"], "headline = 7\n");
    assert!(code == Some(1) && err.contains("-:1: headline"), "{err}");
    let json = "{\"headline\": \"Aus JSON\", \"summary\": \"Geht auch.\"}";
    let (code, out, _) = pipe(&["publish", "-", "--json"], json);
    assert_eq!(
        (
            code,
            serde_json::from_str::<serde_json::Value>(&out).unwrap()["number"].clone()
        ),
        (Some(0), 2.into())
    );
}

#[test]
fn preview_and_dry_run_change_nothing_also_where_a_store_is() {
    let port = nobody();
    let app = super::with_sms(port.first());
    app.publish(&notice(1), &[]);
    app.write(
        "neu.toml",
        &format!("{}[contact.zentrale]\nphone = \"115\"\n", notice(2)),
    );
    let before = app.state();
    for args in [
        &["preview", "neu.toml"][..],
        &["publish", "neu.toml", "--dry-run"],
        &["preview", "neu.toml", "--now", "2030-01-01T00:00:00Z"],
    ] {
        let answer = app.run(args).ok();
        assert!(
            answer.out.contains("Nothing is published") && answer.out.contains("Everything fits"),
            "{}",
            answer.out
        );
        assert!(
            answer.out.contains("notice 2") && answer.out.contains("new: contact zentrale: 115"),
            "{}",
            answer.out
        );
        assert!(app.state() == before, "{args:?} changed something");
    }
    let one = app.json(&["preview", "neu.toml", "--channel", "sms", "--lang", "en"]);
    assert_eq!(one["channels"].as_array().unwrap().len(), 1);
    assert!(app.state() == before);
}

#[test]
fn preview_is_exit_1_where_something_does_not_fit() {
    let port = nobody();
    let app = super::with_sms(port.first());
    app.write(
        "lang.toml",
        &format!(
            "headline = \"Lang\"\nsummary = \"{}\"\n",
            "Dieser Satz ist einer von vielen. ".repeat(17)
        ),
    );
    let config = std::fs::read_to_string(app.path().join("channels.toml")).unwrap();
    app.write("channels.toml", &format!("{config}max_parts = 1\n"));
    let answer = app.run(&["preview", "lang.toml"]);
    assert_eq!(answer.code, 1, "{}", answer.out);
    assert!(
        answer.out.contains("shortened") && answer.out.contains("short = "),
        "{}",
        answer.out
    );
}

#[test]
fn one_channel_may_be_chosen_and_an_unknown_one_is_named() {
    let port = nobody();
    let app = super::with_sms(port.first());
    app.publish(&notice(1), &["--channel", "website"]);
    assert_eq!(app.broadcasts()[0]["channel"], "website");
    assert_eq!(broadcasts(&app), 1);
    app.write("meldung.toml", &notice(2));
    let unknown = app.run(&["publish", "meldung.toml", "--channel", "fax"]);
    assert_eq!(unknown.code, 2);
    assert!(
        unknown.err.contains("fax") && unknown.err.contains("sms, website"),
        "{}",
        unknown.err
    );
}

#[test]
fn wait_brings_it_out_without_serve_and_watches_beside_one() {
    let counterpart = Counterpart::start();
    let app = TestApp::new(&format!("{WEBSITE}{}", hook("hook", counterpart.port)));
    let run = |n: u32, status: &str| {
        app.write("meldung.toml", &notice(n));
        let child = app
            .command(&["publish", "meldung.toml", "--wait", "--json"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        counterpart.answer(status);
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap()
    };
    let light = |answer: &serde_json::Value, channel: &str| {
        answer["broadcasts"]
            .as_array()
            .unwrap()
            .iter()
            .find(|b| b["channel"] == channel)
            .unwrap()["light"]
            .clone()
    };
    let alone = run(1, "200 OK");
    assert_eq!(
        (light(&alone, "hook"), light(&alone, "website")),
        ("done".into(), "done".into())
    );
    let serve = app.serve();
    let beside = run(2, "200 OK");
    assert_eq!(
        (light(&beside, "hook"), light(&beside, "website")),
        ("done".into(), "done".into())
    );
    // What waits for a later try is said with its clock time. The server names a late one: an early one may have begun before the answer is read.
    let later = run(3, "503 Service Unavailable\r\nRetry-After: 600");
    assert_eq!(light(&later, "hook"), "waiting");
    let text = later["broadcasts"]
        .as_array()
        .unwrap()
        .iter()
        .find(|b| b["channel"] == "hook")
        .unwrap()["text"]
        .to_string();
    let clock = text
        .split("next try ")
        .nth(1)
        .unwrap_or_else(|| panic!("{text}"))
        .as_bytes();
    assert!(
        clock[2] == b':' && clock[5] == b':' && clock[..8].iter().all(|b| b.is_ascii_digit() || *b == b':'),
        "{text}"
    );
    drop(serve);
}

#[test]
fn two_channels_with_one_list_both_have_its_people() {
    let port = nobody();
    let first = sms(port.first());
    let app = TestApp::new(&[&first, first.replace("channel.sms", "channel.reserve").as_str()].concat());
    app.write("presse.csv", "address\n+491713920001\n+491713920002\n");
    app.publish(&notice(1), &[]);
    for channel in ["sms", "reserve"] {
        assert_eq!(app.broadcast(channel, 1)["counters"]["expected"], 2, "{channel}");
    }
}
