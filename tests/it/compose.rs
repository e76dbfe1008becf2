//! Channel texts: what a post and an SMS say of a notice, and what gives way when it has to fit.

use super::support::fixture;
use fixture::{CASE_A, CASE_C, SITE, publisher, source};
use rundruf::render::Engine;
use rundruf::render::compose::short_text;
use rundruf::render::message::Message;
use rundruf::store::Variant;
use rundruf::text::{gsm7, lang::Lang, sms};

const AFTER: &str = "2023-10-30T10:00:00Z";

fn characters(text: &str) -> usize {
    text.chars().count()
}

fn message(files: &[(&str, &str)], number: usize, lang: Lang) -> Message {
    let source = source(&publisher("potsdam", "Landeshauptstadt Potsdam"), files, AFTER);
    let view = &source.incidents[0];
    Message::of(&source.publisher, view, &view.notices[number - 1].notice, lang, SITE)
}

fn post(message: &Message, limit: usize) -> Variant {
    short_text(
        &Engine::load(None).unwrap(),
        message,
        "post",
        limit,
        &characters,
        "characters",
        false,
    )
    .unwrap()
}

fn text_message(message: &Message, limit: usize) -> Variant {
    let unit = |text: &str| sms::measure(text).length;
    short_text(
        &Engine::load(None).unwrap(),
        message,
        "sms",
        limit,
        &unit,
        "septets",
        true,
    )
    .unwrap()
}

#[test]
fn a_post_has_state_summary_next_information_and_link() {
    insta::assert_snapshot!("post", post(&message(&CASE_A, 2, Lang::De), 1000).text);
}

#[test]
fn a_post_that_must_fit_keeps_lead_state_and_link() {
    let message = message(&CASE_A, 2, Lang::De);
    for limit in [600, 500, 400, 300, 260] {
        let post = post(&message, limit);
        assert!(characters(&post.text) <= limit && post.fit.length == characters(&post.text));
        assert!(
            post.text
                .ends_with("https://info.potsdam.example/potsdam/2023-01-it/2/"),
            "{}",
            post.text
        );
        assert!(post.text.contains("Wieder abgeschaltet"));
        assert!(
            post.text.contains("Nächste Information") || limit < 300,
            "{}",
            post.text
        );
    }
    let short = post(&message, 420);
    assert!(
        short.text.contains(&message.short),
        "the author's short text before one that is cut: {}",
        short.text
    );
    assert!(!short.fit.shortened);
    let engine = Engine::load(None).unwrap();
    let none = short_text(&engine, &message, "post", 60, &characters, "characters", false)
        .unwrap_err()
        .to_string();
    assert!(none.contains("longer than 60 characters"), "{none}");
}

/// A notice for so many places: "Ort Nummer 1" to that number.
fn for_places(count: usize) -> Message {
    let ids: Vec<String> = (1..=count).map(|n| format!("\"ort-{n}\"")).collect();
    let names: String = (1..=count)
        .map(|n| format!("[place.ort-{n}]\nname = \"Ort Nummer {n}\"\n"))
        .collect();
    let text = format!(
        "headline = \"Rathäuser geschlossen\"\nsummary = \"Die Rathäuser bleiben heute geschlossen. Bitte rufen Sie an.\"\nscope = {{ places = [{}] }}\n{names}",
        ids.join(", ")
    );
    message(&[("2023-10-30T08:00:00Z", &text)], 1, Lang::De)
}

#[test]
fn of_many_places_the_first_are_named_and_the_rest_counted() {
    let forty_five = for_places(45);
    let post = post(&forty_five, 500);
    assert!(characters(&post.text) <= 500 && !post.fit.shortened, "{}", post.text);
    // In the order of their ids.
    assert!(post.text.contains("(Ort Nummer 1, Ort Nummer 10, "), "{}", post.text);
    assert!(post.text.contains(" weitere Orte): Eingeschränkt"), "{}", post.text);
    assert!(
        post.text.contains("Bitte rufen Sie an."),
        "the text stays whole: {}",
        post.text
    );
    let sms = text_message(&forty_five, 612).text;
    assert!(sms.contains(" weitere Orte: Eingeschränkt"), "{sms}");
    let one = text_message(&forty_five, 160);
    assert!(
        one.fit.length <= 160 && one.text.starts_with("45 Orte: "),
        "{}",
        one.text
    );
    assert!(one.text.contains("Bitte rufen Sie an."), "{}", one.text);
    // A handful stays as it is where only the text is long.
    let four = text_message(&for_places(4), 160).text;
    assert!(
        four.starts_with("Ort Nummer 1, Ort Nummer 2, Ort Nummer 3, Ort Nummer 4: "),
        "{four}"
    );
}

#[test]
fn an_sms_is_cheap_and_says_what_it_cost() {
    let sms = text_message(&message(&CASE_A, 2, Lang::De), 1530);
    insta::assert_snapshot!("sms", sms.text);
    assert!(gsm7::covers(&sms.text));
    assert_eq!(sms.fit.encoding.as_deref(), Some("gsm7"));
    assert_eq!(sms.fit.segments, Some(sms::measure(&sms.text).segments));
    let one = text_message(&message(&CASE_A, 2, Lang::De), 160);
    assert!(one.fit.length <= 160 && one.text.contains("https://"), "{}", one.text);
}

