//! What time does: expiry, a clock that jumped.

use rundruf::clock::Ms;
use rundruf::domain::delivery::{BroadcastState, DeliveryState as State, Health};

use super::Model;

const DAY_MS: Ms = 24 * 3_600_000;

impl Model {
    pub fn expire(&mut self, now: Ms) -> u64 {
        let mut ended = 0;
        let mut again = Vec::new();
        for index in 0..self.broadcasts.len() {
            let b = &self.broadcasts[index];
            let over = b.is_alive() && b.expires_ms.is_some_and(|at| at <= now);
            if !over || (b.of(State::Waiting) == 0 && b.state != BroadcastState::Open) {
                continue;
            }
            ended += 1;
            for at in 0..self.rows.len() {
                if self.rows[at].broadcast == index && self.rows[at].state == State::Waiting {
                    let state = if self.rows[at].after_unknown {
                        State::Unknown
                    } else {
                        State::Expired
                    };
                    self.set(at, state, 0, now);
                    self.rows[at].decided = false;
                }
            }
            let b = &mut self.broadcasts[index];
            b.state = BroadcastState::Opened;
            b.changed_ms = now;
            again.extend(self.summed_up_by(index, now));
        }
        if !self.breaks.run_out {
            again.iter().for_each(|index| self.waits_again(*index, now));
            self.rows_again(again, now);
        }
        self.settle_broadcasts();
        self.inbox.retain(|kept| kept.at_ms >= now - 7 * DAY_MS);
        ended
    }

    /// The highest wall time seen.
    pub fn high_time(&mut self, now: Ms) -> Ms {
        self.high_ms = self.high_ms.max(now);
        self.high_ms
    }

    /// Up to then nobody knows how old a handle with a term is; `back_at`: the clock was set back while nothing ran.
    pub fn handles_from(&mut self, back_at: Option<Ms>) -> Ms {
        if let Some(now) = back_at {
            let alive = |row: &&super::ModelRow| self.broadcasts[row.broadcast].is_alive();
            let newest = self.rows.iter().filter(alive).map(|row| row.first_started_ms).max();
            self.handles_from = self.handles_from.max(newest).max(Some(now));
        }
        self.handles_from.unwrap_or(Ms::MIN)
    }

    /// Back, or ahead (negative): first starts never move forward.
    pub fn shift_times(&mut self, by: Ms) {
        let lately = self.high_ms - DAY_MS;
        for row in &mut self.rows {
            let b = &self.broadcasts[row.broadcast];
            let alive = b.is_alive();
            match row.state {
                State::Waiting if alive => {
                    row.due_ms -= by;
                    if row.via.is_some() {
                        row.changed_ms -= by;
                    }
                    row.first_started_ms -= by.max(0);
                }
                State::Started if alive => {
                    row.due_ms -= by;
                    row.first_started_ms -= by.max(0);
                    row.changed_ms -= by;
                }
                State::Unknown if alive => {
                    row.first_started_ms -= by.max(0);
                    row.changed_ms -= by;
                }
                // What a digest sums up keeps the time at which it may go, and may wait again by it.
                State::Superseded if row.due_ms != 0 => row.due_ms -= by,
                State::Permanent if row.changed_ms > lately && b.changed_ms > lately => row.changed_ms -= by,
                _ => {}
            }
        }
        for b in &mut self.broadcasts {
            b.left.values_mut().for_each(|left| left.due_ms -= by);
            if b.of(State::Permanent) > 0 && b.changed_ms > lately {
                b.changed_ms -= by;
            }
            if by > 0 {
                b.touched_ms = b.touched_ms.min(self.high_ms - by);
            }
        }
        for lane in self.lanes.values_mut() {
            lane.tries_since_ms -= by;
            lane.health.blocked_until_ms = lane.health.blocked_until_ms.map(|at| at - by);
            if lane.health.health != Health::Well {
                lane.health.since_ms -= by;
            }
        }
        self.tats_us.values_mut().for_each(|at| *at -= by * 1_000);
        self.slots_us.values_mut().for_each(|at| *at -= by * 1_000);
        for lane in self.lanes.values_mut() {
            lane.ran = lane.ran.map(|(ran, seen)| (ran, seen - by));
        }
        self.high_ms -= by.max(0);
        self.handles_from = self.handles_from.map(|from| from.saturating_sub(by.max(0)));
    }
}
