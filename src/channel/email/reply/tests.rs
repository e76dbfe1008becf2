//! The table of mail servers' answers.

use super::*;
use crate::channel::testing::word;

/// CHANNELS 18.2 row by row, and what stands beside it in the RFCs and in the wild.
const TABLE: &[(Step, u16, &str, &str, Reason)] = &[
    (Step::Connect, 421, "4.3.2 down", "transient", Reason::ServiceTrouble),
    (
        Step::Connect,
        554,
        "no SMTP service here",
        "transient",
        Reason::ServiceTrouble,
    ),
    (
        Step::Connect,
        554,
        "5.7.1 your address is blocked",
        "auth",
        Reason::Credentials,
    ),
    (
        Step::Login,
        454,
        "4.7.0 temporary authentication failure",
        "transient",
        Reason::ServiceTrouble,
    ),
    (Step::Login, 535, "5.7.8 bad credentials", "auth", Reason::Credentials),
    (Step::Login, 534, "5.7.9 too weak", "auth", Reason::Credentials),
    (Step::Login, 504, "5.5.4 mechanism", "auth", Reason::Credentials),
    (
        Step::Sender,
        530,
        "5.7.0 authentication required",
        "auth",
        Reason::Credentials,
    ),
    (
        Step::Sender,
        538,
        "5.7.11 encryption required",
        "auth",
        Reason::Credentials,
    ),
    (
        Step::Sender,
        451,
        "4.3.0 local error",
        "transient",
        Reason::ServiceTrouble,
    ),
    (Step::Sender, 452, "4.3.1 no space", "transient", Reason::ServiceTrouble),
    (
        Step::Sender,
        553,
        "5.7.1 not owned by user",
        "auth",
        Reason::Credentials,
    ),
    (Step::Sender, 550, "5.1.8 sender domain", "auth", Reason::Credentials),
    (Step::Sender, 552, "5.3.4 too big", "permanent", Reason::ContentRefused),
    (Step::Sender, 503, "5.5.1 sequence", "transient", Reason::ServiceTrouble),
    (
        Step::Recipient,
        421,
        "4.7.0 slow down",
        "transient",
        Reason::ServiceTrouble,
    ),
    (Step::Recipient, 450, "4.2.1 busy", "deferred", Reason::RecipientBusy),
    (
        Step::Recipient,
        450,
        "4.7.1 greylisted",
        "deferred",
        Reason::RecipientBusy,
    ),
    (
        Step::Recipient,
        451,
        "try again later",
        "deferred",
        Reason::RecipientBusy,
    ),
    (
        Step::Recipient,
        452,
        "4.2.2 over quota",
        "deferred",
        Reason::RecipientBusy,
    ),
    (
        Step::Recipient,
        452,
        "4.3.1 no space",
        "transient",
        Reason::ServiceTrouble,
    ),
    (
        Step::Recipient,
        550,
        "5.1.1 no such user",
        "gone",
        Reason::RecipientUnknown,
    ),
    (Step::Recipient, 551, "5.1.6 moved", "gone", Reason::RecipientUnknown),
    (
        Step::Recipient,
        551,
        "5.7.1 relaying denied",
        "deferred",
        Reason::PolicyRefused,
    ),
    (Step::Recipient, 553, "5.1.3 syntax", "gone", Reason::RecipientUnknown),
    (Step::Recipient, 556, "5.1.10 null MX", "gone", Reason::RecipientUnknown),
    (Step::Recipient, 550, "5.2.1 disabled", "gone", Reason::RecipientUnknown),
    (
        Step::Recipient,
        552,
        "5.2.2 mailbox full",
        "deferred",
        Reason::RecipientBusy,
    ),
    (Step::Recipient, 552, "mailbox full", "deferred", Reason::RecipientBusy),
    (
        Step::Recipient,
        550,
        "unknown or not allowed",
        "permanent",
        Reason::RecipientRefused,
    ),
    (
        Step::Recipient,
        550,
        "5.7.1 denied by policy",
        "deferred",
        Reason::PolicyRefused,
    ),
    (
        Step::Recipient,
        550,
        "5.7.26 unauthenticated",
        "deferred",
        Reason::PolicyRefused,
    ),
    (Step::Data, 451, "4.3.0 queue file", "transient", Reason::ServiceTrouble),
    (Step::Data, 554, "5.7.1 no", "deferred", Reason::PolicyRefused),
    (Step::End, 451, "4.7.1 greylisted", "deferred", Reason::RecipientBusy),
    (Step::End, 451, "local error", "transient", Reason::ServiceTrouble),
    (Step::End, 452, "4.3.1 no space", "transient", Reason::ServiceTrouble),
    (Step::End, 550, "5.1.1 no such user", "gone", Reason::RecipientUnknown),
    (Step::End, 552, "5.2.2 mailbox full", "deferred", Reason::RecipientBusy),
    (Step::End, 552, "5.3.4 too big", "permanent", Reason::ContentRefused),
    (
        Step::End,
        552,
        "too much mail data",
        "permanent",
        Reason::ContentRefused,
    ),
    (Step::End, 554, "5.6.0 bad content", "permanent", Reason::ContentRefused),
    (Step::End, 554, "5.7.509 DMARC", "deferred", Reason::PolicyRefused),
    (
        Step::End,
        550,
        "5.7.515 access denied",
        "deferred",
        Reason::PolicyRefused,
    ),
    (
        Step::End,
        554,
        "transaction failed",
        "permanent",
        Reason::ContentRefused,
    ),
];

