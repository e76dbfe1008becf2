//! One owner (LANES 1): the process that holds an exclusive lock on `DATA/lanes.lock` runs the lanes. The kernel frees the lock
//! however the process dies. Everybody else writes short transactions and wakes the owner through `DATA/wake.sock`.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::Sqlite;
use super::{Refusal, StoreError};

/// Where another process's commit is noticed when nobody wakes (LANES 1).
const POLL: Duration = Duration::from_millis(200);

/// How often the lock is asked for while others only look whether somebody has it.
const ASKERS: u32 = 10_000;

/// The right to run lanes. Dropping it, or dying, frees it.
#[derive(Debug)]
pub struct Owner {
    data: PathBuf,
    _lock: File,
}

fn lock_file(data: &Path) -> PathBuf {
    data.join("lanes.lock")
}

fn socket(data: &Path) -> PathBuf {
    data.join("wake.sock")
}

/// Makes DATA (0700) where it is missing, and refuses where it belongs to somebody else: files of two users in one folder would
/// lock one of them out at the worst moment.
pub fn prepare_data(data: &Path) -> Result<(), StoreError> {
    if !data.is_dir() {
        std::fs::create_dir_all(data).map_err(|e| StoreError::file(data, &e))?;
        std::fs::set_permissions(data, std::fs::Permissions::from_mode(0o700))
            .map_err(|e| StoreError::file(data, &e))?;
    }
    refuse_other_users(data)
}

/// LANES 1: a command whose user does not own DATA refuses, before it reads or leaves anything there.
pub fn refuse_other_users(data: &Path) -> Result<(), StoreError> {
    let Some(theirs) = std::fs::metadata(data).ok().map(|data| data.uid()) else {
        return Ok(());
    };
    match own_uid() {
        Some(mine) if mine != theirs => Err(StoreError::Refused(Refusal::OtherUser {
            data: data.to_owned(),
            theirs,
            mine,
        })),
        _ => Ok(()),
    }
}

/// The user this process runs as.
pub fn own_uid() -> Option<u32> {
    // /proc/self belongs to the process's user: asking it needs no unsafe call.
    Some(std::fs::metadata("/proc/self").ok()?.uid())
}

impl Owner {
    /// Takes the lock; `None` where another process has it.
    pub fn try_take(data: &Path) -> Result<Option<Self>, StoreError> {
        prepare_data(data)?;
        let path = lock_file(data);
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&path)
            .map_err(|e| StoreError::file(&path, &e))?;
        // Whoever only asks (`is_running`) holds a shared lock for a moment: that is no owner, and is asked again.
        for _ in 0..ASKERS {
            match file.try_lock() {
                Ok(()) => {
                    return Ok(Some(Self {
                        data: data.to_owned(),
                        _lock: file,
                    }));
                }
                Err(std::fs::TryLockError::WouldBlock) => {}
                Err(std::fs::TryLockError::Error(error)) => return Err(StoreError::file(&path, &error)),
            }
            if matches!(file.try_lock_shared(), Err(std::fs::TryLockError::WouldBlock)) {
                return Ok(None);
            }
            file.unlock().map_err(|e| StoreError::file(&path, &e))?;
            std::thread::yield_now();
        }
        Ok(None)
    }

    /// What wakes this owner. Replaces the socket an earlier owner left behind; holding the lock proves that nobody listens there.
    pub fn wakes(&self) -> Result<Wakes, StoreError> {
        let path = socket(&self.data);
        let _ = std::fs::remove_file(&path);
        let socket = tokio::net::UnixDatagram::bind(&path).map_err(|e| StoreError::file(&path, &e))?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))
            .map_err(|e| StoreError::file(&path, &e))?;
        Ok(Wakes { socket })
    }
}

/// True where some process holds the lock now.
pub fn is_running(data: &Path) -> bool {
    let Ok(file) = File::open(lock_file(data)) else {
        return false;
    };
    // A shared lock is refused only while the owner's exclusive one is held.
    matches!(file.try_lock_shared(), Err(std::fs::TryLockError::WouldBlock))
}

/// Wakes the owner, if there is one. Never fails: the owner looks by itself every 200 ms.
pub fn wake(data: &Path) {
    if let Ok(from) = UnixDatagram::unbound() {
        // A full socket means that the owner is about to wake anyway.
        let _ = from.set_nonblocking(true);
        let _ = from.send_to(b"w", socket(data));
    }
}

/// Wakes by other processes.
#[derive(Debug)]
pub struct Wakes {
    socket: tokio::net::UnixDatagram,
}

impl Wakes {
    /// Waits for the next; many at once are one.
    pub async fn next(&mut self) {
        let mut word = [0; 8];
        if self.socket.recv(&mut word).await.is_err() {
            // Nothing comes through a broken socket; the store's version still tells.
            return std::future::pending().await;
        }
        while self.socket.try_recv(&mut word).is_ok() {}
    }
}

/// Notices commits of other processes by the store's version.
#[derive(Debug)]
pub struct Changes {
    store: std::sync::Arc<Sqlite>,
    seen: Option<i64>,
}

impl Changes {
    /// From now on: what is read after this is no older than what is noticed later.
    pub async fn from_now(store: std::sync::Arc<Sqlite>) -> Self {
        let seen = store.version().await.ok();
        Self { store, seen }
    }

    /// Waits for a commit by another process.
    pub async fn changed(&mut self) {
        loop {
            if let Ok(version) = self.store.version().await
                && self.seen.replace(version).is_some_and(|seen| seen != version)
            {
                return;
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Waits for a commit by another process, at most until `end` and at most as long as one poll: for loops that also look at
    /// what their own process does.
    pub async fn next(&mut self, end: Instant) {
        let end = end.min(Instant::now() + POLL / 4);
        let _ = tokio::time::timeout_at(end.into(), self.changed()).await;
    }
}
