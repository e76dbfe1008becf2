//! After the owner lock is held: the dead process's open rows. A handle in force repeats them, else they stand as unknown (LANES 1 and 3).

use std::collections::BTreeSet;

use sqlx::SqliteConnection;

use super::marks::passed;
use super::rows::settle_lanes;
use super::{StoreError, TakenOver, Takeover};
use crate::clock::Ms;
use crate::lane_core::turns::LATEST_MS;

/// Voids every old lease.
pub(super) async fn take_over(
    c: &mut SqliteConnection,
    lanes: &[Takeover],
    now: Ms,
) -> Result<Vec<TakenOver>, StoreError> {
    let mut taken = Vec::with_capacity(lanes.len());
    let mut settled = BTreeSet::new();
    for lane in lanes {
        note(c, lane.lane.0, now).await?;
        let repeated = repeat(c, lane, now).await?;
        let unknown = leave(c, lane.lane.0, if lane.drop { 9 } else { 4 }, now).await?;
        settled.insert(lane.lane.0);
        taken.push(TakenOver {
            lane: lane.lane,
            repeated,
            unknown: if lane.drop { 0 } else { unknown },
        });
    }
    // The whole table: a few rows. The dead process may have been late with its last starts (see `lane_core::turns`).
    sqlx::query("UPDATE ramp_slot SET tat_us = tat_us + ?")
        .bind(LATEST_MS * 1_000)
        .execute(&mut *c)
        .await?;
    // The same. A lane in trouble tries by this process first, before what waits there moves.
    sqlx::query("UPDATE lane SET tries_since = ?")
        .bind(now)
        .execute(&mut *c)
        .await?;
    // Channels that are no longer configured: nobody can say, a person may. The whole table of lanes: a few dozen rows.
    let others: Vec<i64> = sqlx::query_scalar("SELECT id FROM lane WHERE id NOT IN (SELECT value FROM json_each(?))")
        .bind(serde_json::to_string(&settled)?)
        .fetch_all(&mut *c)
        .await?;
    for lane in others {
        note(c, lane, now).await?;
        leave(c, lane, 4, now).await?;
    }
    // Dropped rows may have been other lanes' own.
    let homes: Vec<i64> = sqlx::query_scalar("SELECT DISTINCT lane FROM broadcast WHERE state < 2 AND n_moved > 0")
        .fetch_all(&mut *c)
        .await?;
    settled.extend(homes);
    settle_lanes(c, settled).await?;
    Ok(taken)
}

/// A line in the story of each.
async fn note(c: &mut SqliteConnection, lane: i64, now: Ms) -> Result<(), StoreError> {
    // broadcast_live (lane, …) WHERE state < 2, broadcast_moved (lane) of the same; delivery_started (broadcast) WHERE state = 1.
    sqlx::query(
        "INSERT INTO attempt (delivery, n, attempt, at, what, reason, text)
         SELECT d.id, coalesce((SELECT max(n) FROM attempt a WHERE a.delivery = d.id), 0) + 1, d.attempt, ?1, 'takeover', 'takeover', ''
         FROM broadcast b CROSS JOIN delivery d ON d.broadcast = b.id AND d.state = 1
         WHERE b.state < 2 AND (b.lane = ?2 OR b.n_moved > 0) AND coalesce(d.via, b.lane) = ?2",
    )
    .bind(now)
    .bind(lane)
    .execute(c)
    .await?;
    Ok(())
}

/// Rows that may be sent again: the handle is in force, or the channel says `unknown = "repeat"`; and no newer notice has passed them.
async fn repeat(c: &mut SqliteConnection, lane: &Takeover, now: Ms) -> Result<u64, StoreError> {
    // First starts after this still have their handle.
    let since = match (lane.repeat, lane.handle_for_ms) {
        (true, _) => i64::MIN,
        (false, Some(Ms::MAX)) => i64::MIN,
        (false, Some(term)) => now.saturating_sub(term).max(lane.handles_from_ms),
        (false, None) => return Ok(0),
    };
    // broadcast_live (lane, …); delivery_started (broadcast) WHERE state = 1; see `passed`.
    let done = sqlx::query(concat!(
        "UPDATE delivery SET state = 0, due = ?1, changed = ?1, flags = (flags | 1) & ~72, reason = 'takeover' WHERE id IN (
           SELECT d.id FROM broadcast b CROSS JOIN delivery d ON d.broadcast = b.id AND d.state = 1
           WHERE b.state < 2 AND (b.lane = ?3 OR b.n_moved > 0) AND coalesce(d.via, b.lane) = ?3 AND d.first_started > ?2 AND NOT ",
        passed!(),
        ")"
    ))
    .bind(now)
    .bind(since)
    .bind(lane.lane.0)
    .execute(c)
    .await?;
    Ok(done.rows_affected())
}

/// What is left as started gets this state.
async fn leave(c: &mut SqliteConnection, lane: i64, state: i64, now: Ms) -> Result<u64, StoreError> {
    // broadcast_live (lane, …); delivery_started (broadcast) WHERE state = 1.
    let done = sqlx::query(
        "UPDATE delivery SET state = ?1, due = 0, changed = ?2, flags = (flags | 1) & ~72, reason = 'takeover' WHERE id IN (
           SELECT d.id FROM broadcast b CROSS JOIN delivery d ON d.broadcast = b.id AND d.state = 1
           WHERE b.state < 2 AND (b.lane = ?3 OR b.n_moved > 0) AND coalesce(d.via, b.lane) = ?3)",
    )
    .bind(state)
    .bind(now)
    .bind(lane)
    .execute(c)
    .await?;
    Ok(done.rows_affected())
}
