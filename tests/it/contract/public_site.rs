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
