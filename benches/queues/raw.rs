//! What a loop without a store reaches: with the client of the product and its signed requests, and with bare hyper, which signs nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::body::{Body, to_bytes};
use bytes::Bytes;
use hyper::Request;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rundruf::channel::webhook::sign;
use rundruf::net::{Http, Use};
use tokio::net::TcpStream;

use super::CONNECTIONS;
use crate::kit::sink::Sink;

/// A secret's bytes; any will do.
const KEY: [u8; 32] = [7; 32];
const SECONDS: i64 = 1_767_323_045;

/// Messages a second by the client of the product.
pub async fn signed(sink: &Sink, messages: u64, body: &Bytes) -> f64 {
    let usage = Use {
        timeout: Duration::from_secs(15),
        concurrency: CONNECTIONS,
        reuse: true,
        private: true,
    };
    let http = Http::new(usage).expect("a client");
    let (port, body) = (sink.port, body.clone());
    on_all_connections(messages, |numbers| {
        send_signed(http.clone(), port, body.clone(), numbers)
    })
    .await
}

/// Messages a second by bare connections.
pub async fn hyper(sink: &Sink, messages: u64, body: &Bytes) -> f64 {
    let (port, body) = (sink.port, body.clone());
    on_all_connections(messages, |numbers| send_bare(port, body.clone(), numbers)).await
}

/// What is to be sent, one number a message.
#[derive(Clone)]
struct Numbers {
    next: Arc<AtomicU64>,
    end: u64,
}

impl Iterator for Numbers {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        Some(self.next.fetch_add(1, Ordering::Relaxed)).filter(|n| *n < self.end)
    }
}

async fn on_all_connections<W>(messages: u64, work: impl Fn(Numbers) -> W) -> f64
where
    W: Future<Output = ()> + Send + 'static,
{
    let numbers = Numbers {
        next: Arc::default(),
        end: messages,
    };
    let begin = Instant::now();
    let workers: Vec<_> = (0..CONNECTIONS).map(|_| tokio::spawn(work(numbers.clone()))).collect();
    for worker in workers {
        worker.await.expect("a worker");
    }
    messages as f64 / begin.elapsed().as_secs_f64()
}

async fn send_signed(http: Http, port: u16, body: Bytes, numbers: Numbers) {
    for n in numbers {
        let id = format!("msg_{n}");
        let request = http
            .client()
            .post(format!("http://127.0.0.1:{port}/{n}"))
            .header("content-type", "application/json")
            .header("webhook-id", &id)
            .header("webhook-timestamp", SECONDS)
            .header("webhook-signature", sign(&KEY, &id, SECONDS, &body))
            .body(body.clone());
        http.send(request).await.expect("an answer");
    }
}

async fn send_bare(port: u16, body: Bytes, numbers: Numbers) {
    let socket = TcpStream::connect(("127.0.0.1", port)).await.expect("the receiver");
    socket.set_nodelay(true).expect("as every client does");
    let (mut sender, connection) = http1::handshake(TokioIo::new(socket)).await.expect("a connection");
    let connection = tokio::spawn(connection);
    for n in numbers {
        let request = Request::post(format!("/{n}"))
            .header("host", "127.0.0.1")
            .header("content-type", "application/json")
            .body(Body::from(body.clone()))
            .expect("a request");
        sender.ready().await.expect("free");
        let answer = sender.send_request(request).await.expect("an answer");
        let body = to_bytes(Body::new(answer.into_body()), 1024).await;
        assert!(body.is_ok(), "a whole answer");
    }
    connection.abort();
}
