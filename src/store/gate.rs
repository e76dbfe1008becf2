//! The gate in the store (LANES 5): every change raises the epoch, rows that waited for a turn in a ramp are free of it, and what the last
//! results say of a draining lane closes its gate in the transaction that writes them.

use std::collections::BTreeMap;

use sqlx::SqliteConnection;

use super::marks::{NEW_HERE, TRIED, TURN};
use super::rows::said_stored;
use super::{Act, Conflict, GateChange, LaneRow, LaneSpec, StoreError, audit, lanes};
use crate::clock::Ms;
use crate::domain::delivery::{Gate, GateCause};
use crate::ids::LaneId;
use crate::lane_core::ramp::Ran;
use crate::lane_core::window::{Sign, Window};
use crate::text::said::Said;

/// The configuration closes a gate that is not closed yet.
pub(super) async fn hold(
    c: &mut SqliteConnection,
    lane: i64,
    spec: &LaneSpec,
    reason: Said,
    cause: GateCause,
    now: Ms,
) -> Result<(), StoreError> {
    if lanes::one(c, lane).await?.gate == Gate::Held {
        return Ok(());
    }
    let act = Act {
        at_ms: now,
        actor: "configuration".to_owned(),
        action: "hold".to_owned(),
        object: format!("channel {}", spec.name),
        details: serde_json::json!({ "reason": reason.en }),
    };
    let change = GateChange {
        lane: LaneId(lane),
        gate: Gate::Held,
        cause,
        expected_epoch: None,
        reason: Some(reason),
    };
    set_gate(c, &change, &act).await?;
    Ok(())
}

/// Changes a gate and raises the epoch. A ramp begins anew with every release; its theoretical arrival times stay.
pub(super) async fn set_gate(c: &mut SqliteConnection, change: &GateChange, act: &Act) -> Result<LaneRow, StoreError> {
    let lane = lanes::one(c, change.lane.0).await?;
    if change.expected_epoch.is_some_and(|expected| expected != lane.epoch) {
        return Err(StoreError::Conflict(Conflict::Gate { channel: lane.name }));
    }
    let ran = (change.gate == Gate::Draining).then(|| Ran::begin(act.at_ms));
    // Primary key.
    sqlx::query(
        "UPDATE lane SET gate = ?, gate_reason = ?, gate_by = ?, gate_cause = ?, gate_since = ?, tries_since = ?, epoch = epoch + 1, ramp = ?,
           results = '' WHERE id = ?",
    )
    .bind(change.gate as u8)
    .bind(change.reason.as_ref().map(said_stored).transpose()?)
    .bind(&act.actor)
    .bind(change.cause as u8)
    .bind(act.at_ms)
    .bind(act.at_ms)
    .bind(ran.map(|ran| serde_json::to_string(&ran)).transpose()?)
    .bind(change.lane.0)
    .execute(&mut *c)
    .await?;
    // broadcast_live (lane, …), broadcast_moved (lane) WHERE state < 2; delivery_due (broadcast, via, …) WHERE state = 0.
    sqlx::query(
        "UPDATE delivery SET due = ?1, flags = flags & ~?2 WHERE id IN (
           SELECT d.id FROM broadcast b CROSS JOIN delivery d ON d.broadcast = b.id AND d.state = 0
             AND d.via IS CASE b.lane WHEN ?3 THEN NULL ELSE ?3 END
           WHERE b.state < 2 AND (b.lane = ?3 OR b.n_moved > 0) AND d.flags & ?2)",
    )
    .bind(act.at_ms)
    .bind(TURN)
    .bind(change.lane.0)
    .execute(&mut *c)
    .await?;
    audit::append(c, act).await?;
    lanes::one(c, change.lane.0).await
}

