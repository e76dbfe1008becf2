//! What people decide: an unknown or refused delivery, a try now.

use sqlx::SqliteConnection;

use super::evidence::{self, Evidence};
use super::marks::{closed, passed};
use super::rows::{revive, said_stored, settle_lanes};
use super::{Act, DecideOn, Decision, Missing, Refusal, StoreError, audit};
use crate::clock::Ms;
use crate::said;

/// Ends unknown (or refused) rows, or sends them again. Returns how many rows it decided.
pub(super) async fn decide(
    c: &mut SqliteConnection,
    what: DecideOn,
    decision: Decision,
    act: &Act,
    now: Ms,
) -> Result<u64, StoreError> {
    let open = match what {
        DecideOn::Delivery(id) => one(c, id.0, decision).await?,
        DecideOn::Broadcast(id) => all_unknown(c, id.0).await?,
    };
    let Some(&(_, broadcast, lane, _)) = open.first() else {
        return Err(StoreError::Refused(Refusal::NothingToDecide));
    };
    let ids: Vec<i64> = match decision {
        Decision::Again => {
            let free = not_passed(c, &open, now).await?;
            if free.is_empty() {
                return Err(StoreError::Refused(Refusal::Passed));
            }
            free
        }
        _ => open.iter().map(|o| o.0).collect(),
    };
    let list = serde_json::to_string(&ids)?;
    // What the gateway has taken over may be there (flag 1); what was unknown says so already.
    let sql = match decision {
        Decision::There => {
            "UPDATE delivery SET state = 3, due = 0, changed = ?1, reason = 'decided' WHERE id IN (SELECT value FROM json_each(?2))"
        }
        Decision::Drop => {
            "UPDATE delivery SET flags = flags | (state = 2), state = 9, due = 0, changed = ?1, reason = 'decided'
             WHERE id IN (SELECT value FROM json_each(?2))"
        }
        Decision::Again => {
            "UPDATE delivery SET flags = (flags & ~4) | 136, state = 0, due = ?1, changed = ?1, reason = 'decided'
             WHERE id IN (SELECT value FROM json_each(?2))"
        }
    };
    // Primary key per row.
    sqlx::query(sql).bind(now).bind(&list).execute(&mut *c).await?;
    let word = said_stored(&match decision {
        Decision::There => said!("ist angekommen", "it is there"),
        Decision::Again => said!("noch einmal senden", "send it again"),
        Decision::Drop => said!("aufgeben", "give it up"),
    })?;
    let lines: Vec<Evidence> = open
        .iter()
        .filter(|o| ids.contains(&o.0))
        .map(|o| Evidence(o.0, o.3, now, "decided", Some("decided".into()), word.clone()))
        .collect();
    evidence::write(c, &lines).await?;
    // Primary key.
    sqlx::query(
        "UPDATE broadcast SET changed = ?1, first_done = CASE WHEN ?2 THEN coalesce(first_done, ?1) ELSE first_done END WHERE id = ?3",
    )
        .bind(now)
        .bind(matches!(decision, Decision::There))
        .bind(broadcast)
        .execute(&mut *c)
        .await?;
    revive(c, broadcast).await?;
    settle_lanes(c, [lane].into()).await?;
    audit::append(c, act).await?;
    Ok(ids.len() as u64)
}

/// Delivery, broadcast, lane, attempt.
type Undecided = (i64, i64, i64, u32);

/// One row, where it is unknown, refused or without its receipt; `drop` may also end one that waits.
async fn one(c: &mut SqliteConnection, delivery: i64, decision: Decision) -> Result<Vec<Undecided>, StoreError> {
    // Primary keys.
    Ok(sqlx::query_as(
        "SELECT d.id, d.broadcast, b.lane, d.attempt FROM delivery d JOIN broadcast b ON b.id = d.broadcast
         WHERE d.id = ?1 AND b.removed IS NULL AND (d.state IN (4, 5) OR (d.state = 2 AND ?2 <> 'again') OR (d.state = 0 AND ?2 = 'drop'))",
    )
    .bind(delivery)
    .bind(super::rows::word(decision)?)
    .fetch_all(c)
    .await?)
}

async fn all_unknown(c: &mut SqliteConnection, broadcast: i64) -> Result<Vec<Undecided>, StoreError> {
    // delivery_unknown (broadcast) WHERE state = 4.
    Ok(sqlx::query_as(
        "SELECT d.id, d.broadcast, b.lane, d.attempt FROM delivery d JOIN broadcast b ON b.id = d.broadcast
         WHERE d.broadcast = ? AND d.state = 4",
    )
    .bind(broadcast)
    .fetch_all(c)
    .await?)
}

/// Those that no newer notice of the incident has passed or closed, whose digest, if it has ended, tells nothing that was named since, and that are
/// not out of time.
async fn not_passed(c: &mut SqliteConnection, open: &[Undecided], now: Ms) -> Result<Vec<i64>, StoreError> {
    let ids: Vec<i64> = open.iter().map(|o| o.0).collect();
    // Primary keys.
    Ok(sqlx::query_scalar(concat!(
        "SELECT d.id FROM json_each(?1) j CROSS JOIN delivery d ON d.id = j.value CROSS JOIN broadcast b ON b.id = d.broadcast
         WHERE NOT ",
        closed!(),
        " AND (b.expires IS NULL OR b.expires > ?2) AND NOT (b.state >= 2 AND b.uncut)
           AND NOT ",
        passed!()
    ))
    .bind(serde_json::to_string(&ids)?)
    .bind(now)
    .fetch_all(c)
    .await?)
}

/// A try now: what waits for a later time is due, the lane's and the targets' pauses are over.
pub(super) async fn retry_now(c: &mut SqliteConnection, lane: i64, act: &Act, now: Ms) -> Result<u64, StoreError> {
    // broadcast_live (lane, …) WHERE state < 2, broadcast_moved (lane) of the same; delivery_due (broadcast, …) WHERE state = 0.
    let done = sqlx::query(
        "UPDATE delivery SET due = ?1 WHERE id IN (
           SELECT d.id FROM broadcast b CROSS JOIN delivery d ON d.broadcast = b.id AND d.state = 0
           WHERE b.state < 2 AND (b.lane = ?2 OR b.n_moved > 0) AND coalesce(d.via, b.lane) = ?2 AND d.due > ?1)",
    )
    .bind(now)
    .bind(lane)
    .execute(&mut *c)
    .await?;
    // Primary key.
    let known = sqlx::query(
        "UPDATE lane SET health = 0, health_since = ?, blocked_until = NULL, reason = NULL, text = NULL, failures = 0 WHERE id = ?",
    )
    .bind(now)
    .bind(lane)
    .execute(&mut *c)
    .await?;
    if known.rows_affected() == 0 {
        return Err(StoreError::NotFound(Missing::Lane(lane)));
    }
    // Unique (lane, address).
    let targets = sqlx::query("UPDATE target SET due = 0 WHERE lane = ?")
        .bind(lane)
        .execute(&mut *c)
        .await?;
    if targets.rows_affected() > 0 {
        // Also one that has everything is looked at again: somebody may have changed what lies there.
        super::targets::raise(c, lane).await?;
    }
    audit::append(c, act).await?;
    Ok(done.rows_affected())
}
