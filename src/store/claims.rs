//! Claims that arrive together (LANES 3 and 4). After a publication all lanes ask at once; what they read and write they read and write
//! together, because each statement is a way to SQLite's thread and back, and the last lane waits for all of them. What a lane may start is
//! the word of `claim.rs`.

use std::collections::{BTreeSet, HashMap, HashSet};

use sqlx::{Row, SqliteConnection};

use super::claim::{Claim, LaneState};
use super::due::Look;
use super::failover::Homes;
use super::rows::settle_lanes;
use super::starts::Writes;
use super::texts::{Texts, texts};
use super::{ClaimRequest, Claimed, Missing, StoreError, Thread, alive, due, failover, gate, reopen, thread};
use crate::clock::Ms;
use crate::domain::delivery::Gate;

/// Looks at so many rows of an audience are taken together; all read as many as the widest of them. An account has one row.
const LOOK: usize = 64;

/// What is read for the broadcast that a claim begins with.
#[derive(Default)]
pub(super) struct Ahead {
    pub(super) broadcast: i64,
    /// Its due rows.
    pub(super) due: Option<Vec<due::Read>>,
    pub(super) texts: Option<Texts>,
    pub(super) thread: Option<Option<Thread>>,
}

/// Writes down as started what each lane may start now; one answer each, in order.
pub(super) async fn claim(c: &mut SqliteConnection, requests: &[ClaimRequest]) -> Result<Vec<Claimed>, StoreError> {
    let mut answers = vec![Claimed::default(); requests.len()];
    let (mut together, mut alone) = (Vec::new(), Vec::new());
    let mut lanes = HashSet::new();
    let list: Vec<&ClaimRequest> = requests.iter().collect();
    for (place, claim) in open(c, &list, &mut answers).await? {
        // Who stands in for others takes rows from them: it reads when they have written.
        let apart = lanes.insert(claim.lane()) && !claim.stands_in();
        if apart || requests.len() == 1 {
            together.push((place, claim));
        } else {
            alone.push(place);
        }
    }
    run(c, &mut together).await?;
    for (place, claim) in together {
        answers[place] = claim.answer();
    }
    for place in alone {
        let mut answer = [Claimed::default()];
        let mut again = open(c, &[&requests[place]], &mut answer).await?;
        run(c, &mut again).await?;
        answers[place] = match again.pop() {
            Some((_, claim)) => claim.answer(),
            None => std::mem::take(&mut answer[0]),
        };
    }
    Ok(answers)
}

/// The claims of lanes that may send now; all others are answered.
async fn open<'a>(
    c: &mut SqliteConnection,
    requests: &[&'a ClaimRequest],
    answers: &mut [Claimed],
) -> Result<Vec<(usize, Claim<'a>)>, StoreError> {
    let states = states(c, requests).await?;
    let mut homes = failover::homes(c, requests).await?;
    let mut claims = Vec::with_capacity(requests.len());
    for (place, r) in requests.iter().enumerate() {
        let lane = states
            .get(&r.lane.0)
            .ok_or(StoreError::NotFound(Missing::Lane(r.lane.0)))?;
        answers[place].epoch = lane.epoch;
        if !lane.shut && lane.epoch == r.epoch {
            let homes: Homes = homes.remove(&r.lane.0).unwrap_or_default();
            claims.push((place, Claim::new(r, lane.clone(), homes)));
        }
    }
    Ok(claims)
}

