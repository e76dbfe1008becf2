//! The fakes asked over HTTP, as the channels ask them.

mod gateway;
mod others;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use axum::http::{HeaderMap, Method};
use reqwest::Client;
use serde_json::{Value, json};

use gateway::sms;

use super::Sandbox;
use super::books::Books;
use super::fault::Fault;
use super::http::Call;
use super::mastodon::{self, Mastodon};
use super::provider::Service;
use crate::clock::{Clock, Ms, SystemClock};

/// A clock set by hand.
struct Hand(AtomicI64);

impl Clock for Hand {
    fn now_ms(&self) -> Ms {
        self.0.load(Ordering::SeqCst)
    }
}

fn client() -> Client {
    // Fails where another test was first; the provider is the same.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().timeout(Duration::from_secs(20)).build().unwrap()
}

async fn sandbox() -> (Sandbox, Client) {
    let clock = Arc::new(SystemClock);
    (Sandbox::start(clock, true).await.unwrap(), client())
}

async fn toot(sandbox: &Sandbox, client: &Client, key: &str, body: Value) -> reqwest::Result<reqwest::Response> {
    client
        .post(format!("{}/api/v1/statuses", sandbox.mastodon.url()))
        .bearer_auth(mastodon::TOKEN)
        .header("idempotency-key", key)
        .json(&body)
        .send()
        .await
}

async fn body(answer: reqwest::Response) -> Value {
    answer.json().await.unwrap()
}

#[tokio::test]
async fn mastodon_threads_edits_deletes_and_knows_its_keys() {
    let (sandbox, client) = sandbox().await;
    let first = toot(&sandbox, &client, "k1", json!({ "status": "eins" }))
        .await
        .unwrap();
    assert_eq!(first.headers()["x-ratelimit-remaining"], "299");
    let reset = first.headers()["x-ratelimit-reset"].to_str().unwrap();
    assert_eq!(reset.len(), "2026-01-02T03:04:05.123000Z".len(), "{reset}");
    let first = body(first).await;
    let again = body(
        toot(&sandbox, &client, "k1", json!({ "status": "eins" }))
            .await
            .unwrap(),
    )
    .await;
    assert_eq!(again["id"], first["id"]);
    let reply = json!({ "status": "zwei", "in_reply_to_id": first["id"] });
    let reply = body(toot(&sandbox, &client, "k2", reply).await.unwrap()).await;
    assert_eq!(reply["in_reply_to_id"], first["id"]);
    let books = sandbox.mastodon.books();
    assert_eq!((books.accepted(), books.doubles(), books.repeats()), (2, 0, 1));

    let one = format!(
        "{}/api/v1/statuses/{}",
        sandbox.mastodon.url(),
        first["id"].as_str().unwrap()
    );
    let ask = |method: Method| client.request(method, &one).bearer_auth(mastodon::TOKEN);
    let edited = ask(Method::PUT)
        .form(&[("status", "eins, berichtigt")])
        .send()
        .await
        .unwrap();
    assert!(body(edited).await["edited_at"].is_string());
    assert_eq!(ask(Method::DELETE).send().await.unwrap().status().as_u16(), 200);
    assert_eq!(ask(Method::DELETE).send().await.unwrap().status().as_u16(), 404);
    let orphan = json!({ "status": "drei", "in_reply_to_id": first["id"] });
    assert_eq!(
        toot(&sandbox, &client, "k3", orphan).await.unwrap().status().as_u16(),
        404
    );
}

#[tokio::test]
async fn mastodon_refuses_what_mastodon_refuses() {
    let (sandbox, client) = sandbox().await;
    let link = format!("https://info.potsdam.example/{}", "x".repeat(200));
    for (text, status) in [
        ("ä".repeat(500), 200),
        ("ä".repeat(501), 422),
        (format!("{link} {}", "a".repeat(476)), 200),
        (format!("{link} {}", "a".repeat(477)), 422),
        ("  ".to_owned(), 422),
    ] {
        let key = &text.len().to_string();
        let answer = toot(&sandbox, &client, key, json!({ "status": text }));
        assert_eq!(answer.await.unwrap().status().as_u16(), status, "{} bytes", text.len());
    }
    let url = format!("{}/api/v1/accounts/verify_credentials", sandbox.mastodon.url());
    let wrong = client.get(&url).bearer_auth("wrong").send().await.unwrap();
    assert_eq!(wrong.status().as_u16(), 401);
    assert_eq!(body(wrong).await["error"], "The access token is invalid");
    let right = client.get(&url).bearer_auth(mastodon::TOKEN).send().await.unwrap();
    assert_eq!(body(right).await["username"], "rundruf");
    let instance = client.get(format!("{}/api/v2/instance", sandbox.mastodon.url()));
    let limit = &body(instance.send().await.unwrap()).await["configuration"]["statuses"];
    assert_eq!(limit["max_characters"], 500);
}

