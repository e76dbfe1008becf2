//! What a cut stood for outlives it (LANES 4): where it is taken back, runs out or is missed, what it summed up waits again. Not what retention has
//! taken the rows of: everybody would get it a second time. The same of what had passed something and has ended without arriving.

use std::collections::BTreeSet;

use sqlx::SqliteConnection;

use super::broadcasts::SHAPE_AUDIENCE;
use super::marks::{closed, passed};
use super::rows::revive;
use super::{StoreError, times};
use crate::clock::Ms;

/// Superseded rows `d` of standing broadcasts `b` wait again, unless something newer has passed them.
macro_rules! wait_again {
    ($rows:literal) => {
        concat!(
            "UPDATE delivery SET state = 0, due = max(?1, due), changed = ?1, reason = NULL WHERE id IN (SELECT d.id FROM ",
            $rows,
            " AND d.state = 7 AND b.superseded_by IS NULL AND NOT b.overtaken AND NOT ",
            passed!(),
            ")"
        )
    };
}

/// Broadcasts look through their audience from its beginning: others are concerned than before. Rows that are there stay.
pub(super) async fn begin_anew(c: &mut SqliteConnection, broadcasts: &[i64], now: Ms) -> Result<(), StoreError> {
    let list = serde_json::to_string(broadcasts)?;
    // Primary keys.
    sqlx::query(
        "UPDATE broadcast SET state = CASE shape WHEN ?1 THEN 0 ELSE 1 END, cursor = 0, changed = ?2,
           upto = CASE shape WHEN ?1 THEN NULL ELSE upto END,
           expected = CASE shape WHEN ?1 THEN (SELECT audience FROM lane l WHERE l.id = broadcast.lane) ELSE expected END
         WHERE id IN (SELECT value FROM json_each(?3))",
    )
    .bind(SHAPE_AUDIENCE)
    .bind(now)
    .bind(&list)
    .execute(&mut *c)
    .await?;
    // Primary key (broadcast, …).
    sqlx::query("DELETE FROM chunk_left WHERE broadcast IN (SELECT value FROM json_each(?))")
        .bind(&list)
        .execute(c)
        .await?;
    Ok(())
}

/// A notice names earlier ones (replaces, takes back, corrects, retracts). A cut that sums one of them up does so no more, and its text has to
/// be written again. Where one is a cut itself and has not reached everybody, what it summed up waits again by itself: `rows_again` of what is
/// returned, once the cut has ended.
pub(super) async fn undo(
    c: &mut SqliteConnection,
    incident: i64,
    named: &[u32],
    now: Ms,
) -> Result<Vec<i64>, StoreError> {
    let named = serde_json::to_string(named)?;
    // broadcast_incident (incident, …); primary key of cut; broadcast_notice (notice).
    let again: Vec<i64> = sqlx::query_scalar(
        "SELECT u.id FROM broadcast t CROSS JOIN cut k ON k.broadcast = t.id CROSS JOIN broadcast u ON u.notice = k.notice AND u.lane = t.lane
         WHERE t.incident = ?1 AND t.state < 2 AND t.superseded_by IS NULL AND (t.state = 0 OR t.n_waiting + t.n_started + t.n_unknown > 0)
           AND t.number IN (SELECT value FROM json_each(?2)) AND u.number NOT IN (SELECT value FROM json_each(?2)) AND u.removed IS NULL",
    )
    .bind(incident)
    .bind(&named)
    .fetch_all(&mut *c)
    .await?;
    waits_again(c, &again, now).await?;
    // As above. What has ended keeps what it was for the board; nobody starts it again with a text that tells what was named.
    sqlx::query(
        "UPDATE broadcast SET uncut = 1 WHERE incident = ?1 AND state >= 2 AND superseded_by IS NULL
           AND EXISTS (SELECT 1 FROM cut k CROSS JOIN notice n ON n.id = k.notice
             WHERE k.broadcast = broadcast.id AND n.number IN (SELECT value FROM json_each(?2)))",
    )
    .bind(incident)
    .bind(&named)
    .execute(&mut *c)
    .await?;
    // As above; primary key of notice. Also of cuts that a newer one sums up: they may wait again.
    let told: Vec<(i64, i64)> = sqlx::query_as(
        "SELECT t.id, k.notice FROM broadcast t CROSS JOIN cut k ON k.broadcast = t.id CROSS JOIN notice n ON n.id = k.notice
         WHERE t.incident = ?1 AND (t.state < 2 OR t.superseded_by IS NOT NULL) AND n.number IN (SELECT value FROM json_each(?2))",
    )
    .bind(incident)
    .bind(&named)
    .fetch_all(&mut *c)
    .await?;
    for (cut, notice) in told {
        // Primary keys.
        sqlx::query("DELETE FROM cut WHERE broadcast = ? AND notice = ?")
            .bind(cut)
            .bind(notice)
            .execute(&mut *c)
            .await?;
        sqlx::query("UPDATE broadcast SET uncut = EXISTS (SELECT 1 FROM cut WHERE broadcast = ?1) WHERE id = ?1")
            .bind(cut)
            .execute(&mut *c)
            .await?;
    }
    Ok(again)
}

