//! One bounded HTTP/1.1 listener for everything that listens: public site, admin, sandbox.
//!
//! `axum::serve` knows neither a header timeout nor a connection limit; on the day of an incident both are needed. HTTP/2 and TLS
//! are the business of the proxy in front.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

/// Bounds of a listener.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Connections at the same time; more wait in the kernel's queue.
    pub connections: usize,
    /// Until the head of a request is complete, and between two requests of a connection.
    pub head: Duration,
    /// Life of one connection, however slowly its client reads; then it may end its answer for [`Limits::head`].
    pub life: Duration,
    /// Bytes of a request's head (line and headers).
    pub head_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 4096,
            head: Duration::from_secs(15),
            life: Duration::from_secs(300),
            head_bytes: 32 * 1024,
        }
    }
}

/// A listener that is answering. Dropping it ends it and all its connections at once.
#[derive(Debug)]
pub struct Listening {
    addr: SocketAddr,
    stop: watch::Sender<Option<Duration>>,
    task: tokio::task::JoinHandle<()>,
}

impl Listening {
    /// Binds and answers every request by `handler`. A handler that returns an error cuts the connection without an answer.
    pub async fn start<H, F, E>(addr: SocketAddr, limits: Limits, handler: H) -> std::io::Result<Self>
    where
        H: Fn(Request<Incoming>) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Result<Response<Body>, E>> + Send + 'static,
        E: std::error::Error + Send + Sync + 'static,
    {
        let listener = TcpListener::bind(addr).await?;
        let addr = listener.local_addr()?;
        let (stop, stopped) = watch::channel(None);
        let task = tokio::spawn(accept(listener, limits, handler, stopped));
        Ok(Self { addr, stop, task })
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Closes the listener first (new connections are refused), gives running answers `grace`, then cuts what is left.
    pub async fn stop(mut self, grace: Duration) {
        // The task may be gone already; then there is nothing to stop.
        let _ = self.stop.send(Some(grace));
        let _ = (&mut self.task).await;
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept<H, F, E>(
    listener: TcpListener,
    limits: Limits,
    handler: H,
    mut stopped: watch::Receiver<Option<Duration>>,
) where
    H: Fn(Request<Incoming>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<Response<Body>, E>> + Send + 'static,
    E: std::error::Error + Send + Sync + 'static,
{
    let places = Arc::new(Semaphore::new(limits.connections));
    let mut connections = JoinSet::new();
    loop {
        let accepted = async {
            let place = places.clone().acquire_owned().await;
            (place, listener.accept().await)
        };
        tokio::select! {
            _ = stopped.changed() => break,
            Some(_) = connections.join_next() => {}
            (place, accepted) = accepted => match accepted {
                Ok((stream, _)) => {
                    let (handler, stopped) = (handler.clone(), stopped.clone());
                    connections.spawn(async move {
                        let _place = place;
                        connection(stream, limits, handler, stopped).await;
                    });
                }
                Err(error) => {
                    // Mostly "too many open files": connections that end make room, so wait a moment instead of spinning.
                    tracing::warn!(%error, "a connection could not be taken");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
        }
    }
    drop(listener);
    let grace = stopped.borrow().unwrap_or_default();
    let all = async { while connections.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(grace, all).await;
    connections.shutdown().await;
}

async fn connection<H, F, E>(
    stream: TcpStream,
    limits: Limits,
    handler: H,
    mut stopped: watch::Receiver<Option<Duration>>,
) where
    H: Fn(Request<Incoming>) -> F,
    F: Future<Output = Result<Response<Body>, E>>,
    E: std::error::Error + Send + Sync + 'static,
{
    // Without it a small answer can wait 40 ms for the client's acknowledgement; a failure costs only that.
    let _ = stream.set_nodelay(true);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        .max_buf_size(limits.head_bytes)
        .serve_connection(TokioIo::new(stream), service_fn(handler));
    tokio::pin!(connection);
    // Errors here are the client's: gone, too slow, not HTTP. Nobody can act on them, so they are no log lines.
    tokio::select! {
        _ = connection.as_mut() => return,
        _ = stopped.changed() => {}
        () = tokio::time::sleep(limits.life) => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = tokio::time::timeout(limits.head, connection).await;
}
