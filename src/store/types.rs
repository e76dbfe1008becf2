//! What goes into the store and what comes out of it. Plain values; no SQL type appears here.

mod board;
mod claims;
mod consent;
mod lanes;
mod lists;
mod publication;

use serde::{Deserialize, Serialize};

use crate::clock::Ms;
pub use crate::lane_core::values::{Completion, HealthRow, Rate, Settled};
pub use board::*;
pub use claims::*;
pub use consent::*;
pub use lanes::*;
pub use lists::*;
pub use publication::*;

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
