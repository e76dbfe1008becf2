//! Outcomes: what each attempt made of its row. Fenced by the attempt number; what comes too late is kept as evidence (LANES 3).

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Deserialize;
use sqlx::SqliteConnection;

use super::broadcasts::SHAPE_ACCOUNT;
use super::evidence::{self, Evidence};
use super::failover::{self, Moved, Refused, stand_in};
use super::marks::{AFTER_UNKNOWN, ASKED_FOR, DECIDED, NEW_HERE, TRIED, closed, passed};
use super::rows::{said_stored, settle_lanes, word};
use super::{Completed, Completion, Settled, StoreError, gate, hard, receipts, reopen, thread};
use crate::clock::Ms;
use crate::domain::delivery::DeliveryState;
use crate::domain::outcome::Remote;
use crate::ids::LaneId;
use crate::lane_core::window::{self, Sign};
use crate::text::said::Said;

/// A row as it stood before its outcome.
#[derive(Debug, Clone, Deserialize)]
struct Before {
    id: i64,
    broadcast: i64,
    recipient: i64,
    state: i64,
    attempt: u32,
    flags: i64,
    step: u8,
    step_handle: Option<String>,
    remote: Remote,
    lane: i64,
    incident: i64,
    notice: i64,
    shape: i64,
    closed: bool,
    /// By a digest, which tells it.
    told: bool,
    /// A newer notice has started for the same recipient since: it never starts again.
    passed: bool,
    via: Option<i64>,
    failover: Option<i64>,
    gate: i64,
    expires: Option<Ms>,
}

impl Before {
    fn is(&self, state: DeliveryState) -> bool {
        self.state == state as i64
    }

    /// The lane it was sent by.
    fn by(&self) -> i64 {
        self.via.unwrap_or(self.lane)
    }

    /// Refused for good: where it goes instead.
    fn goes_to(&self, x: &Completion) -> Result<Option<i64>, StoreError> {
        let refused = Refused {
            via: self.via,
            failover: self.failover,
            gate: self.gate,
            expires: self.expires,
            closed: self.closed,
            passed: self.passed,
            begun: self.flags & AFTER_UNKNOWN != 0 || self.step > 0,
        };
        refused.goes_to(x.reason, x.at_ms)
    }

    /// Waits again, unless a newer notice has passed it, or it was closed meanwhile and nothing of it has begun. What may be there is never
    /// said not to be.
    fn waits(&self, begun: bool) -> DeliveryState {
        let asked_for = AFTER_UNKNOWN | DECIDED | ASKED_FOR;
        let stale = self.closed && !self.told && self.step == 0 && self.flags & asked_for == asked_for;
        if (self.passed && self.flags & AFTER_UNKNOWN != 0) || stale {
            DeliveryState::Unknown
        } else if self.passed || (self.closed && !begun && self.step == 0) {
            DeliveryState::Superseded
        } else {
            DeliveryState::Waiting
        }
    }
}

/// A row as it is to be: id, state, attempt, due, changed, flags, step, handle, reason, remote key, id, url.
type After = (
    i64,
    u8,
    u32,
    Ms,
    Ms,
    i64,
    u8,
    Option<String>,
    Option<String>,
    Option<i64>,
    Option<String>,
    Option<String>,
);

/// What a batch changes beside the rows.
#[derive(Default)]
struct Effects {
    /// By id: of two outcomes of one row in one batch the later one stands.
    rows: BTreeMap<i64, After>,
    evidence: Vec<Evidence>,
    /// Of account lanes: lane, incident, notice, what is there now.
    posts: Vec<(i64, i64, i64, i64, Remote)>,
    /// What was said of recipients instead of taking it.
    gone: Vec<hard::Said>,
    /// Rows with a remote id whose receipt may have come first: lane, delivery.
    named: Vec<(i64, i64)>,
    /// Refused rows that go by another lane.
    moved: Vec<Moved>,
    lanes: BTreeSet<i64>,
    /// Whose rows another lane has sent.
    homes: BTreeSet<i64>,
    /// How welcome we are, by lane, in order.
    signs: BTreeMap<i64, Vec<(Ms, Sign)>>,
    broadcasts: BTreeMap<i64, Touched>,
    /// Rows that have ended because of a newer notice; the time of the newest outcome.
    ended: BTreeSet<i64>,
    /// These, and those that were refused for good and go nowhere else: their recipients may be for the cut that sums them up.
    missed: BTreeSet<i64>,
    at: Ms,
}

