//! A city's inhabitants in one lane: `cargo bench --bench scale`, one part of it with `cargo bench --bench scale -- command`, `others`, `drain` or
//! `bytes`. `RUNDRUF_SCALE=200000` takes as many recipients instead of 1.7 million.
//!
//! All parts work on one installation, in this order: its list is taken over, eight other channels are measured without and with 1.7 million
//! waiting behind a gateway that hangs, then the commands while all that waits, then a drain. Every figure stands beside its bar in the table at the
//! end. A bar that does not hold ends nothing: on a busy machine the load beside it says why.

mod bytes;
mod command;
mod drain;
mod gateway;
#[path = "../kit/mod.rs"]
#[allow(dead_code, reason = "each bench uses its part of it")]
mod kit;
mod others;
mod serve;
mod town;

use kit::machine::{self, Syncs};
use kit::table::Table;
use town::Town;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // `cargo test --benches` and `cargo bench -- --list` must not start minutes of work.
    if arguments.iter().any(|a| a == "--list" || a == "--test") {
        return;
    }
    let wanted = arguments.into_iter().find(|a| !a.starts_with('-')).unwrap_or_default();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let table = runtime.block_on(runtime.spawn(parts(wanted))).expect("every part ends");
    println!("\n{table}");
}

async fn parts(wanted: String) -> Table {
    let mut table = Table::default();
    let mut town = Town::new().await;
    let mut syncs = Syncs::beside(town.path());
    syncs.sample();
    println!(
        "{} recipients, load {}, fdatasync p50 {:.2?}",
        town.people,
        machine::load(),
        syncs.p50()
    );
    serve::taken_over(&mut town).await;
    if "others".contains(&wanted) {
        others::behind_one_that_hangs(&mut town, &mut table).await;
    }
    if "command".contains(&wanted) {
        command::while_all_wait(&mut town, &mut table).await;
    }
    if "drain".contains(&wanted) {
        drain::urgent_beside_bulk(&mut town, &mut table).await;
        drain::to_the_end(&mut town, &mut table).await;
    }
    if "bytes".contains(&wanted) {
        bytes::with_id_and_receipt(&mut table).await;
    }
    syncs.sample();
    println!(
        "at the end: load {}, fdatasync p50 {:.2?}",
        machine::load(),
        syncs.p50()
    );
    table
}
