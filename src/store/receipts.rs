//! Receipts: committed to an inbox before they are answered, matched from both sides. Final beats interim, the first final wins,
//! contradictions are kept as evidence, what meets nothing stays seven days (LANES 7).

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};
use sqlx::{Row, SqliteConnection};

use super::evidence::{self, Evidence};
use super::failover::{self, Moved, Refused, stand_in};
use super::marks::{AFTER_UNKNOWN, BY_RECEIPT, passed};
use super::rows::{said_stored, settle_lanes};
use super::{Receipt, ReceiptMatch, ReceiptWord, StoreError, reopen};
use crate::clock::Ms;
use crate::domain::delivery::DeliveryState;
use crate::domain::outcome::Reason;
use crate::text::said::Said;

/// How long an unmatched receipt waits for its delivery.
pub(super) const KEPT_MS: Ms = 7 * 24 * 3_600_000;
/// The gateway's word is cut after so many characters.
const RAW_MAX: usize = 200;

/// 40 bits of a remote id's hash: an index of long ids costs a third this way; the id itself is compared afterwards.
pub(super) fn remote_key(id: &str) -> i64 {
    Sha256::digest(id.as_bytes())
        .iter()
        .take(5)
        .fold(0, |key, byte| key << 8 | i64::from(*byte))
}

/// A delivery that a receipt speaks of.
struct Met {
    id: i64,
    state: i64,
    attempt: u32,
    flags: i64,
    broadcast: i64,
    /// It speaks of the row's newest attempt.
    newest: bool,
    /// It names an older one.
    older: bool,
    /// It moved to another lane.
    moved: bool,
}

/// What a receipt does to a row.
enum Effect {
    /// The row becomes this.
    Moves(DeliveryState),
    /// Nothing new.
    Known,
    /// Worth keeping.
    Contradicts,
}

/// The rule, pure: the first final word wins. Bad news about an older attempt says nothing about the newest; good news is good whichever
/// attempt it was.
fn effect(met: &Met, word: ReceiptWord) -> Effect {
    use DeliveryState as S;
    let state = S::from_stored(met.state).unwrap_or(S::Dropped);
    // What moved because one gateway had refused it may have arrived by that one all the same.
    let may_be_there = met.flags & AFTER_UNKNOWN != 0 || (met.moved && word == ReceiptWord::Delivered);
    match (word, state) {
        (ReceiptWord::Rejected | ReceiptWord::Expired, S::Started | S::Accepted | S::Unknown) if !met.newest => {
            Effect::Contradicts
        }
        (ReceiptWord::Delivered, S::Started | S::Accepted | S::Unknown) => Effect::Moves(S::Delivered),
        // A repeat waits, but an earlier attempt has arrived.
        (ReceiptWord::Delivered, S::Waiting) if may_be_there => Effect::Moves(S::Delivered),
        (ReceiptWord::Delivered, S::Delivered) => Effect::Known,
        (ReceiptWord::Rejected, S::Started | S::Accepted | S::Unknown) => Effect::Moves(S::Permanent),
        (ReceiptWord::Rejected, S::Permanent) => Effect::Known,
        (ReceiptWord::Expired, S::Started | S::Accepted | S::Unknown) => Effect::Moves(S::Expired),
        (ReceiptWord::Expired, S::Expired) => Effect::Known,
        // Of an older attempt it says nothing about the one that nobody knows about.
        (ReceiptWord::Buffered, S::Unknown) if !met.older => Effect::Moves(S::Accepted),
        // It has reached the gateway, whatever becomes of the answer.
        (ReceiptWord::Buffered, S::Started) if met.newest => Effect::Moves(S::Accepted),
        (ReceiptWord::Buffered, S::Waiting) if may_be_there => Effect::Moves(S::Accepted),
        // Interim after its own answer or after a final word says nothing.
        (ReceiptWord::Buffered, _) => Effect::Known,
        _ => Effect::Contradicts,
    }
}

/// Takes receipts in and matches them.
pub(super) async fn take_in(
    c: &mut SqliteConnection,
    lane: i64,
    receipts: &[Receipt],
    now: Ms,
) -> Result<Vec<ReceiptMatch>, StoreError> {
    let mut matches = Vec::with_capacity(receipts.len());
    for receipt in receipts {
        matches.push(match find(c, lane, receipt).await? {
            Some(met) => apply(c, &met, receipt.word, &receipt.raw, now).await?.0,
            None => {
                keep(c, lane, receipt, now).await?;
                ReceiptMatch::Unmatched
            }
        });
    }
    let lanes = settled(c, lane).await?;
    settle_lanes(c, lanes).await?;
    Ok(matches)
}

/// The lanes whose broadcasts a lane's receipts may have ended: its own, and those from which rows moved to it.
async fn settled(c: &mut SqliteConnection, lane: i64) -> Result<BTreeSet<i64>, StoreError> {
    // broadcast_moved (lane) WHERE state < 2 AND n_moved > 0.
    let homes: Vec<i64> = sqlx::query_scalar("SELECT DISTINCT lane FROM broadcast WHERE state < 2 AND n_moved > 0")
        .fetch_all(c)
        .await?;
    Ok(homes.into_iter().chain([lane]).collect())
}

