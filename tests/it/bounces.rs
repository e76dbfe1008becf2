//! `rundruf bounce parse` against bounces of real servers (KumoMTA's and sisimai's collections, read where they lie beside the project):
//! what the report's own fields say, read here by other means; and as somebody at a terminal uses it.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::house::{files, name};
use super::support::cases;

/// Reports of a full mailbox that call it `5.0.0`: it is not for good (CHANNELS 18.2).
const FULL: &[&str] = &["kumomta/crates/kumo-log-types/data/rfc3464/5.eml"];
/// Bounces without a report's fields: the status that their words mean, and whether it is for good.
const PLAIN: &[(&str, Option<&str>, bool)] = &[
    ("sisimai/rfc3464-37.eml", Some("5.1.2"), true),
    ("sisimai/rfc3464-38.eml", Some("5.2.2"), false),
    ("sisimai/rfc3464-39.eml", None, false),
];

struct Told {
    answer: Value,
    people: String,
}

fn parse(file: &Path, language: &str, more: &[&str]) -> Told {
    let output = Command::new(env!("CARGO_BIN_EXE_rundruf"))
        .args(["bounce", "parse"])
        .arg(file)
        .args(more)
        .env("LC_ALL", language)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}: {output:?}", file.display());
    Told {
        answer: serde_json::from_slice(&output.stdout).unwrap(),
        people: String::from_utf8(output.stderr).unwrap(),
    }
}

/// What the fields of the first mail in a file say, line by line.
fn fields(mail: &str) -> Vec<Value> {
    let value = |line: &str| line.split_once(':').unwrap().1.trim().to_owned();
    let mut groups = vec![(None, None, None)];
    let mail = mail.split("\nFrom MAILER-DAEMON").next().unwrap();
    for line in mail.lines() {
        let group = groups.last_mut().unwrap();
        match line.to_lowercase() {
            low if low.starts_with("final-recipient:") => {
                let address = line.split_once(';').unwrap().1.trim_matches([' ', '<', '>']);
                group.0 = Some(address.to_owned());
            }
            low if low.starts_with("action:") => group.1 = Some(value(&low)),
            low if low.starts_with("status:") => group.2 = value(line).split(' ').next().map(str::to_owned),
            low if low.trim().is_empty() => groups.push((None, None, None)),
            _ => {}
        }
    }
    let whole = groups
        .into_iter()
        .filter_map(|(address, action, status)| Some((address?, action?, status?)));
    let one = |(address, action, status): (String, String, String)| {
        let permanent = action == "failed" && status.starts_with('5');
        json!({ "address": address, "action": action, "status": status, "permanent": permanent })
    };
    whole.map(one).collect()
}

#[test]
fn real_reports_are_read_as_their_fields_say() {
    let Some(cases) = cases() else { return };
    let folder = cases.join("bounces");
    let mut seen = 0;
    for path in files(&folder, &["eml"]) {
        let named = path.strip_prefix(&folder).unwrap().to_str().unwrap();
        let answer = parse(&path, "C", &["--json"]).answer;
        let mut expected = fields(&String::from_utf8_lossy(&fs::read(&path).unwrap()));
        if FULL.contains(&named) {
            expected[0]["permanent"] = json!(false);
        }
        if PLAIN.iter().any(|(plain, ..)| *plain == named) {
            continue;
        }
        let came_back = |one: &Value| one["action"] == "failed" || one["action"] == "delayed";
        let is_bounce = expected.iter().any(came_back);
        assert_eq!(
            answer,
            json!({ "is_bounce": is_bounce, "recipients": expected }),
            "{named}"
        );
        seen += 1;
    }
    assert!(seen > 40, "{seen} in {}", name(&folder));
}

#[test]
fn bounces_without_fields_are_read_by_their_words() {
    let Some(cases) = cases() else { return };
    for (named, status, permanent) in PLAIN {
        let path = cases.join("bounces").join(named);
        let answer = parse(&path, "C", &["--json"]).answer;
        assert_eq!(answer["is_bounce"], true, "{named}");
        let recipients = answer["recipients"].as_array().unwrap();
        assert_eq!(recipients.len(), 1, "{named}: {answer}");
        let one = &recipients[0];
        assert_eq!(
            (&one["action"], &one["status"], &one["permanent"]),
            (&json!("failed"), &json!(status), &json!(permanent)),
            "{named}"
        );
        // The returned mail below went to that address.
        let mail = fs::read_to_string(&path).unwrap();
        assert!(mail.contains(one["address"].as_str().unwrap()), "{named}: {answer}");
    }
}

#[test]
fn people_read_beside_the_answer_what_it_means() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mail.eml");
    let mail = "From: Mailer-Daemon@t-online.example\nSubject: mail failed\n\n <max@t-online.example>\n   550 5.1.1 user unknown\n";
    fs::write(&file, mail).unwrap();
    let told = parse(&file, "de_DE.UTF-8", &[]);
    assert!(told.answer["is_bounce"] == true, "JSON also without --json");
    assert_eq!(told.people, "max@t-online.example: Diese Adresse gibt es nicht.\n");
    assert_eq!(
        parse(&file, "C", &[]).people,
        "max@t-online.example: There is no such address.\n"
    );
    assert_eq!(parse(&file, "C", &["--json"]).people, "");
    fs::write(
        &file,
        "From: a@ex.example\nSubject: Abwesenheitsnotiz\n\nuser unknown\n",
    )
    .unwrap();
    let told = parse(&file, "de_DE.UTF-8", &[]);
    assert_eq!(told.answer, json!({ "is_bounce": false, "recipients": [] }));
    assert!(told.people.contains("sperrt niemanden"), "{}", told.people);
}

#[test]
fn a_pipe_brings_the_mail_too_and_a_missing_file_is_said() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_rundruf"))
        .args(["bounce", "parse", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // More than is looked at: the rest is left in the pipe, whose writer may then see it closed.
    let mut stdin = child.stdin.take().unwrap();
    let writing = std::thread::spawn(move || {
        let _ = stdin.write_all(b"From: mailer-daemon@ex.example\n\nmail failed\n<a@ex.example>\n no such user\n");
        let _ = stdin.write_all(&vec![b'\n'; 2 << 20]);
    });
    let output = child.wait_with_output().unwrap();
    writing.join().unwrap();
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer["recipients"][0]["status"], "5.1.1", "{answer}");
    let missing = Command::new(env!("CARGO_BIN_EXE_rundruf"))
        .args(["bounce", "parse", "not-there.eml"])
        .env("LC_ALL", "de_DE.UTF-8")
        .output()
        .unwrap();
    let said = String::from_utf8(missing.stderr).unwrap();
    assert_eq!(missing.status.code(), Some(2));
    assert!(said.contains("not-there.eml lässt sich nicht lesen"), "{said}");
}
