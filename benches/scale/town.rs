//! A town with a list of all its inhabitants, eight channels beside it, and its notices.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rundruf::app::Open;
use rundruf::domain::delivery::{Gate, GateCause};
use rundruf::domain::draft;
use rundruf::publication::Wishes;
use rundruf::store::{Act, BroadcastRow, GateChange, LaneRow, Lanes as _, Notices, Published};

use super::gateway::{Gateway, word};
use crate::kit::place::{folder, free_port, write_config};

/// Channels beside the one with the list.
pub const HOOKS: [&str; 8] = [
    "hook_1", "hook_2", "hook_3", "hook_4", "hook_5", "hook_6", "hook_7", "hook_8",
];
/// One of so many follows a place of their own.
const OF_A_PLACE: u64 = 10_000;
const SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// An installation.
pub struct Town {
    dir: tempfile::TempDir,
    pub gateway: Gateway,
    pub people: u64,
    pub config: PathBuf,
    /// Its public port.
    pub site: u16,
    notices: u32,
}

impl Town {
    /// With its list, which has just been written.
    pub async fn new() -> Self {
        let people = std::env::var("RUNDRUF_SCALE").ok().and_then(|n| n.parse().ok());
        let people = people.unwrap_or(1_700_000);
        let dir = folder();
        let gateway = Gateway::start();
        list(&dir.path().join("stadt.csv"), people);
        let (site, admin) = (free_port(), free_port());
        let mut channels = format!(
            "[channel.sms]\nkind = \"kannel\"\nurl = \"http://127.0.0.1:{}\"\nusername = \"u\"\npassword = \"p\"\nfrom = \"115\"\n\
             audience = {{ file = \"stadt.csv\" }}\nconcurrency = 64\ncatch_up = \"latest\"\ngate = \"held\"\n",
            gateway.port
        );
        for hook in HOOKS {
            let port = gateway.port;
            writeln!(
                channels,
                "[channel.{hook}]\nkind = \"webhook\"\nurl = \"http://127.0.0.1:{port}/{hook}\"\nsecret = \"{SECRET}\""
            )
            .expect("text takes everything");
        }
        let config = write_config(dir.path(), &format!("http://127.0.0.1:{site}"), site, admin, &channels);
        // A list that has just been written may be written again in the same moment, and is not yet known by its stamp.
        tokio::time::sleep(Duration::from_secs(5)).await;
        Self {
            dir,
            gateway,
            people,
            config,
            site,
            notices: 0,
        }
    }

    /// Folder of configuration and store.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    pub fn data(&self) -> PathBuf {
        self.path().join("data")
    }

    /// The installation in this process.
    pub async fn open(&self) -> Open {
        Open::new(&self.config, &self.data()).await.expect("opened")
    }

    /// The next notice: its number, and its file's text.
    pub fn next(&mut self, incident: &str, more: &str) -> (u32, String) {
        self.notices += 1;
        let n = self.notices;
        let word = word(n);
        let text = format!(
            "headline = \"Das Trinkwasser ist abzukochen\"\nsummary = \"{word} Bitte kochen Sie Trinkwasser ab, bis Sie wieder von uns hören.\"\n\
             incident = \"{incident}\"\n{more}"
        );
        (n, text)
    }

    /// Publishes the next notice in this process.
    pub async fn publish(&mut self, open: &Open, channels: &[&str], incident: &str, more: &str) -> u32 {
        let (n, text) = self.next(incident, more);
        let draft = draft::read("bench", text.as_bytes()).expect("a notice");
        let wishes = Wishes {
            channels: channels.iter().map(|name| (*name).to_owned()).collect(),
            ..Wishes::default()
        };
        let done = open
            .office
            .publish(open.store.as_ref(), &draft, &wishes, None)
            .await
            .expect("published");
        assert!(matches!(done.published, Published::New { .. }));
        n
    }

    /// Closes all incidents.
    pub async fn close(&self, open: &Open) {
        for incident in open.store.incidents(None).await.expect("rows") {
            let act = self.act(open, "close");
            open.store.set_closed(incident.id, true, &act).await.expect("closed");
        }
    }

    fn act(&self, open: &Open, action: &str) -> Act {
        Act {
            at_ms: open.office.clock.now_ms(),
            actor: "bench".to_owned(),
            action: action.to_owned(),
            object: "town".to_owned(),
            details: serde_json::Value::Null,
        }
    }

    /// Opens or holds the lane with the list.
    pub async fn gate(&self, open: &Open, gate: Gate) -> LaneRow {
        let lane = sms(open).await;
        let change = GateChange {
            lane: lane.id,
            gate,
            cause: GateCause::Person,
            expected_epoch: None,
            reason: None,
        };
        let act = self.act(open, "release");
        let row = open.store.set_gate(&change, &act).await.expect("a gate");
        rundruf::store::owner::wake(&self.data());
        row
    }
}

/// The lane with the list.
pub async fn sms(open: &Open) -> LaneRow {
    let rows = open.store.lane_rows().await.expect("rows");
    rows.into_iter().find(|row| row.name == "sms").expect("registered")
}

/// The newest broadcast of the lane with the list.
pub fn newest(rows: &[BroadcastRow]) -> &BroadcastRow {
    let sms = rows.iter().filter(|row| row.channel == "sms");
    sms.max_by_key(|row| row.notice).expect("published")
}

/// Numbers in no order, as they stand in a register of inhabitants; all follow the town, few a place of their own too.
pub fn list(path: &Path, people: u64) {
    let mut file = std::io::BufWriter::new(std::fs::File::create(path).expect("a file"));
    writeln!(file, "address,places").expect("written");
    for n in 0..people {
        // 7,919,693 and 100,000,000 have no divisor in common: every number once.
        let number = (n * 7_919_693) % 100_000_000;
        let place = if n % OF_A_PLACE == OF_A_PLACE - 1 { " insel" } else { "" };
        writeln!(file, "+49151{number:08},stadt{place}").expect("written");
    }
    file.flush().expect("written");
}
