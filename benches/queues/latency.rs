//! From the beginning of a publication to the last first attempt on eight channels, whole at the receiver, while nothing else is to be
//! sent. Theirs is published by another process than the one that sends, as is usual with them; ours by the serving process.

use std::time::Duration;

use super::CONNECTIONS;
use super::node::Publisher;
use super::others::Other;
use super::product::Product;
use crate::kit::machine::Spread;
use crate::kit::sink::Sink;
use crate::kit::table::Table;
use crate::kit::{machine, rivals};

const CHANNELS: u64 = 8;
const PUBLICATIONS: usize = 40;
/// Not counted: connections are made, code is compiled.
const WARM_UP: usize = 5;
/// After a publication, so that what follows the first attempts is over.
const PAUSE: Duration = Duration::from_millis(30);

/// All publish in turn, one notice each, for three rounds; the middle ratio is reported.
pub async fn three_rounds(table: &mut Table) {
    println!("publications on {CHANNELS} channels, each queue with {CONNECTIONS} connections");
    let sink = Sink::start();
    let mut product = Product::with_channels(&sink, CHANNELS).await;
    let mut others = Vec::new();
    for other in Other::ALL {
        let publisher = match other.start(&sink).await {
            Some(queue) => queue.publisher(CHANNELS).await,
            None => None,
        };
        match publisher {
            Some(publisher) => others.push((other, publisher)),
            None => rivals::skipped(other.name()),
        }
    }
    one_each(&sink, &mut product, &mut others, WARM_UP).await;
    let mut rounds = Vec::new();
    for _ in 0..3 {
        println!("  {}", machine::minute());
        let (ours, theirs) = one_each(&sink, &mut product, &mut others, PUBLICATIONS).await;
        println!("    rundruf: {ours}");
        for ((other, _), took) in others.iter().zip(&theirs) {
            println!("    {}: {took}", other.name());
        }
        rounds.push((ours, theirs));
    }
    for (n, (other, _)) in others.iter().enumerate() {
        let by = |of: fn(&Spread) -> Duration| {
            let ratio = |(ours, theirs): &(Spread, Vec<Spread>)| of(ours).as_secs_f64() / of(&theirs[n]).as_secs_f64();
            rounds.iter().map(ratio).collect()
        };
        let what = format!("publish to last of {CHANNELS} by {}", other.name());
        table.reported(format!("{what}, p50"), by(|spread| spread.p50));
        table.reported(format!("{what}, p95"), by(|spread| spread.p95));
    }
    product.stop().await;
    for (_, publisher) in others {
        publisher.stop().await;
    }
}

/// So many publications of each, one after the other.
async fn one_each(
    sink: &Sink,
    product: &mut Product,
    others: &mut [(Other, Publisher<'_>)],
    times: usize,
) -> (Spread, Vec<Spread>) {
    let (mut ours, mut theirs) = (Vec::new(), vec![Vec::new(); others.len()]);
    for _ in 0..times {
        sink.forget();
        let (begin, _) = product.publish().await;
        sink.reaches(CHANNELS).await;
        ours.push(sink.last().expect("some came") - begin);
        product.drained().await;
        tokio::time::sleep(PAUSE).await;
        for ((_, publisher), took) in others.iter_mut().zip(&mut theirs) {
            took.push(publisher.publish().await);
            tokio::time::sleep(PAUSE).await;
        }
    }
    (Spread::of(ours), theirs.into_iter().map(Spread::of).collect())
}
