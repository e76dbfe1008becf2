//! The whole channel against a server of a few lines that answers as it is told, and the mail it got.

use std::collections::HashMap;
use std::sync::Mutex;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::channel::testing::{self, word};

const SECRET: &str = "cGFzcy13b3JkLTEt";

/// Answers each verb as written, everything else with 250; `END` is the finished mail, `drop` hangs up, `hang` says nothing.
#[derive(Clone, Default)]
struct Script {
    answers: HashMap<&'static str, &'static str>,
    pipelining: bool,
    /// Verbs of every session, mails as `MAIL-TEXT`.
    log: Arc<Mutex<Vec<String>>>,
    mails: Arc<Mutex<Vec<String>>>,
    /// Hangs up after so many mails of a session.
    mails_a_session: Option<usize>,
}

impl Script {
    fn of(answers: &[(&'static str, &'static str)]) -> Self {
        Self {
            answers: answers.iter().copied().collect(),
            pipelining: true,
            ..Self::default()
        }
    }

    async fn start(&self) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let script = self.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(script.clone().session(socket));
            }
        });
        port
    }

    async fn session(self, socket: TcpStream) {
        let (read, mut write) = socket.into_split();
        let mut lines = BufReader::new(read);
        self.log.lock().unwrap().push("CONNECT".to_owned());
        if !self.say(&mut write, "CONNECT", "220 mail.test").await {
            return;
        }
        let mut taken = 0;
        loop {
            let mut line = String::new();
            if lines.read_line(&mut line).await.unwrap_or(0) == 0 {
                return;
            }
            let verb = line.split_whitespace().next().unwrap_or_default().to_uppercase();
            self.log.lock().unwrap().push(verb.clone());
            let usual = match verb.as_str() {
                "EHLO" if self.pipelining => "250-mail.test\r\n250-AUTH PLAIN\r\n250-PIPELINING\r\n250 HELP",
                "EHLO" => "250-mail.test\r\n250 AUTH PLAIN",
                "DATA" => "354 go ahead",
                "AUTH" => "235 2.7.0 welcome",
                _ => "250 2.0.0 ok",
            };
            if !self.say(&mut write, &verb, usual).await {
                return;
            }
            let go_ahead = self.answers.get("DATA").is_none_or(|a| a.starts_with("354"));
            if verb != "DATA" || !go_ahead {
                continue;
            }
            let mut mail = String::new();
            while !mail.ends_with("\r\n.\r\n") {
                if lines.read_line(&mut mail).await.unwrap_or(0) == 0 {
                    return;
                }
            }
            self.mails.lock().unwrap().push(mail);
            taken += 1;
            if !self.say(&mut write, "END", "250 2.0.0 queued").await || self.mails_a_session == Some(taken) {
                return;
            }
        }
    }

    async fn say(&self, write: &mut (impl AsyncWriteExt + Unpin), verb: &str, usual: &str) -> bool {
        let answer = self.answers.get(verb).copied().unwrap_or(usual);
        match answer {
            "drop" => return false,
            "hang" => std::future::pending::<()>().await,
            _ => {}
        }
        write.write_all(format!("{answer}\r\n").as_bytes()).await.is_ok()
    }

    fn count(&self, verb: &str) -> usize {
        self.log.lock().unwrap().iter().filter(|v| *v == verb).count()
    }
}

fn channel(port: u16, keys: &str) -> Arc<dyn Channel> {
    testing::built(&format!(
        "[site]\nurl = \"https://info.example\"\n[publisher.stadt]\nname = \"Stadt\"\n[channel.test]\nkind = \"email\"\nserver = \"127.0.0.1\"\n\
         port = {port}\ntls = \"none\"\nusername = \"u\"\npassword = \"{SECRET}\"\nfrom = \"info@stadt.example\"\n\
         audience = {{ file = \"presse.csv\" }}\ntimeout = \"2s\"\n{keys}\n"
    ))
}

fn job(channel: &dyn Channel, address: &str) -> Job {
    let mut job = testing::job(&testing::compose(channel));
    job.recipient = crate::ids::RecipientId(7);
    job.address = address.to_owned();
    job
}

async fn send(port: u16) -> Report {
    let channel = channel(port, "");
    let report = channel.send(&job(channel.as_ref(), "anna@ex.example"), 1_000).await;
    assert!(
        !report.text.de.contains(SECRET) && !report.text.en.contains(SECRET) && report.text.de.chars().count() <= 500,
        "{report:?}"
    );
    report
}

