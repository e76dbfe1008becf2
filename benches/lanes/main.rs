//! Speed of the lanes as ratios to what the machine can do in the same minute: `cargo bench --bench lanes`, one part of it with
//! `cargo bench --bench lanes -- publish`, `others` or `drain`.
//!
//! Figures of different runs cannot be compared, ratios of one run can: each part measures its yardstick between its own
//! measurements, says the machine's load, and the table at the end holds every figure against its bar. A bar that does not
//! hold ends nothing: on a busy machine the load beside it says why.

mod counterparts;
mod drain;
#[path = "../kit/mod.rs"]
#[allow(dead_code, reason = "each bench uses its part of it")]
mod kit;
mod others;
mod publish;
mod relay;
mod stage;

use kit::table::Table;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // `cargo test --benches` and `cargo bench -- --list` must not start minutes of work.
    if arguments.iter().any(|a| a == "--list" || a == "--test") {
        return;
    }
    let wanted = arguments.into_iter().find(|a| !a.starts_with('-')).unwrap_or_default();
    // As `rundruf` itself runs, and on its workers: what is measured shares nothing with the thread that starts it.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let table = runtime.block_on(runtime.spawn(parts(wanted))).expect("every part ends");
    println!("\n{table}");
}

async fn parts(wanted: String) -> Table {
    let mut table = Table::default();
    if "publish".contains(&wanted) {
        publish::inside(&mut table).await;
        publish::by_command_line(&mut table).await;
    }
    if "others".contains(&wanted) {
        others::one_fails(&mut table).await;
        others::the_link_target_fails(&mut table).await;
    }
    if "drain".contains(&wanted) {
        drain::three_times(&mut table).await;
    }
    table
}
