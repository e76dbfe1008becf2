//! The claim: one transaction that picks what a lane may start now, in order, at its rate, and writes it down as started before the first
//! byte leaves (LANES 3 and 4). What is due comes from `due.rs`, new chunks of an audience from `chunks.rs`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sqlx::{Row, SqliteConnection};

use super::alive::{self, Alive};
use super::due::{self, Due};
use super::marks::TURN;
use super::pace::{self, Pace};
use super::rate::Slots;
use super::rows::{pick, settle_lanes, variants};
use super::{ClaimRequest, Claimed, Job, Missing, StoreError, Variant, chunks, failover, thread};
use crate::clock::Ms;
use crate::domain::delivery::Gate;
use crate::ids::{BroadcastId, DeliveryId, IncidentId, NoticeSeq, RecipientId};
use crate::lane_core::ramp::Ran;
use crate::text::lang::Lang;

/// Rounds of opening chunks within one claim; more is another claim's, so that no transaction lasts.
const ROUNDS: usize = 8;
/// Where domains have a rate of their own, so many due rows are looked at to find some that may go.
const SCAN: usize = 512;
/// Where domains have a rate of their own, no more chunks open while so many rows wait for their turn.
const TURNS: i64 = 20_000;

/// The earliest of some moments.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Next(pub(super) Option<Ms>);

impl Next {
    pub(super) fn at(&mut self, ms: Ms) {
        self.0 = Some(self.0.map_or(ms, |known| known.min(ms)));
    }
}

/// What a lane row says to a claim.
struct LaneState {
    epoch: i64,
    shut: bool,
    drains: bool,
    ran: Option<Ran>,
    account: String,
    tat_us: Option<i64>,
}

/// Claims for a lane.
pub(super) async fn claim(c: &mut SqliteConnection, r: &ClaimRequest) -> Result<Claimed, StoreError> {
    let lane = lane_state(c, r.lane.0).await?;
    let mut claimed = Claimed {
        epoch: lane.epoch,
        ..Claimed::default()
    };
    if lane.shut || lane.epoch != r.epoch {
        return Ok(claimed);
    }
    let (homes, next_home) = failover::homes(c, r).await?;
    let mut alive = alive::for_claim(c, r, &homes).await?;
    let mut next = Next(next_home);
    let mut pace = Pace::new(Slots::new(r.rate, lane.tat_us, r.now_ms));
    if lane.drains {
        pace::climb(c, r, lane.ran, &mut pace).await?;
    }
    let limit = if r.probe { 1 } else { r.limit as usize };
    let mut settle = BTreeSet::new();
    for index in alive::in_order(&alive, r.probe) {
        let broadcast = alive[index].clone();
        let left = limit - claimed.jobs.len();
        if left == 0 {
            claimed.more = true;
            break;
        }
        if r.expires && broadcast.expires.is_some_and(|at| at <= r.now_ms) {
            continue;
        }
        if let Some(until) = broadcast.not_before.filter(|at| *at > r.now_ms) {
            next.at(until);
            continue;
        }
        let room = pace.free(left);
        if room == 0 {
            next.at(pace.next_ms());
            break;
        }
        let mut sink = Sink {
            pace: &mut pace,
            jobs: &mut claimed.jobs,
            full: limit - left + room,
            texts: variants(c, broadcast.id)
                .await?
                .into_iter()
                .map(|(l, v)| (l, Arc::new(v)))
                .collect(),
        };
        let found = start_rows(c, r, &mut alive, index, &mut sink, &mut next).await?;
        // A newer notice of the incident that came earlier in the order (urgent) may go as far now, or is held back no more.
        let moved = alive[index].cursor > broadcast.cursor;
        let stirs = |b: &Alive| {
            b.lane == broadcast.lane
                && b.incident == broadcast.incident
                && b.id != broadcast.id
                && ((moved && b.opens()) || (found.ended && b.waiting > 0))
        };
        claimed.more |= found.more || alive.iter().any(stirs);
        if found.ended || found.closed {
            settle.insert(broadcast.lane);
        }
    }
    settle_lanes(c, settle).await?;
    if !claimed.jobs.is_empty() {
        pace::settle(c, r, &pace).await?;
    }
    if let Some(tat_us) = pace.account_tat_us().filter(|_| !claimed.jobs.is_empty()) {
        // Primary key.
        sqlx::query("INSERT INTO account_rate (account, tat_us) VALUES (?, ?) ON CONFLICT DO UPDATE SET tat_us = excluded.tat_us")
            .bind(&lane.account)
            .bind(tat_us)
            .execute(&mut *c)
            .await?;
    }
    if !claimed.more
        && let Some(due) = due::next_after(c, &alive, r.now_ms).await?
    {
        next.at(due);
    }
    claimed.next_due_ms = next.0;
    claimed.drained = lane.drains && claimed.jobs.is_empty() && !claimed.more && is_drained(c, r.lane.0).await?;
    Ok(claimed)
}

