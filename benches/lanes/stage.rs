//! An installation with its counterparts: folder, configuration, store, and one publication after the other.

use std::path::Path;
use std::time::{Duration, Instant};

use rundruf::app::{Lanes, Open};
use rundruf::domain::delivery::DeliveryState;
use rundruf::domain::draft;
use rundruf::ids::IncidentId;
use rundruf::publication::Wishes;
use rundruf::store::owner::Owner;
use rundruf::store::{Act, Board, BroadcastRow, Lanes as _, Notices, Published, Receipt, ReceiptWord};

use super::counterparts::{Attempt, CHANNELS, Counterparts, Fault, GIVE_UP};
use super::relay::{self, Behind};
use crate::kit::place::{aside, folder, free_port, notice, write_config};

/// Notices of one incident; the next ones belong to a new incident, as in life.
const OF_ONE_INCIDENT: u32 = 12;
/// Until a list counts as written.
const SETTLED: Duration = Duration::from_secs(4);
/// How often the board is read while something of a publication is still under way.
const LOOK: Duration = Duration::from_millis(2);

/// What stands in the eighth place.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Eighth {
    /// One more webhook.
    #[default]
    Hook,
    /// The website, whose link the messages wait for: a folder.
    Folder,
    /// The same on a server that fails.
    Server(Fault),
}

/// What an installation is to be like.
#[derive(Debug, Clone, Copy, Default)]
pub struct Setup {
    pub eighth: Eighth,
    /// The door whose counterpart fails.
    pub faulty: Option<(usize, Fault)>,
    /// Gateways report to the site's address, where somebody has to listen.
    pub reports: bool,
    /// Incidents of earlier years, closed.
    pub past: u32,
}

/// An installation.
pub struct Stage {
    dir: tempfile::TempDir,
    pub open: Open,
    pub counterparts: Counterparts,
    /// Public address.
    pub site: String,
    eighth: Eighth,
    published: u32,
    _server: Option<tokio::sync::oneshot::Sender<()>>,
}

/// A notice as a person wrote it.
pub struct File {
    pub text: String,
    /// The path of its page.
    pub page: String,
    /// Within its incident.
    pub number: u32,
}

/// A notice that is out.
#[derive(Debug, Clone, Copy)]
pub struct Notice {
    pub incident: IncidentId,
    pub number: u32,
}

impl Stage {
    /// Eight channels and what stands behind them.
    pub async fn new(setup: Setup) -> Self {
        let dir = folder();
        let counterparts = Counterparts::start(setup.faulty, setup.reports);
        let (website, server) = match setup.eighth {
            Eighth::Hook => (String::new(), None),
            Eighth::Folder => (website("url = \"file:public\""), None),
            Eighth::Server(fault) => {
                let (port, server) = dead_server(fault);
                let url = format!("url = \"sftp://stadt@127.0.0.1:{port}/htdocs\", password = \"geheim\"");
                (website(&url), server)
            }
        };
        let messages = messages(setup.eighth);
        let (port, admin) = (free_port(), free_port());
        let site = format!("http://127.0.0.1:{port}");
        std::fs::write(dir.path().join("presse.csv"), "address\n+491713920001\n").expect("written");
        // Before there were channels, so that nothing of it waits.
        let config = write_config(dir.path(), &site, port, admin, "");
        past(&config, &dir.path().join("data"), setup.past).await;
        let channels = counterparts.channels(messages) + &website;
        let config = write_config(dir.path(), &site, port, admin, &channels);
        let open = Open::new(&config, &dir.path().join("data")).await.expect("opened");
        // A list that was just written is looked at again and again, because it may still change within its time stamp; people's lists are older.
        tokio::time::sleep(SETTLED).await;
        Self {
            dir,
            open,
            counterparts,
            site,
            eighth: setup.eighth,
            published: 0,
            _server: server,
        }
    }

    /// Folder of configuration and store.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Starts the lanes in this process.
    pub async fn lanes(&self) -> Lanes {
        let owner = Owner::try_take(&self.open.office.settings.data)
            .expect("a lock")
            .expect("free");
        self.open.store.lengthen_log().await.expect("as serve does");
        Lanes::start(&self.open, owner).await.expect("lanes")
    }

    /// The next notice.
    pub fn next_file(&mut self) -> File {
        let n = self.published;
        self.published += 1;
        let incident = format!("probe-{}", n / OF_ONE_INCIDENT);
        let number = n % OF_ONE_INCIDENT + 1;
        File {
            text: notice(&format!("Meldung {n}"), &incident),
            page: format!("/p/{incident}/{number}/"),
            number,
        }
    }

