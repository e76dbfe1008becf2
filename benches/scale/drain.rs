//! The list is let go: urgent notices beside it, memory, a kill in the middle, the counters, and what the file grows by.

use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use rundruf::domain::delivery::Gate;
use rundruf::store::Board;
use sqlx::{Connection, SqliteConnection};

use super::command::MEMORY;
use super::others::lanes;
use super::serve::Serve;
use super::town::{Town, newest};
use crate::kit::machine::{self, Spread};
use crate::kit::table::Table;

const URGENT: usize = 100;
/// Beside the time of one request: the bar of issue 4.
const FIRST_BYTE: Duration = Duration::from_millis(50);
const PAUSE: Duration = Duration::from_millis(100);
const A_RECIPIENT: f64 = 120.0;

/// Urgent notices into the lane of a running bulk broadcast. Each takes the place of the one before it (`latest`).
pub async fn urgent_beside_bulk(town: &mut Town, table: &mut Table) {
    println!("urgent beside bulk, load {}", machine::load());
    let open = town.open().await;
    let running = lanes(&open).await;
    town.publish(&open, &["sms"], "bulk", "").await;
    town.gate(&open, Gate::Open).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    // In this order: what is urgent and older goes first, and one to all would take minutes.
    for (what, incident, more) in [
        (
            "to a place that few follow",
            "insel",
            "urgent = true\nscope = { places = [\"insel\"] }\n[place.insel]\nname = \"Insel\"\nstate = \"closed\"\n",
        ),
        ("to all", "alle", "urgent = true\n"),
    ] {
        let (mut took, mut request) = (Vec::new(), Vec::new());
        for _ in 0..URGENT {
            let begin = Instant::now();
            let notice = town.publish(&open, &["sms"], incident, more).await;
            took.push(town.gateway.until("sendsms", notice).await - begin);
            request.push(one_request(town).await);
            tokio::time::sleep(PAUSE).await;
        }
        let percentile = |mut all: Vec<Duration>| {
            all.sort();
            all[all.len() * 99 / 100]
        };
        let request = Spread::of(request);
        let p99 = percentile(took.clone());
        println!("  {what}: {}, p99 {p99:.1?}; one request {request}", Spread::of(took));
        table.at_most(
            format!("first byte of an urgent notice {what}, p99"),
            p99,
            FIRST_BYTE + request.p50,
            "50 ms + one request",
        );
    }
    town.gate(&open, Gate::Held).await;
    running.stop(Duration::from_secs(20)).await;
}

/// How long one request to the gateway takes beside the drain.
async fn one_request(town: &Town) -> Duration {
    let url = format!("http://127.0.0.1:{}/one", town.gateway.port)
        .parse()
        .expect("an address");
    let begin = Instant::now();
    rundruf::sandbox::get_status(&url).await.expect("an answer");
    begin.elapsed()
}

/// A notice to all of them to its last SMS.
pub async fn to_the_end(town: &mut Town, table: &mut Table) {
    println!("a drain to the end, load {}", machine::load());
    let open = town.open().await;
    // In the place of the one before (`latest`), and urgent, so that what is left of other parts waits behind it.
    town.publish(&open, &["sms"], "alle", "urgent = true\n").await;
    let before = checkpointed(town).await;
    town.gate(&open, Gate::Open).await;
    let begun_with = town.gateway.seen.answered.load(Relaxed);
    let sent = || town.gateway.seen.answered.load(Relaxed) - begun_with;
    let mut serve = Some(Serve::start(town));
    let (begin, mut killed, mut most) = (Instant::now(), false, 0.0_f64);
    let mut next_word = begin + Duration::from_secs(20);
    loop {
        tokio::time::sleep(Duration::from_millis(500)).await;
        if let Some(serve) = &serve {
            most = most.max(serve.memory());
        }
        if sent() > town.people / 4 && !killed {
            killed = true;
            if let Some(serve) = serve.take() {
                serve.kill().await;
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
            town.gateway.seen.forget();
            let again = Serve::start(town);
            let first = loop {
                if let Some(at) = town.gateway.seen.any() {
                    break at;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            };
            let took = first - again.begun;
            println!("  killed in the middle: first send {took:.2?} after the start");
            table.at_most(
                "first send after a kill in the middle of the drain",
                took,
                Duration::from_secs(10),
                "10 s",
            );
            serve = Some(again);
        }
        let rows = open.store.broadcasts(None).await.expect("rows");
        let c = &newest(&rows).counters;
        if c.expected > 0 && c.accepted + c.delivered + c.unknown >= town.people {
            println!(
                "  {} accepted, {} unknown since the kill, {:.0} a second",
                c.accepted,
                c.unknown,
                sent() as f64 / begin.elapsed().as_secs_f64()
            );
            break;
        }
        if Instant::now() > next_word {
            next_word += Duration::from_secs(20);
            println!(
                "  {} sent, RssAnon at most {most:.1} MB, load {}",
                sent(),
                machine::load()
            );
        }
    }
    println!("  RssAnon of serve, draining: at most {most:.1} MB");
    table.part("RssAnon of serve, draining, by 64 MB", vec![most / MEMORY], 1.0);
    if let Some(serve) = serve {
        serve.stop().await;
    }
    let after = checkpointed(town).await;
    let each = (after - before) as f64 / town.people as f64;
    println!("  {each:.1} bytes a recipient");
    table.part("bytes of a finished recipient, by 120", vec![each / A_RECIPIENT], 1.0);
    let begin = Instant::now();
    let wrong = open.store.recount().await.expect("recounted");
    println!(
        "  counters recounted in {:.1?}: {} are wrong",
        begin.elapsed(),
        wrong.len()
    );
    table.part(
        "broadcasts whose counters differ from their rows",
        vec![wrong.len() as f64],
        0.0,
    );
}

/// Bytes of the database once its log is in it.
pub async fn checkpointed(town: &Town) -> u64 {
    bytes_of(&town.data().join("rundruf.db")).await
}

/// The same of this file.
pub async fn bytes_of(file: &std::path::Path) -> u64 {
    let mut c = SqliteConnection::connect(&format!("sqlite:{}", file.display()))
        .await
        .expect("opened");
    let emptied = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut c).await;
    emptied.expect("a checkpoint");
    c.close().await.expect("closed");
    std::fs::metadata(file).expect("a file").len()
}
