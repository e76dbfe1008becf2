//! The standing words of a language: `templates/<lang>/words.toml`, flattened to `state.restricted`. Every language has every
//! word, and a folder of one's own overrides key by key, so that no key is ever missing. Imports only `text`.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use super::{RenderError, embedded};
use crate::text::lang::Lang;

/// The standing words of one language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    /// Language.
    pub lang: Lang,
    map: BTreeMap<String, String>,
}

impl Words {
    /// The words as delivered; read when a language is first needed.
    pub fn of(lang: Lang) -> &'static Self {
        static DE: OnceLock<Words> = OnceLock::new();
        static SIMPLE: OnceLock<Words> = OnceLock::new();
        static EN: OnceLock<Words> = OnceLock::new();
        let of = match lang {
            Lang::De => &DE,
            Lang::DeSimple => &SIMPLE,
            Lang::En => &EN,
        };
        of.get_or_init(|| {
            Self::load(lang, &BTreeMap::new()).expect("the delivered words are read by a test of this file")
        })
    }

    /// The words of a language, overridden by the file of the same name in `own` (path to full path and text). A key that is
    /// not known is an error: nobody would ever see its word.
    pub(super) fn load(lang: Lang, own: &BTreeMap<String, (String, String)>) -> Result<Self, RenderError> {
        let path = path(lang);
        let text = embedded(&path).ok_or_else(|| RenderError {
            template: path.clone(),
            message: "is not there".to_owned(),
        })?;
        let mut map = flatten(&path, &text)?;
        if let Some((file, text)) = own.get(&path) {
            let words = flatten(file, text)?;
            check_known(file, &words)?;
            map.extend(words);
        }
        Ok(Self { lang, map })
    }

    /// The word of a key; the key itself where there is none (templates are checked for that when they are loaded).
    pub fn get<'a>(&'a self, key: &'a str) -> &'a str {
        self.map.get(key).map_or(key, String::as_str)
    }

    /// Whether there is a word for this key.
    pub fn has(&self, key: &str) -> bool {
        self.map.contains_key(key)
    }

    /// The word of `list.key`, for the closed lists of the domain.
    pub fn of_list(&self, list: &str, key: &str) -> &str {
        self.map.get(&format!("{list}.{key}")).map_or("", String::as_str)
    }

    /// The word of a key with `{name}` replaced. Values are put in as they are and not searched again.
    pub fn fill(&self, key: &str, values: &[(&str, &str)]) -> String {
        let mut rest = self.get(key);
        let mut out = String::with_capacity(rest.len() + 32);
        while let Some((before, after)) = rest.split_once('{') {
            out.push_str(before);
            let Some((name, then)) = after.split_once('}') else {
                out.push('{');
                rest = after;
                continue;
            };
            if let Some((_, value)) = values.iter().find(|(n, _)| *n == name) {
                out.push_str(value);
            }
            rest = then;
        }
        out.push_str(rest);
        out
    }

    /// "a, b und c".
    pub fn list(&self, items: &[String]) -> String {
        match items {
            [] => String::new(),
            [one] => one.clone(),
            [most @ .., last] => format!("{} {} {last}", most.join(", "), self.get("lead.and")),
        }
    }
}

/// Where a language's words stand, in what is delivered and in a folder.
pub(super) fn path(lang: Lang) -> String {
    format!("{}/words.toml", lang.tag())
}

/// Every key of a folder's words is one that is delivered too.
fn check_known(path: &str, words: &BTreeMap<String, String>) -> Result<(), RenderError> {
    let known = &Words::of(Lang::De).map;
    let Some(unknown) = words.keys().find(|key| !known.contains_key(*key)) else {
        return Ok(());
    };
    let near = known
        .keys()
        .max_by(|a, b| strsim::jaro_winkler(a, unknown).total_cmp(&strsim::jaro_winkler(b, unknown)));
    Err(RenderError {
        template: path.to_owned(),
        message: format!(
            "unknown key \"{unknown}\"; the nearest known one is \"{}\"",
            near.map_or("", String::as_str)
        ),
    })
}