#[test]
fn every_reply_at_every_step() {
    for (step, code, text, outcome, reason) in TABLE {
        let reply = Reply {
            code: *code,
            text: (*text).to_owned(),
        };
        let report = sort("mail.example", &Fault::Refused(*step, reply), 1, 1_000);
        assert_eq!(
            (word(&report.outcome), report.reason),
            (*outcome, *reason),
            "{step:?} {code} {text}"
        );
        assert!(
            report.text.en.starts_with("mail.example ") && report.text.en.contains(text),
            "{}",
            report.text
        );
    }
}

#[test]
fn what_is_lost_after_the_end_is_unknown_and_before_it_certainly_not_taken() {
    for step in [
        Step::Connect,
        Step::Login,
        Step::Sender,
        Step::Recipient,
        Step::Data,
        Step::End,
    ] {
        let report = sort("mail.example", &Fault::Lost(step, Said::quoted("cut")), 1, 0);
        let expected = if step == Step::End { "unknown" } else { "transient" };
        assert_eq!(word(&report.outcome), expected, "{step:?}");
    }
    assert_eq!(word(&sort("mail.example", &Fault::NoLogin, 1, 0).outcome), "auth");
}

#[test]
fn a_busy_mailbox_is_asked_after_5_15_30_and_60_minutes() {
    let reply = Reply {
        code: 450,
        text: "4.7.1 greylisted".to_owned(),
    };
    let fault = Fault::Refused(Step::Recipient, reply);
    let waits = [0, 1, 2, 3, 4, 5, 99].map(|attempt| match sort("m", &fault, attempt, 1_000).outcome {
        Outcome::Deferred { until } => (until - 1_000) / MINUTE,
        other => panic!("{other:?}"),
    });
    assert_eq!(waits, [5, 5, 15, 30, 60, 60, 60]);
}

#[test]
fn long_and_odd_words_are_cut() {
    let reply = Reply {
        code: 550,
        text: format!("\u{7}5.1.1 {}", "x".repeat(60_000)),
    };
    let report = sort("m", &Fault::Refused(Step::Recipient, reply), 1, 0);
    assert!(report.text.de.chars().count() <= 500 && !report.text.en.contains('\u{7}'));
}
