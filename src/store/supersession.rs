//! What a new notice ends on the lanes (LANES 4): waiting broadcasts it supersedes, and everything it corrects or retracts.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Value, json};
use sqlx::SqliteConnection;

use super::marks::asked_for;
use super::rows::{kind_of, listed, settle_lanes};
use super::{Publication, StoreError, reopen};
use crate::clock::Ms;
use crate::domain::delivery::CatchUp;
use crate::domain::notice::{Notice, Scope};
use crate::domain::supersede::{Older, ends, takes_place};
use crate::domain::words::Kind;

/// The older broadcasts of an incident that a newer notice may end, as [`Stands`]: of what has ended only what it names (a JSON list of numbers)
/// matters. broadcast_incident (incident, …).
macro_rules! stands {
    ($incident:literal, $levels:literal, $named:literal) => {
        concat!(
            "(SELECT json_group_array(json_array(id, lane, number, kind, scope, state >= 2)) FROM broadcast WHERE incident = ",
            $incident,
            " AND shape <> ",
            $levels,
            " AND (state < 2 OR (superseded_by IS NULL AND number IN (SELECT value FROM json_each(",
            $named,
            ")))))"
        )
    };
}

pub(super) use stands;

/// An older broadcast: row, lane, number, kind, scope, whether it has ended.
#[derive(Debug, Deserialize)]
pub(super) struct Stands(i64, i64, u32, i64, String, i64);

/// Ends what still waits of older notices. A notice that names an older one (`replaces`, `takes_back`, `corrects`) ends it on every
/// lane; by scope it ends it only where the newer one goes out too.
pub(super) async fn supersede(
    c: &mut SqliteConnection,
    older: Vec<Stands>,
    seq: i64,
    p: &Publication,
) -> Result<(), StoreError> {
    let (newer, at) = (&p.notice, p.act.at_ms);
    let (mut touched, mut closed) = (BTreeSet::new(), Vec::new());
    for Stands(id, lane, number, kind, scope, ended) in older {
        if ended != 0 {
            // Nothing waits there, but a person could send it again: not what is wrong or replaced by now.
            close(c, id, seq).await?;
            continue;
        }
        // Without a broadcast of its own on this lane, a newer notice ends only what it names: that is `every`.
        let own = p.broadcasts.iter().find(|b| b.lane.0 == lane);
        let catch_up = own.map_or(CatchUp::Every, |b| b.catch_up);
        let scope: Scope = serde_json::from_str(&scope)?;
        let older = Older {
            number,
            kind: listed(kind_of(kind), "a kind")?,
            scope: &scope,
        };
        if ends(catch_up, older, newer) {
            end(c, id, seq, Asked::Stays, at).await?;
            closed.push(id);
            touched.insert(lane);
        } else if takes_place(catch_up, older, newer) {
            overtake(c, id).await?;
        }
    }
    if !closed.is_empty() {
        let tried = tried(c, &closed, at).await?;
        touched.extend(reopen::passes_nobody(c, &tried, at).await?);
    }
    settle_lanes(c, touched).await
}

/// The rows of these broadcasts that [`end`] ended just now (`at`) although they had been tried, where an older one that stands may have ended because
/// of them.
async fn tried(c: &mut SqliteConnection, closed: &[i64], at: Ms) -> Result<BTreeSet<i64>, StoreError> {
    // Primary key; broadcast_incident (incident, lane, notice); delivery_of (broadcast, …), which is looked through where something old was passed, as
    // good as never.
    let rows: Vec<i64> = sqlx::query_scalar(
        "SELECT d.id FROM json_each(?1) j CROSS JOIN broadcast n ON n.id = j.value AND n.n_superseded > 0
           CROSS JOIN delivery d ON d.broadcast = n.id
         WHERE d.state = 7 AND d.changed = ?2 AND (d.attempt > 0 OR d.flags & 16) AND EXISTS (
           SELECT 1 FROM broadcast b WHERE b.incident = n.incident AND b.lane = n.lane AND b.notice < n.notice AND b.n_superseded > 0
             AND b.superseded_by IS NULL AND NOT b.overtaken AND b.removed IS NULL)",
    )
    .bind(serde_json::to_string(closed)?)
    .bind(at)
    .fetch_all(c)
    .await?;
    Ok(rows.into_iter().collect())
}

/// What becomes of the rows that a person wanted again and that have not gone yet.
#[derive(Debug, Clone, Copy)]
pub(super) enum Asked {
    /// They are unknown as before: they would be sent with words that are wrong or old by now.
    Stays,
    /// They run out: a digest tells the same, and whoever may have it already is not in it.
    Goes,
}

