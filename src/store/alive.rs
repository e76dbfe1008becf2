//! The broadcasts that are alive on a lane, in the order in which they go out: urgency orders incidents and broadcasts, never the notices a
//! recipient gets of one incident (LANES 4).

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Deserialize;
use sqlx::SqliteConnection;

use super::StoreError;
use super::broadcasts::{SHAPE_ACCOUNT, SHAPE_AUDIENCE, SHAPE_LEVELS};
use super::rows::{catch_up_stored, kind_of, listed};
use crate::clock::Ms;
use crate::domain::delivery::{BroadcastState, CatchUp, Operation};
use crate::domain::digest::{self, Waits};
use crate::domain::notice::Scope;
use crate::ids::NoticeSeq;

/// A live broadcast (or one that has ended but still holds its successors, see `holds_only`).
#[derive(Debug, Clone)]
pub(super) struct Alive {
    pub(super) id: i64,
    /// The lane it was published for, whose recipients it reaches.
    pub(super) lane: i64,
    /// The lane whose rows are meant where that is another one: `delivery.via`.
    pub(super) via: Option<i64>,
    /// What waits there may move to `via`.
    pub(super) moves: bool,
    pub(super) incident: i64,
    pub(super) notice: i64,
    pub(super) kind: i64,
    pub(super) urgent: bool,
    pub(super) operation: Operation,
    pub(super) shape: i64,
    pub(super) open: bool,
    pub(super) corrects: String,
    pub(super) upto: Option<i64>,
    pub(super) cursor: i64,
    pub(super) expires: Option<Ms>,
    pub(super) not_before: Option<Ms>,
    pub(super) created: Ms,
    pub(super) scope: Scope,
    pub(super) waiting: i64,
    pub(super) overtaken: bool,
    /// Domains were left out of its opening.
    pub(super) crowded: bool,
    /// Published for a channel that catches up by digest.
    pub(super) digest: bool,
    /// Its digest has to be written again.
    pub(super) uncut: bool,
    /// A newer notice has its place: what has begun runs out.
    pub(super) closed: bool,
    pub(super) holds_only: bool,
}

impl Alive {
    fn of(row: Read) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.id,
            lane: row.lane,
            via: None,
            moves: false,
            incident: row.incident,
            notice: row.notice,
            kind: row.kind,
            urgent: row.urgent != 0,
            operation: listed(Operation::from_stored(row.operation), "an operation")?,
            shape: row.shape,
            open: row.state == BroadcastState::Open as i64,
            corrects: row.corrects,
            upto: row.upto,
            cursor: row.cursor,
            expires: row.expires,
            not_before: row.not_before,
            created: row.created,
            scope: serde_json::from_str(&row.scope)?,
            waiting: row.waiting,
            overtaken: row.overtaken != 0,
            crowded: row.crowded != 0,
            digest: row.catch_up == catch_up_stored(CatchUp::Digest),
            uncut: row.uncut != 0,
            closed: row.superseded_by.is_some(),
            holds_only: row.holds_only != 0,
        })
    }

    /// One account instead of an audience.
    pub(super) fn is_account(&self) -> bool {
        self.shape == SHAPE_ACCOUNT
    }

    /// Chunks may still open.
    pub(super) fn opens(&self) -> bool {
        self.open && self.shape == SHAPE_AUDIENCE && (self.via.is_none() || self.moves)
    }

    /// It has run out by then; never by a clock in doubt.
    pub(super) fn is_over(&self, by: Option<Ms>) -> bool {
        self.expires.is_some_and(|at| Some(at) <= by)
    }

    /// As a digest sees it; `None`: nothing of it waits for its turn.
    fn waits(&self, over: Option<Ms>) -> Option<Waits> {
        let stands = !self.holds_only && !self.closed && !self.overtaken && !self.is_over(over);
        let waits = stands && (self.open || self.waiting > 0);
        Some(Waits {
            notice: NoticeSeq(self.notice),
            kind: kind_of(self.kind).filter(|_| waits)?,
            digest: self.digest,
            covers: Vec::new(),
            stale: self.uncut,
        })
    }

    fn has_work(&self) -> bool {
        // Of another lane's only what has moved, or may: as the waiting are counted by broadcast, there may be none of these.
        !self.holds_only && (self.waiting > 0 || self.opens())
    }
}

