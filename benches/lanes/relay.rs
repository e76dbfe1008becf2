//! A counterpart's door: says when the first byte of a message and the first byte of its answer pass, and carries both on.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::UnboundedSender;

use crate::kit::place;

/// How far away a service is. Without it the services' own work on a message would take the processors from the messages to all others, as it does nowhere
/// where they stand on machines of their own.
const AWAY: Duration = Duration::from_millis(10);

/// What stands behind the door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behind {
    /// A service at this port of 127.0.0.1.
    Service(u16),
    /// Takes every request and never answers.
    Hangs,
    /// Nothing: connections are refused.
    Nothing,
}

/// Something passed the door.
#[derive(Debug, Clone, Copy)]
pub struct Passed {
    /// The door's number.
    pub door: usize,
    pub at: Instant,
    /// A message came, else its answer went.
    pub came: bool,
}

/// A port of our own; `None` where connections are to be refused.
pub fn port(behind: Behind) -> (u16, Option<std::net::TcpListener>) {
    let (port, listener) = place::port();
    (port, (behind != Behind::Nothing).then_some(listener))
}

/// Lets everything through until the runtime ends.
pub async fn open(door: usize, listener: std::net::TcpListener, behind: Behind, tell: UnboundedSender<Passed>) {
    let listener = TcpListener::from_std(listener).expect("a listener");
    while let Ok((client, _)) = listener.accept().await {
        let tell = tell.clone();
        // A connection that breaks off is the business of those who talk through it.
        tokio::spawn(async move { carry(door, client, behind, &tell).await });
    }
}

async fn carry(
    door: usize,
    mut client: TcpStream,
    behind: Behind,
    tell: &UnboundedSender<Passed>,
) -> std::io::Result<()> {
    let say = |came| {
        let at = Instant::now();
        // Nobody listens any more where the part is over.
        let _ = tell.send(Passed { door, at, came });
    };
    client.set_nodelay(true)?;
    let (mut up, mut down) = (vec![0; 32 * 1024], vec![0; 32 * 1024]);
    let Some(mut read) = some(client.read(&mut up).await?) else {
        return Ok(());
    };
    // Noted before anything else is done, the way to the service included.
    let mut message = is_message(&up[..read]);
    if message {
        say(true);
    }
    let Behind::Service(port) = behind else {
        return std::future::pending().await;
    };
    tokio::time::sleep(AWAY).await;
    let mut service = TcpStream::connect(("127.0.0.1", port)).await?;
    service.set_nodelay(true)?;
    service.write_all(&up[..read]).await?;
    let mut answered = false;
    loop {
        tokio::select! {
            came = client.read(&mut up) => {
                let Some(n) = some(came?) else { return Ok(()) };
                read = n;
                // No counterpart is sent a second request before it has answered the first.
                if std::mem::take(&mut answered) {
                    message = is_message(&up[..read]);
                    if message {
                        say(true);
                    }
                    tokio::time::sleep(AWAY).await;
                }
                service.write_all(&up[..read]).await?;
            }
            went = service.read(&mut down) => {
                let Some(n) = some(went?) else { return Ok(()) };
                if !std::mem::replace(&mut answered, true) && message {
                    say(false);
                }
                client.write_all(&down[..n]).await?;
            }
        }
    }
}

/// 0 bytes: the other side has closed.
fn some(read: usize) -> Option<usize> {
    (read > 0).then_some(read)
}

/// A toot, an SMS, a webhook; Mastodon is also asked for its limits.
fn is_message(request: &[u8]) -> bool {
    request.starts_with(b"POST ") || request.starts_with(b"GET /cgi-bin/sendsms")
}
