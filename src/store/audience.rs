//! Audiences from files: new people behind all others, missing ones gone, the rest kept with their number.

use std::collections::BTreeMap;

use sqlx::{Row, SqliteConnection};

use super::rows::lang_word;
use super::{AudienceChange, Person, StoreError};

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

/// Rows as written: number, address, language, places, name.
type Written<'a> = (i64, &'a str, Option<String>, Option<String>, Option<&'a str>);

/// Brings a lane's audience up to date. Whoever the service has reported as gone for good stays gone.
pub(super) async fn sync(c: &mut SqliteConnection, lane: i64, people: &[Person]) -> Result<AudienceChange, StoreError> {
    let mut known = read(c, lane).await?;
    let mut change = AudienceChange::default();
    let mut fresh = Vec::new();
    let mut changed: Vec<Written<'_>> = Vec::new();
    let mut seen = std::collections::HashSet::with_capacity(people.len());
    for person in people {
        if !seen.insert(person.address.as_str()) {
            continue;
        }
        let lang = person.language.map(lang_word).transpose()?;
        let places = (!person.places.is_empty())
            .then(|| serde_json::to_string(&person.places))
            .transpose()?;
        let name = person.name.as_deref();
        match known.remove(person.address.as_str()) {
            None => fresh.push((0, person.address.as_str(), lang, places, name)),
            Some(k) if k.state == 2 => {}
            Some(k) => {
                change.total += 1;
                change.added += u64::from(k.state == 1);
                if k.state == 1 || k.lang != lang || k.places != places || k.name.as_deref() != name {
                    changed.push((k.seq, person.address.as_str(), lang, places, name));
                }
            }
        }
    }
    let left: Vec<i64> = known.values().filter(|k| k.state == 0).map(|k| k.seq).collect();
    change.added += fresh.len() as u64;
    change.total += fresh.len() as u64;
    change.removed = left.len() as u64;
    if !fresh.is_empty() {
        let mut seq = numbers(c, i64::try_from(fresh.len()).unwrap_or(i64::MAX)).await?;
        for row in &mut fresh {
            row.0 = seq;
            seq += 1;
        }
    }
    write(c, lane, &fresh, &changed, &left).await?;
    // Primary key. The same number again would be a page written, and a wait for the disk, for nothing.
    sqlx::query("UPDATE lane SET audience = ?1 WHERE id = ?2 AND audience <> ?1")
        .bind(i64::try_from(change.total).unwrap_or(i64::MAX))
        .bind(lane)
        .execute(c)
        .await?;
    Ok(change)
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

async fn write(
    c: &mut SqliteConnection,
    lane: i64,
    fresh: &[Written<'_>],
    changed: &[Written<'_>],
    left: &[i64],
) -> Result<(), StoreError> {
    for chunk in fresh.chunks(10_000) {
        // Primary key (lane, seq): appended in order.
        sqlx::query(
            "INSERT INTO recipient (lane, seq, address, state, lang, places, name)
             SELECT ?, value ->> 0, value ->> 1, 0, value ->> 2, value ->> 3, value ->> 4 FROM json_each(?)",
        )
        .bind(lane)
        .bind(serde_json::to_string(chunk)?)
        .execute(&mut *c)
        .await?;
    }
    for chunk in changed.chunks(10_000) {
        // Primary key (lane, seq).
        sqlx::query(
            "UPDATE recipient SET state = 0, lang = j.value ->> 2, places = j.value ->> 3, name = j.value ->> 4
             FROM json_each(?) j WHERE recipient.lane = ? AND recipient.seq = j.value ->> 0",
        )
        .bind(serde_json::to_string(chunk)?)
        .bind(lane)
        .execute(&mut *c)
        .await?;
    }
    for chunk in left.chunks(10_000) {
        // Primary key (lane, seq).
        sqlx::query("UPDATE recipient SET state = 1 WHERE lane = ? AND seq IN (SELECT value FROM json_each(?))")
            .bind(lane)
            .bind(serde_json::to_string(chunk)?)
            .execute(&mut *c)
            .await?;
    }
    Ok(())
}
