//! When a delivery may move to the channel named by `failover` (LANES 7): at most once, only where it is known that nothing was sent, never
//! because of a hold. The rules only; the store moves the rows, in the transaction that learns of it.

use crate::clock::Ms;
use crate::domain::delivery::{Gate, Health};
use crate::domain::outcome::Reason;

/// An open breaker or a pause moves deliveries after this long.
pub const TROUBLE_MS: Ms = 60_000;

/// The service is there and has named a time for it: such a row stays where it is, however its lane fares.
pub const STAYS: [Reason; 2] = [Reason::RateLimited, Reason::RecipientBusy];

/// True where what waits on a lane may go to the other channel: its breaker is open, or its credentials are refused, for so long that waiting
/// is no longer the better choice. `for_ms`: since its health is what it is.
pub fn waiting_moves(gate: Gate, health: Health, for_ms: Ms) -> bool {
    moves_at(gate, health, 0).is_some_and(|at| for_ms >= at)
}

/// The moment from which what waits may move, for a health since `since_ms`; `None`: not as things are.
pub fn moves_at(gate: Gate, health: Health, since_ms: Ms) -> Option<Ms> {
    let in_trouble = matches!(health, Health::Probing | Health::Paused);
    (gate != Gate::Held && in_trouble).then(|| since_ms.saturating_add(TROUBLE_MS))
}

/// True where a delivery that was refused for good for this reason may go to the other channel: another gateway may have a way to this number.
/// A text that one refuses is not tried on the next.
pub fn refusal_moves(gate: Gate, reason: Reason) -> bool {
    gate != Gate::Held && matches!(reason, Reason::ReceiptRejected | Reason::RecipientRefused)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_moves_after_a_minute_of_trouble_and_never_because_of_a_hold() {
        for health in [Health::Probing, Health::Paused] {
            assert!(!waiting_moves(Gate::Open, health, 59_999));
            assert!(waiting_moves(Gate::Open, health, 60_000));
            assert!(waiting_moves(Gate::Draining, health, 60_000));
            assert!(!waiting_moves(Gate::Held, health, 600_000), "hold never moves");
        }
        for health in [Health::Well, Health::BackingOff] {
            assert!(!waiting_moves(Gate::Open, health, 600_000));
        }
        assert_eq!(moves_at(Gate::Open, Health::Probing, 7), Some(60_007));
    }

    #[test]
    fn only_what_was_refused_for_its_recipient_moves() {
        assert!(refusal_moves(Gate::Open, Reason::ReceiptRejected));
        assert!(refusal_moves(Gate::Open, Reason::RecipientRefused));
        assert!(!refusal_moves(Gate::Open, Reason::ContentRefused));
        assert!(!refusal_moves(Gate::Held, Reason::ReceiptRejected));
    }
}
