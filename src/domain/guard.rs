//! Words that want somebody's consent before they go out: names of groups, ransom, malware families, product versions,
//! claims about data without an as-of. Lists in `templates/<lang>/guard.toml`, embedded here because the rules of the
//! domain stand below the templates. They make the preview warn; they refuse nothing.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use serde::Deserialize;

use super::notice::Notice;
use crate::said;
use crate::text::said::Said;

/// One word list.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct List {
    words: Vec<String>,
    /// Counts only together with one of these in the same sentence.
    with: Vec<String>,
    /// Counts also without.
    alone: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Lists {
    group: List,
    ransom: List,
    malware: List,
    product: List,
    data: List,
    no_sign: List,
}

static LISTS: LazyLock<Vec<Lists>> = LazyLock::new(|| {
    [
        include_str!("../../templates/de/guard.toml"),
        include_str!("../../templates/en/guard.toml"),
    ]
    .iter()
    // Embedded text; a test reads it. A list that could not be read would only warn less.
    .filter_map(|text| toml::from_str(text).ok())
    .collect()
});

/// A word found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// What and what to do, in words.
    pub said: Said,
    /// Stays wrong whoever has agreed to it.
    pub always: bool,
}

/// The words of a notice that want consent, each once. `as_of_given`: the author wrote an as-of for the whole notice.
pub fn hits(notice: &Notice, as_of_given: bool) -> Vec<Hit> {
    let mut hits = Vec::new();
    let mut seen = BTreeSet::new();
    for text in texts(notice, as_of_given) {
        for sentence in text.words.split(['.', '!', '?', '\n']) {
            let tokens = tokens(sentence);
            for lists in LISTS.iter() {
                for hit in in_sentence(&tokens, lists, &text) {
                    if seen.insert(hit.said.en.clone()) {
                        hits.push(hit);
                    }
                }
            }
        }
        // A version has a full stop in it, so it is looked for in the whole text.
        for lists in LISTS.iter() {
            for word in lists.product.words.iter().filter_map(|w| versioned(&text.words, w)) {
                let hit = consent(
                    &text.field,
                    &word,
                    &said!("ein Produkt mit Version", "a product with its version"),
                );
                if seen.insert(hit.said.en.clone()) {
                    hits.push(hit);
                }
            }
        }
    }
    hits
}

struct Text {
    field: String,
    words: String,
    dated: bool,
    assured: bool,
}

/// Every text of a notice that people will read as the publisher's own words; quotations are others' words.
fn texts(notice: &Notice, as_of_given: bool) -> Vec<Text> {
    let mut out = Vec::new();
    for words in notice.words.values() {
        let all = [
            Some(&words.headline),
            Some(&words.summary),
            words.body.as_ref(),
            words.short.as_ref(),
        ];
        for (field, text) in ["headline", "summary", "body", "short"].iter().zip(all) {
            out.extend(text.map(|text| Text {
                field: (*field).to_owned(),
                words: text.clone(),
                dated: as_of_given,
                assured: false,
            }));
        }
    }
    let Ok(serde_json::Value::Object(tables)) = serde_json::to_value(&notice.facts) else {
        return out;
    };
    for (table, facts) in tables.iter().filter(|(table, _)| *table != "said") {
        for (id, fact) in facts.as_object().into_iter().flatten() {
            let mut words = String::new();
            gather(fact, &mut words);
            out.push(Text {
                field: format!("{table}.{id}"),
                words,
                dated: as_of_given || fact.get("as_of").is_some(),
                assured: table == "assured",
            });
        }
    }
    out
}

/// All strings below a value, one a line.
fn gather(value: &serde_json::Value, out: &mut String) {
    match value {
        serde_json::Value::String(text) => {
            out.push_str(text);
            out.push('\n');
        }
        serde_json::Value::Array(list) => list.iter().for_each(|v| gather(v, out)),
        serde_json::Value::Object(map) => map
            .iter()
            .filter(|(key, _)| !matches!(key.as_str(), "link" | "url" | "email" | "source"))
            .for_each(|(_, v)| gather(v, out)),
        _ => {}
    }
}

fn tokens(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric() && c != '-')
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}

/// Whether a list's word (perhaps of several parts, perhaps with a star) stands among the tokens.
fn stands(tokens: &[String], word: &str) -> bool {
    let (word, prefix) = word.strip_suffix('*').map_or((word, false), |w| (w, true));
    let parts: Vec<&str> = word.split(' ').collect();
    tokens.windows(parts.len()).any(|window| {
        window
            .iter()
            .zip(&parts)
            .enumerate()
            .all(|(i, (token, part))| token == part || (prefix && i + 1 == parts.len() && token.starts_with(part)))
    })
}

