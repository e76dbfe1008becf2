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
        paid_ms: 0,
    };
    let mut lane = draining();
    lane.step(0, claimed(1, vec![J::bulk(1)]));
    assert!(!ends(&lane.step(10, drained())), "one is under way");
    lane.step(20, finished(J::bulk(1), Outcome::Delivered(Remote::default())));
    lane.step(30, Event::Committed);
    assert!(ends(&lane.step(40 as Ms, drained())));
}

/// A store that reserves 100 starts in a second, up to a second ahead.
struct Reserves {
    next: Ms,
    id: i64,
}

impl Reserves {
    fn claim(&mut self, now: Ms, limit: u32, late_ms: Ms) -> Event<J> {
        self.next = (self.next + late_ms).max(now);
        let mut jobs = Vec::new();
        while jobs.len() < limit as usize && self.next <= now + 1_000 {
            self.id += 1;
            jobs.push(J::bulk(self.id).at(self.next));
            self.next += 10;
        }
        let paid_ms = if jobs.is_empty() { 0 } else { late_ms };
        Event::Claimed {
            epoch: 1,
            stored_epoch: 1,
            more: jobs.len() == limit as usize,
            next_due_ms: jobs.is_empty().then_some(now + 10),
            jobs,
            drained: false,
            paid_ms,
        }
    }
}

#[test]
fn a_drain_whose_timers_are_late_is_never_too_fast_and_never_stands_still() {
    let mut lane = draining();
    let mut store = Reserves { next: 0, id: 0 };
    let mut starts: Vec<Ms> = Vec::new();
    let mut missed = 0;
    let (mut now, mut timer) = (0, None);
    let mut commands = lane.step(0, Event::Wake);
    // The first claim was asked for with the lane's first row.
    commands.push(Command::Claim {
        epoch: 1,
        limit: 4,
        probe: false,
        late_ms: 0,
        settles: Vec::new(),
    });
    while starts.len() < 5_000 {
        assert!(now < 60_000, "{} starts in a minute, {missed} missed", starts.len());
        missed += given_back(&commands);
        let mut events = Vec::new();
        for command in commands.drain(..) {
            match command {
                Command::Start(job) => {
                    starts.push(now);
                    events.push(finished(job, Outcome::Delivered(Remote::default())));
                }
                Command::Claim {
                    limit,
                    late_ms,
                    settles,
                    ..
                } => {
                    events.push(store.claim(now, limit, late_ms));
                    if !settles.is_empty() {
                        events.push(Event::Committed);
                    }
                }
                Command::Complete(_) => events.push(Event::Committed),
                Command::GiveBack(_) => events.push(Event::GivenBack),
                Command::SetHealth(_) => events.push(Event::HealthStored),
                Command::WakeAt(at) => timer = at,
                _ => {}
            }
        }
        if events.is_empty() {
            // Every timer is a millisecond late.
            now = now.max(timer.take().expect("it waits for something")) + 1;
            events.push(Event::Timer);
        }
        for event in events {
            commands.extend(lane.step(now, event));
        }
    }
    assert_eq!(missed, 0);
    assert!(
        starts.windows(2).all(|two| two[1] - two[0] >= 10),
        "faster than its ramp"
    );
}
