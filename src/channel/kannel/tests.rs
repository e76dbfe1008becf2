//! What Kannel answers, and what comes of it.

use super::*;
use crate::channel::testing::{self, Scripted};

const KEYS: &str = "username = \"u\"\npassword = \"pass-word-1\"\naudience = { file = \"presse.csv\" }";

#[tokio::test]
async fn outcomes() {
    let table = [
        (202, "", "0: Accepted for delivery", "accepted", Reason::Ok),
        (202, "", "3: Queued for later delivery", "accepted", Reason::Ok),
        (202, "", "Sent. Message splits: 2", "accepted", Reason::Ok),
        (
            202,
            "",
            "Sent. Denied receivers are: +49171",
            "permanent",
            Reason::RecipientRefused,
        ),
        (200, "", "<html>Welcome</html>", "unknown", Reason::BadAnswer),
        (403, "", "Authorization failed for sendsms", "auth", Reason::Credentials),
        (
            403,
            "",
            "Not routable. Do not try again.",
            "permanent",
            Reason::RecipientRefused,
        ),
        (
            400,
            "",
            "Missing receiver number, rejected",
            "permanent",
            Reason::RecipientRefused,
        ),
        (
            400,
            "",
            "Sender missing and no global set, rejected",
            "permanent",
            Reason::ContentRefused,
        ),
        (404, "", "Unknown request.", "auth", Reason::Credentials),
        (
            503,
            "",
            "Temporal failure, try again later.",
            "transient",
            Reason::ServiceTrouble,
        ),
        (
            503,
            "",
            "<html><h1>503</h1></html>",
            "transient",
            Reason::ServiceTrouble,
        ),
        (500, "", "Sending failed.", "transient", Reason::ServiceTrouble),
        (
            504,
            "",
            "<html>Gateway Time-out</html>",
            "unknown",
            Reason::ServiceTrouble,
        ),
        (429, "retry-after: 7", "", "later", Reason::RateLimited),
    ];
    testing::outcomes("kannel", KEYS, &table, |job| job.address = "+49171123456".to_owned()).await;
}

#[tokio::test]
async fn the_report_comes_back_with_our_own_reference() {
    let server = Scripted::start(202, "", "0: Accepted for delivery").await;
    let channel = testing::channel("kannel", &server.url(), KEYS);
    let mut job = testing::job(&testing::compose(channel.as_ref()));
    job.address = "+49 171 123456".to_owned();
    channel.send(&job, 0).await;
    let request = &server.requests().await[0];
    let sent: std::collections::BTreeMap<String, String> = request.url.query_pairs().into_owned().collect();
    assert_eq!(
        (sent["to"].as_str(), sent["dlr-mask"].as_str(), sent["charset"].as_str()),
        ("+49171123456", "31", "UTF-8")
    );
    let back = sent["dlr-url"]
        .replace("%d", "1")
        .replace("%F", "77")
        .replace("%A", "stat%3ADELIVRD");
    let query = Url::parse(&back)
        .unwrap()
        .query_pairs()
        .into_owned()
        .collect::<Vec<_>>();
    let ask = |query: Vec<(String, String)>| {
        channel.read_receipt(&ReceiptRequest {
            query,
            headers: Vec::new(),
            body: bytes::Bytes::new(),
        })
    };
    let receipt = ask(query.clone()).unwrap().remove(0);
    assert_eq!(
        (receipt.delivery, receipt.word),
        (Some((job.delivery, job.attempt)), ReceiptWord::Delivered)
    );
    assert_eq!(ask(Vec::new()), Err(ReceiptRefusal::Forbidden));

    // As earlier versions asked for it.
    let (number, token) = query[0].1.strip_prefix("12.1.").map_or(("", ""), |token| ("12", token));
    let earlier = |delivery: &str| {
        let fields = [("d", delivery), ("a", "1"), ("t", token), ("type", "8")];
        ask(fields.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec())
    };
    assert_eq!(earlier(number).unwrap()[0].delivery, Some((job.delivery, job.attempt)));
    assert_eq!(earlier("13"), Err(ReceiptRefusal::Forbidden));
}
