//! Floor 2: the one store. Intent and result live here together; nothing is sent before it is written.
//!
//! Four traits by reader: [`Notices`] for publishing and pages, [`Lanes`] for the queue, [`Board`] for people and the audit
//! log, [`Consent`] for whom channels may write to. A second store implements the same traits and passes the same conformance suite. Times are milliseconds since
//! the Unix epoch and always come from the caller's clock.

mod ahead;
mod alive;
mod audience;
pub mod audit;
pub mod backup;
mod before;
mod board;
mod broadcasts;
mod chunk;
mod chunks;
mod claim;
mod claims;
mod complete;
mod crowd;
mod cut;
mod decide;
pub mod disk;
mod domains;
mod due;
mod error;
mod evidence;
mod failover;
mod gate;
mod give_back;
mod group;
mod hard;
mod incidents;
mod lanes;
mod lists;
mod look;
mod marks;
mod open;
mod outset;
pub mod owner;
mod pace;
mod probe;
mod publish;
mod rate;
mod reach;
mod receipts;
mod redaction;
mod reopen;
mod retention;
mod returned;
mod rows;
mod spelling;
mod sqlite;
mod starts;
mod story;
mod supersession;
mod suppression;
mod takeover;
mod targets;
mod texts;
mod thread;
mod times;
pub mod trouble;
mod turn;
pub mod types;
mod unknown;
mod writer;

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;

use crate::clock::Ms;
use crate::ids::{BroadcastId, DeliveryId, IncidentId, LaneId, NoticeSeq, RecipientId};
use crate::lane_core::probation::{ProbeResult, ProbeRules, Step};
use crate::text::said::Said;
pub use error::{Conflict, Missing, Refusal, StoreError, Trouble};
pub use open::SCHEMA;
pub use sqlite::Sqlite;
pub use types::*;

/// Publishing and reading notices.
#[async_trait]
pub trait Notices: Send + Sync {
    /// One transaction: incident (if new), notice, variants, one broadcast per channel, supersession, audit entry,
    /// targets raised. Idempotent by `(incident, key)`.
    async fn publish(&self, publication: &Publication) -> Result<Published, StoreError>;

    /// Incidents, newest first; of one publisher or all.
    async fn incidents(&self, publisher: Option<&str>) -> Result<Vec<IncidentRow>, StoreError>;

    /// All notices of an incident in order of number, with what a later notice did to them.
    async fn notices(&self, incident: IncidentId) -> Result<Vec<StoredNotice>, StoreError>;

    /// Every incident, newest first; with its notices, by number, where it is called `named`, or where nothing is named and it was not
    /// over at `lately`.
    async fn known(&self, named: Option<&str>, lately: Ms)
    -> Result<Vec<(IncidentRow, Vec<StoredNotice>)>, StoreError>;

    /// Changes an incident's closing: `incident close|reopen`, with an audit entry.
    async fn set_closed(&self, incident: IncidentId, closed: bool, act: &Act) -> Result<(), StoreError>;

    /// Replaces a field's content by "removed on …" in the stored notice and in all frozen variants given; keeps a salted hash. Returns where words
    /// that were taken out of the incident's notices still are, and have to be for now.
    async fn redact(&self, redaction: &Redaction, act: &Act) -> Result<Vec<StillThere>, StoreError>;

    /// Broadcasts whose texts may have words that were taken out, because their channel was not configured then, and whose channel is again.
    async fn unrendered(&self) -> Result<Vec<BroadcastRow>, StoreError>;

    /// Their texts without these words; `looks_up` as in [`Redaction`].
    async fn rendered(&self, texts: &[(BroadcastId, FrozenTexts)], looks_up: &[String]) -> Result<(), StoreError>;
}

/// Hears of the publications of its process.
pub trait Bell: Send + Sync {
    /// One has its place: a claim from now on comes after it, mostly in the same commit.
    fn queued(&self);

    /// It is committed.
    fn committed(&self);
}

/// The queue. Every method is one transaction; methods called at the same moment may share one commit.
#[async_trait]
pub trait Lanes: Send + Sync {
    /// Registers the configured lanes and targets. A lane whose kind or account changed while rows wait starts held and says why.
    /// Rows of lanes not named stay and are never claimed.
    async fn configure(&self, lanes: &[LaneSpec], now: Ms) -> Result<Vec<LaneRow>, StoreError>;

    /// Rings this bell, and no other any more, at every publication through this store.
    fn ring(&self, bell: Arc<dyn Bell>);

    /// Lane rows, all of them, also those no longer configured.
    async fn lane_rows(&self) -> Result<Vec<LaneRow>, StoreError>;

