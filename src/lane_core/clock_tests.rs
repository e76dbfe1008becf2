//! The lane under a wall clock that jumps: what runs, runs by the monotonic clock.

use super::event::{Command, Event, Now, Rules};
use super::lane::Lane;
use super::tests::{J, claimed, finished, row, rules, settled, starts};
use super::values::{Rate, Settled};
use crate::clock::Ms;
use crate::domain::delivery::Gate;
use crate::domain::outcome::Outcome;

fn asks(commands: &[Command<J>]) -> bool {
    commands
        .iter()
        .any(|c| matches!(c, Command::Claim { .. } | Command::Start(_)))
}

/// "In ten minutes" is ten minutes, whatever the wall clock does meanwhile.
#[test]
fn a_clock_that_leaps_forward_shortens_no_named_time() {
    let at = |running_ms: Ms, leapt: Ms| Now {
        wall_ms: 1_000_000 + running_ms + leapt,
        running_ms,
    };
    let mut lane = Lane::new(rules(), 7);
    lane.step(at(0, 0), row(Gate::Open, 1));
    lane.step(at(1, 0), claimed(1, vec![J::urgent(1)]));
    let until = at(600_000, 0).wall_ms;
    lane.step(at(2, 0), finished(J::urgent(1), Outcome::Later { until }));
    lane.step(at(3, 0), Event::HealthStored);
    lane.step(at(4, 0), Event::Committed);
    for running in [5, 1_000, 599_999] {
        let commands = lane.step(at(running, 7_200_000), Event::Wake);
        assert!(!asks(&commands), "{running} ms: {commands:?}");
    }
    assert!(asks(&lane.step(at(600_000, 7_200_000), Event::Timer)));
}

/// Nor do the gaps between two requests of an account with a rate shrink.
#[test]
fn a_clock_that_leaps_forward_makes_no_burst() {
    let rate = Rate {
        count: 2,
        per_ms: 1_000,
    };
    let at = |running_ms: Ms, leapt: Ms| Now {
        wall_ms: running_ms + leapt,
        running_ms,
    };
    let mut lane = Lane::new(
        Rules {
            rate: Some(rate),
            ..rules()
        },
        7,
    );
    lane.step(at(0, 0), row(Gate::Open, 1));
    let jobs = vec![J::urgent(1), J::urgent(2).at(500), J::urgent(3).at(1_000)];
    assert_eq!(starts(&lane.step(at(0, 0), claimed(1, jobs))), [1]);
    assert!(starts(&lane.step(at(100, 7_200_000), Event::Timer)).is_empty());
    assert_eq!(starts(&lane.step(at(500, 7_200_000), Event::Timer)), [2]);
    assert!(starts(&lane.step(at(999, 7_200_000), Event::Timer)).is_empty());
    assert_eq!(starts(&lane.step(at(1_000, 7_200_000), Event::Timer)), [3]);
}

/// What is stored moves with the clock: a pending outcome, the lane's own time. What waits does not.
#[test]
fn a_clock_set_back_moves_what_is_stored_and_nothing_that_runs() {
    let at = |running_ms: Ms, back: Ms| Now {
        wall_ms: 1_000_000 + running_ms - back,
        running_ms,
    };
    let mut lane = Lane::new(rules(), 7);
    lane.step(at(0, 0), row(Gate::Open, 1));
    lane.step(at(0, 0), claimed(1, vec![J::urgent(1), J::urgent(2)]));
    let until = at(60_000, 0).wall_ms;
    lane.step(at(1, 0), finished(J::urgent(1), Outcome::Later { until }));
    let shifted = lane.step(at(2, 500_000), Event::Shifted { by: 500_000 });
    assert!(!shifted.iter().any(|c| matches!(c, Command::WakeAt(_))), "{shifted:?}");
    // The health under way may have been written before the shift: it is written again, with the new time.
    let again = lane.step(at(3, 500_000), Event::HealthStored);
    let Some(Command::SetHealth(row)) = again.first() else {
        panic!("{again:?}")
    };
    assert_eq!(row.blocked_until_ms, Some(until - 500_000));
    let stored = lane.step(at(4, 500_000), Event::HealthStored);
    assert!(matches!(settled(&stored)[0], Settled::Waiting { due_ms, .. } if due_ms == until - 500_000));
    lane.step(at(5, 500_000), Event::Committed);
    // The second request began before the shift, and its channel counted from there.
    let until = until + 9;
    let late = lane.step(at(6, 500_000), finished(J::urgent(2), Outcome::Later { until }));
    let Some(Command::SetHealth(row)) = late.first() else {
        panic!("{late:?}")
    };
    assert_eq!(row.blocked_until_ms, Some(until - 500_000));
    lane.step(at(7, 500_000), Event::HealthStored);
    lane.step(at(8, 500_000), Event::Committed);
    assert!(!asks(&lane.step(at(60_008, 500_000), Event::Wake)));
    assert!(asks(&lane.step(at(60_009, 500_000), Event::Timer)));
}
