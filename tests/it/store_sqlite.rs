//! What is particular to the SQLite file: group commit, owner and wakes, schema, backup and restore.

use std::sync::Arc;

use rundruf::clock::{Ms, SystemClock};
use rundruf::domain::delivery::{DeliveryState, Gate};
use rundruf::domain::words::Kind;
use rundruf::ids::DeliveryId;
use rundruf::store::backup::{Restore, restore};
use rundruf::store::owner::{Changes, Owner, is_running, wake};
use rundruf::store::*;
use sqlx::Connection;

use crate::case_a_drain::older::back_to_schema_2;
use crate::store_conformance::fixture::*;

/// A commit into a log that must grow takes more than twice as long.
#[tokio::test]
async fn the_log_is_long_enough_before_it_is_needed() {
    let (dir, store) = sqlite().await;
    let lane = lanes(&store, &["a"]).await[0];
    publish(&store, notice("i", 1), vec![to(lane)], T0).await;
    store.lengthen_log().await.unwrap();
    let length = || std::fs::metadata(dir.path().join("data/rundruf.db-wal")).unwrap().len();
    let long = length();
    assert!(long > 16_000_000, "{long}");
    for number in 2..20 {
        publish(&store, notice("i", number), vec![to(lane)], T0).await;
    }
    assert_eq!(length(), long);
    assert_eq!(
        store
            .notices(store.incidents(None).await.unwrap()[0].id)
            .await
            .unwrap()
            .len(),
        19
    );
}

#[tokio::test]
async fn what_fails_in_a_group_spoils_no_other() {
    let (_dir, store) = sqlite().await;
    let lane = lanes(&store, &["a"]).await[0];
    let hold = GateChange {
        lane,
        gate: Gate::Held,
        cause: rundruf::domain::delivery::GateCause::Person,
        expected_epoch: Some(99),
        reason: None,
    };
    let (first, refused, last) = (act("first", T0), act("refused", T0), act("last", T0));
    let (a, b, c) = tokio::join!(store.audit(&first), store.set_gate(&hold, &refused), store.audit(&last));
    assert!(a.is_ok() && c.is_ok());
    assert!(matches!(b, Err(StoreError::Conflict(_))));
    let log = store.log(0, 10).await.unwrap();
    assert_eq!(log.len(), 2);
    assert_eq!(audit::first_break(&log), None);
}

/// Said to be unwritten, they would be written a second time, and look like a late answer.
#[tokio::test]
async fn outcomes_stand_where_the_claim_they_came_with_fails() {
    let (_dir, store) = sqlite().await;
    let lane = lanes(&store, &["a"]).await[0];
    publish(&store, notice("i", 1), vec![to(lane)], T0).await;
    let first = claim(&store, lane, T0).await.remove(0);
    publish(&store, notice("j", 1), vec![to(lane)], T0).await;
    let path = store.path().to_str().unwrap();
    let mut other = sqlx::SqliteConnection::connect(path).await.unwrap();
    sqlx::query("DELETE FROM variant WHERE broadcast > 1")
        .execute(&mut other)
        .await
        .unwrap();
    let with = ClaimRequest {
        settles: vec![completion(&first, T0, Settled::Delivered(remote("1")))],
        ..request(lane, T0)
    };
    let claimed = store.claim(&with).await.unwrap();
    assert_eq!((claimed.jobs.len(), claimed.next_due_ms), (0, Some(T0 + 1_000)));
    let row = store.deliveries(first.broadcast, None, 1).await.unwrap().remove(0);
    assert_eq!(row.state, DeliveryState::Delivered);
    let without = store.claim(&request(lane, T0)).await;
    assert!(without.is_err(), "of a broadcast without a text nothing can start");
}

#[tokio::test]
async fn the_owner_is_one_and_hears_of_others() {
    let (dir, store) = sqlite().await;
    let data = dir.path().join("data");
    let owner = Owner::try_take(&data).unwrap().unwrap();
    assert!(Owner::try_take(&data).unwrap().is_none());
    assert!(is_running(&data));
    let mut wakes = owner.wakes().unwrap();
    wake(&data);
    wakes.next().await;
    let other = Sqlite::open(store.path(), Arc::new(SystemClock)).await.unwrap();
    let seen = store.version().await.unwrap();
    store.audit(&act("own", T0)).await.unwrap();
    assert_eq!(store.version().await.unwrap(), seen, "our own commits are no news");
    let mut changes = Changes::from_now(Arc::new(store)).await;
    // One commit, before anybody waits for it: it is noticed all the same.
    other.audit(&act("other", T0)).await.unwrap();
    changes.changed().await;
    drop((owner, wakes));
    assert!(Owner::try_take(&data).unwrap().is_some());
}

