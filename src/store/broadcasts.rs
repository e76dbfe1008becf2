//! The broadcasts of a publication: one row a channel, with its frozen variants and, for accounts and website targets, its deliveries.
//! All channels together in a handful of statements, because each statement is a way to SQLite's thread and back, and everybody waits
//! for the last one.

use std::collections::HashMap;

use serde_json::{Value, json};
use sqlx::SqliteConnection;

use super::rows::{catch_up_stored, kind_stored, lang_word};
use super::supersession::close_corrected;
use super::{Missing, NewBroadcast, Publication, StoreError, targets};
use crate::domain::delivery::{BroadcastState, CatchUp};
use crate::domain::words::Kind;

/// One account, an audience, website targets.
pub(super) const SHAPE_ACCOUNT: i64 = 0;
pub(super) const SHAPE_AUDIENCE: i64 = 1;
pub(super) const SHAPE_LEVELS: i64 = 2;

fn shape(b: &NewBroadcast) -> i64 {
    match (b.levels, b.audience) {
        (true, _) => SHAPE_LEVELS,
        (false, true) => SHAPE_AUDIENCE,
        (false, false) => SHAPE_ACCOUNT,
    }
}

/// By lane: the broadcasts that a correction or retraction concerns there.
pub(super) async fn corrected(
    c: &mut SqliteConnection,
    p: &Publication,
    incident: i64,
) -> Result<HashMap<i64, Vec<Value>>, StoreError> {
    let mut corrected = HashMap::new();
    for b in p.broadcasts.iter().filter(|_| p.notice.kind != Kind::Notice) {
        let of = close_corrected(c, incident, b.lane.0, &p.notice.corrects).await?;
        corrected.insert(b.lane.0, of);
    }
    Ok(corrected)
}

/// Writes them all.
pub(super) async fn write(
    c: &mut SqliteConnection,
    p: &Publication,
    (incident, seq): (i64, i64),
    corrected: &HashMap<i64, Vec<Value>>,
) -> Result<(), StoreError> {
    // Websites first: the others may wait for the generation they raise.
    let (levels, others): (Vec<_>, Vec<_>) = p.broadcasts.iter().partition(|b| b.levels);
    let mut generations = HashMap::new();
    for b in &levels {
        generations.insert(b.lane.0, targets::raise(c, b.lane.0).await?);
    }
    let (last, lanes) = lanes_of(c, p).await?;
    let ordered: Vec<&NewBroadcast> = levels.into_iter().chain(others).collect();
    let mut rows = Vec::with_capacity(ordered.len());
    for (b, id) in ordered.into_iter().zip(last + 1..) {
        let corrected = corrected.get(&b.lane.0).map(Vec::as_slice).unwrap_or_default();
        rows.push((id, b, row(b, id, &lanes, generations.get(&b.lane.0), corrected)?));
    }
    insert(c, p, (incident, seq), &rows).await
}

/// What a lane is like just before the broadcast.
struct Lane {
    newest: i64,
    count: i64,
    /// The generation its link targets have to reach; `None` where none is waited for or all are there.
    link: Option<i64>,
}

/// The newest broadcast's id, after which those of this transaction are numbered (nobody else writes meanwhile); the lanes.
async fn lanes_of(c: &mut SqliteConnection, p: &Publication) -> Result<(i64, HashMap<i64, Lane>), StoreError> {
    let wanted: Vec<i64> = p
        .broadcasts
        .iter()
        .flat_map(|b| [Some(b.lane.0), b.waits_for_link.map(|(lane, _)| lane.0)])
        .flatten()
        .collect();
    // Primary keys: last entry of broadcast; lane; last entry of recipient (lane, seq). Unique (lane, address) of target: few rows.
    // All in one row: each is a way between two threads.
    let (last, lanes): (i64, String) = sqlx::query_as(
        "SELECT coalesce((SELECT max(id) FROM broadcast), 0), json_group_array(json_array(id, audience,
             coalesce((SELECT max(seq) FROM recipient r WHERE r.lane = lane.id), 0),
             (SELECT max(wanted) FROM target t WHERE t.lane = lane.id AND link = 1 AND active = 1 AND done < wanted)))
         FROM lane WHERE id IN (SELECT value FROM json_each(?))",
    )
    .bind(serde_json::to_string(&wanted)?)
    .fetch_one(c)
    .await?;
    let lanes: Vec<(i64, i64, i64, Option<i64>)> = serde_json::from_str(&lanes)?;
    let lane = |(id, count, newest, link)| (id, Lane { newest, count, link });
    Ok((last, lanes.into_iter().map(lane).collect()))
}

