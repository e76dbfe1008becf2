//! Floor 0: names that people write (publishers, channels, incidents, facts) and numbers that the store gives.

use serde::{Deserialize, Serialize};

/// Words that can be no publisher, channel or incident id, because a public path begins with them (DESIGN section 7).
pub const RESERVED: &[&str] = &[
    "accessibility",
    "api",
    "archive",
    "cap",
    "card",
    "confirm",
    "console",
    "de",
    "de-simple",
    "en",
    "feed",
    "healthz",
    "imprint",
    "metrics",
    "phone-sheet",
    "place",
    "poster",
    "press",
    "privacy",
    "readyz",
    "receipts",
    "state",
    "subscribe",
    "unsubscribe",
    "well-known",
];

/// True for an id of a publisher or channel: `[a-z0-9_]+`, at most 64 characters, not reserved.
pub fn is_name(id: &str) -> bool {
    !id.is_empty()
        && id.len() <= 64
        && id
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        && !RESERVED.contains(&id)
}

/// True for an id of an incident, fact or place: like [`is_name`], and `-` too.
pub fn is_slug(id: &str) -> bool {
    !id.is_empty()
        && id.len() <= 64
        && id
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-')
        && !RESERVED.contains(&id)
}

macro_rules! row_id {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    )+};
}

row_id! {
    /// An incident's row.
    IncidentId,
    /// A notice's row; also its place in the order of all notices of the store.
    NoticeSeq,
    /// A channel's lane.
    LaneId,
    /// What a lane has to bring out: notice × channel, or a cut.
    BroadcastId,
    /// Broadcast × recipient.
    DeliveryId,
    /// Somebody in an audience, or a website target. `0` stands for the account itself.
    RecipientId,
}

/// The recipient of a channel that has one account instead of an audience.
pub const ACCOUNT: RecipientId = RecipientId(0);
