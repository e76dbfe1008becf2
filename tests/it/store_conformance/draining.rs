//! Releases with a ramp, and what probes and results do with the gate.

use rundruf::clock::Ms;
use rundruf::domain::delivery::{Gate, GateCause};
use rundruf::domain::outcome::Reason;
use rundruf::ids::LaneId;
use rundruf::lane_core::probation::{ProbeResult, ProbeRules, Step, Then, Verdict};
use rundruf::lane_core::ramp::Ramp;
use rundruf::store::*;
use rundruf::text::said::Said;

use super::fixture::*;

const RAMP: Ramp = Ramp {
    start: Rate {
        count: 60,
        per_ms: 60_000,
    },
    double_ms: 10_000,
    per_domain: None,
};

async fn gate<S: Store>(store: &S, lane: LaneId, gate: Gate, at: Ms) -> LaneRow {
    let change = GateChange {
        lane,
        gate,
        cause: GateCause::Person,
        expected_epoch: None,
        reason: None,
    };
    store.set_gate(&change, &act("gate", at)).await.unwrap()
}

/// Claims every 100 ms; when each row may start, and for whom.
async fn starts<S: Store>(store: &S, lane: LaneId, ramp: Ramp, from: Ms, until: Ms) -> Vec<(Ms, String)> {
    let mut starts = Vec::new();
    let epoch = row(store).await.epoch;
    for now in (from..until).step_by(100) {
        let r = ClaimRequest {
            epoch,
            ramp: Some(ramp),
            ..request(lane, now)
        };
        for job in store.claim(&r).await.unwrap().jobs {
            delivered(store, &job, now).await;
            starts.push((job.start_at_ms, job.address));
        }
    }
    starts
}

async fn row<S: Store>(store: &S) -> LaneRow {
    store.lane_rows().await.unwrap().remove(0)
}

async fn crowd<S: Store>(store: &S, count: usize, domain: &str) -> LaneId {
    let lane = lanes(store, &["a"]).await[0];
    let all: Vec<String> = (0..count).map(|n| format!("{n}@{domain}")).collect();
    let all: Vec<(&str, &[&str])> = all.iter().map(|address| (address.as_str(), [].as_slice())).collect();
    people(store, lane, &all).await;
    publish(store, notice("i", 1), vec![to_all(lane)], T0).await;
    gate(store, lane, Gate::Held, T0).await;
    lane
}

pub async fn a_drain_is_never_faster_than_its_ramp<S: Store>(store: &S) {
    let lane = crowd(store, 100, "ex.example").await;
    gate(store, lane, Gate::Draining, T0).await;
    let first = starts(store, lane, RAMP, T0, T0 + 15_000).await;
    assert!((18..=22).contains(&first.len()), "10 s at 1/s, 5 s at 2/s: {first:?}");
    let spacing = |of: &[(Ms, String)]| of.windows(2).map(|two| two[1].0 - two[0].0).min().unwrap();
    assert!(spacing(&first) >= 500, "{first:?}");
    // Held and let go again at once: the ramp begins anew, and what was reserved stays so.
    gate(store, lane, Gate::Held, T0 + 15_000).await;
    let row = gate(store, lane, Gate::Draining, T0 + 15_000).await;
    assert_eq!(row.ran.map(|ran| ran.ran_ms), Some(0));
    let second = starts(store, lane, RAMP, T0 + 15_000, T0 + 20_000).await;
    assert!(second[0].0 >= first.last().unwrap().0 + 500, "{second:?}");
    assert!(spacing(&second) >= 1_000, "{second:?}");
    // Who was off for a day has not been sending for a day.
    let third = starts(store, lane, RAMP, T0 + 86_400_000, T0 + 86_400_001).await;
    assert!(third.len() <= 65, "at most a minute counts: {third:?}");
}

/// Time in which nothing could go proves nothing: not even that somebody asked.
pub async fn a_ramp_stands_still_while_nothing_is_sent<S: Store>(store: &S) {
    let lane = crowd(store, 50, "ex.example").await;
    gate(store, lane, Gate::Draining, T0).await;
    let first = starts(store, lane, RAMP, T0, T0 + 3_000).await;
    assert!(!first.is_empty());
    let ran = row(store).await.ran.unwrap().ran_ms;
    // Everything waits for something else meanwhile; the lane asks on and on.
    let nothing = ClaimRequest {
        epoch: row(store).await.epoch,
        ramp: Some(RAMP),
        limit: 0,
        ..request(lane, T0)
    };
    for step in 1..=60 {
        let now_ms = T0 + 3_000 + step * 50_000;
        let r = ClaimRequest {
            now_ms,
            ..nothing.clone()
        };
        assert!(store.claim(&r).await.unwrap().jobs.is_empty());
    }
    assert_eq!(row(store).await.ran.unwrap().ran_ms, ran);
    let again = starts(store, lane, RAMP, T0 + 3_600_000, T0 + 3_600_001).await;
    assert!(again.len() <= 65, "at most a minute counts: {again:?}");
    assert!(row(store).await.ran.unwrap().ran_ms <= ran + 60_000);
}

