//! What every SMS gateway shares: the text in as few parts as possible, the number in E.164, the price, our reference of an attempt, and what
//! an answer's status means where a message can be neither repeated nor looked for. How a gateway is asked is its kind's own.

use std::time::Duration;

use reqwest::RequestBuilder;

use super::registry::Surroundings;
use super::{Abilities, Finding, ReceiptRefusal, http};
use crate::clock::Ms;
use crate::domain::delivery::{Operation, UnknownPolicy};
use crate::domain::outcome::{Outcome, Reason, Report};
use crate::ids::DeliveryId;
use crate::net::{Answer, Http};
use crate::render::Engine;
use crate::render::compose::{self, ComposeError};
use crate::render::message::Message;
use crate::said;
use crate::secret::{Key, KeyFile};
use crate::settings::{ChannelSettings, Reader};
use crate::store::{Job, Variant};
use crate::text::said::Said;
use crate::text::sms;

/// Parts a text may take where `max_parts` does not say otherwise: lead, state, one or two sentences and the link.
pub const DEFAULT_PARTS: u32 = 4;

/// The most parts a text may take: seven takes 1,520 characters (CHANNELS 17.4), a little less than ten parts.
const MOST_PARTS: u32 = 9;

/// The longest id of a gateway's that is kept, characters; known ones have at most 64.
const REMOTE_ID_MAX: usize = 100;

/// The kinds that reach phones: one of them may stand in for another (`failover`).
pub const KINDS: &[&str] = &["kannel", "seven", "sms_http"];

/// How a gateway behaves: no handle, no read-back, receipts; what nobody knows a person decides.
pub const fn abilities(concurrency: u32, timeout: Duration) -> Abilities {
    Abilities {
        handle_for: None,
        looks_up: false,
        receipts: true,
        threads: false,
        correction: Operation::Post,
        retraction: Operation::Post,
        links: true,
        audience: true,
        unknown: UnknownPolicy::Ask,
        concurrency,
        timeout,
    }
}

/// What every gateway is beside its own way of asking.
pub struct Gateway {
    /// `from`: at most 11 letters, digits and spaces, or a number of at most 16 digits.
    pub from: Option<String>,
    /// `max_parts`: parts a text may take.
    pub max_parts: u32,
    /// `price`: of one part, in the currency of the reader's contract.
    pub price: Option<f64>,
    /// Where delivery reports go: `SITE/receipts/CHANNEL`.
    pub receipts: String,
    /// The client.
    pub http: Http,
    key: KeyFile,
    channel: String,
}

/// Reads the keys every gateway has and makes its client; `None` with problems where something is amiss.
pub fn gateway(
    reader: &mut Reader<'_>,
    around: &Surroundings<'_>,
    channel: &ChannelSettings,
    abilities: &Abilities,
) -> Option<Gateway> {
    let (from, max_parts, price) = (sender(reader), max_parts(reader), reader.amount("price"));
    needs_audience(reader, around.settings.is_reserve(&channel.name));
    Some(Gateway {
        from,
        max_parts,
        price,
        receipts: format!("{}/receipts/{}", around.settings.site_url, channel.name),
        http: http::client(reader, channel, abilities, true)?,
        key: around.key.clone(),
        channel: channel.name.clone(),
    })
}

impl Gateway {
    /// The number in E.164 and our reference of this attempt, or why nothing can be sent.
    pub fn ready(&self, job: &Job) -> Result<(String, String), Report> {
        let to = number(&job.address).ok_or_else(no_number)?;
        let key = self.key.key().map_err(|error| http::no_key(&error))?;
        Ok((to, reference(key, &self.channel, job)))
    }

    /// Asks, and sorts the answer without what it echoes of our secrets.
    pub async fn ask(
        &self,
        who: &str,
        secrets: &[&str],
        request: RequestBuilder,
        sort: impl FnOnce(&Answer) -> Report,
    ) -> Report {
        match self.http.send(request).await {
            Ok(answer) => sort(&http::without(answer, secrets)),
            Err(failure) => http::failed(who, &failure),
        }
    }

