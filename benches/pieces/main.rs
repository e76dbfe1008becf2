//! The pieces of a publication, one by one: `cargo bench --bench pieces`. They say where time goes when a ratio of the bench `lanes` or
//! `queues` has become worse; criterion compares with the last run on the same machine.
//!
//! The input is case C, the twelve notices of one day (examples/c-soest); of the store, a list of receivers (`queue`).

#[path = "../kit/mod.rs"]
#[allow(dead_code, reason = "each bench uses its part of it")]
mod kit;
mod queue;

use std::hint::black_box;
use std::path::Path;

use clap::ValueEnum;
use criterion::{Criterion, criterion_group, criterion_main};
use jiff::Timestamp;
use rundruf::domain::draft::{Context, KnownIncident, read, resolve};
use rundruf::domain::incident::IncidentView;
use rundruf::domain::publisher::Publisher;
use rundruf::formats::{Desk, PublisherSite, render_site};
use rundruf::render::{Engine, compose};
use rundruf::text::lang::Lang;
use rundruf::text::measure::{Platform, measure};
use rundruf::text::{mastodon, sms};

const SITE: &str = "https://info.soest.example";
/// When the last of them appeared.
const EVENING: &str = "2023-10-30T20:00:30+01:00";

/// The publisher, the files in order, and the incident they make.
struct Day {
    publisher: Publisher,
    files: Vec<Vec<u8>>,
    incident: KnownIncident,
    now: Timestamp,
}

impl Day {
    fn read() -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/c-soest");
        let mut names: Vec<_> = std::fs::read_dir(folder)
            .expect("the examples")
            .map(|entry| entry.expect("an entry").path())
            .collect();
        names.sort();
        let mut day = Self {
            publisher: publisher(),
            files: names.iter().map(|name| std::fs::read(name).expect("a file")).collect(),
            incident: KnownIncident {
                publisher: "soest".to_owned(),
                slug: "2023-10-30-it".to_owned(),
                closed: false,
                exercise: false,
                notices: Vec::new(),
                keys: Vec::new(),
            },
            now: EVENING.parse().expect("a moment"),
        };
        for file in day.files.clone() {
            let notice = day.fill_in(&file);
            day.incident.notices.push(notice);
        }
        day
    }

    /// Reads a file and fills it in, as the next notice of the incident.
    fn fill_in(&self, file: &[u8]) -> rundruf::domain::notice::Notice {
        let draft = read("notice.toml", file).expect("an example");
        let known = std::slice::from_ref(&self.incident);
        let context = Context {
            publishers: std::slice::from_ref(&self.publisher),
            incidents: if self.incident.notices.is_empty() { &[] } else { known },
            now: self.now,
        };
        resolve(&draft, &context).expect("an example").notice
    }

    fn view(&self) -> IncidentView {
        IncidentView::fold(&self.publisher, &self.incident.notices, None, self.now).expect("notices")
    }
}

fn publisher() -> Publisher {
    Publisher {
        id: "soest".to_owned(),
        name: "Kreis Soest".to_owned(),
        languages: vec![Lang::De, Lang::DeSimple, Lang::En],
        timezone: jiff::tz::TimeZone::get("Europe/Berlin").expect("a zone"),
        land: None,
        ars: None,
        phone: Some("115".to_owned()),
        own_domains: Vec::new(),
        parent: None,
        official: Vec::new(),
        imprint: None,
    }
}

fn time<T>(c: &mut Criterion, name: &str, mut work: impl FnMut() -> T) {
    c.bench_function(name, |bencher| bencher.iter(&mut work));
}

/// From the file to the notice, the incident and the texts.
fn texts(c: &mut Criterion) {
    let day = Day::read();
    let engine = Engine::load(None).expect("templates");
    let last = day.files.last().expect("twelve");
    time(c, "templates, compiled", || Engine::load(None));
    time(c, "notice, read and filled in", || day.fill_in(black_box(last)));
    time(c, "incident, folded from 12 notices", || day.view());

    let view = day.view();
    let notice = &view.notices.last().expect("twelve").notice;
    let message = engine.message(&day.publisher, &view, notice, Lang::De, SITE);
    let unit = |text: &str| mastodon::length("", text);
    let post = |limit| compose::short_text(&engine, &message, "post", limit, &unit, "graphemes", false);
    time(c, "post of 500 graphemes", || post(black_box(500)));
    time(c, "post, shortened to 200", || post(black_box(200)));
    let unit = |text: &str| sms::measure(text).segments as usize;
    let sms = |limit| compose::short_text(&engine, &message, "sms", limit, &unit, "parts", true);
    time(c, "sms of at most two parts", || sms(black_box(2)));
}

/// Each service's own way of counting.
fn lengths(c: &mut Criterion) {
    let sentence =
        "Störung 🚒 der „Bürgerdienste“: https://info.soest.example/2023-10-30-it/ @kreis@soest.example #Soest. ";
    let text = sentence.repeat(3);
    for platform in Platform::value_variants() {
        let name = format!("length on {}", format!("{platform:?}").to_lowercase());
        time(c, &name, || measure(*platform, black_box(&text), ""));
    }
}

/// Every page and every feed of the day, in three languages; the three feeds of one page by themselves.
fn site(c: &mut Criterion) {
    let day = Day::read();
    let engine = Engine::load(None).expect("templates");
    let source = [PublisherSite {
        publisher: day.publisher.clone(),
        incidents: vec![day.view()],
        parent: None,
    }];
    let now = day.now.as_millisecond();
    time(c, "site and feeds of 12 notices", || {
        render_site(&engine, SITE, black_box(&source), now)
    });
    let views: Vec<&IncidentView> = source[0].incidents.iter().collect();
    let desk = Desk::of(&engine, SITE, &source, &source[0], Lang::De, day.now);
    time(c, "RSS, Atom and JSON feed of 12 notices", || {
        desk.feeds("", "Kreis Soest", black_box(&views), None)
    });
}

criterion_group!(pieces, texts, lengths, site, queue::queue);
criterion_main!(pieces);
