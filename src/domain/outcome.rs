//! What came of one attempt (LANES 3). An enum with a reason enum and a text, never a bool.

use serde::{Deserialize, Serialize};

use crate::clock::Ms;
use crate::text::said::Said;

/// What the service gave us to name the message by.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remote {
    /// The service's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Public address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// Why, for sorting and metrics; the text says it to people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// All went well.
    Ok,
    /// No connection: refused, no route, name not found. Nothing left the machine.
    NotConnected,
    /// The request left, no answer came in time.
    NoAnswer,
    /// The answer broke off or was not what the service answers.
    BadAnswer,
    /// The service is in trouble (5xx).
    ServiceTrouble,
    /// The service asks to wait (429, Retry-After).
    RateLimited,
    /// Credentials or account.
    Credentials,
    /// The service refuses the content.
    ContentRefused,
    /// The service refuses this recipient.
    RecipientRefused,
    /// What the list gives as address is none: no other channel of this kind would reach it either.
    BadAddress,
    /// The recipient is gone for good, by their own word.
    RecipientGone,
    /// The recipient's server knows nobody of that name; it may be wrong.
    RecipientUnknown,
    /// The service takes nothing for this recipient now.
    RecipientBusy,
    /// The service refuses us by a policy (reputation, authentication of the sender, limits of the account).
    PolicyRefused,
    /// What was referred to is not there (parent post, remote id).
    ReferenceGone,
    /// A process died between start and outcome.
    Takeover,
    /// Our own disk or file system, or a clock that is not the other side's.
    Local,
    /// A rejection that came as a receipt.
    ReceiptRejected,
    /// Out of time (`expires`).
    Expired,
    /// A person decided.
    Decided,
    /// A newer notice took its place.
    Superseded,
}

/// One attempt's result as the channel saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Done, known.
    Delivered(Remote),
    /// Taken over; a receipt follows.
    Accepted(Remote),
    /// One step of several is done; commit `handle`, then go on with `step`.
    Stepped {
        /// The next step.
        step: u8,
        /// What the next step needs.
        handle: String,
    },
    /// The service named a time: moves the whole lane, costs no attempt.
    Later {
        /// Not before this.
        until: Ms,
    },
    /// The service is well but takes nothing for this recipient now (full mailbox, greylisting): this row alone waits until then.
    Deferred {
        /// Not before this.
        until: Ms,
    },
    /// Try again by the schedule. Certainly not accepted.
    Transient,
    /// The request left, nobody knows.
    Unknown,
    /// Will never be accepted.
    Permanent,
    /// Pauses the lane; every row stays.
    Auth,
    /// This recipient does not exist any more.
    Gone,
}

/// An outcome with its reason and a sentence without secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// What came of it.
    pub outcome: Outcome,
    /// Why.
    pub reason: Reason,
    /// For people: who, what, why; at most 500 characters in each language, no secret.
    pub text: Said,
}
