//! A claim that finds out that a digest has to be written first (LANES 4) has it written, and claims what it holds.

use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;

use async_trait::async_trait;
use futures_util::future::FutureExt;

use crate::clock::Ms;
use crate::ids::LaneId;
use crate::store::{ClaimRequest, Claimed, Completed, Lanes, StoreError};

/// So often in one claim: something may be published between the cut and the claim behind it.
const TRIES: usize = 4;
/// Where no digest could be written, the lane asks again after this.
const AGAIN_MS: Ms = 1_000;

/// Why a digest could not be written.
#[derive(Debug)]
pub struct Unwritten {
    /// What stands in the way, for the log.
    pub why: String,
    /// It stood in the way the last time, too.
    pub known: bool,
}

/// Writes digests: renders them, and has the store make the cut.
#[async_trait]
pub trait Digests: Send + Sync {
    /// Makes the cuts that are due on a lane; `over` as in [`crate::store::DueCut`].
    ///
    /// # Errors
    /// What stands in the way of any of them.
    async fn cut(&self, lane: LaneId, over: Option<Ms>) -> Result<(), Unwritten>;
}

/// Claims, after the cuts that have to be made first. `settled` is told as soon as the outcomes that the request takes along are written: a digest
/// may take its time.
pub(super) async fn claim(
    store: &dyn Lanes,
    digests: &dyn Digests,
    name: &str,
    mut request: ClaimRequest,
    settled: impl FnOnce(&Completed) + Send,
) -> Result<Claimed, StoreError> {
    let mut claimed = store.claim(&request).await?;
    settled(&claimed.settled);
    request.settles.clear();
    for _ in 0..TRIES {
        let lanes: BTreeSet<LaneId> = claimed.uncut.iter().map(|(lane, _)| *lane).collect();
        if lanes.is_empty() {
            return Ok(claimed);
        }
        for lane in lanes {
            if let Err(Unwritten { why, known }) = write(digests, lane, request.over()).await {
                // Once is enough: the lane asks every second, perhaps for days.
                if !known {
                    tracing::error!(
                        lane = name,
                        error = why,
                        "no digest could be written; what waits for it goes on waiting"
                    );
                }
                return Ok(again(claimed, request.now_ms));
            }
        }
        if !claimed.jobs.is_empty() {
            claimed.more = true;
            return Ok(claimed);
        }
        let wakes = std::mem::take(&mut claimed.wakes);
        claimed = store.claim(&request).await?;
        claimed.wakes.extend(wakes);
    }
    Ok(again(claimed, request.now_ms))
}

/// A panic in a template is a fault of the digest, not the end of the lane.
async fn write(digests: &dyn Digests, lane: LaneId, over: Option<Ms>) -> Result<(), Unwritten> {
    let written = AssertUnwindSafe(digests.cut(lane, over)).catch_unwind().await;
    written.unwrap_or_else(|_| {
        Err(Unwritten {
            why: "a template failed in the middle".to_owned(),
            known: false,
        })
    })
}

fn again(claimed: Claimed, now: Ms) -> Claimed {
    let at = now + AGAIN_MS;
    Claimed {
        next_due_ms: Some(claimed.next_due_ms.map_or(at, |next| next.min(at))),
        ..claimed
    }
}