#[derive(Default)]
struct Touched {
    at: Ms,
    done: bool,
    text: Option<Said>,
}

/// Applies outcomes; what that means for lanes.
pub(super) async fn complete(c: &mut SqliteConnection, completions: &[Completion]) -> Result<Completed, StoreError> {
    let mut before = read(c, completions).await?;
    let mut effects = Effects {
        at: completions.iter().map(|x| x.at_ms).max().unwrap_or_default(),
        ..Effects::default()
    };
    for completion in completions {
        if let Some(row) = before.get_mut(&completion.delivery.0) {
            apply(row, completion, &mut effects)?;
        }
    }
    write(c, effects).await
}

async fn read(c: &mut SqliteConnection, completions: &[Completion]) -> Result<HashMap<i64, Before>, StoreError> {
    let ids: Vec<i64> = completions.iter().map(|x| x.delivery.0).collect();
    // Primary keys of delivery, broadcast and lane; see `passed`.
    // In one row: each is a way from SQLite's thread to this one.
    let rows: String = sqlx::query_scalar(concat!(
        "SELECT json_group_array(json_object('id', d.id, 'broadcast', d.broadcast, 'recipient', d.recipient, 'state', d.state,
           'attempt', d.attempt, 'flags', d.flags, 'step', d.step, 'step_handle', d.step_handle,
           'remote', json_object('id', d.remote_id, 'url', d.remote_url),
           'lane', b.lane, 'incident', b.incident, 'notice', b.notice, 'shape', b.shape, 'closed', ",
        "json(CASE WHEN b.superseded_by IS NULL THEN 'false' ELSE 'true' END)",
        ", 'told', ",
        "json(CASE WHEN b.superseded_by IS NULL OR ",
        closed!(),
        " THEN 'false' ELSE 'true' END)",
        ", 'passed', ",
        "json(CASE WHEN d.state IN (1, 4) AND ",
        passed!(),
        " THEN 'true' ELSE 'false' END)",
        ", 'via', d.via, 'failover', ",
        stand_in!(),
        ", 'gate', l.gate, 'expires', b.expires))
         FROM json_each(?) j CROSS JOIN delivery d ON d.id = j.value CROSS JOIN broadcast b ON b.id = d.broadcast
           CROSS JOIN lane l ON l.id = b.lane"
    ))
    .bind(serde_json::to_string(&ids)?)
    .fetch_one(c)
    .await?;
    let rows: Vec<Before> = serde_json::from_str(&rows)?;
    Ok(rows.into_iter().map(|row| (row.id, row)).collect())
}