#[tokio::test]
async fn every_step_says_what_came_of_it() {
    let table = [
        ("CONNECT", "421 4.3.2 down", "transient", Reason::ServiceTrouble),
        ("CONNECT", "554 5.7.1 blocked", "auth", Reason::Credentials),
        ("CONNECT", "drop", "transient", Reason::NotConnected),
        ("EHLO", "421 4.3.2 down", "transient", Reason::ServiceTrouble),
        ("AUTH", "535 5.7.8 bad credentials", "auth", Reason::Credentials),
        ("AUTH", "454 4.7.0 later", "transient", Reason::ServiceTrouble),
        ("AUTH", "drop", "transient", Reason::ServiceTrouble),
        ("MAIL", "451 4.3.0 local", "transient", Reason::ServiceTrouble),
        ("MAIL", "550 5.1.8 sender", "auth", Reason::Credentials),
        ("MAIL", "drop", "transient", Reason::ServiceTrouble),
        ("RCPT", "450 4.7.1 greylisted", "deferred", Reason::RecipientBusy),
        ("RCPT", "550 5.1.1 nobody", "gone", Reason::RecipientUnknown),
        ("RCPT", "421 4.7.0 slow down", "transient", Reason::ServiceTrouble),
        ("RCPT", "drop", "transient", Reason::ServiceTrouble),
        ("DATA", "451 4.3.0 local", "transient", Reason::ServiceTrouble),
        ("DATA", "250 what", "transient", Reason::ServiceTrouble),
        ("DATA", "drop", "transient", Reason::ServiceTrouble),
        ("END", "552 5.2.2 full", "deferred", Reason::RecipientBusy),
        ("END", "554 5.6.0 no", "permanent", Reason::ContentRefused),
        ("END", "250 2.0.0 queued", "delivered", Reason::Ok),
        ("END", "drop", "unknown", Reason::NoAnswer),
        ("END", "hang", "unknown", Reason::NoAnswer),
        ("END", "what", "unknown", Reason::NoAnswer),
    ];
    for pipelining in [true, false] {
        for (step, answer, outcome, reason) in table {
            let script = Script {
                pipelining,
                ..Script::of(&[(step, answer)])
            };
            let report = send(script.start().await).await;
            assert_eq!(
                (word(&report.outcome), report.reason),
                (outcome, reason),
                "{step} {answer}, pipelining {pipelining}: {report:?}"
            );
        }
    }
}

#[tokio::test]
async fn nobody_there_and_noise_are_no_answer_and_no_panic() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let report = send(free.port()).await;
    assert_eq!(
        (word(&report.outcome), report.reason),
        ("transient", Reason::NotConnected)
    );
    for noise in [
        "SSH-2.0-OpenSSH_9.9",
        "\0\0\0\0",
        "220",
        "999 x",
        "220-a\r\n220-b",
        "HTTP/1.1 400 Bad",
    ] {
        let report = send(Script::of(&[("CONNECT", noise)]).start().await).await;
        assert_eq!(word(&report.outcome), "transient", "{noise}: {report:?}");
    }
    let endless: &'static str = Box::leak("250-x\r\n".repeat(2_000).into_boxed_str());
    let report = send(Script::of(&[("MAIL", endless)]).start().await).await;
    assert_eq!(word(&report.outcome), "transient", "{report:?}");
}

#[tokio::test]
async fn a_refused_recipient_is_no_mail_even_where_the_server_says_go_ahead() {
    // The server forgets that it has no recipient: nothing may follow its "go ahead".
    let script = Script::of(&[("RCPT", "550 5.1.1 nobody")]);
    let channel = channel(script.start().await, "");
    for _ in 0..2 {
        let report = channel.send(&job(channel.as_ref(), "anna@ex.example"), 0).await;
        assert_eq!(word(&report.outcome), "gone");
    }
    assert!(script.mails.lock().unwrap().is_empty());
    assert_eq!(script.count("CONNECT"), 2, "a session out of step is not kept");
}

#[tokio::test]
async fn a_session_takes_many_mails_and_one_that_was_closed_costs_nothing() {
    let script = Script::of(&[]);
    let channel_ = channel(script.start().await, "");
    for _ in 0..5 {
        assert_eq!(
            word(&channel_.send(&job(channel_.as_ref(), "a@ex.example"), 0).await.outcome),
            "delivered"
        );
    }
    assert_eq!(
        (script.count("CONNECT"), script.count("AUTH"), script.count("DATA")),
        (1, 1, 5)
    );

    let script = Script {
        mails_a_session: Some(1),
        ..Script::of(&[])
    };
    let channel_ = channel(script.start().await, "");
    for _ in 0..3 {
        assert_eq!(
            word(&channel_.send(&job(channel_.as_ref(), "a@ex.example"), 0).await.outcome),
            "delivered"
        );
    }
    assert_eq!(script.mails.lock().unwrap().len(), 3);
}

#[tokio::test]
async fn after_a_refusal_the_session_is_used_again() {
    let script = Script::of(&[("END", "554 5.6.0 no")]);
    let channel = channel(script.start().await, "");
    for _ in 0..3 {
        assert_eq!(
            word(&channel.send(&job(channel.as_ref(), "a@ex.example"), 0).await.outcome),
            "permanent"
        );
    }
    assert_eq!((script.count("CONNECT"), script.count("RSET")), (1, 3));
}

