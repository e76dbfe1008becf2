//! The plain values that pass between the core and the store: what a row becomes, a lane's health, a rate.
//! They live on this floor because the core decides them; `store::types` hands them on.

use serde::Serialize;

use crate::clock::Ms;
use crate::domain::delivery::Health;
use crate::domain::outcome::{Reason, Remote};
use crate::ids::DeliveryId;
use crate::text::said::Said;

/// A lane's health as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HealthRow {
    /// Health.
    pub health: Health,
    /// Since when.
    pub since_ms: Ms,
    /// Sends nothing before this (breaker or the service's own word).
    pub blocked_until_ms: Option<Ms>,
    /// Why.
    pub reason: Option<Reason>,
    /// Why, for people.
    pub text: Option<Said>,
    /// Failures in a row.
    pub failures: u32,
}

impl HealthRow {
    /// Until when the service asked the account to wait; `None`: it did not.
    pub fn until_told(&self) -> Option<Ms> {
        let told = self.health == Health::BackingOff && self.reason == Some(Reason::RateLimited);
        self.blocked_until_ms.filter(|_| told)
    }
}

/// A rate for an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Sends in `per_ms`.
    pub count: u32,
    /// Window in ms.
    pub per_ms: u32,
}

/// What came of one attempt, settled by the core into what is to be stored.
#[derive(Debug, Clone)]
pub struct Completion {
    /// Delivery.
    pub delivery: DeliveryId,
    /// Attempt it belongs to.
    pub attempt: u32,
    /// When it ended.
    pub at_ms: Ms,
    /// What the row becomes.
    pub settled: Settled,
    /// Why.
    pub reason: Reason,
    /// For people.
    pub text: Said,
}

/// What a row becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    /// Known to be there.
    Delivered(Remote),
    /// A receipt follows.
    Accepted(Remote),
    /// Next step, at once: the row waits again, due now, with this step and handle, its attempt unspent; the next claim
    /// commits the next start.
    Stepped {
        /// Step.
        step: u8,
        /// Its handle.
        handle: String,
    },
    /// Waits until then. `spent` false: the attempt number is given back.
    Waiting {
        /// Due.
        due_ms: Ms,
        /// Counts as an attempt for the schedule.
        spent: bool,
        /// The attempt may have got through: the next one must use the handle.
        after_unknown: bool,
    },
    /// Goes again by `unknown = "repeat"`, though an earlier attempt may have got through and nobody could tell after all looking: it is not
    /// looked for again before it has been sent.
    GoesAgain {
        /// Due.
        due_ms: Ms,
    },
    /// Nobody knows.
    Unknown,
    /// Refused for good.
    Permanent,
    /// Recipient gone.
    Gone,
    /// Dropped by `unknown = "drop"`.
    Dropped,
}
