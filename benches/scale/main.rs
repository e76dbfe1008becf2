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

use kit::parts::{self, Wanted};
use kit::table::Table;
use town::Town;

fn main() {
    parts::run(measure);
}

async fn measure(wanted: Wanted) -> Table {
    let mut table = Table::default();
    let mut town = Town::new().await;
    println!("{} recipients", town.people);
    serve::taken_over(&mut town).await;
    if wanted.is("others") {
        others::behind_one_that_hangs(&mut town, &mut table).await;
    }
    if wanted.is("command") {
        command::while_all_wait(&mut town, &mut table).await;
    }
    if wanted.is("drain") {
        drain::urgent_beside_bulk(&mut town, &mut table).await;
        drain::to_the_end(&mut town, &mut table).await;
    }
    if wanted.is("bytes") {
        bytes::with_id_and_receipt(&mut table).await;
    }
    table
}
