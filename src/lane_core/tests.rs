//! The lane as a whole, by hand; random histories are in `tests/proof`.

use super::event::{Command, Event, Found, Rules, Work};
use super::lane::Lane;
use super::values::{HealthRow, Settled};
use crate::clock::Ms;
use crate::domain::delivery::{Gate, Health, UnknownPolicy};
use crate::domain::outcome::{Outcome, Reason, Remote, Report};
use crate::ids::DeliveryId;

/// A claimed row for tests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct J {
    pub id: i64,
    attempt: u32,
    first: Ms,
    at: Ms,
    urgent: bool,
    after_unknown: bool,
}

impl J {
    pub fn urgent(id: i64) -> Self {
        Self {
            id,
            attempt: 1,
            first: 0,
            at: 0,
            urgent: true,
            after_unknown: false,
        }
    }
    pub fn bulk(id: i64) -> Self {
        Self {
            urgent: false,
            ..Self::urgent(id)
        }
    }
    pub fn at(self, at: Ms) -> Self {
        Self { at, ..self }
    }
}

impl Work for J {
    fn delivery(&self) -> DeliveryId {
        DeliveryId(self.id)
    }
    fn attempt(&self) -> u32 {
        self.attempt
    }
    fn first_started_ms(&self) -> Ms {
        self.first
    }
    fn start_at_ms(&self) -> Ms {
        self.at
    }
    fn urgent(&self) -> bool {
        self.urgent
    }
    fn after_unknown(&self) -> bool {
        self.after_unknown
    }
}

pub fn rules() -> Rules {
    Rules {
        handle_for_ms: Some(3_600_000),
        handles_from_ms: Ms::MIN,
        looks_up: false,
        unknown: UnknownPolicy::Ask,
        concurrency: 4,
        timeout_ms: 30_000,
        one_counterpart: true,
        rate: None,
        ramp: None,
    }
}

fn well() -> HealthRow {
    HealthRow {
        health: Health::Well,
        since_ms: 0,
        blocked_until_ms: None,
        reason: None,
        text: None,
        failures: 0,
    }
}

pub fn row(gate: Gate, epoch: i64) -> Event<J> {
    Event::Row {
        gate,
        epoch,
        acknowledged: epoch - 1,
        health: well(),
    }
}

pub fn claimed(epoch: i64, jobs: Vec<J>) -> Event<J> {
    Event::Claimed {
        epoch,
        stored_epoch: epoch,
        jobs,
        next_due_ms: None,
        more: false,
        drained: false,
        paid_ms: 0,
    }
}

pub fn finished(job: J, outcome: Outcome) -> Event<J> {
    Event::Finished {
        job,
        report: Report {
            outcome,
            reason: Reason::ServiceTrouble,
            text: crate::text::said::Said::quoted("t"),
        },
    }
}

pub fn starts(commands: &[Command<J>]) -> Vec<i64> {
    let start = |c: &Command<J>| match c {
        Command::Start(job) => Some(job.id),
        _ => None,
    };
    commands.iter().filter_map(start).collect()
}

pub fn settled(commands: &[Command<J>]) -> Vec<Settled> {
    let all = commands.iter().filter_map(|c| match c {
        Command::Complete(batch) | Command::Claim { settles: batch, .. } => {
            Some(batch.iter().map(|c| c.settled.clone()))
        }
        _ => None,
    });
    all.flatten().collect()
}

/// An open lane whose first claim was asked for.
pub fn open(rules: Rules) -> Lane<J> {
    let mut lane = Lane::new(rules, 7);
    let first = lane.step(0, row(Gate::Open, 1));
    assert!(matches!(first[0], Command::Acknowledge { epoch: 1, in_flight: 0 }));
    assert!(first.iter().any(|c| matches!(c, Command::Claim { epoch: 1, .. })));
    lane
}

