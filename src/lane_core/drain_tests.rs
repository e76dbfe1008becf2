//! A release with a ramp, as the lane sees it: each row at its own time, never two too close, an end, and a stop.

use super::event::{Command, Event, Rules};
use super::lane::Lane;
use super::ramp::Ramp;
use super::tests::{J, claimed, finished, row, rules, starts};
use super::values::Rate;
use crate::clock::Ms;
use crate::domain::delivery::Gate;
use crate::domain::outcome::{Outcome, Remote};

fn draining() -> Lane<J> {
    let start = Rate {
        count: 60,
        per_ms: 60_000,
    };
    let ramp = Ramp {
        start,
        double_ms: 600_000,
        per_domain: None,
    };
    let mut lane = Lane::new(
        Rules {
            ramp: Some(ramp),
            ..rules()
        },
        7,
    );
    lane.step(0, row(Gate::Draining, 1));
    lane
}

fn given_back(commands: &[Command<J>]) -> usize {
    let rows = commands.iter().map(|c| match c {
        Command::GiveBack(rows) => rows.len(),
        _ => 0,
    });
    rows.sum()
}

#[test]
fn an_urgent_row_takes_nobodys_turn_and_a_late_start_makes_all_as_late() {
    let mut lane = draining();
    let jobs = vec![J::bulk(1), J::bulk(2).at(1_000), J::urgent(3).at(2_000)];
    assert_eq!(starts(&lane.step(0, claimed(1, jobs))), [1]);
    assert!(starts(&lane.step(999, Event::Timer)).is_empty());
    assert_eq!(starts(&lane.step(1_400, Event::Timer)), [2]);
    assert!(
        starts(&lane.step(2_399, Event::Timer)).is_empty(),
        "999 ms after the one before"
    );
    assert_eq!(starts(&lane.step(2_400, Event::Timer)), [3]);
}

#[test]
fn a_turn_that_was_missed_is_given_back() {
    let mut lane = draining();
    lane.step(0, claimed(1, vec![J::bulk(1).at(500), J::bulk(2).at(3_000)]));
    let late = lane.step(2_000, Event::Timer);
    assert_eq!((starts(&late).len(), given_back(&late)), (0, 1));
    assert_eq!(starts(&lane.step(3_000, Event::Timer)), [2]);
}

#[test]
fn what_the_store_has_held_starts_nothing_more_though_its_row_was_not_read() {
    let mut lane = draining();
    lane.step(0, claimed(1, vec![J::bulk(1), J::bulk(2).at(100)]));
    lane.step(50, finished(J::bulk(1), Outcome::Permanent));
    let held = lane.step(90, Event::CommittedAndHeld);
    assert!(held.iter().any(|c| matches!(c, Command::Refresh)));
    assert_eq!((starts(&held).len(), given_back(&held)), (0, 1));
    assert!(starts(&lane.step(5_000, Event::Timer)).is_empty());
}

#[test]
fn the_drain_ends_when_nothing_is_under_way() {
    let ends = |commands: &[Command<J>]| commands.iter().any(|c| matches!(c, Command::EndDrain { epoch: 1 }));
    let drained = || Event::Claimed {
        epoch: 1,
        stored_epoch: 1,
        jobs: Vec::new(),
        next_due_ms: None,
        more: false,
        drained: true,
    };
    let mut lane = draining();
    lane.step(0, claimed(1, vec![J::bulk(1)]));
    assert!(!ends(&lane.step(10, drained())), "one is under way");
    lane.step(20, finished(J::bulk(1), Outcome::Delivered(Remote::default())));
    lane.step(30, Event::Committed);
    assert!(ends(&lane.step(40 as Ms, drained())));
}
