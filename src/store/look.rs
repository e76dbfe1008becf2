//! A short busy look for the answer before a thread goes to sleep. The writer's statements take microseconds, and each is a way to SQLite's
//! thread and back: falling asleep and being woken takes longer than most of them.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use tokio::task::coop;

/// Longer than most statements take, shorter than anybody else would miss the core.
const LOOK: Duration = Duration::from_micros(50);

/// Runs `work` as it would run alone, and before each sleep looks for so long whether it is wanted again.
pub(super) fn looking<F: Future>(work: F) -> impl Future<Output = F::Output> {
    // Its turns are not counted: whoever is told to come back at once would else be told so for ever.
    let mut work = Box::pin(coop::unconstrained(work));
    let mut bell: Option<(Waker, Arc<Bell>)> = None;
    std::future::poll_fn(move |cx| {
        let bell = match &bell {
            Some((sleeper, bell)) if sleeper.will_wake(cx.waker()) => bell,
            _ => &bell.insert((cx.waker().clone(), Arc::new(Bell::of(cx.waker())))).1,
        };
        poll(work.as_mut(), bell)
    })
}

fn poll<F: Future>(mut work: Pin<&mut F>, bell: &Arc<Bell>) -> Poll<F::Output> {
    let waker = Waker::from(bell.clone());
    loop {
        bell.rung.store(false, Ordering::Release);
        if let Poll::Ready(done) = work.as_mut().poll(&mut Context::from_waker(&waker)) {
            return Poll::Ready(done);
        }
        let until = Instant::now() + LOOK;
        while !bell.rung.load(Ordering::Acquire) {
            if Instant::now() >= until {
                return Poll::Pending;
            }
            std::hint::spin_loop();
        }
    }
}

/// Rings for the one who looks, and wakes the one who sleeps.
struct Bell {
    rung: AtomicBool,
    sleeper: Waker,
}

impl Bell {
    fn of(sleeper: &Waker) -> Self {
        Self {
            rung: AtomicBool::new(false),
            sleeper: sleeper.clone(),
        }
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.rung.store(true, Ordering::Release);
        self.sleeper.wake_by_ref();
    }
}
