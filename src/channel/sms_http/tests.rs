//! A described gateway: what is sent, what its answers mean, what is wrong with a description.

use super::*;
use crate::channel::testing::{self, Scripted};
use crate::domain::outcome::Reason;
use crate::store::ReceiptWord;

const KEYS: &str = r#"
headers = { Authorization = "Bearer {secret}" }
secret = "pass-word-1"
body = '{"to": "{to}", "text": "{text}", "reference": "{ref}", "callback": "{receipts}"}'
accept = { field = "messages.0.status", is = ["queued", "1"], refused = ["bad"], again = ["busy"], stop = ["broke"], id = "messages.0.id" }
receipts = { ref = "reference", status = "state", delivered = ["DELIVRD"], rejected = ["UNDELIV"], expired = ["EXPIRED"] }
audience = { file = "presse.csv" }
"#;

fn status(word: &str) -> String {
    format!("{{\"messages\":[{{\"id\":77,\"status\":{word}}}]}}")
}

#[tokio::test]
async fn outcomes() {
    let (queued, one, bad, busy, broke, odd) = (
        status("\"queued\""),
        status("1"),
        status("\"bad\""),
        status("\"busy\""),
        status("\"broke\""),
        status("\"odd\""),
    );
    let table = [
        (200, "", queued.as_str(), "accepted", Reason::Ok),
        (202, "", one.as_str(), "accepted", Reason::Ok),
        (200, "", bad.as_str(), "permanent", Reason::RecipientRefused),
        (200, "", busy.as_str(), "transient", Reason::ServiceTrouble),
        (200, "", broke.as_str(), "auth", Reason::Credentials),
        (200, "", odd.as_str(), "unknown", Reason::BadAnswer),
        (200, "", "{}", "unknown", Reason::BadAnswer),
        (401, "", "Bearer pass-word-1 is wrong", "auth", Reason::Credentials),
        (400, "", "", "permanent", Reason::ContentRefused),
        (502, "", "<html>", "unknown", Reason::ServiceTrouble),
        (503, "", "", "transient", Reason::ServiceTrouble),
        (429, "retry-after: 7", "", "later", Reason::RateLimited),
    ];
    testing::outcomes("sms_http", KEYS, &table, |job| job.address = "+49171123456".to_owned()).await;
}

#[tokio::test]
async fn the_request_is_as_described_and_its_report_finds_the_attempt() {
    let server = Scripted::start(200, "", &status("\"queued\"")).await;
    let channel = testing::channel("sms_http", &server.url(), KEYS);
    let mut variant = testing::compose(channel.as_ref());
    variant.text = "„Zu\" \\ {to} 🔌\nbis morgen".to_owned();
    let mut job = testing::job(&variant);
    job.address = "+49 171 123456".to_owned();
    channel.send(&job, 0).await;
    let request = &server.requests().await[0];
    assert_eq!(request.headers["authorization"], "Bearer pass-word-1");
    assert_eq!(request.headers["content-type"], "application/json");
    let sent: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
    assert_eq!(
        (sent["to"].as_str(), sent["text"].as_str()),
        (Some("+49171123456"), Some(variant.text.as_str()))
    );

    let ask = |query: &str, body: String| {
        channel.read_receipt(&ReceiptRequest {
            query: url::form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
            headers: Vec::new(),
            body: body.into(),
        })
    };
    let back = Url::parse(sent["callback"].as_str().unwrap()).unwrap();
    let to_address = ask(&format!("{}&state=delivrd", back.query().unwrap()), String::new());
    let by_reference = ask(
        "",
        format!("{{\"reference\":{},\"state\":\"DELIVRD\"}}", sent["reference"]),
    );
    for receipt in [to_address, by_reference] {
        let receipt = receipt.unwrap().remove(0);
        assert_eq!(
            (receipt.delivery, receipt.word),
            (Some((job.delivery, job.attempt)), ReceiptWord::Delivered)
        );
    }
    let reference = sent["reference"].as_str().unwrap();
    let form = |reference: &str, state: &str| ask("", format!("reference={reference}&state={state}"));
    assert_eq!(form(reference, "UNDELIV").unwrap()[0].word, ReceiptWord::Rejected);
    assert_eq!(form(reference, "ENROUTE").unwrap()[0].word, ReceiptWord::Buffered);
    assert_eq!(ask("", String::new()), Err(ReceiptRefusal::Forbidden));
}

#[tokio::test]
async fn an_answer_in_words_begins_with_its_word() {
    const WORDS: &str = r#"
body = "to={to}&text={text}"
accept = { is = ["OK", "0:"], refused = ["ERR 2"], again = ["ERR 3"], stop = ["ERR 1"] }
audience = { file = "presse.csv" }
"#;
    let (taken, unknown) = (("accepted", Reason::Ok), ("unknown", Reason::BadAnswer));
    let table = [
        ("OK", taken),
        ("\u{feff} OK 77\r\n", taken),
        ("OK: 77", taken),
        ("0: Accepted", taken),
        ("0:77", taken),
        ("NOT OK", unknown),
        ("OKAY", unknown),
        ("ok", unknown),
        ("The number of errors is 0: ERR 2", unknown),
        ("ERR 20", unknown),
        ("", unknown),
        ("ERR 2 wrong number", ("permanent", Reason::RecipientRefused)),
        ("ERR 3 OK", ("transient", Reason::ServiceTrouble)),
        ("ERR 1 no credit", ("auth", Reason::Credentials)),
    ];
    let rows: Vec<_> = table
        .iter()
        .map(|(body, (word, reason))| (200, "", *body, *word, *reason))
        .collect();
    testing::outcomes("sms_http", WORDS, &rows, |job| job.address = "+49171123456".to_owned()).await;
}

