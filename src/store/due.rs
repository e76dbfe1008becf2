//! The due rows of one broadcast: whoever still waits for an older notice stays back, whoever has left is gone, and a correction finds out
//! what each recipient has got of what it corrects.

use std::collections::{HashMap, HashSet};

use sqlx::SqliteConnection;

use super::alive::Alive;
use super::claim::Next;
use super::look::Read;
use super::marks::{AFTER_UNKNOWN, DECIDED, FROM_COPY, TRIED, corrected, had};
use super::rows::{from_word, listed};
use super::{ClaimRequest, StoreError, retention};
use crate::clock::Ms;
use crate::domain::delivery::Operation;
use crate::domain::notice::Scope;
use crate::domain::outcome::Remote;
use crate::domain::supersede::concerns;
use crate::text::lang::Lang;

/// Blocked for as long as a request is in flight, or by what is due itself and held back in turn; the next look comes when that moves.
const IN_FLIGHT: i64 = i64::MAX;
/// Held back rows of an audience are looked at again after this, so that no claim reads the same blocked rows over and over.
pub(super) const LOOK_AGAIN_MS: Ms = 500;
const LOOK_AGAIN_MAX_MS: Ms = 60_000;

/// A row that may start.
#[derive(Debug)]
pub(super) struct Due {
    pub(super) id: i64,
    pub(super) recipient: i64,
    pub(super) attempt: u32,
    pub(super) first_started: Ms,
    pub(super) operation: Operation,
    pub(super) step: u8,
    pub(super) step_handle: Option<String>,
    pub(super) after_unknown: bool,
    /// It came with a backup, and nothing says with which text it may have begun elsewhere.
    pub(super) from_copy: bool,
    pub(super) address: String,
    /// The form in which that is compared, where it is another one.
    pub(super) canonical: Option<String>,
    pub(super) name: Option<String>,
    pub(super) lang: Option<Lang>,
    /// The text that an earlier attempt may have gone out with, where words of it were taken out since.
    pub(super) withdrawn: Option<String>,
    pub(super) target: Option<Remote>,
    /// The text its newest attempt began with (`texts.rs`).
    pub(super) told: i64,
    /// A correction for somebody who has not got what it corrects.
    pub(super) first: bool,
    /// A cut for somebody who lacks any of what it sums up.
    pub(super) digest: bool,
    /// The scope does not name the recipient's places (any more).
    pub(super) elsewhere: bool,
    /// An earlier attempt may have got through: it runs out.
    pub(super) begun: bool,
}

/// What was seen of a broadcast's due rows.
pub(super) struct Seen {
    pub(super) rows: Vec<Due>,
    /// Some wait for an older notice.
    pub(super) blocked: bool,
    /// Of these, so many are looked at again later, and are out of the way of whoever is due behind them.
    pub(super) put_off: usize,
    /// So many ended here (gone, nothing to retract).
    pub(super) ended: usize,
    /// Of these, what nobody needs although it had been tried: it may have passed older ones.
    pub(super) needless: Vec<i64>,
}

/// Tells apart who may start, who waits and who has left.
pub(super) async fn sort(
    c: &mut SqliteConnection,
    r: &ClaimRequest,
    b: &Alive,
    rows: Vec<Read>,
    next: &mut Next,
) -> Result<Seen, StoreError> {
    let mut seen = Seen {
        rows: Vec::new(),
        blocked: false,
        put_off: 0,
        ended: 0,
        needless: Vec::new(),
    };
    let correction = b.kind != 0;
    let mut gone = Vec::new();
    let mut nothing = Vec::new();
    let mut later: Vec<(i64, Ms)> = Vec::new();
    let tried = rows.iter().filter(|row| row.attempt > 0 || row.flags & TRIED != 0);
    let tried: HashSet<i64> = tried.map(|row| row.id).collect();
    for row in rows {
        let (id, recipient) = (row.id, row.recipient);
        if let Some(at) = row.free_at.filter(|at| *at > r.now_ms) {
            seen.blocked = true;
            if at != IN_FLIGHT {
                next.at(at);
            }
            // Of an account its own lane looks when the older one has moved on.
            if recipient > 0 || b.via.is_some() {
                // What holds back a row that moved is mostly on its old lane, which may be held for long.
                let soon = if b.via.is_some() {
                    LOOK_AGAIN_MAX_MS
                } else {
                    LOOK_AGAIN_MS
                };
                let again = if at == IN_FLIGHT { r.now_ms + soon } else { at };
                let again = again.min(r.now_ms + LOOK_AGAIN_MAX_MS);
                next.at(again);
                later.push((id, again));
            }
            continue;
        }
        if row.passed != 0 {
            nothing.push(id);
            continue;
        }
        let lacks = row.lacks != 0;
        let here = recipient == 0 || lacks || concerned(&row, &b.scope)?;
        // Where a correction's scope is another than that of what it corrects, it is also for whoever has got that.
        let left = row.state != Some(0) || row.suppressed != 0;
        if recipient > 0 && (left || (!here && !correction)) {
            // Whom of a cut only the older notices concern, and who has those by now, is still with us.
            if b.digest && !left {
                nothing.push(id);
            } else {
                gone.push(id);
            }
            continue;
        }
        seen.rows.push(Due {
            elsewhere: !here,
            digest: lacks,
            ..due(row)?
        });
    }
    seen.put_off = later.len();
    if !later.is_empty() {
        // Primary key per row.
        sqlx::query("UPDATE delivery SET due = j.value ->> 1 FROM json_each(?) j WHERE delivery.id = j.value ->> 0")
            .bind(serde_json::to_string(&later)?)
            .execute(&mut *c)
            .await?;
    }
    if correction {
        nothing.extend(settle_correction(c, b, &mut seen.rows).await?);
    }
    seen.ended = gone.len() + nothing.len();
    seen.needless = nothing.iter().copied().filter(|id| tried.contains(id)).collect();
    for (ids, state, reason) in [(gone, 6, "recipient-gone"), (nothing, 7, "superseded")] {
        if !ids.is_empty() {
            // Primary key per row. What may be there is not said not to be.
            sqlx::query(
                "UPDATE delivery SET state = CASE WHEN flags & 1 THEN 4 ELSE ? END, flags = flags & ~8, due = 0, changed = ?, reason = ?
                 WHERE id IN (SELECT value FROM json_each(?))",
            )
            .bind(state)
            .bind(r.now_ms)
            .bind(reason)
            .bind(serde_json::to_string(&ids)?)
            .execute(&mut *c)
            .await?;
        }
    }
    Ok(seen)
}

