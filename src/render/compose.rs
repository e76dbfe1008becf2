//! The text of a short channel (a post, an SMS): lead, state, text, next information, link, made to fit the channel's limit in
//! the channel's unit. Lead, state and link always stay; what has to give way first is the long text, then its last sentences.

use serde_json::json;

use super::earlier::{Tell, told};
use super::message::Message;
use super::words::Words;
use super::{Engine, Escape, RenderError};
use crate::domain::words::Kind;
use crate::store::{Fit, Variant};
use crate::text::transliterate::{self, Replacement};
use crate::text::{shorten, sms};

/// Format version of the variants made here: `text` is the whole message, `payload` is the kind's own.
pub const FORMAT: u16 = 1;

/// Up to so many places are all named where the text itself can give way; of more than that the last ones become a number
/// before the text loses a word.
const FEW_PLACES: usize = 5;

/// Why a channel has no text for a message.
#[derive(Debug, thiserror::Error)]
pub enum ComposeError {
    /// A template failed.
    #[error(transparent)]
    Template(#[from] RenderError),
    /// Even what always stays is longer than the channel allows.
    #[error("what always stays of the message is longer than {limit} {unit}")]
    TooLong {
        /// What the channel allows.
        limit: usize,
        /// In this unit, as in [`Fit`].
        unit: String,
    },
}

/// What stands in the template beside the message.
#[derive(Clone, Copy)]
struct Parts<'a> {
    text: &'a str,
    headline: &'a str,
    next: bool,
    /// Places called by name.
    places: usize,
    /// Of the words of the notice only the short text is there.
    short_alone: bool,
    /// Of a digest: what is said of earlier notices.
    tell: Tell,
}

/// Composes `template` (`post`, `sms`) for a message; a correction also for whoever has not got what it corrects, where the same
/// words are no correction.
///
/// `limit` is in the unit that `unit` counts, `unit_name` is its name on the board; `usize::MAX` stands for no limit. With
/// `gsm` the text is brought into the SMS alphabet where that loses nothing, and the fit says what it costs.
///
/// # Errors
/// Where the template fails, or where not even lead, state and link fit.
pub fn short_text(
    engine: &Engine,
    message: &Message,
    template: &str,
    limit: usize,
    unit: &dyn Fn(&str) -> usize,
    unit_name: &str,
    gsm: bool,
) -> Result<Variant, ComposeError> {
    let compose = |message: &Message| one_text(engine, message, template, limit, unit, unit_name, gsm);
    let mut variant = compose(message)?;
    if message.kind == Kind::Correction.word() {
        let first = message.as_first(engine.words(message.lang));
        variant.first = Some(compose(&first)?.text);
    }
    Ok(variant)
}

/// A text as it goes out, and what was written otherwise for the SMS alphabet.
type Finished = (String, Vec<Replacement>);

/// One text that fits.
fn one_text(
    engine: &Engine,
    message: &Message,
    template: &str,
    limit: usize,
    unit: &dyn Fn(&str) -> usize,
    unit_name: &str,
    gsm: bool,
) -> Result<Variant, ComposeError> {
    let shorter = if gsm { shorten::shorten_sms } else { shorten::shorten };
    let finish = |parts: &Parts<'_>| -> Result<Finished, RenderError> {
        let text = render(engine, message, template, parts)?;
        Ok(if gsm {
            transliterate::transliterate(&text)
        } else {
            (text, Vec::new())
        })
    };
    let whole = Parts {
        text: &message.short,
        headline: &message.headline,
        next: true,
        places: message.places.len(),
        short_alone: gsm,
        tell: Tell::Headlines,
    };
    let length = |parts: &Parts<'_>| finish(parts).map_or(usize::MAX, |(text, _)| unit(&text));
    let fits = |parts: &Parts<'_>| length(parts) <= limit;

    let too_long = || ComposeError::TooLong {
        limit,
        unit: unit_name.to_owned(),
    };

    // A template that fails, fails for every text: the first one shows it, so that the measuring below need not.
    let all_words = |tell: Tell| -> Result<Option<Finished>, RenderError> {
        let whole = Parts { tell, ..whole };
        // An SMS costs by the part and takes the short text at once; a post takes the summary where it fits.
        let summary = Parts {
            text: &message.summary,
            ..whole
        };
        for parts in [(!gsm).then_some(summary), Some(whole)].into_iter().flatten() {
            let finished = finish(&parts)?;
            if unit(&finished.0) <= limit {
                return Ok(Some(finished));
            }
        }
        // "… und 43 weitere Orte" says itself that it is short.
        let places = fewer_places(&whole, &fits);
        places.map(|places| finish(&Parts { places, ..whole })).transpose()
    };
    let tells = Tell::of(&message.earlier);
    // All the words of the notice, and of earlier ones the headlines, else at least the places.
    let mut found = None;
    for tell in tells.iter().take(2) {
        if let Some(finished) = all_words(*tell)? {
            // Without the headlines something is missing.
            found = Some((*tell != tells[0], finished));
            break;
        }
    }
    let (shortened, (text, replaced)) = if let Some(found) = found {
        found
    } else {
        // Everything is made to give way that may, with these places called by name.
        let cut = |tell: Tell, places: usize| {
            let whole = Parts { tell, places, ..whole };
            let next = fits(&Parts { text: "", ..whole });
            let length_of = |text: &str| length(&Parts { text, next, ..whole });
            let text = shorter(&message.short, limit, &length_of, None).text;
            let text = Parts {
                text: &text,
                next,
                ..whole
            };
            let length_of = |headline: &str| length(&Parts { headline, ..text });
            let headline = shorter(&message.headline, limit, &length_of, None).text;
            let parts = Parts {
                headline: &headline,
                ..text
            };
            fits(&parts).then(|| finish(&parts))
        };
        let few = if whole.places > FEW_PLACES { 0 } else { whole.places };
        let mut tells = tells.iter().filter(|tell| **tell != Tell::Headlines);
        let found = tells.find_map(|tell| cut(*tell, few).or_else(|| cut(*tell, 0).filter(|_| few > 1)));
        (true, found.ok_or_else(too_long)??)
    };
    let mut fit = Fit {
        length: unit(&text),
        limit: (limit != usize::MAX).then_some(limit),
        unit: unit_name.to_owned(),
        shortened,
        replaced,
        language_missing: if gsm {
            message.foreign.short
        } else {
            message.language_missing
        },
        ..Fit::default()
    };
    if gsm {
        let measured = sms::measure(&text);
        fit.segments = Some(measured.segments);
        fit.encoding = Some(measured.encoding.name().to_owned());
        fit.costly = measured.costly;
    }
    Ok(Variant {
        first: None,
        format: FORMAT,
        text,
        payload: serde_json::Value::Null,
        fit,
    })
}

