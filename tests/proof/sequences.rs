//! Random command sequences, the same on the model and on a store: what is claimed, in which order and as what, and every row afterwards. What
//! the simulation proves of the model holds for the store as far as they agree here (LANES 9).
//!
//! `RUNDRUF_SEQUENCES=20000 tests/run any_commands` runs more; `RUNDRUF_SEED=42` runs one and looks after every command.

use std::sync::Arc;

use futures_util::future::join_all;
use rundruf::clock::{Clock, Ms};
use rundruf::domain::delivery::{CatchUp, Gate, GateCause, Health, Operation};
use rundruf::domain::notice::Scope;
use rundruf::domain::outcome::Reason;
use rundruf::domain::words::Kind;
use rundruf::ids::{DeliveryId, IncidentId, LaneId};
use rundruf::lane_core::ramp::Ramp;
use rundruf::store::*;
use rundruf::text::lang::Lang;

use crate::fixture::*;
use crate::model::{Breaks, Model, well};
use crate::same::{Peek, compare, compare_all, seen, shown};
use crate::{each, number};

/// As many as take half a minute where nothing is optimised but the database.
const SEQUENCES: u64 = 250;
const COMMANDS: usize = 80;
/// The lane that stands in for two others.
const RESERVE: usize = 3;

struct Fixed;

impl Clock for Fixed {
    fn now_ms(&self) -> Ms {
        T0
    }
}

/// A runtime for one sequence.
fn wait<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.unwrap().block_on(work)
}

#[test]
fn any_commands_leave_a_store_the_same_as_the_model() {
    let none = Breaks::default();
    if let Some(seed) = number("RUNDRUF_SEED") {
        wait(on_sqlite(seed, true, none)).unwrap();
        return;
    }
    let count = number("RUNDRUF_SEQUENCES").unwrap_or(SEQUENCES);
    let done = each("sequences", count, |seed| wait(on_sqlite(seed, false, none)));
    if let Err((seed, error)) = done {
        let first = wait(on_sqlite(seed, true, none)).unwrap_err();
        panic!("sequence {seed}: {error}\n\nlooked at after every command:\n{first}\n\nAgain: RUNDRUF_SEED={seed}");
    }
}

/// A store that broke one of these rules would be found out: so many sequences are enough to see it.
#[test]
fn every_broken_rule_makes_a_difference() {
    let none = Breaks::default();
    let cases = [
        ("order", Breaks { order: true, ..none }),
        ("takeover", Breaks { takeover: true, ..none }),
        ("mark", Breaks { mark: true, ..none }),
        ("passed", Breaks { passed: true, ..none }),
        ("latest", Breaks { latest: true, ..none }),
        (
            "elsewhere",
            Breaks {
                elsewhere: true,
                ..none
            },
        ),
        ("old news", Breaks { old_news: true, ..none }),
        (
            "first start",
            Breaks {
                first_start: true,
                ..none
            },
        ),
        ("reopens", Breaks { reopens: true, ..none }),
        ("ramp", Breaks { ramp: true, ..none }),
        ("results", Breaks { results: true, ..none }),
        ("crowd", Breaks { crowd: true, ..none }),
        ("crowded", Breaks { crowded: true, ..none }),
        (
            "bulk first",
            Breaks {
                bulk_first: true,
                ..none
            },
        ),
        ("moves", Breaks { moves: true, ..none }),
        ("cuts", Breaks { cuts: true, ..none }),
        ("served", Breaks { served: true, ..none }),
        ("run out", Breaks { run_out: true, ..none }),
        (
            "by itself",
            Breaks {
                by_itself: true,
                ..none
            },
        ),
        ("recut", Breaks { recut: true, ..none }),
        ("over", Breaks { over: true, ..none }),
        ("words", Breaks { words: true, ..none }),
        ("restless", Breaks { restless: true, ..none }),
        (
            "late move",
            Breaks {
                late_move: true,
                ..none
            },
        ),
    ];
    let found = each("rules", cases.len() as u64, |case| {
        let (what, breaks) = cases[case as usize];
        let mut seeds = 0..SEQUENCES;
        let found = seeds.find(|seed| wait(on_sqlite(*seed, false, breaks)).is_err());
        let seed = found.ok_or_else(|| format!("{what}: no difference"))?;
        println!("{what}: a difference in sequence {seed}");
        Ok(())
    });
    found.unwrap();
}