async fn find(c: &mut SqliteConnection, lane: i64, receipt: &Receipt) -> Result<Option<Met>, StoreError> {
    let row = if let Some((id, _)) = receipt.delivery {
        // Primary keys.
        sqlx::query(
            "SELECT d.id, d.state, d.attempt, d.flags, d.broadcast, d.via FROM delivery d JOIN broadcast b ON b.id = d.broadcast
             WHERE d.id = ?1 AND ?2 IN (b.lane, coalesce(d.via, b.lane)) AND b.removed IS NULL",
        )
        .bind(id.0)
        .bind(lane)
        .fetch_optional(c)
        .await?
    } else if let Some(id) = &receipt.remote_id {
        // delivery_remote (remote_key) WHERE remote_key IS NOT NULL.
        sqlx::query(
            "SELECT d.id, d.state, d.attempt, d.flags, d.broadcast, d.via FROM delivery d JOIN broadcast b ON b.id = d.broadcast
             WHERE d.remote_key = ? AND d.remote_id = ? AND coalesce(d.via, b.lane) = ? AND b.removed IS NULL ORDER BY d.id DESC LIMIT 1",
        )
        .bind(remote_key(id))
        .bind(id)
        .bind(lane)
        .fetch_optional(c)
        .await?
    } else {
        None
    };
    let Some(row) = row else { return Ok(None) };
    let (state, attempt): (i64, u32) = (row.try_get("state")?, row.try_get("attempt")?);
    let met = Met {
        id: row.try_get("id")?,
        state,
        attempt,
        flags: row.try_get("flags")?,
        broadcast: row.try_get("broadcast")?,
        newest: match receipt.delivery {
            Some((_, of)) => of == attempt,
            None => is_answered(state),
        },
        // The id of what nobody knows about is an earlier attempt's: the newest one was not answered.
        older: match receipt.delivery {
            Some((_, of)) => of < attempt,
            None => state == DeliveryState::Unknown as i64,
        },
        moved: row.try_get::<Option<i64>, _>("via")?.is_some(),
    };
    // An attempt that was never made: a stray or a lie.
    let made = receipt
        .delivery
        .is_none_or(|(_, attempt)| attempt >= 1 && attempt <= met.attempt);
    Ok(made.then_some(met))
}

/// The remote id is that of the newest attempt once this one is answered; until then it is an older one's.
fn is_answered(state: i64) -> bool {
    state == DeliveryState::Accepted as i64
}

/// What a receipt met, and the lane that the row moved to because of it.
async fn apply(
    c: &mut SqliteConnection,
    met: &Met,
    word: ReceiptWord,
    raw: &str,
    now: Ms,
) -> Result<(ReceiptMatch, Option<i64>), StoreError> {
    let words = said_stored(&Said::quoted(raw.chars().take(RAW_MAX).collect::<String>()))?;
    let line = |what| Evidence(met.id, met.attempt, now, what, None, words.clone());
    match effect(met, word) {
        Effect::Known => Ok((ReceiptMatch::Evidence, None)),
        Effect::Contradicts => {
            evidence::write(c, &[line("evidence")]).await?;
            Ok((ReceiptMatch::Evidence, None))
        }
        Effect::Moves(state) => {
            let reason = match state {
                DeliveryState::Permanent => Some("receipt-rejected"),
                DeliveryState::Expired => Some("expired"),
                _ => None,
            };
            let to = goes_to(c, met, state, now).await?;
            // Its gateway has just settled the only attempt there was.
            let settled = reason.is_some() && met.attempt == 1;
            // Primary key.
            sqlx::query(
                "UPDATE delivery SET state = ?, due = 0, changed = ?, flags = (flags & ~?) | ?, reason = ? WHERE id = ?",
            )
            .bind(state as u8)
            .bind(now)
            .bind(if settled { AFTER_UNKNOWN } else { 0 })
            .bind(if to.is_some() { 0 } else { BY_RECEIPT })
            .bind(reason)
            .bind(met.id)
            .execute(&mut *c)
            .await?;
            if reason.is_some() {
                evidence::write(c, &[line("receipt")]).await?;
            }
            if let Some(to) = to {
                let (row, attempt, at) = (met.id, met.attempt, now);
                failover::move_refused(c, &[Moved { row, attempt, to, at }]).await?;
            } else if matches!(state, DeliveryState::Permanent | DeliveryState::Expired) {
                reopen::hand_over(c, &BTreeSet::from([met.id]), now).await?;
            }
            let there = matches!(state, DeliveryState::Delivered | DeliveryState::Accepted);
            // Primary key.
            sqlx::query(
                "UPDATE broadcast SET changed = ?1, first_done = CASE WHEN ?2 THEN coalesce(first_done, ?1) ELSE first_done END WHERE id = ?3",
            )
            .bind(now)
            .bind(there)
            .bind(met.broadcast)
            .execute(c)
            .await?;
            Ok((ReceiptMatch::Applied, to))
        }
    }
}

