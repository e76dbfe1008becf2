//! What every kind of SMS must do, whatever its gateway. A new kind adds one line to `KINDS`.

use std::sync::Arc;

use super::*;
use crate::channel::testing::{self, Scripted, word};
use crate::channel::{Channel, ReceiptRequest};
use crate::domain::delivery::Gate;
use crate::lane_core::failover::refusal_moves;
use crate::store::ReceiptWord;

/// Kind, its keys, and its gateway's report that the SMS of a reference is on the phone.
type Kind = (&'static str, &'static str, fn(&str) -> ReceiptRequest);

const GATEWAYS: &[Kind] = &[
    (
        "kannel",
        "username = \"u\"\npassword = \"pass-word-1\"\naudience = { file = \"presse.csv\" }",
        |reference| asked(&[("r", reference), ("type", "1")], String::new()),
    ),
    (
        "seven",
        "api_key = \"pass-word-1\"\naudience = { file = \"presse.csv\" }",
        |reference| {
            let data = format!("{{\"msg_id\":\"77\",\"status\":\"DELIVERED\",\"foreign_id\":\"{reference}\"}}");
            asked(&[], format!("{{\"webhook_event\":\"dlr\",\"data\":{data}}}"))
        },
    ),
    (
        "sms_http",
        "secret = \"pass-word-1\"\nbody = \"k={secret}&to={to}&text={text}&ref={ref}\"\naccept = { is = [\"OK\"] }\n\
         receipts = { ref = \"ref\", status = \"state\", delivered = [\"DELIVRD\"] }\naudience = { file = \"presse.csv\" }",
        |reference| asked(&[("ref", reference), ("state", "DELIVRD")], String::new()),
    ),
];

fn asked(query: &[(&str, &str)], body: String) -> ReceiptRequest {
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    ReceiptRequest {
        query: query.iter().map(own).collect(),
        headers: Vec::new(),
        body: body.into(),
    }
}

fn to_a_phone(channel: &Arc<dyn Channel>) -> Job {
    let mut job = testing::job(&testing::compose(channel.as_ref()));
    job.address = "+49 171 123456".to_owned();
    job
}

/// Sends one SMS to a gateway that answers this.
async fn answered(kind: &str, keys: &str, status: u16, body: &str) -> Report {
    let server = Scripted::start(status, "", body).await;
    let channel = testing::channel(kind, &server.url(), keys);
    channel.send(&to_a_phone(&channel), 0).await
}

#[test]
fn every_kind_that_reaches_phones_is_tried_here() {
    assert_eq!(GATEWAYS.iter().map(|(kind, ..)| *kind).collect::<Vec<_>>(), KINDS);
}

#[tokio::test]
async fn a_report_names_its_attempt_by_our_reference_and_a_forged_one_is_refused() {
    for (kind, keys, report) in GATEWAYS {
        let server = Scripted::start(200, "", "").await;
        let channel = testing::channel(kind, &server.url(), keys);
        let job = to_a_phone(&channel);
        channel.send(&job, 0).await;
        let request = &server.requests().await[0];
        // In Kannel's query it stands within an address, so it is encoded twice.
        let sent = format!("{} {}", request.url, String::from_utf8_lossy(&request.body));
        let at = sent.find("12.1.").unwrap_or_else(|| panic!("{kind}: {sent}"));
        let of_ours = |c: &char| c.is_ascii_alphanumeric() || ".-_".contains(*c);
        let reference: String = sent[at..].chars().take_while(of_ours).collect();
        let receipt = channel.read_receipt(&report(&reference)).unwrap().remove(0);
        assert_eq!(
            (receipt.delivery, receipt.word),
            (Some((job.delivery, 1)), ReceiptWord::Delivered),
            "{kind}"
        );
        for forged in [
            reference.replacen("12.1.", "13.1.", 1),
            reference.replacen("12.1.", "12.2.", 1),
            reference[..reference.len() - 1].to_owned(),
            "12.1.".to_owned(),
            String::new(),
        ] {
            let refused = channel.read_receipt(&report(&forged));
            assert_eq!(refused, Err(ReceiptRefusal::Forbidden), "{kind} {forged}");
        }
    }
}

#[test]
fn a_report_that_cannot_be_looked_at_now_is_not_refused_for_good() {
    for (kind, keys, report) in GATEWAYS {
        let no_key = format!("{keys}\n[store]\nkey_file = \"presse.csv\"");
        let channel = testing::channel(kind, "https://gw.example", &no_key);
        let refused = channel.read_receipt(&report("12.1.abc"));
        assert_eq!(refused, Err(ReceiptRefusal::NotReady), "{kind}");
    }
}

