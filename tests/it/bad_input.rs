//! Bad notices and bad configurations through the binary: the exit code of the contract, place and remedy on standard error,
//! nothing written.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Mutex;

use crate::bad_notices::{Bad, FILES};
use crate::bad_settings::{BAD, P};
use crate::support::{TestApp, root};

/// Processes at the same time: each is short.
const AT_ONCE: usize = 4;

/// Does `work` for each of `all`, a few at a time; what it complains of comes together.
fn for_each<T: Sync>(all: &[T], work: impl Fn(&T) -> Result<(), String> + Sync) {
    let (next, faults) = (Mutex::new(all.iter()), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let Some(one) = next.lock().unwrap().next() else { break };
                    if let Err(fault) = work(one) {
                        faults.lock().unwrap().push(fault);
                    }
                }
            });
        }
    });
    let faults = faults.into_inner().unwrap();
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
}

fn said(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (
        output.status.code().unwrap_or(-1),
        text(&output.stdout),
        text(&output.stderr),
    )
}

/// Publishes a file of `tests/fixtures/bad_notices`; the fault where the answer is not as it should be.
fn refused(app: &TestApp, bad: &Bad, phrase: &str) -> Result<(), String> {
    let folder = root().join("tests/fixtures/bad_notices");
    let output = app
        .command(&["publish", bad.file, "--yes"])
        .current_dir(&folder)
        .output()
        .unwrap();
    let (code, out, err) = said(&output);
    let place = if bad.line > 0 {
        format!("{}:{}: ", bad.file, bad.line)
    } else {
        format!("{}: ", bad.file)
    };
    let last = err.lines().last().unwrap_or_default();
    if code == 1
        && out.is_empty()
        && err.contains(&place)
        && err.contains(phrase)
        && last.ends_with("nothing was published.")
    {
        Ok(())
    } else {
        Err(format!(
            "{}: exit {code}, expected `{place}` and `{phrase}`\n{out}{err}",
            bad.file
        ))
    }
}

#[test]
fn every_bad_notice_is_refused_on_an_empty_store_and_none_is_made() {
    let app = TestApp::new("[channel.website]\nkind = \"website\"\ntargets = [\"file:public\"]\n");
    for_each(FILES, |bad| refused(&app, bad, bad.phrase));
    assert_eq!(names(app.path()), ["channels.toml"]);
}

#[test]
fn every_bad_notice_leaves_a_store_as_it_is() {
    let app = TestApp::new("[channel.website]\nkind = \"website\"\ntargets = [\"file:public\"]\n");
    app.publish(
        "incident = \"2020-01-it\"\nheadline = \"Erste\"\nsummary = \"Erste Meldung.\"\n",
        &["--wait"],
    );
    let before = app.state();
    // What a file refers to may be there now: only that it is refused counts.
    for_each(FILES, |bad| match bad.file {
        "unknown-reference.toml" | "correction-of-nothing.toml" => Ok(()),
        _ => refused(&app, bad, ""),
    });
    assert!(app.state() == before, "something has changed");
}

#[test]
fn with_json_the_faults_of_a_notice_are_listed() {
    let app = TestApp::new("");
    let file = root().join("tests/fixtures/bad_notices/one-letter-off.toml");
    let answer = app.run(&["publish", file.to_str().unwrap(), "--json"]);
    let value = answer.json();
    assert_eq!((answer.code, &value["problems"][0]["line"]), (1, &serde_json::json!(3)));
    assert_eq!(value["problems"][0]["field"], "sumary");
    assert!(value["error"].is_string());
    // And for whoever looks at the terminal.
    assert!(answer.err.contains("Did you mean"), "{}", answer.err);
}

#[test]
fn sizes_and_depths_beyond_all_measure_are_refused_at_once() {
    let app = TestApp::new("");
    let mut big = b"headline = \"x\"\nsummary = \"".to_vec();
    big.resize(10 * 1024 * 1024, b'a');
    std::fs::write(app.path().join("big.toml"), &big).unwrap();
    app.write(
        "deep.toml",
        &format!("headline = \"x\"\nsummary = \"y\"\nx = {}", "[".repeat(1_000)),
    );
    for (file, phrase) in [("big.toml", "256 kB"), ("deep.toml", "8 levels")] {
        let answer = app.run(&["publish", file, "--yes"]);
        assert_eq!(answer.code, 1, "{}", answer.err);
        assert!(
            answer.err.contains(file) && answer.err.contains(phrase),
            "{}",
            answer.err
        );
    }
    assert!(!app.path().join("data").exists());
}

/// The folder's own names, sorted.
fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Runs a command where only `channels.toml` (and what is beside it) lies.
fn run(folder: &Path, args: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_rundruf"))
        .args(args)
        .current_dir(folder)
        .env("LANG", "C.UTF-8")
        .env_remove("LC_ALL")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    said(&output)
}