#[tokio::test]
async fn a_newer_schema_is_refused_and_stays_as_it_is() {
    let (_dir, store) = sqlite().await;
    let path = store.path().to_owned();
    store.close().await;
    let mut connection = sqlx::SqliteConnection::connect(&format!("sqlite:{}", path.display()))
        .await
        .unwrap();
    sqlx::query("UPDATE _sqlx_migrations SET version = 99 WHERE version = ?")
        .bind(SCHEMA)
        .execute(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
    let refused = Sqlite::open(&path, Arc::new(SystemClock)).await;
    assert!(
        matches!(
            refused,
            Err(StoreError::Newer {
                found: 99,
                known: SCHEMA
            })
        ),
        "{refused:?}"
    );
    let beside = std::fs::read_dir(path.parent().unwrap()).unwrap();
    let names: Vec<_> = beside.map(|entry| entry.unwrap().file_name()).collect();
    assert!(
        names.iter().all(|name| !name.to_string_lossy().contains("schema")),
        "{names:?}"
    );
}

#[tokio::test]
async fn nothing_else_than_a_store_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("rundruf.db");
    std::fs::write(&path, "this is a letter to the mayor, not a store".repeat(99)).unwrap();
    let refused = Sqlite::open(&path, Arc::new(SystemClock)).await;
    assert!(matches!(refused, Err(StoreError::Broken(_))), "{refused:?}");
    let how = Restore {
        settling_kinds: &[],
        open_kinds: &[],
        key_file: &dir.path().join("other/rundruf.key"),
        now_ms: T0,
    };
    let from = restore(&path, &dir.path().join("other/rundruf.db"), &how).await;
    assert!(from.is_err());
    assert!(!dir.path().join("other/rundruf.db").exists());
}

#[tokio::test]
async fn a_restored_store_sends_nothing_that_may_have_been_sent() {
    let (dir, store) = sqlite().await;
    let ids = lanes(&store, &["sms", "list"]).await;
    people(&store, ids[1], &[("+1", &[]), ("+2", &[])]).await;
    let seq = publish(&store, notice("i", 1), vec![to(ids[0]), to_all(ids[1])], T0).await;
    let file = dir.path().join("backup.rundruf");
    store
        .backup(&file, Some(b"key"), true, &act("backup", T0))
        .await
        .unwrap();
    assert!(store.identity().await.unwrap().moved);
    assert!(claim(&store, ids[0], T0).await.is_empty(), "a moved store refuses");
    let again = store.backup(&file, None, false, &act("backup", T0)).await;
    assert!(matches!(again, Err(StoreError::Refused(_))));

    for (folder, settling_kinds) in [("asks", &[][..]), ("settles", &["kannel"][..])] {
        let path = dir.path().join(folder).join("rundruf.db");
        let how = Restore {
            settling_kinds,
            open_kinds: &["website"],
            key_file: &dir.path().join(folder).join("rundruf.key"),
            now_ms: T0 + 9,
        };
        let restored = restore(&file, &path, &how).await.unwrap();
        assert_eq!(restored.instance, 2);
        assert_eq!(std::fs::read(how.key_file).unwrap(), b"key");
        let settles = folder == "settles";
        let counts: Vec<_> = restored.lanes.iter().map(|l| (l.settles, l.asks)).collect();
        let expected = if settles { [(2, 0), (1, 0)] } else { [(0, 2), (0, 1)] };
        assert_eq!(counts, expected, "{folder}");
        let copy = Sqlite::open(&path, Arc::new(SystemClock)).await.unwrap();
        assert!(!copy.identity().await.unwrap().moved);
        assert!(copy.lane_rows().await.unwrap().iter().all(|l| l.gate == Gate::Held));
        assert_eq!(copy.recount().await.unwrap(), []);
        let rows = copy.broadcasts_of(seq).await.unwrap();
        let state = copy.deliveries(rows[1].id, None, 10).await.unwrap()[0].state;
        let release = GateChange {
            lane: ids[0],
            gate: Gate::Open,
            cause: rundruf::domain::delivery::GateCause::Person,
            expected_epoch: None,
            reason: None,
        };
        let lane = copy.set_gate(&release, &act("release", T0)).await.unwrap();
        let mut r = request(ids[0], T0 + 10);
        r.epoch = lane.epoch;
        let jobs = copy.claim(&r).await.unwrap().jobs;
        if settles {
            assert_eq!(state, DeliveryState::Waiting);
            assert!(jobs[0].after_unknown, "the handle's term runs from the old start");
            assert_eq!(jobs[0].first_started_ms, T0);
        } else {
            assert_eq!(state, DeliveryState::Unknown);
            assert!(jobs.is_empty());
            assert_eq!(copy.unknown_jobs(ids[0], DeliveryId(0), 10).await.unwrap().len(), 1);
        }
        let twice = restore(&file, &path, &how).await;
        assert!(matches!(twice, Err(StoreError::Refused(_))));
    }
}

