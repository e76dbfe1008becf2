//! Opening an audience chunk by chunk: one step moves the cursor and inserts the rows. A held lane with 1.7 million recipients is one row.

use sqlx::SqliteConnection;

use super::alive::Alive;
use super::marks::had;
use super::{ClaimRequest, StoreError};
use crate::domain::notice::Scope;

/// Recipients looked at in one step where most of them may not be concerned.
const WINDOW: usize = 4096;

/// Where a broadcast's opening stands during a claim.
pub(super) struct Cursor<'a> {
    broadcast: &'a Alive,
    open: bool,
    cursor: i64,
    upto: Option<i64>,
    /// No further than the older notices of the incident have opened: order holds per recipient.
    older: Option<i64>,
    closed: bool,
    /// Rows opened in this claim.
    opened: i64,
}

impl<'a> Cursor<'a> {
    pub(super) fn of(broadcast: &'a Alive, older: &[&Alive]) -> Self {
        Self {
            broadcast,
            open: broadcast.opens(),
            cursor: broadcast.cursor,
            upto: broadcast.upto,
            older: older.iter().filter(|b| b.opens()).map(|b| b.cursor).min(),
            closed: false,
            opened: 0,
        }
    }

    /// There may be somebody left to open for.
    pub(super) fn is_open(&self) -> bool {
        self.open
    }

    /// Rows opened in this claim.
    pub(super) fn opened(&self) -> i64 {
        self.opened
    }

    /// True where the last chunk was opened in this claim.
    pub(super) fn finished(&self) -> bool {
        self.closed
    }

    /// Leaves where the opening stands now, for the newer notices that follow it.
    pub(super) fn note(&self, broadcast: &mut Alive) {
        broadcast.open &= !self.closed;
        broadcast.cursor = self.cursor;
        broadcast.upto = self.upto;
        broadcast.waiting += self.opened;
    }

    /// Opens a chunk; false where there is nothing (more) to open now.
    pub(super) async fn open_more(
        &mut self,
        c: &mut SqliteConnection,
        r: &ClaimRequest,
        want: usize,
    ) -> Result<bool, StoreError> {
        if !self.open {
            return Ok(false);
        }
        let upto = match self.upto {
            Some(upto) => upto,
            None => self.fix_upto(c, self.broadcast.lane).await?,
        };
        let reach = self.older.map_or(upto, |older| older.min(upto));
        let places = places_of(&self.broadcast.scope);
        let window = if places.is_some() { WINDOW } else { want.min(WINDOW) };
        // Primary key (lane, seq) of recipient.
        let end: Option<i64> = sqlx::query_scalar(
            "SELECT max(seq) FROM (SELECT seq FROM recipient WHERE lane = ? AND seq > ? AND seq <= ? ORDER BY seq LIMIT ?)",
        )
        .bind(self.broadcast.lane)
        .bind(self.cursor)
        .bind(reach)
        .bind(i64::try_from(window).unwrap_or(i64::MAX))
        .fetch_one(&mut *c)
        .await?;
        // Nobody left up to `reach`: done where nothing older is in the way, else the older ones go first.
        let end = end.unwrap_or(reach).max(self.cursor);
        let opened = if end > self.cursor {
            self.insert(c, r, end, places.as_deref()).await?
        } else {
            0
        };
        self.opened += i64::try_from(opened).unwrap_or(i64::MAX);
        let finished = end >= upto;
        if end == self.cursor && !finished {
            return Ok(false);
        }
        self.closed = finished;
        self.open = !finished;
        self.cursor = end;
        // Primary key. Once all are open, what was opened is what is expected.
        sqlx::query(
            "UPDATE broadcast SET cursor = ?1, state = CASE WHEN ?2 THEN 1 ELSE state END,
               expected = CASE WHEN ?2 THEN opened ELSE expected END, changed = ?3 WHERE id = ?4",
        )
        .bind(end)
        .bind(finished)
        .bind(r.now_ms)
        .bind(self.broadcast.id)
        .execute(c)
        .await?;
        Ok(opened > 0 || self.open)
    }

    /// `latest` and `digest` reach who is there when their first chunk opens.
    async fn fix_upto(&mut self, c: &mut SqliteConnection, lane: i64) -> Result<i64, StoreError> {
        // Last entry of the primary key (lane, seq); primary key of broadcast.
        let upto: i64 = sqlx::query_scalar(
            "UPDATE broadcast SET upto = coalesce((SELECT max(seq) FROM recipient WHERE lane = ?), 0) WHERE id = ? RETURNING upto",
        )
        .bind(lane)
        .bind(self.broadcast.id)
        .fetch_one(c)
        .await?;
        self.upto = Some(upto);
        Ok(upto)
    }

    async fn insert(
        &self,
        c: &mut SqliteConnection,
        r: &ClaimRequest,
        end: i64,
        places: Option<&str>,
    ) -> Result<u64, StoreError> {
        // Primary key (lane, seq) of recipient; delivery_of refuses doubles. A correction is also for whoever has got what it corrects.
        let done = sqlx::query(concat!(
            "INSERT INTO delivery (broadcast, recipient, state, attempt, due, changed, first_started, operation, flags, step, via)
             SELECT ?1, r.seq, 0, 0, ?2, ?2, ?2, ?3, 0, 0, ?10 FROM recipient r
             WHERE r.lane = ?4 AND r.seq > ?5 AND r.seq <= ?6 AND r.state = 0
               AND (NOT ?9 AND (?7 IS NULL OR r.places IS NULL
                   OR EXISTS (SELECT 1 FROM json_each(r.places) p WHERE p.value IN (SELECT value FROM json_each(?7))))
                 OR EXISTS (SELECT 1 FROM json_each(?8) o CROSS JOIN delivery x ON x.broadcast = o.value AND x.recipient = r.seq WHERE ",
            had!(),
            "))
             ORDER BY r.seq ON CONFLICT (broadcast, recipient) DO NOTHING"
        ))
        .bind(self.broadcast.id)
        .bind(r.now_ms)
        .bind(self.broadcast.operation as u8)
        .bind(self.broadcast.lane)
        .bind(self.cursor)
        .bind(end)
        .bind(places)
        .bind(&self.broadcast.corrects)
        .bind(self.broadcast.overtaken)
        .bind(self.broadcast.via)
        .execute(c)
        .await?;
        Ok(done.rows_affected())
    }
}

/// The places to filter by; `None`: everybody is concerned.
fn places_of(scope: &Scope) -> Option<String> {
    match scope {
        Scope::Named { places, .. } if !places.is_empty() => serde_json::to_string(places).ok(),
        _ => None,
    }
}