    /// Brings a lane's audience up to date with a list, in short transactions: new ones are added behind all others, missing ones are gone. Then its
    /// mark is kept. One that breaks off has taken nobody out, leaves no mark, and is taken up by the next.
    async fn sync_list(&self, lane: LaneId, list: &mut dyn List, now: Ms) -> Result<AudienceChange, StoreError>;

    /// As [`Lanes::sync_list`], with a list that is there as a whole.
    async fn sync_audience(&self, lane: LaneId, people: &[Person], now: Ms) -> Result<AudienceChange, StoreError> {
        self.sync_list(lane, &mut Whole::of(people), now).await
    }

    /// How the lists that are taken over as a whole are known again.
    async fn list_marks(&self) -> Result<BTreeMap<LaneId, ListMark>, StoreError>;

    /// The list of this mark, otherwise as it was, has another stamp by now.
    async fn list_is_same(&self, lane: LaneId, mark: &ListMark) -> Result<(), StoreError>;

    /// After the owner lock is held: voids the old process's leases. Started rows become waiting (the handle is in force, see
    /// [`Takeover`]) or unknown; claimed-ahead rows of channels with a handle count the same.
    async fn take_over(&self, lanes: &[Takeover], now: Ms) -> Result<Vec<TakenOver>, StoreError>;

    /// Opens chunks as needed and claims due deliveries in the order of LANES 3 and 4. Each claimed row is `started` with its
    /// new attempt number when this returns; a claim of an old epoch gets nothing. Outcomes that come with it are written first, as by
    /// [`Lanes::complete`].
    async fn claim(&self, request: &ClaimRequest) -> Result<Claimed, StoreError>;

    /// The cuts that have to be made on a lane before anything more of their incidents starts there; `over` as in [`DueCut`].
    async fn due_cuts(&self, lane: LaneId, over: Option<Ms>) -> Result<Vec<DueCut>, StoreError>;

    /// Makes a cut with the texts rendered for it (LANES 4). Refused with [`Conflict::Waiting`] where something else waits by now than they were
    /// rendered from.
    async fn cut(&self, cut: &FrozenCut, now: Ms) -> Result<(), StoreError>;

    /// Notes for the board why the digest that is due could not be written, until one is. False where that was known.
    async fn no_digest(&self, due: &DueCut, why: &Said) -> Result<bool, StoreError>;

    /// Gives claimed rows back whose request never began: waiting again, attempt number unspent. Says on which other lanes something may start
    /// because of it: those whose rows had moved here.
    async fn give_back(&self, deliveries: &[(DeliveryId, u32)], now: Ms) -> Result<Vec<LaneId>, StoreError>;

    /// Rows of this lane that stand as unknown, behind `after`, by number, as they were when their last attempt started: the lane
    /// reads them back where its kind can. What comes of that is completed under the same attempt number.
    async fn unknown_jobs(&self, _lane: LaneId, _after: DeliveryId, _limit: u32) -> Result<Vec<Job>, StoreError> {
        Ok(Vec::new())
    }

    /// Applies outcomes and broadcast counters. An outcome of an attempt that is not the row's current one is kept as evidence
    /// only, and so is one for a row that is neither started nor unknown any more. A row that would wait again although a
    /// newer notice has passed it, or its broadcast was closed meanwhile, is superseded.
    async fn complete(&self, completions: &[Completion]) -> Result<Completed, StoreError>;

    /// Stores a lane's health and the time before which it sends nothing.
    async fn set_health(&self, lane: LaneId, health: &HealthRow) -> Result<(), StoreError>;

    /// Changes a gate and raises the epoch. With `expected_epoch` a changed gate is [`StoreError::Conflict`].
    async fn set_gate(&self, change: &GateChange, act: &Act) -> Result<LaneRow, StoreError>;

    /// Writes down what a lane's probe has found, and in the same commit does what follows for the gate (`lane_core::probation`).
    async fn probed(&self, lane: LaneId, finding: &ProbeResult, rules: &ProbeRules) -> Result<Step, StoreError>;

    /// The owner has seen this epoch: nothing of an older one starts any more; `in_flight` requests will still end.
    async fn acknowledge_gate(&self, lane: LaneId, epoch: i64, in_flight: u32) -> Result<(), StoreError>;

    /// Commits receipts to the inbox and matches them (also later, when the delivery's own result comes after its receipt).
    async fn receipts(&self, lane: LaneId, receipts: &[Receipt], now: Ms) -> Result<Vec<ReceiptMatch>, StoreError>;

