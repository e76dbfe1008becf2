//! Website targets, by hand.

use super::*;

fn level(wanted: i64, done: i64) -> Level {
    Level {
        id: RecipientId(1),
        wanted,
        done,
        failures: 0,
        due_ms: 0,
    }
}

fn rows(gate: Gate, epoch: i64, wanted: i64, done: i64) -> LevelEvent {
    LevelEvent::Rows {
        gate,
        epoch,
        acknowledged: epoch,
        targets: vec![level(wanted, done)],
    }
}

fn upload(generation: i64) -> LevelCommand {
    LevelCommand::Upload {
        target: RecipientId(1),
        generation,
    }
}

fn uploaded(generation: i64, result: Result<u64, Report>) -> LevelEvent {
    LevelEvent::Uploaded {
        target: RecipientId(1),
        generation,
        progress: false,
        result,
    }
}

const RECORDED: LevelEvent = LevelEvent::Recorded { target: RecipientId(1) };

#[test]
fn ten_notices_are_one_upload_and_what_came_meanwhile_is_the_next() {
    let mut levels = Levels::new(1);
    assert!(levels.step(0, rows(Gate::Open, 1, 10, 0)).contains(&upload(10)));
    assert_eq!(levels.step(1, rows(Gate::Open, 1, 11, 0)), []);
    assert_eq!(levels.step(2, rows(Gate::Open, 1, 12, 0)), [], "one at a time");
    assert_eq!(levels.step(3, uploaded(10, Ok(4))).len(), 1, "recorded first");
    assert_eq!(levels.step(4, RECORDED), [upload(12)]);
    levels.step(5, uploaded(12, Ok(4)));
    levels.step(6, RECORDED);
    assert_eq!(levels.step(7, rows(Gate::Open, 1, 12, 10)), [], "a late read");
    assert!(levels.is_drained(7));
}

#[test]
fn a_failure_waits_and_a_named_time_is_exact() {
    let mut levels = Levels::new(1);
    levels.step(0, rows(Gate::Open, 1, 1, 0));
    let until = 777_777;
    let report = Report {
        outcome: Outcome::Later { until },
        reason: Reason::RateLimited,
        text: crate::text::said::Said::quoted("later"),
    };
    levels.step(10, uploaded(1, Err(report)));
    assert_eq!(levels.step(11, RECORDED), [LevelCommand::WakeAt(Some(until))]);
    assert_eq!(levels.step(until - 1, LevelEvent::Timer).len(), 1);
    assert!(levels.step(until, LevelEvent::Timer).contains(&upload(1)));
}

#[test]
fn what_breaks_off_but_brought_something_goes_on_soon() {
    let mut levels = Levels::new(1);
    let mut now = 0;
    levels.step(now, rows(Gate::Open, 1, 1, 0));
    let mut wait = |progress: bool| {
        let result = Err(Report {
            outcome: Outcome::Transient,
            reason: Reason::NoAnswer,
            text: crate::text::said::Said::quoted("cut"),
        });
        let event = LevelEvent::Uploaded {
            target: RecipientId(1),
            generation: 1,
            progress,
            result,
        };
        let recorded = levels.step(now, event);
        let [
            LevelCommand::Record {
                result: Err(failure), ..
            },
        ] = &recorded[..]
        else {
            panic!("{recorded:?}");
        };
        let (failures, waits) = (failure.failures, failure.due_ms - now);
        levels.step(now, RECORDED);
        now += waits;
        assert!(levels.step(now, LevelEvent::Timer).contains(&upload(1)));
        (failures, waits)
    };
    let counted: Vec<u32> = (0..6).map(|_| wait(false).0).collect();
    assert_eq!(counted, [1, 2, 3, 4, 5, 6]);
    for _ in 0..50 {
        let (failures, waits) = wait(true);
        assert!(failures == 1 && waits <= 1_000, "{failures} {waits}");
    }
    assert_eq!(wait(false).0, 2);
}

#[test]
fn held_and_stopped_targets_start_nothing() {
    let mut levels = Levels::new(1);
    let ack = LevelCommand::Acknowledge { epoch: 1, in_flight: 0 };
    assert_eq!(levels.step(0, rows(Gate::Held, 1, 5, 0)), [ack]);
    let released = levels.step(1, rows(Gate::Open, 2, 5, 0));
    assert!(released.contains(&upload(5)));
    let held = levels.step(2, rows(Gate::Held, 3, 6, 0));
    assert!(held.contains(&LevelCommand::Acknowledge { epoch: 3, in_flight: 1 }));
    levels.step(3, uploaded(5, Ok(1)));
    assert_eq!(levels.step(4, RECORDED), []);
    assert_eq!(levels.step(5, LevelEvent::Stop), [LevelCommand::Stopped]);
}

#[test]
fn a_result_that_could_not_be_stored_is_stored_again() {
    let mut levels = Levels::new(1);
    levels.step(0, rows(Gate::Open, 1, 5, 0));
    let first = levels.step(1, uploaded(5, Ok(1)));
    let failed = LevelEvent::RecordFailed { target: RecipientId(1) };
    assert_eq!(levels.step(2, failed), [LevelCommand::WakeAt(Some(1_002))]);
    assert_eq!(levels.step(1_002, LevelEvent::Timer)[0], first[0]);
}
