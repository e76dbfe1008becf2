//! The store as a few lists: an implementation of the queue's semantics of its own, without SQL, against which lanes run
//! and real stores can be compared. Audiences open at once here; what a claim may start is the same.

use std::collections::BTreeMap;
use std::sync::Arc;

use rundruf::clock::Ms;
use rundruf::domain::delivery::{DeliveryState as State, Gate, Health};
use rundruf::domain::outcome::Remote;
use rundruf::ids::{DeliveryId, IncidentId, LaneId, NoticeSeq, RecipientId};
use rundruf::store::{Completion, Fit, HealthRow, Job, Settled, TakenOver, Takeover, Variant};

/// A lane.
#[derive(Debug, Clone)]
pub struct ModelLane {
    pub gate: Gate,
    pub epoch: i64,
    pub acknowledged: (i64, u32),
    pub health: HealthRow,
    /// Places followed; `None`: everything.
    pub people: Vec<(RecipientId, Option<u8>)>,
    /// Theoretical arrival time of the account, µs.
    pub tat_us: i64,
}

/// A notice on a lane.
#[derive(Debug, Clone)]
pub struct ModelBroadcast {
    pub incident: IncidentId,
    pub notice: NoticeSeq,
    pub urgent: bool,
    pub correction: bool,
    pub closed: bool,
    /// Counted with every change of a row.
    pub counters: [u64; 10],
}

/// A delivery.
#[derive(Debug, Clone)]
pub struct ModelRow {
    pub id: DeliveryId,
    pub lane: LaneId,
    pub broadcast: usize,
    pub recipient: RecipientId,
    pub state: State,
    pub attempt: u32,
    pub due_ms: Ms,
    pub first_started_ms: Ms,
    pub changed_ms: Ms,
    pub after_unknown: bool,
    pub remote: Remote,
    pub evidence: u32,
    /// A request of it has ended; its attempt number may have been given back since.
    pub went: bool,
}

/// The rules of the model that a test may break, to see whether the simulation notices.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Breaks {
    /// Claims look at no older notice.
    pub order: bool,
    /// A takeover makes every started row waiting.
    pub takeover: bool,
    /// A completion's counters are forgotten.
    pub counters: bool,
    /// A claim does not write that the row has started.
    pub started: bool,
}

/// Everything stored.
#[derive(Debug, Clone)]
pub struct Model {
    pub lanes: BTreeMap<LaneId, ModelLane>,
    pub broadcasts: Vec<ModelBroadcast>,
    pub rows: Vec<ModelRow>,
    pub high_ms: Ms,
    pub breaks: Breaks,
    pub notices: i64,
    pub variant: Arc<Variant>,
}

impl Default for Model {
    fn default() -> Self {
        Self {
            lanes: BTreeMap::new(),
            broadcasts: Vec::new(),
            rows: Vec::new(),
            high_ms: 0,
            breaks: Breaks::default(),
            notices: 0,
            variant: Arc::new(Variant {
                first: None,
                format: 1,
                text: "t".into(),
                payload: serde_json::Value::Null,
                fit: Fit::default(),
            }),
        }
    }
}

/// A lane's health at the beginning, and after a person said "try now".
pub fn well(since_ms: Ms) -> HealthRow {
    HealthRow {
        health: Health::Well,
        since_ms,
        blocked_until_ms: None,
        reason: None,
        text: None,
        failures: 0,
    }
}

impl Model {
    /// Adds a lane with so many recipients; every second follows one of two places.
    pub fn add_lane(&mut self, lane: LaneId, people: i64) {
        let follow = |n: i64| (n % 2 == 1).then_some(u8::try_from(n / 2 % 2).unwrap());
        let first = lane.0 * 100_000;
        self.lanes.insert(
            lane,
            ModelLane {
                gate: Gate::Open,
                epoch: 1,
                acknowledged: (0, 0),
                health: well(0),
                people: (0..people).map(|n| (RecipientId(first + n), follow(n))).collect(),
                tat_us: 0,
            },
        );
    }

    /// Publishes a notice to all lanes; `closes`: the notice it corrects or replaces.
    pub fn publish(
        &mut self,
        incident: IncidentId,
        place: Option<u8>,
        urgent: bool,
        closes: Option<(NoticeSeq, bool)>,
        now: Ms,
    ) -> NoticeSeq {
        self.notices += 1;
        let notice = NoticeSeq(self.notices);
        if let Some((old, _)) = closes {
            self.close(old, now);
        }
        let lanes: Vec<_> = self.lanes.iter().map(|(id, l)| (*id, l.people.clone())).collect();
        for (lane, people) in lanes {
            let broadcast = self.broadcasts.len();
            self.broadcasts.push(ModelBroadcast {
                incident,
                notice,
                urgent,
                correction: closes.is_some_and(|(_, correction)| correction),
                closed: false,
                counters: [0; 10],
            });
            for (recipient, follows) in people {
                if place.is_none() || follows.is_none() || follows == place {
                    self.broadcasts[broadcast].counters[State::Waiting as usize] += 1;
                    self.rows.push(ModelRow {
                        id: DeliveryId(i64::try_from(self.rows.len()).unwrap()),
                        lane,
                        broadcast,
                        recipient,
                        state: State::Waiting,
                        attempt: 0,
                        due_ms: now,
                        first_started_ms: 0,
                        changed_ms: now,
                        after_unknown: false,
                        remote: Remote::default(),
                        evidence: 0,
                        went: false,
                    });
                }
            }
        }
        notice
    }

