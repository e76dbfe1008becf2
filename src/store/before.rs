//! Rows as they stand before their outcomes are written (`complete.rs`).

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde::Deserialize;
use sqlx::{Row, SqliteConnection};

use super::failover::{Refused, stand_in};
use super::marks::{AFTER_UNKNOWN, ASKED_FOR, DECIDED, closed, passed};
use super::{Completion, Settled, StoreError};
use crate::clock::Ms;
use crate::domain::delivery::DeliveryState;
use crate::domain::outcome::Remote;

/// A row as it stood before its outcome.
#[derive(Debug, Clone)]
pub(super) struct Before {
    pub(super) id: i64,
    pub(super) recipient: i64,
    pub(super) state: i64,
    pub(super) attempt: u32,
    pub(super) flags: i64,
    pub(super) step: u8,
    pub(super) step_handle: Option<String>,
    pub(super) remote: Remote,
    /// A newer notice has started for the same recipient since: it never starts again. Only asked where the outcome may let it start again.
    pub(super) passed: bool,
    pub(super) via: Option<i64>,
    pub(super) of: Arc<Of>,
}

/// What its broadcast and its lane say.
#[derive(Debug)]
pub(super) struct Of {
    pub(super) broadcast: i64,
    pub(super) lane: i64,
    pub(super) incident: i64,
    pub(super) notice: i64,
    pub(super) shape: i64,
    closed: bool,
    /// By a digest, which tells it.
    told: bool,
    failover: Option<i64>,
    gate: i64,
    expires: Option<Ms>,
}

/// A row as it is read.
#[derive(Deserialize)]
struct Read(
    i64,
    i64,
    i64,
    u32,
    i64,
    u8,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<i64>,
    i64,
);

impl Before {
    pub(super) fn is(&self, state: DeliveryState) -> bool {
        self.state == state as i64
    }

    /// The lane it was sent by.
    pub(super) fn by(&self) -> i64 {
        self.via.unwrap_or(self.of.lane)
    }

    /// Refused for good: where it goes instead.
    pub(super) fn goes_to(&self, x: &Completion) -> Result<Option<i64>, StoreError> {
        let refused = Refused {
            via: self.via,
            failover: self.of.failover,
            gate: self.of.gate,
            expires: self.of.expires,
            closed: self.of.closed,
            passed: self.passed,
            begun: self.flags & AFTER_UNKNOWN != 0 || self.step > 0,
        };
        refused.goes_to(x.reason, x.at_ms)
    }

    /// Waits again, unless a newer notice has passed it, or it was closed meanwhile and nothing of it has begun. What may be there is never
    /// said not to be.
    pub(super) fn waits(&self, begun: bool) -> DeliveryState {
        let asked_for = AFTER_UNKNOWN | DECIDED | ASKED_FOR;
        let closed = self.of.closed;
        let stale = closed && !self.of.told && self.step == 0 && self.flags & asked_for == asked_for;
        if (self.passed && self.flags & AFTER_UNKNOWN != 0) || stale {
            DeliveryState::Unknown
        } else if self.passed || (closed && !begun && self.step == 0) {
            DeliveryState::Superseded
        } else {
            DeliveryState::Waiting
        }
    }
}

/// The rows that outcomes speak of, by id.
pub(super) async fn read(
    c: &mut SqliteConnection,
    completions: &[Completion],
) -> Result<HashMap<i64, Before>, StoreError> {
    // By row: whether it may wait again.
    let mut rows: BTreeMap<i64, u8> = BTreeMap::new();
    for x in completions {
        let there = matches!(x.settled, Settled::Delivered(_) | Settled::Accepted(_));
        *rows.entry(x.delivery.0).or_default() |= u8::from(!there);
    }
    // Primary keys of delivery, broadcast and lane; see `passed`.
    // One row for all of a broadcast: each is a way from SQLite's thread to this one, and what is the same for all is read once.
    let read = sqlx::query(concat!(
        "SELECT b.id, b.lane, b.incident, b.notice, b.shape, b.superseded_by IS NOT NULL AS closed,
           b.superseded_by IS NOT NULL AND NOT ",
        closed!(),
        " AS told, ",
        stand_in!(),
        " AS failover, l.gate, b.expires, g.rows
         FROM (SELECT d.broadcast, json_group_array(json_array(d.id, d.recipient, d.state, d.attempt, d.flags, d.step, d.step_handle,
             d.remote_id, d.remote_url, d.via, j.value AND d.state IN (1, 4) AND EXISTS (
               SELECT 1 FROM broadcast b WHERE b.id = d.broadcast AND ",
        passed!(),
        "))) AS rows
           FROM json_each(?) j CROSS JOIN delivery d ON d.id = j.key GROUP BY d.broadcast) g
           CROSS JOIN broadcast b ON b.id = g.broadcast CROSS JOIN lane l ON l.id = b.lane"
    ))
    .bind(serde_json::to_string(&rows)?)
    .fetch_all(c)
    .await?;
    let mut before = HashMap::with_capacity(rows.len());
    for row in &read {
        let of = Arc::new(Of {
            broadcast: row.try_get("id")?,
            lane: row.try_get("lane")?,
            incident: row.try_get("incident")?,
            notice: row.try_get("notice")?,
            shape: row.try_get("shape")?,
            closed: row.try_get("closed")?,
            told: row.try_get("told")?,
            failover: row.try_get("failover")?,
            gate: row.try_get("gate")?,
            expires: row.try_get("expires")?,
        });
        let rows: Vec<Read> = serde_json::from_str(row.try_get("rows")?)?;
        before.extend(rows.into_iter().map(|row| (row.0, row.of(&of))));
    }
    Ok(before)
}

impl Read {
    fn of(self, of: &Arc<Of>) -> Before {
        let Self(id, recipient, state, attempt, flags, step, step_handle, remote_id, url, via, passed) = self;
        Before {
            id,
            recipient,
            state,
            attempt,
            flags,
            step,
            step_handle,
            remote: Remote { id: remote_id, url },
            passed: passed != 0,
            via,
            of: Arc::clone(of),
        }
    }
}
