//! A receiver of Standard Webhooks (CHANNELS 15): verifies every signature and recognises repeats by their id.

use std::time::Duration;

use axum::http::Method;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use super::books::{Books, Entry};
use super::http::{Call, Reply};
use super::provider::Service;

/// What signs; the bytes 0 to 31.
pub const SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// How far a sender's clock may be off.
const TOLERANCE: Duration = Duration::from_secs(300);
/// Receivers ask for less than this.
const BODY_BYTES: usize = 20 * 1024;

/// The service. Every path is a receiver of its own.
#[derive(Debug, Default)]
pub struct Webhook;

impl Service for Webhook {
    fn answer(&self, call: &Call, books: &mut Books) -> Reply {
        match receive(call, books) {
            Ok(()) => Reply::json(200, &json!({ "ok": true })),
            Err((status, why)) => {
                books.refused += 1;
                Reply::error(status, why)
            }
        }
    }

    fn too_many(&self, _: &Call, seconds: u32) -> Reply {
        Reply::error(429, "slow down").with("retry-after", seconds)
    }

    fn unauthorized(&self) -> Reply {
        Reply::error(401, "signature does not match")
    }
}

fn receive(call: &Call, books: &mut Books) -> Result<(), (u16, &'static str)> {
    if call.method != Method::POST {
        return Err((405, "POST only"));
    }
    if !call
        .header("content-type")
        .is_some_and(|t| t.starts_with("application/json"))
    {
        return Err((415, "JSON only"));
    }
    if call.body.len() > BODY_BYTES {
        return Err((413, "more than 20 kB"));
    }
    let header = |name| call.header(name).filter(|v| !v.is_empty());
    let (Some(id), Some(time), Some(signatures)) = (
        header("webhook-id"),
        header("webhook-timestamp"),
        header("webhook-signature"),
    ) else {
        return Err((400, "a webhook header is missing"));
    };
    let tolerance = i64::try_from(TOLERANCE.as_secs()).unwrap_or(i64::MAX);
    match time.parse::<i64>() {
        Ok(at_s) if (at_s - call.at_ms / 1000).abs() <= tolerance => {}
        _ => return Err((400, "timestamp too old, too new or no number")),
    }
    if id.contains('.') || !signatures.split(' ').any(|s| verifies(id, time, &call.body, s)) {
        return Err((401, "signature does not match"));
    }
    let body: Value = serde_json::from_slice(&call.body).map_err(|_| (400, "no JSON"))?;
    if !(body["type"].is_string() && body["timestamp"].is_string() && body["data"].is_object()) {
        return Err((400, "type, timestamp and data are needed"));
    }
    let known = books
        .entries
        .iter_mut()
        .find(|e| e.to == call.path && e.key.as_deref() == Some(id));
    if let Some(entry) = known {
        entry.requests += 1;
        return Ok(());
    }
    let text = serde_json::to_string_pretty(&body).unwrap_or_default();
    let number = books.entries.len() + 1;
    let mut entry = Entry::new(number.to_string(), &call.path, text.as_str(), call.at_ms);
    entry.key = Some(id.to_owned());
    entry.more = json!({ "type": body["type"], "verified": true });
    books.entries.push(entry);
    Ok(())
}

/// One `v1,BASE64` of the list; the comparison takes the same time for every wrong one.
fn verifies(id: &str, time: &str, body: &[u8], signature: &str) -> bool {
    let Some(Ok(theirs)) = signature.strip_prefix("v1,").map(|s| STANDARD.decode(s)) else {
        return false;
    };
    let key = STANDARD.decode(SECRET.trim_start_matches("whsec_"));
    let Ok(Ok(mut mac)) = key.map(|key| Hmac::<Sha256>::new_from_slice(&key)) else {
        return false;
    };
    for piece in [id.as_bytes(), b".", time.as_bytes(), b".", body] {
        mac.update(piece);
    }
    mac.verify_slice(&theirs).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_vector_verifies_and_nothing_near_it() {
        let body = br#"{"type":"incident.created","timestamp":"2026-01-02T03:04:05Z","data":{"id":"inc_1"}}"#;
        let signature = "v1,hJ6xW8UHZxjtb5gXrJeLYp22shouau+pdMOcORqdd5M=";
        assert!(verifies("msg_test1", "1767323045", body, signature));
        assert!(!verifies("msg_test2", "1767323045", body, signature));
        assert!(!verifies("msg_test1", "1767323046", body, signature));
        assert!(!verifies("msg_test1", "1767323045", &body[1..], signature));
        assert!(!verifies("msg_test1", "1767323045", body, "v1,AAAA"));
        assert!(!verifies("msg_test1", "1767323045", body, "v1a,x"));
    }
}
