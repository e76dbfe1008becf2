//! A queue of Node, whatever it keeps its messages in: filled and drained, or publishing to a worker that waits.

use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::CONNECTIONS;
use super::postgres::Postgres;
use super::redis::Redis;
use crate::kit::rivals;
use crate::kit::sink::Sink;

/// Where it keeps its messages.
pub enum Store {
    Postgres(Postgres),
    Redis(Redis),
}

impl Store {
    /// The variable of the environment that says where it is.
    fn place(&self) -> (&'static str, String) {
        match self {
            Self::Postgres(postgres) => ("PG_URL", postgres.url.clone()),
            Self::Redis(redis) => ("REDIS_PORT", redis.port.to_string()),
        }
    }

    async fn stop(self) {
        match self {
            Self::Postgres(postgres) => postgres.stop().await,
            Self::Redis(redis) => redis.stop().await,
        }
    }
}

/// One with its store, empty.
pub struct Queue<'a> {
    /// Below `benches/`.
    pub script: &'static str,
    /// The package it loads.
    pub package: &'static str,
    /// How its worker is set.
    pub how: Option<&'static str>,
    pub store: Store,
    pub sink: &'a Sink,
}

impl<'a> Queue<'a> {
    fn command(&self, verb: &str, number: u64) -> Option<Command> {
        let mut command = rivals::node(self.script, self.package)?;
        let (variable, place) = self.store.place();
        command
            .args([verb, &number.to_string()])
            .env("SINK_URL", format!("http://127.0.0.1:{}", self.sink.port))
            .env(variable, place);
        Some(command)
    }

    fn worker(&self) -> Option<Child> {
        let mut command = self.command("work", u64::from(CONNECTIONS))?;
        Some(rivals::spawn(command.args(self.how)))
    }

    /// Messages a second from the first to the last one that a worker sends of those that wait for it: neither its start is counted nor the
    /// filling nor what it writes down after the last. `None` where it is not installed.
    pub async fn drain(self, messages: u64) -> Option<f64> {
        let mut fill = self.command("fill", messages)?;
        rivals::output(&mut fill).await.expect("filled");
        self.sink.forget();
        let mut worker = self.worker()?;
        self.sink.reaches(messages).await;
        rivals::stop(&mut worker, "TERM").await;
        assert_eq!(self.sink.count(), messages, "each came once");
        let speed = self.sink.a_second();
        self.store.stop().await;
        Some(speed)
    }

    /// A publisher beside a worker that waits.
    pub async fn publisher(self, channels: u64) -> Option<Publisher<'a>> {
        let mut publish = self.command("publish", channels)?;
        // Two that make the tables at the same time could fail.
        rivals::output(&mut self.command("fill", 0)?).await.expect("its tables");
        let worker = self.worker()?;
        let mut process = publish
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a publisher");
        let (give, take) = (process.stdin.take(), process.stdout.take());
        Some(Publisher {
            queue: self,
            channels,
            give: give.expect("piped"),
            take: BufReader::new(take.expect("piped")).lines(),
            process,
            worker,
        })
    }
}

/// Publishes on each line it is given.
pub struct Publisher<'a> {
    queue: Queue<'a>,
    channels: u64,
    give: ChildStdin,
    take: Lines<BufReader<ChildStdout>>,
    process: Child,
    worker: Child,
}

impl Publisher<'_> {
    /// From the beginning of a publication to its last message at the receiver.
    pub async fn publish(&mut self) -> Duration {
        self.queue.sink.forget();
        self.give.write_all(b"now\n").await.expect("it reads");
        self.queue.sink.reaches(self.channels).await;
        let began = self.take.next_line().await.expect("it writes").expect("a line");
        let last = self.queue.sink.last().expect("some came");
        last - instant(began.parse().expect("nanoseconds"))
    }

    /// Ends both, and the store.
    pub async fn stop(mut self) {
        drop(self.give);
        self.process.wait().await.expect("its end");
        rivals::stop(&mut self.worker, "TERM").await;
        self.queue.store.stop().await;
    }
}

/// A moment of CLOCK_MONOTONIC, which is what Node counts by and Rust too.
fn instant(nanoseconds: u64) -> Instant {
    let clock = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    let clock = Duration::try_from(clock).expect("after the start of the machine");
    Instant::now() - (clock - Duration::from_nanos(nanoseconds))
}
