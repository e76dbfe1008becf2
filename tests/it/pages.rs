//! The public pages: what a citizen reads, for real cases and for ugly input.

use super::house::banned;
use super::support::fixture;
use fixture::{CASE_A, CASE_C, EXERCISE, UGLY_NOW, exercise, publisher, site, source, text, ugly};
use rundruf::formats::Site;

const AFTER_A: &str = "2023-01-24T18:00:00Z";
const AFTER_C: &str = "2023-10-30T10:00:00Z";

fn case_a(now: &str) -> Site {
    let potsdam = publisher("potsdam", "Landeshauptstadt Potsdam");
    site(&[source(&potsdam, &CASE_A, now)], now)
}

fn case_c() -> Site {
    let soest = publisher("soest", "Kreis Soest");
    site(&[source(&soest, &CASE_C, AFTER_C)], AFTER_C)
}

/// Text without markup, spaces closed up.
pub(super) fn plain(html: &str) -> String {
    let body = html.split_once("<body>").map_or(html, |(_, body)| body);
    let mut out = String::new();
    let mut inside = false;
    for c in body.chars() {
        match c {
            '<' => inside = true,
            '>' => inside = false,
            _ if !inside => out.push(c),
            _ => {}
        }
    }
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// In this order, each after the one before.
pub(super) fn in_order(text: &str, parts: &[&str]) {
    let mut at = 0;
    for part in parts {
        let found = text[at..].find(part);
        assert!(
            found.is_some(),
            "{part:?} does not stand after the one before it in:\n{}",
            &text[at..]
        );
        at += found.unwrap() + part.len();
    }
}

#[test]
fn case_a_in_the_order_of_the_public_page() {
    let page = plain(&text(&case_a(AFTER_A), "potsdam/index.html"));
    in_order(
        &page,
        &[
            "Wieder abgeschaltet",
            "Stand: 24. Januar 2023, 18:00 Uhr",
            "Nächste Information: 25. Januar 2023, 12:00 Uhr, auf dieser Seite und unter 115",
            "110",
            "112",
            "116 117",
            "Kurz gesagt",
            "E-Mail und Online-Dienste der Stadt sind wieder abgeschaltet",
            "So erreichen Sie uns",
            "E-Mail geht in keiner Richtung",
            "Was geht und was nicht",
            "Orte und Öffnungszeiten",
            "Was wir bisher festgestellt haben",
            "Was wir noch nicht wissen",
            "Verlauf",
            "Meldung 2",
            "Meldung 1",
            "Erste Meldung",
            "Überholt seit 24. Januar 2023, 18:00 Uhr:",
            "Auf dem Laufenden bleiben",
            "Woran Sie erkennen, dass diese Seite echt ist",
            "wer 115 anruft, kann vergleichen",
            "Stand 24. Januar 2023, 18:00 Uhr. Nächste Information bis 25. Januar 2023, 12:00 Uhr; ist es später",
            "Impressum",
        ],
    );
    assert!(!page.contains("Fragen und Antworten"), "what has no facts is left out");
}

#[test]
fn who_is_asked_first_stands_first() {
    let page = plain(&text(&case_a(AFTER_A), "potsdam/index.html"));
    let reach = page.split_once("So erreichen Sie uns").unwrap().1;
    // What works before what does not, and there a number to call before a fax.
    in_order(
        reach,
        &["115", "+49 30 23125100", "+49 30 23125101", "E-Mail an die Verwaltung"],
    );
    let notice = |n: u32| plain(&text(&case_a(AFTER_A), &format!("potsdam/2023-01-it/{n}/index.html")));
    in_order(&notice(1), &["Es gibt neuere Meldungen. Was jetzt gilt", "Meldung 1"]);
    assert!(!notice(2).contains("Es gibt neuere Meldungen"));
}

/// What a browser of 2016 does not know. It skips a declaration that has such a value, so a plain one stands before it.
#[test]
fn the_stylesheet_needs_nothing_younger_than_2016() {
    let css = include_str!("../../assets/page.css");
    for young in [
        "var(--",
        "grid",
        "gap:",
        "clamp(",
        "min(",
        "max(",
        "inset",
        "aspect-ratio",
        ":is(",
        ":where(",
        ":has(",
        ":focus-visible",
        "@supports",
        "@layer",
        "@container",
        "dvh",
        "svh",
        "-inline",
        "-block:",
        "rgb(from",
        "color-mix",
        "place-",
    ] {
        let found: Vec<_> = css.lines().filter(|line| line.contains(young)).collect();
        assert!(found.is_empty(), "{young}: {found:?}");
    }
    // `font` with a family of that time stands before the family of today.
    let body = css.lines().find(|line| line.starts_with("body{")).unwrap();
    in_order(body, &["font:1.0625rem", "Roboto", "font-family:system-ui"]);
}

#[test]
fn other_languages_stand_under_their_prefix_and_say_what_is_missing() {
    let site = case_a(AFTER_A);
    let english = text(&site, "en/potsdam/index.html");
    assert!(english.contains("<html lang=\"en\">"));
    let words = plain(&english);
    in_order(
        &words,
        &[
            "Switched off again",
            "As of: 24 January 2023, 18:00",
            "City e-mail and online services are switched off again",
        ],
    );
    assert!(
        english.contains("<span lang=\"de\">Online-Dienste</span>"),
        "facts without translation carry their language"
    );
    let missing = plain(&text(&case_c(), "en/soest/index.html"));
    assert!(
        missing.contains("This notice is not yet available in English; it is shown in German."),
        "{missing}"
    );
    assert!(text(&case_c(), "en/soest/index.html").contains("<span lang=\"de\">Soest: Bürgerbüro geschlossen"));
    let simple = plain(&text(&site, "de-simple/potsdam/index.html"));
    assert!(simple.contains("Das geht im Moment nicht."));
    let german = text(&site, "potsdam/index.html");
    assert!(german.contains("Einfache Sprache") && !german.contains("Leichte Sprache"));
}

#[test]
fn case_c_newest_first_and_the_first_report_superseded_in_words() {
    let site = case_c();
    let page = plain(&text(&site, "soest/2023-10-it/index.html"));
    let course = page.split_once("Verlauf").unwrap().1;
    in_order(
        course,
        &[
            "10:16 Uhr",
            "Meldung 4",
            "Soest (Stadt)",
            "10:08 Uhr",
            "Werl",
            "9:32 Uhr",
            "Lippetal",
            "8:15 Uhr",
            "Meldung 1",
            "Erste Meldung",
            "Soest (Stadt)",
            "Überholt seit 10:16 Uhr: Alle Ämter der Stadt Soest sind geöffnet",
            "Es gilt Meldung 4",
        ],
    );
    let before = page.split_once("Verlauf").unwrap().0;
    assert!(
        before.contains("112 Feuerwehr und Rettungsdienst erreichbar"),
        "{before}"
    );
    assert!(before.contains("Quelle: Kreis Soest, Leitstelle"));
    assert!(before.contains("Wir empfangen E-Mails, können aber keine senden."));
    let lippetal = plain(&text(&site, "soest/place/lippetal/index.html"));
    assert!(
        lippetal.contains("Bürgerbüro bis 17 Uhr") && !lippetal.contains("Standesamt"),
        "{lippetal}"
    );
    let notice = plain(&text(&site, "soest/2023-10-it/1/index.html"));
    in_order(
        &notice,
        &["Überholt seit 10:16 Uhr:", "Es gilt Meldung 4", "Alle Ämter"],
    );
}

#[test]
fn time_alone_shows_breach_and_unconfirmed_and_nothing_else() {
    assert_eq!(
        case_a("2023-01-24T18:00:00Z").files,
        case_a("2023-01-25T03:00:00Z").files,
        "same bytes at another time of day"
    );
    let soest = publisher("soest", "Kreis Soest");
    let late = site(
        &[source(&soest, &CASE_C, "2023-10-30T15:30:00Z")],
        "2023-10-30T15:30:00Z",
    );
    let page = plain(&text(&late, "index.html"));
    assert!(page.contains("angekündigt für 16:00 Uhr, verspätet"));
    assert!(page.contains("zunächst bis Montagmittag (seither nicht bestätigt)"));
    assert!(case_c().changes_at.is_some());
}

#[test]
fn without_an_incident_the_page_promises_nothing() {
    let quiet = site(&[source(&publisher("potsdam", "Potsdam"), &[], AFTER_A)], AFTER_A);
    let page = plain(&text(&quiet, "index.html"));
    assert!(page.contains("Hier informiert Potsdam, wenn Dienste ausfallen."));
    assert!(page.contains("Das heißt nicht, dass alles geht."));
    assert!(!text(&quiet, "index.html").contains("class=\"state ok\""), "no green");
    in_order(&page, &["Keine Meldung", "Im Notfall", "110", "112", "116 117"]);
}

#[test]
fn several_publishers_have_a_wall() {
    let sources = [
        source(&publisher("soest", "Kreis Soest"), &CASE_C, AFTER_C),
        source(&publisher("werl", "Werl"), &[], AFTER_C),
    ];
    let wall = plain(&text(&site(&sources, AFTER_C), "index.html"));
    in_order(
        &wall,
        &[
            "1 von 2: Eingeschränkt",
            "1 von 2: Keine Meldung",
            "Kreis Soest",
            "Eingeschränkt",
            "30. Oktober 2023, 10:16 Uhr",
            "Werl",
        ],
    );
}

#[test]
fn an_exercise_says_so_first_wherever_it_stands() {
    const NOW: &str = "2024-01-24T18:00:00Z";
    let site_of_it = exercise();
    let page = text(&site_of_it, "index.html");
    assert!(page.contains("<title>ÜBUNG: "));
    in_order(
        &plain(&page),
        &["Übung: Das ist kein echter Vorfall.", "ÜBUNG: Alles aus"],
    );
    assert!(plain(&text(&site_of_it, "potsdam/archive/index.html")).contains("ÜBUNG: Alles aus"));
    let simple = plain(&text(&site_of_it, "de-simple/potsdam/index.html"));
    in_order(
        &simple,
        &["Das ist nur eine Übung. Es ist nichts passiert.", "ÜBUNG: Alles aus"],
    );

    // Begun while something real is wrong, it is the newest incident and does not take its place.
    let real = "incident = \"echt\"\nstate = \"emergency\"\nheadline = \"Server aus\"\nsummary = \"Wirklich.\"";
    let only = |id: &str, name: &str, at: &str, notice: &str| source(&publisher(id, name), &[(at, notice)], NOW);
    let mut potsdam = only("potsdam", "Potsdam", "2024-01-02T08:00:00Z", EXERCISE);
    let before = only("potsdam", "Potsdam", "2024-01-01T08:00:00Z", real);
    potsdam.incidents.extend(before.incidents);
    let werl = only("werl", "Werl", "2024-01-02T08:00:00Z", EXERCISE);
    let site = site(&[potsdam, werl], NOW);
    in_order(
        &plain(&text(&site, "potsdam/index.html")),
        &["Notbetrieb", "Server aus", "Weitere Vorfälle", "ÜBUNG: Alles aus"],
    );
    in_order(
        &plain(&text(&site, "index.html")),
        &[
            "1 von 2: Notbetrieb",
            "1 von 2: ÜBUNG: Eingeschränkt",
            "Potsdam",
            "Notbetrieb",
            "Werl",
            "ÜBUNG: Eingeschränkt",
        ],
    );
}

#[test]
fn ugly_input_stays_text() {
    let site = site(&[ugly()], UGLY_NOW);
    for (path, file) in site.files.iter().filter(|(path, _)| path.ends_with(".html")) {
        let html = String::from_utf8(file.bytes.to_vec()).unwrap();
        for bad in [
            "<script",
            "<img",
            "<u>",
            "<i>",
            "href=\"javascript",
            "onerror=alert(1)>",
            "\u{7}",
        ] {
            assert!(!html.contains(bad), "{path} has {bad}");
        }
        assert!(!html.contains("style="), "{path}: the policy forbids style attributes");
    }
    insta::assert_snapshot!(
        "ugly_page",
        text(&site, "potsdam/index.html").replace(rundruf_css(), "CSS")
    );
}

fn rundruf_css() -> &'static str {
    include_str!("../../assets/page.css")
}