/// What differs from channel to channel.
fn row(
    b: &NewBroadcast,
    id: i64,
    lanes: &HashMap<i64, Lane>,
    generation: Option<&i64>,
    corrected: &[Value],
) -> Result<Value, StoreError> {
    let shape = shape(b);
    let lane = lanes
        .get(&b.lane.0)
        .ok_or(StoreError::NotFound(Missing::Lane(b.lane.0)))?;
    let link = b
        .waits_for_link
        .and_then(|(to, until)| Some((to.0, lanes.get(&to.0)?.link?, until)));
    let upto = match (shape, b.catch_up) {
        (SHAPE_AUDIENCE, CatchUp::Every) => Some(lane.newest),
        (SHAPE_AUDIENCE, _) => None,
        _ => Some(0),
    };
    let state = if shape == SHAPE_AUDIENCE {
        BroadcastState::Open
    } else {
        BroadcastState::Opened
    };
    let expected = match shape {
        SHAPE_AUDIENCE => lane.count,
        SHAPE_ACCOUNT => 1,
        _ => 0,
    };
    Ok(json!({
        "id": id,
        "lane": b.lane.0,
        "operation": b.operation as u8,
        "catch_up": catch_up_stored(b.catch_up),
        "shape": shape,
        "state": state as u8,
        "corrects": serde_json::to_string(corrected)?,
        "upto": upto,
        "expires": b.expires_at_ms,
        "not_before": link.map(|l| l.2),
        "link_lane": link.map(|l| l.0),
        "link_generation": link.map(|l| l.1),
        "generation": generation.copied().unwrap_or(0),
        "expected": expected,
    }))
}

/// The rows with their texts; one delivery an account, one a website target. Those of an audience open chunk by chunk.
async fn insert(
    c: &mut SqliteConnection,
    p: &Publication,
    (incident, seq): (i64, i64),
    rows: &[(i64, &NewBroadcast, Value)],
) -> Result<(), StoreError> {
    let mut texts = Vec::new();
    for (id, b, _) in rows {
        for (lang, variant) in &b.variants {
            texts.push(json!([
                id,
                lang_word(*lang)?,
                variant.format,
                serde_json::to_string(variant)?
            ]));
        }
    }
    let of = |wanted: i64| {
        let rows = rows.iter().filter(|(_, b, _)| shape(b) == wanted);
        rows.map(|(id, b, _)| json!([id, b.operation as u8, b.lane.0]))
            .collect::<Vec<_>>()
    };
    let broadcasts: Vec<&Value> = rows.iter().map(|(.., row)| row).collect();
    // `$n`: see chunks.rs. Primary keys of variant and broadcast; unique (lane, address) of target: few rows; delivery_of (broadcast, …).
    sqlx::query(
        "INSERT INTO broadcast (incident, notice, number, scope, kind, urgent, created, changed, id, lane, operation, catch_up, shape, state,
           corrects, upto, expires, not_before, link_lane, link_generation, generation, expected)
         SELECT $1, $2, $3, $4, $5, $6, $7, $7, j.value ->> 'id', j.value ->> 'lane', j.value ->> 'operation', j.value ->> 'catch_up',
           j.value ->> 'shape', j.value ->> 'state', j.value ->> 'corrects', j.value ->> 'upto', j.value ->> 'expires', j.value ->> 'not_before',
           j.value ->> 'link_lane', j.value ->> 'link_generation', j.value ->> 'generation', j.value ->> 'expected'
         FROM json_each($8) j;

         INSERT INTO variant (broadcast, lang, format, body)
         SELECT j.value ->> 0, j.value ->> 1, j.value ->> 2, j.value ->> 3 FROM json_each($9) j;

         INSERT INTO delivery (broadcast, recipient, state, attempt, due, changed, first_started, operation, flags, step)
         SELECT j.value ->> 0, 0, 0, 0, $7, $7, $7, j.value ->> 1, 0, 0 FROM json_each($10) j;

         INSERT INTO delivery (broadcast, recipient, state, attempt, due, changed, first_started, operation, flags, step)
         SELECT j.value ->> 0, t.id, 0, 0, $7, $7, $7, j.value ->> 1, 0, 0
         FROM json_each($11) j CROSS JOIN target t ON t.lane = j.value ->> 2 AND t.active = 1;

         UPDATE broadcast SET expected = (SELECT count(*) FROM delivery d WHERE d.broadcast = broadcast.id)
         WHERE id IN (SELECT j.value ->> 0 FROM json_each($11) j)",
    )
    .bind(incident)
    .bind(seq)
    .bind(p.notice.number)
    .bind(serde_json::to_string(&p.notice.scope)?)
    .bind(kind_stored(p.notice.kind))
    .bind(p.notice.urgent)
    .bind(p.act.at_ms)
    .bind(serde_json::to_string(&broadcasts)?)
    .bind(serde_json::to_string(&texts)?)
    .bind(serde_json::to_string(&of(SHAPE_ACCOUNT))?)
    .bind(serde_json::to_string(&of(SHAPE_LEVELS))?)
    .execute(c)
    .await?;
    Ok(())
}
