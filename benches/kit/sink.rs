//! The fastest receiver of webhooks there is: answers 204 to every request and counts.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use super::place::{aside, port};

/// Starts it on a thread of its own; it ends with what is returned beside its port.
pub fn sink(count: Arc<AtomicU64>) -> (u16, oneshot::Sender<()>) {
    let (port, listener) = port();
    let serving = aside(async move {
        let listener = TcpListener::from_std(listener).expect("a listener");
        while let Ok((socket, _)) = listener.accept().await {
            tokio::spawn(answer(socket, Arc::clone(&count)));
        }
    });
    (port, serving)
}

/// Requests on one connection until the other side closes it.
async fn answer(mut socket: TcpStream, count: Arc<AtomicU64>) -> std::io::Result<()> {
    let mut buffer = Vec::with_capacity(8192);
    loop {
        let Some(end) = request_end(&buffer) else {
            if socket.read_buf(&mut buffer).await? == 0 {
                return Ok(());
            }
            continue;
        };
        buffer.drain(..end);
        count.fetch_add(1, Ordering::Relaxed);
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
