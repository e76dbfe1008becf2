//! What goes into one commit of the writer: requests one behind the other, each of which can be undone alone, and claims that share their
//! statements.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use sqlx::SqliteConnection;
use tokio::sync::{mpsc, oneshot};

use super::turn::Turn;
use super::{ClaimRequest, Claimed, Completed, StoreError, Trouble, claims, complete};
use crate::clock::Ms;

/// Requests of one commit; more wait for the next.
const GROUP_MAX: usize = 256;
/// How long a transaction takes further requests in; other processes wait behind it (LANES 1: at most 50 ms).
const GROUP_TIME: Duration = Duration::from_millis(20);
/// Claims are run together up to so many rows that they may start; more wait their turn (LANES 1, as above).
pub(super) const TOGETHER: u32 = 4_096;
/// A claim that failed is asked for again after this.
const AGAIN_MS: Ms = 1_000;

pub(super) type Reply = Box<dyn FnOnce(Result<(), StoreError>) + Send>;
/// What begins as an error (no transaction could begin) is answered with it and does nothing.
pub(super) type Begun<'c> = Result<&'c mut SqliteConnection, StoreError>;
pub(super) type Work = Box<dyn for<'c> FnOnce(Begun<'c>) -> BoxFuture<'c, (bool, Reply)> + Send>;

/// A claim and who waits for it.
pub(super) struct Asked {
    pub(super) request: ClaimRequest,
    /// The outcomes that came with it, where there were any.
    pub(super) settled: Option<Settled>,
    pub(super) answer: oneshot::Sender<Result<Claimed, StoreError>>,
}

/// Outcomes that came with a claim and are written.
pub(super) struct Settled {
    means: Completed,
    /// They went with a transaction that is gone.
    lost: Arc<AtomicBool>,
}

impl Asked {
    fn is_lost(&self) -> bool {
        self.settled.as_ref().is_some_and(|s| s.lost.load(Ordering::Relaxed))
    }
}

pub(super) enum Message {
    Work(Work),
    Claim(Asked),
    Version(oneshot::Sender<Result<i64, StoreError>>),
}

/// How many rows claims may start at most.
pub(super) fn rows(asked: &[Asked]) -> u32 {
    asked
        .iter()
        .map(|asked| asked.request.limit)
        .fold(0, u32::saturating_add)
}

/// What goes into one commit.
pub(super) struct Group<'t> {
    turn: &'t mut Turn,
    replies: Vec<Reply>,
    since: Instant,
    open: bool,
    /// A savepoint stands, of a request that is done: the next one takes its place, and the commit needs none released.
    saved: bool,
    /// SQLite has ended the transaction by itself, whoever heard of it.
    gone: Arc<AtomicBool>,
}

/// From now on says whether SQLite has ended a transaction by itself (disk full, `ON CONFLICT ROLLBACK`). A request that swallowed that error would be
/// believed, where another one behind it begins a new transaction and commits that: the first of a group has no savepoint whose end would be missed.
/// One would cost each page that is written a copy; to be called back costs nothing.
pub(super) async fn ended_by_itself(connection: &mut SqliteConnection) -> Arc<AtomicBool> {
    let gone = Arc::<AtomicBool>::default();
    let seen = Arc::clone(&gone);
    // Where its thread is gone, nothing can be written either.
    if let Ok(mut handle) = connection.lock_handle().await {
        handle.set_rollback_hook(move || seen.store(true, Ordering::Relaxed));
    }
    gone
}

