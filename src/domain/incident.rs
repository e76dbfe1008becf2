//! An incident as it stands at a moment: its notices folded into live facts, with what superseded what.
//! Pure: the same notices and the same moment give the same view.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::facts::{Assured, Contact, Event, Finding, Place, Question, Said, Service, Unknown};
use super::notice::Notice;
use super::publisher::Publisher;
use super::when::Next;
use super::words::IncidentState;

/// How a later notice took an earlier one's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Overtaken {
    /// `replaces`: superseded.
    Replaced,
    /// `takes_back`: true then, undone now.
    TakenBack,
    /// `corrects`: was wrong.
    Corrected,
    /// By a retraction.
    Retracted,
}

/// What happened to a notice later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fate {
    /// By which notice.
    pub by: u32,
    /// How.
    pub how: Overtaken,
    /// Since when (as-of of that notice).
    pub since: Timestamp,
}

/// What a notice did to one fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// First time.
    New,
    /// Fields replaced.
    Changed,
    /// Carried over as it was.
    Carried,
    /// Ended by this notice.
    Ended,
    /// Ran out of time.
    Expired,
}

/// One changed fact of a notice: table and id, and its name in the publisher's first language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FactChange {
    /// Table (`service`).
    pub table: &'static str,
    /// Id.
    pub id: String,
    /// Name or first words.
    pub name: String,
    /// What.
    pub change: Change,
}

/// A notice within its incident.
#[derive(Debug, Clone, Serialize)]
pub struct NoticeView {
    /// The notice.
    pub notice: Notice,
    /// What happened to it later; the first that did.
    pub fate: Option<Fate>,
    /// What it did to facts (new, changed, ended), in table order.
    pub changes: Vec<FactChange>,
}

/// A fact as it stands.
#[derive(Debug, Clone, Serialize)]
pub struct Live<T> {
    /// The fact, folded.
    pub fact: T,
    /// Notice that first gave it.
    pub first: u32,
    /// Notice that last touched it.
    pub touched: u32,
    /// As-of: its own, else that of the notice that last touched it.
    pub as_of: Timestamp,
    /// `until` with `confirm` has passed: show as unconfirmed.
    pub unconfirmed: bool,
    /// When time alone will change it (expiry, confirm, start of a `from` contact).
    pub changes_at: Option<Timestamp>,
}

/// All live facts (neither ended nor expired), each table by id.
#[derive(Debug, Clone, Default, Serialize)]
pub struct LiveFacts {
    /// Services.
    pub service: BTreeMap<String, Live<Service>>,
    /// Contacts.
    pub contact: BTreeMap<String, Live<Contact>>,
    /// Places.
    pub place: BTreeMap<String, Live<Place>>,
    /// Assured.
    pub assured: BTreeMap<String, Live<Assured>>,
    /// Not affected.
    pub unaffected: BTreeMap<String, Live<Assured>>,
    /// Findings.
    pub finding: BTreeMap<String, Live<Finding>>,
    /// Not known yet.
    pub unknown: BTreeMap<String, Live<Unknown>>,
    /// Questions.
    pub question: BTreeMap<String, Live<Question>>,
    /// Quotations.
    pub said: BTreeMap<String, Live<Said>>,
    /// Events.
    pub event: BTreeMap<String, Live<Event>>,
}

/// An incident at a moment.
#[derive(Debug, Clone, Serialize)]
pub struct IncidentView {
    /// Publisher's id.
    pub publisher: String,
    /// Incident's id.
    pub slug: String,
    /// Title: given, else the first notice's headline.
    pub title: String,
    /// State of the newest notice; `closed` where the incident was closed.
    pub state: IncidentState,
    /// An exercise.
    pub exercise: bool,
    /// Parent incident.
    pub parent: Option<String>,
    /// Notices, oldest first.
    pub notices: Vec<NoticeView>,
    /// Facts as they stand.
    pub facts: LiveFacts,
    /// Facts that ran out of time since the newest notice, for the preview.
    pub expired: Vec<FactChange>,
    /// The promise of the newest notice.
    pub next: Option<Next>,
    /// The promise has passed.
    pub overdue: bool,
    /// As-of of the newest notice.
    pub as_of: Timestamp,
    /// Closed since.
    pub closed: Option<Timestamp>,
    /// The next moment at which time alone changes this view.
    pub changes_at: Option<Timestamp>,
}

impl IncidentView {
    /// Folds notices (oldest first, of one incident; at least one, else `None`) at a moment.
    pub fn fold(
        publisher: &Publisher,
        notices: &[Notice],
        closed: Option<Timestamp>,
        now: Timestamp,
    ) -> Option<Self> {
        let _ = (publisher, closed, now);
        let newest = notices.last()?;
        Some(Self {
            publisher: newest.publisher.clone(),
            slug: newest.incident.clone(),
            title: newest.title.clone().unwrap_or_default(),
            state: newest.state,
            exercise: newest.exercise,
            parent: newest.parent.clone(),
            notices: notices
                .iter()
                .map(|n| NoticeView {
                    notice: n.clone(),
                    fate: None,
                    changes: Vec::new(),
                })
                .collect(),
            facts: LiveFacts::default(),
            expired: Vec::new(),
            next: newest.next.clone(),
            overdue: false,
            as_of: newest.as_of,
            closed,
            changes_at: None,
        })
    }
}
