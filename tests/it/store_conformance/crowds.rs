//! A release with a ramp to an audience most of which is at one domain: the others do not wait for it.

use std::collections::BTreeMap;

use rundruf::clock::Ms;
use rundruf::domain::delivery::{Gate, GateCause};
use rundruf::ids::{LaneId, NoticeSeq};
use rundruf::lane_core::ramp::Ramp;
use rundruf::store::*;

use super::fixture::*;

/// A start each second, one in three seconds to each domain.
const RAMP: Ramp = Ramp {
    start: Rate {
        count: 60,
        per_ms: 60_000,
    },
    double_ms: 86_400_000,
    per_domain: Some(Rate {
        count: 20,
        per_ms: 60_000,
    }),
};
const TURNS: u32 = 32;
const BIG: usize = 200;
const SMALL: usize = 12;

/// First all of the big domain, then the others.
async fn crowd<S: Store>(store: &S) -> LaneId {
    let lane = lanes(store, &["a"]).await[0];
    let mut all: Vec<String> = (0..BIG).map(|n| format!("{n}@Gross.example")).collect();
    all.extend((0..SMALL).map(|n| format!("{n}@klein{n}.example")));
    let all: Vec<(&str, &[&str])> = all.iter().map(|address| (address.as_str(), [].as_slice())).collect();
    people(store, lane, &all).await;
    lane
}

async fn gate<S: Store>(store: &S, lane: LaneId, gate: Gate, at: Ms) {
    let change = GateChange {
        lane,
        gate,
        cause: GateCause::Person,
        expected_epoch: None,
        reason: None,
    };
    store.set_gate(&change, &act("gate", at)).await.unwrap();
}

/// A claim each second; when each started, whom it is for, which notice.
async fn starts<S: Store>(store: &S, lane: LaneId, seconds: std::ops::Range<i64>) -> Vec<(Ms, String, NoticeSeq)> {
    let epoch = store.lane_rows().await.unwrap()[0].epoch;
    let mut starts = Vec::new();
    for second in seconds {
        let r = ClaimRequest {
            epoch,
            ramp: Some(RAMP),
            turns: TURNS,
            ..request(lane, T0 + second * 1_000)
        };
        for job in store.claim(&r).await.unwrap().jobs {
            delivered(store, &job, r.now_ms).await;
            starts.push((job.start_at_ms, job.address, job.notice));
        }
    }
    starts
}

fn is_big(address: &str) -> bool {
    address.ends_with("@Gross.example")
}

pub async fn a_slow_domain_holds_up_nobody_else<S: Store>(store: &S) {
    let lane = crowd(store).await;
    let seq = publish(store, notice("i", 1), vec![to_all(lane)], T0).await;
    gate(store, lane, Gate::Draining, T0).await;
    let big_ones = async || {
        let domains = store.domains(lane).await.unwrap();
        domains.get("gross.example").copied().unwrap_or(0)
    };
    assert_eq!(big_ones().await, BIG as u64);
    let first = starts(store, lane, 0..40).await;
    let gone = first.iter().filter(|s| is_big(&s.1)).count();
    assert_eq!(big_ones().await, (BIG - gone) as u64, "with and without a row");
    let small = first.iter().filter(|s| !is_big(&s.1)).count();
    assert_eq!(small, SMALL, "the last ones of the list wait for nobody: {first:?}");
    assert!(first.len() - small >= 8, "nor does the big domain: {first:?}");
    let opened = store.broadcasts(None).await.unwrap()[0].counters.waiting;
    assert!(opened <= 2 * u64::from(TURNS), "{opened} rows wait for their turns");

    let mut all = first;
    all.extend(starts(store, lane, 40..BIG as i64 * 3 + 60).await);
    let big: Vec<Ms> = all.iter().filter(|s| is_big(&s.1)).map(|s| s.0).collect();
    assert!(big.windows(2).all(|two| two[1] - two[0] >= 3_000), "{big:?}");
    let mut times: BTreeMap<&str, u32> = BTreeMap::new();
    for (_, address, _) in &all {
        *times.entry(address).or_default() += 1;
    }
    assert!(times.values().all(|n| *n == 1), "{times:?}");
    let row = board(store, seq).await;
    assert_eq!(row.counters.delivered, (BIG + SMALL) as u64);
    assert_eq!(row.counters.expected, (BIG + SMALL) as u64);
}

pub async fn whom_a_crowd_has_left_out_goes_when_the_gate_opens<S: Store>(store: &S) {
    let lane = crowd(store).await;
    publish(store, notice("i", 1), vec![to_all(lane)], T0).await;
    gate(store, lane, Gate::Draining, T0).await;
    let first = starts(store, lane, 0..40).await;
    gate(store, lane, Gate::Open, T0 + 40_000).await;
    let r = ClaimRequest {
        epoch: store.lane_rows().await.unwrap()[0].epoch,
        limit: 1_000,
        ..request(lane, T0 + 40_000)
    };
    let rest = store.claim(&r).await.unwrap().jobs;
    assert_eq!(first.len() + rest.len(), BIG + SMALL);
}

pub async fn a_newer_notice_passes_no_older_one_in_a_crowd<S: Store>(store: &S) {
    let lane = crowd(store).await;
    let older = publish(store, notice("i", 1), vec![to_all(lane)], T0).await;
    gate(store, lane, Gate::Draining, T0).await;
    let mut all = starts(store, lane, 0..20).await;
    let mut urgent = notice("i", 2);
    urgent.urgent = true;
    let newer = publish(store, urgent, vec![to_all(lane)], T0 + 20_000).await;
    all.extend(starts(store, lane, 20..BIG as i64 * 6 + 120).await);
    for (seq, at) in [(older, "the older one"), (newer, "the newer one")] {
        assert_eq!(board(store, seq).await.counters.delivered, (BIG + SMALL) as u64, "{at}");
    }
    let mut newest: BTreeMap<&str, NoticeSeq> = BTreeMap::new();
    for (at, address, seq) in &all {
        let before = newest.insert(address, *seq);
        assert!(before.is_none_or(|before| before < *seq), "{address} got {seq} at {at}");
    }
}

/// With an umlaut or as machines write it: to the mail server it is one domain.
pub async fn a_domain_has_one_rate_however_it_is_spelled<S: Store>(store: &S) {
    let lane = lanes(store, &["a"]).await[0];
    let person = |address: &str| Person {
        address: address.to_owned(),
        canonical: address.to_lowercase().replace("städt", "xn--stdt-moa"),
        name: None,
        language: None,
        places: Vec::new(),
    };
    let list = ["a@städt.example", "b@xn--stdt-moa.example", "c@STÄDT.example"].map(person);
    store.sync_audience(lane, &list, T0).await.unwrap();
    publish(store, notice("i", 1), vec![to_all(lane)], T0).await;
    gate(store, lane, Gate::Draining, T0).await;
    let domains = store.domains(lane).await.unwrap();
    assert_eq!(Vec::from_iter(domains), [("xn--stdt-moa.example".to_owned(), 3)]);
    let times = starts(store, lane, 0..12).await;
    let times: Vec<Ms> = times.iter().map(|start| start.0).collect();
    assert_eq!(times.len(), 3);
    assert!(times.windows(2).all(|two| two[1] - two[0] >= 3_000), "{times:?}");
}