fn due(row: Read) -> Result<Due, StoreError> {
    Ok(Due {
        id: row.id,
        recipient: row.recipient,
        attempt: row.attempt,
        first_started: row.first_started,
        operation: listed(Operation::from_stored(row.operation), "an operation")?,
        step: row.step,
        step_handle: row.step_handle,
        after_unknown: row.flags & (AFTER_UNKNOWN | DECIDED) == AFTER_UNKNOWN,
        from_copy: row.flags & FROM_COPY != 0,
        address: row.address.unwrap_or_default(),
        canonical: row.canonical,
        name: row.name,
        lang: from_word(row.lang),
        withdrawn: row.withdrawn,
        target: None,
        told: row.told,
        first: false,
        digest: false,
        elsewhere: false,
        begun: row.flags & AFTER_UNKNOWN != 0,
    })
}

/// True where the scope concerns the places that are followed now.
fn concerned(row: &Read, scope: &Scope) -> Result<bool, StoreError> {
    Ok(match &row.places {
        Some(places) if *scope != Scope::All => concerns(scope, &serde_json::from_str::<Vec<String>>(places)?),
        _ => true,
    })
}

/// Whoever has (or may have) what is corrected gets the channel's operation on it; others whom it concerns get the corrected text as a first
/// message. Of a retracted one, and of one that a newer notice has overtaken, they get nothing: their rows are taken out and returned.
async fn settle_correction(c: &mut SqliteConnection, b: &Alive, rows: &mut Vec<Due>) -> Result<Vec<i64>, StoreError> {
    let recipients: Vec<i64> = rows.iter().map(|r| r.recipient).collect();
    let newest = had(c, b.id, &recipients).await?;
    let lacking = rows.iter().any(|row| !newest.contains_key(&row.recipient));
    let forgotten = lacking && retention::forgotten(c, b.id).await?;
    let mut nothing = Vec::new();
    rows.retain_mut(|row| match newest.get(&row.recipient) {
        Some(remote) => {
            // Without its id nothing can be edited, deleted or answered: the correction goes as a message of its own.
            row.operation = if remote.id.is_some() {
                b.operation
            } else {
                Operation::Post
            };
            row.target = remote.id.is_some().then(|| remote.clone());
            true
        }
        None if !row.begun && (b.kind == 2 || b.overtaken || row.elsewhere) => {
            nothing.push(row.id);
            false
        }
        None => {
            row.operation = Operation::Post;
            row.first = !forgotten;
            true
        }
    });
    Ok(nothing)
}

/// What each recipient has (or may have) of what a broadcast corrects: the newest post whose id is known. Of a cut that only sums it up no id:
/// that post is about something else, and stays.
pub(super) async fn had(
    c: &mut SqliteConnection,
    broadcast: i64,
    recipients: &[i64],
) -> Result<HashMap<i64, Remote>, StoreError> {
    // Primary key of broadcast; delivery_of (broadcast, recipient). The list is newest first, so the first hit is the newest.
    let had: Vec<(i64, bool, Option<String>, Option<String>)> = sqlx::query_as(concat!(
        "SELECT x.recipient, o.type <> 'array', x.remote_id, x.remote_url
         FROM broadcast b CROSS JOIN json_each(?2) p CROSS JOIN ",
        corrected!("b.corrects", "p.value"),
        " WHERE b.id = ?1 AND ",
        had!(),
        " ORDER BY o.key"
    ))
    .bind(broadcast)
    .bind(serde_json::to_string(recipients)?)
    .fetch_all(c)
    .await?;
    let mut newest: HashMap<i64, Remote> = HashMap::new();
    for (recipient, named, id, url) in had {
        let known = newest.entry(recipient).or_default();
        if named && known.id.is_none() {
            *known = Remote { id, url };
        }
    }
    Ok(newest)
}

/// The next time something of these broadcasts is due: of each claim (by its place), with its now and `via`.
pub(super) async fn next_after(
    c: &mut SqliteConnection,
    waiting: &[(usize, Ms, i64, Option<i64>)],
) -> Result<HashMap<usize, Ms>, StoreError> {
    let mut next: HashMap<usize, Ms> = HashMap::new();
    if waiting.is_empty() {
        return Ok(next);
    }
    // delivery_due (broadcast, via, due) WHERE state = 0: one step per broadcast.
    let rows: Vec<(i64, Option<Ms>)> = sqlx::query_as(
        "SELECT b.value ->> 0, min((SELECT min(d.due) FROM delivery d
           WHERE d.broadcast = b.value ->> 2 AND d.via IS (b.value ->> 3) AND d.state = 0 AND d.due > b.value ->> 1))
         FROM json_each(?) b GROUP BY 1",
    )
    .bind(serde_json::to_string(waiting)?)
    .fetch_all(c)
    .await?;
    for (place, due) in rows {
        if let (Ok(place), Some(due)) = (usize::try_from(place), due) {
            next.insert(place, due);
        }
    }
    Ok(next)
}
