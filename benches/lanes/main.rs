//! Speed of the lanes as ratios to what the machine can do in the same minute: `cargo bench --bench lanes`, one part of it with
//! `cargo bench --bench lanes -- publish` or `others`.
//!
//! Figures of different runs cannot be compared, ratios of one run can: each part measures its yardstick between its own
//! measurements, says the machine's load, and the table at the end holds every figure against its bar. A bar that does not
//! hold ends nothing: on a busy machine the load beside it says why.

mod counterparts;
#[path = "../kit/mod.rs"]
#[allow(dead_code, reason = "each bench uses its part of it")]
mod kit;
mod others;
mod publish;
mod relay;
mod stage;

use kit::parts::{self, Wanted};
use kit::table::Table;

fn main() {
    parts::run(all);
}

async fn all(wanted: Wanted) -> Table {
    let mut table = Table::default();
    if wanted.is("publish") {
        publish::inside(&mut table).await;
        publish::by_command_line(&mut table).await;
    }
    if wanted.is("others") {
        others::one_fails(&mut table).await;
        others::the_link_target_fails(&mut table).await;
    }
    table
}
