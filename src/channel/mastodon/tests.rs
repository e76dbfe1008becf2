//! What Mastodon answers, and what comes of it.

use super::*;
use crate::channel::testing::{self, Scripted};
use crate::store::Thread;

const KEYS: &str = "token = \"pass-word-1\"";
const STATUS: &str = r#"{"id":"109","url":"https://social.example/@stadt/109","content":"<p>x</p>"}"#;

#[tokio::test]
async fn outcomes() {
    let table = [
        (200, "", STATUS, "delivered", Reason::Ok),
        (200, "", r#"{"error":"no"}"#, "unknown", Reason::BadAnswer),
        (200, "", "<html>Wartung</html>", "unknown", Reason::BadAnswer),
        (
            401,
            "",
            r#"{"error":"The access token is invalid"}"#,
            "auth",
            Reason::Credentials,
        ),
        (
            403,
            "",
            r#"{"error":"This action is outside the authorized scopes"}"#,
            "auth",
            Reason::Credentials,
        ),
        (
            404,
            "",
            r#"{"error":"Record not found"}"#,
            "permanent",
            Reason::ReferenceGone,
        ),
        (
            422,
            "",
            r#"{"error":"Validation failed: Text can't be blank"}"#,
            "permanent",
            Reason::ContentRefused,
        ),
        (
            429,
            "x-ratelimit-reset: 2026-01-02T03:05:00.000001Z",
            r#"{"error":"Too many requests"}"#,
            "later",
            Reason::RateLimited,
        ),
        (503, "", "<html>", "transient", Reason::ServiceTrouble),
        (500, "", "<html>", "transient", Reason::ServiceTrouble),
        (
            301,
            "location: https://elsewhere.example/",
            "",
            "permanent",
            Reason::BadAnswer,
        ),
    ];
    testing::outcomes("mastodon", KEYS, &table, |_| {}).await;
}

#[tokio::test]
async fn an_update_replies_and_repeats_carry_the_same_key() {
    let server = Scripted::start(200, "", STATUS).await;
    let channel = testing::channel("mastodon", &server.url(), KEYS);
    let mut job = testing::job(&testing::compose(channel.as_ref()));
    let post = |id: &str| Remote {
        id: Some(id.to_owned()),
        url: None,
    };
    job.thread = Some(Thread {
        root: post("7"),
        parent: post("8"),
    });
    channel.send(&job, 0).await;
    job.attempt = 2;
    channel.send(&job, 9_000).await;
    let posts: Vec<_> = server
        .requests()
        .await
        .into_iter()
        .filter(|r| r.method == "POST")
        .collect();
    assert_eq!(posts[0].headers["idempotency-key"], posts[1].headers["idempotency-key"]);
    let body: Value = posts[0].body_json().unwrap();
    assert_eq!(
        (body["in_reply_to_id"].as_str(), body["language"].as_str()),
        (Some("8"), Some("de"))
    );
}

#[tokio::test]
async fn a_parent_that_is_gone_makes_it_a_post_of_its_own() {
    let server = Scripted::start(404, "", r#"{"error":"gone"}"#).await;
    let channel = testing::channel("mastodon", &server.url(), KEYS);
    let mut job = testing::job(&testing::compose(channel.as_ref()));
    job.thread = Some(Thread {
        root: Remote {
            id: Some("7".into()),
            url: None,
        },
        parent: Remote {
            id: Some("7".into()),
            url: None,
        },
    });
    channel.send(&job, 0).await;
    let requests = server.requests().await;
    let second: Value = requests[1].body_json().unwrap();
    assert_eq!(second.get("in_reply_to_id"), None);
}

#[tokio::test]
async fn a_correction_edits_and_a_second_delete_is_done() {
    let server = Scripted::start(200, "", STATUS).await;
    let channel = testing::channel("mastodon", &server.url(), KEYS);
    let mut job = testing::job(&testing::compose(channel.as_ref()));
    job.operation = Operation::Edit;
    job.target = Some(Remote {
        id: Some("109".into()),
        url: None,
    });
    assert_eq!(channel.send(&job, 0).await.reason, Reason::Ok);
    let first = &server.requests().await[0];
    assert_eq!(
        (first.method.as_str(), first.url.path()),
        ("PUT", "/api/v1/statuses/109")
    );

    let server = Scripted::start(404, "", "{}").await;
    let channel = testing::channel("mastodon", &server.url(), KEYS);
    job.operation = Operation::Delete;
    assert!(matches!(channel.send(&job, 0).await.outcome, Outcome::Delivered(_)));
}

#[test]
fn posts_are_known_again_through_their_html() {
    let html = r#"<p>Telefon &amp; Fax „aus“<br />mehr: <a href="https://info.example/a"><span class="invisible">https://</span><span>info.example/a</span></a></p>"#;
    assert!(same_text(html, "Telefon & Fax „aus“\nmehr: https://info.example/a"));
    assert!(!same_text(html, "Telefon & Fax „an“\nmehr: https://info.example/a"));
}
