//! Lanes with their gates, audiences and website targets.

use serde::Serialize;

use super::Act;
use crate::clock::Ms;
use crate::domain::delivery::{Gate, GateCause};
use crate::domain::outcome::Reason;
use crate::ids::{LaneId, RecipientId};
use crate::lane_core::clock_jump::LEAP_MS;
use crate::lane_core::probation::Probed;
use crate::lane_core::ramp::Ran;
use crate::lane_core::values::HealthRow;
use crate::text::lang::Lang;
use crate::text::said::Said;

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
    /// Name of the lane that takes over what this one cannot bring out.
    pub failover: Option<String>,
    /// A probe looks whether it works (`release.probe`); what one found that is not there any more is forgotten.
    pub probes: bool,
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
    pub gate_reason: Option<Said>,
    /// Who set it.
    pub gate_by: Option<String>,
    /// What kind of hand set it.
    pub gate_cause: GateCause,
    /// Since when.
    pub gate_since_ms: Ms,
    /// Where its ramp stands, while it drains.
    pub ran: Option<Ran>,
    /// What its probe has found, where there is one.
    pub probe: Option<Probed>,
    /// Raised by every gate change.
    pub epoch: i64,
    /// Newest epoch the owner has seen, and what was in flight then.
    pub acknowledged: (i64, u32),
    /// Health.
    pub health: HealthRow,
    /// Recipients who are in now; 0 for an account.
    pub audience: u64,
    /// The lane that takes over what this one cannot bring out.
    pub failover: Option<LaneId>,
}

/// Somebody of an audience file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// E.164, mail address or URL, as written.
    pub address: String,
    /// The form in which it is compared (`Built::compared`): of two people with the same one is left.
    pub canonical: String,
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
    /// A term counts for nothing where the delivery first started up to then (see [`crate::store::Lanes::handles_from`]).
    pub handles_from_ms: Ms,
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

/// A change of a gate.
#[derive(Debug, Clone)]
pub struct GateChange {
    /// Lane.
    pub lane: LaneId,
    /// New gate.
    pub gate: Gate,
    /// What kind of hand changes it.
    pub cause: GateCause,
    /// The epoch shown to whoever decided.
    pub expected_epoch: Option<i64>,
    /// Why, for people.
    pub reason: Option<Said>,
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
    pub text: Option<Said>,
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
    /// Failures in a row that brought nothing, and this one.
    pub failures: u32,
    /// Next try.
    pub due_ms: Ms,
    /// Why.
    pub reason: Reason,
    /// For people.
    pub text: Said,
}

/// The wall clock leapt forward between two looks: nothing ends by its time until somebody has looked (LANES 8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Leap {
    /// To this time.
    pub at_ms: Ms,
    /// By so many ms.
    pub by_ms: Ms,
}

impl Leap {
    /// What is left of it where the clock went back by so much since, or on (negative); `None`: it is back from where it had leapt to, or near enough
    /// to believe it.
    pub fn after(self, back_by_ms: Ms) -> Option<Self> {
        let left = Self {
            at_ms: self.at_ms.saturating_sub(back_by_ms),
            by_ms: self.by_ms.saturating_sub(back_by_ms),
        };
        (left.by_ms > LEAP_MS).then_some(left)
    }
}

/// The wall clock went back, and the stored times with it (LANES 8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct WentBack {
    /// To this time.
    pub at_ms: Ms,
    /// By so many ms.
    pub by_ms: Ms,
}

impl WentBack {
    /// What the line of the audit is called.
    pub const ACTION: &'static str = "clock went back";

    /// The line of the audit that [`super::Board::went_back`] finds.
    pub fn act(self) -> Act {
        Act {
            at_ms: self.at_ms,
            actor: "rundruf".to_owned(),
            action: Self::ACTION.to_owned(),
            object: "store".to_owned(),
            details: serde_json::json!({ "by_ms": self.by_ms }),
        }
    }
}
