//! A web server with a gateway and a store that can be broken.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use reqwest::{Client, Method, redirect};

use crate::channel::{Abilities, Channel, Finding, ReceiptRefusal, ReceiptRequest};
use crate::clock::Ms;
use crate::domain::delivery::Operation;
use crate::domain::outcome::Report;
use crate::formats::{Site, SiteFile};
use crate::render::Engine;
use crate::render::compose::ComposeError;
use crate::render::message::Message;
use crate::store::{Job, Receipt, ReceiptWord, StoreError, Variant};
use crate::web::health::StoreReach;
use crate::web::listen::Limits;
use crate::web::receipts::{ReceiptSink, Receipts};
use crate::web::site::SiteServer;
use crate::web::{Parts, Running, Server};

pub(super) const CSP: &str = "default-src 'none'; style-src 'unsafe-inline'";

/// A gateway whose password is `sesam`.
pub(super) struct Gateway;

#[async_trait]
impl Channel for Gateway {
    fn abilities(&self) -> Abilities {
        unreachable!("the web server only reads receipts")
    }
    fn account(&self) -> String {
        String::new()
    }
    fn compose(&self, _: &Engine, _: &Message, _: Operation) -> Result<Variant, ComposeError> {
        unreachable!("the web server only reads receipts")
    }
    async fn send(&self, _: &Job, _: Ms) -> Report {
        unreachable!("the web server only reads receipts")
    }
    fn read_receipt(&self, request: &ReceiptRequest) -> Result<Vec<Receipt>, ReceiptRefusal> {
        let of = |name: &str| request.query.iter().find(|(n, _)| n == name).map(|(_, v)| v);
        if of("pass").is_none_or(|pass| pass != "sesam") {
            return Err(ReceiptRefusal::Forbidden);
        }
        let raw = of("raw").ok_or(ReceiptRefusal::Malformed)?.clone();
        Ok(vec![Receipt {
            delivery: None,
            remote_id: Some(String::from_utf8_lossy(&request.body).into_owned()),
            word: ReceiptWord::Delivered,
            raw,
        }])
    }
    async fn check(&self) -> Vec<Finding> {
        Vec::new()
    }
}

/// A store that can be broken.
#[derive(Default)]
pub(super) struct Inbox {
    pub(super) broken: AtomicBool,
    pub(super) taken: Mutex<Vec<(String, Receipt)>>,
}

impl Inbox {
    fn state(&self) -> Result<(), StoreError> {
        if self.broken.load(Ordering::SeqCst) {
            return Err(StoreError::Database("disk full at /secret/place".into()));
        }
        Ok(())
    }
}

#[async_trait]
impl ReceiptSink for Inbox {
    async fn commit(&self, channel: &str, receipts: Vec<Receipt>) -> Result<(), StoreError> {
        self.state()?;
        let mut taken = self.taken.lock().unwrap();
        taken.extend(receipts.into_iter().map(|r| (channel.to_owned(), r)));
        Ok(())
    }
}

#[async_trait]
impl StoreReach for Inbox {
    async fn reach(&self) -> Result<(), StoreError> {
        self.state()
    }
}

pub(super) struct Up {
    pub(super) running: Running,
    pub(super) site: SiteServer,
    pub(super) inbox: Arc<Inbox>,
    pub(super) client: Client,
}

pub(super) fn file(text: &str, media_type: &'static str) -> SiteFile {
    SiteFile {
        bytes: bytes::Bytes::copy_from_slice(text.as_bytes()),
        media_type,
    }
}

pub(super) fn long_page(word: &str) -> String {
    format!("<!doctype html><p>{}", format!("{word} ").repeat(400))
}

pub(super) fn site(word: &str) -> Site {
    let html = "text/html; charset=utf-8";
    let mut site = Site::default();
    for (path, file) in [
        ("index.html", file("start", html)),
        ("potsdam/index.html", file(&long_page(word), html)),
        ("potsdam/feed.rss", file("<rss/>", "application/rss+xml; charset=utf-8")),
        ("potsdam/state.json", file("{}", "application/json; charset=utf-8")),
        ("potsdam/place/süd/index.html", file("south", html)),
        ("potsdam/imprint/index.html", file("imprint", html)),
        ("en/potsdam/imprint/index.html", file("imprint", html)),
        ("404.html", file("no such page here", html)),
    ] {
        site.files.insert(path.to_owned(), file);
    }
    site
}

pub(super) async fn up() -> Up {
    up_with(Limits::default()).await
}

pub(super) async fn up_with(limits: Limits) -> Up {
    // Fails where another test was first; the provider is the same.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let site = SiteServer::new(CSP).unwrap();
    let inbox = Arc::new(Inbox::default());
    let channels: BTreeMap<String, Arc<dyn Channel>> =
        BTreeMap::from([("sms".to_owned(), Arc::new(Gateway) as Arc<dyn Channel>)]);
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    let parts = Parts {
        site: site.clone(),
        receipts: Receipts::new(channels, inbox.clone()),
        unsubscribe: None,
        store: inbox.clone(),
        metrics: Some(recorder.handle()),
        limits,
    };
    let loopback = "127.0.0.1:0".parse().unwrap();
    Up {
        running: Server::start(loopback, loopback, parts).await.unwrap(),
        site,
        inbox,
        client: Client::builder()
            .redirect(redirect::Policy::none())
            .timeout(Duration::from_secs(20))
            .build()
            .unwrap(),
    }
}

impl Up {
    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.running.public_addr)
    }

    pub(super) async fn get(&self, path: &str, headers: &[(&str, &str)]) -> reqwest::Response {
        self.ask(Method::GET, path, headers).await
    }

    pub(super) async fn ask(&self, method: Method, path: &str, headers: &[(&str, &str)]) -> reqwest::Response {
        let mut request = self.client.request(method, self.url(path));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.unwrap()
    }
}
