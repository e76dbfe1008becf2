//! Vonage's SMS API (CHANNELS 17.2), which no kind knows by itself: `sms_http` describes it. Always 200, a status for every part, and a
//! delivery report to the address that the request named.

use axum::http::Method;
use serde_json::{Value, json};
use url::Url;

use super::ask::Request;
use super::books::{Books, Entry};
use super::http::{Call, Reply};
use super::provider::{BookKeeper, Service};
use super::reports::{Desk, Event, Plan};
use super::sms;
use crate::clock::{Ms, SharedClock, timestamp};

/// The account's key.
pub const KEY: &str = "sandbox";
/// Its secret.
pub const SECRET: &str = "sandbox-vonage";

/// The longest `client-ref`, characters.
const REFERENCE_MAX: usize = 100;
/// The most parts.
const PARTS_MAX: u32 = 10;

/// The service.
pub struct Vonage {
    clock: SharedClock,
    desk: Desk,
}

/// A status and its words.
type Refusal = (u8, &'static str);

const BAD_CREDENTIALS: Refusal = (4, "Bad Credentials");
const THROTTLED: Refusal = (1, "Throughput Rate Exceeded");

impl Vonage {
    pub(super) fn new(clock: SharedClock) -> Self {
        Self {
            clock,
            desk: Desk::default(),
        }
    }

    /// What happens to messages from now on, and how it is reported.
    pub fn plan(&self, plan: Plan) {
        self.desk.plan(plan);
    }

    fn send(&self, call: &Call, books: &mut Books) -> Result<Value, Refusal> {
        let fields = call.fields().ok_or((2, "Missing Parameters"))?;
        let of = |name: &str| fields.get(name).map(String::as_str).unwrap_or_default();
        if of("api_key") != KEY || of("api_secret") != SECRET {
            return Err(BAD_CREDENTIALS);
        }
        let (to, from, text, reference) = (of("to"), of("from"), of("text"), of("client-ref"));
        if [to, from, text].contains(&"") {
            return Err((2, "Missing Parameters"));
        }
        // Without a plus.
        if !to.bytes().all(|b| b.is_ascii_digit()) || to.len() > 15 || reference.chars().count() > REFERENCE_MAX {
            return Err((3, "Invalid Parameters"));
        }
        let wide = match of("type") {
            "" | "text" => false,
            "unicode" => true,
            _ => return Err((3, "Invalid Parameters")),
        };
        let (shown, parts) = if wide {
            (text.to_owned(), sms::parts_ucs2(text))
        } else {
            let shown = |c| if sms::places(c).is_some() { c } else { '?' };
            (text.chars().map(shown).collect(), sms::parts_gsm7(text))
        };
        if parts > PARTS_MAX {
            return Err((12, "Message Too Long"));
        }
        let ids: Vec<String> = (0..parts).map(|_| format!("0A{:014X}", self.desk.number())).collect();
        let (first, number) = (ids[0].clone(), format!("+{to}"));
        let mut entry = Entry::new(first.clone(), &number, shown.as_str(), call.at_ms);
        entry.parts = Some(parts);
        entry.encoding = Some(if wide { "ucs2" } else { "gsm7" });
        entry.more = json!({ "from": from });
        books.entries.push(entry);
        if let Ok(callback) = Url::parse(of("callback")) {
            let clock = self.clock.clone();
            let (id, to, reference) = (first.clone(), to.to_owned(), reference.to_owned());
            let told = move |event| Some(report(&callback, &id, &to, &reference, event, clock.now_ms()));
            self.desk.took(&first, Box::new(told));
        }
        let message = |id: &String| {
            json!({
                "to": to, "message-id": id, "status": "0", "remaining-balance": "3.14", "message-price": "0.06",
                "network": "26201", "client-ref": reference,
            })
        };
        Ok(json!({ "message-count": parts.to_string(), "messages": ids.iter().map(message).collect::<Vec<_>>() }))
    }
}

impl Service for Vonage {
    fn answer(&self, call: &Call, books: &mut Books) -> Reply {
        if (&call.method, call.path.as_str()) != (&Method::POST, "/sms/json") {
            books.refused += 1;
            return Reply::html(404, "<html>Not Found</html>".to_owned());
        }
        match self.send(call, books) {
            Ok(body) => Reply::json(200, &body),
            Err(refusal) => {
                books.refused += 1;
                refused(refusal)
            }
        }
    }

    fn too_many(&self, _: &Call, _: u32) -> Reply {
        refused(THROTTLED)
    }

    fn unauthorized(&self) -> Reply {
        refused(BAD_CREDENTIALS)
    }

    fn afterwards(&self, books: &BookKeeper) {
        self.desk.afterwards(books);
    }
}

fn refused((status, words): Refusal) -> Reply {
    let message = json!({ "status": status.to_string(), "error-text": words });
    Reply::json(200, &json!({ "message-count": "1", "messages": [message] }))
}

/// A delivery report: a GET of the address the request named, with the report's own fields behind those it has.
fn report(callback: &Url, id: &str, to: &str, reference: &str, event: Event, at: Ms) -> Request {
    let (status, code) = match event {
        Event::Delivered => ("delivered", "0"),
        Event::Failed => ("failed", "1"),
        Event::Accepted => ("accepted", "0"),
        Event::Rejected => ("rejected", "11"),
    };
    let at = timestamp(at);
    let mut url = callback.clone();
    url.query_pairs_mut()
        .append_pair("msisdn", to)
        .append_pair("to", "Rundruf")
        .append_pair("network-code", "26201")
        .append_pair("messageId", id)
        .append_pair("price", "0.06")
        .append_pair("status", status)
        .append_pair("scts", &at.strftime("%y%m%d%H%M").to_string())
        .append_pair("err-code", code)
        .append_pair("api-key", KEY)
        .append_pair("client-ref", reference)
        .append_pair("message-timestamp", &at.strftime("%Y-%m-%d %H:%M:%S").to_string());
    Request::get(url, "Nexmo/MessagingHUB/v1.0")
}
