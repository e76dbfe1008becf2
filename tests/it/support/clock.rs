//! A program under another clock: a library that moves its wall clock, loaded before its own.

use std::path::PathBuf;
use std::process::Command;

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
