//! Whom a channel may not write to any more: who has unsubscribed, whose address bounces. The claim reads it every time (`due.rs`).

use sqlx::{Row, SqliteConnection, SqlitePool};

use super::rows::{count, from_word};
use super::spelling::{canonical, is_address};
use super::{Act, Lifted, Recipient, StoreError, Suppressed, SuppressedBecause, SuppressedCount, Suppression, audit};
use crate::ids::{LaneId, RecipientId};

/// The person with this number.
pub(super) async fn recipient(pool: &SqlitePool, id: RecipientId) -> Result<Option<Recipient>, StoreError> {
    // The few lanes, each by the primary key (lane, seq) of recipient; primary key of suppression.
    let row = sqlx::query(concat!(
        "SELECT l.id, l.name, r.address, r.lang, ",
        canonical!("r"),
        " AS canonical, (SELECT s.reason FROM suppression s WHERE s.lane = l.id AND s.address = ",
        canonical!("r"),
        ") AS suppressed FROM lane l CROSS JOIN recipient r ON r.lane = l.id AND r.seq = ?"
    ))
    .bind(id.0)
    .fetch_optional(pool)
    .await?;
    row.map(|row| {
        Ok(Recipient {
            id,
            lane: LaneId(row.try_get("id")?),
            channel: row.try_get("name")?,
            address: row.try_get("address")?,
            canonical: row.try_get("canonical")?,
            language: from_word(row.try_get("lang")?),
            suppressed: row.try_get::<Option<i64>, _>("suppressed")?.map(because),
        })
    })
    .transpose()
}

fn because(stored: i64) -> SuppressedBecause {
    match stored {
        0 => SuppressedBecause::Unsubscribed,
        1 => SuppressedBecause::Bounced,
        3 => SuppressedBecause::Gone,
        _ => SuppressedBecause::ByHand,
    }
}

/// Suppresses an address on a lane; false where it was already. That its owner has unsubscribed is kept whatever else is known of it: nobody
/// may write again because a server or a colleague thinks otherwise.
pub(super) async fn suppress(c: &mut SqliteConnection, what: &Suppression, act: &Act) -> Result<bool, StoreError> {
    // Primary key.
    let new = sqlx::query(
        "INSERT INTO suppression (lane, address, reason, at) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (lane, address) DO UPDATE SET reason = ?3, at = ?4 WHERE excluded.reason = ?5 AND reason <> ?5",
    )
    .bind(what.lane.0)
    .bind(&what.address)
    .bind(what.because as u8)
    .bind(act.at_ms)
    .bind(SuppressedBecause::Unsubscribed as u8)
    .execute(&mut *c)
    .await?;
    if new.rows_affected() == 0 {
        return Ok(false);
    }
    // See `is_address`.
    let left = sqlx::query(concat!(
        "UPDATE recipient SET state = 2 WHERE lane = ?1 AND state = 0 AND ",
        is_address!("?1", "?2")
    ))
    .bind(what.lane.0)
    .bind(&what.address)
    .execute(&mut *c)
    .await?;
    // Primary key.
    sqlx::query("UPDATE lane SET audience = max(audience - ?, 0) WHERE id = ?")
        .bind(i64::try_from(left.rows_affected()).unwrap_or(0))
        .bind(what.lane.0)
        .execute(&mut *c)
        .await?;
    audit::append(c, act).await?;
    Ok(true)
}

/// Writes to an address again; false where it was not suppressed.
pub(super) async fn lift(c: &mut SqliteConnection, lane: i64, address: &str, act: &Act) -> Result<bool, StoreError> {
    // Primary key.
    let gone = sqlx::query("DELETE FROM suppression WHERE lane = ? AND address = ?")
        .bind(lane)
        .bind(address)
        .execute(&mut *c)
        .await?;
    if gone.rows_affected() == 0 {
        return Ok(false);
    }
    // See `is_address`. Whoever is in the list no more stays out.
    let back = sqlx::query(concat!(
        "UPDATE recipient SET state = 0 WHERE lane = ?1 AND state = 2 AND ",
        is_address!("?1", "?2")
    ))
    .bind(lane)
    .bind(address)
    .execute(&mut *c)
    .await?;
    // Primary key.
    sqlx::query("UPDATE lane SET audience = audience + ? WHERE id = ?")
        .bind(i64::try_from(back.rows_affected()).unwrap_or(0))
        .bind(lane)
        .execute(&mut *c)
        .await?;
    audit::append(c, act).await?;
    Ok(true)
}

/// As [`lift`], by a person: what servers have said of the address before counts no more, whether it has ended it or not.
pub(super) async fn lift_by_hand(
    c: &mut SqliteConnection,
    lane: LaneId,
    address: &str,
    act: &Act,
) -> Result<Lifted, StoreError> {
    let suppressed = lift(c, lane.0, address, act).await?;
    // Primary key.
    let reports = sqlx::query("DELETE FROM hard_report WHERE lane = ? AND address = ?")
        .bind(lane.0)
        .bind(address)
        .execute(&mut *c)
        .await?;
    let reported = reports.rows_affected() > 0;
    if reported && !suppressed {
        let act = Act {
            action: "clear-report".to_owned(),
            ..act.clone()
        };
        audit::append(c, &act).await?;
    }
    Ok(Lifted { suppressed, reported })
}

/// Whether an address is in a lane's list now, suppressed or not.
pub(super) async fn is_listed(pool: &SqlitePool, lane: LaneId, address: &str) -> Result<bool, StoreError> {
    // See `is_address`.
    let found = sqlx::query_scalar(concat!(
        "SELECT EXISTS (SELECT 1 FROM recipient WHERE lane = ?1 AND state IN (0, 2) AND ",
        is_address!("?1", "?2"),
        ")"
    ))
    .bind(lane.0)
    .bind(address)
    .fetch_one(pool)
    .await?;
    Ok(found)
}

/// Everybody, newest first.
pub(super) async fn all(pool: &SqlitePool) -> Result<Vec<Suppressed>, StoreError> {
    // All of it, sorted: for people to read.
    let rows = sqlx::query(
        "SELECT l.name, s.address, s.reason, s.at FROM suppression s JOIN lane l ON l.id = s.lane ORDER BY s.at DESC, l.name, s.address",
    )
    .fetch_all(pool)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(Suppressed {
                channel: row.try_get("name")?,
                address: row.try_get("address")?,
                because: because(row.try_get("reason")?),
                at_ms: row.try_get("at")?,
            })
        })
        .collect()
}

/// How many by channel.
pub(super) async fn counts(pool: &SqlitePool) -> Result<Vec<SuppressedCount>, StoreError> {
    // All of it, by its primary key (lane, …).
    let rows = sqlx::query(
        "SELECT l.name, sum(s.reason = 0) AS unsubscribed, sum(s.reason = 1) AS bounced, sum(s.reason = 2) AS by_hand,
           sum(s.reason = 3) AS gone
         FROM suppression s JOIN lane l ON l.id = s.lane GROUP BY s.lane ORDER BY l.name",
    )
    .fetch_all(pool)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(SuppressedCount {
                channel: row.try_get("name")?,
                unsubscribed: count(row.try_get("unsubscribed")?),
                bounced: count(row.try_get("bounced")?),
                by_hand: count(row.try_get("by_hand")?),
                gone: count(row.try_get("gone")?),
            })
        })
        .collect()
}
