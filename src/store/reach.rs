//! Whom a broadcast would still go to if it went now: for people who decide on a release. Reads the whole audience of its lane.

use sqlx::SqlitePool;

use super::marks::{concerned, corrected, had, lacks, passed};
use super::spelling::canonical;
use super::{DueCut, StoreError};
use crate::ids::BroadcastId;

/// As many as would get it by its own lane; with a cut that is due, as it will be once that is made: its own broadcast goes to the audience of all it
/// covers, and a correction that it covers to whoever has the wrong words.
pub(super) async fn people(pool: &SqlitePool, broadcast: BroadcastId, cut: Option<&DueCut>) -> Result<u64, StoreError> {
    let made = cut.filter(|cut| cut.broadcast == broadcast);
    let covers: Vec<i64> = made
        .iter()
        .flat_map(|cut| cut.covers.iter().map(|notice| notice.0))
        .collect();
    // The claim's own questions (`chunks.rs`, `due.rs`), asked of everybody. Primary keys of broadcast, recipient, suppression and chunk_left; delivery_of (broadcast,
    // recipient). A cut looks through its audience from the beginning, and makes up its mind who is in it then.
    let n: i64 = sqlx::query_scalar(concat!(
        "SELECT count(*) FROM (SELECT *, coalesce((SELECT min(k.cursor) FROM chunk_left k WHERE k.broadcast = o.id), o.cursor) AS seen
             FROM broadcast o WHERE o.id = ?1) b
           CROSS JOIN recipient r LEFT JOIN delivery d ON d.broadcast = b.id AND d.recipient = r.seq
         WHERE r.lane = b.lane AND r.state = 0
           AND NOT EXISTS (SELECT 1 FROM suppression s WHERE s.lane = r.lane AND s.address = ",
        canonical!("r"),
        ") AND CASE WHEN d.id IS NOT NULL THEN d.state = 0 AND d.via IS NULL
             WHEN ?2 THEN NOT ",
        passed!("r.seq"),
        "    ELSE b.state = 0 AND r.seq > min(b.seen, b.cursor) AND (b.upto IS NULL OR r.seq <= b.upto)
               AND NOT (b.catch_up = 2 AND ",
        passed!("r.seq"),
        ") END
           AND (d.flags & 1 OR (b.kind <> 2 AND NOT b.overtaken AND NOT ?3 AND (",
        concerned!("b.scope"),
        " OR (?2 AND ",
        lacks!(
            "r.seq",
            "json_each(?4) k CROSS JOIN broadcast u ON u.notice = k.value AND u.lane = b.lane WHERE true"
        ),
        ") OR (b.catch_up = 2 AND NOT ?2 AND ",
        lacks!("r.seq"),
        "))) OR EXISTS (SELECT 1 FROM ",
        corrected!("b.corrects", "r.seq"),
        " WHERE ",
        had!(),
        "))"
    ))
    .bind(broadcast.0)
    .bind(made.is_some())
    .bind(cut.is_some() && made.is_none())
    .bind(serde_json::to_string(&covers)?)
    .fetch_one(pool)
    .await?;
    Ok(super::rows::count(n))
}
