//! Who stands behind an act: the user of the system in the log, and the word that no second person was asked (DESIGN 8).

use std::sync::Arc;

use rundruf::clock::SystemClock;
use rundruf::store::{AuditRow, Board, Sqlite};

use super::{WEBSITE, notice};
use crate::support::TestApp;
use crate::support::app::Answer;

const ALONE: &str = "no second person was asked";

/// The log as it stands, oldest first.
fn log(app: &TestApp) -> Vec<AuditRow> {
    let path = app.path().join("data/rundruf.db");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let store = Sqlite::open(&path, Arc::new(SystemClock)).await.unwrap();
        let log = store.log(0, 1_000).await.unwrap();
        store.close().await;
        log
    })
}

/// Whose process this is, as the system calls them.
fn user() -> String {
    let output = std::process::Command::new("id").arg("-un").output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn publish(app: &TestApp, text: &str, args: &[&str]) -> Answer {
    app.write("meldung.toml", text);
    app.run(&[&["publish", "meldung.toml"], args].concat()).ok()
}

#[test]
fn what_needs_a_second_person_says_that_none_was_asked_and_who_stands_in_the_log() {
    let app = TestApp::new(WEBSITE);
    let incident = |state: &str, n: u32| format!("incident = \"2026-01-it\"\nstate = \"{state}\"\n{}", notice(n));
    let ordinary = publish(&app, &incident("restricted", 1), &[]).out;
    assert!(!ordinary.contains(ALONE), "{ordinary}");
    let who = format!("The log says: os:{}", user());
    for (what, answer) in [
        ("restored", publish(&app, &incident("restored", 2), &[])),
        ("retraction", app.run(&["retract", "2", "--reason", "Falsch"]).ok()),
        ("close", app.run(&["incident", "close", "2026-01-it"]).ok()),
    ] {
        assert!(
            answer.out.contains(ALONE) && answer.out.contains(&who),
            "{what}: {}",
            answer.out
        );
    }
    app.run(&["incident", "reopen", "2026-01-it"]).ok();
    let closed = publish(&app, &incident("closed", 4), &[]).out;
    assert!(closed.contains(ALONE) && closed.contains(&who), "{closed}");
    // The same file once more is no act.
    let again = publish(&app, &incident("closed", 4), &[]).out;
    assert!(!again.contains(ALONE), "{again}");
}

#[test]
fn the_log_has_the_systems_user_whatever_the_environment_says() {
    let app = TestApp::new(WEBSITE);
    app.write("meldung.toml", &format!("incident = \"2026-01-it\"\n{}", notice(1)));
    let forged = |args: &[&str]| {
        let mut command = app.command(args);
        command
            .env("USER", "buergermeisterin")
            .env("LOGNAME", "buergermeisterin");
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    forged(&["publish", "meldung.toml", "--as", "Anna"]);
    forged(&["retract", "1", "--reason", "Falsch", "--override", "allein im Haus"]);
    forged(&["incident", "close", "2026-01-it", "--override", "nachts"]);
    forged(&["channel", "hold", "website"]);
    forged(&["channel", "release", "website"]);
    forged(&["backup", "sicherung"]);
    let log = log(&app);
    let me = format!("os:{}", user());
    let acts: Vec<(&str, &str, &str)> = log
        .iter()
        .map(|row| {
            (
                row.act.action.as_str(),
                row.act.actor.as_str(),
                row.act.details["override"].as_str().unwrap_or_default(),
            )
        })
        .collect();
    let named = format!("{me} as Anna");
    assert_eq!(
        acts,
        [
            ("publish", named.as_str(), ""),
            ("publish", &me, "allein im Haus"),
            ("close", &me, "nachts"),
            ("hold", &me, ""),
            ("release", &me, ""),
            ("backup", &me, ""),
        ]
    );
}
