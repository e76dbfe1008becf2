//! What probes find, and what follows for the gate: one transaction, so that no act of a person falls between the two (LANES 5).

use serde::{Deserialize, Serialize};
use sqlx::SqliteConnection;

use super::{StoreError, gate, lanes};
use crate::clock::Ms;
use crate::domain::delivery::{Gate, GateCause};
use crate::ids::LaneId;
use crate::lane_core::probation::{self, ProbeResult, ProbeRules, Probed, Step, Verdict};
use crate::said;
use crate::text::said::Said;

/// A finding as stored.
#[derive(Debug, Serialize, Deserialize)]
struct Stored {
    at_ms: Ms,
    verdict: Verdict,
    de: String,
    en: String,
    since_ms: Ms,
    in_row: u32,
    epoch: i64,
    was_good: bool,
    proposes: bool,
}

/// A stored finding; nothing where none is there, or where a newer release wrote it.
pub(super) fn read(stored: Option<String>) -> Option<Probed> {
    let of: Stored = serde_json::from_str(&stored?).ok()?;
    Some(Probed {
        at_ms: of.at_ms,
        verdict: of.verdict,
        text: Said { de: of.de, en: of.en },
        since_ms: of.since_ms,
        in_row: of.in_row,
        epoch: of.epoch,
        was_good: of.was_good,
        proposes: of.proposes,
    })
}

fn stored(probed: Probed) -> Result<String, StoreError> {
    Ok(serde_json::to_string(&Stored {
        at_ms: probed.at_ms,
        verdict: probed.verdict,
        de: probed.text.de,
        en: probed.text.en,
        since_ms: probed.since_ms,
        in_row: probed.in_row,
        epoch: probed.epoch,
        was_good: probed.was_good,
        proposes: probed.proposes,
    })?)
}

/// Writes a finding down and does what follows from it.
pub(super) async fn take_in(
    c: &mut SqliteConnection,
    lane: LaneId,
    finding: &ProbeResult,
    rules: &ProbeRules,
) -> Result<Step, StoreError> {
    let row = lanes::one(c, lane.0).await?;
    let gate = (row.gate, row.gate_cause, row.epoch);
    let (probed, step) = probation::take_in(row.probe.as_ref(), finding, gate, rules);
    // Primary key.
    sqlx::query("UPDATE lane SET probe = ? WHERE id = ?")
        .bind(stored(probed)?)
        .bind(lane.0)
        .execute(&mut *c)
        .await?;
    let Said { de, en } = &finding.text;
    match step {
        Step::Leave => {}
        Step::Release => {
            let gate = if rules.ramp { Gate::Draining } else { Gate::Open };
            let good = rules.good;
            let reason = said!(
                "{good} Proben hintereinander sind gelungen",
                "{good} probes in a row went well"
            );
            gate::by_itself(c, lane.0, gate, GateCause::Probe, reason, finding.at_ms).await?;
        }
        Step::Hold => {
            let (reason, cause) = if finding.verdict == Verdict::CameBack {
                (
                    said!("die Probe-Mail kam zurück: {de}", "the canary mail came back: {en}"),
                    GateCause::Itself,
                )
            } else {
                (
                    said!("die Probe misslingt wieder: {de}", "the probe fails again: {en}"),
                    GateCause::Probe,
                )
            };
            gate::by_itself(c, lane.0, Gate::Held, cause, reason, finding.at_ms).await?;
        }
    }
    Ok(step)
}
