//! Outcomes, signatures, and which addresses are one.

use super::*;
use crate::channel::testing::{self, Scripted};

#[test]
fn the_known_answer_of_the_specification() {
    let secret = decode(&SecretString::from(
        "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
    ))
    .unwrap();
    let body = br#"{"type":"incident.created","timestamp":"2026-01-02T03:04:05Z","data":{"id":"inc_1"}}"#;
    assert_eq!(
        sign(&secret, "msg_test1", 1_767_323_045, body),
        "v1,hJ6xW8UHZxjtb5gXrJeLYp22shouau+pdMOcORqdd5M="
    );
}

#[tokio::test]
async fn outcomes() {
    let table = [
        (204, "", "", "delivered", Reason::Ok),
        (200, "", "<html>", "delivered", Reason::Ok),
        (302, "location: http://127.0.0.1:1/", "", "permanent", Reason::BadAnswer),
        (410, "", "", "gone", Reason::RecipientGone),
        (401, "", "", "auth", Reason::Credentials),
        (422, "", r#"{"error":"no"}"#, "permanent", Reason::ContentRefused),
        (429, "retry-after: 60", "", "later", Reason::RateLimited),
        (429, "", "", "transient", Reason::RateLimited),
        (502, "", "<html>", "transient", Reason::ServiceTrouble),
        (504, "", "", "transient", Reason::ServiceTrouble),
    ];
    testing::outcomes("webhook", EXAMPLE_KEYS, &table, |_| {}).await;
}

/// What was signed by a wrong clock is not refused for good, nor are the credentials at fault: the clock is.
#[tokio::test]
async fn a_refusal_by_a_receiver_with_another_time_is_not_for_good() {
    for (status, now, word) in [
        (400, 0, "permanent"),
        (401, 0, "auth"),
        (403, 119_000, "auth"),
        (400, 3_600_000, "transient"),
        (401, 315_360_000_000, "transient"),
    ] {
        let server = Scripted::start(status, "", "timestamp too old").await;
        let channel = testing::channel("webhook", &server.url(), EXAMPLE_KEYS);
        let report = channel
            .send(&testing::job(&testing::compose(channel.as_ref())), now)
            .await;
        assert_eq!(testing::word(&report.outcome), word, "{status} {now}: {report:?}");
        assert_eq!(report.text.de.contains("beide Uhren"), word == "transient");
    }
}

const EXAMPLE_KEYS: &str = r#"secret = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=""#;

#[tokio::test]
async fn every_attempt_has_the_same_id_and_a_signature_of_its_own_time() {
    let server = Scripted::start(204, "", "").await;
    let channel = testing::channel("webhook", &server.url(), EXAMPLE_KEYS);
    let job = testing::job(&testing::compose(channel.as_ref()));
    channel.send(&job, 1_000_000).await;
    channel.send(&job, 2_000_000).await;
    let requests = server.requests().await;
    let header = |n: usize, name: &str| requests[n].headers[name].to_str().unwrap().to_owned();
    assert_eq!(header(0, "webhook-id"), header(1, "webhook-id"));
    let secret = decode(&SecretString::from(
        "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
    ))
    .unwrap();
    for (n, seconds) in [(0, 1_000), (1, 2_000)] {
        assert_eq!(header(n, "webhook-timestamp"), seconds.to_string());
        assert_eq!(
            header(n, "webhook-signature"),
            sign(&secret, &header(n, "webhook-id"), seconds, &requests[n].body)
        );
    }
}
