//! One notice to 10,000 webhook addresses of an audience file on 64 connections, against a raw loop over the same client that
//! sends the same signed request to the same sink.

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

use crate::kit::machine;
use crate::kit::place::{folder, notice, write_config};
use crate::kit::sink::sink;
use crate::kit::table::Table;

const ADDRESSES: u64 = 10_000;
const CONNECTIONS: u32 = 64;
const SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
/// What is decoded of it: the bytes 0 to 31.
const KEY: [u8; 32] = {
    let mut key = [0; 32];
    let mut n = 0;
    while n < 32 {
        key[n] = n as u8;
        n += 1;
    }
    key
};

/// Lanes and raw loop in turn, three times; the middle ratio counts.
pub async fn three_times(table: &mut Table) {
    println!("drain of one notice to {ADDRESSES} addresses on {CONNECTIONS} connections");
    let mut ratios = Vec::new();
    for _ in 0..3 {
        let load = machine::load();
        let (ours, raw) = once().await;
        println!(
            "  lanes {ours:.0}/s, raw loop {raw:.0}/s, ratio {:.2}, load {load}",
            ours / raw
        );
        ratios.push(ours / raw);
    }
    table.share("drain by raw loop, median of three", machine::median(ratios), 0.5);
}

/// Messages a second of the lanes and of the raw loop.
async fn once() -> (f64, f64) {
    let dir = folder();
    let count = Arc::<AtomicU64>::default();
    let (port, _sink) = sink(Arc::clone(&count));
    let open = open(dir.path(), port).await;
    let owner = Owner::try_take(&open.office.settings.data)
        .expect("a lock")
        .expect("free");
    let lanes = Lanes::start(&open, owner).await.expect("lanes");
    let draft = draft::read("bench", notice("Meldung", "probe-it").as_bytes()).expect("a notice");

    let begin = Instant::now();
    let done = open
        .office
        .publish(open.store.as_ref(), &draft, &Wishes::default(), None)
        .await;
    lanes.drained().await;
    let ours = a_second(begin);

    let Ok(Published::New { seq, .. }) = done.map(|d| d.published) else {
        panic!("a new notice");
    };
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
    (ours, raw_loop(port, story.variant.payload.to_string().into()).await)
}

/// An installation whose one channel has ten thousand receivers, all of them known to the store.
async fn open(dir: &Path, port: u16) -> Open {
    let addresses: String = (0..ADDRESSES)
        .map(|n| format!("http://127.0.0.1:{port}/{n}\n"))
        .collect();
    std::fs::write(dir.join("list.csv"), format!("address\n{addresses}")).expect("written");
    let channels = format!(
        "[channel.hooks]\nkind = \"webhook\"\naudience = {{ file = \"list.csv\" }}\nsecret = \"{SECRET}\"\nallow_private = true\nconcurrency = {CONNECTIONS}\n"
    );
    let config = write_config(dir, "http://127.0.0.1:1", 1, 2, &channels);
    let open = Open::new(&config, &dir.join("data")).await.expect("opened");
    open.office.register(open.store.as_ref()).await.expect("registered");
    open
}

fn a_second(begin: Instant) -> f64 {
    ADDRESSES as f64 / begin.elapsed().as_secs_f64()
}

/// The same client and the same signed request without a store: the ceiling.
async fn raw_loop(port: u16, body: bytes::Bytes) -> f64 {
    let usage = Use {
        timeout: Duration::from_secs(15),
        concurrency: CONNECTIONS,
        reuse: true,
        private: true,
    };
    let http = Http::new(usage).expect("a client");
    let next = Arc::<AtomicU64>::default();
    let begin = Instant::now();
    let workers: Vec<_> = (0..CONNECTIONS)
        .map(|_| tokio::spawn(raw_worker(http.clone(), Arc::clone(&next), body.clone(), port)))
        .collect();
    for worker in workers {
        worker.await.expect("a worker");
    }
    a_second(begin)
}

async fn raw_worker(http: Http, next: Arc<AtomicU64>, body: bytes::Bytes, port: u16) {
    const SECONDS: i64 = 1_767_323_045;
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
            .header("webhook-timestamp", SECONDS)
            .header("webhook-signature", sign(&KEY, &id, SECONDS, &body))
            .body(body.clone());
        http.send(request).await.expect("an answer");
    }
}
