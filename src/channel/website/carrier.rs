//! opendal's requests over the one client of [`net`](crate::net): its timeouts, its bounds, its words for what went wrong.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::stream;
use http::header::AUTHORIZATION;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use opendal::{Buffer, Error, ErrorKind, HttpBody, HttpTransport, Result};
use reqwest::Url;

use crate::channel::http as sorting;
use crate::clock::Ms;
use crate::domain::outcome::{Outcome, Reason, Report};
use crate::formats::manifest::LARGEST_MANIFEST;
use crate::net::{Answer, Http};
use crate::said;
use crate::secret::{ExposeSecret, SecretString};

/// Carries requests for one upload.
pub(super) struct Carrier {
    http: Http,
    /// The target, for people.
    who: String,
    now: Ms,
}

/// How files of a WebDAV target take their places.
pub(super) struct Moves {
    /// The target; `None` where it is no address, which opendal has said already.
    pub(super) base: Option<Url>,
    pub(super) username: String,
    pub(super) password: SecretString,
}

impl Moves {
    fn url(&self, path: &str) -> Option<Url> {
        let mut url = self.base.clone()?;
        url.path_segments_mut().ok()?.pop_if_empty().extend(path.split('/'));
        Some(url)
    }
}

/// Travels through opendal as the source of its error.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.text)]
struct Refused(Report);

/// What an error of opendal means.
pub(super) fn report(who: &str, error: &Error) -> Report {
    let source = std::error::Error::source(error);
    if let Some(Refused(report)) = source.and_then(|source| source.downcast_ref()) {
        return report.clone();
    }
    let text = match error.kind() {
        ErrorKind::NotFound | ErrorKind::ConfigInvalid => said!(
            "{who}: diesen Ordner oder Bucket gibt es dort nicht",
            "{who}: there is no such folder or bucket"
        ),
        // Its own text may hold whole answers.
        _ => said!(
            "{who}: die Antwort ist nicht so, wie dieser Dienst antwortet",
            "{who}: the answer is not as this service answers"
        ),
    };
    sorting::report(Outcome::Transient, Reason::BadAnswer, text)
}

impl Carrier {
    pub(super) fn new(http: Http, who: String, now: Ms) -> Self {
        Self { http, who, now }
    }

    /// Moves a file over another one. opendal would first ask for it and for the folders on the way, with every file.
    pub(super) async fn switch(&self, moves: &Moves, from: &str, to: &str) -> Result<()> {
        let (Some(from), Some(to)) = (moves.url(from), moves.url(to)) else {
            return Err(Error::new(ErrorKind::ConfigInvalid, "no address"));
        };
        let method = Method::from_bytes(b"MOVE").map_err(|_| Error::new(ErrorKind::Unexpected, "no method"))?;
        let request = self
            .http
            .client()
            .request(method.clone(), from)
            .basic_auth(&moves.username, Some(moves.password.expose_secret()))
            .header("destination", to.as_str())
            .header("overwrite", "T");
        let built = request.try_clone().and_then(|request| request.build().ok());
        let login = built.and_then(|request| request.headers().get(AUTHORIZATION).cloned());
        let sent = self.http.send_up_to(request, LARGEST_MANIFEST).await;
        let answer = sent.map_err(|failure| refused(sorting::failed(&self.who, &failure)))?;
        match answer.status {
            // RFC 4918, 9.9.4: made there, or put over what was there.
            201 | 204 => Ok(()),
            _ => {
                let report = self.refusal(&method, &answer, login.as_ref());
                Err(refused(
                    report.unwrap_or_else(|| sorting::not_understood(&self.who, &answer)),
                ))
            }
        }
    }