/// Closes a broadcast: no chunk opens, nothing not started starts; what has started (also a step of several, or an attempt that may have
/// got through) runs out.
pub(super) async fn end(c: &mut SqliteConnection, id: i64, by: i64, asked: Asked, at: Ms) -> Result<(), StoreError> {
    // delivery_due (broadcast, …) WHERE state = 0. Their time stays, for what a cut sums up and waits again.
    sqlx::query(concat!(
        "UPDATE delivery SET state = CASE WHEN flags & 1 THEN 4 ELSE 7 END, due = CASE WHEN flags & 1 THEN 0 ELSE due END,
           flags = CASE WHEN flags & 1 THEN flags & ~8 ELSE flags END, changed = ?, reason = 'superseded'
         WHERE broadcast = ? AND state = 0 AND step = 0 AND (flags & 1 = 0 OR (? AND ",
        asked_for!(),
        "))"
    ))
    .bind(at)
    .bind(id)
    .bind(matches!(asked, Asked::Stays))
    .execute(&mut *c)
    .await?;
    // Primary key. Nothing was ever started: the broadcast as a whole is superseded.
    sqlx::query(
        "UPDATE broadcast SET superseded_by = ?, changed = ?, state = CASE WHEN n_superseded = opened THEN 3 ELSE 1 END WHERE id = ?",
    )
    .bind(by)
    .bind(at)
    .bind(id)
    .execute(c)
    .await?;
    Ok(())
}

/// A correction still goes to whoever has what it corrects; all others get the newer notice in its place.
pub(super) async fn overtake(c: &mut SqliteConnection, id: i64) -> Result<(), StoreError> {
    // Primary key.
    sqlx::query("UPDATE broadcast SET overtaken = 1 WHERE id = ?")
        .bind(id)
        .execute(c)
        .await?;
    Ok(())
}

/// Notes on a broadcast that has ended which notice has taken its place.
async fn close(c: &mut SqliteConnection, id: i64, by: i64) -> Result<(), StoreError> {
    // Primary key.
    sqlx::query("UPDATE broadcast SET superseded_by = ? WHERE id = ?")
        .bind(by)
        .bind(id)
        .execute(c)
        .await?;
    Ok(())
}

/// The broadcasts of a lane that a correction or retraction concerns, newest first: those of the notices it names, and of what these had
/// themselves corrected, because somebody may have got only the first of them; and the digests that ever told one of these. As
/// [`super::marks::corrected`] reads them.
pub(super) async fn close_corrected(
    c: &mut SqliteConnection,
    incident: i64,
    lane: i64,
    corrects: &[u32],
) -> Result<Vec<Value>, StoreError> {
    let mut numbers: BTreeSet<u32> = corrects.iter().copied().collect();
    let mut fresh: Vec<u32> = corrects.to_vec();
    while let Some(number) = fresh.pop() {
        // Unique (incident, number).
        let body: Option<String> = sqlx::query_scalar("SELECT body FROM notice WHERE incident = ? AND number = ?")
            .bind(incident)
            .bind(number)
            .fetch_optional(&mut *c)
            .await?;
        if let Some(body) = body {
            let notice: Notice = serde_json::from_str(&body)?;
            if notice.kind != Kind::Notice {
                fresh.extend(notice.corrects.into_iter().filter(|n| numbers.insert(*n)));
            }
        }
    }
    // broadcast_incident (incident, lane, notice); primary keys of digest_tells and notice.
    let found: Vec<(i64, Option<i64>)> = sqlx::query_as(
        "SELECT id, cut FROM (SELECT b.id, b.notice, NULL AS cut FROM broadcast b
             WHERE b.incident = ?1 AND b.lane = ?2 AND b.number IN (SELECT value FROM json_each(?3))
           UNION SELECT b.id, b.notice, k.cut FROM broadcast b CROSS JOIN digest_tells k ON k.broadcast = b.id CROSS JOIN notice n ON n.id = k.notice
             WHERE b.incident = ?1 AND b.lane = ?2 AND b.number NOT IN (SELECT value FROM json_each(?3))
               AND n.number IN (SELECT value FROM json_each(?3)))
         ORDER BY notice DESC, cut DESC",
    )
    .bind(incident)
    .bind(lane)
    .bind(serde_json::to_string(&numbers)?)
    .fetch_all(c)
    .await?;
    let entry = |(broadcast, cut): (i64, Option<i64>)| cut.map_or(json!(broadcast), |cut| json!([broadcast, cut]));
    Ok(found.into_iter().map(entry).collect())
}
