//! What all channels of the town send to: takes every SMS and every webhook at once, or hangs, and knows when it heard of a notice first.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use crate::kit::place::{aside, port};

/// A word of the headline that is looked for: `Nr4711x`.
pub fn word(n: u32) -> String {
    format!("Nr{n}x")
}

/// What it has seen.
#[derive(Default)]
pub struct Seen {
    /// Requests that were answered.
    pub answered: AtomicU64,
    /// Requests to `/cgi-bin/sendsms` hang.
    pub hangs: AtomicBool,
    /// By door (the path's last word) and notice: the first byte of its first message.
    first: Mutex<HashMap<(String, u32), Instant>>,
    /// The first request since it was last forgotten.
    any: Mutex<Option<Instant>>,
}

impl Seen {
    /// When a door heard of a notice first.
    pub fn first(&self, door: &str, notice: u32) -> Option<Instant> {
        let first = self.first.lock().expect("unbroken");
        first.get(&(door.to_owned(), notice)).copied()
    }

    /// The first request since this was asked last.
    pub fn forget(&self) -> Option<Instant> {
        self.any.lock().expect("unbroken").take()
    }

    /// The first request since it was last forgotten.
    pub fn any(&self) -> Option<Instant> {
        *self.any.lock().expect("unbroken")
    }

    fn note(&self, door: &str, notice: Option<u32>, at: Instant) {
        self.any.lock().expect("unbroken").get_or_insert(at);
        if let Some(notice) = notice {
            let mut first = self.first.lock().expect("unbroken");
            first.entry((door.to_owned(), notice)).or_insert(at);
        }
    }
}

/// A running one.
pub struct Gateway {
    pub port: u16,
    pub seen: Arc<Seen>,
    _serving: oneshot::Sender<()>,
}

impl Gateway {
    pub fn start() -> Self {
        let (port, listener) = port();
        let seen = Arc::<Seen>::default();
        let shared = Arc::clone(&seen);
        let serving = aside(async move {
            let listener = TcpListener::from_std(listener).expect("a listener");
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(answer(socket, Arc::clone(&shared)));
            }
        });
        Self {
            port,
            seen,
            _serving: serving,
        }
    }

    /// Waits until a door has heard of a notice.
    pub async fn until(&self, door: &str, notice: u32) -> Instant {
        let end = Instant::now() + Duration::from_secs(120);
        loop {
            if let Some(at) = self.seen.first(door, notice) {
                return at;
            }
            assert!(Instant::now() < end, "notice {notice} never came to {door}");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

async fn answer(mut socket: TcpStream, seen: Arc<Seen>) -> std::io::Result<()> {
    let mut buffer = Vec::with_capacity(8192);
    socket.set_nodelay(true)?;
    loop {
        let Some((end, door)) = request(&buffer) else {
            if socket.read_buf(&mut buffer).await? == 0 {
                return Ok(());
            }
            continue;
        };
        let at = Instant::now();
        seen.note(&door, notice(&buffer[..end]), at);
        buffer.drain(..end);
        if door == "sendsms" && seen.hangs.load(Relaxed) {
            return std::future::pending().await;
        }
        let n = seen.answered.fetch_add(1, Relaxed);
        let body = match door.as_str() {
            "sendsms" => "0: Accepted for delivery".to_owned(),
            "v1" => format!(r#"{{"status":"queued","id":"{n:08x}-1111-2222-3333-444455556666"}}"#),
            _ => String::new(),
        };
        let length = body.len();
        let text = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{body}");
        socket.write_all(text.as_bytes()).await?;
    }
}

/// Where the first request in the buffer ends, if it is whole, and the last word of its path.
fn request(buffer: &[u8]) -> Option<(usize, String)> {
    let head = buffer.windows(4).position(|w| w == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&buffer[..head]).ok()?;
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse::<usize>().ok())?
    });
    let end = head + length.unwrap_or(0);
    let path = text.split(' ').nth(1)?.split('?').next()?;
    let door = path.rsplit('/').next()?.to_owned();
    (buffer.len() >= end).then_some((end, door))
}

/// The number in a message's [`word`].
fn notice(message: &[u8]) -> Option<u32> {
    message
        .windows(2)
        .enumerate()
        .filter(|(_, w)| **w == *b"Nr")
        .find_map(|(at, _)| {
            let digits: String = message[at + 2..]
                .iter()
                .map(|byte| char::from(*byte))
                .take_while(char::is_ascii_digit)
                .collect();
            let behind = message.get(at + 2 + digits.len());
            (behind == Some(&b'x')).then(|| digits.parse().ok())?
        })
}
