//! One notice to 10,000 webhook addresses of an audience file, from its publication to the last outcome on the disk, beside queues that
//! were filled before, and beside raw loops that remember nothing.

use bytes::Bytes;

use super::graphile::{self, Set};
use super::product::Product;
use super::redis::Fsync;
use super::{CONNECTIONS, bullmq, raw};
use crate::kit::sink::Sink;
use crate::kit::table::Table;
use crate::kit::{machine, rivals};

const MESSAGES: u64 = 10_000;

/// Bars of issue 4.
const BY_GRAPHILE: f64 = 15.0;
const BY_TUNED: f64 = 3.0;
const BY_BULLMQ: f64 = 3.0;
const BY_RAW_LOOP: f64 = 0.5;

/// Messages a second in one round; of others `None` where they are not installed.
struct Round {
    ours: f64,
    raw_loop: f64,
    raw_hyper: f64,
    graphile: Option<f64>,
    tuned: Option<f64>,
    always: Option<f64>,
    every_second: Option<f64>,
}

/// All in turn, three times; the middle ratio counts.
pub async fn three_rounds(table: &mut Table) {
    println!("{MESSAGES} messages to one receiver on {CONNECTIONS} connections");
    let sink = Sink::start();
    let mut rounds = Vec::new();
    for _ in 0..3 {
        rounds.push(round(&sink).await);
    }
    let by = |theirs: fn(&Round) -> Option<f64>| {
        let ratios = rounds.iter().map(|round| Some(round.ours / theirs(round)?));
        ratios.collect::<Option<Vec<f64>>>().unwrap_or_default()
    };
    table.share(
        "deliveries by graphile-worker as it comes",
        by(|r| r.graphile),
        BY_GRAPHILE,
    );
    table.share("deliveries by graphile-worker, tuned", by(|r| r.tuned), BY_TUNED);
    table.share("deliveries by BullMQ, appendfsync always", by(|r| r.always), BY_BULLMQ);
    table.share(
        "deliveries by BullMQ, appendfsync everysec",
        by(|r| r.every_second),
        BY_BULLMQ,
    );
    table.share("deliveries by a raw loop", by(|r| Some(r.raw_loop)), BY_RAW_LOOP);
    table.reported("deliveries by raw hyper, unsigned", by(|r| Some(r.raw_hyper)));
}

async fn round(sink: &Sink) -> Round {
    println!("  {}", machine::minute());
    let say = |who: &str, speed: Option<f64>| match speed {
        Some(speed) => println!("    {who}: {speed:.0}/s"),
        None => rivals::skipped(who),
    };
    let (ours, body) = product(sink).await;
    say("rundruf", Some(ours));
    let raw_loop = raw::signed(sink, MESSAGES, &body).await;
    say("a raw loop of the same client and signed request", Some(raw_loop));
    let raw_hyper = raw::hyper(sink, MESSAGES, &body).await;
    say("raw hyper, unsigned", Some(raw_hyper));
    let graphile = graphile::drain(sink, MESSAGES, Set::AsItComes).await;
    say("graphile-worker as it comes", graphile);
    let tuned = graphile::drain(sink, MESSAGES, Set::Tuned).await;
    say("graphile-worker, tuned", tuned);
    let always = bullmq::drain(sink, MESSAGES, Fsync::Always).await;
    say("BullMQ, appendfsync always", always);
    let every_second = bullmq::drain(sink, MESSAGES, Fsync::EverySecond).await;
    say("BullMQ, appendfsync everysec", every_second);
    Round {
        ours,
        raw_loop,
        raw_hyper,
        graphile,
        tuned,
        always,
        every_second,
    }
}

/// Messages a second, and the body of each.
async fn product(sink: &Sink) -> (f64, Bytes) {
    let mut product = Product::with_addresses(sink, MESSAGES).await;
    sink.forget();
    let (begin, notice) = product.publish().await;
    product.drained().await;
    let took = begin.elapsed();
    let (delivered, body) = product.delivered(notice).await;
    assert_eq!(
        (delivered, sink.count()),
        (MESSAGES, MESSAGES),
        "by the store, by the receiver"
    );
    product.stop().await;
    (MESSAGES as f64 / took.as_secs_f64(), body)
}
