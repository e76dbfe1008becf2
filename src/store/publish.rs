//! Publishing: one transaction writes the notice, its frozen variants, one broadcast per channel, what it supersedes and the audit entry
//! (LANES 2). It costs O(channels), never O(recipients).

use sqlx::{Row, SqliteConnection};

use super::supersession::supersede;
use super::{Conflict, Publication, Published, Refusal, StoreError, audit, broadcasts, reopen};
use crate::clock::Ms;
use crate::domain::supersede::named;
use crate::domain::words::IncidentState;
use crate::ids::{IncidentId, NoticeSeq};

/// Writes a publication, or says why it is there already or cannot be. What is new is written in one statement at the end, because each is a way to
/// SQLite's thread and back, and everybody waits for the last one; its numbers are taken before (`found`): until then nothing else here may add a
/// notice or a line of the audit.
pub(super) async fn publish(c: &mut SqliteConnection, p: &Publication) -> Result<Published, StoreError> {
    let notice = &p.notice;
    let found = found(c, p).await?;
    if let Some(incident) = &found.incident
        && let Some(answer) = known_or_late(p, incident)?
    {
        return Ok(answer);
    }
    let newest = found.incident.as_ref().map_or(0, |f| f.last);
    if i64::from(notice.number) != newest + 1 {
        return Err(StoreError::Conflict(Conflict::NotNext {
            incident: slug(p),
            newest,
        }));
    }
    if let Some(after) = p.after.filter(|after| i64::from(*after) != newest) {
        return Err(StoreError::Conflict(Conflict::NoSuchAfter {
            incident: slug(p),
            after,
            newest,
        }));
    }
    let at = p.act.at_ms;
    let incident = match found.incident {
        Some(known) => known.id,
        None => new_incident(c, p).await?,
    };
    let seq = found.seq;
    if notice.state == IncidentState::Closed {
        // Also the websites that the notice itself does not go to.
        super::targets::raise_all(c).await?;
    }
    // What a cut told counts as told, also where the cut is undone here.
    let corrected = broadcasts::corrected(c, p, incident).await?;
    let named: Vec<u32> = named(notice).collect();
    let again = match named.is_empty() {
        true => Vec::new(),
        false => reopen::undo(c, incident, &named, at).await?,
    };
    // Websites first: the others may wait for the generation they raise.
    let generations = broadcasts::raise(c, p).await?;
    let (lanes, older) = broadcasts::met(c, p, incident, &named).await?;
    supersede(c, older, seq, p).await?;
    reopen::rows_again(c, &again, at).await?;
    let rows = lanes.rows(p, &generations, &corrected)?;
    broadcasts::write(c, p, (incident, seq), &rows, &found.line).await?;
    Ok(Published::New {
        seq: NoticeSeq(seq),
        incident: IncidentId(incident),
    })
}

/// The incident as people write it.
fn slug(p: &Publication) -> String {
    format!("{}/{}", p.notice.publisher, p.notice.incident)
}

/// What a publication meets.
struct Found {
    incident: Option<Known>,
    /// The row its notice gets.
    seq: i64,
    /// Its line of the audit.
    line: String,
}

/// The incident that a notice belongs to.
struct Known {
    id: i64,
    closed: Option<Ms>,
    /// Number of its newest notice.
    last: i64,
    /// Its notice of the same key: row, number, hash of the content.
    known: Option<(i64, u32, String)>,
}

/// What is there already. A store that was carried to another machine takes nothing in: there it would never go out.
async fn found(c: &mut SqliteConnection, p: &Publication) -> Result<Found, StoreError> {
    // One row of meta; unique (publisher, slug) of incident, (incident, key) of notice; SQLite's own table of few rows and the last notice: the number
    // that AUTOINCREMENT would give.
    let row = sqlx::query(concat!(
        "SELECT moved, i.id, i.closed, i.last, n.id AS known, n.number, n.hash,
           max(coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'notice'), 0), coalesce((SELECT max(id) FROM notice), 0)) + 1 AS seq, ",
        audit::newest!(),
        " AS newest FROM meta LEFT JOIN incident i ON i.publisher = ? AND i.slug = ? LEFT JOIN notice n ON n.incident = i.id AND n.key = ?
         WHERE one = 1"
    ))
    .bind(&p.notice.publisher)
    .bind(&p.notice.incident)
    .bind(&p.key)
    .fetch_one(c)
    .await?;
    if row.try_get("moved")? {
        return Err(StoreError::Refused(Refusal::Moved));
    }
    let known: Option<i64> = row.try_get("known")?;
    let known = match known {
        Some(seq) => Some((seq, row.try_get("number")?, row.try_get("hash")?)),
        None => None,
    };
    let incident = match row.try_get("id")? {
        Some(id) => Some(Known {
            id,
            closed: row.try_get("closed")?,
            last: row.try_get("last")?,
            known,
        }),
        None => None,
    };
    Ok(Found {
        incident,
        seq: row.try_get("seq")?,
        line: audit::Newest::read(row.try_get("newest")?)?.then(&p.act),
    })
}

/// The answers that write nothing: the key is known, something came in between, the incident is closed.
fn known_or_late(p: &Publication, found: &Known) -> Result<Option<Published>, StoreError> {
    if let Some((seq, number, hash)) = &found.known {
        return Ok(Some(if *hash == p.content_hash {
            Published::Existing {
                seq: NoticeSeq(*seq),
                incident: IncidentId(found.id),
                number: *number,
            }
        } else {
            Published::KeyTaken { number: *number }
        }));
    }
    let last = u32::try_from(found.last).unwrap_or(u32::MAX);
    if let Some(after) = p.after.filter(|after| *after < last) {
        return Ok(Some(Published::CameBetween {
            numbers: (after + 1..=last).collect(),
        }));
    }
    if found.closed.is_some() {
        return Err(StoreError::Refused(Refusal::Closed { incident: slug(p) }));
    }
    Ok(None)
}

async fn new_incident(c: &mut SqliteConnection, p: &Publication) -> Result<i64, StoreError> {
    let done = sqlx::query(
        "INSERT INTO incident (publisher, slug, title, parent, exercise, opened, last) VALUES (?, ?, ?, ?, ?, ?, 0)",
    )
    .bind(&p.notice.publisher)
    .bind(&p.notice.incident)
    .bind(p.new_incident_title.as_ref().or(p.notice.title.as_ref()))
    .bind(&p.notice.parent)
    .bind(p.notice.exercise)
    .bind(p.act.at_ms)
    .execute(c)
    .await?;
    Ok(done.last_insert_rowid())
}
