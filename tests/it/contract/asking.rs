//! What cannot be undone says who gets what at what price and asks; where nobody can be asked it refuses.

use std::io::Write;
use std::process::Stdio;

use super::{Counterpart, nobody, notice, with_sms};

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
    assert!(refused.err.contains("sms: 1 recipients"), "{}", refused.err);
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
    for args in [
        &["decide", id.as_str(), "again"][..],
        &["retract", "1", "--reason", "Falsch"],
        &[
            "incident",
            "close",
            app.json(&["status"])["incidents"][0]["incident"].as_str().unwrap(),
        ],
    ] {
        let refused = app.run(args);
        assert_eq!(refused.code, 1, "{args:?}");
        assert!(refused.err.contains("--yes"), "{args:?}: {}", refused.err);
    }
    assert_eq!(app.broadcast("sms", 1)["counters"]["unknown"], 1);
    drop(serve);
}
