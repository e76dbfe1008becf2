//! Bounces without a report part, machines that answer for people, and bytes that are no mail at all.

use proptest::prelude::*;

use super::*;
use crate::secret::{Key, Returns};

mod unsure;

/// A bounce in plain text as this server writes it, to us.
fn bounce(from: &str, subject: &str, text: &str) -> Reading {
    let head = format!(
        "Return-Path: <>\nFrom: {from}\nTo: bounce+12-0123456789abcdef@stadt.example\nSubject: {subject}\n\
         Content-Type: text/plain; charset=utf-8\n\n"
    );
    read(format!("{head}{text}").as_bytes())
}

fn only(reading: &Reading) -> &Returned {
    assert_eq!(reading.kind, Kind::Bounce, "{reading:?}");
    assert_eq!(reading.recipients.len(), 1, "{reading:?}");
    &reading.recipients[0]
}

#[test]
fn gmx_and_web_de_name_the_address_in_quotes() {
    let reading = bounce(
        "GMX Mailer Daemon <mailer-daemon@gmx.example>",
        "Mail delivery failed: returning message to sender",
        "This message was created automatically by mail delivery software.\n\n\
         A message that you sent could not be delivered to one or more of\nits recipients. This is a permanent error. The following address\nfailed:\n\n\
         \"erika.muster@web.example\":\nSMTP error from remote server for RCPT TO command, host: mx.web.example (192.0.2.7) reason: 550 5.1.1 \
         <erika.muster@web.example>: User is unknown\n\n\
         --- The header of the original message is following. ---\n\nReceived: from info.stadt.example\nTo: erika.muster@web.example\n",
    );
    let one = only(&reading);
    assert_eq!(
        (one.address.as_str(), one.status.as_deref()),
        ("erika.muster@web.example", Some("5.1.1"))
    );
    assert!(one.is_gone());
}

#[test]
fn ionos_gives_its_reason_behind_a_heading() {
    let text = |why: &str| {
        format!(
            "This message was created automatically by mail delivery software.\n\n\
             A message that you sent could not be delivered to one or more of\nits recipients. The following addresses failed:\n\n\
             a@kunde.example\n\nFor the following reason:\n\n{why}\n\n\
             b@kunde.example\n\nFor the following reason:\n\nMail size limit exceeded. For explanation visit\nhttps://postmaster.ionos.example\n\n\
             --- The header of the original message is following. ---\n\nTo: c@kunde.example\n"
        )
    };
    let from = "\"Mail Delivery System\" <mailer-daemon@kundenserver.example>";
    let subject = "Mail delivery failed: returning message to sender";
    let reading = bounce(from, subject, &text("Benutzer unbekannt"));
    let said: Vec<_> = reading
        .recipients
        .iter()
        .map(|one| (one.address.as_str(), one.because, one.is_gone()))
        .collect();
    assert_eq!(
        said,
        [
            ("a@kunde.example", Because::NobodyThere, true),
            ("b@kunde.example", Because::Content, false),
        ]
    );
    // "Mailbox unavailable" is what RFC 5321 calls every 550: it may be a policy.
    let reading = bounce(
        from,
        subject,
        &text("550 Requested action not taken: mailbox unavailable"),
    );
    let first = &reading.recipients[0];
    assert!(first.permanent && !first.is_gone(), "{first:?}");
}

#[test]
fn t_online_lists_failed_addresses() {
    let text = |why: &str| {
        format!(
            "|------------------------- Message log follows: -------------------------|\n no valid recipients were found for this message\n\
             |------------------------- Failed addresses follow: ---------------------|\n <max@t-online.example>\n   {why}\n\n\
             |------------------------- Message header follows: ----------------------|\nReceived: from x\nTo: <spam@t-online.example>\n"
        )
    };
    let said = |why: &str| {
        let reading = bounce(
            "Mail Delivery System <Mailer-Daemon@t-online.example>",
            "mail failed, returning to sender",
            &text(why),
        );
        let one = only(&reading).clone();
        (
            one.address.clone(),
            one.status.clone().unwrap_or_default(),
            one.permanent,
            one.is_gone(),
        )
    };
    let max = || "max@t-online.example".to_owned();
    assert_eq!(said("550 5.1.1 user unknown"), (max(), "5.1.1".into(), true, true));
    assert_eq!(
        said("552 5.2.2 <max@t-online.example> Quota exceeded (mailbox for user is full)"),
        (max(), "5.2.2".into(), false, false),
        "a full mailbox is somebody's all the same"
    );
    assert_eq!(
        said("554 5.7.0 spam, please ask tosa@rx.t-online.example"),
        (max(), "5.7.0".into(), true, false)
    );
}

