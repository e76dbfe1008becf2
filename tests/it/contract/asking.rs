//! What cannot be undone says who gets what at what price and asks; where nobody can be asked it refuses.

use std::io::Write;
use std::process::Stdio;

use super::{Counterpart, WEBSITE, nobody, notice, sms, with_sms};
use crate::support::TestApp;

#[test]
fn sms_without_a_yes_and_without_a_terminal_is_refused_and_nothing_is_made() {
    let port = nobody();
    let app = with_sms(port.first());
    app.write("meldung.toml", &notice(1));
    let refused = app.run(&["publish", "meldung.toml"]);
    assert_eq!((refused.code, refused.out.as_str()), (1, ""));
    for text in [
        "sms: 2 recipients",
        "SMS each",
        "in all at most",
        "--yes",
        "nothing was done",
    ] {
        assert!(refused.err.contains(text), "{text}: {}", refused.err);
    }
    assert!(!app.path().join("data").exists());
    let german = app
        .command(&["publish", "meldung.toml"])
        .env("LANG", "de_DE.UTF-8")
        .output()
        .unwrap();
    let german = String::from_utf8(german.stderr).unwrap();
    assert!(
        german.contains("2 Empfänger, je") && german.contains("--yes"),
        "{german}"
    );
    // What stands on standard input was never meant as an answer.
    let mut child = app
        .command(&["publish", "meldung.toml"])
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"ja\nyes\n").unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1));
    assert!(!app.path().join("data").exists());
    // Other channels need no question.
    app.run(&["publish", "meldung.toml", "--channel", "website"]).ok();
}

#[test]
fn with_yes_it_goes_and_the_same_again_is_not_asked() {
    let port = nobody();
    let app = with_sms(port.first());
    app.write("meldung.toml", &notice(1));
    app.run(&["publish", "meldung.toml", "--yes"]).ok();
    assert_eq!(app.broadcast("sms", 1)["counters"]["expected"], 2);
    let again = app.run(&["publish", "meldung.toml", "--json"]).ok().json();
    assert_eq!(again["created"], false);
}

#[test]
fn whoever_is_suppressed_is_not_counted_before_and_gets_nothing_after() {
    let port = nobody();
    let app = with_sms(port.first());
    app.publish(&notice(1), &[]);
    app.run(&["suppression", "add", "+49 171 3920001", "--yes"]).ok();
    app.write("meldung.toml", &notice(2));
    let previewed = app.json(&["preview", "meldung.toml"]);
    assert_eq!(previewed["costs"][0]["people"], 1, "{previewed}");
    let refused = app.run(&["publish", "meldung.toml"]);
    assert!(refused.err.contains("sms: 1 recipient, "), "{}", refused.err);
    app.run(&["publish", "meldung.toml", "--yes"]).ok();
    assert_eq!(app.broadcast("sms", 2)["counters"]["expected"], 1);
}

#[test]
fn a_notice_for_one_place_counts_only_who_follows_it() {
    let port = nobody();
    let app = with_sms(port.first());
    app.write(
        "meldung.toml",
        &format!(
            "{}scope = {{ places = [\"lippetal\"] }}\n[place.lippetal]\nname = \"Lippetal\"\n",
            notice(1)
        ),
    );
    let refused = app.run(&["publish", "meldung.toml"]);
    assert!(refused.err.contains("sms: 1 recipient, "), "{}", refused.err);
}

#[test]
fn a_preview_says_what_it_costs_at_most_and_whose_number_is_none() {
    let port = nobody();
    let reserve = sms(port.first())
        .replace("[channel.sms]", "[channel.reserve]")
        .replace("audience = { file = \"presse.csv\" }\n", "")
        .replace("0.07", "0.081");
    let app = TestApp::new(&format!("{}failover = \"reserve\"\n{reserve}", sms(port.first())));
    app.write("presse.csv", "address\n+491713920001\n0171 3920002\n+49 171 3920003\n");
    app.write("meldung.toml", &notice(1));
    let costs = app.json(&["preview", "meldung.toml"])["costs"].clone();
    let cost = &costs[0];
    assert_eq!(
        costs.as_array().map(Vec::len),
        Some(1),
        "the reserve has nobody of its own"
    );
    assert_eq!(
        (&cost["channel"], &cost["people"]),
        (&"sms".into(), &2.into()),
        "{cost}"
    );
    assert_eq!(cost["faulty"], serde_json::json!(["0171 3920002"]));
    // Two people, both gateways, a begun cent is one.
    let parts = cost["parts"].as_u64().unwrap();
    let expected = (parts * 2 * 151).div_ceil(10) as f64 / 100.0;
    assert_eq!(
        (cost["at_most"].as_f64(), &cost["with"]),
        (Some(expected), &"reserve".into())
    );
    let shown = app.run(&["preview", "meldung.toml"]).ok().out;
    for text in [
        "sms: 2 recipients, ",
        ", should all of it also go by reserve",
        "1 more gets nothing, because the address is none (0171 3920002)",
    ] {
        assert!(shown.contains(text), "{text}: {shown}");
    }
    // A fault of the list is named before anybody publishes.
    app.write("presse.csv", "address,language\n+491713920001,klingon\n");
    let shown = app.run(&["preview", "meldung.toml"]).ok().out;
    assert!(shown.contains("presse.csv:2: language: "), "{shown}");
    let json = app.json(&["preview", "meldung.toml"]);
    assert_eq!(json["costs"], serde_json::json!([]));
    assert!(json["faults"][0].as_str().unwrap().contains("presse.csv:2"), "{json}");
}

