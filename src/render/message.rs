//! A notice in one language, in words, independent of the channel: what every channel's text is made of.

use serde::Serialize;

use super::earlier::Earlier;
use super::times::{Text, Voice, clean};
use super::words::Words;
use crate::domain::incident::IncidentView;
use crate::domain::notice::{Notice, Scope, Words as Said};
use crate::domain::publisher::Publisher;
use crate::domain::words::Kind;
use crate::text::lang::Lang;

/// The words of one notice in one language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
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
    /// What the text has to begin with, with a space at its end: "ÜBUNG: ", "Berichtigung zu Meldung 2: ". Empty for most.
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
    /// True where headline or summary is missing in this language; they are of the first language and `language_note` says so.
    pub language_missing: bool,
    /// The sentence saying so.
    pub language_note: Option<String>,
    /// Of a digest: the notices that it sums up beside this one, newest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<Earlier>,
    /// The notice's facts in a few lines, for channels with room for them; empty until somebody fills it in (`formats::in_short`).
    #[serde(skip)]
    pub in_short: InShort,
    /// Which of the words are of another language.
    #[serde(skip)]
    pub foreign: Foreign,
}

/// An incident's facts in a few lines.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct InShort {
    /// What works and what does not, what does not work first.
    pub services: Vec<ShortLine>,
    /// Services left out.
    pub more: usize,
    /// How to reach the publisher, what works first.
    pub contacts: Vec<ShortLine>,
    /// The publisher's phone number, by which people can compare.
    pub phone: Option<String>,
}

/// One fact in a line: "Bürgeramt: Geht nicht. Bitte kommen Sie nicht."
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ShortLine {
    /// What it is called.
    pub name: Text,
    /// Its state in a word.
    pub state: Option<String>,
    /// What to do, or by what number: sentences that can stand behind each other.
    pub lines: Vec<Text>,
}

/// The words of a message that are of another language than its own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Foreign {
    /// The headline.
    pub headline: bool,
    /// The summary.
    pub summary: bool,
    /// The short text.
    pub short: bool,
    /// The body.
    pub body: bool,
}

impl Message {
    /// A notice of `view` in the delivered words; `site` is the public address without a slash at the end.
    /// [`super::Engine::message`] does the same with the words of the override folder.
    pub fn of(publisher: &Publisher, view: &IncidentView, notice: &Notice, lang: Lang, site: &str) -> Self {
        Self::in_words(Words::of(lang), publisher, view, notice, site)
    }

    /// A notice of `view` in these words.
    pub fn in_words(words: &Words, publisher: &Publisher, view: &IncidentView, notice: &Notice, site: &str) -> Self {
        let lang = words.lang;
        let first = publisher.first_language();
        let voice = Voice {
            words,
            zone: publisher.timezone.clone(),
            first,
        };
        let written_in = if notice.words.contains_key(&first) {
            first
        } else {
            notice.words.keys().next().copied().unwrap_or(first)
        };
        let (said, foreign) = in_language(notice, lang, written_in);
        let key = match (foreign.headline, foreign.summary) {
            (true, true) => Some("language.missing"),
            (false, false) => None,
            _ => Some("language.missing-part"),
        };
        let language_note = key.map(|key| {
            words.fill(
                key,
                &[
                    ("wanted", words.of_list("language", &format!("in-{lang}"))),
                    ("first", words.of_list("language", &format!("in-{written_in}"))),
                ],
            )
        });
        let summary = clean(&said.summary);
        Self {
            lang,
            publisher: publisher.id.clone(),
            publisher_name: clean(&publisher.name),
            incident: view.slug.clone(),
            number: notice.number,
            kind: notice.kind.word().to_owned(),
            lead: lead(words, notice),
            state: words.of_list("state", notice.state.word()).to_owned(),
            headline: clean(&said.headline),
            short: said.short.as_deref().map_or_else(|| summary.clone(), clean),
            summary,
            body_text: said.body.as_deref().map(|b| crate::text::markdown::to_plain(&clean(b))),
            body_html: said.body.as_deref().map(|b| crate::text::markdown::to_html(&clean(b))),
            as_of: words.fill("as-of.line", &[("when", &voice.moment(notice.as_of))]),
            next: notice.next.as_ref().map(|next| voice.next(next, notice.as_of)),
            places: match &notice.scope {
                Scope::All => Vec::new(),
                Scope::Named { places, .. } => places.iter().map(|id| place_name(&voice, view, id).text).collect(),
            },
            link: format!("{}/", notice_url(site, publisher, lang, &view.slug, notice.number)),
            language_missing: language_note.is_some(),
            language_note,
            earlier: Vec::new(),
            in_short: InShort::default(),
            foreign,
        }
    }

