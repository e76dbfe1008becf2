//! Durable deliveries beside other queues, which bring the same number of messages to the same receiver on as many connections:
//! `cargo bench --bench queues`, one part of it with `cargo bench --bench queues -- drain` or `latency`. `benches/setup` installs the
//! others; who is missing is named.
//!
//! As in the bench `lanes` only ratios of one run count, and a bar that does not hold ends nothing.

mod drain;
#[path = "../kit/mod.rs"]
#[allow(dead_code, reason = "each bench uses its part of it")]
mod kit;
mod latency;
mod node;
mod others;
mod postgres;
mod product;
mod raw;
mod redis;

use kit::parts::{self, Wanted};
use kit::table::Table;

/// Of every queue and of the raw loops.
const CONNECTIONS: u32 = 64;

fn main() {
    parts::run(all);
}

async fn all(wanted: Wanted) -> Table {
    let mut table = Table::default();
    if wanted.is("drain") {
        drain::three_rounds(&mut table).await;
    }
    if wanted.is("latency") {
        latency::three_rounds(&mut table).await;
    }
    table
}
