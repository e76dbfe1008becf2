//! The model's claim: what may start now, in which order, and what holds it.

use std::sync::Arc;

use rundruf::clock::Ms;
use rundruf::domain::delivery::{DeliveryState as State, Gate, Operation};
use rundruf::ids::BroadcastId;
use rundruf::store::{ClaimRequest, Claimed, Job};
use rundruf::text::lang::Lang;

use super::model::Model;

impl Model {
    /// True where a newer notice of the incident has started for this recipient.
    pub fn passed(&self, at: usize) -> bool {
        let (row, of) = (&self.rows[at], &self.broadcasts[self.rows[at].broadcast]);
        self.rows.iter().any(|other| {
            let broadcast = &self.broadcasts[other.broadcast];
            other.recipient == row.recipient
                && broadcast.incident == of.incident
                && broadcast.notice > of.notice
                && (other.went || other.attempt > 0)
        })
    }

    /// Until when older notices hold this row; `None`: they do not.
    fn held_until(&self, at: usize, r: &ClaimRequest) -> Option<Ms> {
        if self.breaks.order {
            return None;
        }
        let (row, of) = (&self.rows[at], &self.broadcasts[self.rows[at].broadcast]);
        let wait = if of.correction {
            r.correction_wait_ms
        } else {
            r.order_wait_ms
        };
        let older = self.rows.iter().filter(|other| {
            let broadcast = &self.broadcasts[other.broadcast];
            other.recipient == row.recipient && broadcast.incident == of.incident && broadcast.notice < of.notice
        });
        let until = older.filter_map(|other| match other.state {
            State::Waiting => Some(Ms::MAX),
            State::Started if of.correction => Some(other.changed_ms + wait),
            State::Started => Some(Ms::MAX),
            State::Unknown | State::Permanent => Some(other.changed_ms + wait),
            _ => None,
        });
        until.max().filter(|until| *until > r.now_ms)
    }

    /// One transaction.
    pub fn claim(&mut self, r: &ClaimRequest) -> Claimed {
        let lane = &self.lanes[&r.lane];
        let mut claimed = Claimed {
            epoch: lane.epoch,
            ..Claimed::default()
        };
        if lane.epoch != r.epoch || lane.gate == Gate::Held {
            return claimed;
        }
        let mut tat_us = lane.tat_us;
        let limit = if r.probe { 1 } else { r.limit as usize };
        let mut order: Vec<usize> = (0..self.rows.len())
            .filter(|at| self.rows[*at].lane == r.lane && self.rows[*at].state == State::Waiting)
            .collect();
        order.sort_by_key(|at| {
            let of = &self.broadcasts[self.rows[*at].broadcast];
            (!of.urgent, of.incident, of.notice, self.rows[*at].id)
        });
        let mut next = None::<Ms>;
        for at in order {
            let due = self.rows[at].due_ms.max(self.held_until(at, r).unwrap_or(0));
            if due > r.now_ms {
                if due < Ms::MAX {
                    next = Some(next.map_or(due, |n| n.min(due)));
                }
                continue;
            }
            if claimed.jobs.len() >= limit {
                claimed.more = true;
                break;
            }
            let mut start_at_ms = r.now_ms;
            if let Some(rate) = r.rate {
                tat_us = tat_us.max(r.now_ms * 1_000);
                start_at_ms = (tat_us + 999) / 1_000;
                tat_us += i64::from(rate.per_ms) * 1_000 / i64::from(rate.count);
            }
            claimed.jobs.push(self.start(at, start_at_ms));
        }
        claimed.next_due_ms = next;
        self.lanes.get_mut(&r.lane).unwrap().tat_us = tat_us;
        claimed
    }

    fn start(&mut self, at: usize, start_at_ms: Ms) -> Job {
        if !self.breaks.started {
            self.set(at, State::Started, start_at_ms);
        }
        let row = &mut self.rows[at];
        if row.attempt == 0 {
            row.first_started_ms = start_at_ms;
        }
        row.attempt += 1;
        self.job(at, start_at_ms)
    }

    pub(super) fn job(&self, at: usize, start_at_ms: Ms) -> Job {
        let row = &self.rows[at];
        let of = &self.broadcasts[row.broadcast];
        Job {
            delivery: row.id,
            broadcast: BroadcastId(i64::try_from(row.broadcast).unwrap()),
            incident: of.incident,
            notice: of.notice,
            attempt: row.attempt,
            first_started_ms: row.first_started_ms,
            start_at_ms,
            operation: Operation::Post,
            step: 0,
            step_handle: None,
            after_unknown: row.after_unknown,
            recipient: row.recipient,
            address: String::new(),
            name: None,
            variant: Arc::clone(&self.variant),
            lang: Lang::De,
            thread: None,
            target: None,
            urgent: of.urgent,
            created_ms: 0,
        }
    }
}