/// A notice that a newer one has passed is not sent again, from a copy no more than from the store itself.
#[tokio::test]
async fn a_restored_store_keeps_the_order() {
    let (dir, store) = sqlite().await;
    let lane = lanes(&store, &["a"]).await[0];
    let passed = publish(&store, notice("i", 1), vec![to(lane)], T0).await;
    let newer = publish(&store, notice("i", 2), vec![to(lane)], T0).await;
    let job = claim(&store, lane, T0).await.remove(0);
    settle(&store, &job, T0, Settled::Unknown).await;
    let job = claim(&store, lane, T0 + 120_000).await.remove(0);
    assert_eq!(job.notice, newer);
    delivered(&store, &job, T0 + 120_000).await;
    let open = publish(&store, notice("j", 1), vec![to(lane)], T0).await;
    let file = dir.path().join("backup.rundruf");
    store.backup(&file, None, false, &act("backup", T0)).await.unwrap();
    let path = dir.path().join("copy/rundruf.db");
    let how = Restore {
        settling_kinds: &["kannel"],
        open_kinds: &["website"],
        key_file: &dir.path().join("copy/rundruf.key"),
        now_ms: T0 + 130_000,
    };
    let restored = restore(&file, &path, &how).await.unwrap();
    assert_eq!((restored.lanes[0].settles, restored.lanes[0].asks), (1, 1));
    let copy = Sqlite::open(&path, Arc::new(SystemClock)).await.unwrap();
    let release = GateChange {
        lane,
        gate: Gate::Open,
        cause: rundruf::domain::delivery::GateCause::Person,
        expected_epoch: None,
        reason: None,
    };
    let row = copy.set_gate(&release, &act("release", T0)).await.unwrap();
    let mut r = request(lane, T0 + 200_000);
    r.epoch = row.epoch;
    let jobs = copy.claim(&r).await.unwrap().jobs;
    assert_eq!(jobs.iter().map(|j| j.notice).collect::<Vec<_>>(), [open]);
    assert_eq!(board(&copy, passed).await.counters.unknown, 1);
    assert_eq!(copy.recount().await.unwrap(), []);
    let log = copy.log(0, 100).await.unwrap();
    let held = log.iter().filter(|line| line.act.action == "hold").count();
    assert_eq!(held, 1, "the gate that the restore closed is in the log");
}