/// In memory where the machine has a folder for that: thousands of commits prove nothing about a disk.
async fn on_sqlite(seed: u64, every: bool, breaks: Breaks) -> Result<(), String> {
    let memory = std::path::Path::new("/dev/shm");
    let dir = if memory.is_dir() {
        tempfile::tempdir_in(memory).unwrap()
    } else {
        tempfile::tempdir().unwrap()
    };
    let store = Sqlite::open(&dir.path().join("data/rundruf.db"), Arc::new(Fixed))
        .await
        .unwrap();
    let end = Run::new(&store, seed, breaks).await.go(every).await;
    let counted = store.recount().await.unwrap();
    store.close().await;
    end?;
    compare("counters differ from the rows", &Vec::new(), &counted)
}

/// A delivery on both sides.
#[derive(Debug, Clone)]
struct Both {
    store: Job,
    model: DeliveryId,
}

struct Run<'a, S> {
    store: &'a S,
    model: Model,
    rng: fastrand::Rng,
    lanes: Vec<LaneId>,
    now: Ms,
    numbers: [u32; 2],
    /// Started, as far as the lanes know.
    out: Vec<Both>,
    /// Every start there was.
    all: Vec<Both>,
    story: Vec<String>,
}

const PLACES: [&str; 2] = ["soest", "werl"];
/// A dozen people, most of them at one domain.
const ADDRESSES: [&str; 12] = [
    "a@gmx",
    "b@gmx",
    "c@gmx",
    "d@gmx",
    "e@gmx",
    "f@web",
    "g@web",
    "+4930231250",
    "h@gmx",
    "i@gmx",
    "j@own",
    "k@gmx",
];
const RAMP: Ramp = Ramp {
    start: Rate {
        count: 60,
        per_ms: 60_000,
    },
    double_ms: 20_000,
    per_domain: Some(Rate {
        count: 15,
        per_ms: 60_000,
    }),
};

/// The fourth stands in for two others.
fn specs() -> [LaneSpec; 4] {
    ["account", "audience", "another", "reserve"].map(|name| LaneSpec {
        failover: matches!(name, "audience" | "another").then(|| "reserve".into()),
        ..spec(name, "host/user")
    })
}

impl<'a, S: Store + Peek> Run<'a, S> {
    async fn new(store: &'a S, seed: u64, breaks: Breaks) -> Self {
        let specs = specs();
        let lanes: Vec<LaneId> = store
            .configure(&specs, T0)
            .await
            .unwrap()
            .iter()
            .map(|row| row.id)
            .collect();
        let mut run = Self {
            store,
            model: Model::breaking(breaks),
            rng: fastrand::Rng::with_seed(seed),
            lanes,
            now: T0,
            numbers: [0, 0],
            out: Vec::new(),
            all: Vec::new(),
            story: Vec::new(),
        };
        run.model.high_time(T0);
        for lane in run.lanes.clone() {
            run.model.add_lane(lane, &[]);
            // The fixture's channels all speak for one account.
            run.model.lanes.get_mut(&lane).unwrap().account = run.lanes[0];
        }
        for lane in [1, 2] {
            run.model.lanes.get_mut(&run.lanes[lane]).unwrap().failover = Some(run.lanes[RESERVE]);
        }
        for lane in [1, 2] {
            run.audience(lane, 9).await;
        }
        run
    }

    async fn go(mut self, every: bool) -> Result<(), String> {
        for _ in 0..COMMANDS {
            self.now += if self.rng.u8(..8) == 0 {
                self.rng.i64(60_000..400_000)
            } else {
                self.rng.i64(0..9_000)
            };
            let done = match self.command().await {
                Ok(()) if every => compare_all(&seen(&self.model), &self.store.peek().await),
                done => done,
            };
            if let Err(error) = done {
                return Err(format!("{}\n{error}", self.story.join("\n")));
            }
        }
        compare_all(&seen(&self.model), &self.store.peek().await)
    }

