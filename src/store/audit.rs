//! People's acts and gate changes as a hash chain: whoever changes or removes a line breaks every hash after it. Lines hold ids, no texts.

use base16ct::lower::encode_string as hex;
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest, Sha256};
use sqlx::{Row, SqliteConnection, SqlitePool};

use super::{Act, AuditRow, StoreError, WentBack};
use crate::clock::Ms;

/// The hash of a line: SHA-256 over the previous hash and the line's fields, each with its length before it, so that no two different
/// lines read the same.
pub fn chain_hash(previous: &str, id: i64, act: &Act) -> String {
    let mut hash = Sha256::new();
    let details = act.details.to_string();
    let (id, at) = (id.to_string(), act.at_ms.to_string());
    for part in [previous, &id, &at, &act.actor, &act.action, &act.object, &details] {
        hash.update(part.len().to_string());
        hash.update(b":");
        hash.update(part);
    }
    hex(&hash.finalize())
}

/// The first line whose hash does not follow from the one before; `None`: the chain holds.
pub fn first_break(rows: &[AuditRow]) -> Option<i64> {
    let mut previous = String::new();
    for (expected, row) in (1..).zip(rows) {
        if row.id != expected || chain_hash(&previous, row.id, &row.act) != row.hash {
            return Some(row.id);
        }
        previous.clone_from(&row.hash);
    }
    None
}

/// The newest line: its number and hash, as JSON. Primary key, from its end.
macro_rules! newest {
    () => {
        "(SELECT json_array(id, hash) FROM audit ORDER BY id DESC LIMIT 1)"
    };
}

/// Writes the line [`Newest::then`] gave.
macro_rules! write_line {
    ($line:literal) => {
        concat!(
            "INSERT INTO audit (id, at, actor, action, object, details, hash)
             SELECT j ->> 0, j ->> 1, j ->> 2, j ->> 3, j ->> 4, j ->> 5, j ->> 6 FROM (SELECT ",
            $line,
            " AS j)"
        )
    };
}

pub(super) use {newest, write_line};

/// The end of the chain, to which a line is appended.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Newest(i64, String);

impl Newest {
    /// As [`newest`] gives it.
    pub(super) fn read(stored: Option<&str>) -> Result<Self, StoreError> {
        Ok(stored.map(serde_json::from_str).transpose()?.unwrap_or_default())
    }

    /// The line that follows, for [`write_line`].
    pub(super) fn then(&self, act: &Act) -> String {
        let id = self.0 + 1;
        let hash = chain_hash(&self.1, id, act);
        let details = act.details.to_string();
        json!([id, act.at_ms, act.actor, act.action, act.object, details, hash]).to_string()
    }
}

/// Appends a line.
pub(super) async fn append(connection: &mut SqliteConnection, act: &Act) -> Result<(), StoreError> {
    let newest: Option<String> = sqlx::query_scalar(concat!("SELECT ", newest!()))
        .fetch_one(&mut *connection)
        .await?;
    sqlx::query(write_line!("?"))
        .bind(Newest::read(newest.as_deref())?.then(act))
        .execute(connection)
        .await?;
    Ok(())
}

/// The time of the newest line about a backup.
pub(super) async fn last_backup(pool: &SqlitePool) -> Result<Option<Ms>, StoreError> {
    // audit_backup (id) WHERE action = 'backup', its last entry.
    let at = sqlx::query_scalar("SELECT at FROM audit WHERE action = 'backup' ORDER BY id DESC LIMIT 1")
        .fetch_optional(pool)
        .await?;
    Ok(at)
}

/// The newest line about a clock that went back, among the last thousand.
pub(super) async fn went_back(pool: &SqlitePool) -> Result<Option<WentBack>, StoreError> {
    // Primary key, from its end.
    let found: Option<(Ms, String)> = sqlx::query_as(
        "SELECT at, details FROM (SELECT id, at, action, details FROM audit ORDER BY id DESC LIMIT 1000)
         WHERE action = ? ORDER BY id DESC LIMIT 1",
    )
    .bind(WentBack::ACTION)
    .fetch_optional(pool)
    .await?;
    let Some((at_ms, details)) = found else {
        return Ok(None);
    };
    let details: serde_json::Value = serde_json::from_str(&details)?;
    Ok(details["by_ms"].as_i64().map(|by_ms| WentBack { at_ms, by_ms }))
}

/// Lines after a number, oldest first.
pub(super) async fn read(pool: &SqlitePool, after: i64, limit: u32) -> Result<Vec<AuditRow>, StoreError> {
    // Primary key range.
    let rows =
        sqlx::query("SELECT id, at, actor, action, object, details, hash FROM audit WHERE id > ? ORDER BY id LIMIT ?")
            .bind(after)
            .bind(limit)
            .fetch_all(pool)
            .await?;
    rows.iter()
        .map(|row| {
            Ok(AuditRow {
                id: row.try_get("id")?,
                act: Act {
                    at_ms: row.try_get("at")?,
                    actor: row.try_get("actor")?,
                    action: row.try_get("action")?,
                    object: row.try_get("object")?,
                    details: serde_json::from_str(row.try_get("details")?)?,
                },
                hash: row.try_get("hash")?,
            })
        })
        .collect()
}
