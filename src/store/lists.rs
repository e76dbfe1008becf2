//! The marks of lists that were taken over as a whole, by which an unchanged one is neither read nor compared again; and what of a list its price
//! leaves out.

use std::collections::BTreeMap;

use sqlx::{SqliteConnection, SqlitePool};

use super::rows::count;
use super::{LeftOut, ListMark, StoreError};
use crate::ids::LaneId;

/// Somebody who takes a list over.
#[derive(Debug, Clone, Copy)]
pub(super) struct Begun {
    /// Their number.
    begun: i64,
    /// The last of them left a mark: since then nobody stands there twice.
    pub(super) was_whole: bool,
    /// Recipients up to this number were there.
    pub(super) upto: i64,
}

/// From now on a lane's list has no mark.
pub(super) async fn begin(c: &mut SqliteConnection, lane: i64) -> Result<Begun, StoreError> {
    // Primary key; one row of meta.
    let (was_whole, upto): (bool, i64) = sqlx::query_as(
        "SELECT EXISTS (SELECT 1 FROM list WHERE lane = ? AND hash IS NOT NULL), recipient_seq FROM meta WHERE one = 1",
    )
    .bind(lane)
    .fetch_one(&mut *c)
    .await?;
    // Primary key.
    let begun = sqlx::query_scalar(
        "INSERT INTO list (lane, begun) VALUES (?, 1)
         ON CONFLICT (lane) DO UPDATE SET stamp = NULL, hash = NULL, census = NULL, begun = begun + 1 RETURNING begun",
    )
    .bind(lane)
    .fetch_one(c)
    .await?;
    Ok(Begun { begun, was_whole, upto })
}

/// A list is taken over. Where somebody else has begun meanwhile, what is stored may be of both: neither leaves a mark, the next one compares again.
pub(super) async fn end(
    c: &mut SqliteConnection,
    lane: i64,
    begun: Begun,
    mark: Option<&ListMark>,
) -> Result<(), StoreError> {
    // Primary key.
    sqlx::query(
        "UPDATE list SET stamp = iif(begun = ?2, ?3, NULL), hash = iif(begun = ?2, ?4, NULL), census = iif(begun = ?2, ?5, NULL),
           begun = begun + (begun <> ?2) WHERE lane = ?1",
    )
    .bind(lane)
    .bind(begun.begun)
    .bind(mark.and_then(|mark| mark.stamp.as_deref()))
    .bind(mark.map_or("", |mark| mark.hash.as_str()))
    .bind(mark.and_then(|mark| mark.census.as_deref()))
    .execute(c)
    .await?;
    Ok(())
}

/// What is stored of a lane is no list's any more.
pub(super) async fn forget(c: &mut SqliteConnection, lane: i64) -> Result<(), StoreError> {
    // Primary key. The row stays: whoever is taking one over now finds another number.
    sqlx::query("UPDATE list SET stamp = NULL, hash = NULL, census = NULL, begun = begun + 1 WHERE lane = ?")
        .bind(lane)
        .execute(c)
        .await?;
    Ok(())
}

/// Where the lane's kind is another one, which compares addresses in its own way: its list is read again, who is stored is spelled again.
pub(super) async fn of_another_kind(c: &mut SqliteConnection, lane: i64, is: bool) -> Result<(), StoreError> {
    if !is {
        return Ok(());
    }
    forget(c, lane).await?;
    // Primary key.
    sqlx::query("UPDATE lane SET spelling = 0 WHERE id = ?")
        .bind(lane)
        .execute(c)
        .await?;
    Ok(())
}

/// Another stamp for the same content.
pub(super) async fn is_same(c: &mut SqliteConnection, lane: i64, mark: &ListMark) -> Result<(), StoreError> {
    // Primary key.
    sqlx::query("UPDATE list SET stamp = ? WHERE lane = ? AND hash = ?")
        .bind(&mark.stamp)
        .bind(lane)
        .bind(&mark.hash)
        .execute(c)
        .await?;
    Ok(())
}

/// Of all lanes whose list came from a file.
pub(super) async fn marks(pool: &SqlitePool) -> Result<BTreeMap<LaneId, ListMark>, StoreError> {
    // The whole table: a few rows.
    let rows: Vec<(i64, Option<String>, String, Option<String>)> =
        sqlx::query_as("SELECT lane, stamp, hash, census FROM list WHERE hash <> ''")
            .fetch_all(pool)
            .await?;
    let mark = |(lane, stamp, hash, census)| (LaneId(lane), ListMark { stamp, hash, census });
    Ok(rows.into_iter().map(mark).collect())
}

/// Whom a lane's list has and the lane does not write to.
pub(super) async fn left_out(c: &mut SqliteConnection, lane: i64, apart: &[String]) -> Result<LeftOut, StoreError> {
    let apart = serde_json::to_string(apart)?;
    // recipient_gone (lane, places) WHERE state = 2.
    let by_places: Vec<(Option<String>, i64)> = sqlx::query_as(concat!(
        "SELECT places, count(*) FROM recipient r WHERE lane = ? AND state = 2 AND ",
        super::spelling::canonical!("r"),
        " NOT IN (SELECT value FROM json_each(?)) GROUP BY places"
    ))
    .bind(lane)
    .bind(&apart)
    .fetch_all(&mut *c)
    .await?;
    let by_places = by_places.into_iter().map(|(places, n)| {
        let places = places.map_or(Ok(Vec::new()), |places| serde_json::from_str(&places))?;
        Ok((places, count(n)))
    });
    // Primary key of suppression.
    let named = sqlx::query_scalar(
        "SELECT s.address FROM json_each(?) j CROSS JOIN suppression s ON s.lane = ? AND s.address = j.value",
    );
    Ok(LeftOut {
        by_places: by_places.collect::<Result<_, StoreError>>()?,
        named: named.bind(&apart).bind(lane).fetch_all(c).await?,
    })
}