    fn say(&mut self, what: String) {
        self.story
            .push(format!("{:>8.3} s  {what}", (self.now - T0) as f64 / 1_000.0));
    }

    async fn command(&mut self) -> Result<(), String> {
        match self.rng.u8(..47) {
            0..7 => self.publish().await,
            7..19 => return self.claim().await,
            19..27 => return self.complete().await,
            27 | 28 => return self.look_up().await,
            29 => self.give_back().await,
            30 => self.toggle().await,
            31 => return self.take_over().await,
            32 => return self.expire().await,
            33 | 34 => return self.receipts().await,
            35 | 36 => return self.decide().await,
            37 => self.shift().await,
            39..43 => self.health().await,
            43 => self.configure().await,
            45 | 46 => return self.remove_old().await,
            38 => {
                let (lane, people) = (self.rng.usize(1..3), self.rng.usize(4..12));
                self.audience(lane, people).await;
            }
            _ => {
                let lane = self.lanes[self.rng.usize(..4)];
                self.say(format!("try now on lane {lane}"));
                self.store
                    .retry_now(lane, &act("retry", self.now), self.now)
                    .await
                    .unwrap();
                self.model.retry_now(lane, self.now);
            }
        }
        Ok(())
    }

    /// So many of a dozen people; some follow a place.
    async fn audience(&mut self, lane: usize, count: usize) {
        let mut everybody: Vec<usize> = (0..12).collect();
        self.rng.shuffle(&mut everybody);
        let mut people = Vec::new();
        for n in everybody.into_iter().take(count) {
            let places = match self.rng.u8(..4) {
                0 => vec![PLACES[0].to_owned()],
                1 => vec![PLACES[1].to_owned()],
                2 => PLACES.map(str::to_owned).to_vec(),
                _ => Vec::new(),
            };
            people.push((ADDRESSES[n].to_owned(), places));
        }
        let lane = self.lanes[lane];
        self.say(format!("the audience of lane {lane} is {people:?}"));
        let person = |(address, places): &(String, Vec<String>)| Person {
            address: address.clone(),
            canonical: address.clone(),
            name: None,
            language: None,
            places: places.clone(),
        };
        let list: Vec<Person> = people.iter().map(person).collect();
        self.store.sync_audience(lane, &list, self.now).await.unwrap();
        self.model.sync_audience(lane, &people);
    }

    async fn publish(&mut self) {
        let which = self.rng.usize(..2);
        self.numbers[which] += 1;
        let number = self.numbers[which];
        let mut n = notice(&format!("i{which}"), number);
        n.urgent = self.rng.u8(..4) == 0;
        n.scope = match self.rng.u8(..6) {
            0 => places(&PLACES),
            1 | 2 => places(&[PLACES[self.rng.usize(..2)]]),
            3 => Scope::Named {
                places: Vec::new(),
                services: vec!["wasser".into()],
            },
            _ => Scope::All,
        };
        if number > 1 {
            let earlier = vec![self.rng.u32(1..number)];
            match self.rng.u8(..7) {
                0 => n.replaces = earlier,
                1 | 2 => (n.kind, n.corrects) = (Kind::Correction, earlier),
                3 => (n.kind, n.corrects) = (Kind::Retraction, earlier),
                _ => {}
            }
        }
        let mut broadcasts = Vec::new();
        for (at, lane) in self.lanes.clone().into_iter().enumerate().take(RESERVE) {
            if self.rng.u8(..5) == 0 {
                continue;
            }
            let mut b = if at == 0 { to(lane) } else { to_all(lane) };
            b.catch_up = [CatchUp::Every, CatchUp::Latest, CatchUp::Digest][self.rng.usize(..3)];
            b.expires_at_ms = (self.rng.u8(..4) == 0).then_some(self.now + 500_000);
            if n.kind != Kind::Notice {
                b.operation = [Operation::Edit, Operation::Reply, Operation::Post][self.rng.usize(..3)];
                let variant = b.variants.values_mut().next().unwrap();
                variant.first = Some("zum ersten Mal".into());
            }
            broadcasts.push(b);
        }
        self.say(format!(
            "notice {number} of i{which}: {:?} {:?}, urgent {}, corrects {:?}, replaces {:?}, to {:?}",
            n.kind,
            n.scope,
            n.urgent,
            n.corrects,
            n.replaces,
            broadcasts
                .iter()
                .map(|b| (b.lane, b.catch_up, b.expires_at_ms))
                .collect::<Vec<_>>()
        ));
        let p = publication(n, broadcasts, self.now);
        match self.store.publish(&p).await.unwrap() {
            Published::New { seq, incident } => self.model.publish(&p, seq, incident),
            other => panic!("{other:?}"),
        }
    }