fn in_sentence(tokens: &[String], lists: &Lists, text: &Text) -> Vec<Hit> {
    let mut hits = Vec::new();
    let plain = [
        (&lists.group, said!("eine Tätergruppe", "a group of attackers")),
        (&lists.ransom, said!("Lösegeld oder Erpressung", "ransom or extortion")),
        (&lists.malware, said!("eine Schadsoftware mit Namen", "malware by name")),
    ];
    for (list, about) in plain {
        let found = list.words.iter().filter(|word| stands(tokens, word));
        hits.extend(found.map(|word| consent(&text.field, word.trim_end_matches('*'), &about)));
    }
    let both =
        |list: &List| list.words.iter().any(|w| stands(tokens, w)) && list.with.iter().any(|w| stands(tokens, w));
    let field = &text.field;
    if !text.dated && (both(&lists.data) || lists.data.alone.iter().any(|w| stands(tokens, w))) {
        hits.push(Hit {
            said: said!(
                "{field}: eine Aussage über Daten ohne Stand. Geben Sie as_of an und mit wem es abgestimmt ist (cleared_with).",
                "{field}: a claim about data without an as-of. Give as_of and with whom it is agreed (cleared_with)."
            ),
            always: false,
        });
    }
    if text.assured && both(&lists.no_sign) {
        hits.push(Hit {
            said: said!(
                "{field}: „kein Anzeichen“ ist nicht gesichert. Schreiben Sie es als [finding.…] mit sure = \"no-sign-so-far\".",
                "{field}: \"no sign\" is not assured. Write it as [finding.…] with sure = \"no-sign-so-far\"."
            ),
            always: true,
        });
    }
    hits
}

/// The product and its version, where a number follows the product's name within two words.
fn versioned(text: &str, product: &str) -> Option<String> {
    let words: Vec<&str> = text
        .split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '(' | ')' | '"'))
        .filter(|word| !word.is_empty())
        .collect();
    let parts: Vec<&str> = product.split(' ').collect();
    for (i, window) in words.windows(parts.len()).enumerate() {
        if !window
            .iter()
            .zip(&parts)
            .all(|(word, part)| word.to_lowercase() == *part)
        {
            continue;
        }
        let following = words.iter().skip(i + parts.len()).take(2);
        let is_version = |word: &&&str| {
            let number = word.trim_start_matches(['v', 'V']);
            number.starts_with(|c: char| c.is_ascii_digit())
        };
        // The word between may only be one that introduces a version.
        let next: Vec<&&str> = following.collect();
        let found = match next.as_slice() {
            [first, ..] if is_version(first) => Some(*first),
            [between, second] if between.to_lowercase().starts_with("version") && is_version(second) => Some(*second),
            _ => None,
        };
        if let Some(version) = found {
            return Some(format!("{product} {}", version.trim_end_matches('.')));
        }
    }
    None
}

fn consent(field: &str, word: &str, about: &Said) -> Hit {
    let Said { de, en } = about;
    Hit {
        said: said!(
            "{field}: „{word}“ nennt {de}. Geben Sie an, mit wem das abgestimmt ist (cleared_with).",
            "{field}: \"{word}\" names {en}. Say with whom that is agreed (cleared_with)."
        ),
        always: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_lists_can_be_read() {
        assert_eq!(LISTS.len(), 2);
        assert!(LISTS[0].group.words.len() > 20);
    }

    #[test]
    fn words_stand_whole_or_by_their_beginning() {
        let tokens = tokens("Die Gruppe LockBit3 fordert Lösegeldzahlungen, sagt Black Basta");
        assert!(stands(&tokens, "lockbit*") && stands(&tokens, "lösegeld*") && stands(&tokens, "black basta"));
        assert!(!stands(&tokens, "lockbit") && !stands(&tokens, "basta black"));
    }

    #[test]
    fn a_product_counts_only_with_its_version() {
        assert_eq!(versioned("Der Exchange Server", "exchange"), None);
        assert_eq!(
            versioned("Ein Exchange 2016.", "exchange").as_deref(),
            Some("exchange 2016")
        );
        assert_eq!(
            versioned("FortiOS Version 7.2.1 war", "fortios").as_deref(),
            Some("fortios 7.2.1")
        );
    }
}
