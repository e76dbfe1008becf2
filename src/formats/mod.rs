//! Floor 2: what is published as files: pages, feeds, the small state. Pure: values in, files out.

mod atom;
mod blocks;
mod contacts;
mod feeds;
mod frame;
mod in_short;
mod json_feed;
mod known;
mod links;
pub mod manifest;
mod now;
pub mod qr;
mod real;
mod rss_feed;
pub mod sheet;
mod small;
mod state_json;
mod style;
mod ticker;
mod unsubscribe;
mod wall;
pub mod well_known;

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use bytes::Bytes;

use crate::clock::{Ms, timestamp};
use crate::domain::incident::IncidentView;
use crate::domain::notice::Scope;
use crate::domain::publisher::Publisher;
use crate::render::message::place_name;
use crate::render::{Engine, RenderError};
use crate::text::lang::Lang;
pub use frame::Desk;
pub use in_short::in_short;
pub use style::csp;
pub use unsubscribe::{UnsubscribePage, unsubscribe_csp, unsubscribe_page};

/// How long a copy may be shown without asking. A correction must be seen soon; a proxy in front still takes the load of a rush.
pub const CACHE_CONTROL: &str = "public, max-age=30";

/// One file of the site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SiteFile {
    /// Content.
    pub bytes: Bytes,
    /// Media type with charset.
    pub media_type: &'static str,
}

/// A whole site: path without a leading slash (`potsdam/index.html`) to file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Site {
    /// Files.
    pub files: BTreeMap<String, SiteFile>,
    /// When the newest state it tells of was published; nothing while there is none. Not the time of making: the same content
    /// is the same site.
    pub as_of: Option<Ms>,
    /// The next moment at which time alone changes a file.
    pub changes_at: Option<Ms>,
    /// What identifies the files, where somebody has looked already: each target needs to know.
    pub known: BTreeMap<String, manifest::Entry>,
}

/// One publisher's part of the site.
#[derive(Debug, Clone)]
pub struct PublisherSite {
    /// Who.
    pub publisher: Publisher,
    /// Incidents, newest first, folded at the moment of building.
    pub incidents: Vec<IncidentView>,
    /// Name of the publisher above it, also where that one is no part of the site.
    pub parent: Option<String>,
}

/// Whose site is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SiteOf<'a> {
    /// What `serve` answers and `export` writes: every publisher. An exercise is part of it only where every website of its
    /// publisher gets exercises.
    Everybody,
    /// What goes to the targets of this website channel: its publishers, exercises where it gets them.
    Channel(&'a str),
}

