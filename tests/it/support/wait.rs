//! The one place where tests wait: for a condition, with a deadline that only a broken program meets.
//! Prefer a signal (a channel, an answer, a process that ends); ask here what no signal tells.

use std::future::Future;
use std::time::{Duration, Instant};

/// When a test gives up. Far beyond what a loaded machine needs, so that it never decides between fast and slow.
const GIVE_UP: Duration = Duration::from_secs(60);
/// For what the product itself waits a minute for.
const GIVE_UP_PATIENTLY: Duration = Duration::from_secs(180);
/// How often the condition is looked at.
const LOOK: Duration = Duration::from_millis(10);

/// Blocks until `probe` gives a value, and returns it; panics with `what` when it never does.
///
/// For `bool` conditions: `eventually("the page shows it", || page().contains("Stand").then_some(()))`.
pub fn eventually<T>(what: &str, probe: impl FnMut() -> Option<T>) -> T {
    wait(what, GIVE_UP, probe)
}

/// As [`eventually`], for what the product does after a minute and not before.
pub fn patiently<T>(what: &str, probe: impl FnMut() -> Option<T>) -> T {
    wait(what, GIVE_UP_PATIENTLY, probe)
}

#[expect(clippy::disallowed_methods, reason = "the one place where tests wait by the clock")]
fn wait<T>(what: &str, give_up: Duration, mut probe: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(value) = probe() {
            return value;
        }
        assert!(began.elapsed() < give_up, "waited in vain: {what}");
        std::thread::sleep(LOOK);
    }
}

/// As [`eventually`], without blocking the runtime that the test's own servers run on.
pub async fn eventually_async<T, F: Future<Output = Option<T>>>(what: &str, mut probe: impl FnMut() -> F) -> T {
    let began = Instant::now();
    loop {
        if let Some(value) = probe().await {
            return value;
        }
        assert!(began.elapsed() < GIVE_UP, "waited in vain: {what}");
        tokio::time::sleep(LOOK).await;
    }
}
