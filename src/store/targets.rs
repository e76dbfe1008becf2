//! Website targets: levels with a wanted and a done generation. Ten waiting notices are one upload (LANES 6).

use std::collections::HashMap;

use sqlx::{Row, SqliteConnection, SqlitePool};

use super::rows::{said, said_stored, settle_lanes};
use super::{StoreError, TargetResult, TargetRow, TargetSpec, audience};
use crate::ids::{LaneId, RecipientId};

/// Brings the rows in line with the configuration; writes what is new. A new target wants everything there is.
pub(super) async fn configure(c: &mut SqliteConnection, lane: i64, specs: &[TargetSpec]) -> Result<(), StoreError> {
    let addresses: Vec<&str> = specs.iter().map(|spec| spec.address.as_str()).collect();
    // Unique (lane, address).
    sqlx::query(
        "UPDATE target SET active = 0 WHERE lane = ? AND active = 1 AND address NOT IN (SELECT value FROM json_each(?))",
    )
    .bind(lane)
    .bind(serde_json::to_string(&addresses)?)
    .execute(&mut *c)
    .await?;
    for spec in specs {
        // Unique (lane, address).
        let known: Option<(i64, bool, bool)> =
            sqlx::query_as("SELECT id, active, link FROM target WHERE lane = ? AND address = ?")
                .bind(lane)
                .bind(&spec.address)
                .fetch_optional(&mut *c)
                .await?;
        match known {
            Some((_, true, link)) if link == spec.link => {}
            Some((id, ..)) => {
                // Primary key.
                sqlx::query("UPDATE target SET active = 1, link = ? WHERE id = ?")
                    .bind(spec.link)
                    .bind(id)
                    .execute(&mut *c)
                    .await?;
            }
            None => add(c, lane, spec).await?,
        }
    }
    Ok(())
}

/// The configured targets of each lane.
pub(super) async fn active(c: &mut SqliteConnection) -> Result<HashMap<LaneId, Vec<TargetSpec>>, StoreError> {
    // The whole table: a few dozen rows.
    let rows: Vec<(i64, String, bool)> = sqlx::query_as("SELECT lane, address, link FROM target WHERE active = 1")
        .fetch_all(c)
        .await?;
    let mut of = HashMap::<LaneId, Vec<TargetSpec>>::new();
    for (lane, address, link) in rows {
        of.entry(LaneId(lane)).or_default().push(TargetSpec { address, link });
    }
    Ok(of)
}

async fn add(c: &mut SqliteConnection, lane: i64, spec: &TargetSpec) -> Result<(), StoreError> {
    let id = audience::numbers(c, 1).await?;
    sqlx::query(
        "INSERT INTO target (id, lane, address, link, active, wanted)
         VALUES (?1, ?2, ?3, ?4, 1, (SELECT generation FROM lane WHERE id = ?2))",
    )
    .bind(id)
    .bind(lane)
    .bind(&spec.address)
    .bind(spec.link)
    .execute(c)
    .await?;
    Ok(())
}

/// A new generation, wanted on every target. Returns it.
pub(super) async fn raise(c: &mut SqliteConnection, lane: i64) -> Result<i64, StoreError> {
    // Primary key.
    let generation: i64 =
        sqlx::query_scalar("UPDATE lane SET generation = generation + 1 WHERE id = ? RETURNING generation")
            .bind(lane)
            .fetch_one(&mut *c)
            .await?;
    // Unique (lane, address).
    sqlx::query("UPDATE target SET wanted = ? WHERE lane = ? AND active = 1")
        .bind(generation)
        .bind(lane)
        .execute(c)
        .await?;
    Ok(generation)
}

/// A new generation of every website: something has changed that no broadcast tells of.
pub(super) async fn raise_all(c: &mut SqliteConnection) -> Result<(), StoreError> {
    // A few rows.
    let lanes: Vec<i64> = sqlx::query_scalar("SELECT DISTINCT lane FROM target WHERE active = 1")
        .fetch_all(&mut *c)
        .await?;
    for lane in lanes {
        raise(c, lane).await?;
    }
    Ok(())
}

