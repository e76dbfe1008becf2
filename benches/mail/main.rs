//! Mails and fan-out beside what others do in the same minute: `cargo bench --bench mail`, one part of it with
//! `cargo bench --bench mail -- mails` or `addresses`. `benches/setup` installs the others; who is missing is named.
//!
//! As in the bench `lanes` only ratios of one run count, and a bar that does not hold ends nothing.

mod addresses;
#[path = "../kit/mod.rs"]
#[allow(dead_code, reason = "each bench uses its part of it")]
mod kit;
mod mails;
mod nodemailer;
mod openssl;
mod postfix;
mod product;
mod smtp_sink;

use kit::parts::{self, Wanted};
use kit::table::Table;

fn main() {
    parts::run(all);
}

async fn all(wanted: Wanted) -> Table {
    let mut table = Table::default();
    if wanted.is("mails") {
        mails::three_rounds(&mut table).await;
    }
    if wanted.is("addresses") {
        addresses::three_rounds(&mut table).await;
    }
    table
}