#[test]
fn whatever_sends_twice_or_for_good_asks() {
    let counterpart = Counterpart::start();
    let app = with_sms(counterpart.port);
    app.write("presse.csv", "address\n+491713920001\n");
    app.write("meldung.toml", &notice(1));
    let serve = app.serve();
    app.run(&["publish", "meldung.toml", "--yes", "--channel", "sms"]).ok();
    // The gateway takes it and dies: nobody knows.
    drop(counterpart.next());
    app.wait_for("sms", 1, "unknown", 1);
    let id = format!("b{}", app.broadcast("sms", 1)["id"]);
    for (args, price) in [
        (
            &["decide", id.as_str(), "again"][..],
            "Once more goes out: sms: 1 recipient, ",
        ),
        (
            &["retract", "1", "--reason", "Falsch"],
            "cannot be called back: sms: 1 recipient, ",
        ),
    ] {
        let refused = app.run(args);
        assert_eq!(refused.code, 1, "{args:?}");
        for text in [price, " SMS each, 0.", " in all at most", "--yes"] {
            assert!(refused.err.contains(text), "{args:?} {text}: {}", refused.err);
        }
    }
    assert_eq!(app.broadcast("sms", 1)["counters"]["unknown"], 1);
    // Held meanwhile, the next one waits: releasing it names the price.
    app.run(&["channel", "hold", "sms"]).ok();
    app.publish(&notice(2), &["--channel", "sms"]);
    let refused = app.run(&["channel", "release", "sms"]);
    assert_eq!(refused.code, 1);
    for text in ["1 notice goes out now, 0.", " in all at most", "--yes"] {
        assert!(refused.err.contains(text), "{text}: {}", refused.err);
    }
    drop(serve);
}

#[test]
fn what_can_be_undone_or_reaches_nobody_for_good_does_not_ask() {
    let app = TestApp::new(&format!(
        "{WEBSITE}[channel.alt]\nkind = \"website\"\ntargets = [\"file:alt\"]\n"
    ));
    app.publish(&format!("incident = \"2026-01-it\"\n{}", notice(1)), &["--wait"]);
    app.run(&["retract", "1", "--reason", "Falsch"]).ok();
    app.run(&["incident", "close", "2026-01-it"]).ok();
    app.run(&["incident", "reopen", "2026-01-it"]).ok();
    app.run(&["channel", "hold", "website"]).ok();
    app.run(&["channel", "release", "website"]).ok();
    app.run(&["backup", "sicherung"]).ok();
    std::fs::remove_dir_all(app.path().join("data")).unwrap();
    app.run(&["restore", "sicherung"]).ok();
    // A channel that has left the configuration and has nothing waiting.
    let config = std::fs::read_to_string(app.path().join("channels.toml")).unwrap();
    app.write("channels.toml", &config.replace("[channel.alt]", "[channel.neu]"));
    app.run(&["channel", "drop", "alt"]).ok();
}

#[test]
fn an_sms_that_nobody_has_got_is_taken_back_without_a_question() {
    let port = nobody();
    let app = with_sms(port.first());
    app.write("meldung.toml", &notice(1));
    app.run(&["publish", "meldung.toml", "--yes"]).ok();
    app.run(&["retract", "1", "--reason", "Falsch"]).ok();
    assert_eq!(app.json(&["status"])["incidents"][0]["notices"], 2);
}

#[test]
fn yes_is_taken_by_every_command() {
    let app = TestApp::new(WEBSITE);
    app.publish(&format!("incident = \"2026-01-it\"\n{}", notice(1)), &["--wait"]);
    for args in [
        &["channel", "hold", "website", "--yes"][..],
        &["--yes", "channel", "release", "website"],
        &["channel", "retry", "website", "--yes"],
        &["incident", "close", "2026-01-it", "--yes"],
        &["incident", "reopen", "2026-01-it", "--yes"],
        &["backup", "sicherung", "--yes"],
        &["status", "--yes"],
    ] {
        app.run(args).ok();
    }
    // Refused for what it is, not for the word.
    let refused = app.run(&["channel", "rename", "website", "neu", "--yes"]);
    assert!(
        refused.code == 1 && refused.err.contains("still configured"),
        "{}",
        refused.err
    );
}
