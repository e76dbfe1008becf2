//! What the lane is told and what it wants done.

use crate::clock::Ms;
use crate::domain::delivery::{Gate, UnknownPolicy};
use crate::domain::outcome::{Remote, Report};
use crate::ids::DeliveryId;
use crate::lane_core::ramp::Ramp;
use crate::lane_core::values::{Completion, HealthRow, Rate};

/// A claimed delivery as the core sees it. The runner's job carries more (text, address); the core never looks at that.
pub trait Work {
    /// Delivery.
    fn delivery(&self) -> DeliveryId;
    /// Attempt number, from 1.
    fn attempt(&self) -> u32;
    /// First start of this delivery; handles with a term count from here.
    fn first_started_ms(&self) -> Ms;
    /// The start time the store reserved for it (rate).
    fn start_at_ms(&self) -> Ms;
    /// Urgent.
    fn urgent(&self) -> bool;
    /// An earlier attempt may have got through.
    fn after_unknown(&self) -> bool;
}

/// The rules of one lane; they follow from the channel's abilities and settings and never change while it runs.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// For how long after its first start a delivery can be repeated safely; `None`: no handle.
    pub handle_for_ms: Option<Ms>,
    /// Handles with a term whose delivery first started up to then are taken for expired: where the clock was set back
    /// while no process ran, nobody knows how old they are. `Ms::MIN` where it was not.
    pub handles_from_ms: Ms,
    /// Can read back whether a message is there.
    pub looks_up: bool,
    /// `unknown = "repeat" | "ask" | "drop"`.
    pub unknown: UnknownPolicy,
    /// Requests at the same time.
    pub concurrency: u32,
    /// The longest a request can take, margin included.
    pub timeout_ms: Ms,
    /// True where all messages go to one counterpart (an account, a gateway): its trouble is the lane's trouble. False
    /// where every recipient is a counterpart of its own (webhooks of an audience): one dead receiver stops nobody else.
    pub one_counterpart: bool,
    /// Rate of the account; the store reserves the start times, the core only bounds how far it claims ahead.
    pub rate: Option<Rate>,
    /// How fast the lane may start while it drains; the store keeps its position and reserves the start times.
    pub ramp: Option<Ramp>,
}

/// The moment of an event, on both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// Wall clock: what is stored counts by it.
    pub wall_ms: Ms,
    /// Monotonic clock, from any beginning: what runs counts by it.
    pub running_ms: Ms,
}

impl Now {
    /// A stored moment on the monotonic clock: as far off as the wall clock says now. Whatever the wall clock does later, so much has to pass.
    pub fn running(self, wall_ms: Ms) -> Ms {
        self.running_ms.saturating_add(wall_ms.saturating_sub(self.wall_ms))
    }

    /// A moment of the monotonic clock as it is to be stored.
    pub fn wall(self, running_ms: Ms) -> Ms {
        self.wall_ms.saturating_add(running_ms.saturating_sub(self.running_ms))
    }
}

impl From<Ms> for Now {
    /// Both clocks alike, where none of them jumps.
    fn from(ms: Ms) -> Self {
        Self {
            wall_ms: ms,
            running_ms: ms,
        }
    }
}

/// What a look-up found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// It is there.
    There(Remote),
    /// It is certainly not there.
    NotThere,
    /// Nobody can say.
    CannotTell,
}

