//! The gateways beside Kannel: seven's codes, Vonage's statuses.

use reqwest::Client;
use serde_json::{Value, json};

use super::{body, sandbox};
use crate::sandbox::{Sandbox, seven, vonage};

async fn by_seven(sandbox: &Sandbox, client: &Client, form: &[(&str, &str)]) -> String {
    let request = client.post(format!("{}/api/sms", sandbox.seven.url())).form(form);
    let answer = request.header("X-Api-Key", seven::KEY).send().await.unwrap();
    answer.text().await.unwrap()
}

#[tokio::test]
async fn seven_answers_a_code_and_locks_repeats() {
    let (sandbox, client) = sandbox().await;
    let to = ("to", "+491713920001");
    let (long, wide) = ("ä".repeat(1_521), "„zu“ 🔌");
    for (form, code) in [
        (&[to, ("text", "Störung"), ("from", "Rundruf")][..], "100"),
        (&[to, ("text", wide), ("foreign_id", "1.2.a-_")], "100"),
        (&[("text", "x")], "301"),
        (&[to], "305"),
        (&[to, ("text", "x"), ("from", "Landeshauptstadt")], "306"),
        (&[to, ("text", &long)], "401"),
        (&[("to", "0049"), ("text", "x")], "202"),
        (&[to, ("text", "x"), ("foreign_id", "a b")], "400"),
        // Without the lock the same text goes again.
        (&[to, ("text", "Störung")], "100"),
    ] {
        assert_eq!(by_seven(&sandbox, &client, form).await, code, "{form:?}");
    }
    sandbox.seven.service().lock_repeats();
    assert_eq!(by_seven(&sandbox, &client, &[to, ("text", "Störung")]).await, "402");
    sandbox.seven.service().leave(74);
    assert_eq!(by_seven(&sandbox, &client, &[to, ("text", "neu")]).await, "500");
    let seen: Vec<_> = sandbox
        .seven
        .books()
        .entries
        .into_iter()
        .map(|e| (e.parts, e.encoding))
        .collect();
    assert_eq!(
        seen,
        [
            (Some(1), Some("gsm7")),
            (Some(1), Some("ucs2")),
            (Some(1), Some("gsm7"))
        ]
    );
    let url = format!("{}/api/sms", sandbox.seven.url());
    let wrong = client
        .post(url)
        .header("X-Api-Key", "x")
        .form(&[to])
        .send()
        .await
        .unwrap();
    assert_eq!(
        (wrong.status().as_u16(), wrong.text().await.unwrap().as_str()),
        (200, "900")
    );
}

#[tokio::test]
async fn seven_says_in_json_when_it_only_tries() {
    let (sandbox, client) = sandbox().await;
    sandbox.seven.service().only_try(true);
    let request = client
        .post(format!("{}/api/sms", sandbox.seven.url()))
        .header("X-Api-Key", seven::KEY)
        .header("Accept", "application/json")
        .json(&json!({ "to": "491713920001", "text": "x" }));
    let answer = body(request.send().await.unwrap()).await;
    assert_eq!((&answer["success"], &answer["debug"]), (&json!("100"), &json!("true")));
    assert_eq!(answer["messages"][0]["success"], true);
    assert!(sandbox.seven.books().entries.is_empty());
}

#[tokio::test]
async fn vonage_answers_200_and_a_status_for_every_part() {
    let (sandbox, client) = sandbox().await;
    let ask = async |changed: Value| {
        let mut fields = json!({
            "api_key": vonage::KEY, "api_secret": vonage::SECRET, "from": "Rundruf", "to": "491713920001", "text": "Störung „hier“",
        });
        for (name, value) in changed.as_object().unwrap() {
            fields[name] = value.clone();
        }
        let request = client.post(format!("{}/sms/json", sandbox.vonage.url())).json(&fields);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 200);
        body(answer).await
    };
    for (changed, status, parts) in [
        (json!({}), "0", "1"),
        (json!({ "type": "unicode" }), "0", "1"),
        (json!({ "text": "ä".repeat(161) }), "0", "2"),
        (json!({ "to": "+491713920001" }), "3", "1"),
        (json!({ "from": "" }), "2", "1"),
        (json!({ "type": "binary" }), "3", "1"),
        (json!({ "text": "ä".repeat(1_531) }), "12", "1"),
        (json!({ "api_secret": "x" }), "4", "1"),
    ] {
        let answer = ask(changed.clone()).await;
        assert_eq!(
            (&answer["messages"][0]["status"], &answer["message-count"]),
            (&json!(status), &json!(parts)),
            "{changed}"
        );
    }
    let books = sandbox.vonage.books();
    let texts: Vec<_> = books.entries.iter().take(2).map(|e| &*e.text).collect();
    assert_eq!(texts, ["Störung ?hier?", "Störung „hier“"]);
    assert_eq!((books.entries.len(), books.refused), (3, 5));
}

#[tokio::test]
async fn a_gateway_is_drawn_once_it_has_been_asked() {
    let (sandbox, client) = sandbox().await;
    let page = async || {
        client
            .get(sandbox.page_url())
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap()
    };
    assert!(!page().await.contains("SMS · seven"));
    let form = [("to", "+491713920007"), ("text", "Störung")];
    by_seven(&sandbox, &client, &form).await;
    let shown = page().await;
    assert!(
        shown.contains("SMS · seven") && shown.contains("+491713920007"),
        "{shown}"
    );
    assert!(!shown.contains("SMS · Vonage"));
}
