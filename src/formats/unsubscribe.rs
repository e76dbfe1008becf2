//! The page behind the unsubscribe link of a mail, in the style of the site. It is made when asked for, never a file of the site.

use serde::Serialize;

use super::frame::{Desk, Frame};
use super::style::csp;
use super::{PublisherSite, SiteFile};
use crate::domain::publisher::Publisher;
use crate::render::{Engine, RenderError};
use crate::text::lang::Lang;

/// What the page says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnsubscribePage {
    /// Asks, with a button.
    Ask,
    /// It is done, now or earlier.
    Done,
    /// Nobody has this token.
    Unknown,
}

#[derive(Serialize)]
struct Data {
    frame: Frame,
    heading: String,
    ask: bool,
    done: bool,
    unknown: bool,
}

/// The page. Its address is `/PUBLISHER/unsubscribe/TOKEN`, so its links lead two steps up (three with a language before them).
pub fn unsubscribe_page(
    engine: &Engine,
    site_url: &str,
    publisher: &Publisher,
    lang: Lang,
    what: UnsubscribePage,
) -> Result<SiteFile, RenderError> {
    let source = PublisherSite {
        publisher: publisher.clone(),
        incidents: Vec::new(),
        parent: None,
    };
    // The moment plays no part: no incident is shown.
    let desk = Desk::of(
        engine,
        site_url,
        std::slice::from_ref(&source),
        &source,
        lang,
        jiff::Timestamp::UNIX_EPOCH,
    );
    let key = match what {
        UnsubscribePage::Ask => "unsubscribe.title",
        UnsubscribePage::Done => "unsubscribe.done-title",
        UnsubscribePage::Unknown => "unsubscribe.unknown-title",
    };
    let heading = desk.words.get(key).to_owned();
    let file = desk.links.path("unsubscribe/token");
    let mut frame = desk.frame("", &file, &heading);
    // The other languages have no address of their own here: a token is in no link.
    frame.languages.clear();
    let data = Data {
        frame,
        heading,
        ask: what == UnsubscribePage::Ask,
        done: what == UnsubscribePage::Done,
        unknown: what == UnsubscribePage::Unknown,
    };
    desk.page("unsubscribe", &data)
}

/// The policy of this page: as of every page, and its one button may send to where it came from.
pub fn unsubscribe_csp() -> String {
    csp().replace("form-action 'none'", "form-action 'self'")
}
