//! What goes into the store and what comes out of it. Plain values; no SQL type appears here.

mod board;
mod claims;
mod consent;
mod lanes;
mod publication;

use serde::{Deserialize, Serialize};

use crate::clock::Ms;
pub use crate::lane_core::values::{Completion, HealthRow, Rate, Settled};
pub use board::*;
pub use claims::*;
pub use consent::*;
pub use lanes::*;
pub use publication::*;

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