    /// Some lanes ask at once. Those that stand in for others come last, as in the store.
    async fn claim(&mut self) -> Result<(), String> {
        let mut lanes = self.lanes.clone();
        self.rng.shuffle(&mut lanes);
        let together = if self.rng.u8(..4) == 0 { self.rng.usize(2..5) } else { 1 };
        lanes.truncate(together);
        lanes.sort_by_key(|lane| self.model.stands_in(*lane));
        let requests: Vec<ClaimRequest> = lanes.iter().map(|lane| self.asks(*lane)).collect();
        let claimed = join_all(requests.iter().map(|r| self.store.claim(r))).await;
        let mut uncut = Vec::new();
        for (r, store) in requests.iter().zip(claimed) {
            let found = self.claimed(r, store.unwrap())?.into_iter();
            uncut.extend(found.map(|(lane, incident)| (lane, incident, r.over())));
        }
        // Mostly the cut follows at once; now and then something comes between.
        if self.rng.u8(..4) > 0 {
            for (lane, incident, over) in uncut {
                self.cut(lane, incident, over).await?;
            }
        }
        Ok(())
    }

    fn asks(&mut self, lane: LaneId) -> ClaimRequest {
        let mut r = request(lane, self.now);
        r.epoch = self.model.lanes[&lane].epoch - i64::from(self.rng.u8(..20) == 0);
        r.limit = self.rng.u32(1..8);
        r.probe = self.rng.u8(..8) == 0;
        // Now and then the clock is in doubt.
        r.expires = self.rng.u8(..6) > 0;
        r.rate = (self.rng.u8(..5) == 0).then_some(Rate {
            count: 3,
            per_ms: 1_000,
        });
        r.ramp = (self.rng.u8(..8) > 0).then_some(RAMP);
        if r.ramp.is_some() && self.rng.bool() {
            r.ramp = Some(Ramp {
                per_domain: None,
                ..RAMP
            });
        }
        r.turns = self.rng.u32(1..10);
        // Mostly more than there is room for: of a chunk some start and some wait.
        r.opens = self.rng.u32(..12);
        r.late_ms = self.rng.i64(0..3) * self.rng.i64(0..400);
        r
    }

    /// What waits becomes one message.
    async fn cut(&mut self, lane: LaneId, incident: IncidentId, over: Option<Ms>) -> Result<(), String> {
        let due = self.store.due_cuts(lane, over).await.unwrap();
        let due = due.into_iter().find(|due| due.incident == incident);
        let shown = due.as_ref().map(|due| (due.notice, due.covers.clone()));
        compare("due cut", &self.model.sums_up(lane, incident, over), &shown)?;
        let Some(due) = due else { return Ok(()) };
        let text = format!("{} mit {:?}", due.notice, due.covers);
        self.say(format!("a cut on lane {lane}: {text}"));
        let digest = Variant {
            text: text.clone(),
            ..to(lane).variants[&Lang::De].clone()
        };
        let frozen = FrozenCut {
            due,
            texts: [(Lang::De, digest)].into(),
        };
        self.store.cut(&frozen, self.now).await.unwrap();
        self.model.cut(lane, incident, &text, over, self.now);
        Ok(())
    }