/// Takes results into the windows of lanes that drain; the lanes that have to stop are held now, and returned.
pub(super) async fn note(
    c: &mut SqliteConnection,
    signs: BTreeMap<i64, Vec<(Ms, Sign)>>,
) -> Result<Vec<LaneId>, StoreError> {
    let mut held = Vec::new();
    for (lane, signs) in signs {
        // Primary key.
        let draining: Option<String> = sqlx::query_scalar("SELECT results FROM lane WHERE id = ? AND gate = ?")
            .bind(lane)
            .bind(Gate::Draining as u8)
            .fetch_optional(&mut *c)
            .await?;
        let Some(stored) = draining else { continue };
        let mut window = Window::stored(&stored);
        let mut at_ms = Ms::MIN;
        for (at, sign) in signs {
            window.note(sign);
            at_ms = at_ms.max(at);
        }
        match window.stops() {
            Some(reason) => {
                by_itself(c, lane, Gate::Held, GateCause::Itself, reason, at_ms).await?;
                held.push(LaneId(lane));
            }
            None => {
                // Primary key.
                sqlx::query("UPDATE lane SET results = ? WHERE id = ?")
                    .bind(window.as_str())
                    .bind(lane)
                    .execute(&mut *c)
                    .await?;
            }
        }
    }
    Ok(held)
}

/// True where a drain is over: nothing the lane sends is under way, no chunk of its own is closed, and whatever waits for it has been tried by
/// it. What moved away is another lane's, what moved here is its own.
pub(super) async fn is_drained(c: &mut SqliteConnection, lane: i64) -> Result<bool, StoreError> {
    // broadcast_live (lane, …), broadcast_moved (lane) WHERE state < 2; delivery_started (broadcast) WHERE state = 1, delivery_due
    // (broadcast, via, …) WHERE state = 0.
    Ok(sqlx::query_scalar(
        "SELECT NOT EXISTS (SELECT 1 FROM broadcast b WHERE b.lane = ?1 AND b.state = 0) AND NOT EXISTS (
           SELECT 1 FROM broadcast b WHERE b.state < 2 AND (b.lane = ?1 OR b.n_moved > 0) AND (EXISTS (
             SELECT 1 FROM delivery d WHERE d.broadcast = b.id AND d.state = 1 AND coalesce(d.via, b.lane) = ?1) OR EXISTS (
             SELECT 1 FROM delivery d WHERE d.broadcast = b.id AND d.state = 0 AND d.via IS CASE b.lane WHEN ?1 THEN NULL ELSE ?1 END
               AND ((d.attempt = 0 AND d.flags & ?2 = 0) OR d.flags & ?3))))",
    )
    .bind(lane)
    .bind(TRIED)
    .bind(NEW_HERE)
    .fetch_one(c)
    .await?)
}

/// Changes a gate without a person.
pub(super) async fn by_itself(
    c: &mut SqliteConnection,
    lane: i64,
    gate: Gate,
    cause: GateCause,
    reason: Said,
    at_ms: Ms,
) -> Result<(), StoreError> {
    let name = lanes::one(c, lane).await?.name;
    let act = Act {
        at_ms,
        actor: if cause == GateCause::Probe { "probe" } else { "rundruf" }.to_owned(),
        action: if gate == Gate::Held { "hold" } else { "release" }.to_owned(),
        object: format!("channel {name}"),
        details: serde_json::json!({ "reason": reason.en }),
    };
    let change = GateChange {
        lane: LaneId(lane),
        gate,
        cause,
        expected_epoch: None,
        reason: Some(reason),
    };
    set_gate(c, &change, &act).await?;
    Ok(())
}

/// The owner's word that nothing of an older epoch starts any more. A word about an older epoch than known changes nothing.
pub(super) async fn acknowledge(
    c: &mut SqliteConnection,
    lane: i64,
    epoch: i64,
    in_flight: u32,
) -> Result<(), StoreError> {
    // Primary key.
    sqlx::query("UPDATE lane SET ack_epoch = ?1, ack_in_flight = ?2 WHERE id = ?3 AND ack_epoch <= ?1")
        .bind(epoch)
        .bind(in_flight)
        .bind(lane)
        .execute(c)
        .await?;
    Ok(())
}
