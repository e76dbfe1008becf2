//! What seven answers, and what it means. The status is 200 whatever happened; the code in the body decides (api-schemes, "SMS").

use serde_json::Value;

use crate::channel::{Finding, http, sms};
use crate::clock::Ms;
use crate::domain::outcome::{Outcome, Reason, Remote, Report};
use crate::net::Answer;
use crate::said;
use crate::store::Job;
use crate::text::said::Said;

/// A number has had its daily share: it is tried again after so long, ms.
const DAY_MS: Ms = 24 * 3_600_000;

/// The outcome of a request for one number.
pub(super) fn sort(who: &str, answer: &Answer, job: &Job, now: Ms) -> Report {
    if !(200..300).contains(&answer.status) {
        return sms::sort(who, answer, now);
    }
    let Some(body) = answer.json().filter(|_| answer.complete) else {
        return http::not_understood(who, answer);
    };
    // The code is a text in the whole answer; without one, or asked by an old client, the answer is the bare number.
    let Some(code) = number(body.get("success").unwrap_or(&body)) else {
        return http::not_understood(who, answer);
    };
    let message = body.get("messages").and_then(|list| list.get(0));
    let taken = message.is_some_and(|m| m.get("success").is_some_and(is_true));
    let own = message.and_then(|m| m.get("error")).and_then(number);
    let debug = body.get("debug").is_some_and(is_true);
    match (code, own) {
        _ if debug && (taken || (code == 100 && message.is_none())) => only_tried(who),
        (100 | 101, _) if taken => accepted(who, message),
        (100, None) if message.is_none() => accepted(who, None),
        (100 | 101, Some(own)) => by_code(who, own, job, now),
        (101, None) => by_code(who, 202, job, now),
        (100, None) => http::not_understood(who, answer),
        // One half says that it was taken, the other that it was not.
        _ if taken => http::not_understood(who, answer),
        (code, _) => by_code(who, code, job, now),
    }
}

