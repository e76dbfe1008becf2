//! `publish --wait` and other long work: what is said meanwhile, and that a commit is a commit whatever comes after it.

use super::{Counterpart, WEBSITE, hook, notice, reply};
use crate::support::{TestApp, eventually, terminal};

#[test]
fn what_is_committed_is_exit_0_whatever_waiting_comes_to() {
    let app = TestApp::new(WEBSITE);
    app.publish(&notice(1), &[]);
    // Nobody can own the lanes here: the lock is no file.
    std::fs::remove_file(app.path().join("data/lanes.lock")).ok();
    std::fs::create_dir(app.path().join("data/lanes.lock")).unwrap();
    app.write("meldung.toml", &notice(2));
    let answer = app.run(&["publish", "meldung.toml", "--wait"]).ok();
    assert!(answer.out.contains("Notice 2 of"), "{}", answer.out);
    assert!(
        answer.err.contains("The notice is published.") && answer.err.contains("lanes.lock"),
        "{}",
        answer.err
    );
    let json = app.run(&["publish", "meldung.toml", "--wait", "--json"]).ok().json();
    assert_eq!((&json["number"], &json["created"]), (&2.into(), &false.into()));
}

#[test]
fn a_paused_channel_is_not_waited_for() {
    let counterpart = Counterpart::start();
    let app = TestApp::new(&hook("hook", counterpart.port));
    app.write("meldung.toml", &notice(1));
    let child = app
        .command(&["publish", "meldung.toml", "--wait"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    counterpart.answer("401 Unauthorized");
    let output = child.wait_with_output().unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && out.contains("paused since"), "{out}");
}

#[test]
fn on_a_terminal_long_work_shows_that_it_goes_on() {
    let counterpart = Counterpart::start();
    let app = TestApp::new(&format!("{WEBSITE}{}", hook("hook", counterpart.port)));
    app.write("meldung.toml", &notice(1));
    let Some(mut waiting) = terminal::spawn(&app.command(&["publish", "meldung.toml", "--wait"])) else {
        return;
    };
    // The receiver takes its time: until it answers, the command says for whom it waits.
    let (_, mut stream) = counterpart.next();
    eventually("it says for whom it waits", || {
        waiting.screen().contains("waiting for hook").then_some(())
    });
    reply(&mut stream, "200 OK");
    let (code, screen) = waiting.ended();
    assert!(code == 0 && screen.contains("published"), "{screen}");
    for (args, words) in [
        (&["export", "out"][..], "writing"),
        (&["backup", "sicherung"], "backing the store up"),
    ] {
        let (code, screen) = terminal::spawn(&app.command(args)).unwrap().ended();
        assert!(code == 0 && screen.contains(words), "{screen}");
    }
    // Elsewhere nothing of it is seen.
    let quiet = app.run(&["export", "out"]).ok();
    assert_eq!(quiet.err, "");
}

#[test]
fn status_watch_shows_every_change_until_it_is_interrupted() {
    use std::io::{BufRead, BufReader};
    let app = TestApp::new(WEBSITE);
    app.publish(&notice(1), &["--wait"]);
    let mut child = app
        .command(&["status", "--watch", "--json"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut until = |what: &str, there: &dyn Fn(&serde_json::Value) -> bool| {
        loop {
            let line = lines
                .next()
                .unwrap_or_else(|| panic!("it ended before {what}"))
                .unwrap();
            if there(&serde_json::from_str(&line).unwrap()) {
                return;
            }
        }
    };
    until("the first", &|status| status["incidents"][0]["notices"] == 1);
    app.publish(&notice(2), &[]);
    until("the second", &|status| status["incidents"][0]["notices"] == 2);
    app.run(&["channel", "hold", "website"]).ok();
    until("the hold", &|status| status["channels"][0]["gate"] == "held");
    std::process::Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
