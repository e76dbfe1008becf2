//! The task of one lane's probe (LANES 5): looks whether the counterpart works again, and writes down what it found. What follows for the gate
//! is decided by `lane_core::probation` and done in the commit that writes it.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::FutureExt;
use tokio::sync::watch;

use super::World;
use crate::channel::Channel;
use crate::clock::Clock;
use crate::ids::LaneId;
use crate::lane_core::probation::{ProbeResult, ProbeRules, Step, Verdict, verdict, wait_ms};
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
        let found = self.look(row.epoch).await;
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

    /// Until the next look.
    fn wait(&self, row: &LaneRow) -> Duration {
        let Some(probed) = &row.probe else {
            return Duration::ZERO;
        };
        let left = wait_ms(probed, row.gate, &self.rules, self.world.pace.now_ms());
        Duration::from_millis(u64::try_from(left).unwrap_or(0))
    }

    async fn look(&self, epoch: i64) -> ProbeResult {
        let now = self.world.pace.now_ms();
        let look = AssertUnwindSafe(self.channel.probe(self.lane, now)).catch_unwind();
        let (verdict, text) = match tokio::time::timeout(self.timeout, look).await {
            Ok(Ok(report)) => (verdict(&report), report.text),
            Ok(Err(_)) => {
                let text = said!(
                    "der eigene Code der Probe ist gescheitert",
                    "the probe's own code failed"
                );
                (Verdict::Unclear, text)
            }
            Err(_) => (
                Verdict::Bad,
                said!("keine Antwort zur rechten Zeit", "no answer in time"),
            ),
        };
        ProbeResult {
            at_ms: self.world.pace.now_ms(),
            epoch,
            verdict,
            text,
        }
    }
}
