//! Publishing: one transaction writes the notice, its frozen variants, one broadcast per channel, what it supersedes and the audit entry
//! (LANES 2). It costs O(channels), never O(recipients).

use sqlx::{Row, SqliteConnection};

use super::rows::{catch_up_stored, kind_stored, lang_word};
use super::supersession::{close_corrected, supersede};
use super::{Conflict, Missing, NewBroadcast, Publication, Published, Refusal, StoreError, audit};
use crate::clock::Ms;
use crate::domain::delivery::{BroadcastState, CatchUp};
use crate::domain::words::{IncidentState, Kind};
use crate::ids::{IncidentId, NoticeSeq};

/// One account, an audience, website targets.
pub(super) const SHAPE_ACCOUNT: i64 = 0;
pub(super) const SHAPE_AUDIENCE: i64 = 1;
pub(super) const SHAPE_LEVELS: i64 = 2;

/// Writes a publication, or says why it is there already or cannot be.
pub(super) async fn publish(c: &mut SqliteConnection, p: &Publication) -> Result<Published, StoreError> {
    let notice = &p.notice;
    refuse_moved(c).await?;
    // Unique (publisher, slug).
    let found: Option<(i64, Option<i64>, i64)> =
        sqlx::query_as("SELECT id, closed, last FROM incident WHERE publisher = ? AND slug = ?")
            .bind(&notice.publisher)
            .bind(&notice.incident)
            .fetch_optional(&mut *c)
            .await?;
    if let Some((incident, closed, last)) = found
        && let Some(answer) = known_or_late(c, p, incident, closed, last).await?
    {
        return Ok(answer);
    }
    let newest = found.map_or(0, |f| f.2);
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
    let incident = match found {
        Some((id, ..)) => id,
        None => new_incident(c, p).await?,
    };
    let seq = new_notice(c, p, incident).await?;
    if notice.state == IncidentState::Closed {
        // Also the websites that the notice itself does not go to.
        super::targets::raise_all(c).await?;
    }
    let lanes: Vec<(i64, CatchUp)> = p.broadcasts.iter().map(|b| (b.lane.0, b.catch_up)).collect();
    supersede(c, incident, seq, notice, &lanes, at).await?;
    // Websites first: the others may wait for the generation they raise.
    let (levels, others): (Vec<_>, Vec<_>) = p.broadcasts.iter().partition(|b| b.levels);
    for broadcast in levels.into_iter().chain(others) {
        new_broadcast(c, p, incident, seq, broadcast).await?;
    }
    audit::append(c, &p.act).await?;
    Ok(Published::New {
        seq: NoticeSeq(seq),
        incident: IncidentId(incident),
    })
}

/// The incident as people write it.
fn slug(p: &Publication) -> String {
    format!("{}/{}", p.notice.publisher, p.notice.incident)
}

/// A store that was carried to another machine takes nothing in: there it would never go out.
async fn refuse_moved(c: &mut SqliteConnection) -> Result<(), StoreError> {
    // One row.
    let moved: bool = sqlx::query_scalar("SELECT moved FROM meta WHERE one = 1")
        .fetch_one(c)
        .await?;
    if moved {
        return Err(StoreError::Refused(Refusal::Moved));
    }
    Ok(())
}