#[tokio::test]
async fn a_number_that_is_none_costs_no_request() {
    for (kind, keys, _) in GATEWAYS {
        let server = Scripted::start(200, "", "").await;
        let channel = testing::channel(kind, &server.url(), keys);
        let mut job = to_a_phone(&channel);
        job.address = "0171 123456".to_owned();
        let report = channel.send(&job, 0).await;
        // No other gateway has a way to what is no number, so it goes to none.
        assert_eq!(
            (word(&report.outcome), report.reason),
            ("permanent", Reason::BadAddress),
            "{kind}"
        );
        assert!(!refusal_moves(Gate::Open, report.reason) && channel.canonical(&job.address).is_none());
        assert!(server.requests().await.is_empty(), "{kind}");
    }
}

#[tokio::test]
async fn what_a_status_says_of_an_sms() {
    let table = [
        (301, "auth", Reason::Credentials),
        (308, "auth", Reason::Credentials),
        (402, "auth", Reason::Credentials),
        (404, "auth", Reason::Credentials),
        (405, "auth", Reason::Credentials),
        (410, "auth", Reason::Credentials),
        (408, "unknown", Reason::ServiceTrouble),
        (500, "unknown", Reason::ServiceTrouble),
        (501, "unknown", Reason::ServiceTrouble),
        (502, "unknown", Reason::ServiceTrouble),
        (503, "transient", Reason::ServiceTrouble),
        (504, "unknown", Reason::ServiceTrouble),
        // A content network's own: 520 an odd answer, 524 none in time.
        (520, "unknown", Reason::ServiceTrouble),
        (524, "unknown", Reason::ServiceTrouble),
        (599, "unknown", Reason::ServiceTrouble),
    ];
    for (kind, keys, _) in GATEWAYS {
        for (status, outcome, reason) in table {
            let report = answered(kind, keys, status, "<html>Oh</html>").await;
            assert_eq!(
                (word(&report.outcome), report.reason),
                (outcome, reason),
                "{kind} {status}"
            );
        }
    }
}

#[tokio::test]
async fn a_secret_that_is_echoed_is_in_no_report() {
    for (kind, keys, _) in GATEWAYS {
        for status in [200, 401, 500] {
            let report = answered(kind, keys, status, "pass-word-1 is wrong").await;
            let Report { text, .. } = &report;
            assert!(
                !text.de.contains("pass-word-1") && text.de.contains("is wrong"),
                "{kind} {status}: {text:?}"
            );
        }
    }
}

#[test]
fn what_no_gateway_takes_is_refused_at_the_start() {
    for (kind, keys, _) in GATEWAYS {
        let all = testing::faults(kind, "https://gw.example", &format!("{keys}\nmax_parts = 10"));
        assert!(all.contains("from 1 to 9"), "{kind}: {all}");
        let priced = testing::channel(
            kind,
            "https://gw.example",
            &format!("{keys}\nmax_parts = 9\nprice = 0.07"),
        );
        assert_eq!(priced.price(), Some(0.07), "{kind}");
    }
    let keys = "api_key = \"schlüssel\"\naudience = { file = \"presse.csv\" }";
    let all = testing::faults("seven", "https://gw.example", keys);
    assert!(
        all.contains("api_key") && all.contains("cannot stand in a header"),
        "{all}"
    );
}

#[test]
fn numbers_are_e164() {
    assert_eq!(number("+49 171 / 123-456"), Some("+49171123456".to_owned()));
    for wrong in [
        "",
        "0171123456",
        "+49",
        "+49171abc",
        "+1234567890123456",
        "+0491711234",
        "49171123456",
    ] {
        assert_eq!(number(wrong), None, "{wrong}");
    }
}

#[test]
fn senders() {
    assert!(is_sender("Potsdam") && is_sender("115") && is_sender("+4933112345"));
    assert!(!is_sender("Landeshauptstadt") && !is_sender("München") && !is_sender("12345678901234567"));
}

#[test]
fn an_id_of_a_gateway_is_bounded_and_clean() {
    assert_eq!(remote_id(" 77\u{0}120\n"), Some("77120".to_owned()));
    assert_eq!(remote_id(" \n"), None);
    assert_eq!(remote_id(&"ä".repeat(5_000)).map(|id| id.chars().count()), Some(100));
}
