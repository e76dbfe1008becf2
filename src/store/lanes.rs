//! Lane rows: what is configured, health (LANES 8). The gate has a file of its own.

use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection, SqlitePool};

use super::rows::{count, from_word, listed, said, said_stored, word};
use super::{
    Act, HealthRow, LaneRow, LaneSpec, Missing, Refusal, StoreError, TargetSpec, audit, gate, lists, probe, targets,
};
use crate::clock::Ms;
use crate::domain::delivery::{Gate, GateCause, Health};
use crate::ids::LaneId;
use crate::lane_core::ramp::Ran;
use crate::said;

/// Every column of a lane row, for the statements below.
macro_rules! lane_columns {
    () => {
        "id, name, kind, account, configured, gate, gate_reason, gate_by, gate_cause, gate_since, ramp, probe, epoch, ack_epoch, ack_in_flight,
         health, health_since, blocked_until, reason, text, failures, audience, failover"
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
        gate_reason: said(row.try_get("gate_reason")?),
        gate_by: row.try_get("gate_by")?,
        gate_cause: listed(GateCause::from_stored(row.try_get("gate_cause")?), "who set a gate")?,
        gate_since_ms: row.try_get("gate_since")?,
        ran: ran(row.try_get("ramp")?),
        probe: probe::read(row.try_get("probe")?),
        epoch: row.try_get("epoch")?,
        audience: count(row.try_get("audience")?),
        failover: row.try_get::<Option<i64>, _>("failover")?.map(LaneId),
        acknowledged: (row.try_get("ack_epoch")?, row.try_get("ack_in_flight")?),
        health: HealthRow {
            health: listed(Health::from_stored(row.try_get("health")?), "a health")?,
            since_ms: row.try_get("health_since")?,
            blocked_until_ms: row.try_get("blocked_until")?,
            reason: from_word(row.try_get("reason")?),
            text: said(row.try_get("text")?),
            failures: row.try_get("failures")?,
        },
    })
}

/// Where a ramp stands.
pub(super) fn ran(stored: Option<String>) -> Option<Ran> {
    serde_json::from_str(&stored?).ok()
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
        .ok_or(StoreError::NotFound(Missing::Lane(lane)))?;
    read(&row)
}

/// Registers what is configured; what is not named any more stays and is never claimed. Where nothing is new nothing is written:
/// every command registers, and a written page costs it a wait for the disk.
pub(super) async fn configure(
    c: &mut SqliteConnection,
    lanes: &[LaneSpec],
    now: Ms,
) -> Result<Vec<LaneRow>, StoreError> {
    let mut before = registered(c).await?;
    let named = |row: &LaneRow| lanes.iter().any(|spec| spec.name == row.name);
    if before.iter().any(|known| known.row.configured && !named(&known.row)) {
        let names: Vec<&str> = lanes.iter().map(|spec| spec.name.as_str()).collect();
        // The whole table: a few dozen rows.
        sqlx::query("UPDATE lane SET configured = 0, probe = NULL WHERE configured = 1 AND name NOT IN (SELECT value FROM json_each(?))")
            .bind(serde_json::to_string(&names)?)
            .execute(&mut *c)
            .await?;
    }
    let mut as_before = true;
    for spec in lanes {
        if before.iter().any(|known| known.is(spec, &before)) {
            continue;
        }
        as_before = false;
        let id = configure_one(c, spec, now).await?;
        targets::configure(c, id, &spec.targets).await?;
    }
    if !as_before {
        for spec in lanes {
            // Unique (name).
            sqlx::query(
                "UPDATE lane SET failover = o.id FROM (SELECT (SELECT id FROM lane WHERE name = ?1) AS id) o
                 WHERE lane.name = ?2 AND lane.failover IS NOT o.id",
            )
            .bind(&spec.failover)
            .bind(&spec.name)
            .execute(&mut *c)
            .await?;
        }
        before = registered(c).await?;
    }
    let row = |spec: &LaneSpec| {
        let known = before.iter().find(|known| known.row.name == spec.name);
        let known = known.ok_or_else(|| StoreError::NotFound(Missing::Channel(spec.name.clone())))?;
        Ok(known.row.clone())
    };
    lanes.iter().map(row).collect()
}

/// A lane as it is registered.
struct Registered {
    row: LaneRow,
    settings_hash: String,
    targets: Vec<TargetSpec>,
}

