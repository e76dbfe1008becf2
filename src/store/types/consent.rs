//! Whom a channel may write to.

use serde::Serialize;

use crate::clock::Ms;
use crate::ids::{DeliveryId, LaneId, RecipientId};
use crate::text::lang::Lang;
use crate::text::said::Said;

/// A channel's idea of which spellings of an address are one: the form in which they are compared (`Built::compared`).
pub type Compared<'a> = &'a (dyn Fn(&str) -> String + Send + Sync);

/// Somebody of an audience as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// Their number.
    pub id: RecipientId,
    /// The lane that writes to them.
    pub lane: LaneId,
    /// Its channel's name.
    pub channel: String,
    /// Address as first seen in the audience file.
    pub address: String,
    /// The form in which it is compared.
    pub canonical: String,
    /// Language, where they have named one.
    pub language: Option<Lang>,
    /// Why the channel may not write to them any more.
    pub suppressed: Option<SuppressedBecause>,
}

/// An address that a lane may not write to any more, whatever its audience file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suppression {
    /// Lane.
    pub lane: LaneId,
    /// Address in its canonical form.
    pub address: String,
    /// Why.
    pub because: SuppressedBecause,
}

/// Why an address is suppressed. The numbers are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[repr(u8)]
pub enum SuppressedBecause {
    /// They have unsubscribed.
    Unsubscribed = 0,
    /// Its server says that nobody is there.
    Bounced = 1,
    /// Somebody of the staff.
    ByHand = 2,
    /// Their service has said that they want nothing more (410 of a webhook's receiver).
    Gone = 3,
}

/// What a person's word for an address has changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lifted {
    /// It was suppressed, and is no more.
    pub suppressed: bool,
    /// A server had called it unknown, which counts no more.
    pub reported: bool,
}

/// An address as suppressed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Suppressed {
    /// Channel.
    pub channel: String,
    /// Address in its canonical form.
    pub address: String,
    /// Why.
    pub because: SuppressedBecause,
    /// Since when.
    pub at_ms: Ms,
}

/// How many addresses a channel does not write to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SuppressedCount {
    /// Channel.
    pub channel: String,
    /// They have unsubscribed.
    pub unsubscribed: u64,
    /// Their servers say that nobody is there.
    pub bounced: u64,
    /// By hand.
    pub by_hand: u64,
    /// Their service has said that they want nothing more.
    pub gone: u64,
}

/// A mail that certainly did not arrive. Whoever says so has shown the return token of this delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CameBack {
    /// Which.
    pub delivery: DeliveryId,
    /// When it was read.
    pub at_ms: Ms,
    /// Addresses behind which nobody is, as the report names them, in their canonical form.
    pub gone: Vec<String>,
    /// For people, without an address.
    pub text: Said,
}

/// What followed from a mail that came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Followed {
    /// Nothing: it is known already, or the delivery is not there or too long ago.
    Nothing,
    /// It stands in the delivery's story and counts as a refusal.
    Noted,
    /// That, and the server calls the address unknown, for the first time or once more too soon to be sure.
    Reported,
    /// That, and so many of its domain or lane are called unknown at once that nobody believes it.
    Doubted,
    /// That, and the address is written to no more.
    Suppressed,
}

/// Too many of an audience were called unknown within an hour: as a rule a directory is in trouble, or our own relay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Doubted {
    /// Channel.
    pub channel: String,
    /// Domain; `None`: many of them.
    pub domain: Option<String>,
    /// So many addresses in the last week.
    pub addresses: u64,
    /// The newest.
    pub at_ms: Ms,
}

/// An address that a server has called unknown, and that is written to all the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reported {
    /// Channel.
    pub channel: String,
    /// Address in its canonical form.
    pub address: String,
    /// The newest report.
    pub at_ms: Ms,
    /// It came together with too many others, and counts for nothing.
    pub doubted: bool,
}