    fn claimed(&mut self, r: &ClaimRequest, store: Claimed) -> Result<Vec<(LaneId, IncidentId)>, String> {
        let model = self.model.claim(r);
        self.say(format!(
            "claims {} on lane {}{}{}: {:?}",
            r.limit,
            r.lane,
            if r.probe { " as a probe" } else { "" },
            if r.rate.is_some() { " with a rate" } else { "" },
            store
                .jobs
                .iter()
                .map(|job| (job.notice, job.address.as_str(), job.attempt))
                .collect::<Vec<_>>()
        ));
        let jobs = |claimed: &Claimed| claimed.jobs.iter().map(shown).collect::<Vec<_>>();
        compare("claimed", &jobs(&model), &jobs(&store))?;
        let rest = |claimed: &Claimed| {
            (
                (claimed.epoch, claimed.more, claimed.drained),
                (claimed.next_due_ms, claimed.paid_ms),
            )
        };
        compare("epoch, more, drained, next due, paid", &rest(&model), &rest(&store))?;
        compare("uncut", &model.uncut, &store.uncut)?;
        let uncut = store.uncut;
        for (model, store) in model.jobs.into_iter().zip(store.jobs) {
            let model = model.delivery;
            self.out.push(Both { store, model });
        }
        self.all.extend(self.out.iter().cloned());
        Ok(uncut)
    }

    /// The same outcomes for both.
    async fn settle(&mut self, outcomes: Vec<(Both, Settled)>) -> Result<(), String> {
        for (both, settled) in &outcomes {
            let (job, state) = (&both.store, self.model.row(both.model).state);
            self.say(format!(
                "notice {} for {:?} on attempt {}: {settled:?} ({state:?})",
                job.notice, job.address, job.attempt
            ));
        }
        let reasons = [
            Reason::RecipientRefused,
            Reason::NotConnected,
            Reason::RateLimited,
            Reason::PolicyRefused,
            Reason::Ok,
        ];
        let reason = reasons[self.rng.usize(..reasons.len())];
        let to = |delivery, (both, settled): &(Both, Settled)| Completion {
            delivery,
            reason,
            ..completion(&both.store, self.now, settled.clone())
        };
        let store: Vec<_> = outcomes.iter().map(|o| to(o.0.store.delivery, o)).collect();
        let model: Vec<_> = outcomes.iter().map(|o| to(o.0.model, o)).collect();
        let store = self.store.complete(&store).await.unwrap();
        compare("stopped, moved", &self.model.complete(&model), &store)
    }

    fn outcome(&mut self, job: &Job) -> Settled {
        let id = remote(&format!("{}/{}/{}", job.notice, job.address, job.attempt));
        match self.rng.u8(..16) {
            0..5 => Settled::Delivered(id),
            5 | 6 => Settled::Accepted(id),
            7 | 8 => Settled::Unknown,
            9 => Settled::Permanent,
            10 => Settled::Gone,
            11 => Settled::Dropped,
            12 => Settled::Stepped {
                step: job.step + 1,
                handle: format!("h{}", job.attempt),
            },
            _ => Settled::Waiting {
                due_ms: self.now + self.rng.i64(0..60_000),
                spent: self.rng.bool(),
                after_unknown: job.after_unknown || self.rng.u8(..3) == 0,
            },
        }
    }

    async fn complete(&mut self) -> Result<(), String> {
        let mut outcomes = Vec::new();
        for _ in 0..self.rng.usize(..=self.out.len().min(6)) {
            let both = self.out.swap_remove(self.rng.usize(..self.out.len()));
            let settled = self.outcome(&both.store);
            outcomes.push((both, settled));
        }
        // Late, twice, or of an older attempt.
        if self.rng.u8(..4) == 0
            && let Some(both) = self.rng.choice(&self.all).cloned()
        {
            let settled = self.outcome(&both.store);
            outcomes.push((both, settled));
        }
        self.settle(outcomes).await
    }

