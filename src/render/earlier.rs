//! The earlier notices that a digest sums up: their words, and how short texts call them. Pure.

use serde::Serialize;

use super::message::Message;
use super::words::Words;
use crate::domain::notice::Notice;

/// Up to so many places of earlier notices are all called by name; of more the first ones.
const FEW_PLACES: usize = 5;

/// An earlier notice in a digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Earlier {
    /// Its number.
    pub number: u32,
    /// The notices that it puts right. It is told to those who have none of them: for them its words are no correction, and it has no lead that
    /// says so.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub corrects: Vec<u32>,
    /// What its text has to begin with, as in [`Message::lead`]; a correction's as for whoever has not got what it corrects.
    pub lead: String,
    /// The incident's state then, in words.
    pub state: String,
    /// Headline.
    pub headline: String,
    /// Summary.
    pub summary: String,
    /// "Stand: …".
    pub as_of: String,
    /// Names of the places it concerns; empty: all.
    pub places: Vec<String>,
    /// Its address.
    pub link: String,
    /// The sentence saying that its words are of another language.
    pub language_note: Option<String>,
    /// Nothing newer in the digest is about the same places: short texts, which only count the others, call it by name.
    #[serde(skip)]
    pub apart: bool,
}

impl Earlier {
    /// A notice as an earlier one; `message` is what it says, `apart` as above.
    pub fn of(words: &Words, message: Message, notice: &Notice, apart: bool) -> Self {
        let message = message.as_first(words);
        Self {
            number: message.number,
            corrects: notice.corrects.clone(),
            lead: message.lead,
            state: message.state,
            headline: message.headline,
            summary: message.summary,
            as_of: message.as_of,
            places: message.places,
            link: message.link,
            language_note: message.language_note,
            apart,
        }
    }

    /// "Meldung 2", "Meldung 2, sie berichtigt Meldung 1".
    pub fn name(&self, words: &Words) -> String {
        let number = self.number.to_string();
        let corrected: Vec<String> = self.corrects.iter().map(u32::to_string).collect();
        let key = if corrected.is_empty() {
            "digest.one"
        } else {
            "digest.one-corrects"
        };
        words.fill(key, &[("number", &number), ("numbers", &words.list(&corrected))])
    }

    /// "Werl: Wasser bitte abkochen"; with a number for a headline that is of another language.
    fn line(&self, words: &Words) -> String {
        let said = match &self.language_note {
            Some(_) => words.fill("digest.one", &[("number", &self.number.to_string())]),
            None => self.headline.clone(),
        };
        match few(words, &self.places) {
            Some(places) => format!("{places}: {said}"),
            None => said,
        }
    }
}

/// How much a short text says of the notices that stand apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tell {
    /// Place and headline of each.
    Headlines,
    /// The places.
    Places,
    /// Nothing: they are counted with the others.
    Count,
}

impl Tell {
    /// What can be told of these, the most first.
    pub(super) fn of(earlier: &[Earlier]) -> &'static [Self] {
        let apart = || earlier.iter().filter(|notice| notice.apart);
        match (apart().count(), apart().any(|notice| !notice.places.is_empty())) {
            (0, _) => &[Self::Count],
            (_, false) => &[Self::Headlines, Self::Count],
            (_, true) => &[Self::Headlines, Self::Places, Self::Count],
        }
    }
}

/// What a short digest says of its earlier notices: lines for those that stand apart, and how many there are beside these.
pub(super) fn told(words: &Words, earlier: &[Earlier], tell: Tell) -> (Vec<String>, String) {
    let apart: Vec<&Earlier> = earlier.iter().filter(|notice| notice.apart).collect();
    let mut lines = Vec::new();
    let mut named = 0;
    match tell {
        Tell::Headlines if !apart.is_empty() => {
            named = apart.len();
            lines.push(words.get("digest.others").to_owned());
            lines.extend(apart.iter().map(|notice| notice.line(words)));
        }
        Tell::Places => {
            let mut places: Vec<String> = Vec::new();
            for place in apart.iter().flat_map(|notice| &notice.places) {
                if !places.contains(place) {
                    places.push(place.clone());
                }
            }
            let list = few(words, &places);
            lines.extend(list.map(|list| words.fill("digest.places", &[("list", &list)])));
        }
        Tell::Headlines | Tell::Count => {}
    }
    let rest = earlier.len() - named;
    let key = match (named, rest) {
        (0, 1) => "digest.short-1",
        (0, _) => "digest.short",
        (_, 0) => "digest.page",
        (_, 1) => "digest.more-1",
        (_, _) => "digest.more",
    };
    (lines, words.fill(key, &[("count", &rest.to_string())]))
}

/// "A, B"; of many "A, B, C und 43 weitere Orte"; nothing of none.
fn few(words: &Words, names: &[String]) -> Option<String> {
    let shown = if names.len() <= FEW_PLACES {
        names.len()
    } else {
        // One alone is never left out: its name is hardly longer than the words for it.
        FEW_PLACES - 1
    };
    super::compose::place_list(words, names, shown)
}
