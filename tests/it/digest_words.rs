//! What a digest says of the notices that it sums up: in a mail with their words, in a post and an SMS with as much as there is room for.

use super::support::fixture;
use fixture::{SITE, publisher, source};
use rundruf::domain::digest::apart;
use rundruf::domain::notice::Scope;
use rundruf::render::Engine;
use rundruf::render::compose::short_text;
use rundruf::render::earlier::Earlier;
use rundruf::render::message::Message;
use rundruf::store::Variant;
use rundruf::text::lang::Lang;
use rundruf::text::sms;

const INCIDENT: &str = "https://info.potsdam.example/potsdam/2023-10-it/";
const PLACES: &str = "[place.werl]\nname = \"Werl\"\n[place.soest]\nname = \"Soest\"\n";

fn notice(more: &str, headline: &str) -> String {
    format!(
        "incident = \"2023-10-it\"\n{more}\nheadline = \"{headline}\"\nsummary = \"Die Rathäuser sind nur zu Fuß zu erreichen. Wir melden uns morgen.\"\n{PLACES}"
    )
}

fn at(place: &str) -> String {
    format!("scope = {{ places = [\"{place}\"] }}")
}

/// The newest of these with all others, as a digest.
fn digest(notices: &[String], lang: Lang) -> Message {
    let times: Vec<String> = (0..notices.len())
        .map(|n| format!("2023-10-30T08:{n:02}:00Z"))
        .collect();
    let files: Vec<(&str, &str)> = times
        .iter()
        .map(String::as_str)
        .zip(notices.iter().map(String::as_str))
        .collect();
    let source = source(
        &publisher("potsdam", "Landeshauptstadt Potsdam"),
        &files,
        "2023-10-30T10:00:00Z",
    );
    let (engine, view) = (Engine::load(None).unwrap(), &source.incidents[0]);
    let said = |notice| engine.message(&source.publisher, view, notice, lang, SITE);
    let (newest, earlier) = view.notices.split_last().unwrap();
    let earlier: Vec<_> = earlier.iter().rev().map(|there| &there.notice).collect();
    let scopes: Vec<&Scope> = earlier.iter().map(|notice| &notice.scope).collect();
    let apart = apart(&newest.notice.scope, &scopes);
    let of = |(notice, apart)| Earlier::of(engine.words(lang), said(notice), notice, apart);
    Message {
        earlier: earlier.into_iter().zip(apart).map(of).collect(),
        ..said(&newest.notice)
    }
}

fn post(message: &Message, limit: usize) -> Variant {
    let characters = |text: &str| text.chars().count();
    let engine = Engine::load(None).unwrap();
    short_text(&engine, message, "post", limit, &characters, "graphemes", false).unwrap()
}

fn text_message(message: &Message, parts: usize) -> Variant {
    let unit = |text: &str| sms::measure(text).segments;
    let engine = Engine::load(None).unwrap();
    short_text(&engine, message, "sms", parts, &unit, "parts", true).unwrap()
}

#[test]
fn short_texts_call_what_is_about_other_places_by_name() {
    let three = digest(
        &[
            notice(&at("werl"), "Wasser bitte abkochen"),
            notice("", "Alles aus"),
            notice(&at("werl"), "Wasser wieder gut"),
            notice("", "Telefon geht wieder"),
        ],
        Lang::De,
    );
    let named =
        format!("Davor gemeldet:\nWerl: Wasser wieder gut\n2 weitere frühere Meldungen auf der Seite:\n{INCIDENT}");
    for text in [post(&three, 500), text_message(&three, 4)] {
        assert!(text.text.ends_with(&named) && !text.fit.shortened, "{}", text.text);
        assert!(text.text.contains("Wir melden uns morgen."), "{}", text.text);
    }
    let place = digest(
        &[notice("", "Alles aus"), notice(&at("soest"), "Bürgerbüro zu")],
        Lang::De,
    );
    let all = format!("Davor gemeldet:\nAlles aus\nAlle Meldungen auf der Seite:\n{INCIDENT}");
    assert!(text_message(&place, 4).text.ends_with(&all));
    let same = digest(&[notice("", "Alles aus"), notice("", "Telefon geht")], Lang::De);
    let counted = format!("Eine frühere Meldung auf der Seite:\n{INCIDENT}");
    let text = text_message(&same, 4).text;
    assert!(text.ends_with(&counted) && !text.contains("Davor"), "{text}");
    // Words of another language are not taken for English ones.
    let english = digest(
        &[notice(&at("werl"), "Wasser bitte abkochen"), notice("", "Alles aus")],
        Lang::En,
    );
    let text = post(&english, 500).text;
    assert!(
        text.contains("Told before:\nWerl: Notice 1\nAll notices on the page:\n"),
        "{text}"
    );
}

#[test]
fn where_room_is_short_at_least_the_places_are_named() {
    let long = "Das Wasser in den nördlichen Ortsteilen muss bis auf Weiteres abgekocht werden, auch zum Zähneputzen und für Tiere";
    let message = digest(
        &[
            notice(&at("werl"), long),
            notice(&at("soest"), "Bürgerbüro zu"),
            notice("", "Telefon geht wieder"),
        ],
        Lang::De,
    );
    let one = text_message(&message, 2);
    assert!(
        one.text
            .contains("Davor gemeldet für Soest, Werl.\n2 frühere Meldungen"),
        "{}",
        one.text
    );
    assert!(
        !one.text.contains(long) && one.fit.shortened,
        "the preview says so: {}",
        one.text
    );
    for limit in [275, 260] {
        let post = post(&message, limit);
        assert!(
            post.fit.length <= limit && post.text.ends_with(INCIDENT),
            "{}",
            post.text
        );
        assert!(post.text.contains("für Soest, Werl."), "{}", post.text);
        // At the end of a sentence.
        assert!(
            post.text.contains("zu erreichen.\n") && !post.text.contains('…'),
            "{}",
            post.text
        );
    }
}

#[test]
fn a_correction_in_a_digest_is_told_to_whoever_has_nothing_to_correct() {
    let message = digest(
        &[
            notice("", "Bürgeramt zu"),
            notice("kind = \"correction\"\ncorrects = [1]", "Bürgeramt offen"),
            notice("", "Telefon geht wieder"),
        ],
        Lang::De,
    );
    let correction = &message.earlier[0];
    assert_eq!(
        (correction.lead.as_str(), correction.headline.as_str()),
        ("", "Bürgeramt offen")
    );
    let engine = Engine::load(None).unwrap();
    let name = |lang| correction.name(engine.words(lang));
    assert_eq!(name(Lang::De), "Meldung 2, sie berichtigt Meldung 1");
    assert_eq!(name(Lang::En), "Notice 2, which corrects notice 1");
    let exercise = digest(
        &[
            notice("exercise = true", "Geprobt"),
            notice("kind = \"correction\"\ncorrects = [1]", "Anders geprobt"),
            notice("", "Zu Ende geprobt"),
        ],
        Lang::De,
    );
    assert_eq!(exercise.earlier[0].lead, "ÜBUNG: ", "an exercise stays one");
}
