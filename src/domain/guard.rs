//! Words that want somebody's consent before they go out: names of groups, ransom, malware families, product versions,
//! claims about data without an as-of. Lists in `templates/<lang>/guard.toml`, embedded here because the rules of the
//! domain stand below the templates. They make the preview warn; they refuse nothing.

use std::collections::{BTreeSet, HashMap};
use std::sync::LazyLock;

use serde::Deserialize;

use super::notice::Notice;
use crate::said;
use crate::text::said::Said;

/// One word list.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct List {
    words: Vec<Word>,
    /// Counts only together with one of these in the same sentence.
    with: Vec<Word>,
    /// Counts also without.
    alone: Vec<Word>,
}

/// What is looked for: whole words in small letters, or the beginning of one.
#[derive(Debug, Deserialize)]
#[serde(from = "String")]
struct Word {
    /// As people read it.
    text: String,
    parts: Vec<String>,
    /// Of the last part only the beginning counts: it stands with a star in the list.
    begins: bool,
}

impl From<String> for Word {
    fn from(listed: String) -> Self {
        let text = listed.trim_end_matches('*').to_owned();
        Self {
            parts: text.split(' ').map(str::to_owned).collect(),
            begins: listed.ends_with('*'),
            text,
        }
    }
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

impl Lists {
    /// Every word but products, which are looked for together with their versions.
    fn words(&self) -> impl Iterator<Item = &Word> {
        let all = [&self.group, &self.ransom, &self.malware, &self.data, &self.no_sign];
        all.into_iter()
            .flat_map(|list| list.words.iter().chain(&list.with).chain(&list.alone))
    }
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

/// The first part of a word, and whether it is a beginning only.
type First = (&'static str, bool);

/// By how they begin: most words of a notice begin otherwise, and need not be compared with hundreds of others.
static FIRST: LazyLock<HashMap<[u8; 2], Vec<First>>> = LazyLock::new(|| {
    let mut first: HashMap<_, Vec<_>> = HashMap::new();
    for word in LISTS.iter().flat_map(Lists::words) {
        let [part, rest @ ..] = word.parts.as_slice() else {
            continue;
        };
        if let Some(two) = beginning(part) {
            let begins = word.begins && rest.is_empty();
            first.entry(two).or_default().push((part.as_str(), begins));
        }
    }
    first
});

fn beginning(word: &str) -> Option<[u8; 2]> {
    word.as_bytes().first_chunk().copied()
}

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
        let small = text.words.to_lowercase();
        for sentence in small.split(['.', '!', '?', '\n']) {
            let sentence = Sentence::of(sentence);
            if sentence.begins.is_empty() {
                continue;
            }
            for lists in LISTS.iter() {
                for hit in in_sentence(&sentence, lists, &text) {
                    if seen.insert(hit.said.en.clone()) {
                        hits.push(hit);
                    }
                }
            }
        }
        // A version has a full stop in it, so it is looked for in the whole text.
        let versions = Versions::of(&text.words);
        for lists in LISTS.iter() {
            for word in lists.product.words.iter().filter_map(|product| versions.after(product)) {
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

/// A sentence in small letters.
struct Sentence<'t> {
    words: Vec<&'t str>,
    /// Where one of the lists may begin.
    begins: Vec<usize>,
}

impl<'t> Sentence<'t> {
    fn of(text: &'t str) -> Self {
        let words = text.split(|c: char| !c.is_alphanumeric() && c != '-');
        let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
        let listed = |word: &str| {
            let first = beginning(word).and_then(|two| FIRST.get(&two));
            let is = |(part, begins): &First| word == *part || (*begins && word.starts_with(part));
            first.is_some_and(|parts| parts.iter().any(is))
        };
        Self {
            begins: (0..words.len()).filter(|at| listed(words[*at])).collect(),
            words,
        }
    }

    /// Whether a list's word stands in it.
    fn has(&self, word: &Word) -> bool {
        let is = |(at, (part, token)): (usize, (&String, &&str))| {
            token == part || (word.begins && at + 1 == word.parts.len() && token.starts_with(part.as_str()))
        };
        self.begins.iter().any(|at| {
            let here = &self.words[*at..];
            here.len() >= word.parts.len() && word.parts.iter().zip(here).enumerate().all(is)
        })
    }
}

fn in_sentence(sentence: &Sentence<'_>, lists: &Lists, text: &Text) -> Vec<Hit> {
    let mut hits = Vec::new();
    let plain = [
        (&lists.group, said!("eine Tätergruppe", "a group of attackers")),
        (&lists.ransom, said!("Lösegeld oder Erpressung", "ransom or extortion")),
        (&lists.malware, said!("eine Schadsoftware mit Namen", "malware by name")),
    ];
    for (list, about) in plain {
        let found = list.words.iter().filter(|word| sentence.has(word));
        hits.extend(found.map(|word| consent(&text.field, &word.text, &about)));
    }
    let any = |words: &[Word]| words.iter().any(|word| sentence.has(word));
    let both = |list: &List| any(&list.words) && any(&list.with);
    let field = &text.field;
    if !text.dated && (both(&lists.data) || any(&lists.data.alone)) {
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

/// The words of a text that look like the number of a version, and what may be the product's name before them.
struct Versions<'t> {
    words: Vec<&'t str>,
    /// Where a name would end, and its version.
    found: Vec<(usize, &'t str)>,
}

impl<'t> Versions<'t> {
    fn of(text: &'t str) -> Self {
        let words = text.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '(' | ')' | '"'));
        let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
        let is_version = |word: &str| {
            let number = word.trim_start_matches(['v', 'V']);
            number.starts_with(|c: char| c.is_ascii_digit())
        };
        let mut found = Vec::new();
        for (at, word) in words.iter().enumerate().filter(|(_, word)| is_version(word)) {
            // The word between may only be one that introduces a version.
            let between = at
                .checked_sub(1)
                .filter(|before| words[*before].to_lowercase().starts_with("version"));
            found.extend([Some(at), between].into_iter().flatten().map(|end| (end, *word)));
        }
        Self { words, found }
    }

    /// The product and its version, where a number follows the product's name within two words.
    fn after(&self, product: &Word) -> Option<String> {
        let name = &product.parts;
        let (_, version) = self.found.iter().find(|(end, _)| {
            let begin = end.checked_sub(name.len());
            let words = begin.and_then(|begin| self.words.get(begin..*end));
            words.is_some_and(|words| words.iter().zip(name).all(|(word, part)| word.to_lowercase() == *part))
        })?;
        Some(format!("{} {}", product.text, version.trim_end_matches('.')))
    }
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
    fn every_word_is_long_enough_to_be_met() {
        let words = LISTS.iter().flat_map(|lists| lists.words().chain(&lists.product.words));
        for word in words {
            assert!(
                word.parts[0].len() >= 2 && word.text == word.text.to_lowercase(),
                "{word:?}"
            );
        }
    }

    #[test]
    fn words_stand_whole_or_by_their_beginning() {
        let text = "die gruppe lockbit3 fordert lösegeldzahlungen, sagt black basta";
        let sentence = Sentence::of(text);
        let has = |word: &str| sentence.has(&Word::from(word.to_owned()));
        assert!(has("lockbit*") && has("lösegeld*") && has("black basta"));
        assert!(!has("lockbit") && !has("basta black"));
    }

    #[test]
    fn a_product_counts_only_with_its_version() {
        let found = |text: &str, product: &str| Versions::of(text).after(&Word::from(product.to_owned()));
        assert_eq!(found("Der Exchange Server", "exchange"), None);
        assert_eq!(
            found("Ein Exchange 2016.", "exchange").as_deref(),
            Some("exchange 2016")
        );
        assert_eq!(
            found("FortiOS Version 7.2.1 war", "fortios").as_deref(),
            Some("fortios 7.2.1")
        );
        assert_eq!(
            found("Um 8 Uhr Exchange", "exchange"),
            None,
            "a number before it is none of its"
        );
        assert_eq!(found("Exchange steht seit 8 Uhr", "exchange"), None);
    }
}
