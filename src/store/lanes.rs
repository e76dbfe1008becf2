//! Lane rows: what is configured, the gate with its epoch, health (LANES 5 and 8).

use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection, SqlitePool};

use super::rows::{count, from_word, listed, word};
use super::{Act, GateChange, HealthRow, LaneRow, LaneSpec, StoreError, audit, targets};
use crate::clock::Ms;
use crate::domain::delivery::{Gate, Health};
use crate::ids::LaneId;

/// Every column of a lane row, for the statements below.
macro_rules! lane_columns {
    () => {
        "id, name, kind, account, configured, gate, gate_reason, gate_by, gate_since, epoch, ack_epoch, ack_in_flight, health,
         health_since, blocked_until, reason, text, failures, audience"
    };
}

pub(super) fn read(row: &SqliteRow) -> Result<LaneRow, StoreError> {
    Ok(LaneRow {
        id: LaneId(row.try_get("id")?),
        name: row.try_get("name")?,
        kind: row.try_get("kind")?,
        account: row.try_get("account")?,
        configured: row.try_get("configured")?,
        gate: listed(Gate::from_stored(row.try_get("gate")?), "a gate")?,
        gate_reason: row.try_get("gate_reason")?,
        gate_by: row.try_get("gate_by")?,
        gate_since_ms: row.try_get("gate_since")?,
        epoch: row.try_get("epoch")?,
        audience: count(row.try_get("audience")?),
        acknowledged: (row.try_get("ack_epoch")?, row.try_get("ack_in_flight")?),
        health: HealthRow {
            health: listed(Health::from_stored(row.try_get("health")?), "a health")?,
            since_ms: row.try_get("health_since")?,
            blocked_until_ms: row.try_get("blocked_until")?,
            reason: from_word(row.try_get("reason")?),
            text: row.try_get("text")?,
            failures: row.try_get("failures")?,
        },
    })
}

/// All lanes by name.
pub(super) async fn all(pool: &SqlitePool) -> Result<Vec<LaneRow>, StoreError> {
    // Unique (name); a few dozen rows.
    let rows = sqlx::query(concat!("SELECT ", lane_columns!(), " FROM lane ORDER BY name"))
        .fetch_all(pool)
        .await?;
    rows.iter().map(read).collect()
}

pub(super) async fn one(c: &mut SqliteConnection, lane: i64) -> Result<LaneRow, StoreError> {
    // Primary key.
    let row = sqlx::query(concat!("SELECT ", lane_columns!(), " FROM lane WHERE id = ?"))
        .bind(lane)
        .fetch_optional(c)
        .await?
        .ok_or_else(|| StoreError::NotFound(format!("there is no lane {lane}")))?;
    read(&row)
}

/// Registers what is configured; what is not named any more stays and is never claimed.
pub(super) async fn configure(
    c: &mut SqliteConnection,
    lanes: &[LaneSpec],
    now: Ms,
) -> Result<Vec<LaneRow>, StoreError> {
    // The whole table: a few dozen rows.
    sqlx::query("UPDATE lane SET configured = 0 WHERE configured = 1")
        .execute(&mut *c)
        .await?;
    let mut rows = Vec::with_capacity(lanes.len());
    for spec in lanes {
        let id = configure_one(c, spec, now).await?;
        targets::configure(c, id, &spec.targets).await?;
        rows.push(one(c, id).await?);
    }
    Ok(rows)
}

async fn configure_one(c: &mut SqliteConnection, spec: &LaneSpec, now: Ms) -> Result<i64, StoreError> {
    // Unique (name).
    let known: Option<(i64, String, String, String)> =
        sqlx::query_as("SELECT id, kind, account, settings_hash FROM lane WHERE name = ?")
            .bind(&spec.name)
            .fetch_optional(&mut *c)
            .await?;
    let Some((id, kind, account, settings_hash)) = known else {
        let done = sqlx::query(
            "INSERT INTO lane (name, kind, account, settings_hash, configured, gate, gate_since, epoch, health_since)
             VALUES (?, ?, ?, ?, 1, ?, ?, 1, ?)",
        )
        .bind(&spec.name)
        .bind(&spec.kind)
        .bind(&spec.account)
        .bind(&spec.settings_hash)
        .bind(spec.first_gate as u8)
        .bind(now)
        .bind(now)
        .execute(c)
        .await?;
        return Ok(done.last_insert_rowid());
    };
    if kind != spec.kind || account != spec.account {
        changed_account(c, id, &kind, &account, spec, now).await?;
    }
    if spec.first_gate == Gate::Held && settings_hash != spec.settings_hash {
        hold(c, id, spec, "the settings say gate = \"held\"", now).await?;
    }
    // Primary key.
    sqlx::query("UPDATE lane SET kind = ?, account = ?, settings_hash = ?, configured = 1 WHERE id = ?")
        .bind(&spec.kind)
        .bind(&spec.account)
        .bind(&spec.settings_hash)
        .bind(id)
        .execute(c)
        .await?;
    Ok(id)
}

