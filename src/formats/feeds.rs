//! What the three feeds have in common: one entry per notice, newest first, with an id that never changes. Entries that a later
//! notice overtook say so in their title, because many readers show nothing else.

use jiff::Timestamp;

use super::frame::Desk;
use super::ticker::{concerns, fate_word};
use super::{SiteFile, atom, json_feed, rss_feed};
use crate::domain::incident::{IncidentView, NoticeView};
use crate::render::RenderError;
use crate::render::message::Message;
use crate::text::links;

/// Entries a feed holds at most. Readers poll often and on bad lines; what is older stands in the archive.
const NEWEST: usize = 100;

/// One notice in a feed.
#[derive(Debug, Clone)]
pub struct Entry {
    /// `tag:` address (RFC 4151), the same for ever.
    pub id: String,
    /// Page of the notice.
    pub url: String,
    /// Headline with what it has to begin with.
    pub title: String,
    /// Plain text.
    pub summary: String,
    /// Content.
    pub html: String,
    /// Publication.
    pub published: Timestamp,
    /// Publication, or when a later notice overtook it.
    pub updated: Timestamp,
    /// Names of places.
    pub places: Vec<String>,
}

/// A feed before it takes a format.
#[derive(Debug, Clone)]
pub struct Feed {
    /// `tag:` address of the feed.
    pub id: String,
    /// Title.
    pub title: String,
    /// Who.
    pub author: String,
    /// Page it belongs to.
    pub page: String,
    /// Folder of the feed files, with a slash at its end.
    pub folder: String,
    /// Language for feeds (BCP 47).
    pub lang: &'static str,
    /// What this feed is for, in a sentence.
    pub about: String,
    /// Newest change of an entry.
    pub updated: Timestamp,
    /// Newest first.
    pub entries: Vec<Entry>,
}

impl Desk<'_> {
    /// The three feed files of the notices of `views` under `page`; only those that concern `place` where one is given.
    pub fn feeds(
        &self,
        page: &str,
        name: &str,
        views: &[&IncidentView],
        place: Option<&str>,
    ) -> Result<Vec<(String, SiteFile)>, RenderError> {
        let mut entries: Vec<Entry> = views
            .iter()
            .flat_map(|view| {
                view.notices
                    .iter()
                    .filter(|n| place.is_none_or(|p| concerns(&n.notice.scope, p)))
                    .map(|n| self.feed_entry(view, n))
            })
            .collect();
        entries.sort_by(|a, b| {
            b.published
                .cmp(&a.published)
                .then_with(|| b.url.len().cmp(&a.url.len()))
                .then_with(|| b.url.cmp(&a.url))
        });
        entries.truncate(NEWEST);
        let updated = entries.iter().map(|e| e.updated).max();
        let feed = Feed {
            id: format!("tag:{},2020:{}", self.host(), self.links.path(page)),
            title: self.words.fill("feed.title", &[("name", name)]),
            author: crate::render::times::clean(&self.source.publisher.name),
            page: self.links.url(page),
            folder: self.links.url(page),
            lang: self.lang().html_lang(),
            about: self.words.fill("quiet.purpose", &[("name", name)]),
            // A feed without entries has no time of its own; any fixed one is as good, and the same bytes come out.
            updated: updated.unwrap_or(Timestamp::UNIX_EPOCH),
            entries,
        };
        let file = |kind: &str| self.links.path(&format!("{page}feed.{kind}"));
        Ok(vec![
            (file("rss"), rss_feed::write(&feed, self)?),
            (file("atom"), atom::write(&feed, self)?),
            (file("json"), json_feed::write(&feed, self)?),
        ])
    }

    fn host(&self) -> String {
        links::host(self.site).unwrap_or_else(|| "localhost".to_owned())
    }

    fn feed_entry(&self, view: &IncidentView, n: &NoticeView) -> Entry {
        let notice = &n.notice;
        let m = Message::in_words(self.words, &self.source.publisher, view, notice, self.site);
        let mut updated = notice.published;
        let mut title = format!("{}{}", m.lead, m.headline);
        let mut html = String::new();
        let mut summary = String::new();
        if let Some(fate) = &n.fate {
            let word = self.words.get(match fate_word(fate.how) {
                "replaced" => "fate.title-replaced",
                "taken-back" => "fate.title-taken-back",
                "corrected" => "fate.title-corrected",
                _ => "fate.title-retracted",
            });
            title.insert_str(0, word);
            let by = view.notices.iter().find(|later| later.notice.number == fate.by);
            updated = updated.max(by.map_or(fate.since, |later| later.notice.published));
            let since = self.voice.beside(fate.since, notice.as_of);
            let key = format!("fate.{}", fate_word(fate.how));
            let says = self.words.fill(&key, &[("when", &since)]);
            let successor = self.words.fill("fate.successor", &[("number", &fate.by.to_string())]);
            let href = self.links.url(&format!("{}/{}/", view.slug, fate.by));
            html.push_str(&format!(
                "<p><strong>{}</strong> <a href=\"{href}\">{}</a></p>",
                escape(&says),
                escape(&successor)
            ));
            summary.push_str(&format!("{says} {successor}. "));
        }
        summary.push_str(&m.summary);
        let mut line = |text: &str| html.push_str(&format!("<p>{}</p>", escape(text)));
        if let Some(note) = &m.language_note {
            line(note);
        }
        line(&format!("{}. {}", m.state, m.as_of));
        line(&m.summary);
        if let Some(body) = &m.body_html {
            html.push_str(body);
        }
        let mut line = |text: &str| html.push_str(&format!("<p>{}</p>", escape(text)));
        if !m.places.is_empty() {
            line(
                &self
                    .words
                    .fill("page.for-place", &[("place", &self.words.list(&m.places))]),
            );
        }
        if let Some(next) = &m.next {
            line(next);
        }
        let day = notice.published.to_zoned_datetime(jiff::tz::TimeZone::UTC).date();
        let page = format!("{}/{}", view.slug, notice.number);
        Entry {
            id: format!("tag:{},{day}:{}", self.host(), self.links.path(&page)),
            url: m.link,
            title,
            summary,
            html,
            published: notice.published,
            updated,
            places: m.places,
        }
    }
}

/// Text as HTML content.
fn escape(text: &str) -> String {
    handlebars::html_escape(text)
}
