//! What every kind that sends messages must do with a counterpart that misbehaves. A new kind adds one line to `KINDS`.

use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::testing::{self, Scripted, word};
use super::{Channel, sms};
use crate::domain::outcome::{Reason, Report};

/// Stands in every configuration below and may stand in no report.
const SECRET: &str = "cGFzcy13b3JkLTEtcGFzcy13b3JkLTEt";

/// Kind, its keys, and whether a success needs a body that says so.
const KINDS: &[(&str, &str, bool)] = &[
    (
        "kannel",
        "username = \"u\"\npassword = \"cGFzcy13b3JkLTEtcGFzcy13b3JkLTEt\"\naudience = { file = \"presse.csv\" }",
        true,
    ),
    ("mastodon", "token = \"cGFzcy13b3JkLTEtcGFzcy13b3JkLTEt\"", true),
    (
        "seven",
        "api_key = \"cGFzcy13b3JkLTEtcGFzcy13b3JkLTEt\"\naudience = { file = \"presse.csv\" }",
        true,
    ),
    (
        "sms_http",
        "headers = { Authorization = \"Bearer {secret}\" }\nsecret = \"cGFzcy13b3JkLTEtcGFzcy13b3JkLTEt\"\nbody = \"to={to}&text={text}\"\naccept = { field = \"status\", is = [\"ok\"] }\naudience = { file = \"presse.csv\" }",
        true,
    ),
    ("webhook", "secret = \"whsec_cGFzcy13b3JkLTEtcGFzcy13b3JkLTEt\"", false),
];

/// A webhook signs with its secret; it does not leave the house.
const SENDS_ITS_SECRET: &[&str] = &["kannel", "mastodon", "seven", "sms_http"];

async fn send(channel: &Arc<dyn Channel>) -> Report {
    let mut job = testing::job(&testing::compose(channel.as_ref()));
    if channel.abilities().audience {
        job.address = "+4917139200".to_owned();
    }
    let report = channel.send(&job, 1_000).await;
    for text in [&report.text.de, &report.text.en] {
        // Of half a secret the rest can be guessed.
        assert!(!text.contains(&SECRET[..8]) && !text.contains("://"), "{report:?}");
        assert!(!text.is_empty() && text.chars().count() <= 500);
    }
    report
}

/// What a server does with a connection after it has read the request.
#[derive(Clone)]
enum Does {
    /// Answers these bytes and closes.
    Answers(Vec<u8>),
    /// Answers these bytes and stays silent.
    Hangs(Vec<u8>),
}

async fn against(kind: &str, keys: &str, does: Does) -> Report {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut buffer = vec![0; 65_536];
            let _ = socket.read(&mut buffer).await;
            let (Does::Answers(bytes) | Does::Hangs(bytes)) = &does;
            let _ = socket.write_all(bytes).await;
            if matches!(does, Does::Hangs(_)) {
                held.push(socket);
            }
        }
    });
    let report = send(&testing::channel(kind, &url, keys)).await;
    server.abort();
    report
}