/// The targets in use.
pub(super) async fn all(pool: &SqlitePool, lane: i64) -> Result<Vec<TargetRow>, StoreError> {
    // Unique (lane, address).
    let rows = sqlx::query(
        "SELECT id, address, link, wanted, done, failures, due, text, done_at FROM target WHERE lane = ? AND active = 1 ORDER BY id",
    )
    .bind(lane)
    .fetch_all(pool)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(TargetRow {
                id: RecipientId(row.try_get("id")?),
                address: row.try_get("address")?,
                link: row.try_get("link")?,
                wanted: row.try_get("wanted")?,
                done: row.try_get("done")?,
                failures: row.try_get("failures")?,
                due_ms: row.try_get("due")?,
                text: said(row.try_get("text")?),
                done_at_ms: row.try_get("done_at")?,
            })
        })
        .collect()
}

/// What an upload made of its target.
pub(super) async fn result(c: &mut SqliteConnection, r: &TargetResult) -> Result<(), StoreError> {
    match &r.result {
        Err(failure) => {
            let text = said_stored(&failure.text)?;
            // Primary key.
            sqlx::query("UPDATE target SET failures = ?, due = ?, text = ? WHERE id = ? AND lane = ?")
                .bind(failure.failures)
                .bind(failure.due_ms)
                .bind(&text)
                .bind(r.target.0)
                .bind(r.lane.0)
                .execute(&mut *c)
                .await?;
            // broadcast_live (lane, …) WHERE state < 2.
            sqlx::query(
                "UPDATE broadcast SET last_text = ?, changed = ? WHERE lane = ? AND state < 2 AND n_waiting > 0",
            )
            .bind(&text)
            .bind(r.at_ms)
            .bind(r.lane.0)
            .execute(c)
            .await?;
            Ok(())
        }
        Ok(_) => reached(c, r).await,
    }
}

async fn reached(c: &mut SqliteConnection, r: &TargetResult) -> Result<(), StoreError> {
    // Primary key. A result of an older generation than known changes nothing but the failures.
    sqlx::query(
        "UPDATE target SET failures = 0, due = 0, text = NULL, done_at = ?2, done = max(done, ?1) WHERE id = ?3 AND lane = ?4",
    )
    .bind(r.generation)
    .bind(r.at_ms)
    .bind(r.target.0)
    .bind(r.lane.0)
    .execute(&mut *c)
    .await?;
    // broadcast_live (lane, …); delivery_of (broadcast, recipient).
    sqlx::query(
        "UPDATE delivery SET state = 3, attempt = attempt + 1, due = 0, changed = ?1, reason = NULL WHERE recipient = ?2 AND state IN (0, 1, 4)
           AND broadcast IN (SELECT id FROM broadcast WHERE lane = ?3 AND state < 2 AND generation <= ?4)",
    )
    .bind(r.at_ms)
    .bind(r.target.0)
    .bind(r.lane.0)
    .bind(r.generation)
    .execute(&mut *c)
    .await?;
    // broadcast_live (lane, …).
    sqlx::query(
        "UPDATE broadcast SET first_done = coalesce(first_done, ?1), changed = ?1
         WHERE lane = ?2 AND state < 2 AND generation <= ?3 AND n_delivered > 0",
    )
    .bind(r.at_ms)
    .bind(r.lane.0)
    .bind(r.generation)
    .execute(&mut *c)
    .await?;
    settle_lanes(c, [r.lane.0].into()).await?;
    // Every lane's broadcast_live; what waits for this link goes once every link target of the lane has it.
    sqlx::query(
        "UPDATE broadcast SET not_before = NULL WHERE state < 2 AND not_before IS NOT NULL AND link_lane = ?1
           AND link_generation <= (SELECT min(done) FROM target WHERE lane = ?1 AND link = 1 AND active = 1)",
    )
    .bind(r.lane.0)
    .execute(c)
    .await?;
    Ok(())
}
