//! What the board and `status` read: broadcast rows with their counters, never a count over deliveries.

use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection, SqlitePool};

use super::broadcasts::SHAPE_AUDIENCE;
use super::rows::{count, listed, said};
use super::{BroadcastRow, Counters, Guests, Identity, StoreError};
use crate::domain::delivery::BroadcastState;
use crate::ids::{BroadcastId, IncidentId, LaneId, NoticeSeq};

/// A broadcast with its lane's name; what waits on other lanes, a few broadcasts, through delivery_due (broadcast, via, due) WHERE state = 0; what an account's post tells, through delivery_of (broadcast, recipient); `next_due` through delivery_due (broadcast, via, due) WHERE state = 0, of a website (shape 2) by the
/// primary keys of its targets, which are tried as levels; the digest that has it by now, also where one cut has summed up another, through broadcast_notice
/// (notice) and the primary key of cut.
macro_rules! select_broadcast {
    () => {
        "SELECT b.*, l.name AS channel, l.kind AS channel_kind,
           CASE WHEN b.n_waiting > 0 AND b.shape = 2 THEN
               (SELECT min(t.due) FROM delivery d JOIN target t ON t.id = d.recipient WHERE d.broadcast = b.id AND d.state = 0)
             WHEN b.n_waiting > 0 THEN
               coalesce(
                 (SELECT max(min(d.due), coalesce(l.blocked_until, 0)) FROM delivery d
                    WHERE d.broadcast = b.id AND d.via IS NULL AND d.state = 0),
                 (SELECT min(d.due) FROM delivery d WHERE d.broadcast = b.id AND d.via IS NOT NULL AND d.state = 0))
           END AS next_due,
           CASE WHEN b.n_moved > 0 THEN
             (SELECT json_group_array(json_array(via, n)) FROM (SELECT d.via, count(*) AS n FROM delivery d
                WHERE d.broadcast = b.id AND d.via IS NOT NULL AND d.state = 0 GROUP BY d.via))
           END AS guests,
           CASE WHEN b.superseded_by IS NOT NULL THEN
             (WITH RECURSIVE up (notice, number, superseded_by) AS (
                SELECT t.notice, t.number, t.superseded_by FROM broadcast t CROSS JOIN cut k ON k.broadcast = t.id AND k.notice = b.notice
                WHERE t.notice = b.superseded_by AND t.lane = b.lane
                UNION ALL SELECT t.notice, t.number, t.superseded_by FROM up u CROSS JOIN broadcast t ON t.notice = u.superseded_by AND t.lane = b.lane
                  CROSS JOIN cut k ON k.broadcast = t.id AND k.notice = b.notice)
              SELECT number FROM up ORDER BY notice DESC LIMIT 1)
           END AS summed_up_in,
           CASE WHEN b.catch_up = 2 THEN
             (SELECT json_group_array(k.notice ORDER BY k.notice DESC) FROM cut k WHERE k.broadcast = b.id)
           END AS covers,
           CASE WHEN b.catch_up = 2 AND b.shape = 0 THEN
             (SELECT (SELECT count(*) FROM digest_tells k WHERE k.broadcast = b.id AND k.cut = d.told) FROM delivery d
                WHERE d.broadcast = b.id AND d.recipient = 0 AND (d.state BETWEEN 1 AND 4 OR d.flags & 1))
           END AS told
         FROM broadcast b JOIN lane l ON l.id = b.lane "
    };
}

pub(super) fn read(row: &SqliteRow) -> Result<BroadcastRow, StoreError> {
    let n = |column: &str| -> Result<u64, StoreError> { Ok(count(row.try_get(column)?)) };
    let counters = Counters {
        opened: n("opened")?,
        expected: n("expected")?,
        waiting: n("n_waiting")?,
        started: n("n_started")?,
        accepted: n("n_accepted")?,
        delivered: n("n_delivered")?,
        unknown: n("n_unknown")?,
        permanent: n("n_permanent")?,
        gone: n("n_gone")?,
        superseded: n("n_superseded")?,
        expired: n("n_expired")?,
        dropped: n("n_dropped")?,
    };
    // Where something of it goes out there is nothing (more) to be summed up in it.
    let to_be_cut = row.try_get("uncut")? || counters.opened == counters.waiting;
    // A failure that has been overcome is no news.
    let troubled = counters.waiting + counters.unknown + counters.permanent + counters.gone > 0;
    Ok(BroadcastRow {
        id: BroadcastId(row.try_get("id")?),
        lane: LaneId(row.try_get("lane")?),
        channel: row.try_get("channel")?,
        kind: row.try_get("channel_kind")?,
        incident: IncidentId(row.try_get("incident")?),
        number: row.try_get("number")?,
        notice: NoticeSeq(row.try_get("notice")?),
        scope: serde_json::from_str(row.try_get("scope")?)?,
        urgent: row.try_get("urgent")?,
        state: listed(
            BroadcastState::from_stored(row.try_get("state")?),
            "a broadcast's state",
        )?,
        superseded_by: row.try_get::<Option<i64>, _>("superseded_by")?.map(NoticeSeq),
        summed_up_in: row.try_get("summed_up_in")?,
        covers: covers(row.try_get("covers")?)?,
        no_digest: said(row.try_get("no_digest")?).filter(|_| to_be_cut),
        told: row.try_get::<Option<i64>, _>("told")?.map(count),
        audience: row.try_get::<i64, _>("shape")? == SHAPE_AUDIENCE,
        counters,
        moved: n("n_moved")?,
        guests: guests(row.try_get("guests")?)?,
        created_ms: row.try_get("created")?,
        removed_ms: row.try_get("removed")?,
        first_done_ms: row.try_get("first_done")?,
        changed_ms: row.try_get("changed")?,
        next_due_ms: row.try_get("next_due")?,
        last_text: said(row.try_get("last_text")?).filter(|_| troubled),
        url: row.try_get("url")?,
        expires_ms: row.try_get("expires")?,
    })
}

