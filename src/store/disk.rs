//! The disk DATA lies on (LANES 8). While little is free nothing new begins; and a file kept in reserve is given up in time, so that
//! what has been sent can still be written down.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{FallocateFlags, fallocate, statvfs};

/// Nothing is claimed while less is free, bytes (LANES 8).
pub const FLOOR: u64 = 64 << 20;
/// Size of `DATA/reserve`, bytes (LANES 8).
const RESERVE: u64 = 32 << 20;
/// The reserve is given up while less is free, bytes: room for what other programs take within a second.
const LAST: u64 = 16 << 20;

/// From here on, bytes, there is room for what only makes things quicker or safer.
pub(super) const PLENTY: u64 = FLOOR + 2 * RESERVE;

/// What a look at the disk changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room {
    /// Enough is free again.
    Enough,
    /// Less than [`FLOOR`] is free: nothing new begins.
    Low,
}

/// A disk at this moment.
#[derive(Debug, Clone, Copy)]
pub struct Found {
    /// Bytes this user may write.
    pub free: u64,
    /// No further file can be made.
    pub no_more_files: bool,
}

/// The disk of one DATA. Cheap to ask whether it is low; looked at once a second.
#[derive(Debug)]
pub struct Disk {
    data: PathBuf,
    low: AtomicBool,
}

impl Disk {
    /// The disk that `data` lies on.
    pub fn of(data: &Path) -> Self {
        Self {
            data: data.to_owned(),
            low: AtomicBool::new(false),
        }
    }

    /// The folder.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// What this user may still write on the disk a folder lies on.
    pub fn found(folder: &Path) -> io::Result<Found> {
        let found = statvfs(folder)?;
        Ok(Found {
            free: found.f_bavail.saturating_mul(found.f_frsize),
            // Some file systems do not count files and say 0 of 0.
            no_more_files: found.f_files > 0 && found.f_favail == 0,
        })
    }

    /// What this user may still write, bytes.
    pub fn free(data: &Path) -> io::Result<u64> {
        Ok(Self::found(data)?.free)
    }

    /// True where less than [`FLOOR`] was free at the last look.
    pub fn is_low(&self) -> bool {
        self.low.load(Ordering::Acquire)
    }

    /// Looks; gives the reserve up or makes it again. `Some` where that is news.
    pub fn look(&self) -> io::Result<Option<Room>> {
        let free = Self::free(&self.data)?;
        if free < LAST {
            // A missing file is no trouble: it was given up before.
            let _ = fs::remove_file(self.reserve());
        } else if free >= PLENTY && !self.reserve().exists() {
            self.make_reserve()?;
        }
        let low = free < FLOOR;
        if self.low.swap(low, Ordering::AcqRel) == low {
            return Ok(None);
        }
        Ok(Some(if low { Room::Low } else { Room::Enough }))
    }

    fn reserve(&self) -> PathBuf {
        self.data.join("reserve")
    }

    fn make_reserve(&self) -> io::Result<()> {
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(self.reserve())?;
        match fallocate(&file, FallocateFlags::empty(), 0, RESERVE) {
            // A file system that cannot allocate without writing: a reserve of holes would be none.
            Err(error) if error == rustix::io::Errno::OPNOTSUPP => {
                fs::write(self.reserve(), vec![0; usize::try_from(RESERVE).unwrap_or(0)])
            }
            other => Ok(other?),
        }
    }
}
