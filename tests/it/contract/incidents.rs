//! Incidents from list to reopening, retraction and redaction.

use super::{WEBSITE, notice};
use crate::support::{TestApp, eventually, http};

#[test]
fn list_show_close_and_reopen() {
    let app = TestApp::new(WEBSITE);
    app.publish(&format!("incident = \"2026-01-it\"\n{}", notice(1)), &[]);
    app.publish(&notice(2), &[]);
    let list = app.json(&["incident", "list"]);
    assert_eq!(list["incidents"][0]["slug"], "2026-01-it");
    assert!(app.run(&["incident", "list"]).ok().out.contains("potsdam/2026-01-it"));
    for name in ["2026-01-it", "potsdam/2026-01-it"] {
        let show = app.run(&["incident", "show", name]).ok().out;
        assert!(
            show.contains("Lage 1") && show.find("Lage 2") < show.find("Lage 1\n"),
            "{show}"
        );
    }
    let unknown = app.run(&["incident", "show", "2026-02-it"]);
    assert!(
        unknown.code == 1 && unknown.err.contains("potsdam/2026-01-it"),
        "{}",
        unknown.err
    );
    app.run(&["incident", "close", "2026-01-it", "--yes"]).ok();
    app.run(&["incident", "close", "2026-01-it", "--yes"]).ok();
    app.write("dritte.toml", &format!("incident = \"2026-01-it\"\n{}", notice(3)));
    let closed = app.run(&["publish", "dritte.toml"]);
    assert_eq!(closed.code, 1);
    assert!(
        closed.err.contains("closed") && closed.err.contains("incident reopen"),
        "{}",
        closed.err
    );
    // What was published before is still recognised.
    assert_eq!(
        app.publish(&format!("incident = \"2026-01-it\"\n{}", notice(1)), &[])["created"],
        false
    );
    app.run(&["incident", "reopen", "2026-01-it"]).ok();
    assert_eq!(app.json(&["publish", "dritte.toml"])["number"], 3);
}

#[test]
fn several_open_incidents_must_be_told_apart() {
    let app = TestApp::new(WEBSITE);
    app.publish(&format!("incident = \"2026-01-it\"\n{}", notice(1)), &[]);
    app.publish(&format!("incident = \"2026-02-strom\"\n{}", notice(2)), &[]);
    app.write("meldung.toml", &notice(3));
    let which = app.run(&["publish", "meldung.toml"]);
    assert_eq!(which.code, 1);
    assert!(
        which.err.contains("2026-01-it") && which.err.contains("2026-02-strom"),
        "{}",
        which.err
    );
    let which = app.run(&["retract", "1", "--reason", "Falsch", "--yes"]);
    assert!(which.code != 0 && which.err.contains("--incident"), "{}", which.err);
}

const SECRET: &str = "Zimmernummer-4711-Mustermann";

