//! Reading incidents and notices; closing, reopening, redacting.

use sqlx::{Row, SqliteConnection, SqlitePool};

use super::rows::lang_word;
use super::{Act, IncidentRow, Missing, Redaction, StoreError, StoredNotice, audit, targets};
use crate::ids::{IncidentId, NoticeSeq};

/// Incidents, newest first.
pub(super) async fn all(pool: &SqlitePool, publisher: Option<&str>) -> Result<Vec<IncidentRow>, StoreError> {
    // Primary key from its end; an installation has hundreds.
    let rows = sqlx::query(
        "SELECT id, publisher, slug, title, parent, exercise, opened, closed, last FROM incident
         WHERE ?1 IS NULL OR publisher = ?1 ORDER BY opened DESC, id DESC",
    )
    .bind(publisher)
    .fetch_all(pool)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(IncidentRow {
                id: IncidentId(row.try_get("id")?),
                publisher: row.try_get("publisher")?,
                slug: row.try_get("slug")?,
                title: row.try_get("title")?,
                parent: row.try_get("parent")?,
                exercise: row.try_get("exercise")?,
                opened_at_ms: row.try_get("opened")?,
                closed_at_ms: row.try_get("closed")?,
                last_number: row.try_get("last")?,
            })
        })
        .collect()
}

/// The notices of an incident by number.
pub(super) async fn notices(pool: &SqlitePool, incident: IncidentId) -> Result<Vec<StoredNotice>, StoreError> {
    // Unique (incident, number).
    let rows: Vec<(i64, String, String, String)> =
        sqlx::query_as("SELECT id, actor, body, key FROM notice WHERE incident = ? ORDER BY number")
            .bind(incident.0)
            .fetch_all(pool)
            .await?;
    rows.into_iter()
        .map(|(seq, actor, body, key)| {
            Ok(StoredNotice {
                seq: NoticeSeq(seq),
                notice: serde_json::from_str(&body)?,
                actor,
                key,
            })
        })
        .collect()
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

/// Takes a field out of a notice and out of its frozen texts; the salted hash stays.
pub(super) async fn redact(c: &mut SqliteConnection, redaction: &Redaction, act: &Act) -> Result<(), StoreError> {
    retitle(c, redaction).await?;
    // Primary key.
    let done = sqlx::query("UPDATE notice SET body = ?, redacted = ? WHERE id = ?")
        .bind(serde_json::to_string(&redaction.redacted)?)
        .bind(&redaction.hash)
        .bind(redaction.notice.0)
        .execute(&mut *c)
        .await?;
    if done.rows_affected() == 0 {
        return Err(StoreError::NotFound(Missing::Notice(redaction.notice.0)));
    }
    for (broadcast, variants) in &redaction.variants {
        for (lang, variant) in variants {
            // Primary key (broadcast, lang).
            sqlx::query("UPDATE variant SET format = ?, body = ? WHERE broadcast = ? AND lang = ?")
                .bind(variant.format)
                .bind(serde_json::to_string(variant)?)
                .bind(broadcast.0)
                .bind(lang_word(*lang)?)
                .execute(&mut *c)
                .await?;
        }
    }
    // Every target gets the site without it, also those that are up to date.
    targets::raise_all(c).await?;
    audit::append(c, act).await
}

/// An incident is called as its first notice says, or like that notice itself: the removed words go there, too.
async fn retitle(c: &mut SqliteConnection, redaction: &Redaction) -> Result<(), StoreError> {
    // Primary key.
    let old: Option<String> = sqlx::query_scalar("SELECT body FROM notice WHERE id = ?")
        .bind(redaction.notice.0)
        .fetch_optional(&mut *c)
        .await?;
    let Some(old) = old else { return Ok(()) };
    let old: crate::domain::notice::Notice = serde_json::from_str(&old)?;
    let new = &redaction.redacted;
    let headlines = old.words.iter().map(|(lang, words)| {
        let now = new.words.get(lang).map(|now| now.headline.clone());
        (Some(words.headline.clone()), now)
    });
    let titles = headlines.chain([(old.title.clone(), new.title.clone())]);
    for (before, now) in titles.filter(|(before, now)| before != now) {
        // Primary keys.
        sqlx::query(
            "UPDATE incident SET title = ? WHERE title = ? AND id = (SELECT incident FROM notice WHERE id = ?)",
        )
        .bind(now)
        .bind(before)
        .bind(redaction.notice.0)
        .execute(&mut *c)
        .await?;
    }
    Ok(())
}
