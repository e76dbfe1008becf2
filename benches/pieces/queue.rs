//! What one step of a lane with 64 connections costs the store: a claim of 256 rows out of 10,000 recipients, their outcomes, and both in
//! one commit, as a lane in full work has it. Each waits for the disk once, so `fdatasync` stands beside them.

use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion};
use rundruf::app::Open;
use rundruf::channel::Built;
use rundruf::domain::draft;
use rundruf::domain::outcome::{Reason, Remote};
use rundruf::lane::MessageRules;
use rundruf::lane_core::values::{Completion, Settled};
use rundruf::publication::Wishes;
use rundruf::store::{ClaimRequest, Job, Lanes as _};
use rundruf::text::said::Said;
use tokio::runtime::Runtime;

use crate::kit::machine::Syncs;
use crate::kit::place::{folder, notice, write_config};

const ROWS: u32 = 256;
const ADDRESSES: u32 = 10_000;

/// A lane's store, with nobody who sends.
struct Stand {
    open: Open,
    rules: MessageRules,
    epoch: i64,
    published: u32,
    /// Rows of the newest notice that have not been claimed.
    left: u32,
    dir: tempfile::TempDir,
}

impl Stand {
    async fn new() -> Self {
        let dir = folder();
        let list: String = (0..ADDRESSES).map(|n| format!("https://example.org/{n}\n")).collect();
        std::fs::write(dir.path().join("list.csv"), format!("address\n{list}")).expect("written");
        let channel = "[channel.hooks]\nkind = \"webhook\"\naudience = { file = \"list.csv\" }\n\
                       secret = \"whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\"\n";
        let config = write_config(dir.path(), "http://127.0.0.1:1", 1, 2, channel);
        let open = Open::new(&config, &dir.path().join("data")).await.expect("opened");
        let rows = open.office.register(open.store.as_ref()).await.expect("registered");
        open.office.sync_audiences(open.store.as_ref()).await.expect("synced");
        open.store.lengthen_log().await.expect("as serve does");
        let Built::Messages(channel) = &open.office.channels[0].built else {
            panic!("a webhook sends messages");
        };
        let common = &open.office.channels[0].settings.common;
        let rules = MessageRules::of(rows[0].id, common, channel.as_ref(), 0);
        Self {
            epoch: rows[0].epoch,
            open,
            rules,
            published: 0,
            left: 0,
            dir,
        }
    }

    /// Publishes the next notice where fewer rows than a claim's are left of this one, and ends those.
    async fn refill(&mut self) {
        if self.left >= ROWS {
            return;
        }
        if self.left > 0 {
            let (rest, _) = self.claim(&[]).await;
            self.complete(&rest).await;
        }
        self.published += 1;
        let text = notice("Meldung", &format!("probe-{}", self.published));
        let draft = draft::read("bench", text.as_bytes()).expect("a notice");
        let (store, wishes) = (self.open.store.as_ref(), Wishes::default());
        let done = self.open.office.publish(store, &draft, &wishes, None).await;
        assert!(done.is_ok(), "a new notice");
        self.left = ADDRESSES;
    }

    /// So many rows, with the outcomes of others in the same commit; how long it took.
    async fn claim(&mut self, ended: &[Job]) -> (Vec<Job>, Duration) {
        let now = self.open.office.clock.now_ms();
        let asked = ClaimRequest {
            settles: self.outcomes(ended),
            ..self.rules.claim(self.epoch, now, true, ROWS, false)
        };
        let begin = Instant::now();
        let claimed = self.open.store.claim(&asked).await.expect("claimed");
        let took = begin.elapsed();
        assert_eq!(claimed.jobs.len(), ROWS.min(self.left) as usize, "as many as are left");
        self.left = self.left.saturating_sub(ROWS);
        (claimed.jobs, took)
    }

    /// Writes that they were delivered; how long it took.
    async fn complete(&self, jobs: &[Job]) -> Duration {
        let outcomes = self.outcomes(jobs);
        let begin = Instant::now();
        self.open.store.complete(&outcomes).await.expect("written");
        begin.elapsed()
    }

    fn outcomes(&self, jobs: &[Job]) -> Vec<Completion> {
        let at_ms = self.open.office.clock.now_ms();
        let outcome = |job: &Job| Completion {
            delivery: job.delivery,
            attempt: job.attempt,
            at_ms,
            settled: Settled::Delivered(Remote::default()),
            reason: Reason::Ok,
            text: Said::default(),
        };
        jobs.iter().map(outcome).collect()
    }
}

/// What is timed of a claim and its outcomes.
#[derive(Debug, Clone, Copy)]
enum Timed {
    Claim,
    Outcomes,
}

/// Claim, completion, and what the disk takes of both.
pub fn queue(c: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    let mut stand = runtime.block_on(Stand::new());
    let mut group = c.benchmark_group("store");
    group.sample_size(20);
    let mut syncs = Syncs::beside(stand.dir.path());
    group.bench_function("fdatasync of a page", |bencher| bencher.iter(|| syncs.one()));
    for (name, timed) in [("claim", Timed::Claim), ("outcomes", Timed::Outcomes)] {
        group.bench_function(BenchmarkId::new(name, ROWS), |bencher| {
            bencher.iter_custom(|times| runtime.block_on(apart(&mut stand, times, timed)));
        });
    }
    group.bench_function(BenchmarkId::new("outcomes and claim in one commit", ROWS), |bencher| {
        bencher.iter_custom(|times| runtime.block_on(together(&mut stand, times)));
    });
}

async fn apart(stand: &mut Stand, times: u64, timed: Timed) -> Duration {
    let mut all = Duration::ZERO;
    for _ in 0..times {
        stand.refill().await;
        let (jobs, claim) = stand.claim(&[]).await;
        let outcomes = stand.complete(&jobs).await;
        all += match timed {
            Timed::Claim => claim,
            Timed::Outcomes => outcomes,
        };
    }
    all
}

async fn together(stand: &mut Stand, times: u64) -> Duration {
    let mut all = Duration::ZERO;
    stand.refill().await;
    let (mut jobs, _) = stand.claim(&[]).await;
    for _ in 0..times {
        stand.refill().await;
        let (next, took) = stand.claim(&jobs).await;
        jobs = next;
        all += took;
    }
    stand.complete(&jobs).await;
    all
}
