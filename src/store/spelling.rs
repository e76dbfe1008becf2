//! Which spellings of an address are one. The kinds of channels know (`Channel::canonical`); stored beside an address is the form in which it is
//! compared. What an older release stored by another idea of that is brought up to date once for each lane, at a start: a migration could not,
//! because SQL knows no kinds, and doing it at every look would cost each claim. In short transactions, and in an order in which whoever is
//! suppressed stays so wherever it breaks off.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use sqlx::SqliteConnection;

use super::marks::had;
use super::sqlite::Sqlite;
use super::{Compared, LaneId, StoreError, SuppressedBecause};
use crate::clock::Ms;

/// The idea that this release has. Raised when a kind changes its mind.
const SPELLING: i64 = 1;
/// Rows of one transaction: well within 50 ms (LANES 1).
const CHUNK: usize = 2_000;

/// The form in which the address of recipient `r` is compared.
macro_rules! canonical {
    ($r:literal) => {
        concat!("coalesce(", $r, ".canonical, ", $r, ".address)")
    };
}

/// True for the recipient `recipient` whose address is compared as this parameter says, of the lane of the other. Two questions, because with OR
/// SQLite would look at everybody of the lane. Unique (lane, address); recipient_canonical (lane, canonical); primary key (lane, seq).
macro_rules! is_address {
    ($lane:literal, $address:literal) => {
        concat!(
            "recipient.seq IN (SELECT x.seq FROM recipient x WHERE x.lane = ",
            $lane,
            " AND x.canonical = ",
            $address,
            " UNION ALL SELECT x.seq FROM recipient x WHERE x.lane = ",
            $lane,
            " AND x.address = ",
            $address,
            " AND x.canonical IS NULL)"
        )
    };
}

pub(super) use {canonical, is_address};

/// An address under which something is stored, and the form in which it is compared from now on.
type Moves = Vec<(String, String)>;