#[test]
fn lead_places_and_missing_language() {
    let english = message(&CASE_C, 4, Lang::En);
    assert_eq!(english.places, ["Soest (Stadt)"]);
    assert!(english.language_missing);
    let post = post(&english, 1000);
    assert!(post.fit.language_missing);
    assert!(
        post.text
            .starts_with("This notice is not yet available in English; it is shown in German.")
    );
    assert_eq!(english.link, "https://info.potsdam.example/en/potsdam/2023-10-it/4/");

    let correction = "incident = \"probe\"\nkind = \"correction\"\ncorrects = [1]\nheadline = \"H\"\nsummary = \"S.\"";
    let exercise = "incident = \"probe\"\nexercise = true\nheadline = \"Alles aus\"\nsummary = \"Geprobt.\"";
    let files = [("2024-01-02T08:00:00Z", exercise), ("2024-01-02T09:00:00Z", correction)];
    assert_eq!(message(&files, 2, Lang::De).lead, "ÜBUNG: Berichtigung zu Meldung 1: ");
    assert_eq!(message(&files, 2, Lang::En).lead, "EXERCISE: Correction to notice 1: ");
    let sms = text_message(&message(&files, 2, Lang::De), 160).text;
    assert!(sms.starts_with("ÜBUNG: Berichtigung zu Meldung 1: "), "{sms}");
}

#[test]
fn internal_clearing_is_in_no_text() {
    let files = [(
        "2024-01-02T08:00:00Z",
        "headline = \"H\"\nsummary = \"S.\"\ncleared_with = \"Geheimrat Intern\"",
    )];
    let message = message(&files, 1, Lang::De);
    assert!(!serde_json::to_string(&message).unwrap().contains("Geheimrat"));
    let site = fixture::site(&[source(&publisher("potsdam", "Potsdam"), &files, AFTER)], AFTER);
    for (path, file) in &site.files {
        assert!(!String::from_utf8_lossy(&file.bytes).contains("Geheimrat"), "{path}");
    }
}

#[test]
fn what_another_language_lacks_is_shown_in_the_first_one() {
    let base = "headline = \"Die IT ist aus\"\nsummary = \"Das Bürgerbüro ist offen.\"\n";
    let with = |english: &str| {
        let text = format!("{base}[text.en]\n{english}\n");
        message(&[("2024-01-02T08:00:00Z", &text)], 1, Lang::En)
    };
    let short = with("short = \"IT down. Citizens' office open.\"");
    assert_eq!(short.headline, "Die IT ist aus");
    assert!(
        short
            .language_note
            .as_deref()
            .unwrap()
            .contains("not yet available in English")
    );
    // An SMS has nothing but the short text, and that is English.
    let sms = text_message(&short, 300);
    assert!(sms.text.contains("IT down. Citizens' office open."), "{}", sms.text);
    assert!(
        !sms.text.contains("available in English") && !sms.fit.language_missing,
        "{}",
        sms.text
    );
    let headline = with("headline = \"IT is down\"");
    assert_eq!(
        (headline.headline.as_str(), headline.summary.as_str()),
        ("IT is down", "Das Bürgerbüro ist offen.")
    );
    assert!(
        headline
            .language_note
            .as_deref()
            .unwrap()
            .contains("not yet available in full in English")
    );
    assert!(text_message(&headline, 300).fit.language_missing);

    let files = format!("{base}[text.en]\nheadline = \"IT is down\"\n");
    let files = [("2024-01-02T08:00:00Z", files.as_str())];
    let site = fixture::site(&[source(&publisher("potsdam", "Potsdam"), &files, AFTER)], AFTER);
    let page = fixture::text(&site, "en/potsdam/index.html");
    assert!(
        page.contains("<p class=\"headline\" dir=\"auto\">IT is down</p>"),
        "{page}"
    );
    assert!(
        page.contains("<span lang=\"de\">Das Bürgerbüro ist offen.</span>"),
        "{page}"
    );
}

#[test]
fn a_deadline_may_be_a_date() {
    let text = "headline = \"H\"\nsummary = \"S.\"\n[service.wohngeld]\nname = \"Wohngeld\"\ndeadline = 2023-02-01\n[service.pass]\nname = \"Pass\"\ndeadline = \"bald\"\n";
    let files = [("2023-01-02T08:00:00Z", text)];
    let site = fixture::site(&[source(&publisher("potsdam", "Potsdam"), &files, AFTER)], AFTER);
    let german = fixture::text(&site, "potsdam/index.html");
    assert!(
        german.contains("Frist: 1. Februar 2023") && german.contains("Frist: bald"),
        "{german}"
    );
    let english = fixture::text(&site, "en/potsdam/index.html");
    assert!(
        english.contains("1 February 2023") && !english.contains("2023-02-01"),
        "{english}"
    );
}
