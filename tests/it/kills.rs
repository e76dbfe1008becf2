//! `kill -9` of `serve` in the middle of publications, one press file over ten kills ([`press`]), and several processes on one DATA ([`together`]). The counterparts run in
//! this process and keep their own books over every kill: at the end our counters, our rows and their books must say the same.

mod press;
mod together;

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Child, Stdio};
use std::sync::Arc;

use fastrand::Rng;
use rundruf::clock::SystemClock;
use rundruf::domain::delivery::DeliveryState as State;
use rundruf::ids::DeliveryId;
use rundruf::sandbox::fault::Fault;
use rundruf::store::{Board, Sqlite};
use serde_json::Value;

use super::support::counterparts::{Stage, WEBSITE, mastodon, sms, webhook};
use super::support::stage::{assert_same, files};
use super::support::{TestApp, eventually};

const KILLS: usize = 50;
const PEOPLE: usize = 200;
/// SMS that may be in flight at once; five of these connections stay free for something urgent.
const CONNECTIONS: u64 = 69;
/// SMS in flight when the gateway hangs.
const IN_FLIGHT: u64 = 64;
const RECEIVERS: usize = 8;

const PUBLISHER: &str = "[publisher.potsdam]\nname = \"Landeshauptstadt Potsdam\"\nlanguages = [\"de\"]\ntimezone = \"Europe/Berlin\"\nphone = \"115\"\n";

/// A website, an account, 200 phones and 8 receivers of webhooks.
fn stage() -> Stage {
    let stage = Stage::new(PUBLISHER, |sandbox| {
        [
            WEBSITE.to_owned(),
            mastodon(sandbox),
            // An unknown SMS holds the same person's next one only for a second, else 50 kills would take two minutes each.
            sms(
                sandbox,
                &format!("concurrency = {CONNECTIONS}\norder_wait = \"1s\"\ntimeout = \"1m\""),
            ),
            webhook("audience = { file = \"nachbarn.csv\" }\nallow_private = true"),
        ]
        .concat()
    });
    let phones: String = (0..PEOPLE).map(|n| format!("+49171392{n:04}\n")).collect();
    stage.app.write("presse.csv", &format!("address\n{phones}"));
    let url = stage.sandbox.webhook.url();
    let receivers: String = (0..RECEIVERS).map(|n| format!("{url}/kreis-{n}\n")).collect();
    stage.app.write("nachbarn.csv", &format!("address\n{receivers}"));
    stage
}

fn notice(number: usize) -> String {
    format!(
        "incident = \"ausfall\"\nheadline = \"Lage {number}: die IT ist abgeschaltet\"\nsummary = \"Dies ist Lage {number}. Bitte rufen Sie an.\"\n"
    )
}

/// Where in a publication the process dies.
#[derive(Debug, Clone, Copy)]
enum Moment {
    /// `publish` has just ended.
    Committed,
    /// The gateway has taken so many more SMS.
    Sms(usize),
    /// So many SMS went, then the gateway takes requests and does nothing: 64 are in flight.
    Hanging(usize),
    /// So many SMS went, then the gateway sends everything and says nothing: 64 are in flight.
    Unanswered(usize),
    /// So many delivery reports more were given.
    Reports(usize),
    /// The post is out.
    Toot,
    /// So many receivers have it.
    Calls(usize),
    /// The page is on the web space.
    Page,
    /// The new process has said its first word, or none: it is taking over.
    TakingOver,
}

impl Moment {
    /// Every third kill meets 64 SMS in flight, in turn without and with the work done; the others are drawn.
    fn of(kill: usize, rng: &mut Rng) -> Self {
        match kill % 6 {
            0 => return Self::Hanging(rng.usize(0..60)),
            3 => return Self::Unanswered(rng.usize(0..60)),
            _ => {}
        }
        match rng.u8(0..8) {
            0 => Self::Committed,
            1 => Self::Reports(rng.usize(1..120)),
            2 => Self::Toot,
            3 => Self::Calls(rng.usize(1..=RECEIVERS)),
            4 => Self::Page,
            5 => Self::TakingOver,
            _ => Self::Sms(rng.usize(1..100)),
        }
    }

    /// So many SMS at least are in flight at this moment.
    fn in_flight(self) -> usize {
        match self {
            // What was not answered has an outcome at once: how much is still open then nobody can say.
            Self::Hanging(_) => IN_FLIGHT as usize,
            _ => 0,
        }
    }
}

/// What `status` says, summed over the broadcasts of one channel.
fn sum(broadcasts: &[Value], channel: &str, counter: &str) -> u64 {
    let of = broadcasts.iter().filter(|b| b["channel"] == channel);
    of.map(|b| b["counters"][counter].as_u64().unwrap()).sum()
}

