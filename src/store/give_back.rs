//! Claimed rows whose request never began go back (LANES 3).

use std::collections::BTreeSet;

use sqlx::SqliteConnection;

use super::marks::{asked_for, closed, passed};
use super::rows::settle_lanes;
use super::{StoreError, reopen};
use crate::clock::Ms;
use crate::ids::{DeliveryId, LaneId};

/// Claimed rows whose request never began: waiting again, attempt unspent; closed or passed meanwhile: superseded, or unknown where an
/// earlier attempt may have got through. Says whose rows other lanes had claimed, and what these had passed: their
/// successors may start.
pub(super) async fn give_back(
    c: &mut SqliteConnection,
    rows: &[(DeliveryId, u32)],
    now: Ms,
) -> Result<Vec<LaneId>, StoreError> {
    // Primary keys of delivery and broadcast; see `passed`. A later claim would have another attempt number.
    sqlx::query(concat!(
        "UPDATE delivery SET attempt = attempt - 1, changed = ?1, state = s.state, due = CASE WHEN s.state IN (0, 7) THEN ?1 ELSE 0 END,
           flags = CASE s.state WHEN 4 THEN flags & ~8 ELSE flags END
         FROM (SELECT d.id, CASE WHEN ",
        passed!(),
        "   THEN CASE WHEN d.flags & 1 THEN 4 ELSE 7 END
             WHEN b.superseded_by IS NOT NULL AND d.flags & 1 = 0 AND d.step = 0 THEN 7
             WHEN ",
        closed!(),
        " AND ",
        asked_for!("d.flags"),
        " AND d.step = 0 THEN 4 ELSE 0 END AS state
           FROM json_each(?2) j CROSS JOIN delivery d ON d.id = j.value ->> 0 AND d.state = 1 AND d.attempt = j.value ->> 1
             CROSS JOIN broadcast b ON b.id = d.broadcast) s
         WHERE delivery.id = s.id"
    ))
    .bind(now)
    .bind(serde_json::to_string(&rows.iter().map(|(id, n)| (id.0, *n)).collect::<Vec<_>>())?)
    .execute(&mut *c)
    .await?;
    let ids: Vec<i64> = rows.iter().map(|(id, _)| id.0).collect();
    // Primary key.
    let ended: Vec<i64> =
        sqlx::query_scalar("SELECT d.id FROM json_each(?) j CROSS JOIN delivery d ON d.id = j.value WHERE d.state = 7")
            .bind(serde_json::to_string(&ids)?)
            .fetch_all(&mut *c)
            .await?;
    let ended = ended.into_iter().collect();
    reopen::hand_over(c, &ended, now).await?;
    let again = reopen::reopen(c, &ended, now).await?;
    // Primary keys.
    let lanes: Vec<(i64, bool)> = sqlx::query_as(
        "SELECT DISTINCT b.lane, d.via IS NOT NULL FROM json_each(?) j CROSS JOIN delivery d ON d.id = j.value CROSS JOIN broadcast b ON b.id = d.broadcast",
    )
    .bind(serde_json::to_string(&ids)?)
    .fetch_all(&mut *c)
    .await?;
    let moved = lanes.iter().filter(|(_, moved)| *moved).map(|(lane, _)| *lane);
    let wakes: BTreeSet<i64> = moved.chain(again).collect();
    settle_lanes(c, lanes.into_iter().map(|(lane, _)| lane).collect()).await?;
    Ok(wakes.into_iter().map(LaneId).collect())
}
