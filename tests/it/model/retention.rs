//! What became of single recipients goes once nothing needs it any more; the broadcast keeps its counters.

use std::collections::BTreeMap;

use rundruf::clock::Ms;
use rundruf::domain::delivery::{BroadcastState, DeliveryState as State};
use rundruf::ids::{BroadcastId, IncidentId, LaneId};
use rundruf::store::Removed;

use super::Model;

impl Model {
    /// Takes the next rows out of what has ended by `before`.
    pub fn remove_old(&mut self, before: Ms, limit: u32, now: Ms) -> Removed {
        let begun = self.broadcasts.iter().position(|b| b.removing);
        let Some(index) = begun.or_else(|| self.removable(before)) else {
            return Removed::default();
        };
        let b = &mut self.broadcasts[index];
        if b.removed_ms.is_none() {
            (b.removed_ms, b.removing) = (Some(now), true);
            if b.is_alive() {
                b.state = BroadcastState::Ended;
            }
        }
        let mut rows: Vec<usize> = (0..self.rows.len())
            .filter(|at| self.rows[*at].broadcast == index && !self.rows[*at].removed)
            .collect();
        let done = rows.len() < limit as usize;
        rows.sort_by_key(|at| self.rows[*at].recipient);
        rows.truncate(limit as usize);
        for at in &rows {
            self.rows[*at].removed = true;
        }
        self.broadcasts[index].removing = !done;
        Removed {
            broadcast: Some(BroadcastId(i64::try_from(index).unwrap())),
            rows: rows.len() as u64,
            done,
        }
    }

    /// Of the oldest that each incident has on a lane, the first that may go.
    fn removable(&self, before: Ms) -> Option<usize> {
        let mut oldest: BTreeMap<(LaneId, IncidentId), usize> = BTreeMap::new();
        for (index, b) in self.broadcasts.iter().enumerate() {
            if b.audience && b.removed_ms.is_none() {
                let known = oldest.entry((b.lane, b.incident)).or_insert(index);
                if b.notice < self.broadcasts[*known].notice {
                    *known = index;
                }
            }
        }
        let may = |index: &usize| {
            let ended = self.broadcasts[*index].touched_ms <= before;
            ended && (self.breaks.restless || self.siblings(*index).all(|other| self.rests(other)))
        };
        oldest.into_values().filter(may).min()
    }

    /// Nothing of it waits, is under way or unknown; a receipt may still be missing.
    fn rests(&self, broadcast: usize) -> bool {
        let b = &self.broadcasts[broadcast];
        let open = [State::Waiting, State::Started, State::Unknown];
        b.state != BroadcastState::Open && open.iter().all(|state| b.of(*state) == 0)
    }

    /// Nobody knows any more who has got all of what it corrects.
    pub(super) fn forgotten(&self, broadcast: usize) -> bool {
        let corrects = self.broadcasts[broadcast].corrects.iter();
        corrects
            .map(|(index, _)| &self.broadcasts[*index])
            .any(|b| b.removed_ms.is_some() && b.opened > 0)
    }

    /// It may wait again.
    pub(super) fn is_there(&self, broadcast: usize) -> bool {
        self.broadcasts[broadcast].removed_ms.is_none()
    }
}
