//! What somebody reads where the language is German is German: also why something failed, why a channel is held, and what the
//! store refuses. `--json` stays English.

use super::contract::{Counterpart, WEBSITE, hook, nobody, notice, sms};
use super::support::app::Answer;
use super::support::{TestApp, eventually};

/// Words of every English sentence of the program; services' own words stand in quotation marks.
const ENGLISH: &[&str] = &[
    " the ", " is ", " are ", " not ", " and ", " this ", " there ", " took ", " no ", "refuse", "cannot", "exist",
];

/// The words without what is quoted, without the columns of tables.
fn words(text: &str) -> String {
    let outside: Vec<&str> = text.split('"').step_by(2).collect();
    let words: Vec<&str> = outside.iter().flat_map(|part| part.split_whitespace()).collect();
    format!(" {} ", words.join(" "))
}

/// Says this in German, and nothing in English.
fn says(text: &str, german: &str) {
    let words = words(text);
    assert!(words.contains(german), "{german}: {text}");
    // `decide b1 there, again oder drop` and the like are commands, not sentences.
    let sentences = words.replace(" there,", "").replace(" there ", " ");
    for english in ENGLISH {
        assert!(!sentences.contains(english), "{english:?} in: {text}");
    }
}

fn refuses(answer: &Answer, german: &str) {
    assert_eq!(answer.code, 1, "{} / {}", answer.out, answer.err);
    says(&answer.err, german);
}

#[test]
fn why_a_service_did_not_take_it() {
    let counterpart = Counterpart::start();
    let app = TestApp::new(&hook("hook", counterpart.port));
    let serve = app.serve();
    app.publish(&notice(1), &[]);
    counterpart.answer("401 Unauthorized");
    let why = "127.0.0.1 nimmt unsere Zugangsdaten nicht an (401)";
    eventually("the lane is paused", || {
        app.german(&["status"]).ok().out.contains("pausiert").then_some(())
    });
    says(
        &app.german(&["status"]).ok().out,
        &format!("{why}. Nach der Abhilfe: rundruf channel retry hook"),
    );
    says(&app.german(&["channel", "list"]).ok().out, why);
    says(&app.german(&["explain", "b1"]).ok().out, why);
    let json = app.german(&["status", "--json"]).ok().json();
    assert_eq!(
        json["incidents"][0]["broadcasts"][0]["last_text"],
        "127.0.0.1 refuses our credentials (401)"
    );
    assert_eq!(
        json["channels"][0]["health"]["text"],
        "127.0.0.1 refuses our credentials (401)"
    );
    drop(serve);
}

#[test]
fn why_nothing_could_be_reached_or_written() {
    let port = nobody();
    let app = TestApp::new(&format!("{WEBSITE}{}", hook("hook", port.first())));
    // A file where the folder should be.
    app.write("public", "");
    app.write("meldung.toml", &notice(1));
    let answer = app.german(&["publish", "meldung.toml", "--wait"]).ok().out;
    says(&answer, "127.0.0.1: keine Verbindung: dort antwortet niemand");
    says(
        &answer,
        "lässt sich nicht schreiben: ein Teil des Pfads ist kein Ordner",
    );
    for broadcast in app.broadcasts() {
        says(
            &app.german(&["explain", &format!("b{}", broadcast["id"])]).ok().out,
            if broadcast["channel"] == "hook" {
                "keine Verbindung"
            } else {
                "lässt sich nicht schreiben"
            },
        );
    }
}

#[test]
fn what_a_person_decided() {
    let counterpart = Counterpart::start();
    let app = TestApp::new(&sms(counterpart.port));
    app.write("presse.csv", "address\n+491713920001\n");
    let serve = app.serve();
    app.publish(&notice(1), &[]);
    drop(counterpart.next());
    app.wait_for("sms", 1, "unknown", 1);
    says(&app.german(&["status"]).ok().out, "unbekannt");
    says(
        &app.german(&["decide", "b1", "there"]).ok().out,
        "1 als angekommen vermerkt",
    );
    says(
        &app.german(&["explain", "b1"]).ok().out,
        "von Hand entschieden ist angekommen",
    );
    refuses(
        &app.german(&["decide", "b1", "there"]),
        "Dort ist nichts zu entscheiden.",
    );
    drop(serve);
}

#[test]
fn why_a_channel_is_held() {
    let port = nobody();
    let app = TestApp::new(&format!("{WEBSITE}{}", hook("hook", port.first())));
    app.publish(&notice(1), &[]);
    app.run(&["backup", "sicherung"]).ok();
    // Another account under the same name while something waits.
    let config = std::fs::read_to_string(app.path().join("channels.toml")).unwrap();
    let (here, there) = (
        format!("http://127.0.0.1:{}/in", port.first()),
        format!("http://localhost:{}/in", port.first()),
    );
    app.write("channels.toml", &config.replace(&here, &there));
    let held = "aus webhook 127.0.0.1 wurde webhook localhost, während etwas wartet";
    says(&app.german(&["channel", "list"]).ok().out, held);
    says(&app.german(&["status"]).ok().out, held);
    app.write("channels.toml", &config);
    std::fs::remove_dir_all(app.path().join("data")).unwrap();
    says(
        &app.german(&["restore", "sicherung", "--yes"]).ok().out,
        "Zurückgeholt.",
    );
    says(
        &app.german(&["channel", "list"]).ok().out,
        "aus einer Sicherung zurückgeholt",
    );
    says(&app.german(&["status"]).ok().out, "aus einer Sicherung zurückgeholt");
}

#[test]
fn what_the_store_refuses() {
    let app = TestApp::new(WEBSITE);
    let missing = app.german(&["restore", "nirgends", "--yes"]);
    refuses(&missing, "nirgends lässt sich nicht verwenden: das gibt es dort nicht.");
    assert!(!missing.err.contains("Speicher") && !app.path().join("data").exists());
    let text = app.write("text.txt", "kein Speicher");
    refuses(
        &app.german(&["restore", text.to_str().unwrap(), "--yes"]),
        "ist keine Sicherung von Rundruf.",
    );
    app.publish(&notice(1), &[]);
    app.write("meldung.toml", &notice(2));
    refuses(
        &app.german(&["publish", "meldung.toml", "--after", "9"]),
        "hat keine Meldung 9; die neueste ist 1.",
    );
    app.run(&["backup", "sicherung"]).ok();
    refuses(&app.german(&["backup", "sicherung"]), "sicherung gibt es schon.");
    refuses(
        &app.german(&["restore", "sicherung", "--yes"]),
        "liegt schon ein Speicher. Bitte mit --data einen leeren Ordner nennen",
    );
    refuses(
        &app.german(&["channel", "drop", "website", "--yes"]),
        "steht noch in der Konfiguration.",
    );
    let incident = app.json(&["incident", "list"])["incidents"][0]["slug"]
        .as_str()
        .unwrap()
        .to_owned();
    app.run(&["incident", "close", &incident, "--yes"]).ok();
    let closed = format!("incident = \"{incident}\"\n{}", notice(3));
    app.write("meldung.toml", &closed);
    refuses(
        &app.german(&["publish", "meldung.toml"]),
        "ist geschlossen. Öffnen Sie ihn wieder",
    );
    app.run(&["backup", "umzug", "--move", "--yes"]).ok();
    app.write("meldung.toml", &notice(4));
    refuses(
        &app.german(&["publish", "meldung.toml"]),
        "auf eine andere Maschine umgezogen",
    );
    refuses(
        &app.german(&["serve"]),
        "ist umgezogen (backup --move) und sendet nicht mehr.",
    );
}
