//! A lane's health as people see it, and its way into the store and back (a person's "try now" comes by that way).

use std::collections::VecDeque;

use crate::clock::Ms;
use crate::domain::delivery::Health;
use crate::domain::outcome::{Reason, Report};
use crate::lane_core::values::HealthRow;
use crate::text::said::Said;

/// Health as it is, as it is being stored, and as it was stored last.
#[derive(Debug)]
pub struct HealthKeeper {
    is: HealthRow,
    stored: HealthRow,
    writing: Option<HealthRow>,
    /// Since when the lane was well, as far as this process knows: such a row, read late, is no news.
    wells: VecDeque<Ms>,
}

/// So many are remembered.
const WELLS: usize = 8;

impl Default for HealthKeeper {
    fn default() -> Self {
        let well = HealthRow {
            health: Health::Well,
            since_ms: 0,
            blocked_until_ms: None,
            reason: None,
            text: None,
            failures: 0,
        };
        Self {
            is: well.clone(),
            stored: well,
            writing: None,
            wells: VecDeque::new(),
        }
    }
}

impl HealthKeeper {
    /// Takes in the stored row. True where somebody else made the lane well: a person asked for a try now.
    pub fn read(&mut self, row: &HealthRow) -> bool {
        let by_others = self.saved()
            && row.health == Health::Well
            && self.is.health != Health::Well
            && !self.wells.contains(&row.since_ms);
        if by_others {
            self.adopt(row);
        }
        by_others
    }

    /// Takes over what an earlier process stored.
    pub fn adopt(&mut self, row: &HealthRow) {
        self.is = row.clone();
        self.stored = row.clone();
        self.remember();
    }

    // Compared by identity, not by order: a wall clock may go back.
    fn remember(&mut self) {
        if self.is.health == Health::Well && !self.wells.contains(&self.is.since_ms) {
            self.wells.truncate(WELLS - 1);
            self.wells.push_front(self.is.since_ms);
        }
    }

    /// Changes it.
    pub fn set(&mut self, now: Ms, health: Health, until: Option<Ms>, why: &Report, failures: u32) {
        self.change(now, health, until, Some(why.reason), Some(why.text.clone()), failures);
    }

    /// All is well again.
    pub fn well(&mut self, now: Ms) {
        if self.is.health != Health::Well {
            self.change(now, Health::Well, None, None, None, 0);
        }
    }

    fn change(
        &mut self,
        now: Ms,
        health: Health,
        blocked_until_ms: Option<Ms>,
        reason: Option<Reason>,
        text: Option<Said>,
        failures: u32,
    ) {
        let since_ms = if health == self.is.health {
            self.is.since_ms
        } else {
            now
        };
        self.is = HealthRow {
            health,
            since_ms,
            blocked_until_ms,
            reason,
            text,
            failures,
        };
        self.remember();
    }

    /// The store's times were shifted back by so many ms (negative: forward).
    pub fn shift(&mut self, by: Ms) {
        // Differs from what was stored, so it is written once more: a write under way may have been shifted or not.
        let shifted: Vec<_> = self.wells.iter().map(|at| at - by).collect();
        self.wells.extend(shifted);
        self.wells.truncate(WELLS);
        self.is.since_ms -= by;
        self.is.blocked_until_ms = self.is.blocked_until_ms.map(|at| at - by);
    }

    /// The next write, if there is something new and none is under way.
    pub fn next_write(&mut self) -> Option<HealthRow> {
        if self.writing.is_some() || self.is == self.stored {
            return None;
        }
        self.writing = Some(self.is.clone());
        self.writing.clone()
    }

    /// The write is committed.
    pub fn written(&mut self) {
        if let Some(row) = self.writing.take() {
            self.stored = row;
        }
    }

    /// The write failed.
    pub fn failed(&mut self) {
        self.writing = None;
    }

    /// True where the store has it.
    pub fn saved(&self) -> bool {
        self.writing.is_none() && self.is == self.stored
    }

    /// As it is.
    pub fn row(&self) -> &HealthRow {
        &self.is
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::outcome::Outcome;

    #[test]
    fn only_a_newer_well_of_others_counts() {
        let mut keeper = HealthKeeper::default();
        let old = keeper.row().clone();
        keeper.adopt(&old);
        let why = Report {
            outcome: Outcome::Auth,
            reason: Reason::Credentials,
            text: Said::quoted("401"),
        };
        keeper.set(100, Health::Paused, None, &why, 0);
        assert!(!keeper.read(&old), "not stored yet: the row is older than ours");
        let written = keeper.next_write().expect("something to write");
        assert!(keeper.next_write().is_none());
        keeper.written();
        assert!(keeper.saved());
        assert!(!keeper.read(&written));
        assert!(!keeper.read(&old), "a late read");
        let by_person = HealthRow { since_ms: 200, ..old };
        assert!(keeper.read(&by_person));
        assert_eq!(keeper.row().health, Health::Well);
    }
}
