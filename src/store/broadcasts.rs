//! The rows of a publication: its notice (and what the incident says of it), one broadcast a channel with its frozen variants and, for accounts
//! and website targets, its deliveries.

use std::collections::HashMap;

use serde_json::{Value, json};
use sqlx::SqliteConnection;

use super::marks::COUNTED;
use super::rows::{catch_up_stored, kind_stored, lang_word};
use super::supersession::{Stands, close_corrected, stands};
use super::{Missing, NewBroadcast, Publication, StoreError, audit, targets};
use crate::domain::delivery::{BroadcastState, CatchUp};
use crate::domain::words::{IncidentState, Kind};

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

/// The generation that each website it goes to has from now on.
pub(super) async fn raise(c: &mut SqliteConnection, p: &Publication) -> Result<HashMap<i64, i64>, StoreError> {
    let mut generations = HashMap::new();
    for b in p.broadcasts.iter().filter(|b| b.levels) {
        generations.insert(b.lane.0, targets::raise(c, b.lane.0).await?);
    }
    Ok(generations)
}

/// What a lane is like just before the broadcast.
struct Lane {
    newest: i64,
    count: i64,
    /// The generation its link targets have to reach; `None` where none is waited for or all are there.
    link: Option<i64>,
}

/// The lanes just before the publication.
pub(super) struct Lanes {
    /// The newest broadcast's id, after which those of this transaction are numbered: nobody else writes meanwhile.
    last: i64,
    lanes: HashMap<i64, Lane>,
}

/// A broadcast to be written.
pub(super) struct Row<'p> {
    id: i64,
    of: &'p NewBroadcast,
    /// What differs from channel to channel, as [`write`] reads it: a list, because names would be looked for in each row as often as there are columns.
    columns: Value,
}

/// The lanes, and the older broadcasts of the incident that the publication (it names these numbers) may end.
pub(super) async fn met(
    c: &mut SqliteConnection,
    p: &Publication,
    incident: i64,
    named: &[u32],
) -> Result<(Lanes, Vec<Stands>), StoreError> {
    let wanted: Vec<i64> = p
        .broadcasts
        .iter()
        .flat_map(|b| [Some(b.lane.0), b.waits_for_link.map(|(lane, _)| lane.0)])
        .flatten()
        .collect();
    // Primary keys: last entry of broadcast; lane; last entry of recipient (lane, seq). Unique (lane, address) of target: few rows.
    let (last, lanes, older): (i64, String, String) = sqlx::query_as(concat!(
        "SELECT coalesce((SELECT max(id) FROM broadcast), 0), json_group_array(json_array(id, audience,
             coalesce((SELECT max(seq) FROM recipient r WHERE r.lane = lane.id), 0),
             (SELECT max(wanted) FROM target t WHERE t.lane = lane.id AND link = 1 AND active = 1 AND done < wanted))), ",
        stands!("?2", "?3", "?4"),
        " FROM lane WHERE id IN (SELECT value FROM json_each(?1))"
    ))
    .bind(serde_json::to_string(&wanted)?)
    .bind(incident)
    .bind(SHAPE_LEVELS)
    .bind(serde_json::to_string(named)?)
    .fetch_one(c)
    .await?;
    let lanes: Vec<(i64, i64, i64, Option<i64>)> = serde_json::from_str(&lanes)?;
    let lane = |(id, count, newest, link)| (id, Lane { newest, count, link });
    let lanes = Lanes {
        last,
        lanes: lanes.into_iter().map(lane).collect(),
    };
    Ok((lanes, serde_json::from_str(&older)?))
}

impl Lanes {
    /// The rows of all of its broadcasts, websites first.
    pub(super) fn rows<'p>(
        &self,
        p: &'p Publication,
        generations: &HashMap<i64, i64>,
        corrected: &HashMap<i64, Vec<Value>>,
    ) -> Result<Vec<Row<'p>>, StoreError> {
        let (levels, others): (Vec<_>, Vec<_>) = p.broadcasts.iter().partition(|b| b.levels);
        let row = |(of, id): (&'p NewBroadcast, i64)| {
            let generation = generations.get(&of.lane.0);
            let corrected = corrected.get(&of.lane.0).map(Vec::as_slice).unwrap_or_default();
            let columns = columns(of, id, &self.lanes, generation, corrected)?;
            Ok(Row { id, of, columns })
        };
        levels.into_iter().chain(others).zip(self.last + 1..).map(row).collect()
    }
}

