//! The gateway's words, parts and reports.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use reqwest::Client;

use super::sandbox;
use crate::sandbox::kannel::Plan;
use crate::sandbox::{Sandbox, kannel};
use crate::web::listen::{Limits, Listening};

pub(super) async fn sms(sandbox: &Sandbox, client: &Client, more: &[(&str, &str)]) -> reqwest::Response {
    let query = [
        ("username", kannel::USER),
        ("password", kannel::PASSWORD),
        ("from", kannel::FROM),
    ];
    client
        .get(format!("{}/cgi-bin/sendsms", sandbox.kannel.url()))
        .query(&query)
        .query(more)
        .send()
        .await
        .unwrap()
}

#[tokio::test]
async fn kannel_answers_in_words_and_counts_parts() {
    let (sandbox, client) = sandbox().await;
    let long = "ä".repeat(161);
    let to = ("to", "+491713920001");
    for (more, status, answer) in [
        (&[to, ("text", "Störung")][..], 202, "0: Accepted for delivery"),
        (&[to, ("text", &long)], 202, "0: Accepted for delivery"),
        (
            &[to, ("text", "„zu“ 🔌"), ("coding", "2"), ("charset", "UTF-8")],
            202,
            "0: Accepted for delivery",
        ),
        (&[to, ("text", "wie „hier“")], 202, "0: Accepted for delivery"),
        (&[("to", "+491713920001 +491713920002"), ("text", "x")], 202, "Sent."),
        (&[("text", "x")], 400, "Missing receiver number, rejected"),
        (
            &[("to", " "), ("text", "x")],
            400,
            "Empty receiver number not allowed, rejected",
        ),
        (
            &[("to", "abc"), ("text", "x")],
            400,
            "Receiver number misformed, rejected",
        ),
    ] {
        let reply = sms(&sandbox, &client, more).await;
        assert_eq!(reply.status().as_u16(), status, "{more:?}");
        assert_eq!(reply.text().await.unwrap(), answer);
    }
    let wrong = format!("{}/cgi-bin/sendsms?username=x&password=y", sandbox.kannel.url());
    assert_eq!(client.get(wrong).send().await.unwrap().status().as_u16(), 403);
    let seen: Vec<_> = sandbox
        .kannel
        .books()
        .entries
        .into_iter()
        .map(|e| (e.text.chars().take(9).collect::<String>(), e.parts, e.encoding))
        .collect();
    assert_eq!(
        seen[..4],
        [
            ("Störung".into(), Some(1), Some("gsm7")),
            ("äääääääää".into(), Some(2), Some("gsm7")),
            ("„zu“ 🔌".into(), Some(1), Some("ucs2")),
            ("wie ?hier".into(), Some(1), Some("gsm7")),
        ]
    );
    assert_eq!(seen.len(), 6);
}

#[tokio::test]
async fn kannel_reports_until_somebody_takes_it() {
    let (sandbox, client) = sandbox().await;
    let (heard, mut hear) = tokio::sync::mpsc::unbounded_channel::<String>();
    let tries = Arc::new(AtomicI64::new(0));
    let handler = move |request: axum::http::Request<hyper::body::Incoming>| {
        let (heard, tries) = (heard.clone(), tries.clone());
        async move {
            let busy = tries.fetch_add(1, Ordering::SeqCst) == 0;
            if !busy {
                heard.send(request.uri().to_string()).unwrap();
            }
            let mut answer = axum::http::Response::new(axum::body::Body::empty());
            *answer.status_mut() = axum::http::StatusCode::from_u16(if busy { 503 } else { 200 }).unwrap();
            Ok::<_, std::convert::Infallible>(answer)
        }
    };
    let ours = Listening::start("127.0.0.1:0".parse().unwrap(), Limits::default(), handler)
        .await
        .unwrap();
    let url = format!("http://{}/r?id=7&type=%d&fid=%F", ours.addr());
    let common = [("to", "+491713920001"), ("dlr-mask", "31"), ("dlr-url", url.as_str())];
    for (plan, expected) in [
        (Plan::Deliver, &["8", "1"][..]),
        (Plan::OutOfOrder, &["1", "8"]),
        (Plan::Reject, &["16"]),
        (Plan::Fail, &["8", "2"]),
        (Plan::Twice, &["8", "8", "1", "1"]),
    ] {
        sandbox.kannel.service().plan(plan);
        let text = format!("{plan:?}");
        let mut more = common.to_vec();
        more.push(("text", &text));
        sms(&sandbox, &client, &more).await;
        let mut types = Vec::new();
        for _ in expected {
            let uri = hear.recv().await.unwrap();
            types.push(uri.split("type=").nth(1).unwrap().split('&').next().unwrap().to_owned());
        }
        assert_eq!(types, expected, "{plan:?}");
    }
}
