//! One table of facts, folded over the notices of an incident: what holds, what ended, what ran out of time.

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::facts::{Contact, Fact, Facts};
use super::incident::{Change, FactChange, Live};
use super::notice::Notice;
use super::schema::Table;
use super::when::Until;
use super::words::{ContactState, Kind};

/// How long "assured" holds without an `until` (NOTICE.md).
const ASSURED: SignedDuration = SignedDuration::from_hours(24);

/// Numbers of the notices taken back by a retraction that stands itself.
pub fn retracted(notices: &[Notice]) -> BTreeSet<u32> {
    let mut gone = BTreeSet::new();
    // From the newest back: a retraction that was retracted takes nothing back.
    for notice in notices.iter().rev() {
        if notice.kind == Kind::Retraction && !gone.contains(&notice.number) {
            gone.extend(notice.corrects.iter().filter(|n| **n < notice.number));
        }
    }
    gone
}

/// The fold of all tables at a moment; changes and expiries gather as the tables are folded one by one.
pub struct Fold<'a> {
    notices: Vec<&'a Notice>,
    tz: &'a TimeZone,
    now: Timestamp,
    /// What each notice did to facts, by number, in the order of folding.
    pub changes: BTreeMap<u32, Vec<FactChange>>,
    /// What ran out of time since the notice before the newest.
    pub expired: Vec<FactChange>,
}

impl<'a> Fold<'a> {
    /// Over these notices (oldest first), of which the retracted ones never were.
    pub fn new(notices: &'a [Notice], tz: &'a TimeZone, now: Timestamp) -> Self {
        let gone = retracted(notices);
        Self {
            notices: notices.iter().filter(|n| !gone.contains(&n.number)).collect(),
            tz,
            now,
            changes: BTreeMap::new(),
            expired: Vec::new(),
        }
    }

    /// The live facts of one table.
    pub fn table<T: Fact>(
        &mut self,
        table: Table,
        of: fn(&Facts) -> &BTreeMap<String, T>,
    ) -> BTreeMap<String, Live<T>> {
        let mut live: BTreeMap<String, Live<T>> = BTreeMap::new();
        for notice in self.notices.clone() {
            for (id, patch) in of(&notice.facts) {
                // What had run out before this notice does not come back by it: it begins anew.
                let before = live.remove(id);
                let before = before.filter(|old| self.ends_at(table, old).is_none_or(|end| end > notice.published));
                let (after, change) = patched(before, patch, notice);
                if let Some(change) = change {
                    let named = after.as_ref().ok().or(after.as_ref().err()).map(|live| &live.fact);
                    let entry = change_of(table, id, named, change);
                    self.changes.entry(notice.number).or_default().push(entry);
                }
                if let Ok(after) = after {
                    live.insert(id.clone(), after);
                }
            }
        }
        live.retain(|id, fact| self.settle(table, id, fact));
        live
    }

    /// When the fact ends by itself.
    fn ends_at<T: Fact>(&self, table: Table, live: &Live<T>) -> Option<Timestamp> {
        match &live.fact.common().until {
            Some(Until::At { when }) => when.over_at(self.tz),
            Some(Until::FurtherNotice | Until::Confirm { .. }) => None,
            None => (table == Table::Assured).then(|| live.as_of.checked_add(ASSURED).unwrap_or(Timestamp::MAX)),
        }
    }

    /// Says what time alone does to a fact; false where it has run out.
    fn settle<T: Fact>(&mut self, table: Table, id: &str, live: &mut Live<T>) -> bool {
        let ends = self.ends_at(table, live);
        if let Some(end) = ends.filter(|end| *end <= self.now) {
            let newest = self.notices.last().map_or(0, |n| n.number);
            let previous = self.notices.iter().rev().nth(1).map(|n| n.published);
            if live.touched == newest || previous.is_none_or(|at| end > at) {
                self.expired
                    .push(change_of(table, id, Some(&live.fact), Change::Expired));
            }
            return false;
        }
        let confirm = match &live.fact.common().until {
            Some(Until::Confirm { at, .. }) => Some(*at),
            _ => None,
        };
        live.unconfirmed = confirm.is_some_and(|at| at <= self.now);
        let future = [ends, confirm].into_iter().flatten().filter(|at| *at > self.now);
        live.changes_at = future.min();
        true
    }

    /// Contacts that are to work from a time on: before it they stay `from`, after it they work.
    pub fn start_contacts(&self, contacts: &mut BTreeMap<String, Live<Contact>>) {
        for live in contacts.values_mut() {
            if live.fact.state != Some(ContactState::From) {
                continue;
            }
            let since = live.fact.common.since.as_ref().and_then(|when| when.begins_at(self.tz));
            match since {
                Some(at) if at <= self.now => live.fact.state = Some(ContactState::Works),
                Some(at) => live.changes_at = Some(live.changes_at.map_or(at, |other| other.min(at))),
                // "From Monday on" without a moment: only a later notice can say that it works.
                None => {}
            }
        }
    }
}

/// A patch laid over what was there: `Ok` the live fact, `Err` the ended one; and what changed.
fn patched<T: Fact>(before: Option<Live<T>>, patch: &T, notice: &Notice) -> (Result<Live<T>, Live<T>>, Option<Change>) {
    let as_of = patch.common().as_of.unwrap_or(notice.as_of);
    let mut fact = patch.clone();
    let mut first = notice.number;
    let mut change = Some(Change::New);
    if let Some(old) = &before {
        fact = old.fact.clone();
        fact.lay_over(patch);
        first = old.first;
        // An as-of belongs to what was said then; who touches the fact says it anew.
        fact.common_mut().as_of = patch.common().as_of;
        let mut same = old.fact.clone();
        same.common_mut().as_of = patch.common().as_of;
        change = (fact != same).then_some(Change::Changed);
    }
    let live = Live {
        fact,
        first,
        touched: notice.number,
        as_of,
        unconfirmed: false,
        changes_at: None,
    };
    if patch.common().ended {
        // The name it had: an ending rarely repeats it.
        return (Err(live), before.map(|_| Change::Ended));
    }
    (Ok(live), change)
}

/// A change with the fact's name, or its id.
pub fn change_of<T: Fact>(table: Table, id: &str, fact: Option<&T>, change: Change) -> FactChange {
    let label = fact.and_then(T::label).unwrap_or(id);
    let mut name: String = label.chars().take(80).collect();
    if name.len() < label.len() {
        name.push('…');
    }
    FactChange {
        table: table.name(),
        id: id.to_owned(),
        name,
        change,
    }
}