/// True where nothing is under way, no chunk is closed, and whatever waits has been tried.
async fn is_drained(c: &mut SqliteConnection, lane: i64) -> Result<bool, StoreError> {
    // broadcast_live (lane, …) WHERE state < 2; delivery_due (broadcast, …) WHERE state = 0.
    Ok(sqlx::query_scalar(
        "SELECT NOT EXISTS (SELECT 1 FROM broadcast b WHERE b.lane = ? AND b.state < 2 AND (b.state = 0 OR b.n_started > 0 OR EXISTS (
           SELECT 1 FROM delivery d WHERE d.broadcast = b.id AND d.state = 0 AND d.attempt = 0 AND d.flags & 16 = 0)))",
    )
    .bind(lane)
    .fetch_one(c)
    .await?)
}

async fn lane_state(c: &mut SqliteConnection, lane: i64) -> Result<LaneState, StoreError> {
    // Primary keys of lane, account_rate and meta.
    let row = sqlx::query(
        "SELECT epoch, gate, configured, ramp, kind || ' ' || account AS account, (SELECT moved FROM meta WHERE one = 1) AS moved,
           (SELECT tat_us FROM account_rate a WHERE a.account = lane.kind || ' ' || lane.account) AS tat_us
         FROM lane WHERE id = ?",
    )
    .bind(lane)
    .fetch_optional(c)
    .await?
    .ok_or(StoreError::NotFound(Missing::Lane(lane)))?;
    Ok(LaneState {
        epoch: row.try_get("epoch")?,
        shut: row.try_get::<i64, _>("gate")? == Gate::Held as i64
            || row.try_get::<i64, _>("moved")? != 0
            || row.try_get::<i64, _>("configured")? == 0,
        drains: row.try_get::<i64, _>("gate")? == Gate::Draining as i64,
        ran: super::lanes::ran(row.try_get("ramp")?),
        account: row.try_get("account")?,
        tat_us: row.try_get("tat_us")?,
    })
}

/// Where started rows go, and how many there may be.
pub(super) struct Sink<'a> {
    pace: &'a mut Pace,
    jobs: &'a mut Vec<Job>,
    full: usize,
    texts: BTreeMap<Lang, Arc<Variant>>,
}

impl Sink<'_> {
    fn room(&self) -> usize {
        self.full.saturating_sub(self.jobs.len())
    }

    /// How many due rows are worth looking at: some may have to wait while others go.
    pub(super) fn looks_at(&self) -> usize {
        if self.pace.by_domain() {
            SCAN.max(self.room())
        } else {
            self.room()
        }
    }
}

/// What going through one broadcast left behind.
#[derive(Default)]
struct Found {
    more: bool,
    /// Rows ended without being sent.
    ended: bool,
    /// The last chunk is open.
    closed: bool,
}

/// Starts due rows first, then opens chunks of the audience until there is no room or nobody left; `alive` learns how far they opened.
async fn start_rows(
    c: &mut SqliteConnection,
    r: &ClaimRequest,
    alive: &mut [Alive],
    index: usize,
    sink: &mut Sink<'_>,
    next: &mut Next,
) -> Result<Found, StoreError> {
    let broadcast = alive[index].clone();
    let older = alive::older(&broadcast, alive);
    let mut found = Found::default();
    let mut chunk = chunks::Cursor::of(&broadcast, &older);
    let mut waiting = broadcast.waiting > 0;
    let mut taken = 0;
    for round in 0..=ROUNDS {
        if waiting {
            let seen = due::read(c, r, &broadcast, &older, sink, next).await?;
            found.ended |= seen.ended > 0;
            let started = start(c, r, &broadcast, seen.rows, sink, next).await?;
            taken += i64::try_from(seen.ended + started).unwrap_or(i64::MAX);
            // Whoever is held back by an older notice holds back the opening too: else a broken lane would open everything.
            let stop = seen.blocked && started == 0;
            if seen.ended > 0 && sink.room() > 0 && round < ROUNDS {
                // Whoever was taken out stood before others who are due as well.
                continue;
            }
            if stop {
                break;
            }
        }
        if sink.room() == 0 || round == ROUNDS {
            found.more = true;
            break;
        }
        let moved = match broadcast.via.filter(|_| broadcast.moves) {
            Some(to) => failover::move_waiting(c, broadcast.id, to, sink.room(), r.now_ms).await?,
            None => 0,
        };
        if moved == 0 {
            if sink.pace.by_domain() && broadcast.waiting - taken + chunk.opened() >= TURNS {
                break;
            }
            if !chunk.open_more(c, r, sink.room()).await? {
                break;
            }
        }
        waiting = true;
    }
    found.closed = chunk.finished();
    chunk.note(&mut alive[index]);
    alive[index].waiting -= taken;
    Ok(found)
}

