//! A small disk that a test fills up or makes read-only.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use rundruf::store::disk::Disk;

use super::skipped;

/// What a disk gives at once.
const PAGE: u64 = 4_096;

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

    /// A disk of its own whose content is the file `image`: what is not in there yet, a power cut takes.
    pub fn with_image(at: &Path, image: &Path) -> Option<Self> {
        Self::with_image_of(at, image, 32)
    }

    /// As [`SmallDisk::with_image`], of so many MB where it is not there yet.
    pub fn with_image_of(at: &Path, image: &Path, megabytes: u64) -> Option<Self> {
        std::fs::create_dir_all(at).unwrap();
        if !image.exists() {
            std::fs::File::create(image).unwrap().set_len(megabytes << 20).unwrap();
            let made = Command::new("mkfs.ext4").arg("-q").arg(image).output();
            if !made.is_ok_and(|made| made.status.success()) {
                skipped("mkfs.ext4");
                return None;
            }
        }
        // By itself nothing gets to the disk for an hour.
        let mount = Command::new("mount")
            .args(["-o", "loop,commit=3600"])
            .args([image, at])
            .output();
        if mount.is_ok_and(|done| done.status.success()) {
            return Some(Self(at.to_owned()));
        }
        skipped("the right to mount an image");
        None
    }

    fn filler(&self) -> PathBuf {
        self.0.join(".filler")
    }

    /// Somebody else's file leaves so many bytes, give or take a page. It only grows or shrinks: at no moment is there more room
    /// than before and after.
    pub fn leave(&self, bytes: u64) {
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.filler())
            .unwrap();
        loop {
            let free = Disk::free(&self.0).unwrap();
            if free < bytes {
                let size = file.metadata().unwrap().len();
                return file.set_len(size.saturating_sub(bytes - free)).unwrap();
            }
            let more = usize::try_from((free - bytes).min(1 << 20)).unwrap();
            match file.write_all(&vec![1; more]) {
                Err(error) if error.kind() != ErrorKind::StorageFull => panic!("{error}"),
                Ok(()) if free - bytes > PAGE => {}
                _ => return,
            }
        }
    }

    /// That file is gone.
    pub fn roomy(&self) {
        let _ = std::fs::remove_file(self.filler());
    }

    /// It has found an error in itself: whoever has files open there can write no more. For good, until it is mounted anew.
    pub fn breaks(&self) {
        // It says that this went wrong, too.
        let _ = Command::new("mount")
            .args(["-o", "remount,abort"])
            .arg(&self.0)
            .output();
        let refused = OpenOptions::new().create(true).append(true).open(self.filler());
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::ReadOnlyFilesystem);
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
