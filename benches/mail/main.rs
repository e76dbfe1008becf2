//! Mails and fan-out beside what others do in the same minute: `cargo bench --bench mail`, one part of it with
//! `cargo bench --bench mail -- mails` or `addresses`. `benches/mail/setup` installs the others; who is missing is named.
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
mod rivals;
mod smtp_sink;

use kit::table::Table;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // `cargo test --benches` and `cargo bench -- --list` must not start minutes of work.
    if arguments.iter().any(|a| a == "--list" || a == "--test") {
        return;
    }
    let wanted = arguments.into_iter().find(|a| !a.starts_with('-')).unwrap_or_default();
    // As `rundruf` itself runs, and on its workers.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let table = runtime.block_on(runtime.spawn(parts(wanted))).expect("every part ends");
    println!("\n{table}");
}

async fn parts(wanted: String) -> Table {
    let mut table = Table::default();
    if "mails".contains(&wanted) {
        mails::three_rounds(&mut table).await;
    }
    if "addresses".contains(&wanted) {
        addresses::three_rounds(&mut table).await;
    }
    table
}
