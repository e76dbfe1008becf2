//! Audiences from files: new people behind all others, missing ones gone, the rest kept with their number. Compared beside the
//! writer and written in short transactions, so that a list of a city's inhabitants holds up no lane (LANES 1).

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashSet};

use sqlx::{Row, SqliteConnection};

use super::rows::lang_word;
use super::spelling::canonical;
use super::sqlite::Sqlite;
use super::{AudienceChange, Person, StoreError};

/// A recipient's states: in the list; not in it; in it, and suppressed.
const IN: i64 = 0;
const LEFT: i64 = 1;
const GONE: i64 = 2;

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

/// A row as written: number, language, places, name, address, its canonical form where it is another one.
type Written = (
    i64,
    Option<String>,
    Option<String>,
    Option<String>,
    String,
    Option<String>,
);

/// What has to be written.
#[derive(Default)]
struct Plan {
    fresh: Vec<Written>,
    changed: Vec<Written>,
    left: Vec<i64>,
    change: AudienceChange,
}

/// Brings a lane's audience up to date. Who is suppressed stays so. One that breaks off is taken up by the next.
pub(super) async fn sync(store: &Sqlite, lane: i64, people: &[Person]) -> Result<AudienceChange, StoreError> {
    let (known, suppressed, counted) = {
        let mut reader = store.readers.acquire().await?;
        (
            read(&mut reader, lane).await?,
            suppressed(&mut reader, lane).await?,
            counted(&mut reader, lane).await?,
        )
    };
    let plan = plan(known, &suppressed, people)?;
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
    if total != counted {
        let work = store
            .writer
            .write(move |c| Box::pin(async move { count(c, lane, total).await }));
        work.await?;
    }
    Ok(plan.change)
}

/// Compares what is stored with what the file says.
fn plan(known: Vec<(String, Known)>, suppressed: &HashSet<String>, people: &[Person]) -> Result<Plan, StoreError> {
    let mut plan = Plan::default();
    let mut by_address: BTreeMap<String, Known> = BTreeMap::new();
    for (address, row) in known {
        match by_address.entry(address) {
            Entry::Vacant(place) => drop(place.insert(row)),
            // An older release took two spellings for two people. One of them stays: who is in, or was first.
            Entry::Occupied(mut place) => {
                let other = if place.get().state == LEFT && row.state != LEFT {
                    place.insert(row)
                } else {
                    row
                };
                plan.leaves(&other);
            }
        }
    }
    let mut seen = HashSet::with_capacity(people.len());
    for person in people {
        if !seen.insert(person.canonical.as_str()) {
            continue;
        }
        let lang = person.language.map(lang_word).transpose()?;
        let places = (!person.places.is_empty())
            .then(|| serde_json::to_string(&person.places))
            .transpose()?;
        let (name, address) = (person.name.clone(), person.address.clone());
        let canonical = (person.canonical != address).then(|| person.canonical.clone());
        let state = if suppressed.contains(&person.canonical) {
            GONE
        } else {
            IN
        };
        plan.change.total += u64::from(state == IN);
        match by_address.remove(&person.canonical) {
            None => {
                plan.change.added += u64::from(state == IN);
                plan.fresh.push((0, lang, places, name, address, canonical));
            }
            Some(k) => {
                plan.change.added += u64::from(k.state == LEFT && state == IN);
                if k.state != state || k.lang != lang || k.places != places || k.name != name {
                    plan.changed.push((k.seq, lang, places, name, address, canonical));
                }
            }
        }
    }
    for row in by_address.into_values() {
        plan.leaves(&row);
    }
    Ok(plan)
}

impl Plan {
    fn leaves(&mut self, row: &Known) {
        self.change.removed += u64::from(row.state == IN);
        if row.state != LEFT {
            self.left.push(row.seq);
        }
    }
}

/// Whom the lane knows, by canonical address, in the order of their numbers.
async fn read(c: &mut SqliteConnection, lane: i64) -> Result<Vec<(String, Known)>, StoreError> {
    // Primary key (lane, …).
    let rows = sqlx::query(concat!(
        "SELECT seq, ",
        canonical!("recipient"),
        " AS address, state, lang, places, name FROM recipient WHERE lane = ? ORDER BY seq"
    ))
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

async fn suppressed(c: &mut SqliteConnection, lane: i64) -> Result<HashSet<String>, StoreError> {
    // Primary key (lane, …).
    let all: Vec<String> = sqlx::query_scalar("SELECT address FROM suppression WHERE lane = ?")
        .bind(lane)
        .fetch_all(c)
        .await?;
    Ok(all.into_iter().collect())
}

async fn add(c: &mut SqliteConnection, lane: i64, mut rows: Vec<Written>) -> Result<(), StoreError> {
    let first = numbers(c, i64::try_from(rows.len()).unwrap_or(i64::MAX)).await?;
    for (row, seq) in rows.iter_mut().zip(first..) {
        row.0 = seq;
    }
    // Primary key (lane, seq): appended in order; primary key of suppression. Another process may be reading the same file at the same moment, or
    // one in which somebody is spelled otherwise: recipient_canonical (lane, canonical), unique (lane, address); as one question with OR, every
    // recipient of the lane would be looked at for each new one.
    sqlx::query(
        "INSERT INTO recipient (lane, seq, address, canonical, state, lang, places, name)
         SELECT ?1, value ->> 0, value ->> 4, value ->> 5,
           2 * EXISTS (SELECT 1 FROM suppression s WHERE s.lane = ?1 AND s.address = coalesce(value ->> 5, value ->> 4)),
           value ->> 1, value ->> 2, value ->> 3 FROM json_each(?2)
         WHERE NOT EXISTS (SELECT 1 FROM recipient x WHERE x.lane = ?1 AND x.canonical = coalesce(value ->> 5, value ->> 4))
           AND NOT EXISTS (SELECT 1 FROM recipient x WHERE x.lane = ?1 AND x.address = value ->> 5 AND x.canonical IS NULL)
         ON CONFLICT (lane, address) DO NOTHING",
    )
    .bind(lane)
    .bind(serde_json::to_string(&rows)?)
    .execute(c)
    .await?;
    Ok(())
}

async fn alter(c: &mut SqliteConnection, lane: i64, rows: &str) -> Result<(), StoreError> {
    // Primary keys (lane, seq) of recipient and (lane, address) of suppression.
    sqlx::query(concat!(
        "UPDATE recipient SET lang = j.value ->> 1, places = j.value ->> 2, name = j.value ->> 3,
           state = 2 * EXISTS (SELECT 1 FROM suppression s WHERE s.lane = ?2 AND s.address = ",
        canonical!("recipient"),
        ") FROM json_each(?1) j WHERE recipient.lane = ?2 AND recipient.seq = j.value ->> 0"
    ))
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

/// So many were in at the last count.
async fn counted(c: &mut SqliteConnection, lane: i64) -> Result<i64, StoreError> {
    // Primary key.
    let audience = sqlx::query_scalar("SELECT audience FROM lane WHERE id = ?");
    Ok(audience.bind(lane).fetch_one(c).await?)
}

async fn count(c: &mut SqliteConnection, lane: i64, total: i64) -> Result<(), StoreError> {
    // Primary key.
    sqlx::query("UPDATE lane SET audience = ?1 WHERE id = ?2")
        .bind(total)
        .bind(lane)
        .execute(c)
        .await?;
    Ok(())
}
