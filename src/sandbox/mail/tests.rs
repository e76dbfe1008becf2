//! The mail server asked line by line, as a client asks it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use super::session::{MAIL_OCTETS, TEXT_OCTETS};
use super::{Mail, PATIENCE, Patience, converse};
use crate::clock::{Clock, Ms};

struct Hand(AtomicI64);

impl Clock for Hand {
    fn now_ms(&self) -> Ms {
        self.0.load(Ordering::SeqCst)
    }
}

/// A client and the server it talks to.
struct Client {
    mail: Mail,
    clock: Arc<Hand>,
    stream: BufReader<TcpStream>,
}

impl Client {
    async fn new() -> Self {
        let clock = Arc::new(Hand(AtomicI64::new(1_000_000)));
        let mail = Mail::start(clock.clone()).await.unwrap();
        mail.knows(["anna@a.example".to_owned(), "bert@b.example".to_owned()]);
        let stream = TcpStream::connect(("127.0.0.1", mail.port())).await.unwrap();
        let mut client = Self {
            mail,
            clock,
            stream: BufReader::new(stream),
        };
        assert!(client.answer().await.starts_with("220 "));
        client
    }

    /// The next answer, its lines as they came.
    async fn answer(&mut self) -> String {
        let mut answer = String::new();
        loop {
            let start = answer.len();
            assert!(
                self.stream.read_line(&mut answer).await.unwrap() > 0,
                "hung up after {answer:?}"
            );
            if answer.as_bytes()[start + 3] == b' ' {
                return answer;
            }
        }
    }

    async fn ask(&mut self, bytes: impl AsRef<[u8]>) -> String {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
        self.answer().await
    }

    /// Each of these lines has an answer that begins like this.
    async fn talk(&mut self, lines: &[(&str, &str)]) {
        for (line, begins) in lines {
            let answer = self.ask(format!("{line}\r\n")).await;
            assert!(answer.starts_with(begins), "{line} -> {answer:?}, not {begins}");
        }
    }

    /// Up to "go ahead".
    async fn announce(&mut self, to: &str) {
        self.talk(&[
            ("MAIL FROM:<info@stadt.example>", "250 2.1.0"),
            (&format!("RCPT TO:<{to}>"), "250 2.1.5"),
            ("DATA", "354 "),
        ])
        .await;
    }

    async fn send(&mut self, to: &str, text: &str) -> String {
        self.announce(to).await;
        self.ask(format!("{HEAD}{text}\r\n.\r\n")).await
    }
}

const HEAD: &str = "From: info@stadt.example\r\nDate: x\r\nMessage-ID: <1@stadt.example>\r\nSubject: Eins\r\n\r\n";

#[tokio::test]
async fn commands_come_in_their_order_and_in_their_form() {
    let mut client = Client::new().await;
    let long = format!("NOOP {}", "x".repeat(600));
    let name = "x".repeat(65);
    client
        .talk(&[
            ("MAIL FROM:<a@b.example>", "503 5.5.1"),
            ("EHLO", "501 5.5.4"),
            ("EHLO not_a_domain", "501 5.5.4"),
            ("HELO stadt.example", "250 mx.sandbox.example"),
            ("EHLO [127.0.0.1]", "250-mx.sandbox.example"),
            ("RCPT TO:<anna@a.example>", "503 5.5.1"),
            ("DATA", "503 5.5.1"),
            ("MAIL FROM:a@b.example", "501 5.5.4"),
            ("MAIL TO:<a@b.example>", "501 5.5.4"),
            ("MAIL FROM:<a b@c.example>", "553 5.1.7"),
            (&format!("MAIL FROM:<{name}@c.example>"), "553 5.1.7"),
            ("MAIL FROM:<a@b.example> SIZE=99999999", "552 5.3.4"),
            ("MAIL FROM:<a@b.example> AUTH=<>", "555 5.5.4"),
            ("mail from:<> size=100 body=8bitmime", "250 2.1.0"),
            ("MAIL FROM:<a@b.example>", "503 5.5.1"),
            ("DATA", "554 5.5.1"),
            ("RCPT TO:<>", "553 5.1.3"),
            ("RCPT TO:<nobody@a.example>", "550 5.1.1"),
            ("RCPT TO:<ANNA@a.example>", "250 2.1.5"),
            ("RSET", "250 2.0.0"),
            ("DATA", "503 5.5.1"),
            (&long, "500 5.5.2"),
            ("EXPN liste", "500 5.5.2"),
            ("VRFY anna", "252 "),
        ])
        .await;
    assert!(
        client.ask("NOOP\n").await.starts_with("500 5.5.2"),
        "a bare LF ends nothing"
    );
    assert!(client.ask("QUIT\r\n").await.starts_with("221 "));
    assert_eq!(client.stream.read_line(&mut String::new()).await.unwrap(), 0);
    assert_eq!(client.mail.books().accepted(), 0);
    assert_eq!(client.mail.books().refused, 1, "nobody@a.example");
}

