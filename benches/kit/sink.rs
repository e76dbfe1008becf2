//! The fastest receiver of webhooks there is: answers 204 to every request, counts, and knows when the first and the last came.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use super::place::{aside, port};

/// How often it is asked how many came.
const LOOK: Duration = Duration::from_millis(2);
/// Nobody here takes longer.
const GIVE_UP: Duration = Duration::from_secs(120);

/// Runs on a thread of its own until it is dropped.
pub struct Sink {
    pub port: u16,
    came: Arc<Mutex<Came>>,
    _serving: oneshot::Sender<()>,
}

/// Whole requests.
#[derive(Default)]
struct Came {
    count: u64,
    /// When the first and the last came.
    between: Option<(Instant, Instant)>,
}

impl Came {
    fn one(&mut self) {
        let now = Instant::now();
        self.count += 1;
        self.between = Some((self.between.map_or(now, |(first, _)| first), now));
    }
}

impl Sink {
    /// On a port of its own.
    pub fn start() -> Self {
        let came = Arc::<Mutex<Came>>::default();
        let (port, listener) = port();
        let counting = Arc::clone(&came);
        let serving = aside(async move {
            let listener = TcpListener::from_std(listener).expect("a listener");
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(answer(socket, Arc::clone(&counting)));
            }
        });
        Self {
            port,
            came,
            _serving: serving,
        }
    }

    /// Counts anew.
    pub fn forget(&self) {
        *self.came() = Came::default();
    }

    /// Requests so far.
    pub fn count(&self) -> u64 {
        self.came().count
    }

    /// When the newest request came.
    pub fn last(&self) -> Option<Instant> {
        self.came().between.map(|(_, last)| last)
    }

    /// Requests a second, between the first and the last.
    pub fn a_second(&self) -> f64 {
        let came = self.came();
        let (first, last) = came.between.expect("some came");
        came.count as f64 / (last - first).as_secs_f64()
    }

    /// Waits until so many came.
    pub async fn reaches(&self, count: u64) {
        let reached = async {
            while self.count() < count {
                tokio::time::sleep(LOOK).await;
            }
        };
        let done = tokio::time::timeout(GIVE_UP, reached).await;
        assert!(done.is_ok(), "{} of {count} requests came", self.count());
    }

    fn came(&self) -> MutexGuard<'_, Came> {
        self.came.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Requests on one connection until the other side closes it.
async fn answer(mut socket: TcpStream, came: Arc<Mutex<Came>>) -> std::io::Result<()> {
    let mut buffer = Vec::with_capacity(8192);
    loop {
        let Some(end) = request_end(&buffer) else {
            if socket.read_buf(&mut buffer).await? == 0 {
                return Ok(());
            }
            continue;
        };
        buffer.drain(..end);
        came.lock().unwrap_or_else(PoisonError::into_inner).one();
        socket.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await?;
    }
}

/// Where the first request in the buffer ends, if it is whole.
fn request_end(buffer: &[u8]) -> Option<usize> {
    let head = buffer.windows(4).position(|w| w == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&buffer[..head]).ok()?.to_ascii_lowercase();
    let length: usize = text
        .split("content-length:")
        .nth(1)?
        .split("\r\n")
        .next()?
        .trim()
        .parse()
        .ok()?;
    (buffer.len() >= head + length).then_some(head + length)
}