fn covers(stored: Option<String>) -> Result<Vec<NoticeSeq>, StoreError> {
    let notices: Vec<i64> = stored.map_or(Ok(Vec::new()), |stored| serde_json::from_str(&stored))?;
    Ok(notices.into_iter().map(NoticeSeq).collect())
}

fn guests(stored: Option<String>) -> Result<Vec<Guests>, StoreError> {
    let Some(stored) = stored else { return Ok(Vec::new()) };
    let pairs: Vec<(i64, u64)> = serde_json::from_str(&stored)?;
    let guests = pairs.into_iter().map(|(lane, waiting)| Guests {
        lane: LaneId(lane),
        waiting,
    });
    Ok(guests.collect())
}

/// Of an incident, or of all; by notice, then channel.
pub(super) async fn broadcasts(
    pool: &SqlitePool,
    incident: Option<IncidentId>,
) -> Result<Vec<BroadcastRow>, StoreError> {
    let rows = match incident {
        // broadcast_incident (incident, …).
        Some(incident) => {
            sqlx::query(concat!(
                select_broadcast!(),
                "WHERE b.incident = ? ORDER BY b.notice, l.name"
            ))
            .bind(incident.0)
            .fetch_all(pool)
            .await?
        }
        // Primary key.
        None => {
            sqlx::query(concat!(select_broadcast!(), "ORDER BY b.notice, l.name"))
                .fetch_all(pool)
                .await?
        }
    };
    rows.iter().map(read).collect()
}

/// Of one notice.
pub(super) async fn of_notice(pool: &SqlitePool, notice: NoticeSeq) -> Result<Vec<BroadcastRow>, StoreError> {
    // broadcast_notice (notice).
    let rows = sqlx::query(concat!(select_broadcast!(), "WHERE b.notice = ? ORDER BY l.name"))
        .bind(notice.0)
        .fetch_all(pool)
        .await?;
    rows.iter().map(read).collect()
}

/// Those whose texts may have words that were taken out, and whose channel is configured again.
pub(super) async fn unrendered(pool: &SqlitePool) -> Result<Vec<BroadcastRow>, StoreError> {
    // Mostly none, and every command asks.
    let any = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM unrendered)");
    if !any.fetch_one(pool).await? {
        return Ok(Vec::new());
    }
    // unrendered holds few; primary key.
    let rows = sqlx::query(concat!(
        select_broadcast!(),
        "WHERE l.configured AND b.id IN (SELECT broadcast FROM unrendered) ORDER BY b.id"
    ))
    .fetch_all(pool)
    .await?;
    rows.iter().map(read).collect()
}

/// One broadcast.
pub(super) async fn one(pool: &SqlitePool, broadcast: i64) -> Result<Option<BroadcastRow>, StoreError> {
    // Primary key.
    sqlx::query(concat!(select_broadcast!(), "WHERE b.id = ?"))
        .bind(broadcast)
        .fetch_optional(pool)
        .await?
        .as_ref()
        .map(read)
        .transpose()
}

/// Broadcasts whose counters differ from their rows, or that have rows although these are removed. Reads every row: for checks, not for the board.
pub(super) async fn recount(pool: &SqlitePool) -> Result<Vec<BroadcastId>, StoreError> {
    // delivery_of (broadcast, …) groups without sorting.
    let wrong: Vec<i64> = sqlx::query_scalar(
        "SELECT b.id FROM broadcast b LEFT JOIN (
           SELECT broadcast, count(*) AS n, sum(state = 0) AS s0, sum(state = 1) AS s1, sum(state = 2) AS s2, sum(state = 3) AS s3,
             sum(state = 4) AS s4, sum(state = 5) AS s5, sum(state = 6) AS s6, sum(state = 7) AS s7, sum(state = 8) AS s8,
             sum(state = 9) AS s9 FROM delivery GROUP BY broadcast) d ON d.broadcast = b.id
         WHERE CASE WHEN b.removed IS NOT NULL THEN NOT b.removing AND d.n > 0 ELSE (b.opened, b.n_waiting, b.n_started, b.n_accepted, b.n_delivered, b.n_unknown, b.n_permanent, b.n_gone, b.n_superseded,
             b.n_expired, b.n_dropped)
           IS NOT (coalesce(n, 0), coalesce(s0, 0), coalesce(s1, 0), coalesce(s2, 0), coalesce(s3, 0), coalesce(s4, 0), coalesce(s5, 0),
             coalesce(s6, 0), coalesce(s7, 0), coalesce(s8, 0), coalesce(s9, 0)) END ORDER BY b.id",
    )
    .fetch_all(pool)
    .await?;
    Ok(wrong.into_iter().map(BroadcastId).collect())
}

/// Which store this is.
pub(super) async fn identity(c: &mut SqliteConnection) -> Result<Identity, StoreError> {
    let schema = super::open::schema_of(c).await?;
    // One row.
    let row = sqlx::query("SELECT instance, installation, moved FROM meta WHERE one = 1")
        .fetch_one(c)
        .await?;
    Ok(Identity {
        instance: row.try_get("instance")?,
        installation: row.try_get("installation")?,
        schema,
        moved: row.try_get("moved")?,
    })
}
