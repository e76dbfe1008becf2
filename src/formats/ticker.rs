//! The course of events: notices newest first, each with what it changed, for which places, and what has since taken its place.

use serde::Serialize;

use super::blocks::Badge;
use super::contacts::contact_name;
use super::frame::Desk;
use crate::domain::incident::{Change, FactChange, IncidentView, NoticeView, Overtaken};
use crate::domain::notice::Scope;
use crate::domain::schema::Table;
use crate::domain::words::IncidentState;
use crate::render::message::{Message, place_name};
use crate::render::times::{Text, clean};

/// What has taken a notice's place.
#[derive(Debug, Clone, Serialize)]
pub struct FateLine {
    /// "Überholt seit 10:16 Uhr:".
    pub words: String,
    /// Number of the successor.
    pub number: u32,
    /// Where it stands.
    pub href: String,
}

/// One fact a notice changed.
#[derive(Debug, Clone, Serialize)]
pub struct ChangeLine {
    /// What kind of fact.
    pub table: String,
    /// Its name.
    pub name: Text,
    /// What happened to it.
    pub change: String,
}

/// One notice as it stands in the ticker and on its own page.
#[derive(Debug, Clone, Serialize)]
pub struct Entry {
    /// Number.
    pub number: u32,
    /// Its own page.
    pub href: String,
    /// The incident's first notice.
    pub first: bool,
    /// The newest.
    pub newest: bool,
    /// As-of in words.
    pub when: String,
    /// As-of for machines.
    pub machine: String,
    /// State of the incident with it.
    pub badge: Badge,
    /// Names of places; empty: all.
    pub places: Vec<Text>,
    /// What has taken its place.
    pub fate: Option<FateLine>,
    /// "ÜBUNG: ", "Berichtigung zu Meldung 2: ".
    pub lead: String,
    /// Headline.
    pub headline: Text,
    /// Summary.
    pub summary: Text,
    /// Body, sanitised.
    pub body_html: Option<String>,
    /// Language of the body where it is not the page's.
    pub body_lang: Option<&'static str>,
    /// The sentence about a missing language.
    pub language_note: Option<String>,
    /// When it happened, since when.
    pub meta: Vec<String>,
    /// Facts new, changed, ended.
    pub changes: Vec<ChangeLine>,
    /// Promise of that notice.
    pub next: Option<String>,
}

/// Look of an incident's state.
pub fn state_tone(state: IncidentState) -> &'static str {
    match state {
        IncidentState::Reported => "note",
        IncidentState::Confirmed
        | IncidentState::Restricted
        | IncidentState::Emergency
        | IncidentState::PartlyRestored => "part",
        IncidentState::Precaution | IncidentState::RolledBack => "off",
        IncidentState::Postponed => "later",
        IncidentState::Restored => "ok",
        IncidentState::Closed => "note",
    }
}

/// Whether a notice concerns a place.
pub fn concerns(scope: &Scope, place: &str) -> bool {
    match scope {
        Scope::All => true,
        Scope::Named { places, .. } => places.is_empty() || places.iter().any(|p| p == place),
    }
}

