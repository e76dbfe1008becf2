//! Floor 2: the one HTTP client, address checks, times named by services. A request ends as an [`Answer`] or as a [`Failure`]
//! that says whether it may have left the machine: everything the lane promises hangs on that difference.

pub mod certificate;
pub mod date;
pub mod guard;
pub mod look;
pub mod retry;
pub mod trust;

use std::sync::{Arc, Once};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use reqwest::header::HeaderMap;
use reqwest::{Client, ClientBuilder, RequestBuilder, redirect};

use crate::clock::Ms;
use crate::said;
use crate::text::said::{Said, usual};

/// What we call ourselves.
pub const USER_AGENT: &str = concat!("Rundruf/", env!("CARGO_PKG_VERSION"));
/// Largest answer read: no service says more about one message, and a broken one must not fill the memory.
pub const LARGEST_ANSWER: usize = 1 << 20;
/// Longest time for a connection, and at most so much of the request's own timeout: were they equal, the latter, which begins first, would end
/// both, and a request that never left would look like one whose answer was lost.
const CONNECT: Duration = Duration::from_secs(10);
const CONNECT_SHARE: f64 = 0.75;

/// How a client is used.
#[derive(Debug, Clone, Copy)]
pub struct Use {
    /// Of one whole request, answer included.
    pub timeout: Duration,
    /// Requests at the same time; as many connections stay open.
    pub concurrency: u32,
    /// Keep connections open. Not for channels without a handle: a counterpart that closes an idle connection at the moment
    /// of the next request would leave an outcome nobody knows.
    pub reuse: bool,
    /// Addresses may be private: of the configuration itself, or allowed by `allow_private`.
    pub private: bool,
}

/// An answer, whatever its status.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Status.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// Body, at most [`LARGEST_ANSWER`] where nothing else was asked for.
    pub body: Bytes,
    /// False where the body broke off or was too long: the status is known, the rest is not.
    pub complete: bool,
    /// From the start of the request to its answer: "in 30 seconds" counts from there.
    pub took: Duration,
}

impl Answer {
    /// A header as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body as JSON, where it is whole and is JSON.
    pub fn json(&self) -> Option<serde_json::Value> {
        self.complete.then(|| serde_json::from_slice(&self.body).ok())?
    }

    /// The beginning of the body as text for people: no control characters, tags left out, at most 160 characters.
    pub fn excerpt(&self) -> String {
        let text = String::from_utf8_lossy(&self.body[..self.body.len().min(4_096)]).into_owned();
        let mut out = String::new();
        let mut in_tag = false;
        for c in text.chars() {
            match c {
                '<' => in_tag = true,
                '>' if in_tag => {
                    in_tag = false;
                    out.push(' ');
                }
                _ if in_tag => {}
                c if c.is_control() || c.is_whitespace() => out.push(' '),
                c => out.push(c),
            }
        }
        let words: Vec<&str> = out.split_whitespace().collect();
        words.join(" ").chars().take(160).collect()
    }
}

/// Why there is no answer. Texts hold no address: it may carry a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// No connection: certainly nothing left the machine.
    NotConnected(Said),
    /// The request may have left; no answer came.
    NoAnswer(Said),
    /// Something came that is no HTTP answer; the request has left.
    BadAnswer(Said),
    /// The address is private and was given by somebody else. Nothing left the machine.
    Forbidden(Said),
}

impl Failure {
    /// For people.
    pub fn said(&self) -> Said {
        match self {
            Self::NotConnected(Said { de, en }) => said!("keine Verbindung: {de}", "no connection: {en}"),
            Self::NoAnswer(Said { de, en }) => said!("keine Antwort: {de}", "no answer: {en}"),
            Self::BadAnswer(Said { de, en }) => said!("das ist keine HTTP-Antwort: {de}", "not an HTTP answer: {en}"),
            Self::Forbidden(why) => why.clone(),
        }
    }
}

/// A client for one channel.
#[derive(Debug, Clone)]
pub struct Http {
    client: Client,
    usage: Use,
}