#[test]
fn an_exchange_of_a_city_says_it_in_german() {
    let reading = bounce(
        "Microsoft Exchange <postmaster@rathaus.example>",
        "Unzustellbar: [Störung] Bürgerservice geschlossen",
        "Fehler bei der Nachrichtenzustellung an folgende Empfänger oder Gruppen:\n\n\
         erika@rathaus.example\nDie eingegebene E-Mail-Adresse konnte nicht gefunden werden. Überprüfen Sie die Adresse.\n\n\
         Ursprüngliche Nachrichtenkopfzeilen:\n",
    );
    let one = only(&reading);
    assert!(
        (one.because, one.is_gone()) == (Because::Unclear, false),
        "what could not be found may be a server: {one:?}"
    );
    let reading = bounce(
        "Mailzustellung <mailer-daemon@rathaus.example>",
        "Ihre Mail konnte noch nicht zugestellt werden",
        "Ihre Mail an erika@rathaus.example konnte noch nicht zugestellt werden.\nEs wird weiterhin versucht.\n",
    );
    let one = only(&reading);
    assert_eq!((one.action.as_str(), one.permanent), ("delayed", false));
}

/// Twelve machines that answer for somebody; several say what a mail server would say.
const REPLIES: &[(&str, &str)] = &[
    (
        "RFC 3834",
        "From: a@ex.example\nAuto-Submitted: auto-replied\nSubject: Danke\n\nUser unknown? 550 5.1.1 no such user a@ex.example",
    ),
    (
        "Exchange",
        "From: a@ex.example\nReturn-Path: <>\nX-MS-Exchange-Generated-Message-Source: Mailbox Rules Agent\nX-Auto-Response-Suppress: All\nSubject: Automatische Antwort: Störung\n\nIch bin nicht mehr im Haus; dieses Postfach existiert nicht mehr.",
    ),
    (
        "Exchange in English",
        "From: a@ex.example\nReturn-Path: <>\nSubject: Automatic reply: outage\n\nThis mailbox does not exist any more.",
    ),
    (
        "Lotus Notes",
        "From: a@ex.example\nSubject: =?utf-8?Q?Au=C3=9Fer_Haus?= bis Montag\n\nIhre Nachricht wurde nicht zugestellt.",
    ),
    (
        "Outlook, encoded",
        "From: a@ex.example\nSubject: =?iso-8859-1?Q?Abwesenheitsnotiz:_St=F6rung?=\n\nBin im Urlaub.",
    ),
    (
        "vacation",
        "From: a@ex.example\nPrecedence: bulk\nAuto-Submitted: auto-replied (vacation)\nSubject: away from my mail\n\nI will read your mail later.",
    ),
    (
        "GMX",
        "From: a@gmx.example\nX-Autoreply: yes\nPrecedence: auto_reply\nSubject: Re: Störung\n\nVielen Dank.",
    ),
    (
        "cPanel",
        "From: a@ex.example\nX-Autorespond: Störung\nSubject: Störung\n\nThank you.",
    ),
    (
        "ticket system",
        "From: hilfe@ex.example\nAuto-Submitted: auto-generated\nX-OTRS-Loop: hilfe@ex.example\nSubject: [Ticket#2023012410000018] Störung\n\nIhre Anfrage ist eingegangen.",
    ),
    (
        "a read receipt",
        "From: a@ex.example\nSubject: Gelesen: Störung\nContent-Type: multipart/report; report-type=disposition-notification; boundary=b\n\n--b\nContent-Type: text/plain\n\nGelesen.\n--b\nContent-Type: message/disposition-notification\n\nFinal-Recipient: rfc822;a@ex.example\nDisposition: automatic-action/MDN-sent-automatically; deleted\nStatus: 5.1.1\n--b--\n",
    ),
    (
        "a postmaster's own",
        "From: Postmaster <postmaster@ex.example>\nReturn-Path: <>\nSubject: AW: Abwesenheitsnotiz: mail could not be delivered\n\n<a@ex.example>: user unknown",
    ),
    (
        "a challenge",
        "From: a@ex.example\nAuto-Submitted: auto-replied\nSubject: Please confirm your message\n\nYour message to a@ex.example was not delivered yet: 550 confirm first.",
    ),
];

#[test]
fn twelve_kinds_of_automatic_reply_suppress_nobody() {
    assert_eq!(REPLIES.len(), 12);
    for (name, mail) in REPLIES {
        let reading = read(mail.as_bytes());
        assert_eq!(reading.kind, Kind::AutoReply, "{name}");
        assert!(reading.recipients.is_empty(), "{name}");
        assert!(is_from_machine(mail.as_bytes()), "{name}");
    }
}

#[test]
fn the_head_says_whether_people_have_to_look() {
    let cases = [
        ("From: MAILER-DAEMON@mx.ex.example\nSubject: Undelivered\n\nx", true),
        (
            "From: Erika <erika@ex.example>\nSubject: Re: Delivery failed\n\n> From: mailer-daemon",
            false,
        ),
        (
            "From: postmaster@ex.example\nContent-Type: multipart/report; report-type=feedback-report; boundary=b\n\n--b--",
            false,
        ),
        ("", false),
    ];
    for (mail, machine) in cases {
        assert_eq!(is_from_machine(mail.as_bytes()), machine, "{mail}");
    }
}

