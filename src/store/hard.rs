//! Whom a mail server calls unknown, and when that ends an address. One such word ends nobody, whatever its code: a provider whose directory
//! is down for an hour answers `550 5.1.1` for all its customers, and even "this domain takes no mail" (RFC 7505) is one DNS record that
//! somebody sets in an emergency. One more mail to an address that is really dead costs nothing.

use std::collections::BTreeMap;

use sqlx::{Row, SqliteConnection, SqlitePool};

use super::rows::count;
use super::spelling::{canonical, is_address};
use super::{Act, Doubted, Followed, Reported, StoreError, SuppressedBecause, Suppression, returned, suppression};
use crate::clock::Ms;
use crate::domain::delivery::DeliveryState;
use crate::domain::outcome::Reason;
use crate::ids::{DeliveryId, LaneId};
use crate::lane_core::ramp;

/// The mail that ends an address was sent so long after the first report.
const APART_MS: Ms = 24 * 3_600_000;
/// A first report counts for so long: an address may be somebody's again.
const MEMORY_MS: Ms = 365 * 24 * 3_600_000;
/// Reports that come this close together may have one cause. So long, too, a mail's bounce may take before it counts as arrived.
const CROWD_MS: Ms = 3_600_000;
/// More addresses of a domain than this within that time, and more than a tenth of the domain's recipients: none of the reports counts.
const HANDFUL: i64 = 5;
const DOMAIN_PART: i64 = 10;
/// More of the whole lane, and more than a twentieth of its audience: a provider of many domains is in trouble, or our own relay.
const MANY: i64 = 20;
const LANE_PART: i64 = 20;
/// A lane with more doubted domains than this is named with their number.
const NAMED_DOMAINS: usize = 5;
/// For so long `status` names a domain.
const NAMED_MS: Ms = 7 * 24 * 3_600_000;

/// A server says that nobody is at an address of a lane's audience.
#[derive(Debug)]
pub(super) struct Hard {
    pub(super) lane: i64,
    /// In its canonical form.
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
        "INSERT INTO hard_report (lane, address, domain, first_at, last_at, doubted) VALUES (?1, ?2, ?3, ?4, ?5, 0)
         ON CONFLICT (lane, address) DO UPDATE SET first_at = ?4, last_at = ?5, doubted = 0",
    )
    .bind(hard.lane)
    .bind(&hard.address)
    .bind(&domain)
    .bind(first.unwrap_or(hard.at_ms))
    .bind(hard.at_ms)
    .execute(&mut *c)
    .await?;
    let crowd = if is_lanes_crowd(c, hard).await? {
        Some(None)
    } else {
        is_domains_crowd(c, hard, &domain)
            .await?
            .then_some(Some(domain.as_str()))
    };
    if let Some(of) = crowd {
        doubt(c, hard, of).await?;
        return Ok(Followed::Doubted);
    }
    match first {
        Some(first) if hard.sent_ms >= first.saturating_add(APART_MS) => {
            if arrived_between(c, hard, first).await? {
                begin_anew(c, hard).await?;
                return Ok(Followed::Reported);
            }
            end(c, hard, SuppressedBecause::Bounced).await?;
            Ok(Followed::Suppressed)
        }
        _ => Ok(Followed::Reported),
    }
}

async fn is_lanes_crowd(c: &mut SqliteConnection, hard: &Hard) -> Result<bool, StoreError> {
    // Primary key.
    let audience: i64 = sqlx::query_scalar("SELECT audience FROM lane WHERE id = ?")
        .bind(hard.lane)
        .fetch_one(&mut *c)
        .await?;
    let few = MANY.max(audience / LANE_PART);
    // hard_report_lane (lane, doubted, last_at), no more entries than it takes.
    let together: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM (SELECT 1 FROM hard_report WHERE lane = ? AND doubted IN (0, 1) AND last_at > ? LIMIT ?)",
    )
    .bind(hard.lane)
    .bind(hard.at_ms.saturating_sub(CROWD_MS))
    .bind(few + 1)
    .fetch_one(c)
    .await?;
    Ok(together > few)
}

