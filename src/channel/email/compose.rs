//! The text of a notice as a mail, frozen when it is published: subject, plain text, HTML. Only the address to unsubscribe is
//! each recipient's own; a mark stands in its place until the mail is sent.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::letter::one_line;
use crate::domain::words::Kind;
use crate::render::compose::closed_up;
use crate::render::earlier::Earlier;
use crate::render::message::Message;
use crate::render::words::Words as Standing;
use crate::render::{Engine, Escape, RenderError};
use crate::store::{Fit, Variant};

/// Stands in a frozen text where each recipient's token comes; exactly as long, and of letters that no encoding changes.
pub(super) const MARK: &str = "EMPFAENGER-RECIPIENT-TOKEN--";
const _: () = assert!(MARK.len() == crate::secret::UNSUBSCRIBE_CHARACTERS);

/// Format version of the payload.
const FORMAT: u16 = 1;
/// Longest subject, characters: what a phone shows is a third of it.
const LONGEST_SUBJECT: usize = 150;

/// What a mail needs beside its plain text.
#[derive(Debug, Serialize, Deserialize)]
struct Payload {
    subject: String,
    html: String,
    /// The publisher's id and name.
    publisher: String,
    from: String,
    /// Names the incident for ever.
    thread: String,
    /// The notice's number.
    number: u32,
    /// Address to unsubscribe, with the mark.
    unsubscribe: String,
    /// For whoever has not got what this corrects: subject and HTML of their first message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    first: Option<(String, String)>,
}

/// The words of a frozen text, as they are sent.
#[derive(Debug)]
pub(super) struct Words<'a> {
    pub(super) subject: String,
    pub(super) text: &'a str,
    pub(super) html: Option<&'a str>,
    pub(super) publisher: &'a str,
    pub(super) from: &'a str,
    pub(super) thread: &'a str,
    pub(super) number: u64,
    pub(super) unsubscribe: &'a str,
}

impl<'a> Words<'a> {
    /// Reads a frozen text of this or an older release. What is missing there is missing in the mail, which goes all the same.
    pub(super) fn of(variant: &'a Variant) -> Self {
        let payload = &variant.payload;
        let word = |name: &str| payload[name].as_str().unwrap_or_default();
        let first = variant.first.as_deref() == Some(variant.text.as_str()) && payload["first"].is_array();
        let (subject, html) = if first {
            (payload["first"][0].as_str(), payload["first"][1].as_str())
        } else {
            (payload["subject"].as_str(), payload["html"].as_str())
        };
        let subject = subject.unwrap_or_else(|| variant.text.lines().next().unwrap_or_default());
        Self {
            subject: one_line(subject, LONGEST_SUBJECT),
            text: &variant.text,
            html,
            publisher: word("publisher"),
            from: word("from"),
            thread: word("thread"),
            number: payload["number"].as_u64().unwrap_or(1),
            unsubscribe: word("unsubscribe"),
        }
    }
}

/// Freezes a message.
pub(super) fn compose(engine: &Engine, message: &Message) -> Result<Variant, RenderError> {
    let (subject, text, html) = render(engine, message)?;
    let (mut first_text, mut first) = (None, None);
    if message.kind == Kind::Correction.word() {
        let (subject, text, html) = render(engine, &message.as_first(engine.words(message.lang)))?;
        (first_text, first) = (Some(text), Some((subject, html)));
    }
    let fit = Fit {
        length: text.chars().count(),
        unit: "graphemes".to_owned(),
        language_missing: message.language_missing,
        ..Fit::default()
    };
    let payload = Payload {
        subject,
        html,
        publisher: message.publisher.clone(),
        from: message.publisher_name.clone(),
        thread: format!("{}/{}", message.publisher, message.incident),
        number: message.number,
        unsubscribe: unsubscribe(message),
        first,
    };
    Ok(Variant {
        format: FORMAT,
        text,
        first: first_text,
        payload: json!(payload),
        fit,
    })
}

/// Below the publisher's page, in the message's language: `https://…/en/potsdam/unsubscribe/MARK`.
fn unsubscribe(message: &Message) -> String {
    let notice = format!("/{}/{}/", message.incident, message.number);
    let publisher = message.link.strip_suffix(&notice).unwrap_or(&message.link);
    format!("{publisher}/unsubscribe/{MARK}")
}

/// Subject, plain text, HTML.
fn render(engine: &Engine, message: &Message) -> Result<(String, String, String), RenderError> {
    let words = engine.words(message.lang);
    let values = [
        ("lead", message.lead.as_str()),
        ("state", &message.state),
        ("headline", &message.headline),
    ];
    let count = message.earlier.len().to_string();
    let (key, name) = match message.earlier.len() {
        0 => ("email.subject", "email"),
        1 => ("digest.subject-1", "digest"),
        _ => ("digest.subject", "digest"),
    };
    let subject = words.fill(key, &[&values[..], &[("count", &count)]].concat());
    let subject = one_line(&subject, LONGEST_SUBJECT);
    let short = &message.in_short;
    let data = json!({
        "lang": message.lang.html_lang(),
        "subject": subject,
        "publisher": message.publisher,
        "publisher_name": message.publisher_name,
        "incident": message.incident,
        "number": message.number,
        "kind": message.kind,
        "lead": message.lead,
        "state": message.state,
        "headline": message.headline,
        "summary": message.summary,
        "paragraphs": paragraphs(&message.summary),
        "as_of": message.as_of,
        "next": message.next,
        "place_list": (!message.places.is_empty()).then(|| message.places.join(", ")),
        "services": short.services,
        "more": short.more,
        "contacts": short.contacts,
        "phone": short.phone,
        "link": message.link,
        "language_note": message.language_note,
        "unsubscribe": unsubscribe(message),
        "all": message.earlier.len() + 1,
        "earlier": message.earlier.iter().map(|notice| earlier(words, notice)).collect::<Vec<_>>(),
    });
    let text = closed_up(&engine.render(message.lang, &format!("{name}.txt"), &data, Escape::Plain)?);
    let html = engine.render(message.lang, &format!("{name}.html"), &data, Escape::Html)?;
    Ok((subject, text, html))
}

/// A notice that a digest sums up.
fn earlier(words: &Standing, notice: &Earlier) -> Value {
    let mut data = json!(notice);
    data["name"] = json!(notice.name(words));
    data["paragraphs"] = json!(paragraphs(&notice.summary));
    data["place_list"] = json!((!notice.places.is_empty()).then(|| notice.places.join(", ")));
    data
}

fn paragraphs(text: &str) -> Vec<&str> {
    text.lines().map(str::trim).filter(|p| !p.is_empty()).collect()
}
