//! The public listener: pages first, and the few fixed paths that are no pages.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use hyper::body::Incoming;

use super::health::Readiness;
use super::receipts::Receipts;
use super::site::SiteServer;
use super::unsubscribe::{Address, Unsubscribe};

/// Answers every public request.
pub(super) struct Public {
    site: SiteServer,
    receipts: Receipts,
    unsubscribe: Option<Unsubscribe>,
    readiness: Arc<Readiness>,
}

/// The answer to come.
pub(super) type Answer = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

impl Public {
    pub(super) fn new(
        site: SiteServer,
        receipts: Receipts,
        unsubscribe: Option<Unsubscribe>,
        readiness: Arc<Readiness>,
    ) -> Arc<Self> {
        Arc::new(Self {
            site,
            receipts,
            unsubscribe,
            readiness,
        })
    }

    /// For [`super::listen::Listening::start`].
    pub(super) fn handler(self: Arc<Self>) -> impl Fn(Request<Incoming>) -> Answer + Clone + Send + Sync + 'static {
        move |request| {
            let this = self.clone();
            Box::pin(async move { Ok(this.answer(request.map(Body::new)).await) })
        }
    }

    async fn answer(&self, request: Request<Body>) -> Response<Body> {
        let path = request.uri().path();
        if let Some(channel) = path.strip_prefix("/receipts/") {
            let channel = channel.to_owned();
            let status = match *request.method() {
                Method::GET | Method::POST => self.receipts.take(&channel, request).await,
                _ => return self.site.refuse_method("GET, POST"),
            };
            // Some gateways log the body, none reads it.
            return self.site.plain(status, status.canonical_reason().unwrap_or_default());
        }
        if let (Some(unsubscribe), Some(address)) = (&self.unsubscribe, Address::of(path))
            && let Some(answer) = unsubscribe.answer(request.method(), address, &self.site).await
        {
            return answer;
        }
        match path {
            "/healthz" => self.fixed(&request, StatusCode::OK, "ok\n".into()),
            "/readyz" => {
                let (status, text) = self.readiness.look().await;
                self.fixed(&request, status, text.into())
            }
            _ => self.site.answer(request.method(), request.uri(), request.headers()),
        }
    }

    fn fixed(&self, request: &Request<Body>, status: StatusCode, text: bytes::Bytes) -> Response<Body> {
        match *request.method() {
            Method::GET | Method::HEAD => self.site.plain(status, text),
            _ => self.site.refuse_method("GET, HEAD"),
        }
    }
}

/// The headers that protect readers, on every answer: no type guessing, no address handed on, nothing loaded from elsewhere.
pub(super) fn protect(headers: &mut HeaderMap, csp: &HeaderValue) {
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::CONTENT_SECURITY_POLICY, csp.clone());
}