#[test]
fn a_hold_gives_back_what_has_not_started_and_counts_what_runs() {
    let mut lane = open(rules());
    let jobs = (1..=9).map(J::urgent).collect();
    assert_eq!(starts(&lane.step(1, claimed(1, jobs))), [1, 2, 3, 4]);
    let held = lane.step(2, row(Gate::Held, 2));
    assert!(
        held.iter()
            .any(|c| matches!(c, Command::Acknowledge { epoch: 2, in_flight: 4 }))
    );
    let given = held.iter().find_map(|c| match c {
        Command::GiveBack(rows) => Some(rows.len()),
        _ => None,
    });
    assert_eq!(given, Some(5));
    let after = lane.step(3, finished(J::urgent(1), Outcome::Delivered(Remote::default())));
    assert!(starts(&after).is_empty());
    assert_eq!(settled(&after).len(), 1, "what was in flight is recorded");
}

#[test]
fn a_claim_of_an_older_epoch_starts_nothing() {
    let mut lane = open(rules());
    lane.step(1, row(Gate::Held, 2));
    lane.step(2, row(Gate::Open, 3));
    let late = lane.step(3, claimed(1, vec![J::urgent(1)]));
    assert!(starts(&late).is_empty());
    assert!(late.iter().any(|c| matches!(c, Command::GiveBack(_))));
    assert!(late.iter().any(|c| matches!(c, Command::Claim { epoch: 3, .. })));
}

#[test]
fn a_named_time_moves_the_lane_exactly_and_costs_no_attempt() {
    let mut lane = open(rules());
    lane.step(1, claimed(1, vec![J::urgent(1), J::urgent(2)]));
    let until = 86_400_001;
    let told = lane.step(5, finished(J::urgent(1), Outcome::Later { until }));
    assert!(settled(&told).is_empty(), "the lane's own time is stored first");
    let Some(Command::SetHealth(row)) = told.first() else {
        panic!("{told:?}")
    };
    assert_eq!(row.blocked_until_ms, Some(until));
    let after = lane.step(6, Event::HealthStored);
    assert_eq!(
        settled(&after),
        [Settled::Waiting {
            due_ms: until,
            spent: false,
            after_unknown: false
        }]
    );
    lane.step(7, Event::Committed);
    let early = lane.step(until - 1, Event::Wake);
    assert!(
        !early
            .iter()
            .any(|c| matches!(c, Command::Claim { .. } | Command::Start(_)))
    );
    lane.step(8, finished(J::urgent(2), Outcome::Delivered(Remote::default())));
    lane.step(9, Event::Committed);
    let due = lane.step(until, Event::Timer);
    let claim = due.iter().find(|c| matches!(c, Command::Claim { .. }));
    assert!(
        matches!(
            claim,
            Some(Command::Claim {
                probe: true,
                limit: 1,
                ..
            })
        ),
        "one tries first"
    );
}

#[test]
fn one_receivers_wait_is_not_the_lanes_where_each_is_a_counterpart_of_its_own() {
    let mut lane = open(Rules {
        one_counterpart: false,
        ..rules()
    });
    lane.step(1, claimed(1, (1..=9).map(J::urgent).collect()));
    let told = lane.step(5, finished(J::urgent(1), Outcome::Later { until: 99_000 }));
    assert_eq!(starts(&told), [5]);
    for id in 2..=8 {
        let failed = lane.step(6, finished(J::urgent(id), Outcome::Transient));
        assert!(!failed.iter().any(|c| matches!(c, Command::SetHealth(_))));
    }
}

#[test]
fn bad_credentials_pause_the_lane_until_a_person_says_try() {
    let mut lane = open(rules());
    lane.step(1, claimed(1, (1..=6).map(J::urgent).collect()));
    let paused = lane.step(2, finished(J::urgent(1), Outcome::Auth));
    assert!(starts(&paused).is_empty());
    assert!(matches!(&paused[0], Command::SetHealth(row) if row.health == Health::Paused));
    lane.step(3, Event::HealthStored);
    lane.step(3, Event::Committed);
    lane.step(3, Event::GivenBack);
    assert!(lane.step(4, Event::Wake).is_empty());
    let mut by_person = well();
    by_person.since_ms = 10;
    let resumed = lane.step(
        10,
        Event::Row {
            gate: Gate::Open,
            epoch: 1,
            acknowledged: 1,
            health: by_person,
        },
    );
    assert!(resumed.iter().any(|c| matches!(c, Command::Claim { .. })));
}