    /// Ends what is out of time: `expires` of broadcasts, `order_wait` does not count here. Returns how many broadcasts ended, those with
    /// nobody in them yet among them: what waited behind them may start.
    async fn expire(&self, now: Ms) -> Result<u64, StoreError>;

    /// Takes out the next rows about single recipients of what has ended before `before`, at most `limit`, as many as a short transaction can: of
    /// audiences only, where nothing of the incident waits on the lane, is under way or unknown, the oldest first. The broadcast keeps its counters
    /// and says since when its rows are removed; from the first of them on nothing counts on the rest. Nothing while a leap of the clock is noted.
    async fn remove_old(&self, before: Ms, limit: u32, now: Ms) -> Result<Removed, StoreError>;

    /// Takes out whoever left an audience before `before`, and other spellings, at most `limit`: of lanes on which nothing is stored of what was
    /// published by then. Returns how many. Nothing while a leap of the clock is noted.
    async fn forget_left(&self, before: Ms, limit: u32) -> Result<u64, StoreError>;

    /// Website targets of a lane with `wanted`, `done` and the due time of the next try.
    async fn targets(&self, lane: LaneId) -> Result<Vec<TargetRow>, StoreError>;

    /// The clock changed what a page says: raises `wanted` of the lane's targets.
    async fn raise_targets(&self, lane: LaneId, now: Ms) -> Result<(), StoreError>;

    /// A target's upload ended; on success every delivery of the target up to that generation is delivered, and broadcasts that
    /// wait for this link go.
    async fn target_result(&self, result: &TargetResult) -> Result<(), StoreError>;

    /// That the wall clock leapt forward and nobody has looked yet.
    async fn leap(&self) -> Result<Option<Leap>, StoreError>;

    /// The clock leapt, or (`None`) it is trusted again; `act` where a person says so.
    async fn set_leap(&self, leap: Option<Leap>, act: Option<&Act>) -> Result<(), StoreError>;

    /// The highest wall time the store has seen; raises it to `now` if that is later.
    async fn high_time(&self, now: Ms) -> Result<Ms, StoreError>;

    /// The moment up to which nobody knows how old a handle with a term is, because the clock was set back while no process ran;
    /// `back_at`: that has just been noticed. It outlives the process that noticed. `Ms::MIN`: the clock was never set back.
    async fn handles_from(&self, back_at: Option<Ms>) -> Result<Ms, StoreError>;

    /// Clock back by `by` ms, or ahead (negative): due times and leases shift by the difference, so that what runs is as long as it was. Ahead,
    /// first starts stay (no handle is taken for younger than it is), and so does the highest time. In the same transaction what of a leap nobody has
    /// looked at then, and the line for the log: a clock that is noted as trusted ends what its times say.
    async fn shift_times(&self, by: Ms, leap: Option<Leap>, act: Option<&Act>) -> Result<(), StoreError>;
}

/// What people read and decide.
#[async_trait]
pub trait Board: Send + Sync {
    /// The broadcasts of an incident (or of all) with their counters, as the board and `status` show them.
    async fn broadcasts(&self, incident: Option<IncidentId>) -> Result<Vec<BroadcastRow>, StoreError>;

    /// The broadcasts of one notice.
    async fn broadcasts_of(&self, notice: NoticeSeq) -> Result<Vec<BroadcastRow>, StoreError>;

    /// Messages that wait on a lane by the domain of their recipients, also of those whose turn has not come to have a row; who has no domain is
    /// left out. Reads the whole audience.
    async fn domains(&self, lane: LaneId) -> Result<BTreeMap<String, u64>, StoreError>;

    /// How many people a broadcast to an audience would still go to by its own lane if that were let go now; with the cut that is due there, if it is
    /// part of one. Reads the whole audience.
    async fn reach(&self, broadcast: BroadcastId, cut: Option<&DueCut>) -> Result<u64, StoreError>;

    /// Deliveries of a broadcast in a given state (all with `None`), at most `limit`.
    async fn deliveries(
        &self,
        broadcast: BroadcastId,
        state: Option<crate::domain::delivery::DeliveryState>,
        limit: u32,
    ) -> Result<Vec<DeliveryRow>, StoreError>;

    /// The frozen texts of a broadcast; none of a website, which shows the notice itself.
    async fn texts(&self, broadcast: BroadcastId) -> Result<FrozenTexts, StoreError>;

    /// One delivery's whole story.
    async fn explain(&self, delivery: DeliveryId) -> Result<Option<Story>, StoreError>;