impl<'t> Group<'t> {
    pub(super) fn new(gone: &Arc<AtomicBool>, turn: &'t mut Turn) -> Self {
        Self {
            turn,
            gone: Arc::clone(gone),
            replies: Vec::new(),
            since: Instant::now(),
            open: false,
            saved: false,
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.replies.len() >= GROUP_MAX || self.since.elapsed() >= GROUP_TIME
    }

    pub(super) async fn run(&mut self, connection: &mut SqliteConnection, work: Work) {
        let begun = self.begin(connection).await;
        let (ok, reply) = work(begun.map(|()| &mut *connection)).await;
        self.end(connection, ok, reply).await;
    }

    /// Writes the outcomes that come with a claim; the claim, where they could be written. They are in its commit, and everything that is
    /// claimed here finds them written.
    pub(super) async fn settle(&mut self, connection: &mut SqliteConnection, mut asked: Asked) -> Option<Asked> {
        let outcomes = std::mem::take(&mut asked.request.settles);
        if outcomes.is_empty() {
            return Some(asked);
        }
        let result = match self.begin(connection).await {
            Ok(()) => complete::complete(connection, &outcomes).await,
            Err(error) => Err(error),
        };
        let lost = Arc::<AtomicBool>::default();
        let told = Arc::clone(&lost);
        let reply: Reply = Box::new(move |commit| told.store(commit.is_err(), Ordering::Relaxed));
        self.end(connection, result.is_ok(), reply).await;
        match result {
            Ok(means) => {
                asked.settled = Some(Settled { means, lost });
                Some(asked)
            }
            Err(error) => {
                refuse(vec![asked], &error);
                None
            }
        }
    }

    /// These claims, and what else is asked for by the time their part of the transaction has begun; the first other message that comes
    /// after them. Where one of them fails it fails alone.
    pub(super) async fn claim(
        &mut self,
        connection: &mut SqliteConnection,
        asked: &mut Vec<Asked>,
        messages: &mut mpsc::Receiver<Message>,
    ) -> Option<Message> {
        let begun = self.begin(connection).await;
        let mut other = None;
        while other.is_none()
            && rows(asked) < TOGETHER
            && let Ok(message) = messages.try_recv()
        {
            match message {
                Message::Claim(claim) if claim.request.settles.is_empty() => asked.push(claim),
                message => other = Some(message),
            }
        }
        // Nobody would send what is started for a caller that is gone.
        asked.retain(|asked| !asked.answer.is_closed());
        let began = begun.is_ok();
        let failed = self.claim_all(connection, begun, std::mem::take(asked)).await;
        match failed {
            Some((error, claims)) if began && claims.len() > 1 => {
                tracing::debug!(%error, "claims failed together, each is tried alone");
                for claim in claims {
                    let begun = self.begin(connection).await;
                    if let Some((error, claims)) = self.claim_all(connection, begun, vec![claim]).await {
                        self.gives_nothing(claims, &error);
                    }
                }
            }
            Some((error, claims)) => self.gives_nothing(claims, &error),
            None => {}
        }
        other
    }

    /// These claims failed. Whose outcomes stand in this transaction all the same hears so after the commit, and asks again soon: said to be
    /// unwritten, they would be written a second time.
    fn gives_nothing(&mut self, claims: Vec<Asked>, error: &StoreError) {
        for asked in claims {
            match asked.settled {
                Some(settled) if !settled.lost.load(Ordering::Relaxed) => {
                    tracing::error!(lane = asked.request.lane.0, %error, "nothing could be claimed, what ended is written");
                    let claimed = Claimed {
                        epoch: asked.request.epoch,
                        next_due_ms: Some(asked.request.now_ms.saturating_add(AGAIN_MS)),
                        settled: settled.means,
                        ..Claimed::default()
                    };
                    self.replies.push(Box::new(move |commit| {
                        let _ = asked.answer.send(commit.map(|()| claimed));
                    }));
                }
                _ => drop(asked.answer.send(Err(error.clone()))),
            }
        }
    }

    /// All in one; those that failed come back, undone.
    async fn claim_all(
        &mut self,
        connection: &mut SqliteConnection,
        begun: Result<(), StoreError>,
        mut asked: Vec<Asked>,
    ) -> Option<(StoreError, Vec<Asked>)> {
        // Whose outcomes went with a transaction that is gone has no room for what it asked for.
        let lost = asked.extract_if(.., |asked| asked.is_lost()).collect();
        refuse(lost, &StoreError::Broken(Trouble::NotTaken));
        let requests: Vec<ClaimRequest> = asked.iter().map(|asked| asked.request.clone()).collect();
        let result = match begun {
            Ok(()) => claims::claim(connection, &requests).await,
            Err(error) => Err(error),
        };
        match result {
            Ok(claimed) => {
                let reply: Reply = Box::new(move |commit| {
                    for (asked, claimed) in asked.into_iter().zip(claimed) {
                        let settled = asked.settled.map(|settled| settled.means).unwrap_or_default();
                        let _ = asked
                            .answer
                            .send(commit.clone().map(|()| Claimed { settled, ..claimed }));
                    }
                });
                self.end(connection, true, reply).await;
                None
            }
            Err(error) => {
                self.end(connection, false, Box::new(|_| ())).await;
                Some((error, asked))
            }
        }
    }

    /// Begins the transaction, or a part of it that can be undone alone: the first of a group needs no savepoint, undoing it is undoing all.
    async fn begin(&mut self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        if self.open {
            let begin = match self.saved {
                true => "RELEASE request; SAVEPOINT request",
                false => "SAVEPOINT request",
            };
            self.saved = true;
            let begun = execute(connection, begin).await;
            if begun.is_err() {
                // The savepoint that may stand is another one's.
                self.undo(connection).await;
            }
            return begun;
        }
        self.turn.take().await;
        execute(connection, "BEGIN IMMEDIATE").await?;
        (self.open, self.saved) = (true, false);
        self.gone.store(false, Ordering::Relaxed);
        // The wait for another process's transaction is none of ours.
        self.since = Instant::now();
        Ok(())
    }

    /// Keeps what was done since [`Group::begin`] until the commit, or undoes it.
    async fn end(&mut self, connection: &mut SqliteConnection, ok: bool, reply: Reply) {
        let alone = self.replies.is_empty();
        if !self.open {
            return reply(Ok(()));
        }
        if ok && self.gone.load(Ordering::Relaxed) {
            return self.spoiled(connection, reply).await;
        }
        if ok {
            self.replies.push(reply);
            return;
        }
        let undone = if alone {
            self.open = false;
            execute(connection, "ROLLBACK").await
        } else {
            execute(connection, "ROLLBACK TO request").await
        };
        if undone.is_err() && !alone {
            return self.spoiled(connection, reply).await;
        }
        reply(Ok(()));
    }

    /// The transaction itself is gone (disk full ends it): nobody of this group may believe in a commit.
    async fn spoiled(&mut self, connection: &mut SqliteConnection, last: Reply) {
        self.undo(connection).await;
        last(Err(StoreError::Broken(Trouble::NotTaken)));
    }

    async fn undo(&mut self, connection: &mut SqliteConnection) {
        let _ = execute(connection, "ROLLBACK").await;
        self.open = false;
        for reply in self.replies.drain(..) {
            reply(Err(StoreError::Broken(Trouble::NotTaken)));
        }
    }

    pub(super) async fn commit(self, connection: &mut SqliteConnection) {
        if !self.open {
            return;
        }
        let result = execute(connection, "COMMIT").await;
        if result.is_err() {
            let _ = execute(connection, "ROLLBACK").await;
        }
        // Claims came last and are answered first: requests leave before anybody looks at what is new.
        for reply in self.replies.into_iter().rev() {
            reply(result.clone());
        }
    }
}

fn refuse(asked: Vec<Asked>, error: &StoreError) {
    for asked in asked {
        let _ = asked.answer.send(Err(error.clone()));
    }
}

async fn execute(connection: &mut SqliteConnection, sql: &'static str) -> Result<(), StoreError> {
    sqlx::query(sql).execute(connection).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::sync::oneshot;

    use super::*;
    use crate::clock::SystemClock;
    use crate::store::{Act, Board, Sqlite, audit};

    fn act(word: &str) -> Act {
        Act {
            at_ms: 0,
            actor: "os:anna".to_owned(),
            action: word.to_owned(),
            object: "test".to_owned(),
            details: serde_json::Value::Null,
        }
    }

    /// SQLite ends a transaction by itself where the disk is full. Whoever writes first and does not hear of it is told all the same; whoever comes
    /// behind begins anew.
    #[tokio::test]
    async fn the_first_of_a_group_is_not_believed_where_the_transaction_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        let store = Sqlite::open(&dir.path().join("rundruf.db"), Arc::new(SystemClock))
            .await
            .unwrap();
        let (go, wait) = oneshot::channel::<()>();
        let deaf = store.writer.queue(
            |c: &mut SqliteConnection| {
                Box::pin(async move {
                    audit::append(c, &act("first")).await?;
                    // Until the next one has its place behind this one.
                    let _ = wait.await;
                    let ended = sqlx::query("INSERT OR ROLLBACK INTO meta SELECT * FROM meta")
                        .execute(c)
                        .await;
                    assert!(ended.is_err());
                    Ok(())
                })
            },
            |()| (),
        );
        let deaf = deaf.await.unwrap();
        let behind = store.writer.queue(
            |c: &mut SqliteConnection| Box::pin(async move { audit::append(c, &act("second")).await }),
            |()| (),
        );
        let behind = behind.await.unwrap();
        go.send(()).unwrap();
        assert!(deaf.await.is_err());
        behind.await.unwrap();
        let log = store.log(0, 9).await.unwrap();
        assert_eq!((log.len(), log[0].act.action.as_str()), (1, "second"));
        assert_eq!(audit::first_break(&log), None);
    }
}