#[test]
fn every_bad_configuration_is_refused_with_place_and_remedy() {
    for_each(BAD, |case| {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("channels.toml"), format!("{P}{}", case.toml)).unwrap();
        std::fs::write(folder.path().join("m.toml"), "headline = \"x\"\nsummary = \"y\"\n").unwrap();
        let (code, out, err) = run(folder.path(), &["publish", "m.toml", "--yes"]);
        let place = format!("channels.toml:{}: ", case.line);
        let fine =
            code == 2 && out.is_empty() && err.contains(&place) && err.contains(case.what) && err.contains(case.remedy);
        if fine && names(folder.path()) == ["channels.toml", "m.toml"] {
            Ok(())
        } else {
            Err(format!("{}: exit {code}\n{out}{err}", case.name))
        }
    });
}

#[test]
fn every_command_refuses_a_bad_configuration_the_same_way() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("channels.toml"),
        format!("{P}[site]\nulr = \"http://x\"\n"),
    )
    .unwrap();
    std::fs::write(folder.path().join("m.toml"), "headline = \"x\"\nsummary = \"y\"\n").unwrap();
    let commands: &[&[&str]] = &[
        &["serve"],
        &["publish", "m.toml"],
        &["preview", "m.toml"],
        &["retract", "1", "--reason", "x"],
        &["incident", "list"],
        &["status"],
        &["explain", "1"],
        &["decide", "1", "there"],
        &["channel", "list"],
        &["channel", "hold", "sms"],
        &["check"],
        &["init", "--sheet"],
        &["new"],
        &["export", "out"],
        &["backup", "b"],
        &["restore", "b"],
    ];
    for_each(commands, |args| {
        let (code, _, err) = run(folder.path(), args);
        let json: Vec<&str> = args.iter().copied().chain(["--json"]).collect();
        let (json_code, out, _) = run(folder.path(), &json);
        let value: serde_json::Value = serde_json::from_str(&out).map_err(|e| format!("{args:?}: {e}: {out}"))?;
        let listed = value["problems"][0]["line"] == 3 && value["error"].is_string();
        if (code, json_code) == (2, 2) && err.contains("channels.toml:3: ") && err.contains("\"url\"") && listed {
            Ok(())
        } else {
            Err(format!("{args:?}: exit {code}, {json_code}\n{err}\n{out}"))
        }
    });
    assert_eq!(names(folder.path()), ["channels.toml", "m.toml"]);
}

#[test]
fn two_files_that_define_one_channel_are_both_named() {
    let folder = tempfile::tempdir().unwrap();
    let channel = "[channel.sms]\nkind = \"website\"\ntargets = [\"file:x\"]\n";
    std::fs::write(folder.path().join("channels.toml"), format!("{P}{channel}")).unwrap();
    std::fs::create_dir(folder.path().join("channels.d")).unwrap();
    std::fs::write(folder.path().join("channels.d/sms.toml"), channel).unwrap();
    std::fs::write(folder.path().join("m.toml"), "headline = \"x\"\nsummary = \"y\"\n").unwrap();
    for args in [&["status"][..], &["publish", "m.toml", "--yes"], &["serve"]] {
        let (code, out, err) = run(folder.path(), args);
        assert_eq!((code, out.as_str()), (2, ""), "{args:?}");
        for words in ["channels.toml:2", "sms.toml:1", "put both together", "nothing was done"] {
            assert!(err.contains(words), "{args:?} {words}: {err}");
        }
    }
    assert_eq!(names(folder.path()), ["channels.d", "channels.toml", "m.toml"]);
    assert_eq!(names(&folder.path().join("channels.d")), ["sms.toml"]);
}

#[test]
fn configurations_beyond_all_measure_are_refused_at_once() {
    let mut big = b"# ".to_vec();
    big.resize(10 << 20, b'#');
    let deep = format!("{P}[site]\nurl = {}{}\n", "[".repeat(1_000), "]".repeat(1_000));
    let dotted = format!("{P}{}x = 1\n", "a.".repeat(1_000));
    for (text, place, words) in [
        (big, "channels.toml: ", "larger than 1 MB"),
        (
            deep.into_bytes(),
            "channels.toml:3: ",
            "Check quotation marks, brackets",
        ),
        (
            dotted.into_bytes(),
            "channels.toml: ",
            "Check quotation marks, brackets",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("channels.toml"), text).unwrap();
        std::fs::write(folder.path().join("m.toml"), "headline = \"x\"\nsummary = \"y\"\n").unwrap();
        let (code, out, err) = run(folder.path(), &["publish", "m.toml", "--yes"]);
        assert_eq!((code, out.as_str()), (2, ""), "{err}");
        assert!(err.contains(place) && err.contains(words), "{words}: {err}");
        assert_eq!(names(folder.path()), ["channels.toml", "m.toml"]);
    }
}

#[test]
fn no_configuration_at_all_says_how_to_begin() {
    let folder = tempfile::tempdir().unwrap();
    let (code, _, err) = run(folder.path(), &["status"]);
    assert_eq!(code, 2);
    assert!(err.contains("channels.toml") && err.contains("--config"), "{err}");
    assert!(names(folder.path()).is_empty());
}