pub async fn a_domain_gets_its_share_while_others_go<S: Store>(store: &S) {
    let lane = lanes(store, &["a"]).await[0];
    let mut all: Vec<String> = (0..30).map(|n| format!("{n}@gross.example")).collect();
    all.extend((0..6).map(|n| format!("{n}@klein{n}.example")));
    let all: Vec<(&str, &[&str])> = all.iter().map(|address| (address.as_str(), [].as_slice())).collect();
    people(store, lane, &all).await;
    let seq = publish(store, notice("i", 1), vec![to_all(lane)], T0).await;
    gate(store, lane, Gate::Draining, T0).await;
    let ramp = Ramp {
        per_domain: Some(Rate {
            count: 20,
            per_ms: 60_000,
        }),
        ..RAMP
    };
    let starts = starts(store, lane, ramp, T0, T0 + 12_000).await;
    let big: Vec<Ms> = starts
        .iter()
        .filter(|s| s.1.ends_with("gross.example"))
        .map(|s| s.0)
        .collect();
    assert!(big.windows(2).all(|two| two[1] - two[0] >= 3_000), "{starts:?}");
    assert!(big.len() >= 4, "{starts:?}");
    assert_eq!(
        starts.len() - big.len(),
        6,
        "the small ones wait for nobody: {starts:?}"
    );
    // A person lets all go at once: nobody waits for a turn any more.
    gate(store, lane, Gate::Open, T0 + 12_000).await;
    let open = ClaimRequest {
        epoch: row(store).await.epoch,
        ..request(lane, T0 + 12_000)
    };
    assert_eq!(store.claim(&open).await.unwrap().jobs.len(), 30 - big.len());
    assert_eq!(board(store, seq).await.counters.waiting, 0);
}

pub async fn a_drain_is_over_when_everybody_had_a_try<S: Store>(store: &S) {
    let lane = crowd(store, 2, "ex.example").await;
    let epoch = gate(store, lane, Gate::Draining, T0).await.epoch;
    let r = |at| ClaimRequest {
        epoch,
        ramp: Some(RAMP),
        ..request(lane, at)
    };
    let jobs = store.claim(&r(T0)).await.unwrap().jobs;
    let busy = store.claim(&r(T0 + 5_000)).await.unwrap();
    assert_eq!((jobs.len(), busy.jobs.len(), busy.drained), (2, 0, false));
    delivered(store, &jobs[0], T0 + 5_000).await;
    let later = Settled::Waiting {
        due_ms: T0 + 3_600_000,
        spent: true,
        after_unknown: false,
    };
    settle(store, &jobs[1], T0 + 5_000, later).await;
    assert!(
        store.claim(&r(T0 + 6_000)).await.unwrap().drained,
        "a straggler is no drain"
    );
}

pub async fn a_drain_stops_itself_when_too_much_is_refused<S: Store>(store: &S) {
    let lane = crowd(store, 40, "ex.example").await;
    let epoch = gate(store, lane, Gate::Draining, T0).await.epoch;
    let r = ClaimRequest {
        epoch,
        ..request(lane, T0)
    };
    let jobs = store.claim(&r).await.unwrap().jobs;
    for (n, job) in jobs.iter().enumerate().take(21) {
        let settled = if n % 10 == 0 {
            Settled::Permanent
        } else {
            Settled::Delivered(remote("x"))
        };
        let held = store.complete(&[completion(job, T0 + 1, settled)]).await.unwrap().held;
        assert_eq!(
            held.is_empty(),
            n < 19,
            "2 of 20 are too many, 2 of 19 say nothing: {n}"
        );
        if !held.is_empty() {
            break;
        }
    }
    let held = row(store).await;
    assert_eq!(
        (held.gate, held.gate_cause, held.epoch),
        (Gate::Held, GateCause::Itself, epoch + 1)
    );
    assert!(held.gate_reason.unwrap().en.contains("2 of the last 20"));
    let log = store.log(0, 100).await.unwrap();
    assert_eq!(log.last().unwrap().act.action, "hold");
    // Let go again, the window is empty; one "too fast" is enough.
    gate(store, lane, Gate::Draining, T0 + 2).await;
    let wait = Settled::Waiting {
        due_ms: T0 + 60_000,
        spent: false,
        after_unknown: false,
    };
    let slow = Completion {
        reason: Reason::RateLimited,
        ..completion(&jobs[30], T0 + 3, wait)
    };
    assert_eq!(store.complete(&[slow]).await.unwrap().held, [lane]);
}

