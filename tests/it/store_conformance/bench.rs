//! The way of a big audience as a path to measure (`cargo test --release … -- --ignored --nocapture`): it asserts that all arrive, and
//! prints how fast. No thresholds: machines differ.

use std::time::Instant;

use rundruf::store::*;

use super::fixture::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "prints figures; run it by name"]
async fn ten_thousand_through_claim_and_completion() {
    let (_dir, store) = sqlite().await;
    let lane = lanes(&store, &["a"]).await[0];
    let addresses: Vec<String> = (0..10_000).map(|n| format!("https://host.example/{n}")).collect();
    let list: Vec<(&str, &[&str])> = addresses.iter().map(|a| (a.as_str(), &[][..])).collect();
    people(&store, lane, &list).await;
    let begin = Instant::now();
    let seq = publish(&store, notice("i", 1), vec![to_all(lane)], T0).await;
    println!("publish {:?}", begin.elapsed());
    let mut r = request(lane, T0);
    r.limit = 512;
    let begin = Instant::now();
    let (mut claims, mut completions) = (begin.elapsed(), begin.elapsed());
    loop {
        let start = Instant::now();
        let jobs = store.claim(&r).await.unwrap().jobs;
        claims += start.elapsed();
        if jobs.is_empty() {
            break;
        }
        let done: Vec<Completion> = jobs
            .iter()
            .map(|job| completion(job, T0, Settled::Delivered(rundruf::domain::outcome::Remote::default())))
            .collect();
        let start = Instant::now();
        store.complete(&done).await.unwrap();
        completions += start.elapsed();
    }
    let took = begin.elapsed();
    println!(
        "10000 in {took:?}: {:.0}/s; claims {claims:?}, completions {completions:?}",
        10_000.0 / took.as_secs_f64()
    );
    assert_eq!(board(&store, seq).await.counters.delivered, 10_000);
    let begin = Instant::now();
    publish(&store, notice("j", 1), vec![to(lane)], T0).await;
    assert_eq!(claim(&store, lane, T0).await.len(), 1);
    println!("publish and claim {:?}", begin.elapsed());
}
