//! What people are shown of digests before and while they go: the short ones as they would go, and those that cannot be written.

use serde_json::json;

use super::support::{TestApp, eventually};

/// An SMS channel that is held; nobody listens where it sends to.
fn app(site: &str) -> TestApp {
    let app = TestApp::new(
        "[channel.sms]\nkind = \"kannel\"\nurl = \"http://127.0.0.1:1\"\nusername = \"u\"\npassword = \"p\"\nlanguages = [\"de\"]\n\
         gate = \"held\"\ncatch_up = \"digest\"\naudience = { file = \"presse.csv\" }\n",
    );
    let config = std::fs::read_to_string(app.path().join("channels.toml")).unwrap();
    app.write(
        "channels.toml",
        &config.replace("[site]\n", &format!("[site]\n{site}\n")),
    );
    app.write("presse.csv", "address\n+491713920001\n+491713920002\n");
    app
}

fn publish(app: &TestApp, incident: &str, scope: &str, headline: &str) {
    let words = "summary = \"Die Rathäuser sind zu. Wir melden uns morgen.\"";
    let place = "[place.werl]\nname = \"Werl\"\n";
    app.publish(
        &format!("incident = \"{incident}\"\n{scope}\nheadline = \"{headline}\"\n{words}\n{place}"),
        &[],
    );
}

fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_release_shows_short_digests_as_they_would_go() {
    let app = app("");
    publish(&app, "it", "scope = { places = [\"werl\"] }", "Wasser bitte abkochen");
    publish(&app, "it", "", "Telefon geht wieder");
    let shown = app.german(&["channel", "release", "sms"]).out;
    assert!(
        shown.contains("── Zusammenfassung zu Meldung 2: sms (kannel, de)"),
        "{shown}"
    );
    let named = format!(
        "Davor gemeldet:\nWerl: Wasser bitte abkochen\nAlle Meldungen auf der Seite:\n{}/potsdam/it/",
        app.url()
    );
    assert!(shown.contains(&named), "{shown}");
    let released = app.json(&["channel", "release", "sms", "--yes"]);
    let text = released["digests"][0]["texts"]["de"]["text"].as_str().unwrap();
    assert!(text.contains(&named), "{released}");
}

#[test]
fn a_digest_that_cannot_be_written_is_seen_and_holds_up_nothing_else() {
    let app = app("templates = \"vorlagen\"");
    app.write("vorlagen/shared/digest-sms.hbs", "{{headline}}\n{{nirgends}}\n");
    publish(&app, "wasser", "", "Eins");
    publish(&app, "wasser", "", "Zwei");
    publish(&app, "strom", "", "Anderes");
    let serve = app.serve();
    let shown = flat(&app.german(&["channel", "release", "sms"]).err);
    assert!(
        shown.contains(
            "Meldung 2 soll als Zusammenfassung von 2 Meldungen gehen (auch 1), die sich nicht schreiben lässt: Vorlage"
        ) && shown.contains("nirgends")
            && shown.contains("2 Meldungen mit zusammen 4 Sendungen"),
        "{shown}"
    );
    let released = app.json(&["channel", "release", "sms", "--yes"]);
    let digest = &released["digests"][0];
    assert_eq!((&digest["number"], &digest["covers"]), (&json!(2), &json!([1])));
    assert!(digest["fault"].as_str().unwrap().contains("digest-sms"), "{digest}");
    let line = eventually("the board says so", || {
        let row = app.broadcast("sms", 2);
        (row["light"] == "look").then(|| row["text"].as_str().unwrap().to_owned())
    });
    assert!(
        line.contains("the digest cannot be written (template") && line.contains("nirgends"),
        "{line}"
    );
    assert_eq!(serve.stop(), 0);
    // Mended, it is written.
    app.write(
        "vorlagen/shared/digest-sms.hbs",
        "{{headline}}\n{{earlier}}\n{{link}}\n",
    );
    let serve = app.serve();
    eventually("it is on its way", || {
        let text = app.broadcast("sms", 2)["text"].as_str().unwrap().to_owned();
        (text.contains("digest of 2 notices") && !text.contains("cannot be written")).then_some(())
    });
    assert_eq!(serve.stop(), 0);
}

#[test]
fn a_release_counts_who_gets_something_and_nobody_else() {
    let app = app("");
    app.write(
        "presse.csv",
        "address,places\n+491713920001,\n+491713920002,werl\n+491713920003,soest\n+491713920004,\n",
    );
    publish(&app, "it", "scope = { places = [\"werl\"] }", "Wasser bitte abkochen");
    app.run(&["suppression", "add", "+491713920004", "--yes"]).ok();
    let shown = app.german(&["channel", "release", "sms"]).err;
    assert!(shown.contains("1 Meldung geht jetzt an 2 Empfänger hinaus"), "{shown}");
    let second = "incident = \"it\"\nscope = { places = [\"soest\"] }\nheadline = \"Telefon geht wieder\"\nsummary = \"Wir melden uns morgen.\"\n[place.soest]\nname = \"Soest\"\n";
    app.publish(second, &[]);
    let released = app.json(&["channel", "release", "sms", "--yes"]);
    assert_eq!(
        released["messages"], 3,
        "one of them lacks only what is summed up: {released}"
    );
}
