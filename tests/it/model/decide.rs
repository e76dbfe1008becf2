//! What people decide.

use rundruf::clock::Ms;
use rundruf::domain::delivery::{BroadcastState, DeliveryState as State};
use rundruf::domain::outcome::Reason;
use rundruf::ids::{DeliveryId, LaneId};
use rundruf::store::Decision;

use super::{Model, well};

impl Model {
    /// Decides on one delivery; `None`: refused.
    pub fn decide(&mut self, delivery: DeliveryId, decision: Decision, now: Ms) -> Option<u64> {
        let at = self.at(delivery);
        let row = &self.rows[at];
        let open = match row.state {
            State::Unknown | State::Permanent => true,
            State::Accepted => decision != Decision::Again,
            State::Waiting => decision == Decision::Drop,
            _ => false,
        };
        let b = &self.broadcasts[row.broadcast];
        if b.removed_ms.is_some() {
            return None;
        }
        let named = !b.is_alive() && b.stale;
        let late =
            named || self.is_closed(row.broadcast) || b.expires_ms.is_some_and(|at| at <= now) || self.passed(at);
        if !open || (decision == Decision::Again && late) {
            return None;
        }
        match decision {
            Decision::There => self.set(at, State::Delivered, 0, now),
            Decision::Drop => {
                self.rows[at].after_unknown |= self.rows[at].state == State::Accepted;
                self.set(at, State::Dropped, 0, now);
            }
            Decision::Again => {
                self.set(at, State::Waiting, now, now);
                (self.rows[at].decided, self.rows[at].asked_for) = (true, true);
                self.rows[at].by_receipt = false;
                self.rows[at].reason = Some(Reason::Decided);
            }
        }
        let b = &mut self.broadcasts[self.rows[at].broadcast];
        b.changed_ms = now;
        let open = [State::Waiting, State::Started, State::Accepted, State::Unknown];
        if !b.is_alive() && open.iter().any(|state| b.of(*state) > 0) {
            b.state = BroadcastState::Opened;
        }
        self.settle_broadcasts();
        Some(1)
    }

    /// A try now.
    pub fn retry_now(&mut self, lane: LaneId, now: Ms) {
        for at in 0..self.rows.len() {
            let row = &self.rows[at];
            let waits = row.by() == lane && row.state == State::Waiting && row.due_ms > now;
            if waits && self.broadcasts[row.broadcast].is_alive() {
                self.rows[at].due_ms = now;
            }
        }
        self.lanes.get_mut(&lane).unwrap().health = well(now);
    }
}
