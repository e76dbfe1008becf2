//! Whose turn it is to write. SQLite lets whoever asks at the right moment begin, and others ask again after a while: a process whose lanes write all the
//! time hardly leaves such a moment, and somebody's publication waits for it beside a drain. So others say that they wait, by a lock on the
//! store's folder, which the kernel frees on death, and that process lets them go first. Nothing depends on it: where the file system has no locks, all ask
//! as before.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How long the process whose lanes run lets others go first: as long as a transaction may take (LANES 1).
const GIVES_WAY: Duration = Duration::from_millis(50);
/// It looks again after this.
const LOOK: Duration = Duration::from_millis(1);
/// One that waited for longer (stopped in the middle, a migration) is not waited for again for so long.
const PASSES_BY: Duration = Duration::from_secs(1);
/// Others wait no longer for each other than for the store itself.
const WAITS: Duration = Duration::from_secs(5);

/// This process's place among those that write to a store.
pub(super) struct Turn {
    folder: Option<File>,
    /// Its lanes run: it lets others go first.
    owner: Arc<AtomicBool>,
    /// Others see that it waits or writes.
    says_so: bool,
    passes_by: Option<Instant>,
}

impl Turn {
    /// Of the store with this file.
    pub(super) fn of(store: &Path, owner: Arc<AtomicBool>) -> Self {
        let folder = store.parent().filter(|folder| !folder.as_os_str().is_empty());
        Self {
            folder: File::open(folder.unwrap_or(Path::new("."))).ok(),
            owner,
            says_so: false,
            passes_by: None,
        }
    }

    /// Before a transaction begins.
    pub(super) async fn take(&mut self) {
        let Some(folder) = &self.folder else { return };
        let now = Instant::now();
        if !self.owner.load(Ordering::Relaxed) {
            self.says_so |= until_free(folder, now + WAITS).await;
        } else if self.passes_by.is_none_or(|until| now >= until) {
            let free = until_free(folder, now + GIVES_WAY).await;
            let _ = folder.unlock();
            self.passes_by = (!free).then(|| Instant::now() + PASSES_BY);
        }
    }

    /// After a transaction has ended.
    pub(super) fn release(&mut self) {
        if std::mem::take(&mut self.says_so)
            && let Some(folder) = &self.folder
        {
            let _ = folder.unlock();
        }
    }
}

/// Locks it, as soon as nobody else has; false: not by then, or it cannot be locked.
async fn until_free(folder: &File, end: Instant) -> bool {
    loop {
        match folder.try_lock() {
            Ok(()) => return true,
            Err(std::fs::TryLockError::WouldBlock) if Instant::now() < end => tokio::time::sleep(LOOK).await,
            Err(std::fs::TryLockError::WouldBlock) => return false,
            // No locks here: nobody can say that they wait.
            Err(std::fs::TryLockError::Error(_)) => return true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn(dir: &Path, owner: bool) -> Turn {
        Turn::of(&dir.join("rundruf.db"), Arc::new(AtomicBool::new(owner)))
    }

    #[tokio::test]
    async fn whose_lanes_run_waits_for_others_but_not_for_one_that_stands_still() {
        let dir = tempfile::tempdir().unwrap();
        let (mut owner, mut other) = (turn(dir.path(), true), turn(dir.path(), false));
        owner.take().await;
        other.take().await;
        assert!(other.says_so, "the owner's own turn keeps nobody waiting");
        owner.take().await;
        assert!(owner.passes_by.is_some(), "it did not end in time");
        other.release();
        owner.passes_by = None;
        owner.take().await;
        assert!(owner.passes_by.is_none());
        // Of two others one waits for the other.
        other.take().await;
        let mut third = turn(dir.path(), false);
        let waits = tokio::spawn(async move {
            third.take().await;
            third.says_so
        });
        other.release();
        assert!(waits.await.unwrap());
    }
}
