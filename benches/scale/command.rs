//! Commands beside a `serve` while 1.7 million wait: publishing, `status`, memory, starting again.

use std::time::{Duration, Instant};

use super::others::lanes;
use super::serve::{Serve, timed};
use super::town::Town;
use crate::kit::machine::{self, Spread};
use crate::kit::table::Table;

const TIMES: usize = 40;
const RESTARTS: usize = 3;
const PUBLISH: Duration = Duration::from_millis(50);
const STATUS: Duration = Duration::from_millis(100);
/// RssAnon, MB.
pub const MEMORY: f64 = 64.0;

/// Measures them all.
pub async fn while_all_wait(town: &mut Town, table: &mut Table) {
    println!("commands while all wait, load {}", machine::load());
    let open = town.open().await;
    let running = lanes(&open).await;
    let mut inside = Vec::new();
    for n in 0..TIMES {
        let begin = Instant::now();
        town.publish(&open, &["sms"], &format!("innen-{}", n / 12), "").await;
        inside.push(begin.elapsed());
    }
    town.close(&open).await;
    running.stop(Duration::from_secs(5)).await;
    let inside = Spread::of(inside);
    drop(open);
    println!("  publish inside serve: {inside}");
    table.at_most("publish to the list inside serve, p50", inside.p50, PUBLISH, "50 ms");

    let mut serve = Serve::start(town);
    serve.runs().await;
    let mut published = Vec::new();
    for n in 0..TIMES {
        let (_, text) = town.next(&format!("befehl-{}", n / 12), "");
        let file = town.path().join("meldung.toml");
        std::fs::write(&file, text).expect("written");
        let args = ["publish", "meldung.toml", "--channel", "sms", "--yes"];
        published.push(timed(town, &args).await);
    }
    let published = Spread::of(published);
    println!("  rundruf publish: {published}");
    table.at_most("rundruf publish to the list, p50", published.p50, PUBLISH, "50 ms");

    let mut status = Vec::new();
    for _ in 0..TIMES {
        status.push(timed(town, &["status"]).await);
    }
    let status = Spread::of(status);
    println!("  rundruf status: {status}");
    table.at_most("rundruf status, p95", status.p95, STATUS, "100 ms");
    let mut nothing = Vec::new();
    for _ in 0..TIMES {
        nothing.push(timed(town, &["--version"]).await);
    }
    println!("  the program, doing nothing (--version): {}", Spread::of(nothing));

    tokio::time::sleep(Duration::from_secs(3)).await;
    let memory = serve.memory();
    println!("  RssAnon of serve, idle: {memory:.1} MB");
    table.part("RssAnon of serve, idle, by 64 MB", vec![memory / MEMORY], 1.0);
    serve.stop().await;
    let mut starts = Vec::new();
    for _ in 0..RESTARTS {
        let mut serve = Serve::start(town);
        let ready = serve.ready(town).await;
        let runs = serve.runs().await;
        starts.push(runs);
        println!("  started again: ready after {ready:.2?}, lanes after {runs:.2?}");
        serve.stop().await;
    }
    table.at_most(
        "serve starts again until its lanes run",
        Spread::of(starts).max,
        Duration::from_secs(10),
        "10 s",
    );
}
