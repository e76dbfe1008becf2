//! Eight channels beside one with 1.7 million waiting behind a gateway that hangs: as quick as without, or nearly so.

use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use rundruf::app::{Lanes, Open};
use rundruf::domain::delivery::Gate;
use rundruf::store::Board;
use rundruf::store::owner::Owner;

use super::town::{HOOKS, Town, newest};
use crate::kit::machine::{self, Spread};
use crate::kit::table::Table;

const PUBLICATIONS: usize = 60;
const WARM_UP: usize = 5;

/// Publishes to the eight, alone and behind.
pub async fn behind_one_that_hangs(town: &mut Town, table: &mut Table) {
    println!("eight channels, load {}", machine::load());
    let open = town.open().await;
    let lanes = lanes(&open).await;
    let idle = first_attempts(town, &open, "ruhe").await;
    println!("  idle: {idle}");
    town.gateway.seen.hangs.store(true, Relaxed);
    town.gate(&open, Gate::Open).await;
    town.publish(&open, &["sms"], "wasser", "").await;
    // In flight, as many as it sends at once.
    loop {
        let rows = open.store.broadcasts(None).await.expect("rows");
        if newest(&rows).counters.started > 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let behind = first_attempts(town, &open, "stau").await;
    println!("  behind {} that wait: {behind}", town.people);
    let rows = open.store.broadcasts(None).await.expect("rows");
    let c = &newest(&rows).counters;
    println!(
        "  of the list: {} opened, {} in flight, {} unknown",
        c.opened, c.started, c.unknown
    );
    // Nobody looks at what is over.
    town.close(&open).await;
    town.gate(&open, Gate::Held).await;
    town.gateway.seen.hangs.store(false, Relaxed);
    lanes.stop(Duration::from_secs(20)).await;
    table.at_most(
        "last first attempt on 8 channels behind a list that waits, p50",
        behind.p50,
        idle.p50 * 2,
        "2 × idle p50",
    );
    table.at_most("the same, p95", behind.p95, idle.p95 * 2, "2 × idle p95");
}

/// Starts the lanes in this process.
pub async fn lanes(open: &Open) -> Lanes {
    let owner = Owner::try_take(&open.office.settings.data)
        .expect("a lock")
        .expect("free");
    open.store.lengthen_log().await.expect("as serve does");
    Lanes::start(open, owner).await.expect("lanes")
}

/// From the beginning of a publication to the first byte at the last of the eight.
async fn first_attempts(town: &mut Town, open: &Open, incident: &str) -> Spread {
    let mut took = Vec::new();
    for n in 0..WARM_UP + PUBLICATIONS {
        let incident = format!("{incident}-{}", n / 12);
        let begin = Instant::now();
        let notice = town.publish(open, &HOOKS, &incident, "").await;
        let mut last = begin;
        for hook in HOOKS {
            last = last.max(town.gateway.until(hook, notice).await);
        }
        if n >= WARM_UP {
            took.push(last - begin);
        }
        // The next one meets them at rest.
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Spread::of(took)
}
