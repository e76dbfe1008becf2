//! A service that is away for six hours while 100,000 wait (LANES 3): one probe at a time with growing gaps, in order; then everything arrives once, with
//! at most three answers of 429, and the other lanes notice nothing. Simulated time, the real state machine, a store and a service of its own.

mod checks;
pub mod desk;
mod plan;
mod run;
mod service;

use rundruf::clock::Ms;
use rundruf::lane_core::values::Rate;

use crate::each;
use plan::{COMMIT_MS, OUTAGE_MS, Plan, Sabotage, Sum};
use run::Run;
use service::{Away, Limit};

const WAITING: usize = 100_000;
const RATE: Rate = Rate {
    count: 20,
    per_ms: 1_000,
};
/// What the rate says, and a second's worth at once.
const LIMIT: Limit = Limit::Bucket {
    count: 20,
    per_ms: 1_000,
    burst: 20,
};
/// After this nobody waits any more, whatever the service takes.
const AT_MOST_MS: Ms = 40 * OUTAGE_MS;

const PLAN: Plan = Plan {
    seed: 1,
    away: Some(Away::Refuses),
    waiting: WAITING,
    handle: true,
    concurrency: 8,
    rate: Some(RATE),
    limit: LIMIT,
    takes_ms: 300,
    sabotage: Sabotage::None,
};

fn run(plan: Plan) -> Result<Sum, String> {
    Run::new(plan).run(AT_MOST_MS)
}

fn told(what: &str, plan: &Plan, sum: &Sum) {
    let handle = if plan.handle {
        "with a handle"
    } else {
        "without a handle"
    };
    println!(
        "{what}, {:?}, {handle}: {} probes, the last gap {} s; first success {:.1} s after the end, all {:.0} s; {} × 429, {} unknown",
        plan.away.unwrap(),
        sum.probes,
        sum.last_gap_ms / 1_000,
        sum.first_after_ms as f64 / 1_000.0,
        sum.all_after_ms as f64 / 1_000.0,
        sum.waits.len(),
        sum.unknown,
    );
}

/// At the rate that is configured there is no 429 at all, and the catch-up takes what the rate makes of it.
#[test]
fn six_hours_away_with_100_000_waiting() {
    let plans: Vec<Plan> = [Away::Refuses, Away::Trouble, Away::Hangs]
        .into_iter()
        .flat_map(|away| {
            [true, false].map(|handle| Plan {
                away: Some(away),
                handle,
                ..PLAN
            })
        })
        .collect();
    let done = each("outages", plans.len() as u64, |n| {
        let plan = plans[n as usize];
        let sum = run(plan)?;
        told("rate as configured", &plan, &sum);
        let least = WAITING as Ms * Ms::from(RATE.per_ms / RATE.count);
        if !sum.waits.is_empty() || sum.all_after_ms > sum.first_after_ms + least + least / 20 {
            return Err(format!(
                "{plan:?}: 429 after {:?} ms, all after {} ms",
                sum.waits, sum.all_after_ms
            ));
        }
        Ok(())
    });
    done.unwrap();
}

/// Without `rate` the lane learns from the first answers of 429 how much the service takes, and stays below.
#[test]
fn without_a_rate_the_lane_learns_it() {
    let bucket = |count, burst| Limit::Bucket {
        count,
        per_ms: 1_000,
        burst,
    };
    let limits = [
        ("20/s", LIMIT, 300),
        ("20/s, ten seconds at once", bucket(20, 200), 300),
        ("50/s", bucket(50, 50), 150),
        ("5/s", bucket(5, 5), 300),
        ("5/s, slow", bucket(5, 5), 2_000),
        ("2/s, one at a time", bucket(2, 1), 100),
        (
            "300 in 5 min",
            Limit::Window {
                count: 300,
                per_ms: 300_000,
            },
            300,
        ),
        ("none", Limit::None, 300),
    ];
    let done = each("limits", limits.len() as u64 * 2, |n| {
        let (what, limit, takes_ms) = limits[n as usize / 2];
        let plan = Plan {
            seed: n,
            handle: n % 2 == 0,
            rate: None,
            limit,
            takes_ms,
            ..PLAN
        };
        let sum = run(plan).map_err(|error| format!("{what}: {error}"))?;
        told(what, &plan, &sum);
        Ok(())
    });
    done.unwrap();
}

/// Every message of seven other lanes is there as soon as without the outage: later by two commits at most, where both wanted the writer.
fn the_others(plan: Plan) -> Result<(), String> {
    let sum = run(plan)?;
    let until = OUTAGE_MS + sum.all_after_ms;
    let alone = Run::new(Plan { away: None, ..plan }).run(until)?;
    let (mut with, mut without) = (sum.others, alone.others);
    with.sort_unstable();
    without.sort_unstable();
    if without.len() < 10_000 || with.len() + 100 < without.len() {
        return Err(format!(
            "{} messages beside the outage, {} without",
            with.len(),
            without.len()
        ));
    }
    let (mut most, mut later) = (0, 0);
    for (lane, id, ms) in &with {
        let before = without.binary_search_by_key(&(*lane, *id), |(lane, id, _)| (*lane, *id));
        let Ok(at) = before else { continue };
        let by = ms - without[at].2;
        most = most.max(by);
        later += i64::from(by > 0);
    }
    if most > 2 * COMMIT_MS * 3 {
        return Err(format!("lanes beside the outage are up to {most} ms later"));
    }
    println!(
        "{} messages of other lanes: {later} later, by {most} ms at most",
        with.len()
    );
    Ok(())
}

#[test]
fn seven_other_lanes_notice_nothing() {
    for away in [Away::Refuses, Away::Hangs] {
        the_others(Plan {
            away: Some(away),
            ..PLAN
        })
        .unwrap();
    }
}

/// A check that cannot fail checks nothing.
#[test]
fn every_broken_rule_of_an_outage_is_found() {
    let small = Plan { waiting: 5_000, ..PLAN };
    let untaught = Plan { rate: None, ..small };
    let cases = [
        (Sabotage::Two, small, "at the same time"),
        (Sabotage::Restless, small, "ms after the one before"),
        (Sabotage::Clamp, untaught, "told to wait"),
        (Sabotage::Costs, untaught, "lost an attempt"),
        (Sabotage::Deaf, untaught, "answers of 429"),
        (Sabotage::Behind, small, "lanes beside the outage"),
    ];
    for (sabotage, plan, sign) in cases {
        let plan = Plan { sabotage, ..plan };
        let found = if sabotage == Sabotage::Behind {
            the_others(plan)
        } else {
            run(plan).map(drop)
        };
        let error = found.expect_err(sign);
        assert!(error.contains(sign), "{sabotage:?}: {error}");
        println!("{sabotage:?}: {error}");
    }
}
