//! Requests and answers as the fake services see them.

use std::collections::BTreeMap;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Method, Request, Response, StatusCode};
use serde_json::Value;

use crate::clock::Ms;

/// Longest request body.
const BODY_BYTES: usize = 1024 * 1024;

/// One request, read whole.
#[derive(Debug, Clone)]
pub struct Call {
    /// Method.
    pub method: Method,
    /// Path without query.
    pub path: String,
    /// Query as sent.
    pub query: String,
    /// Headers.
    pub headers: HeaderMap,
    /// Body.
    pub body: Bytes,
    /// When it came.
    pub at_ms: Ms,
}

/// One answer.
#[derive(Debug, Clone)]
pub struct Reply {
    /// Status.
    pub status: u16,
    /// Headers.
    pub headers: Vec<(&'static str, String)>,
    /// Body.
    pub body: String,
}

impl Call {
    pub(super) async fn read<B>(request: Request<B>, at_ms: Ms) -> Option<Self>
    where
        B: hyper::body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<axum::BoxError>,
    {
        let (head, body) = request.into_parts();
        let body = axum::body::to_bytes(Body::new(body), BODY_BYTES).await.ok()?;
        Some(Self {
            method: head.method,
            path: head.uri.path().to_owned(),
            query: head.uri.query().unwrap_or_default().to_owned(),
            headers: head.headers,
            body,
            at_ms,
        })
    }

    /// A header, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Fields of a JSON or form body by name; of a repeated one the last.
    pub fn fields(&self) -> Option<BTreeMap<String, String>> {
        let media_type = self.header("content-type").unwrap_or_default();
        if media_type.starts_with("application/json") {
            let Value::Object(fields) = serde_json::from_slice(&self.body).ok()? else {
                return None;
            };
            return Some(
                fields
                    .into_iter()
                    .filter_map(|(name, value)| match value {
                        Value::String(text) => Some((name, text)),
                        Value::Null => None,
                        other => Some((name, other.to_string())),
                    })
                    .collect(),
            );
        }
        Some(pairs(&self.body).into_iter().map(|(n, v)| (n, text(v))).collect())
    }
}

impl Reply {
    /// JSON.
    pub fn json(status: u16, body: &Value) -> Self {
        Self {
            status,
            headers: vec![("content-type", "application/json; charset=utf-8".into())],
            body: body.to_string(),
        }
    }

    /// `{"error": "…"}`.
    pub fn error(status: u16, error: &str) -> Self {
        Self::json(status, &serde_json::json!({ "error": error }))
    }

    /// Plain text.
    pub fn plain(status: u16, body: &str) -> Self {
        Self {
            status,
            headers: vec![("content-type", "text/plain".into())],
            body: body.to_owned(),
        }
    }

    /// HTML.
    pub fn html(status: u16, body: String) -> Self {
        Self {
            status,
            headers: vec![("content-type", "text/html; charset=utf-8".into())],
            body,
        }
    }

    /// With one more header.
    pub fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.headers.push((name, value.to_string()));
        self
    }

    /// As an HTTP response with this body in place of its own, which still counts for the length.
    pub(super) fn into_response(self, body: Option<Body>) -> Response<Body> {
        let length = self.body.len();
        let mut response = Response::new(body.unwrap_or_else(|| Body::from(self.body)));
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        for (name, value) in self.headers {
            if let Ok(value) = value.parse() {
                response.headers_mut().append(name, value);
            }
        }
        response.headers_mut().insert("content-length", length.into());
        response
    }
}

/// Names and raw values of a query or form, in order.
pub(super) fn pairs(form: &[u8]) -> Vec<(String, Vec<u8>)> {
    form.split(|b| *b == b'&')
        .filter(|part| !part.is_empty())
        .map(|part| {
            let at = part.iter().position(|b| *b == b'=').unwrap_or(part.len());
            let value = part.get(at + 1..).unwrap_or_default();
            (text(unescape(&part[..at])), unescape(value))
        })
        .collect()
}

/// Bytes as text; what is no UTF-8 shows as the replacement character.
pub(super) fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned())
}

fn unescape(escaped: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(escaped.len());
    let mut at = 0;
    while let Some(&byte) = escaped.get(at) {
        let hex = |i: usize| {
            let digit = char::from(*escaped.get(i)?).to_digit(16)?;
            u8::try_from(digit).ok()
        };
        match (byte, hex(at + 1), hex(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push(high * 16 + low);
                at += 2;
            }
            (b'+', ..) => out.push(b' '),
            _ => out.push(byte),
        }
        at += 1;
    }
    out
}

/// Percent-encodes everything but letters, digits and `-._~`.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