    /// Looks whether the gateway answers as it should; what is asked here brings out no SMS.
    pub async fn look(
        &self,
        who: &str,
        secrets: &[&str],
        request: RequestBuilder,
        read: impl FnOnce(&Answer) -> Finding,
    ) -> Finding {
        match self.http.send(request).await {
            Ok(answer) => read(&http::without(answer, secrets)),
            Err(failure) => http::unwell(who, &http::failed(who, &failure)),
        }
    }

    /// The delivery and attempt of a reference of ours; refused where it is forged or another channel's.
    pub fn ours(&self, reference: &str) -> Result<(DeliveryId, u32), ReceiptRefusal> {
        let key = self.key.key().map_err(|_| ReceiptRefusal::NotReady)?;
        ours(reference, key, &self.channel).ok_or(ReceiptRefusal::Forbidden)
    }

    /// The number as it is sent to, which is also the form in which numbers are compared.
    pub fn canonical(address: &str) -> Option<String> {
        number(address)
    }

    /// The text of a notice as an SMS: at most `max_parts` parts, in the SMS alphabet where that loses nothing.
    pub fn compose(&self, engine: &Engine, message: &Message) -> Result<Variant, ComposeError> {
        let parts = |text: &str| sms::measure(text).segments;
        compose::short_text(engine, message, "sms", self.max_parts as usize, &parts, "parts", true)
    }
}

/// The outcome of an answer that says nothing of its own about the message, by its status.
pub fn sort(who: &str, answer: &Answer, now: Ms) -> Report {
    if let Some(text) = for_a_person(who, answer) {
        return http::report(Outcome::Auth, Reason::Credentials, text);
    }
    let (status, words) = (answer.status, http::said_by(answer));
    match status {
        // What stands in front of it says so after handing the request on, or not (408 and 524 when it got tired of waiting): an SMS is never
        // sent twice on a guess. 503 alone is said in place of doing anything.
        408 | 500..=502 | 504..=599 => http::report(
            Outcome::Unknown,
            Reason::ServiceTrouble,
            said!(
                "{who} oder etwas davor ist gestört ({status}); die SMS kann durchgegangen sein{words}",
                "{who} or something in front of it is in trouble ({status}); the SMS may have gone through{words}"
            ),
        ),
        _ => http::sort(who, answer, now),
    }
}

/// What a status says of the address or the account, whatever the SMS: the next one would fare no better. A person has to act; until then every
/// row stays.
fn for_a_person(who: &str, answer: &Answer) -> Option<Said> {
    let (status, words) = (answer.status, http::said_by(answer));
    Some(match status {
        300..=399 => said!(
            "{who} verweist an eine andere Adresse ({status}), und dem folgt Rundruf nie: bitte url prüfen",
            "{who} answers with a redirect ({status}), which is never followed: check url"
        ),
        402 => said!(
            "{who} verlangt zuerst eine Zahlung ({status}): bitte das Guthaben aufladen{words}",
            "{who} asks for a payment first ({status}): top up the account{words}"
        ),
        404 | 410 => said!(
            "{who} kennt diese Adresse nicht ({status}): bitte url prüfen",
            "{who} does not know this address ({status}): check url"
        ),
        405 | 406 | 415 => said!(
            "{who} nimmt eine Anfrage dieser Art nicht an ({status}): bitte url prüfen, und wo sie beschrieben ist, auch method, headers und body{words}",
            "{who} does not take a request of this kind ({status}): check url and, where it is described, method, headers and body{words}"
        ),
        _ => return None,
    })
}

/// The line of `check` for an answer that is not as it should be. What a person has to do at the address or the account stands in it.
pub fn unwell(who: &str, answer: &Answer, report: &Report) -> Finding {
    match for_a_person(who, answer) {
        Some(text) => Finding {
            ok: false,
            text: text.map(|text| format!("{text}.")),
        },
        None => http::unwell(who, report),
    }
}