    async fn look_up(&mut self) -> Result<(), String> {
        let lane = self.lanes[self.rng.usize(..4)];
        let store = self.store.unknown_jobs(lane, DeliveryId(0), 1_000).await.unwrap();
        let model = self.model.unknown_jobs(lane, DeliveryId(0), 1_000);
        let both = |jobs: &[Job]| jobs.iter().map(shown).collect::<Vec<_>>();
        compare("unknown", &both(&model), &both(&store))?;
        let mut outcomes = Vec::new();
        for (model, store) in model.into_iter().zip(store) {
            let settled = match self.rng.u8(..6) {
                0 => Settled::Delivered(remote(&format!("found {}", store.attempt))),
                1 | 2 => Settled::Waiting {
                    due_ms: self.now,
                    spent: true,
                    after_unknown: false,
                },
                3 => Settled::GoesAgain { due_ms: self.now },
                4 => Settled::Dropped,
                _ => continue,
            };
            let model = model.delivery;
            outcomes.push((Both { store, model }, settled));
        }
        self.settle(outcomes).await
    }

    async fn give_back(&mut self) {
        let n = self.rng.usize(..=self.out.len());
        let back: Vec<Both> = self.out.drain(..n).collect();
        self.say(format!(
            "given back: {:?}",
            back.iter()
                .map(|b| (b.store.notice, b.store.address.as_str()))
                .collect::<Vec<_>>()
        ));
        let store: Vec<_> = back.iter().map(|b| (b.store.delivery, b.store.attempt)).collect();
        let model: Vec<_> = back.iter().map(|b| (b.model, b.store.attempt)).collect();
        self.store.give_back(&store, self.now).await.unwrap();
        self.model.give_back(&model, self.now);
    }

    async fn toggle(&mut self) {
        let lane = self.lanes[self.rng.usize(..4)];
        let gate = match self.model.lanes[&lane].gate {
            Gate::Held if self.rng.u8(..3) == 0 => Gate::Open,
            Gate::Held => Gate::Draining,
            Gate::Open | Gate::Draining => Gate::Held,
        };
        self.say(format!("lane {lane} becomes {gate:?}"));
        let change = GateChange {
            lane,
            gate,
            cause: GateCause::Person,
            expected_epoch: None,
            reason: None,
        };
        self.store.set_gate(&change, &act("gate", self.now)).await.unwrap();
        self.model.set_gate(lane, gate, self.now);
    }

    async fn take_over(&mut self) -> Result<(), String> {
        let mut takeovers = Vec::new();
        for lane in self.lanes.clone() {
            takeovers.push(Takeover {
                lane,
                handle_for_ms: [None, Some(300_000), Some(Ms::MAX)][self.rng.usize(..3)],
                handles_from_ms: if self.rng.bool() { Ms::MIN } else { self.now - 60_000 },
                repeat: self.rng.u8(..4) == 0,
                drop: self.rng.u8(..4) == 0,
            });
        }
        self.out.clear();
        let store = self.store.take_over(&takeovers, self.now).await.unwrap();
        let model = self.model.take_over(&takeovers, self.now);
        self.say(format!("a takeover: {store:?}"));
        compare("taken over", &model, &store)
    }

    async fn expire(&mut self) -> Result<(), String> {
        self.say("expiry".into());
        let store = self.store.expire(self.now).await.unwrap();
        compare("expired", &self.model.expire(self.now), &store)
    }

    /// What ended some time ago goes, now and then only a part of it.
    async fn remove_old(&mut self) -> Result<(), String> {
        let before = self.now - [0, 60_000, 600_000][self.rng.usize(..3)];
        for _ in 0..self.rng.u8(1..4) {
            let limit = self.rng.u32(1..9);
            let store = self.store.remove_old(before, limit, self.now).await.unwrap();
            self.say(format!("what ended before {} goes: {store:?}", before - T0));
            let model = self.model.remove_old(before, limit, self.now);
            let shown = |it: Removed| (it.broadcast.is_some(), it.rows, it.done);
            compare("removed", &shown(model), &shown(store))?;
        }
        Ok(())
    }

