//! The same delivery by another lane: which rows a lane may take over, and what a refusal comes to where another lane stands in.

use rundruf::clock::Ms;
use rundruf::domain::delivery::{DeliveryState as State, Gate, Health};
use rundruf::domain::outcome::{Reason, Remote};
use rundruf::ids::LaneId;
use rundruf::store::ClaimRequest;

use super::Model;

/// Trouble of a lane that lasts so long moves what waits there.
const TROUBLE_MS: Ms = 60_000;

impl Model {
    /// The moment from which a lane's waiting rows may go to `to`.
    pub(super) fn moves_at(&self, lane: LaneId, to: LaneId) -> Option<Ms> {
        let of = &self.lanes[&lane];
        let trouble = matches!(of.health.health, Health::Probing | Health::Paused);
        let stands_in = of.failover == Some(to) && lane != to && of.configured;
        (stands_in && trouble && of.gate != Gate::Held)
            .then_some(of.health.since_ms.max(of.tries_since_ms) + TROUBLE_MS)
    }

    /// True where the broadcast is another lane's, and what waits there may go to the claiming one.
    pub(super) fn moves(&self, broadcast: usize, r: &ClaimRequest) -> bool {
        let at = self.moves_at(self.broadcasts[broadcast].lane, r.lane);
        at.is_some_and(|at| at <= r.now_ms)
    }

    /// The lanes whose broadcasts a claim looks at beside its own: those it stands in for, and those with rows that moved to it and wait.
    pub(super) fn homes(&self, lane: LaneId) -> Vec<LaneId> {
        let has_moved = |home: &LaneId| {
            let of = |row: &super::ModelRow| row.lane == *home && self.broadcasts[row.broadcast].is_alive();
            let waits = |row: &super::ModelRow| row.via == Some(lane) && row.state == State::Waiting;
            self.rows.iter().any(|row| waits(row) && of(row))
        };
        let homes = self
            .lanes
            .iter()
            .filter(|(home, of)| **home != lane && (of.failover == Some(lane) || has_moved(home)));
        homes.map(|(home, _)| *home).collect()
    }

    /// A claim of this lane may start rows of others.
    pub fn stands_in(&self, lane: LaneId) -> bool {
        !self.homes(lane).is_empty()
    }

    /// Rows of a lane in trouble, of which certainly nothing was sent, go to another one.
    pub(super) fn move_waiting(&mut self, broadcast: usize, to: LaneId, want: usize, now: Ms) -> bool {
        let stays = |reason| matches!(reason, Some(Reason::RateLimited | Reason::RecipientBusy));
        let may = |at: &usize| {
            let row = &self.rows[*at];
            let open = row.after_unknown && !self.breaks.moves;
            row.broadcast == broadcast
                && row.state == State::Waiting
                && row.via.is_none()
                && !open
                && row.step == 0
                && !stays(row.reason)
        };
        let mut rows: Vec<usize> = (0..self.rows.len()).filter(may).collect();
        rows.sort_by_key(|at| (self.rows[*at].due_ms, *at));
        rows.truncate(want);
        for at in &rows {
            let row = &mut self.rows[*at];
            (row.via, row.due_ms, row.changed_ms) = (Some(to), now, now);
            (row.turn, row.new_here, row.by_receipt) = (false, true, false);
        }
        !rows.is_empty()
    }

    /// A row that has just been refused for good waits on another lane instead, where that is allowed. `begun`: something of it may be there.
    pub(super) fn refused(&mut self, at: usize, reason: Reason, begun: bool, passed: bool, now: Ms) -> bool {
        let row = &self.rows[at];
        let b = &self.broadcasts[row.broadcast];
        let lane = &self.lanes[&row.lane];
        let reason = matches!(reason, Reason::ReceiptRejected | Reason::RecipientRefused);
        let in_time = b.expires_ms.is_none_or(|at| at > now);
        let begun = (begun && !self.breaks.moves) || row.step > 0;
        let free =
            row.via.is_none() && self.broadcasts[row.broadcast].superseded_by.is_none() && in_time && !begun && !passed;
        let Some(to) = lane.failover.filter(|to| {
            let configured = lane.configured && self.lanes[to].configured;
            free && reason && lane.gate != Gate::Held && configured
        }) else {
            return false;
        };
        let row = &mut self.rows[at];
        (row.via, row.new_here) = (Some(to), true);
        row.remote = Remote::default();
        (row.after_unknown, row.decided, row.by_receipt) = (false, false, false);
        self.set(at, State::Waiting, now, now);
        true
    }
}