/// What differs from channel to channel.
fn columns(
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
    Ok(json!([
        id,
        b.lane.0,
        b.operation as u8,
        catch_up_stored(b.catch_up),
        shape,
        state as u8,
        serde_json::to_string(corrected)?,
        upto,
        b.expires_at_ms,
        link.map(|l| l.2),
        link.map(|l| l.0),
        link.map(|l| l.1),
        generation.copied().unwrap_or(0),
        expected,
        // Its one delivery, which no trigger counts.
        i64::from(shape == SHAPE_ACCOUNT),
    ]))
}

/// Writes the notice, what the incident says of it, its broadcasts with their texts, one delivery an account, one a website target, and the line
/// of the audit. Deliveries of an audience open chunk by chunk.
pub(super) async fn write(
    c: &mut SqliteConnection,
    p: &Publication,
    (incident, seq): (i64, i64),
    rows: &[Row<'_>],
    line: &str,
) -> Result<(), StoreError> {
    let mut texts = Vec::new();
    for row in rows {
        for (lang, variant) in &row.of.variants {
            let body = serde_json::to_string(variant)?;
            texts.push(json!([row.id, lang_word(*lang)?, variant.format, body]));
        }
    }
    let of = |wanted: i64| {
        let rows = rows.iter().filter(|row| shape(row.of) == wanted);
        rows.map(|row| json!([row.id, row.of.operation as u8, row.of.lane.0]))
            .collect::<Vec<_>>()
    };
    let broadcasts: Vec<&Value> = rows.iter().map(|row| &row.columns).collect();
    let closed = (p.notice.state == IncidentState::Closed).then_some(p.act.at_ms);
    // `$n`: see chunk.rs. Primary keys of notice, incident, variant and broadcast; unique (lane, address) of target: few rows; delivery_of (broadcast, …).
    sqlx::query(concat!(
        "INSERT INTO notice (id, incident, number, key, hash, actor, body) VALUES ($2, $1, $3, $12, $13, $14, $15);

         UPDATE incident SET last = $3, closed = $16 WHERE id = $1;

         INSERT INTO broadcast (incident, notice, number, scope, kind, urgent, created, changed, touched, id, lane, operation, catch_up, shape, state,
           corrects, upto, expires, not_before, link_lane, link_generation, generation, expected, opened, n_waiting)
         SELECT $1, $2, $3, $4, $5, $6, $7, $7, $7, j.value ->> 0, j.value ->> 1, j.value ->> 2, j.value ->> 3, j.value ->> 4, j.value ->> 5,
           j.value ->> 6, j.value ->> 7, j.value ->> 8, j.value ->> 9, j.value ->> 10, j.value ->> 11, j.value ->> 12, j.value ->> 13,
           j.value ->> 14, j.value ->> 14
         FROM json_each($8) j;

         INSERT INTO variant (broadcast, lang, format, body)
         SELECT j.value ->> 0, j.value ->> 1, j.value ->> 2, j.value ->> 3 FROM json_each($9) j;

         INSERT INTO delivery (broadcast, recipient, state, attempt, due, changed, first_started, operation, flags, step)
         SELECT j.value ->> 0, 0, 0, 0, $7, $7, $7, j.value ->> 1, $18, 0 FROM json_each($10) j;

         INSERT INTO delivery (broadcast, recipient, state, attempt, due, changed, first_started, operation, flags, step)
         SELECT j.value ->> 0, t.id, 0, 0, $7, $7, $7, j.value ->> 1, 0, 0
         FROM json_each($11) j CROSS JOIN target t ON t.lane = j.value ->> 2 AND t.active = 1;

         UPDATE broadcast SET expected = (SELECT count(*) FROM delivery d WHERE d.broadcast = broadcast.id)
         WHERE id IN (SELECT j.value ->> 0 FROM json_each($11) j);

         ",
        audit::write_line!("$17")
    ))
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
    .bind(&p.key)
    .bind(&p.content_hash)
    .bind(&p.act.actor)
    .bind(serde_json::to_string(&p.notice)?)
    .bind(closed)
    .bind(line)
    .bind(COUNTED)
    .execute(c)
    .await?;
    Ok(())
}