fn publishing(app: &TestApp, number: usize) -> Child {
    let file = format!("lage-{number}.toml");
    app.write(&file, &notice(number));
    let mut command = app.command(&["publish", &file, "--yes", "--json"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Waits for the end of a `publish`; what it printed.
fn published(child: Child) -> Value {
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Publishes notice `number` beside `serve`, and returns at the moment. The publication itself is always let through.
fn until(stage: &Stage, moment: Moment, number: usize) {
    let (app, sandbox) = (&stage.app, &stage.sandbox);
    let (before, calls) = (sandbox.kannel.books(), sandbox.webhook.books().entries.len());
    let reports = |books: &rundruf::sandbox::books::Books| books.entries.iter().map(|e| e.reports.len()).sum::<usize>();
    let (taken, reported) = (before.entries.len(), reports(&before));
    let child = publishing(app, number);
    let mut child = Some(child);
    let hang = |fault: Fault, after: usize| {
        let books = stage.wait(
            "some SMS go",
            sandbox.kannel.until(|b| b.entries.len() >= taken + after),
        );
        sandbox.kannel.fault(fault);
        // As of before: some hang already.
        books.entries.len()
    };
    match moment {
        Moment::Committed | Moment::TakingOver => drop(published(child.take().unwrap())),
        Moment::Sms(n) => drop(stage.wait("SMS go", sandbox.kannel.until(|b| b.entries.len() >= taken + n))),
        Moment::Hanging(n) => {
            hang(Fault::Hang, n);
            // What was answered before may still be on its way into the store, and counts as started until it is there.
            eventually("64 SMS are in flight", || {
                let rows = app.broadcasts();
                let counted = |counter| sum(&rows, "sms", counter);
                let answered = sandbox.kannel.books().entries.len() as u64;
                let written = counted("accepted") + counted("delivered");
                (counted("started") >= IN_FLIGHT && written == answered).then_some(())
            });
        }
        Moment::Unanswered(n) => {
            let sent = hang(Fault::WorkAndHang, n);
            // Their delivery reports come although no request was answered.
            let all = sandbox
                .kannel
                .until(|b| b.entries.len() >= sent + usize::try_from(IN_FLIGHT).unwrap());
            stage.wait("64 SMS are in flight", all);
        }
        Moment::Reports(n) => drop(stage.wait("reports come", sandbox.kannel.until(|b| reports(b) >= reported + n))),
        Moment::Toot => {
            let named = format!("Lage {number}:");
            let there = sandbox
                .mastodon
                .until(|b| b.entries.iter().any(|e| e.text.contains(&named)));
            drop(stage.wait("the post goes out", there));
        }
        Moment::Calls(n) => drop(stage.wait(
            "receivers get it",
            sandbox.webhook.until(|b| b.entries.len() >= calls + n),
        )),
        Moment::Page => {
            let page = app.path().join(format!("public/potsdam/ausfall/{number}/index.html"));
            eventually("the page is on the web space", || page.exists().then_some(()));
        }
    }
    if let Some(child) = child {
        // It may still be printing; what it wrote is committed, because somebody got it.
        published(child);
    }
}

#[test]
fn fifty_kills_lose_nothing_and_double_nothing() {
    let seed = std::env::var("RUNDRUF_KILLS_SEED")
        .ok()
        .and_then(|s| s.parse().ok())
        .unwrap_or_else(|| fastrand::u64(..));
    println!("RUNDRUF_KILLS_SEED={seed}");
    let mut rng = Rng::with_seed(seed);
    let stage = stage();
    let (app, sandbox) = (&stage.app, &stage.sandbox);
    let mut serve = app.serve();
    for number in 1..=KILLS {
        let moment = Moment::of(number, &mut rng);
        println!("{number}: {moment:?}");
        until(&stage, moment, number);
        serve.kill();
        sandbox.kannel.heal();
        let before = sms_rows(&stage, State::Unknown);
        let mut started = in_flight(&stage);
        assert!(started.len() >= moment.in_flight(), "{} at {moment:?}", started.len());
        if matches!(moment, Moment::TakingOver) {
            kill_while_taking_over(app);
            // What the second process had begun.
            started.extend(in_flight(&stage));
        }
        serve = app.serve();
        let unknown = sms_rows(&stage, State::Unknown);
        let new: Vec<_> = unknown.difference(&before).collect();
        assert!(
            new.iter().all(|row| started.contains(*row)),
            "{new:?} are unknown, {started:?} were in flight"
        );
    }
    eventually("everything has ended", || {
        let rows = app.broadcasts();
        let open = ["waiting", "started", "accepted"].into_iter();
        let open = open.map(|c| {
            ["website", "mastodon", "sms", "webhook"]
                .map(|n| sum(&rows, n, c))
                .iter()
                .sum::<u64>()
        });
        (open.sum::<u64>() == 0).then_some(())
    });
    assert_eq!(serve.stop(), 0);
    compare(&stage);
    // The web space has the site of all fifty notices, whole.
    app.run(&["export", "out"]).ok();
    let public = app.path().join("public");
    assert_same(&files(&app.path().join("out")), &files(&public), &public);
}

/// The SMS that a killed process left open: one for each connection at most.
fn in_flight(stage: &Stage) -> BTreeSet<DeliveryId> {
    let rows = sms_rows(stage, State::Started);
    assert!(rows.len() <= CONNECTIONS as usize, "{} rows were in flight", rows.len());
    rows
}

/// The SMS of all notices that stand like this now.
fn sms_rows(stage: &Stage, state: State) -> BTreeSet<DeliveryId> {
    let path = stage.app.path().join("data/rundruf.db");
    stage.wait("rows are read", async {
        let store = Sqlite::open(&path, Arc::new(SystemClock)).await.unwrap();
        let mut found = BTreeSet::new();
        for broadcast in store.broadcasts(None).await.unwrap() {
            if broadcast.channel == "sms" {
                let rows = store.deliveries(broadcast.id, Some(state), 1_000).await.unwrap();
                found.extend(rows.iter().map(|row| row.id));
            }
        }
        store.close().await;
        found
    })
}

/// A process that dies between the start and its first word.
fn kill_while_taking_over(app: &TestApp) {
    let quiet = app.log().len();
    let log = std::fs::OpenOptions::new()
        .append(true)
        .open(app.path().join("serve.log"))
        .unwrap();
    let mut child = app
        .command(&["serve"])
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap();
    eventually("serve says a word", || (app.log().len() > quiet).then_some(()));
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Our counters, our rows, their books.
fn compare(stage: &Stage) {
    let rows = stage.app.broadcasts();
    let (toots, phones, calls) = (
        stage.sandbox.mastodon.books(),
        stage.sandbox.kannel.books(),
        stage.sandbox.webhook.books(),
    );
    assert_eq!(
        (toots.doubles(), phones.doubles(), calls.doubles()),
        (0, 0, 0),
        "somebody got something twice"
    );
    assert_eq!(
        (toots.accepted(), calls.accepted()),
        (KILLS, KILLS * RECEIVERS),
        "something is lost"
    );
    assert_eq!(
        (toots.refused, phones.refused, calls.refused),
        (0, 0, 0),
        "a counterpart refused something"
    );
    let mut per_notice: BTreeMap<usize, u64> = BTreeMap::new();
    for entry in &phones.entries {
        *per_notice.entry(number_of(&entry.text)).or_default() += 1;
    }
    for row in &rows {
        let number = usize::try_from(row["number"].as_u64().unwrap()).unwrap();
        let (c, channel) = (&row["counters"], row["channel"].as_str().unwrap());
        let of = |counter: &str| c[counter].as_u64().unwrap();
        match channel {
            // Whom the gateway has on its books has it; nobody knows only of those whom it never heard of.
            "sms" => {
                assert_eq!(of("delivered"), per_notice.get(&number).copied().unwrap_or(0), "{row}");
                assert_eq!(of("delivered") + of("unknown"), PEOPLE as u64, "{row}");
            }
            "webhook" => assert_eq!(of("delivered"), RECEIVERS as u64, "{row}"),
            _ => assert_eq!(of("delivered"), 1, "{row}"),
        }
    }
    assert_eq!(rows.len(), KILLS * 4);
    // In order: nobody ever got an older notice after a newer one.
    let mut last: BTreeMap<&str, usize> = BTreeMap::new();
    let toots = toots.entries.iter().map(|e| ("the account", number_of(&e.text)));
    for (who, number) in phones
        .entries
        .iter()
        .map(|e| (e.to.as_str(), number_of(&e.text)))
        .chain(toots)
    {
        let before = last.insert(who, number).unwrap_or(0);
        assert!(before < number, "{who} got {number} after {before}");
    }
    recounted(stage);
}

/// The number in "Lage 7".
fn number_of(text: &str) -> usize {
    let (_, rest) = text
        .split_once("Lage ")
        .unwrap_or_else(|| panic!("whose text is this? {text}"));
    rest.split(|c: char| !c.is_ascii_digit())
        .next()
        .unwrap()
        .parse()
        .unwrap()
}

/// The counters are those of the rows.
fn recounted(stage: &Stage) {
    let path = stage.app.path().join("data/rundruf.db");
    let wrong = stage.wait("the recount", async {
        let store = Sqlite::open(&path, Arc::new(SystemClock)).await.unwrap();
        store.recount().await.unwrap()
    });
    assert!(wrong.is_empty(), "counters differ from rows: {wrong:?}");
}
