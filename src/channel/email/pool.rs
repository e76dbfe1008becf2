//! Kept sessions: as many as the lane has mails under way, never more. A session takes some mails and is closed when nobody needs it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::reply::{Fault, Reply, Step};
use super::session::{Parcel, Server, Session};

/// Mails of one session; servers grow suspicious of endless ones.
const MAILS: u32 = 100;
/// An unused session is closed after this.
const IDLE: Duration = Duration::from_secs(15);

/// The sessions with one server.
pub(super) struct Pool {
    pub(super) server: Server,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    /// With the moment since when they are unused, oldest first.
    sessions: Vec<(Session, Instant)>,
    /// Somebody comes and closes what is old.
    watched: bool,
}

impl Pool {
    pub(super) fn new(server: Server) -> Arc<Self> {
        Arc::new(Self {
            server,
            kept: Mutex::default(),
        })
    }

    /// Hands a mail over, in a kept session where there is one.
    pub(super) async fn deliver(self: &Arc<Self>, parcel: &Parcel, deadline: Instant) -> Result<Reply, Fault> {
        while let Some(mut session) = self.take() {
            let result = session.hand_over(parcel, deadline).await;
            // The server has closed it meanwhile. Nothing of the mail has left, so another session may have it.
            let at_once = matches!(
                &result,
                Err(Fault::Lost(Step::Sender, _) | Fault::Refused(Step::Sender, _))
            );
            if session.over && at_once && Instant::now() < deadline {
                continue;
            }
            self.after(session, result.is_err(), deadline).await;
            return result;
        }
        let mut session = self.server.connect(deadline).await?;
        let result = session.hand_over(parcel, deadline).await;
        self.after(session, result.is_err(), deadline).await;
        result
    }

    fn take(&self) -> Option<Session> {
        self.lock().sessions.pop().map(|(session, _)| session)
    }

    /// Keeps a session for the next mail, or ends it.
    async fn after(self: &Arc<Self>, mut session: Session, refused: bool, deadline: Instant) {
        if refused {
            session.reset(deadline).await;
        }
        if session.over || session.mails >= MAILS {
            // The next mail need not wait for a goodbye.
            tokio::spawn(session.quit());
            return;
        }
        let mut kept = self.lock();
        kept.sessions.push((session, Instant::now()));
        if !std::mem::replace(&mut kept.watched, true) {
            tokio::spawn(Self::close_old(Arc::downgrade(self)));
        }
    }

    /// Closes what is unused, until nothing is kept.
    async fn close_old(pool: std::sync::Weak<Self>) {
        loop {
            tokio::time::sleep(IDLE).await;
            let Some(pool) = pool.upgrade() else { return };
            let (old, more) = {
                let mut kept = pool.lock();
                let now = Instant::now();
                let old = kept.sessions.partition_point(|(_, since)| now - *since >= IDLE);
                let old: Vec<Session> = kept.sessions.drain(..old).map(|(session, _)| session).collect();
                kept.watched = !kept.sessions.is_empty();
                (old, kept.watched)
            };
            for session in old {
                session.quit().await;
            }
            if !more {
                return;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        // Nothing under this lock can leave it half done.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
