//! What arrives: the words, the form, the thread.

use mail_parser::{MessagePart, MimeHeaders};
use rundruf::channel::{Built, registry};
use rundruf::domain::delivery::Operation;
use rundruf::formats::in_short;
use rundruf::render::Engine;
use rundruf::render::earlier::Earlier;
use rundruf::render::message::Message;
use rundruf::store::Variant;
use rundruf::text::lang::Lang;

use super::super::support::fixture::{self, CASE_A, SITE, publisher, source, ugly};
use super::super::support::mail::MailServer;
use super::super::support::root;
use super::Office;

#[test]
fn each_gets_a_mail_of_their_own_in_their_language_and_one_thread() {
    let Some(office) =
        Office::open("reply_to = \"Poststelle <post@stadt.example>\"\nbounces = \"bounce@stadt.example\"\n")
    else {
        return;
    };
    let serve = office.serve();
    for (n, file) in (1..).zip(["1-2023-01-16", "2-2023-01-24"]) {
        let notice = std::fs::read_to_string(root().join(format!("examples/a-potsdam/{file}.toml"))).unwrap();
        office.app.publish(&notice, &[]);
        office.delivered(n, 3);
    }
    let mails = office.server.mails();
    assert_eq!(mails.len(), 6);
    for mail in &mails {
        assert!(mail.tls, "{}", mail.raw);
        assert!(mail.raw.lines().all(|line| line.len() <= 998), "{}", mail.raw);
        assert!(
            mail.from.starts_with("bounce+") && mail.from.ends_with("@stadt.example"),
            "{}",
            mail.from
        );
        let parsed = mail.parsed();
        let from = parsed.from().and_then(|from| from.first()).unwrap();
        assert_eq!(from.address(), Some("info@stadt.example"));
        assert_eq!(from.name(), Some("Landeshauptstadt Potsdam"));
        let to = parsed.to().and_then(|to| to.first()).unwrap();
        assert_eq!(to.address(), Some(mail.to.as_str()));
        for (name, value) in [
            ("Reply-To", "Poststelle <post@stadt.example>"),
            ("Auto-Submitted", "auto-generated"),
            ("X-Auto-Response-Suppress", "All"),
            ("MIME-Version", "1.0"),
            ("List-Id", "<email.potsdam.stadt.example>"),
            ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
        ] {
            assert_eq!(mail.written(name).as_deref(), Some(value), "{name}");
        }
        assert!(mail.written("Precedence").is_none());
        assert!(parsed.date().is_some());
        let kind = |part: &MessagePart<'_>| {
            let kind = part.content_type()?;
            Some(format!("{}/{}", kind.ctype(), kind.subtype()?))
        };
        let parts: Vec<_> = parsed.parts.iter().filter_map(kind).collect();
        assert_eq!(
            parts,
            ["multipart/alternative", "text/plain", "text/html"],
            "text first"
        );
        let unsubscribe = mail.written("List-Unsubscribe").unwrap();
        let unsubscribe = unsubscribe.trim_matches(['<', '>']);
        assert!(
            mail.text().contains(unsubscribe) && mail.html().contains(unsubscribe),
            "{}",
            mail.text()
        );
        assert!(
            !unsubscribe.contains(mail.to.split('@').next().unwrap()),
            "no address in an address"
        );
    }
    let of = |to: &str| -> Vec<_> { mails.iter().filter(|m| m.to.starts_with(to)).collect() };
    for (to, lang, state, name) in [
        ("anna", "de", "Wieder abgeschaltet: ", Some("Änne „A.“ Muster")),
        ("bert", "en", "Switched off again: ", None),
        ("cem", "de-simple", "Wieder abgeschaltet: ", Some("Cem")),
    ] {
        let [first, second] = of(to)[..] else { panic!("{to}") };
        assert_eq!(second.written("Content-Language").as_deref(), Some(lang));
        assert!(second.subject().starts_with(state), "{}", second.subject());
        let parsed = second.parsed();
        assert_eq!(parsed.to().and_then(|to| to.first()).unwrap().name(), name);
        // One thread: a name that both refer to, and that nobody else's mail has.
        assert_ne!(first.written("Message-ID"), second.written("Message-ID"));
        assert_eq!(first.written("References"), second.written("References"));
        assert_eq!(second.written("In-Reply-To"), second.written("References"));
        assert!(first.written("In-Reply-To").is_none(), "the first answers nothing");
        assert_eq!(
            mails
                .iter()
                .filter(|m| m.written("References") == first.written("References"))
                .count(),
            2
        );
    }
    // One session carried more than one mail.
    assert!(office.server.commands("connect") < mails.len(), "sessions are kept");
    assert_eq!(serve.stop(), 0);
}