/// Claims of lanes that touch no row of each other.
async fn run(c: &mut SqliteConnection, claims: &mut [(usize, Claim<'_>)]) -> Result<(), StoreError> {
    if claims.is_empty() {
        return Ok(());
    }
    let lanes: Vec<(i64, Ms)> = claims.iter().flat_map(|(_, claim)| claim.lanes()).collect();
    let mut alive = alive::of_lanes(c, &lanes).await?;
    for (_, claim) in claims.iter_mut() {
        claim.meets(&mut alive);
        claim.climbs(c).await?;
    }
    let mut ahead = look_ahead(c, claims).await?;
    let mut writes = Writes::default();
    let (mut settle, mut tried) = (BTreeSet::new(), Vec::new());
    let mut accounts: HashMap<String, i64> = HashMap::new();
    for (place, claim) in claims.iter_mut() {
        claim.paces(accounts.get(claim.account()).copied());
        claim
            .run(c, ahead.remove(place).unwrap_or_default(), &mut writes)
            .await?;
        settle.extend(claim.settle());
        tried.push(claim.tried());
        accounts.extend(claim.reserved());
    }
    writes.flush(c).await?;
    for ((_, claim), (times, ended)) in claims.iter_mut().zip(tried) {
        claim.stirs(&reopen::passed_no_more(c, &ended, times).await?);
    }
    settle_lanes(c, settle).await?;
    store_rates(c, &accounts).await?;
    let waiting: Vec<(usize, Ms, i64, Option<i64>)> = claims
        .iter()
        .flat_map(|(place, claim)| claim.waits().map(|(now, broadcast, via)| (*place, now, broadcast, via)))
        .collect();
    let next = due::next_after(c, &waiting).await?;
    for (place, claim) in claims.iter_mut() {
        claim.asks_again(next.get(place).copied());
        if claim.may_be_drained() {
            let drained = gate::is_drained(c, claim.lane()).await?;
            claim.drained(drained);
        }
    }
    Ok(())
}

/// Due rows, texts and threads of what the claims begin with, as far as that can be told now; by the claim's place.
async fn look_ahead(
    c: &mut SqliteConnection,
    claims: &[(usize, Claim<'_>)],
) -> Result<HashMap<usize, Ahead>, StoreError> {
    let firsts: Vec<_> = claims
        .iter()
        .filter_map(|(place, claim)| Some((*place, claim, claim.first()?)))
        .collect();
    let (places, looks): (Vec<usize>, Vec<Look>) = firsts
        .iter()
        .filter(|(_, claim, first)| first.waiting > 0 && (first.is_account() || claim.looks_at() <= LOOK))
        .map(|(place, claim, first)| (*place, claim.look(first)))
        .unzip();
    let audiences = firsts.iter().filter(|(.., first)| !first.is_account());
    let limit = audiences
        .map(|(_, claim, _)| claim.looks_at())
        .filter(|limit| *limit <= LOOK)
        .max();
    let mut due: HashMap<usize, Vec<due::Read>> = places
        .into_iter()
        .zip(due::look(c, &looks, limit.unwrap_or(1)).await?)
        .collect();
    let broadcasts: Vec<i64> = firsts.iter().map(|(.., first)| first.id).collect();
    let texts = texts(c, &broadcasts).await?;
    let accounts = firsts.iter().filter(|(.., first)| first.is_account());
    let threads: Vec<(i64, i64)> = accounts
        .map(|(_, claim, first)| (claim.lane(), first.incident))
        .collect();
    let threads = thread::of(c, &threads).await?;
    let ahead = firsts.into_iter().map(|(place, claim, first)| {
        let ahead = Ahead {
            broadcast: first.id,
            due: due.remove(&place),
            texts: texts.get(&first.id).cloned(),
            thread: Some(threads.get(&(claim.lane(), first.incident)).cloned()),
        };
        (place, ahead)
    });
    Ok(ahead.collect())
}

async fn states(c: &mut SqliteConnection, requests: &[&ClaimRequest]) -> Result<HashMap<i64, LaneState>, StoreError> {
    let lanes: Vec<i64> = requests.iter().map(|r| r.lane.0).collect();
    // Primary keys of lane, account_rate and meta.
    let rows = sqlx::query(
        "SELECT id, epoch, gate, configured, ramp, kind || ' ' || account AS account, (SELECT moved FROM meta WHERE one = 1) AS moved,
           (SELECT tat_us FROM account_rate a WHERE a.account = lane.kind || ' ' || lane.account) AS tat_us
         FROM lane WHERE id IN (SELECT value FROM json_each(?))",
    )
    .bind(serde_json::to_string(&lanes)?)
    .fetch_all(c)
    .await?;
    let mut states = HashMap::new();
    for row in &rows {
        let gate: i64 = row.try_get("gate")?;
        let state = LaneState {
            epoch: row.try_get("epoch")?,
            shut: gate == Gate::Held as i64
                || row.try_get::<i64, _>("moved")? != 0
                || row.try_get::<i64, _>("configured")? == 0,
            drains: gate == Gate::Draining as i64,
            ran: super::lanes::ran(row.try_get("ramp")?),
            account: row.try_get("account")?,
            tat_us: row.try_get("tat_us")?,
        };
        states.insert(row.try_get("id")?, state);
    }
    Ok(states)
}

async fn store_rates(c: &mut SqliteConnection, accounts: &HashMap<String, i64>) -> Result<(), StoreError> {
    if accounts.is_empty() {
        return Ok(());
    }
    // Primary key.
    sqlx::query(
        "INSERT INTO account_rate (account, tat_us) SELECT j.key, j.value FROM json_each(?) j WHERE true
         ON CONFLICT DO UPDATE SET tat_us = excluded.tat_us",
    )
    .bind(serde_json::to_string(accounts)?)
    .execute(c)
    .await?;
    Ok(())
}
