//! The task of one lane's probe (LANES 5): looks whether the counterpart works again, and writes down what it found. What follows for the gate
//! is decided by `lane_core::probation` and done in the commit that writes it.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::FutureExt;
use tokio::sync::watch;

use super::World;
use crate::channel::Channel;
use crate::clock::{Clock, Ms};
use crate::ids::LaneId;
use crate::lane_core::probation::{ProbeResult, ProbeRules, Step, Verdict, gap_ms, verdict};
use crate::said;
use crate::store::{LaneRow, StoreError};

/// The store is asked again after a failure.
const STORE_AGAIN: Duration = Duration::from_secs(1);

/// One lane's probe.
pub(super) struct Prober {
    pub world: World,
    pub lane: LaneId,
    pub name: String,
    pub channel: Arc<dyn Channel>,
    pub rules: ProbeRules,
    /// The longest one look may take.
    pub timeout: Duration,
}

impl Prober {
    /// Runs until it is aborted.
    pub(super) async fn run(self, mut woken: watch::Receiver<u64>) {
        loop {
            let wait = match self.look_if_due().await {
                Ok(wait) => wait,
                Err(error) => {
                    tracing::warn!(lane = self.name, %error, "the probe waits for the store");
                    STORE_AGAIN
                }
            };
            // A gate that changed meanwhile may want it sooner.
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                Ok(()) = woken.changed() => {
                    woken.borrow_and_update();
                }
            }
        }
    }

    /// Probes where it is time; how long to wait for the next.
    async fn look_if_due(&self) -> Result<Duration, StoreError> {
        let row = self.row().await?;
        let wait = self.wait(&row);
        // What could not be written down is not found out.
        if !wait.is_zero() || self.world.disk.is_low() {
            return Ok(wait.max(STORE_AGAIN));
        }
        let found = self.look().await;
        let step = self.world.store.probed(self.lane, &found, &self.rules).await?;
        let text = &found.text.en;
        match step {
            Step::Leave => tracing::debug!(lane = self.name, verdict = ?found.verdict, text, "probed"),
            Step::Release => tracing::info!(lane = self.name, text, "the probe has released the lane"),
            Step::Hold => tracing::warn!(lane = self.name, text, "the probe has held the lane"),
        }
        if step != Step::Leave {
            self.world.waker.wake();
        }
        Ok(self.wait(&self.row().await?).max(Duration::from_millis(1)))
    }

    async fn row(&self) -> Result<LaneRow, StoreError> {
        let rows = self.world.store.lane_rows().await?;
        let missing = || StoreError::NotFound(crate::store::Missing::Lane(self.lane.0));
        rows.into_iter().find(|row| row.id == self.lane).ok_or_else(missing)
    }

    /// Until the next look; a clock that jumped makes it no longer than the gap.
    fn wait(&self, row: &LaneRow) -> Duration {
        let Some(probed) = &row.probe else {
            return Duration::ZERO;
        };
        let gap = gap_ms(probed, row.gate, &self.rules);
        let left: Ms = probed
            .at_ms
            .saturating_add(gap)
            .saturating_sub(self.world.pace.now_ms());
        Duration::from_millis(u64::try_from(left.clamp(0, gap)).unwrap_or(0))
    }

    async fn look(&self) -> ProbeResult {
        let at_ms = self.world.pace.now_ms();
        let look = AssertUnwindSafe(self.channel.probe(self.lane, at_ms)).catch_unwind();
        match tokio::time::timeout(self.timeout, look).await {
            Ok(Ok(report)) => ProbeResult {
                at_ms,
                verdict: verdict(&report),
                text: report.text,
            },
            Ok(Err(_)) => ProbeResult {
                at_ms,
                verdict: Verdict::Unclear,
                text: said!(
                    "der eigene Code der Probe ist gescheitert",
                    "the probe's own code failed"
                ),
            },
            Err(_) => ProbeResult {
                at_ms,
                verdict: Verdict::Bad,
                text: said!("keine Antwort zur rechten Zeit", "no answer in time"),
            },
        }
    }
}
