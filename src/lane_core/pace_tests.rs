//! What a service says about its limits, as the lane as a whole takes it.

use super::event::{Command, Event};
use super::lane::Lane;
use super::tests::{J, claimed, open, rules, starts};
use super::values::HealthRow;
use crate::clock::Ms;
use crate::domain::delivery::Health;
use crate::domain::outcome::{Outcome, Reason, Remote, Report};
use crate::text::said::Said;

fn ends(lane: &mut Lane<J>, now: Ms, job: J, outcome: Outcome, reason: Reason) -> Vec<Command<J>> {
    let report = Report {
        outcome,
        reason,
        text: Said::quoted("429"),
    };
    lane.step(now, Event::Finished { job, report })
}

fn taken(lane: &mut Lane<J>, now: Ms, id: i64) -> Vec<Command<J>> {
    let commands = ends(
        lane,
        now,
        J::urgent(id),
        Outcome::Delivered(Remote::default()),
        Reason::Ok,
    );
    lane.step(now, Event::HealthStored);
    lane.step(now, Event::Committed);
    lane.step(now, Event::GivenBack);
    commands
}

#[test]
fn after_a_request_to_wait_the_lane_goes_slower_than_before() {
    let mut lane = open(rules());
    lane.step(1, claimed(1, (1..=8).map(J::urgent).collect()));
    for id in 1..=3 {
        taken(&mut lane, 100, id);
    }
    // Three in two seconds is what it takes.
    ends(
        &mut lane,
        200,
        J::urgent(4),
        Outcome::Later { until: 2_100 },
        Reason::RateLimited,
    );
    for id in 5..=7 {
        taken(&mut lane, 300, id);
    }
    let asked = lane.step(2_100, Event::Timer);
    assert!(
        asked.iter().any(|c| matches!(c, Command::Claim { probe: true, .. })),
        "{asked:?}"
    );
    assert_eq!(starts(&lane.step(2_100, claimed(1, vec![J::urgent(4)]))), [4]);
    let asked = taken(&mut lane, 2_200, 4);
    let asked: Vec<_> = asked.into_iter().chain(lane.step(2_201, Event::Wake)).collect();
    let limits = asked.iter().filter_map(|c| match c {
        Command::Claim { limit, .. } => Some(*limit),
        _ => None,
    });
    assert!(
        limits.max().is_some_and(|most| most <= 2),
        "no more ahead than a second's worth: {asked:?}"
    );
    let first = starts(&lane.step(2_202, claimed(1, vec![J::urgent(8), J::urgent(9)])));
    let later: Vec<_> = [2_500, 2_900, 2_933, 2_934]
        .map(|now| starts(&lane.step(now, Event::Timer)))
        .concat();
    assert_eq!((first.len() + later.len()), 2, "{first:?} {later:?}");
}

#[test]
fn what_a_service_asks_one_lane_of_an_account_the_others_obey() {
    let mut lane = open(rules());
    assert_eq!(
        starts(&lane.step(1, claimed(1, (1..=6).map(J::urgent).collect()))).len(),
        4
    );
    let asked = HealthRow {
        health: Health::BackingOff,
        since_ms: 5,
        blocked_until_ms: Some(90_000),
        reason: Some(Reason::RateLimited),
        text: Some(Said::quoted("429")),
        failures: 0,
    };
    let told = lane.step(6, Event::AccountWaits(asked.clone()));
    let stored = told.iter().find_map(|c| match c {
        Command::SetHealth(row) => Some(row.clone()),
        _ => None,
    });
    assert_eq!(
        stored.and_then(|row| row.until_told()),
        Some(90_000),
        "and it outlives a restart"
    );
    assert!(
        told.iter()
            .any(|c| matches!(c, Command::GiveBack(rows) if rows.len() == 2))
    );
    assert!(
        starts(&taken(&mut lane, 7, 1)).is_empty(),
        "what was under way runs out"
    );
    assert!(
        lane.step(89_999, Event::Wake)
            .iter()
            .all(|c| !matches!(c, Command::Claim { .. }))
    );
    let again = lane.step(8, Event::AccountWaits(asked));
    assert!(!again.iter().any(|c| matches!(c, Command::SetHealth(_))), "said once");
}
