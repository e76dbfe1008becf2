//! Domains that crowd a release with a ramp. A domain gets no more than its rate, so its recipients would fill all rows that may wait for turns,
//! and nobody behind them would open. The broadcast's cursor passes them over, and they open from a cursor of their own, a few at a time.

use std::collections::BTreeMap;

use sqlx::SqliteConnection;

use super::StoreError;
use super::alive::Alive;
use super::spelling::canonical;
use crate::clock::Ms;
use crate::lane_core::ramp;

/// Of the rows that may wait for turns, a domain has plenty with this part of them: less, and more of it open.
const PLENTY: i64 = 16;
/// So many waiting rows show what crowds: there may be far more, of a lane that went without a ramp before.
const SAMPLE: i64 = 8_192;
/// A domain with less than this part of them crowds nothing.
const FEW: i64 = 64;

/// A domain that was left out of a broadcast's opening.
#[derive(Debug, Clone)]
pub(super) struct Left {
    /// Recipients of it up to here have been looked at.
    pub(super) cursor: i64,
    /// Until then enough of its rows wait.
    pub(super) due: Ms,
    /// So many did when that was counted.
    pub(super) waiting: i64,
}

/// The domains left out, of a broadcast and of the older ones of its incident that still open.
#[derive(Debug, Default)]
pub(super) struct Crowd {
    pub(super) own: BTreeMap<String, Left>,
    older: BTreeMap<(i64, String), i64>,
}

impl Crowd {
    pub(super) async fn read(
        c: &mut SqliteConnection,
        broadcast: i64,
        older: &[(i64, i64)],
    ) -> Result<Self, StoreError> {
        let all: Vec<i64> = older.iter().map(|(id, _)| *id).chain([broadcast]).collect();
        // Primary key (broadcast, …).
        let rows: Vec<(i64, String, i64, Ms, i64)> = sqlx::query_as(
            "SELECT broadcast, domain, cursor, due, waiting FROM chunk_left WHERE broadcast IN (SELECT value FROM json_each(?))",
        )
        .bind(serde_json::to_string(&all)?)
        .fetch_all(c)
        .await?;
        let mut crowd = Self::default();
        for (of, domain, cursor, due, waiting) in rows {
            if of == broadcast {
                crowd.own.insert(domain, Left { cursor, due, waiting });
            } else {
                crowd.older.insert((of, domain), cursor);
            }
        }
        Ok(crowd)
    }

    /// How far the older ones have opened for this domain; order holds per recipient.
    pub(super) fn reach(&self, domain: &str, older: &[(i64, i64)], upto: i64) -> i64 {
        let of = |(id, cursor): &(i64, i64)| self.older.get(&(*id, domain.to_owned())).copied().unwrap_or(*cursor);
        older.iter().map(of).fold(upto, i64::min)
    }

    /// Rows of the domains left out, as they were counted.
    pub(super) fn waiting(&self) -> i64 {
        self.own.values().map(|left| left.waiting).sum()
    }

    /// What an older one has left out is left out here too, from this cursor on.
    pub(super) async fn follow(
        &mut self,
        c: &mut SqliteConnection,
        broadcast: i64,
        cursor: i64,
        now: Ms,
    ) -> Result<(), StoreError> {
        let new: Vec<String> = self.older.keys().map(|(_, domain)| domain.clone()).collect();
        for domain in new {
            if !self.own.contains_key(&domain) {
                let left = Left {
                    cursor,
                    due: now,
                    waiting: 0,
                };
                self.leave(c, broadcast, domain, left).await?;
            }
        }
        Ok(())
    }

