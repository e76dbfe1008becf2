//! Publishing: the commit is the answer, the key makes it once.

use rundruf::domain::delivery::BroadcastState;
use rundruf::store::*;

use super::fixture::*;

pub async fn the_same_key_publishes_once<S: Store>(store: &S) {
    let lane = lanes(store, &["a"]).await[0];
    let p = publication(notice("i", 1), vec![to(lane)], T0);
    let Published::New { seq, incident } = store.publish(&p).await.unwrap() else {
        panic!("the first is new");
    };
    let again = store.publish(&p).await.unwrap();
    assert_eq!(
        again,
        Published::Existing {
            seq,
            incident,
            number: 1
        }
    );
    assert_eq!(store.broadcasts(None).await.unwrap().len(), 1);
    assert_eq!(store.notices(incident).await.unwrap()[0].notice, p.notice);
    let incidents = store.incidents(Some("soest")).await.unwrap();
    assert_eq!(incidents[0].title.as_deref(), Some("IT-Ausfall"));
    assert_eq!(incidents[0].last_number, 1);
}

pub async fn another_content_under_a_key_is_refused<S: Store>(store: &S) {
    let lane = lanes(store, &["a"]).await[0];
    let mut p = publication(notice("i", 1), vec![to(lane)], T0);
    store.publish(&p).await.unwrap();
    p.content_hash = "other".into();
    assert_eq!(store.publish(&p).await.unwrap(), Published::KeyTaken { number: 1 });
}

pub async fn after_names_what_came_between<S: Store>(store: &S) {
    for number in 1..=3 {
        publish(store, notice("i", number), vec![], T0).await;
    }
    let mut p = publication(notice("i", 4), vec![], T0);
    p.after = Some(1);
    assert_eq!(
        store.publish(&p).await.unwrap(),
        Published::CameBetween { numbers: vec![2, 3] }
    );
    p.after = Some(3);
    assert!(matches!(store.publish(&p).await.unwrap(), Published::New { .. }));
    let wrong_number = publication(notice("i", 9), vec![], T0);
    assert!(matches!(
        store.publish(&wrong_number).await,
        Err(StoreError::Conflict(_))
    ));
}

pub async fn a_closed_incident_takes_nothing<S: Store>(store: &S) {
    publish(store, notice("i", 1), vec![], T0).await;
    let incident = store.incidents(None).await.unwrap()[0].id;
    store.set_closed(incident, true, &act("close", T0)).await.unwrap();
    let p = publication(notice("i", 2), vec![], T0);
    assert!(matches!(store.publish(&p).await, Err(StoreError::Refused(_))));
    store.set_closed(incident, false, &act("reopen", T0)).await.unwrap();
    assert!(store.publish(&p).await.is_ok());
}

pub async fn every_line_of_the_log_follows_from_the_one_before<S: Store>(store: &S) {
    let lane = lanes(store, &["a"]).await[0];
    let seq = publish(store, notice("i", 1), vec![to_all(lane)], T0).await;
    store.audit(&act("look", T0)).await.unwrap();
    let mut log = store.log(0, 100).await.unwrap();
    assert_eq!(log.len(), 2);
    assert_eq!(audit::first_break(&log), None);
    log[0].act.actor = "os:mallory".into();
    assert_eq!(audit::first_break(&log), Some(1));
    // Nobody in the audience: the broadcast ends with the first claim.
    assert!(claim(store, lane, T0).await.is_empty());
    assert_eq!(board(store, seq).await.state, BroadcastState::Ended);
}
