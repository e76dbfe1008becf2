//! Short words for what the tests need: a store, notices, broadcasts, claims.

use std::collections::BTreeMap;
use std::sync::Arc;

use rundruf::clock::{Ms, SystemClock};
use rundruf::domain::delivery::{CatchUp, Gate, Operation};
use rundruf::domain::facts::Facts;
use rundruf::domain::notice::{Notice, Scope, Words};
use rundruf::domain::outcome::{Reason, Remote};
use rundruf::domain::words::{IncidentState, Kind};
use rundruf::ids::{LaneId, NoticeSeq};
use rundruf::store::*;
use rundruf::text::lang::Lang;
use rundruf::text::said::Said;

/// The tests' beginning of time.
pub const T0: Ms = 1_700_000_000_000;

pub async fn sqlite() -> (tempfile::TempDir, Sqlite) {
    let dir = tempfile::tempdir().unwrap();
    let store = Sqlite::open(&dir.path().join("data/rundruf.db"), Arc::new(SystemClock))
        .await
        .unwrap();
    (dir, store)
}

pub fn act(action: &str, at_ms: Ms) -> Act {
    Act {
        at_ms,
        actor: "os:anna".into(),
        action: action.into(),
        object: "test".into(),
        details: serde_json::Value::Null,
    }
}

pub fn notice(incident: &str, number: u32) -> Notice {
    Notice {
        publisher: "soest".into(),
        incident: incident.into(),
        number,
        kind: Kind::Notice,
        state: IncidentState::Restricted,
        exercise: false,
        title: None,
        parent: None,
        words: BTreeMap::from([(
            Lang::De,
            Words {
                headline: format!("Meldung {number}"),
                summary: "Die IT steht.".into(),
                ..Words::default()
            },
        )]),
        scope: Scope::All,
        at: None,
        since: None,
        as_of: jiff::Timestamp::UNIX_EPOCH,
        published: jiff::Timestamp::UNIX_EPOCH,
        next: None,
        replaces: Vec::new(),
        takes_back: Vec::new(),
        corrects: Vec::new(),
        urgent: false,
        cleared_with: None,
        facts: Facts::default(),
    }
}

pub fn places(names: &[&str]) -> Scope {
    Scope::Named {
        places: names.iter().map(ToString::to_string).collect(),
        services: Vec::new(),
    }
}

/// A broadcast to one account.
pub fn to(lane: LaneId) -> NewBroadcast {
    let variant = Variant {
        first: None,
        format: 1,
        text: "Die IT steht.".into(),
        payload: serde_json::Value::Null,
        fit: Fit::default(),
    };
    NewBroadcast {
        lane,
        variants: BTreeMap::from([(Lang::De, variant)]),
        operation: Operation::Post,
        catch_up: CatchUp::Every,
        expires_at_ms: None,
        waits_for_link: None,
        audience: false,
        levels: false,
    }
}

/// A broadcast to an audience.
pub fn to_all(lane: LaneId) -> NewBroadcast {
    NewBroadcast {
        audience: true,
        ..to(lane)
    }
}

pub fn publication(notice: Notice, broadcasts: Vec<NewBroadcast>, at: Ms) -> Publication {
    Publication {
        new_incident_title: (notice.number == 1).then(|| "IT-Ausfall".into()),
        key: format!("key-{}", notice.number),
        content_hash: format!("hash-{}", notice.number),
        after: None,
        notice,
        broadcasts,
        act: act("publish", at),
    }
}

/// Publishes and says which row it became.
pub async fn publish<S: Store>(store: &S, notice: Notice, broadcasts: Vec<NewBroadcast>, at: Ms) -> NoticeSeq {
    match store.publish(&publication(notice, broadcasts, at)).await.unwrap() {
        Published::New { seq, .. } => seq,
        other => panic!("not new: {other:?}"),
    }
}

/// Lanes of these names, open.
pub async fn lanes<S: Store>(store: &S, names: &[&str]) -> Vec<LaneId> {
    let specs: Vec<LaneSpec> = names.iter().map(|name| spec(name, "host/user")).collect();
    let rows = store.configure(&specs, T0).await.unwrap();
    rows.iter().map(|row| row.id).collect()
}

pub fn spec(name: &str, account: &str) -> LaneSpec {
    LaneSpec {
        name: name.into(),
        kind: "kannel".into(),
        account: account.into(),
        settings_hash: "x".into(),
        first_gate: Gate::Open,
        targets: Vec::new(),
        failover: None,
        probes: false,
    }
}

pub async fn people<S: Store>(store: &S, lane: LaneId, list: &[(&str, &[&str])]) -> AudienceChange {
    let people: Vec<Person> = list
        .iter()
        .map(|(address, places)| Person {
            address: (*address).into(),
            canonical: address.to_lowercase(),
            name: None,
            language: None,
            places: places.iter().map(ToString::to_string).collect(),
        })
        .collect();
    store.sync_audience(lane, &people, T0).await.unwrap()
}

pub fn request(lane: LaneId, now_ms: Ms) -> ClaimRequest {
    ClaimRequest {
        lane,
        epoch: 1,
        now_ms,
        expires: true,
        limit: 100,
        probe: false,
        lease_ms: 30_000,
        rate: None,
        ramp: None,
        late_ms: 0,
        turns: 1_024,
        opens: 0,
        order_wait_ms: 120_000,
        correction_wait_ms: 300_000,
        settles: Vec::new(),
    }
}

pub async fn claim<S: Store>(store: &S, lane: LaneId, now: Ms) -> Vec<Job> {
    store.claim(&request(lane, now)).await.unwrap().jobs
}

pub fn remote(id: &str) -> Remote {
    Remote {
        id: Some(id.into()),
        url: None,
    }
}

pub fn completion(job: &Job, at_ms: Ms, settled: Settled) -> Completion {
    Completion {
        delivery: job.delivery,
        attempt: job.attempt,
        at_ms,
        settled,
        reason: Reason::Ok,
        text: Said::default(),
    }
}

pub async fn settle<S: Store>(store: &S, job: &Job, at: Ms, settled: Settled) {
    store.complete(&[completion(job, at, settled)]).await.unwrap();
}

pub async fn delivered<S: Store>(store: &S, job: &Job, at: Ms) {
    let id = format!("post-{}", job.delivery);
    settle(store, job, at, Settled::Delivered(remote(&id))).await;
}

/// The states of a notice's only broadcast.
pub async fn board<S: Store>(store: &S, seq: NoticeSeq) -> BroadcastRow {
    store.broadcasts_of(seq).await.unwrap().remove(0)
}
