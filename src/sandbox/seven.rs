//! seven.io's SMS API (CHANNELS 17.4): a code in every answer, a lock against repeats, credit, and signed delivery reports.

use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::http::Method;
use hmac::{Hmac, KeyInit, Mac};
use md5::{Digest, Md5};
use serde_json::{Value, json};
use sha2::Sha256;
use url::Url;

use super::ask::Request;
use super::books::{Books, Entry};
use super::http::{Call, Reply};
use super::provider::{BookKeeper, Service};
use super::reports::{Desk, Event, Plan};
use super::sms;
use crate::clock::{Ms, SharedClock, timestamp};

/// The API key.
pub const KEY: &str = "sandbox-seven";
/// What reports are signed with.
pub const SIGNING: &str = "sandbox-signing";

/// The longest text, characters.
const TEXT_MAX: usize = 1_520;
/// Price of a part, thousandths of a euro.
const PRICE: u64 = 75;
/// What the account has at first, thousandths of a euro.
const CREDIT: u64 = 1_000_000;
/// How long the lock against repeats holds.
const LOCKED_MS: Ms = 180_000;

/// The service.
pub struct Seven {
    clock: SharedClock,
    desk: Desk,
    account: Mutex<Account>,
}

/// What its customer has set and has left.
struct Account {
    hook: Option<Url>,
    locked: bool,
    debug: bool,
    credit: u64,
}

impl Seven {
    pub(super) fn new(clock: SharedClock) -> Self {
        Self {
            clock,
            desk: Desk::default(),
            account: Mutex::new(Account {
                hook: None,
                locked: false,
                debug: false,
                credit: CREDIT,
            }),
        }
    }

    /// What happens to messages from now on, and how it is reported.
    pub fn plan(&self, plan: Plan) {
        self.desk.plan(plan);
    }

    /// Reports go to this address, as a webhook of the type `dlr` would say.
    pub fn report_to(&self, address: &str) {
        self.account().hook = Url::parse(address).ok();
    }

    /// Switches the lock against repeats on: the same text to the same number is refused for three minutes.
    pub fn lock_repeats(&self) {
        self.account().locked = true;
    }

    /// Everything is answered as always, and nothing is sent.
    pub fn only_try(&self, debug: bool) {
        self.account().debug = debug;
    }

    /// Leaves the account with so much, thousandths of a euro.
    pub fn leave(&self, thousandths: u64) {
        self.account().credit = thousandths;
    }

    fn account(&self) -> MutexGuard<'_, Account> {
        self.account.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn send(&self, call: &Call, books: &mut Books) -> Result<Value, u16> {
        let fields = call.fields().ok_or(301_u16)?;
        let of = |name: &str| fields.get(name).map(String::as_str).unwrap_or_default();
        let (to, text, from, reference) = (of("to"), of("text"), of("from"), of("foreign_id"));
        if to.is_empty() {
            return Err(301);
        }
        if text.is_empty() {
            return Err(305);
        }
        if text.chars().count() > TEXT_MAX {
            return Err(401);
        }
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let number = to.strip_prefix('+').unwrap_or(to);
        if !digits(number) || !(8..=15).contains(&number.len()) {
            return Err(202);
        }
        let sender = if digits(from.trim_start_matches('+')) {
            from.len() <= 17
        } else {
            from.len() <= 11 && from.is_ascii()
        };
        if !sender {
            return Err(306);
        }
        if !reference
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || ".-_|@".contains(c))
        {
            return Err(400);
        }
        let mut account = self.account();
        let again = |e: &Entry| e.to == to && *e.text == *text && call.at_ms - e.at_ms < LOCKED_MS;
        if account.locked && books.entries.iter().any(again) {
            return Err(402);
        }
        let (encoding, parts) = if text.chars().all(|c| sms::places(c).is_some()) {
            ("gsm", sms::parts_gsm7(text))
        } else {
            ("ucs2", sms::parts_ucs2(text))
        };
        let price = PRICE * u64::from(parts);
        if account.credit < price {
            return Err(500);
        }
        let id = format!("7712{:08}", self.desk.number());
        if !account.debug {
            account.credit -= price;
            let mut entry = Entry::new(id.clone(), to, text, call.at_ms);
            entry.parts = Some(parts);
            entry.encoding = Some(if encoding == "gsm" { "gsm7" } else { encoding });
            entry.more = json!({ "from": from });
            books.entries.push(entry);
            if let Some(hook) = account.hook.clone() {
                let (number, reference, clock) = (id.clone(), reference.to_owned(), self.clock.clone());
                let told = move |event| Some(report(&hook, &number, &reference, event, clock.now_ms()));
                self.desk.took(&id, Box::new(told));
            }
        }
        let euros = |thousandths: u64| thousandths as f64 / 1_000.0;
        Ok(json!({
            "success": "100", "total_price": euros(price), "balance": euros(account.credit),
            "debug": account.debug.to_string(), "sms_type": "direct",
            "messages": [{
                "id": id, "sender": from, "recipient": number, "text": text, "encoding": encoding, "parts": parts,
                "price": euros(price), "success": true, "error": null, "error_text": null,
            }],
        }))
    }
}

