//! Watches the wall clock against the monotonic one, and remembers that it leapt until a person has looked (LANES 8).

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::join_all;

use crate::channel::Channel;
use crate::clock::{Ms, SharedClock, running};
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

    pub(crate) fn set(&self, leapt: bool) {
        self.leapt.store(leapt, Ordering::Release);
    }
}

/// The last look at both clocks.
#[derive(Debug)]
pub(crate) struct ClockWatch {
    wall: Ms,
    running: Duration,
}

impl ClockWatch {
    pub(crate) fn new(wall: Ms) -> Self {
        Self {
            wall,
            running: running(),
        }
    }

    /// What happened since the last look.
    pub(crate) fn look(&mut self, wall: Ms) -> Jump {
        let now = running();
        let passed = super::rules::ms(now.saturating_sub(self.running));
        let found = jump(self.wall, wall, passed);
        self.wall = wall;
        self.running = now;
        found
    }
}

/// How far a counterpart's clock may be from ours and still agree, ms: `Date` has whole seconds, and an answer takes its time.
const AGREES_MS: Ms = 120_000;
/// So many counterparts are as good as a person (LANES 8).
const ENOUGH: usize = 2;

/// True where the clocks of enough counterparts agree with ours.
pub(crate) async fn others_agree(channels: Vec<Arc<dyn Channel>>, clock: SharedClock) -> bool {
    let asked = channels.iter().map(|channel| async {
        let (host, theirs) = channel.their_time().await?;
        ((theirs - clock.now_ms()).abs() <= AGREES_MS).then_some(host)
    });
    let agreeing: BTreeSet<String> = join_all(asked).await.into_iter().flatten().collect();
    agreeing.len() >= ENOUGH
}