impl Registered {
    /// True where registering it would change nothing.
    fn is(&self, spec: &LaneSpec, all: &[Self]) -> bool {
        let (row, failover) = (&self.row, spec.failover.as_deref());
        let of_name = all.iter().find(|other| Some(other.row.name.as_str()) == failover);
        row.configured
            && (&row.name, &row.kind, &row.account) == (&spec.name, &spec.kind, &spec.account)
            && self.settings_hash == spec.settings_hash
            && row.failover == of_name.map(|other| other.row.id)
            && (spec.probes || row.probe.is_none())
            && self.targets.len() == spec.targets.len()
            && spec.targets.iter().all(|target| self.targets.contains(target))
    }
}

/// Every lane, with its targets.
async fn registered(c: &mut SqliteConnection) -> Result<Vec<Registered>, StoreError> {
    let mut targets = targets::active(c).await?;
    // The whole table: a few dozen rows.
    let rows = sqlx::query(concat!("SELECT settings_hash, ", lane_columns!(), " FROM lane"))
        .fetch_all(c)
        .await?;
    let known = rows.iter().map(|stored| {
        let row = read(stored)?;
        Ok(Registered {
            targets: targets.remove(&row.id).unwrap_or_default(),
            settings_hash: stored.try_get("settings_hash")?,
            row,
        })
    });
    known.collect()
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
    let other = kind != spec.kind || account != spec.account;
    if other {
        changed_account(c, id, &kind, &account, spec, now).await?;
    }
    lists::of_another_kind(c, id, kind != spec.kind).await?;
    if other || !spec.probes {
        // Primary key. What was found out about another counterpart, or by a probe that is no more, says nothing.
        sqlx::query("UPDATE lane SET probe = NULL WHERE id = ? AND probe IS NOT NULL")
            .bind(id)
            .execute(&mut *c)
            .await?;
    }
    if spec.first_gate == Gate::Held && settings_hash != spec.settings_hash {
        gate::hold(
            c,
            id,
            spec,
            said!(
                "die Konfiguration sagt gate = \"held\"",
                "the settings say gate = \"held\""
            ),
            GateCause::Settings,
            now,
        )
        .await?;
    }
    // Primary key.
    sqlx::query(
        "UPDATE lane SET kind = ?1, account = ?2, settings_hash = ?3, configured = 1
         WHERE id = ?4 AND (kind, account, settings_hash, configured) <> (?1, ?2, ?3, 1)",
    )
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
        "SELECT EXISTS (SELECT 1 FROM broadcast
             WHERE lane = ?1 AND state < 2 AND (n_waiting > 0 OR n_started > 0 OR n_unknown > 0 OR state = 0))
           OR EXISTS (SELECT 1 FROM broadcast b CROSS JOIN delivery d ON d.broadcast = b.id AND d.via = ?1 AND d.state IN (0, 1, 4)
             WHERE b.state < 2 AND b.n_moved > 0)",
    )
    .bind(lane)
    .fetch_one(&mut *c)
    .await?;
    if waits == 0 {
        return Ok(());
    }
    let (new_kind, new_account) = (&spec.kind, &spec.account);
    let reason = said!(
        "aus {kind} {account} wurde {new_kind} {new_account}, während etwas wartet oder unbekannt ist; bitte ansehen, dann freigeben",
        "{kind} {account} became {new_kind} {new_account} while messages wait or are unknown; look at them, then release"
    );
    gate::hold(c, lane, spec, reason, GateCause::Change, now).await
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
    .bind(health.text.as_ref().map(said_stored).transpose()?)
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
        return Err(StoreError::Refused(Refusal::NameUsed(to.to_owned())));
    }
    // Unique (name).
    let ids: Vec<(i64, String)> = sqlx::query_as("SELECT id, name FROM lane WHERE name IN (?, ?)")
        .bind(from)
        .bind(to)
        .fetch_all(&mut *c)
        .await?;
    let id = |name: &str| ids.iter().find(|(_, known)| known == name).map(|(id, _)| *id);
    let Some(old) = id(from) else {
        return Err(StoreError::NotFound(Missing::Channel(from.to_owned())));
    };
    if let Some(new) = id(to) {
        hand_over(c, old, new, act.at_ms).await?;
    } else {
        // Primary key.
        sqlx::query("UPDATE lane SET name = ? WHERE id = ?")
            .bind(to)
            .bind(old)
            .execute(&mut *c)
            .await?;
    }
    audit::append(c, act).await
}