    async fn receipts(&mut self) -> Result<(), String> {
        let Some(both) = self.rng.choice(&self.all).cloned() else {
            return Ok(());
        };
        let row = self.model.row(both.model);
        let lane = if self.rng.bool() { row.lane } else { row.by() };
        let job = &both.store;
        let words = [
            ReceiptWord::Delivered,
            ReceiptWord::Rejected,
            ReceiptWord::Expired,
            ReceiptWord::Buffered,
        ];
        let by_id = self.rng.bool();
        let attempt = job.attempt + u32::from(self.rng.u8(..6) == 0);
        let receipt = |delivery: DeliveryId, word| Receipt {
            delivery: (!by_id).then_some((delivery, attempt)),
            remote_id: by_id.then(|| format!("{}/{}/{}", job.notice, job.address, attempt)),
            word,
            raw: String::new(),
        };
        let word = words[self.rng.usize(..4)];
        self.say(format!(
            "a receipt for notice {} to {:?}, attempt {attempt}, by id {by_id}: {word:?}",
            job.notice, job.address
        ));
        let store = [receipt(job.delivery, word)];
        let store = self.store.receipts(lane, &store, self.now).await.unwrap();
        let model = self.model.receipts(lane, &[receipt(both.model, word)], self.now);
        compare("receipts", &model, &store)
    }

    async fn decide(&mut self) -> Result<(), String> {
        let Some(both) = self.rng.choice(&self.all).cloned() else {
            return Ok(());
        };
        let decision = [Decision::There, Decision::Again, Decision::Again, Decision::Drop][self.rng.usize(..4)];
        self.say(format!(
            "a person says of notice {} to {:?}: {decision:?}",
            both.store.notice, both.store.address
        ));
        let what = DecideOn::Delivery(both.store.delivery);
        let store = match self
            .store
            .decide(what, decision, &act("decide", self.now), self.now)
            .await
        {
            Ok(n) => Some(n),
            Err(StoreError::Refused(_)) => None,
            Err(error) => return Err(error.to_string()),
        };
        compare("decided", &self.model.decide(both.model, decision, self.now), &store)
    }

    /// A lane that another one stands in for gets into trouble, or out of it.
    async fn health(&mut self) {
        let lane = self.lanes[self.rng.usize(1..3)];
        let health = [Health::Well, Health::Probing, Health::Paused][self.rng.usize(..3)];
        let row = HealthRow {
            health,
            since_ms: self.now - self.rng.i64(0..90_000),
            ..well(0)
        };
        self.say(format!("lane {lane} is {health:?} since {}", row.since_ms - T0));
        self.store.set_health(lane, &row).await.unwrap();
        self.model.lanes.get_mut(&lane).unwrap().health = row;
    }

    /// Channels leave the configuration, and come back.
    async fn configure(&mut self) {
        let out = if self.rng.u8(..3) == 0 { self.rng.usize(..4) } else { 4 };
        let specs = specs();
        let left: Vec<LaneSpec> = specs
            .into_iter()
            .enumerate()
            .filter(|(n, _)| *n != out)
            .map(|(_, s)| s)
            .collect();
        self.say(format!("all are configured but {:?}", self.lanes.get(out)));
        self.store.configure(&left, self.now).await.unwrap();
        for (n, lane) in self.lanes.iter().enumerate() {
            self.model.lanes.get_mut(lane).unwrap().configured = n != out;
        }
    }

    /// The clock jumps, and the store's times with it.
    async fn shift(&mut self) {
        self.now = self.store.high_time(self.now).await.unwrap();
        self.model.high_time(self.now);
        let by = [7_000, 3_600_000, -7_000, -3_600_000][self.rng.usize(..4)];
        self.say(format!("the clock goes back by {by} ms"));
        self.store.shift_times(by, None, None).await.unwrap();
        self.model.shift_times(by);
        self.now -= by;
    }
}
