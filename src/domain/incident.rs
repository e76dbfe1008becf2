//! An incident as it stands at a moment: its notices folded into live facts, with what superseded what.
//! Pure: the same notices and the same moment give the same view.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::facts::{Assured, Contact, Event, Finding, Place, Question, Said, Service, Unknown};
use super::fold::{Fold, change_of, retracted};
use super::notice::Notice;
use super::publisher::Publisher;
use super::schema::Table;
use super::when::Next;
use super::words::{IncidentState, Kind};

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
    /// `until` with `confirm` has passed: show as unconfirmed. (A contact with `from` whose `since` has passed has the state
    /// `works` here.)
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
    /// Facts that ran out of time since the notice before the newest (or were out of time when the newest gave them), for the
    /// preview.
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

/// Does the same for each table of live facts, in the order of the documentation.
macro_rules! each_table {
    ($facts:expr, |$table:ident, $live:ident| $body:expr) => {{
        each_table!(@ $facts, $table, $live, $body;
            Service service, Contact contact, Place place, Assured assured, Unaffected unaffected,
            Finding finding, Unknown unknown, Question question, Said said, Event event)
    }};
    (@ $facts:expr, $table:ident, $live:ident, $body:expr; $($name:ident $field:ident),+) => {{
        $({ let $table = Table::$name; let $live = &$facts.$field; $body })+
    }};
}

/// A live fact as it would stand in a notice file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenFact {
    /// Notice that last touched it.
    pub touched: u32,
    /// As-of.
    pub as_of: Timestamp,
    /// Its lines, the heading first.
    pub lines: Vec<String>,
}

impl LiveFacts {
    /// As they stand by these notices; what changed and what ran out of time gathers in the fold.
    pub fn of(fold: &mut Fold<'_>) -> Self {
        let mut facts = Self {
            service: fold.table(Table::Service, |facts| &facts.service),
            contact: fold.table(Table::Contact, |facts| &facts.contact),
            place: fold.table(Table::Place, |facts| &facts.place),
            assured: fold.table(Table::Assured, |facts| &facts.assured),
            unaffected: fold.table(Table::Unaffected, |facts| &facts.unaffected),
            finding: fold.table(Table::Finding, |facts| &facts.finding),
            unknown: fold.table(Table::Unknown, |facts| &facts.unknown),
            question: fold.table(Table::Question, |facts| &facts.question),
            said: fold.table(Table::Said, |facts| &facts.said),
            event: fold.table(Table::Event, |facts| &facts.event),
        };
        fold.start_contacts(&mut facts.contact);
        facts
    }

    /// Every live fact as it would stand in a notice file, in the order of the documentation.
    pub fn written(&self, publisher: &Publisher) -> Vec<WrittenFact> {
        let mut all = Vec::new();
        each_table!(self, |table, live| {
            all.extend(live.iter().map(|(id, live)| WrittenFact {
                touched: live.touched,
                as_of: live.as_of,
                lines: super::write::fact(table, id, &live.fact, publisher),
            }));
        });
        all
    }

    /// True where the table has a live fact of this id.
    pub fn contains(&self, table: Table, id: &str) -> bool {
        let mut found = false;
        each_table!(self, |each, live| found |= each == table && live.contains_key(id));
        found
    }

    /// The next moment at which time alone changes a fact.
    fn changes_at(&self) -> Option<Timestamp> {
        let mut next: Option<Timestamp> = None;
        each_table!(self, |_table, live| {
            let first = live.values().filter_map(|fact| fact.changes_at).min();
            next = next.into_iter().chain(first).min();
        });
        next
    }
}

impl IncidentView {
    /// Folds notices (oldest first, of one incident; at least one, else `None`) at a moment.
    pub fn fold(publisher: &Publisher, notices: &[Notice], closed: Option<Timestamp>, now: Timestamp) -> Option<Self> {
        let (first, newest) = (notices.first()?, notices.last()?);
        let tz = &publisher.timezone;
        let mut fold = Fold::new(notices, tz, now);
        let facts = LiveFacts::of(&mut fold);
        let fates = fates(notices);
        let mut changes = std::mem::take(&mut fold.changes);
        let promise = newest.next.as_ref().filter(|_| closed.is_none());
        let promise = promise.and_then(|next| next.at.over_at(tz));
        let changes_at = facts
            .changes_at()
            .into_iter()
            .chain(promise.filter(|at| *at > now))
            .min();
        let given_title = notices.iter().find_map(|notice| notice.title.clone());
        let headline = || {
            first
                .words
                .get(&publisher.first_language())
                .or_else(|| first.words.values().next())
        };
        Some(Self {
            publisher: newest.publisher.clone(),
            slug: newest.incident.clone(),
            title: given_title
                .or_else(|| headline().map(|w| w.headline.clone()))
                .unwrap_or_default(),
            state: if closed.is_some() {
                IncidentState::Closed
            } else {
                newest.state
            },
            exercise: newest.exercise,
            parent: notices.iter().rev().find_map(|notice| notice.parent.clone()),
            notices: notices
                .iter()
                .map(|notice| NoticeView {
                    notice: notice.clone(),
                    fate: fates.get(&notice.number).cloned(),
                    changes: changes.remove(&notice.number).unwrap_or_default(),
                })
                .collect(),
            facts,
            expired: fold.expired,
            next: newest.next.clone(),
            overdue: promise.is_some_and(|at| at <= now),
            as_of: newest.as_of,
            closed,
            changes_at,
        })
    }
}

/// What happened to each notice later; the first that did. What a retracted notice said about others never was.
fn fates(notices: &[Notice]) -> BTreeMap<u32, Fate> {
    let gone = retracted(notices);
    let mut fates = BTreeMap::new();
    for notice in notices.iter().filter(|notice| !gone.contains(&notice.number)) {
        let corrects = if notice.kind == Kind::Retraction {
            Overtaken::Retracted
        } else {
            Overtaken::Corrected
        };
        let lists = [
            (&notice.replaces, Overtaken::Replaced),
            (&notice.takes_back, Overtaken::TakenBack),
            (&notice.corrects, corrects),
        ];
        for (numbers, how) in lists {
            for number in numbers.iter().filter(|number| **number < notice.number) {
                let fate = Fate {
                    by: notice.number,
                    how,
                    since: notice.as_of,
                };
                // A retraction goes before everything: what it takes back is not even superseded.
                if how == Overtaken::Retracted {
                    fates.insert(*number, fate);
                } else {
                    fates.entry(*number).or_insert(fate);
                }
            }
        }
    }
    fates
}

/// What the preview shows of the newest notice: its changes (new, changed, ended), every fact carried over as it was, and
/// what ran out of time; each group in table order.
pub fn preview_changes(view: &IncidentView) -> Vec<FactChange> {
    let Some(newest) = view.notices.last() else {
        return Vec::new();
    };
    let mut all = newest.changes.clone();
    let told = |table: Table, id: &str| {
        newest
            .changes
            .iter()
            .any(|change| change.table == table.name() && change.id == id)
    };
    each_table!(view.facts, |table, live| {
        let carried = live.iter().filter(|(id, _)| !told(table, id));
        all.extend(carried.map(|(id, live)| change_of(table, id, Some(&live.fact), Change::Carried)));
    });
    all.extend(view.expired.iter().cloned());
    all
}
