//! What stands around the facts: who publishes, what an incident is a part of, until when a page holds, the wall, the small state.

use rundruf::domain::incident::IncidentView;
use rundruf::domain::publisher::Publisher;
use rundruf::formats::{PublisherSite, Site};

use super::pages::{in_order, plain};
use super::support::fixture;
use fixture::{CASE_A, notices, publisher, site, source, text};

const AFTER_A: &str = "2023-01-24T18:00:00Z";
const AFTER_D: &str = "2023-11-21T09:00:00Z";
const PROVIDER: &str = include_str!("../../examples/d-sit/1-2023-11-20.toml");
const MUNICIPALITY: &str = include_str!("../../examples/d-sit/2-gemeinde-2023-11-21.toml");

fn provider() -> PublisherSite {
    let files = [("2023-11-20T11:05:00Z", PROVIDER)];
    source(&publisher("provider", "Südwestfalen-IT"), &files, AFTER_D)
}

/// One of the provider's municipalities.
fn municipality() -> PublisherSite {
    let publisher = Publisher {
        parent: Some("provider".to_owned()),
        land: Some("NW".to_owned()),
        official: vec!["https://social.example/@gemeinde".to_owned()],
        ..publisher("gemeinde", "Gemeinde Beispiel")
    };
    PublisherSite {
        parent: Some("Südwestfalen-IT".to_owned()),
        ..source(&publisher, &[("2023-11-21T08:05:00Z", MUNICIPALITY)], AFTER_D)
    }
}

fn german_pages(site: &Site) -> impl Iterator<Item = (&String, String)> {
    let german =
        |path: &&String| path.ends_with(".html") && !["404", "en/", "de-simple/"].iter().any(|p| path.starts_with(p));
    site.files
        .keys()
        .filter(german)
        .map(|path| (path, plain(&text(site, path))))
}

#[test]
fn every_page_says_until_when_it_holds_and_where_the_newest_is() {
    let quiet = source(&publisher("potsdam", "Potsdam"), &[], AFTER_A);
    let sites = [
        site(&[source(&publisher("potsdam", "Potsdam"), &CASE_A, AFTER_A)], AFTER_A),
        site(&[quiet], AFTER_A),
        site(&[provider(), municipality()], AFTER_D),
    ];
    for site in &sites {
        for (path, page) in german_pages(site) {
            let foot = page.split_once("Über diese Seite").expect(path).1;
            assert!(foot.contains("veraltet"), "{path}: {foot}");
            in_order(foot, &["Adresse dieser Seite: https://", "drucken"]);
        }
    }
}

#[test]
fn a_closed_incident_promises_nothing_in_the_foot_either() {
    let publisher = publisher("potsdam", "Potsdam");
    let closed = "2023-02-03T10:00:00Z".parse().unwrap();
    let notices = notices(&publisher, &CASE_A);
    let view = IncidentView::fold(&publisher, &notices, Some(closed), closed).unwrap();
    let source = PublisherSite {
        publisher,
        incidents: vec![view],
        parent: None,
    };
    let site = site(&[source], "2023-02-03T11:00:00Z");
    for path in ["potsdam/2023-01-it/index.html", "potsdam/2023-01-it/2/index.html"] {
        let page = plain(&text(&site, path));
        let foot = page.split_once("Über diese Seite").unwrap().1;
        assert!(!foot.contains("Nächste Information"), "{foot}");
        assert!(
            foot.contains("Abgeschlossen am 3. Februar 2023. Diese Kopie kann veraltet sein"),
            "{foot}"
        );
    }
}