/// What had not started when the copy was made has no text yet: each gets the one that is right for them.
#[tokio::test]
async fn a_restored_correction_is_a_first_message_for_whoever_has_not_got_what_it_corrects() {
    let (dir, store) = sqlite().await;
    let lane = lanes(&store, &["a"]).await[0];
    people(&store, lane, &[("+1", &[]), ("+2", &[])]).await;
    publish(&store, notice("i", 1), vec![to_all(lane)], T0).await;
    let mut jobs = claim(&store, lane, T0).await;
    delivered(&store, &jobs.remove(0), T0).await;
    settle(&store, &jobs.remove(0), T0, Settled::Permanent).await;
    let mut right = notice("i", 2);
    right.kind = Kind::Correction;
    right.corrects = vec![1];
    let mut correction = to_all(lane);
    for text in correction.variants.values_mut() {
        text.text = "Berichtigung: Die IT steht.".to_owned();
        text.first = Some("Die IT steht.".to_owned());
    }
    publish(&store, right, vec![correction], T0).await;
    let file = dir.path().join("backup.rundruf");
    store.backup(&file, None, false, &act("backup", T0)).await.unwrap();
    let path = dir.path().join("copy/rundruf.db");
    let how = Restore {
        settling_kinds: &["kannel"],
        open_kinds: &["website"],
        key_file: &dir.path().join("copy/rundruf.key"),
        now_ms: T0 + 9,
    };
    restore(&file, &path, &how).await.unwrap();
    let copy = Sqlite::open(&path, Arc::new(SystemClock)).await.unwrap();
    let release = GateChange {
        lane,
        gate: Gate::Open,
        cause: rundruf::domain::delivery::GateCause::Person,
        expected_epoch: None,
        reason: None,
    };
    let row = copy.set_gate(&release, &act("release", T0 + 9)).await.unwrap();
    // The one that was refused holds its successors for a while.
    let mut r = request(lane, T0 + 10_000_000);
    r.epoch = row.epoch;
    let jobs = copy.claim(&r).await.unwrap().jobs;
    let texts: Vec<_> = jobs
        .iter()
        .map(|j| (j.address.as_str(), j.variant.text.as_str()))
        .collect();
    assert_eq!(texts, [("+1", "Berichtigung: Die IT steht."), ("+2", "Die IT steht.")]);
}

/// What an older release had stored: suppressed in lower case, gone without a word in the list. Nobody of them is written to, before the addresses are
/// compared by the kind's idea and after.
#[tokio::test]
async fn whom_an_older_release_did_not_write_to_stays_so() {
    let (dir, store) = sqlite().await;
    let lane = lanes(&store, &["a"]).await[0];
    let all = ["Anna@Ex.example", "http://x/Hook", "HTTP://x/Bye", "http://x/there"];
    let person = |address: &str| Person {
        address: address.to_owned(),
        canonical: address.to_owned(),
        name: None,
        language: None,
        places: Vec::new(),
    };
    store.sync_audience(lane, &all.map(person), T0).await.unwrap();
    publish(&store, notice("i", 1), vec![to_all(lane)], T0).await;
    for job in claim(&store, lane, T0).await {
        let gone = job.address == "http://x/Hook";
        let settled = if gone {
            Settled::Gone
        } else {
            Settled::Delivered(remote("x"))
        };
        settle(&store, &job, T0 + 7, settled).await;
    }
    let path = store.path().to_owned();
    store.close().await;
    let mut c = sqlx::SqliteConnection::connect(&format!("sqlite:{}", path.display()))
        .await
        .unwrap();
    for sql in [
        "DELETE FROM suppression",
        "INSERT INTO suppression (lane, address, reason, at) VALUES (1, 'anna@ex.example', 0, 5), (1, 'http://x/bye', 2, 6)",
    ] {
        sqlx::query(sql).execute(&mut c).await.unwrap();
    }
    c.close().await.unwrap();
    back_to_schema_2(&path).await;

    let store = Sqlite::open(&path, Arc::new(SystemClock)).await.unwrap();
    let compared = |address: &str| url::Url::parse(address).map_or_else(|_| address.to_lowercase(), String::from);
    for number in 2..5 {
        publish(&store, notice("i", number), vec![to_all(lane)], T0).await;
        let jobs = claim(&store, lane, T0 + Ms::from(number)).await;
        assert_eq!(
            jobs.iter().map(|job| job.address.as_str()).collect::<Vec<_>>(),
            ["http://x/there"],
            "{number}"
        );
        delivered(&store, &jobs[0], T0).await;
        store.respell(&[(lane, &compared)]).await.unwrap();
        let people = all.map(|address| Person {
            canonical: compared(address),
            ..person(address)
        });
        assert_eq!(store.sync_audience(lane, &people, T0).await.unwrap().total, 1);
    }
    let mut kept: Vec<_> = store.suppressions().await.unwrap();
    kept.sort_by_key(|one| one.at_ms);
    let kept: Vec<_> = kept
        .iter()
        .map(|one| (one.address.as_str(), one.because, one.at_ms))
        .collect();
    assert_eq!(
        kept,
        [
            ("anna@ex.example", SuppressedBecause::Unsubscribed, 5),
            ("http://x/Bye", SuppressedBecause::ByHand, 6),
            ("http://x/Hook", SuppressedBecause::Gone, T0 + 7)
        ]
    );
    drop(dir);
}
