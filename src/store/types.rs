//! What goes into the store and what comes out of it. Plain values; no SQL type appears here.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::clock::Ms;
use crate::domain::delivery::{BroadcastState, CatchUp, DeliveryState, Gate, Operation};
use crate::domain::notice::{Notice, Scope};
use crate::domain::outcome::{Reason, Remote};
use crate::ids::{BroadcastId, DeliveryId, IncidentId, LaneId, NoticeSeq, RecipientId};
pub use crate::lane_core::values::{Completion, HealthRow, Rate, Settled};
use crate::text::lang::Lang;

/// Why the store refuses or fails. Texts carry no data of recipients and no secret.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// What was assumed has changed (epoch, number of the last notice): read again.
    #[error("{0}")]
    Conflict(String),
    /// There is no such row.
    #[error("{0}")]
    NotFound(String),
    /// The rule of the store refuses it.
    #[error("{0}")]
    Refused(String),
    /// The schema is of a newer release.
    #[error(
        "this store was written by a newer Rundruf (schema {found}, this one reads up to {known}): use that release, or restore a backup"
    )]
    Newer {
        /// Schema found.
        found: i64,
        /// Newest schema this build knows.
        known: i64,
    },
    /// Disk full, read-only, corrupt: sending stops, pages stay up.
    #[error("the store cannot write: {0}")]
    Broken(String),
    /// Anything else of the database.
    #[error("the store failed: {0}")]
    Database(String),
}

/// Who does something, for the audit chain. Holds ids, no texts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Act {
    /// When.
    pub at_ms: Ms,
    /// Account or operating-system user (`os:anna`).
    pub actor: String,
    /// What (`publish`, `hold`, `decide`, …).
    pub action: String,
    /// On what (`potsdam/2023-01-it/2`, `channel sms`).
    pub object: String,
    /// Further ids and numbers, never texts of notices or addresses.
    #[serde(default)]
    pub details: serde_json::Value,
}

/// A line of the audit chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditRow {
    /// Number of the line.
    pub id: i64,
    /// What was done.
    #[serde(flatten)]
    pub act: Act,
    /// Hex SHA-256 over the previous hash and this line.
    pub hash: String,
}

/// An incident as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IncidentRow {
    /// Row.
    pub id: IncidentId,
    /// Publisher's id.
    pub publisher: String,
    /// Incident's id as people write it.
    pub slug: String,
    /// Title.
    pub title: Option<String>,
    /// Parent incident (`provider/2023-10-sit`).
    pub parent: Option<String>,
    /// An exercise.
    pub exercise: bool,
    /// When its first notice came.
    pub opened_at_ms: Ms,
    /// When it was closed.
    pub closed_at_ms: Option<Ms>,
    /// Number of the newest notice.
    pub last_number: u32,
}

/// A notice as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StoredNotice {
    /// Place in the order of all notices.
    pub seq: NoticeSeq,
    /// The notice.
    pub notice: Notice,
    /// Who published it (`os:anna`).
    pub actor: String,
    /// Its idempotency key.
    pub key: String,
}

/// All that one publication writes.
#[derive(Debug, Clone)]
pub struct Publication {
    /// The notice; its `number` is the expected one (newest + 1), else [`StoreError::Conflict`].
    pub notice: Notice,
    /// Title of a new incident.
    pub new_incident_title: Option<String>,
    /// Idempotency key.
    pub key: String,
    /// Hash of the content as written (LANES 2): same key with another hash is refused.
    pub content_hash: String,
    /// `after = n`: refused with what came in between where the newest is not n.
    pub after: Option<u32>,
    /// One for each channel.
    pub broadcasts: Vec<NewBroadcast>,
    /// Who.
    pub act: Act,
}

/// A broadcast to be written.
#[derive(Debug, Clone)]
pub struct NewBroadcast {
    /// Its lane.
    pub lane: LaneId,
    /// The frozen texts by language; at least one.
    pub variants: BTreeMap<Lang, Variant>,
    /// What follows from `corrects` for this channel (edit, reply, post).
    pub operation: Operation,
    /// `catch_up` of the channel at this time.
    pub catch_up: CatchUp,
    /// Ends what has not started by then.
    pub expires_at_ms: Option<Ms>,
    /// The link target this broadcast waits for: lane, latest moment to wait until.
    pub waits_for_link: Option<(LaneId, Ms)>,
    /// Reaches an audience (chunks open as the lane can send), not one account.
    pub audience: bool,
    /// A website: one delivery per target, generation raised.
    pub levels: bool,
}

