//! The store on SQLite: one writer with group commit, readers apart. Each method hands its transaction to the file named like its duty.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, RwLock};

use async_trait::async_trait;
use sqlx::SqlitePool;
use tokio::task::JoinHandle;

use super::writer::Writer;
use super::*;

/// A SQLite store. Cheap to clone; all clones share one writer.
#[derive(Clone)]
pub struct Sqlite {
    pub(super) writer: Writer,
    pub(super) readers: SqlitePool,
    pub(super) path: PathBuf,
    pub(super) task: Arc<Mutex<Option<JoinHandle<()>>>>,
    pub(super) bell: Arc<RwLock<Option<Arc<dyn Bell>>>>,
    /// The lanes run in this process.
    pub(super) owner: Arc<AtomicBool>,
}

impl std::fmt::Debug for Sqlite {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sqlite")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl Sqlite {
    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Ends the writer after what it has taken in, and the readers. Other clones can do nothing any more once the writer ends, which
    /// it does when the last of them is gone.
    pub async fn close(self) {
        let task = self.task.lock().ok().and_then(|mut task| task.take());
        self.readers.close().await;
        let Self {
            writer, task: shared, ..
        } = self;
        drop(writer);
        // With other clones alive the writer lives on with them.
        if Arc::strong_count(&shared) == 1
            && let Some(task) = task
        {
            let _ = task.await;
        }
    }

    /// The log beside the file still holds old pages with what was taken out; a reader in the way leaves them to the next checkpoint. What was to be
    /// done is done by then: where this fails, whoever asked for it must not believe that it has to be asked for again.
    async fn empty_log(&self) {
        let emptied = async {
            let mut connection = super::open::connect(&self.path).await?;
            let emptied = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)");
            Ok::<_, StoreError>(emptied.execute(&mut connection).await?)
        };
        if let Err(error) = emptied.await {
            tracing::warn!(%error, "the log beside the store still holds what was taken out, until it is written over");
        }
    }

    /// The same where fewer texts with such words are kept than before.
    async fn emptied_log(&self, before: i64) -> Result<(), StoreError> {
        if redaction::kept(&self.readers).await? < before {
            self.empty_log().await;
        }
        Ok(())
    }

    /// Counts commits by other processes; another number than before means: read again.
    pub async fn version(&self) -> Result<i64, StoreError> {
        self.writer.version().await
    }

    fn bell(&self) -> Option<Arc<dyn Bell>> {
        self.bell.read().ok()?.clone()
    }

    async fn reader(&self) -> Result<sqlx::pool::PoolConnection<sqlx::Sqlite>, StoreError> {
        Ok(self.readers.acquire().await?)
    }
}

/// Hands one transaction to the writer: the names before `=>` are cloned into it.
macro_rules! write {
    ($self:ident, $($name:ident = $value:expr),* => $module:ident :: $function:ident ( $($argument:expr),* )) => {{
        $(let $name = $value;)*
        $self.writer.write(move |c| Box::pin(async move { $module::$function(c, $($argument),*).await })).await
    }};
}

#[async_trait]
impl Notices for Sqlite {
    async fn publish(&self, publication: &Publication) -> Result<Published, StoreError> {
        let (p, bell) = (publication.clone(), self.bell());
        let committed = bell.clone();
        let placed = self.writer.queue(
            move |c| Box::pin(async move { publish::publish(c, &p).await }),
            move |_| {
                if let Some(bell) = committed {
                    bell.committed();
                }
            },
        );
        let placed = placed.await?;
        if let Some(bell) = bell {
            bell.queued();
        }
        placed.await
    }
    async fn incidents(&self, publisher: Option<&str>) -> Result<Vec<IncidentRow>, StoreError> {
        incidents::all(&self.readers, publisher).await
    }
    async fn notices(&self, incident: IncidentId) -> Result<Vec<StoredNotice>, StoreError> {
        incidents::notices(&self.readers, incident).await
    }
    async fn known(
        &self,
        named: Option<&str>,
        lately: Ms,
    ) -> Result<Vec<(IncidentRow, Vec<StoredNotice>)>, StoreError> {
        incidents::known(&self.readers, named, lately).await
    }
    async fn set_closed(&self, incident: IncidentId, closed: bool, act: &Act) -> Result<(), StoreError> {
        write!(self, act = act.clone() => incidents::set_closed(incident.0, closed, &act))
    }
    async fn redact(&self, redaction: &Redaction, act: &Act) -> Result<Vec<StillThere>, StoreError> {
        let there = write!(self, r = redaction.clone(), act = act.clone() => redaction::redact(&r, &act))?;
        self.empty_log().await;
        Ok(there)
    }
    async fn unrendered(&self) -> Result<Vec<BroadcastRow>, StoreError> {
        board::unrendered(&self.readers).await
    }
    async fn rendered(&self, texts: &[(BroadcastId, FrozenTexts)], looks_up: &[String]) -> Result<(), StoreError> {
        write!(self, texts = texts.to_vec(), looks_up = looks_up.to_vec() => redaction::rendered(&texts, &looks_up))?;
        self.empty_log().await;
        Ok(())
    }
}

