//! `serve` as one owner: a second one, another user, the end by a signal.

use super::{Counterpart, WEBSITE, hook, notice, reply};
use crate::support::{TestApp, eventually, http};

#[test]
fn a_second_serve_in_one_data_refuses_with_a_sentence() {
    let app = TestApp::new(WEBSITE);
    let serve = app.serve();
    let second = app.run(&["serve"]);
    assert_eq!(second.code, 1);
    assert!(
        second.err.contains("running in") && second.err.contains("stop the other"),
        "{}",
        second.err
    );
    assert_eq!(http::get(app.port, "/readyz").unwrap().status, 200);
    drop(serve);
}

#[test]
fn a_port_that_is_taken_is_named() {
    let app = TestApp::new(WEBSITE);
    let _taken = std::net::TcpListener::bind(("127.0.0.1", app.port)).unwrap();
    let answer = app.run(&["serve"]);
    assert_eq!(answer.code, 1);
    assert!(
        answer.err.contains(&app.port.to_string()) && answer.err.contains("[serve]"),
        "{}",
        answer.err
    );
}

#[test]
fn who_cannot_listen_has_sent_nothing() {
    let receiver = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    receiver.set_nonblocking(true).unwrap();
    let app = TestApp::new(&hook("hook", receiver.local_addr().unwrap().port()));
    app.publish(&notice(1), &[]);
    let taken = std::net::TcpListener::bind(("127.0.0.1", app.port)).unwrap();
    assert_eq!(app.run(&["serve"]).code, 1);
    // Whoever had begun to send would wait here to be let in.
    assert_eq!(receiver.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    drop(taken);
    assert_eq!(app.broadcast("hook", 1)["counters"]["waiting"], 1);
    // Whether a request had left is a race; that lanes never began is none: they make their socket first.
    assert!(!app.path().join("data/wake.sock").exists());
}

#[test]
fn a_data_folder_too_deep_for_a_socket_serves_all_the_same() {
    let app = TestApp::new(WEBSITE);
    let deep = app.path().join("d".repeat(120));
    let (deep, free) = (deep.to_str().unwrap(), app.path().join("channels.toml"));
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_rundruf"));
    command
        .args([
            "publish", "m.toml", "--wait", "--yes", "--json", "--data", deep, "--config",
        ])
        .arg(free);
    app.write("m.toml", &notice(1));
    let answer = command.current_dir(app.path()).env("LANG", "C").output().unwrap();
    assert!(answer.status.success(), "{}", String::from_utf8_lossy(&answer.stderr));
    assert!(app.path().join("public").is_dir());
}

#[test]
fn data_of_another_user_is_refused_by_every_command() {
    use std::os::unix::fs::MetadataExt;
    let app = TestApp::new(WEBSITE);
    app.write("meldung.toml", &notice(1));
    let root = std::fs::metadata("/proc/self").unwrap().uid() == 0;
    // As root a folder is given away; as anybody else a folder of root's will do.
    let data = if root {
        app.path().join("theirs")
    } else {
        std::path::PathBuf::from("/usr")
    };
    if root {
        std::fs::create_dir(&data).unwrap();
        std::os::unix::fs::chown(&data, Some(65_534), None).unwrap();
    }
    let before = std::fs::read_dir(&data).unwrap().count();
    for args in [
        &["serve"][..],
        &["publish", "meldung.toml"],
        &["status"],
        &["incident", "list"],
        &["channel", "hold", "website"],
    ] {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_rundruf"))
            .args(args)
            .args(["--config", "channels.toml", "--data"])
            .arg(&data)
            .current_dir(app.path())
            .env("LANG", "C.UTF-8")
            .output()
            .unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{args:?}: {err}");
        assert!(
            err.contains("belongs to user") && err.contains("rundruf serve"),
            "{args:?}: {err}"
        );
    }
    assert_eq!(std::fs::read_dir(&data).unwrap().count(), before);
}

#[test]
fn sigterm_ends_what_is_in_flight_and_says_503_meanwhile() {
    let counterpart = Counterpart::start();
    let app = TestApp::new(&hook("hook", counterpart.port));
    let serve = app.serve();
    app.publish(&notice(1), &[]);
    let (request, mut stream) = counterpart.next();
    assert!(request.contains("Lage 1"), "{request}");
    app.publish(&notice(2), &[]);
    serve.term();
    eventually("readyz says 503", || {
        let reply = http::get(app.port, "/readyz").unwrap();
        (reply.status == 503).then(|| assert!(reply.text().contains("stopping"), "{}", reply.text()))
    });
    // Readers are still served.
    assert_eq!(http::get(app.port, "/potsdam/").unwrap().status, 200);
    assert_eq!(http::get(app.port, "/healthz").unwrap().status, 200);
    reply(&mut stream, "200 OK");
    assert_eq!(serve.ended(), 0);
    assert_eq!(app.broadcast("hook", 1)["counters"]["delivered"], 1);
    // No new request started.
    assert!(counterpart.requests.try_recv().is_err());
    let left = app.broadcast("hook", 2);
    assert_eq!(
        (&left["counters"]["started"], &left["counters"]["unknown"]),
        (&0.into(), &0.into())
    );
}

#[test]
fn serve_tells_its_addresses_as_json() {
    let app = TestApp::new(WEBSITE);
    let mut command = app.command(&["serve", "--json"]);
    let mut child = command
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(child.stdout.take().unwrap()), &mut line).unwrap();
    let value: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(value["public"], format!("127.0.0.1:{}", app.port));
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn keys_without_effect_are_named_by_check_and_serve() {
    let app = TestApp::new(&format!("{WEBSITE}verify = true\n[staff]\nnotify = [\"website\"]\n"));
    let checked = app.run(&["check"]).ok().out;
    for key in ["staff.notify", "channel.website.verify"] {
        assert!(checked.contains(&format!("! {key} has no effect yet.")), "{checked}");
    }
    assert_eq!(without_effect(&app.json(&["check"])), 2);
    let serve = app.serve();
    assert!(app.log().contains("staff.notify has no effect yet."), "{}", app.log());
    drop(serve);
    let plain = TestApp::new(WEBSITE).run(&["check"]).ok().out;
    assert!(!plain.contains("no effect"), "{plain}");
}

fn without_effect(checked: &serde_json::Value) -> usize {
    let notes = checked["findings"].as_array().unwrap().iter();
    notes
        .filter(|f| f["level"] == "note" && f["text"].as_str().unwrap().ends_with("has no effect yet."))
        .count()
}