#[tokio::test]
async fn a_form_in_the_query_is_escaped() {
    let server = Scripted::start(200, "", "OK 77").await;
    let url = format!("{}/send?key={{secret}}&to={{digits}}&msg={{text}}", server.url());
    let keys = "method = \"GET\"\nsecret = \"a&b\"\naccept = { is = [\"OK\"] }\naudience = { file = \"presse.csv\" }";
    let channel = testing::channel("sms_http", &url, keys);
    let mut job = testing::job(&testing::compose(channel.as_ref()));
    job.address = "+49171123456".to_owned();
    assert_eq!(testing::word(&channel.send(&job, 0).await.outcome), "accepted");
    let sent: Vec<_> = server.requests().await[0].url.query_pairs().into_owned().collect();
    assert_eq!(sent[0], ("key".to_owned(), "a&b".to_owned()));
    assert_eq!(sent[1], ("to".to_owned(), "49171123456".to_owned()));
    assert_eq!(sent[2].1, job.variant.text);
}

#[test]
fn a_wrong_description_is_refused_at_the_start() {
    let cases = [
        ("body = '{\"to\": {to}, \"x\": }'", "no JSON"),
        // +49… is no number of JSON, and a text is none either.
        ("body = '{\"to\": {to}, \"text\": \"{text}\"}'", "no JSON"),
        ("body = '{\"to\": \"{to}\", \"text\": {text}}'", "no JSON"),
        ("body = 'to={nummer}&text={text}'", "{nummer}"),
        ("body = 'text={text}'", "lacks the number"),
        ("body = 'to={to}&text={text}&k={secret}'", "secret is missing"),
        (
            "body = 'to={to}&text={text}'\nheaders = { \"X Y\" = \"1\" }",
            "\"X Y\" has characters no name has",
        ),
        (
            "body = 'to={to}&text={text}'\nheaders = { \"Schlüssel\" = \"1\" }",
            "\"Schlüssel\" has characters no name has",
        ),
        (
            "body = 'to={to}&text={text}'\nheaders = { X-Stadt = \"Köln\" }",
            "X-Stadt cannot be sent",
        ),
        (
            "body = 'to={to}&text={text}'\nheaders = { X-Key = \"1\", x-key = \"2\" }",
            "x-key stands there twice",
        ),
        (
            "body = 'to={to}&text={text}'\nheaders = { Host = \"x\" }",
            "Host is set by Rundruf itself",
        ),
        (
            "body = 'to={to}&text={text}'\nheaders = { X-Key = \"{secret}\" }\nsecret = \"schlüssel\"",
            "cannot stand in a header",
        ),
        (
            "body = 'to={to}&text={text}'\naccept = { is = [\"OK\"], stop = [\"OK\"] }",
            "\"OK\" stands in two lists",
        ),
        ("body = 'to={to}&text={text}'\nmethod = \"GET\"", "no body"),
        (
            "body = 'to={to}&text={text}&back={receipts}'",
            "nothing says how they read",
        ),
        (
            "body = 'to={to}&text={text}&ref={ref}'\nreceipts = { status = \"s\", delivered = [\"D\"] }",
            "to which SMS a report belongs",
        ),
        (
            "body = 'to={to}&text={text}'\nreceipts = { ref = \"r\", status = \"s\", delivered = [\"D\"] }",
            "to which SMS a report belongs",
        ),
        (
            "body = 'to={to}&text={text}'\nreceipts = { status = \"s\" }",
            "delivered is missing",
        ),
    ];
    for (keys, sign) in cases {
        let accept = if keys.contains("accept") {
            ""
        } else {
            "accept = { is = [\"OK\"] }"
        };
        let keys = format!("audience = {{ file = \"presse.csv\" }}\n{accept}\n{keys}");
        let all = testing::faults("sms_http", "https://gw.example/send", &keys);
        assert!(all.contains(sign), "{keys}: {all}");
    }
}

#[tokio::test]
async fn a_check_sends_nothing_and_says_what_the_address_answers() {
    for (status, ok, words) in [
        (400, true, "answers"),
        (200, true, "answers"),
        (404, false, "check url"),
        (405, false, "check url"),
        (302, false, "check url"),
        (401, false, "credentials"),
        (502, false, "in trouble"),
    ] {
        let server = Scripted::start(status, "location: /x", "").await;
        let url = format!("{}/v1/send?key={{secret}}&to={{to}}&msg={{text}}&v=2", server.url());
        let channel = testing::channel("sms_http", &url, KEYS);
        let found = channel.check().await.remove(0);
        assert_eq!(found.ok, ok, "{status} {found:?}");
        assert!(found.text.en.contains(words), "{status} {found:?}");
        let request = &server.requests().await[0];
        // As a message would go, without number and text: nothing can come of it.
        assert_eq!((request.method.as_str(), request.url.path()), ("POST", "/v1/send"));
        assert_eq!(request.url.query(), Some("key=pass-word-1&v=2"));
        assert!(request.body.is_empty() && request.headers.contains_key("authorization"));
    }
}
