//! Digests (LANES 4): what waits of an incident becomes one message, the broadcast of its newest notice. Which one, and what it sums up, is the
//! word of `domain::digest`; here it is read and written, in one transaction with the texts that were rendered for it. Where these were
//! rendered from something else than waits now, nothing is written.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::{Row, SqliteConnection};

use super::broadcasts::SHAPE_LEVELS;
use super::marks::passed;
use super::rows::{catch_up_stored, kind_of, lang_word, said_stored, settle_lanes};
use super::supersession::{Asked, end, overtake};
use super::texts::texts;
use super::{Conflict, DueCut, FrozenCut, StoreError, reopen};
use crate::clock::Ms;
use crate::domain::delivery::CatchUp;
use crate::domain::digest::{self, Cut, Waits};
use crate::ids::{BroadcastId, IncidentId, LaneId, NoticeSeq};
use crate::text::said::Said;

/// Broadcasts of a lane that wait, by incident; with their rows.
type Waiting = BTreeMap<i64, Vec<(i64, Waits)>>;

/// The cuts that are due on a lane.
pub(super) async fn due(c: &mut SqliteConnection, lane: i64, over: Option<Ms>) -> Result<Vec<DueCut>, StoreError> {
    let mut due = Vec::new();
    for (incident, waiting) in waiting(c, lane, None, over).await? {
        if let Some((_, cut)) = found(c, lane, incident, &waiting, over).await? {
            due.push(cut);
        }
    }
    Ok(due)
}

async fn found(
    c: &mut SqliteConnection,
    lane: i64,
    incident: i64,
    waiting: &[(i64, Waits)],
    over: Option<Ms>,
) -> Result<Option<(Cut, DueCut)>, StoreError> {
    let units: Vec<Waits> = waiting.iter().map(|(_, waits)| waits.clone()).collect();
    let Some(cut) = digest::cut(&units) else {
        return Ok(None);
    };
    let Some((broadcast, _)) = waiting.iter().find(|(_, waits)| waits.notice == cut.newest) else {
        return Ok(None);
    };
    let notices: Vec<i64> = cut.covers.iter().chain([&cut.newest]).map(|n| n.0).collect();
    // Primary key.
    let redacted: Option<String> = sqlx::query_scalar(
        "SELECT group_concat(redacted) FROM (SELECT redacted FROM notice WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id)",
    )
    .bind(serde_json::to_string(&notices)?)
    .fetch_one(c)
    .await?;
    let due = DueCut {
        lane: LaneId(lane),
        incident: IncidentId(incident),
        broadcast: BroadcastId(*broadcast),
        notice: cut.newest,
        covers: cut.covers.clone(),
        redacted: redacted.unwrap_or_default(),
        over,
    };
    Ok(Some((cut, due)))
}

/// What waits for its turn: not closed by a newer notice, not run out, not a correction for those alone who have the wrong words. Of one
/// incident, or of all.
async fn waiting(
    c: &mut SqliteConnection,
    lane: i64,
    incident: Option<i64>,
    over: Option<Ms>,
) -> Result<Waiting, StoreError> {
    // broadcast_live (lane, notice) WHERE state < 2; primary key of cut.
    let rows = sqlx::query(
        "SELECT id, incident, notice, kind, catch_up, uncut, (SELECT json_group_array(k.notice) FROM cut k WHERE k.broadcast = b.id) AS covers
         FROM broadcast b WHERE lane = ?1 AND state < 2 AND shape <> ?2 AND superseded_by IS NULL AND NOT overtaken
           AND (state = 0 OR n_waiting > 0) AND (?3 IS NULL OR incident = ?3) AND (expires <= ?4) IS NOT TRUE ORDER BY notice",
    )
    .bind(lane)
    .bind(SHAPE_LEVELS)
    .bind(incident)
    .bind(over)
    .fetch_all(c)
    .await?;
    let mut waiting = Waiting::new();
    for row in &rows {
        let covers: Vec<i64> = serde_json::from_str(row.try_get("covers")?)?;
        let waits = Waits {
            notice: NoticeSeq(row.try_get("notice")?),
            kind: super::rows::listed(kind_of(row.try_get("kind")?), "a kind")?,
            digest: row.try_get::<i64, _>("catch_up")? == catch_up_stored(CatchUp::Digest),
            covers: covers.into_iter().map(NoticeSeq).collect(),
            stale: row.try_get("uncut")?,
        };
        let of = waiting.entry(row.try_get("incident")?).or_default();
        of.push((row.try_get("id")?, waits));
    }
    Ok(waiting)
}

/// Makes the cut: what it sums up ends as superseded, not started rows too, what has started runs out; the newest notice's broadcast goes to
/// the audience of all of it, and has the digest beside its own text.
pub(super) async fn make(c: &mut SqliteConnection, frozen: &FrozenCut, now: Ms) -> Result<(), StoreError> {
    let (lane, incident, over) = (frozen.due.lane.0, frozen.due.incident.0, frozen.due.over);
    let waiting = waiting(c, lane, Some(incident), over)
        .await?
        .remove(&incident)
        .unwrap_or_default();
    let Some((cut, due)) = found(c, lane, incident, &waiting, over).await? else {
        return Err(StoreError::Conflict(Conflict::Waiting));
    };
    if due != frozen.due {
        return Err(StoreError::Conflict(Conflict::Waiting));
    }
    let of = |list: &[NoticeSeq]| {
        let rows = waiting.iter().filter(|(_, waits)| list.contains(&waits.notice));
        rows.map(|(id, _)| *id).collect::<Vec<_>>()
    };
    for id in of(&cut.ends) {
        end(c, id, cut.newest.0, Asked::Goes, now).await?;
    }
    for id in of(&cut.overtakes) {
        overtake(c, id).await?;
    }
    let id = due.broadcast.0;
    sums_up(c, id, &cut.covers).await?;
    if !(cut.ends.is_empty() && cut.overtakes.is_empty()) {
        reopen::begin_anew(c, &[id], now).await?;
        end_covered(c, id, now).await?;
        in_time_again(c, id, now).await?;
    }
    // Urgent is what has something urgent in it. Primary keys.
    sqlx::query(
        "UPDATE broadcast SET uncut = 0, no_digest = NULL, urgent = max(urgent, (SELECT max(u.urgent) FROM broadcast u WHERE u.lane = broadcast.lane
           AND u.notice IN (SELECT notice FROM cut WHERE cut.broadcast = broadcast.id))) WHERE id = ?",
    )
    .bind(id)
    .execute(&mut *c)
    .await?;
    freeze(c, frozen).await?;
    settle_lanes(c, BTreeSet::from([lane])).await
}