fn number(value: &Value) -> Option<i64> {
    match value {
        Value::Number(n) => n.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

fn is_true(value: &Value) -> bool {
    matches!(value, Value::Bool(true)) || value.as_str() == Some("true")
}

/// A sandbox key, or an account in debug mode: everything is as always, and nothing is sent.
fn only_tried(who: &str) -> Report {
    http::report(
        Outcome::Auth,
        Reason::Credentials,
        said!(
            "{who} probt nur (debug) und verschickt nichts: bitte einen echten Schlüssel eintragen",
            "{who} only tries (debug) and sends nothing: enter a live key"
        ),
    )
}

fn accepted(who: &str, message: Option<&Value>) -> Report {
    let id = message.and_then(|m| m.get("id")).and_then(|id| match id {
        Value::String(id) => sms::remote_id(id),
        Value::Number(id) => Some(id.to_string()),
        _ => None,
    });
    http::report(
        Outcome::Accepted(Remote { id, url: None }),
        Reason::Ok,
        said!("{who} hat sie angenommen", "{who} took it"),
    )
}

/// The vendor's list of codes.
fn by_code(who: &str, code: i64, job: &Job, now: Ms) -> Report {
    let (outcome, reason, Said { de, en }) = match code {
        201 | 202 => (
            Outcome::Permanent,
            Reason::RecipientRefused,
            said!("nimmt diese Nummer nicht an", "refuses this number"),
        ),
        300 | 900 => (
            Outcome::Auth,
            Reason::Credentials,
            said!("nimmt den API-Schlüssel nicht an", "refuses the API key"),
        ),
        902 => (
            Outcome::Auth,
            Reason::Credentials,
            said!(
                "hat die API für diesen Schlüssel abgeschaltet",
                "has switched the API off for this key"
            ),
        ),
        903 => (
            Outcome::Auth,
            Reason::Credentials,
            said!(
                "lässt die Adresse dieser Maschine nicht zu",
                "does not admit this machine's address"
            ),
        ),
        306 => (
            Outcome::Auth,
            Reason::Credentials,
            said!(
                "nimmt den Absender nicht an: bitte from prüfen",
                "refuses the sender: check from"
            ),
        ),
        500 => (
            Outcome::Auth,
            Reason::Credentials,
            said!("hat kein Guthaben mehr: bitte aufladen", "is out of credit: top it up"),
        ),
        // The lock against repeats: the same text went to this number a moment ago. That it was ours is known only where the answer of an
        // earlier attempt was lost; after a refusal nothing of ours went, and it was somebody else's.
        402 if job.begun => (
            Outcome::Accepted(Remote::default()),
            Reason::Ok,
            said!(
                "hat dieselbe SMS schon von einem früheren Versuch",
                "has the same SMS from an earlier attempt"
            ),
        ),
        402 => (
            Outcome::Permanent,
            Reason::ContentRefused,
            said!(
                "hat dieselbe SMS an diese Nummer gerade schon angenommen",
                "took the same SMS to this number a moment ago"
            ),
        ),
        403 => (
            Outcome::Deferred {
                until: now.saturating_add(DAY_MS),
            },
            Reason::RecipientBusy,
            said!(
                "nimmt für diese Nummer heute nichts mehr an",
                "takes nothing more for this number today"
            ),
        ),
        // 700 is "unknown error" in the vendor's words, but an answer in place of taking it, which CHANNELS 17.4 sorts as trouble of the service.
        600 | 700 => (
            Outcome::Transient,
            Reason::ServiceTrouble,
            said!("kann sie zurzeit nicht weitergeben", "cannot pass it on at present"),
        ),
        301 | 304 | 305 | 307 | 400 | 401 => (
            Outcome::Permanent,
            Reason::ContentRefused,
            said!("lehnt die SMS ab", "refuses the SMS"),
        ),
        _ => (
            Outcome::Unknown,
            Reason::BadAnswer,
            said!(
                "meldet einen Fehler, nach dem niemand weiß, ob sie durchgegangen ist",
                "reports an error after which nobody knows whether it went through"
            ),
        ),
    };
    http::report(outcome, reason, said!("{who} {de} ({code})", "{who} {en} ({code})"))
}

fn broke(who: &str) -> Finding {
    Finding {
        ok: false,
        text: said!(
            "{who} hat kein Guthaben mehr. Bitte laden Sie es auf.",
            "{who} is out of credit. Top it up."
        ),
    }
}

/// The line of `check`: the key is good, and there is credit.
pub(super) fn balance(who: &str, answer: &Answer) -> Finding {
    let body = answer.json().filter(|_| (200..300).contains(&answer.status));
    let amount = body.as_ref().and_then(|b| b.get("amount")).and_then(Value::as_f64);
    let currency = body.as_ref().and_then(|b| b.get("currency")).and_then(Value::as_str);
    match amount {
        Some(amount) if amount > 0.0 => {
            let currency: String = currency
                .unwrap_or("EUR")
                .chars()
                .filter(char::is_ascii_alphabetic)
                .take(3)
                .collect();
            let en = format!("{amount:.2} {currency}");
            let de = en.replace('.', ",");
            http::well(said!(
                "{who} nimmt den Schlüssel an; Guthaben {de}.",
                "{who} takes the key; credit {en}."
            ))
        }
        Some(_) => broke(who),
        None => {
            let code = answer.json().as_ref().and_then(number);
            let report = match code {
                Some(500) => return broke(who),
                Some(code @ (300 | 900 | 902 | 903)) => http::report(
                    Outcome::Auth,
                    Reason::Credentials,
                    Said::quoted(format!("{who}: {code}")),
                ),
                _ if (200..300).contains(&answer.status) => http::not_understood(who, answer),
                _ => sms::sort(who, answer, 0),
            };
            sms::unwell(who, answer, &report)
        }
    }
}