fn http(status: &str, body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

#[tokio::test]
async fn nothing_left_is_transient() {
    for (kind, keys, _) in KINDS {
        let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let report = send(&testing::channel(kind, &format!("http://{free}"), keys)).await;
        assert_eq!(
            (word(&report.outcome), report.reason),
            ("transient", Reason::NotConnected),
            "{kind}"
        );
    }
}

#[tokio::test]
async fn a_request_without_an_answer_is_unknown() {
    for (kind, keys, _) in KINDS {
        let lost = against(kind, keys, Does::Answers(Vec::new())).await;
        assert_eq!(
            (word(&lost.outcome), lost.reason),
            ("unknown", Reason::NoAnswer),
            "{kind}"
        );
        let hanging = against(kind, keys, Does::Hangs(Vec::new())).await;
        assert_eq!(
            (word(&hanging.outcome), hanging.reason),
            ("unknown", Reason::NoAnswer),
            "{kind}"
        );
    }
}

#[tokio::test]
async fn a_success_that_does_not_say_so_is_none() {
    let mut huge = b"HTTP/1.1 200 OK\r\ncontent-length: 10000000\r\n\r\n".to_vec();
    huge.resize(10_000_000, b' ');
    let bodies = [
        Does::Answers(http("200 OK", "{\"error\":\"no\"}")),
        Does::Answers(http("200 OK", "<html><body>Wartung</body></html>")),
        Does::Answers(http("200 OK", "{\"id\":\"1")),
        Does::Answers(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"id\":\"1\"".to_vec()),
        Does::Hangs(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"id\":\"1\"".to_vec()),
        Does::Answers(huge),
    ];
    for (kind, keys, needs_body) in KINDS {
        for does in &bodies {
            let report = against(kind, keys, does.clone()).await;
            // A webhook's success is its status alone (Standard Webhooks): what follows means nothing.
            let expected = if *needs_body { "unknown" } else { "delivered" };
            assert_eq!(word(&report.outcome), expected, "{kind}: {report:?}");
        }
    }
}

#[tokio::test]
async fn a_redirect_is_never_followed() {
    for (kind, keys, _) in KINDS {
        for status in [301, 302, 303, 307, 308] {
            let elsewhere = Scripted::start(200, "", "{}").await;
            let server = Scripted::start(status, &format!("location: {}/x", elsewhere.url()), "").await;
            let report = send(&testing::channel(kind, &server.url(), keys)).await;
            // Of an audience the rows stay until the address is mended; one message to one counterpart is refused.
            let expected = if sms::KINDS.contains(kind) { "auth" } else { "permanent" };
            assert_eq!(word(&report.outcome), expected, "{kind} {status}");
            assert!(elsewhere.requests().await.is_empty(), "{kind} {status}");
        }
    }
}

#[tokio::test]
async fn an_echoed_secret_is_in_no_report() {
    // Words of an answer are cut after 160 characters.
    let echo = format!("{} {SECRET} {SECRET}", "word ".repeat(30).trim_end());
    assert_eq!(echo.find(SECRET), Some(150));
    for (kind, keys, _) in KINDS.iter().filter(|(kind, ..)| SENDS_ITS_SECRET.contains(kind)) {
        let mut shown = false;
        for status in [
            "200 OK", "400 Bad", "401 No", "404 Not", "429 Slow", "500 Oh", "502 Bad",
        ] {
            for body in [echo.clone(), format!("{{\"error\":\"{echo}\"}}")] {
                let report = against(kind, keys, Does::Answers(http(status, &body))).await;
                shown |= report.text.en.contains("word …");
            }
        }
        assert!(shown, "{kind}: what else it says is shown");
    }
}

#[tokio::test]
async fn noise_is_no_answer_and_no_panic() {
    for (kind, keys, _) in KINDS {
        let noise: &[&[u8]] = &[
            b"SSH-2.0-OpenSSH_9.9\r\n",
            b"\0\0\0\0",
            b"HTTP/1.1 999 \xff\r\n\r\n",
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        ];
        for bytes in noise {
            let report = against(kind, keys, Does::Answers(bytes.to_vec())).await;
            assert!(
                ["unknown", "delivered"].contains(&word(&report.outcome)),
                "{kind}: {report:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_service_in_trouble_is_waited_for() {
    for (kind, keys, _) in KINDS {
        let trouble = against(
            kind,
            keys,
            Does::Answers(http("503 Service Unavailable", "<html>503</html>")),
        )
        .await;
        assert_eq!(
            (word(&trouble.outcome), trouble.reason),
            ("transient", Reason::ServiceTrouble),
            "{kind}"
        );
        let wait = b"HTTP/1.1 429 Too Many\r\nretry-after: 30\r\ncontent-length: 0\r\n\r\n".to_vec();
        let wait = against(kind, keys, Does::Answers(wait)).await;
        // From the answer, which came a moment after the start at 1,000: exactly or later by that moment, never earlier.
        assert!(
            matches!(wait.outcome, crate::domain::outcome::Outcome::Later { until } if (31_000..91_000).contains(&until)),
            "{kind}: {:?}",
            wait.outcome
        );
    }
}