/// Notes why the digest that a broadcast is to be could not be written; false where that was known.
pub(super) async fn unwritten(c: &mut SqliteConnection, broadcast: i64, why: &Said) -> Result<bool, StoreError> {
    // Primary key; the same again writes nothing.
    let done = sqlx::query("UPDATE broadcast SET no_digest = ?1 WHERE id = ?2 AND no_digest IS NOT ?1")
        .bind(said_stored(why)?)
        .bind(broadcast)
        .execute(c)
        .await?;
    Ok(done.rows_affected() > 0)
}

/// Writes down what a broadcast sums up.
async fn sums_up(c: &mut SqliteConnection, id: i64, covers: &[NoticeSeq]) -> Result<(), StoreError> {
    // Primary key (broadcast, notice).
    sqlx::query("DELETE FROM cut WHERE broadcast = ?")
        .bind(id)
        .execute(&mut *c)
        .await?;
    sqlx::query("INSERT INTO cut (broadcast, notice) SELECT ?, value FROM json_each(?)")
        .bind(id)
        .bind(serde_json::to_string(&covers.iter().map(|n| n.0).collect::<Vec<_>>())?)
        .execute(c)
        .await?;
    Ok(())
}

/// What an earlier cut had closed, and came back to waiting since because it had not arrived: this one tells it.
async fn end_covered(c: &mut SqliteConnection, id: i64, now: Ms) -> Result<(), StoreError> {
    // Primary key of cut; broadcast_notice (notice); delivery_due (broadcast, …) WHERE state = 0.
    sqlx::query(
        "UPDATE delivery SET state = 7, changed = ?1, reason = 'superseded' WHERE id IN (
           SELECT d.id FROM broadcast b CROSS JOIN cut k ON k.broadcast = b.id CROSS JOIN broadcast u ON u.notice = k.notice AND u.lane = b.lane
             CROSS JOIN delivery d ON d.broadcast = u.id AND d.state = 0 AND d.flags & 1 = 0 AND d.step = 0
           WHERE b.id = ?2 AND u.superseded_by IS NOT NULL)",
    )
    .bind(now)
    .bind(id)
    .execute(c)
    .await?;
    Ok(())
}

/// Whoever its broadcast had run out for, by a clock that has gone back since, gets this digest like all others: what it sums up would reach them no other
/// way.
async fn in_time_again(c: &mut SqliteConnection, id: i64, now: Ms) -> Result<(), StoreError> {
    // Primary key of broadcast; delivery_of (broadcast, recipient), only where any has run out; see `passed`.
    sqlx::query(concat!(
        "UPDATE delivery SET state = 0, due = ?1, changed = ?1, reason = NULL WHERE id IN (
           SELECT d.id FROM broadcast b CROSS JOIN delivery d ON d.broadcast = b.id AND d.state = 8
             AND d.attempt = 0 AND d.step = 0 AND d.flags & 17 = 0
           WHERE b.id = ?2 AND b.n_expired > 0 AND NOT ",
        passed!(),
        ")"
    ))
    .bind(now)
    .bind(id)
    .execute(c)
    .await?;
    Ok(())
}

/// The digest beside the newest notice's own text, in every language that has one. An earlier one stays for those who began with it.
async fn freeze(c: &mut SqliteConnection, frozen: &FrozenCut) -> Result<(), StoreError> {
    let id = frozen.due.broadcast.0;
    // Primary key (broadcast, cut, …): its last entry.
    let cut: i64 = sqlx::query_scalar("SELECT coalesce(max(cut), 0) + 1 FROM digest_tells WHERE broadcast = ?")
        .bind(id)
        .fetch_one(&mut *c)
        .await?;
    // Primary key of cut.
    sqlx::query(
        "INSERT INTO digest_tells (broadcast, cut, notice) SELECT broadcast, ?, notice FROM cut WHERE broadcast = ?",
    )
    .bind(cut)
    .bind(id)
    .execute(&mut *c)
    .await?;
    let own = texts(c, &[id]).await?.remove(&id).unwrap_or_default();
    for lang in own.languages() {
        let digest = frozen
            .texts
            .get(&lang)
            .ok_or_else(|| StoreError::Database(format!("broadcast {id} has a text in {lang}, its digest has none")))?;
        // Primary key (broadcast, cut, lang).
        sqlx::query("INSERT INTO digest (broadcast, cut, lang, body) VALUES (?, ?, ?, ?)")
            .bind(id)
            .bind(cut)
            .bind(lang_word(lang)?)
            .bind(serde_json::to_string(digest)?)
            .execute(&mut *c)
            .await?;
    }
    Ok(())
}
