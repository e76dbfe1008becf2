//! What becomes public, and when: exercises, what leaves with the end of an incident, what a new start brings to web space.

use super::{WEBSITE, notice, tree};
use crate::support::{TestApp, eventually, http};

const NUMBER: &str = "331 555 4711";

/// True where a file below `public` holds the text.
fn on_web_space(app: &TestApp, text: &str) -> bool {
    tree(&app.path().join("public"))
        .iter()
        .any(|(_, bytes)| String::from_utf8_lossy(bytes).contains(text))
}

fn private_contact() -> String {
    format!(
        "incident = \"2026-01-it\"\n{}[contact.bereitschaft]\nphone = \"+49 {NUMBER}\"\nprivate = true\n[contact.zentrale]\nphone = \"115\"\n",
        notice(1)
    )
}

#[test]
fn closing_takes_private_contacts_from_pages_and_web_space() {
    let app = TestApp::new(WEBSITE);
    let serve = app.serve();
    app.publish(&private_contact(), &["--wait"]);
    assert!(on_web_space(&app, NUMBER) && on_web_space(&app, "tel:+493315554711"));
    app.run(&["incident", "close", "2026-01-it", "--yes"]).ok();
    eventually("the web space shows the incident closed, without the contact", || {
        (on_web_space(&app, "Abgeschlossen am") && !on_web_space(&app, "4711")).then_some(())
    });
    let pages = [
        "/potsdam/",
        "/potsdam/2026-01-it/",
        "/potsdam/2026-01-it/1/",
        "/en/potsdam/2026-01-it/",
    ];
    for path in pages {
        eventually(&format!("{path} is without it"), || {
            let page = http::get(app.port, path).unwrap().text();
            (!page.contains("4711")).then_some(())
        });
    }
    assert!(on_web_space(&app, "115"), "what is not private stays in the archive");
    app.run(&["incident", "reopen", "2026-01-it"]).ok();
    eventually("the web space shows it open again", || {
        on_web_space(&app, NUMBER).then_some(())
    });
    drop(serve);
}

#[test]
fn a_notice_that_closes_reaches_web_space_it_does_not_go_to() {
    let app = TestApp::new(&format!(
        "{WEBSITE}{}",
        WEBSITE.replace("website]", "andere]").replace("public", "other")
    ));
    let serve = app.serve();
    app.publish(&private_contact(), &["--wait"]);
    let closing = format!("incident = \"2026-01-it\"\nstate = \"closed\"\n{}", notice(2));
    app.publish(&closing, &["--channel", "andere"]);
    eventually("the web space shows the incident closed", || {
        (on_web_space(&app, "Abgeschlossen am") && !on_web_space(&app, "4711")).then_some(())
    });
    drop(serve);
}

#[test]
fn a_number_is_never_the_name_of_a_contact() {
    let app = TestApp::new(WEBSITE);
    app.publish(&private_contact(), &["--wait"]);
    app.publish(
        "headline = \"Kurz\"\nsummary = \"Kurz.\"\n[contact.bereitschaft]\nended = true\n",
        &["--wait"],
    );
    let page = std::fs::read_to_string(app.path().join("public/potsdam/2026-01-it/index.html")).unwrap();
    let course = page.split_once("id=\"verlauf\"").unwrap().1;
    assert!(!course.contains("4711"), "{course}");
    assert!(course.contains("Kontakt: Telefon (beendet)"), "{course}");
}

const EXERCISE: &str =
    "incident = \"probe\"\nexercise = true\nheadline = \"Alles ist aus\"\nsummary = \"Das wird nur geprobt.\"\n";

#[test]
fn an_exercise_is_public_only_where_every_website_gets_exercises() {
    let both = |first: bool, second: bool| {
        format!(
            "[channel.website]\nkind = \"website\"\ntargets = [\"file:public\"]\nexercises = {first}\n[channel.training]\nkind = \"website\"\ntargets = [\"file:training\"]\nexercises = {second}\n"
        )
    };
    let app = TestApp::new(&both(false, true));
    app.publish(EXERCISE, &["--wait"]);
    app.run(&["export", "out"]).ok();
    let shows = |folder: &str| {
        tree(&app.path().join(folder))
            .iter()
            .any(|(_, bytes)| String::from_utf8_lossy(bytes).contains("Alles ist aus"))
    };
    assert!(shows("training") && !shows("public") && !shows("out"));
    let serve = app.serve();
    for path in [
        "/potsdam/",
        "/potsdam/feed.rss",
        "/potsdam/state.json",
        "/potsdam/archive/",
    ] {
        let page = http::get(app.port, path).unwrap().text();
        assert!(!page.contains("Alles ist aus"), "{path}: {page}");
    }
    assert_eq!(http::get(app.port, "/potsdam/probe/").unwrap().status, 404);
    drop(serve);

    let app = TestApp::new(&both(true, true));
    app.publish(EXERCISE, &["--wait"]);
    app.run(&["export", "out"]).ok();
    let page = std::fs::read_to_string(app.path().join("out/potsdam/index.html")).unwrap();
    assert!(
        page.contains("ÜBUNG: Alles ist aus") && page.contains("Das ist kein echter Vorfall"),
        "{page}"
    );
}

