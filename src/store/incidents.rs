//! Reading incidents and notices; closing, reopening.

use std::collections::HashMap;

use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection, SqliteExecutor, SqlitePool};

use super::{Act, IncidentRow, Missing, StoreError, StoredNotice, audit, targets};
use crate::clock::Ms;
use crate::domain::notice::Notice;
use crate::ids::{IncidentId, NoticeSeq};

/// All incidents in one row, because each row is a way between two threads; newest first.
macro_rules! listed {
    () => {
        "json_group_array(json_array(id, publisher, slug, title, parent, exercise, opened, closed, last) ORDER BY opened DESC, id DESC)"
    };
}

/// An incident as [`listed`] gives it.
type Listed = (
    i64,
    String,
    String,
    Option<String>,
    Option<String>,
    i64,
    Ms,
    Option<Ms>,
    u32,
);

/// Incidents, newest first.
pub(super) async fn all(
    reader: impl SqliteExecutor<'_>,
    publisher: Option<&str>,
) -> Result<Vec<IncidentRow>, StoreError> {
    // The whole table; an installation has hundreds.
    let listed: String = sqlx::query_scalar(concat!(
        "SELECT ",
        listed!(),
        " FROM incident WHERE ?1 IS NULL OR publisher = ?1"
    ))
    .bind(publisher)
    .fetch_one(reader)
    .await?;
    rows(&listed)
}

fn rows(listed: &str) -> Result<Vec<IncidentRow>, StoreError> {
    let listed: Vec<Listed> = serde_json::from_str(listed)?;
    let row = |(id, publisher, slug, title, parent, exercise, opened_at_ms, closed_at_ms, last_number)| IncidentRow {
        id: IncidentId(id),
        publisher,
        slug,
        title,
        parent,
        exercise: exercise != 0,
        opened_at_ms,
        closed_at_ms,
        last_number,
    };
    Ok(listed.into_iter().map(row).collect())
}

/// The notices of an incident by number.
pub(super) async fn notices(pool: &SqlitePool, incident: IncidentId) -> Result<Vec<StoredNotice>, StoreError> {
    // Unique (incident, number).
    let rows = sqlx::query("SELECT id, actor, body, key FROM notice WHERE incident = ? ORDER BY number")
        .bind(incident.0)
        .fetch_all(pool)
        .await?;
    rows.iter().map(stored).collect()
}

fn stored(row: &SqliteRow) -> Result<StoredNotice, StoreError> {
    Ok(StoredNotice {
        seq: NoticeSeq(row.try_get("id")?),
        notice: serde_json::from_str(row.try_get("body")?)?,
        actor: row.try_get("actor")?,
        key: row.try_get("key")?,
    })
}

/// See [`super::Notices::known`]. One row for all of it.
pub(super) async fn known(
    pool: &SqlitePool,
    named: Option<&str>,
    lately: Ms,
) -> Result<Vec<(IncidentRow, Vec<StoredNotice>)>, StoreError> {
    // The whole table of incidents; unique (incident, number) of notice.
    let (incidents, notices): (String, String) = sqlx::query_as(concat!(
        "SELECT ",
        listed!(),
        ", (SELECT json_group_array(json_array(n.incident, n.id, n.actor, n.key, json(n.body)) ORDER BY n.incident, n.number)
           FROM incident i CROSS JOIN notice n ON n.incident = i.id
           WHERE CASE WHEN ?1 IS NULL THEN i.closed IS NULL OR i.closed > ?2 ELSE i.slug = ?1 END) FROM incident"
    ))
    .bind(named)
    .bind(lately)
    .fetch_one(pool)
    .await?;
    let notices: Vec<(i64, i64, String, String, Notice)> = serde_json::from_str(&notices)?;
    let mut of = HashMap::<IncidentId, Vec<StoredNotice>>::new();
    for (incident, seq, actor, key, notice) in notices {
        let seq = NoticeSeq(seq);
        let stored = StoredNotice {
            seq,
            notice,
            actor,
            key,
        };
        of.entry(IncidentId(incident)).or_default().push(stored);
    }
    let with_theirs = rows(&incidents)?.into_iter().map(|row| {
        let notices = of.remove(&row.id).unwrap_or_default();
        (row, notices)
    });
    Ok(with_theirs.collect())
}

/// Closes or reopens.
pub(super) async fn set_closed(
    c: &mut SqliteConnection,
    incident: i64,
    closed: bool,
    act: &Act,
) -> Result<(), StoreError> {
    // Primary key.
    let done = sqlx::query("UPDATE incident SET closed = ? WHERE id = ?")
        .bind(closed.then_some(act.at_ms))
        .bind(incident)
        .execute(&mut *c)
        .await?;
    if done.rows_affected() == 0 {
        return Err(StoreError::NotFound(Missing::Incident(incident)));
    }
    // What leaves the pages on closing has to leave the web space too, also where it is up to date.
    targets::raise_all(c).await?;
    audit::append(c, act).await
}
