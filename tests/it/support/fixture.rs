//! Sites for tests: notice files read, filled in and folded as the product does it, at a fixed moment.

use jiff::Timestamp;
use rundruf::domain::draft::{Context, KnownIncident, read, resolve};
use rundruf::domain::incident::IncidentView;
use rundruf::domain::notice::Notice;
use rundruf::domain::publisher::{Imprint, Publisher};
use rundruf::formats::{PublisherSite, Site, render_site};
use rundruf::render::Engine;
use rundruf::text::lang::Lang;

/// The public address of the tests.
pub const SITE: &str = "https://info.potsdam.example";

/// A publisher with everything filled in; names and numbers are samples.
pub fn publisher(id: &str, name: &str) -> Publisher {
    Publisher {
        id: id.to_owned(),
        name: name.to_owned(),
        languages: vec![Lang::De, Lang::DeSimple, Lang::En],
        timezone: jiff::tz::TimeZone::get("Europe/Berlin").unwrap(),
        land: Some("BB".to_owned()),
        ars: None,
        phone: Some("115".to_owned()),
        own_domains: vec![format!("{id}.example")],
        parent: None,
        imprint: Some(Imprint {
            name: name.to_owned(),
            address: "Beispielstraße 1, 14469 Beispielstadt".to_owned(),
            represented_by: "Die Oberbürgermeisterin".to_owned(),
            phone: "+49 30 23125100".to_owned(),
            email: "post@stadt.example".to_owned(),
            responsible: "Die Pressestelle".to_owned(),
        }),
    }
}

/// The notices of these files, published in turn at their times (RFC 3339).
pub fn notices(publisher: &Publisher, files: &[(&str, &str)]) -> Vec<Notice> {
    let mut known: Vec<KnownIncident> = Vec::new();
    for (at, text) in files {
        let draft = read("fixture.toml", text.as_bytes()).unwrap_or_else(|p| panic!("{p:#?}\n{text}"));
        let context = Context {
            publishers: std::slice::from_ref(publisher),
            incidents: &known,
            now: at.parse().unwrap(),
        };
        let resolved = resolve(&draft, &context).unwrap_or_else(|p| panic!("{p:#?}\n{text}"));
        match known.iter_mut().find(|k| k.slug == resolved.notice.incident) {
            Some(incident) => incident.notices.push(resolved.notice),
            None => known.push(KnownIncident {
                publisher: publisher.id.clone(),
                slug: resolved.notice.incident.clone(),
                closed: false,
                exercise: resolved.notice.exercise,
                keys: Default::default(),
                notices: vec![resolved.notice],
            }),
        }
    }
    known.into_iter().flat_map(|k| k.notices).collect()
}

/// One incident of one publisher, folded at `now`.
pub fn source(publisher: &Publisher, files: &[(&str, &str)], now: &str) -> PublisherSite {
    let now: Timestamp = now.parse().unwrap();
    let notices = notices(publisher, files);
    let incidents = IncidentView::fold(publisher, &notices, None, now);
    PublisherSite {
        publisher: publisher.clone(),
        incidents: incidents.into_iter().collect(),
    }
}

/// Everything that text can do to a page and a feed, with what the reader of notice files refuses but an older store, an
/// API or a relay may still hold: control characters, an address that runs.
pub fn ugly() -> PublisherSite {
    let publisher = publisher("potsdam", "Ämter & <Söhne>");
    let mut notices = notices(&publisher, &UGLY);
    for words in notices.iter_mut().flat_map(|n| n.words.values_mut()) {
        words.summary = words
            .summary
            .replace("STEUERZEICHEN", "\u{7}\u{0}\u{fffe}\u{202e}\u{2028}");
    }
    for contact in notices.iter_mut().flat_map(|n| n.facts.contact.values_mut()) {
        contact.url = Some("javascript:alert(1)".to_owned());
    }
    let view = IncidentView::fold(&publisher, &notices, None, UGLY_NOW.parse().unwrap());
    PublisherSite {
        publisher,
        incidents: view.into_iter().collect(),
    }
}

/// A publisher for whom nothing is wrong: an exercise is all there is.
pub fn exercise() -> Site {
    const NOW: &str = "2024-01-24T18:00:00Z";
    let files = [("2024-01-02T08:00:00Z", EXERCISE)];
    site(&[source(&publisher("potsdam", "Potsdam"), &files, NOW)], NOW)
}

/// A notice of an exercise.
pub const EXERCISE: &str =
    "incident = \"probe\"\nexercise = true\nheadline = \"Alles aus\"\nsummary = \"Nur geprobt.\"";

/// When the ugly site is looked at.
pub const UGLY_NOW: &str = "2024-02-29T09:00:00Z";

/// The site of these publishers at `now`.
pub fn site(sources: &[PublisherSite], now: &str) -> Site {
    let engine = Engine::load(None).unwrap();
    let now: Timestamp = now.parse().unwrap();
    render_site(&engine, SITE, sources, now.as_millisecond()).unwrap()
}

/// The text of a file of the site.
pub fn text(site: &Site, path: &str) -> String {
    let file = site.files.get(path).unwrap_or_else(|| {
        panic!(
            "{path} is not there; there are {:#?}",
            site.files.keys().collect::<Vec<_>>()
        )
    });
    String::from_utf8(file.bytes.to_vec()).unwrap()
}

/// Writes the site into a folder.
pub fn write(site: &Site, folder: &std::path::Path) {
    for (path, file) in &site.files {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, &file.bytes).unwrap();
    }
}

/// Case A: 16 and 24 January (the second is the full example of the notice file).
pub const CASE_A: [(&str, &str); 2] = [
    ("2023-01-16T12:00:00Z", include_str!("fixture/a1.toml")),
    ("2023-01-24T17:05:00Z", include_str!("fixture/a2.toml")),
];

/// Case C, shortened: the city's statement, superseded by its own at 10:16, and two places.
pub const CASE_C: [(&str, &str); 4] = [
    ("2023-10-30T07:15:00Z", include_str!("fixture/c1.toml")),
    ("2023-10-30T08:32:00Z", include_str!("fixture/c2.toml")),
    ("2023-10-30T09:08:00Z", include_str!("fixture/c3.toml")),
    ("2023-10-30T09:16:00Z", include_str!("fixture/c4.toml")),
];

/// Two notices for [`ugly`].
const UGLY: [(&str, &str); 2] = [
    ("2024-02-29T07:00:00Z", include_str!("fixture/ugly1.toml")),
    ("2024-02-29T08:00:00Z", include_str!("fixture/ugly2.toml")),
];
