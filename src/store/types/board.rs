//! What people see of broadcasts and deliveries, and what they decide.

use serde::Serialize;

use super::{LaneRow, Variant};
use crate::clock::Ms;
use crate::domain::delivery::{BroadcastState, DeliveryState, Operation};
use crate::domain::notice::Scope;
use crate::domain::outcome::{Reason, Remote};
use crate::ids::{BroadcastId, DeliveryId, IncidentId, LaneId, NoticeSeq, RecipientId};
use crate::text::said::Said;

/// Counters of a broadcast. Triggers keep them in whatever transaction changes a row.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counters {
    /// Rows so far (an audience opens by chunks).
    pub opened: u64,
    /// Recipients there will be, as far as known.
    pub expected: u64,
    /// Waiting rows.
    pub waiting: u64,
    /// Started rows.
    pub started: u64,
    /// Accepted, receipt to come.
    pub accepted: u64,
    /// Delivered.
    pub delivered: u64,
    /// Unknown.
    pub unknown: u64,
    /// Refused.
    pub permanent: u64,
    /// Gone.
    pub gone: u64,
    /// Superseded rows.
    pub superseded: u64,
    /// Expired rows.
    pub expired: u64,
    /// Dropped rows.
    pub dropped: u64,
}

/// A broadcast as the board shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BroadcastRow {
    /// Row.
    pub id: BroadcastId,
    /// Lane.
    pub lane: LaneId,
    /// Channel's name.
    pub channel: String,
    /// Channel's kind.
    pub kind: String,
    /// Incident.
    pub incident: IncidentId,
    /// Notice's number within the incident.
    pub number: u32,
    /// Notice's row.
    pub notice: NoticeSeq,
    /// Scope.
    pub scope: Scope,
    /// Urgent.
    pub urgent: bool,
    /// State.
    pub state: BroadcastState,
    /// The notice that took its place.
    pub superseded_by: Option<NoticeSeq>,
    /// The notice whose digest has it, where what waited of it was summed up.
    pub summed_up_in: Option<u32>,
    /// Of a digest: what it sums up beside its own notice, newest first.
    pub covers: Vec<NoticeSeq>,
    /// Why the digest that it is to be could not be written.
    pub no_digest: Option<Said>,
    /// So many earlier notices are in the post of an account that has begun, whatever would be summed up by now.
    pub told: Option<u64>,
    /// Goes to the lane's audience, however few there are.
    pub audience: bool,
    /// Counters.
    pub counters: Counters,
    /// Rows that went to the reserve channel.
    pub moved: u64,
    /// What waits on reserve channels, by lane.
    pub guests: Vec<Guests>,
    /// When it was made.
    pub created_ms: Ms,
    /// Since when what became of single recipients is removed; the counters stay.
    pub removed_ms: Option<Ms>,
    /// First time something of it was known to be there.
    pub first_done_ms: Option<Ms>,
    /// Last change of its counters.
    pub changed_ms: Ms,
    /// Earliest due time of a waiting row.
    pub next_due_ms: Option<Ms>,
    /// The newest failure's text, while something waits or failed.
    pub last_text: Option<Said>,
    /// Public address of the post (accounts) .
    pub url: Option<String>,
    /// Ends what has not started by then.
    pub expires_ms: Option<Ms>,
}

/// What one step of retention has come to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Removed {
    /// Of which broadcast; `None`: there is nothing to take out now.
    pub broadcast: Option<BroadcastId>,
    /// So many rows.
    pub rows: u64,
    /// It was the last of them.
    pub done: bool,
}

/// Where retention stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Kept {
    /// The broadcast of which rows are being taken out.
    pub removing: Option<BroadcastId>,
    /// The broadcast that goes next, and when its last row became what it is.
    pub next: Option<(BroadcastId, Ms)>,
    /// Those that would go, but for something of their incident on their lane that waits, is under way or unknown.
    pub held: Vec<BroadcastId>,
}

/// What moved to a lane that stands in, and waits there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Guests {
    /// The lane that sends them.
    pub lane: LaneId,
    /// So many.
    pub waiting: u64,
}

impl BroadcastRow {
    /// Recipients whose turn will come: they have no row yet.
    pub fn unopened(&self) -> u64 {
        if self.state == BroadcastState::Open {
            self.counters.expected.saturating_sub(self.counters.opened)
        } else {
            0
        }
    }

    /// What it has still to bring out.
    pub fn waiting(&self) -> u64 {
        self.counters.waiting + self.unopened()
    }

    /// What it has still to bring out by this lane: its own, or one that stands in for it.
    pub fn waiting_on(&self, lane: LaneId) -> u64 {
        let away: u64 = self.guests.iter().map(|guests| guests.waiting).sum();
        let here = self.guests.iter().filter(|guests| guests.lane == lane);
        let own = if self.lane == lane {
            self.waiting().saturating_sub(away)
        } else {
            0
        };
        own + here.map(|guests| guests.waiting).sum::<u64>()
    }
}

/// A delivery as people see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeliveryRow {
    /// Row.
    pub id: DeliveryId,
    /// Broadcast.
    pub broadcast: BroadcastId,
    /// Recipient.
    pub recipient: RecipientId,
    /// State.
    pub state: DeliveryState,
    /// Operation.
    pub operation: Operation,
    /// Attempts so far.
    pub attempt: u32,
    /// Due.
    pub due_ms: Ms,
    /// Last change.
    pub changed_ms: Ms,
    /// Service's id and address.
    pub remote: Remote,
    /// Newest text.
    pub text: Option<Said>,
    /// The reserve channel that brings it out, where it has moved.
    pub via: Option<String>,
}

/// One delivery's whole story.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Story {
    /// Channel.
    pub lane: LaneRow,
    /// Broadcast.
    pub broadcast: BroadcastRow,
    /// Delivery.
    pub delivery: DeliveryRow,
    /// Something newer has gone to the same recipient since: it never goes again.
    pub passed: bool,
    /// Masked address (`+49 171 … 42`), `None` for the account.
    pub address: Option<String>,
    /// The frozen text that goes or went.
    pub variant: Variant,
    /// Numbers of the notices that it sums up, newest first; none: it is its notice's alone.
    pub tells: Vec<u32>,
    /// What happened, in order.
    pub events: Vec<StoryEvent>,
}

/// One line of a story.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StoryEvent {
    /// When.
    pub at_ms: Ms,
    /// What: `created`, `started`, `failed`, `accepted`, `receipt`, `evidence`, `decided`, …
    pub what: String,
    /// Attempt.
    pub attempt: Option<u32>,
    /// Why.
    pub reason: Option<Reason>,
    /// For people.
    pub text: Option<Said>,
}

/// What a person decides on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DecideOn {
    /// One delivery.
    Delivery(DeliveryId),
    /// Everything of a broadcast that stands as unknown.
    Broadcast(BroadcastId),
}

/// What a person decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    /// It is there.
    There,
    /// Send it again (refused where a newer one has passed it).
    Again,
    /// Give it up.
    Drop,
}
