//! The wall of many publishers: a table by state and name, with sums that lead into it.

use serde::Serialize;

use super::blocks::Badge;
use super::frame::{Desk, HTML, OtherLanguage};
use super::links::{Links, root_from};
use super::style::CSS;
use super::{PublisherSite, SiteFile};
use crate::domain::publisher::Publisher;
use crate::render::times::clean;
use crate::render::words::Words;
use crate::render::{Engine, Escape, RenderError};
use crate::text::lang::Lang;

#[derive(Serialize)]
struct WallRow {
    id: String,
    name: String,
    href: String,
    badge: Badge,
    as_of: Option<String>,
    machine: Option<String>,
}

#[derive(Serialize)]
struct Wall {
    lang: &'static str,
    css: &'static str,
    canonical: String,
    languages: Vec<OtherLanguage>,
    rows: Vec<WallRow>,
    sums: Vec<WallSum>,
}

/// How many are in a state, and the first of them to jump to.
#[derive(Serialize)]
struct WallSum {
    words: String,
    first: String,
}

/// The wall of many publishers: worst state first, then by name.
pub fn wall(
    engine: &Engine,
    site: &str,
    publishers: &[PublisherSite],
    lang: Lang,
    languages: &[Lang],
    now: jiff::Timestamp,
) -> Result<(String, SiteFile), RenderError> {
    let words = engine.words(lang);
    let prefix = |l: Lang| {
        if l == languages[0] {
            String::new()
        } else {
            format!("{l}/")
        }
    };
    let file = format!("{}index.html", prefix(lang));
    let root = root_from(&file);
    let mut rows = Vec::new();
    for source in publishers {
        let publisher: &Publisher = &source.publisher;
        let spoken = if publisher.languages.contains(&lang) {
            lang
        } else {
            publisher.first_language()
        };
        // The words are those of the wall, also about a publisher that does not speak its language.
        let desk = Desk::of(engine, site, source, lang, now);
        let newest = desk.open().first().map(|view| {
            let mut badge = desk.state_badge(view.state);
            badge.word.insert_str(0, desk.exercise_lead(view));
            (badge, desk.voice.moment(view.as_of), desk.voice.machine(view.as_of))
        });
        let (badge, as_of, machine) = match newest {
            Some((badge, as_of, machine)) => (badge, Some(as_of), Some(machine)),
            None => (none(words), None, None),
        };
        rows.push(WallRow {
            id: publisher.id.clone(),
            name: clean(&publisher.name),
            href: format!("{root}{}", Links::of(site, publisher, spoken).path("")),
            badge,
            as_of,
            machine,
        });
    }
    rows.sort_by_cached_key(|r| (rank(r.badge.tone), r.badge.word.clone(), r.name.to_lowercase()));
    let data = Wall {
        lang: lang.html_lang(),
        css: CSS,
        canonical: format!("{site}/{}", prefix(lang)),
        languages: languages
            .iter()
            .filter(|l| **l != lang)
            .map(|&l| OtherLanguage {
                href: format!("{root}{}", prefix(l)),
                lang: l.html_lang(),
                label: words.of_list("language", l.tag()).to_owned(),
            })
            .collect(),
        sums: sums(words, &rows),
        rows,
    };
    let html = engine.render(lang, "wall", &data, Escape::Html)?;
    Ok((
        file,
        SiteFile {
            bytes: html.into(),
            media_type: HTML,
        },
    ))
}

/// "61 von 72: Notbetrieb" for each state, in the order of the rows.
fn sums(words: &Words, rows: &[WallRow]) -> Vec<WallSum> {
    let total = rows.len().to_string();
    rows.chunk_by(|a, b| a.badge == b.badge)
        .map(|alike| {
            let count = alike.len().to_string();
            let state = &alike[0].badge.word;
            WallSum {
                words: words.fill("wall.sum", &[("count", &count), ("total", &total), ("state", state)]),
                first: alike[0].id.clone(),
            }
        })
        .collect()
}

fn none(words: &Words) -> Badge {
    Badge {
        word: words.get("wall.none").to_owned(),
        tone: "note",
    }
}

fn rank(tone: &str) -> usize {
    ["off", "part", "later", "ok", "note"]
        .iter()
        .position(|t| *t == tone)
        .unwrap_or(5)
}