#[async_trait]
impl Lanes for Sqlite {
    async fn configure(&self, lanes: &[LaneSpec], now: Ms) -> Result<Vec<LaneRow>, StoreError> {
        write!(self, specs = lanes.to_vec() => lanes::configure(&specs, now))
    }
    fn ring(&self, bell: Arc<dyn Bell>) {
        self.owner.store(true, Ordering::Relaxed);
        if let Ok(mut hung) = self.bell.write() {
            *hung = Some(bell);
        }
    }
    async fn lane_rows(&self) -> Result<Vec<LaneRow>, StoreError> {
        lanes::all(&self.readers).await
    }
    async fn sync_list(&self, lane: LaneId, list: &mut dyn List, now: Ms) -> Result<AudienceChange, StoreError> {
        audience::sync(self, lane.0, list, now).await
    }
    async fn list_marks(&self) -> Result<BTreeMap<LaneId, ListMark>, StoreError> {
        lists::marks(&self.readers).await
    }
    async fn list_is_same(&self, lane: LaneId, mark: &ListMark) -> Result<(), StoreError> {
        write!(self, mark = mark.clone() => lists::is_same(lane.0, &mark))
    }
    async fn take_over(&self, lanes: &[Takeover], now: Ms) -> Result<Vec<TakenOver>, StoreError> {
        write!(self, lanes = lanes.to_vec() => takeover::take_over(&lanes, now))
    }
    async fn claim(&self, request: &ClaimRequest) -> Result<Claimed, StoreError> {
        self.writer.claim(request.clone()).await
    }
    async fn due_cuts(&self, lane: LaneId, over: Option<Ms>) -> Result<Vec<DueCut>, StoreError> {
        // What is read belongs together.
        let mut together = self.readers.begin().await?;
        cut::due(&mut together, lane.0, over).await
    }
    async fn cut(&self, cut: &FrozenCut, now: Ms) -> Result<(), StoreError> {
        write!(self, cut = cut.clone() => cut::make(&cut, now))
    }
    async fn no_digest(&self, due: &DueCut, why: &Said) -> Result<bool, StoreError> {
        write!(self, broadcast = due.broadcast.0, why = why.clone() => cut::unwritten(broadcast, &why))
    }
    async fn give_back(&self, deliveries: &[(DeliveryId, u32)], now: Ms) -> Result<Vec<LaneId>, StoreError> {
        write!(self, rows = deliveries.to_vec() => give_back::give_back(&rows, now))
    }
    async fn unknown_jobs(&self, lane: LaneId, after: DeliveryId, limit: u32) -> Result<Vec<Job>, StoreError> {
        let mut reader = self.reader().await?;
        unknown::jobs(&mut reader, lane.0, after, limit).await
    }
    async fn complete(&self, completions: &[Completion]) -> Result<Completed, StoreError> {
        write!(self, list = completions.to_vec() => complete::complete(&list))
    }
    async fn set_health(&self, lane: LaneId, health: &HealthRow) -> Result<(), StoreError> {
        write!(self, health = health.clone() => lanes::set_health(lane.0, &health))
    }
    async fn set_gate(&self, change: &GateChange, act: &Act) -> Result<LaneRow, StoreError> {
        write!(self, change = change.clone(), act = act.clone() => gate::set_gate(&change, &act))
    }
    async fn probed(&self, lane: LaneId, finding: &ProbeResult, rules: &ProbeRules) -> Result<Step, StoreError> {
        write!(self, finding = finding.clone(), rules = *rules => probe::take_in(lane, &finding, &rules))
    }
    async fn acknowledge_gate(&self, lane: LaneId, epoch: i64, in_flight: u32) -> Result<(), StoreError> {
        write!(self, => gate::acknowledge(lane.0, epoch, in_flight))
    }
    async fn receipts(&self, lane: LaneId, receipts: &[Receipt], now: Ms) -> Result<Vec<ReceiptMatch>, StoreError> {
        write!(self, list = receipts.to_vec() => receipts::take_in(lane.0, &list, now))
    }
    async fn expire(&self, now: Ms) -> Result<u64, StoreError> {
        write!(self, => times::expire(now))
    }
    async fn remove_old(&self, before: Ms, limit: u32, now: Ms) -> Result<Removed, StoreError> {
        write!(self, => retention::remove(before, limit, now))
    }
    async fn forget_left(&self, before: Ms, limit: u32) -> Result<u64, StoreError> {
        write!(self, => retention::forget_left(before, limit))
    }
    async fn targets(&self, lane: LaneId) -> Result<Vec<TargetRow>, StoreError> {
        targets::all(&self.readers, lane.0).await
    }
    async fn raise_targets(&self, lane: LaneId, _now: Ms) -> Result<(), StoreError> {
        write!(self, => targets::raise(lane.0)).map(|_| ())
    }
    async fn target_result(&self, result: &TargetResult) -> Result<(), StoreError> {
        write!(self, r = result.clone() => targets::result(&r))
    }
    async fn leap(&self) -> Result<Option<Leap>, StoreError> {
        let mut reader = self.reader().await?;
        times::leap(&mut reader).await
    }
    async fn set_leap(&self, leap: Option<Leap>, act: Option<&Act>) -> Result<(), StoreError> {
        write!(self, act = act.cloned() => times::set_leap(leap, act.as_ref()))
    }
    async fn high_time(&self, now: Ms) -> Result<Ms, StoreError> {
        write!(self, => times::high_time(now))
    }
    async fn handles_from(&self, back_at: Option<Ms>) -> Result<Ms, StoreError> {
        write!(self, => times::handles_from(back_at))
    }
    async fn shift_times(&self, by: Ms, leap: Option<Leap>, act: Option<&Act>) -> Result<(), StoreError> {
        write!(self, act = act.cloned() => times::shift_and_note(by, leap, act.as_ref()))
    }
}

