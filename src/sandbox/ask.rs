//! The smallest HTTP client there is, so that the fakes share none with the product.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use url::Url;

/// Until an answer is there, however slowly it comes.
const ANSWER: Duration = Duration::from_secs(10);
/// Largest answer that is read, head included: pages and lists of this project have some kilobytes.
const ANSWER_OCTETS: u64 = 8 * 1024 * 1024;

/// A request of a gateway to its customer.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) method: &'static str,
    pub(super) url: Url,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: String,
}

impl Request {
    /// A GET by this user agent.
    pub(super) fn get(url: Url, agent: &str) -> Self {
        Self {
            method: "GET",
            url,
            headers: vec![("User-Agent", agent.to_owned())],
            body: String::new(),
        }
    }
}

/// The status of a GET; plain HTTP, which is all a gateway beside its sender needs.
pub async fn get_status(url: &Url) -> std::io::Result<u16> {
    status(&Request::get(url.clone(), "Rundruf-Sandbox")).await
}

/// The body of a 200 answer to a GET.
pub async fn get_body(url: &Url) -> std::io::Result<String> {
    let read = async {
        let stream = send(&Request::get(url.clone(), "Rundruf-Sandbox")).await?;
        let mut answer = Vec::new();
        stream.take(ANSWER_OCTETS + 1).read_to_end(&mut answer).await?;
        std::io::Result::Ok(answer)
    };
    let answer = in_time(read).await?;
    if answer.len() as u64 > ANSWER_OCTETS {
        return Err(std::io::Error::other("the answer is too large"));
    }
    let answer = String::from_utf8_lossy(&answer);
    let body = answer
        .starts_with("HTTP/1.1 200")
        .then(|| answer.split_once("\r\n\r\n"));
    let body = body.flatten().map(|(_, body)| body.to_owned());
    body.ok_or_else(|| std::io::Error::other("no page"))
}

/// The status of an answer.
pub(super) async fn status(request: &Request) -> std::io::Result<u16> {
    let mut answer = [0; 12];
    in_time(async { send(request).await?.read_exact(&mut answer).await }).await?;
    // `HTTP/1.1 200`
    std::str::from_utf8(&answer[9..])
        .ok()
        .and_then(|status| status.parse().ok())
        .ok_or_else(|| std::io::Error::other("no status"))
}

async fn in_time<T>(work: impl Future<Output = std::io::Result<T>>) -> std::io::Result<T> {
    let late = || std::io::Error::new(std::io::ErrorKind::TimedOut, "no answer in time");
    tokio::time::timeout(ANSWER, work).await.map_err(|_| late())?
}

/// The connection on which the answer comes.
async fn send(request: &Request) -> std::io::Result<TcpStream> {
    let other = |text: &str| std::io::Error::other(text.to_owned());
    let url = &request.url;
    let host = url.host_str().ok_or_else(|| other("no host"))?;
    if url.scheme() != "http" {
        return Err(other("the sandbox reports over http only"));
    }
    let port = url.port_or_known_default().unwrap_or(80);
    let mut stream = TcpStream::connect((host.trim_matches(['[', ']']), port)).await?;
    let query = url.query().map(|q| format!("?{q}")).unwrap_or_default();
    let mut message = format!(
        "{} {}{query} HTTP/1.1\r\nHost: {host}:{port}\r\n",
        request.method,
        url.path()
    );
    for (name, value) in &request.headers {
        message.push_str(&format!("{name}: {value}\r\n"));
    }
    if !request.body.is_empty() {
        message.push_str(&format!("Content-Length: {}\r\n", request.body.len()));
    }
    message.push_str("Connection: close\r\n\r\n");
    message.push_str(&request.body);
    stream.write_all(message.as_bytes()).await?;
    Ok(stream)
}
