//! The one writer: a thread with the only writing connection. Requests that arrive while it works share one transaction and one
//! `fdatasync`; each is answered after the commit that holds it. Nobody waits for company: a lone request commits alone. Claims that have come
//! by the time one of them begins also share their statements.

use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use sqlx::{Connection, SqliteConnection};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::{ClaimRequest, Claimed, StoreError, Trouble, claims};

/// Requests of one commit; more wait for the next.
const GROUP_MAX: usize = 256;
/// How long a transaction takes further requests in; other processes wait behind it (LANES 1: at most 50 ms).
const GROUP_TIME: Duration = Duration::from_millis(20);
/// Requests that may queue before callers wait.
const QUEUE: usize = 1024;

type Reply = Box<dyn FnOnce(Result<(), StoreError>) + Send>;
/// What begins as an error (no transaction could begin) is answered with it and does nothing.
type Begun<'c> = Result<&'c mut SqliteConnection, StoreError>;
type Work = Box<dyn for<'c> FnOnce(Begun<'c>) -> BoxFuture<'c, (bool, Reply)> + Send>;

/// A claim and who waits for it.
struct Claim {
    request: ClaimRequest,
    answer: oneshot::Sender<Result<Claimed, StoreError>>,
}

enum Message {
    Work(Work),
    Version(oneshot::Sender<Result<i64, StoreError>>),
}

/// The way to the writer. Cheap to clone; the writer ends when the last one is gone.
#[derive(Clone)]
pub(super) struct Writer {
    queue: mpsc::Sender<Message>,
    claims: mpsc::Sender<Claim>,
}

impl Writer {
    /// Starts it, on a thread of its own: each statement goes to SQLite's thread and back, and a thread that only waits for that
    /// is woken sooner than a task that the runtime first has to find a worker for.
    pub(super) fn start(connection: SqliteConnection) -> (Self, JoinHandle<()>) {
        let (queue, messages) = mpsc::channel(QUEUE);
        let (claims, asked) = mpsc::channel(QUEUE);
        let runtime = Handle::current();
        let task = tokio::task::spawn_blocking(move || runtime.block_on(run(connection, messages, asked)));
        (Self { queue, claims }, task)
    }

    /// Runs `work` in a transaction and answers after the commit. An error undoes this work alone. Work that was handed over is
    /// done even if the caller stops waiting.
    pub(super) async fn write<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T, StoreError>> + Send + 'static,
    {
        self.queue(work).await?.await
    }

