//! The site in memory, ready for readers while a new one is made.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError, RwLock, mpsc};

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Uri, header};
#[cfg(target_os = "linux")]
use thread_priority::{NormalThreadSchedulePolicy, ThreadSchedulePolicy};
use tokio::sync::watch;

use super::prepared::{Page, Prepared, Slot};
use crate::formats::Site;

/// Serves the newest site. Clones share it.
#[derive(Debug, Clone)]
pub struct SiteServer {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    csp: HeaderValue,
    prepared: RwLock<Arc<Prepared>>,
    /// How many sites were put in place; 0: none yet.
    replaced: watch::Sender<u64>,
    /// How many of them have been compressed as small as can be.
    compressed: watch::Sender<u64>,
    /// Sites for the compressor; its thread ends with this.
    large: Mutex<mpsc::Sender<Arc<Prepared>>>,
    /// Held while a site is made ready, so that an older one never replaces a newer one.
    order: Mutex<u64>,
}

/// Why no site can be served.
#[derive(Debug, thiserror::Error)]
pub enum SiteServerError {
    /// The content security policy is no header value.
    #[error("the content security policy contains a character that no header may contain")]
    BadPolicy,
    /// The system gives no thread for compressing.
    #[error("no thread for compressing: {0}")]
    Thread(#[from] std::io::Error),
}

impl SiteServer {
    /// An empty site (every address is 404) under this content security policy.
    pub fn new(csp: &str) -> Result<Self, SiteServerError> {
        let csp = HeaderValue::from_str(csp).map_err(|_| SiteServerError::BadPolicy)?;
        let (large, sites) = mpsc::channel();
        let compressed = watch::Sender::new(0);
        let done = compressed.clone();
        std::thread::Builder::new()
            .name("compressor".to_owned())
            .spawn(move || compress(&sites, &done))?;
        Ok(Self {
            inner: Arc::new(Inner {
                csp,
                prepared: RwLock::default(),
                replaced: watch::Sender::new(0),
                compressed,
                large: Mutex::new(large),
                order: Mutex::new(0),
            }),
        })
    }

    /// Puts a new site in place, with quickly compressed pages that become smaller when the machine has nothing better to do.
    /// Returns when the new content can be read. Files that did not change keep their compressed forms.
    pub async fn replace(&self, site: Site) {
        let number = {
            let mut newest = self.order();
            *newest += 1;
            *newest
        };
        let this = self.clone();
        // A panic in there would be a bug of the compressor; the old site then stays.
        let _ = tokio::task::spawn_blocking(move || this.put(&site, number)).await;
    }

    fn put(&self, site: &Site, number: u64) {
        if *self.order() != number {
            return;
        }
        let old = self.prepared();
        let prepared = Arc::new(Prepared::new(site, &old, &self.inner.csp));
        let newest = self.order();
        if *newest != number {
            return;
        }
        *self.inner.prepared.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&prepared);
        // Without its thread the pages stay as they are.
        let _ = self
            .inner
            .large
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .send(prepared);
        self.inner.replaced.send_modify(|n| *n += 1);
    }