/// Brings the lanes up to date that need it.
pub(super) async fn bring(store: &Sqlite, lanes: &[(LaneId, Compared<'_>)]) -> Result<(), StoreError> {
    // The few lanes.
    let old: Vec<i64> = sqlx::query_scalar("SELECT id FROM lane WHERE spelling < ?")
        .bind(SPELLING)
        .fetch_all(&store.readers)
        .await?;
    for (lane, compared) in lanes.iter().filter(|(lane, _)| old.contains(&lane.0)) {
        bring_one(store, lane.0, compared).await?;
    }
    Ok(())
}

async fn bring_one(store: &Sqlite, lane: i64, compared: Compared<'_>) -> Result<(), StoreError> {
    // Primary key (lane, …).
    let people: Vec<(i64, String, Option<String>)> =
        sqlx::query_as("SELECT seq, address, canonical FROM recipient WHERE lane = ?")
            .bind(lane)
            .fetch_all(&store.readers)
            .await?;
    let mut now: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    let mut rows = Vec::new();
    for (seq, address, canonical) in &people {
        let form = compared(address);
        let stored = (form != *address).then(|| form.clone());
        if stored != *canonical {
            rows.push((*seq, stored));
        }
        now.entry(canonical.as_deref().unwrap_or(address))
            .or_default()
            .insert(form);
    }
    // Primary keys (lane, address).
    let [suppressed, reported] = [
        "SELECT address FROM suppression WHERE lane = ?",
        "SELECT address FROM hard_report WHERE lane = ?",
    ]
    .map(|sql| sqlx::query_scalar::<_, String>(sql).bind(lane));
    // Of somebody in the audience: as their own address is compared, which may say more than what was stored of it.
    let moves = |stored: Vec<String>| -> Moves {
        let to = |old: &String| {
            now.get(old.as_str())
                .cloned()
                .unwrap_or_else(|| BTreeSet::from([compared(old)]))
        };
        stored
            .into_iter()
            .flat_map(|old| to(&old).into_iter().map(move |new| (old.clone(), new)))
            .collect()
    };
    let suppressed = moves(suppressed.fetch_all(&store.readers).await?);
    let reported = moves(reported.fetch_all(&store.readers).await?);
    for chunk in suppressed.chunks(CHUNK) {
        let moves = serde_json::to_string(chunk)?;
        let work = store
            .writer
            .write(move |c| Box::pin(async move { copy(c, lane, &moves).await }));
        work.await?;
    }
    for chunk in rows.chunks(CHUNK) {
        let rows = serde_json::to_string(chunk)?;
        let work = store
            .writer
            .write(move |c| Box::pin(async move { alter(c, lane, &rows).await }));
        work.await?;
    }
    let (suppressed, reported) = (serde_json::to_string(&suppressed)?, serde_json::to_string(&reported)?);
    let work = store
        .writer
        .write(move |c| Box::pin(async move { finish(c, lane, &suppressed, &reported).await }));
    work.await
}

/// Suppresses the new forms too. An owner's own word is kept beside any other reason's.
async fn copy(c: &mut SqliteConnection, lane: i64, moves: &str) -> Result<(), StoreError> {
    // Primary key.
    sqlx::query(
        "INSERT INTO suppression (lane, address, reason, at, folded)
         SELECT s.lane, j.value ->> 1, s.reason, s.at, s.folded FROM json_each(?1) j CROSS JOIN suppression s ON s.lane = ?2 AND s.address = j.value ->> 0
         WHERE true
         ON CONFLICT (lane, address) DO UPDATE SET reason = excluded.reason, at = excluded.at WHERE excluded.reason = ?3 AND reason <> ?3",
    )
    .bind(moves)
    .bind(lane)
    .bind(SuppressedBecause::Unsubscribed as u8)
    .execute(c)
    .await?;
    Ok(())
}

async fn alter(c: &mut SqliteConnection, lane: i64, rows: &str) -> Result<(), StoreError> {
    // Primary key (lane, seq), for each of the rows: of an UPDATE ... FROM json_each SQLite looks at every recipient of the lane.
    sqlx::query(
        "INSERT INTO recipient (lane, seq, address, state, canonical)
         SELECT r.lane, r.seq, r.address, r.state, j.value ->> 1
         FROM json_each(?) j CROSS JOIN recipient r ON r.lane = ? AND r.seq = j.value ->> 0 WHERE true
         ON CONFLICT (lane, seq) DO UPDATE SET canonical = excluded.canonical",
    )
    .bind(rows)
    .bind(lane)
    .execute(c)
    .await?;
    Ok(())
}

/// Nobody is compared by the old forms any more.
async fn finish(c: &mut SqliteConnection, lane: i64, suppressed: &str, reported: &str) -> Result<(), StoreError> {
    // Primary keys.
    sqlx::query(
        "DELETE FROM suppression WHERE lane = ?1 AND address IN (SELECT value ->> 0 FROM json_each(?2))
           AND address NOT IN (SELECT value ->> 1 FROM json_each(?2))",
    )
    .bind(lane)
    .bind(suppressed)
    .execute(&mut *c)
    .await?;
    sqlx::query(
        "UPDATE OR REPLACE hard_report SET address = j.value ->> 1 FROM json_each(?2) j
         WHERE hard_report.lane = ?1 AND hard_report.address = j.value ->> 0 AND j.value ->> 0 <> j.value ->> 1",
    )
    .bind(lane)
    .bind(reported)
    .execute(&mut *c)
    .await?;
    // Two of its people may be one now.
    super::lists::forget(c, lane).await?;
    // Primary key.
    sqlx::query("UPDATE lane SET spelling = ? WHERE id = ?")
        .bind(SPELLING)
        .bind(lane)
        .execute(c)
        .await?;
    Ok(())
}

/// The newest notice that each of these has or may have.
pub(super) async fn newest_of(
    c: &mut SqliteConnection,
    lane: i64,
    recipients: &[i64],
) -> Result<HashMap<i64, i64>, StoreError> {
    if recipients.is_empty() {
        return Ok(HashMap::new());
    }
    // Once in the life of a spelling: broadcast by its whole table, delivery_of (broadcast, recipient).
    let had: Vec<(i64, i64)> = sqlx::query_as(concat!(
        "SELECT j.value, max(b.notice) FROM json_each(?) j CROSS JOIN broadcast b CROSS JOIN delivery x ON x.broadcast = b.id AND x.recipient = j.value
         WHERE b.lane = ? AND ",
        had!(),
        " GROUP BY 1"
    ))
    .bind(serde_json::to_string(recipients)?)
    .bind(lane)
    .fetch_all(c)
    .await?;
    Ok(had.into_iter().collect())
}

/// Other spellings of one recipient: nothing goes to them any more, and what has not begun there goes to that one, who may not have had a turn of
/// their own.
pub(super) async fn join(c: &mut SqliteConnection, lane: i64, rows: &str, now: Ms) -> Result<(), StoreError> {
    for sql in [
        // Primary key (lane, seq).
        "UPDATE recipient SET state = 3, left_at = ?3 WHERE lane = ?2 AND seq IN (SELECT value ->> 0 FROM json_each(?1))",
        // broadcast_live (lane, …) WHERE state < 2; delivery_of (broadcast, recipient).
        "UPDATE OR IGNORE delivery SET recipient = (SELECT j.value ->> 1 FROM json_each(?1) j WHERE j.value ->> 0 = recipient)
         WHERE id IN (SELECT d.id FROM json_each(?1) j CROSS JOIN broadcast b ON b.lane = ?2 AND b.state < 2
           CROSS JOIN delivery d ON d.broadcast = b.id AND d.recipient = j.value ->> 0 AND d.state = 0 AND d.attempt = 0 AND d.flags & 17 = 0)",
    ] {
        sqlx::query(sql).bind(rows).bind(lane).bind(now).execute(&mut *c).await?;
    }
    Ok(())
}