/// Where a row goes that its gateway has rejected after taking it; `None`: nowhere.
async fn goes_to(
    c: &mut SqliteConnection,
    met: &Met,
    state: DeliveryState,
    now: Ms,
) -> Result<Option<i64>, StoreError> {
    if state != DeliveryState::Permanent {
        return Ok(None);
    }
    // Primary keys; see `passed`.
    let row = sqlx::query(concat!(
        "SELECT d.via, ",
        stand_in!(),
        " AS failover, l.gate, b.expires, b.superseded_by IS NOT NULL AS closed, ",
        passed!(),
        " AS passed, d.step FROM delivery d CROSS JOIN broadcast b ON b.id = d.broadcast CROSS JOIN lane l ON l.id = b.lane WHERE d.id = ?"
    ))
    .bind(met.id)
    .fetch_one(c)
    .await?;
    // The mark of an unknown first attempt is this attempt's own: its gateway has just settled it.
    let earlier = met.flags & AFTER_UNKNOWN != 0 && met.attempt > 1;
    let refused = Refused {
        via: row.try_get("via")?,
        failover: row.try_get("failover")?,
        gate: row.try_get("gate")?,
        expires: row.try_get("expires")?,
        closed: row.try_get("closed")?,
        passed: row.try_get("passed")?,
        begun: earlier || row.try_get::<i64, _>("step")? > 0,
    };
    refused.goes_to(Reason::ReceiptRejected, now)
}

async fn keep(c: &mut SqliteConnection, lane: i64, receipt: &Receipt, now: Ms) -> Result<(), StoreError> {
    let raw: String = receipt.raw.chars().take(RAW_MAX).collect();
    sqlx::query("INSERT INTO receipt (lane, remote_id, delivery, attempt, word, raw, at) VALUES (?, ?, ?, ?, ?, ?, ?)")
        .bind(lane)
        .bind(&receipt.remote_id)
        .bind(receipt.delivery.map(|d| d.0.0))
        .bind(receipt.delivery.map(|d| d.1))
        .bind(receipt.word as u8)
        .bind(raw)
        .bind(now)
        .execute(c)
        .await?;
    Ok(())
}

/// The other side: rows that have just got their remote id meet receipts that came before it. Pairs of lane and delivery; the lanes that rows
/// moved to because of it.
pub(super) async fn settle_waiting(
    c: &mut SqliteConnection,
    named: &[(i64, i64)],
) -> Result<BTreeSet<i64>, StoreError> {
    let mut moved_to = BTreeSet::new();
    if named.is_empty() {
        return Ok(moved_to);
    }
    // Primary keys of delivery and broadcast; receipt_remote (lane, remote_id). Interim words (3) sort last: final beats interim.
    let hits = sqlx::query(
        "SELECT x.id AS inbox, x.word, x.raw, x.at, d.id, d.attempt, d.broadcast, d.via
         FROM json_each(?) j CROSS JOIN delivery d ON d.id = j.value ->> 1
           CROSS JOIN broadcast b ON b.id = d.broadcast AND b.removed IS NULL
           CROSS JOIN receipt x ON x.lane = j.value ->> 0 AND x.remote_id = d.remote_id ORDER BY x.word = 3, x.id",
    )
    .bind(serde_json::to_string(named)?)
    .fetch_all(&mut *c)
    .await?;
    let mut used = BTreeSet::new();
    for hit in &hits {
        let id: i64 = hit.try_get("id")?;
        // Primary key; read again, because the hit before may have moved it.
        let (state, flags): (i64, i64) = sqlx::query_as("SELECT state, flags FROM delivery WHERE id = ?")
            .bind(id)
            .fetch_one(&mut *c)
            .await?;
        let met = Met {
            id,
            state,
            flags,
            attempt: hit.try_get("attempt")?,
            broadcast: hit.try_get("broadcast")?,
            newest: is_answered(state),
            older: state == DeliveryState::Unknown as i64,
            moved: hit.try_get::<Option<i64>, _>("via")?.is_some(),
        };
        let word = match hit.try_get::<i64, _>("word")? {
            0 => ReceiptWord::Delivered,
            1 => ReceiptWord::Rejected,
            2 => ReceiptWord::Expired,
            _ => ReceiptWord::Buffered,
        };
        let (_, to) = apply(c, &met, word, hit.try_get("raw")?, hit.try_get("at")?).await?;
        moved_to.extend(to);
        used.insert(hit.try_get::<i64, _>("inbox")?);
    }
    if !used.is_empty() {
        // Primary key per row.
        sqlx::query("DELETE FROM receipt WHERE id IN (SELECT value FROM json_each(?))")
            .bind(serde_json::to_string(&used)?)
            .execute(c)
            .await?;
    }
    Ok(moved_to)
}
