//! Lists of recipients as they are taken over: over many pages, again and again, broken off, two at once; and what they cost without being read.

use std::collections::BTreeSet;
use std::sync::mpsc;
use std::time::Duration;

use rundruf::ids::LaneId;
use rundruf::store::*;

use super::contract::sms;
use super::store_conformance::fixture::*;
use super::support::TestApp;
use super::support::clock::WallClock;

/// More than four pages of them.
const PEOPLE: u32 = 4 * LIST_PAGE as u32 + 500;

fn person(n: u32) -> Person {
    Person {
        address: format!("+{n}"),
        canonical: format!("+{n}"),
        name: None,
        language: None,
        places: Vec::new(),
    }
}

fn everybody() -> Vec<Person> {
    (0..PEOPLE).map(person).collect()
}

/// Page by page, as a file is; before a page it does what it is told.
struct Paged<F> {
    people: Vec<Person>,
    pages: usize,
    before: F,
    mark: &'static str,
}

impl<F: FnMut(usize) -> Result<(), StoreError> + Send> Paged<F> {
    fn new(people: Vec<Person>, mark: &'static str, before: F) -> Self {
        Self {
            people,
            pages: 0,
            before,
            mark,
        }
    }
}

impl<F: FnMut(usize) -> Result<(), StoreError> + Send> List for Paged<F> {
    fn page(&mut self) -> Result<Vec<Person>, StoreError> {
        self.pages += 1;
        (self.before)(self.pages)?;
        let rest = self.people.split_off(self.people.len().min(LIST_PAGE));
        Ok(std::mem::replace(&mut self.people, rest))
    }

    fn mark(&self) -> Option<ListMark> {
        Some(ListMark {
            stamp: Some("1".to_owned()),
            hash: self.mark.to_owned(),
            census: None,
        })
    }
}

/// Who gets a notice now.
async fn got(store: &Sqlite, lane: LaneId, number: u32) -> BTreeSet<String> {
    let at = T0 + i64::from(number);
    publish(store, notice("i", number), vec![to_all(lane)], at).await;
    let mut got = BTreeSet::new();
    loop {
        let mut more = request(lane, at);
        more.limit = 1_000;
        let jobs = store.claim(&more).await.unwrap().jobs;
        if jobs.is_empty() {
            return got;
        }
        for job in &jobs {
            assert!(got.insert(job.address.clone()), "{} twice", job.address);
        }
        let done = jobs.iter().map(|job| Completion {
            delivery: job.delivery,
            attempt: job.attempt,
            at_ms: at,
            settled: Settled::Delivered(Default::default()),
            reason: rundruf::domain::outcome::Reason::Ok,
            text: Default::default(),
        });
        store.complete(&done.collect::<Vec<_>>()).await.unwrap();
    }
}

async fn hash(store: &Sqlite, lane: LaneId) -> Option<String> {
    store.list_marks().await.unwrap().remove(&lane).map(|mark| mark.hash)
}

#[tokio::test]
async fn a_list_of_many_pages_is_compared_with_what_is_stored() {
    let (_dir, store) = sqlite().await;
    let lane = lanes(&store, &["a"]).await[0];
    let change = store.sync_audience(lane, &everybody(), T0).await.unwrap();
    assert_eq!((change.added, change.total), (u64::from(PEOPLE), u64::from(PEOPLE)));
    // In another order, without the first, with somebody new in the middle, one of whom something else is said, and the last one twice.
    let mut next: Vec<Person> = (1..PEOPLE).rev().map(person).collect();
    next.insert(3_000, person(PEOPLE));
    next[4_200].name = Some("Rathaus".to_owned());
    next.push(person(PEOPLE - 1));
    let change = store.sync_audience(lane, &next, T0).await.unwrap();
    assert_eq!((change.added, change.removed, change.total), (1, 1, u64::from(PEOPLE)));
    assert_eq!(store.lane_rows().await.unwrap()[0].audience, u64::from(PEOPLE));
    let expected: BTreeSet<String> = next.iter().map(|person| person.address.clone()).collect();
    assert_eq!(got(&store, lane, 1).await, expected);
    // The first one back again: nobody is new who was known.
    next.push(person(0));
    let change = store.sync_audience(lane, &next, T0).await.unwrap();
    assert_eq!((change.added, change.removed), (1, 0));
    assert_eq!(got(&store, lane, 2).await.len(), PEOPLE as usize + 1);
}

