//! Website targets.

use rundruf::domain::delivery::BroadcastState;
use rundruf::domain::outcome::Reason;
use rundruf::store::*;

use super::fixture::*;

async fn website<S: Store>(store: &S) -> LaneRow {
    let mut web = spec("web", "");
    let target = |address: &str, link| TargetSpec {
        address: address.into(),
        link,
    };
    web.targets = vec![target("file:a", true), target("file:b", false)];
    let rows = store.configure(&[web, spec("sms", "")], T0).await.unwrap();
    rows[0].clone()
}

fn level(lane: rundruf::ids::LaneId) -> NewBroadcast {
    NewBroadcast {
        levels: true,
        ..to(lane)
    }
}

fn done(lane: &LaneRow, target: &TargetRow) -> TargetResult {
    TargetResult {
        lane: lane.id,
        target: target.id,
        generation: target.wanted,
        at_ms: T0 + 50,
        result: Ok(3),
    }
}

pub async fn one_upload_ends_all_that_waited<S: Store>(store: &S) {
    let web = website(store).await;
    let first = publish(store, notice("i", 1), vec![level(web.id)], T0).await;
    let second = publish(store, notice("i", 2), vec![level(web.id)], T0).await;
    let targets = store.targets(web.id).await.unwrap();
    assert_eq!((targets[0].wanted, targets[0].done), (2, 0));
    assert!(claim(store, web.id, T0).await.is_empty(), "levels are not claimed");
    for notice in [first, second] {
        assert_eq!(board(store, notice).await.counters.expected, 2, "one for each target");
    }
    store.target_result(&done(&web, &targets[0])).await.unwrap();
    assert_eq!(board(store, first).await.counters.delivered, 1);
    let failed = TargetResult {
        result: Err(TargetFailure {
            failures: 1,
            due_ms: T0 + 1_000,
            reason: Reason::NotConnected,
            text: rundruf::said!("keine Verbindung", "no connection"),
        }),
        ..done(&web, &targets[1])
    };
    store.target_result(&failed).await.unwrap();
    let row = board(store, second).await;
    assert_eq!(row.last_text, Some(rundruf::said!("keine Verbindung", "no connection")));
    assert_eq!(row.state, BroadcastState::Opened);
    store.target_result(&done(&web, &targets[1])).await.unwrap();
    assert_eq!(board(store, second).await.state, BroadcastState::Ended);
    store.raise_targets(web.id, T0).await.unwrap();
    let targets = store.targets(web.id).await.unwrap();
    assert_eq!((targets[1].wanted, targets[1].done, targets[1].failures), (3, 2, 0));
}

pub async fn messages_wait_for_their_link<S: Store>(store: &S) {
    let web = website(store).await;
    let rows = store.lane_rows().await.unwrap();
    let sms = rows.iter().find(|r| r.name == "sms").unwrap().id;
    let waits = NewBroadcast {
        waits_for_link: Some((web.id, T0 + 5_000)),
        ..to(sms)
    };
    publish(store, notice("i", 1), vec![waits.clone(), level(web.id)], T0).await;
    let claimed = store.claim(&request(sms, T0)).await.unwrap();
    assert_eq!((claimed.jobs.len(), claimed.next_due_ms), (0, Some(T0 + 5_000)));
    let targets = store.targets(web.id).await.unwrap();
    store.target_result(&done(&web, &targets[0])).await.unwrap();
    assert_eq!(claim(store, sms, T0 + 1).await.len(), 1);
    // A link that does not come holds nobody longer than was said.
    publish(store, notice("j", 1), vec![waits, level(web.id)], T0).await;
    assert!(claim(store, sms, T0 + 4_999).await.is_empty());
    assert_eq!(claim(store, sms, T0 + 5_000).await.len(), 1);
}
