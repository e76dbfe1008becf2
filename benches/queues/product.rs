//! Our own way: an installation with webhook channels, in the process that measures, as `serve` runs it.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use bytes::Bytes;
use rundruf::app::{Lanes, Open};
use rundruf::domain::draft;
use rundruf::ids::NoticeSeq;
use rundruf::publication::Wishes;
use rundruf::store::owner::Owner;
use rundruf::store::{Board, Published};

use super::CONNECTIONS;
use crate::kit::place::{folder, notice, write_config};
use crate::kit::sink::Sink;

const SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// Its lanes run.
pub struct Product {
    open: Open,
    lanes: Lanes,
    published: u32,
    _dir: tempfile::TempDir,
}

impl Product {
    /// One channel with so many receivers, all of them known to the store.
    pub async fn with_addresses(sink: &Sink, addresses: u64) -> Self {
        let list: String = (0..addresses)
            .map(|n| format!("http://127.0.0.1:{}/{n}\n", sink.port))
            .collect();
        let channel = format!(
            "[channel.hooks]\nkind = \"webhook\"\naudience = {{ file = \"list.csv\" }}\nsecret = \"{SECRET}\"\n\
             allow_private = true\nconcurrency = {CONNECTIONS}\n"
        );
        Self::start(&channel, &format!("address\n{list}")).await
    }

    /// So many channels with one receiver each.
    pub async fn with_channels(sink: &Sink, channels: u64) -> Self {
        let mut toml = String::new();
        for n in 0..channels {
            let url = format!("http://127.0.0.1:{}/{n}", sink.port);
            writeln!(
                toml,
                "[channel.hook_{n}]\nkind = \"webhook\"\nurl = \"{url}\"\nsecret = \"{SECRET}\""
            )
            .expect("text takes everything");
        }
        Self::start(&toml, "address\n").await
    }

    async fn start(channels: &str, list: &str) -> Self {
        let dir = folder();
        std::fs::write(dir.path().join("list.csv"), list).expect("written");
        let config = write_config(dir.path(), "http://127.0.0.1:1", 1, 2, channels);
        let open = Open::new(&config, &dir.path().join("data")).await.expect("opened");
        open.office.register(open.store.as_ref()).await.expect("registered");
        let owner = Owner::try_take(&open.office.settings.data)
            .expect("a lock")
            .expect("free");
        open.store.lengthen_log().await.expect("as serve does");
        let lanes = Lanes::start(&open, owner).await.expect("lanes");
        Self {
            open,
            lanes,
            published: 0,
            _dir: dir,
        }
    }

    /// The next notice: when its publication began, and the notice.
    pub async fn publish(&mut self) -> (Instant, NoticeSeq) {
        self.published += 1;
        let text = notice("Meldung", &format!("probe-{}", self.published));
        let begin = Instant::now();
        let draft = draft::read("bench", text.as_bytes()).expect("a notice");
        let (store, wishes) = (self.open.store.as_ref(), Wishes::default());
        let done = self.open.office.publish(store, &draft, &wishes, None).await;
        let Ok(Published::New { seq, .. }) = done.map(|d| d.published) else {
            panic!("a new notice");
        };
        (begin, seq)
    }

    /// Waits until every outcome is in the store.
    pub async fn drained(&self) {
        self.lanes.drained().await;
    }

    /// How many the store says have a notice, and the body that each of them got.
    pub async fn delivered(&self, notice: NoticeSeq) -> (u64, Bytes) {
        let store = &self.open.store;
        let broadcast = store.broadcasts_of(notice).await.expect("rows").remove(0);
        let row = store.deliveries(broadcast.id, None, 1).await.expect("rows").remove(0);
        let story = store.explain(row.id).await.expect("a story").expect("there");
        let body = story.variant.payload.to_string();
        (broadcast.counters.delivered, body.into())
    }

    /// Ends the lanes.
    pub async fn stop(self) {
        self.lanes.stop(Duration::from_secs(5)).await;
    }
}
