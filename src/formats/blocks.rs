//! Facts as they stand, as blocks of a page: what they are called, what state they are in, what follows from it, in words.
//! What has no facts gives an empty list, and the template leaves the block out.

use jiff::Timestamp;
use serde::Serialize;

use super::links::tel;
use crate::domain::facts::{Common, Event, Service};
use crate::domain::incident::{IncidentView, Live};
use crate::domain::when::When;
use crate::domain::words::{ContactState, EventKind, ServiceState};
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

/// A way to reach the publisher.
#[derive(Debug, Clone, Serialize)]
pub struct Contact {
    /// Id.
    pub id: String,
    /// Name.
    pub name: Text,
    /// State.
    pub badge: Option<Badge>,
    /// Numbers and addresses.
    pub ways: Vec<ContactWay>,
    /// Sentences: hours, direction of mail, note.
    pub lines: Vec<Text>,
    /// Labelled sentences: what a sender sees, what happens afterwards.
    pub labelled: Vec<(String, Text)>,
    /// Since, until, as-of and source.
    pub meta: Vec<String>,
}

/// One number or address of a contact.
#[derive(Debug, Clone, Serialize)]
pub struct ContactWay {
    /// Word for the way, where the name does not say it.
    pub label: Option<String>,
    /// As written.
    pub text: String,
    /// Where it leads; missing where it does not work now.
    pub href: Option<String>,
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
    fn concerns(&self, common: &Common) -> bool {
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

    fn badge(&self, list: &str, word: &str, tone: Tone) -> Badge {
        Badge {
            word: self.voice.words.of_list(list, word).to_owned(),
            tone,
        }
    }

    /// Whether a contact is one of the emergency numbers, which have a block of their own.
    fn is_emergency(phone: Option<&String>) -> bool {
        phone
            .and_then(|p| tel(p))
            .is_some_and(|t| matches!(t.as_str(), "tel:110" | "tel:112" | "tel:116117"))
    }

    /// The state of an emergency number: only from a fact with source.
    pub fn emergency_state(&self, number: &str) -> Option<(Badge, Vec<String>)> {
        self.view.facts.contact.values().find_map(|live| {
            let fact = &live.fact;
            let state = fact.state?;
            fact.common.source.as_ref()?;
            (fact.phone.as_deref().and_then(tel)? == number).then_some(())?;
            let (key, tone) = match state {
                ContactState::Works => ("reachable", "ok"),
                ContactState::Limited => ("limited-reachable", "part"),
                ContactState::Off | ContactState::From => ("unreachable", "off"),
            };
            let mut meta = self.meta(live, &fact.common);
            if live.as_of == self.view.as_of {
                let as_of = self.voice.as_of(live.as_of);
                meta.insert(0, self.voice.words.fill("as-of.fact", &[("when", &as_of)]));
            }
            Some((self.badge("page", key, tone), meta))
        })
    }

    /// How to reach us.
    pub fn contacts(&self) -> Vec<Contact> {
        let closed = self.view.closed.is_some();
        let contacts = self.view.facts.contact.iter();
        let mut contacts: Vec<Contact> = contacts
            .filter(|(_, live)| self.concerns(&live.fact.common))
            .filter(|(_, live)| !(closed && live.fact.private == Some(true)))
            .filter(|(_, live)| !Self::is_emergency(live.fact.phone.as_ref()))
            .map(|(id, live)| self.contact(id, live))
            .collect();
        // Who looks for a number, looks for one that works.
        contacts.sort_by_key(|contact| {
            let tone = contact.badge.as_ref().map_or("note", |b| b.tone);
            ["ok", "part", "note", "later", "off"].iter().position(|t| *t == tone)
        });
        contacts
    }

    fn contact(&self, id: &str, live: &Live<crate::domain::facts::Contact>) -> Contact {
        let (voice, fact) = (self.voice, &live.fact);
        let words = voice.words;
        let field = |name: &str, own| voice.field(&fact.common, name, own);
        // A promised number never looks as if it worked before its time.
        let later = fact.state == Some(ContactState::From) && !self.begun(fact.common.since.as_ref());
        let dead = later || fact.state == Some(ContactState::Off);
        let badge = fact.state.map(|state| match state {
            ContactState::Works => self.badge("contact", "works", "ok"),
            ContactState::Limited => self.badge("contact", "limited", "part"),
            ContactState::Off => self.badge("contact", "off", "off"),
            ContactState::From if later => Badge {
                word: fact.common.since.as_ref().map_or_else(
                    || words.get("contact.later").to_owned(),
                    |when| words.fill("contact.from", &[("when", &voice.when(when))]),
                ),
                tone: "later",
            },
            ContactState::From => self.badge("contact", "works", "ok"),
        });
        let mut ways = Vec::new();
        let mut way = |kind: &str, text: Option<&String>, href: Option<String>| {
            if let Some(text) = text.filter(|t| !t.trim().is_empty()) {
                ways.push(ContactWay {
                    label: Some(words.of_list("kind", kind).to_owned()),
                    text: crate::render::times::clean(text),
                    href,
                });
            }
        };
        let live_href = |href: Option<String>| href.filter(|_| !dead);
        way(
            "phone",
            fact.phone.as_ref(),
            live_href(fact.phone.as_deref().and_then(tel)),
        );
        way("fax", fact.fax.as_ref(), None);
        let mailto = fact.email.as_ref().map(|mail| format!("mailto:{mail}"));
        way(
            "email",
            fact.email.as_ref(),
            mailto.filter(|_| !dead && fact.receives != Some(false)),
        );
        way("address", fact.address.as_ref(), None);
        let web = fact.url.as_ref().filter(|url| is_web(url));
        way("url", web, web.cloned());
        let name = field("name", fact.name.as_ref());
        if name.is_none() && ways.len() == 1 {
            ways[0].label = None;
        }
        let name = name.unwrap_or_else(|| {
            let first = [
                ("phone", &fact.phone),
                ("fax", &fact.fax),
                ("email", &fact.email),
                ("address", &fact.address),
            ]
            .into_iter()
            .find(|(_, value)| value.is_some())
            .map_or("url", |(kind, _)| kind);
            Text::own(words.of_list("kind", first))
        });
        // "Fax: +49 …" under the heading "Fax" would say it twice.
        for way in &mut ways {
            if way.label.as_ref() == Some(&name.text) {
                way.label = None;
            }
        }
        let mail = match (fact.receives, fact.sends) {
            (Some(true), Some(true)) => Some("both"),
            (Some(true), Some(false)) => Some("receive"),
            (Some(false), Some(true)) => Some("send"),
            (Some(false), Some(false)) => Some("none"),
            (Some(true), None) => Some("receives"),
            (Some(false), None) => Some("not-receives"),
            (None, Some(true)) => Some("sends"),
            (None, Some(false)) => Some("not-sends"),
            (None, None) => None,
        };
        let mut lines: Vec<Text> = Vec::new();
        lines.extend(mail.map(|key| Text::own(words.of_list("mail", key))));
        lines.extend(field("hours", fact.hours.as_ref()).map(|t| self.labelled("contact.hours", "hours", t)));
        lines.extend(field("note", fact.note.as_ref()));
        let labelled = [
            ("mail.sees", field("sender_sees", fact.sender_sees.as_ref())),
            ("mail.afterwards", field("afterwards", fact.afterwards.as_ref())),
        ];
        let mut meta = self.meta(live, &fact.common);
        if later && !meta.is_empty() && fact.common.since.is_some() {
            meta.remove(0);
        }
        Contact {
            id: id.to_owned(),
            name,
            badge,
            ways,
            lines,
            labelled: labelled
                .into_iter()
                .filter_map(|(key, text)| Some((words.get(key).to_owned(), text?)))
                .collect(),
            meta,
        }
    }

    /// Whether a time has come. Vague ones count from their latest moment; without one nobody knows.
    fn begun(&self, since: Option<&When>) -> bool {
        match since {
            Some(When::Exact { at }) => *at <= self.now,
            Some(When::Day { date }) => *date <= self.voice.local(self.now).date(),
            Some(When::Vague { before, from, .. }) => before.or(*from).is_some_and(|at| at <= self.now),
            None => false,
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

    pub(super) fn listed(&self, common: &Common) -> bool {
        self.concerns(common)
    }

    pub(super) fn word(&self, list: &str, word: &str, tone: Tone) -> Badge {
        self.badge(list, word, tone)
    }
}

/// Whether an address may become a link: http and https, nothing that runs.
pub fn is_web(url: &str) -> bool {
    url::Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
}