/// What happened.
#[derive(Debug)]
pub enum Event<J> {
    /// Something was published or decided: there may be something to claim.
    Wake,
    /// The time of the last [`Command::WakeAt`] has come.
    Timer,
    /// The lane's row as stored now. The first one opens the lane; until then it is held.
    Row {
        /// Gate.
        gate: Gate,
        /// Epoch.
        epoch: i64,
        /// Newest epoch acknowledged in the store.
        acknowledged: i64,
        /// Health.
        health: HealthRow,
    },
    /// A claim was committed.
    Claimed {
        /// The epoch it was asked with.
        epoch: i64,
        /// The lane's epoch in the store.
        stored_epoch: i64,
        /// Started rows.
        jobs: Vec<J>,
        /// When to ask again if nothing wakes the lane.
        next_due_ms: Option<Ms>,
        /// There may be more right now.
        more: bool,
        /// The lane drains, and everybody who waited has had a first attempt.
        drained: bool,
        /// So much of the lateness that the claim told of is in the reserved times now, ms.
        paid_ms: Ms,
    },
    /// The store did not answer a claim.
    ClaimFailed,
    /// A request ended (or its time ran out).
    Finished {
        /// What was sent.
        job: J,
        /// What came of it.
        report: Report,
    },
    /// A look-up ended.
    LookedUp {
        /// What was looked for.
        job: J,
        /// What was found.
        found: Found,
    },
    /// A page of rows that stand as unknown and can be read back.
    Unknowns {
        /// The rows, by number.
        jobs: Vec<J>,
        /// There are more behind them.
        more: bool,
    },
    /// The store did not answer [`Command::ReadUnknown`].
    UnknownsFailed,
    /// The last outcomes ([`Command::Complete`], or with a claim) are committed.
    Committed,
    /// It is committed, and with it the store has held the lane: the last results were too bad.
    CommittedAndHeld,
    /// It failed; nothing is sent until the same outcomes are committed.
    CommitFailed,
    /// The last [`Command::GiveBack`] is committed.
    GivenBack,
    /// It failed.
    GiveBackFailed,
    /// The last [`Command::SetHealth`] is committed.
    HealthStored,
    /// It failed.
    HealthFailed,
    /// Another lane of the account was asked to wait: its health as stored. What a service says to an account it says to all its lanes.
    AccountWaits(HealthRow),
    /// The wall clock went back by so many ms, or ahead (negative), and the store's times were shifted.
    Shifted {
        /// Milliseconds.
        by: Ms,
    },
    /// The process ends: no new claims, not-started rows back, what is in flight runs out.
    Stop,
}

/// What is to be done. Store commands of one kind are never issued again before their answer came.
#[derive(Debug)]
pub enum Command<J> {
    /// Ask the store for rows.
    Claim {
        /// Epoch known.
        epoch: i64,
        /// At most so many.
        limit: u32,
        /// A probe.
        probe: bool,
        /// How late the newest start by the ramp was, ms, as far as the store has not been told.
        late_ms: Ms,
        /// Commit these outcomes with it, in this order, before it; answered as [`Command::Complete`] is, beside the claim's own answer.
        /// The rows they end are open no more when new ones begin, so that one commit serves both.
        settles: Vec<Completion>,
    },
    /// Send it now.
    Start(J),
    /// Look whether it is there.
    LookUp(J),
    /// Read rows that stand as unknown, those behind this one.
    ReadUnknown {
        /// The last one known; 0: from the first.
        after: DeliveryId,
    },
    /// Commit these outcomes, in this order.
    Complete(Vec<Completion>),
    /// Give these rows back, attempt unspent.
    GiveBack(Vec<(DeliveryId, u32)>),
    /// Store the lane's health.
    SetHealth(HealthRow),
    /// Tell the store that nothing of an older epoch starts any more.
    Acknowledge {
        /// Epoch.
        epoch: i64,
        /// Requests that will still end.
        in_flight: u32,
    },
    /// The store knows a newer epoch: read the lane's row again.
    Refresh,
    /// Everything that waited at the release is out: the gate opens, if its epoch is still this one.
    EndDrain {
        /// Epoch known.
        epoch: i64,
    },
    /// Send [`Event::Timer`] at this time of the monotonic clock; replaces the former; `None`: no timer.
    WakeAt(Option<Ms>),
    /// Nothing is in flight, everything is committed; the lane may be dropped. After [`Event::Stop`] only.
    Stopped,
}