/// A gateway without an audience reaches nobody, unless it only stands in for another one, whose audience it then reaches.
fn needs_audience(reader: &mut Reader<'_>, reserve: bool) {
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

fn sender(reader: &mut Reader<'_>) -> Option<String> {
    reader.parsed(
        "from",
        |written| is_sender(written).then(|| written.to_owned()),
        said!(
            "Erlaubt sind höchstens 11 Buchstaben, Ziffern und Leerzeichen (ohne Umlaute) oder eine Nummer mit höchstens 16 Ziffern.",
            "Allowed are at most 11 letters, digits and spaces (no umlauts), or a number of at most 16 digits."
        ),
    )
}

fn max_parts(reader: &mut Reader<'_>) -> u32 {
    reader.whole("max_parts", 1, MOST_PARTS).unwrap_or(DEFAULT_PARTS)
}

fn is_sender(written: &str) -> bool {
    let digits = written.strip_prefix('+').unwrap_or(written);
    if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) {
        return digits.len() <= 16;
    }
    written.len() <= 11 && written.bytes().all(|b| b.is_ascii_alphanumeric() || b == b' ')
}

/// A phone number in E.164 (`+4917112345`), punctuation aside, and the `(0)` that is dialled at home only; `None` where it is none.
fn number(address: &str) -> Option<String> {
    let written: String = address.chars().filter(|c| !is_blank(*c)).collect();
    let number: String = written
        .replacen("(0)", "", 1)
        .chars()
        // Hyphens and dashes in every dress that a word processor gives them.
        .filter(|c| !matches!(c, '-' | '\u{2010}'..='\u{2015}' | '.' | '/' | '(' | ')'))
        .collect();
    let digits = number.strip_prefix('+')?;
    let fine =
        (7..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0');
    fine.then_some(number)
}

/// Spaces of all widths, and the marks for the direction of writing that address books put around a number when it is copied.
fn is_blank(c: char) -> bool {
    c.is_whitespace()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// True where a value can stand in a header as it is: ASCII on one line.
pub fn fits_a_header(value: &str) -> bool {
    value.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

/// Reports a secret that goes in a header and does not fit there.
pub fn in_no_header(reader: &mut Reader<'_>, key: &str) {
    reader.problem(
        key,
        said!(
            "Das Geheimnis hat Zeichen, die in keinem Kopffeld stehen können.",
            "the secret has characters that cannot stand in a header."
        ),
        said!(
            "Bitte tragen Sie es ohne Umlaute, Zeilenumbrüche und andere Sonderzeichen ein.",
            "Enter it in ASCII, on one line."
        ),
    );
}

/// A gateway's own id of an SMS, without control characters; what is longer than any such id is cut, in its answer as in its reports.
pub fn remote_id(written: &str) -> Option<String> {
    let id: String = written
        .trim()
        .chars()
        .filter(|c| !c.is_control())
        .take(REMOTE_ID_MAX)
        .collect();
    (!id.is_empty()).then_some(id)
}

/// A report's own words, as they are kept.
pub fn words_of_a_report(written: &str) -> String {
    written.chars().filter(|c| !c.is_control()).take(200).collect()
}

/// Nothing is sent to what is no number.
fn no_number() -> Report {
    http::report(
        Outcome::Permanent,
        Reason::BadAddress,
        said!(
            "die Nummer in der Empfängerliste hat nicht die Form +49…",
            "the number in the audience file is not in the form +49…"
        ),
    )
}

/// Our reference of an attempt: delivery, attempt and a token of both, in letters, digits and `.-_` (what seven allows in `foreign_id`).
fn reference(key: &Key, channel: &str, job: &Job) -> String {
    let (delivery, attempt) = (job.delivery.0, job.attempt);
    format!("{delivery}.{attempt}.{}", key.receipt_token(channel, delivery, attempt))
}

/// The delivery and attempt of a reference of ours; `None` where it is forged or another channel's.
fn ours(reference: &str, key: &Key, channel: &str) -> Option<(DeliveryId, u32)> {
    let mut parts = reference.splitn(3, '.');
    let delivery: i64 = parts.next()?.parse().ok()?;
    let attempt: u32 = parts.next()?.parse().ok()?;
    key.is_receipt_token(channel, delivery, attempt, parts.next()?)
        .then_some((DeliveryId(delivery), attempt))
}

#[cfg(test)]
mod tests;
