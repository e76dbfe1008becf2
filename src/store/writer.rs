//! The one writer: a thread with the only writing connection. Requests that arrive while it works share one transaction and one
//! `fdatasync`; each is answered after the commit that holds it. Nobody waits for company: a lone request commits alone. Claims that have come
//! by the time one of them begins also share their statements.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use sqlx::{Connection, SqliteConnection};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::{ClaimRequest, Claimed, Completed, StoreError, Trouble, claims, complete};

/// Requests of one commit; more wait for the next.
const GROUP_MAX: usize = 256;
/// How long a transaction takes further requests in; other processes wait behind it (LANES 1: at most 50 ms).
const GROUP_TIME: Duration = Duration::from_millis(20);
/// Claims are run together up to so many rows that they may start; more wait their turn (LANES 1, as above).
const TOGETHER: u32 = 4_096;
/// Requests that may queue before callers wait.
const QUEUE: usize = 1024;

type Reply = Box<dyn FnOnce(Result<(), StoreError>) + Send>;
/// What begins as an error (no transaction could begin) is answered with it and does nothing.
type Begun<'c> = Result<&'c mut SqliteConnection, StoreError>;
type Work = Box<dyn for<'c> FnOnce(Begun<'c>) -> BoxFuture<'c, (bool, Reply)> + Send>;

/// A claim and who waits for it.
struct Asked {
    request: ClaimRequest,
    /// What the outcomes that came with it mean, and whether they went with a transaction that is gone.
    settled: (Completed, Arc<AtomicBool>),
    answer: oneshot::Sender<Result<Claimed, StoreError>>,
}

enum Message {
    Work(Work),
    Claim(Asked),
    Version(oneshot::Sender<Result<i64, StoreError>>),
}

/// The way to the writer. Cheap to clone; the writer ends when the last one is gone.
#[derive(Clone)]
pub(super) struct Writer {
    queue: mpsc::Sender<Message>,
}

impl Writer {
    /// Starts it, on a thread of its own: each statement goes to SQLite's thread and back, and a thread that only waits for that
    /// is woken sooner than a task that the runtime first has to find a worker for.
    pub(super) fn start(connection: SqliteConnection) -> (Self, JoinHandle<()>) {
        let (queue, messages) = mpsc::channel(QUEUE);
        let runtime = Handle::current();
        let task = tokio::task::spawn_blocking(move || runtime.block_on(run(connection, messages)));
        (Self { queue }, task)
    }

    /// Runs `work` in a transaction and answers after the commit. An error undoes this work alone. Work that was handed over is
    /// done even if the caller stops waiting.
    pub(super) async fn write<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T, StoreError>> + Send + 'static,
    {
        self.queue(work, |_| ()).await?.await
    }

    /// As [`Writer::write`], in two steps: first it has its place before everything that comes later, then it is done. `committed` is
    /// called after the commit, also where nobody waits any more.
    pub(super) async fn queue<T, F, D>(
        &self,
        work: F,
        committed: D,
    ) -> Result<impl Future<Output = Result<T, StoreError>> + use<T, F, D>, StoreError>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T, StoreError>> + Send + 'static,
        D: FnOnce(&T) + Send + 'static,
    {
        let (answer, wait) = oneshot::channel();
        let work: Work = Box::new(move |begun| {
            Box::pin(async move {
                let result = match begun {
                    Ok(connection) => work(connection).await,
                    Err(error) => Err(error),
                };
                let ok = result.is_ok();
                let reply: Reply = Box::new(move |commit| {
                    // The work's own error says more than the commit's.
                    let done = result.and_then(|value| commit.map(|()| value));
                    if let Ok(value) = &done {
                        committed(value);
                    }
                    // A caller that stopped waiting is no error.
                    let _ = answer.send(done);
                });
                (ok, reply)
            })
        });
        self.send(Message::Work(work)).await?;
        Ok(async { wait.await.map_err(|_| stopped())? })
    }

    /// What a lane may start now, with the claims of others that come in the same moment.
    pub(super) async fn claim(&self, request: ClaimRequest) -> Result<Claimed, StoreError> {
        let (answer, wait) = oneshot::channel();
        let settled = Default::default();
        self.send(Message::Claim(Asked {
            request,
            settled,
            answer,
        }))
        .await?;
        wait.await.map_err(|_| stopped())?
    }

    /// `PRAGMA data_version`: changes when another process or connection has committed.
    pub(super) async fn version(&self) -> Result<i64, StoreError> {
        let (answer, wait) = oneshot::channel();
        self.send(Message::Version(answer)).await?;
        wait.await.map_err(|_| stopped())?
    }

    async fn send(&self, message: Message) -> Result<(), StoreError> {
        self.queue.send(message).await.map_err(|_| stopped())
    }
}

fn stopped() -> StoreError {
    StoreError::Broken(Trouble::Stopped)
}

