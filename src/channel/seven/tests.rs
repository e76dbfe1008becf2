//! What seven answers, and what comes of it.

use md5::Digest;

use super::*;
use crate::channel::testing::{self, Scripted};
use crate::domain::outcome::Reason;
use crate::store::ReceiptWord;

const KEYS: &str = "api_key = \"pass-word-1\"\naudience = { file = \"presse.csv\" }";

/// An answer with this code for the whole and this message.
fn body(code: &str, message: &str) -> String {
    format!("{{\"success\":\"{code}\",\"total_price\":0.075,\"balance\":12.3,\"messages\":[{message}]}}")
}

#[tokio::test]
async fn outcomes() {
    let taken = body("100", r#"{"id":"77120","parts":1,"success":true,"error":null}"#);
    let wrong = body("101", r#"{"id":null,"success":false,"error":"202","error_text":"bad"}"#);
    let (empty, busy, carrier, odd) = (body("500", ""), body("403", ""), body("600", ""), body("700", ""));
    let both = body("700", r#"{"id":"77120","success":true,"error":null}"#);
    let tried = taken.replace("\"balance\"", "\"debug\":\"true\",\"balance\"");
    let sender = body("306", "");
    let again = body("402", "");
    let silent = body("100", r#"{"success":false}"#);
    let table = [
        (200, "", taken.as_str(), "accepted", Reason::Ok),
        (200, "", "100", "accepted", Reason::Ok),
        (200, "", wrong.as_str(), "permanent", Reason::RecipientRefused),
        (200, "", "202", "permanent", Reason::RecipientRefused),
        (200, "", "900", "auth", Reason::Credentials),
        (200, "", empty.as_str(), "auth", Reason::Credentials),
        (200, "", sender.as_str(), "auth", Reason::Credentials),
        (200, "", busy.as_str(), "deferred", Reason::RecipientBusy),
        (200, "", carrier.as_str(), "transient", Reason::ServiceTrouble),
        (200, "", odd.as_str(), "transient", Reason::ServiceTrouble),
        (200, "", both.as_str(), "unknown", Reason::BadAnswer),
        (200, "", "799", "unknown", Reason::BadAnswer),
        (200, "", tried.as_str(), "auth", Reason::Credentials),
        (200, "", again.as_str(), "permanent", Reason::ContentRefused),
        (200, "", silent.as_str(), "unknown", Reason::BadAnswer),
        (200, "", "<html>Wartung</html>", "unknown", Reason::BadAnswer),
        (401, "", "", "auth", Reason::Credentials),
        (404, "", "", "auth", Reason::Credentials),
        (502, "", "<html>Bad Gateway</html>", "unknown", Reason::ServiceTrouble),
        (503, "", "", "transient", Reason::ServiceTrouble),
        (429, "retry-after: 7", "", "later", Reason::RateLimited),
    ];
    testing::outcomes("seven", KEYS, &table, |job| job.address = "+49171123456".to_owned()).await;
}

#[tokio::test]
async fn the_same_text_again_is_there_only_where_an_answer_was_lost() {
    let server = Scripted::start(200, "", "402").await;
    let channel = testing::channel("seven", &server.url(), KEYS);
    let mut job = testing::job(&testing::compose(channel.as_ref()));
    (job.address, job.attempt) = ("+49171123456".to_owned(), 2);
    // The first attempt was refused: what seven has is not ours.
    assert_eq!(testing::word(&channel.send(&job, 0).await.outcome), "permanent");
    job.begun = true;
    assert_eq!(testing::word(&channel.send(&job, 0).await.outcome), "accepted");
}

#[tokio::test]
async fn the_report_comes_back_with_our_own_reference() {
    let server = Scripted::start(200, "", "100").await;
    let channel = testing::channel("seven", &server.url(), KEYS);
    let mut job = testing::job(&testing::compose(channel.as_ref()));
    job.address = "+49 171 123456".to_owned();
    channel.send(&job, 0).await;
    let request = &server.requests().await[0];
    assert_eq!(request.headers["x-api-key"], "pass-word-1");
    let sent: std::collections::BTreeMap<String, String> =
        url::form_urlencoded::parse(&request.body).into_owned().collect();
    assert_eq!(sent["to"], "+49171123456");
    let allowed = |c: char| c.is_ascii_alphanumeric() || ".-_|@".contains(c);
    assert!(sent["foreign_id"].chars().all(allowed), "{}", sent["foreign_id"]);
    let ask = |reference: &str, status: &str| {
        let body = format!(
            "{{\"webhook_event\":\"dlr\",\"data\":{{\"msg_id\":77,\"status\":\"{status}\",\"foreign_id\":\"{reference}\"}}}}"
        );
        channel.read_receipt(&ReceiptRequest {
            query: Vec::new(),
            headers: Vec::new(),
            body: body.into(),
        })
    };
    for (status, word) in [
        ("DELIVERED", ReceiptWord::Delivered),
        ("NOTDELIVERED", ReceiptWord::Rejected),
        ("EXPIRED", ReceiptWord::Expired),
        ("TRANSMITTED", ReceiptWord::Buffered),
    ] {
        let receipt = ask(&sent["foreign_id"], status).unwrap().remove(0);
        assert_eq!(
            (receipt.delivery, receipt.word),
            (Some((job.delivery, job.attempt)), word)
        );
    }
}

#[tokio::test]
async fn a_check_asks_for_the_credit_and_sends_nothing() {
    let server = Scripted::start(200, "", r#"{"amount":12.3,"currency":"EUR"}"#).await;
    let channel = testing::channel("seven", &server.url(), KEYS);
    let found = channel.check().await.remove(0);
    assert!(found.ok && found.text.de.contains("12,30 EUR"), "{found:?}");
    assert_eq!(server.requests().await[0].url.path(), "/api/balance");
    for (status, answer, words) in [
        (200, "900", "does not take the credentials"),
        (200, r#"{"amount":0,"currency":"EUR"}"#, "out of credit. Top it up"),
        (200, "500", "out of credit. Top it up"),
        (402, "", "top up the account"),
        (404, "", "check url"),
        (301, "", "check url"),
        (502, "", "does not answer as expected"),
    ] {
        let server = Scripted::start(status, "", answer).await;
        let found = testing::channel("seven", &server.url(), KEYS).check().await.remove(0);
        assert!(
            !found.ok && found.text.en.contains(words),
            "{status} {answer}: {found:?}"
        );
    }
}

#[test]
fn a_signed_report_with_somebody_elses_reference_meets_nothing() {
    let keys = format!("{KEYS}\nsigning_secret = \"secret\"");
    let channel = testing::channel("seven", "https://gateway.example", &keys);
    let ask = |foreign_id: &str| {
        let body = format!(
            "{{\"webhook_event\":\"dlr\",\"data\":{{\"msg_id\":\"77\",\"status\":\"REJECTED\",\"foreign_id\":{foreign_id}}}}}"
        );
        let digest = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
        let md5 = digest(&md5::Md5::digest(body.as_bytes()));
        let text = format!("1767323045\nabcdef\nPOST\nhttp://127.0.0.1:8080/receipts/test\n{md5}");
        let signature = digest(&crate::secret::hmac_sha256(b"secret", &[text.as_bytes()]));
        let headers = [
            ("x-timestamp", "1767323045"),
            ("x-nonce", "abcdef"),
            ("x-signature", &signature),
        ];
        channel.read_receipt(&ReceiptRequest {
            query: Vec::new(),
            headers: headers
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .to_vec(),
            body: body.into(),
        })
    };
    // Without a reference seven's own number says which message it was.
    for none in ["null", "\"\""] {
        assert_eq!(ask(none).unwrap()[0].remote_id.as_deref(), Some("77"));
    }
    for theirs in ["\"order-4711\"", "\"12.1.forged\""] {
        assert_eq!(ask(theirs), Ok(Vec::new()));
    }
}
