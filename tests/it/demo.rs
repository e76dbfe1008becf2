//! `rundruf demo`, as a person starts it: what it says at the end, and that nothing of it is left however it ends.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use rundruf::sandbox::{Sandbox, kannel, mastodon};

use super::support::{browser, eventually, http};

/// `demo --once` whose temporary folder is this one, in English.
fn demo(temporary: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rundruf"));
    command
        .args(["demo", "--once"])
        .env("TMPDIR", temporary)
        .env("LANG", "C.UTF-8")
        .env_remove("LC_ALL")
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    command
}

/// Processes that were started with this folder in their words.
fn processes(temporary: &Path) -> Vec<String> {
    let wanted = temporary.to_string_lossy().into_owned();
    let all = std::fs::read_dir("/proc").unwrap();
    all.flatten()
        .filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok())
        .map(|words| String::from_utf8_lossy(&words).replace('\0', " "))
        .filter(|words| words.contains(&wanted))
        .collect()
}

fn is_empty(folder: &Path) -> bool {
    std::fs::read_dir(folder).unwrap().next().is_none()
}

#[test]
fn the_demo_ends_by_itself_with_a_table_where_board_and_books_agree() {
    let temporary = tempfile::tempdir().unwrap();
    let done = demo(temporary.path()).output().unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    assert_eq!(
        done.status.code(),
        Some(0),
        "{said}\n{}",
        String::from_utf8_lossy(&done.stderr)
    );

    assert!(
        said.lines()
            .next()
            .is_some_and(|first| first.contains("http://127.0.0.1:")),
        "{said}"
    );
    plays_its_acts(&said);
    // channel, expected, board, service, lost, double, unknown
    let rows: Vec<Vec<&str>> = said.lines().map(|line| line.split_whitespace().collect()).collect();
    for row in [
        ["website", "3", "3", "3", "0", "0", "0"],
        ["mastodon", "3", "3", "3", "0", "0", "0"],
        ["sms", "9", "9", "9", "0", "0", "0"],
        ["webhook", "3", "3", "3", "0", "0", "0"],
    ] {
        assert!(rows.iter().any(|r| r == &row), "no row {row:?} in\n{said}");
    }
    assert!(said.contains("0 lost, 0 double. Board and books agree."), "{said}");
    assert!(
        said.lines().all(|line| line.chars().count() <= 80),
        "a line is wider than a terminal:\n{said}"
    );
    assert!(!said.contains('\u{1b}'), "colours without a terminal");
    assert!(done.stderr.is_empty(), "{}", String::from_utf8_lossy(&done.stderr));

    assert!(is_empty(temporary.path()), "a folder is left");
    assert_eq!(processes(temporary.path()), Vec::<String>::new());
}

/// What a person watches, in order: one service away, the others unmoved, a hard end, and everything there once.
fn plays_its_acts(said: &str) {
    let mut rest = said;
    for words in [
        "1. 16 January",
        "Notice 1 is everywhere: website, Mastodon, 3 phones, district.",
        "2. 24 January",
        "Mastodon is stopped and takes no connection.",
        "Notice 2 is on the website, on 3 phones and at the district.",
        "Only Mastodon waits; the next try is at ",
        "Mastodon is back.",
        "Notice 2 is at Mastodon now too, once.",
        "3. 31 January",
        "The SMS are at the gateway, not delivered yet; the district is not there.",
        "Rundruf is killed (kill -9).",
        "Rundruf runs again and goes on where it stopped",
        "Notice 3 is everywhere: website, Mastodon, 3 phones, district.",
        "Our board and the services' own books",
    ] {
        let Some((_, after)) = rest.split_once(words) else {
            panic!("`{words}` is not said, or not in its place:\n{said}");
        };
        if words.ends_with("at ") {
            let clock = &after.as_bytes()[..8];
            let is_clock = clock[2] == b':' && clock[5] == b':';
            assert!(
                is_clock && clock.iter().filter(|b| b.is_ascii_digit()).count() == 6,
                "{said}"
            );
        }
        rest = after;
    }
}

#[test]
fn with_json_the_demo_says_one_thing_what_came_of_it() {
    let temporary = tempfile::tempdir().unwrap();
    let done = demo(temporary.path()).arg("--json").output().unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    assert_eq!(done.status.code(), Some(0), "{said}");
    let answer: serde_json::Value = serde_json::from_str(&said).unwrap_or_else(|e| panic!("{e}: {said}"));
    assert_eq!(answer["agree"], true);
    let channels = answer["channels"].as_array().unwrap();
    assert_eq!(channels.len(), 4);
    for channel in channels {
        assert_eq!(
            (&channel["lost"], &channel["double"]),
            (&0.into(), &0.into()),
            "{channel}"
        );
        assert_eq!(channel["expected"], channel["service"], "{channel}");
    }
}

/// A demo whose `serve` runs; its output is kept open, because a demo that cannot write goes on.
fn begun(temporary: &Path) -> (Child, BufReader<ChildStdout>) {
    let mut child = demo(temporary).spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while !line.starts_with("1. ") {
        line.clear();
        assert!(
            out.read_line(&mut line).unwrap() > 0,
            "the demo ended before its first act"
        );
    }
    assert!(!processes(temporary).is_empty(), "serve does not run");
    (child, out)
}

#[test]
fn a_demo_asked_to_end_leaves_neither_child_nor_folder() {
    for signal in ["-TERM", "-INT", "-HUP"] {
        let temporary = tempfile::tempdir().unwrap();
        let (mut child, _out) = begun(temporary.path());
        Command::new("kill")
            .args([signal, &child.id().to_string()])
            .status()
            .unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(1), "{signal}: nothing was compared");
        assert!(is_empty(temporary.path()), "{signal}: a folder is left");
        // What was killed is gone; the system may take a moment to forget it.
        eventually("no child is left", || {
            processes(temporary.path()).is_empty().then_some(())
        });
    }
}

#[test]
fn a_killed_demo_leaves_no_child() {
    let temporary = tempfile::tempdir().unwrap();
    let (mut child, _out) = begun(temporary.path());
    child.kill().unwrap();
    child.wait().unwrap();
    eventually("every child has ended", || {
        processes(temporary.path()).is_empty().then_some(())
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_of_the_imitated_services_draws_what_they_received() {
    let clock = std::sync::Arc::new(rundruf::clock::SystemClock);
    let sandbox = Sandbox::start(clock, true).await.unwrap();
    let port = |address: String| url::Url::parse(&address).unwrap().port().unwrap();
    let (mastodon_port, kannel_port) = (port(sandbox.mastodon.url()), port(sandbox.kannel.url()));
    let page = sandbox.page_url();
    tokio::task::spawn_blocking(move || {
        let token = format!("Bearer {}", mastodon::TOKEN);
        let headers = [("Authorization", token.as_str()), ("Content-Type", "application/json")];
        let text = r#"{"status": "E-Mail geht wieder.", "language": "de"}"#;
        let posted = http::post(mastodon_port, "/api/v1/statuses", &headers, text.as_bytes()).unwrap();
        assert_eq!(posted.status, 200, "{}", posted.text());
        for phone in ["491713920001", "491713920002", "491713920002"] {
            let (user, password) = (kannel::USER, kannel::PASSWORD);
            let sms =
                format!("/cgi-bin/sendsms?username={user}&password={password}&from=Stadt&to={phone}&text=Telefon+115");
            assert_eq!(http::get(kannel_port, &sms).unwrap().status, 202);
        }
        browser::run("sandbox.mjs", &page, &[]);
    })
    .await
    .unwrap();
    sandbox.stop().await;
}
