//! Length and facets of a post on Bluesky. Links are not clickable without a facet that names their bytes, so they are
//! found here by the rules of the official client (atproto `packages/api/src/rich-text/detection.ts`). Its cashtags are left
//! out. Imports [`super::tables`] and [`super::tlds`].

use unicode_segmentation::UnicodeSegmentation;

use super::{
    tables::{self, PUNCTUATION},
    tlds,
};

/// Longest post in grapheme clusters (lexicon `app.bsky.feed.post`).
pub const LIMIT: usize = 300;
/// Longest post in UTF-8 bytes; both limits hold.
pub const BYTE_LIMIT: usize = 3000;
/// Longest tag in grapheme clusters and in bytes (lexicon `app.bsky.richtext.facet`).
const TAG_LIMIT: (usize, usize) = (64, 640);

/// Length in grapheme clusters. Addresses count in full.
pub fn length(text: &str) -> usize {
    text.graphemes(true).count()
}

/// Whether the service takes it.
pub fn fits(text: &str) -> bool {
    text.len() <= BYTE_LIMIT && length(text) <= LIMIT
}

/// What a facet makes of its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Feature {
    /// A link to this address.
    Link(String),
    /// A tag, without its `#`.
    Tag(String),
    /// A mention of this handle, without its `@`. The record wants its DID: the handle must be resolved first.
    Mention(String),
}

impl Feature {
    /// `link`, `tag` or `mention`, as in the lexicon's `$type`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Link(_) => "link",
            Self::Tag(_) => "tag",
            Self::Mention(_) => "mention",
        }
    }

    /// Address, tag or handle.
    pub fn value(&self) -> &str {
        match self {
            Self::Link(value) | Self::Tag(value) | Self::Mention(value) => value,
        }
    }
}

/// A part of a text with a meaning. Offsets are UTF-8 bytes, end exclusive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facet {
    /// First byte.
    pub start: usize,
    /// Byte after the last.
    pub end: usize,
    /// What it is.
    pub feature: Feature,
}

/// All facets of a text in order; none overlap.
///
/// ```
/// # use rundruf::text::bluesky::facets;
/// let facets = facets("Störung 🔌: https://stoerung.example/i/1 #Strom");
/// assert_eq!((facets[0].start, facets[0].end, facets[1].start), (15, 43, 44));
/// ```
pub fn facets(text: &str) -> Vec<Facet> {
    let mut found = Vec::new();
    scan(text, true, mention, &mut found);
    scan(text, true, link, &mut found);
    scan(text, false, tag, &mut found);
    found.sort_by_key(|facet| facet.start);
    let mut end = 0;
    found.retain(|facet| {
        let disjoint = facet.start >= end;
        if disjoint {
            end = facet.end;
        }
        disjoint
    });
    found
}

/// What a rule says at one place: how many bytes it used up, and the facet if they are one.
type Match = (usize, Option<Facet>);

/// Applies `rule` at the start, after white space and, if wanted, after an opening parenthesis.
fn scan(text: &str, after_parenthesis: bool, rule: fn(&str, usize) -> Option<Match>, found: &mut Vec<Facet>) {
    let (mut at, mut may_start) = (0, true);
    while let Some(c) = text[at..].chars().next() {
        if may_start && let Some((used, facet)) = rule(text, at) {
            found.extend(facet);
            at += used;
            may_start = false;
            continue;
        }
        may_start = is_space(c) || (after_parenthesis && c == '(');
        at += c.len_utf8();
    }
}

/// White space of JavaScript's `\s`.
fn is_space(c: char) -> bool {
    (c.is_whitespace() && c != '\u{85}') || c == '\u{feff}'
}

fn word_end(text: &str) -> usize {
    text.find(is_space).unwrap_or(text.len())
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn mention(text: &str, at: usize) -> Option<Match> {
    let name = text[at..].strip_prefix('@')?;
    let bytes = name.as_bytes();
    let longest = bytes
        .iter()
        .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-'))
        .count();
    // A handle ends at a word border: `@a.de.` without its last dot.
    let end = (1..=longest)
        .rev()
        .find(|&end| is_word(bytes[end - 1]) != bytes.get(end).is_some_and(|b| is_word(*b)))?;
    let handle = &name[..end];
    let facet = (has_known_domain(handle) || handle.ends_with(".test")).then(|| Facet {
        start: at,
        end: at + 1 + end,
        feature: Feature::Mention(handle.to_owned()),
    });
    Some((1 + end, facet))
}

fn link(text: &str, at: usize) -> Option<Match> {
    let rest = &text[at..];
    let with_protocol = has_protocol(rest);
    // The word's end is looked for only behind a host: "((((((" must not be read to its end at each place.
    let host = if with_protocol { None } else { Some(bare_host(rest)?) };
    let word = &rest[..word_end(rest)];
    if host.is_some_and(|host| !has_known_domain(host)) {
        return Some((word.len(), None));
    }
    let mut shown = word;
    // One mark of punctuation belongs to the sentence, and a parenthesis that was not opened inside.
    shown = shown.strip_suffix(['.', ',', ';', ':', '!', '?']).unwrap_or(shown);
    if !shown.contains('(') {
        shown = shown.strip_suffix(')').unwrap_or(shown);
    }
    let address = if with_protocol {
        shown.to_owned()
    } else {
        format!("https://{shown}")
    };
    let facet = Facet {
        start: at,
        end: at + shown.len(),
        feature: Feature::Link(address),
    };
    Some((word.len(), Some(facet)))
}

/// `http://` or `https://` and something behind it. The official client overlooks capitals; we do not.
fn has_protocol(text: &str) -> bool {
    ["https://", "http://"].iter().any(|protocol| {
        text.get(..protocol.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(protocol))
            && !text[protocol.len()..].starts_with(is_space)
            && text.len() > protocol.len()
    })
}

/// `name.name`, ASCII letters and digits only, beginning with a letter; at least one dot.
fn bare_host(word: &str) -> Option<&str> {
    let label = |from: usize| {
        from + word.as_bytes()[from..]
            .iter()
            .take_while(|b| b.is_ascii_alphanumeric())
            .count()
    };
    if !word.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return None;
    }
    let first = label(0);
    let mut end = first;
    while word[end..].starts_with('.') {
        let next = label(end + 1);
        if next == end + 1 {
            break;
        }
        end = next;
    }
    (end > first).then(|| &word[..end])
}

