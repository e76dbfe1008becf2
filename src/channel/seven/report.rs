//! seven's delivery reports: JSON, signed where a signing secret is set; without one our own reference in them proves that we asked for them.

use base16ct::lower::encode_string as hex;
use md5::{Digest, Md5};
use serde::Deserialize;

use crate::channel::sms::{self, Gateway};
use crate::channel::{ReceiptRefusal, ReceiptRequest};
use crate::secret::{hmac_sha256, same};
use crate::store::{Receipt, ReceiptWord};

#[derive(Deserialize)]
struct Hook {
    webhook_event: String,
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    msg_id: Option<Id>,
    status: Option<String>,
    foreign_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Id {
    Text(String),
    Number(i64),
}

/// Reads a report. The signature covers the address registered at seven. An old one that somebody sends again changes nothing: the
/// first final word about a message wins.
pub(super) fn read(
    request: &ReceiptRequest,
    signing: Option<&[u8]>,
    gateway: &Gateway,
) -> Result<Vec<Receipt>, ReceiptRefusal> {
    if let Some(secret) = signing
        && !is_signed(request, secret, &gateway.receipts)
    {
        return Err(ReceiptRefusal::Forbidden);
    }
    let Ok(hook) = serde_json::from_slice::<Hook>(&request.body) else {
        // Who cannot prove anything learns nothing about our reading.
        return Err(if signing.is_some() {
            ReceiptRefusal::Malformed
        } else {
            ReceiptRefusal::Forbidden
        });
    };
    let own = match hook.data.foreign_id.as_deref().map(|id| gateway.ours(id)) {
        Some(Err(ReceiptRefusal::NotReady)) => return Err(ReceiptRefusal::NotReady),
        own => own.and_then(Result::ok),
    };
    if signing.is_none() && own.is_none() {
        return Err(ReceiptRefusal::Forbidden);
    }
    // The account may have other users: what carries a reference that is not ours is theirs, and meets nothing here.
    let theirs = own.is_none() && hook.data.foreign_id.is_some_and(|id| !id.trim().is_empty());
    if hook.webhook_event != "dlr" || theirs {
        return Ok(Vec::new());
    }
    let status = hook.data.status.ok_or(ReceiptRefusal::Malformed)?;
    let word = match status.as_str() {
        "DELIVERED" => ReceiptWord::Delivered,
        "NOTDELIVERED" | "REJECTED" | "FAILED" => ReceiptWord::Rejected,
        "EXPIRED" => ReceiptWord::Expired,
        // UNKNOWN is the network's "no word yet".
        "BUFFERED" | "TRANSMITTED" | "ACCEPTED" | "UNKNOWN" => ReceiptWord::Buffered,
        _ => return Err(ReceiptRefusal::Malformed),
    };
    let remote_id = hook.data.msg_id.and_then(|id| match id {
        Id::Text(id) => sms::remote_id(&id),
        Id::Number(id) => Some(id.to_string()),
    });
    if own.is_none() && remote_id.is_none() {
        return Err(ReceiptRefusal::Malformed);
    }
    Ok(vec![Receipt {
        delivery: own,
        remote_id,
        word,
        raw: status,
    }])
}

/// Time, nonce, verb, address and the body's MD5, joined by line feeds, under HMAC-SHA-256.
fn is_signed(request: &ReceiptRequest, secret: &[u8], address: &str) -> bool {
    let header = |name: &str| {
        let found = request.headers.iter().find(|(key, _)| key == name);
        found.map_or("", |(_, value)| value.as_str())
    };
    let body = hex(&Md5::digest(&request.body));
    let text = [header("x-timestamp"), header("x-nonce"), "POST", address, &body].join("\n");
    let expected = hex(&hmac_sha256(secret, &[text.as_bytes()]));
    same(
        expected.as_bytes(),
        header("x-signature").to_ascii_lowercase().as_bytes(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vector of CHANNELS 22.
    #[test]
    fn the_known_signature() {
        let request = ReceiptRequest {
            query: Vec::new(),
            headers: [
                ("x-timestamp", "1767323045"),
                ("x-nonce", "abcdef"),
                (
                    "x-signature",
                    "865a75113dcd88ae07e49d0d810425c247bcb2dde7e895ff333e10ec49da12dc",
                ),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec(),
            body: bytes::Bytes::from_static(
                br#"{"data":{"msg_id":"77120","status":"DELIVERED","timestamp":"2026-01-02 03:04:05"},"webhook_event":"dlr","webhook_timestamp":"2026-01-02 03:04:06"}"#,
            ),
        };
        let address = "https://example.org/seven/dlr";
        assert!(is_signed(&request, b"secret", address));
        assert!(!is_signed(&request, b"other", address));
        assert!(!is_signed(&request, b"secret", "https://example.org/seven/other"));
    }
}