#[async_trait]
impl Board for Sqlite {
    async fn broadcasts(&self, incident: Option<IncidentId>) -> Result<Vec<BroadcastRow>, StoreError> {
        board::broadcasts(&self.readers, incident).await
    }
    async fn broadcasts_of(&self, notice: NoticeSeq) -> Result<Vec<BroadcastRow>, StoreError> {
        board::of_notice(&self.readers, notice).await
    }
    async fn domains(&self, lane: LaneId) -> Result<BTreeMap<String, u64>, StoreError> {
        domains::waiting(&self.readers, lane.0).await
    }
    async fn reach(&self, broadcast: BroadcastId, cut: Option<&DueCut>) -> Result<u64, StoreError> {
        reach::people(&self.readers, broadcast, cut).await
    }
    async fn deliveries(
        &self,
        broadcast: BroadcastId,
        state: Option<crate::domain::delivery::DeliveryState>,
        limit: u32,
    ) -> Result<Vec<DeliveryRow>, StoreError> {
        story::list(&self.readers, broadcast, state, limit).await
    }
    async fn texts(&self, broadcast: BroadcastId) -> Result<FrozenTexts, StoreError> {
        let mut texts = texts::texts(&mut *self.reader().await?, &[broadcast.0]).await?;
        Ok(texts.remove(&broadcast.0).unwrap_or_default().shown())
    }
    async fn explain(&self, delivery: DeliveryId) -> Result<Option<Story>, StoreError> {
        story::explain(&self.readers, delivery).await
    }
    async fn decide(&self, what: DecideOn, decision: Decision, act: &Act, now: Ms) -> Result<u64, StoreError> {
        let kept = redaction::kept(&self.readers).await?;
        let decided = write!(self, act = act.clone() => decide::decide(what, decision, &act, now))?;
        self.emptied_log(kept).await?;
        Ok(decided)
    }
    async fn retry_now(&self, lane: LaneId, act: &Act, now: Ms) -> Result<u64, StoreError> {
        write!(self, act = act.clone() => decide::retry_now(lane.0, &act, now))
    }
    async fn rename_lane(&self, from: &str, to: &str, act: &Act) -> Result<(), StoreError> {
        write!(self, from = from.to_owned(), to = to.to_owned(), act = act.clone() => lanes::rename(&from, &to, &act))
    }
    async fn drop_lane(&self, lane: LaneId, act: &Act, now: Ms) -> Result<u64, StoreError> {
        let kept = redaction::kept(&self.readers).await?;
        let dropped = write!(self, act = act.clone() => lanes::drop_rows(lane.0, &act, now))?;
        self.emptied_log(kept).await?;
        Ok(dropped)
    }
    async fn audit(&self, act: &Act) -> Result<(), StoreError> {
        write!(self, act = act.clone() => audit::append(&act))
    }
    async fn last_backup(&self) -> Result<Option<Ms>, StoreError> {
        audit::last_backup(&self.readers).await
    }
    async fn went_back(&self) -> Result<Option<WentBack>, StoreError> {
        audit::went_back(&self.readers).await
    }
    async fn log(&self, after: i64, limit: u32) -> Result<Vec<AuditRow>, StoreError> {
        audit::read(&self.readers, after, limit).await
    }
    async fn kept(&self, before: Ms) -> Result<Kept, StoreError> {
        // What is read belongs together.
        let mut together = self.readers.begin().await?;
        retention::kept(&mut together, before).await
    }
    async fn recount(&self) -> Result<Vec<BroadcastId>, StoreError> {
        board::recount(&self.readers).await
    }
    async fn identity(&self) -> Result<Identity, StoreError> {
        let mut reader = self.reader().await?;
        board::identity(&mut reader).await
    }
}

