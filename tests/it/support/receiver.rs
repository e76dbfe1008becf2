//! A receiver of signed webhooks, written from the specification alone (Standard Webhooks 1.0.0): it shares no line with
//! the product, so that one mistake cannot hide another.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The secret both sides know; the bytes 0 to 31.
pub const SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// One request as it came.
#[derive(Debug, Clone)]
pub struct Hook {
    /// When it was read to its end, ms since 1970.
    pub at_ms: i64,
    /// Its path.
    pub path: String,
    /// `webhook-id`.
    pub id: String,
    /// The signature is good and its time is now.
    pub verified: bool,
    /// The payload.
    pub body: serde_json::Value,
}

/// Answers 204 to everybody and keeps what came. Its thread ends with the test process.
#[derive(Debug, Clone)]
pub struct Receiver {
    port: u16,
    hooks: Arc<Mutex<Vec<Hook>>>,
    answers: Arc<Answers>,
}

/// How many more requests are answered; whoever comes after them waits.
#[derive(Debug)]
struct Answers(Mutex<usize>, Condvar);

impl Answers {
    fn take(&self) {
        let left = self.0.lock().unwrap();
        *self.1.wait_while(left, |left| *left == 0).unwrap() -= 1;
    }
}

impl Receiver {
    /// On a free port.
    pub fn start() -> Self {
        Self::answering(usize::MAX)
    }

    /// Answers so many requests; the next ones wait for [`Receiver::answer_all`].
    pub fn answering(first: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let receiver = Self {
            port: listener.local_addr().unwrap().port(),
            hooks: Arc::default(),
            answers: Arc::new(Answers(Mutex::new(first), Condvar::new())),
        };
        let this = receiver.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let this = this.clone();
                // A connection that breaks off is the sender's matter.
                thread::spawn(move || serve(&stream, &this));
            }
        });
        receiver
    }

    /// Answers whoever waits, and everybody from now on.
    pub fn answer_all(&self) {
        *self.answers.0.lock().unwrap() = usize::MAX;
        self.answers.1.notify_all();
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Everything so far, in order of arrival.
    pub fn hooks(&self) -> Vec<Hook> {
        self.hooks.lock().unwrap().clone()
    }

    /// Requests with this headline.
    pub fn about(&self, headline: &str) -> Vec<Hook> {
        let mut hooks = self.hooks();
        hooks.retain(|hook| hook.body["data"]["headline"] == headline);
        hooks
    }
}

/// The wall clock, ms since 1970.
#[expect(clippy::disallowed_methods, reason = "what the counterpart's own clock says")]
pub fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// Requests on one connection until the other side closes it.
fn serve(stream: &TcpStream, receiver: &Receiver) -> Option<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).ok()? == 0 {
                return None;
            }
            let line = line.trim_end().to_owned();
            if line.is_empty() {
                break;
            }
            lines.push(line);
        }
        let header = |name: &str| {
            let found = lines.iter().skip(1).filter_map(|l| l.split_once(':'));
            let mut found = found.filter(|(n, _)| n.eq_ignore_ascii_case(name));
            found.next().map_or_else(String::new, |(_, v)| v.trim().to_owned())
        };
        let mut body = vec![0; header("content-length").parse().unwrap_or(0)];
        reader.read_exact(&mut body).ok()?;
        let at_ms = now_ms();
        let (id, time, signatures) = (
            header("webhook-id"),
            header("webhook-timestamp"),
            header("webhook-signature"),
        );
        let fresh = time.parse::<i64>().is_ok_and(|s| (s - at_ms / 1000).abs() <= 300);
        let hook = Hook {
            at_ms,
            path: lines.first()?.split(' ').nth(1)?.to_owned(),
            verified: fresh && signatures.split(' ').any(|s| is_good(s, &id, &time, &body)),
            id,
            body: serde_json::from_slice(&body).unwrap_or_default(),
        };
        receiver.hooks.lock().unwrap().push(hook);
        receiver.answers.take();
        let mut stream = stream;
        stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").ok()?;
    }
}

/// `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`.
fn is_good(signature: &str, id: &str, time: &str, body: &[u8]) -> bool {
    let key = STANDARD.decode(SECRET.trim_start_matches("whsec_")).unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    mac.update(format!("{id}.{time}.").as_bytes());
    mac.update(body);
    let theirs = signature.strip_prefix("v1,").and_then(|s| STANDARD.decode(s).ok());
    theirs.is_some_and(|theirs| mac.verify_slice(&theirs).is_ok())
}
