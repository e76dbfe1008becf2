//! graphile-worker on PostgreSQL: what many would take for a durable queue.

use super::node::Queue;
use super::postgres::Postgres;
use crate::kit::sink::Sink;

/// How its worker is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Set {
    AsItComes,
    /// As its own measurements set it: jobs are fetched by the hundred, and their ends written many at a time.
    Tuned,
}

/// The queue in this store.
pub fn queue<'a>(sink: &'a Sink, store: &Postgres, set: Set) -> Queue<'a> {
    let how = (set == Set::Tuned).then_some("tuned");
    Queue::new(
        "queues/graphile.mjs",
        "graphile-worker",
        sink,
        ("PG_URL", store.url.clone()),
        how,
    )
}

/// Messages a second; `None` where something is not installed.
pub async fn drain(sink: &Sink, messages: u64, set: Set) -> Option<f64> {
    let store = Postgres::start().await?;
    let speed = queue(sink, &store, set).drain(messages).await;
    store.stop().await;
    speed
}
