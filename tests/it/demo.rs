//! `rundruf demo`, as a person starts it: what it says at the end, and that nothing of it is left however it ends.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use rundruf::sandbox::{Sandbox, kannel, mastodon};

use super::support::{TestApp, browser, eventually, http};

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
        ["website", "6", "6", "6", "0", "0", "0"],
        ["mastodon", "5", "5", "5", "0", "0", "0"],
        ["sms", "18", "18", "18", "0", "0", "0"],
        ["email", "577", "577", "577", "0", "0", "0"],
        ["webhook", "6", "6", "6", "0", "0", "0"],
    ] {
        assert!(rows.iter().any(|r| r == &row), "no row {row:?} in\n{said}");
    }
    for counted in [
        "412 of 412 people have the newest state by e-mail.",
        "247 never got the state that was overtaken on 24 January.",
        "0 lost, 0 double, 0 stale. Board and books agree.",
    ] {
        assert!(said.contains(counted), "{said}");
    }
    assert!(
        said.lines().all(|line| line.chars().count() <= 80),
        "a line is wider than a terminal:\n{said}"
    );
    assert!(!said.contains('\u{1b}'), "colours without a terminal");
    assert!(done.stderr.is_empty(), "{}", String::from_utf8_lossy(&done.stderr));

    assert!(is_empty(temporary.path()), "a folder is left");
    assert_eq!(processes(temporary.path()), Vec::<String>::new());
}

/// What a person watches, in order: mail held, released, held again by itself; one service away, the others unmoved; a hard end; and
/// everybody with the newest state.
fn plays_its_acts(said: &str) {
    let mut rest = said;
    for words in [
        "9 January, 10:05.",
        "Notice 1 has arrived: website, Mastodon, 3 phones, district.",
        "The e-mail channel is held: notice 1 waits there.",
        "16 January, 15:05.",
        "Rundruf proposes to release e-mail.",
        "24 January, 18:00.",
        "Mastodon is stopped and takes no connection.",
        "Notice 3 is on the website, on 3 phones and at the district.",
        "Only Mastodon waits; the next try is at ",
        "3 notices have waited; now the city releases them",
        "A setback: everything is switched off again.",
        "After 165 of 412 mails (40 %) the canary mail comes back undelivered",
        "The e-mail channel has held itself.",
        "Notice 4: the website now says \"Switched off again\".",
        "The SMS are at the gateway, not delivered yet; the district is not there.",
        "Now Rundruf is killed (kill -9).",
        "Mastodon is back, and so is the district.",
        "Rundruf runs again and goes on where it stopped",
        "Mastodon has got notice 4, once.",
        "Notice 4 has arrived: website, Mastodon, 3 phones, district.",
        "E-mail is held after the restart too; it stays at 165 mails.",
        "31 January, 12:05.",
        "7 February, 10:05, a week later",
        "412 mails are out, each with the newest state.",
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
    assert_eq!(channels.len(), 5);
    for channel in channels {
        assert_eq!(
            (&channel["lost"], &channel["double"]),
            (&0.into(), &0.into()),
            "{channel}"
        );
        assert_eq!(channel["expected"], channel["service"], "{channel}");
    }
    let mail = serde_json::json!({
        "people": 412, "mails": 577, "newest": 412, "never_stale": 247, "lost": 0, "double": 0, "stale": 0,
    });
    assert_eq!(answer["mail"], mail);
}

/// A demo whose `serve` runs; its output is kept open, because a demo that cannot write goes on.
fn begun(temporary: &Path) -> (Child, BufReader<ChildStdout>) {
    let mut child = demo(temporary).spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while !line.starts_with("16 January") {
        line.clear();
        assert!(
            out.read_line(&mut line).unwrap() > 0,
            "the demo ended before its second day"
        );
    }
    assert!(!processes(temporary).is_empty(), "serve does not run");
    (child, out)
}

/// In a real installation notices would run out or wait for ever, and nobody would have been asked.
#[test]
fn the_demos_clock_is_refused_outside_a_demo() {
    let app = TestApp::new("");
    for (answer, says) in [
        (
            app.run(&["status", "--clock-ahead", "60000"]),
            "sets the clock of the demo",
        ),
        (
            app.german(&["--clock-ahead", "-60000", "serve"]),
            "stellt die Uhr der Vorführung",
        ),
    ] {
        assert_eq!(answer.code, 2, "{answer:?}");
        assert!(answer.err.contains(says), "{answer:?}");
    }
    assert!(!app.path().join("data").exists());
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
    sandbox.mail.knows(["anna@ex.example".to_owned()]);
    let (page, smtp) = (sandbox.page_url(), sandbox.mail.port());
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
        mail(smtp);
        browser::run("sandbox.mjs", &page, &[]);
    })
    .await
    .unwrap();
    sandbox.stop().await;
}

/// Hands a mail over in one piece; a server that answers each line in its order takes it like that.
fn mail(port: u16) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let text: String = (1..=20).map(|n| format!("Zeile {n}\r\n")).collect();
    let lines = format!(
        "EHLO stadt.example\r\nMAIL FROM:<info@stadt.example>\r\nRCPT TO:<anna@ex.example>\r\nDATA\r\nFrom: Stadt <info@stadt.example>\r\n\
         Date: Tue, 24 Jan 2023 18:00:00 +0100\r\nMessage-ID: <1@stadt.example>\r\nSubject: Dienste gehen wieder\r\n\r\n{text}.\r\nQUIT\r\n"
    );
    stream.write_all(lines.as_bytes()).unwrap();
    let mut answers = String::new();
    stream.read_to_string(&mut answers).unwrap();
    assert!(
        answers.contains("queued as") && answers.ends_with("221 2.0.0 Bye\r\n"),
        "{answers}"
    );
}
