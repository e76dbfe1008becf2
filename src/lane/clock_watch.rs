//! Watches the wall clock against the monotonic one, and remembers that it leapt until a person has looked (LANES 8).

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::time::Instant;

use crate::clock::Ms;
use crate::lane_core::clock_jump::{Jump, jump};

/// Whether times may end something.
#[derive(Debug, Default)]
pub(crate) struct Trust {
    leapt: AtomicBool,
}

impl Trust {
    pub(crate) fn leapt(&self) -> bool {
        self.leapt.load(Ordering::Acquire)
    }

    pub(crate) fn trust(&self) {
        self.leapt.store(false, Ordering::Release);
    }

    pub(crate) fn distrust(&self) {
        self.leapt.store(true, Ordering::Release);
    }
}

/// The last look at both clocks.
#[derive(Debug)]
pub(crate) struct ClockWatch {
    wall: Ms,
    monotonic: Instant,
}

impl ClockWatch {
    pub(crate) fn new(wall: Ms) -> Self {
        Self {
            wall,
            monotonic: Instant::now(),
        }
    }

    /// What happened since the last look.
    pub(crate) fn look(&mut self, wall: Ms) -> Jump {
        let now = Instant::now();
        let passed = super::rules::ms(now - self.monotonic);
        let found = jump(self.wall, wall, passed);
        self.wall = wall;
        self.monotonic = now;
        found
    }
}
