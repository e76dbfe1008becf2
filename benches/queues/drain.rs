//! One notice to 10,000 webhook addresses of an audience file, from its publication to the last outcome on the disk, beside queues that
//! were filled before, and beside raw loops that remember nothing.

use bytes::Bytes;

use super::others::Other;
use super::product::Product;
use super::{CONNECTIONS, raw};
use crate::kit::sink::Sink;
use crate::kit::table::Table;
use crate::kit::{machine, rivals};

const MESSAGES: u64 = 10_000;

/// Whoever brings out the same.
#[derive(Debug, Clone, Copy)]
enum Beside {
    /// The client of the product and its signed request.
    RawLoop,
    /// Unsigned.
    RawHyper,
    Queue(Other),
}

impl Beside {
    const ALL: [Self; 6] = [
        Self::RawLoop,
        Self::RawHyper,
        Self::Queue(Other::Graphile),
        Self::Queue(Other::GraphileTuned),
        Self::Queue(Other::BullMqAlways),
        Self::Queue(Other::BullMqEverySecond),
    ];

    fn name(self) -> &'static str {
        match self {
            Self::RawLoop => "a raw loop of the same client and signed request",
            Self::RawHyper => "raw hyper, unsigned",
            Self::Queue(other) => other.name(),
        }
    }

    /// Bars of issue 4.
    fn bar(self) -> Option<f64> {
        match self {
            Self::RawLoop => Some(0.5),
            Self::RawHyper => None,
            Self::Queue(Other::Graphile) => Some(15.0),
            Self::Queue(_) => Some(3.0),
        }
    }

    /// Messages a second; `None` where something is not installed.
    async fn run(self, sink: &Sink, body: &Bytes) -> Option<f64> {
        match self {
            Self::RawLoop => Some(raw::signed(sink, MESSAGES, body).await),
            Self::RawHyper => Some(raw::hyper(sink, MESSAGES, body).await),
            Self::Queue(other) => other.start(sink).await?.drain(MESSAGES).await,
        }
    }
}

/// All in turn, three times; the middle ratio counts. We stand before and after each of the others, and the mean of both is held against
/// it: what the machine has to give changes within a round.
pub async fn three_rounds(table: &mut Table) {
    println!("{MESSAGES} messages to one receiver on {CONNECTIONS} connections");
    let sink = Sink::start();
    let mut ratios = Beside::ALL.map(|_| Vec::new());
    for _ in 0..3 {
        println!("  {}", machine::minute());
        let (mut before, body) = product(&sink).await;
        for (beside, ratios) in Beside::ALL.into_iter().zip(&mut ratios) {
            let Some(theirs) = beside.run(&sink, &body).await else {
                rivals::skipped(beside.name());
                continue;
            };
            let (after, _) = product(&sink).await;
            println!(
                "    {}: {theirs:.0}/s, rundruf before and after: {before:.0}, {after:.0}",
                beside.name()
            );
            ratios.push(f64::midpoint(before, after) / theirs);
            before = after;
        }
    }
    for (beside, ratios) in Beside::ALL.into_iter().zip(ratios) {
        let what = format!("deliveries by {}", beside.name());
        match beside.bar() {
            Some(bar) => table.share(what, ratios, bar),
            None => table.reported(what, ratios),
        }
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