/// A rendered, frozen text for one channel in one language. `payload` is the kind's own; every later release reads `format`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Variant {
    /// Format version of `payload`.
    pub format: u16,
    /// The text as people will read it.
    pub text: String,
    /// What the kind needs beside the text (subject, JSON body, spoiler, …).
    #[serde(default, skip_serializing_if = "serde_json::Value::is_null")]
    pub payload: serde_json::Value,
    /// How it fits.
    pub fit: Fit,
}

/// How a text fits its channel; shown in the preview and on the board.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fit {
    /// Length in the channel's unit.
    pub length: usize,
    /// Limit in the same unit; `None`: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// The unit in a word (`septets`, `graphemes`, …).
    pub unit: String,
    /// True where it had to be shortened (at a sentence end, the link kept).
    #[serde(default)]
    pub shortened: bool,
    /// SMS segments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segments: Option<usize>,
    /// `gsm7` or `ucs2`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
    /// Characters that made it costly.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub costly: Vec<char>,
    /// Characters replaced so that it costs less: from, to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub replaced: Vec<(String, String)>,
    /// True where the language was missing and the first language is shown with a sentence saying so.
    #[serde(default)]
    pub language_missing: bool,
}

/// What came of publishing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Published {
    /// Written.
    New {
        /// The notice's row.
        seq: NoticeSeq,
        /// The incident's row.
        incident: IncidentId,
    },
    /// Same key, same content: it is there already.
    Existing {
        /// The notice's row.
        seq: NoticeSeq,
        /// The incident's row.
        incident: IncidentId,
        /// Its number.
        number: u32,
    },
    /// Same key, other content.
    KeyTaken {
        /// Number of the notice that has the key.
        number: u32,
    },
    /// `after` is not the newest: these came in between.
    CameBetween {
        /// Their numbers.
        numbers: Vec<u32>,
    },
}

/// A field to take out of a published notice.
#[derive(Debug, Clone)]
pub struct Redaction {
    /// The notice.
    pub notice: NoticeSeq,
    /// The notice with the field replaced, as it is to be stored from now on.
    pub redacted: Notice,
    /// Salted hash of the old content.
    pub hash: String,
    /// The frozen variants of its broadcasts, rendered again.
    pub variants: Vec<(BroadcastId, BTreeMap<Lang, Variant>)>,
}

/// A lane as configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaneSpec {
    /// Channel's name.
    pub name: String,
    /// Channel's kind.
    pub kind: String,
    /// Account identity (host and user, no secret).
    pub account: String,
    /// Hash of all settings.
    pub settings_hash: String,
    /// Gate at first sight.
    pub first_gate: Gate,
    /// Website targets: address without credentials, link target.
    pub targets: Vec<TargetSpec>,
}

/// A website target as configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetSpec {
    /// Address without credentials.
    pub address: String,
    /// Messages with a link wait for it.
    pub link: bool,
}

/// A lane as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LaneRow {
    /// Row.
    pub id: LaneId,
    /// Channel's name.
    pub name: String,
    /// Kind.
    pub kind: String,
    /// Account identity.
    pub account: String,
    /// In the configuration now.
    pub configured: bool,
    /// Gate.
    pub gate: Gate,
    /// Why the gate is as it is, for people; who and since when.
    pub gate_reason: Option<String>,
    /// Who set it.
    pub gate_by: Option<String>,
    /// Since when.
    pub gate_since_ms: Ms,
    /// Raised by every gate change.
    pub epoch: i64,
    /// Newest epoch the owner has seen, and what was in flight then.
    pub acknowledged: (i64, u32),
    /// Health.
    pub health: HealthRow,
    /// Recipients who are in now; 0 for an account.
    pub audience: u64,
}

/// Somebody of an audience file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// E.164, mail address or URL.
    pub address: String,
    /// Name.
    pub name: Option<String>,
    /// Language.
    pub language: Option<Lang>,
    /// Places followed; empty: everything.
    pub places: Vec<String>,
}

/// What syncing an audience changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct AudienceChange {
    /// Everybody who is in now.
    pub total: u64,
    /// New.
    pub added: u64,
    /// Gone.
    pub removed: u64,
}

/// How a lane's open rows are settled after a takeover.
#[derive(Debug, Clone)]
pub struct Takeover {
    /// Lane.
    pub lane: LaneId,
    /// For how long a handle is in force after the first start, in ms; `None`: the kind has none. `Some(i64::MAX)`: for ever.
    pub handle_for_ms: Option<Ms>,
    /// True where unknown rows may be sent again (`unknown = "repeat"`).
    pub repeat: bool,
    /// True where unknown rows end as dropped (`unknown = "drop"`).
    pub drop: bool,
}

