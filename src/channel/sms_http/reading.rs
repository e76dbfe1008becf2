//! How the described gateway's answers and reports are read.

use serde_json::Value;

use crate::channel::{ReceiptRequest, http};
use crate::domain::outcome::{Outcome, Reason, Remote, Report};
use crate::net::Answer;
use crate::said;
use crate::settings::Reader;
use crate::store::ReceiptWord;
use crate::text::said::Said;

/// `accept`: by what an answer shows whether the gateway took the SMS. A status alone says too little.
#[derive(Debug, Clone)]
pub(super) struct Accept {
    /// Where the word stands: a path in JSON (`messages.0.status`); `None`: anywhere in the answer.
    field: Option<String>,
    is: Vec<String>,
    refused: Vec<String>,
    again: Vec<String>,
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
        let json = answer.json();
        let body = String::from_utf8_lossy(&answer.body);
        let word = self
            .field
            .as_deref()
            .map(|path| json.as_ref().and_then(|j| at(j, path)));
        let found = |list: &[String]| match &word {
            Some(word) => word.as_ref().is_some_and(|word| list.iter().any(|w| w == word)),
            None => list.iter().any(|w| body.contains(w.as_str())),
        };
        if found(&self.refused) {
            return http::report(
                Outcome::Permanent,
                Reason::RecipientRefused,
                said!("{who} nimmt diese Nummer nicht an", "{who} refuses this number"),
            );
        }
        if found(&self.again) {
            return http::report(
                Outcome::Transient,
                Reason::ServiceTrouble,
                said!(
                    "{who} kann sie zurzeit nicht annehmen",
                    "{who} cannot take it at present"
                ),
            );
        }
        if !answer.complete || !found(&self.is) {
            return http::not_understood(who, answer);
        }
        let id = self
            .id
            .as_deref()
            .zip(json.as_ref())
            .and_then(|(path, json)| at(json, path));
        http::report(
            Outcome::Accepted(Remote { id, url: None }),
            Reason::Ok,
            said!("{who} hat sie angenommen", "{who} took it"),
        )
    }
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
        Some((word, raw.chars().filter(|c| !c.is_control()).take(200).collect()))
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