#[test]
fn bulk_leaves_connections_for_an_urgent_notice() {
    let mut lane = open(rules());
    lane.step(1, claimed(1, (1..=20).map(J::bulk).collect()));
    lane.step(2, Event::Wake);
    let urgent = lane.step(3, claimed(1, vec![J::urgent(99)]));
    assert_eq!(starts(&urgent), [99], "at once, beside three bulk requests");
}

#[test]
fn nothing_starts_while_an_outcome_cannot_be_recorded() {
    let mut lane = open(rules());
    lane.step(1, claimed(1, (1..=9).map(J::urgent).collect()));
    let there = || Outcome::Delivered(Remote::default());
    assert_eq!(starts(&lane.step(2, finished(J::urgent(1), there()))), [5]);
    lane.step(3, Event::CommitFailed);
    assert!(starts(&lane.step(4, finished(J::urgent(2), there()))).is_empty());
    let again = lane.step(1_003, Event::Timer);
    assert_eq!(settled(&again).len(), 1, "the same outcome again");
    assert!(starts(&again).is_empty());
    assert_eq!(starts(&lane.step(1_004, Event::Committed)), [6]);
}

#[test]
fn without_a_handle_unknown_stands_and_is_never_sent_again() {
    let mut lane = open(Rules {
        handle_for_ms: None,
        ..rules()
    });
    lane.step(1, claimed(1, vec![J::urgent(1)]));
    let lost = lane.step(2, finished(J::urgent(1), Outcome::Unknown));
    assert_eq!(settled(&lost), [Settled::Unknown]);
}

#[test]
fn with_a_look_up_the_service_decides() {
    let mut lane = open(Rules {
        handle_for_ms: None,
        looks_up: true,
        ..rules()
    });
    lane.step(1, claimed(1, vec![J::urgent(1)]));
    let lost = lane.step(2, finished(J::urgent(1), Outcome::Unknown));
    assert_eq!(settled(&lost), [Settled::Unknown], "visible at once");
    lane.step(3, Event::Committed);
    let look = lane.step(10_002, Event::Timer);
    assert!(look.iter().any(|c| matches!(c, Command::LookUp(_))));
    let found = lane.step(
        10_100,
        Event::LookedUp {
            job: J::urgent(1),
            found: Found::NotThere,
        },
    );
    assert!(matches!(
        settled(&found)[0],
        Settled::Waiting {
            after_unknown: false,
            ..
        }
    ));
}

#[test]
fn a_handle_that_ran_out_while_the_row_waited_is_not_used() {
    let mut lane = open(rules());
    let late = J {
        after_unknown: true,
        attempt: 2,
        ..J::urgent(1)
    };
    let out = lane.step(4_000_000, claimed(1, vec![late]));
    assert!(starts(&out).is_empty());
    assert_eq!(settled(&out), [Settled::Unknown]);
}

#[test]
fn stopping_gives_back_drains_and_says_when_it_is_done() {
    let mut lane = open(rules());
    lane.step(1, claimed(1, (1..=6).map(J::urgent).collect()));
    let stop = lane.step(2, Event::Stop);
    assert!(
        stop.iter()
            .any(|c| matches!(c, Command::GiveBack(rows) if rows.len() == 2))
    );
    lane.step(3, Event::GivenBack);
    for id in 1..=4 {
        lane.step(4, finished(J::urgent(id), Outcome::Delivered(Remote::default())));
    }
    lane.step(5, Event::Committed);
    let last = lane.step(6, Event::Committed);
    assert!(matches!(last[..], [Command::Stopped]), "{last:?}");
}
