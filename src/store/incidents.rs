//! Reading incidents and notices; closing, reopening, redacting.

use std::collections::HashMap;

use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection, SqliteExecutor, SqlitePool};

use super::rows::lang_word;
use super::{Act, IncidentRow, Missing, Redaction, StoreError, StoredNotice, audit, targets};
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
    for (broadcast, texts) in &redaction.texts {
        for (lang, text) in &texts.own {
            // Primary key (broadcast, lang).
            sqlx::query("UPDATE variant SET format = ?, body = ? WHERE broadcast = ? AND lang = ?")
                .bind(text.format)
                .bind(serde_json::to_string(text)?)
                .bind(broadcast.0)
                .bind(lang_word(*lang)?)
                .execute(&mut *c)
                .await?;
        }
        for (lang, text) in &texts.digest {
            // Primary key (broadcast, cut, lang): of the last cut.
            sqlx::query(
                "UPDATE digest SET body = ?1 WHERE broadcast = ?2 AND lang = ?3 AND cut = (SELECT max(cut) FROM digest WHERE broadcast = ?2)",
            )
            .bind(serde_json::to_string(text)?)
            .bind(broadcast.0)
            .bind(lang_word(*lang)?)
            .execute(&mut *c)
            .await?;
        }
        // Primary key of digest; delivery_unknown (broadcast) WHERE state = 4. Digests that were written again say it too, and nobody renders them.
        sqlx::query(
            "DELETE FROM digest WHERE broadcast = ?1 AND cut < (SELECT max(cut) FROM digest WHERE broadcast = ?1)
               AND NOT EXISTS (SELECT 1 FROM delivery d WHERE d.broadcast = ?1 AND d.state = 4 AND d.told = digest.cut)",
        )
        .bind(broadcast.0)
        .execute(&mut *c)
        .await?;
    }
    digests_without(c, redaction).await?;
    // Every target gets the site without it, also those that are up to date.
    targets::raise_all(c).await?;
    audit::append(c, act).await
}

/// Digests that tell the notice and that nobody has rendered again, because a later notice took it back or a newer digest has their place: their
/// texts go. What waits has its digest written again. Where somebody may have got one and nobody knows, it stays: by it a post is found again and
/// not sent twice.
async fn digests_without(c: &mut SqliteConnection, redaction: &Redaction) -> Result<(), StoreError> {
    // Primary keys of notice, digest_tells and cut; broadcast_incident (incident, …); delivery_unknown (broadcast) WHERE state = 4.
    let stale: Vec<(i64, i64)> = sqlx::query_as(
        "SELECT t.id, k.cut FROM notice n CROSS JOIN broadcast t ON t.incident = n.incident AND t.number > n.number
           CROSS JOIN digest_tells k ON k.broadcast = t.id AND k.notice = n.id
         WHERE n.id = ?1 AND NOT EXISTS (SELECT 1 FROM delivery d WHERE d.broadcast = t.id AND d.state = 4 AND d.told = k.cut)
           AND NOT (k.cut = (SELECT max(cut) FROM digest WHERE broadcast = t.id)
             AND EXISTS (SELECT 1 FROM cut s WHERE s.broadcast = t.id AND s.notice = n.id))",
    )
    .bind(redaction.notice.0)
    .fetch_all(&mut *c)
    .await?;
    for (broadcast, cut) in stale {
        // Primary keys. The last one is what starts next.
        sqlx::query(
            "UPDATE broadcast SET uncut = EXISTS (SELECT 1 FROM cut WHERE broadcast = ?1)
             WHERE id = ?1 AND ?2 = (SELECT max(cut) FROM digest WHERE broadcast = ?1)",
        )
        .bind(broadcast)
        .bind(cut)
        .execute(&mut *c)
        .await?;
        sqlx::query("DELETE FROM digest WHERE broadcast = ? AND cut = ?")
            .bind(broadcast)
            .bind(cut)
            .execute(&mut *c)
            .await?;
    }
    Ok(())
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
