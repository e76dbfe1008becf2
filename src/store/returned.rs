//! What comes back later of a mail that a server had taken: a line in its story, a refusal in the window of a lane that drains, and, where nobody
//! is there, a word against its address (`hard`). All in one commit.

use std::collections::BTreeMap;

use sqlx::{Row, SqliteConnection};

use super::evidence::{self, Evidence};
use super::hard::{self, Hard};
use super::rows::{said_stored, word};
use super::spelling::canonical;
use super::{CameBack, Followed, StoreError, gate};
use crate::clock::Ms;
use crate::domain::outcome::Reason;
use crate::lane_core::window::Sign;

/// What comes back of an older delivery changes nothing: servers give up after five days, and an address may be somebody's again.
const FRESH_MS: Ms = 30 * 24 * 3_600_000;
/// The line in a delivery's story.
pub(super) const WHAT: &str = "came-back";

/// Takes in what came back.
pub(super) async fn take_in(c: &mut SqliteConnection, what: &CameBack) -> Result<Followed, StoreError> {
    // Primary keys of delivery, broadcast and lane; (lane, seq) of recipient; primary key (delivery, n) of attempt.
    let row = sqlx::query(concat!(
        "SELECT d.attempt, d.changed, b.lane, coalesce(d.via, b.lane) AS sender, ",
        canonical!("r"),
        " AS address, d.changed >= l.gate_since AS of_now,
           (SELECT max(a.reason = ?3) FROM attempt a WHERE a.delivery = d.id AND a.attempt = d.attempt AND a.what = ?4) AS known
         FROM delivery d JOIN broadcast b ON b.id = d.broadcast JOIN lane l ON l.id = coalesce(d.via, b.lane)
           JOIN recipient r ON r.lane = b.lane AND r.seq = d.recipient
         WHERE d.id = ?1 AND d.attempt > 0 AND d.changed > ?2"
    ))
    .bind(what.delivery.0)
    .bind(what.at_ms.saturating_sub(FRESH_MS))
    .bind(word(Reason::RecipientUnknown)?)
    .bind(WHAT)
    .fetch_optional(&mut *c)
    .await?;
    let Some(row) = row else { return Ok(Followed::Nothing) };
    let address: String = row.try_get("address")?;
    // A list or a forwarding reports addresses that are not ours to suppress.
    let gone = what.gone.contains(&address);
    // Servers write more than once about one mail: that it is delayed, that it failed, and why.
    let known: Option<bool> = row.try_get("known")?;
    if known == Some(true) || (known.is_some() && !gone) {
        return Ok(Followed::Nothing);
    }
    let reason = if gone {
        Reason::RecipientUnknown
    } else {
        Reason::RecipientRefused
    };
    let line = Evidence(
        what.delivery.0,
        row.try_get("attempt")?,
        what.at_ms,
        WHAT,
        Some(word(reason)?),
        said_stored(&what.text)?,
    );
    evidence::write(c, &[line]).await?;
    // What went out before the gate changed says nothing about how mail fares since: servers give up after days.
    if known.is_none() && row.try_get("of_now")? {
        let sender: i64 = row.try_get("sender")?;
        gate::note(c, BTreeMap::from([(sender, vec![(what.at_ms, Sign::Refused)])])).await?;
    }
    if !gone {
        return Ok(Followed::Noted);
    }
    let hard = Hard {
        lane: row.try_get("lane")?,
        address,
        delivery: what.delivery,
        sent_ms: row.try_get("changed")?,
        at_ms: what.at_ms,
    };
    hard::take_in(c, &hard).await
}