/// These rows have ended because of a newer notice, without arriving. Of a cut that was taken back, what it had summed up goes to them; and what
/// they had passed. Returns the lanes that send that.
pub(super) async fn reopen(
    c: &mut SqliteConnection,
    ended: &BTreeSet<i64>,
    now: Ms,
) -> Result<BTreeSet<i64>, StoreError> {
    if ended.is_empty() {
        return Ok(BTreeSet::new());
    }
    let list = serde_json::to_string(ended)?;
    // Primary keys of broadcast and cut; broadcast_incident (incident, lane, …). What waits again since may be summed up in another one.
    let again: Vec<i64> = sqlx::query_scalar(concat!(
        "SELECT DISTINCT u.id FROM (SELECT DISTINCT d.broadcast FROM json_each(?) j CROSS JOIN delivery d ON d.id = j.value) e
           CROSS JOIN broadcast b ON b.id = e.broadcast CROSS JOIN cut s ON s.broadcast = b.id
           CROSS JOIN broadcast u ON u.incident = b.incident AND u.lane = b.lane AND u.id <> b.id
         WHERE u.superseded_by IS NULL AND NOT u.overtaken AND u.removed IS NULL
           AND (u.notice = s.notice OR EXISTS (SELECT 1 FROM cut m WHERE m.broadcast = u.id AND m.notice = s.notice)) AND ",
        closed!()
    ))
    .bind(&list)
    .fetch_all(&mut *c)
    .await?;
    waits_again(c, &again, now).await?;
    rows_again(c, &again, now).await?;
    passes_nobody(c, ended, now).await
}

/// The recipients of rows that have ended without arriving (superseded, refused, run out at the gateway) are for the cut that sums these up: while
/// they were under way they had no need of it. Not where something newer has started for them.
pub(super) async fn hand_over(c: &mut SqliteConnection, ended: &BTreeSet<i64>, now: Ms) -> Result<(), StoreError> {
    if ended.is_empty() {
        return Ok(());
    }
    // Primary keys of delivery, broadcast and cut; broadcast_notice (notice); see `passed`.
    let cuts: Vec<i64> = sqlx::query_scalar(concat!(
        "WITH RECURSIVE up (row, recipient, operation, broadcast, level) AS (
           SELECT d.id, d.recipient, d.operation, d.broadcast, 0 FROM json_each(?1) j CROSS JOIN delivery d ON d.id = j.value
           WHERE d.state IN (5, 7, 8) AND d.recipient > 0
           UNION ALL
           SELECT up.row, up.recipient, up.operation, t.id, up.level + 1 FROM up CROSS JOIN broadcast u ON u.id = up.broadcast
             CROSS JOIN broadcast t ON t.notice = u.superseded_by AND t.lane = u.lane
             CROSS JOIN cut k ON k.broadcast = t.id AND k.notice = u.notice)
         INSERT INTO delivery (broadcast, recipient, state, attempt, due, changed, first_started, operation, flags, step)
         SELECT b.id, up.recipient, 0, 0, ?2, ?2, ?2, up.operation, 0, 0 FROM up CROSS JOIN broadcast b ON b.id = up.broadcast
         WHERE up.level > 0 AND b.superseded_by IS NULL AND NOT ",
        passed!("up.recipient"),
        " ORDER BY up.row ON CONFLICT (broadcast, recipient) DO UPDATE SET state = 0, due = ?2, changed = ?2, reason = NULL
           WHERE delivery.state = 7 RETURNING broadcast"
    ))
    .bind(serde_json::to_string(ended)?)
    .bind(now)
    .fetch_all(&mut *c)
    .await?;
    for cut in BTreeSet::from_iter(cuts) {
        revive(c, cut).await?;
    }
    Ok(())
}

