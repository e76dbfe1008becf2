//! When a delivery may move to the channel named by `failover` (LANES 7): at most once, only where it is known that nothing was sent, never
//! because of a hold. The rules only; the store moves the rows, in the transaction that learns of it.

use crate::clock::Ms;
use crate::domain::delivery::{Gate, Health};
use crate::domain::outcome::Reason;

/// An open breaker or a pause moves deliveries after this long: of a lane that could try all the while.
pub const TROUBLE_MS: Ms = 60_000;

/// The service is there and has named a time for it: such a row stays where it is, however its lane fares.
pub const STAYS: [Reason; 2] = [Reason::RateLimited, Reason::RecipientBusy];

/// The moment from which what waits on a lane may go to the other channel, `None`: not as things are. Its breaker is open, or its credentials
/// are refused, for so long that waiting is no longer the better choice. `since_ms`: its health is what it is since then; `tries_since_ms`: its
/// gate, and the process that sends, are what they are since then: after a hold or a restart it tries first, whatever ailed it before.
pub fn moves_at(gate: Gate, health: Health, since_ms: Ms, tries_since_ms: Ms) -> Option<Ms> {
    let in_trouble = matches!(health, Health::Probing | Health::Paused);
    (gate != Gate::Held && in_trouble).then(|| since_ms.max(tries_since_ms).saturating_add(TROUBLE_MS))
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
            assert_eq!(moves_at(Gate::Open, health, 7, 0), Some(60_007));
            assert_eq!(moves_at(Gate::Draining, health, 7, 0), Some(60_007));
            assert_eq!(moves_at(Gate::Held, health, 7, 0), None, "hold never moves");
        }
        for health in [Health::Well, Health::BackingOff] {
            assert_eq!(moves_at(Gate::Open, health, 7, 0), None);
        }
        assert_eq!(
            moves_at(Gate::Open, Health::Probing, 7, 3_600_000),
            Some(3_660_000),
            "released an hour later, it tries first"
        );
    }

    #[test]
    fn only_what_was_refused_for_its_recipient_moves() {
        assert!(refusal_moves(Gate::Open, Reason::ReceiptRejected));
        assert!(refusal_moves(Gate::Open, Reason::RecipientRefused));
        assert!(!refusal_moves(Gate::Open, Reason::ContentRefused));
        assert!(!refusal_moves(Gate::Held, Reason::ReceiptRejected));
    }
}