/// What a takeover found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TakenOver {
    /// Lane.
    pub lane: LaneId,
    /// Will be repeated with their handle.
    pub repeated: u64,
    /// Stand as unknown now.
    pub unknown: u64,
}

/// What a lane asks for.
#[derive(Debug, Clone)]
pub struct ClaimRequest {
    /// Lane.
    pub lane: LaneId,
    /// The epoch it knows.
    pub epoch: i64,
    /// Now.
    pub now_ms: Ms,
    /// At most so many rows.
    pub limit: u32,
    /// A probe: the first due message of the most urgent incident, in order; at most one.
    pub probe: bool,
    /// Lease per row: request timeout and margin, from its start.
    pub lease_ms: Ms,
    /// Sends per second of the account (GCRA); `None`: no limit.
    pub rate: Option<Rate>,
    /// How long `unknown` and `permanent` hold their successors, ms.
    pub order_wait_ms: Ms,
    /// The same before a correction or retraction, ms.
    pub correction_wait_ms: Ms,
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
    /// The lane's epoch as stored (a claim with an older one gets no jobs).
    pub epoch: i64,
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
    /// Recipient's row; [`crate::ids::ACCOUNT`] for the account.
    pub recipient: RecipientId,
    /// Recipient's address, empty for the account.
    pub address: String,
    /// The text in the recipient's language.
    pub variant: std::sync::Arc<Variant>,
    /// Its language.
    pub lang: Lang,
    /// Thread: the incident's first post and the newest post of this account, where there are any.
    pub thread: Option<Thread>,
    /// What `edit`, `delete` and `reply` act on.
    pub target: Option<Remote>,
    /// Urgent.
    pub urgent: bool,
    /// When the broadcast was made (frozen `createdAt` of services that want one).
    pub created_ms: Ms,
}

/// Earlier posts of the incident on this account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thread {
    /// The first.
    pub root: Remote,
    /// The newest.
    pub parent: Remote,
}

/// A change of a gate.
#[derive(Debug, Clone)]
pub struct GateChange {
    /// Lane.
    pub lane: LaneId,
    /// New gate.
    pub gate: Gate,
    /// The epoch shown to whoever decided.
    pub expected_epoch: Option<i64>,
    /// Why, for people.
    pub reason: Option<String>,
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

/// A website target as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TargetRow {
    /// Row (a recipient of the website lane).
    pub id: RecipientId,
    /// Address without credentials.
    pub address: String,
    /// Messages with a link wait for it.
    pub link: bool,
    /// Generation wanted.
    pub wanted: i64,
    /// Generation there.
    pub done: i64,
    /// Failures in a row.
    pub failures: u32,
    /// Not before this.
    pub due_ms: Ms,
    /// Why the last try failed, for people.
    pub text: Option<String>,
    /// When `done` was reached.
    pub done_at_ms: Option<Ms>,
}

/// What came of an upload.
#[derive(Debug, Clone)]
pub struct TargetResult {
    /// Lane.
    pub lane: LaneId,
    /// Target.
    pub target: RecipientId,
    /// The generation that was wanted when the site was read.
    pub generation: i64,
    /// When.
    pub at_ms: Ms,
    /// Files changed, or why not.
    pub result: Result<u64, TargetFailure>,
}

/// A failed upload.
#[derive(Debug, Clone)]
pub struct TargetFailure {
    /// Next try.
    pub due_ms: Ms,
    /// Why.
    pub reason: Reason,
    /// For people.
    pub text: String,
}

/// Counters of a broadcast, kept in the completing transactions.
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
    /// Counters.
    pub counters: Counters,
    /// When it was made.
    pub created_ms: Ms,
    /// First time something of it was known to be there.
    pub first_done_ms: Option<Ms>,
    /// Last change of its counters.
    pub changed_ms: Ms,
    /// Next try: the earliest due time of a waiting row, not before the lane sends again.
    pub next_due_ms: Option<Ms>,
    /// The newest failure's text, while something waits or failed.
    pub last_text: Option<String>,
    /// Public address of the post (accounts) .
    pub url: Option<String>,
    /// Ends what has not started by then.
    pub expires_ms: Option<Ms>,
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
    pub text: Option<String>,
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
    /// Masked address (`+49 171 … 42`), `None` for the account.
    pub address: Option<String>,
    /// The frozen text that goes or went.
    pub variant: Variant,
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
    pub text: Option<String>,
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

/// Which store this is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Identity {
    /// Raised by `restore` and `migrate`; a website target refuses an older one.
    pub instance: i64,
    /// Random id of the installation.
    pub installation: String,
    /// Schema version.
    pub schema: i64,
    /// Marked as moved: refuses to send.
    pub moved: bool,
}
