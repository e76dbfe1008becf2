//! `/PUBLISHER/unsubscribe/TOKEN`, a language before it where it is not the publisher's first. Looking changes nothing: mail
//! scanners follow every link. `POST` acts, by the page's button or by a mail program's one click (RFC 8058), without cookies.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderValue, Method, Response, StatusCode, header};

use super::public::protect;
use super::site::SiteServer;
use crate::formats::{UnsubscribePage, unsubscribe_csp};
use crate::publication::consent::UnsubscribeDesk;
use crate::text::lang::Lang;

/// Answers for the desk.
pub struct Unsubscribe {
    desk: Arc<UnsubscribeDesk>,
    csp: HeaderValue,
}

/// The parts of an address of this kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Address<'a> {
    lang: Option<Lang>,
    publisher: &'a str,
    token: &'a str,
}

impl<'a> Address<'a> {
    /// Reads a path; `None` for any other one.
    pub(super) fn of(path: &'a str) -> Option<Self> {
        let (before, token) = path.strip_prefix('/')?.rsplit_once("/unsubscribe/")?;
        let (lang, publisher) = match before.split_once('/') {
            Some((lang, publisher)) => (Some(lang.parse().ok()?), publisher),
            None => (None, before),
        };
        let whole = !publisher.contains('/') && !token.is_empty() && !token.contains('/');
        whole.then_some(Self { lang, publisher, token })
    }
}

impl Unsubscribe {
    /// For this desk.
    pub fn new(desk: UnsubscribeDesk) -> Result<Self, header::InvalidHeaderValue> {
        Ok(Self {
            desk: Arc::new(desk),
            csp: HeaderValue::from_str(&unsubscribe_csp())?,
        })
    }

    /// The answer; `None` where there is no such publisher.
    pub(super) async fn answer(&self, method: &Method, at: Address<'_>, site: &SiteServer) -> Option<Response<Body>> {
        let leave = match *method {
            Method::POST => true,
            Method::GET | Method::HEAD => false,
            _ => return Some(site.refuse_method("GET, HEAD, POST")),
        };
        let (what, page) = match self.desk.page(at.publisher, at.lang, at.token, leave).await {
            Ok(page) => page?,
            Err(error) => {
                tracing::error!(%error, "an unsubscribe page could not be answered");
                let text = "Das geht gerade nicht. Bitte versuchen Sie es in einigen Minuten noch einmal.\nPlease try again in a few minutes.\n";
                return Some(site.plain(StatusCode::SERVICE_UNAVAILABLE, text));
            }
        };
        let body = if *method == Method::HEAD {
            Body::empty()
        } else {
            Body::from(page.bytes)
        };
        let mut answer = Response::new(body);
        if what == UnsubscribePage::Unknown {
            *answer.status_mut() = StatusCode::NOT_FOUND;
        }
        let headers = answer.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(page.media_type));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert("x-robots-tag", HeaderValue::from_static("noindex"));
        protect(headers, &self.csp);
        Some(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let of = |path| Address::of(path).map(|a| (a.lang, a.publisher, a.token));
        assert_eq!(of("/potsdam/unsubscribe/abc"), Some((None, "potsdam", "abc")));
        assert_eq!(
            of("/en/potsdam/unsubscribe/abc"),
            Some((Some(Lang::En), "potsdam", "abc"))
        );
        for other in [
            "/potsdam/unsubscribe/",
            "/potsdam/unsubscribe",
            "/unsubscribe/abc",
            "/xx/potsdam/unsubscribe/abc",
            "/a/b/c/unsubscribe/abc",
            "/potsdam/unsubscribe/abc/def",
            "/potsdam/2023-01-it/",
        ] {
            assert_eq!(of(other), None, "{other}");
        }
    }
}