/// Everything of one lane becomes another's, which never sent. The other keeps its number: a running `serve` knows it by that. Its gate
/// becomes the old one's, with a new epoch.
async fn hand_over(c: &mut SqliteConnection, old: i64, new: i64, now: Ms) -> Result<(), StoreError> {
    let (was, is) = (one(c, old).await?, one(c, new).await?);
    for sql in [
        // The old lane's recipients are those its deliveries name; the file is compared with them at the next look.
        "DELETE FROM recipient WHERE lane = ?2",
        "UPDATE list SET stamp = NULL, hash = NULL, census = NULL, begun = begun + 1 WHERE lane IN (?1, ?2)",
        "UPDATE recipient SET lane = ?2 WHERE lane = ?1",
        // Whom either may not write to; an owner's own word (0) is kept beside any other reason's.
        "DELETE FROM suppression WHERE lane = ?2 AND address IN (SELECT address FROM suppression WHERE lane = ?1 AND reason = 0)",
        "UPDATE OR IGNORE suppression SET lane = ?2 WHERE lane = ?1",
        "UPDATE OR IGNORE hard_report SET lane = ?2 WHERE lane = ?1",
        // Targets of the same address go on as the old ones; others of the old lane are configured no more.
        "UPDATE target SET active = 1, link = n.link, wanted = max(target.wanted, n.wanted), due = 0 FROM target n
         WHERE target.lane = ?1 AND n.lane = ?2 AND n.address = target.address",
        "DELETE FROM target WHERE lane = ?2 AND address IN (SELECT address FROM target WHERE lane = ?1)",
        "UPDATE target SET lane = ?2 WHERE lane = ?1",
        "UPDATE broadcast SET lane = ?2 WHERE lane = ?1",
        "UPDATE broadcast SET link_lane = ?2 WHERE link_lane = ?1",
        "UPDATE receipt SET lane = ?2 WHERE lane = ?1",
        "UPDATE delivery SET via = ?2 WHERE via = ?1",
        // What had moved from the old lane to this one is its own now.
        "UPDATE delivery SET via = NULL WHERE via = ?2 AND broadcast IN (SELECT id FROM broadcast WHERE lane = ?2)",
        "UPDATE lane SET failover = CASE WHEN id = ?2 THEN NULL ELSE ?2 END WHERE failover = ?1",
        "UPDATE thread SET lane = ?2 WHERE lane = ?1",
        "DELETE FROM ramp_slot WHERE lane = ?2",
        "UPDATE ramp_slot SET lane = ?2 WHERE lane = ?1",
        "UPDATE lane SET gate = o.gate, gate_reason = o.gate_reason, gate_by = o.gate_by, gate_cause = o.gate_cause,
           gate_since = o.gate_since, tries_since = ?3, ramp = o.ramp, results = o.results, probe = NULL,
           epoch = max(lane.epoch, o.epoch) + 1, generation = max(lane.generation, o.generation), audience = o.audience,
           spelling = min(lane.spelling, o.spelling)
         FROM lane o WHERE lane.id = ?2 AND o.id = ?1",
        "DELETE FROM lane WHERE id = ?1",
    ] {
        // Primary keys; broadcast by its whole table, once in an installation's life.
        sqlx::query(sql).bind(old).bind(new).bind(now).execute(&mut *c).await?;
    }
    if (&was.kind, &was.account) != (&is.kind, &is.account) {
        let spec = LaneSpec {
            name: is.name,
            kind: is.kind,
            account: is.account,
            settings_hash: String::new(),
            first_gate: is.gate,
            targets: Vec::new(),
            failover: None,
            probes: false,
        };
        changed_account(c, new, &was.kind, &was.account, &spec, was.gate_since_ms).await?;
    }
    Ok(())
}

/// `channel drop`: ends what waits on a lane that is no longer configured: its own and what has moved to it, not what has moved from it.
pub(super) async fn drop_rows(c: &mut SqliteConnection, lane: i64, act: &Act, now: Ms) -> Result<u64, StoreError> {
    let row = one(c, lane).await?;
    if row.configured {
        return Err(StoreError::Refused(Refusal::StillConfigured(row.name)));
    }
    // broadcast_live (lane, …), broadcast_moved (lane); delivery_due (broadcast, via, …) WHERE state = 0.
    let done = sqlx::query(
        "UPDATE delivery SET state = 9, due = 0, changed = ?1, reason = 'decided' WHERE id IN (
           SELECT d.id FROM broadcast b CROSS JOIN delivery d ON d.broadcast = b.id AND d.state = 0
           WHERE b.state < 2 AND (b.lane = ?2 OR b.n_moved > 0) AND coalesce(d.via, b.lane) = ?2)",
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
    // Also the lanes from which something had moved here.
    let lanes: Vec<i64> = sqlx::query_scalar("SELECT DISTINCT lane FROM broadcast WHERE state < 2 AND n_moved > 0")
        .fetch_all(&mut *c)
        .await?;
    super::rows::settle_lanes(c, lanes.into_iter().chain([lane]).collect()).await?;
    super::redaction::drop_unrendered(c, lane).await?;
    audit::append(c, act).await?;
    Ok(done.rows_affected())
}
