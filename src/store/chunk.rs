//! The rows of a chunk of an audience (`chunks.rs`).

use sqlx::SqliteConnection;

use super::alive::Alive;
use super::due::Due;
use super::marks::{COUNTED, corrected, had, lacks, passed};
use super::outset::{self, Part, started};
use super::spelling::canonical;
use super::{ClaimRequest, StoreError};
use crate::domain::notice::Scope;

/// Whom a chunk is for.
pub(super) struct Chunk {
    pub(super) from: i64,
    pub(super) to: i64,
    /// `@domain`; `None`: everybody but those.
    pub(super) only: Option<String>,
    pub(super) but: Vec<String>,
    /// Who starts with it.
    pub(super) starts: Option<Part>,
}

/// The last of the next `?4` recipients of lane `?1` behind `?2`, up to `?3`; `?3` where there are none. Primary key (lane, seq) of recipient.
macro_rules! window {
    () => {
        "max(?2, coalesce((SELECT max(seq) FROM (SELECT seq FROM recipient WHERE lane = ?1 AND seq > ?2 AND seq <= ?3 ORDER BY seq LIMIT ?4)), ?3))"
    };
}

pub(super) use window;

/// Rows for a chunk. Primary key (lane, seq) of recipient; delivery_of refuses doubles. A correction is also for whoever has got what it
/// corrects, a cut for whoever lacks what it sums up; what was summed up under a newer notice and waits again is not for whoever has got that.
/// `$n`, not `?n`, as everywhere where several statements go as one: of a `?4` SQLite makes four parameters, and sqlx, which counts them through
/// all of the statements, leaves out the last ones.
macro_rules! insert {
    () => {
        concat!(
            "INSERT INTO delivery (broadcast, recipient, state, attempt, due, changed, first_started, operation, flags, step, via)
             SELECT $1, r.seq, r.seq <= $15, r.seq <= $15, iif(r.seq <= $15, $16, $2), $2, $2, $3, $17, 0, $10 FROM broadcast b CROSS JOIN recipient r
             WHERE b.id = $1 AND r.lane = $4 AND r.seq > $5 AND r.seq <= $6 AND r.state = 0
               AND ($11 IS NULL OR lower(substr(",
            canonical!("r"),
            ", -length($11))) = $11)
               AND ($12 IS NULL OR NOT EXISTS (
                   SELECT 1 FROM json_each($12) o WHERE lower(substr(",
            canonical!("r"),
            ", -length(o.value))) = o.value))
               AND NOT ($13 AND ",
            passed!("r.seq"),
            ") AND (NOT $9 AND ($7 IS NULL OR r.places IS NULL
                   OR EXISTS (SELECT 1 FROM json_each(r.places) p WHERE p.value IN (SELECT value FROM json_each($7)))
                   OR ($13 AND ",
            lacks!("r.seq"),
            ")) OR EXISTS (SELECT 1 FROM ",
            corrected!("$8", "r.seq"),
            " WHERE ",
            had!(),
            "))
             ORDER BY r.seq ON CONFLICT (broadcast, recipient) DO NOTHING"
        )
    };
}

/// The cursor follows, and the counters, where the rows behind `$18` are none that triggers have counted. Primary keys.
macro_rules! follow {
    () => {
        "UPDATE broadcast SET cursor = $6, state = CASE WHEN $14 THEN 1 ELSE state END, opened = opened + g.n,
           n_waiting = n_waiting + g.n - g.started, n_started = n_started + g.started, touched = iif(g.n, max(touched, $2), touched),
           expected = CASE WHEN $14 THEN opened + g.n ELSE expected END, changed = $2
         FROM (SELECT count(*) AS n, coalesce(sum(state), 0) AS started FROM delivery WHERE id > $18) g WHERE broadcast.id = $1"
    };
}

/// What a chunk has brought.
pub(super) struct Opened {
    /// Rows.
    pub(super) rows: i64,
    /// Of these, what has started with it, in order.
    pub(super) started: Vec<Due>,
}

impl Chunk {
    /// Inserts a chunk's rows. With `finished` the broadcast's cursor follows in the same way to SQLite's thread and back, and once all are
    /// open what was opened is what is expected; what has started is read in that way, too.
    pub(super) async fn open(
        self,
        c: &mut SqliteConnection,
        r: &ClaimRequest,
        b: &Alive,
        finished: Option<bool>,
    ) -> Result<Opened, StoreError> {
        let but = (!self.but.is_empty())
            .then(|| serde_json::to_string(&self.but))
            .transpose()?;
        let sql = match (finished, self.starts) {
            // Who was left out starts row by row: only where the broadcast's own cursor moves somebody starts at once.
            (_, Some(_)) => concat!(insert!(), "; ", follow!(), "; ", started!("$4", "$18")),
            (Some(_), None) => concat!(insert!(), "; ", follow!()),
            (None, None) => insert!(),
        };
        let query = sqlx::query(sql)
            .bind(b.id)
            .bind(r.now_ms)
            .bind(b.operation as u8)
            .bind(b.lane)
            .bind(self.from)
            .bind(self.to)
            .bind(places_of(&b.scope))
            .bind(&b.corrects)
            .bind(b.overtaken)
            .bind(b.via)
            .bind(self.only)
            .bind(but)
            .bind(b.digest)
            .bind(finished)
            .bind(self.starts.map_or(0, |part| part.to))
            .bind(self.starts.map(|part| part.lease_until))
            .bind(self.starts.map_or(0, |_| COUNTED))
            .bind(self.starts.map_or(i64::MAX, |part| part.after));
        if self.starts.is_some() {
            return outset::opened(&query.fetch_one(c).await?, b, r.now_ms);
        }
        let affected = query.execute(c).await?.rows_affected();
        // The row of the broadcast is one of them.
        let rows = affected.saturating_sub(u64::from(finished.is_some()));
        Ok(Opened {
            rows: i64::try_from(rows).unwrap_or(i64::MAX),
            started: Vec::new(),
        })
    }
}

/// The places to filter by; `None`: everybody is concerned.
pub(super) fn places_of(scope: &Scope) -> Option<String> {
    match scope {
        Scope::Named { places, .. } if !places.is_empty() => serde_json::to_string(places).ok(),
        _ => None,
    }
}
