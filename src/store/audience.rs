//! Audiences from files: new people behind all others, missing ones gone, the rest kept with their number. Compared beside the
//! writer and written in short transactions, so that a list of a city's inhabitants holds up no lane (LANES 1).

use std::collections::BTreeMap;

use sqlx::{Row, SqliteConnection};

use super::rows::lang_word;
use super::sqlite::Sqlite;
use super::{AudienceChange, Person, StoreError};

/// Rows of one transaction: well within 50 ms (LANES 1).
const CHUNK: usize = 2_000;

/// Numbers for `n` new recipients or targets: the first of them.
pub(super) async fn numbers(c: &mut SqliteConnection, n: i64) -> Result<i64, StoreError> {
    // One row.
    let last: i64 =
        sqlx::query_scalar("UPDATE meta SET recipient_seq = recipient_seq + ? WHERE one = 1 RETURNING recipient_seq")
            .bind(n)
            .fetch_one(c)
            .await?;
    Ok(last - n + 1)
}

/// What is stored of somebody, to see what changed.
struct Known {
    seq: i64,
    state: i64,
    lang: Option<String>,
    places: Option<String>,
    name: Option<String>,
}

/// A row as written: number, address, language, places, name.
type Written = (i64, String, Option<String>, Option<String>, Option<String>);

/// What has to be written.
#[derive(Default)]
struct Plan {
    fresh: Vec<Written>,
    changed: Vec<Written>,
    left: Vec<i64>,
    change: AudienceChange,
}

/// Brings a lane's audience up to date. Whoever the service has reported as gone for good stays gone. One that breaks off is
/// taken up by the next.
pub(super) async fn sync(store: &Sqlite, lane: i64, people: &[Person]) -> Result<AudienceChange, StoreError> {
    let known = read(&mut *store.readers.acquire().await?, lane).await?;
    let plan = plan(known, people)?;
    for chunk in plan.fresh.chunks(CHUNK) {
        let rows = chunk.to_vec();
        let work = store
            .writer
            .write(move |c| Box::pin(async move { add(c, lane, rows).await }));
        work.await?;
    }
    for chunk in plan.changed.chunks(CHUNK) {
        let rows = serde_json::to_string(chunk)?;
        let work = store
            .writer
            .write(move |c| Box::pin(async move { alter(c, lane, &rows).await }));
        work.await?;
    }
    for chunk in plan.left.chunks(CHUNK) {
        let rows = serde_json::to_string(chunk)?;
        let work = store
            .writer
            .write(move |c| Box::pin(async move { leave(c, lane, &rows).await }));
        work.await?;
    }
    let total = i64::try_from(plan.change.total).unwrap_or(i64::MAX);
    let work = store
        .writer
        .write(move |c| Box::pin(async move { count(c, lane, total).await }));
    work.await?;
    Ok(plan.change)
}

/// Compares what is stored with what the file says.
fn plan(mut known: BTreeMap<String, Known>, people: &[Person]) -> Result<Plan, StoreError> {
    let mut plan = Plan::default();
    let mut seen = std::collections::HashSet::with_capacity(people.len());
    for person in people {
        if !seen.insert(person.address.as_str()) {
            continue;
        }
        let lang = person.language.map(lang_word).transpose()?;
        let places = (!person.places.is_empty())
            .then(|| serde_json::to_string(&person.places))
            .transpose()?;
        let (address, name) = (person.address.clone(), person.name.clone());
        match known.remove(person.address.as_str()) {
            None => plan.fresh.push((0, address, lang, places, name)),
            Some(k) if k.state == 2 => {}
            Some(k) => {
                plan.change.total += 1;
                plan.change.added += u64::from(k.state == 1);
                if k.state == 1 || k.lang != lang || k.places != places || k.name != name {
                    plan.changed.push((k.seq, address, lang, places, name));
                }
            }
        }
    }
    plan.left = known.values().filter(|k| k.state == 0).map(|k| k.seq).collect();
    plan.change.added += plan.fresh.len() as u64;
    plan.change.total += plan.fresh.len() as u64;
    plan.change.removed = plan.left.len() as u64;
    Ok(plan)
}

async fn read(c: &mut SqliteConnection, lane: i64) -> Result<BTreeMap<String, Known>, StoreError> {
    // Primary key (lane, …).
    let rows = sqlx::query("SELECT seq, address, state, lang, places, name FROM recipient WHERE lane = ?")
        .bind(lane)
        .fetch_all(c)
        .await?;
    rows.iter()
        .map(|row| {
            Ok((
                row.try_get("address")?,
                Known {
                    seq: row.try_get("seq")?,
                    state: row.try_get("state")?,
                    lang: row.try_get("lang")?,
                    places: row.try_get("places")?,
                    name: row.try_get("name")?,
                },
            ))
        })
        .collect()
}

async fn add(c: &mut SqliteConnection, lane: i64, mut rows: Vec<Written>) -> Result<(), StoreError> {
    let first = numbers(c, i64::try_from(rows.len()).unwrap_or(i64::MAX)).await?;
    for (row, seq) in rows.iter_mut().zip(first..) {
        row.0 = seq;
    }
    // Primary key (lane, seq): appended in order. Another process may be reading the same file at the same moment.
    sqlx::query(
        "INSERT INTO recipient (lane, seq, address, state, lang, places, name)
         SELECT ?, value ->> 0, value ->> 1, 0, value ->> 2, value ->> 3, value ->> 4 FROM json_each(?) WHERE true
         ON CONFLICT (lane, address) DO NOTHING",
    )
    .bind(lane)
    .bind(serde_json::to_string(&rows)?)
    .execute(c)
    .await?;
    Ok(())
}

async fn alter(c: &mut SqliteConnection, lane: i64, rows: &str) -> Result<(), StoreError> {
    // Primary key (lane, seq).
    sqlx::query(
        "UPDATE recipient SET state = 0, lang = j.value ->> 2, places = j.value ->> 3, name = j.value ->> 4
         FROM json_each(?) j WHERE recipient.lane = ? AND recipient.seq = j.value ->> 0",
    )
    .bind(rows)
    .bind(lane)
    .execute(c)
    .await?;
    Ok(())
}

async fn leave(c: &mut SqliteConnection, lane: i64, rows: &str) -> Result<(), StoreError> {
    // Primary key (lane, seq).
    sqlx::query("UPDATE recipient SET state = 1 WHERE lane = ? AND seq IN (SELECT value FROM json_each(?))")
        .bind(lane)
        .bind(rows)
        .execute(c)
        .await?;
    Ok(())
}

async fn count(c: &mut SqliteConnection, lane: i64, total: i64) -> Result<(), StoreError> {
    // Primary key. The same number again would be a page written, and a wait for the disk, for nothing.
    sqlx::query("UPDATE lane SET audience = ?1 WHERE id = ?2 AND audience <> ?1")
        .bind(total)
        .bind(lane)
        .execute(c)
        .await?;
    Ok(())
}
