//! Opening an audience chunk by chunk: one step moves the cursor and inserts the rows. A held lane with 1.7 million recipients is one row.

use sqlx::SqliteConnection;

use super::alive::Alive;
use super::chunk::{Chunk, places_of, window};
use super::crowd::{Crowd, Left, has_room_at};
use super::due::Due;
use super::outset::{self, Outset};
use super::spelling::canonical;
use super::{ClaimRequest, StoreError};
use crate::clock::Ms;

/// Recipients looked at in one step where most of them may not be concerned.
const WINDOW: i64 = 4096;

/// An older notice of the incident has not opened for a domain yet: looked at again after this.
const LOOK_AGAIN_MS: Ms = 1_000;

/// Where a broadcast's opening stands during a claim.
pub(super) struct Cursor<'a> {
    broadcast: &'a Alive,
    open: bool,
    cursor: i64,
    upto: Option<i64>,
    /// The older notices of the incident that still open, and how far: order holds per recipient.
    older: Vec<(i64, i64)>,
    /// Domains were left out of it, or of an older one.
    crowded: bool,
    /// Domains that were left out; `None`: not read yet.
    crowd: Option<Crowd>,
    closed: bool,
    /// Rows opened in this claim.
    opened: i64,
    /// Of these, what has started with it.
    started: Vec<Due>,
}

/// What a claim lets open.
pub(super) struct Opening {
    /// Rows it has room for.
    pub(super) want: usize,
    /// Rows of the broadcast that wait already, without those opened in this claim.
    pub(super) waiting: i64,
    /// Between two sends to one domain, where domains have a rate of their own, µs.
    pub(super) step_us: Option<i64>,
    /// Who is opened may start at once.
    pub(super) outset: Option<Outset>,
}

impl<'a> Cursor<'a> {
    pub(super) fn of(broadcast: &'a Alive, older: &[&Alive]) -> Self {
        Self {
            broadcast,
            open: broadcast.opens(),
            cursor: broadcast.cursor,
            upto: broadcast.upto,
            older: older.iter().filter(|b| b.opens()).map(|b| (b.id, b.cursor)).collect(),
            crowded: broadcast.crowded || older.iter().any(|b| b.crowded),
            crowd: None,
            closed: false,
            opened: 0,
            started: Vec::new(),
        }
    }

    /// There may be somebody left to open for.
    pub(super) fn is_open(&self) -> bool {
        self.open
    }

    /// True where the last chunk was opened in this claim.
    pub(super) fn finished(&self) -> bool {
        self.closed
    }

    /// Rows opened in this claim.
    pub(super) fn opened(&self) -> i64 {
        self.opened
    }

    /// Rows that have started with the last chunk, in order.
    pub(super) fn started(&mut self) -> Vec<Due> {
        std::mem::take(&mut self.started)
    }

    /// When more of a domain that was left out may open.
    pub(super) fn next_ms(&self, now: Ms) -> Option<Ms> {
        let left = self.crowd.iter().flat_map(|crowd| crowd.own.values());
        left.map(|left| left.due).filter(|due| self.open && *due > now).min()
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
        opening: &Opening,
    ) -> Result<bool, StoreError> {
        if !self.open {
            return Ok(false);
        }
        let upto = match self.upto {
            Some(upto) => upto,
            None => self.fix_upto(c, self.broadcast.lane).await?,
        };
        let mut crowd = match self.crowd.take() {
            Some(crowd) => crowd,
            // Where domains have no rate of their own this claim leaves none out either.
            None if !self.crowded && opening.step_us.is_none() => Crowd::default(),
            None => Crowd::read(c, self.broadcast.id, &self.older).await?,
        };
        let opened = match self.open_left(c, r, &mut crowd, opening, upto).await? {
            true => true,
            false => self.open_next(c, r, &mut crowd, opening, upto).await?,
        };
        self.crowd = Some(crowd);
        Ok(opened)
    }

