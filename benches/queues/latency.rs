//! From the beginning of a publication to the last first attempt on eight channels, whole at the receiver, while nothing else is to be
//! sent. Theirs is published by another process than the one that sends, as is usual with them; ours by the serving process.

use std::time::Duration;

use super::graphile::{self, Set};
use super::node::Queue;
use super::postgres::Postgres;
use super::product::Product;
use super::redis::{Fsync, Redis};
use super::{CONNECTIONS, bullmq};
use crate::kit::machine::Spread;
use crate::kit::sink::Sink;
use crate::kit::table::Table;
use crate::kit::{machine, rivals};

const CHANNELS: u64 = 8;
const PUBLICATIONS: usize = 30;
/// Not counted: connections are made, code is compiled.
const WARM_UP: usize = 5;
/// Between two publications, so that what follows the first attempts is over.
const PAUSE: Duration = Duration::from_millis(50);

/// One round; of others `None` where they are not installed.
struct Round {
    ours: Spread,
    graphile: Option<Spread>,
    tuned: Option<Spread>,
    always: Option<Spread>,
    every_second: Option<Spread>,
}

/// All in turn, three times; the middle ratio is reported.
pub async fn three_rounds(table: &mut Table) {
    println!("{PUBLICATIONS} publications on {CHANNELS} channels, each queue with {CONNECTIONS} connections");
    let sink = Sink::start();
    let mut rounds = Vec::new();
    for _ in 0..3 {
        rounds.push(round(&sink).await);
    }
    let mut report = |who: &str, theirs: fn(&Round) -> Option<Spread>| {
        let parts: [(&str, fn(&Spread) -> f64); 2] = [("p50", p50), ("p95", p95)];
        for (name, of) in parts {
            let ratios = rounds.iter().map(|round| Some(of(&round.ours) / of(&theirs(round)?)));
            let ratios: Option<Vec<f64>> = ratios.collect();
            table.reported(
                format!("publish to last of 8 by {who}, {name}"),
                ratios.unwrap_or_default(),
            );
        }
    };
    report("graphile-worker", |r| r.graphile);
    report("graphile-worker, tuned", |r| r.tuned);
    report("BullMQ, always", |r| r.always);
    report("BullMQ, everysec", |r| r.every_second);
}

fn p50(spread: &Spread) -> f64 {
    spread.p50.as_secs_f64()
}

fn p95(spread: &Spread) -> f64 {
    spread.p95.as_secs_f64()
}

async fn round(sink: &Sink) -> Round {
    println!("  {}", machine::minute());
    let say = |who: &str, took: &Option<Spread>| match took {
        Some(took) => println!("    {who}: {took}"),
        None => rivals::skipped(who),
    };
    let ours = product(sink).await;
    say("rundruf", &Some(ours));
    let graphile = on_postgres(sink, Set::AsItComes).await;
    say("graphile-worker as it comes", &graphile);
    let tuned = on_postgres(sink, Set::Tuned).await;
    say("graphile-worker, tuned", &tuned);
    let always = on_redis(sink, Fsync::Always).await;
    say("BullMQ, appendfsync always", &always);
    let every_second = on_redis(sink, Fsync::EverySecond).await;
    say("BullMQ, appendfsync everysec", &every_second);
    Round {
        ours,
        graphile,
        tuned,
        always,
        every_second,
    }
}

async fn product(sink: &Sink) -> Spread {
    let mut product = Product::with_channels(sink, CHANNELS).await;
    let mut took = Vec::new();
    for _ in 0..WARM_UP + PUBLICATIONS {
        sink.forget();
        let (begin, _) = product.publish().await;
        sink.reaches(CHANNELS).await;
        took.push(sink.last().expect("some came") - begin);
        product.drained().await;
        tokio::time::sleep(PAUSE).await;
    }
    product.stop().await;
    Spread::of(took.split_off(WARM_UP))
}

async fn on_postgres(sink: &Sink, set: Set) -> Option<Spread> {
    let store = Postgres::start().await?;
    let took = publications(&graphile::queue(sink, &store, set)).await;
    store.stop().await;
    took
}

async fn on_redis(sink: &Sink, sync: Fsync) -> Option<Spread> {
    let store = Redis::start(sync).await?;
    let took = publications(&bullmq::queue(sink, &store)).await;
    store.stop().await;
    took
}

async fn publications(queue: &Queue<'_>) -> Option<Spread> {
    let mut publisher = queue.publisher(CHANNELS).await?;
    let mut took = Vec::new();
    for _ in 0..WARM_UP + PUBLICATIONS {
        took.push(publisher.publish().await);
        tokio::time::sleep(PAUSE).await;
    }
    publisher.stop().await;
    Some(Spread::of(took.split_off(WARM_UP)))
}