/// Case matters, as in the official client: `Beispiel.DE` is no link there either.
fn has_known_domain(host: &str) -> bool {
    host.rsplit_once('.').is_some_and(|(_, tld)| tlds::is_known(tld))
}

fn tag(text: &str, at: usize) -> Option<Match> {
    let sign = text[at..]
        .chars()
        .next()
        .filter(|c| matches!(c, '#' | '＃'))?
        .len_utf8();
    let rest = &text[at + sign..];
    let run = &rest[..rest.find(|c| is_space(c) || is_zero_width(c)).unwrap_or(rest.len())];
    let names_something = run.chars().any(|c| !c.is_ascii_digit() && !is_punctuation(c));
    if run.starts_with('\u{fe0f}') || !names_something {
        return Some((sign, None));
    }
    let name = run.trim_end_matches(is_punctuation);
    let fits = name.len() <= TAG_LIMIT.1 && name.graphemes(true).count() <= TAG_LIMIT.0;
    let facet = (fits && !name.is_empty()).then(|| Facet {
        start: at,
        end: at + sign + name.len(),
        feature: Feature::Tag(name.to_owned()),
    });
    Some((sign + run.len(), facet))
}

fn is_punctuation(c: char) -> bool {
    tables::contains(PUNCTUATION, c)
}

fn is_zero_width(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{2060}' | '\u{200a}'..='\u{200d}' | '\u{20e2}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Shown text, kind and value of each facet.
    fn seen(text: &str) -> Vec<(&str, &'static str, String)> {
        facets(text)
            .into_iter()
            .map(|facet| {
                (
                    &text[facet.start..facet.end],
                    facet.feature.kind(),
                    facet.feature.value().to_owned(),
                )
            })
            .collect()
    }

    #[test]
    fn links_with_and_without_protocol() {
        assert_eq!(
            seen("Mehr (https://potsdam.de/it_(neu)) und potsdam.de/it, tschüss"),
            [
                (
                    "https://potsdam.de/it_(neu))",
                    "link",
                    "https://potsdam.de/it_(neu))".into()
                ),
                ("potsdam.de/it", "link", "https://potsdam.de/it".into()),
            ]
        );
        assert_eq!(seen("z.B. stadt-potsdam.de ..de a.jpg"), []);
    }

    #[test]
    fn mentions_of_handles() {
        assert_eq!(
            seen("(@stadt.bsky.social)."),
            [("@stadt.bsky.social", "mention", "stadt.bsky.social".into())]
        );
        assert_eq!(seen("a@b.de @nix @b.de_"), []);
    }

    #[test]
    fn tags_need_a_letter_and_end_before_punctuation() {
        assert_eq!(
            seen("#Störung, ＃Strom! #1 #a1 ##x #!? #\u{fe0f}a #a\u{200b}b"),
            [
                ("#Störung", "tag", "Störung".into()),
                ("＃Strom", "tag", "Strom".into()),
                ("#a1", "tag", "a1".into()),
                ("##x", "tag", "#x".into()),
                ("#a", "tag", "a".into()),
            ]
        );
        assert_eq!(seen(&format!("#{}", "a".repeat(64))).len(), 1);
        assert_eq!(seen(&format!("#{}", "a".repeat(65))).len(), 0);
    }

    #[test]
    fn both_limits() {
        assert!(fits(&"ä".repeat(300)) && !fits(&"a".repeat(301)));
        assert_eq!(length("👨‍👩‍👧‍👦"), 1);
        assert!(!fits(&"👨‍👩‍👧‍👦".repeat(121)), "25 bytes each");
    }

    proptest! {
        #[test]
        fn facets_are_disjoint_slices(text in "(@|#|https?://|\\(|[a-cä. ]{0,4}|\\.de|👨‍👩|\u{ad}|:){0,8}") {
            let mut last = 0;
            for facet in facets(&text) {
                prop_assert!(facet.start >= last && facet.end > facet.start && text.get(facet.start..facet.end).is_some());
                last = facet.end;
            }
        }

        #[test]
        fn any_text_is_taken(text in any::<String>()) {
            facets(&text);
            length(&text);
        }
    }
}
