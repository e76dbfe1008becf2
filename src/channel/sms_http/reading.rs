//! How the described gateway's answers and reports are read.

use serde_json::Value;

use super::request::Described;
use super::template::Field;
use crate::channel::{ReceiptRequest, http, sms};
use crate::domain::outcome::{Outcome, Reason, Remote, Report};
use crate::net::Answer;
use crate::said;
use crate::settings::Reader;
use crate::settings::quoted::quoted;
use crate::store::ReceiptWord;
use crate::text::said::Said;

/// `accept`: by what an answer shows whether the gateway took the SMS. A status alone says too little.
#[derive(Debug, Clone)]
pub(super) struct Accept {
    /// Where the word stands: a path in JSON (`messages.0.status`), whose whole value it is; `None`: the answer begins with it.
    field: Option<String>,
    is: Vec<String>,
    refused: Vec<String>,
    again: Vec<String>,
    stop: Vec<String>,
    id: Option<String>,
}

/// Reads `accept`.
pub(super) fn accept(reader: &mut Reader<'_>) -> Option<Accept> {
    if !reader.has("accept") {
        reader.missing(
            "accept",
            said!(
                "Zum Beispiel accept = {{ field = \"status\", is = [\"ok\"], id = \"message_id\" }}.",
                "For example accept = {{ field = \"status\", is = [\"ok\"], id = \"message_id\" }}."
            ),
        );
        return None;
    }
    let table = reader.table("accept")?;
    let mut inner = Reader::new(&table, &[]);
    let read = Accept {
        field: inner.text("field"),
        is: words(&mut inner, "is"),
        refused: words(&mut inner, "refused"),
        again: words(&mut inner, "again"),
        stop: words(&mut inner, "stop"),
        id: inner.text("id"),
    };
    if read.is.is_empty() {
        inner.missing(
            "is",
            said!(
                "Nennen Sie die Wörter, an denen man die Annahme erkennt, zum Beispiel is = [\"ok\"].",
                "Name the words by which one sees that it was taken, such as is = [\"ok\"]."
            ),
        );
    }
    if let Some(word) = read.said_twice() {
        let word = quoted(word);
        inner.problem(
            "",
            said!(
                "{word} steht in zwei Listen und kann nicht zweierlei bedeuten.",
                "{word} stands in two lists and cannot mean two things."
            ),
            said!("Lassen Sie es in einer stehen.", "Leave it in one of them."),
        );
    }
    reader.absorb(inner.finish());
    Some(read)
}

/// The words of a list, none of them empty.
fn words(reader: &mut Reader<'_>, key: &str) -> Vec<String> {
    let list = if reader.has(key) { reader.texts(key) } else { None };
    list.unwrap_or_default()
        .into_iter()
        .map(|(word, _)| word)
        .filter(|word| !word.trim().is_empty())
        .collect()
}

impl Accept {
    /// The outcome of an answer with a status of 200 to 299; unknown where it says nothing that was described.
    pub(super) fn read(&self, who: &str, answer: &Answer) -> Report {
        if !answer.complete {
            return http::not_understood(who, answer);
        }
        let json = answer.json();
        let body = String::from_utf8_lossy(&answer.body);
        let value = self
            .field
            .as_deref()
            .map(|path| json.as_ref().and_then(|j| at(j, path)));
        let found = |list: &[String]| match &value {
            Some(value) => value.as_ref().is_some_and(|value| list.contains(value)),
            None => list.iter().any(|word| begins_with(&body, word)),
        };
        let words = http::said_by(answer);
        if found(&self.refused) {
            return http::report(
                Outcome::Permanent,
                Reason::RecipientRefused,
                said!(
                    "{who} nimmt diese Nummer nicht an{words}",
                    "{who} refuses this number{words}"
                ),
            );
        }
        if found(&self.stop) {
            return http::report(
                Outcome::Auth,
                Reason::Credentials,
                said!(
                    "{who} nimmt vorerst nichts an; bitte Zugangsdaten, Guthaben und Beschreibung prüfen{words}",
                    "{who} takes nothing for now; check credentials, credit and description{words}"
                ),
            );
        }
        if found(&self.again) {
            return http::report(
                Outcome::Transient,
                Reason::ServiceTrouble,
                said!(
                    "{who} kann sie zurzeit nicht annehmen{words}",
                    "{who} cannot take it at present{words}"
                ),
            );
        }
        if !found(&self.is) {
            return http::not_understood(who, answer);
        }
        let id = self.id.as_deref().zip(json.as_ref());
        let id = id.and_then(|(path, json)| sms::remote_id(&at(json, path)?));
        http::report(
            Outcome::Accepted(Remote { id, url: None }),
            Reason::Ok,
            said!("{who} hat sie angenommen", "{who} took it"),
        )
    }

