//! The smallest HTTP client there is, so that the fakes share none with the product.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use url::Url;

/// The status of a GET; plain HTTP, which is all a gateway beside its sender needs.
pub async fn get_status(url: &Url) -> std::io::Result<u16> {
    let other = |text: &str| std::io::Error::other(text.to_owned());
    let host = url.host_str().ok_or_else(|| other("no host"))?;
    if url.scheme() != "http" {
        return Err(other("the sandbox reports over http only"));
    }
    let port = url.port_or_known_default().unwrap_or(80);
    let mut stream = TcpStream::connect((host.trim_matches(['[', ']']), port)).await?;
    let query = url.query().map(|q| format!("?{q}")).unwrap_or_default();
    let head = format!(
        "GET {}{query} HTTP/1.1\r\nHost: {host}:{port}\r\nUser-Agent: Kannel/1.4.5\r\nConnection: close\r\n\r\n",
        url.path()
    );
    stream.write_all(head.as_bytes()).await?;
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await?;
    // `HTTP/1.1 200`
    std::str::from_utf8(&answer[9..])
        .ok()
        .and_then(|status| status.parse().ok())
        .ok_or_else(|| other("no status"))
}
