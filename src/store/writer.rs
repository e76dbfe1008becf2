//! The one writer: a thread with the only writing connection. Requests that arrive while it works share one transaction and one
//! `fdatasync`; each is answered after the commit that holds it. Nobody waits for company: a lone request commits alone. Claims that have come
//! by the time one of them begins also share their statements.

use std::sync::{Arc, OnceLock};

use futures_util::future::BoxFuture;
use rustix::thread::{Pid, gettid};
use sqlx::{Connection, SqliteConnection};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::group::{Asked, Group, Message, Reply, TOGETHER, Work, ended_by_itself, rows};
use super::turn::Turn;
use super::{ClaimRequest, Claimed, StoreError, Trouble};
use crate::processor::Pair;

/// Requests that may queue before callers wait.
const QUEUE: usize = 1024;

/// The way to the writer. Cheap to clone; the writer ends when the last one is gone.
#[derive(Clone)]
pub(super) struct Writer {
    queue: mpsc::Sender<Message>,
}

impl Writer {
    /// Opens its connection and starts it, on a thread of its own: each statement goes to SQLite's thread and back, and a thread that only waits
    /// for that is woken sooner than a task that the runtime first has to find a worker for; soonest on the same processor, where both stay for as
    /// long as a transaction takes.
    pub(super) async fn start<F>(open: F, turn: Turn) -> Result<(Self, JoinHandle<()>), StoreError>
    where
        F: Future<Output = Result<SqliteConnection, StoreError>> + Send + 'static,
    {
        let (queue, messages) = mpsc::channel(QUEUE);
        let (opened, wait) = oneshot::channel();
        let runtime = Handle::current();
        let task = tokio::task::spawn_blocking(move || {
            runtime.block_on(async move {
                let (connection, said) = match open.await {
                    Ok(connection) => (Some(connection), Ok(())),
                    Err(error) => (None, Err(error)),
                };
                // Where nobody waits any more there is no way to it either, and it ends.
                let _ = opened.send(said);
                if let Some(connection) = connection {
                    run(connection, messages, turn).await;
                }
            });
        });
        wait.await.map_err(|_| stopped())??;
        Ok((Self { queue }, task))
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
        self.send(Message::Claim(Asked {
            request,
            settled: None,
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

/// The thread on which SQLite works for a connection: it says so in the middle of a statement. `None`: it does not.
async fn thread_of(connection: &mut SqliteConnection) -> Option<Pid> {
    let seen = Arc::new(OnceLock::new());
    let says = Arc::clone(&seen);
    connection.lock_handle().await.ok()?.set_progress_handler(1, move || {
        let _ = says.set(gettid());
        // It goes on.
        true
    });
    let asked = sqlx::query("SELECT 1").execute(&mut *connection).await;
    connection.lock_handle().await.ok()?.remove_progress_handler();
    asked.ok()?;
    seen.get().copied()
}

async fn run(mut connection: SqliteConnection, mut messages: mpsc::Receiver<Message>, mut turn: Turn) {
    let gone = ended_by_itself(&mut connection).await;
    let mut pair = thread_of(&mut connection).await.and_then(Pair::with);
    let mut left = None;
    loop {
        let first = match left.take() {
            Some(left) => Some(left),
            None => messages.recv().await,
        };
        if first.is_none() {
            break;
        }
        pair.iter_mut().for_each(Pair::meet);
        let mut group = Group::new(&gone, &mut turn);
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
        turn.release();
        for answer in versions {
            let version = sqlx::query_scalar("PRAGMA data_version")
                .fetch_one(&mut connection)
                .await
                .map_err(StoreError::from);
            let _ = answer.send(version);
        }
        pair.iter().for_each(Pair::go);
    }
    if let Err(error) = connection.close().await {
        tracing::warn!(%error, "the store did not close cleanly; nothing committed is lost");
    }
}
