//! Facts as they stand, as blocks of a page: what they are called, what state they are in, what follows from it, in words.
//! What has no facts gives an empty list, and the template leaves the block out.

use jiff::Timestamp;
use serde::Serialize;

use crate::domain::facts::{Common, Event, Service};
use crate::domain::incident::{IncidentView, Live};
use crate::domain::words::{EventKind, ServiceState};
use crate::render::times::{Text, Voice};

/// How a state looks: one of five shapes and colours, always together with its word.
pub type Tone = &'static str;

/// A state in a word, with its look.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Badge {
    /// Word.
    pub word: String,
    /// `ok`, `part`, `off`, `later`, `note`.
    pub tone: Tone,
}

/// A sentence with where it comes from.
#[derive(Debug, Clone, Serialize)]
pub struct Line {
    /// Id within its table, for anchors.
    pub id: String,
    /// State or kind.
    pub badge: Option<Badge>,
    /// Name or question.
    pub name: Option<Text>,
    /// Text or answer.
    pub text: Option<Text>,
    /// Since, until, as-of and source, in words.
    pub meta: Vec<String>,
    /// Further reading.
    pub link: Option<String>,
}

/// One row of the table of services.
#[derive(Debug, Clone, Serialize)]
pub struct ServiceRow {
    /// Id.
    pub id: String,
    /// Name.
    pub name: Text,
    /// State.
    pub badge: Option<Badge>,
    /// What to do.
    pub r#do: Option<Text>,
    /// Sentences that follow from state, ways and step.
    pub lines: Vec<Text>,
    /// Since, until, as-of and source.
    pub meta: Vec<String>,
}

/// Look of a service's state.
fn service_tone(state: ServiceState) -> Tone {
    match state {
        ServiceState::Works => "ok",
        ServiceState::Limited
        | ServiceState::StartOnly
        | ServiceState::PaperOnly
        | ServiceState::Provisional
        | ServiceState::Emergency => "part",
        ServiceState::Off | ServiceState::OffPrecaution | ServiceState::RolledBack => "off",
        ServiceState::InPreparation | ServiceState::Postponed => "later",
    }
}

/// Look of an event's kind.
fn event_tone(kind: EventKind) -> Tone {
    match kind {
        EventKind::Happens => "ok",
        EventKind::Happened => "note",
        EventKind::Cancelled => "off",
    }
}

/// Builds blocks for one incident in one language at one moment.
#[derive(Debug)]
pub struct Blocks<'a> {
    /// Words and zone.
    pub voice: &'a Voice<'a>,
    /// The incident.
    pub view: &'a IncidentView,
    /// Only facts that concern this place (or none in particular).
    pub place: Option<&'a str>,
    /// Now, for contacts that will work from a time on.
    pub now: Timestamp,
}

impl Blocks<'_> {
    /// Whether a fact stands on this page: on a place's, only what concerns it or no place in particular.
    pub(super) fn concerns(&self, common: &Common) -> bool {
        self.place
            .is_none_or(|place| common.places.is_empty() || common.places.iter().any(|p| p == place))
    }

    /// "seit …", "bis …", "Stand …" where it differs from the incident's, "Quelle: …".
    pub(super) fn meta<T>(&self, live: &Live<T>, common: &Common) -> Vec<String> {
        let voice = self.voice;
        let mut meta = Vec::new();
        meta.extend(common.since.as_ref().map(|since| voice.since(since)));
        meta.extend(common.until.as_ref().map(|until| voice.until(until, live.unconfirmed)));
        if live.as_of != self.view.as_of {
            meta.push(voice.words.fill("as-of.fact", &[("when", &voice.as_of(live.as_of))]));
        }
        if let Some(source) = common.source.as_ref().and_then(|s| voice.source(s)) {
            meta.push(voice.words.fill("as-of.source", &[("source", &source)]));
        }
        meta
    }

    /// A word of a list with its look.
    pub(super) fn badge(&self, list: &str, word: &str, tone: Tone) -> Badge {
        Badge {
            word: self.voice.words.of_list(list, word).to_owned(),
            tone,
        }
    }

    /// A text put into a standing sentence; it keeps its language.
    pub(super) fn labelled(&self, key: &str, hole: &str, text: Text) -> Text {
        Text {
            text: self.voice.words.fill(key, &[(hole, &text.text)]),
            lang: text.lang,
        }
    }

    /// What works, what does not: what does not work first, since that is what people look for.
    pub fn services(&self) -> Vec<ServiceRow> {
        let mut rows: Vec<ServiceRow> = self
            .view
            .facts
            .service
            .iter()
            .filter(|(_, live)| self.concerns(&live.fact.common))
            .map(|(id, live)| self.service(id, live))
            .collect();
        rows.sort_by_key(|row| {
            let tone = row.badge.as_ref().map_or("note", |b| b.tone);
            ["off", "part", "later", "note", "ok"].iter().position(|t| *t == tone)
        });
        rows
    }

    fn service(&self, id: &str, live: &Live<Service>) -> ServiceRow {
        let (voice, fact) = (self.voice, &live.fact);
        let words = voice.words;
        let field = |name: &str, own| voice.field(&fact.common, name, own);
        let mut lines: Vec<Text> = Vec::new();
        let because = field("because", fact.because.as_ref());
        if let Some(state) = fact.state {
            lines.push(Text::own(words.of_list("means", state.word())));
        }
        if let Some(ways) = fact.ways.as_ref().filter(|ways| !ways.is_empty()) {
            let ways: Vec<String> = ways.iter().map(|w| words.of_list("way", w.word()).to_owned()).collect();
            let key = format!("ways.{}", fact.state.map_or("none", ServiceState::word));
            lines.push(Text::own(words.fill(&key, &[("ways", &words.list(&ways))])));
        }
        let mut push = |key: &str, hole: &str, text: Option<Text>| {
            lines.extend(text.map(|t| self.labelled(key, hole, t)));
        };
        push("step.stops-at", "step", field("stops_at", fact.stops_at.as_ref()));
        push("step.by", "by", field("by", fact.by.as_ref()));
        push("step.deadline", "text", field("deadline", fact.deadline.as_ref()));
        push("step.payment", "text", field("payment", fact.payment.as_ref()));
        let from = fact.workaround_from.as_ref().map(|w| Text::own(voice.when(w)));
        push("step.workaround-from", "when", from);
        lines.extend(because);
        ServiceRow {
            id: id.to_owned(),
            name: field("name", fact.name.as_ref()).unwrap_or_else(|| Text::own(id)),
            badge: fact.state.map(|s| self.badge("service", s.word(), service_tone(s))),
            r#do: field("do", fact.r#do.as_ref()),
            lines,
            meta: self.meta(live, &fact.common),
        }
    }

    /// Look and word of an event.
    pub(super) fn event_badge(&self, event: &Event) -> Option<Badge> {
        let kind = event.kind.unwrap_or(EventKind::Happened);
        (kind != EventKind::Happened).then(|| self.badge("event", kind.word(), event_tone(kind)))
    }
}

/// Whether an address may become a link: http and https, nothing that runs.
pub fn is_web(url: &str) -> bool {
    url::Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
}