/// The most places that can be called by name where many are concerned and everything else stays; at least two of them.
fn fewer_places(whole: &Parts<'_>, fits: &dyn Fn(&Parts<'_>) -> bool) -> Option<usize> {
    if whole.places <= FEW_PLACES {
        return None;
    }
    // One alone is never left out: its name is hardly longer than the words for it.
    (2..whole.places - 1)
        .rev()
        .find(|&places| fits(&Parts { places, ..*whole }))
}

/// "A, B, C"; "A, B und 43 weitere Orte"; "45 Orte".
pub(super) fn place_list(words: &Words, names: &[String], shown: usize) -> Option<String> {
    let left = names.len().checked_sub(shown)?;
    let list = names[..shown].join(", ");
    match (shown, left) {
        (0, 0) => None,
        (_, 0) => Some(list),
        (0, _) => Some(words.fill("places.count", &[("count", &left.to_string())])),
        _ => Some(words.fill("places.more", &[("list", &list), ("count", &left.to_string())])),
    }
}

/// The template with these parts.
fn render(engine: &Engine, message: &Message, template: &str, parts: &Parts<'_>) -> Result<String, RenderError> {
    let next = message.next.as_deref().filter(|_| parts.next);
    let mut data = json!({
        "lang": message.lang,
        "publisher": message.publisher,
        "publisher_name": message.publisher_name,
        "incident": message.incident,
        "number": message.number,
        "kind": message.kind,
        "lead": message.lead,
        "state": message.state,
        "headline": parts.headline,
        "text": parts.text,
        "as_of": message.as_of,
        "next": next,
        "places": message.places,
        "place_list": place_list(engine.words(message.lang), &message.places, parts.places),
        "link": match message.earlier.is_empty() {
            true => message.link.as_str(),
            // What it sums up stands there.
            false => message.incident_link(),
        },
        "language_note": message.language_note.as_ref().filter(|_| !parts.short_alone || message.foreign.short),
    });
    // A digest has templates of its own: what there is beside this one, and where it stands.
    let text = if message.earlier.is_empty() {
        engine.render(message.lang, template, &data, Escape::Plain)?
    } else {
        let (others, earlier) = told(engine.words(message.lang), &message.earlier, parts.tell);
        data["others"] = json!(others);
        data["earlier"] = json!(earlier);
        engine.render(message.lang, &format!("digest-{template}"), &data, Escape::Plain)?
    };
    Ok(closed_up(&text))
}

/// The text with the runs of blank lines closed up that left-out parts leave behind.
pub fn closed_up(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut blank = 0;
    for line in text.lines() {
        let line = line.trim_end();
        if line.is_empty() {
            blank += 1;
            continue;
        }
        if !out.is_empty() {
            out.push_str(if blank > 0 { "\n\n" } else { "\n" });
        }
        blank = 0;
        out.push_str(line);
    }
    out
}

/// What a channel counts in, as people say it.
pub fn unit_in_words(unit: &str, german: bool) -> &str {
    match (unit, german) {
        ("parts", _) => "SMS",
        ("graphemes", true) => "Zeichen",
        ("graphemes", false) => "characters",
        ("bytes", true) => "Bytes",
        (other, _) => other,
    }
}