/// Tables of strings to dotted keys.
fn flatten(path: &str, text: &str) -> Result<BTreeMap<String, String>, RenderError> {
    let fault = |message: String| RenderError {
        template: path.to_owned(),
        message,
    };
    let tables: BTreeMap<String, BTreeMap<String, String>> =
        toml::from_str(text).map_err(|e| fault(e.to_string().trim().to_owned()))?;
    Ok(tables
        .into_iter()
        .flat_map(|(table, words)| {
            words
                .into_iter()
                .map(move |(key, word)| (format!("{table}.{key}"), word))
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::words::{
        Appointments, ContactState, EventKind, IncidentState, PlaceState, ServiceState, Sure, Way,
    };

    #[test]
    fn every_word_of_every_closed_list_has_a_word_in_every_language() {
        for lang in Lang::ALL {
            let words = Words::load(lang, &BTreeMap::new()).unwrap();
            let lists: [(&str, Vec<&str>); 8] = [
                ("state", IncidentState::ALL.iter().map(|w| w.word()).collect()),
                ("service", ServiceState::ALL.iter().map(|w| w.word()).collect()),
                ("contact", ContactState::ALL.iter().map(|w| w.word()).collect()),
                ("place", PlaceState::ALL.iter().map(|w| w.word()).collect()),
                ("appointments", Appointments::ALL.iter().map(|w| w.word()).collect()),
                ("way", Way::ALL.iter().map(|w| w.word()).collect()),
                ("sure", Sure::ALL.iter().map(|w| w.word()).collect()),
                ("event", EventKind::ALL.iter().map(|w| w.word()).collect()),
            ];
            for (list, keys) in lists {
                for key in keys {
                    assert_ne!(words.of_list(list, key), "", "{lang} {list}.{key}");
                }
            }
            for state in ServiceState::ALL {
                assert_ne!(words.of_list("means", state.word()), "", "{lang} {state}");
                assert_ne!(words.of_list("ways", state.word()), "", "{lang} {state}");
            }
        }
    }

    #[test]
    fn every_language_has_the_same_keys_and_placeholders() {
        let holes = |word: &str| {
            let mut holes: Vec<String> = word
                .split('{')
                .skip(1)
                .filter_map(|part| part.split_once('}'))
                .map(|(name, _)| name.to_owned())
                .collect();
            holes.sort();
            holes
        };
        let de = &Words::of(Lang::De).map;
        for lang in [Lang::En, Lang::DeSimple] {
            let words = &Words::of(lang).map;
            assert_eq!(
                de.keys().collect::<Vec<_>>(),
                words.keys().collect::<Vec<_>>(),
                "{lang}"
            );
            for (key, word) in words {
                assert_eq!(holes(word), holes(&de[key]), "{lang} {key}");
                assert_eq!(word.ends_with(' '), de[key].ends_with(' '), "{lang} {key}");
            }
        }
    }

    #[test]
    fn plain_german_has_short_sentences_and_short_words() {
        // Twelve words and five syllables are what rules of plain language allow; letters stand for syllables here. What the law
        // calls by name keeps its name.
        const NAMES: [&str; 2] = ["Barrierefreiheit", "verantwortlich"];
        let named_by_law = |key: &str| key.starts_with("land.");
        for (key, text) in Words::of(Lang::DeSimple)
            .map
            .iter()
            .filter(|(key, _)| !named_by_law(key))
        {
            for sentence in text.split_inclusive(['.', '?', '!', ':']) {
                let words: Vec<&str> = sentence.split_whitespace().collect();
                assert!(words.len() <= 12, "{key}: {sentence}");
                for word in words {
                    let letters = word.trim_matches(|c: char| !c.is_alphanumeric());
                    assert!(
                        letters.chars().count() <= 13 || NAMES.contains(&letters),
                        "{key}: {word}"
                    );
                }
            }
        }
    }

    #[test]
    fn the_words_of_the_contract() {
        let de = Words::of(Lang::De);
        assert_eq!(de.get("state.rolled-back"), "Wieder abgeschaltet");
        assert_eq!(de.get("state.restored"), "Störung beendet");
    }

    #[test]
    fn values_are_put_in_once() {
        let de = Words::of(Lang::De);
        assert_eq!(de.fill("as-of.line", &[("when", "{when}")]), "Stand: {when}");
        assert_eq!(de.list(&["1".into(), "2".into(), "3".into()]), "1, 2 und 3");
    }

    #[test]
    fn a_key_one_letter_off_names_the_nearest() {
        let load = |text: &str| {
            let file = ("/own/de/words.toml".to_owned(), text.to_owned());
            Words::load(Lang::De, &BTreeMap::from([("de/words.toml".to_owned(), file)]))
        };
        let fault = load("[state]\nrestrictd = \"x\"").unwrap_err().to_string();
        assert!(
            fault.contains("/own/de/words.toml") && fault.contains("state.restricted"),
            "{fault}"
        );
        let fault = load("[state]\nrestricted = 3").unwrap_err().to_string();
        assert!(fault.contains("line 2"), "{fault}");
    }
}