#[test]
fn what_a_person_writes_is_no_bounce_whatever_they_quote() {
    let person = "From: Erika <erika@ex.example>\nSubject: Re: Delivery failed\n\nWas heißt das?\n\n> <a@ex.example>: 550 5.1.1 user unknown\n\
        > Final-Recipient: rfc822;a@ex.example\n> Action: failed\n";
    assert_eq!(read(person.as_bytes()).kind, Kind::Unknown);
    // A report that somebody forwards stands in the mail they forward: it is not opened.
    let forwarded = "From: Erika <erika@ex.example>\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: message/rfc822\n\n\
        Content-Type: message/delivery-status\n\nFinal-Recipient: rfc822;a@ex.example\nAction: failed\nStatus: 5.1.1\n--b--\n";
    assert_eq!(read(forwarded.as_bytes()).kind, Kind::Unknown);
}

#[test]
fn a_report_may_be_encoded_and_quote_another_charset() {
    use base64::Engine as _;
    let fields = "Reporting-MTA: dns;ex.example\n\nFinal-Recipient: rfc822;<a@ex.example>\nOriginal-Recipient: rfc822;b@ex.example\nAction: Failed\n\
        Status: 5.1.1 (bad)\nDiagnostic-Code: smtp; 550 weg\n";
    let coded = base64::engine::general_purpose::STANDARD.encode(fields);
    let mail = format!(
        "Auto-Submitted: auto-replied\nContent-Type: multipart/report; report-type=delivery-status; boundary=\"b b\"\n\n--b b\n\n\
         text\n--b b\nContent-Type: message/delivery-status\nContent-Transfer-Encoding: base64\n\n{coded}\n--b b--\n"
    );
    let reading = read(mail.replace('\n', "\r\n").as_bytes());
    let one = only(&reading);
    assert_eq!(
        (one.address.as_str(), one.original.as_deref()),
        ("a@ex.example", Some("b@ex.example"))
    );
    assert!(one.is_gone());
}

#[test]
fn a_token_is_found_wherever_it_stands() {
    let token = Key::from_bytes([7; 32]).return_token(Returns::Delivery(12));
    let canary = Key::from_bytes([7; 32]).return_token(Returns::Canary {
        lane: i64::MAX,
        sent_ms: i64::MIN,
    });
    let mail = format!(
        "To: bounce@x.example\n\nReturn-Path: <Bounce+{}@stadt.example>\nX: <a+{canary}@b> +1-2@c +{token}@d",
        token.to_uppercase()
    );
    assert_eq!(tokens(mail.as_bytes()), [token, canary]);
}

#[test]
fn ten_thousand_mails_in_each_other_are_not_opened() {
    let multipart: String = (0..10_000)
        .map(|n| format!("Content-Type: multipart/mixed; boundary={n}\n\n--{n}\n"))
        .collect();
    assert_eq!(read(multipart.as_bytes()).kind, Kind::Unknown);
    let messages = "Content-Type: message/rfc822\n\n".repeat(20_000);
    assert_eq!(read(messages.as_bytes()).kind, Kind::Unknown);
    let parts = format!(
        "Content-Type: multipart/mixed; boundary=b\n\n{}",
        "--b\n\nx\n".repeat(50_000)
    );
    assert_eq!(read(parts.as_bytes()).kind, Kind::Unknown);
}

/// Pieces that mails are made of, in any order.
fn shuffled() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just("From: mailer-daemon@ex.example\n".as_bytes().to_vec()),
        Just(b"Subject: =?utf-8?B?w4TDlsOc?= undeliverable\n".to_vec()),
        Just(b"Content-Type: multipart/report; boundary=\"b\"\n".to_vec()),
        Just(b"Content-Type: message/delivery-status; charset=utf-16\n".to_vec()),
        Just(b"Content-Transfer-Encoding: base64\n".to_vec()),
        Just(b"Content-Transfer-Encoding: quoted-printable\n".to_vec()),
        Just(b"Final-Recipient: rfc822;<a@ex.example>\nAction: failed\nStatus: 5.1.1\n".to_vec()),
        Just(b"--b\n".to_vec()),
        Just(b"--b--".to_vec()),
        Just(b"\n".to_vec()),
        Just(b"\"a@ex.example\":\n 550 =E4=\n".to_vec()),
        Just("Straße@İ.example: ẞ 5.1.1\n".as_bytes().to_vec()),
        Just(b"bounce+12-0123456789abcdef@x\n".to_vec()),
        proptest::collection::vec(any::<u8>(), 0..20),
    ];
    proptest::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(mail in shuffled()) {
        let reading = read(&mail);
        let speaks = matches!(reading.kind, Kind::Bounce | Kind::Arrived);
        prop_assert!(speaks || reading.recipients.is_empty());
        prop_assert!(reading.recipients.iter().all(|one| !one.is_gone() || (one.permanent && one.action == "failed")));
    }
}
