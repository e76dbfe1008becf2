//! Through real sockets, as readers, gateways and scrapers come.

mod up;

use std::collections::VecDeque;
use std::io::Read;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use reqwest::{Client, Method, StatusCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::watch;

use super::listen::Limits;
use super::refresh::Refresher;
use crate::clock::{Clock, Ms, SystemClock};
use crate::formats::{Site, SiteBuilder, SiteError, SiteOf};
use up::{CSP, long_page, site, up, up_with};

fn header<'a>(answer: &'a reqwest::Response, name: &str) -> &'a str {
    answer.headers().get(name).map_or("", |v| v.to_str().unwrap())
}

#[tokio::test]
async fn a_page_in_every_coding_with_its_own_tag() {
    let up = up().await;
    up.site.replace(site("Meldung")).await;
    let plain = up.get("/potsdam/", &[]).await;
    assert_eq!(plain.status(), StatusCode::OK);
    assert_eq!(header(&plain, "content-type"), "text/html; charset=utf-8");
    assert_eq!(header(&plain, "vary"), "accept-encoding");
    assert_eq!(header(&plain, "content-security-policy"), CSP);
    assert_eq!(header(&plain, "x-content-type-options"), "nosniff");
    assert_eq!(header(&plain, "referrer-policy"), "no-referrer");
    assert!(header(&plain, "cache-control").contains("max-age=30"));
    assert!(plain.headers().get("set-cookie").is_none());
    assert!(plain.headers().get("access-control-allow-origin").is_none());
    let mut tags = vec![header(&plain, "etag").to_owned()];
    assert_eq!(plain.text().await.unwrap(), long_page("Meldung"));

    for coding in ["br", "gzip"] {
        let answer = up.get("/potsdam/", &[("accept-encoding", coding)]).await;
        assert_eq!(header(&answer, "content-encoding"), coding);
        tags.push(header(&answer, "etag").to_owned());
        let bytes = answer.bytes().await.unwrap();
        let mut text = String::new();
        match coding {
            "br" => brotli::Decompressor::new(&bytes[..], 4096).read_to_string(&mut text),
            _ => flate2::read::GzDecoder::new(&bytes[..]).read_to_string(&mut text),
        }
        .unwrap();
        assert_eq!(text, long_page("Meldung"));
    }
    tags.sort();
    tags.dedup();
    assert_eq!(tags.len(), 3, "each coding has its own tag: {tags:?}");
    assert!(tags.iter().all(|tag| tag.starts_with('"')), "strong: {tags:?}");
}