async fn probe<S: Store>(store: &S, lane: LaneId, verdict: Verdict, at_ms: Ms) -> Step {
    let rules = ProbeRules {
        every_ms: 300_000,
        good: 2,
        then: Then::Do,
        ramp: true,
    };
    let found = ProbeResult {
        at_ms,
        epoch: row(store).await.epoch,
        verdict,
        text: Said::quoted("250"),
    };
    store.probed(lane, &found, &rules).await.unwrap()
}

pub async fn a_probe_releases_and_holds_in_the_commit_that_notes_it<S: Store>(store: &S) {
    let lane = lanes(store, &["a"]).await[0];
    let held = LaneSpec {
        first_gate: Gate::Held,
        settings_hash: "y".into(),
        ..spec("a", "host/user")
    };
    store.configure(&[held], T0).await.unwrap();
    let probe = async |verdict, at| probe(store, lane, verdict, at).await;
    assert_eq!(probe(Verdict::Good, T0 + 1).await, Step::Leave);
    assert_eq!(probe(Verdict::Good, T0 + 2).await, Step::Release);
    let released = row(store).await;
    assert_eq!(
        (released.gate, released.gate_by.as_deref()),
        (Gate::Draining, Some("probe"))
    );
    assert_eq!(released.probe.as_ref().unwrap().in_row, 2);
    assert_eq!(probe(Verdict::Bad, T0 + 3).await, Step::Hold);
    let again = row(store).await;
    assert_eq!((again.gate, again.epoch), (Gate::Held, released.epoch + 1));
    assert!(again.gate_reason.unwrap().de.contains("misslingt wieder"));
    // A person holds: the probe proposes and does nothing.
    gate(store, lane, Gate::Held, T0 + 4).await;
    for at in 5..9 {
        assert_eq!(probe(Verdict::Good, T0 + at).await, Step::Leave);
    }
    assert!(row(store).await.probe.unwrap().proposes);
}

/// Its findings are told apart by the gate they were about, not by clocks.
pub async fn a_probe_counts_on_after_the_clock_went_back<S: Store>(store: &S) {
    let lane = lanes(store, &["a"]).await[0];
    let held = GateChange {
        lane,
        gate: Gate::Held,
        cause: GateCause::Probe,
        expected_epoch: None,
        reason: None,
    };
    let hour = T0 + 3_600_000;
    store.set_gate(&held, &act("hold", hour)).await.unwrap();
    store.high_time(hour).await.unwrap();
    store.shift_times(3_600_000, None, None).await.unwrap();
    assert_eq!(probe(store, lane, Verdict::Good, T0 + 1).await, Step::Leave);
    assert_eq!(probe(store, lane, Verdict::Good, T0 + 2).await, Step::Release);
}

pub async fn what_a_removed_probe_had_found_is_forgotten<S: Store>(store: &S) {
    let probed = LaneSpec {
        probes: true,
        ..spec("a", "host/user")
    };
    let lane = store.configure(std::slice::from_ref(&probed), T0).await.unwrap()[0].id;
    probe(store, lane, Verdict::Bad, T0 + 1).await;
    let known = store.configure(std::slice::from_ref(&probed), T0 + 2).await.unwrap();
    assert!(known[0].probe.is_some(), "registered again, it still fails");
    let elsewhere = LaneSpec {
        account: "other/user".into(),
        ..probed.clone()
    };
    let none = spec("a", "host/user");
    for changed in [vec![elsewhere], vec![none], Vec::new()] {
        store.configure(&changed, T0 + 3).await.unwrap();
        assert_eq!(row(store).await.probe, None);
        store.configure(std::slice::from_ref(&probed), T0 + 4).await.unwrap();
        probe(store, lane, Verdict::Bad, T0 + 5).await;
    }
}