/// Writes rows as started and makes their jobs; how many. Whose domain has had enough for now is put off until its turn.
async fn start(
    c: &mut SqliteConnection,
    r: &ClaimRequest,
    broadcast: &Alive,
    rows: Vec<Due>,
    sink: &mut Sink<'_>,
    next: &mut Next,
) -> Result<usize, StoreError> {
    if rows.is_empty() {
        return Ok(0);
    }
    let thread = if broadcast.is_account() {
        thread::of(c, r.lane.0, broadcast.incident).await?
    } else {
        None
    };
    let mut starts: Vec<(i64, Ms, Ms, i64)> = Vec::with_capacity(rows.len());
    let mut put_off: Vec<(i64, Ms)> = Vec::new();
    for row in rows {
        if sink.room() == 0 {
            break;
        }
        let start_at_ms = match sink.pace.take(&row.address) {
            Ok(at) => at,
            Err(turn) => {
                next.at(turn);
                put_off.push((row.id, turn));
                continue;
            }
        };
        let (lang, variant) = pick(&sink.texts, row.lang)
            .ok_or_else(|| StoreError::Database(format!("broadcast {} has no text", broadcast.id)))?;
        let variant = match variant.first.as_ref().filter(|_| row.first) {
            Some(text) => Arc::new(Variant {
                text: text.clone(),
                ..Variant::clone(variant)
            }),
            None => Arc::clone(variant),
        };
        // A term runs from the very first start, also where the attempt was given back afterwards.
        let first_started_ms = if row.attempt == 0 && row.step == 0 && !row.after_unknown {
            start_at_ms
        } else {
            row.first_started
        };
        starts.push((
            row.id,
            start_at_ms.saturating_add(r.lease_ms),
            first_started_ms,
            row.operation as i64,
        ));
        sink.jobs.push(Job {
            delivery: DeliveryId(row.id),
            broadcast: BroadcastId(broadcast.id),
            incident: IncidentId(broadcast.incident),
            notice: NoticeSeq(broadcast.notice),
            attempt: row.attempt + 1,
            first_started_ms,
            start_at_ms,
            operation: row.operation,
            step: row.step,
            step_handle: row.step_handle,
            after_unknown: row.after_unknown,
            begun: row.begun,
            recipient: RecipientId(row.recipient),
            address: row.address,
            name: row.name,
            variant,
            lang,
            thread: thread.clone(),
            target: row.target,
            urgent: broadcast.urgent,
            created_ms: broadcast.created,
        });
    }
    // Primary key per row of the list.
    sqlx::query(
        "UPDATE delivery SET state = 1, attempt = attempt + 1, due = j.value ->> 1, first_started = j.value ->> 2,
           operation = j.value ->> 3, changed = ?, flags = flags & ~34
         FROM json_each(?) j WHERE delivery.id = j.value ->> 0",
    )
    .bind(r.now_ms)
    .bind(serde_json::to_string(&starts)?)
    .execute(&mut *c)
    .await?;
    if !put_off.is_empty() {
        // Primary key per row of the list.
        sqlx::query(
            "UPDATE delivery SET due = j.value ->> 1, flags = flags | ? FROM json_each(?) j WHERE delivery.id = j.value ->> 0",
        )
        .bind(TURN)
        .bind(serde_json::to_string(&put_off)?)
        .execute(c)
        .await?;
    }
    Ok(starts.len())
}