/// One outcome on one row. An unknown row may still learn its outcome: late, by a read-back, by its old process.
fn apply(row: &mut Before, x: &Completion, effects: &mut Effects) -> Result<(), StoreError> {
    let current = x.attempt == row.attempt
        && (row.is(DeliveryState::Started) || (row.is(DeliveryState::Unknown) && x.settled != Settled::Unknown));
    if !current {
        return late(row, x, effects);
    }
    if row.via.is_some() {
        effects.homes.insert(row.lane);
    }
    if let Some(sign) = window::sign(x) {
        effects.signs.entry(row.by()).or_default().push((x.at_ms, sign));
    }
    row.flags &= !NEW_HERE;
    let mut due = 0;
    let mut spent = true;
    let state = match &x.settled {
        Settled::Delivered(remote) | Settled::Accepted(remote) => {
            row.remote = remote.clone();
            post(row, effects);
            if matches!(x.settled, Settled::Delivered(_)) {
                DeliveryState::Delivered
            } else {
                DeliveryState::Accepted
            }
        }
        Settled::Stepped { step, handle } => {
            row.step = *step;
            row.step_handle = Some(handle.clone());
            // The step that may have got through is done; the next one has never left.
            row.flags &= !(AFTER_UNKNOWN | DECIDED);
            spent = false;
            due = x.at_ms;
            row.waits(true)
        }
        Settled::Waiting {
            due_ms,
            spent: counts,
            after_unknown,
        } => {
            spent = *counts;
            due = *due_ms;
            // What may have got through earlier runs out, also where this attempt certainly did not.
            let begun = *after_unknown || (row.is(DeliveryState::Started) && row.flags & AFTER_UNKNOWN != 0);
            if *after_unknown {
                row.flags = (row.flags | AFTER_UNKNOWN) & !DECIDED;
            } else if row.is(DeliveryState::Unknown) {
                // Read back, and certainly not there: as if it had not begun.
                row.flags &= !(AFTER_UNKNOWN | DECIDED);
            }
            row.waits(begun)
        }
        Settled::GoesAgain { due_ms } => {
            row.flags |= AFTER_UNKNOWN | DECIDED;
            due = *due_ms;
            row.waits(true)
        }
        Settled::Unknown => DeliveryState::Unknown,
        Settled::Permanent => DeliveryState::Permanent,
        Settled::Gone => {
            if row.recipient > 0 {
                let said = (row.lane, row.recipient, x.delivery, x.at_ms, x.reason);
                effects.gone.push(said);
            }
            DeliveryState::Gone
        }
        Settled::Dropped => {
            row.flags |= AFTER_UNKNOWN;
            DeliveryState::Dropped
        }
    };
    let done = matches!(state, DeliveryState::Delivered | DeliveryState::Accepted);
    if !done && !matches!(x.settled, Settled::Stepped { .. }) {
        effects.evidence.push(Evidence::of(x, "failed")?);
    }
    if !spent {
        row.attempt = row.attempt.saturating_sub(1);
        row.flags |= TRIED;
    }
    if state != DeliveryState::Waiting {
        due = 0;
    }
    if state == DeliveryState::Superseded {
        effects.ended.insert(row.id);
        effects.missed.insert(row.id);
    }
    if state == DeliveryState::Unknown {
        row.flags = (row.flags | AFTER_UNKNOWN) & !DECIDED;
    }
    let reason = (!done).then(|| word(x.reason)).transpose()?;
    let to = match x.settled {
        Settled::Permanent => row.goes_to(x)?,
        _ => None,
    };
    if state == DeliveryState::Permanent && to.is_none() {
        effects.missed.insert(row.id);
    }
    push(row, x, state as i64, due, reason, effects);
    if let Some(to) = to {
        (row.state, row.via) = (DeliveryState::Waiting as i64, Some(to));
        effects.moved.push(Moved {
            row: x.delivery.0,
            attempt: row.attempt,
            to,
            at: x.at_ms,
        });
    }
    Ok(())
}

/// An outcome of an old attempt, or of a row that a receipt or a person has ended meanwhile: evidence, where it says something else than the
/// row. The remote id it brings is kept where none is known.
fn late(row: &mut Before, x: &Completion, effects: &mut Effects) -> Result<(), StoreError> {
    let there = row.is(DeliveryState::Accepted) || row.is(DeliveryState::Delivered);
    if let Settled::Delivered(remote) | Settled::Accepted(remote) = &x.settled
        && x.attempt == row.attempt
        && !row.is(DeliveryState::Waiting)
    {
        if row.remote.id.is_none() && remote.id.is_some() {
            row.remote = remote.clone();
            post(row, effects);
            let state = row.state;
            push(row, x, state, 0, None, effects);
        }
        if there {
            return Ok(());
        }
    }
    effects.evidence.push(Evidence::of(x, "evidence")?);
    Ok(())
}

