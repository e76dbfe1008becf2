//! What time does to the store: expiry, the highest wall time seen, a clock that went back (LANES 8).

use sqlx::SqliteConnection;

use super::rows::settle_lanes;
use super::{Act, Leap, StoreError, audit, hard, receipts, reopen};
use crate::clock::Ms;

/// Nobody sets an `order_wait` longer than this.
const HOLDS_AT_MOST_MS: Ms = 24 * 3_600_000;

/// Ends what is out of time. What may have got through already stands as unknown instead. Old unmatched receipts and reports go.
pub(super) async fn expire(c: &mut SqliteConnection, now: Ms) -> Result<u64, StoreError> {
    // broadcast_expires (expires) WHERE state < 2 AND expires IS NOT NULL.
    let due: Vec<(i64, i64)> = sqlx::query_as(
        "SELECT id, lane FROM broadcast WHERE state < 2 AND expires IS NOT NULL AND expires <= ? AND (n_waiting > 0 OR state = 0)",
    )
    .bind(now)
    .fetch_all(&mut *c)
    .await?;
    let ended = due.len() as u64;
    for (id, _) in &due {
        // delivery_due (broadcast, …) WHERE state = 0.
        sqlx::query(
            "UPDATE delivery SET state = CASE WHEN flags & 1 THEN 4 ELSE 8 END, flags = flags & ~8, due = 0, changed = ?, reason = 'expired'
             WHERE broadcast = ? AND state = 0",
        )
        .bind(now)
        .bind(id)
        .execute(&mut *c)
        .await?;
        // Primary key: no chunk opens any more.
        sqlx::query("UPDATE broadcast SET state = 1, changed = ? WHERE id = ?")
            .bind(now)
            .bind(id)
            .execute(&mut *c)
            .await?;
    }
    reopen::run_out(c, &due.iter().map(|(id, _)| *id).collect::<Vec<_>>(), now).await?;
    settle_lanes(c, due.into_iter().map(|(_, lane)| lane).collect()).await?;
    // receipt_at (at).
    sqlx::query("DELETE FROM receipt WHERE at < ?")
        .bind(now.saturating_sub(receipts::KEPT_MS))
        .execute(&mut *c)
        .await?;
    hard::forget(c, now).await?;
    Ok(ended)
}

/// The leap nobody has looked at yet.
pub(super) async fn leap(c: &mut SqliteConnection) -> Result<Option<Leap>, StoreError> {
    // One row.
    let found: (Option<Ms>, Option<Ms>) = sqlx::query_as("SELECT leap_at, leap_by FROM meta WHERE one = 1")
        .fetch_one(c)
        .await?;
    Ok(found.0.zip(found.1).map(|(at_ms, by_ms)| Leap { at_ms, by_ms }))
}

/// Remembers a leap over restarts, or that it is settled.
pub(super) async fn set_leap(
    c: &mut SqliteConnection,
    leap: Option<Leap>,
    act: Option<&Act>,
) -> Result<(), StoreError> {
    // One row.
    sqlx::query("UPDATE meta SET leap_at = ?, leap_by = ? WHERE one = 1")
        .bind(leap.map(|leap| leap.at_ms))
        .bind(leap.map(|leap| leap.by_ms))
        .execute(&mut *c)
        .await?;
    if let Some(act) = act {
        audit::append(c, act).await?;
    }
    Ok(())
}

/// Raises and returns the highest wall time seen.
pub(super) async fn high_time(c: &mut SqliteConnection, now: Ms) -> Result<Ms, StoreError> {
    // One row; unchanged it writes nothing.
    sqlx::query("UPDATE meta SET high_ms = ?1 WHERE one = 1 AND high_ms < ?1")
        .bind(now)
        .execute(&mut *c)
        .await?;
    Ok(sqlx::query_scalar("SELECT high_ms FROM meta WHERE one = 1")
        .fetch_one(c)
        .await?)
}

/// The moment up to which nobody knows how old a handle is; `back_at`: the clock has been set back before now, so nothing that has started is of
/// known age.
pub(super) async fn handles_from(c: &mut SqliteConnection, back_at: Option<Ms>) -> Result<Ms, StoreError> {
    if let Some(now) = back_at {
        // broadcast_live, all lanes, with all their rows: once in a clock's life. A start may lie ahead of the highest time stored.
        sqlx::query(
            "UPDATE meta SET handles_from = max(?1, coalesce(handles_from, ?1), coalesce((
               SELECT max(d.first_started) FROM broadcast b CROSS JOIN delivery d ON d.broadcast = b.id WHERE b.state < 2), ?1)) WHERE one = 1",
        )
        .bind(now)
        .execute(&mut *c)
        .await?;
    }
    // One row.
    let from: Option<Ms> = sqlx::query_scalar("SELECT handles_from FROM meta WHERE one = 1")
        .fetch_one(c)
        .await?;
    Ok(from.unwrap_or(Ms::MIN))
}

