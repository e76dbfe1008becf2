//! The demo's throw-away folder: nobody else reads it, and it goes when the demo ends.
//!
//! A demo that was killed cannot tidy up; the next one does. Every living demo holds a lock on a file in its folder, which the
//! system gives back when its process ends, however it ends.

use std::fs::{DirBuilder, File};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use anyhow::Context;

/// How every demo's folder begins.
const PREFIX: &str = "rundruf-demo-";
/// Locked while the demo lives.
const ALIVE: &str = "alive";

/// The folder; removed when dropped.
pub(super) struct Folder {
    path: PathBuf,
    _alive: File,
}

impl Folder {
    /// Makes it, and removes what killed demos have left behind.
    pub(super) fn make() -> anyhow::Result<Self> {
        Self::make_in(&std::env::temp_dir())
    }

    fn make_in(temporary: &Path) -> anyhow::Result<Self> {
        tidy(temporary);
        let path = temporary.join(format!("{PREFIX}{:016x}", fastrand::u64(..)));
        let made = || -> std::io::Result<File> {
            DirBuilder::new().mode(0o700).create(&path)?;
            // Locked before it has its name: no other demo ever sees it unlocked.
            let unnamed = path.join("alive.new");
            let alive = File::create(&unnamed)?;
            alive.lock()?;
            std::fs::rename(unnamed, path.join(ALIVE))?;
            Ok(alive)
        };
        let alive = made().with_context(|| format!("{} cannot be made", path.display()))?;
        Ok(Self { path, _alive: alive })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed lies in the folder for temporary files, where the system clears it.
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

/// Removes folders of demos that live no more. Whatever does not let itself be removed stays.
fn tidy(temporary: &Path) {
    let Ok(entries) = std::fs::read_dir(temporary) else {
        return;
    };
    for entry in entries
        .flatten()
        .filter(|e| e.file_name().to_string_lossy().starts_with(PREFIX))
    {
        let path = entry.path();
        let left = File::open(path.join(ALIVE)).is_ok_and(|alive| alive.try_lock().is_ok());
        if left {
            let _ = std::fs::remove_dir_all(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_killed_demo_is_tidied_up_and_a_living_one_left_alone() {
        let temporary = tempfile::tempdir().unwrap();
        let living = Folder::make_in(temporary.path()).unwrap();
        let killed = temporary.path().join("rundruf-demo-killed");
        std::fs::create_dir(&killed).unwrap();
        File::create(killed.join(ALIVE)).unwrap();
        let foreign = temporary.path().join("rundruf-demo-foreign");
        std::fs::create_dir(&foreign).unwrap();

        let next = Folder::make_in(temporary.path()).unwrap();
        assert!(living.path().is_dir() && next.path().is_dir());
        assert!(!killed.exists());
        assert!(foreign.is_dir(), "without the file it is none of ours");
        let gone = next.path().to_owned();
        drop(next);
        assert!(!gone.exists());
    }
}
