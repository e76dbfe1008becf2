//! The wall of many publishers: what each of them has said last, worst first, with sums that lead to their rows.

use std::collections::BTreeMap;

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
    /// Only of the first row of a state.
    id: Option<String>,
    name: String,
    href: String,
    badge: Badge,
    as_of: Option<String>,
    machine: Option<String>,
}

/// How many are in a state.
#[derive(Serialize)]
struct Sum {
    words: String,
    /// Id of the first of their rows.
    id: String,
}

/// Whose imprint counts for the wall itself.
#[derive(Serialize)]
struct Operator {
    name: String,
    home: String,
}

#[derive(Serialize)]
struct Wall {
    lang: &'static str,
    css: &'static str,
    canonical: String,
    languages: Vec<OtherLanguage>,
    rows: Vec<WallRow>,
    sums: Vec<Sum>,
    operator: Option<Operator>,
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
        // The words are those of the wall, also about a publisher that does not speak its language.
        let desk = Desk::of(engine, site, publishers, source, lang, now);
        let links = Links::of(site, publisher, spoken(publisher, lang));
        let newest = desk.open().first().map(|view| {
            let mut badge = desk.state_badge(view.state);
            badge.word = match view.exercise {
                true => format!(
                    "{}{}",
                    words.get("lead.exercise"),
                    words.of_list("state", view.state.word())
                ),
                false => words.of_list("state", view.state.word()).to_owned(),
            };
            (badge, desk.voice.moment(view.as_of), desk.voice.machine(view.as_of))
        });
        let (badge, as_of, machine) = match newest {
            Some((badge, as_of, machine)) => (badge, Some(as_of), Some(machine)),
            None => (none(words), None, None),
        };
        rows.push(WallRow {
            id: None,
            name: clean(&publisher.name),
            href: format!("{root}{}", links.path("")),
            badge,
            as_of,
            machine,
        });
    }
    let mut sums: BTreeMap<(usize, String), usize> = BTreeMap::new();
    for row in &rows {
        *sums.entry((rank(row.badge.tone), row.badge.word.clone())).or_default() += 1;
    }
    rows.sort_by_cached_key(|r| (rank(r.badge.tone), r.badge.word.clone(), r.name.to_lowercase()));
    let mut first = 0;
    let mut jumps = Vec::new();
    for ((_, state), count) in sums {
        let id = format!("z{}", jumps.len() + 1);
        rows[first].id = Some(id.clone());
        first += count;
        jumps.push((state, count, id));
    }
    let total = rows.len().to_string();
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
        sums: jumps
            .into_iter()
            .map(|(state, count, id)| {
                let values = [("count", count.to_string()), ("total", total.clone()), ("state", state)];
                let words = words.fill("wall.sum", &values.each_ref().map(|(n, v)| (*n, v.as_str())));
                Sum { words, id }
            })
            .collect(),
        operator: operator(publishers).map(|publisher| Operator {
            name: clean(&publisher.name),
            home: format!("{root}{}", Links::of(site, publisher, spoken(publisher, lang)).path("")),
        }),
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

/// The language in which a publisher's pages are linked to.
fn spoken(publisher: &Publisher, lang: Lang) -> Lang {
    if publisher.languages.contains(&lang) {
        lang
    } else {
        publisher.first_language()
    }
}

/// The one above others, where it has an imprint: it runs the wall.
fn operator(publishers: &[PublisherSite]) -> Option<&Publisher> {
    let all = || publishers.iter().map(|source| &source.publisher);
    let above = |publisher: &&Publisher| all().any(|other| other.parent.as_ref() == Some(&publisher.id));
    all().find(|p| p.imprint.is_some() && p.parent.is_none() && above(p))
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
