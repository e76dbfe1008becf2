//! The queues beside which we are measured: what many would take for a durable queue, and what many would take for a fast one.

use super::node::{Queue, Store};
use super::postgres::Postgres;
use super::redis::{Fsync, Redis};
use crate::kit::sink::Sink;

/// One of them, and how it is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Other {
    /// graphile-worker on PostgreSQL, both as they come: every commit is on the disk.
    Graphile,
    /// The same as graphile-worker's own measurements set it: jobs are fetched by the hundred, and their ends written many at a time.
    GraphileTuned,
    /// BullMQ on a Redis that has its log on the disk before it answers.
    BullMqAlways,
    /// The same with the log on the disk once a second, which loses up to a second where the power fails.
    BullMqEverySecond,
}

impl Other {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::Graphile,
        Self::GraphileTuned,
        Self::BullMqAlways,
        Self::BullMqEverySecond,
    ];

    /// For lines and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Graphile => "graphile-worker as it comes",
            Self::GraphileTuned => "graphile-worker, tuned",
            Self::BullMqAlways => "BullMQ, appendfsync always",
            Self::BullMqEverySecond => "BullMQ, appendfsync everysec",
        }
    }

    /// An empty one, with a store of its own; `None` where something is not installed.
    pub async fn start(self, sink: &Sink) -> Option<Queue<'_>> {
        let how = (self == Self::GraphileTuned).then_some("tuned");
        let (script, package) = match self {
            Self::Graphile | Self::GraphileTuned => ("queues/graphile.mjs", "graphile-worker"),
            Self::BullMqAlways | Self::BullMqEverySecond => ("queues/bullmq.mjs", "bullmq"),
        };
        let store = match self {
            Self::Graphile | Self::GraphileTuned => Store::Postgres(Postgres::start().await?),
            Self::BullMqAlways => Store::Redis(Redis::start(Fsync::Always).await?),
            Self::BullMqEverySecond => Store::Redis(Redis::start(Fsync::EverySecond).await?),
        };
        Some(Queue {
            script,
            package,
            how,
            store,
            sink,
        })
    }
}