    /// A person ends an unknown (or refused) delivery, or all of a broadcast. Returns how many rows it decided.
    async fn decide(&self, what: DecideOn, decision: Decision, act: &Act, now: Ms) -> Result<u64, StoreError>;

    /// A person asks for a try now: paused or backing-off lanes, waiting rows. Website targets are brought up to date again, also
    /// those that are.
    async fn retry_now(&self, lane: LaneId, act: &Act, now: Ms) -> Result<u64, StoreError>;

    /// `channel rename OLD NEW`.
    async fn rename_lane(&self, from: &str, to: &str, act: &Act) -> Result<(), StoreError>;

    /// `channel drop NAME`: ends the waiting rows of a channel that is no longer configured.
    async fn drop_lane(&self, lane: LaneId, act: &Act, now: Ms) -> Result<u64, StoreError>;

    /// Appends to the audit chain.
    async fn audit(&self, act: &Act) -> Result<(), StoreError>;

    /// When `backup` was last run from here.
    async fn last_backup(&self) -> Result<Option<Ms>, StoreError>;

    /// When the wall clock last went back while lanes ran, or before they started, as far as the last thousand lines of the audit know.
    async fn went_back(&self) -> Result<Option<WentBack>, StoreError>;

    /// The audit log, oldest first.
    async fn log(&self, after: i64, limit: u32) -> Result<Vec<AuditRow>, StoreError>;

    /// What [`Lanes::remove_old`] takes next, and what it leaves although it has ended before `before`.
    async fn kept(&self, before: Ms) -> Result<Kept, StoreError>;

    /// Recounts every broadcast's counters against its rows, but for those whose rows are removed; the broadcasts that differ.
    async fn recount(&self) -> Result<Vec<BroadcastId>, StoreError>;

    /// Instance number, schema version, moved mark.
    async fn identity(&self) -> Result<Identity, StoreError>;
}

/// Whom channels may write to.
#[async_trait]
pub trait Consent: Send + Sync {
    /// The person with this number, on whatever lane.
    async fn recipient(&self, id: RecipientId) -> Result<Option<Recipient>, StoreError>;

    /// Compares the addresses of these lanes by their channels' idea of which spellings are one, also those that an older release has stored by
    /// another one. Writes nothing where that is so already.
    async fn respell(&self, lanes: &[(LaneId, Compared<'_>)]) -> Result<(), StoreError>;

    /// Whether an address (in its canonical form) is in a lane's list now.
    async fn is_listed(&self, lane: LaneId, address: &str) -> Result<bool, StoreError>;

    /// Writes no more to an address on a lane, whatever its audience file says; what still waits for it ends as gone at the next claim.
    /// False, and no line in the audit log, where that was so already; an owner's own word is kept beside any other reason's.
    async fn suppress(&self, suppression: &Suppression, act: &Act) -> Result<bool, StoreError>;

    /// Writes to an address again, as soon as it is in the list; what servers have said against it counts no more, also where that has not ended it
    /// yet. No line in the audit log where there was neither.
    async fn lift(&self, lane: LaneId, address: &str, act: &Act) -> Result<Lifted, StoreError>;

    /// Whom a lane's list has and the lane does not write to; those of `apart` (in their canonical form) are not counted, but named.
    async fn left_out(&self, lane: LaneId, apart: &[String]) -> Result<LeftOut, StoreError>;

    /// Whom channels do not write to, newest first.
    async fn suppressions(&self) -> Result<Vec<Suppressed>, StoreError>;

    /// How many that are, of channels that have any.
    async fn suppressed(&self) -> Result<Vec<SuppressedCount>, StoreError>;

    /// A mail certainly did not arrive, although a server had taken it: notes it once in the delivery's story (a second time where the first did
    /// not say that nobody is there) and once in the window of its lane, which may hold it. Where the delivery's own address is among those
    /// that are gone, that is a word against it: the second one ends it, about a mail sent at least a day after the first. A mail in between
    /// that arrived makes the second the first; a word that comes with more than a handful of its domain's, or with many of its lane's, within
    /// an hour is none.
    async fn came_back(&self, what: &CameBack) -> Result<Followed, StoreError>;

    /// Whose words against our recipients were not believed in the last week.
    async fn doubted(&self, now: Ms) -> Result<Vec<Doubted>, StoreError>;

    /// Addresses that a server has called unknown and that are written to all the same, newest first.
    async fn reported(&self, now: Ms) -> Result<Vec<Reported>, StoreError>;
}

/// The whole store.
pub trait Store: Notices + Lanes + Board + Consent + 'static {}
impl<T: Notices + Lanes + Board + Consent + 'static> Store for T {}
