//! What every page has around its content: title, addresses, languages, feeds, foot. One [`Desk`] holds what all pages of one
//! publisher in one language share.

use jiff::Timestamp;
use serde::Serialize;

use super::links::{Links, root_from, tel};
use super::style::CSS;
use super::{PublisherSite, SiteFile};
use crate::domain::incident::IncidentView;
use crate::render::times::{Voice, clean};
use crate::render::words::Words;
use crate::render::{Engine, Escape, RenderError};
use crate::text::lang::Lang;

/// Media type of pages.
pub const HTML: &str = "text/html; charset=utf-8";

/// A page in another language.
#[derive(Debug, Clone, Serialize)]
pub struct OtherLanguage {
    /// Where.
    pub href: String,
    /// BCP 47.
    pub lang: &'static str,
    /// Its name in itself.
    pub label: String,
}

/// A phone number with what to dial.
#[derive(Debug, Clone, Serialize)]
pub struct Dial {
    /// As written.
    pub text: String,
    /// `tel:`.
    pub href: Option<String>,
}

/// Around the content.
#[derive(Debug, Clone, Serialize)]
pub struct Frame {
    /// BCP 47 of the page.
    pub lang: &'static str,
    /// Title.
    pub title: String,
    /// One sentence for search engines and previews.
    pub description: String,
    /// Canonical address.
    pub canonical: String,
    /// The stylesheet.
    pub css: &'static str,
    /// The way to the site's root, ending with a slash.
    pub root: String,
    /// The publisher's page.
    pub home: String,
    /// Publisher's name.
    pub name: String,
    /// An exercise.
    pub exercise: bool,
    /// Other languages.
    pub languages: Vec<OtherLanguage>,
    /// Folder of the feeds with a slash at its end.
    pub feeds: Option<String>,
    /// Words for people: until when this page holds.
    pub holds: String,
    /// Contact of the imprint.
    pub phone: Option<Dial>,
    /// There is an imprint page.
    pub imprint: bool,
}

/// Where the pages of one publisher in one language are made.
#[derive(Debug)]
pub struct Desk<'a> {
    /// Templates.
    pub engine: &'a Engine,
    /// Public address without a slash at its end.
    pub site: &'a str,
    /// Everybody on the site.
    pub all: &'a [PublisherSite],
    /// Who, and what.
    pub source: &'a PublisherSite,
    /// Words.
    pub words: &'a Words,
    /// Times.
    pub voice: Voice<'a>,
    /// Addresses.
    pub links: Links,
    /// Now.
    pub now: Timestamp,
}

impl<'a> Desk<'a> {
    /// For one publisher of `all` in one language.
    pub fn of(
        engine: &'a Engine,
        site: &'a str,
        all: &'a [PublisherSite],
        source: &'a PublisherSite,
        lang: Lang,
        now: Timestamp,
    ) -> Self {
        let words = engine.words(lang);
        Self {
            engine,
            site,
            all,
            source,
            words,
            voice: Voice {
                words,
                zone: source.publisher.timezone.clone(),
                first: source.publisher.first_language(),
            },
            links: Links::of(site, &source.publisher, lang),
            now,
        }
    }

    /// Language of the pages.
    pub fn lang(&self) -> Lang {
        self.words.lang
    }

    /// Incidents that are not closed, newest first; exercises after all that is real.
    pub fn open(&self) -> Vec<&'a IncidentView> {
        let mut open: Vec<_> = self.source.incidents.iter().filter(|i| i.closed.is_none()).collect();
        open.sort_by_key(|view| view.exercise);
        open
    }

    /// The name of a language in itself. "Leichte Sprache" may only be said where somebody has checked it.
    fn language_name(&self, lang: Lang) -> String {
        let checked = lang == Lang::DeSimple
            && self
                .open()
                .first()
                .and_then(|i| i.notices.last())
                .is_some_and(|n| n.notice.words.get(&lang).is_some_and(|w| w.checked_by.is_some()));
        let key = if checked { "easy" } else { lang.tag() };
        self.words.of_list("language", key).to_owned()
    }

    /// The frame of a page: `page` below the publisher (`2023-01-it/`), in a file.
    pub fn frame(&self, page: &str, file: &str, title: &str) -> Frame {
        let publisher = &self.source.publisher;
        let root = root_from(file);
        let languages = publisher
            .languages
            .iter()
            .filter(|lang| **lang != self.lang())
            .map(|&lang| OtherLanguage {
                href: format!("{root}{}", Links::of(self.site, publisher, lang).path(page)),
                lang: lang.html_lang(),
                label: self.language_name(lang),
            })
            .collect();
        let imprint = publisher.imprint.as_ref();
        let phone = imprint
            .map(|i| i.phone.clone())
            .filter(|p| !p.trim().is_empty())
            .or_else(|| publisher.phone.clone());
        let name = clean(&publisher.name);
        Frame {
            lang: self.lang().html_lang(),
            title: format!("{} – {name}", clean(title)),
            description: String::new(),
            canonical: self.links.url(page),
            css: CSS,
            home: format!("{root}{}", self.links.path("")),
            root,
            name,
            exercise: false,
            languages,
            feeds: None,
            holds: self.words.get("as-of.holds-none").to_owned(),
            phone: phone.map(|text| Dial { href: tel(&text), text }),
            imprint: imprint.is_some(),
        }
    }

    /// Until when a page about this incident holds, in words.
    pub fn holds(&self, view: &IncidentView) -> String {
        let as_of = self
            .words
            .fill("as-of.holds", &[("when", &self.voice.moment(view.as_of))]);
        let none = self.words.get("as-of.holds-none");
        let then = match (view.closed, &view.next) {
            // Nothing is promised any more.
            (Some(at), _) => {
                let day = self.voice.day(self.voice.local(at).date());
                format!("{}. {none}", self.words.fill("archive.closed", &[("when", &day)]))
            }
            (None, Some(next)) => {
                let vague = matches!(next.at, crate::domain::when::When::Vague { .. });
                let key = if vague { "as-of.holds-vague" } else { "as-of.holds-next" };
                self.words
                    .fill(key, &[("when", &self.voice.next_when(next, view.as_of))])
            }
            (None, None) => none.to_owned(),
        };
        format!("{as_of} {then}")
    }

    /// Renders a page.
    pub fn page<T: Serialize>(&self, template: &str, data: &T) -> Result<SiteFile, RenderError> {
        let html = self.engine.render(self.lang(), template, data, Escape::Html)?;
        Ok(SiteFile {
            bytes: html.into(),
            media_type: HTML,
        })
    }
}