    /// A word that means two things.
    fn said_twice(&self) -> Option<&str> {
        let mut all: Vec<&String> = [&self.is, &self.refused, &self.again, &self.stop]
            .into_iter()
            .flatten()
            .collect();
        all.sort_unstable();
        all.windows(2)
            .find(|pair| pair[0] == pair[1])
            .map(|pair| pair[0].as_str())
    }
}

/// True where a text begins with a word and the word ends there: `OK 77` with `OK`, but neither `NOT OK` nor `OKAY`. A word somewhere in it
/// would say nothing.
fn begins_with(text: &str, word: &str) -> bool {
    let text = text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    let Some(rest) = text.strip_prefix(word.trim()) else {
        return false;
    };
    let goes_on = rest.starts_with(char::is_alphanumeric);
    !(goes_on && word.trim().ends_with(char::is_alphanumeric))
}

/// The text, number or truth value at a path of names and positions.
fn at(json: &Value, path: &str) -> Option<String> {
    let mut value = json;
    for step in path.split('.') {
        value = match step.parse::<usize>() {
            Ok(n) if value.is_array() => value.get(n)?,
            _ => value.get(step)?,
        };
    }
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(n) => Some(n.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

/// `receipts`: which fields of a report say what. They come in the query, as a form or as JSON.
#[derive(Debug, Clone)]
pub(super) struct Receipts {
    /// Where our reference comes back; not needed where the report comes to the address of its attempt.
    reference: Option<String>,
    status: String,
    delivered: Vec<String>,
    rejected: Vec<String>,
    expired: Vec<String>,
}

/// Reads `receipts`; `None` where nothing is written.
pub(super) fn receipts(reader: &mut Reader<'_>) -> Option<Receipts> {
    if !reader.has("receipts") {
        return None;
    }
    let table = reader.table("receipts")?;
    let mut inner = Reader::new(&table, &[]);
    let reference = inner.text("ref");
    let status = inner.required(
        "status",
        said!(
            "Das Feld des Berichts, in dem der Stand steht.",
            "The field of a report in which the status stands."
        ),
    );
    let lists = ["delivered", "rejected", "expired"].map(|key| words(&mut inner, key));
    if lists[0].is_empty() {
        let remedy: Said = said!(
            "Zum Beispiel delivered = [\"DELIVRD\"].",
            "For example delivered = [\"DELIVRD\"]."
        );
        inner.missing("delivered", remedy);
    }
    reader.absorb(inner.finish());
    let [delivered, rejected, expired] = lists;
    Some(Receipts {
        reference,
        status: status?,
        delivered,
        rejected,
        expired,
    })
}

/// Why no delivery report could ever be understood or matched, where that is so.
pub(super) fn no_way_home(receipts: Option<&Receipts>, described: &Described) -> Option<Said> {
    let asked = described.uses(&[Field::Receipts]);
    match receipts {
        None => asked.then(|| {
            said!(
                "Die Anfrage bittet um Zustellberichte, aber wie sie zu lesen sind, steht nirgends.",
                "the request asks for delivery reports, but nothing says how they read."
            )
        }),
        Some(receipts) => {
            let matched = asked || (receipts.reference.is_some() && described.uses(&[Field::Ref]));
            (!matched).then(|| {
                said!(
                    "Zu welcher SMS ein Bericht gehört, ließe sich nicht erkennen.",
                    "one could not tell to which SMS a report belongs."
                )
            })
        }
    }
}

impl Receipts {
    /// Our reference, as the report carries it: in the address we gave, else in its field.
    pub(super) fn reference(&self, request: &ReceiptRequest) -> Option<String> {
        let given = request.query.iter().find(|(name, _)| name == "r");
        given
            .map(|(_, value)| value.clone())
            .or_else(|| field(request, self.reference.as_deref()?))
    }

    /// The gateway's word and what it means. What is not described is no final word.
    pub(super) fn word(&self, request: &ReceiptRequest) -> Option<(ReceiptWord, String)> {
        let raw = field(request, &self.status)?;
        let is = |list: &[String]| list.iter().any(|word| word.eq_ignore_ascii_case(&raw));
        let word = if is(&self.delivered) {
            ReceiptWord::Delivered
        } else if is(&self.rejected) {
            ReceiptWord::Rejected
        } else if is(&self.expired) {
            ReceiptWord::Expired
        } else {
            ReceiptWord::Buffered
        };
        Some((word, sms::words_of_a_report(&raw)))
    }
}

fn field(request: &ReceiptRequest, path: &str) -> Option<String> {
    if let Some((_, value)) = request.query.iter().find(|(name, _)| name == path) {
        return Some(value.clone());
    }
    if let Ok(json) = serde_json::from_slice::<Value>(&request.body) {
        return at(&json, path);
    }
    url::form_urlencoded::parse(&request.body)
        .find(|(name, _)| name == path)
        .map(|(_, value)| value.into_owned())
}