/// Threads start anew; where something waits, a person looks first.
async fn changed_account(
    c: &mut SqliteConnection,
    lane: i64,
    kind: &str,
    account: &str,
    spec: &LaneSpec,
    now: Ms,
) -> Result<(), StoreError> {
    // Primary key (lane, …).
    sqlx::query("DELETE FROM thread WHERE lane = ?")
        .bind(lane)
        .execute(&mut *c)
        .await?;
    // broadcast_live (lane, …) WHERE state < 2.
    let waits: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM broadcast WHERE lane = ? AND state < 2 AND (n_waiting > 0 OR n_started > 0 OR n_unknown > 0 OR state = 0)",
    )
    .bind(lane)
    .fetch_one(&mut *c)
    .await?;
    if waits == 0 {
        return Ok(());
    }
    let reason = format!(
        "{} {} became {} {} while messages wait or are unknown; look at them, then release",
        kind, account, spec.kind, spec.account
    );
    hold(c, lane, spec, &reason, now).await
}

/// The configuration closes a gate that is not closed yet.
async fn hold(c: &mut SqliteConnection, lane: i64, spec: &LaneSpec, reason: &str, now: Ms) -> Result<(), StoreError> {
    if one(c, lane).await?.gate == Gate::Held {
        return Ok(());
    }
    let change = GateChange {
        lane: LaneId(lane),
        gate: Gate::Held,
        expected_epoch: None,
        reason: Some(reason.to_owned()),
    };
    let act = Act {
        at_ms: now,
        actor: "configuration".to_owned(),
        action: "hold".to_owned(),
        object: format!("channel {}", spec.name),
        details: serde_json::json!({ "reason": reason }),
    };
    set_gate(c, &change, &act).await?;
    Ok(())
}

/// Changes a gate and raises the epoch.
pub(super) async fn set_gate(c: &mut SqliteConnection, change: &GateChange, act: &Act) -> Result<LaneRow, StoreError> {
    let lane = one(c, change.lane.0).await?;
    if let Some(expected) = change.expected_epoch.filter(|e| *e != lane.epoch) {
        return Err(StoreError::Conflict(format!(
            "the gate of {} has changed since you looked (epoch {} instead of {expected}); look again",
            lane.name, lane.epoch
        )));
    }
    // Primary key.
    sqlx::query(
        "UPDATE lane SET gate = ?, gate_reason = ?, gate_by = ?, gate_since = ?, epoch = epoch + 1, ramp = NULL WHERE id = ?",
    )
    .bind(change.gate as u8)
    .bind(&change.reason)
    .bind(&act.actor)
    .bind(act.at_ms)
    .bind(change.lane.0)
    .execute(&mut *c)
    .await?;
    audit::append(c, act).await?;
    one(c, change.lane.0).await
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

/// Stores a lane's health.
pub(super) async fn set_health(c: &mut SqliteConnection, lane: i64, health: &HealthRow) -> Result<(), StoreError> {
    // Primary key.
    sqlx::query(
        "UPDATE lane SET health = ?, health_since = ?, blocked_until = ?, reason = ?, text = ?, failures = ? WHERE id = ?",
    )
    .bind(health.health as u8)
    .bind(health.since_ms)
    .bind(health.blocked_until_ms)
    .bind(health.reason.map(word).transpose()?)
    .bind(&health.text)
    .bind(health.failures)
    .bind(lane)
    .execute(c)
    .await?;
    Ok(())
}

/// `channel rename`: the rows go with the lane. A lane of the new name must not exist, unless nothing was ever sent there.
pub(super) async fn rename(c: &mut SqliteConnection, from: &str, to: &str, act: &Act) -> Result<(), StoreError> {
    // Unique (name); broadcast_live and broadcast_incident do not serve "any": the first row found ends the search.
    let used: bool =
        sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM broadcast b JOIN lane l ON l.id = b.lane WHERE l.name = ?)")
            .bind(to)
            .fetch_one(&mut *c)
            .await?;
    if used {
        return Err(StoreError::Refused(format!(
            "channel {to} has messages of its own; rename {from} to a name that was never used"
        )));
    }
    // Unique (name).
    sqlx::query("DELETE FROM lane WHERE name = ?")
        .bind(to)
        .execute(&mut *c)
        .await?;
    let done = sqlx::query("UPDATE lane SET name = ? WHERE name = ?")
        .bind(to)
        .bind(from)
        .execute(&mut *c)
        .await?;
    if done.rows_affected() == 0 {
        return Err(StoreError::NotFound(format!("there is no channel {from}")));
    }
    audit::append(c, act).await
}

/// `channel drop`: ends what waits on a lane that is no longer configured.
pub(super) async fn drop_rows(c: &mut SqliteConnection, lane: i64, act: &Act, now: Ms) -> Result<u64, StoreError> {
    let row = one(c, lane).await?;
    if row.configured {
        return Err(StoreError::Refused(format!(
            "channel {} is still configured; take it out of the configuration first",
            row.name
        )));
    }
    // broadcast_live (lane, …); delivery_due (broadcast, …) WHERE state = 0.
    let done = sqlx::query(
        "UPDATE delivery SET state = 9, due = 0, changed = ?, reason = 'decided' WHERE state = 0
           AND broadcast IN (SELECT id FROM broadcast WHERE lane = ? AND state < 2)",
    )
    .bind(now)
    .bind(lane)
    .execute(&mut *c)
    .await?;
    // broadcast_live: no chunk opens any more.
    sqlx::query("UPDATE broadcast SET state = 1, changed = ? WHERE lane = ? AND state < 2")
        .bind(now)
        .bind(lane)
        .execute(&mut *c)
        .await?;
    super::rows::settle_lanes(c, [lane].into()).await?;
    audit::append(c, act).await?;
    Ok(done.rows_affected())
}
