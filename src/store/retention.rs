//! Retention: what became of single recipients goes once nothing needs it any more, the books (notices, texts, broadcasts with their counters,
//! audit) stay. Which broadcast is next: nothing of its incident on its lane waits, is under way or unknown, and it is the oldest there whose
//! rows are stored; so no rule finds less of something newer than of something older. What an account has posted is about nobody, and stays.
//!
//! The mark comes first, in the transaction that takes the first rows: from it on no rule counts on the rows, however many of them are left.

use std::time::{Duration, Instant};

use serde_json::json;
use sqlx::SqliteConnection;

use super::{Act, Kept, Removed, StoreError, audit, times};
use crate::clock::Ms;
use crate::ids::BroadcastId;

/// Rows of one statement; then somebody looks how long it has taken so far.
const STEP: u32 = 250;
/// So long one transaction takes rows out. Its commit takes as long again where receipts are found by remote ids, because each is a page of its own: whoever
/// asks sees how long that was, and asks for less (LANES 1: at most 50 ms).
const BUDGET: Duration = Duration::from_millis(15);

/// Of each incident on a lane the oldest broadcast whose rows are stored. broadcast_kept (lane, incident, notice) WHERE removed IS NULL AND shape = 1
/// holds them all, and nothing else.
macro_rules! oldest {
    () => {
        "(SELECT lane, incident, min(notice) AS notice FROM broadcast WHERE removed IS NULL AND shape = 1 GROUP BY lane, incident) g
           CROSS JOIN broadcast b ON b.lane = g.lane AND b.incident = g.incident AND b.notice = g.notice AND b.removed IS NULL AND b.shape = 1"
    };
}

/// True where something of the incident waits on the lane, is under way or unknown. A receipt that has not come in all that time comes no more.
/// broadcast_incident (incident, lane, …).
macro_rules! restless {
    () => {
        "EXISTS (SELECT 1 FROM broadcast x WHERE x.lane = b.lane AND x.state < 2 AND x.incident = b.incident
           AND (x.state = 0 OR x.n_waiting + x.n_started + x.n_unknown > 0))"
    };
}

/// Takes out the next rows of what has ended before `before`, at most `limit`. Nothing as long as the clock is in doubt.
pub(super) async fn remove(c: &mut SqliteConnection, before: Ms, limit: u32, now: Ms) -> Result<Removed, StoreError> {
    let mut removed = Removed::default();
    if times::leap(c).await?.is_some() {
        return Ok(removed);
    }
    let broadcast = match under_way(c).await? {
        Some(broadcast) => broadcast,
        None => match next(c, before).await? {
            Some(broadcast) => {
                mark(c, broadcast, before, now).await?;
                broadcast
            }
            None => return Ok(removed),
        },
    };
    removed.broadcast = Some(BroadcastId(broadcast));
    let since = Instant::now();
    while !removed.done && removed.rows < u64::from(limit) && since.elapsed() < BUDGET {
        let step = STEP.min(limit - u32::try_from(removed.rows).unwrap_or(limit));
        let gone = step_out(c, broadcast, step).await?;
        removed.rows += gone;
        removed.done = gone < u64::from(step);
    }
    if removed.done {
        // Primary key.
        sqlx::query("UPDATE broadcast SET removing = 0 WHERE id = ?")
            .bind(broadcast)
            .execute(c)
            .await?;
    }
    Ok(removed)
}

/// What was begun, by whichever process.
async fn under_way(c: &mut SqliteConnection) -> Result<Option<i64>, StoreError> {
    // broadcast_removing (id) WHERE removing = 1: at most one.
    Ok(
        sqlx::query_scalar("SELECT id FROM broadcast WHERE removing = 1 ORDER BY id LIMIT 1")
            .fetch_optional(c)
            .await?,
    )
}

async fn next(c: &mut SqliteConnection, before: Ms) -> Result<Option<i64>, StoreError> {
    Ok(sqlx::query_scalar(concat!(
        "SELECT b.id FROM ",
        oldest!(),
        " WHERE b.touched <= ? AND NOT ",
        restless!(),
        " ORDER BY b.id LIMIT 1"
    ))
    .bind(before)
    .fetch_optional(c)
    .await?)
}

/// From now on nobody counts on its rows. What a server said last goes with them: it may have quoted an address.
async fn mark(c: &mut SqliteConnection, broadcast: i64, before: Ms, now: Ms) -> Result<(), StoreError> {
    // Primary key. What only waited for receipts has ended.
    let rows: i64 = sqlx::query_scalar(
        "UPDATE broadcast SET removed = ?, removing = 1, state = max(state, 2), last_text = NULL WHERE id = ? RETURNING opened",
    )
    .bind(now)
    .bind(broadcast)
    .fetch_one(&mut *c)
    .await?;
    let act = Act {
        at_ms: now,
        actor: "rundruf".to_owned(),
        action: "remove".to_owned(),
        object: format!("b{broadcast}"),
        details: json!({ "rows": rows, "ended_before": before }),
    };
    audit::append(c, &act).await
}

