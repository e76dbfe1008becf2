//! The account at its instance, and what the instance allows.

use std::sync::Mutex;

use reqwest::{Method, RequestBuilder, Url};
use serde_json::Value;

use crate::channel::http;
use crate::clock::Ms;
use crate::domain::outcome::Report;
use crate::net::{Answer, Failure, Http};
use crate::secret::{ExposeSecret, SecretString};

/// Limits of an instance that has not been asked yet (docs: configuration.statuses).
pub(super) const DEFAULT_LIMITS: Limits = Limits {
    characters: 500,
    url: 23,
};
/// Limits are asked for again after a day.
pub(super) const LIMITS_FOR: Ms = 86_400_000;

/// What fits into one post.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) characters: usize,
    pub(super) url: usize,
}

/// The account; what a background question about limits shares with it.
pub(super) struct Account {
    pub(super) base: Url,
    pub(super) token: SecretString,
    pub(super) http: Http,
    pub(super) limits: Mutex<(Limits, Option<Ms>)>,
}

impl Account {
    pub(super) fn host(&self) -> &str {
        self.base.host_str().unwrap_or("?")
    }

    pub(super) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{path}", self.base.path().trim_end_matches('/')));
        self.http
            .client()
            .request(method, url)
            .bearer_auth(self.token.expose_secret())
    }

    /// The answer without our token.
    pub(super) async fn send(&self, request: RequestBuilder) -> Result<Answer, Failure> {
        let answer = self.http.send(request).await?;
        Ok(http::without(answer, &[self.token.expose_secret()]))
    }

    pub(super) async fn ask(&self, path: &str) -> Result<Value, Report> {
        let answer = self
            .send(self.request(Method::GET, path))
            .await
            .map_err(|failure| http::failed(self.host(), &failure))?;
        match (answer.status, answer.json()) {
            (200, Some(json)) => Ok(json),
            (200, None) => Err(http::not_understood(self.host(), &answer)),
            _ => Err(http::sort(self.host(), &answer, 0)),
        }
    }

    pub(super) fn limits(&self) -> (Limits, Option<Ms>) {
        *self.limits.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Asks the instance for its limits; what it does not say stays as it was.
    pub(super) async fn ask_limits(&self, now: Ms) -> Result<Limits, Report> {
        let json = self.ask("/api/v2/instance").await?;
        let number = |key: &str| {
            let found = json.pointer(&format!("/configuration/statuses/{key}"))?.as_u64()?;
            usize::try_from(found).ok().filter(|n| (1..=1_000_000).contains(n))
        };
        let limits = Limits {
            characters: number("max_characters").unwrap_or(DEFAULT_LIMITS.characters),
            url: number("characters_reserved_per_url").unwrap_or(DEFAULT_LIMITS.url),
        };
        *self.limits.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = (limits, Some(now));
        Ok(limits)
    }
}