/// Builds the site from the store as it is now. Implemented where store and templates meet (floor 4).
#[async_trait]
pub trait SiteBuilder: Send + Sync {
    /// The site at `now`.
    async fn build(&self, of: SiteOf<'_>, now: Ms) -> Result<Site, SiteError>;
}

/// Why the site cannot be built; the old one stays.
#[derive(Debug, thiserror::Error)]
#[error("the site cannot be built: {0}")]
pub struct SiteError(pub String);

/// Renders a site. `site_url` is the public address without a slash at the end.
///
/// The same values give the same bytes at any time of day: `now` only decides what time has changed (see
/// [`IncidentView::changes_at`]), and no page says "today".
pub fn render_site(
    engine: &Engine,
    site_url: &str,
    publishers: &[PublisherSite],
    now: Ms,
) -> Result<Site, RenderError> {
    let site_url = site_url.trim_end_matches('/');
    let now = timestamp(now);
    let mut site = Site::default();
    for source in publishers {
        for &lang in &languages_of(source) {
            let desk = Desk::of(engine, site_url, publishers, source, lang, now);
            publisher_pages(&desk, &mut site.files)?;
            if let [_] = publishers {
                let prefix = if lang == source.publisher.first_language() {
                    String::new()
                } else {
                    format!("{lang}/")
                };
                let file = format!("{prefix}index.html");
                site.files.insert(file.clone(), front(&desk, &file)?);
            }
        }
        let first_language = source.publisher.first_language();
        let first = Desk::of(engine, site_url, publishers, source, first_language, now);
        let path = format!("{}/state.json", source.publisher.id);
        site.files.insert(path, first.state_json());
    }
    let spoken: BTreeSet<Lang> = publishers.iter().flat_map(languages_of).collect();
    let front_language = publishers.first().map_or(Lang::De, |p| p.publisher.first_language());
    if publishers.len() != 1 {
        let mut languages = vec![front_language];
        languages.extend(spoken.into_iter().filter(|l| *l != front_language));
        for &lang in &languages {
            let (file, page) = wall::wall(engine, site_url, publishers, lang, &languages, now)?;
            site.files.insert(file, page);
        }
    }
    let not_found = small::not_found(engine, site_url, front_language)?;
    site.files.insert("404.html".to_owned(), not_found);
    let views = || publishers.iter().flat_map(|p| &p.incidents);
    let changes = views().filter_map(|view| view.changes_at);
    site.changes_at = changes.min().map(jiff::Timestamp::as_millisecond);
    site.as_of = views().map(|view| view.as_of.as_millisecond()).max();
    Ok(site)
}

/// The publisher's languages; German where none is configured.
fn languages_of(source: &PublisherSite) -> Vec<Lang> {
    if source.publisher.languages.is_empty() {
        vec![Lang::De]
    } else {
        source.publisher.languages.clone()
    }
}

/// The publisher's page: the newest open incident, or the sentence that there is none.
fn front(desk: &Desk<'_>, file: &str) -> Result<SiteFile, RenderError> {
    match desk.open().first() {
        Some(view) => desk.now_page(view, "", file, None),
        None => desk.quiet_page(file),
    }
}

/// Every file of one publisher in one language.
fn publisher_pages(desk: &Desk<'_>, files: &mut BTreeMap<String, SiteFile>) -> Result<(), RenderError> {
    let views: Vec<&IncidentView> = desk.source.incidents.iter().collect();
    let home = desk.links.file("");
    files.insert(home.clone(), front(desk, &home)?);
    files.extend([desk.archive_page()?]);
    files.extend(desk.duty_pages()?);
    let name = crate::render::times::clean(&desk.source.publisher.name);
    files.extend(desk.feeds("", &name, &views, None)?);
    for view in &views {
        let page = format!("{}/", view.slug);
        let file = desk.links.file(&page);
        let html = desk.now_page(view, &page, &file, None)?;
        files.insert(file, html);
        let title = format!("{name}: {}", desk.title(view).text);
        files.extend(desk.feeds(&page, &title, &[view], None)?);
        for notice in &view.notices {
            files.extend([desk.notice_page(view, notice)?]);
        }
    }
    for place in places(&views) {
        let page = format!("place/{place}/");
        let file = desk.links.file(&page);
        let about = |view: &&&IncidentView| place_ids(view).contains(&place);
        let Some(newest) = views.iter().find(about) else {
            continue;
        };
        let place_name = place_name(&desk.voice, newest, &place);
        let open = desk.open();
        // A place of an exercise does not hide what is real, wherever that is.
        let first = open.first();
        let alike = |view: &&&IncidentView| first.is_some_and(|first| view.exercise == first.exercise);
        let shown = open.iter().filter(alike).find(about).or(first);
        let html = match shown {
            Some(view) => desk.now_page(view, &page, &file, Some((&place, place_name.clone())))?,
            None => desk.quiet_page(&file)?,
        };
        files.insert(file, html);
        let title = format!("{name}, {}", place_name.text);
        files.extend(desk.feeds(&page, &title, &views, Some(&place))?);
    }
    Ok(())
}

/// Every place these incidents name.
fn places(views: &[&IncidentView]) -> BTreeSet<String> {
    views.iter().flat_map(|view| place_ids(view)).collect()
}

/// The places an incident names: by a fact of their own or in the scope of a notice.
fn place_ids(view: &IncidentView) -> BTreeSet<String> {
    let mut ids = BTreeSet::new();
    for n in &view.notices {
        ids.extend(n.notice.facts.place.keys().cloned());
        if let Scope::Named { places, .. } = &n.notice.scope {
            ids.extend(places.iter().cloned());
        }
    }
    ids
}
