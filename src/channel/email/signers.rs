//! Who signs: off the async threads, as many mails at a time as the machine has cores. More at a time would only take turns, and
//! what comes while they work waits in line, so that a burst of mails wakes few threads.

use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::dkim::Dkim;
use super::letter::Letter;
use super::session::Parcel;

/// What is signed within this time is answered together: waking somebody costs more than a signature with Ed25519.
const GATHER: Duration = Duration::from_micros(300);

/// The signers of one channel.
pub(super) struct Signers {
    pub(super) dkim: Dkim,
    most: usize,
    work: Mutex<Work>,
}

#[derive(Default)]
struct Work {
    waiting: VecDeque<Order>,
    /// Signers at work.
    busy: usize,
}

/// A mail to sign.
struct Order {
    letter: Letter,
    /// Since 1970.
    seconds: i64,
    answer: oneshot::Sender<Result<Parcel, String>>,
}

impl Signers {
    /// None of them works before there is something to sign.
    pub(super) fn new(dkim: Dkim) -> Arc<Self> {
        Arc::new(Self {
            dkim,
            most: std::thread::available_parallelism().map_or(1, usize::from),
            work: Mutex::default(),
        })
    }

    /// The mail as it goes over the wire, with its signature.
    pub(super) async fn sign(self: &Arc<Self>, letter: Letter, seconds: i64) -> Result<Parcel, String> {
        let (answer, signed) = oneshot::channel();
        let calls = {
            let mut work = self.lock();
            work.waiting.push_back(Order {
                letter,
                seconds,
                answer,
            });
            let calls = work.busy < self.most;
            work.busy += usize::from(calls);
            calls
        };
        if calls {
            let signers = Arc::clone(self);
            tokio::task::spawn_blocking(move || signers.work());
        }
        signed.await.unwrap_or_else(|error| Err(error.to_string()))
    }

    /// Signs until nothing waits.
    fn work(&self) {
        let mut ready: Vec<(oneshot::Sender<_>, _)> = Vec::new();
        let mut since = Instant::now();
        loop {
            let order = self.next();
            if order.is_none() || since.elapsed() >= GATHER {
                for (answer, signed) in ready.drain(..) {
                    // Nobody waits any more where the mail's time is over.
                    let _ = answer.send(signed);
                }
                since = Instant::now();
            }
            let Some(Order {
                letter,
                seconds,
                answer,
            }) = order
            else {
                return;
            };
            // A panic is the fault of this mail, not the end of signing.
            let signed = std::panic::catch_unwind(AssertUnwindSafe(|| {
                let signature = self.dkim.sign(&letter.head, &letter.body, seconds)?;
                Ok(letter.parcel(&signature))
            }));
            ready.push((
                answer,
                signed.unwrap_or_else(|_| Err("signing failed in the middle".to_owned())),
            ));
        }
    }

    /// The next mail; without one this signer's work is over.
    fn next(&self) -> Option<Order> {
        let mut work = self.lock();
        let order = work.waiting.pop_front();
        work.busy -= usize::from(order.is_none());
        order
    }

    fn lock(&self) -> MutexGuard<'_, Work> {
        // Nothing under this lock can leave it half done.
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
