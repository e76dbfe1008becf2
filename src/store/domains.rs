//! What waits on a lane by the domain of its recipients: where domains have a rate of their own, the largest says how long it takes.

use std::collections::BTreeMap;

use futures_util::TryStreamExt;
use sqlx::{Row, SqlitePool};

use super::StoreError;
use super::broadcasts::SHAPE_AUDIENCE;
use super::spelling::canonical;
use crate::domain::notice::Scope;
use crate::domain::supersede::concerns;
use crate::lane_core::ramp;

/// Messages by domain: rows that wait on this lane, and recipients of its own audience who have no row yet.
pub(super) async fn waiting(pool: &SqlitePool, lane: i64) -> Result<BTreeMap<String, u64>, StoreError> {
    let mut counts = BTreeMap::new();
    let mut count = |address: &str| {
        if let Some(domain) = ramp::domain(address) {
            *counts.entry(domain).or_default() += 1;
        }
    };
    // broadcast_live (lane, …), broadcast_moved (lane) WHERE state < 2; delivery_due (broadcast, via, …) WHERE state = 0; primary key of recipient.
    let mut rows = sqlx::query_scalar::<_, String>(concat!(
        "SELECT ",
        canonical!("r"),
        " FROM broadcast b CROSS JOIN delivery d ON d.broadcast = b.id AND d.state = 0
             AND d.via IS CASE b.lane WHEN ?1 THEN NULL ELSE ?1 END
           CROSS JOIN recipient r ON r.lane = b.lane AND r.seq = d.recipient
         WHERE b.state < 2 AND (b.lane = ?1 OR b.n_moved > 0)",
    ))
    .bind(lane)
    .fetch(pool);
    while let Some(address) = rows.try_next().await? {
        count(&address);
    }
    drop(rows);
    // broadcast_live (lane, …). Of what is overtaken only those who have what it corrects get something: too few to matter.
    let opening: Vec<(i64, i64, Option<i64>, String)> = sqlx::query_as(
        "SELECT id, cursor, upto, scope FROM broadcast WHERE lane = ? AND state = 0 AND shape = ? AND NOT overtaken",
    )
    .bind(lane)
    .bind(SHAPE_AUDIENCE)
    .fetch_all(pool)
    .await?;
    for (broadcast, cursor, upto, scope) in opening {
        let scope: Scope = serde_json::from_str(&scope)?;
        // Primary key (broadcast, …).
        let left: Vec<(String, i64)> = sqlx::query_as("SELECT domain, cursor FROM chunk_left WHERE broadcast = ?")
            .bind(broadcast)
            .fetch_all(pool)
            .await?;
        let left: BTreeMap<String, i64> = left.into_iter().collect();
        let from = left.values().copied().fold(cursor, i64::min);
        // Primary keys of recipient and suppression.
        let mut rows = sqlx::query(concat!(
            "SELECT seq, ",
            canonical!("r"),
            " AS address, places FROM recipient r WHERE lane = ?1 AND seq > ?2 AND (?3 IS NULL OR seq <= ?3) AND state = 0
               AND NOT EXISTS (SELECT 1 FROM suppression s WHERE s.lane = ?1 AND s.address = ",
            canonical!("r"),
            ")"
        ))
        .bind(lane)
        .bind(from)
        .bind(upto)
        .fetch(pool);
        while let Some(row) = rows.try_next().await? {
            let address: &str = row.try_get("address")?;
            let opened = ramp::domain(address).and_then(|domain| left.get(&domain).copied());
            let places: Option<&str> = row.try_get("places")?;
            let here = match places {
                Some(places) if scope != Scope::All => concerns(&scope, &serde_json::from_str::<Vec<String>>(places)?),
                _ => true,
            };
            if here && row.try_get::<i64, _>("seq")? > opened.unwrap_or(cursor) {
                count(address);
            }
        }
    }
    Ok(counts)
}
