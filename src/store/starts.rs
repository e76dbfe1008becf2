//! What a claim starts: the jobs for the lane, and the same as rows to write. Several claims write together.

use std::collections::BTreeSet;

use sqlx::SqliteConnection;

use super::StoreError;
use super::alive::Alive;
use super::claim::Next;
use super::due::Due;
use super::marks::TURN;
use super::pace::Pace;
use super::texts::{FIRST, OWN, Texts};
use super::{ClaimRequest, Job, Thread};
use crate::clock::Ms;
use crate::ids::{BroadcastId, DeliveryId, IncidentId, NoticeSeq, RecipientId};

/// Where some may have to wait while others go (their domain's rate, an older notice), so many due rows are looked at to find those.
pub(super) const SCAN: usize = 512;

/// Rows that have started, or whose turn is later, and that the store does not know of yet.
#[derive(Debug, Default)]
pub(super) struct Writes {
    /// Row, end of its lease, first start, operation, now, text.
    started: Vec<(i64, Ms, Ms, i64, Ms, i64)>,
    put_off: Vec<(i64, Ms)>,
    /// Whose rows they are.
    lanes: BTreeSet<i64>,
}

impl Writes {
    /// Writes them down where this lane has any: whoever reads its rows does this first.
    pub(super) async fn flush_of(&mut self, c: &mut SqliteConnection, lane: i64) -> Result<(), StoreError> {
        match self.lanes.contains(&lane) {
            true => self.flush(c).await,
            false => Ok(()),
        }
    }

    /// Writes them down.
    pub(super) async fn flush(&mut self, c: &mut SqliteConnection) -> Result<(), StoreError> {
        if !self.started.is_empty() {
            // Primary key per row of the list.
            sqlx::query(
                "UPDATE delivery SET state = 1, attempt = attempt + 1, due = j.value ->> 1, first_started = j.value ->> 2,
                   operation = j.value ->> 3, changed = j.value ->> 4, told = j.value ->> 5, flags = flags & ~38
                 FROM json_each(?) j WHERE delivery.id = j.value ->> 0",
            )
            .bind(serde_json::to_string(&self.started)?)
            .execute(&mut *c)
            .await?;
            self.started.clear();
        }
        if !self.put_off.is_empty() {
            // Primary key per row of the list.
            sqlx::query(
                "UPDATE delivery SET due = j.value ->> 1, flags = flags | ? FROM json_each(?) j WHERE delivery.id = j.value ->> 0",
            )
            .bind(TURN)
            .bind(serde_json::to_string(&self.put_off)?)
            .execute(c)
            .await?;
            self.put_off.clear();
        }
        self.lanes.clear();
        Ok(())
    }
}

/// Where started rows go, and how many there may be.
pub(super) struct Sink<'a> {
    pub(super) pace: &'a mut Pace,
    pub(super) jobs: &'a mut Vec<Job>,
    pub(super) full: usize,
    pub(super) texts: Texts,
    pub(super) writes: &'a mut Writes,
}

impl Sink<'_> {
    pub(super) fn room(&self) -> usize {
        self.full.saturating_sub(self.jobs.len())
    }

    /// How many due rows are worth looking at for so much room.
    pub(super) fn looks_at(&self) -> usize {
        looks_at(self.pace, self.room())
    }

    /// Makes jobs of rows; how many. Whose domain has had enough for now is put off until its turn.
    pub(super) fn start(
        &mut self,
        r: &ClaimRequest,
        broadcast: &Alive,
        rows: Vec<Due>,
        thread: Option<&Thread>,
        next: &mut Next,
    ) -> Result<usize, StoreError> {
        let before = self.jobs.len();
        for row in rows {
            if self.room() == 0 {
                break;
            }
            let start_at_ms = match self.pace.take(row.canonical.as_deref().unwrap_or(&row.address)) {
                Ok(at) => at,
                Err(turn) => {
                    next.at(turn);
                    self.writes.put_off.push((row.id, turn));
                    self.writes.lanes.insert(r.lane.0);
                    continue;
                }
            };
            let told = self.tells(&row);
            let job = self.job(broadcast, row, told, thread, start_at_ms)?;
            self.writes.started.push((
                job.delivery.0,
                start_at_ms.saturating_add(r.lease_ms),
                job.first_started_ms,
                job.operation as i64,
                r.now_ms,
                told,
            ));
            self.writes.lanes.insert(r.lane.0);
            self.jobs.push(job);
        }
        Ok(self.jobs.len() - before)
    }

    /// Makes jobs of rows that have started when they were opened; how many.
    pub(super) fn opened(&mut self, r: &ClaimRequest, broadcast: &Alive, rows: Vec<Due>) -> Result<i64, StoreError> {
        let before = self.jobs.len();
        for row in rows {
            let job = self.job(broadcast, row, OWN, None, r.now_ms)?;
            self.jobs.push(job);
        }
        Ok(i64::try_from(self.jobs.len() - before).unwrap_or(i64::MAX))
    }

    /// With which text it begins. What is repeated by its handle, and what is half there, goes on with the one it began with.
    fn tells(&self, row: &Due) -> i64 {
        match row {
            _ if (row.after_unknown && !row.from_copy) || row.step > 0 => row.told,
            _ if row.first => FIRST,
            _ if row.digest => self.texts.newest(),
            _ => OWN,
        }
    }

    fn job(
        &self,
        broadcast: &Alive,
        row: Due,
        told: i64,
        thread: Option<&Thread>,
        start_at_ms: Ms,
    ) -> Result<Job, StoreError> {
        let (lang, variant) = self
            .texts
            .pick(told, row.lang)
            .ok_or_else(|| StoreError::Database(format!("broadcast {} has no text", broadcast.id)))?;
        // A term runs from the very first start, also where the attempt was given back afterwards.
        let first_started_ms = if row.attempt == 0 && row.step == 0 && !row.after_unknown {
            start_at_ms
        } else {
            row.first_started
        };
        Ok(Job {
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
            withdrawn: row.withdrawn,
            thread: thread.cloned(),
            target: row.target,
            urgent: broadcast.urgent,
            created_ms: broadcast.created,
        })
    }
}

/// How many due rows are worth looking at for so much room: some may have to wait while others go.
pub(super) fn looks_at(pace: &Pace, room: usize) -> usize {
    if pace.by_domain() { SCAN.max(room) } else { room }
}