#[test]
fn who_publishes_who_vouches_and_what_points_here() {
    let both = site(&[provider(), municipality()], AFTER_D);
    let page = text(&both, "gemeinde/index.html");
    let real = page.split_once("id=\"echt\"").unwrap().1;
    in_order(
        &plain(real),
        &[
            "Herausgeber dieser Seite: Gemeinde Beispiel, Nordrhein-Westfalen.",
            "Auch Südwestfalen-IT steht für diese Seite ein.",
            "verweisen hierher",
            "https://social.example/@gemeinde",
            "wer 115 anruft",
        ],
    );
    assert!(real.contains("href=\"../provider/\""), "{real}");
    let english = plain(&text(&both, "en/gemeinde/index.html"));
    assert!(
        english.contains("Published by Gemeinde Beispiel, North Rhine-Westphalia."),
        "{english}"
    );
    // Where the other one is no part of the site, it is named all the same.
    let alone = text(&site(&[municipality()], AFTER_D), "gemeinde/index.html");
    assert!(alone.contains("Auch Südwestfalen-IT steht") && !alone.contains("/provider/"));
}

#[test]
fn a_part_of_a_larger_incident_names_its_cause() {
    let both = site(&[provider(), municipality()], AFTER_D);
    for path in ["gemeinde/index.html", "gemeinde/2023-10-it/index.html"] {
        let page = text(&both, path);
        let top = page.split_once("id=\"notfall\"").unwrap().0;
        assert!(
            plain(top).contains("Teil eines größeren Vorfalls: Südwestfalen-IT: Ausfall des kommunalen Rechenzentrums"),
            "{top}"
        );
        assert!(top.contains("provider/2023-10-sit/\""), "{top}");
    }
    let alone = plain(&text(&site(&[municipality()], AFTER_D), "index.html"));
    assert!(
        alone.contains("Teil eines größeren Vorfalls: Südwestfalen-IT "),
        "{alone}"
    );
    let cause = plain(&text(&both, "provider/index.html"));
    assert!(!cause.contains("Teil eines größeren Vorfalls"));
}

#[test]
fn the_wall_jumps_to_each_state_and_has_an_imprint() {
    let quiet = |id: &str, name: &str| source(&publisher(id, name), &[], AFTER_D);
    let wall = text(
        &site(
            &[provider(), municipality(), quiet("werl", "Werl"), quiet("ense", "Ense")],
            AFTER_D,
        ),
        "index.html",
    );
    in_order(
        &wall,
        &[
            "<a href=\"#z1\">2 von 4: Notbetrieb</a>",
            "<a href=\"#z2\">2 von 4: Keine Meldung</a>",
            "id=\"z1\"",
            "Gemeinde Beispiel",
            "Südwestfalen-IT",
            "id=\"z2\"",
            "Ense",
            "Werl",
            "<footer>",
            "<a href=\"./provider/imprint/\">Impressum: Südwestfalen-IT</a>",
        ],
    );
    let nobody_above = text(
        &site(&[quiet("werl", "Werl"), quiet("ense", "Ense")], AFTER_D),
        "index.html",
    );
    assert!(nobody_above.contains("Das Impressum jeder Verwaltung steht auf ihrer Seite."));
}

#[test]
fn the_small_state_stays_small() {
    let publisher = publisher("potsdam", &"Landeshauptstadt ".repeat(20));
    let one = notices(&publisher, &CASE_A[..1]).remove(0);
    let incidents = (0..40).filter_map(|n| {
        let mut notice = one.clone();
        notice.incident = format!("2023-01-it-{n}");
        for words in notice.words.values_mut() {
            words.headline = "Ä".repeat(140 - n);
        }
        IncidentView::fold(&publisher, &[notice], None, AFTER_A.parse().unwrap())
    });
    let source = PublisherSite {
        incidents: incidents.collect(),
        publisher: publisher.clone(),
        parent: None,
    };
    let state = text(&site(&[source], AFTER_A), "potsdam/state.json");
    assert!(state.len() <= 2_000, "{}", state.len());
    let state: serde_json::Value = serde_json::from_str(&state).unwrap();
    assert_eq!(state["open_incidents"], 40);
    assert!(!state["incidents"].as_array().unwrap().is_empty());
}
