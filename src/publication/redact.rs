//! Takes a field out of a published notice: its content is replaced by "removed on …" everywhere, a salted hash stays.

use crate::domain::notice::Notice;
use crate::store::{Fit, Variant};
use crate::text::lang::Lang;
use crate::text::said::Said;

/// The notice with a field replaced, and what stood there (to be hashed, never stored).
#[derive(Debug)]
pub struct Redacted {
    /// The notice as it is to be stored from now on.
    pub notice: Notice,
    /// The removed content, all languages joined.
    pub removed: String,
}

/// What stands there instead: `de` everywhere but in English texts.
#[derive(Debug)]
pub struct Mark {
    /// "[entfernt am 24.01.2023]".
    pub de: String,
    /// "[removed on 24 January 2023]".
    pub en: String,
}

impl Mark {
    /// The mark of a day.
    pub fn of(day: jiff::civil::Date) -> Self {
        Self {
            de: day.strftime("[entfernt am %d.%m.%Y]").to_string(),
            en: day.strftime("[removed on %-d %B %Y]").to_string(),
        }
    }

    /// Of a text that nobody can render again.
    pub(super) fn instead_of(&self, text: &Variant, lang: Lang) -> Variant {
        Variant {
            format: text.format,
            text: self.in_language(lang.tag()).to_owned(),
            first: None,
            payload: serde_json::Value::Null,
            fit: Fit::default(),
        }
    }

    fn in_language(&self, tag: &str) -> &str {
        if tag == "en" { &self.en } else { &self.de }
    }
}

/// Replaces `field` by `mark`. Fields: `headline`, `summary`, `body`, `short` (in every language), `title`, `next.where`, the
/// words of `at` and `since`, or a fact's words by path (`contact.zentrale.phone`, `said.rektor.source.who`). A field that was removed before is refused: its hash stays that of the content.
pub fn redact(notice: &Notice, field: &str, mark: &Mark) -> Result<Redacted, Said> {
    let mut json = serde_json::to_value(notice).map_err(|_| unknown(field))?;
    let first = notice.words.keys().next().map_or("de", |lang| lang.tag());
    let mut removed = Vec::new();
    let path: Vec<&str> = field.split('.').collect();
    match path.as_slice() {
        [word @ ("headline" | "summary" | "body" | "short")] => {
            if let Some(words) = json.get_mut("words").and_then(|w| w.as_object_mut()) {
                for (lang, text) in words {
                    replace(text.get_mut(*word), mark.in_language(lang), &mut removed);
                }
            }
        }
        ["title"] | ["at" | "since" | "next", ..] => {
            let pointer = format!("/{}", path.join("/"));
            replace(json.pointer_mut(&pointer), mark.in_language(first), &mut removed);
        }
        [table, id, name, below @ ..] => {
            let fact = json.pointer_mut(&format!("/facts/{table}/{id}"));
            if let Some(fact) = fact {
                let pointer = [&[""], &path[2..]].concat().join("/");
                replace(fact.pointer_mut(&pointer), mark.in_language(first), &mut removed);
                if let Some(translations) = fact.get_mut("translations").and_then(|t| t.as_object_mut())
                    && below.is_empty()
                {
                    for (lang, words) in translations {
                        replace(words.get_mut(*name), mark.in_language(lang), &mut removed);
                    }
                }
            }
        }
        _ => {}
    }
    if removed.is_empty() {
        return Err(unknown(field));
    }
    if removed
        .iter()
        .all(|text| text.starts_with("[entfernt am ") || text.starts_with("[removed on "))
    {
        return Err(crate::said!(
            "„{field}“ ist schon entfernt.",
            "`{field}` is removed already."
        ));
    }
    let notice = serde_json::from_value(json).map_err(|_| unknown(field))?;
    Ok(Redacted {
        notice,
        removed: removed.join("\n"),
    })
}

fn replace(value: Option<&mut serde_json::Value>, mark: &str, removed: &mut Vec<String>) {
    if let Some(serde_json::Value::String(text)) = value
        && !text.is_empty()
    {
        removed.push(std::mem::replace(text, mark.to_owned()));
    }
}

fn unknown(field: &str) -> Said {
    crate::said!(
        "In dieser Meldung steht kein Text unter „{field}“. Möglich sind headline, summary, body, short, title, next.where oder ein Feld eines Fakts, zum Beispiel contact.zentrale.phone oder said.rektor.source.who.",
        "There is no text at `{field}` in this notice. Use headline, summary, body, short, title, next.where, or a fact's field such as contact.zentrale.phone or said.rector.source.who."
    )
}
