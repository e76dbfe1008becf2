//! Whom a mail server calls unknown, and when that ends an address. One such word ends nobody, whatever its code: a provider whose directory
//! is down for an hour answers `550 5.1.1` for all its customers, and even "this domain takes no mail" (RFC 7505) is one DNS record that
//! somebody sets in an emergency. One more mail to an address that is really dead costs nothing.

use sqlx::{Row, SqliteConnection, SqlitePool};

use super::rows::count;
use super::{Act, Doubted, Followed, Reported, StoreError, SuppressedBecause, Suppression, suppression};
use crate::clock::Ms;
use crate::ids::{DeliveryId, LaneId};
use crate::lane_core::ramp;

/// The mail that ends an address was sent so long after the first report.
const APART_MS: Ms = 24 * 3_600_000;
/// A first report counts for so long: an address may be somebody's again.
const MEMORY_MS: Ms = 365 * 24 * 3_600_000;
/// Reports of one domain that come this close together may have one cause.
const CROWD_MS: Ms = 3_600_000;
/// More addresses of a domain than this within that time, and none of the reports counts.
const HANDFUL: i64 = 5;
/// For so long `status` names a domain.
const NAMED_MS: Ms = 7 * 24 * 3_600_000;

/// A server says that nobody is at an address of a lane's audience.
#[derive(Debug)]
pub(super) struct Hard {
    pub(super) lane: i64,
    pub(super) address: String,
    pub(super) delivery: DeliveryId,
    /// When the mail that it speaks of was sent.
    pub(super) sent_ms: Ms,
    pub(super) at_ms: Ms,
}

/// Takes such a word in.
pub(super) async fn take_in(c: &mut SqliteConnection, hard: &Hard) -> Result<Followed, StoreError> {
    let Some(domain) = ramp::domain(&hard.address) else {
        return Ok(Followed::Noted);
    };
    // Primary key.
    let first: Option<Option<Ms>> =
        sqlx::query_scalar("SELECT first_at FROM hard_report WHERE lane = ? AND address = ?")
            .bind(hard.lane)
            .bind(&hard.address)
            .fetch_optional(&mut *c)
            .await?;
    let remembered = |first: &Ms| hard.at_ms.saturating_sub(*first) <= MEMORY_MS;
    let first = first.flatten().filter(remembered);
    // Primary key.
    sqlx::query(
        "INSERT INTO hard_report (lane, address, domain, first_at, last_at) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (lane, address) DO UPDATE SET first_at = ?4, last_at = ?5",
    )
    .bind(hard.lane)
    .bind(&hard.address)
    .bind(&domain)
    .bind(first.unwrap_or(hard.at_ms))
    .bind(hard.at_ms)
    .execute(&mut *c)
    .await?;
    if is_crowd(c, hard, &domain).await? {
        forget(c, hard, &domain).await?;
        return Ok(Followed::Doubted);
    }
    match first {
        Some(first) if hard.sent_ms >= first.saturating_add(APART_MS) => end(c, hard).await,
        _ => Ok(Followed::Reported),
    }
}

async fn is_crowd(c: &mut SqliteConnection, hard: &Hard, domain: &str) -> Result<bool, StoreError> {
    // hard_report_domain (lane, domain, last_at), no more entries than it takes.
    let together: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM (SELECT 1 FROM hard_report WHERE lane = ? AND domain = ? AND last_at > ? LIMIT ?)",
    )
    .bind(hard.lane)
    .bind(domain)
    .bind(hard.at_ms.saturating_sub(CROWD_MS))
    .bind(HANDFUL + 1)
    .fetch_one(c)
    .await?;
    Ok(together > HANDFUL)
}

/// What was said in a crowd counts for nobody, and whom it has ended is written to again.
async fn forget(c: &mut SqliteConnection, hard: &Hard, domain: &str) -> Result<(), StoreError> {
    let since = hard.at_ms.saturating_sub(CROWD_MS);
    // hard_report_domain (lane, domain, last_at).
    let addresses: Vec<String> = sqlx::query_scalar(
        "UPDATE hard_report SET first_at = NULL WHERE lane = ? AND domain = ? AND last_at > ? AND first_at IS NOT NULL
         RETURNING address",
    )
    .bind(hard.lane)
    .bind(domain)
    .bind(since)
    .fetch_all(&mut *c)
    .await?;
    for address in addresses {
        // Primary key.
        let ended: Option<i64> = sqlx::query_scalar(
            "SELECT 1 FROM suppression WHERE lane = ? AND address = lower(?) AND reason = ? AND at > ?",
        )
        .bind(hard.lane)
        .bind(&address)
        .bind(SuppressedBecause::Bounced as u8)
        .bind(since)
        .fetch_optional(&mut *c)
        .await?;
        if ended.is_some() {
            let act = act(c, hard, "unsuppress").await?;
            suppression::lift(c, hard.lane, &address, std::slice::from_ref(&address), &act).await?;
        }
    }
    Ok(())
}

