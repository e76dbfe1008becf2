//! States of broadcasts, deliveries, gates and lanes: the closed lists that store, core and board share (LANES 2 to 5).

use serde::{Deserialize, Serialize};

/// Where a delivery stands. The numbers are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[repr(u8)]
pub enum DeliveryState {
    /// Waits for its time (also after a transient failure).
    Waiting = 0,
    /// Claimed; its attempt number is committed; the request may have left.
    Started = 1,
    /// Taken over by a gateway; a receipt follows. Counts as ended for order.
    Accepted = 2,
    /// Known to be there. End.
    Delivered = 3,
    /// Nobody knows; a receipt, a read-back or a person ends it.
    Unknown = 4,
    /// Refused for good. End.
    Permanent = 5,
    /// Recipient gone. End.
    Gone = 6,
    /// A newer notice took its place before it started. End.
    Superseded = 7,
    /// Out of time. End.
    Expired = 8,
    /// Given up, by a person or by the channel's `unknown = "drop"`: it may be there. End.
    Dropped = 9,
}

impl DeliveryState {
    /// Every state, in the order of the stored numbers.
    pub const ALL: [Self; 10] = [
        Self::Waiting,
        Self::Started,
        Self::Accepted,
        Self::Delivered,
        Self::Unknown,
        Self::Permanent,
        Self::Gone,
        Self::Superseded,
        Self::Expired,
        Self::Dropped,
    ];
    /// Reads the stored number.
    pub fn from_stored(n: i64) -> Option<Self> {
        usize::try_from(n).ok().and_then(|n| Self::ALL.get(n).copied())
    }
    /// True where nothing more happens by itself. A person may want again what was refused, or say that it is there.
    pub fn ended(self) -> bool {
        !matches!(self, Self::Waiting | Self::Started | Self::Accepted | Self::Unknown)
    }
}

/// What a delivery does at the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[repr(u8)]
pub enum Operation {
    /// A message of its own (threaded where the channel threads).
    Post = 0,
    /// Changes the post that is there.
    Edit = 1,
    /// Deletes it.
    Delete = 2,
    /// Answers it.
    Reply = 3,
}

impl Operation {
    /// Reads the stored number.
    pub fn from_stored(n: i64) -> Option<Self> {
        [Self::Post, Self::Edit, Self::Delete, Self::Reply]
            .get(usize::try_from(n).ok()?)
            .copied()
    }
}

/// Where a broadcast stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[repr(u8)]
pub enum BroadcastState {
    /// Chunks may still open.
    Open = 0,
    /// Every chunk is open (or closed by a newer notice); rows may be unended.
    Opened = 1,
    /// Every row has ended, none is unknown or accepted without receipt.
    Ended = 2,
    /// A newer notice took its place before anything started.
    Superseded = 3,
}

impl BroadcastState {
    /// Reads the stored number.
    pub fn from_stored(n: i64) -> Option<Self> {
        [Self::Open, Self::Opened, Self::Ended, Self::Superseded]
            .get(usize::try_from(n).ok()?)
            .copied()
    }
}

/// A lane's gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[repr(u8)]
pub enum Gate {
    /// Sends.
    Open = 0,
    /// Starts nothing.
    Held = 1,
    /// Released with a ramp.
    Draining = 2,
}

impl Gate {
    /// Reads the stored number.
    pub fn from_stored(n: i64) -> Option<Self> {
        [Self::Open, Self::Held, Self::Draining]
            .get(usize::try_from(n).ok()?)
            .copied()
    }
}

/// Who or what has set a gate as it is: that decides who may change it without a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[repr(u8)]
pub enum GateCause {
    /// The configuration, at first sight or when it was changed to `gate = "held"`.
    Settings = 0,
    /// A person.
    Person = 1,
    /// A probe.
    Probe = 2,
    /// The lane itself: too many refusals while it drained, or everything that waited is out.
    Itself = 3,
    /// Another account or another machine than before: a person looks first.
    Change = 4,
}

impl GateCause {
    /// Reads the stored number.
    pub fn from_stored(n: i64) -> Option<Self> {
        [Self::Settings, Self::Person, Self::Probe, Self::Itself, Self::Change]
            .get(usize::try_from(n).ok()?)
            .copied()
    }
}

/// A lane's health.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[repr(u8)]
pub enum Health {
    /// Well.
    Well = 0,
    /// Waits after failures.
    BackingOff = 1,
    /// One message at a time tries whether it works again.
    Probing = 2,
    /// Credentials: waits for a person.
    Paused = 3,
}

impl Health {
    /// Reads the stored number.
    pub fn from_stored(n: i64) -> Option<Self> {
        [Self::Well, Self::BackingOff, Self::Probing, Self::Paused]
            .get(usize::try_from(n).ok()?)
            .copied()
    }
}

/// What a waiting lane brings out when it can (LANES 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CatchUp {
    /// Every notice.
    #[default]
    Every,
    /// The newest per scope.
    Latest,
    /// A summary (a cut).
    Digest,
}

/// What happens to an attempt nobody knows the outcome of, where no handle and no read-back exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnknownPolicy {
    /// Send again (only where a double does little harm).
    Repeat,
    /// Stands as unknown until a receipt or a person ends it.
    Ask,
    /// Ends as dropped.
    Drop,
}
