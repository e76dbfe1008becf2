//! Failover (LANES 7): the same delivery goes to another lane, once, where it is known that nothing was sent. When it may is the core's word
//! ([`crate::lane_core::failover`]); here it is written, in the transaction that learns of it. A row that moved stays a row of its broadcast.

use std::collections::HashMap;

use serde::Deserialize;
use sqlx::SqliteConnection;

use super::evidence::{self, Evidence};
use super::rows::{listed, said_stored, word};
use super::{ClaimRequest, StoreError};
use crate::clock::Ms;
use crate::domain::delivery::{Gate, Health};
use crate::domain::outcome::Reason;
use crate::lane_core::failover::{STAYS, moves_at, refusal_moves};
use crate::said;

/// A lane that another one stands in for.
pub(super) struct Home {
    pub(super) lane: i64,
    /// What waits there may move now.
    pub(super) moves: bool,
}

/// The lanes whose rows a lane may have to send.
#[derive(Default)]
pub(super) struct Homes {
    pub(super) lanes: Vec<Home>,
    /// When the next of them may let its rows go.
    pub(super) next_ms: Option<Ms>,
}

/// Of the asking lanes (a JSON list): the lanes they stand in for, and those of rows that moved to them and wait, whatever is configured now, for
/// [`read`]. What waits on a channel that is not configured any more stays there (LANES 8).
/// The whole table of lanes: a few dozen rows; broadcast_moved (lane) WHERE state < 2 AND n_moved > 0; delivery_due (broadcast, via, …).
macro_rules! homes {
    ($asking:literal) => {
        concat!(
            "(SELECT json_group_array(json_array(a.value, l.id, l.gate, l.health, l.health_since, l.tries_since,
               coalesce(l.failover = a.value AND l.configured = 1, 0)) ORDER BY l.id)
             FROM json_each(",
            $asking,
            ") a CROSS JOIN lane l ON l.id <> a.value AND (l.failover = a.value OR EXISTS (
               SELECT 1 FROM broadcast b CROSS JOIN delivery d ON d.broadcast = b.id AND d.via = a.value AND d.state = 0
               WHERE b.lane = l.id AND b.state < 2 AND b.n_moved > 0)))"
        )
    };
}

pub(super) use homes;

/// A home as it is read: the asking lane, the home, its gate, its health, since when, since when it tries, whether the one stands in for the other.
#[derive(Deserialize)]
struct Read(i64, i64, i64, i64, Ms, Ms, i64);

/// What [`homes`] gave, by asking lane.
pub(super) fn read(rows: &str, requests: &[&ClaimRequest]) -> Result<HashMap<i64, Homes>, StoreError> {
    let asking: HashMap<i64, Ms> = requests.iter().map(|r| (r.lane.0, r.now_ms)).collect();
    let mut homes: HashMap<i64, Homes> = HashMap::new();
    for Read(asks, lane, gate, health, since, tries_since, stands_in) in serde_json::from_str::<Vec<Read>>(rows)? {
        let now = asking.get(&asks).copied().unwrap_or_default();
        let gate = listed(Gate::from_stored(gate), "a gate")?;
        let health = listed(Health::from_stored(health), "a health")?;
        let at = moves_at(gate, health, since, tries_since).filter(|_| stands_in != 0);
        let of = homes.entry(asks).or_default();
        if let Some(at) = at.filter(|at| *at > now) {
            of.next_ms = Some(of.next_ms.map_or(at, |known| known.min(at)));
        }
        of.lanes.push(Home {
            lane,
            moves: at.is_some_and(|at| at <= now),
        });
    }
    Ok(homes)
}