/// The answers that write nothing: the key is known, something came in between, the incident is closed.
async fn known_or_late(
    c: &mut SqliteConnection,
    p: &Publication,
    incident: i64,
    closed: Option<Ms>,
    last: i64,
) -> Result<Option<Published>, StoreError> {
    // Unique (incident, key).
    let known: Option<(i64, u32, String)> =
        sqlx::query_as("SELECT id, number, hash FROM notice WHERE incident = ? AND key = ?")
            .bind(incident)
            .bind(&p.key)
            .fetch_optional(&mut *c)
            .await?;
    if let Some((seq, number, hash)) = known {
        return Ok(Some(if hash == p.content_hash {
            Published::Existing {
                seq: NoticeSeq(seq),
                incident: IncidentId(incident),
                number,
            }
        } else {
            Published::KeyTaken { number }
        }));
    }
    let last = u32::try_from(last).unwrap_or(u32::MAX);
    if let Some(after) = p.after.filter(|after| *after < last) {
        return Ok(Some(Published::CameBetween {
            numbers: (after + 1..=last).collect(),
        }));
    }
    if closed.is_some() {
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

async fn new_notice(c: &mut SqliteConnection, p: &Publication, incident: i64) -> Result<i64, StoreError> {
    let done = sqlx::query("INSERT INTO notice (incident, number, key, hash, actor, body) VALUES (?, ?, ?, ?, ?, ?)")
        .bind(incident)
        .bind(p.notice.number)
        .bind(&p.key)
        .bind(&p.content_hash)
        .bind(&p.act.actor)
        .bind(serde_json::to_string(&p.notice)?)
        .execute(&mut *c)
        .await?;
    let closed = (p.notice.state == IncidentState::Closed).then_some(p.act.at_ms);
    // Primary key.
    sqlx::query("UPDATE incident SET last = ?, closed = ? WHERE id = ?")
        .bind(p.notice.number)
        .bind(closed)
        .bind(incident)
        .execute(c)
        .await?;
    Ok(done.last_insert_rowid())
}

async fn new_broadcast(
    c: &mut SqliteConnection,
    p: &Publication,
    incident: i64,
    seq: i64,
    b: &NewBroadcast,
) -> Result<(), StoreError> {
    let at = p.act.at_ms;
    let shape = match (b.levels, b.audience) {
        (true, _) => SHAPE_LEVELS,
        (false, true) => SHAPE_AUDIENCE,
        (false, false) => SHAPE_ACCOUNT,
    };
    let generation = if b.levels {
        super::targets::raise(c, b.lane.0).await?
    } else {
        0
    };
    let audience = audience_of(c, b.lane.0).await?;
    let link = match b.waits_for_link {
        Some((lane, until)) => link_generation(c, lane.0).await?.map(|g| (lane.0, g, until)),
        None => None,
    };
    let corrected = if p.notice.kind == Kind::Notice {
        Vec::new()
    } else {
        close_corrected(c, incident, b.lane.0, &p.notice.corrects).await?
    };
    let upto = match (shape, b.catch_up) {
        (SHAPE_AUDIENCE, CatchUp::Every) => Some(audience.newest),
        (SHAPE_AUDIENCE, _) => None,
        _ => Some(0),
    };
    let state = if shape == SHAPE_AUDIENCE {
        BroadcastState::Open
    } else {
        BroadcastState::Opened
    };
    let done = sqlx::query(
        "INSERT INTO broadcast (lane, incident, notice, number, scope, kind, urgent, operation, catch_up, shape, state, corrects,
           upto, expires, not_before, link_lane, link_generation, generation, created, changed, expected)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(b.lane.0)
    .bind(incident)
    .bind(seq)
    .bind(p.notice.number)
    .bind(serde_json::to_string(&p.notice.scope)?)
    .bind(kind_stored(p.notice.kind))
    .bind(p.notice.urgent)
    .bind(b.operation as u8)
    .bind(catch_up_stored(b.catch_up))
    .bind(shape)
    .bind(state as u8)
    .bind(serde_json::to_string(&corrected)?)
    .bind(upto)
    .bind(b.expires_at_ms)
    .bind(link.map(|l| l.2))
    .bind(link.map(|l| l.0))
    .bind(link.map(|l| l.1))
    .bind(generation)
    .bind(at)
    .bind(at)
    .bind(match shape {
        SHAPE_AUDIENCE => audience.count,
        SHAPE_ACCOUNT => 1,
        _ => 0,
    })
    .execute(&mut *c)
    .await?;
    let id = done.last_insert_rowid();
    write_variants(c, id, b).await?;
    match shape {
        SHAPE_ACCOUNT => {
            sqlx::query(
                "INSERT INTO delivery (broadcast, recipient, state, attempt, due, changed, first_started, operation, flags, step)
                 VALUES (?1, 0, 0, 0, ?2, ?2, ?2, ?3, 0, 0)",
            )
            .bind(id)
            .bind(at)
            .bind(b.operation as u8)
            .execute(c)
            .await?;
        }
        SHAPE_LEVELS => {
            // Unique (lane, address) of target: few rows.
            let targets = sqlx::query(
                "INSERT INTO delivery (broadcast, recipient, state, attempt, due, changed, first_started, operation, flags, step)
                 SELECT ?1, id, 0, 0, ?2, ?2, ?2, ?3, 0, 0 FROM target WHERE lane = ?4 AND active = 1",
            )
            .bind(id)
            .bind(at)
            .bind(b.operation as u8)
            .bind(b.lane.0)
            .execute(&mut *c)
            .await?;
            // Primary key.
            sqlx::query("UPDATE broadcast SET expected = ? WHERE id = ?")
                .bind(i64::try_from(targets.rows_affected()).unwrap_or(i64::MAX))
                .bind(id)
                .execute(c)
                .await?;
        }
        _ => {}
    }
    Ok(())
}

async fn write_variants(c: &mut SqliteConnection, broadcast: i64, b: &NewBroadcast) -> Result<(), StoreError> {
    for (lang, variant) in &b.variants {
        // Primary key (broadcast, lang).
        sqlx::query("INSERT INTO variant (broadcast, lang, format, body) VALUES (?, ?, ?, ?)")
            .bind(broadcast)
            .bind(lang_word(*lang)?)
            .bind(variant.format)
            .bind(serde_json::to_string(variant)?)
            .execute(&mut *c)
            .await?;
    }
    Ok(())
}

/// A lane's audience as of now.
struct Audience {
    newest: i64,
    count: i64,
}

async fn audience_of(c: &mut SqliteConnection, lane: i64) -> Result<Audience, StoreError> {
    // Primary keys: lane; last entry of recipient (lane, seq).
    let row = sqlx::query(
        "SELECT audience, coalesce((SELECT max(seq) FROM recipient WHERE lane = ?1), 0) AS newest FROM lane WHERE id = ?1",
    )
    .bind(lane)
    .fetch_optional(c)
    .await?
    .ok_or(StoreError::NotFound(Missing::Lane(lane)))?;
    Ok(Audience {
        newest: row.try_get("newest")?,
        count: row.try_get("audience")?,
    })
}

/// The generation a link target has to reach; `None` where no target is waited for or all are there.
async fn link_generation(c: &mut SqliteConnection, lane: i64) -> Result<Option<i64>, StoreError> {
    // Unique (lane, address) of target: few rows.
    let generation: Option<i64> = sqlx::query_scalar(
        "SELECT max(wanted) FROM target WHERE lane = ? AND link = 1 AND active = 1 AND done < wanted",
    )
    .bind(lane)
    .fetch_one(c)
    .await?;
    Ok(generation)
}