#[async_trait]
impl Consent for Sqlite {
    async fn recipient(&self, id: RecipientId) -> Result<Option<Recipient>, StoreError> {
        suppression::recipient(&self.readers, id).await
    }
    async fn respell(&self, lanes: &[(LaneId, Compared<'_>)]) -> Result<(), StoreError> {
        spelling::bring(self, lanes).await
    }
    async fn is_listed(&self, lane: LaneId, address: &str) -> Result<bool, StoreError> {
        suppression::is_listed(&self.readers, lane, address).await
    }
    async fn suppress(&self, suppression: &Suppression, act: &Act) -> Result<bool, StoreError> {
        write!(self, what = suppression.clone(), act = act.clone() => suppression::suppress(&what, &act))
    }
    async fn lift(&self, lane: LaneId, address: &str, act: &Act) -> Result<Lifted, StoreError> {
        write!(self, address = address.to_owned(), act = act.clone() => suppression::lift_by_hand(lane, &address, &act))
    }
    async fn left_out(&self, lane: LaneId, apart: &[String]) -> Result<LeftOut, StoreError> {
        lists::left_out(&mut *self.reader().await?, lane.0, apart).await
    }
    async fn suppressions(&self) -> Result<Vec<Suppressed>, StoreError> {
        suppression::all(&self.readers).await
    }
    async fn suppressed(&self) -> Result<Vec<SuppressedCount>, StoreError> {
        suppression::counts(&self.readers).await
    }
    async fn came_back(&self, what: &CameBack) -> Result<Followed, StoreError> {
        write!(self, what = what.clone() => returned::take_in(&what))
    }
    async fn doubted(&self, now: Ms) -> Result<Vec<Doubted>, StoreError> {
        hard::doubted(&self.readers, now).await
    }
    async fn reported(&self, now: Ms) -> Result<Vec<Reported>, StoreError> {
        hard::reported(&self.readers, now).await
    }
}
