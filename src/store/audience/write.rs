//! What a list changes, each in one transaction of the writer.

use sqlx::SqliteConnection;

use super::super::lists::{self, Begun};
use super::super::spelling::canonical;
use super::super::{Conflict, ListMark, StoreError};
use super::compare::Written;
use super::numbers;
use crate::clock::Ms;

/// Of whom something else is said than before, and who was meant by a suppression in advance.
pub(super) async fn known(
    c: &mut SqliteConnection,
    lane: i64,
    changed: &[Written],
    meant: &[(String, String)],
) -> Result<(), StoreError> {
    if !meant.is_empty() {
        were_meant(c, lane, &serde_json::to_string(meant)?).await?;
    }
    if !changed.is_empty() {
        alter(c, lane, changed).await?;
    }
    Ok(())
}

/// Whom somebody suppressed in advance is in the list now, in their own letters.
async fn were_meant(c: &mut SqliteConnection, lane: i64, rows: &str) -> Result<(), StoreError> {
    for sql in [
        // Primary key.
        "INSERT OR IGNORE INTO suppression (lane, address, reason, at)
         SELECT s.lane, j.value ->> 1, s.reason, s.at FROM json_each(?1) j CROSS JOIN suppression s ON s.lane = ?2 AND s.address = j.value ->> 0",
        "DELETE FROM suppression WHERE lane = ?2 AND folded AND address IN (SELECT value ->> 0 FROM json_each(?1))
           AND address NOT IN (SELECT value ->> 1 FROM json_each(?1))",
        "UPDATE suppression SET folded = 0 WHERE lane = ?2 AND folded AND address IN (SELECT value ->> 1 FROM json_each(?1))",
    ] {
        sqlx::query(sql).bind(rows).bind(lane).execute(&mut *c).await?;
    }
    Ok(())
}

/// New people. Their numbers, and those of whoever among them another process has just added.
pub(super) async fn add(c: &mut SqliteConnection, lane: i64, mut rows: Vec<Written>) -> Result<Vec<i64>, StoreError> {
    let count = i64::try_from(rows.len()).unwrap_or(i64::MAX);
    let first = numbers(c, count).await?;
    for (row, seq) in rows.iter_mut().zip(first..) {
        row.0 = seq;
    }
    let json = serde_json::to_string(&rows)?;
    // Primary key (lane, seq): appended in order; primary key of suppression. Another process may be reading the same file at the same moment, or
    // one in which somebody is spelled otherwise: recipient_canonical (lane, canonical), unique (lane, address); as one question with OR, every
    // recipient of the lane would be looked at for each new one.
    let done = sqlx::query(
        "INSERT INTO recipient (lane, seq, address, canonical, state, lang, places, name)
         SELECT ?1, value ->> 0, value ->> 4, value ->> 5,
           2 * EXISTS (SELECT 1 FROM suppression s WHERE s.lane = ?1 AND s.address = coalesce(value ->> 5, value ->> 4)),
           value ->> 1, value ->> 2, value ->> 3 FROM json_each(?2)
         WHERE NOT EXISTS (SELECT 1 FROM recipient x WHERE x.lane = ?1 AND x.canonical = coalesce(value ->> 5, value ->> 4))
           AND NOT EXISTS (SELECT 1 FROM recipient x WHERE x.lane = ?1 AND x.address = value ->> 5 AND x.canonical IS NULL)
         ON CONFLICT (lane, address) DO NOTHING",
    )
    .bind(lane)
    .bind(&json)
    .execute(&mut *c)
    .await?;
    let mut numbers: Vec<i64> = (first..first + count).collect();
    if done.rows_affected() < u64::try_from(count).unwrap_or_default() {
        // The same indexes.
        let theirs: Vec<i64> = sqlx::query_scalar(
            "SELECT x.seq FROM json_each(?2) CROSS JOIN recipient x ON x.lane = ?1 AND x.canonical = coalesce(value ->> 5, value ->> 4)
             UNION ALL
             SELECT x.seq FROM json_each(?2) CROSS JOIN recipient x ON x.lane = ?1 AND x.address = coalesce(value ->> 5, value ->> 4)
             UNION ALL
             SELECT x.seq FROM json_each(?2) CROSS JOIN recipient x ON x.lane = ?1 AND x.address = value ->> 4",
        )
        .bind(lane)
        .bind(&json)
        .fetch_all(c)
        .await?;
        numbers.extend(theirs);
    }
    Ok(numbers)
}

/// An INSERT that only ever meets who is there: of an UPDATE ... FROM json_each SQLite looks at every recipient of the lane.
async fn alter(c: &mut SqliteConnection, lane: i64, rows: &[Written]) -> Result<(), StoreError> {
    // Primary keys (lane, seq) of recipient and (lane, address) of suppression, for each of the rows.
    let done = sqlx::query(concat!(
        "INSERT INTO recipient (lane, seq, address, state, lang, places, name, left_at)
         SELECT r.lane, r.seq, r.address, 2 * EXISTS (SELECT 1 FROM suppression s WHERE s.lane = ?2 AND s.address = ",
        canonical!("r"),
        "), j.value ->> 1, j.value ->> 2, j.value ->> 3, NULL
         FROM json_each(?1) j CROSS JOIN recipient r ON r.lane = ?2 AND r.seq = j.value ->> 0 WHERE true
         ON CONFLICT (lane, seq) DO UPDATE SET state = excluded.state, lang = excluded.lang, places = excluded.places, name = excluded.name,
           left_at = NULL"
    ))
    .bind(serde_json::to_string(rows)?)
    .bind(lane)
    .execute(c)
    .await?;
    if done.rows_affected() < u64::try_from(rows.len()).unwrap_or_default() {
        // Somebody who had left long ago was taken out since they were read (`retention`): the list is compared once more.
        return Err(StoreError::Conflict(Conflict::List(String::new())));
    }
    Ok(())
}

pub(super) async fn leave(c: &mut SqliteConnection, lane: i64, rows: &str, now: Ms) -> Result<(), StoreError> {
    // Primary key (lane, seq).
    sqlx::query(
        "UPDATE recipient SET state = 1, left_at = ? WHERE lane = ? AND seq IN (SELECT value FROM json_each(?))",
    )
    .bind(now)
    .bind(lane)
    .bind(rows)
    .execute(c)
    .await?;
    Ok(())
}

/// The whole list is taken over: how many are in now, where that is another number, and its mark.
pub(super) async fn end(
    c: &mut SqliteConnection,
    lane: i64,
    begun: Begun,
    mark: Option<ListMark>,
    total: Option<i64>,
) -> Result<(), StoreError> {
    if let Some(total) = total {
        // Primary key.
        sqlx::query("UPDATE lane SET audience = ?1 WHERE id = ?2")
            .bind(total)
            .bind(lane)
            .execute(&mut *c)
            .await?;
    }
    lists::end(c, lane, begun, mark.as_ref()).await
}
