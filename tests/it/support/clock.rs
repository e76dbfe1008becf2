//! A program under another clock: a library that moves its wall clock, loaded before its own.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use super::{TestApp, root, skipped};

/// The library, built into the folder of an installation; `None`, said aloud, where there is no C compiler. The program takes it by
/// `LD_PRELOAD` and reads the seconds from `CLOCK_AHEAD`, or at every look from the file that `CLOCK_AHEAD_IN` names.
pub fn library(app: &TestApp) -> Option<PathBuf> {
    let library = app.path().join("clock.so");
    let built = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-o"])
        .arg(&library)
        .arg(root().join("tests/peers/clock.c"))
        .output();
    match built {
        Ok(done) => {
            assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
            Some(library)
        }
        Err(_) => {
            skipped("no C compiler for tests/peers/clock.c");
            None
        }
    }
}

/// The wall clock of a whole machine: of `serve` and of every command of an installation. The counterparts' clocks are right all the time.
pub struct WallClock {
    file: PathBuf,
}

impl WallClock {
    /// From now on everything the installation starts looks at this clock, which is right at first. `None`, said aloud, where it cannot be built.
    pub fn of(app: &mut TestApp) -> Option<Self> {
        let library = library(app)?;
        let clock = Self {
            file: app.path().join("ahead"),
        };
        clock.right();
        app.always("LD_PRELOAD", library);
        app.always("CLOCK_AHEAD_IN", &clock.file);
        Some(clock)
    }

    fn set(&self, seconds: i64) {
        // In one step: whoever looks meanwhile sees the one or the other.
        let new = self.file.with_extension("new");
        std::fs::write(&new, seconds.to_string()).unwrap();
        std::fs::rename(&new, &self.file).unwrap();
    }

    /// Shows the time.
    pub fn right(&self) {
        self.set(0);
    }

    /// Shows a later time.
    pub fn ahead(&self, by: Duration) {
        self.set(i64::try_from(by.as_secs()).unwrap());
    }

    /// Shows an earlier time.
    pub fn behind(&self, by: Duration) {
        self.set(-i64::try_from(by.as_secs()).unwrap());
    }
}