    /// As [`Writer::write`], in two steps: first it has its place before everything that comes later, then it is done.
    pub(super) async fn queue<T, F>(
        &self,
        work: F,
    ) -> Result<impl Future<Output = Result<T, StoreError>> + use<T, F>, StoreError>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T, StoreError>> + Send + 'static,
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
                    // A caller that stopped waiting is no error. The work's own error says more than the commit's.
                    let _ = answer.send(result.and_then(|value| commit.map(|()| value)));
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
        self.claims
            .send(Claim { request, answer })
            .await
            .map_err(|_| stopped())?;
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

async fn run(
    mut connection: SqliteConnection,
    mut messages: mpsc::Receiver<Message>,
    mut claims: mpsc::Receiver<Claim>,
) {
    loop {
        let (mut message, mut claim) = tokio::select! {
            biased;
            Some(message) = messages.recv() => (Some(message), None),
            Some(claim) = claims.recv() => (None, Some(claim)),
            else => break,
        };
        let mut group = Group::new();
        let mut versions = Vec::new();
        loop {
            match (message.take(), claim.take()) {
                (Some(Message::Work(work)), _) => group.run(&mut connection, work).await,
                (Some(Message::Version(answer)), _) => versions.push(answer),
                (None, Some(first)) => group.claim(&mut connection, first, &mut claims).await,
                (None, None) => break,
            }
            // What others asked for meanwhile, on their own threads, lands in this commit. Claims come last: what is written before them may
            // be theirs to start.
            if !group.is_full() {
                message = messages.try_recv().ok();
            }
            if message.is_none() && group.takes_claims() {
                claim = claims.try_recv().ok();
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

/// What goes into one commit.
struct Group {
    replies: Vec<Reply>,
    since: Instant,
    open: bool,
    claimed: bool,
}

impl Group {
    fn new() -> Self {
        Self {
            replies: Vec::new(),
            since: Instant::now(),
            open: false,
            claimed: false,
        }
    }

    /// However much is written, lanes get on.
    fn takes_claims(&self) -> bool {
        !self.is_full() || !self.claimed
    }

    fn is_full(&self) -> bool {
        self.replies.len() >= GROUP_MAX || self.since.elapsed() >= GROUP_TIME
    }

    async fn run(&mut self, connection: &mut SqliteConnection, work: Work) {
        let begun = self.begin(connection).await;
        let (ok, reply) = work(begun.map(|()| &mut *connection)).await;
        self.end(connection, ok, reply).await;
    }

    /// The claims there are by the time the transaction has begun. Where one of them fails it fails alone.
    async fn claim(&mut self, connection: &mut SqliteConnection, first: Claim, more: &mut mpsc::Receiver<Claim>) {
        let begun = self.begin(connection).await;
        let mut together = vec![first];
        while together.len() < GROUP_MAX
            && let Ok(claim) = more.try_recv()
        {
            together.push(claim);
        }
        self.claimed = true;
        let alone = self.claim_all(connection, begun, together).await;
        for claim in alone {
            let begun = self.begin(connection).await;
            self.claim_all(connection, begun, vec![claim]).await;
        }
    }

    /// All in one; those that failed together come back.
    async fn claim_all(
        &mut self,
        connection: &mut SqliteConnection,
        begun: Result<(), StoreError>,
        together: Vec<Claim>,
    ) -> Vec<Claim> {
        let (requests, answers): (Vec<_>, Vec<_>) = together.into_iter().map(|c| (c.request, c.answer)).unzip();
        let result = match begun {
            Ok(()) => claims::claim(connection, &requests).await,
            Err(error) => Err(error),
        };
        if result.is_err() && requests.len() > 1 {
            self.end(connection, false, Box::new(|_| ())).await;
            let claims = requests.into_iter().zip(answers);
            return claims.map(|(request, answer)| Claim { request, answer }).collect();
        }
        let ok = result.is_ok();
        let reply: Reply = Box::new(
            move |commit| match result.and_then(|claimed| commit.map(|()| claimed)) {
                Ok(claimed) => {
                    for (answer, claimed) in answers.into_iter().zip(claimed) {
                        let _ = answer.send(Ok(claimed));
                    }
                }
                Err(error) => {
                    for answer in answers {
                        let _ = answer.send(Err(error.clone()));
                    }
                }
            },
        );
        self.end(connection, ok, reply).await;
        Vec::new()
    }

    /// Begins the transaction, or a part of it that can be undone alone.
    async fn begin(&mut self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        match (self.open, self.is_first()) {
            (false, _) => execute(connection, "BEGIN IMMEDIATE").await?,
            (true, false) => execute(connection, "SAVEPOINT request").await?,
            (true, true) => {}
        }
        self.open = true;
        Ok(())
    }

    /// The first of a group needs no savepoint: undoing it is undoing all.
    fn is_first(&self) -> bool {
        self.replies.is_empty()
    }

    /// Keeps what was done since [`Group::begin`] until the commit, or undoes it.
    async fn end(&mut self, connection: &mut SqliteConnection, ok: bool, reply: Reply) {
        let alone = self.is_first();
        if !self.open {
            return reply(Ok(()));
        }
        if ok {
            if !alone && execute(connection, "RELEASE request").await.is_err() {
                return self.spoiled(connection, reply).await;
            }
            self.replies.push(reply);
            return;
        }
        let undone = if alone {
            self.open = false;
            execute(connection, "ROLLBACK").await
        } else {
            match execute(connection, "ROLLBACK TO request").await {
                Ok(()) => execute(connection, "RELEASE request").await,
                error => error,
            }
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
        for reply in self.replies {
            reply(result.clone());
        }
    }
}

async fn execute(connection: &mut SqliteConnection, sql: &'static str) -> Result<(), StoreError> {
    sqlx::query(sql).execute(connection).await?;
    Ok(())
}