/// Installs ring as the one provider of cryptography; whoever comes second finds it there.
pub fn install_tls() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // An error means somebody installed it already, which is what we want.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}

/// What every client has in common.
fn builder(usage: Use) -> ClientBuilder {
    let idle = if usage.reuse { usage.concurrency as usize } else { 0 };
    let builder = Client::builder()
        .user_agent(USER_AGENT)
        .tls_backend_preconfigured(trust::config())
        .redirect(redirect::Policy::none())
        .referer(false)
        .no_proxy()
        .http1_only()
        .tcp_nodelay(true)
        .connect_timeout(CONNECT.min(usage.timeout.mul_f64(CONNECT_SHARE)))
        .pool_max_idle_per_host(idle)
        .pool_idle_timeout(Duration::from_secs(30));
    if usage.private {
        builder
    } else {
        builder.dns_resolver(Arc::new(guard::PublicOnly))
    }
}

impl Http {
    /// A client. Fails only where TLS is not to be had at all; whom it trusts it reads when the first server shows a certificate.
    pub fn new(usage: Use) -> Result<Self, Said> {
        let client = builder(usage).build().map_err(|error| in_words(&error))?;
        Ok(Self { client, usage })
    }

    /// The client, for building requests.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Host and clock of whoever answers at this address, by the `Date` of its answer (RFC 9110, 6.6.1).
    pub async fn date(&self, url: &reqwest::Url) -> Option<(String, Ms)> {
        let answer = self.send(self.client.head(url.clone())).await.ok()?;
        let date = date::of_answer(answer.header("date")?)?;
        Some((url.host_str()?.to_owned(), date))
    }

    /// Sends a request and reads the answer, within the timeout as a whole.
    pub async fn send(&self, request: RequestBuilder) -> Result<Answer, Failure> {
        self.send_up_to(request, LARGEST_ANSWER).await
    }

    /// As [`Http::send`], for answers that are files: at most `largest` bytes are read.
    pub async fn send_up_to(&self, request: RequestBuilder, largest: usize) -> Result<Answer, Failure> {
        let request = request
            .build()
            .map_err(|error| Failure::NotConnected(in_words(&error)))?;
        if !self.usage.private {
            guard::check_literal(request.url()).map_err(Failure::Forbidden)?;
        }
        let began = tokio::time::Instant::now();
        let deadline = began + self.usage.timeout;
        let response = match tokio::time::timeout_at(deadline, self.client.execute(request)).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Err(sort(&error)),
            Err(_) => {
                let within = self.usage.timeout;
                return Err(Failure::NoAnswer(said!(
                    "binnen {within:?} kam nichts",
                    "nothing came within {within:?}"
                )));
            }
        };
        let took = began.elapsed();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let mut stream = response.bytes_stream();
        let mut body = BytesMut::new();
        let complete = loop {
            match tokio::time::timeout_at(deadline, stream.next()).await {
                Ok(Some(Ok(chunk))) if body.len() + chunk.len() <= largest => body.extend_from_slice(&chunk),
                Ok(None) => break true,
                _ => break false,
            }
        };
        Ok(Answer {
            status,
            headers,
            body: body.freeze(),
            complete,
            took,
        })
    }
}

fn sort(error: &reqwest::Error) -> Failure {
    if causes(error).any(|cause| cause.to_string().contains(guard::REFUSAL)) {
        return Failure::Forbidden(guard::refusal());
    }
    let words = in_words(error);
    if error.is_connect() || error.is_builder() {
        return Failure::NotConnected(words);
    }
    if words.en.contains("invalid HTTP") || words.en.contains("parse") {
        return Failure::BadAnswer(words);
    }
    Failure::NoAnswer(words)
}

/// What lies behind an error, from the outside in; not the error itself, whose text would name the address.
fn causes(error: &dyn std::error::Error) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
    std::iter::successors(error.source(), |cause| cause.source())
}