    fn close(&mut self, notice: NoticeSeq, now: Ms) {
        for at in 0..self.rows.len() {
            let broadcast = &mut self.broadcasts[self.rows[at].broadcast];
            if broadcast.notice == notice {
                broadcast.closed = true;
                if self.rows[at].state == State::Waiting {
                    self.end_unstarted(at, now);
                }
            }
        }
    }

    /// A row that will not start (again): what may have got through stands as unknown.
    fn end_unstarted(&mut self, at: usize, now: Ms) {
        let state = if self.rows[at].after_unknown {
            State::Unknown
        } else {
            State::Superseded
        };
        self.set(at, state, now);
    }

    pub(super) fn set(&mut self, at: usize, state: State, now: Ms) {
        let row = &mut self.rows[at];
        if !self.breaks.counters || !matches!(state, State::Delivered) {
            let counters = &mut self.broadcasts[row.broadcast].counters;
            counters[row.state as usize] -= 1;
            counters[state as usize] += 1;
        }
        row.state = state;
        row.changed_ms = now;
    }

    /// One transaction.
    pub fn give_back(&mut self, rows: &[(DeliveryId, u32)], now: Ms) {
        for (id, attempt) in rows {
            let at = usize::try_from(id.0).unwrap();
            let row = &self.rows[at];
            if row.state == State::Started && row.attempt == *attempt {
                self.wait(at, now, false, row.after_unknown, now);
            }
        }
    }

    fn wait(&mut self, at: usize, due_ms: Ms, spent: bool, after_unknown: bool, now: Ms) {
        let row = &mut self.rows[at];
        row.after_unknown = after_unknown;
        row.due_ms = due_ms;
        if !spent {
            row.attempt -= 1;
        }
        if self.broadcasts[row.broadcast].closed || self.passed(at) {
            self.end_unstarted(at, now);
        } else {
            self.set(at, State::Waiting, now);
        }
    }

    /// One transaction.
    pub fn complete(&mut self, completions: &[Completion]) {
        for c in completions {
            let at = usize::try_from(c.delivery.0).unwrap();
            let row = &mut self.rows[at];
            let open = matches!(row.state, State::Started | State::Unknown);
            if !open || row.attempt != c.attempt {
                row.evidence += 1;
                continue;
            }
            row.went = true;
            match &c.settled {
                Settled::Delivered(remote) => {
                    row.remote = remote.clone();
                    self.set(at, State::Delivered, c.at_ms);
                }
                Settled::Accepted(remote) => {
                    row.remote = remote.clone();
                    self.set(at, State::Accepted, c.at_ms);
                }
                Settled::Stepped { .. } => self.wait(at, c.at_ms, false, false, c.at_ms),
                Settled::Waiting {
                    due_ms,
                    spent,
                    after_unknown,
                } => self.wait(at, *due_ms, *spent, *after_unknown, c.at_ms),
                Settled::GoesAgain { due_ms } => self.wait(at, *due_ms, true, true, c.at_ms),
                Settled::Unknown => {
                    row.after_unknown = true;
                    self.set(at, State::Unknown, c.at_ms);
                }
                Settled::Permanent => self.set(at, State::Permanent, c.at_ms),
                Settled::Gone => self.set(at, State::Gone, c.at_ms),
                Settled::Dropped => self.set(at, State::Dropped, c.at_ms),
            }
        }
    }

    /// One transaction.
    pub fn take_over(&mut self, lanes: &[Takeover], now: Ms) -> Vec<TakenOver> {
        let mut found = Vec::new();
        for takeover in lanes {
            let mut one = TakenOver {
                lane: takeover.lane,
                repeated: 0,
                unknown: 0,
            };
            for at in 0..self.rows.len() {
                let row = &self.rows[at];
                if row.lane != takeover.lane || row.state != State::Started {
                    continue;
                }
                let term = takeover.handle_for_ms;
                let in_force = term.is_some_and(|t| now < row.first_started_ms.saturating_add(t));
                if in_force || takeover.repeat || self.breaks.takeover {
                    one.repeated += 1;
                    self.wait(at, now, true, !self.breaks.takeover, now);
                } else {
                    one.unknown += 1;
                    self.rows[at].after_unknown = true;
                    let state = if takeover.drop { State::Dropped } else { State::Unknown };
                    self.set(at, state, now);
                }
            }
            found.push(one);
        }
        found
    }

    /// Rows that stand as unknown, as jobs.
    pub fn unknown_jobs(&self, lane: LaneId) -> Vec<Job> {
        (0..self.rows.len())
            .filter(|at| self.rows[*at].lane == lane && self.rows[*at].state == State::Unknown)
            .map(|at| self.job(at, self.rows[at].changed_ms))
            .collect()
    }

    /// One transaction.
    pub fn set_gate(&mut self, lane: LaneId, gate: Gate) {
        let lane = self.lanes.get_mut(&lane).unwrap();
        lane.gate = gate;
        lane.epoch += 1;
    }

    /// One transaction.
    pub fn shift_times(&mut self, by: Ms) {
        for row in &mut self.rows {
            for at in [&mut row.due_ms, &mut row.first_started_ms, &mut row.changed_ms] {
                *at -= by;
            }
        }
        for lane in self.lanes.values_mut() {
            lane.tat_us -= by * 1_000;
            lane.health.blocked_until_ms = lane.health.blocked_until_ms.map(|at| at - by);
        }
    }

    /// Broadcasts whose counters are not what their rows say.
    pub fn recount(&self) -> Vec<usize> {
        let counted = |broadcast: usize| {
            let mut counters = [0; 10];
            for row in self.rows.iter().filter(|row| row.broadcast == broadcast) {
                counters[row.state as usize] += 1;
            }
            counters
        };
        (0..self.broadcasts.len())
            .filter(|b| counted(*b) != self.broadcasts[*b].counters)
            .collect()
    }
}