async fn end(c: &mut SqliteConnection, hard: &Hard) -> Result<Followed, StoreError> {
    let suppression = Suppression {
        lane: LaneId(hard.lane),
        address: hard.address.clone(),
        because: SuppressedBecause::Bounced,
    };
    let act = act(c, hard, "suppress").await?;
    suppression::suppress(c, &suppression, &act).await?;
    Ok(Followed::Suppressed)
}

async fn act(c: &mut SqliteConnection, hard: &Hard, action: &str) -> Result<Act, StoreError> {
    // Primary key.
    let name: String = sqlx::query_scalar("SELECT name FROM lane WHERE id = ?")
        .bind(hard.lane)
        .fetch_one(c)
        .await?;
    Ok(Act {
        at_ms: hard.at_ms,
        actor: "mail server".to_owned(),
        action: action.to_owned(),
        object: format!("channel {name}"),
        details: serde_json::json!({ "delivery": hard.delivery }),
    })
}

/// Recipients (lane, number) whom the service does not know any more: for good.
pub(super) async fn gone(c: &mut SqliteConnection, recipients: &[(i64, i64)]) -> Result<(), StoreError> {
    if recipients.is_empty() {
        return Ok(());
    }
    // Primary key (lane, seq).
    sqlx::query(
        "UPDATE recipient SET state = 2 FROM json_each(?) j WHERE lane = j.value ->> 0 AND seq = j.value ->> 1",
    )
    .bind(serde_json::to_string(recipients)?)
    .execute(c)
    .await?;
    Ok(())
}

/// The recipients of these rows were called unknown when they were to get something now.
pub(super) async fn at_once(c: &mut SqliteConnection, rows: &[(i64, i64, DeliveryId, Ms)]) -> Result<(), StoreError> {
    for &(lane, recipient, delivery, at_ms) in rows {
        // Primary key (lane, seq).
        let address: Option<String> = sqlx::query_scalar("SELECT address FROM recipient WHERE lane = ? AND seq = ?")
            .bind(lane)
            .bind(recipient)
            .fetch_optional(&mut *c)
            .await?;
        let Some(address) = address else { continue };
        let hard = Hard {
            lane,
            address,
            delivery,
            sent_ms: at_ms,
            at_ms,
        };
        take_in(c, &hard).await?;
    }
    Ok(())
}

/// Domains that called more than a handful unknown at once, not long ago.
pub(super) async fn doubted(pool: &SqlitePool, now: Ms) -> Result<Vec<Doubted>, StoreError> {
    // All of it: as many rows as addresses were ever called unknown.
    let rows = sqlx::query(
        "SELECT l.name, h.domain, count(*) AS n, max(h.last_at) AS at FROM hard_report h JOIN lane l ON l.id = h.lane
         WHERE h.first_at IS NULL AND h.last_at > ? GROUP BY h.lane, h.domain ORDER BY l.name, h.domain",
    )
    .bind(now.saturating_sub(NAMED_MS))
    .fetch_all(pool)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(Doubted {
                channel: row.try_get("name")?,
                domain: row.try_get("domain")?,
                addresses: count(row.try_get("n")?),
                at_ms: row.try_get("at")?,
            })
        })
        .collect()
}

/// Addresses that were called unknown and are written to all the same, newest first.
pub(super) async fn reported(pool: &SqlitePool) -> Result<Vec<Reported>, StoreError> {
    // All of it, as for `doubted`; primary key of suppression.
    let rows = sqlx::query(
        "SELECT l.name, h.address, h.last_at, h.first_at IS NULL AS doubted FROM hard_report h JOIN lane l ON l.id = h.lane
         WHERE NOT EXISTS (SELECT 1 FROM suppression s WHERE s.lane = h.lane AND s.address = lower(h.address))
         ORDER BY h.last_at DESC, h.lane, h.address",
    )
    .fetch_all(pool)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(Reported {
                channel: row.try_get("name")?,
                address: row.try_get("address")?,
                at_ms: row.try_get("last_at")?,
                doubted: row.try_get("doubted")?,
            })
        })
        .collect()
}
