//! Outcomes: what each attempt made of its row. Fenced by the attempt number; what comes too late is kept as evidence (LANES 3).

use std::collections::{BTreeMap, BTreeSet};

use sqlx::SqliteConnection;

use super::before::{self, Before};
use super::broadcasts::SHAPE_ACCOUNT;
use super::evidence::{self, Evidence};
use super::failover::{self, Moved};
use super::marks::{AFTER_UNKNOWN, COUNTED, DECIDED, NEW_HERE, TRIED};
use super::rows::{said_stored, settle_lanes, word};
use super::{Completed, Completion, Settled, StoreError, gate, hard, receipts, reopen, thread};
use crate::clock::Ms;
use crate::domain::delivery::DeliveryState;
use crate::domain::outcome::Remote;
use crate::ids::LaneId;
use crate::lane_core::window::{self, Sign};
use crate::text::said::Said;

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
    /// Rows that arrived and have nothing else to remember, by state. Most of them; written by their numbers alone.
    plain: BTreeMap<u8, BTreeMap<i64, Plain>>,
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

/// A row of which only state and time are new.
struct Plain {
    broadcast: i64,
    was: i64,
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
    let mut before = before::read(c, completions).await?;
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

/// One outcome on one row. An unknown row may still learn its outcome: late, by a read-back, by its old process.
fn apply(row: &mut Before, x: &Completion, effects: &mut Effects) -> Result<(), StoreError> {
    let current = x.attempt == row.attempt
        && (row.is(DeliveryState::Started) || (row.is(DeliveryState::Unknown) && x.settled != Settled::Unknown));
    if !current {
        return late(row, x, effects);
    }
    if row.via.is_some() {
        effects.homes.insert(row.of.lane);
    }
    if let Some(sign) = window::sign(x) {
        effects.signs.entry(row.by()).or_default().push((x.at_ms, sign));
    }
    row.flags &= !NEW_HERE;
    let mut due = 0;
    let mut spent = true;
    let mut plain = false;
    let state = match &x.settled {
        Settled::Delivered(remote) | Settled::Accepted(remote) => {
            plain = row.remote == *remote;
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
                let said = (row.of.lane, row.recipient, x.delivery, x.at_ms, x.reason);
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
    // What a digest tells in its place, or a newer one has passed, may wait again: not sooner than it was told.
    if !matches!(state, DeliveryState::Waiting | DeliveryState::Superseded) {
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
    match plain && !effects.rows.contains_key(&row.id) {
        true => push_plain(row, x, state, effects),
        false => push(row, x, state as i64, due, reason, effects),
    }
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
    touch(row, x, state, reason.is_some(), effects);
    for plain in effects.plain.values_mut() {
        plain.remove(&row.id);
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

/// The same of a row of which only state and time are new.
fn push_plain(row: &mut Before, x: &Completion, state: DeliveryState, effects: &mut Effects) {
    let plain = Plain {
        broadcast: row.of.broadcast,
        was: row.state,
        at: x.at_ms,
    };
    touch(row, x, state as i64, false, effects);
    effects.plain.entry(state as u8).or_default().insert(row.id, plain);
}

/// What follows for others from what the row has become.
fn touch(row: &mut Before, x: &Completion, state: i64, failed: bool, effects: &mut Effects) {
    row.state = state;
    let touched = effects.broadcasts.entry(row.of.broadcast).or_default();
    touched.at = touched.at.max(x.at_ms);
    touched.done |= state == DeliveryState::Delivered as i64 || state == DeliveryState::Accepted as i64;
    if failed && !x.text.is_empty() {
        touched.text = Some(x.text.clone());
    }
    effects.lanes.insert(row.of.lane);
    if row.remote.id.is_some() {
        effects.named.push((row.by(), x.delivery.0));
    }
}

/// The account's newest post, for threads and for the board's link.
fn post(row: &Before, effects: &mut Effects) {
    if row.of.shape == SHAPE_ACCOUNT && (row.remote.id.is_some() || row.remote.url.is_some()) {
        effects.posts.push((
            row.by(),
            row.of.incident,
            row.of.notice,
            row.of.broadcast,
            row.remote.clone(),
        ));
    }
}

/// Writes down what arrived and counts it.
async fn write_plain(c: &mut SqliteConnection, plain: &BTreeMap<u8, BTreeMap<i64, Plain>>) -> Result<(), StoreError> {
    for (state, rows) in plain.iter().filter(|(_, rows)| !rows.is_empty()) {
        let times: BTreeMap<i64, Ms> = rows.iter().map(|(id, row)| (*id, row.at)).collect();
        // Primary key per row; delivery_started loses its entry.
        sqlx::query(
            "UPDATE delivery SET state = ?1, due = 0, changed = j.value, flags = (flags & ~(?2 | ?3)) | (~flags & ?3), reason = NULL
             FROM json_each(?4) j WHERE delivery.id = j.key",
        )
        .bind(state)
        .bind(NEW_HERE)
        .bind(COUNTED)
        .bind(serde_json::to_string(&times)?)
        .execute(&mut *c)
        .await?;
        // Of each broadcast: how many had started, how many were unknown, the newest time.
        let mut counts: BTreeMap<i64, (i64, i64, Ms)> = BTreeMap::new();
        for row in rows.values() {
            let (started, unknown, at) = counts.entry(row.broadcast).or_insert((0, 0, row.at));
            *started += i64::from(row.was == DeliveryState::Started as i64);
            *unknown += i64::from(row.was == DeliveryState::Unknown as i64);
            *at = row.at.max(*at);
        }
        for (broadcast, (started, unknown, at)) in counts {
            // Primary key.
            sqlx::query(
                "UPDATE broadcast SET n_started = n_started - ?1, n_unknown = n_unknown - ?2, n_accepted = n_accepted + iif(?4 = 2, ?1 + ?2, 0),
                   n_delivered = n_delivered + iif(?4 = 3, ?1 + ?2, 0), touched = max(touched, ?3) WHERE id = ?5",
            )
            .bind(started)
            .bind(unknown)
            .bind(at)
            .bind(state)
            .bind(broadcast)
            .execute(&mut *c)
            .await?;
        }
    }
    Ok(())
}

async fn write(c: &mut SqliteConnection, effects: Effects) -> Result<Completed, StoreError> {
    write_plain(c, &effects.plain).await?;
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
    let again = reopen::reopen(c, &effects.ended, effects.at).await?;
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
    wakes.extend(again);
    settle_lanes(c, effects.lanes).await?;
    Ok(Completed {
        held: gate::note(c, effects.signs).await?,
        wakes: wakes.into_iter().map(LaneId).collect(),
    })
}
