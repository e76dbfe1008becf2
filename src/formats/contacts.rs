//! How to reach the publisher: numbers and addresses with their state, hours and what happens to mail; and what is known of the
//! emergency numbers.

use serde::Serialize;

use super::blocks::{Badge, Blocks, is_web};
use super::links::{mailto, tel};
use crate::domain::facts::Contact as Fact;
use crate::domain::incident::Live;
use crate::domain::when::When;
use crate::domain::words::ContactState;
use crate::render::times::{Text, Voice, clean};

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

/// Whether a contact is one of the emergency numbers, which have a block of their own.
fn is_emergency(phone: Option<&String>) -> bool {
    phone
        .and_then(|p| tel(p))
        .is_some_and(|t| matches!(t.as_str(), "tel:110" | "tel:112" | "tel:116117"))
}

/// The word list's key for what a contact says about the directions of mail.
fn mail_key(fact: &Fact) -> Option<&'static str> {
    match (fact.receives, fact.sends) {
        (Some(true), Some(true)) => Some("both"),
        (Some(true), Some(false)) => Some("receive"),
        (Some(false), Some(true)) => Some("send"),
        (Some(false), Some(false)) => Some("none"),
        (Some(true), None) => Some("receives"),
        (Some(false), None) => Some("not-receives"),
        (None, Some(true)) => Some("sends"),
        (None, Some(false)) => Some("not-sends"),
        (None, None) => None,
    }
}

/// The ways to reach somebody in the order in which people look for one: a number to call, a door, then the rest.
const WAYS: [&str; 5] = ["phone", "address", "email", "url", "fax"];

/// The first way that a contact has, by its place in [`WAYS`].
fn first_way(fact: &Fact) -> Option<usize> {
    [&fact.phone, &fact.address, &fact.email, &fact.url, &fact.fax]
        .iter()
        .position(|way| way.is_some())
}

/// What a contact is called: its name, else the word for its first way ("Telefon"); never its number, which may have to
/// leave the page one day. Of several states of it the first that says something counts.
pub(super) fn contact_name(voice: &Voice<'_>, states: &[&Fact]) -> Text {
    let name = |fact: &&Fact| voice.field(&fact.common, "name", fact.name.as_ref());
    states.iter().find_map(name).unwrap_or_else(|| {
        let way = states.iter().find_map(|fact| first_way(fact));
        Text::own(way.map_or_else(
            || voice.words.of_list("table", "contact"),
            |way| voice.words.of_list("kind", WAYS[way]),
        ))
    })
}

impl Blocks<'_> {
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

    /// How to reach us: what works first, and there the numbers to call.
    pub fn contacts(&self) -> Vec<Contact> {
        let closed = self.view.closed.is_some();
        let mut contacts: Vec<_> = self
            .view
            .facts
            .contact
            .iter()
            .filter(|(_, live)| self.concerns(&live.fact.common))
            .filter(|(_, live)| !(closed && live.fact.private == Some(true)))
            .filter(|(_, live)| !is_emergency(live.fact.phone.as_ref()))
            .map(|(id, live)| (first_way(&live.fact), self.contact(id, live)))
            .collect();
        contacts.sort_by_key(|(way, contact)| {
            let tone = contact.badge.as_ref().map_or("note", |b| b.tone);
            let tone = ["ok", "part", "note", "later", "off"].iter().position(|t| *t == tone);
            (tone, way.unwrap_or(WAYS.len()))
        });
        contacts.into_iter().map(|(_, contact)| contact).collect()
    }

    fn contact(&self, id: &str, live: &Live<Fact>) -> Contact {
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
        let mut ways = self.ways(fact, dead);
        let name = field("name", fact.name.as_ref());
        if name.is_none() && ways.len() == 1 {
            ways[0].label = None;
        }
        let name = name.unwrap_or_else(|| contact_name(voice, &[fact]));
        // "Fax: +49 …" under the heading "Fax" would say it twice.
        for way in &mut ways {
            if way.label.as_ref() == Some(&name.text) {
                way.label = None;
            }
        }
        let mut lines: Vec<Text> = Vec::new();
        lines.extend(mail_key(fact).map(|key| Text::own(words.of_list("mail", key))));
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

    /// Numbers and addresses; what is `dead` leads nowhere.
    fn ways(&self, fact: &Fact, dead: bool) -> Vec<ContactWay> {
        let mut ways = Vec::new();
        let mut way = |kind: &str, text: Option<&String>, href: Option<String>| {
            if let Some(text) = text.filter(|t| !t.trim().is_empty()) {
                ways.push(ContactWay {
                    label: Some(self.voice.words.of_list("kind", kind).to_owned()),
                    text: clean(text),
                    href,
                });
            }
        };
        let number = fact.phone.as_deref().and_then(tel).filter(|_| !dead);
        way("phone", fact.phone.as_ref(), number);
        way("fax", fact.fax.as_ref(), None);
        let mail = fact.email.as_deref().and_then(mailto);
        let mail = mail.filter(|_| !dead && fact.receives != Some(false));
        way("email", fact.email.as_ref(), mail);
        way("address", fact.address.as_ref(), None);
        let web = fact.url.as_ref().filter(|url| is_web(url));
        way("url", web, web.filter(|_| !dead).cloned());
        ways
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
}