#[test]
fn what_is_real_comes_before_an_exercise() {
    let app = TestApp::new(&format!("{WEBSITE}exercises = true\n"));
    let place = "[place.werl]\nname = \"Werl\"\n";
    app.publish(&format!("{}[place.soest]\nname = \"Soest\"\n", notice(1)), &[]);
    app.publish(&format!("{EXERCISE}{place}"), &["--wait"]);
    let read = |path: &str| std::fs::read_to_string(app.path().join("public").join(path)).unwrap();
    for path in ["index.html", "potsdam/index.html", "potsdam/place/werl/index.html"] {
        let page = read(path);
        let shown = page.split_once("id=\"kurz\"").unwrap().1;
        assert!(shown.find("Lage 1") < shown.find("Alles ist aus"), "{path}: {shown}");
        assert!(!page.contains("kein echter Vorfall"), "{path}: {page}");
    }
    let page = read("potsdam/index.html");
    assert!(
        page.contains("ÜBUNG: Alles ist aus"),
        "the exercise is named as one: {page}"
    );
    assert!(read("potsdam/archive/index.html").contains("ÜBUNG: Alles ist aus"));
    let state: serde_json::Value = serde_json::from_str(&read("potsdam/state.json")).unwrap();
    assert_eq!(state["incidents"][0]["exercise"], false);
}

#[test]
fn a_real_notice_never_joins_an_exercise() {
    let app = TestApp::new(&format!("{WEBSITE}exercises = true\n"));
    app.publish(EXERCISE, &[]);
    app.write("echt.toml", &notice(1));
    let preview = app.run(&["preview", "echt.toml"]).ok().out;
    assert!(preview.contains("exercise probe is open"), "{preview}");
    let real = app.publish(&notice(1), &[]);
    assert_ne!(real["incident"], "probe");
    // Said again, it goes to the same incident, and an exercise to the exercise.
    assert_eq!(app.publish(&notice(2), &[])["incident"], real["incident"]);
    let more = "exercise = true\nheadline = \"Weiter\"\nsummary = \"Geprobt.\"\n";
    assert_eq!(app.publish(more, &[])["incident"], "probe");
}

#[test]
fn a_notice_for_nobody_says_so() {
    let app = TestApp::new(WEBSITE);
    app.write("uebung.toml", EXERCISE);
    for args in [&["preview", "uebung.toml"][..], &["publish", "uebung.toml"]] {
        let out = app.run(args).ok().out;
        assert!(out.contains("No channel gets this notice: exercises go only"), "{out}");
    }
    let german = app
        .command(&["preview", "uebung.toml"])
        .env("LANG", "de_DE.UTF-8")
        .output()
        .unwrap();
    let out = String::from_utf8(german.stdout).unwrap();
    assert!(out.contains("Kein Kanal bekommt diese Meldung"), "{out}");
    let real = app.publish(&notice(1), &[]);
    assert!(!real["warnings"].to_string().contains("No channel"), "{real}");
}

#[test]
fn a_new_start_brings_what_has_changed_meanwhile() {
    let app = TestApp::new(WEBSITE);
    let page = || std::fs::read_to_string(app.path().join("public/potsdam/index.html")).unwrap_or_default();
    // Without any incident: the page that says so.
    let serve = app.serve();
    eventually("the page without an incident is on the web space", || {
        page().contains("Hier informiert").then_some(())
    });
    assert_eq!(serve.stop(), 0);
    app.publish(&notice(1), &["--wait"]);
    let config = std::fs::read_to_string(app.path().join("channels.toml")).unwrap();
    app.write(
        "channels.toml",
        &config.replace("Landeshauptstadt Potsdam", "Stadt Potsdam an der Havel"),
    );
    assert!(!page().contains("an der Havel"));
    let serve = app.serve();
    eventually("the new name is on the web space", || {
        page().contains("an der Havel").then_some(())
    });
    drop(serve);
}

#[test]
fn an_export_of_the_past_knows_nothing_of_what_came_later() {
    let app = TestApp::new(WEBSITE);
    let january =
        "incident = \"2023-01-it\"\nas_of = 2023-01-24T18:00:00\nheadline = \"Aus\"\nsummary = \"Alles ist aus.\"\n";
    app.publish(january, &[]);
    app.publish(&notice(2), &[]);
    app.run(&["incident", "close", "2023-01-it", "--yes"]).ok();
    let page = |now: &[&str]| {
        let mut args = vec!["export", "out"];
        args.extend(now);
        app.run(&args).ok();
        std::fs::read_to_string(app.path().join("out/potsdam/index.html")).unwrap()
    };
    let then = page(&["--now", "2023-02-01T12:00:00Z"]);
    assert!(then.contains("Alles ist aus.") && !then.contains("Lage 2"), "{then}");
    let before = page(&["--now", "2023-01-20T12:00:00Z"]);
    assert!(
        before.contains("Keine Meldung") && !before.contains("Alles ist aus."),
        "{before}"
    );
    let now = page(&[]);
    assert!(now.contains("Keine Meldung"), "closed by now: {now}");
}
