//! Rows about what went wrong or contradicts. Success costs none; a delivery that fails for months keeps its newest thirty.

use sqlx::SqliteConnection;

use super::rows::{said_stored, word};
use super::{Completion, StoreError};
use crate::clock::Ms;

/// Kept per delivery.
const KEPT: i64 = 30;

/// One line of a delivery's story.
#[derive(Debug, Clone, serde::Serialize)]
pub(super) struct Evidence(
    /// Delivery.
    pub(super) i64,
    /// Attempt.
    pub(super) u32,
    /// When.
    pub(super) Ms,
    /// What.
    pub(super) &'static str,
    /// Reason's word.
    pub(super) Option<String>,
    /// For people, as stored.
    pub(super) String,
);

impl Evidence {
    /// What an outcome says.
    pub(super) fn of(x: &Completion, what: &'static str) -> Result<Self, StoreError> {
        Ok(Self(
            x.delivery.0,
            x.attempt,
            x.at_ms,
            what,
            Some(word(x.reason)?),
            said_stored(&x.text)?,
        ))
    }
}

/// Appends lines and drops what is older than the newest thirty of a delivery.
pub(super) async fn write(c: &mut SqliteConnection, lines: &[Evidence]) -> Result<(), StoreError> {
    if lines.is_empty() {
        return Ok(());
    }
    let list = serde_json::to_string(lines)?;
    // Primary key (delivery, n): its last entry.
    sqlx::query(
        "INSERT INTO attempt (delivery, n, attempt, at, what, reason, text)
         SELECT j.value ->> 0,
           coalesce((SELECT max(n) FROM attempt a WHERE a.delivery = j.value ->> 0), 0)
             + row_number() OVER (PARTITION BY j.value ->> 0 ORDER BY j.key),
           j.value ->> 1, j.value ->> 2, j.value ->> 3, j.value ->> 4, j.value ->> 5
         FROM json_each(?) j",
    )
    .bind(&list)
    .execute(&mut *c)
    .await?;
    // Primary key: numbers are dense, so at most as many as came in are dropped.
    sqlx::query(
        "DELETE FROM attempt WHERE (delivery, n) IN (
           SELECT j.value ->> 0, (SELECT max(n) FROM attempt a WHERE a.delivery = j.value ->> 0) - ? FROM json_each(?) j)",
    )
    .bind(KEPT)
    .bind(&list)
    .execute(c)
    .await?;
    Ok(())
}
