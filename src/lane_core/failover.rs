//! When a delivery may move to the channel named by `failover` (LANES 7). The rule only; the store moves the row.

use crate::clock::Ms;
use crate::domain::delivery::{Gate, Health};
use crate::domain::outcome::{Outcome, Reason};

/// An open breaker or a pause moves deliveries after this long.
pub const TROUBLE_MS: Ms = 60_000;

/// What is known of a delivery and its lane.
#[derive(Debug, Clone, Copy)]
pub struct Situation<'a> {
    /// Gate of its lane.
    pub gate: Gate,
    /// Health of its lane and for how long, ms.
    pub health: (Health, Ms),
    /// It moved once already.
    pub moved_before: bool,
    /// Its newest outcome, if it was ever tried.
    pub last: Option<(&'a Outcome, Reason)>,
}

/// True where the same delivery may go to the other channel: at most once, only when it was definitely not accepted (or
/// finally rejected), never because of a hold.
pub fn may_move(of: &Situation<'_>) -> bool {
    if of.moved_before || of.gate == Gate::Held {
        return false;
    }
    let lane_in_trouble = matches!(of.health.0, Health::Probing | Health::Paused) && of.health.1 >= TROUBLE_MS;
    match of.last {
        None => lane_in_trouble,
        Some((Outcome::Permanent, reason)) => reason == Reason::ReceiptRejected || reason == Reason::RecipientRefused,
        Some((Outcome::Transient | Outcome::Auth, _)) => lane_in_trouble,
        Some(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn situation(last: Option<(&Outcome, Reason)>, health: Health, for_ms: Ms) -> Situation<'_> {
        Situation {
            gate: Gate::Open,
            health: (health, for_ms),
            moved_before: false,
            last,
        }
    }

    #[test]
    fn only_what_was_certainly_not_accepted_moves() {
        let refused = Some((&Outcome::Transient, Reason::NotConnected));
        let lost = Some((&Outcome::Unknown, Reason::NoAnswer));
        let rejected = Some((&Outcome::Permanent, Reason::ReceiptRejected));
        assert!(may_move(&situation(refused, Health::Probing, 60_000)));
        assert!(!may_move(&situation(refused, Health::Probing, 59_999)));
        assert!(!may_move(&situation(refused, Health::BackingOff, 90_000)));
        assert!(!may_move(&situation(lost, Health::Probing, 90_000)));
        assert!(may_move(&situation(rejected, Health::Well, 0)));
        assert!(may_move(&situation(None, Health::Paused, 60_000)));
        let mut held = situation(refused, Health::Probing, 60_000);
        held.gate = Gate::Held;
        assert!(!may_move(&held), "hold never moves");
        let mut twice = situation(rejected, Health::Well, 0);
        twice.moved_before = true;
        assert!(!may_move(&twice), "at most once");
    }
}
