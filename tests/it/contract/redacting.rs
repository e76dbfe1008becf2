//! Every text of a notice that reaches the public can be taken out of it.

use super::{WEBSITE, tree};
use crate::support::TestApp;

#[test]
fn title_source_and_the_place_of_the_next_information_can_be_removed() {
    let app = TestApp::new(WEBSITE);
    let first = "incident = \"2026-01-it\"\ntitle = \"Ausfall bei Erika Mustermann\"\nheadline = \"Kurz\"\nsummary = \"Kurz.\"\nnext = { at = \"23:59\", where = \"bei Max Muster\" }\n[said.rektor]\ntext = \"Wir arbeiten daran.\"\nsource = { who = \"Kim Beispiel\", function = \"Rektorat\" }\n";
    app.publish(first, &[]);
    let secrets = ["Mustermann", "Max Muster", "Kim Beispiel"];
    for field in ["title", "next.where", "said.rektor.source.who"] {
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
    app.run(&["export", "out"]).ok();
    let shown = app.run(&["incident", "show", "2026-01-it", "--json"]).ok().out;
    let listed = app.run(&["incident", "list", "--json"]).ok().out;
    for secret in secrets {
        assert!(!shown.contains(secret) && !listed.contains(secret), "{secret}: {shown}");
        for folder in ["out", "data"] {
            for (name, bytes) in tree(&app.path().join(folder)) {
                let there = bytes.windows(secret.len()).any(|w| w == secret.as_bytes());
                assert!(!there, "{folder}/{name} still holds {secret}");
            }
        }
    }
    let page = std::fs::read_to_string(app.path().join("out/potsdam/archive/index.html")).unwrap();
    assert!(page.contains("[entfernt am "), "{page}");
    let wrong = app.run(&["retract", "1", "--redact", "next.at", "--reason", "x", "--yes"]);
    assert!(wrong.code == 1 && wrong.err.contains("next.where"), "{}", wrong.err);
}