/// Both at once: killed between the two, the next process would believe a clock that leapt, or shift a second time.
pub(super) async fn shift_and_note(
    c: &mut SqliteConnection,
    by: Ms,
    leap: Option<Leap>,
    act: Option<&Act>,
) -> Result<(), StoreError> {
    shift(c, by).await?;
    set_leap(c, leap, act).await
}

/// The clock went back, or ahead (negative): due times, leases and rates shift with it. Back the highest time does too, so that it is done once,
/// and first starts do; ahead they stay, so that no handle is taken for younger than it is.
pub(super) async fn shift(c: &mut SqliteConnection, by: Ms) -> Result<(), StoreError> {
    // One row.
    let high: Ms = sqlx::query_scalar("SELECT high_ms FROM meta WHERE one = 1")
        .fetch_one(&mut *c)
        .await?;
    // Per live broadcast (broadcast_live, all lanes): delivery_due, delivery_started, delivery_unknown.
    let alive: Vec<i64> = sqlx::query_scalar("SELECT id FROM broadcast WHERE state < 2")
        .fetch_all(&mut *c)
        .await?;
    let alive = serde_json::to_string(&alive)?;
    for sql in [
        "UPDATE delivery SET due = due - ?1, first_started = first_started - max(?1, 0),
           changed = changed - CASE WHEN via IS NULL THEN 0 ELSE ?1 END
         WHERE state = 0 AND broadcast IN (SELECT value FROM json_each(?2))",
        "UPDATE delivery SET due = due - ?1, first_started = first_started - max(?1, 0), changed = changed - ?1
         WHERE state = 1 AND broadcast IN (SELECT value FROM json_each(?2))",
        "UPDATE delivery SET first_started = first_started - max(?1, 0), changed = changed - ?1
         WHERE state = 4 AND broadcast IN (SELECT value FROM json_each(?2))",
        "UPDATE broadcast SET not_before = not_before - ?1 WHERE id IN (SELECT value FROM json_each(?2))",
    ] {
        sqlx::query(sql).bind(by).bind(&alive).execute(&mut *c).await?;
    }
    // What a digest sums up keeps the time at which it may go, and may wait again by it: delivery_of (broadcast, …) of broadcasts with such rows.
    sqlx::query(
        "UPDATE delivery SET due = due - ?1 WHERE state = 7 AND due <> 0 AND broadcast IN (SELECT id FROM broadcast WHERE n_superseded > 0)",
    )
    .bind(by)
    .execute(&mut *c)
    .await?;
    // What was refused lately holds its successors, also where its broadcast has ended: delivery_of (broadcast, …) of those, one pass over
    // the broadcasts. What is older keeps its time, which only people read.
    for sql in [
        "UPDATE delivery SET changed = changed - ?1 WHERE state = 5 AND changed > ?2
           AND broadcast IN (SELECT id FROM broadcast WHERE n_permanent > 0 AND changed > ?2)",
        "UPDATE broadcast SET changed = changed - ?1 WHERE n_permanent > 0 AND changed > ?2",
    ] {
        let lately = high - HOLDS_AT_MOST_MS;
        sqlx::query(sql).bind(by).bind(lately).execute(&mut *c).await?;
    }
    // Nothing has ended later than now, and nobody left later: it would stay as much longer as the clock was ahead. One pass over the broadcasts;
    // recipient_left (left_at) WHERE left_at IS NOT NULL.
    if by > 0 {
        for sql in [
            "UPDATE broadcast SET touched = ?1 WHERE touched > ?1",
            "UPDATE recipient SET left_at = ?1 WHERE left_at > ?1",
        ] {
            sqlx::query(sql).bind(high - by).execute(&mut *c).await?;
        }
    }
    // Small tables.
    for sql in [
        "UPDATE lane SET blocked_until = blocked_until - ?1 WHERE blocked_until IS NOT NULL",
        "UPDATE lane SET health_since = health_since - ?1 WHERE health > 0",
        "UPDATE lane SET tries_since = tries_since - ?1",
        "UPDATE chunk_left SET due = due - ?1",
        "UPDATE target SET due = due - ?1 WHERE due > 0",
        "UPDATE account_rate SET tat_us = tat_us - ?1 * 1000",
        "UPDATE ramp_slot SET tat_us = tat_us - ?1 * 1000",
        "UPDATE lane SET ramp = json_set(ramp, '$.seen_ms', json_extract(ramp, '$.seen_ms') - ?1) WHERE ramp IS NOT NULL",
        "UPDATE meta SET high_ms = high_ms - max(?1, 0), handles_from = handles_from - max(?1, 0) WHERE one = 1",
    ] {
        sqlx::query(sql).bind(by).execute(&mut *c).await?;
    }
    Ok(())
}