impl Desk<'_> {
    /// The look of an incident's state.
    pub fn state_badge(&self, state: IncidentState) -> Badge {
        Badge {
            word: self.words.of_list("state", state.word()).to_owned(),
            tone: state_tone(state),
        }
    }

    /// Notices newest first; only those that concern a place where one is given. `root` leads to the site's root.
    pub fn ticker(&self, view: &IncidentView, place: Option<&str>, root: &str) -> Vec<Entry> {
        let shown = |number: u32| {
            view.notices
                .iter()
                .any(|n| n.notice.number == number && place.is_none_or(|p| concerns(&n.notice.scope, p)))
        };
        view.notices
            .iter()
            .rev()
            .filter(|n| shown(n.notice.number))
            .map(|n| {
                let mut entry = self.entry(view, n, root);
                // On the same page the successor is a jump away.
                if let Some(fate) = entry.fate.as_mut().filter(|f| shown(f.number)) {
                    fate.href = format!("#m{}", fate.number);
                }
                entry
            })
            .collect()
    }

    /// One notice.
    pub fn entry(&self, view: &IncidentView, n: &NoticeView, root: &str) -> Entry {
        let notice = &n.notice;
        let message = Message::in_words(self.words, &self.source.publisher, view, notice, self.site);
        let other = |foreign: bool| foreign.then(|| self.voice.first.html_lang());
        let page = |number: u32| format!("{root}{}", self.links.path(&format!("{}/{number}/", view.slug)));
        let text = |text: &str, foreign| Text {
            text: text.to_owned(),
            lang: other(foreign),
        };
        let fate = n.fate.as_ref().map(|fate| FateLine {
            words: self.words.fill(
                &format!("fate.{}", fate_word(fate.how)),
                &[("when", &self.voice.beside(fate.since, notice.as_of))],
            ),
            number: fate.by,
            href: page(fate.by),
        });
        let mut meta = Vec::new();
        if let Some(at) = &notice.at {
            meta.push(format!("{}: {}", self.words.get("page.happened"), self.voice.when(at)));
        }
        meta.extend(notice.since.as_ref().map(|since| sentence(&self.voice.since(since))));
        Entry {
            number: notice.number,
            href: page(notice.number),
            first: view.notices.first().is_some_and(|f| f.notice.number == notice.number),
            newest: view.notices.last().is_some_and(|l| l.notice.number == notice.number),
            when: self.voice.moment(notice.as_of),
            machine: self.voice.machine(notice.as_of),
            badge: self.state_badge(notice.state),
            places: match &notice.scope {
                Scope::All => Vec::new(),
                Scope::Named { places, .. } => places.iter().map(|id| place_name(&self.voice, view, id)).collect(),
            },
            fate,
            lead: message.lead.clone(),
            headline: text(&message.headline, message.foreign.headline),
            summary: text(&message.summary, message.foreign.summary),
            body_html: message.body_html,
            body_lang: other(message.foreign.body),
            language_note: message.language_note,
            meta,
            changes: n
                .changes
                .iter()
                .filter(|c| matches!(c.change, Change::New | Change::Changed | Change::Ended))
                .filter(|c| !has_left(view, c))
                .map(|c| self.change(view, c))
                .collect(),
            next: message.next,
        }
    }

    fn change(&self, view: &IncidentView, change: &FactChange) -> ChangeLine {
        let word = match change.change {
            Change::New => "new",
            Change::Changed => "changed",
            Change::Carried => "carried",
            Change::Ended => "ended",
            Change::Expired => "expired",
        };
        ChangeLine {
            table: self.words.of_list("table", change.table).to_owned(),
            name: self.fact_name(view, change.table, &change.id).unwrap_or_else(|| Text {
                text: clean(&change.name),
                lang: (self.lang() != self.voice.first).then(|| self.voice.first.html_lang()),
            }),
            change: self.words.of_list("change", word).to_owned(),
        }
    }

    /// The name of a fact in the page's language, where it still stands.
    fn fact_name(&self, view: &IncidentView, table: &str, id: &str) -> Option<Text> {
        let facts = &view.facts;
        match table {
            "service" => facts
                .service
                .get(id)
                .and_then(|l| self.voice.field(&l.fact.common, "name", l.fact.name.as_ref())),
            "contact" => {
                let live = facts.contact.get(id).map(|l| &l.fact);
                let given = view.notices.iter().rev().filter_map(|n| n.notice.facts.contact.get(id));
                let states: Vec<_> = live.into_iter().chain(given).collect();
                Some(contact_name(&self.voice, &states))
            }
            "place" => Some(place_name(&self.voice, view, id)).filter(|name| name.text != id),
            _ => None,
        }
    }
}

/// Whether a change must not be told any more: a private contact leaves the page with the end of the incident.
fn has_left(view: &IncidentView, change: &FactChange) -> bool {
    let mut given = view.notices.iter().rev();
    view.closed.is_some()
        && change.table == Table::Contact.name()
        && given.find_map(|n| n.notice.facts.contact.get(&change.id)?.private) == Some(true)
}

/// The key of a fate in the word lists.
pub fn fate_word(how: Overtaken) -> &'static str {
    match how {
        Overtaken::Replaced => "replaced",
        Overtaken::TakenBack => "taken-back",
        Overtaken::Corrected => "corrected",
        Overtaken::Retracted => "retracted",
    }
}

/// With a capital at its beginning.
fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    chars
        .next()
        .map(|c| c.to_uppercase().chain(chars).collect())
        .unwrap_or_default()
}