#[tokio::test]
async fn one_that_breaks_off_takes_nobody_out_and_is_taken_up() {
    let (_dir, store) = sqlite().await;
    let lane = lanes(&store, &["a"]).await[0];
    let mut whole = Paged::new(everybody(), "first", |_| Ok(()));
    store.sync_list(lane, &mut whole, T0).await.unwrap();
    assert_eq!(hash(&store, lane).await.as_deref(), Some("first"));
    // Its first page has somebody new; the file ends in the middle of its second one.
    let next: Vec<Person> = (1_000..PEOPLE + 1_000).map(person).rev().collect();
    let mut broken = Paged::new(next.clone(), "second", |page| match page {
        2 => Err(StoreError::Conflict(Conflict::List("stadt.csv".to_owned()))),
        _ => Ok(()),
    });
    assert!(store.sync_list(lane, &mut broken, T0).await.is_err());
    assert_eq!(hash(&store, lane).await, None, "what is stored is neither list");
    let reached = got(&store, lane, 1).await;
    assert!((0..PEOPLE).all(|n| reached.contains(&format!("+{n}"))));
    let mut again = Paged::new(next, "second", |_| Ok(()));
    let change = store.sync_list(lane, &mut again, T0).await.unwrap();
    assert_eq!((change.removed, change.total), (1_000, u64::from(PEOPLE)));
    assert_eq!(hash(&store, lane).await.as_deref(), Some("second"));
    let reached = got(&store, lane, 2).await;
    assert!(!reached.contains("+999") && reached.contains(&format!("+{}", PEOPLE + 999)));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_at_once_neither_takes_out_whom_the_other_has_brought_and_the_next_compares() {
    let (_dir, store) = sqlite().await;
    let lane = lanes(&store, &["a"]).await[0];
    let (began, begun) = mpsc::channel();
    let (go, wait) = mpsc::channel::<()>();
    let mut slow = Paged::new(everybody(), "slow", move |page| {
        if page == 2 {
            began.send(()).unwrap();
            wait.recv().unwrap();
        }
        Ok(())
    });
    let other = store.clone();
    let running = tokio::spawn(async move { other.sync_list(lane, &mut slow, T0).await });
    tokio::task::spawn_blocking(move || begun.recv().unwrap())
        .await
        .unwrap();
    let mut more = everybody();
    more.push(person(PEOPLE));
    let mut quick = Paged::new(more.clone(), "quick", |_| Ok(()));
    store.sync_list(lane, &mut quick, T0).await.unwrap();
    go.send(()).unwrap();
    running.await.unwrap().unwrap();
    assert_eq!(hash(&store, lane).await, None);
    assert_eq!(got(&store, lane, 1).await.len(), PEOPLE as usize + 1);
    let mut again = Paged::new(more, "quick", |_| Ok(()));
    let change = store.sync_list(lane, &mut again, T0).await.unwrap();
    assert_eq!((change.added, change.removed), (0, 0));
    assert_eq!(hash(&store, lane).await.as_deref(), Some("quick"));
}

#[tokio::test]
async fn addresses_that_are_compared_otherwise_or_a_new_name_void_a_mark() {
    let (_dir, store) = sqlite().await;
    let lane = lanes(&store, &["a", "b"]).await[0];
    let mut list = Paged::new(everybody(), "list", |_| Ok(()));
    store.sync_list(lane, &mut list, T0).await.unwrap();
    store.respell(&[(lane, &str::to_owned)]).await.unwrap();
    assert_eq!(hash(&store, lane).await, None);
    let mut list = Paged::new(everybody(), "list", |_| Ok(()));
    store.sync_list(lane, &mut list, T0).await.unwrap();
    assert_eq!(hash(&store, lane).await.as_deref(), Some("list"));
    store.rename_lane("a", "b", &act("rename", T0)).await.unwrap();
    assert_eq!(store.list_marks().await.unwrap().len(), 0);
}

/// An SMS channel that sends nothing, on a machine whose clock is an hour ahead: its files are old.
fn held() -> Option<TestApp> {
    let mut app = TestApp::new(&format!("{}gate = \"held\"\n", sms(1)));
    let clock = WallClock::of(&mut app)?;
    clock.ahead(Duration::from_secs(3_600));
    Some(app)
}

fn listed(app: &TestApp) -> u64 {
    let channels = app.json(&["status"])["channels"].clone();
    channels[0]["audience"].as_u64().unwrap()
}

fn publish_one(app: &TestApp, n: u32) {
    let text = format!("incident = \"i{n}\"\nheadline = \"Lage {n}\"\nsummary = \"Stand der Dinge.\"\n");
    app.publish(&text, &[]);
}

#[test]
fn a_changed_list_is_seen_and_one_that_was_only_touched_is_the_same() {
    let Some(app) = held() else { return };
    let file = app.write("presse.csv", "address\n+491713920001\n+491713920002\n");
    publish_one(&app, 1);
    assert_eq!(listed(&app), 2);
    // As long as before, and written at the same time: still another one.
    let written = std::fs::metadata(&file).unwrap().modified().unwrap();
    app.write("presse.csv", "address\n+491713920001\n+491713920001\n");
    std::fs::File::options()
        .append(true)
        .open(&file)
        .unwrap()
        .set_modified(written)
        .unwrap();
    publish_one(&app, 2);
    assert_eq!(listed(&app), 1);
    app.write("presse.csv", "address\n+491713920001\n+491713920003\n");
    publish_one(&app, 3);
    assert_eq!(listed(&app), 2);
    // Copied over itself.
    app.write("presse.csv", "address\n+491713920001\n+491713920003\n");
    publish_one(&app, 4);
    assert_eq!(listed(&app), 2);
}

#[test]
fn a_bad_line_on_a_late_page_refuses_the_whole_list_and_names_the_line() {
    let Some(app) = held() else { return };
    app.write("presse.csv", "address\n+491713920001\n");
    publish_one(&app, 1);
    let mut long: String = (0..3 * LIST_PAGE).map(|n| format!("+4917{n:08},\n")).collect();
    long.push_str("+491713920009,klingon\n");
    app.write("presse.csv", &format!("address,language\n{long}"));
    app.write(
        "lage.toml",
        "incident = \"i2\"\nheadline = \"Lage\"\nsummary = \"Stand der Dinge.\"\n",
    );
    let told = app.german(&["publish", "lage.toml", "--yes"]).ok().out;
    assert!(told.contains(&format!("presse.csv:{}", 3 * LIST_PAGE + 2)), "{told}");
    assert!(told.contains("zuletzt ohne Fehler"), "{told}");
    assert_eq!(listed(&app), 1, "nobody of it was taken over");
}

/// What a notice costs is the same whether the list is read or known.
#[test]
fn the_price_of_a_list_that_is_known_is_that_of_its_file() {
    let Some(app) = held() else { return };
    let list = "address,places\n+491713920001,werl\n+491713920002,werl soest\n+491713920003,\n+491713920004,soest\n0171 39,werl\n0171 40,soest\n";
    app.write("presse.csv", list);
    app.write(
        "werl.toml",
        "incident = \"i9\"\nscope = { places = [\"werl\"] }\nheadline = \"Lage\"\nsummary = \"Stand der Dinge.\"\n[place.werl]\nname = \"Werl\"\nstate = \"limited\"\n",
    );
    app.write(
        "alle.toml",
        "incident = \"i9\"\nheadline = \"Lage\"\nsummary = \"Stand der Dinge.\"\n",
    );
    let costs = || ["werl.toml", "alle.toml"].map(|file| app.json(&["preview", file])["costs"].clone());
    let read = costs();
    assert_eq!(
        (&read[0][0]["people"], &read[1][0]["people"]),
        (&3.into(), &4.into()),
        "{read:?}"
    );
    assert_eq!(read[0][0]["faulty"].as_array().unwrap().len(), 1);
    publish_one(&app, 1);
    assert_eq!(costs(), read);
    // Suppressed, the one who follows a place and the one whose address is none.
    for address in ["+49 171 3920002", "0171 39"] {
        app.run(&["suppression", "add", address]);
    }
    let known = costs();
    assert_eq!(
        (&known[0][0]["people"], &known[1][0]["people"]),
        (&2.into(), &3.into()),
        "{known:?}"
    );
    // The same from the file: one that has just been written has to be read.
    app.write("presse.csv", &format!("{list}+491713920005,soest\n"));
    let read = costs();
    assert_eq!(
        (&read[0][0]["people"], &read[1][0]["people"]),
        (&2.into(), &4.into()),
        "{read:?}"
    );
}
