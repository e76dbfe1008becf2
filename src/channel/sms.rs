//! What every SMS gateway shares: the text in as few parts as possible, the number in E.164, the price.

use super::http;
use crate::domain::outcome::{Outcome, Reason, Report};
use crate::ids::DeliveryId;
use crate::render::Engine;
use crate::render::compose::{self, ComposeError};
use crate::render::message::Message;
use crate::said;
use crate::secret::Key;
use crate::settings::Reader;
use crate::store::{Job, Variant};
use crate::text::sms;

/// Parts a text may take where `max_parts` does not say otherwise: lead, state, one or two sentences and the link.
pub const DEFAULT_PARTS: u32 = 4;

/// The kinds that reach phones: one of them may stand in for another (`failover`).
pub const KINDS: &[&str] = &["kannel", "seven", "sms_http"];

/// Keys every SMS gateway has.
#[derive(Debug, Clone)]
pub struct Common {
    /// `from`: at most 11 letters, digits and spaces, or a number of at most 16 digits.
    pub from: Option<String>,
    /// `max_parts`: parts a text may take.
    pub max_parts: u32,
    /// `price`: of one part, in the currency of the reader's contract.
    pub price: Option<f64>,
}

/// A gateway without an audience reaches nobody, unless it only stands in for another one, whose audience it then reaches.
pub fn needs_audience(reader: &mut Reader<'_>, reserve: bool) {
    if !reader.has("audience") && !reserve {
        reader.missing(
            "audience",
            said!(
                "Schreiben Sie audience = {{ file = \"presse.csv\" }}.",
                "Write audience = {{ file = \"press.csv\" }}."
            ),
        );
    }
}

/// Reads `from`, `max_parts` and `price`.
pub fn read(reader: &mut Reader<'_>) -> Common {
    let from = reader.parsed(
        "from",
        |written| is_sender(written).then(|| written.to_owned()),
        said!(
            "Erlaubt sind höchstens 11 Buchstaben, Ziffern und Leerzeichen (ohne Umlaute) oder eine Nummer mit höchstens 16 Ziffern.",
            "Allowed are at most 11 letters, digits and spaces (no umlauts), or a number of at most 16 digits."
        ),
    );
    let most = u32::try_from(sms::MAX_SEGMENTS).unwrap_or(10);
    let max_parts = reader.whole("max_parts", 1, most).unwrap_or(DEFAULT_PARTS);
    Common {
        from,
        max_parts,
        price: reader.amount("price"),
    }
}

fn is_sender(written: &str) -> bool {
    let digits = written.strip_prefix('+').unwrap_or(written);
    if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) {
        return digits.len() <= 16;
    }
    written.len() <= 11 && written.bytes().all(|b| b.is_ascii_alphanumeric() || b == b' ')
}

/// A phone number in E.164 (`+4917112345`), spaces and common punctuation aside; `None` where it is none.
pub fn number(address: &str) -> Option<String> {
    let number: String = address
        .chars()
        .filter(|c| !matches!(c, ' ' | '-' | '/' | '(' | ')'))
        .collect();
    let digits = number.strip_prefix('+')?;
    let fine =
        (7..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0');
    fine.then_some(number)
}

/// Nothing is sent to what is no number.
pub fn no_number() -> Report {
    http::report(
        Outcome::Permanent,
        Reason::RecipientRefused,
        said!(
            "die Nummer in der Empfängerliste hat nicht die Form +49…",
            "the number in the audience file is not in the form +49…"
        ),
    )
}

/// Our reference of an attempt: delivery, attempt and a token of both, in letters, digits and `.-_` (what seven allows in `foreign_id`).
pub fn reference(key: &Key, channel: &str, job: &Job) -> String {
    let (delivery, attempt) = (job.delivery.0, job.attempt);
    format!("{delivery}.{attempt}.{}", key.receipt_token(channel, delivery, attempt))
}

/// The delivery and attempt of a reference of ours; `None` where it is forged or another channel's.
pub fn ours(reference: &str, key: &Key, channel: &str) -> Option<(DeliveryId, u32)> {
    let mut parts = reference.splitn(3, '.');
    let delivery: i64 = parts.next()?.parse().ok()?;
    let attempt: u32 = parts.next()?.parse().ok()?;
    key.is_receipt_token(channel, delivery, attempt, parts.next()?)
        .then_some((DeliveryId(delivery), attempt))
}

/// The text of a notice as an SMS: at most `max_parts` parts, in the SMS alphabet where that loses nothing.
pub fn compose(engine: &Engine, message: &Message, max_parts: u32) -> Result<Variant, ComposeError> {
    let parts = |text: &str| sms::measure(text).segments;
    compose::short_text(engine, message, "sms", max_parts as usize, &parts, "parts", true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_e164() {
        assert_eq!(number("+49 171 / 123-456"), Some("+49171123456".to_owned()));
        for wrong in [
            "",
            "0171123456",
            "+49",
            "+49171abc",
            "+1234567890123456",
            "+0491711234",
            "49171123456",
        ] {
            assert_eq!(number(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn senders() {
        assert!(is_sender("Potsdam") && is_sender("115") && is_sender("+4933112345"));
        assert!(!is_sender("Landeshauptstadt") && !is_sender("München") && !is_sender("12345678901234567"));
    }
}