#[tokio::test]
async fn a_known_page_is_not_sent_again() {
    let up = up().await;
    up.site.replace(site("eins")).await;
    let first = up.get("/potsdam/", &[("accept-encoding", "br")]).await;
    let tag = header(&first, "etag").to_owned();
    let weakened = format!("\"other\", W/{tag}");
    for known in [tag.as_str(), weakened.as_str(), "*"] {
        let asked = [("accept-encoding", "br"), ("if-none-match", known)];
        let again = up.get("/potsdam/", &asked).await;
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED, "{known}");
        assert_eq!(header(&again, "etag"), tag);
        assert_eq!(header(&again, "vary"), "accept-encoding");
        assert_eq!(again.bytes().await.unwrap().len(), 0);
    }
    // The same content later: the same tag, also once it is compressed best.
    let mut compressed = up.site.compressed();
    compressed.wait_for(|n| *n >= 1).await.unwrap();
    up.site.replace(site("eins")).await;
    compressed.wait_for(|n| *n >= 2).await.unwrap();
    let asked = [("accept-encoding", "br"), ("if-none-match", tag.as_str())];
    assert_eq!(up.get("/potsdam/", &asked).await.status(), StatusCode::NOT_MODIFIED);
    up.site.replace(site("zwei")).await;
    assert_eq!(up.get("/potsdam/", &asked).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn addresses_lead_where_they_should() {
    let up = up().await;
    assert_eq!(up.get("/", &[]).await.status(), StatusCode::NOT_FOUND);
    up.site.replace(site("x")).await;
    assert_eq!(up.get("/", &[]).await.text().await.unwrap(), "start");
    for (path, to) in [
        ("/potsdam", "potsdam/"),
        ("/potsdam?a=b", "potsdam/?a=b"),
        ("/potsdam/index.html", "./"),
        ("/potsdam/place/s%C3%BCd", "%s"),
    ] {
        let answer = up.get(path, &[]).await;
        assert_eq!(answer.status(), StatusCode::PERMANENT_REDIRECT, "{path}");
        if to != "%s" {
            assert_eq!(header(&answer, "location"), to, "{path}");
        }
    }
    let south = up.get("/potsdam/place/s%C3%BCd/", &[]).await;
    assert_eq!(south.text().await.unwrap(), "south");
    for path in [
        "/console/",
        "/api/v1/x",
        "/metrics",
        "/%ff%fe",
        "/potsdam/%",
        "//potsdam/",
    ] {
        let answer = up.get(path, &[]).await;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}");
        assert_eq!(header(&answer, "content-type"), "text/html; charset=utf-8");
        assert_eq!(header(&answer, "content-security-policy"), CSP);
        assert_eq!(answer.text().await.unwrap(), "no such page here");
    }
    assert_eq!(
        up.get("/.well-known/security.txt", &[]).await.status(),
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn machines_of_others_may_read_the_feeds() {
    let up = up().await;
    up.site.replace(site("x")).await;
    for path in ["/potsdam/feed.rss", "/potsdam/state.json"] {
        let answer = up.get(path, &[]).await;
        assert_eq!(header(&answer, "access-control-allow-origin"), "*", "{path}");
        assert_eq!(header(&answer, "access-control-expose-headers"), "ETag", "{path}");
        // A browser asks first where a script sends If-None-Match.
        let asked = [
            ("origin", "https://kreis.example"),
            ("access-control-request-method", "GET"),
            ("access-control-request-headers", "if-none-match"),
        ];
        let may = up.ask(Method::OPTIONS, path, &asked).await;
        assert_eq!(may.status(), StatusCode::NO_CONTENT, "{path}");
        assert_eq!(header(&may, "access-control-allow-origin"), "*");
        assert!(header(&may, "access-control-allow-headers").contains("If-None-Match"));
        assert!(header(&may, "access-control-allow-methods").contains("GET"));
    }
}

#[tokio::test]
async fn the_only_publishers_duties_are_at_the_root_too() {
    let up = up().await;
    up.site.replace(site("x")).await;
    for (path, to) in [("/imprint", "potsdam/imprint/"), ("/imprint/", "../potsdam/imprint/")] {
        let answer = up.get(path, &[]).await;
        assert_eq!(answer.status(), StatusCode::PERMANENT_REDIRECT, "{path}");
        assert_eq!(header(&answer, "location"), to, "{path}");
    }
    assert_eq!(up.get("/privacy", &[]).await.status(), StatusCode::NOT_FOUND);
    // Whose would it be?
    let mut two = site("x");
    two.files
        .insert("werl/imprint/index.html".to_owned(), up::file("w", "text/html"));
    up.site.replace(two).await;
    assert_eq!(up.get("/imprint", &[]).await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn only_reading_is_allowed() {
    let up = up().await;
    up.site.replace(site("x")).await;
    for method in [Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS] {
        let answer = up.ask(method.clone(), "/potsdam/", &[]).await;
        assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED, "{method}");
        assert_eq!(header(&answer, "allow"), "GET, HEAD");
    }
    let full = up.get("/potsdam/", &[("accept-encoding", "gzip")]).await;
    let head = up.ask(Method::HEAD, "/potsdam/", &[("accept-encoding", "gzip")]).await;
    for name in ["content-length", "etag", "content-type", "content-encoding"] {
        assert_eq!(header(&head, name), header(&full, name), "{name}");
        assert!(!header(&head, name).is_empty());
    }
    assert_eq!(head.bytes().await.unwrap().len(), 0);
}

#[tokio::test]
async fn a_receipt_is_committed_before_it_is_answered() {
    let up = up().await;
    let ok = up.get("/receipts/sms?pass=sesam&raw=stat%3ADELIVRD+x", &[]).await;
    assert_eq!(ok.status(), StatusCode::OK);
    let (channel, receipt) = up.inbox.taken.lock().unwrap()[0].clone();
    assert_eq!((channel.as_str(), receipt.raw.as_str()), ("sms", "stat:DELIVRD x"));

    let post = |path: &str, body: Vec<u8>| up.client.post(up.url(path)).body(body).send();
    let all = "/receipts/sms?pass=sesam&raw=x";
    assert_eq!(post(all, b"id-7".to_vec()).await.unwrap().status(), StatusCode::OK);
    let last = up.inbox.taken.lock().unwrap().last().unwrap().1.clone();
    assert_eq!(last.remote_id.as_deref(), Some("id-7"));

    let long = format!("{all}&more={}", "x".repeat(9000));
    for (path, body, status) in [
        ("/receipts/sms?raw=x", vec![], 403),
        ("/receipts/sms?pass=sesam", vec![], 400),
        ("/receipts/other?pass=sesam&raw=x", vec![], 404),
        (all, vec![b'x'; 70_000], 413),
        (long.as_str(), vec![], 414),
    ] {
        assert_eq!(post(path, body).await.unwrap().status().as_u16(), status);
    }
    assert_eq!(up.ask(Method::PUT, all, &[]).await.status().as_u16(), 405);
    assert_eq!(up.inbox.taken.lock().unwrap().len(), 2);

    up.inbox.broken.store(true, Ordering::SeqCst);
    assert_eq!(up.get(all, &[]).await.status().as_u16(), 503);
}

#[tokio::test]
async fn readiness_names_what_is_missing_and_no_internals() {
    let up = up().await;
    assert_eq!(up.get("/healthz", &[]).await.status().as_u16(), 200);
    assert_eq!(up.get("/readyz", &[]).await.status().as_u16(), 503);
    up.site.replace(site("x")).await;
    assert_eq!(up.get("/readyz", &[]).await.status().as_u16(), 200);
    up.inbox.broken.store(true, Ordering::SeqCst);
    let broken = up.get("/readyz", &[]).await;
    assert_eq!(broken.status().as_u16(), 503);
    let text = broken.text().await.unwrap();
    assert!(text.contains("store no") && !text.contains("secret"), "{text}");
    up.inbox.broken.store(false, Ordering::SeqCst);
    up.running.not_ready();
    assert_eq!(up.get("/readyz", &[]).await.status().as_u16(), 503);
    assert_eq!(up.get("/healthz", &[]).await.status().as_u16(), 200);
}

#[tokio::test]
async fn the_admin_listener_shows_numbers_and_stopping_refuses_new_readers() {
    let up = up().await;
    let admin = |path: &str| format!("http://{}{path}", up.running.admin_addr);
    let metrics = up.client.get(admin("/metrics")).send().await.unwrap();
    assert!(header(&metrics, "content-type").starts_with("text/plain; version=0.0.4"));
    let health = up.client.get(admin("/healthz")).send().await.unwrap();
    assert_eq!(health.status().as_u16(), 200);
    let (public, admin) = (up.url("/"), admin("/healthz"));
    up.running.stop(Duration::from_secs(5)).await;
    for url in [public, admin] {
        let fresh = Client::builder().build().unwrap();
        assert!(fresh.get(url).send().await.unwrap_err().is_connect());
    }
}

#[tokio::test]
async fn slow_clients_and_too_many_lose_their_connection_not_the_server() {
    let limits = Limits {
        connections: 1,
        head: Duration::from_millis(100),
        ..Limits::default()
    };
    let up = up_with(limits).await;
    let mut slow = tokio::net::TcpStream::connect(up.running.public_addr).await.unwrap();
    slow.write_all(b"GET / HTTP/1.1\r\nhost: x\r\nx-half: ").await.unwrap();
    // The only place is taken: this answer comes because the slow one is cut.
    assert_eq!(up.get("/healthz", &[]).await.status().as_u16(), 200);
    let mut rest = Vec::new();
    let _ = slow.read_to_end(&mut rest).await;
    assert!(!rest.starts_with(b"HTTP/1.1 200"));
}

/// Builds what it is told to, one after the other.
struct Script(Mutex<VecDeque<Result<Site, SiteError>>>);

#[async_trait]
impl SiteBuilder for Script {
    async fn build(&self, _: SiteOf<'_>, _: Ms) -> Result<Site, SiteError> {
        let next = self.0.lock().unwrap().pop_front();
        next.unwrap_or_else(|| Err(SiteError("nothing more in the script".into())))
    }
}

#[tokio::test]
async fn the_site_follows_wakes_and_the_clock_and_survives_a_failed_build() {
    let up = up().await;
    let timed = Site {
        changes_at: Some(SystemClock.now_ms() - 1),
        ..site("first")
    };
    let script = VecDeque::from([
        Ok(timed),
        Ok(site("by the clock")),
        Err(SiteError("a template is broken".into())),
        Ok(site("by a wake")),
    ]);
    let refresher = Refresher::new(
        Arc::new(Script(Mutex::new(script))),
        Arc::new(SystemClock),
        up.site.clone(),
    );
    let waker = refresher.waker();
    let mut replaced = up.site.replaced();
    let (stop, stopped) = watch::channel(false);
    let task = tokio::spawn(refresher.run(stopped));

    let mut seen = Vec::new();
    while seen.last().is_none_or(|text| text != &long_page("by the clock")) {
        replaced.changed().await.unwrap();
        seen.push(up.get("/potsdam/", &[]).await.text().await.unwrap());
    }
    assert_eq!(seen[0], long_page("first"));
    waker.wake();
    while seen.last().is_none_or(|text| text != &long_page("by a wake")) {
        replaced.changed().await.unwrap();
        waker.wake();
        seen.push(up.get("/potsdam/", &[]).await.text().await.unwrap());
    }
    stop.send(true).unwrap();
    task.await.unwrap();
}
