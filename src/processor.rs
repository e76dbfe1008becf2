//! Floor 0: which processor a thread runs on.

use rustix::thread::{CpuSet, sched_getaffinity, sched_getcpu, sched_setaffinity};

/// Keeps this thread, and those it starts meanwhile, on the processor it is on, until the answer is dropped (what it has started stays).
///
/// For threads that only ever wait for each other, as a connection to SQLite and whoever asks it: one that sleeps on another processor has to be
/// woken there, which costs a virtual machine 20 to 40 µs, each way, and is more than most statements take. The system spreads threads all the
/// same, because it cannot know that the one sleeps as soon as the other works. Nothing where it refuses.
#[must_use]
pub fn stay() -> Stay {
    let before = sched_getaffinity(None).ok().filter(|all| all.count() > 1);
    let here = sched_getcpu();
    Stay(before.filter(|all| {
        let mut one = CpuSet::new();
        // The set as it was found has room for this one: we run on it.
        let known = here < CpuSet::MAX_CPU && all.is_set(here);
        if known {
            one.set(here);
        }
        known && sched_setaffinity(None, &one).is_ok()
    }))
}

/// A thread that stays where it is.
#[derive(Debug)]
pub struct Stay(Option<CpuSet>);

impl Drop for Stay {
    fn drop(&mut self) {
        if let Some(before) = self.0 {
            // Where it fails the thread stays: slower at worst.
            let _ = sched_setaffinity(None, &before);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_stays_may_go_again_and_whom_it_started_stays() {
        let all = sched_getaffinity(None).unwrap();
        let stay = stay();
        assert_eq!(sched_getaffinity(None).unwrap().count(), 1);
        let (started, wait) = std::sync::mpsc::channel::<()>();
        let other = std::thread::spawn(move || {
            let _ = wait.recv();
            sched_getaffinity(None).unwrap().count()
        });
        drop(stay);
        drop(started);
        assert_eq!(other.join().unwrap(), 1);
        assert_eq!(sched_getaffinity(None).unwrap(), all);
    }
}
