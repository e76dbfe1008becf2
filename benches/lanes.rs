//! Speed of the lanes as ratios to what the machine can do in the same minute. Run: `cargo bench --bench lanes`.
//!
//! 1. publish inside the serving process to the first byte of the last first attempt on 8 channels, against fdatasync;
//! 2. one notice to 10,000 webhook addresses on 64 connections, against a raw loop over the same client that sends the same
//!    signed request to the same sink.
//!
//! Figures of different runs cannot be compared; ratios of one run can.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rundruf::app::{Lanes, Open};
use rundruf::channel::webhook::sign;
use rundruf::domain::draft;
use rundruf::net::{Http, Use};
use rundruf::publication::Wishes;
use rundruf::store::owner::Owner;
use rundruf::store::{Board, Published};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

const CHANNELS: usize = 8;
const PUBLICATIONS: usize = 60;
const ADDRESSES: u64 = 10_000;
const CONNECTIONS: usize = 64;
const SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

fn main() {
    // `cargo test --benches` and `cargo bench -- --list` must not start a minute of work.
    if std::env::args().any(|a| a == "--list" || a == "--test") {
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
        println!("load: {}", load.trim());
        publish_latency().await;
        let mut ratios = Vec::new();
        for _ in 0..3 {
            ratios.push(drain().await);
        }
        ratios.sort_by(f64::total_cmp);
        println!(
            "drain / raw loop, median of three: {:.2} (spread {:.2} to {:.2})",
            ratios[1], ratios[0], ratios[2]
        );
    });
}

/// Median of durations.
fn p50(mut all: Vec<Duration>) -> Duration {
    all.sort();
    all[all.len() / 2]
}

/// fdatasync of a 4 KiB page, p50 of 200.
fn fdatasync(dir: &Path) -> Duration {
    let mut file = std::fs::File::create(dir.join("sync")).expect("a file");
    p50((0..200)
        .map(|_| {
            file.write_all(&[7; 4096]).expect("written");
            let begin = Instant::now();
            file.sync_data().expect("synced");
            begin.elapsed()
        })
        .collect())
}

/// A sink on a thread and runtime of its own: answers 204 to every request, tells when each one's first byte came.
fn sink(arrivals: Option<mpsc::UnboundedSender<Instant>>, count: Arc<AtomicU64>) -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.set_nonblocking(true).expect("non-blocking");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        runtime.block_on(async move {
            let listener = TcpListener::from_std(listener).expect("a listener");
            while let Ok((mut socket, _)) = listener.accept().await {
                let (arrivals, count) = (arrivals.clone(), Arc::clone(&count));
                tokio::spawn(async move {
                    let mut buffer = Vec::with_capacity(8192);
                    loop {
                        if buffer.is_empty() {
                            if socket.read_buf(&mut buffer).await.unwrap_or(0) == 0 {
                                return;
                            }
                            if let Some(arrivals) = &arrivals {
                                let _ = arrivals.send(Instant::now());
                            }
                        }
                        let Some(end) = request_end(&buffer) else {
                            if socket.read_buf(&mut buffer).await.unwrap_or(0) == 0 {
                                return;
                            }
                            continue;
                        };
                        buffer.drain(..end);
                        count.fetch_add(1, Ordering::Relaxed);
                        if socket.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.is_err() {
                            return;
                        }
                    }
                });
            }
        });
    });
    port
}

/// Where the first request in the buffer ends, if it is whole.
fn request_end(buffer: &[u8]) -> Option<usize> {
    let head = buffer.windows(4).position(|w| w == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&buffer[..head]).ok()?.to_ascii_lowercase();
    let length: usize = text
        .split("content-length:")
        .nth(1)?
        .split("\r\n")
        .next()?
        .trim()
        .parse()
        .ok()?;
    (buffer.len() >= head + length).then_some(head + length)
}

fn config(dir: &Path, channels: &str) -> std::path::PathBuf {
    let file = dir.join("channels.toml");
    let text = format!(
        "[site]\nurl = \"http://127.0.0.1:1\"\n[publisher.p]\nname = \"Stadt\"\nlanguages = [\"de\"]\ntimezone = \"Europe/Berlin\"\n{channels}"
    );
    std::fs::write(&file, text).expect("written");
    file
}

fn notice(n: usize) -> Vec<u8> {
    format!("headline = \"Meldung {n}\"\nsummary = \"Das Bürgerbüro ist offen, kann aber nur beraten. Bitte rufen Sie vor einem Besuch an.\"\nincident = \"probe-it\"\n").into_bytes()
}

