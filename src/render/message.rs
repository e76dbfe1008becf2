//! A notice in one language, in words, independent of the channel: what every channel's text is made of.

use serde::Serialize;

use crate::domain::incident::IncidentView;
use crate::domain::notice::Notice;
use crate::domain::publisher::Publisher;
use crate::text::lang::Lang;

/// The words of one notice in one language.
#[derive(Debug, Clone, Serialize)]
pub struct Message {
    /// Language.
    pub lang: Lang,
    /// Publisher's id.
    pub publisher: String,
    /// Publisher's name.
    pub publisher_name: String,
    /// Incident's id.
    pub incident: String,
    /// Notice number.
    pub number: u32,
    /// `notice`, `correction`, `retraction`.
    pub kind: String,
    /// What the text has to begin with: the word for exercise, "Berichtigung zu Meldung 2:", … Empty for most.
    pub lead: String,
    /// The incident's state in words.
    pub state: String,
    /// Headline.
    pub headline: String,
    /// Summary.
    pub summary: String,
    /// Short text: given, else the summary (to be shortened by the channel).
    pub short: String,
    /// Body as plain text.
    pub body_text: Option<String>,
    /// Body as sanitised HTML.
    pub body_html: Option<String>,
    /// "Stand: 24. Januar 2023, 18:00 Uhr".
    pub as_of: String,
    /// "Nächste Information: 25. Januar 2023, 12:00 Uhr, auf dieser Seite und unter 115".
    pub next: Option<String>,
    /// Names of the places it concerns; empty: all.
    pub places: Vec<String>,
    /// Canonical address of the notice.
    pub link: String,
    /// True where this language was missing; the words are of the first language and `language_note` says so.
    pub language_missing: bool,
    /// The sentence saying so.
    pub language_note: Option<String>,
}

impl Message {
    /// The newest notice of `view` in words; `site` is the public address without a slash at the end.
    pub fn of(
        publisher: &Publisher,
        view: &IncidentView,
        notice: &Notice,
        lang: Lang,
        site: &str,
    ) -> Self {
        let words = notice
            .words
            .get(&lang)
            .or_else(|| notice.words.values().next())
            .cloned()
            .unwrap_or_default();
        Self {
            lang,
            publisher: publisher.id.clone(),
            publisher_name: publisher.name.clone(),
            incident: view.slug.clone(),
            number: notice.number,
            kind: notice.kind.word().to_owned(),
            lead: String::new(),
            state: String::new(),
            headline: words.headline,
            short: words.short.unwrap_or_else(|| words.summary.clone()),
            summary: words.summary,
            body_text: words.body,
            body_html: None,
            as_of: String::new(),
            next: None,
            places: Vec::new(),
            link: format!("{site}/{}/{}/{}/", publisher.id, view.slug, notice.number),
            language_missing: false,
            language_note: None,
        }
    }
}