/// Moves up to `want` rows that wait on a lane in trouble, and of which certainly nothing was sent. How many moved.
pub(super) async fn move_waiting(
    c: &mut SqliteConnection,
    broadcast: i64,
    to: i64,
    want: usize,
    now: Ms,
) -> Result<usize, StoreError> {
    let stays = STAYS
        .iter()
        .map(|reason| word(*reason))
        .collect::<Result<Vec<_>, _>>()?;
    // delivery_due (broadcast, via, due) WHERE state = 0.
    let rows: Vec<(i64, u32)> = sqlx::query_as(
        "UPDATE delivery SET via = ?1, due = ?2, changed = ?2, flags = (flags & ~36) | 64 WHERE id IN (
           SELECT id FROM delivery WHERE broadcast = ?3 AND via IS NULL AND state = 0 AND flags & 1 = 0 AND step = 0
             AND coalesce(reason, '') NOT IN (SELECT value FROM json_each(?4)) ORDER BY due, id LIMIT ?5)
         RETURNING id, attempt",
    )
    .bind(to)
    .bind(now)
    .bind(broadcast)
    .bind(serde_json::to_string(&stays)?)
    .bind(i64::try_from(want).unwrap_or(i64::MAX))
    .fetch_all(&mut *c)
    .await?;
    // What was never tried has no story to tell.
    let tried = rows.iter().filter(|(_, attempt)| *attempt > 0);
    let moved = tried.map(|(row, attempt)| Moved {
        row: *row,
        attempt: *attempt,
        to,
        at: now,
    });
    note(c, &moved.collect::<Vec<_>>()).await?;
    Ok(rows.len())
}

/// The lane that stands in for lane `l`, where both are configured. Primary key.
macro_rules! stand_in {
    () => {
        "(SELECT o.id FROM lane o WHERE o.id = l.failover AND o.configured = 1 AND l.configured = 1)"
    };
}

pub(super) use stand_in;

/// What the store knows of a row that was refused for good.
pub(super) struct Refused {
    pub(super) via: Option<i64>,
    /// The lane that stands in; `None` also where one of the two is not configured any more.
    pub(super) failover: Option<i64>,
    pub(super) gate: i64,
    pub(super) expires: Option<Ms>,
    /// A newer notice took its broadcast's place.
    pub(super) closed: bool,
    /// A newer notice has started for the same recipient.
    pub(super) passed: bool,
    /// Something of it may be there all the same: an earlier attempt, a step.
    pub(super) begun: bool,
}

impl Refused {
    /// Where it goes now; `None`: it has ended.
    pub(super) fn goes_to(&self, reason: Reason, now: Ms) -> Result<Option<i64>, StoreError> {
        let gate = listed(Gate::from_stored(self.gate), "a gate")?;
        let in_time = self.expires.is_none_or(|at| at > now);
        let free = self.via.is_none() && in_time && !self.closed && !self.passed && !self.begun;
        Ok(self.failover.filter(|_| free && refusal_moves(gate, reason)))
    }
}

/// A refused row and where it goes.
#[derive(serde::Serialize)]
pub(super) struct Moved {
    pub(super) row: i64,
    pub(super) attempt: u32,
    pub(super) to: i64,
    pub(super) at: Ms,
}

/// Rows whose refusal has just been written go to another lane: they wait there, as if never sent.
pub(super) async fn move_refused(c: &mut SqliteConnection, rows: &[Moved]) -> Result<(), StoreError> {
    if rows.is_empty() {
        return Ok(());
    }
    // Primary key per row. The refusing gateway's id is no longer theirs.
    sqlx::query(
        "UPDATE delivery SET via = j.value ->> 'to', state = 0, due = j.value ->> 'at', changed = j.value ->> 'at', flags = (flags & ~13) | 64,
           remote_key = NULL, remote_id = NULL, remote_url = NULL
         FROM json_each(?) j WHERE delivery.id = j.value ->> 'row'",
    )
    .bind(serde_json::to_string(rows)?)
    .execute(&mut *c)
    .await?;
    note(c, rows).await
}

async fn note(c: &mut SqliteConnection, rows: &[Moved]) -> Result<(), StoreError> {
    let words = said_stored(&said!(
        "sicher nicht angenommen: geht über den Ersatzkanal",
        "certainly not accepted: goes by the reserve channel"
    ))?;
    let lines: Vec<Evidence> = rows
        .iter()
        .map(|moved| Evidence(moved.row, moved.attempt, moved.at, "moved", None, words.clone()))
        .collect();
    evidence::write(c, &lines).await
}
