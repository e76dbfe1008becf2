//! The proof of the lanes (LANES 9): random histories of the state machine on a model store, and random commands on the model and on the real
//! store, which have to agree. Thousands of them: `tests/run` builds this binary, and the product under it, with optimisation.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop there")]

#[allow(dead_code, reason = "the other binary needs more of it")]
#[path = "../it/store_conformance/fixture.rs"]
mod fixture;
#[path = "../it/model/mod.rs"]
mod model;
mod outage;
mod same;
mod sequences;
mod simulation;
mod too_many;

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// A number from the environment.
fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Runs so many seeds on all cores and says every tenth of the way; what they came to, or the first that fails.
fn each<T: Send>(
    what: &str,
    count: u64,
    prove: impl Fn(u64) -> Result<T, String> + Sync,
) -> Result<Vec<T>, (u64, String)> {
    let next = AtomicU64::new(0);
    let (done, failed) = (Mutex::new(Vec::new()), Mutex::new(None::<(u64, String)>));
    let run = || {
        while let seed = next.fetch_add(1, Ordering::Relaxed)
            && seed < count
            && failed.lock().unwrap().is_none()
        {
            match prove(seed) {
                Ok(it) => done.lock().unwrap().push(it),
                Err(error) => {
                    let mut failed = failed.lock().unwrap();
                    if failed.as_ref().is_none_or(|(first, _)| seed < *first) {
                        *failed = Some((seed, error));
                    }
                }
            }
            if seed > 0 && seed % (count / 10).max(1) == 0 {
                println!("{seed} of {count} {what}");
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(run);
        }
    });
    match failed.into_inner().unwrap() {
        Some(failed) => Err(failed),
        None => Ok(done.into_inner().unwrap()),
    }
}