#[test]
fn mastodon_counts_three_hours_and_forgets_keys_after_one() {
    let (service, mut books) = (Mastodon::default(), Books::default());
    let clock = Hand(AtomicI64::new(1_700_000_000_000));
    let mut post = |key: &str, at_ms| {
        let mut headers = HeaderMap::new();
        let token = format!("Bearer {}", mastodon::TOKEN);
        headers.insert("authorization", token.parse().unwrap());
        headers.insert("idempotency-key", key.parse().unwrap());
        let call = Call {
            method: Method::POST,
            path: "/api/v1/statuses".into(),
            query: String::new(),
            headers,
            body: format!("status={key}").into(),
            at_ms,
        };
        service.answer(&call, &mut books).status
    };
    let start = clock.now_ms();
    for n in 0..300 {
        assert_eq!(post(&n.to_string(), start), 200);
    }
    assert_eq!(post("one more", start), 429);
    assert_eq!(post("0", start + 3_599_999), 200, "a known key is no new post");
    assert_eq!(post("0", start + 3_600_000), 429, "forgotten, so it is a new post");
    assert_eq!(post("0", start + 3 * 3_600_000), 200);
    assert_eq!((books.accepted(), books.doubles()), (301, 1));
}

#[tokio::test]
async fn every_fault_comes_on_demand_and_goes() {
    let (sandbox, client) = sandbox().await;
    let post = |key: &'static str| toot(&sandbox, &client, key, json!({ "status": key }));
    sandbox.mastodon.fault_times(Fault::Unavailable, 1);
    let answer = post("a").await.unwrap();
    assert_eq!(answer.status().as_u16(), 503);
    assert!(answer.text().await.unwrap().starts_with("<html>"));
    sandbox.mastodon.fault_times(Fault::TooMany { seconds: 9 }, 1);
    let answer = post("a").await.unwrap();
    assert_eq!(answer.status().as_u16(), 429);
    assert_eq!(answer.headers()["x-ratelimit-remaining"], "0");
    assert!(answer.headers().get("retry-after").is_none());
    assert_eq!(sandbox.mastodon.books().accepted(), 0);

    sandbox.mastodon.fault_times(Fault::LoseAnswer, 1);
    let lost = post("a").await;
    assert!(lost.is_err() && sandbox.mastodon.books().accepted() == 1);
    sandbox.mastodon.fault_times(Fault::CutAnswer, 1);
    let cut = post("b").await.unwrap();
    assert_eq!(cut.status().as_u16(), 200);
    assert!(cut.text().await.is_err());
    for key in ["a", "b"] {
        assert_eq!(post(key).await.unwrap().status().as_u16(), 200);
    }
    let books = sandbox.mastodon.books();
    assert_eq!((books.accepted(), books.doubles(), books.repeats()), (2, 0, 2));

    sandbox.mastodon.fault(Fault::Hang);
    let short = post("c");
    let hung = tokio::time::timeout(Duration::from_millis(100), short).await;
    assert!(hung.is_err());
    sandbox.mastodon.heal();

    let url = sandbox.mastodon.url();
    sandbox.mastodon.stop().await;
    assert!(post("d").await.unwrap_err().is_connect());
    sandbox.mastodon.start_again().await.unwrap();
    assert_eq!(sandbox.mastodon.url(), url);
    assert_eq!(post("d").await.unwrap().status().as_u16(), 200);
    assert_eq!(sandbox.mastodon.books().accepted(), 3);
}

#[tokio::test]
async fn the_page_draws_what_came_and_escapes_it() {
    let (sandbox, client) = sandbox().await;
    let nasty = "<script>alert(1)</script> & „so“";
    toot(&sandbox, &client, "k", json!({ "status": nasty, "language": "de" }))
        .await
        .unwrap();
    sms(&sandbox, &client, &[("to", "+491713920001"), ("text", "Störung")]).await;
    let unsigned = client.post(format!("{}/hook", sandbox.webhook.url())).json(&json!({}));
    assert_eq!(unsigned.send().await.unwrap().status().as_u16(), 400);
    sandbox.webhook.stop().await;
    let html = client
        .get(sandbox.page_url())
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    for shown in [
        "&lt;script&gt;",
        "Störung",
        "+491713920001",
        "angehalten",
        "1 abgewiesen",
    ] {
        assert!(html.contains(shown), "{shown}\n{html}");
    }
    assert!(!html.contains("<script>alert"));
    assert!(!html.contains("E-Mail"), "nobody has used it");
    let books = client.get(format!("{}books.json", sandbox.page_url()));
    assert_eq!(
        body(books.send().await.unwrap()).await["mastodon"]["entries"][0]["text"],
        nasty
    );
    sandbox.stop().await;
}
