//! What a channel has no room for gives way, is said, or is refused with the channel's name.

use super::{WEBSITE, hook, nobody, notice};
use crate::support::TestApp;

/// A notice for so many places.
fn for_places(count: usize) -> String {
    let ids: Vec<String> = (1..=count).map(|n| format!("\"ort-{n}\"")).collect();
    let names: String = (1..=count)
        .map(|n| format!("[place.ort-{n}]\nname = \"Ort Nummer {n}\"\n"))
        .collect();
    format!("{}scope = {{ places = [{}] }}\n{names}", notice(1), ids.join(", "))
}

#[test]
fn a_notice_for_forty_five_places_goes_out_everywhere() {
    let port = nobody();
    let app = super::with_sms(port.first());
    let config = std::fs::read_to_string(app.path().join("channels.toml")).unwrap();
    let mastodon = format!(
        "[channel.mastodon]\nkind = \"mastodon\"\nurl = \"http://127.0.0.1:{}\"\ntoken = \"t\"\n",
        port.first()
    );
    app.write("channels.toml", &format!("{config}{mastodon}"));
    app.write("m.toml", &for_places(45));
    let preview = app.run(&["preview", "m.toml"]).ok().out;
    assert!(preview.contains(" weitere Orte"), "{preview}");
    let published = app.publish(&for_places(45), &[]);
    assert_eq!(published["broadcasts"].as_array().unwrap().len(), 3);
}

#[test]
fn what_never_fits_names_the_channel_and_writes_nothing() {
    let port = nobody();
    let app = super::with_sms(port.first());
    let config = std::fs::read_to_string(app.path().join("channels.toml")).unwrap();
    let long = format!("{}/{}", app.url(), "sehr-langer-pfad/".repeat(12));
    app.write(
        "channels.toml",
        &format!("{}max_parts = 1\n", config.replacen(&app.url(), &long, 1)),
    );
    app.write("m.toml", &notice(1));
    for args in [&["preview", "m.toml"][..], &["publish", "m.toml", "--yes"]] {
        let answer = app.run(args);
        assert_eq!(answer.code, 1, "{}", answer.err);
        assert!(
            answer.err.starts_with("sms: this notice does not fit") && answer.err.contains("1 SMS are allowed"),
            "{}",
            answer.err
        );
    }
    assert_eq!(
        app.json(&["incident", "list"])["incidents"].as_array().unwrap().len(),
        0
    );
    let rest = app.publish(&notice(1), &["--channel", "website"]);
    assert_eq!(rest["number"], 1);
}

#[test]
fn a_webhook_does_without_what_stands_on_the_page() {
    let port = nobody();
    let app = TestApp::new(&format!("{WEBSITE}{}", hook("hook", port.first())));
    for (n, key, words) in [(1, "short", 3_900), (2, "body", 2_400)] {
        let text = format!("{}{key} = \"{}\"\n", notice(n), "Wort ".repeat(words));
        app.write("m.toml", &text);
        // Nothing is cut off for the reader: it stands on the page, and no short text would change that.
        let preview = app.run(&["preview", "m.toml"]).ok().out;
        assert!(
            preview.contains("Everything fits") && preview.contains("(on the page)"),
            "{preview}"
        );
        assert_eq!(app.publish(&text, &[])["number"], n);
    }
    let preview = app.json(&["preview", "m.toml"]);
    let fit = &preview["channels"][0]["variants"]["de"]["fit"];
    assert_eq!(fit["left_out"], serde_json::json!(["body_html"]), "{fit}");
}