#[tokio::test]
async fn a_mail_is_taken_as_it_was_meant_and_a_broken_one_is_not() {
    let mut client = Client::new().await;
    client.talk(&[("EHLO stadt.example", "250-")]).await;
    let taken = client.send("anna@a.example", "..eins\r\nzwei\r\n.. \r\ndrei").await;
    assert!(taken.starts_with("250 2.0.0 Ok: queued as S00001"), "{taken}");
    let entry = client.mail.books().entries.remove(0);
    assert_eq!(
        &*entry.text, ".eins\nzwei\n. \ndrei",
        "dots in front are undoubled, once"
    );
    assert_eq!(
        (entry.to.as_str(), entry.key.as_deref()),
        ("anna@a.example", Some("<1@stadt.example>"))
    );
    assert_eq!(entry.more["subject"], "Eins");

    let long = "x".repeat(TEXT_OCTETS - 1);
    for (text, begins) in [
        ("x".repeat(TEXT_OCTETS - 2).as_str(), "250 2.0.0"),
        (long.as_str(), "554 5.6.0"),
        ("eins\nzwei", "554 5.6.0"),
        ("eins\rzwei", "554 5.6.0"),
        ("für", "554 5.6.3"),
        // What some servers take for the end is a line of text here.
        ("eins\n.\nMAIL FROM:<x@y.example>", "554 5.6.0"),
    ] {
        let answer = client.send("anna@a.example", text).await;
        assert!(answer.starts_with(begins), "{text:.9} -> {answer}");
    }
    client.announce("anna@a.example").await;
    let answer = client.ask("Subject: ohne Absender\r\n\r\nText\r\n.\r\n").await;
    assert!(answer.starts_with("554 5.6.0"), "{answer}");
    client.announce("anna@a.example").await;
    let line = format!("{}\r\n", "x".repeat(900));
    let large = format!("{HEAD}{}.\r\n", line.repeat(MAIL_OCTETS / line.len() + 1));
    assert!(client.ask(large).await.starts_with("552 5.3.4"));
    assert!(
        client
            .send("bert@b.example", "Noch eine")
            .await
            .starts_with("250 2.0.0"),
        "the session goes on"
    );
    assert_eq!(client.mail.books().accepted(), 3);
}

#[tokio::test]
async fn commands_in_one_piece_have_an_answer_each() {
    let mut client = Client::new().await;
    client.talk(&[("EHLO stadt.example", "250-")]).await;
    let first = client
        .ask("MAIL FROM:<a@b.example>\r\nRCPT TO:<nobody@a.example>\r\nDATA\r\nRSET\r\n")
        .await;
    assert!(first.starts_with("250 2.1.0"));
    for begins in ["550 5.1.1", "554 5.5.1", "250 2.0.0"] {
        let answer = client.answer().await;
        assert!(answer.starts_with(begins), "{answer}, not {begins}");
    }
}

#[tokio::test]
async fn greylisting_lets_in_who_comes_again_later() {
    let mut client = Client::new().await;
    client.mail.greylist(Duration::from_secs(300));
    client
        .talk(&[
            ("EHLO stadt.example", "250-"),
            ("MAIL FROM:<a@b.example>", "250 "),
            ("RCPT TO:<anna@a.example>", "451 4.7.1"),
        ])
        .await;
    client.clock.0.fetch_add(299_999, Ordering::SeqCst);
    client.talk(&[("RCPT TO:<anna@a.example>", "451 4.7.1")]).await;
    client.clock.0.fetch_add(1, Ordering::SeqCst);
    client
        .talk(&[
            ("RCPT TO:<anna@a.example>", "250 "),
            ("RCPT TO:<bert@b.example>", "451 4.7.1"),
        ])
        .await;
}