    /// Opens for whoever is next and of no domain that is left out.
    async fn open_next(
        &mut self,
        c: &mut SqliteConnection,
        r: &ClaimRequest,
        crowd: &mut Crowd,
        opening: &Opening,
        upto: i64,
    ) -> Result<bool, StoreError> {
        let mut chunk = Chunk {
            from: self.cursor,
            to: self.cursor,
            only: None,
            but: Vec::new(),
            starts: None,
        };
        if self.cursor < upto {
            let turns = i64::from(r.turns);
            let rest = opening.waiting + self.opened - crowd.waiting();
            if let Some(step_us) = opening.step_us
                && rest >= turns
                && !crowd
                    .leave_most(c, self.broadcast, (self.cursor, r.now_ms), rest, turns, step_us)
                    .await?
            {
                return Ok(false);
            }
            crowd.follow(c, self.broadcast.id, self.cursor, r.now_ms).await?;
            let but: Vec<String> = crowd.own.keys().map(|domain| format!("@{domain}")).collect();
            let by_places = places_of(&self.broadcast.scope).is_some();
            let sparse = by_places || !but.is_empty();
            let want = i64::try_from(opening.want).unwrap_or(i64::MAX);
            let looked_at = if sparse { WINDOW } else { want.min(WINDOW) };
            let reach = self.older.iter().map(|(_, cursor)| *cursor).fold(upto, i64::min);
            // Nobody left up to `reach`: done where nothing older is in the way, else the older ones go first.
            if let Some(outset) = opening.outset.filter(|_| !sparse) {
                let next = (self.cursor, reach, looked_at);
                (chunk.to, chunk.starts) = outset::window(c, self.broadcast.lane, next, outset).await?;
            } else {
                chunk.to = self.window(c, self.cursor, reach, looked_at).await?;
            }
            if !by_places && !but.is_empty() {
                chunk.to = self.nth(c, chunk.to, opening.want, &but).await?.unwrap_or(chunk.to);
            }
            chunk.but = but;
        }
        let end = chunk.to;
        let finished = end >= upto && crowd.own.is_empty();
        if end == self.cursor && !finished {
            return Ok(false);
        }
        self.closed = finished;
        self.open = !finished;
        self.cursor = end;
        let opened = chunk.open(c, r, self.broadcast, Some(finished)).await?;
        self.opened += opened.rows;
        self.started = opened.started;
        Ok(opened.rows > 0 || self.open)
    }

    /// Opens for domains that were left out and have room again; false: none has got further.
    async fn open_left(
        &mut self,
        c: &mut SqliteConnection,
        r: &ClaimRequest,
        crowd: &mut Crowd,
        opening: &Opening,
        upto: i64,
    ) -> Result<bool, StoreError> {
        let turns = i64::from(r.turns);
        let mut further = false;
        let ready = |left: &Left| opening.step_us.is_none() || left.due <= r.now_ms;
        let domains: Vec<String> = crowd
            .own
            .iter()
            .filter(|(_, left)| ready(left))
            .map(|(d, _)| d.clone())
            .collect();
        for domain in domains {
            if let Some(step_us) = opening.step_us
                && !crowd
                    .has_room(c, self.broadcast, &domain, (r.now_ms, turns, step_us))
                    .await?
            {
                continue;
            }
            let Some(left) = crowd.own.get(&domain).cloned() else {
                continue;
            };
            let reach = crowd.reach(&domain, &self.older, upto);
            let cursor = self
                .window(c, left.cursor, reach, WINDOW.min(i64::from(r.turns).max(1)))
                .await?;
            let chunk = Chunk {
                from: left.cursor,
                to: cursor,
                only: Some(format!("@{domain}")),
                but: Vec::new(),
                starts: None,
            };
            let opened = match chunk.to > chunk.from {
                true => chunk.open(c, r, self.broadcast, None).await?.rows,
                false => 0,
            };
            self.opened += opened;
            let waiting = left.waiting + opened;
            let got_on = cursor > left.cursor;
            further |= got_on;
            if cursor >= upto {
                crowd.take_back(c, self.broadcast.id, &domain).await?;
            } else {
                let due = match opening.step_us {
                    _ if !got_on => r.now_ms + LOOK_AGAIN_MS,
                    Some(step_us) => has_room_at(r.now_ms, waiting, turns, step_us),
                    None => r.now_ms,
                };
                crowd
                    .leave(c, self.broadcast.id, domain, Left { cursor, due, waiting })
                    .await?;
            }
        }
        Ok(further)
    }

    /// The last of the next so many recipients up to `reach`; `reach` where there are none.
    async fn window(&self, c: &mut SqliteConnection, from: i64, reach: i64, size: i64) -> Result<i64, StoreError> {
        let end = sqlx::query_scalar(concat!("SELECT ", window!()))
            .bind(self.broadcast.lane)
            .bind(from)
            .bind(reach)
            .bind(size)
            .fetch_one(c)
            .await?;
        Ok(end)
    }

    /// The recipient up to `end` with whom so many of no domain that is left out are reached; `None`: there are fewer.
    async fn nth(
        &self,
        c: &mut SqliteConnection,
        end: i64,
        n: usize,
        but: &[String],
    ) -> Result<Option<i64>, StoreError> {
        // Primary key (lane, seq) of recipient.
        Ok(sqlx::query_scalar(concat!(
            "SELECT seq FROM recipient r WHERE lane = ? AND seq > ? AND seq <= ?
               AND NOT EXISTS (SELECT 1 FROM json_each(?) o WHERE lower(substr(",
            canonical!("r"),
            ", -length(o.value))) = o.value)
             ORDER BY seq LIMIT 1 OFFSET ?",
        ))
        .bind(self.broadcast.lane)
        .bind(self.cursor)
        .bind(end)
        .bind(serde_json::to_string(but)?)
        .bind(i64::try_from(n.saturating_sub(1)).unwrap_or(i64::MAX))
        .fetch_optional(c)
        .await?)
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
}
