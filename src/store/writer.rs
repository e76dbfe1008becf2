//! The one writer: a thread with the only writing connection. Requests that arrive while it works share one transaction and one
//! `fdatasync`; each is answered after the commit that holds it. Nobody waits for company: a lone request commits alone.

use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use sqlx::{Connection, SqliteConnection};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::{StoreError, Trouble};

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

enum Message {
    Work(Work),
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
    while let Some(first) = messages.recv().await {
        let mut group = Group::new();
        let mut versions = Vec::new();
        let mut next = Some(first);
        while let Some(message) = next {
            match message {
                Message::Work(work) => group.run(&mut connection, work).await,
                Message::Version(answer) => versions.push(answer),
            }
            if group.is_full() {
                break;
            }
            // What others asked for meanwhile, on their own threads, lands in this commit.
            next = messages.try_recv().ok();
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
}

impl Group {
    fn new() -> Self {
        Self {
            replies: Vec::new(),
            since: Instant::now(),
            open: false,
        }
    }

    fn is_full(&self) -> bool {
        self.replies.len() >= GROUP_MAX || self.since.elapsed() >= GROUP_TIME
    }

    async fn run(&mut self, connection: &mut SqliteConnection, work: Work) {
        // The first of a group needs no savepoint: undoing it is undoing all.
        let alone = self.replies.is_empty();
        let begun = match (self.open, alone) {
            (false, _) => execute(connection, "BEGIN IMMEDIATE").await,
            (true, false) => execute(connection, "SAVEPOINT request").await,
            (true, true) => Ok(()),
        };
        if begun.is_ok() {
            self.open = true;
        }
        let (ok, reply) = work(begun.map(|()| &mut *connection)).await;
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
