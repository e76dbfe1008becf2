//! Globals, help, exit codes, JSON on every way out.

use std::process::{Command, Stdio};

use super::{WEBSITE, notice, tree};
use crate::support::TestApp;
use crate::support::app::Answer;

/// The program with these arguments alone, in the folder of an installation.
fn raw(app: &TestApp, args: &[&str]) -> Answer {
    let output = Command::new(env!("CARGO_BIN_EXE_rundruf"))
        .args(args)
        .current_dir(app.path())
        .env("LANG", "C.UTF-8")
        .env_remove("LC_ALL")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    Answer {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

#[test]
fn globals_are_taken_before_and_after_every_command() {
    let app = TestApp::new(WEBSITE);
    app.publish(&notice(1), &[]);
    let (config, data) = (app.path().join("channels.toml"), app.path().join("data"));
    let globals = [
        "--config",
        config.to_str().unwrap(),
        "--data",
        data.to_str().unwrap(),
        "--json",
    ];
    for command in [
        &["incident", "list"][..],
        &["channel", "list"],
        &["status"],
        &["explain", "b1"],
        &["preview", "meldung.toml"],
    ] {
        let before = raw(&app, &[&globals, command].concat()).ok().json();
        let after = raw(&app, &[command, &globals].concat()).ok().json();
        let middle = raw(&app, &[&command[..1], &globals, &command[1..]].concat())
            .ok()
            .json();
        let bare = |mut value: serde_json::Value| {
            for key in ["as_of", "notice"] {
                value.as_object_mut().unwrap().remove(key);
            }
            value
        };
        assert_eq!(bare(before), bare(after.clone()), "{command:?}");
        assert_eq!(bare(middle), bare(after), "{command:?}");
    }
}

#[test]
fn without_globals_everything_lies_in_the_folder_once() {
    let app = TestApp::new(WEBSITE);
    app.write("meldung.toml", &notice(1));
    raw(&app, &["publish", "meldung.toml", "--wait"]).ok();
    assert!(app.path().join("data/rundruf.db").is_file());
    assert!(!app.path().join("data/data").exists());
    assert_eq!(
        raw(&app, &["status", "--json"]).ok().json()["incidents"][0]["notices"],
        1
    );
}

const COMMANDS: &[&[&str]] = &[
    &[],
    &["demo"],
    &["init"],
    &["new"],
    &["serve"],
    &["publish"],
    &["preview"],
    &["retract"],
    &["incident"],
    &["incident", "list"],
    &["incident", "show"],
    &["incident", "close"],
    &["incident", "reopen"],
    &["status"],
    &["explain"],
    &["decide"],
    &["channel"],
    &["channel", "list"],
    &["channel", "test"],
    &["channel", "hold"],
    &["channel", "release"],
    &["channel", "retry"],
    &["channel", "rename"],
    &["channel", "drop"],
    &["check"],
    &["measure"],
    &["suppression"],
    &["suppression", "list"],
    &["suppression", "add"],
    &["suppression", "lift"],
    &["export"],
    &["backup"],
    &["restore"],
];

#[test]
fn every_command_has_help_that_says_what_it_does() {
    let app = TestApp::new("");
    for command in COMMANDS {
        let answer = raw(&app, &[command, &["--help"][..]].concat()).ok();
        assert!(
            answer
                .out
                .contains(&format!("rundruf {}", command.join(" ")).trim_end().to_owned()),
            "{}",
            answer.out
        );
        assert!(
            answer.err.is_empty() && answer.out.lines().next().unwrap().len() > 10,
            "{}",
            answer.out
        );
        for global in ["--config", "--data", "--json"] {
            assert!(answer.out.contains(global), "{command:?} {global}");
        }
    }
    assert_eq!(
        raw(&app, &["--version"]).ok().out.trim(),
        format!("rundruf {}", env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn what_is_missing_in_a_call_is_named_in_the_readers_language() {
    let app = TestApp::new("");
    let german = app.german(&["decide"]);
    assert_eq!(german.code, 2);
    assert!(
        german.err.contains("Es fehlt: <NUMMER>, <ENTSCHEIDUNG>."),
        "{}",
        german.err
    );
    let help = app.german(&["decide", "--help"]).ok().out;
    assert!(
        help.contains("<NUMMER> <ENTSCHEIDUNG>") && !help.contains("WHAT"),
        "{help}"
    );
    let english = app.run(&["decide"]);
    assert!(english.err.contains("<WHAT>"), "{}", english.err);
}

#[test]
fn what_later_issues_bring_is_neither_in_the_help_nor_a_command() {
    let app = TestApp::new("");
    let help = raw(&app, &["--help"]).ok().out;
    for later in ["relay", "subscriber", "user", "log", "migrate"] {
        assert!(
            !help.lines().any(|l| l.trim_start().starts_with(&format!("{later} "))),
            "{later}: {help}"
        );
        assert_eq!(raw(&app, &[later]).code, 2, "{later}");
    }
}

#[test]
fn a_wrong_command_line_is_exit_2_with_a_way_on() {
    let app = TestApp::new("");
    for args in [
        &["publsh", "x"][..],
        &["status", "--jsn"],
        &["publish"],
        &["publish", "x", "--after", "two"],
        &["decide", "1", "perhaps"],
        &["decide", "seven", "there"],
        &["retract", "1"],
        &["measure", "--as", "telex"],
        &["preview", "x", "--lang", "klingon"],
        &["preview", "x", "--now", "yesterday"],
        &["channel", "hold"],
        &["publish", "nowhere.toml"],
        &[],
    ] {
        let answer = raw(&app, args);
        assert_eq!(answer.code, 2, "{args:?}: {}{}", answer.out, answer.err);
        assert!(!answer.err.is_empty(), "{args:?}");
        let with_json = raw(&app, &[args, &["--json"][..]].concat());
        assert_eq!(with_json.code, 2, "{args:?}");
        assert!(
            with_json.json()["error"].as_str().is_some_and(|e| !e.is_empty()),
            "{args:?}: {}",
            with_json.out
        );
    }
    assert!(!app.path().join("data").exists());
}

#[test]
fn looking_makes_nothing() {
    let app = TestApp::new(&format!("{WEBSITE}{}", super::sms(1)));
    app.write("presse.csv", "address\n+491713920001\n");
    app.write("meldung.toml", &notice(1));
    let before = tree(app.path());
    for (args, code) in [
        (&["status"][..], 0),
        (&["incident", "list"], 0),
        (&["incident", "show", "x"], 1),
        (&["incident", "close", "x", "--yes"], 1),
        (&["channel", "list"], 0),
        (&["channel", "release", "sms", "--yes"], 1),
        (&["explain", "1"], 1),
        (&["decide", "1", "there"], 1),
        (&["retract", "1", "--reason", "x", "--yes"], 1),
        (&["preview", "meldung.toml"], 0),
        (&["publish", "meldung.toml", "--dry-run"], 0),
        (&["publish", "meldung.toml"], 1),
        (&["backup", "b"], 1),
        (&["check"], 1),
    ] {
        let answer = app.run(args);
        assert_eq!(answer.code, code, "{args:?}: {}{}", answer.out, answer.err);
        let with_json = app.run(&[args, &["--json"][..]].concat());
        assert!(with_json.json().is_object() && with_json.code == code, "{args:?}");
        assert!(tree(app.path()) == before, "{args:?} wrote something");
    }
    // The site without an incident can be looked at, too.
    app.run(&["export", "out"]).ok();
    assert!(app.path().join("out/potsdam/index.html").is_file() && !app.path().join("data").exists());
}

#[test]
fn german_where_the_language_is_german() {
    let app = TestApp::new("");
    let german = |args: &[&str]| app.command(args).env("LANG", "de_DE.UTF-8").output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    assert!(text(german(&["status"]).stdout).contains("Noch nichts veröffentlicht"));
    assert!(text(german(&["publish", "nirgends.toml"]).stderr).contains("lässt sich nicht lesen"));
    // JSON is never translated.
    let json = app.run(&["publish", "nirgends.toml", "--json"]).json();
    let output = german(&["publish", "nirgends.toml", "--json"]);
    assert_eq!(
        serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap(),
        json
    );
}