#[tokio::test]
async fn what_is_no_address_costs_no_request() {
    let channel = channel(9, "");
    for wrong in [
        "",
        "anna",
        "anna@",
        "@ex.example",
        "a b@ex.example",
        "a@ex.example\r\nDATA",
        "<a@ex.example>",
        "änne@ex.example",
    ] {
        let report = channel.send(&job(channel.as_ref(), wrong), 0).await;
        assert_eq!(
            (word(&report.outcome), report.reason),
            ("permanent", Reason::BadAddress),
            "{wrong}"
        );
    }
}

/// The mail as the server gets it.
async fn mail(keys: &str, tweak: impl Fn(&mut Job)) -> String {
    let script = Script::of(&[]);
    let channel = channel(script.start().await, keys);
    let mut job = job(channel.as_ref(), "anna@ex.example");
    tweak(&mut job);
    assert_eq!(word(&channel.send(&job, 1_674_580_000_000).await.outcome), "delivered");
    script.mails.lock().unwrap().remove(0)
}

fn field<'a>(mail: &'a str, name: &str) -> Option<&'a str> {
    let head = mail.split("\r\n\r\n").next().unwrap();
    head.split("\r\n")
        .find_map(|line| line.strip_prefix(&format!("{name}: ")))
}

#[tokio::test]
async fn the_same_delivery_is_the_same_mail_and_an_incident_is_a_thread() {
    let first = mail("", |_| {}).await;
    let again = mail("", |job| job.attempt = 9).await;
    // Each of these channels has a key of its own, so names differ between them; within one they are the same.
    assert_ne!(field(&first, "Message-ID"), field(&again, "Message-ID"));

    let script = Script::of(&[]);
    let channel = channel(script.start().await, "");
    for (notice, broadcast, address) in [
        (2, 3, "a@ex.example"),
        (2, 3, "a@ex.example"),
        (3, 4, "a@ex.example"),
        (3, 4, "b@ex.example"),
    ] {
        let mut job = job(channel.as_ref(), address);
        (job.notice, job.broadcast) = (crate::ids::NoticeSeq(notice), crate::ids::BroadcastId(broadcast));
        channel.send(&job, 0).await;
    }
    let mails = script.mails.lock().unwrap().clone();
    let of = |n: usize, name: &str| field(&mails[n], name).unwrap().to_owned();
    assert_eq!(of(0, "Message-ID"), of(1, "Message-ID"));
    assert_ne!(of(1, "Message-ID"), of(2, "Message-ID"));
    assert_eq!(of(1, "References"), of(2, "References"), "one thread");
    assert_ne!(
        of(2, "References"),
        of(3, "References"),
        "nobody hangs under somebody else's mail"
    );
    assert!(of(0, "Message-ID").ends_with("@stadt.example>"));
}

#[tokio::test]
async fn names_bring_no_fields_of_their_own() {
    let ugly = "Änne \"X\"\r\nBcc: all@ex.example\r\n\r\n<script>\u{1f525}\u{202e}";
    let mail = mail("reply_to = \"Post <post@stadt.example>\"", |job| {
        job.name = Some(format!("{ugly}{}", "x".repeat(3_000)));
        let mut variant = Variant::clone(&job.variant);
        variant.payload["subject"] = format!("{ugly}{}", "y".repeat(3_000)).into();
        variant.payload["from"] = ugly.into();
        job.variant = Arc::new(variant);
    })
    .await;
    assert!(field(&mail, "Bcc").is_none(), "{mail}");
    assert!(mail.is_ascii() && mail.lines().all(|line| line.len() <= 998));
    assert_eq!(mail.matches("\r\nSubject: ").count(), 1);
    assert_eq!(field(&mail, "Reply-To"), Some("Post <post@stadt.example>"));
}

#[tokio::test]
async fn a_line_of_one_dot_does_not_end_the_mail() {
    let mail = mail("", |job| {
        let mut variant = Variant::clone(&job.variant);
        variant.text = format!(".\n.\n..x\nEnde {}", "wort".repeat(2_000));
        job.variant = Arc::new(variant);
    })
    .await;
    assert!(mail.contains("\r\n..\r\n..\r\n...x\r\nEnde"), "{mail}");
}

#[tokio::test]
async fn the_unsubscribe_address_is_each_recipients_own_wherever_it_stands() {
    let mail = mail("bounces = \"bounce@stadt.example\"", |_| {}).await;
    let address = field(&mail, "List-Unsubscribe").unwrap().trim_matches(['<', '>']);
    assert!(address.starts_with("https://info.example/stadt/unsubscribe/") && !address.contains("anna"));
    assert_eq!(
        field(&mail, "List-Unsubscribe-Post"),
        Some("List-Unsubscribe=One-Click")
    );
    assert!(!mail.contains(compose::MARK));
    let unfolded = mail.replace("\r\n..", "\r\n.").replace("=\r\n", "");
    assert_eq!(unfolded.matches(address).count(), 3, "head, text, HTML: {unfolded}");
}