    /// Leaves out the domains with the most rows until the others have half of the room; false: there is no crowd. `rest`: rows that wait and are
    /// of no domain left out.
    pub(super) async fn leave_most(
        &mut self,
        c: &mut SqliteConnection,
        b: &Alive,
        from: (i64, Ms),
        rest: i64,
        turns: i64,
        step_us: i64,
    ) -> Result<bool, StoreError> {
        // delivery_due (broadcast, via, due) WHERE state = 0; primary key of recipient. Only where the room is full.
        let addresses: Vec<String> = sqlx::query_scalar(concat!(
            "SELECT ",
            canonical!("x"),
            " FROM delivery d CROSS JOIN recipient x ON x.lane = ? AND x.seq = d.recipient
             WHERE d.broadcast = ? AND d.via IS ? AND d.state = 0 ORDER BY d.due, d.id LIMIT ?",
        ))
        .bind(b.lane)
        .bind(b.id)
        .bind(b.via)
        .bind(SAMPLE)
        .fetch_all(&mut *c)
        .await?;
        let mut counts: BTreeMap<String, i64> = BTreeMap::new();
        // Of a web address the domain does not stand at the end, where the statements below look for it; there are few of those.
        for domain in addresses
            .iter()
            .filter(|a| !a.contains("://"))
            .filter_map(|a| ramp::domain(a))
        {
            *counts.entry(domain).or_default() += 1;
        }
        let mut counts: Vec<(String, i64)> = counts.into_iter().filter(|(d, _)| !self.own.contains_key(d)).collect();
        counts.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
        let (cursor, now) = from;
        let (mut rest, mut any) = (rest, false);
        for (domain, waiting) in counts {
            if rest < turns / 2 || waiting < (turns / FEW).max(1) {
                break;
            }
            rest -= waiting;
            any = true;
            let due = now.saturating_add(drains_ms(waiting / 2, step_us));
            self.leave(c, b.id, domain, Left { cursor, due, waiting }).await?;
        }
        Ok(any)
    }

    /// Whether more of a domain may open: while plenty of its rows wait, it is put off for as long as they need.
    pub(super) async fn has_room(
        &mut self,
        c: &mut SqliteConnection,
        b: &Alive,
        domain: &str,
        (now, turns, step_us): (Ms, i64, i64),
    ) -> Result<bool, StoreError> {
        let Some(left) = self.own.get(domain).cloned() else {
            return Ok(false);
        };
        // As above.
        let waiting: i64 = sqlx::query_scalar(concat!(
            "SELECT count(*) FROM delivery d CROSS JOIN recipient x ON x.lane = ?1 AND x.seq = d.recipient
             WHERE d.broadcast = ?2 AND d.via IS ?3 AND d.state = 0 AND lower(substr(",
            canonical!("x"),
            ", -length(?4))) = ?4",
        ))
        .bind(b.lane)
        .bind(b.id)
        .bind(b.via)
        .bind(format!("@{domain}"))
        .fetch_one(&mut *c)
        .await?;
        let due = has_room_at(now, waiting, turns, step_us);
        self.leave(c, b.id, domain.to_owned(), Left { waiting, due, ..left })
            .await?;
        Ok(due <= now)
    }

    /// Writes a domain's place down.
    pub(super) async fn leave(
        &mut self,
        c: &mut SqliteConnection,
        broadcast: i64,
        domain: String,
        left: Left,
    ) -> Result<(), StoreError> {
        // Primary key.
        sqlx::query(
            "INSERT OR REPLACE INTO chunk_left (broadcast, domain, cursor, due, waiting) VALUES (?, ?, ?, ?, ?)",
        )
        .bind(broadcast)
        .bind(&domain)
        .bind(left.cursor)
        .bind(left.due)
        .bind(left.waiting)
        .execute(c)
        .await?;
        self.own.insert(domain, left);
        Ok(())
    }

    /// Nobody of the domain is left.
    pub(super) async fn take_back(
        &mut self,
        c: &mut SqliteConnection,
        broadcast: i64,
        domain: &str,
    ) -> Result<(), StoreError> {
        // Primary key.
        sqlx::query("DELETE FROM chunk_left WHERE broadcast = ? AND domain = ?")
            .bind(broadcast)
            .bind(domain)
            .execute(c)
            .await?;
        self.own.remove(domain);
        Ok(())
    }
}

/// When a domain with so many waiting rows will have none too many: `now`, or later.
pub(super) fn has_room_at(now: Ms, waiting: i64, turns: i64, step_us: i64) -> Ms {
    let too_many = waiting - (turns / PLENTY).max(1) + 1;
    now.saturating_add(drains_ms(too_many.max(0), step_us))
}

/// How long so many take at a domain's rate.
fn drains_ms(rows: i64, step_us: i64) -> Ms {
    rows.saturating_mul(step_us) / 1_000
}
