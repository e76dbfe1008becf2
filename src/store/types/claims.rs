//! What a lane takes to send, and what gateways say later.

use serde::{Deserialize, Serialize};

use super::Variant;
use crate::clock::Ms;
use crate::domain::delivery::Operation;
use crate::domain::outcome::Remote;
use crate::ids::{BroadcastId, DeliveryId, IncidentId, LaneId, NoticeSeq, RecipientId};
use crate::lane_core::ramp::Ramp;
use crate::lane_core::values::{Completion, Rate};
use crate::text::lang::Lang;

/// What a lane asks for.
#[derive(Debug, Clone)]
pub struct ClaimRequest {
    /// Lane.
    pub lane: LaneId,
    /// The epoch it knows.
    pub epoch: i64,
    /// Now.
    pub now_ms: Ms,
    /// What is out of time is left to end; false while the clock is not trusted.
    pub expires: bool,
    /// At most so many rows.
    pub limit: u32,
    /// A probe: the first due message of the most urgent incident, in order; at most one.
    pub probe: bool,
    /// Lease per row: request timeout and margin, from its start.
    pub lease_ms: Ms,
    /// Sends per second of the account (GCRA); `None`: no limit.
    pub rate: Option<Rate>,
    /// How fast the lane may start while it drains; `None`: as fast as it can.
    pub ramp: Option<Ramp>,
    /// How late the lane's newest start by its ramp was, ms: what is reserved from now on comes as much later.
    pub late_ms: Ms,
    /// Where domains have a rate of their own: so many rows of a broadcast may wait for their turns before the domains that crowd them are left out
    /// of its opening.
    pub turns: u32,
    /// So many recipients of an audience are opened at once, where there are fewer free connections and no ramp: what costs as much for one as for
    /// many is done once for many.
    pub opens: u32,
    /// How long `unknown` and `permanent` hold their successors, ms.
    pub order_wait_ms: Ms,
    /// The same before a correction or retraction, ms.
    pub correction_wait_ms: Ms,
    /// Outcomes that are written before it, in the same commit: the rows they end are open no more. Where they cannot be written nothing is claimed.
    pub settles: Vec<Completion>,
}

impl ClaimRequest {
    /// Until when a lease lasts that begins now.
    pub fn lease_until(&self) -> Ms {
        self.now_ms.saturating_add(self.lease_ms)
    }

    /// What was refused since then still holds its successors.
    pub fn refused_since(&self) -> Ms {
        self.now_ms
            .saturating_sub(self.order_wait_ms.max(self.correction_wait_ms))
    }

    /// What has run out by then is over; `None`: the clock is not trusted.
    pub fn over(&self) -> Option<Ms> {
        self.expires.then_some(self.now_ms)
    }
}

/// What a claim brought.
#[derive(Debug, Clone, Default)]
pub struct Claimed {
    /// The started rows, in order of start.
    pub jobs: Vec<Job>,
    /// When the lane should ask again if nothing wakes it: next due time, rate, order wait, link wait.
    pub next_due_ms: Option<Ms>,
    /// True where there may be more right now.
    pub more: bool,
    /// The lane drains, nothing of it is under way, and everybody who waited has had a first attempt.
    pub drained: bool,
    /// So much of the lateness told of is in the reserved times now, ms.
    pub paid_ms: Ms,
    /// The lane's epoch as stored (a claim with an older one gets no jobs).
    pub epoch: i64,
    /// Of these incidents nothing started: a cut has to be made of what waits ([`crate::store::Lanes::cut`]), on this lane or on one that it
    /// stands in for.
    pub uncut: Vec<(LaneId, IncidentId)>,
    /// Other lanes on which rows wait again, because what had passed them came to nothing here.
    pub wakes: Vec<LaneId>,
    /// What the outcomes that were written with it mean for lanes.
    pub settled: Completed,
}

/// What a commit of outcomes means for lanes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Completed {
    /// It has held these: they drain, and their last results were too bad (`lane_core::window`).
    pub held: Vec<LaneId>,
    /// Other lanes that may have something to claim: refused rows have moved there, or a row of theirs that another lane sends has gone on, and
    /// its successors wait for it.
    pub wakes: Vec<LaneId>,
}

/// One started delivery with all that its channel needs.
#[derive(Debug, Clone)]
pub struct Job {
    /// Delivery.
    pub delivery: DeliveryId,
    /// Broadcast.
    pub broadcast: BroadcastId,
    /// Incident's row, for order.
    pub incident: IncidentId,
    /// Newest notice it brings out.
    pub notice: NoticeSeq,
    /// Attempt number, from 1.
    pub attempt: u32,
    /// First start of this delivery: handles with a term count from here.
    pub first_started_ms: Ms,
    /// Not before this moment (rate).
    pub start_at_ms: Ms,
    /// What to do.
    pub operation: Operation,
    /// Step of several, from 0, with what the step before left.
    pub step: u8,
    /// Handle of the step before.
    pub step_handle: Option<String>,
    /// True where an earlier attempt may have got through (unknown, then repeated by handle).
    pub after_unknown: bool,
    /// The same, also where a person (or the channel's policy) has decided since that it goes again: an earlier request of ours may be there.
    pub begun: bool,
    /// Recipient's row; [`crate::ids::ACCOUNT`] for the account.
    pub recipient: RecipientId,
    /// Recipient's address, empty for the account.
    pub address: String,
    /// Recipient's name, where the audience has one.
    pub name: Option<String>,
    /// The text in the recipient's language.
    pub variant: std::sync::Arc<Variant>,
    /// Its language.
    pub lang: Lang,
    /// The text that an earlier attempt may have gone out with, where words of it were taken out since: for looking, never for sending.
    pub withdrawn: Option<String>,
    /// Thread: the incident's first post and the newest post of this account, where there are any.
    pub thread: Option<Thread>,
    /// What `edit`, `delete` and `reply` act on.
    pub target: Option<Remote>,
    /// Urgent.
    pub urgent: bool,
    /// When the broadcast was made (frozen `createdAt` of services that want one).
    pub created_ms: Ms,
}

impl Job {
    /// What names this message for good, for handles: the same in a restored copy of the store, whatever row it has there, and never
    /// that of another message. A delivery's number is neither.
    pub fn name_for_ever(&self) -> String {
        format!("{} {} {}", self.notice, self.broadcast, self.address)
    }
}

/// Earlier posts of the incident on this account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thread {
    /// The first.
    pub root: Remote,
    /// The newest.
    pub parent: Remote,
}

/// A gateway's later word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Our own reference from the callback URL (delivery and attempt), if any.
    pub delivery: Option<(DeliveryId, u32)>,
    /// The gateway's id, if any.
    pub remote_id: Option<String>,
    /// What it says.
    pub word: ReceiptWord,
    /// The gateway's own word, at most 200 characters.
    pub raw: String,
}

/// What a receipt says. Final beats interim; the first final wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReceiptWord {
    /// On the phone. Final.
    Delivered,
    /// Rejected for good. Final.
    Rejected,
    /// Ran out of time at the gateway. Final.
    Expired,
    /// The gateway has it (also resolves unknown). Interim.
    Buffered,
}

/// What a receipt met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReceiptMatch {
    /// Applied to its delivery.
    Applied,
    /// Known already, interim after final, or contradicting: kept as evidence.
    Evidence,
    /// No delivery yet; kept for seven days.
    Unmatched,
}
