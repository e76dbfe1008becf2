//! A Kannel gateway (CHANNELS 17.8): `sendsms` with its plain answers, phones behind it, delivery reports back.

use axum::http::Method;
use serde_json::json;

use super::books::{Books, Entry};
use super::http::{self, Call, Reply};
use super::kannel_reports::Report;
use super::provider::{BookKeeper, Service};
use super::reports::Desk;
pub use super::reports::Plan;
use super::sms;
use crate::clock::SharedClock;

/// The user of `sendsms`.
pub const USER: &str = "rundruf";
/// Its password.
pub const PASSWORD: &str = "sandbox";
/// The sender most messages carry; the demo's setting.
pub const FROM: &str = "Rundruf";

/// `max-messages` of the user's group.
const MAX_PARTS: u32 = 10;

/// The service.
pub struct Kannel {
    clock: SharedClock,
    desk: Desk,
}

impl Kannel {
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

    fn send(&self, call: &Call, books: &mut Books) -> Reply {
        let query = http::pairs(call.query.as_bytes());
        let raw = |names: [&str; 2]| {
            let found = query.iter().find(|(name, _)| names.contains(&name.as_str()));
            found.map(|(_, value)| value.clone())
        };
        let of = |names| raw(names).map(http::text).unwrap_or_default();
        if of(["username", "user"]) != USER || of(["password", "pass"]) != PASSWORD {
            return self.unauthorized();
        }
        let Some(to) = raw(["to", "to"]).map(http::text) else {
            return Reply::plain(400, "Missing receiver number, rejected");
        };
        let receivers: Vec<&str> = to.split_whitespace().collect();
        if receivers.is_empty() {
            return Reply::plain(400, "Empty receiver number not allowed, rejected");
        }
        let number = |to: &&str| {
            let digits = to.strip_prefix('+').unwrap_or(to);
            !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
        };
        if !receivers.iter().all(number) {
            return Reply::plain(400, "Receiver number misformed, rejected");
        }
        if of(["from", "from"]).is_empty() {
            return Reply::plain(400, "Sender missing and no global set, rejected");
        }
        let wide = of(["coding", "coding"]) == "2";
        let bytes = raw(["text", "text"]).unwrap_or_default();
        let text = on_the_phone(bytes, wide, &of(["charset", "charset"]));
        let parts = if wide {
            sms::parts_ucs2(&text)
        } else {
            sms::parts_gsm7(&text)
        };
        if parts > MAX_PARTS {
            return Reply::plain(400, "Message too long, rejected");
        }
        for to in &receivers {
            let id = format!("00000000-0000-4000-8000-{:012}", self.desk.number());
            let mut entry = Entry::new(id.clone(), to, text.as_str(), call.at_ms);
            entry.parts = Some(parts);
            entry.encoding = Some(if wide { "ucs2" } else { "gsm7" });
            entry.more = json!({ "from": of(["from", "from"]) });
            books.entries.push(entry);
            let (report, clock) = (
                Report {
                    id: id.clone(),
                    to: (*to).to_owned(),
                    from: of(["from", "from"]),
                    url: of(["dlr-url", "dlr-url"]),
                    mask: of(["dlr-mask", "dlr-mask"]).parse().unwrap_or(0),
                },
                self.clock.clone(),
            );
            self.desk
                .took(&id, Box::new(move |event| report.request(event, clock.now_ms() / 1000)));
        }
        if receivers.len() > 1 {
            return Reply::plain(202, "Sent.");
        }
        Reply::plain(202, "0: Accepted for delivery")
    }
}

impl Service for Kannel {
    fn answer(&self, call: &Call, books: &mut Books) -> Reply {
        let reply = match (&call.method, call.path.as_str()) {
            (&Method::GET | &Method::HEAD, "/cgi-bin/sendsms") => self.send(call, books),
            _ => Reply::plain(404, "Unknown request."),
        };
        if reply.status >= 400 {
            books.refused += 1;
        }
        reply
    }

    /// Kannel knows no 429.
    fn too_many(&self, _: &Call, _: u32) -> Reply {
        Reply::plain(503, "Temporal failure, try again later.")
    }

    fn unauthorized(&self) -> Reply {
        Reply::plain(403, "Authorization failed for sendsms")
    }

    fn afterwards(&self, books: &BookKeeper) {
        self.desk.afterwards(books);
    }
}

/// What the phone shows: 7 bits lose what their alphabet lacks, and a wide text is UTF-16 unless the request says otherwise.
fn on_the_phone(bytes: Vec<u8>, wide: bool, charset: &str) -> String {
    if wide && !charset.eq_ignore_ascii_case("utf-8") {
        let units = bytes.chunks(2).map(|pair| match pair {
            [high, low] => u16::from_be_bytes([*high, *low]),
            _ => 0xFFFD,
        });
        return char::decode_utf16(units).map(|c| c.unwrap_or('\u{FFFD}')).collect();
    }
    let text = http::text(bytes);
    if wide {
        return text;
    }
    let shown = |c| if sms::places(c).is_some() { c } else { '?' };
    text.chars().map(shown).collect()
}
