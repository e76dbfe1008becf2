//! When the sends of one claim may start: by the account's rate, and while the lane drains by its ramp, for the lane and for each domain. What
//! decides is pure; reading and writing the theoretical arrival times is at the end.

use std::collections::BTreeMap;

use sqlx::SqliteConnection;

use super::rate::Slots;
use super::{ClaimRequest, StoreError};
use crate::clock::Ms;
use crate::lane_core::ramp::{self, Ran};

/// The pace of one claim.
#[derive(Debug)]
pub(super) struct Pace {
    account: Slots,
    ramp: Option<Climb>,
}

/// A lane on its ramp.
#[derive(Debug)]
struct Climb {
    ran: Ran,
    lane: Slots,
    /// Between two sends to one domain, µs.
    domain_step_us: Option<i64>,
    /// From when each domain may get its next, µs.
    domains: BTreeMap<String, i64>,
    /// Rows that were put off in this claim, by domain.
    put_off: BTreeMap<String, i64>,
}

impl Pace {
    /// Without a ramp.
    pub(super) fn new(account: Slots) -> Self {
        Self { account, ramp: None }
    }

    /// Another lane of the account has reserved slots in the meantime.
    pub(super) fn set_account(&mut self, account: Slots) {
        self.account = account;
    }

    /// Whatever may start may start now.
    pub(super) fn is_free(&self) -> bool {
        self.ramp.is_none() && self.account.is_free()
    }

    /// How many more sends fit, at most `want`.
    pub(super) fn free(&self, want: usize) -> usize {
        let want = self.account.free(want);
        self.ramp.as_ref().map_or(want, |ramp| ramp.lane.free(want))
    }

    /// When the lane should ask again, where the pace is what stops it.
    pub(super) fn next_ms(&self) -> Ms {
        let ramp = self.ramp.as_ref().map_or(i64::MIN, |ramp| ramp.lane.next_ms());
        self.account.next_ms().max(ramp)
    }

    /// Some recipients may have to wait while others go.
    pub(super) fn by_domain(&self) -> bool {
        self.domain_step_us().is_some()
    }

    /// Between two sends to one domain, where domains have a rate of their own, µs.
    pub(super) fn domain_step_us(&self) -> Option<i64> {
        self.ramp.as_ref()?.domain_step_us
    }

    /// Reserves one send to this address, in the form in which it is compared, and says when it may start; `Err`: its domain has had enough, and when its turn comes.
    pub(super) fn take(&mut self, address: &str) -> Result<Ms, Ms> {
        let mut at = self.account.next_us();
        if let Some(ramp) = &mut self.ramp {
            at = at.max(ramp.lane.next_us());
            if let Some(step) = ramp.domain_step_us
                && let Some(domain) = ramp::domain(address)
            {
                let free_at = ramp.domains.get(&domain).copied().unwrap_or(at);
                if free_at > at {
                    let before = ramp.put_off.entry(domain).or_insert(0);
                    let turn = free_at + *before * step;
                    *before += 1;
                    return Err((turn + 999) / 1_000);
                }
                ramp.domains.insert(domain, at + step);
            }
            ramp.lane.take_at(at);
        }
        self.account.take_at(at);
        // Rounded up: never early.
        Ok((at + 999) / 1_000)
    }

    /// The account's arrival time to store.
    pub(super) fn account_tat_us(&self) -> Option<i64> {
        self.account.tat_us()
    }
}

/// Puts the lane's ramp before the account's pace.
pub(super) async fn climb(
    c: &mut SqliteConnection,
    r: &ClaimRequest,
    ran: Option<Ran>,
    pace: &mut Pace,
) -> Result<(), StoreError> {
    let Some(ramp) = r.ramp else { return Ok(()) };
    let ran = ran.map_or(Ran::begin(r.now_ms), |ran| ran.go_on(r.now_ms));
    // Primary key (lane, domain): what is free by now is deleted at every claim.
    let rows: Vec<(String, i64)> = sqlx::query_as("SELECT domain, tat_us FROM ramp_slot WHERE lane = ?")
        .bind(r.lane.0)
        .fetch_all(c)
        .await?;
    // What started late makes all that follow as late.
    let late_us = r.late_ms.max(0).saturating_mul(1_000);
    let rows = rows
        .into_iter()
        .map(|(domain, tat)| (domain, tat.saturating_add(late_us)));
    let mut domains: BTreeMap<String, i64> = rows.collect();
    let lane = domains.remove("");
    pace.ramp = Some(Climb {
        ran,
        lane: Slots::with_step(Some(ramp.step_us(ran.ran_ms)), lane, r.now_ms),
        domain_step_us: ramp.per_domain.map(ramp::step_us),
        domains,
        put_off: BTreeMap::new(),
    });
    Ok(())
}

/// Writes down what was reserved, and where the ramp stands, after a claim that started something; how much of the lateness told of is in there.
pub(super) async fn settle(c: &mut SqliteConnection, r: &ClaimRequest, pace: &Pace) -> Result<Ms, StoreError> {
    let Some(ramp) = &pace.ramp else { return Ok(0) };
    let now_us = r.now_ms.saturating_mul(1_000);
    let lane = ramp.lane.tat_us().map(|tat| ("", tat));
    let busy = ramp.domains.iter().filter(|(_, tat)| **tat > now_us);
    let rows: Vec<(&str, i64)> = lane
        .into_iter()
        .chain(busy.map(|(domain, tat)| (domain.as_str(), *tat)))
        .collect();
    // Primary key.
    sqlx::query("UPDATE lane SET ramp = ? WHERE id = ?")
        .bind(serde_json::to_string(&ramp.ran)?)
        .bind(r.lane.0)
        .execute(&mut *c)
        .await?;
    // Primary key (lane, domain).
    sqlx::query("DELETE FROM ramp_slot WHERE lane = ? AND domain <> '' AND tat_us <= ?")
        .bind(r.lane.0)
        .bind(now_us)
        .execute(&mut *c)
        .await?;
    sqlx::query(
        "INSERT INTO ramp_slot (lane, domain, tat_us) SELECT ?, j.value ->> 0, j.value ->> 1 FROM json_each(?) j WHERE true
         ON CONFLICT DO UPDATE SET tat_us = excluded.tat_us",
    )
    .bind(r.lane.0)
    .bind(serde_json::to_string(&rows)?)
    .execute(c)
    .await?;
    Ok(r.late_ms.max(0))
}
