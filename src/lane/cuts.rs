//! A claim that finds out that a digest has to be written first (LANES 4) has it written, and claims what it holds.

use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;

use async_trait::async_trait;
use futures_util::future::FutureExt;

use crate::clock::Ms;
use crate::ids::LaneId;
use crate::store::{ClaimRequest, Claimed, Lanes, StoreError};

/// So often in one claim: something may be published between the cut and the claim behind it.
const TRIES: usize = 4;
/// Where no digest could be written, the lane asks again after this.
const AGAIN_MS: Ms = 1_000;

/// Writes digests: renders them, and has the store make the cut.
#[async_trait]
pub trait Digests: Send + Sync {
    /// Makes the cuts that are due on a lane.
    ///
    /// # Errors
    /// What stands in the way, for the log.
    async fn cut(&self, lane: LaneId) -> Result<(), String>;
}

/// Claims, after the cuts that have to be made first.
pub(super) async fn claim(
    store: &dyn Lanes,
    digests: &dyn Digests,
    name: &str,
    request: &ClaimRequest,
) -> Result<Claimed, StoreError> {
    let mut claimed = store.claim(request).await?;
    for _ in 0..TRIES {
        let lanes: BTreeSet<LaneId> = claimed.uncut.iter().map(|(lane, _)| *lane).collect();
        if lanes.is_empty() {
            return Ok(claimed);
        }
        for lane in lanes {
            if let Err(error) = write(digests, lane).await {
                tracing::error!(
                    lane = name,
                    error,
                    "no digest could be written; what waits for it goes on waiting"
                );
                return Ok(again(claimed, request.now_ms));
            }
        }
        if !claimed.jobs.is_empty() {
            claimed.more = true;
            return Ok(claimed);
        }
        // Its outcomes are written.
        let settled = std::mem::take(&mut claimed.settled);
        let request = ClaimRequest {
            settles: Vec::new(),
            ..request.clone()
        };
        claimed = Claimed {
            settled,
            ..store.claim(&request).await?
        };
    }
    Ok(again(claimed, request.now_ms))
}

/// A panic in a template is a fault of the digest, not the end of the lane.
async fn write(digests: &dyn Digests, lane: LaneId) -> Result<(), String> {
    let written = AssertUnwindSafe(digests.cut(lane)).catch_unwind().await;
    written.unwrap_or_else(|_| Err("a template failed in the middle".to_owned()))
}

fn again(claimed: Claimed, now: Ms) -> Claimed {
    let at = now + AGAIN_MS;
    Claimed {
        next_due_ms: Some(claimed.next_due_ms.map_or(at, |next| next.min(at))),
        ..claimed
    }
}