async fn publish_latency() {
    let dir = tempfile::tempdir_in(".").expect("a folder");
    let (send, mut arrivals) = mpsc::unbounded_channel();
    let port = sink(Some(send), Arc::default());
    let channels: String = (0..CHANNELS)
        .map(|n| {
            format!(
                "[channel.c{n}]\nkind = \"webhook\"\nurl = \"http://127.0.0.1:{port}/{n}\"\nsecret = \"{SECRET}\"\n"
            )
        })
        .collect();
    let open = Open::new(&config(dir.path(), &channels), &dir.path().join("data"))
        .await
        .expect("opened");
    let owner = Owner::try_take(&open.office.settings.data)
        .expect("a lock")
        .expect("free");
    let lanes = Lanes::start(&open, owner).await.expect("lanes");
    let (mut took, mut committed) = (Vec::new(), Vec::new());
    for n in 0..PUBLICATIONS {
        let draft = draft::read("bench", &notice(n)).expect("a notice");
        let begin = Instant::now();
        open.office
            .publish(open.store.as_ref(), &draft, &Wishes::default())
            .await
            .expect("published");
        committed.push(begin.elapsed());
        lanes.wake();
        let mut last = begin;
        for _ in 0..CHANNELS {
            last = arrivals.recv().await.expect("an arrival");
        }
        took.push(last - begin);
        // The next one begins when nothing of this one is left: completions are committed.
        lanes.drained().await;
    }
    lanes.stop(Duration::from_secs(5)).await;
    let sync = fdatasync(dir.path());
    let (took, committed) = (p50(took), p50(committed));
    let bound = sync * 3 + Duration::from_millis(3);
    println!(
        "publish to first byte of the last of {CHANNELS}: p50 {took:?} (committed after {committed:?}); fdatasync p50 {sync:?}; bound 3 × fdatasync + 3 ms = {bound:?}; ratio to bound {:.2}",
        took.as_secs_f64() / bound.as_secs_f64()
    );
}

/// Drains one notice to 10,000 addresses; the ratio of its speed to the raw loop's.
async fn drain() -> f64 {
    let dir = tempfile::tempdir_in(".").expect("a folder");
    let count: Arc<AtomicU64> = Arc::default();
    let port = sink(None, Arc::clone(&count));
    let addresses: String = (0..ADDRESSES)
        .map(|n| format!("http://127.0.0.1:{port}/{n}\n"))
        .collect();
    std::fs::write(dir.path().join("list.csv"), format!("address\n{addresses}")).expect("written");
    let channels = format!(
        "[channel.hooks]\nkind = \"webhook\"\naudience = {{ file = \"list.csv\" }}\nsecret = \"{SECRET}\"\nallow_private = true\nconcurrency = {CONNECTIONS}\n"
    );
    let open = Open::new(&config(dir.path(), &channels), &dir.path().join("data"))
        .await
        .expect("opened");
    open.office.register(open.store.as_ref()).await.expect("registered");
    let owner = Owner::try_take(&open.office.settings.data)
        .expect("a lock")
        .expect("free");
    let lanes = Lanes::start(&open, owner).await.expect("lanes");
    let draft = draft::read("bench", &notice(0)).expect("a notice");
    let begin = Instant::now();
    let done = open
        .office
        .publish(open.store.as_ref(), &draft, &Wishes::default())
        .await
        .expect("published");
    lanes.wake();
    let Published::New { seq, .. } = done.published else {
        panic!("a new notice")
    };
    lanes.drained().await;
    let ours = ADDRESSES as f64 / begin.elapsed().as_secs_f64();
    let rows = open.store.broadcasts_of(seq).await.expect("rows");
    assert_eq!(rows[0].counters.delivered, ADDRESSES, "{:?}", rows[0].counters);
    assert_eq!(count.load(Ordering::Relaxed), ADDRESSES);
    lanes.stop(Duration::from_secs(5)).await;
    let row = open
        .store
        .deliveries(rows[0].id, None, 1)
        .await
        .expect("rows")
        .remove(0);
    let story = open.store.explain(row.id).await.expect("a story").expect("there");
    let body = bytes::Bytes::from(story.variant.payload.to_string());
    let raw = raw_loop(port, body).await;
    println!(
        "drain: {ours:.0}/s; raw loop, same client, same signed request: {raw:.0}/s; ratio {:.2}",
        ours / raw
    );
    ours / raw
}

/// The same client and the same signed request without a store: the ceiling.
async fn raw_loop(port: u16, body: bytes::Bytes) -> f64 {
    let usage = Use {
        timeout: Duration::from_secs(15),
        concurrency: 64,
        reuse: true,
        private: true,
    };
    let http = Http::new(usage).expect("a client");
    let secret: Vec<u8> = (0..32).collect();
    let next = Arc::new(AtomicU64::new(0));
    let begin = Instant::now();
    let workers: Vec<_> = (0..CONNECTIONS)
        .map(|_| {
            let (http, next, body, secret) = (http.clone(), Arc::clone(&next), body.clone(), secret.clone());
            tokio::spawn(async move {
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    if n >= ADDRESSES {
                        return;
                    }
                    let id = format!("msg_{n}");
                    let request = http
                        .client()
                        .post(format!("http://127.0.0.1:{port}/{n}"))
                        .header("content-type", "application/json")
                        .header("webhook-id", &id)
                        .header("webhook-timestamp", 1_767_323_045)
                        .header("webhook-signature", sign(&secret, &id, 1_767_323_045, &body))
                        .body(body.clone());
                    http.send(request).await.expect("an answer");
                }
            })
        })
        .collect();
    for worker in workers {
        worker.await.expect("a worker");
    }
    ADDRESSES as f64 / begin.elapsed().as_secs_f64()
}