#[test]
fn the_press_hears_at_once_while_the_citys_own_mail_is_held() {
    let Some(office) = Office::open("gate = \"held\"\n") else {
        return;
    };
    let Some(outside) = MailServer::with_login() else {
        return;
    };
    let config = std::fs::read_to_string(office.app.path().join("channels.toml")).unwrap();
    let press = outside.keys().replace("verteiler.csv", "presse.csv");
    office
        .app
        .write("channels.toml", &format!("{config}[channel.presse]\n{press}"));
    office.app.write("presse.csv", "address\nredaktion@blatt.example\n");
    let serve = office.serve();
    let number = office.publish("Mail geht nicht");
    office.app.wait_for("presse", number, "delivered", 1);
    assert_eq!(outside.about("Mail geht nicht", 1)[0].to, "redaktion@blatt.example");
    assert_eq!(office.server.commands("MAIL"), 0, "held is held");
    office.app.run(&["channel", "release", "email", "--yes"]).ok();
    office.delivered(number, 3);
    assert_eq!(serve.stop(), 0);
}

fn variant(message: &Message, engine: &Engine) -> Variant {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("l.csv"), "address\n").unwrap();
    let file = dir.path().join("channels.toml");
    let config = "[publisher.potsdam]\nname = \"P\"\n[channel.email]\nkind = \"email\"\nserver = \"localhost\"\nfrom = \"info@stadt.example\"\naudience = { file = \"l.csv\" }\n";
    std::fs::write(&file, config).unwrap();
    let (_, channels) = registry::configure(&file, dir.path()).unwrap();
    let Built::Messages(channel) = &channels[0].built else {
        panic!("no messages")
    };
    channel.compose(engine, message, Operation::Post).unwrap()
}

fn mail(source: &rundruf::formats::PublisherSite, number: usize, lang: Lang) -> String {
    mail_of(source, number, &[], lang)
}

/// The digest of a notice and these earlier ones.
fn mail_of(source: &rundruf::formats::PublisherSite, number: usize, earlier: &[usize], lang: Lang) -> String {
    let engine = Engine::load(None).unwrap();
    let view = &source.incidents[0];
    let mut message = engine.message(&source.publisher, view, &view.notices[number - 1].notice, lang, SITE);
    message.in_short = in_short(&engine, &source.publisher, view, lang);
    message.earlier = earlier
        .iter()
        .map(|n| {
            let notice = &view.notices[n - 1].notice;
            let said = engine.message(&source.publisher, view, notice, lang, SITE);
            Earlier::of(engine.words(lang), said, notice, false)
        })
        .collect();
    let variant = variant(&message, &engine);
    let subject = variant.payload["subject"].as_str().unwrap();
    let html = variant.payload["html"].as_str().unwrap();
    let style = html.find("<style>").unwrap()..html.find("</style>").unwrap();
    format!(
        "{subject}\n\n{}\n\n{}",
        variant.text,
        html.replace(&html[style], "<style>CSS")
    )
}

#[test]
fn a_mail_reads_well() {
    let potsdam = publisher("potsdam", "Landeshauptstadt Potsdam");
    let source = source(&potsdam, &CASE_A, "2023-01-24T18:00:00Z");
    insta::assert_snapshot!("mail_de", mail(&source, 2, Lang::De));
    insta::assert_snapshot!("mail_en", mail(&source, 2, Lang::En));
    insta::assert_snapshot!("mail_simple", mail(&source, 2, Lang::DeSimple));
}

#[test]
fn a_digest_reads_well() {
    let potsdam = publisher("potsdam", "Landeshauptstadt Potsdam");
    let source = source(&potsdam, &CASE_A, "2023-01-24T18:00:00Z");
    insta::assert_snapshot!("digest_de", mail_of(&source, 2, &[1], Lang::De));
    insta::assert_snapshot!("digest_en", mail_of(&source, 2, &[1, 1], Lang::En));
}

#[test]
fn ugly_words_stay_words() {
    let ugly = mail(&ugly(), 1, Lang::De);
    for tag in ["<script>alert", "<b>&amp", "javascript:"] {
        let html = ugly.split("<!DOCTYPE html>").nth(1).unwrap();
        assert!(!html.contains(tag), "{tag}");
    }
    assert!(
        !ugly
            .chars()
            .any(|c| matches!(c, '\u{0}' | '\u{7}' | '\u{202e}' | '\u{2028}'))
    );
    insta::assert_snapshot!("mail_ugly", ugly);
}

#[test]
fn a_correction_is_introduced_as_one_only_to_whom_it_corrects() {
    let first = "headline = \"Bürgeramt zu\"\nsummary = \"Das Bürgeramt ist zu.\"\n";
    let second = "corrects = [1]\nheadline = \"Bürgeramt offen\"\nsummary = \"Das Bürgeramt ist offen.\"\n";
    let files = [("2023-01-24T08:00:00Z", first), ("2023-01-24T09:00:00Z", second)];
    let source = fixture::source(&publisher("potsdam", "Potsdam"), &files, "2023-01-24T10:00:00Z");
    let engine = Engine::load(None).unwrap();
    let view = &source.incidents[0];
    let message = engine.message(&source.publisher, view, &view.notices[1].notice, Lang::De, SITE);
    let variant = variant(&message, &engine);
    let subject = |of: &serde_json::Value| of.as_str().unwrap().to_owned();
    assert!(subject(&variant.payload["subject"]).starts_with("Berichtigung zu Meldung 1: "));
    assert!(!subject(&variant.payload["first"][0]).contains("Berichtigung"));
    assert!(variant.text.contains("Berichtigung") && !variant.first.unwrap().contains("Berichtigung"));
}