async fn is_domains_crowd(c: &mut SqliteConnection, hard: &Hard, domain: &str) -> Result<bool, StoreError> {
    // hard_report_domain (lane, domain, doubted, last_at).
    let (together, doubted): (i64, Option<bool>) = sqlx::query_as(
        "SELECT count(*), max(doubted) FROM hard_report WHERE lane = ? AND domain = ? AND doubted IN (0, 1) AND last_at > ?",
    )
    .bind(hard.lane)
    .bind(domain)
    .bind(hard.at_ms.saturating_sub(CROWD_MS))
    .fetch_one(&mut *c)
    .await?;
    // What was a crowd a moment ago is still one, and nobody has to be counted.
    if together <= HANDFUL || doubted == Some(true) {
        return Ok(together > HANDFUL);
    }
    let enough = together.saturating_mul(DOMAIN_PART);
    // Primary key (lane, …) until enough of the domain are found: early for a large one, and for a small one seldom, see above.
    let recipients: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM (SELECT 1 FROM recipient WHERE lane = ?1 AND state = 0 AND substr(coalesce(canonical, address), -length(?2)) = ?2 LIMIT ?3)",
    )
    .bind(hard.lane)
    .bind(format!("@{domain}"))
    .bind(enough)
    .fetch_one(c)
    .await?;
    Ok(recipients < enough)
}

/// What was said in a crowd, of a domain or of the whole lane, counts for nobody. What was said of somebody before stays, and whom the crowd
/// has ended is written to again.
async fn doubt(c: &mut SqliteConnection, hard: &Hard, domain: Option<&str>) -> Result<(), StoreError> {
    let since = hard.at_ms.saturating_sub(CROWD_MS);
    // hard_report_domain (lane, domain, doubted, last_at) or hard_report_lane (lane, doubted, last_at).
    let statement = match domain {
        Some(_) => {
            "UPDATE hard_report SET doubted = 1, first_at = CASE WHEN first_at <= ?2 THEN first_at END
             WHERE lane = ?1 AND doubted = 0 AND last_at > ?2 AND domain = ?3 RETURNING address"
        }
        None => {
            "UPDATE hard_report SET doubted = 1, first_at = CASE WHEN first_at <= ?2 THEN first_at END
             WHERE lane = ?1 AND doubted = 0 AND last_at > ?2 RETURNING address"
        }
    };
    let mut update = sqlx::query_scalar(statement).bind(hard.lane).bind(since);
    if let Some(domain) = domain {
        update = update.bind(domain);
    }
    let addresses: Vec<String> = update.fetch_all(&mut *c).await?;
    for address in addresses {
        // Primary key.
        let ended: Option<i64> =
            sqlx::query_scalar("SELECT 1 FROM suppression WHERE lane = ? AND address = ? AND reason = ? AND at > ?")
                .bind(hard.lane)
                .bind(&address)
                .bind(SuppressedBecause::Bounced as u8)
                .bind(since)
                .fetch_optional(&mut *c)
                .await?;
        if ended.is_some() {
            let act = act(c, hard, "unsuppress").await?;
            suppression::lift(c, hard.lane, &address, &act).await?;
        }
    }
    Ok(())
}

/// A mail after the first report was taken and has not come back: the address was somebody's then.
async fn arrived_between(c: &mut SqliteConnection, hard: &Hard, first: Ms) -> Result<bool, StoreError> {
    // All broadcasts, a row for each notice and channel, and only where an address would end; delivery_of (broadcast, recipient); primary
    // key (delivery, n) of attempt.
    let found: Option<i64> = sqlx::query_scalar(concat!(
        "SELECT 1 FROM recipient CROSS JOIN broadcast b ON b.lane = recipient.lane AND b.changed > ?3
           CROSS JOIN delivery d ON d.broadcast = b.id AND d.recipient = recipient.seq
         WHERE recipient.lane = ?1 AND ",
        is_address!("?1", "?2"),
        " AND d.state IN (?4, ?5) AND d.changed > ?3 AND d.changed <= ?6
           AND NOT EXISTS (SELECT 1 FROM attempt a WHERE a.delivery = d.id AND a.what = ?7)
         LIMIT 1"
    ))
    .bind(hard.lane)
    .bind(&hard.address)
    .bind(first)
    .bind(DeliveryState::Accepted as u8)
    .bind(DeliveryState::Delivered as u8)
    .bind(hard.sent_ms.saturating_sub(CROWD_MS))
    .bind(returned::WHAT)
    .fetch_optional(c)
    .await?;
    Ok(found.is_some())
}

/// The newest report is the first one from now on.
async fn begin_anew(c: &mut SqliteConnection, hard: &Hard) -> Result<(), StoreError> {
    // Primary key.
    sqlx::query("UPDATE hard_report SET first_at = last_at WHERE lane = ? AND address = ?")
        .bind(hard.lane)
        .bind(&hard.address)
        .execute(c)
        .await?;
    Ok(())
}