    fn order(&self) -> std::sync::MutexGuard<'_, u64> {
        // Nothing under this lock can leave it half done.
        self.inner.order.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn prepared(&self) -> Arc<Prepared> {
        self.inner
            .prepared
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// True once a site is in place.
    pub fn is_built(&self) -> bool {
        *self.inner.replaced.borrow() > 0
    }

    /// Changes with every site put in place.
    pub fn replaced(&self) -> watch::Receiver<u64> {
        self.inner.replaced.subscribe()
    }

    /// Changes when a site put in place is as small as can be; one that was replaced before is not counted.
    pub fn compressed(&self) -> watch::Receiver<u64> {
        self.inner.compressed.subscribe()
    }

    /// Answers a request for a page.
    pub fn answer(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> Response<Body> {
        let head = method == Method::HEAD;
        let prepared = self.prepared();
        let path = decoded(uri.path());
        let found = prepared.at(&path);
        if !head && method != Method::GET {
            return match found {
                Some(Slot::Page(page)) if page.cors && method == Method::OPTIONS => self.preflight(),
                _ => self.refuse_method("GET, HEAD"),
            };
        }
        match found {
            Some(Slot::Page(page)) => page_answer(page, headers, head),
            Some(Slot::Moved(to)) => self.moved(to, uri.query()),
            None => self.not_found(&prepared, headers, head),
        }
    }

    /// `405` with the methods that are possible.
    pub(super) fn refuse_method(&self, allowed: &'static str) -> Response<Body> {
        let mut answer = self.plain(StatusCode::METHOD_NOT_ALLOWED, "method not allowed\n");
        answer
            .headers_mut()
            .insert(header::ALLOW, HeaderValue::from_static(allowed));
        answer
    }

    /// A browser asks whether a page of another site may ask with headers of its own (`If-None-Match`): Fetch standard, CORS-preflight.
    fn preflight(&self) -> Response<Body> {
        let mut answer = self.plain(StatusCode::NO_CONTENT, Body::empty());
        let headers = answer.headers_mut();
        headers.remove(header::CONTENT_TYPE);
        for (name, value) in [
            (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
            (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD"),
            (
                header::ACCESS_CONTROL_ALLOW_HEADERS,
                "If-None-Match, If-Modified-Since, Cache-Control",
            ),
            (header::ACCESS_CONTROL_MAX_AGE, "86400"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        answer
    }

    /// A short plain answer with the protecting headers.
    pub(super) fn plain(&self, status: StatusCode, text: impl Into<Body>) -> Response<Body> {
        let mut answer = Response::new(text.into());
        *answer.status_mut() = status;
        let headers = answer.headers_mut();
        let plain = HeaderValue::from_static("text/plain; charset=utf-8");
        headers.insert(header::CONTENT_TYPE, plain);
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        super::public::protect(headers, &self.inner.csp);
        answer
    }

    fn moved(&self, to: &str, query: Option<&str>) -> Response<Body> {
        let to = query.map_or(Cow::Borrowed(to), |query| Cow::Owned(format!("{to}?{query}")));
        let mut answer = self.plain(StatusCode::PERMANENT_REDIRECT, Body::empty());
        // The query was part of a header line already, so it is one.
        if let Ok(to) = HeaderValue::from_str(&to) {
            answer.headers_mut().insert(header::LOCATION, to);
        }
        answer
    }

    fn not_found(&self, prepared: &Prepared, headers: &HeaderMap, head: bool) -> Response<Body> {
        let Some(page) = &prepared.not_found else {
            return self.plain(StatusCode::NOT_FOUND, "not found\n");
        };
        let chosen = page.choose(headers);
        let body = if head {
            Body::empty()
        } else {
            Body::from(chosen.bytes.clone())
        };
        let mut answer = Response::new(body);
        *answer.status_mut() = StatusCode::NOT_FOUND;
        *answer.headers_mut() = chosen.headers.clone();
        // The address may be a real one a moment later.
        answer.headers_mut().remove(header::ETAG);
        let soon = HeaderValue::from_static("no-store");
        answer.headers_mut().insert(header::CACHE_CONTROL, soon);
        answer
    }
}

/// Compresses the newest site, page by page, the shortest addresses first: these are read most. A site that comes meanwhile takes
/// its turn at once, with what is compressed already. Its thread takes what nobody else wants: messages go first, also those of a command
/// that begins just now, to which a processor with such a thread counts as free.
fn compress(sites: &mpsc::Receiver<Arc<Prepared>>, done: &watch::Sender<u64>) {
    // Where the system does not know or allow it, it goes without.
    #[cfg(target_os = "linux")]
    let _ = thread_priority::set_thread_priority_and_policy(
        thread_priority::thread_native_id(),
        thread_priority::ThreadPriority::Min,
        ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle),
    );
    let mut next = None;
    while let Some(site) = next.take().or_else(|| sites.recv().ok()) {
        for page in site.pages() {
            next = sites.try_iter().last();
            if next.is_some() {
                break;
            }
            page.shrink();
        }
        if next.is_none() {
            done.send_modify(|n| *n += 1);
        }
    }
}

fn page_answer(page: &Page, headers: &HeaderMap, head: bool) -> Response<Body> {
    let chosen = page.choose(headers);
    if is_known(headers, &chosen.etag) {
        let mut answer = Response::new(Body::empty());
        *answer.status_mut() = StatusCode::NOT_MODIFIED;
        *answer.headers_mut() = chosen.headers.clone();
        for described in [header::CONTENT_LENGTH, header::CONTENT_TYPE, header::CONTENT_ENCODING] {
            answer.headers_mut().remove(described);
        }
        return answer;
    }
    let mut answer = Response::new(if head {
        Body::empty()
    } else {
        Body::from(chosen.bytes.clone())
    });
    *answer.headers_mut() = chosen.headers.clone();
    answer
}

/// The client names this entity tag, or any. Compared weakly, as RFC 9110 section 13.1.2 asks: proxies weaken tags.
fn is_known(headers: &HeaderMap, etag: &HeaderValue) -> bool {
    headers.get_all(header::IF_NONE_MATCH).iter().any(|value| {
        value.as_bytes().split(|b| *b == b',').any(|tag| {
            let tag = tag.trim_ascii();
            tag == b"*" || tag.strip_prefix(b"W/").unwrap_or(tag) == etag.as_bytes()
        })
    })
}

/// The path without percent signs; borrowed in the usual case.
fn decoded(path: &str) -> Cow<'_, str> {
    if !path.contains('%') {
        return Cow::Borrowed(path);
    }
    let mut out = Vec::with_capacity(path.len());
    let mut rest = path.bytes();
    while let Some(byte) = rest.next() {
        let mut ahead = rest.clone();
        let hex = |b: Option<u8>| b.and_then(|b| char::from(b).to_digit(16));
        match (byte, hex(ahead.next()), hex(ahead.next())) {
            // Two hex digits are below 256.
            (b'%', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                rest = ahead;
            }
            _ => out.push(byte),
        }
    }
    // What is not UTF-8 is no address of ours; the replacement character makes it one that is not there.
    Cow::Owned(String::from_utf8_lossy(&out).into_owned())
}
