//! Where a server's word says less than it seems to: whom it is about, and for how long.

use super::*;

/// A report as Postfix writes it, of one recipient with these fields.
fn report(fields: &str) -> Reading {
    read(format!(
        "Return-Path: <>\nFrom: mailer-daemon@mx.example\nTo: bounce+12-0123456789abcdef@stadt.example\nSubject: Undelivered\nMIME-Version: 1.0\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=x\n\n--x\n\nSorry.\n--x\nContent-Type: message/delivery-status\n\n\
         Reporting-MTA: dns; mx.example\n\n{fields}\n\n--x--\n"
    )
    .as_bytes())
}

#[test]
fn an_alias_is_not_gone_with_one_of_its_members() {
    let gone = |original: &str| -> Vec<String> {
        let fields = format!(
            "Final-Recipient: rfc822; hans@mx1.zeitung.example\nOriginal-Recipient: rfc822;{original}\nAction: failed\nStatus: 5.1.1\n\
             Diagnostic-Code: smtp; 550 5.1.1 no such user"
        );
        let reading = report(&fields);
        let one = only(&reading);
        assert!(one.is_gone());
        one.mailbox().map(str::to_owned).collect()
    };
    assert_eq!(gone("redaktion@zeitung.example"), ["hans@mx1.zeitung.example"]);
    assert_eq!(
        gone("Hans@Zeitung.example"),
        ["hans@mx1.zeitung.example", "Hans@Zeitung.example"],
        "the same mailbox behind another host"
    );
}

#[test]
fn a_server_that_does_not_know_for_now_and_a_domain_nobody_could_look_up_end_nobody() {
    let plain = bounce(
        "Mail Delivery System <mailer-daemon@mx.example>",
        "Mail delivery failed: returning message to sender",
        "This message was created automatically by mail delivery software.\n\n\
         A message that you sent could not be delivered to one or more of\nits recipients. This is a permanent error. The following address(es) failed:\n\n  \
         anna@kunde.example\n    450 <anna@kunde.example>: Recipient address rejected: User unknown in local recipient table:\n    retry timeout exceeded\n",
    );
    let without_status =
        report("Final-Recipient: rfc822; anna@kunde.example\nAction: failed\nDiagnostic-Code: smtp; 450 User unknown");
    let no_domain = report(
        "Final-Recipient: rfc822; anna@kunde.example\nAction: failed\nStatus: 5.1.2\nDiagnostic-Code: x-unix; host unknown",
    );
    for reading in [plain, without_status, no_domain] {
        assert!(!only(&reading).is_gone(), "{reading:?}");
    }
    let takes_none = report(
        "Final-Recipient: rfc822; anna@kunde.example\nAction: failed\nStatus: 5.1.10\nDiagnostic-Code: smtp; 550 5.1.10 null MX",
    );
    assert!(only(&takes_none).is_gone());
}

#[test]
fn who_calls_us_spam_under_the_code_for_nobody_there_is_somebody() {
    let reading = report(
        "Final-Recipient: rfc822; anna@kunde.example\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 Blocked, your server is listed at Spamhaus",
    );
    assert!(!only(&reading).is_gone(), "{reading:?}");
}

#[test]
fn a_subject_of_ours_about_delays_delays_no_bounce() {
    let reading = bounce(
        "Mail Delivery System <mailer-daemon@mx.example>",
        "Unzustellbar: Busse und Müllabfuhr verzögert",
        "A message that you sent could not be delivered to one or more of its recipients:\n\n\
         <anna@kunde.example>: 550 5.1.1 no such user\n",
    );
    let one = only(&reading);
    assert_eq!((one.action.as_str(), one.is_gone()), ("failed", true), "{reading:?}");
}

#[test]
fn a_line_without_end_is_looked_at_as_far_as_servers_write() {
    let many: String = (0..40_000).map(|n| format!("x{n}@y.example ")).collect();
    let text = format!("A message could not be delivered:\n\n<anna@kunde.example>: 550 5.1.1 no such user\n{many}\n");
    let reading = bounce("Mail Delivery System <mailer-daemon@mx.example>", "Undelivered", &text);
    assert!(
        reading.recipients.len() < 200 && reading.recipients[0].is_gone(),
        "{}",
        reading.recipients.len()
    );
}

#[test]
fn what_is_not_sure_is_said_so_and_ends_nobody() {
    let cases = [
        (
            "5.4.1",
            "550 5.4.1 Recipient address rejected: Access denied. [AM0EUR02FT032.eop-EUR02.prod.protection.outlook.example]",
            Because::Unclear,
            "sagt er nicht sicher",
        ),
        (
            "5.4.1",
            "smtp; 554 5.4.1 no answer from host",
            Because::Trouble,
            "nicht zu erreichen",
        ),
        (
            "5.4.4",
            "X-Postfix; Host or domain name not found. Name service error for name=kunde.example type=A: Host not found",
            Because::NoSuchDomain,
            "nicht zu finden",
        ),
    ];
    for (status, diagnosis, because, says) in cases {
        let fields = format!(
            "Final-Recipient: rfc822; a@kunde.example\nAction: failed\nStatus: {status}\nDiagnostic-Code: {diagnosis}"
        );
        let reading = report(&fields);
        let one = only(&reading);
        assert_eq!((one.because, one.is_gone()), (because, false), "{diagnosis}");
        assert!(one.says().de.contains(says), "{}", one.says().de);
    }
    // With a code it is sure.
    let reading = bounce(
        "Mailzustellung <mailer-daemon@rathaus.example>",
        "Unzustellbar: Störung",
        "<erika@rathaus.example>: 550 5.1.1 Die Adresse konnte nicht gefunden werden.\n",
    );
    assert!(only(&reading).is_gone());
}

#[test]
fn a_status_stands_by_itself() {
    let some = [
        ("550 5.1.1 user unknown", "5.1.1"),
        ("550-5.7.26 this mail", "5.7.26"),
        ("550 #5.1.10 (unknown)", "5.1.10"),
        ("smtp; 554 5.4.0. Host", "5.4.0"),
        ("Remote host said: 550 <a@ex.example>... (5.2.1) disabled", "5.2.1"),
        ("dsn=4.2.2, stat=deferred", "4.2.2"),
        ("Exim 4.94.2: 550 5.1.1 user unknown", "5.1.1"),
        ("Sendmail 5.5.1/4.7.2; 450 4.1.8", "4.1.8"),
    ];
    for (text, status) in some {
        assert_eq!(words::status(text).as_deref(), Some(status), "{text}");
    }
    let none = [
        "Exim 4.94.2",
        "exim (4.2.1)",
        "Postfix 2.11.3 version 5.1.1",
        "[10.5.1.1] 4.1.1.7 host-5.1.1-7.ex.example 5.1.1.ex.example v5.1.1",
        "am 5.1.24 und 5.1.2024",
        "mx5.1.1",
        "5.1.1-rc2",
    ];
    for text in none {
        assert_eq!(words::status(text), None, "{text}");
    }
}
