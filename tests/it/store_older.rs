//! What older releases had stored goes on as people would expect.

use std::collections::BTreeMap;
use std::sync::Arc;

use rundruf::clock::SystemClock;
use rundruf::domain::delivery::Operation;
use rundruf::domain::words::Kind;
use rundruf::store::*;
use sqlx::{Connection, SqliteConnection};

use super::case_a_drain::older::back_to_schema;
use super::store_conformance::fixture::*;

async fn alter(path: &std::path::Path, statements: &[&'static str]) {
    let mut c = SqliteConnection::connect(&format!("sqlite:{}", path.display()))
        .await
        .unwrap();
    for sql in statements {
        sqlx::query(*sql).execute(&mut c).await.unwrap();
    }
    c.close().await.unwrap();
}

fn person(address: &str, compared: Compared<'_>) -> Person {
    Person {
        address: address.to_owned(),
        canonical: compared(address),
        name: None,
        language: None,
        places: Vec::new(),
    }
}

/// Suppressed before any list named them, in lower case: of a web address that says less than the address does.
#[tokio::test]
async fn whom_somebody_suppressed_in_advance_stays_so_when_a_list_names_them() {
    let (_dir, store) = sqlite().await;
    let lane = lanes(&store, &["a"]).await[0];
    let compared = |address: &str| url::Url::parse(address).map_or_else(|_| address.to_lowercase(), String::from);
    let path = store.path().to_owned();
    store
        .sync_audience(lane, &[person("http://x/there", &str::to_owned)], T0)
        .await
        .unwrap();
    store.close().await;
    alter(
        &path,
        &["INSERT INTO suppression (lane, address, reason, at) VALUES (1, 'http://x/hooks/kreis', 2, 6), (1, 'http://x/never', 2, 7)"],
    )
    .await;
    back_to_schema(&path, 2).await;
    let store = Sqlite::open(&path, Arc::new(SystemClock)).await.unwrap();
    store.respell(&[(lane, &compared)]).await.unwrap();
    let list = ["http://x/there", "http://X/Hooks/Kreis"].map(|address| person(address, &compared));
    for _ in 0..2 {
        assert_eq!(store.sync_audience(lane, &list, T0).await.unwrap().total, 1);
    }
    publish(&store, notice("i", 1), vec![to_all(lane)], T0).await;
    let jobs = claim(&store, lane, T0).await;
    assert_eq!(
        jobs.iter().map(|job| job.address.as_str()).collect::<Vec<_>>(),
        ["http://x/there"]
    );
    // Who was meant stands there in their own letters, and can be lifted by them; another one in other letters is somebody else from now on.
    let stands = async || {
        let all = store.suppressions().await.unwrap();
        Vec::from_iter(all.into_iter().map(|one| (one.address, one.at_ms)))
    };
    assert_eq!(
        stands().await,
        [("http://x/never".to_owned(), 7), ("http://x/Hooks/Kreis".to_owned(), 6)]
    );
    let act = act("unsuppress", T0);
    assert!(store.lift(lane, "http://x/Hooks/Kreis", &act).await.unwrap().suppressed);
    let more = [list.as_slice(), &[person("http://x/hooks/KREIS", &compared)]].concat();
    assert_eq!(store.sync_audience(lane, &more, T0).await.unwrap().total, 3);
}

/// A correction that waited while the release with digests of its own came: what it does to a post it does not to the digest's, which is about more.
#[tokio::test]
async fn a_waiting_correction_leaves_an_older_releases_digest_alone() {
    let (_dir, store) = sqlite().await;
    let lane = lanes(&store, &["a"]).await[0];
    people(&store, lane, &[("a@ex", &[]), ("b@ex", &[])]).await;
    let digest = || NewBroadcast {
        catch_up: rundruf::domain::delivery::CatchUp::Digest,
        ..to_all(lane)
    };
    for number in [1, 2] {
        publish(&store, notice("i", number), vec![digest()], T0).await;
    }
    let due = store.due_cuts(lane, Some(T0)).await.unwrap().remove(0);
    let texts: BTreeMap<_, _> = to(lane).variants;
    store.cut(&FrozenCut { due, texts }, T0 + 1).await.unwrap();
    let mut one = request(lane, T0 + 2);
    one.limit = 1;
    let job = store.claim(&one).await.unwrap().jobs.remove(0);
    delivered(&store, &job, T0 + 3).await;
    let mut right = notice("i", 3);
    (right.kind, right.corrects) = (Kind::Correction, vec![1]);
    let correction = NewBroadcast {
        operation: Operation::Edit,
        ..digest()
    };
    publish(&store, right, vec![correction], T0 + 4).await;
    let path = store.path().to_owned();
    store.close().await;
    // As it was stored: the digest beside its notice's own text, its broadcast like one that is corrected, and out of the cut what is wrong.
    alter(
        &path,
        &[
            "UPDATE variant SET body = json_set(body, '$.digest', json((SELECT d.body FROM digest d WHERE d.broadcast = variant.broadcast)))
             WHERE broadcast IN (SELECT broadcast FROM digest)",
            "UPDATE broadcast SET corrects = '[2,1]' WHERE kind = 1",
            "DELETE FROM cut",
        ],
    )
    .await;
    back_to_schema(&path, 6).await;
    let store = Sqlite::open(&path, Arc::new(SystemClock)).await.unwrap();
    let jobs = claim(&store, lane, T0 + 400_000).await;
    let told = jobs.iter().find(|job| job.notice.0 == 3 && job.address == "a@ex");
    let told = told.expect("whoever had the wrong words from the digest hears of it");
    assert_eq!((told.operation, &told.target), (Operation::Post, &None), "{told:?}");
}