async fn end(c: &mut SqliteConnection, hard: &Hard, because: SuppressedBecause) -> Result<(), StoreError> {
    let suppression = Suppression {
        lane: LaneId(hard.lane),
        address: hard.address.clone(),
        because,
    };
    let act = act(c, hard, "suppress").await?;
    suppression::suppress(c, &suppression, &act).await?;
    Ok(())
}

async fn act(c: &mut SqliteConnection, hard: &Hard, action: &str) -> Result<Act, StoreError> {
    // Primary key.
    let name: String = sqlx::query_scalar("SELECT name FROM lane WHERE id = ?")
        .bind(hard.lane)
        .fetch_one(c)
        .await?;
    Ok(Act {
        at_ms: hard.at_ms,
        actor: "recipient's server".to_owned(),
        action: action.to_owned(),
        object: format!("channel {name}"),
        details: serde_json::json!({ "delivery": hard.delivery }),
    })
}

/// What was said of a recipient when they were to get something: lane, recipient, delivery, when, what.
pub(super) type Said = (i64, i64, DeliveryId, Ms, Reason);

/// A mail server's "unknown" is one word of several. What somebody's own service says of itself, that they want nothing more, counts at once, until a
/// person lifts it.
pub(super) async fn at_once(c: &mut SqliteConnection, said: &[Said]) -> Result<(), StoreError> {
    for &(lane, recipient, delivery, at_ms, reason) in said {
        // Primary key (lane, seq).
        let address: Option<String> = sqlx::query_scalar(concat!(
            "SELECT ",
            canonical!("r"),
            " FROM recipient r WHERE lane = ? AND seq = ?"
        ))
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
        if reason == Reason::RecipientUnknown {
            take_in(c, &hard).await?;
        } else {
            end(c, &hard, SuppressedBecause::Gone).await?;
        }
    }
    Ok(())
}

/// Whose words were not believed, not long ago: by domain, or together where a lane has many of them.
pub(super) async fn doubted(pool: &SqlitePool, now: Ms) -> Result<Vec<Doubted>, StoreError> {
    // The few lanes; hard_report_lane (lane, doubted, last_at).
    let rows = sqlx::query(
        "SELECT l.name, h.domain, count(*) AS n, max(h.last_at) AS at FROM lane l CROSS JOIN hard_report h
           ON h.lane = l.id AND h.doubted = 1 AND h.last_at > ? GROUP BY h.lane, h.domain ORDER BY l.name, h.domain",
    )
    .bind(now.saturating_sub(NAMED_MS))
    .fetch_all(pool)
    .await?;
    let mut lanes: BTreeMap<String, Vec<Doubted>> = BTreeMap::new();
    for row in &rows {
        let channel: String = row.try_get("name")?;
        lanes.entry(channel.clone()).or_default().push(Doubted {
            channel,
            domain: row.try_get("domain")?,
            addresses: count(row.try_get("n")?),
            at_ms: row.try_get("at")?,
        });
    }
    let named = lanes.into_iter().flat_map(|(channel, domains)| {
        if domains.len() <= NAMED_DOMAINS {
            return domains;
        }
        vec![Doubted {
            channel,
            domain: None,
            addresses: domains.iter().map(|one| one.addresses).sum(),
            at_ms: domains.iter().map(|one| one.at_ms).max().unwrap_or(now),
        }]
    });
    Ok(named.collect())
}

/// Addresses that were called unknown and are written to all the same, newest first; what is too long ago counts no more.
pub(super) async fn reported(pool: &SqlitePool, now: Ms) -> Result<Vec<Reported>, StoreError> {
    // The few lanes; hard_report_lane (lane, doubted, last_at); primary key of suppression.
    let rows = sqlx::query(
        "SELECT l.name, h.address, h.last_at, h.doubted FROM lane l CROSS JOIN hard_report h
           ON h.lane = l.id AND h.doubted IN (0, 1) AND h.last_at >= ?
         WHERE NOT EXISTS (SELECT 1 FROM suppression s WHERE s.lane = h.lane AND s.address = lower(h.address))
         ORDER BY h.last_at DESC, h.lane, h.address",
    )
    .bind(now.saturating_sub(MEMORY_MS))
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

/// Forgets what counts no more.
pub(super) async fn forget(c: &mut SqliteConnection, now: Ms) -> Result<(), StoreError> {
    // The few lanes; hard_report_lane (lane, doubted, last_at).
    sqlx::query("DELETE FROM hard_report WHERE lane IN (SELECT id FROM lane) AND doubted IN (0, 1) AND last_at < ?")
        .bind(now.saturating_sub(MEMORY_MS))
        .execute(c)
        .await?;
    Ok(())
}
