//! Claims that arrive together (LANES 3 and 4). After a publication all lanes ask at once; what they read and write they read and write
//! together, because each statement is a way to SQLite's thread and back, and the last lane waits for all of them. What a lane may start is
//! the word of `claim.rs`.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde::Deserialize;
use sqlx::SqliteConnection;

use super::alive::{OfLanes, alive};
use super::broadcasts::SHAPE_LEVELS;
use super::claim::{Claim, LaneState};
use super::failover::{Homes, homes};
use super::look::{Look, looks};
use super::rows::settle_lanes;
use super::starts::Writes;
use super::texts::{Texts, frozen};
use super::thread::threads;
use super::{
    ClaimRequest, Claimed, Missing, StoreError, Thread, alive, due, failover, gate, look, reopen, texts, thread,
};
use crate::clock::Ms;
use crate::domain::delivery::Gate;

/// Looks at so many rows of an audience are taken together; all read as many as the widest of them. An account has one row.
const LOOK: usize = 64;

/// By lane.
type States = HashMap<i64, LaneState>;
type AllHomes = HashMap<i64, Homes>;

/// What is read for the broadcast that a claim begins with.
#[derive(Default)]
pub(super) struct Ahead {
    pub(super) broadcast: i64,
    /// Its due rows.
    pub(super) due: Option<Vec<look::Read>>,
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
    let (states, mut homes, mut alive) = states(c, requests).await?;
    let mut claims = Vec::with_capacity(requests.len());
    for (place, r) in requests.iter().enumerate() {
        let lane = states
            .get(&r.lane.0)
            .ok_or(StoreError::NotFound(Missing::Lane(r.lane.0)))?;
        answers[place].epoch = lane.epoch;
        if !lane.shut && lane.epoch == r.epoch {
            let homes: Homes = homes.remove(&r.lane.0).unwrap_or_default();
            // Of several claims of one lane only the first keeps what was read here: the others are opened again behind it.
            let alive = alive.remove(&r.lane.0).unwrap_or_default();
            claims.push((place, Claim::new(r, lane.clone(), homes, alive)));
        }
    }
    Ok(claims)
}

/// Claims of lanes that touch no row of each other.
async fn run(c: &mut SqliteConnection, claims: &mut [(usize, Claim<'_>)]) -> Result<(), StoreError> {
    if claims.is_empty() {
        return Ok(());
    }
    let homes: Vec<(i64, Ms)> = claims.iter().flat_map(|(_, claim)| claim.homes()).collect();
    let mut alive = alive::of_lanes(c, &homes).await?;
    for (_, claim) in claims.iter_mut() {
        claim.meets(&mut alive);
        claim.climbs(c).await?;
    }
    let mut ahead = look_ahead(c, claims).await?;
    let mut writes = Writes::default();
    let (mut settle, mut needless) = (BTreeSet::new(), Vec::new());
    let mut accounts: HashMap<String, i64> = HashMap::new();
    for (place, claim) in claims.iter_mut() {
        claim.paces(accounts.get(claim.account()).copied());
        claim
            .run(c, ahead.remove(place).unwrap_or_default(), &mut writes)
            .await?;
        settle.extend(claim.settle());
        needless.push(claim.needless());
        accounts.extend(claim.reserved());
    }
    writes.flush(c).await?;
    for ((_, claim), (times, ended)) in claims.iter_mut().zip(needless) {
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
    let accounts = firsts.iter().filter(|(.., first)| first.is_account());
    let threads: Vec<(i64, i64)> = accounts
        .map(|(_, claim, first)| (claim.lane(), first.incident))
        .collect();
    let broadcasts: Vec<i64> = firsts.iter().map(|(.., first)| first.id).collect();
    if broadcasts.is_empty() {
        return Ok(HashMap::new());
    }
    let (due, texts, threads): (String, String, String) = sqlx::query_as(concat!(
        "SELECT ",
        looks!("?1", "?2"),
        ", ",
        frozen!("?3"),
        ", ",
        threads!("?4")
    ))
    .bind(serde_json::to_string(&looks)?)
    .bind(i64::try_from(limit.unwrap_or(1)).unwrap_or(i64::MAX))
    .bind(serde_json::to_string(&broadcasts)?)
    .bind(serde_json::to_string(&threads)?)
    .fetch_one(c)
    .await?;
    let due = look::read(&due, &looks)?;
    let mut due: HashMap<usize, Vec<look::Read>> = places.into_iter().zip(due).collect();
    let (texts, threads) = (texts::read(&texts)?, thread::read(&threads)?);
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

/// A lane as it is read.
#[derive(Deserialize)]
struct State {
    id: i64,
    epoch: i64,
    gate: i64,
    configured: i64,
    ramp: Option<String>,
    account: String,
    tat_us: Option<i64>,
}

/// What the rows of the asking lanes say, for whom else they send, and what is alive on them.
async fn states(
    c: &mut SqliteConnection,
    requests: &[&ClaimRequest],
) -> Result<(States, AllHomes, OfLanes), StoreError> {
    let lanes: Vec<i64> = requests.iter().map(|r| r.lane.0).collect();
    let mut since = BTreeMap::new();
    for r in requests {
        let known = since.entry(r.lane.0).or_insert(Ms::MAX);
        *known = r.refused_since().min(*known);
    }
    // Primary keys of lane, account_rate and meta.
    let (moved, rows, homes, alive): (bool, String, String, String) = sqlx::query_as(concat!(
        "SELECT (SELECT moved FROM meta WHERE one = 1), (SELECT json_group_array(json_array(id, epoch, gate, configured, ramp, kind || ' ' || account,
             (SELECT tat_us FROM account_rate a WHERE a.account = lane.kind || ' ' || lane.account)))
           FROM lane WHERE id IN (SELECT value FROM json_each(?1))), ",
        homes!("?1"),
        ", ",
        alive!("?2", "?3")
    ))
    .bind(serde_json::to_string(&lanes)?)
    .bind(serde_json::to_string(&Vec::from_iter(since))?)
    .bind(SHAPE_LEVELS)
    .fetch_one(c)
    .await?;
    let rows: Vec<State> = serde_json::from_str(&rows)?;
    let state = |row: State| {
        let state = LaneState {
            epoch: row.epoch,
            shut: row.gate == Gate::Held as i64 || moved || row.configured == 0,
            drains: row.gate == Gate::Draining as i64,
            ran: super::lanes::ran(row.ramp),
            account: row.account,
            tat_us: row.tat_us,
        };
        (row.id, state)
    };
    let states = rows.into_iter().map(state).collect();
    Ok((states, failover::read(&homes, requests)?, alive::read(&alive)?))
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
