//! Audiences from files: new people behind all others, missing ones gone, the rest kept with their number. Compared beside the
//! writer and written in short transactions, so that a list of a city's inhabitants holds up no lane (LANES 1).

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};

use sqlx::{Row, SqliteConnection};

use super::rows::lang_word;
use super::spelling::{canonical, join, newest_of};
use super::sqlite::Sqlite;
use super::{AudienceChange, Person, StoreError};
use crate::clock::Ms;

/// A recipient's states: in the list; not in it; in it, and suppressed; another spelling of somebody else, for good.
const IN: i64 = 0;
const LEFT: i64 = 1;
const GONE: i64 = 2;
const JOINED: i64 = 3;

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
    /// Counted as in, and in the list, under this spelling or another.
    is_in: bool,
    listed: bool,
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
    /// Other spellings, and whose.
    joined: Vec<(i64, i64)>,
    /// In lower case as suppressed in advance by an older release, and who was meant.
    meant: Vec<(String, String)>,
    change: AudienceChange,
}

/// Brings a lane's audience up to date. Who is suppressed stays so. One that breaks off is taken up by the next.
pub(super) async fn sync(store: &Sqlite, lane: i64, people: &[Person], now: Ms) -> Result<AudienceChange, StoreError> {
    let (known, had, suppressed, counted) = {
        let mut reader = store.readers.acquire().await?;
        let known = read(&mut reader, lane).await?;
        let had = newest_of(&mut reader, lane, &spelled_twice(&known)).await?;
        (
            known,
            had,
            suppressed(&mut reader, lane).await?,
            counted(&mut reader, lane).await?,
        )
    };
    let plan = plan(known, &had, suppressed, people)?;
    for chunk in plan.meant.chunks(CHUNK) {
        let rows = serde_json::to_string(chunk)?;
        let work = store
            .writer
            .write(move |c| Box::pin(async move { were_meant(c, lane, &rows).await }));
        work.await?;
    }
    for chunk in plan.joined.chunks(CHUNK) {
        let rows = serde_json::to_string(chunk)?;
        let work = store
            .writer
            .write(move |c| Box::pin(async move { join(c, lane, &rows, now).await }));
        work.await?;
    }
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
            .write(move |c| Box::pin(async move { leave(c, lane, &rows, now).await }));
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
fn plan(
    known: Vec<(String, Known)>,
    had: &HashMap<i64, i64>,
    mut suppressed: Suppressed,
    people: &[Person],
) -> Result<Plan, StoreError> {
    let mut plan = Plan::default();
    let mut by_address: BTreeMap<String, Known> = BTreeMap::new();
    for (address, row) in known {
        match by_address.entry(address) {
            Entry::Vacant(place) => drop(place.insert(row)),
            // An older release took two spellings for two people. One of them stays, and it is the one that has got something: what a message does to
            // an earlier one, in which thread it hangs, and who gets no digest of what they have, all goes by that number. Of two that have, the one
            // with the newest notice, because nobody may get that twice; else who is in, or was first.
            Entry::Occupied(mut place) => {
                let rank = |row: &Known| (had.get(&row.seq).copied(), row.state != LEFT);
                let other = if rank(&row) > rank(place.get()) {
                    place.insert(row)
                } else {
                    row
                };
                let stays = place.get_mut();
                plan.change.removed += u64::from(stays.is_in && other.is_in);
                stays.is_in |= other.is_in;
                stays.listed |= other.listed;
                plan.joined.push((other.seq, stays.seq));
            }
        }
    }
    // Who has joined one that has joined another itself is that one.
    let stays: HashMap<i64, i64> = plan.joined.iter().copied().collect();
    for (_, to) in &mut plan.joined {
        while let Some(further) = stays.get(to) {
            *to = *further;
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
        let state = if suppressed.take(&person.canonical, &mut plan.meant) {
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
                plan.change.added += u64::from(!k.listed && state == IN);
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
        self.change.removed += u64::from(row.is_in);
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
        " AS address, state, lang, places, name FROM recipient WHERE lane = ? AND state <> ? ORDER BY seq"
    ))
    .bind(lane)
    .bind(JOINED)
    .fetch_all(c)
    .await?;
    rows.iter()
        .map(|row| {
            let state = row.try_get("state")?;
            Ok((
                row.try_get("address")?,
                Known {
                    seq: row.try_get("seq")?,
                    state,
                    is_in: state == IN,
                    listed: state != LEFT,
                    lang: row.try_get("lang")?,
                    places: row.try_get("places")?,
                    name: row.try_get("name")?,
                },
            ))
        })
        .collect()
}

/// Who stands there in more than one spelling.
fn spelled_twice(known: &[(String, Known)]) -> Vec<i64> {
    let mut first: HashMap<&str, i64> = HashMap::with_capacity(known.len());
    let mut twice = Vec::new();
    for (address, row) in known {
        if let Some(seq) = first.insert(address, row.seq) {
            twice.extend([seq, row.seq]);
        }
    }
    twice
}

/// Whom a lane does not write to.
struct Suppressed {
    all: HashSet<String>,
    /// Those of an older release, made in advance, of which only the lower case is known.
    folded: HashSet<String>,
}

impl Suppressed {
    /// Whether this one is; who was meant in advance is noted.
    fn take(&mut self, canonical: &str, meant: &mut Vec<(String, String)>) -> bool {
        if !self.folded.is_empty() {
            let folded = canonical.to_ascii_lowercase();
            if self.folded.contains(&folded) {
                self.all.insert(canonical.to_owned());
                meant.push((folded, canonical.to_owned()));
            }
        }
        self.all.contains(canonical)
    }
}

async fn suppressed(c: &mut SqliteConnection, lane: i64) -> Result<Suppressed, StoreError> {
    // Primary key (lane, …).
    let rows: Vec<(String, bool)> = sqlx::query_as("SELECT address, folded FROM suppression WHERE lane = ?")
        .bind(lane)
        .fetch_all(c)
        .await?;
    let folded = rows.iter().filter(|(_, folded)| *folded);
    Ok(Suppressed {
        folded: folded.map(|(address, _)| address.clone()).collect(),
        all: rows.into_iter().map(|(address, _)| address).collect(),
    })
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
        "UPDATE recipient SET lang = j.value ->> 1, places = j.value ->> 2, name = j.value ->> 3, left_at = NULL,
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

async fn leave(c: &mut SqliteConnection, lane: i64, rows: &str, now: Ms) -> Result<(), StoreError> {
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