#[tokio::test]
async fn a_mail_to_a_dead_mailbox_comes_back_to_its_sender() {
    let folder = tempfile::tempdir().unwrap();
    let mut client = Client::new().await;
    client.mail.sends_back_to(folder.path());
    client.mail.bounce("anna@a.example");
    client.talk(&[("EHLO stadt.example", "250-")]).await;
    client.send("bert@b.example", "Eins").await;
    client.send("anna@a.example", "Zwei").await;
    let back = returned(folder.path());
    assert_eq!(back.len(), 1);
    for part in [
        "To: info@stadt.example",
        "Final-Recipient: rfc822; anna@a.example",
        "Status: 5.1.1",
    ] {
        assert!(back[0].contains(part), "{}", back[0]);
    }
    let entries = client.mail.books().entries;
    assert_eq!(
        (&entries[0].more["returned"], &entries[1].more["returned"]),
        (&false.into(), &true.into())
    );
}

#[tokio::test]
async fn an_outage_takes_exactly_so_many_and_what_was_on_its_way_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let mut client = Client::new().await;
    client.mail.sends_back_to(folder.path());
    client.mail.fail_after(2, "bert@b.example");
    client.talk(&[("EHLO stadt.example", "250-")]).await;
    for to in ["bert@b.example", "anna@a.example", "anna@a.example"] {
        assert!(client.send(to, "Text").await.starts_with("250 "));
    }
    client.talk(&[("MAIL FROM:<a@b.example>", "451 4.4.1")]).await;
    let back = returned(folder.path());
    assert!(
        back.len() == 1 && back[0].contains("rfc822; bert@b.example"),
        "{back:?}"
    );
    client.mail.heal();
    assert!(client.send("anna@a.example", "Text").await.starts_with("250 "));
}

#[tokio::test]
async fn unplugged_it_refuses_connections_and_remembers_its_books() {
    let mut client = Client::new().await;
    client.talk(&[("EHLO stadt.example", "250-")]).await;
    client.send("anna@a.example", "Text").await;
    client.mail.stop().await;
    assert_eq!(client.stream.read_line(&mut String::new()).await.unwrap_or(0), 0, "cut");
    assert!(TcpStream::connect(("127.0.0.1", client.mail.port())).await.is_err());
    client.mail.start_again().await.unwrap();
    assert!(TcpStream::connect(("127.0.0.1", client.mail.port())).await.is_ok());
    assert_eq!(client.mail.books().accepted(), 1);
}

/// What a client reads that sends this and then nothing more, and does not hang up.
async fn heard(patience: Patience, sent: &[u8]) -> String {
    let mail = Mail::start(Arc::new(Hand(AtomicI64::new(0)))).await.unwrap();
    let (client, server) = tokio::io::duplex(4 * MAIL_OCTETS);
    let (reading, writing) = tokio::io::split(server);
    let (mut hears, mut says) = tokio::io::split(client);
    says.write_all(sent).await.unwrap();
    converse(reading, writing, mail.inside.clone(), patience, false)
        .await
        .unwrap();
    let mut answers = String::new();
    hears.read_to_string(&mut answers).await.unwrap();
    answers
}

#[tokio::test]
async fn nobody_keeps_a_session_by_silence_or_by_talking() {
    let now = Duration::ZERO;
    let silent = heard(Patience { step: now, ..PATIENCE }, b"").await;
    assert!(
        silent.ends_with("\r\n421 4.4.2 timeout, closing connection\r\n"),
        "{silent}"
    );
    let half = heard(Patience { step: now, ..PATIENCE }, b"EHLO a.example\r\nNOO").await;
    assert!(
        half.contains("250 8BITMIME\r\n421 4.4.2 timeout"),
        "half a line is none: {half}"
    );
    let long = heard(
        Patience {
            session: now,
            ..PATIENCE
        },
        b"",
    )
    .await;
    assert!(
        long.ends_with("421 4.4.2 session too long, closing connection\r\n"),
        "{long}"
    );
}

#[tokio::test]
async fn a_mail_without_end_is_not_read_for_ever() {
    let mut sent =
        format!("EHLO a.example\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<a@c.example>\r\nDATA\r\n{HEAD}").into_bytes();
    let line = format!("{}\r\n", "x".repeat(900));
    sent.extend(line.repeat(2 * MAIL_OCTETS / line.len() + 1).as_bytes());
    let answers = heard(PATIENCE, &sent).await;
    assert!(
        answers.contains("\r\n354 ")
            && answers.ends_with("\r\n421 4.3.4 message far too large, closing connection\r\n"),
        "{answers}"
    );
}

fn returned(folder: &std::path::Path) -> Vec<String> {
    let files = std::fs::read_dir(folder.join("new")).unwrap();
    files
        .map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap())
        .collect()
}
