//! The store of an outage: a lane's rows in a list and, of those that wait, in the order of their dues. The conformance suite's model walks through all
//! rows at every claim, which a hundred thousand of them forbid; what matters here of its rules (the first due row first, attempts, the account's
//! rate) is small enough to be written a third time.

use std::collections::BTreeSet;

use rundruf::clock::Ms;
use rundruf::ids::DeliveryId;
use rundruf::lane_core::event::Work;
use rundruf::lane_core::values::{Completion, Rate, Settled};

/// Start times are reserved so far ahead, µs.
const AHEAD_US: i64 = 1_000_000;

/// A claimed row.
#[derive(Debug, Clone)]
pub struct Parcel {
    pub id: DeliveryId,
    pub attempt: u32,
    first_started_ms: Ms,
    start_at_ms: Ms,
    after_unknown: bool,
}

impl Work for Parcel {
    fn delivery(&self) -> DeliveryId {
        self.id
    }
    fn attempt(&self) -> u32 {
        self.attempt
    }
    fn first_started_ms(&self) -> Ms {
        self.first_started_ms
    }
    fn start_at_ms(&self) -> Ms {
        self.start_at_ms
    }
    fn urgent(&self) -> bool {
        false
    }
    fn after_unknown(&self) -> bool {
        self.after_unknown
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Waiting,
    Started,
    Done,
    Unknown,
}

#[derive(Debug, Clone)]
pub struct Row {
    pub state: State,
    pub attempt: u32,
    pub published_ms: Ms,
    first_started_ms: Option<Ms>,
    after_unknown: bool,
}

/// One lane's rows.
#[derive(Debug, Default)]
pub struct Desk {
    pub rows: Vec<Row>,
    waiting: BTreeSet<(Ms, i64)>,
    tat_us: i64,
}

/// What a claim found.
pub struct Found {
    pub jobs: Vec<Parcel>,
    pub next_due_ms: Option<Ms>,
    pub more: bool,
}

impl Desk {
    pub fn publish(&mut self, recipients: usize, now: Ms) {
        for _ in 0..recipients {
            self.waiting.insert((now, i64::try_from(self.rows.len()).unwrap()));
            self.rows.push(Row {
                state: State::Waiting,
                attempt: 0,
                published_ms: now,
                first_started_ms: None,
                after_unknown: false,
            });
        }
    }

    pub fn row(&mut self, id: DeliveryId) -> &mut Row {
        &mut self.rows[usize::try_from(id.0).unwrap()]
    }

    pub fn claim(&mut self, limit: u32, rate: Option<Rate>, now: Ms) -> Found {
        let step_us = rate.map(|rate| i64::from(rate.per_ms) * 1_000 / i64::from(rate.count));
        let mut jobs = Vec::new();
        while let Some((due, at)) = self.waiting.first().copied().filter(|(due, _)| *due <= now) {
            let slot_us = self.tat_us.max(now * 1_000);
            if step_us.is_some() && slot_us > now * 1_000 + AHEAD_US {
                let next_due_ms = Some((slot_us - AHEAD_US + 999) / 1_000);
                let more = false;
                return Found {
                    jobs,
                    next_due_ms,
                    more,
                };
            }
            if jobs.len() == limit as usize {
                let (next_due_ms, more) = (None, true);
                return Found {
                    jobs,
                    next_due_ms,
                    more,
                };
            }
            self.waiting.remove(&(due, at));
            let start_at_ms = step_us.map_or(now, |step| {
                self.tat_us = slot_us + step;
                (slot_us + 999) / 1_000
            });
            let id = DeliveryId(at);
            let row = self.row(id);
            row.state = State::Started;
            row.attempt += 1;
            jobs.push(Parcel {
                id,
                attempt: row.attempt,
                first_started_ms: *row.first_started_ms.get_or_insert(start_at_ms),
                start_at_ms,
                after_unknown: row.after_unknown,
            });
        }
        let next_due_ms = self.waiting.first().map(|(due, _)| *due);
        let more = false;
        Found {
            jobs,
            next_due_ms,
            more,
        }
    }

    fn wait(&mut self, id: DeliveryId, due_ms: Ms, spent: bool) {
        let row = self.row(id);
        row.state = State::Waiting;
        row.attempt -= u32::from(!spent);
        self.waiting.insert((due_ms, id.0));
    }

    pub fn complete(&mut self, c: &Completion) {
        match &c.settled {
            Settled::Delivered(_) | Settled::Accepted(_) => self.row(c.delivery).state = State::Done,
            Settled::Unknown => self.row(c.delivery).state = State::Unknown,
            Settled::Waiting {
                due_ms,
                spent,
                after_unknown,
            } => {
                self.row(c.delivery).after_unknown |= after_unknown;
                self.wait(c.delivery, *due_ms, *spent);
            }
            other => unreachable!("nothing here comes to {other:?}"),
        }
    }

    pub fn give_back(&mut self, id: DeliveryId, now: Ms) {
        self.wait(id, now, false);
    }
}