/// These have run out. What a cut among them sums up, also by a cut that it has summed up, and has not run out itself, waits again by itself.
pub(super) async fn run_out(c: &mut SqliteConnection, ended: &[i64], now: Ms) -> Result<(), StoreError> {
    if ended.is_empty() {
        return Ok(());
    }
    // Primary keys of broadcast and cut; broadcast_notice (notice).
    let again: Vec<i64> = sqlx::query_scalar(
        "SELECT u.id FROM json_each(?1) j CROSS JOIN broadcast t ON t.id = j.value AND t.superseded_by IS NULL
           CROSS JOIN cut k ON k.broadcast = t.id CROSS JOIN broadcast u ON u.notice = k.notice AND u.lane = t.lane
         WHERE (u.superseded_by = t.notice OR u.superseded_by IN (SELECT m.notice FROM cut m WHERE m.broadcast = t.id)
             OR (u.superseded_by IS NULL AND u.overtaken)) AND (u.expires IS NULL OR u.expires > ?2) AND u.removed IS NULL",
    )
    .bind(serde_json::to_string(ended)?)
    .bind(now)
    .fetch_all(&mut *c)
    .await?;
    waits_again(c, &again, now).await?;
    rows_again(c, &again, now).await
}

/// As [`passed_no_more`], where no claim says which clock is trusted.
pub(super) async fn passes_nobody(
    c: &mut SqliteConnection,
    ended: &BTreeSet<i64>,
    now: Ms,
) -> Result<BTreeSet<i64>, StoreError> {
    if ended.is_empty() {
        return Ok(BTreeSet::new());
    }
    let over = times::leap(c).await?.is_none().then_some(now);
    passed_no_more(c, ended, (now, over)).await
}

/// These have ended because of a newer notice, or because nobody needs them, without arriving: older ones of the incident that ended because these had
/// passed them, and still stand, wait again (`over`: what has run out, see [`super::ClaimRequest::over`]); their recipients would else have neither. Returns the lanes that send them.
pub(super) async fn passed_no_more(
    c: &mut SqliteConnection,
    ended: &BTreeSet<i64>,
    (now, over): (Ms, Option<Ms>),
) -> Result<BTreeSet<i64>, StoreError> {
    if ended.is_empty() {
        return Ok(BTreeSet::new());
    }
    // Primary keys of delivery and broadcast; broadcast_incident (incident, lane, notice); delivery_of (broadcast, recipient).
    let older: Vec<(i64, i64, i64)> = sqlx::query_as(
        "SELECT d.id, b.id, coalesce(d.via, b.lane) FROM json_each(?1) j CROSS JOIN delivery e ON e.id = j.value AND e.state = 7
           CROSS JOIN broadcast n ON n.id = e.broadcast
           CROSS JOIN broadcast b ON b.incident = n.incident AND b.lane = n.lane AND b.notice < n.notice
             AND b.n_superseded > 0 AND b.superseded_by IS NULL AND NOT b.overtaken AND b.removed IS NULL AND (b.expires <= ?2) IS NOT TRUE
           CROSS JOIN delivery d ON d.broadcast = b.id AND d.recipient = e.recipient AND d.state = 7 ORDER BY b.notice DESC",
    )
    .bind(serde_json::to_string(ended)?)
    .bind(over)
    .fetch_all(&mut *c)
    .await?;
    let mut lanes = BTreeSet::new();
    for (row, broadcast, lane) in older {
        // Primary key; see `passed`.
        let waits = sqlx::query(wait_again!(
            "delivery d CROSS JOIN broadcast b ON b.id = d.broadcast WHERE d.id = ?2"
        ))
        .bind(now)
        .bind(row);
        if waits.execute(&mut *c).await?.rows_affected() > 0 {
            revive(c, broadcast).await?;
            lanes.insert(lane);
        }
    }
    Ok(lanes)
}

async fn waits_again(c: &mut SqliteConnection, broadcasts: &[i64], now: Ms) -> Result<(), StoreError> {
    if broadcasts.is_empty() {
        return Ok(());
    }
    let list = serde_json::to_string(broadcasts)?;
    begin_anew(c, broadcasts, now).await?;
    // Primary keys. What one of them sums up may be less by now.
    sqlx::query(
        "UPDATE broadcast SET superseded_by = NULL, overtaken = 0, uncut = EXISTS (SELECT 1 FROM cut k WHERE k.broadcast = broadcast.id)
         WHERE id IN (SELECT value FROM json_each(?))",
    )
    .bind(&list)
    .execute(c)
    .await?;
    Ok(())
}

/// The rows of what waits again, but for what has ended since: newest first, as what waits again may have passed older ones.
pub(super) async fn rows_again(c: &mut SqliteConnection, broadcasts: &[i64], now: Ms) -> Result<(), StoreError> {
    // Of one lane and incident the ids go as the notices do.
    for id in BTreeSet::from_iter(broadcasts).into_iter().rev() {
        // delivery_of (broadcast, …), where there are such rows at all; see `passed`: an older notice never starts after a newer one.
        let waits = sqlx::query(wait_again!(
            "broadcast b CROSS JOIN delivery d ON d.broadcast = b.id WHERE b.id = ?2 AND b.n_superseded > 0"
        ))
        .bind(now)
        .bind(id);
        waits.execute(&mut *c).await?;
        revive(c, *id).await?;
    }
    Ok(())
}
