//! Every text of a notice that reaches the public can be taken out of it.

use std::io::Read;
use std::net::TcpListener;

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

/// A server that takes every request and never answers.
pub(super) fn never_answers() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut peer in listener.incoming().map_while(Result::ok) {
            let _ = peer.read(&mut [0; 4_096]);
        }
    });
    port
}

fn holds(app: &TestApp, secret: &str) -> Vec<String> {
    let there = |bytes: &[u8]| bytes.windows(secret.len()).any(|w| w == secret.as_bytes());
    let files = tree(&app.path().join("data")).into_iter();
    files.filter(|(_, bytes)| there(bytes)).map(|(name, _)| name).collect()
}

#[test]
fn where_removed_words_still_stand_is_said_and_what_ends_it_does() {
    let mastodon = format!(
        "[channel.mastodon]\nkind = \"mastodon\"\nurl = \"http://127.0.0.1:{}\"\ntoken = \"abc-123-def\"\n",
        never_answers()
    );
    let port = super::nobody();
    let app = TestApp::new(&format!("{WEBSITE}{mastodon}{}", super::sms(port.first())));
    app.write(
        "presse.csv",
        "address,name,language,places\n+491713920001,Redaktion,,\n",
    );
    app.run(&["channel", "hold", "sms"]);
    let secret = "Mustermann";
    let first = format!("incident = \"2026-01-it\"\nheadline = \"Bitte an {secret} wenden\"\nsummary = \"Kurz.\"\n");
    app.publish(&first, &["--wait"]);
    // The channel is taken out of the configuration, with what waits in it.
    let text = std::fs::read_to_string(app.path().join("channels.toml")).unwrap();
    app.write("channels.toml", text.split("[channel.sms]").next().unwrap());
    let retract = [
        "retract", "1", "--redact", "headline", "--reason", "Falsch", "--yes", "--json",
    ];
    let answer: serde_json::Value = serde_json::from_str(&app.run(&retract).ok().out).unwrap();
    let still = answer["still_there"].as_array().unwrap();
    assert_eq!(still.len(), 2, "{answer}");
    assert_eq!(still[0]["channel"], "mastodon");
    assert_eq!(
        still[1],
        serde_json::json!({ "channel": "sms", "notice": 1, "delivery": null, "state": null })
    );
    assert!(!holds(&app, secret).is_empty(), "it is kept, as is said");
    app.run(&["channel", "drop", "sms", "--yes"]).ok();
    assert!(!holds(&app, secret).is_empty(), "the other one is kept");
    app.run(&["decide", &still[0]["delivery"].to_string(), "drop"]).ok();
    assert_eq!(holds(&app, secret), Vec::<String>::new());
}

/// What waited in a channel that comes back goes without the words, not with them.
#[test]
fn a_channel_that_is_configured_again_says_nothing_of_removed_words() {
    let port = super::nobody();
    let app = TestApp::new(&format!("{WEBSITE}{}gate = \"held\"\n", super::sms(port.first())));
    app.write(
        "presse.csv",
        "address,name,language,places\n+491713920001,Redaktion,,\n",
    );
    let secret = "Mustermann";
    let first = format!("incident = \"2026-01-it\"\nheadline = \"Kurz\"\nsummary = \"Bitte an {secret} wenden.\"\n");
    app.publish(&first, &[]);
    app.publish(&super::notice(2), &[]);
    let text = std::fs::read_to_string(app.path().join("channels.toml")).unwrap();
    app.write("channels.toml", text.split("[channel.sms]").next().unwrap());
    let retract = ["retract", "1", "--redact", "summary", "--reason", "Falsch", "--yes"];
    let said = app.run(&retract).ok().out;
    let flat = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        flat.contains("rundruf channel drop sms, or as soon as it is configured again"),
        "{said}"
    );
    assert!(!holds(&app, secret).is_empty());
    app.write("channels.toml", &text);
    app.publish(&super::notice(3), &[]);
    assert_eq!(holds(&app, secret), Vec::<String>::new());
}

/// A text that was frozen in a language the channel speaks no more still waits for whoever was to have it.
#[test]
fn removed_words_leave_the_texts_of_a_language_that_is_configured_no_more() {
    let port = super::nobody();
    let config = format!(
        "{WEBSITE}{}gate = \"held\"\nlanguages = [\"de\", \"en\"]\n",
        super::sms(port.first())
    );
    let app = TestApp::new(&config);
    app.write(
        "presse.csv",
        "address,name,language,places\n+491713920001,Desk,en,\n+491713920002,Redaktion,de,\n",
    );
    let secret = "Mustermann";
    app.publish(
        &format!("incident = \"2026-01-it\"\nheadline = \"Kurz\"\nsummary = \"Bitte an {secret} wenden.\"\n"),
        &[],
    );
    let text = std::fs::read_to_string(app.path().join("channels.toml")).unwrap();
    app.write("channels.toml", &text.replace("[\"de\", \"en\"]\n", "[\"de\"]\n"));
    app.run(&["retract", "1", "--redact", "summary", "--reason", "Falsch", "--yes"])
        .ok();
    assert_eq!(holds(&app, secret), Vec::<String>::new());
}

/// What waits with removed words and cannot be written without them does not go: the channel is held and says why.
#[test]
fn a_channel_whose_text_cannot_be_written_without_removed_words_is_held() {
    let port = super::nobody();
    let app = TestApp::new(&format!("{WEBSITE}{}", super::sms(port.first())));
    app.write(
        "presse.csv",
        "address,name,language,places\n+491713920001,Redaktion,,\n",
    );
    app.publish(
        "incident = \"2026-01-it\"\nheadline = \"Kurz\"\nsummary = \"Bitte an Mustermann wenden.\"\n",
        &[],
    );
    let text = std::fs::read_to_string(app.path().join("channels.toml")).unwrap();
    app.write("channels.toml", text.split("[channel.sms]").next().unwrap());
    app.run(&["retract", "1", "--redact", "summary", "--reason", "Falsch", "--yes"])
        .ok();
    // With such an address not even the link has room in one SMS.
    let long = format!("https://{}.example", ["stadt"; 10].join("-").repeat(3));
    let url = text.lines().find(|line| line.starts_with("url = ")).unwrap();
    app.write(
        "channels.toml",
        &text
            .replacen(url, &format!("url = \"{long}\""), 1)
            .replace("kind = \"kannel\"\n", "kind = \"kannel\"\nmax_parts = 1\n"),
    );
    app.run(&["publish", "-", "--dry-run"]);
    let listed = app.run(&["channel", "list"]).ok().out;
    let flat = listed.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        flat.contains("words were taken out of notice 1, which waits here")
            && flat.contains("rundruf channel drop sms"),
        "{listed}"
    );
}
