//! One owner: whoever holds `DATA/lanes.lock` runs the lanes; everybody else writes short transactions and wakes the owner (LANES 1).
//! The kernel frees the lock when its process dies, however it dies.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::os::unix::net::UnixDatagram as StdDatagram;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::net::UnixDatagram;

use super::{Sqlite, StoreError};

/// How often commits of other processes are looked for where no wake arrives (a lost datagram, another user's mistake).
pub const POLL: Duration = Duration::from_millis(200);

/// The lock. Dropping it frees it.
#[derive(Debug)]
pub struct OwnerLock {
    _file: File,
}

impl OwnerLock {
    /// Takes the lock; `None` where another process holds it.
    pub fn try_take(data: &Path) -> Result<Option<Self>, StoreError> {
        let path = data.join("lanes.lock");
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(|error| cannot("open", &path, &error))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(cannot("lock", &path, &error)),
        }
    }
}

/// Makes DATA (0700) if it is missing and refuses where it belongs to somebody else: files written by the wrong user stop the owner.
pub fn prepare(data: &Path) -> Result<(), StoreError> {
    if !data.exists() {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(data)
            .map_err(|error| cannot("make", data, &error))?;
    }
    let owner = fs::metadata(data)
        .map_err(|error| cannot("look at", data, &error))?
        .uid();
    // The folder of this process belongs to its effective user (proc(5)); asking libc would need unsafe code.
    let us = fs::metadata("/proc/self").map_or(owner, |m| m.uid());
    if us == owner {
        return Ok(());
    }
    Err(StoreError::Refused(format!(
        "{} belongs to the user with number {owner}, this command runs as number {us}: run it as that user, for example with `sudo -u '#{owner}'`",
        data.display()
    )))
}

fn cannot(what: &str, path: &Path, error: &io::Error) -> StoreError {
    StoreError::Broken(format!("cannot {what} {}: {error}", path.display()))
}

fn socket(data: &Path) -> PathBuf {
    data.join("wake.sock")
}

/// Tells the owner that something was committed. Nobody listening is no error: the next owner reads everything anyway.
pub fn wake(data: &Path) {
    if let Ok(sender) = StdDatagram::unbound() {
        // Never waits: a full socket means that the owner has wakes enough.
        let _ = sender.set_nonblocking(true);
        let _ = sender.send_to(b"w", socket(data));
    }
}

/// What the owner listens to: wakes, and commits of other processes.
#[derive(Debug)]
pub struct Wakes {
    socket: UnixDatagram,
    store: Sqlite,
    seen: Option<i64>,
}

impl Wakes {
    /// Listens in DATA. Only the holder of the lock may: it takes a dead owner's socket away.
    pub fn listen(data: &Path, _lock: &OwnerLock, store: Sqlite) -> Result<Self, StoreError> {
        let path = socket(data);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(cannot("take away", &path, &error));
            }
            _ => {}
        }
        let socket =
            UnixDatagram::bind(&path).map_err(|error| cannot("listen at", &path, &error))?;
        Ok(Self {
            socket,
            store,
            seen: None,
        })
    }

    /// Waits until another process has woken us or committed something. Several wakes at once are one.
    pub async fn changed(&mut self) -> Result<(), StoreError> {
        let mut poll = tokio::time::interval(POLL);
        poll.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                readable = self.socket.readable() => {
                    readable.map_err(|e| StoreError::Broken(format!("the wake socket failed: {e}")))?;
                    let mut byte = [0; 8];
                    let mut woken = false;
                    while self.socket.try_recv(&mut byte).is_ok() {
                        woken = true;
                    }
                    if woken {
                        return Ok(());
                    }
                }
                _ = poll.tick() => {
                    let version = self.store.version().await?;
                    // The first look has nothing to compare with: what came before it is read at take-over.
                    if self.seen.replace(version).is_some_and(|seen| seen != version) {
                        return Ok(());
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::clock::SystemClock;
    use crate::store::{Act, Board};

    fn act() -> Act {
        Act {
            at_ms: 0,
            actor: "os:anna".into(),
            action: "look".into(),
            object: "test".into(),
            details: serde_json::Value::Null,
        }
    }

    #[test]
    fn only_one_holds_the_lock() {
        let dir = tempfile::tempdir().unwrap();
        prepare(dir.path()).unwrap();
        let first = OwnerLock::try_take(dir.path()).unwrap();
        assert!(first.is_some());
        assert!(OwnerLock::try_take(dir.path()).unwrap().is_none());
        drop(first);
        assert!(OwnerLock::try_take(dir.path()).unwrap().is_some());
    }

    #[tokio::test]
    async fn a_wake_and_a_foreign_commit_are_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("rundruf.db");
        let store = Sqlite::open(&path, Arc::new(SystemClock)).await.unwrap();
        let other = Sqlite::open(&path, Arc::new(SystemClock)).await.unwrap();
        let lock = OwnerLock::try_take(dir.path()).unwrap().unwrap();
        wake(dir.path());
        let mut wakes = Wakes::listen(dir.path(), &lock, store.clone()).unwrap();
        wake(dir.path());
        wake(dir.path());
        wakes.changed().await.unwrap();
        wakes.seen = Some(store.version().await.unwrap());
        store.audit(&act()).await.unwrap();
        assert_eq!(Some(store.version().await.unwrap()), wakes.seen, "our own");
        other.audit(&act()).await.unwrap();
        wakes.changed().await.unwrap();
    }
}