    /// Publishes the next notice in this process; when it was committed.
    pub async fn publish(&mut self) -> (Notice, Instant) {
        let File { text, number, .. } = self.next_file();
        let incident = put(&self.open, &text).await;
        let committed = Instant::now();
        (Notice { incident, number }, committed)
    }

    /// Waits for the first attempts on all message channels but one.
    pub async fn first_attempts(&mut self, but: Option<usize>) -> Vec<Attempt> {
        self.counterparts.first_attempts(messages(self.eighth), but).await
    }

    /// Waits until nothing of a notice is under way on any channel but one, so that the next one meets a machine at rest. SMS
    /// are reported as delivered here where nobody listens for the gateway.
    pub async fn at_rest(&mut self, notice: Notice, but: Option<usize>) {
        let failing = match (but, self.eighth) {
            (Some(door), _) => CHANNELS[door],
            (None, Eighth::Server(_)) => "website",
            (None, _) => "",
        };
        let deadline = Instant::now() + GIVE_UP;
        loop {
            let all = self.open.store.broadcasts(Some(notice.incident)).await.expect("rows");
            let concerns = |b: &&BroadcastRow| b.number == notice.number && b.channel != failing;
            let open: Vec<&BroadcastRow> = all.iter().filter(concerns).filter(|b| !is_done(b)).collect();
            if open.is_empty() {
                break;
            }
            assert!(Instant::now() < deadline, "not delivered: {open:#?}");
            for broadcast in open {
                self.report(broadcast).await;
            }
            tokio::time::sleep(LOOK).await;
        }
        self.counterparts.forget();
    }

    async fn report(&self, broadcast: &BroadcastRow) {
        let store = &self.open.store;
        if self.counterparts.reports || broadcast.counters.accepted == 0 {
            return;
        }
        let rows = store
            .deliveries(broadcast.id, Some(DeliveryState::Accepted), 1)
            .await
            .expect("rows");
        let receipts: Vec<Receipt> = rows
            .iter()
            .map(|row| Receipt {
                delivery: Some((row.id, row.attempt)),
                remote_id: None,
                word: ReceiptWord::Delivered,
                raw: String::new(),
            })
            .collect();
        let now = self.open.office.clock.now_ms();
        store.receipts(broadcast.lane, &receipts, now).await.expect("taken in");
    }
}

/// Channels that send messages.
fn messages(eighth: Eighth) -> usize {
    if eighth == Eighth::Hook { 8 } else { 7 }
}

/// Publishes a notice file; the row of its incident.
async fn put(open: &Open, text: &str) -> IncidentId {
    let draft = draft::read("bench", text.as_bytes()).expect("a notice");
    let wishes = Wishes::default();
    let done = open.office.publish(open.store.as_ref(), &draft, &wishes, None).await;
    let Ok(Published::New { incident, .. }) = done.map(|d| d.published) else {
        panic!("a new notice");
    };
    incident
}

/// So many incidents, closed.
async fn past(config: &Path, data: &Path, incidents: u32) {
    let open = Open::new(config, data).await.expect("opened");
    for n in 0..incidents {
        let object = format!("damals-{n}");
        let mut incident = None;
        for number in 0..OF_ONE_INCIDENT {
            let text = notice(&format!("Damals {number}"), &object);
            incident = Some(put(&open, &text).await);
        }
        let act = Act {
            at_ms: open.office.clock.now_ms(),
            actor: "bench".to_owned(),
            action: "close".to_owned(),
            object,
            details: serde_json::Value::Null,
        };
        let incident = incident.expect("twelve notices");
        open.store.set_closed(incident, true, &act).await.expect("closed");
    }
}

fn is_done(broadcast: &BroadcastRow) -> bool {
    let c = &broadcast.counters;
    c.expected == c.delivered
}

fn website(url: &str) -> String {
    format!("[channel.website]\nkind = \"website\"\ntargets = [{{ {url}, link = true }}]\n")
}

/// A server that hangs or refuses; no SFTP is needed for either.
fn dead_server(fault: Fault) -> (u16, Option<tokio::sync::oneshot::Sender<()>>) {
    let behind = match fault {
        Fault::Hangs => Behind::Hangs,
        Fault::Refuses => Behind::Nothing,
    };
    let (port, listener) = relay::port(behind);
    let (tell, _) = tokio::sync::mpsc::unbounded_channel();
    (
        port,
        listener.map(|listener| aside(relay::open(0, listener, behind, tell))),
    )
}
