//! Rows that stand as unknown, with all that their channel needs to read them back. Reading only: what becomes unknown is written by `complete`,
//! `takeover`, `times`, `give_back` and `due`, and ended by `complete`, `receipts` and `decide`.

use std::collections::BTreeSet;

use sqlx::{Row, SqliteConnection};

use super::broadcasts::SHAPE_ACCOUNT;
use super::due::had;
use super::marks::AFTER_UNKNOWN;
use super::rows::{from_word, listed};
use super::texts::texts;
use super::{Job, StoreError, thread};
use crate::domain::delivery::Operation;
use crate::ids::{BroadcastId, DeliveryId, IncidentId, NoticeSeq, RecipientId};

/// Unknown rows of a lane behind `after`, by number, as they were when their last attempt started.
pub(super) async fn jobs(
    c: &mut SqliteConnection,
    lane: i64,
    after: DeliveryId,
    limit: u32,
) -> Result<Vec<Job>, StoreError> {
    // broadcast_live (lane, notice) WHERE state < 2, broadcast_moved (lane) of the same; delivery_unknown (broadcast) WHERE state = 4; primary keys of recipient and withdrawn.
    let rows = sqlx::query(
        "SELECT d.id, d.broadcast, d.recipient, d.attempt, d.first_started, d.changed, d.operation, d.flags, d.step, d.step_handle, d.told,
           b.incident, b.notice, b.shape, b.urgent, b.created, r.address, r.name, r.lang,
           (SELECT w.text FROM withdrawn w WHERE w.delivery = d.id) AS withdrawn
         FROM broadcast b CROSS JOIN delivery d ON d.broadcast = b.id AND d.state = 4
           LEFT JOIN recipient r ON r.lane = b.lane AND r.seq = d.recipient
         WHERE b.state < 2 AND (b.lane = ?1 OR b.n_moved > 0) AND coalesce(d.via, b.lane) = ?1 AND b.n_unknown > 0 AND d.id > ?2
         ORDER BY d.id LIMIT ?3",
    )
    .bind(lane)
    .bind(after.0)
    .bind(limit)
    .fetch_all(&mut *c)
    .await?;
    let (mut broadcasts, mut threads) = (BTreeSet::new(), BTreeSet::new());
    for row in &rows {
        broadcasts.insert(row.try_get::<i64, _>("broadcast")?);
        if row.try_get::<i64, _>("shape")? == SHAPE_ACCOUNT {
            threads.insert((lane, row.try_get::<i64, _>("incident")?));
        }
    }
    let texts = texts(c, &Vec::from_iter(broadcasts)).await?;
    let threads = thread::of(c, &Vec::from_iter(threads)).await?;
    let mut jobs = Vec::with_capacity(rows.len());
    for row in &rows {
        let (broadcast, incident): (i64, i64) = (row.try_get("broadcast")?, row.try_get("incident")?);
        let recipient: i64 = row.try_get("recipient")?;
        let lang = from_word(row.try_get("lang")?);
        let (lang, variant) = texts
            .get(&broadcast)
            .and_then(|of| of.pick(row.try_get("told").unwrap_or_default(), lang))
            .ok_or_else(|| StoreError::Database(format!("broadcast {broadcast} has no text")))?;
        let thread =
            (row.try_get::<i64, _>("shape")? == SHAPE_ACCOUNT).then(|| threads.get(&(lane, incident)).cloned());
        let target = had(c, broadcast, &[recipient]).await?.remove(&recipient);
        jobs.push(Job {
            delivery: DeliveryId(row.try_get("id")?),
            broadcast: BroadcastId(broadcast),
            incident: IncidentId(incident),
            notice: NoticeSeq(row.try_get("notice")?),
            attempt: row.try_get("attempt")?,
            first_started_ms: row.try_get("first_started")?,
            start_at_ms: row.try_get("changed")?,
            operation: listed(Operation::from_stored(row.try_get("operation")?), "an operation")?,
            step: row.try_get("step")?,
            step_handle: row.try_get("step_handle")?,
            after_unknown: row.try_get::<i64, _>("flags")? & AFTER_UNKNOWN != 0,
            begun: true,
            recipient: RecipientId(recipient),
            address: row.try_get::<Option<String>, _>("address")?.unwrap_or_default(),
            name: row.try_get("name")?,
            variant,
            lang,
            withdrawn: row.try_get("withdrawn")?,
            thread: thread.flatten(),
            target: target.filter(|remote| remote.id.is_some()),
            urgent: row.try_get("urgent")?,
            created_ms: row.try_get("created")?,
        });
    }
    Ok(jobs)
}