/// Takes out rows of a broadcast, with their evidence; how many there were.
async fn step_out(c: &mut SqliteConnection, broadcast: i64, step: u32) -> Result<u64, StoreError> {
    // `$n`: see chunk.rs. delivery_of (broadcast, recipient) has all that is asked; primary keys (delivery, …) of attempt and withdrawn.
    sqlx::query(
        "DELETE FROM attempt WHERE delivery IN (SELECT id FROM delivery WHERE broadcast = $1 ORDER BY recipient LIMIT $2);
         DELETE FROM withdrawn WHERE delivery IN (SELECT id FROM delivery WHERE broadcast = $1 ORDER BY recipient LIMIT $2)",
    )
    .bind(broadcast)
    .bind(step)
    .execute(&mut *c)
    .await?;
    // As above; primary key of delivery.
    let done = sqlx::query(
        "DELETE FROM delivery WHERE id IN (SELECT id FROM delivery WHERE broadcast = ? ORDER BY recipient LIMIT ?)",
    )
    .bind(broadcast)
    .bind(step)
    .execute(c)
    .await?;
    Ok(done.rows_affected())
}

/// Takes out whoever has left long ago. With nothing stored of what was published by then nobody finds a row of theirs, and a link of that time that
/// would lead to them is as old. Not while a list is being taken over: whoever comes back in it has been found already.
pub(super) async fn forget_left(c: &mut SqliteConnection, before: Ms, limit: u32) -> Result<u64, StoreError> {
    if times::leap(c).await?.is_some() {
        return Ok(0);
    }
    // The whole table of lanes: a few dozen rows; broadcast_kept (lane, …) WHERE removed IS NULL AND shape = 1, broadcast_removing.
    let lanes: String = sqlx::query_scalar(
        "SELECT json_group_array(l.id) FROM lane l
         WHERE NOT EXISTS (SELECT 1 FROM broadcast b WHERE b.lane = l.id AND b.removed IS NULL AND b.shape = 1 AND b.created <= ?)
           AND NOT EXISTS (SELECT 1 FROM broadcast b WHERE b.removing = 1 AND b.lane = l.id)
           AND NOT EXISTS (SELECT 1 FROM list t WHERE t.lane = l.id AND t.hash IS NULL)",
    )
    .bind(before)
    .fetch_one(&mut *c)
    .await?;
    // recipient_left (left_at) WHERE left_at IS NOT NULL; primary key (lane, seq).
    let done = sqlx::query(
        "DELETE FROM recipient WHERE (lane, seq) IN (SELECT lane, seq FROM recipient INDEXED BY recipient_left
           WHERE left_at <= ? AND lane IN (SELECT value FROM json_each(?)) LIMIT ?)",
    )
    .bind(before)
    .bind(lanes)
    .bind(limit)
    .execute(c)
    .await?;
    Ok(done.rows_affected())
}

/// What goes next, and how much has to wait for something that has not ended; `before` as in [`remove`].
pub(super) async fn kept(c: &mut SqliteConnection, before: Ms) -> Result<Kept, StoreError> {
    let removing = under_way(c).await?;
    // See `oldest` and `restless`.
    let next: Option<(i64, Ms)> = sqlx::query_as(concat!(
        "SELECT b.id, b.touched FROM ",
        oldest!(),
        " WHERE NOT ",
        restless!(),
        " ORDER BY b.touched, b.id LIMIT 1"
    ))
    .fetch_optional(&mut *c)
    .await?;
    let held: Vec<i64> = sqlx::query_scalar(concat!(
        "SELECT b.id FROM ",
        oldest!(),
        " WHERE b.touched <= ? AND ",
        restless!(),
        " ORDER BY b.id"
    ))
    .bind(before)
    .fetch_all(c)
    .await?;
    Ok(Kept {
        removing: removing.map(BroadcastId),
        next: next.map(|(id, ended_ms)| (BroadcastId(id), ended_ms)),
        held: held.into_iter().map(BroadcastId).collect(),
    })
}

/// True where nobody knows any more who has got all of what a broadcast corrects: whoever gets the corrected text may have the wrong words, and has to
/// read that it is a correction.
pub(super) async fn forgotten(c: &mut SqliteConnection, broadcast: i64) -> Result<bool, StoreError> {
    // Primary keys.
    Ok(sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM broadcast b CROSS JOIN json_each(b.corrects) o
           CROSS JOIN broadcast x ON x.id = CASE o.type WHEN 'array' THEN o.value ->> 0 ELSE o.value END
         WHERE b.id = ? AND x.removed IS NOT NULL AND x.opened > 0)",
    )
    .bind(broadcast)
    .fetch_one(c)
    .await?)
}