/// Puts the row as it now stands among what is to be written.
fn push(row: &mut Before, x: &Completion, state: i64, due: Ms, reason: Option<String>, effects: &mut Effects) {
    row.state = state;
    let touched = effects.broadcasts.entry(row.broadcast).or_default();
    touched.at = touched.at.max(x.at_ms);
    touched.done |= state == DeliveryState::Delivered as i64 || state == DeliveryState::Accepted as i64;
    if reason.is_some() && !x.text.is_empty() {
        touched.text = Some(x.text.clone());
    }
    effects.lanes.insert(row.lane);
    if row.remote.id.is_some() {
        effects.named.push((row.by(), x.delivery.0));
    }
    let after = (
        x.delivery.0,
        u8::try_from(state).unwrap_or(0),
        row.attempt,
        due,
        x.at_ms,
        row.flags,
        row.step,
        row.step_handle.clone(),
        reason,
        row.remote.id.as_deref().map(receipts::remote_key),
        row.remote.id.clone(),
        row.remote.url.clone(),
    );
    effects.rows.insert(x.delivery.0, after);
}

/// The account's newest post, for threads and for the board's link.
fn post(row: &Before, effects: &mut Effects) {
    if row.shape == SHAPE_ACCOUNT && (row.remote.id.is_some() || row.remote.url.is_some()) {
        effects
            .posts
            .push((row.by(), row.incident, row.notice, row.broadcast, row.remote.clone()));
    }
}

async fn write(c: &mut SqliteConnection, effects: Effects) -> Result<Completed, StoreError> {
    if !effects.rows.is_empty() {
        // Primary key per row; delivery_started and delivery_due lose their entries.
        sqlx::query(
            "UPDATE delivery SET state = j.value ->> 1, attempt = j.value ->> 2, due = j.value ->> 3, changed = j.value ->> 4,
               flags = j.value ->> 5, step = j.value ->> 6, step_handle = j.value ->> 7, reason = j.value ->> 8,
               remote_key = j.value ->> 9, remote_id = j.value ->> 10, remote_url = j.value ->> 11
             FROM json_each(?) j WHERE delivery.id = j.value ->> 0",
        )
        .bind(serde_json::to_string(&effects.rows.values().collect::<Vec<_>>())?)
        .execute(&mut *c)
        .await?;
    }
    evidence::write(c, &effects.evidence).await?;
    failover::move_refused(c, &effects.moved).await?;
    reopen::hand_over(c, &effects.missed, effects.at).await?;
    reopen::reopen(c, &effects.ended, effects.at).await?;
    for (id, touched) in &effects.broadcasts {
        // Primary key.
        sqlx::query(
            "UPDATE broadcast SET changed = max(changed, ?1), first_done = CASE WHEN ?2 THEN coalesce(first_done, ?1) ELSE first_done END,
               last_text = coalesce(?3, last_text) WHERE id = ?4",
        )
        .bind(touched.at)
        .bind(touched.done)
        .bind(touched.text.as_ref().map(said_stored).transpose()?)
        .bind(id)
        .execute(&mut *c)
        .await?;
    }
    for (lane, incident, notice, broadcast, remote) in effects.posts {
        thread::new_post(c, lane, incident, notice, broadcast, &remote).await?;
    }
    hard::at_once(c, &effects.gone).await?;
    let mut wakes = receipts::settle_waiting(c, &effects.named).await?;
    wakes.extend(effects.moved.iter().map(|moved| moved.to));
    wakes.extend(effects.homes);
    settle_lanes(c, effects.lanes).await?;
    Ok(Completed {
        held: gate::note(c, effects.signs).await?,
        wakes: wakes.into_iter().map(LaneId).collect(),
    })
}