/// The innermost causes of an error, in plain words where it is a usual one, without the address.
pub fn in_words(error: &dyn std::error::Error) -> Said {
    for cause in causes(error) {
        let text = cause.to_string();
        // hyper-util's word for a failed look-up of a name.
        if text == "dns error" {
            return said!(
                "der Name lässt sich nicht auflösen (DNS)",
                "the name cannot be resolved (DNS)"
            );
        }
        if text.contains(trust::NONE) {
            return said!(
                "dieser Maschine fehlen die Zertifikate des Systems; bitte installieren Sie ca-certificates und starten Sie rundruf neu",
                "this machine has no certificates of the system; install ca-certificates and start rundruf again"
            );
        }
        // reqwest's word where the connection was not there in time, TLS included.
        if text == "operation timed out" {
            return usual(std::io::ErrorKind::TimedOut).unwrap_or_else(|| Said::quoted(text));
        }
        // rustls' words; what is wrong with the certificate follows.
        if text.starts_with("invalid peer certificate") {
            return said!(
                "das Zertifikat gilt nicht ({text})",
                "the certificate is not valid ({text})"
            );
        }
        if let Some(words) = cause.downcast_ref::<std::io::Error>().and_then(|e| usual(e.kind())) {
            return words;
        }
    }
    let mut innermost: Vec<String> = causes(error).map(ToString::to_string).collect();
    innermost.reverse();
    innermost.truncate(2);
    if innermost.is_empty() {
        return said!("die Anfrage kam nicht zustande", "the request could not be made");
    }
    innermost.dedup();
    Said::quoted(innermost.join(" – ").chars().take(200).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    const USE: Use = Use {
        timeout: Duration::from_secs(5),
        concurrency: 2,
        reuse: true,
        private: true,
    };

    /// A server that reads a request and answers these bytes, then closes.
    async fn server(answer: Vec<u8>) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/secret-path", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut buffer = [0; 4_096];
            let _ = socket.read(&mut buffer).await;
            let _ = socket.write_all(&answer).await;
        });
        url
    }

    async fn get(url: &str) -> Result<Answer, Failure> {
        let http = Http::new(USE).unwrap();
        http.send(http.client().get(url)).await
    }

    #[tokio::test]
    async fn whether_it_may_have_left() {
        let refused = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .unwrap()
            .local_addr()
            .unwrap();
        assert!(matches!(
            get(&format!("http://{refused}/")).await,
            Err(Failure::NotConnected(_))
        ));
        let lost = get(&server(Vec::new()).await).await.unwrap_err();
        assert!(
            matches!(&lost, Failure::NoAnswer(why) if !why.en.contains("secret-path")),
            "{lost:?}"
        );
        let noise = get(&server(b"SSH-2.0-OpenSSH\r\n\r\n".to_vec()).await)
            .await
            .unwrap_err();
        assert!(!matches!(noise, Failure::NotConnected(_)), "{noise:?}");
    }

    #[tokio::test]
    async fn answers_are_bounded_and_say_when_they_broke_off() {
        let cut = get(&server(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"id\"".to_vec()).await)
            .await
            .unwrap();
        assert!(!cut.complete && cut.json().is_none());
        let mut long = b"HTTP/1.1 200 OK\r\ncontent-length: 10000000\r\n\r\n".to_vec();
        long.resize(10_000_000, b'x');
        let long = get(&server(long).await).await.unwrap();
        assert!(!long.complete && long.body.len() <= LARGEST_ANSWER);
    }

    #[tokio::test]
    async fn addresses_of_others_are_public() {
        let url = server(b"HTTP/1.1 200 OK\r\n\r\n".to_vec()).await;
        let http = Http::new(Use { private: false, ..USE }).unwrap();
        for url in [
            url.clone(),
            url.replace("127.0.0.1", "localhost"),
            "http://[::ffff:127.0.0.1]/".to_owned(),
        ] {
            let failure = http.send(http.client().get(&url)).await.unwrap_err();
            assert!(matches!(failure, Failure::Forbidden(_)), "{url}: {failure:?}");
        }
    }
}