#[test]
fn no_forbidden_word_on_any_page() {
    for site in [case_a(AFTER_A), case_c(), exercise()] {
        for (path, file) in &site.files {
            let found = banned(&String::from_utf8_lossy(&file.bytes));
            assert!(found.is_empty(), "{path}: {found:?}");
        }
    }
}

#[test]
fn every_link_inside_the_site_leads_somewhere() {
    for site in [case_a(AFTER_A), case_c()] {
        for (path, file) in site
            .files
            .iter()
            .filter(|(path, _)| path.ends_with(".html") && *path != "404.html")
        {
            let html = String::from_utf8_lossy(&file.bytes).into_owned();
            for part in html.split("href=\"").skip(1) {
                let href = part.split('"').next().unwrap();
                if href.contains(':') {
                    continue;
                }
                let (target, anchor) = href.split_once('#').unwrap_or((href, ""));
                let base = url::Url::parse("http://x/").unwrap().join(path).unwrap();
                let mut to = base.join(target).unwrap().path()[1..].to_owned();
                if to.is_empty() || to.ends_with('/') {
                    to.push_str("index.html");
                }
                let there = site
                    .files
                    .get(&to)
                    .unwrap_or_else(|| panic!("{path} links to {href}, and {to} is not there"));
                if !anchor.is_empty() {
                    let id = format!("id=\"{anchor}\"");
                    assert!(
                        String::from_utf8_lossy(&there.bytes).contains(&id),
                        "{path} jumps to {href}"
                    );
                }
            }
        }
    }
}
