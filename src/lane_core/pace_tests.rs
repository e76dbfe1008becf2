//! What a service says of its limits, as the lane as a whole takes it; how a pace is learned and kept is seen in `tests/proof` (`outage`).

use super::event::{Command, Event};
use super::tests::{J, claimed, finished, open, rules, starts};
use super::values::HealthRow;
use crate::domain::delivery::Health;
use crate::domain::outcome::{Outcome, Reason, Remote};
use crate::text::said::Said;

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
    let ended = lane.step(7, finished(J::urgent(1), Outcome::Delivered(Remote::default())));
    assert!(starts(&ended).is_empty(), "what was under way runs out");
    assert!(
        lane.step(89_999, Event::Wake)
            .iter()
            .all(|c| !matches!(c, Command::Claim { .. }))
    );
    let again = lane.step(8, Event::AccountWaits(asked));
    assert!(!again.iter().any(|c| matches!(c, Command::SetHealth(_))), "said once");
}
