//! Reading the due rows of broadcasts; what becomes of them is the word of `due.rs`.

use serde::{Deserialize, Serialize};
use sqlx::SqliteConnection;

use super::alive::Alive;
use super::{ClaimRequest, StoreError};
use crate::clock::Ms;

/// A look at the due rows of one broadcast, as [`looks`] reads it: a list, because names would be looked for wherever it is used.
/// Broadcast, lane, the lane that sends, now, how long what came to nothing holds its successors (ms), correction, digest, broadcasts that come first.
#[derive(Debug, Serialize)]
pub(super) struct Look(i64, i64, Option<i64>, Ms, Ms, bool, bool, Vec<i64>);

impl Look {
    pub(super) fn at(r: &ClaimRequest, b: &Alive, older: &[&Alive]) -> Self {
        let correction = b.kind != 0;
        let wait = if correction {
            r.correction_wait_ms
        } else {
            r.order_wait_ms
        };
        let older = older.iter().map(|o| o.id).collect();
        Self(b.id, b.lane, b.via, r.now_ms, wait, correction, b.digest, older)
    }
}

/// A due row as it is read.
#[derive(Debug, Deserialize)]
pub(super) struct Read {
    look: usize,
    pub(super) due: Ms,
    pub(super) id: i64,
    pub(super) recipient: i64,
    pub(super) attempt: u32,
    pub(super) first_started: Ms,
    pub(super) operation: i64,
    pub(super) step: u8,
    pub(super) step_handle: Option<String>,
    pub(super) flags: i64,
    pub(super) told: i64,
    pub(super) address: Option<String>,
    pub(super) canonical: Option<String>,
    pub(super) name: Option<String>,
    pub(super) lang: Option<String>,
    pub(super) withdrawn: Option<String>,
    pub(super) places: Option<String>,
    pub(super) state: Option<i64>,
    pub(super) suppressed: i64,
    pub(super) free_at: Option<Ms>,
    pub(super) passed: i64,
    pub(super) lacks: i64,
}

/// The due rows of `$looks`, at most `$limit` of each, as [`Read`].
/// delivery_due (broadcast, via, due) WHERE state = 0; primary keys of delivery, recipient, withdrawn and suppression; delivery_of (broadcast,
/// recipient) per older one.
/// free_at: when the last of the older ones lets this row go; NULL: nothing holds it. One that moved holds as a refused one does: its lane
/// may be held or slow. So a newer one can have passed what comes from another lane.
/// lacks: a cut sums up something that they have not got yet.
/// Not materialised and not sorted: a table of its own for either takes SQLite longer than all the rest. In one row: each is a way from
/// SQLite's thread to this one.
macro_rules! looks {
    ($looks:literal, $limit:literal) => {
        concat!(
            "(WITH look AS NOT MATERIALIZED (SELECT key, value ->> 0 AS broadcast, value ->> 1 AS lane, value ->> 2 AS via, value ->> 3 AS now,
               value ->> 4 AS wait, value ->> 5 AS correction, value ->> 6 AS digest, value -> 7 AS older FROM json_each(",
            $looks,
            "))
             SELECT json_group_array(json_array(l.key, d.due, d.id, d.recipient, d.attempt, d.first_started, d.operation, d.step, d.step_handle,
               d.flags, d.told, r.address, r.canonical, r.name, r.lang,
               CASE WHEN d.flags & 1 THEN (SELECT w.text FROM withdrawn w WHERE w.delivery = d.id) END, r.places, r.state,
               EXISTS (SELECT 1 FROM suppression s WHERE s.lane IN (l.lane, l.via) AND s.address = ",
            $crate::store::spelling::canonical!("r"),
            "),
               (SELECT max(CASE WHEN x.state = 0 AND x.via IS NULL AND x.due > l.now THEN x.due
                                WHEN x.state > 1 OR (x.state = 1 AND l.correction) OR (x.state = 0 AND x.via IS NOT NULL) THEN x.changed + l.wait
                                ELSE 9223372036854775807 END)
                  FROM json_each(l.older) o CROSS JOIN delivery x ON x.broadcast = o.value AND x.recipient = d.recipient
                 WHERE x.state IN (0, 1, 4, 5)), l.via IS NOT NULL AND ",
            $crate::store::marks::passed!(),
            ", l.digest AND ",
            $crate::store::marks::lacks!("d.recipient"),
            "))
             FROM look l CROSS JOIN broadcast b ON b.id = l.broadcast CROSS JOIN delivery d ON d.id IN (
                 SELECT n.id FROM delivery n WHERE n.broadcast = l.broadcast AND n.state = 0 AND n.via IS l.via AND n.due <= l.now
                 ORDER BY n.due, n.id LIMIT ",
            $limit,
            ") LEFT JOIN recipient r ON r.lane = l.lane AND r.seq = d.recipient)"
        )
    };
}

pub(super) use looks;

/// What [`looks`] gave, by look, in order.
pub(super) fn read(rows: &str, looks: &[Look]) -> Result<Vec<Vec<Read>>, StoreError> {
    let mut seen: Vec<Vec<Read>> = looks.iter().map(|_| Vec::new()).collect();
    for row in serde_json::from_str::<Vec<Read>>(rows)? {
        if let Some(seen) = seen.get_mut(row.look) {
            seen.push(row);
        }
    }
    for rows in &mut seen {
        rows.sort_by_key(|row| (row.due, row.id));
    }
    Ok(seen)
}

/// The due rows of one look, at most `limit`, in order.
pub(super) async fn look(c: &mut SqliteConnection, look: Look, limit: usize) -> Result<Vec<Read>, StoreError> {
    let looks = [look];
    let rows: String = sqlx::query_scalar(concat!("SELECT ", looks!("?1", "?2")))
        .bind(serde_json::to_string(&looks)?)
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_one(c)
        .await?;
    Ok(read(&rows, &looks)?.pop().unwrap_or_default())
}