/// Everything alive on lanes, and what was refused there since a moment, which still holds its successors, for [`read`]: of a JSON list of pairs.
/// broadcast_live (lane, notice) WHERE state < 2; of the refused broadcast_incident (incident, lane, …); primary key of chunk_left. In one row: each is a
/// way from SQLite's thread to this one.
macro_rules! alive {
    ($lanes:literal, $levels:literal) => {
        concat!(
            "(WITH lanes AS NOT MATERIALIZED (SELECT value ->> 0 AS lane, value ->> 1 AS since FROM json_each(",
            $lanes,
            ")), known AS (
               SELECT b.id, 0 AS holds_only FROM lanes l CROSS JOIN broadcast b ON b.lane = l.lane AND b.state < 2 AND b.shape <> ",
            $levels,
            " UNION ALL
               SELECT b.id, 1 FROM lanes l
                 CROSS JOIN broadcast b ON b.incident IN (SELECT a.incident FROM broadcast a WHERE a.lane = l.lane AND a.state < 2)
                   AND b.lane = l.lane AND b.state >= 2 AND n_permanent > 0 AND changed > l.since)
             SELECT json_group_array(json_array(b.id, b.lane, incident, notice, kind, urgent, operation, shape, state, corrects, upto, cursor, expires,
               not_before, created, scope, n_waiting, overtaken, catch_up, uncut, superseded_by,
               holds_only = 0 AND EXISTS (SELECT 1 FROM chunk_left k WHERE k.broadcast = b.id), holds_only))
             FROM known CROSS JOIN broadcast b ON b.id = known.id)"
        )
    };
}

pub(super) use alive;

/// By lane, oldest notice first.
pub(super) type OfLanes = HashMap<i64, Vec<Alive>>;

/// What [`alive`] gave.
pub(super) fn read(rows: &str) -> Result<OfLanes, StoreError> {
    let mut alive = OfLanes::new();
    for row in serde_json::from_str::<Vec<Read>>(rows)? {
        let b = Alive::of(row)?;
        alive.entry(b.lane).or_default().push(b);
    }
    for of_lane in alive.values_mut() {
        of_lane.sort_by_key(|b| (b.holds_only, b.notice));
    }
    Ok(alive)
}

/// Everything alive on these lanes.
pub(super) async fn of_lanes(c: &mut SqliteConnection, lanes: &[(i64, Ms)]) -> Result<OfLanes, StoreError> {
    if lanes.is_empty() {
        return Ok(OfLanes::new());
    }
    let rows: String = sqlx::query_scalar(concat!("SELECT ", alive!("?1", "?2")))
        .bind(serde_json::to_string(lanes)?)
        .bind(SHAPE_LEVELS)
        .fetch_one(c)
        .await?;
    read(&rows)
}

/// A broadcast as it is read.
#[derive(Debug, Deserialize)]
struct Read {
    id: i64,
    lane: i64,
    incident: i64,
    notice: i64,
    kind: i64,
    urgent: i64,
    operation: i64,
    shape: i64,
    state: i64,
    corrects: String,
    upto: Option<i64>,
    cursor: i64,
    expires: Option<Ms>,
    not_before: Option<Ms>,
    created: Ms,
    scope: String,
    waiting: i64,
    overtaken: i64,
    catch_up: i64,
    uncut: i64,
    superseded_by: Option<i64>,
    crowded: i64,
    holds_only: i64,
}

/// What has work, in order: everything urgent, then the rest of incidents that have something urgent, then all other; each by the age of the
/// incident's oldest work. Each recipient's own order is kept row by row. A probe takes the most urgent incident, strictly by number.
/// Positions in `alive`.
pub(super) fn in_order(alive: &[Alive], probe: bool) -> Vec<usize> {
    let mut incidents: BTreeMap<i64, (bool, i64)> = BTreeMap::new();
    for b in alive.iter().filter(|b| b.has_work()) {
        let known = incidents.entry(b.incident).or_insert((false, b.notice));
        *known = (known.0 || b.urgent, known.1.min(b.notice));
    }
    let mut work: Vec<usize> = (0..alive.len()).filter(|i| alive[*i].has_work()).collect();
    work.sort_by_key(|i| {
        let b = &alive[*i];
        let (urgent, oldest) = incidents.get(&b.incident).copied().unwrap_or((false, 0));
        let class = match (b.urgent && !probe, urgent) {
            (true, _) => 0,
            (false, true) => 1,
            (false, false) => 2,
        };
        (class, oldest, b.notice, b.lane)
    });
    work
}

/// The incidents (and their lanes) of which a cut has to be made before anything more of them starts; `over` as in [`super::DueCut`].
pub(super) fn uncut(alive: &[Alive], over: Option<Ms>) -> BTreeSet<(i64, i64)> {
    let mut waiting: BTreeMap<(i64, i64), Vec<Waits>> = BTreeMap::new();
    // Without a channel that catches up by digest there is nothing to look for: nearly always.
    if alive.iter().any(|b| b.digest) {
        for b in alive {
            waiting.entry((b.lane, b.incident)).or_default().extend(b.waits(over));
        }
    }
    waiting.retain(|_, waiting| digest::cut(waiting).is_some());
    waiting.into_keys().collect()
}

/// The older ones of the same incident: what a recipient has to have first.
pub(super) fn older<'a>(of: &Alive, alive: &'a [Alive]) -> Vec<&'a Alive> {
    alive
        .iter()
        .filter(|b| b.lane == of.lane && b.incident == of.incident && b.notice < of.notice)
        .collect()
}
