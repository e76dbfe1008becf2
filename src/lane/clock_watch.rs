//! Watches the wall clock against the monotonic one, and remembers that it leapt until a person has looked (LANES 8).

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;

use crate::channel::Channel;
use crate::clock::{Clock, Ms, SharedClock, running};
use crate::lane_core::clock_jump::{JUMP_MS, Jump, jump};

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

/// The wall clock as message lanes believe it: ahead of the monotonic clock by no more than usual until a jump is settled, that is, until the
/// store's times have been shifted by it. So no claim finds due what a leap alone has made due.
pub(crate) struct Pace {
    clock: SharedClock,
    looks: Mutex<Looks>,
}

/// A look at both clocks.
#[derive(Debug, Clone, Copy)]
struct Look {
    wall: Ms,
    running: Duration,
}

struct Looks {
    /// The last one at which all was settled.
    settled: Look,
    newest: Look,
}

impl Pace {
    pub(crate) fn new(clock: SharedClock) -> Self {
        let now = Look {
            wall: clock.now_ms(),
            running: running(),
        };
        Self {
            clock,
            looks: Mutex::new(Looks {
                settled: now,
                newest: now,
            }),
        }
    }

    fn looks(&self) -> MutexGuard<'_, Looks> {
        // Two moments that nobody can leave half written.
        self.looks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What happened since all was settled. A jump is found again and again until [`Pace::settle`].
    pub(crate) fn look(&self) -> Jump {
        let mut looks = self.looks();
        looks.newest = Look {
            wall: self.clock.now_ms(),
            running: running(),
        };
        let passed = super::rules::ms(looks.newest.running.saturating_sub(looks.settled.running));
        let found = jump(looks.settled.wall, looks.newest.wall, passed);
        if found == Jump::None {
            looks.settled = looks.newest;
        }
        found
    }

    /// The store's times have been shifted by what the last look found.
    pub(crate) fn settle(&self) {
        let mut looks = self.looks();
        looks.settled = looks.newest;
    }
}

impl Clock for Pace {
    fn now_ms(&self) -> Ms {
        let settled = self.looks().settled;
        let passed = super::rules::ms(running().saturating_sub(settled.running));
        let at_most = settled.wall.saturating_add(passed).saturating_add(JUMP_MS);
        self.clock.now_ms().min(at_most)
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicI64;

    use super::*;

    struct ByHand(AtomicI64);

    impl Clock for ByHand {
        fn now_ms(&self) -> Ms {
            self.0.load(Ordering::Relaxed)
        }
    }

    #[test]
    fn a_leap_is_believed_once_it_is_settled() {
        let clock = Arc::new(ByHand(AtomicI64::new(1_000_000)));
        let pace = Pace::new(Arc::clone(&clock) as SharedClock);
        assert_eq!((pace.look(), pace.now_ms()), (Jump::None, 1_000_000));
        clock.0.store(2_000_000_000, Ordering::Relaxed);
        assert!(pace.now_ms() < 1_500_000);
        // Shifting the store failed twice: each look finds it again.
        for _ in 0..3 {
            assert!(matches!(pace.look(), Jump::Leap(by) if by > 1_990_000_000));
            assert!(pace.now_ms() < 1_500_000);
        }
        pace.settle();
        assert_eq!((pace.look(), pace.now_ms()), (Jump::None, 2_000_000_000));
        clock.0.store(1_000_000, Ordering::Relaxed);
        assert_eq!(
            pace.now_ms(),
            1_000_000,
            "back is believed at once: it makes nothing due"
        );
        assert!(matches!(pace.look(), Jump::Back(_)));
    }
}