#[test]
fn a_redacted_field_is_gone_everywhere() {
    let port = super::nobody();
    let app = super::with_sms(port.first());
    let serve = app.serve();
    let first = format!(
        "incident = \"2026-01-it\"\nheadline = \"Bitte an {SECRET} wenden\"\nsummary = \"Stand.\"\n[contact.zentrale]\nname = \"Zentrale\"\nphone = \"115\"\nnote = \"Nur {SECRET}\"\n[text.en]\nheadline = \"Ask {SECRET}\"\nsummary = \"State.\"\n"
    );
    app.publish(&first, &["--wait"]);
    app.publish(&notice(2), &["--wait"]);
    let wrong = app.run(&[
        "retract",
        "1",
        "--redact",
        "contact.nobody.phone",
        "--reason",
        "Falsch",
        "--yes",
    ]);
    assert!(
        wrong.code == 1 && wrong.err.contains("headline, summary"),
        "{}",
        wrong.err
    );
    assert_eq!(app.json(&["status"])["incidents"][0]["notices"], 2);
    for field in ["headline", "contact.zentrale.note"] {
        app.run(&[
            "retract",
            "1",
            "--redact",
            field,
            "--reason",
            "Eine Person war genannt.",
            "--yes",
        ])
        .ok();
    }
    // The second redaction takes nothing back a second time.
    assert_eq!(app.json(&["status"])["incidents"][0]["notices"], 3);
    let again = app.run(&[
        "retract",
        "1",
        "--redact",
        "headline",
        "--reason",
        "Eine Person war genannt.",
        "--yes",
    ]);
    assert!(
        again.code == 1 && again.err.contains("removed already"),
        "{}",
        again.err
    );
    let pages = [
        "/potsdam/",
        "/potsdam/2026-01-it/",
        "/potsdam/2026-01-it/1/",
        "/en/potsdam/2026-01-it/1/",
        "/potsdam/archive/",
    ];
    let feeds = [
        "/potsdam/feed.rss",
        "/potsdam/feed.atom",
        "/potsdam/feed.json",
        "/potsdam/2026-01-it/feed.atom",
        "/potsdam/state.json",
    ];
    for path in pages.iter().chain(&feeds) {
        eventually(&format!("{path} is redacted"), || {
            (!http::get(app.port, path).unwrap().text().contains(SECRET)).then_some(())
        });
    }
    let page = http::get(app.port, "/potsdam/2026-01-it/1/").unwrap().text();
    assert!(page.contains("[entfernt am "), "{page}");
    assert!(
        http::get(app.port, "/en/potsdam/2026-01-it/1/")
            .unwrap()
            .text()
            .contains("[removed on ")
    );
    eventually("the target is redacted", || {
        let clean = super::tree(&app.path().join("public"))
            .iter()
            .all(|(_, bytes)| !contains(bytes, SECRET));
        clean.then_some(())
    });
    for look in [
        &["incident", "show", "2026-01-it", "--json"][..],
        &["status", "--json"],
        &["incident", "list", "--json"],
    ] {
        assert!(!app.run(look).ok().out.contains(SECRET), "{look:?}");
    }
    assert_eq!(serve.stop(), 0);
    for (name, bytes) in super::tree(&app.path().join("data")) {
        assert!(!contains(&bytes, SECRET), "{name} still holds it");
    }
    assert!(!app.log().contains(SECRET));
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|w| w == text.as_bytes())
}

#[test]
fn a_retraction_is_a_notice_of_its_own_and_comes_once() {
    let app = TestApp::new(WEBSITE);
    app.publish(&notice(1), &[]);
    for _ in 0..2 {
        let answer = app.json(&["retract", "1", "--reason", "Die Zahlen stimmten nicht.", "--yes"]);
        assert_eq!(answer["number"], 2);
    }
    let missing = app.run(&["retract", "7", "--reason", "x", "--yes"]);
    assert!(
        missing.code == 1 && missing.err.contains("incident show"),
        "{}",
        missing.err
    );
    app.run(&["export", "out"]).ok();
    let page = std::fs::read_to_string(app.path().join("out/potsdam/index.html")).unwrap();
    assert!(page.contains("Die Zahlen stimmten nicht."), "{page}");
}

#[test]
fn a_retraction_speaks_the_publishers_first_language_and_says_so_in_the_others() {
    for (languages, page, headline, note) in [
        ("[\"en\", \"de\"]", "town", "Notice 1 is taken back", None),
        (
            "[\"en\", \"de\"]",
            "de/town",
            "Notice 1 is taken back",
            Some("Diese Meldung gibt es noch nicht auf Deutsch"),
        ),
        ("[\"de\", \"en\"]", "town", "Meldung 1 ist zurückgenommen", None),
        (
            "[\"de\", \"en\"]",
            "en/town",
            "Meldung 1 ist zurückgenommen",
            Some("This notice is not yet available in English"),
        ),
    ] {
        let app = TestApp::with_publishers(
            &format!("[publisher.town]\nname = \"Town\"\nlanguages = {languages}\n"),
            WEBSITE,
        );
        app.publish(&notice(1), &[]);
        app.run(&["retract", "1", "--reason", "Falsch."]).ok();
        app.run(&["export", "out"]).ok();
        let text = std::fs::read_to_string(app.path().join(format!("out/{page}/index.html"))).unwrap();
        assert!(text.contains(headline), "{languages} {page}: {text}");
        if let Some(note) = note {
            assert!(text.contains(note), "{languages} {page}: {text}");
        }
    }
}