    /// The same for whoever has not got what it corrects: for them its words are no correction. An exercise stays one.
    pub fn as_first(&self, words: &Words) -> Self {
        let exercise = words.get("lead.exercise");
        let lead = match self.lead.starts_with(exercise) {
            true => exercise.to_owned(),
            false => String::new(),
        };
        Self { lead, ..self.clone() }
    }

    /// Canonical address of its incident.
    pub fn incident_link(&self) -> &str {
        let notice = format!("{}/", self.number);
        self.link.strip_suffix(&notice).unwrap_or(&self.link)
    }
}

/// The words of a notice in a language; each that is missing there as it stands in the language all of them are written in.
fn in_language(notice: &Notice, lang: Lang, written_in: Lang) -> (Said, Foreign) {
    let other = notice.words.get(&written_in).cloned().unwrap_or_default();
    let Some(mut own) = notice.words.get(&lang).cloned() else {
        let all = Foreign {
            headline: true,
            summary: true,
            short: true,
            body: true,
        };
        return (other, all);
    };
    let foreign = Foreign {
        headline: own.headline.is_empty(),
        summary: own.summary.is_empty(),
        short: own.short.is_none() && own.summary.is_empty(),
        body: own.body.is_none() && !own.whole(),
    };
    if foreign.short {
        own.short = other.short;
    }
    if foreign.body {
        own.body = other.body;
    }
    if foreign.headline {
        own.headline = other.headline;
    }
    if foreign.summary {
        own.summary = other.summary;
    }
    (own, foreign)
}

/// Address of a notice without its last slash. Languages but the publisher's first stand before the path (DESIGN 7).
fn notice_url(site: &str, publisher: &Publisher, lang: Lang, incident: &str, number: u32) -> String {
    let prefix = if lang == publisher.first_language() {
        String::new()
    } else {
        format!("/{lang}")
    };
    format!("{site}{prefix}/{}/{incident}/{number}", publisher.id)
}

/// What the text has to begin with.
pub fn lead(words: &Words, notice: &Notice) -> String {
    let mut lead = String::new();
    if notice.exercise {
        lead.push_str(words.get("lead.exercise"));
    }
    let list = match notice.kind {
        Kind::Notice => return lead,
        Kind::Correction => "lead.correction",
        Kind::Retraction => "lead.retraction",
    };
    if notice.corrects.is_empty() {
        lead.push_str(words.get(&format!("{list}-bare")));
    } else {
        let numbers: Vec<String> = notice.corrects.iter().map(u32::to_string).collect();
        lead.push_str(&words.fill(list, &[("numbers", &words.list(&numbers))]));
    }
    lead
}

/// The name of a place: as it stands, else as the newest notice that named it said, else its id.
pub fn place_name(voice: &Voice<'_>, view: &IncidentView, id: &str) -> Text {
    let live = view.facts.place.get(id).map(|live| &live.fact);
    let patches = view.notices.iter().rev().filter_map(|n| n.notice.facts.place.get(id));
    live.into_iter()
        .chain(patches)
        .find_map(|place| voice.field(&place.common, "name", place.name.as_ref()))
        .unwrap_or_else(|| Text::own(id))
}
