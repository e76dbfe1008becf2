//! BullMQ on Redis: what many would take for a fast queue.

use super::node::Queue;
use super::redis::{Fsync, Redis};
use crate::kit::sink::Sink;

/// The queue in this store.
pub fn queue<'a>(sink: &'a Sink, store: &Redis) -> Queue<'a> {
    Queue::new(
        "queues/bullmq.mjs",
        "bullmq",
        sink,
        ("REDIS_PORT", store.port.to_string()),
        None,
    )
}

/// Messages a second; `None` where something is not installed.
pub async fn drain(sink: &Sink, messages: u64, sync: Fsync) -> Option<f64> {
    let store = Redis::start(sync).await?;
    let speed = queue(sink, &store).drain(messages).await;
    store.stop().await;
    speed
}
