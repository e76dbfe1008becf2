//! Random command sequences: whatever is done in whatever order, counters equal rows, nothing starts out of order, nothing is sent twice.

use std::collections::{BTreeMap, BTreeSet};

use rundruf::domain::delivery::{CatchUp, Gate};
use rundruf::domain::words::Kind;
use rundruf::ids::{IncidentId, LaneId, NoticeSeq};
use rundruf::store::*;

use super::fixture::*;

/// What a run knows beside the store.
#[derive(Default)]
struct Books {
    numbers: [u32; 2],
    out: Vec<Job>,
    epochs: BTreeMap<LaneId, i64>,
    /// Newest notice started per lane, incident and recipient.
    newest: BTreeMap<(LaneId, IncidentId, String), NoticeSeq>,
    /// Delivered, so never to start again.
    done: BTreeSet<rundruf::ids::DeliveryId>,
}

pub async fn counters_equal_the_rows_after_any_commands<S: Store>(store: &S) {
    for seed in 0..3 {
        let mut rng = fastrand::Rng::with_seed(seed);
        run(store, &mut rng, &format!("s{seed}-")).await;
        assert_eq!(store.recount().await.unwrap(), [], "seed {seed}");
    }
}

async fn run<S: Store>(store: &S, rng: &mut fastrand::Rng, prefix: &str) {
    let names = [format!("{prefix}acct"), format!("{prefix}list")];
    let ids = lanes(store, &[&names[0], &names[1]]).await;
    let addresses: Vec<String> = (0..30).map(|n| format!("+49{n}")).collect();
    let everybody: Vec<(&str, &[&str])> = addresses
        .iter()
        .enumerate()
        .map(|(n, a)| (a.as_str(), if n % 3 == 0 { &["werl"][..] } else { &[][..] }))
        .collect();
    people(store, ids[1], &everybody).await;
    let mut books = Books::default();
    books.epochs.extend(ids.iter().map(|id| (*id, 1)));
    let mut now = T0;
    for _ in 0..150 {
        now += rng.i64(0..20_000);
        match rng.u32(0..20) {
            0..4 => publish_something(store, rng, prefix, &ids, &mut books, now).await,
            4..10 => claim_something(store, rng, &ids, &mut books, now).await,
            10..16 => complete_something(store, rng, &mut books, now).await,
            16 => {
                let n = rng.usize(0..=books.out.len());
                let back: Vec<Job> = books.out.drain(..n).collect();
                let back: Vec<_> = back.iter().map(|j| (j.delivery, j.attempt)).collect();
                store.give_back(&back, now).await.unwrap();
                // They count as never started.
                books.newest.clear();
            }
            17 => toggle(store, ids[rng.usize(0..2)], &mut books, now).await,
            18 => {
                let takeovers: Vec<Takeover> = ids
                    .iter()
                    .map(|lane| Takeover {
                        lane: *lane,
                        handles_from_ms: i64::MIN,
                        handle_for_ms: rng.bool().then_some(3_600_000),
                        repeat: false,
                        drop: false,
                    })
                    .collect();
                books.out.clear();
                store.take_over(&takeovers, now).await.unwrap();
            }
            _ => {
                store.expire(now).await.unwrap();
            }
        }
    }
}

async fn publish_something<S: Store>(
    store: &S,
    rng: &mut fastrand::Rng,
    prefix: &str,
    ids: &[LaneId],
    books: &mut Books,
    now: i64,
) {
    let which = rng.usize(0..2);
    books.numbers[which] += 1;
    let number = books.numbers[which];
    let mut n = notice(&format!("{prefix}i{which}"), number);
    n.urgent = rng.u32(0..5) == 0;
    if rng.bool() {
        n.scope = places(&["werl"]);
    }
    if number > 1 {
        let earlier = rng.u32(1..number);
        match rng.u32(0..6) {
            0 => n.replaces = vec![earlier],
            1 => (n.kind, n.corrects) = (Kind::Correction, vec![earlier]),
            2 => (n.kind, n.corrects) = (Kind::Retraction, vec![earlier]),
            _ => {}
        }
    }
    let catch_up = *rng.choice(&[CatchUp::Every, CatchUp::Latest, CatchUp::Digest]).unwrap();
    let expires_at_ms = rng.bool().then_some(now + 600_000);
    let shape = |b: NewBroadcast| NewBroadcast {
        catch_up,
        expires_at_ms,
        ..b
    };
    publish(store, n, vec![shape(to(ids[0])), shape(to_all(ids[1]))], now).await;
}

async fn claim_something<S: Store>(store: &S, rng: &mut fastrand::Rng, ids: &[LaneId], books: &mut Books, now: i64) {
    let lane = ids[rng.usize(0..2)];
    let mut r = request(lane, now);
    r.epoch = books.epochs[&lane];
    r.limit = rng.u32(1..20);
    r.probe = rng.u32(0..6) == 0;
    let claimed = store.claim(&r).await.unwrap();
    assert!(claimed.jobs.len() <= r.limit as usize);
    for job in claimed.jobs {
        assert!(!books.done.contains(&job.delivery), "delivered once already");
        let key = (lane, job.incident, job.address.clone());
        if let Some(newest) = books.newest.get(&key) {
            assert!(*newest <= job.notice, "an older notice started after a newer one");
        }
        books.newest.insert(key, job.notice);
        books.out.push(job);
    }
}

async fn complete_something<S: Store>(store: &S, rng: &mut fastrand::Rng, books: &mut Books, now: i64) {
    let n = rng.usize(0..=books.out.len());
    let mut completions = Vec::new();
    for job in books.out.drain(..n) {
        let id = remote(&format!("r{}", job.delivery));
        let settled = match rng.u32(0..10) {
            0..4 => Settled::Delivered(id),
            4 => Settled::Accepted(id),
            5 => Settled::Unknown,
            6 => Settled::Permanent,
            7 => Settled::Gone,
            _ => Settled::Waiting {
                due_ms: now + rng.i64(0..60_000),
                spent: rng.bool(),
                after_unknown: rng.u32(0..4) == 0,
            },
        };
        if matches!(settled, Settled::Delivered(_)) {
            books.done.insert(job.delivery);
        }
        completions.push(completion(&job, now, settled));
    }
    store.complete(&completions).await.unwrap();
}

async fn toggle<S: Store>(store: &S, lane: LaneId, books: &mut Books, now: i64) {
    let rows = store.lane_rows().await.unwrap();
    let row = rows.iter().find(|r| r.id == lane).unwrap();
    let change = GateChange {
        lane,
        gate: if row.gate == Gate::Held { Gate::Open } else { Gate::Held },
        expected_epoch: Some(row.epoch),
        reason: None,
    };
    let row = store.set_gate(&change, &act("gate", now)).await.unwrap();
    books.epochs.insert(lane, row.epoch);
}
