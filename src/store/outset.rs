//! Recipients for whom nothing is in the way when their chunk opens: they start in the statement that makes their rows, which else would be written
//! as waiting, read again and written again in the same transaction. Who may is the word of `due.rs`; here is the case in which all of it is said in
//! advance.

use serde::Deserialize;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use super::StoreError;
use super::alive::Alive;
use super::chunk::{Opened, window};
use super::due::Due;
use super::pace::Pace;
use super::rows::from_word;
use super::spelling::canonical;
use crate::clock::Ms;

/// Room for so many, and until when their leases last.
#[derive(Debug, Clone, Copy)]
pub(super) struct Outset {
    pub(super) room: usize,
    pub(super) lease_until: Ms,
}

impl Outset {
    /// `None`: each row has to be looked at. Nothing older may hold anybody back, no rate or ramp give turns, and what is told be the same for all:
    /// what a correction or a digest is for somebody depends on what they have.
    pub(super) fn of(broadcast: &Alive, older: &[&Alive], pace: &Pace, room: usize, lease_until: Ms) -> Option<Self> {
        let plain = broadcast.kind == 0 && !broadcast.digest && !broadcast.overtaken && broadcast.via.is_none();
        (plain && older.is_empty() && pace.is_free()).then_some(Self { room, lease_until })
    }
}

/// A part of a chunk that starts: up to this recipient, with rows newer than this one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part {
    pub(super) to: i64,
    pub(super) lease_until: Ms,
    pub(super) after: i64,
}

/// Where the next chunk of so many recipients ends, and how many of it start at once; `None`: somebody in it is suppressed, and ends instead.
pub(super) async fn window(
    c: &mut SqliteConnection,
    lane: i64,
    (from, reach, size): (i64, i64, i64),
    outset: Outset,
) -> Result<(i64, Option<Part>), StoreError> {
    // Primary keys (lane, seq) of recipient and (lane, address) of suppression; last entry of delivery.
    let row = sqlx::query(concat!(
        "WITH chunk AS MATERIALIZED (SELECT ",
        window!(),
        " AS ends)
         SELECT ends, EXISTS (SELECT 1 FROM suppression WHERE lane = ?1) AND EXISTS (
           SELECT 1 FROM recipient r CROSS JOIN suppression s ON s.lane = r.lane AND s.address = ",
        canonical!("r"),
        " WHERE r.lane = ?1 AND r.seq > ?2 AND r.seq <= ends AND r.state = 0) AS suppressed,
           (SELECT seq FROM recipient WHERE lane = ?1 AND seq > ?2 AND seq <= ends AND state = 0 ORDER BY seq LIMIT 1 OFFSET ?5) AS last,
           coalesce((SELECT max(id) FROM delivery), 0) AS after FROM chunk"
    ))
    .bind(lane)
    .bind(from)
    .bind(reach)
    .bind(size)
    .bind(i64::try_from(outset.room.saturating_sub(1)).unwrap_or(i64::MAX))
    .fetch_one(c)
    .await?;
    let ends = row.try_get("ends")?;
    let part = Part {
        to: row.try_get::<Option<i64>, _>("last")?.unwrap_or(ends),
        lease_until: outset.lease_until,
        after: row.try_get("after")?,
    };
    Ok((ends, (!row.try_get::<bool, _>("suppressed")?).then_some(part)))
}

/// The rows newer than `$after`, all of one chunk on `$lane`: how many, and those that have started. The newest rows by their primary key; primary key
/// of recipient. In one row: each is a way from SQLite's thread to this one.
macro_rules! started {
    ($lane:literal, $after:literal) => {
        concat!(
            "SELECT (SELECT count(*) FROM delivery WHERE id > ",
            $after,
            ") AS opened, (SELECT json_group_array(json_array(d.id, d.recipient, r.address, r.canonical, r.name, r.lang))
               FROM delivery d CROSS JOIN recipient r ON r.lane = ",
            $lane,
            " AND r.seq = d.recipient WHERE d.id > ",
            $after,
            " AND +d.state = 1) AS started"
        )
    };
}

pub(super) use started;

/// A row that has started, with its recipient.
#[derive(Deserialize)]
struct Started(i64, i64, String, Option<String>, Option<String>, Option<String>);

/// A chunk of this broadcast as [`started`] gives it.
pub(super) fn opened(row: &SqliteRow, b: &Alive, now: Ms) -> Result<Opened, StoreError> {
    let mut rows: Vec<Started> = serde_json::from_str(row.try_get("started")?)?;
    rows.sort_unstable_by_key(|row| row.0);
    let due = |Started(id, recipient, address, canonical, name, lang)| Due {
        id,
        recipient,
        attempt: 0,
        first_started: now,
        operation: b.operation,
        step: 0,
        step_handle: None,
        after_unknown: false,
        from_copy: false,
        address,
        canonical,
        name,
        lang: from_word(lang),
        withdrawn: None,
        target: None,
        told: 0,
        first: false,
        digest: false,
        elsewhere: false,
        begun: false,
    };
    Ok(Opened {
        rows: row.try_get("opened")?,
        started: rows.into_iter().map(due).collect(),
    })
}
