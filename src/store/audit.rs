//! People's acts and gate changes as a hash chain: whoever changes or removes a line breaks every hash after it. Lines hold ids, no texts.

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

/// Lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// Appends a line.
pub(super) async fn append(connection: &mut SqliteConnection, act: &Act) -> Result<(), StoreError> {
    // Primary key, from its end.
    let last: Option<(i64, String)> = sqlx::query_as("SELECT id, hash FROM audit ORDER BY id DESC LIMIT 1")
        .fetch_optional(&mut *connection)
        .await?;
    let (last, previous) = last.unwrap_or_default();
    let id = last + 1;
    sqlx::query("INSERT INTO audit (id, at, actor, action, object, details, hash) VALUES (?, ?, ?, ?, ?, ?, ?)")
        .bind(id)
        .bind(act.at_ms)
        .bind(&act.actor)
        .bind(&act.action)
        .bind(&act.object)
        .bind(act.details.to_string())
        .bind(chain_hash(&previous, id, act))
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
