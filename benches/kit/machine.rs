//! The machine of this minute: its load, its fdatasync, and what many measurements say together.

use std::fmt;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use super::place;

/// Processors that this process may use.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// Load and `fdatasync` of this minute, in a line.
pub fn minute() -> String {
    let dir = place::folder();
    let mut syncs = Syncs::beside(dir.path());
    for _ in 0..8 {
        syncs.sample();
    }
    format!("load {}, fdatasync {}", load(), syncs.spread())
}

/// Averages over 1, 5 and 15 minutes, for the head of a part.
pub fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').take(3).collect::<Vec<_>>().join(" ")
}

/// The middle one of at least one.
pub fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

/// fdatasync of a 4 KiB page, on the disk of the store, sampled between the publications it is the yardstick of: what the disk
/// does changes by the minute.
pub struct Syncs {
    file: File,
    took: Vec<Duration>,
}

impl Syncs {
    /// Samples at each publication.
    const EACH: usize = 4;

    /// In the folder of the store.
    pub fn beside(store: &Path) -> Self {
        Self {
            file: File::create(store.join("sync")).expect("a file"),
            took: Vec::new(),
        }
    }

    /// Now, before the next publication.
    pub fn sample(&mut self) {
        for _ in 0..Self::EACH {
            let took = self.one();
            self.took.push(took);
        }
    }

    /// A page written, and how long it took until it was on the disk.
    pub fn one(&mut self) -> Duration {
        self.file.write_all(&[7; 4096]).expect("written");
        let begin = Instant::now();
        self.file.sync_data().expect("synced");
        begin.elapsed()
    }

    /// Of all samples.
    pub fn spread(&self) -> Spread {
        Spread::of(self.took.clone())
    }
}

/// Many durations in three.
#[derive(Debug, Clone, Copy)]
pub struct Spread {
    pub p50: Duration,
    pub p95: Duration,
    pub max: Duration,
}

impl Spread {
    /// Of at least one.
    pub fn of(mut all: Vec<Duration>) -> Self {
        all.sort();
        Self {
            p50: all[all.len() / 2],
            p95: all[all.len() * 95 / 100],
            max: all[all.len() - 1],
        }
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "p50 {:.1?}, p95 {:.1?}, max {:.1?}", self.p50, self.p95, self.max)
    }
}