async fn run(mut connection: SqliteConnection, mut messages: mpsc::Receiver<Message>) {
    let mut left = None;
    loop {
        let first = match left.take() {
            Some(left) => Some(left),
            None => messages.recv().await,
        };
        if first.is_none() {
            break;
        }
        let mut group = Group::new();
        let mut versions = Vec::new();
        let mut asked = Vec::new();
        let mut next = first;
        loop {
            match next.take() {
                Some(Message::Work(work)) => group.run(&mut connection, work).await,
                Some(Message::Version(answer)) => versions.push(answer),
                Some(Message::Claim(claim)) => asked.extend(group.settle(&mut connection, claim).await),
                None if asked.is_empty() => break,
                // After all that came before them: what was written there may be theirs to start.
                None => left = group.claim(&mut connection, &mut asked, &mut messages).await,
            }
            // What others asked for meanwhile, on their own threads, lands in this commit.
            if !group.is_full() && rows(&asked) < TOGETHER {
                next = left.take().or_else(|| messages.try_recv().ok());
            }
        }
        group.commit(&mut connection).await;
        for answer in versions {
            let version = sqlx::query_scalar("PRAGMA data_version")
                .fetch_one(&mut connection)
                .await
                .map_err(StoreError::from);
            let _ = answer.send(version);
        }
    }
    if let Err(error) = connection.close().await {
        tracing::warn!(%error, "the store did not close cleanly; nothing committed is lost");
    }
}

/// How many rows claims may start at most.
fn rows(asked: &[Asked]) -> u32 {
    asked
        .iter()
        .map(|asked| asked.request.limit)
        .fold(0, u32::saturating_add)
}

/// What goes into one commit.
struct Group {
    replies: Vec<Reply>,
    since: Instant,
    open: bool,
    /// A savepoint stands, of a request that is done: the next one takes its place, and the commit needs none released.
    saved: bool,
}

impl Group {
    fn new() -> Self {
        Self {
            replies: Vec::new(),
            since: Instant::now(),
            open: false,
            saved: false,
        }
    }

    fn is_full(&self) -> bool {
        self.replies.len() >= GROUP_MAX || self.since.elapsed() >= GROUP_TIME
    }

    async fn run(&mut self, connection: &mut SqliteConnection, work: Work) {
        let begun = self.begin(connection).await;
        let (ok, reply) = work(begun.map(|()| &mut *connection)).await;
        self.end(connection, ok, reply).await;
    }

    /// Writes the outcomes that come with a claim; the claim, where they could be written. They are in its commit, and everything that is
    /// claimed here finds them written.
    async fn settle(&mut self, connection: &mut SqliteConnection, mut asked: Asked) -> Option<Asked> {
        let outcomes = std::mem::take(&mut asked.request.settles);
        if outcomes.is_empty() {
            return Some(asked);
        }
        let result = match self.begin(connection).await {
            Ok(()) => complete::complete(connection, &outcomes).await,
            Err(error) => Err(error),
        };
        let lost = Arc::clone(&asked.settled.1);
        let reply: Reply = Box::new(move |commit| lost.store(commit.is_err(), Ordering::Relaxed));
        self.end(connection, result.is_ok(), reply).await;
        match result {
            Ok(settled) => {
                asked.settled.0 = settled;
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
    async fn claim(
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
        // Whose outcomes went with a transaction that is gone has no room for what it asked for.
        let lost = |asked: &mut Asked| asked.settled.1.load(Ordering::Relaxed);
        refuse(
            asked.extract_if(.., lost).collect(),
            &StoreError::Broken(Trouble::NotTaken),
        );
        let began = begun.is_ok();
        let failed = self.claim_all(connection, begun, std::mem::take(asked)).await;
        match failed {
            Some((error, claims)) if began && claims.len() > 1 => {
                tracing::debug!(%error, "claims failed together, each is tried alone");
                for claim in claims {
                    let begun = self.begin(connection).await;
                    if let Some((error, claims)) = self.claim_all(connection, begun, vec![claim]).await {
                        refuse(claims, &error);
                    }
                }
            }
            Some((error, claims)) => refuse(claims, &error),
            None => {}
        }
        other
    }

    /// All in one; those that failed come back, undone.
    async fn claim_all(
        &mut self,
        connection: &mut SqliteConnection,
        begun: Result<(), StoreError>,
        asked: Vec<Asked>,
    ) -> Option<(StoreError, Vec<Asked>)> {
        let requests: Vec<ClaimRequest> = asked.iter().map(|asked| asked.request.clone()).collect();
        let result = match begun {
            Ok(()) => claims::claim(connection, &requests).await,
            Err(error) => Err(error),
        };
        match result {
            Ok(claimed) => {
                let reply: Reply = Box::new(move |commit| {
                    for (asked, claimed) in asked.into_iter().zip(claimed) {
                        let settled = asked.settled.0;
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
            return execute(connection, begin).await;
        }
        execute(connection, "BEGIN IMMEDIATE").await?;
        (self.open, self.saved) = (true, false);
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
        let _ = execute(connection, "ROLLBACK").await;
        self.open = false;
        for reply in self.replies.drain(..).chain([last]) {
            reply(Err(StoreError::Broken(Trouble::NotTaken)));
        }
    }

    async fn commit(self, connection: &mut SqliteConnection) {
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
