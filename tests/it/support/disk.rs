//! A small disk that a test fills up or makes read-only.

use std::path::{Path, PathBuf};
use std::process::Command;

use rundruf::store::disk::Disk;

use super::skipped;

/// A small disk of its own; gone when dropped.
#[derive(Debug)]
pub struct SmallDisk(PathBuf);

impl SmallDisk {
    /// At this folder, with this size (`256m`). `None`, said aloud, where this user may not mount one.
    pub fn mount(at: &Path, size: &str) -> Option<Self> {
        std::fs::create_dir_all(at).unwrap();
        let mut mount = Command::new("mount");
        mount
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"])
            .arg(at);
        if mount.output().is_ok_and(|done| done.status.success()) {
            return Some(Self(at.to_owned()));
        }
        skipped("the right to mount a tmpfs");
        None
    }

    fn filler(&self) -> PathBuf {
        self.0.join(".filler")
    }

    /// Somebody else's file leaves so many bytes.
    pub fn leave(&self, bytes: u64) {
        self.roomy();
        let free = Disk::free(&self.0).unwrap();
        let size = usize::try_from(free.saturating_sub(bytes)).unwrap();
        std::fs::write(self.filler(), vec![1; size]).unwrap();
    }

    /// That file is gone.
    pub fn roomy(&self) {
        let _ = std::fs::remove_file(self.filler());
    }

    /// Takes no changes, or takes them again.
    pub fn read_only(&self, yes: bool) {
        let mut mount = Command::new("mount");
        mount
            .args(["-o", if yes { "remount,ro" } else { "remount,rw" }])
            .arg(&self.0);
        assert!(mount.status().unwrap().success());
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}