impl Service for Seven {
    fn answer(&self, call: &Call, books: &mut Books) -> Reply {
        if call.header("x-api-key") != Some(KEY) {
            books.refused += 1;
            return self.unauthorized();
        }
        let answer = match (&call.method, call.path.as_str()) {
            (&Method::POST, "/api/sms") => self.send(call, books),
            (&Method::GET, "/api/balance") => {
                Ok(json!({ "amount": self.account().credit as f64 / 1_000.0, "currency": "EUR" }))
            }
            _ => {
                books.refused += 1;
                return Reply::error(404, "not found");
            }
        };
        let json = call
            .header("accept")
            .is_some_and(|types| types.contains("application/json"));
        match answer {
            Ok(body) if json => Reply::json(200, &body),
            Ok(_) => Reply::plain(200, "100"),
            Err(code) => {
                books.refused += 1;
                if json {
                    Reply::json(200, &json!({ "success": code.to_string(), "messages": [] }))
                } else {
                    Reply::plain(200, &code.to_string())
                }
            }
        }
    }

    /// seven knows no 429; its carrier has none free.
    fn too_many(&self, _: &Call, _: u32) -> Reply {
        Reply::plain(200, "600")
    }

    fn unauthorized(&self) -> Reply {
        Reply::plain(200, "900")
    }

    fn afterwards(&self, books: &BookKeeper) {
        self.desk.afterwards(books);
    }
}

/// A delivery report, signed.
fn report(hook: &Url, id: &str, reference: &str, event: Event, at: Ms) -> Request {
    let status = match event {
        Event::Delivered => "DELIVERED",
        Event::Failed => "NOTDELIVERED",
        Event::Accepted => "TRANSMITTED",
        Event::Rejected => "REJECTED",
    };
    let time = timestamp(at).strftime("%Y-%m-%d %H:%M:%S").to_string();
    let mut data = json!({ "msg_id": id, "status": status, "timestamp": time });
    if !reference.is_empty() {
        data["foreign_id"] = reference.into();
    }
    let body = json!({ "webhook_event": "dlr", "webhook_timestamp": time, "data": data }).to_string();
    let (seconds, nonce) = ((at / 1_000).to_string(), format!("{id}-{}", event as u8));
    let signature = signature(SIGNING, &seconds, &nonce, hook.as_str(), &body);
    Request {
        method: "POST",
        url: hook.clone(),
        headers: vec![
            ("Content-Type", "application/json".to_owned()),
            ("X-Timestamp", seconds),
            ("X-Nonce", nonce),
            ("X-Signature", signature),
        ],
        body,
    }
}

/// HMAC-SHA-256 over time, nonce, verb, address and the body's MD5, each on a line of its own.
fn signature(secret: &str, seconds: &str, nonce: &str, url: &str, body: &str) -> String {
    let digest = hex(&Md5::digest(body.as_bytes()));
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
        return String::new();
    };
    mac.update(format!("{seconds}\n{nonce}\nPOST\n{url}\n{digest}").as_bytes());
    hex(&mac.finalize().into_bytes())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vector of CHANNELS 22.
    #[test]
    fn reports_are_signed_as_seven_signs_them() {
        let body = r#"{"data":{"msg_id":"77120","status":"DELIVERED","timestamp":"2026-01-02 03:04:05"},"webhook_event":"dlr","webhook_timestamp":"2026-01-02 03:04:06"}"#;
        assert_eq!(
            signature("secret", "1767323045", "abcdef", "https://example.org/seven/dlr", body),
            "865a75113dcd88ae07e49d0d810425c247bcb2dde7e895ff333e10ec49da12dc"
        );
    }
}