    /// Answers that opendal reads itself are passed on; `None` for those. The others end the request here.
    fn refusal(&self, method: &Method, answer: &Answer, login: Option<&HeaderValue>) -> Option<Report> {
        let who = &self.who;
        let status = StatusCode::from_u16(answer.status).ok();
        match status {
            Some(status) if status.is_success() => None,
            // Whether it is there is the question; and the folder to be made may be there.
            Some(StatusCode::NOT_FOUND) => None,
            Some(StatusCode::METHOD_NOT_ALLOWED) if method.as_str() == "MKCOL" => None,
            Some(StatusCode::FORBIDDEN) => {
                let words = sorting::said_by(&plain(answer, login));
                let text = said!(
                    "{who} erlaubt es nicht (403){words}: Darf diese Anmeldung dort schreiben?",
                    "{who} does not allow it (403){words}: may this login write there?"
                );
                Some(sorting::report(Outcome::Auth, Reason::Credentials, text))
            }
            Some(StatusCode::INSUFFICIENT_STORAGE) => {
                let text = said!("{who} hat keinen Platz mehr (507)", "{who} has no space left (507)");
                Some(sorting::report(Outcome::Transient, Reason::ServiceTrouble, text))
            }
            _ => Some(sorting::sort(who, &plain(answer, login), self.now)),
        }
    }
}

/// What a counterpart may echo of a login: all that follows the scheme, and the password in it (RFC 7617).
fn secrets(login: &HeaderValue) -> Option<(String, String)> {
    let (_, coded) = login.to_str().ok()?.split_once(' ')?;
    let plain = STANDARD
        .decode(coded)
        .ok()
        .and_then(|plain| String::from_utf8(plain).ok());
    let password = plain.as_deref().and_then(|plain| plain.split_once(':'));
    let password = password.map_or_else(String::new, |(_, password)| password.to_owned());
    Some((coded.to_owned(), password))
}

/// Without our login. Of an S3 error only code and message: the rest repeats the request, the name of the key among it.
fn plain(answer: &Answer, login: Option<&HeaderValue>) -> Answer {
    let (coded, password) = login.and_then(secrets).unwrap_or_default();
    let answer = sorting::without(answer.clone(), &[&coded, &password]);
    let text = String::from_utf8_lossy(&answer.body);
    let between = |tag: &str| {
        let (_, after) = text.split_once(&format!("<{tag}>"))?;
        Some(after.split_once(&format!("</{tag}>"))?.0)
    };
    let (Some(code), Some(message)) = (between("Code"), between("Message")) else {
        return answer;
    };
    Answer {
        body: Bytes::from(format!("{code}: {message}")),
        ..answer
    }
}

fn refused(report: Report) -> Error {
    Error::new(ErrorKind::Unexpected, "refused").set_source(Refused(report))
}

impl HttpTransport for Carrier {
    async fn fetch(&self, request: Request<Buffer>) -> Result<Response<HttpBody>> {
        let (parts, body) = request.into_parts();
        let url = parts.uri.to_string();
        let request = self
            .http
            .client()
            .request(parts.method.clone(), url)
            .headers(parts.headers.clone());
        let sent = self
            .http
            .send_up_to(request.body(body.to_bytes()), LARGEST_MANIFEST)
            .await;
        let answer = sent.map_err(|failure| refused(sorting::failed(&self.who, &failure)))?;
        if let Some(report) = self.refusal(&parts.method, &answer, parts.headers.get(AUTHORIZATION)) {
            return Err(refused(report));
        }
        if !answer.complete {
            return Err(refused(sorting::not_understood(&self.who, &answer)));
        }
        let mut response = Response::new(());
        *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or_default();
        *response.headers_mut() = answer.headers;
        let body = stream::iter([Ok(Buffer::from(answer.body))]);
        Ok(response.map(|()| HttpBody::new(body, None)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_echoed_login_is_in_no_words() {
        let login = HeaderValue::from_static("Basic dTpwYXNzLXdvcmQtMQ==");
        let answer = |body: &'static str| Answer {
            status: 403,
            headers: http::HeaderMap::default(),
            body: Bytes::from_static(body.as_bytes()),
            complete: true,
            took: std::time::Duration::ZERO,
        };
        for (body, words) in [
            ("Basic dTpwYXNzLXdvcmQtMQ== may not", "Basic … may not"),
            ("u may not write with pass-word-1", "u may not write with …"),
        ] {
            let plain = plain(&answer(body), Some(&login));
            assert_eq!(sorting::said_by(&plain), format!(": \"{words}\""));
        }
    }
}
