//! Which processor a thread runs on.
//!
//! Threads that only ever wait for each other, as a connection to SQLite and whoever asks it, are best off on one: a thread that sleeps on another
//! processor has to be woken there, which costs a virtual machine 20 to 40 µs, each way, and is more than most statements take. The system spreads
//! threads all the same, because it cannot know that the one sleeps as soon as the other works. Where it refuses, nothing is done: slower at worst.

use rustix::process::{getpriority_process, setpriority_process};
use rustix::thread::{CpuSet, Pid, sched_getaffinity, sched_getcpu, sched_setaffinity};
use thread_priority::{
    NormalThreadSchedulePolicy, ThreadPriority, ThreadPriorityOsValue, ThreadSchedulePolicy,
    set_thread_priority_and_policy, thread_native_id, thread_schedule_policy,
};

/// Keeps this thread, and those it starts from now on, on the processor it is on.
pub fn stay() {
    if let Some(all) = several()
        && let Some((_, here)) = here(&all)
    {
        let _ = sched_setaffinity(None, &here);
    }
}

/// A thread and one that works for it. Where the system allows it, the first interrupts nobody when it is woken.
#[derive(Debug)]
pub struct Pair {
    other: Pid,
    all: CpuSet,
    /// Where the other one was told to be.
    at: Option<usize>,
    /// This one interrupts nobody until it parts.
    calm: bool,
}

impl Pair {
    /// This thread and another one of the same process; `None`: there is only one processor for it.
    pub fn with(other: Pid) -> Option<Self> {
        let all = several()?;
        Some(Self {
            other,
            all,
            at: None,
            calm: calm(),
        })
    }

    /// Both stay where this one is now, until it goes.
    pub fn meet(&mut self) {
        let Some((cpu, here)) = here(&self.all) else { return };
        if self.at != Some(cpu) {
            self.at = sched_setaffinity(Some(self.other), &here).is_ok().then_some(cpu);
        }
        if self.at.is_some() {
            let _ = sched_setaffinity(None, &here);
        }
    }

    /// This one may be woken wherever there is room. The other one waits where it is.
    pub fn go(&self) {
        let _ = sched_setaffinity(None, &self.all);
    }
}

/// Also where the thread's work ends in a panic: it may be lent to others afterwards.
impl Drop for Pair {
    fn drop(&mut self) {
        self.go();
        if self.calm {
            follow(NormalThreadSchedulePolicy::Other);
        }
    }
}

/// From now on this thread, woken, does not interrupt who is at work on its processor. Who works for it and has an answer wakes it before they have put
/// down what both share: whoever comes at once finds it locked, sleeps again and is woken again, and each answer costs several ways instead of one.
/// Where many are at work it comes later for that, as they all do. False where somebody has set how this process is to run: that stays.
fn calm() -> bool {
    let usual = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Other);
    let usual = thread_schedule_policy().is_ok_and(|policy| policy == usual);
    // Who gives up a better niceness may not get it back.
    usual && getpriority_process(None).is_ok_and(|nice| nice >= 0) && follow(NormalThreadSchedulePolicy::Batch)
}

fn follow(policy: NormalThreadSchedulePolicy) -> bool {
    let nice = getpriority_process(None);
    let as_usual = ThreadPriority::Os(ThreadPriorityOsValue::default());
    let _ = set_thread_priority_and_policy(thread_native_id(), as_usual, ThreadSchedulePolicy::Normal(policy));
    // Whoever names a policy names a niceness, too: it stays what it was.
    if let Ok(nice) = nice {
        let _ = setpriority_process(None, nice);
    }
    thread_schedule_policy().is_ok_and(|now| now == ThreadSchedulePolicy::Normal(policy))
}

/// The processors this thread may run on, where there are several.
fn several() -> Option<CpuSet> {
    sched_getaffinity(None).ok().filter(|all| all.count() > 1)
}

/// The processor this thread runs on, by its number and alone.
fn here(all: &CpuSet) -> Option<(usize, CpuSet)> {
    let cpu = sched_getcpu();
    let mut one = CpuSet::new();
    (cpu < CpuSet::MAX_CPU && all.is_set(cpu)).then(|| {
        one.set(cpu);
        (cpu, one)
    })
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;

    use rustix::thread::gettid;

    use super::*;

    fn mine() -> CpuSet {
        sched_getaffinity(None).unwrap()
    }

    #[test]
    fn whoever_stays_keeps_whom_it_starts() {
        let started = thread::spawn(|| {
            stay();
            let other = thread::spawn(|| mine().count()).join().unwrap();
            (mine().count(), other)
        });
        assert_eq!(started.join().unwrap(), (1, 1));
        // Nobody else is kept.
        assert_eq!(mine(), thread::spawn(mine).join().unwrap());
    }

    #[test]
    fn two_meet_on_one_processor_and_the_first_may_go() {
        let (tell, told) = mpsc::channel();
        let (ask, asked) = mpsc::channel::<mpsc::Sender<CpuSet>>();
        let other = thread::spawn(move || {
            tell.send(gettid()).unwrap();
            asked.iter().for_each(|answer| answer.send(mine()).unwrap());
        });
        let theirs = || {
            let (answer, wait) = mpsc::channel();
            ask.send(answer).unwrap();
            wait.recv().unwrap()
        };
        let (all, nice) = (mine(), getpriority_process(None));
        let policy = || match thread_schedule_policy() {
            Ok(ThreadSchedulePolicy::Normal(policy)) => policy,
            other => panic!("{other:?}"),
        };
        // On a machine with one processor there is nothing to do.
        if let Some(mut pair) = Pair::with(told.recv().unwrap()) {
            assert_eq!(policy(), NormalThreadSchedulePolicy::Batch);
            pair.meet();
            assert_eq!((mine().count(), theirs()), (1, mine()));
            pair.go();
            assert_eq!((mine(), theirs().count()), (all, 1));
            pair.meet();
            drop(pair);
            assert_eq!((mine(), policy()), (all, NormalThreadSchedulePolicy::Other));
            assert_eq!(getpriority_process(None), nice);
        }
        drop(ask);
        other.join().unwrap();
    }
}
