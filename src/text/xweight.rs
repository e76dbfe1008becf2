//! Length on X: weighted characters after the configuration v3 of twitter-text (`v3.json`: 280 at scale 100, default
//! weight 200, some ranges 100, addresses 23, emoji as a whole). Imports [`super::emoji`], [`super::hosts`] and [`super::urls`].

use unicode_normalization::{UnicodeNormalization, is_nfc};

use super::{
    emoji, hosts,
    urls::{self, Dialect},
};

/// Longest post without a paid account, in weighted characters.
pub const LIMIT: usize = 280;
/// What every address counts, however long: X replaces it by one of its own.
pub const URL_LENGTH: usize = 23;

/// Addresses as X finds them.
pub const DIALECT: Dialect = Dialect {
    bare: true,
    in_path: |c| {
        in_path_end(c)
            || matches!(
                c,
                '!' | '*' | '\'' | ';' | ':' | ',' | '.' | '$' | '%' | '[' | ']' | '\u{2013}' | '~' | '@' | '|' | '&'
            )
    },
    ends_path: in_path_end,
    in_query: |c| {
        ends_query(c)
            || matches!(
                c,
                '!' | '?'
                    | '*'
                    | '\''
                    | '@'
                    | '('
                    | ')'
                    | ';'
                    | ':'
                    | '+'
                    | '$'
                    | '%'
                    | '['
                    | ']'
                    | '.'
                    | ','
                    | '~'
                    | '|'
            )
    },
    ends_query,
    counts_protocol_twice: true,
};

fn in_path_end(c: char) -> bool {
    c.is_ascii_alphanumeric()
        || matches!(c, '+' | '-' | '=' | '_' | '#' | '/' | '\u{400}'..='\u{4ff}')
        || urls::is_latin_accent(c)
}

fn ends_query(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '&' | '=' | '#' | '/')
}

/// A text as a post on X.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Weight {
    /// Weighted characters.
    pub length: usize,
    /// Whether X takes it: not empty, not too long, no character that X refuses (U+FFFE, U+FEFF, U+FFFF).
    pub valid: bool,
}

/// Weighs a post as twitter-text's `parseTweet` does.
///
/// ```
/// # use rundruf::text::xweight::weigh;
/// assert_eq!(weigh("Hi http://test.co").length, 26);
/// ```
pub fn weigh(text: &str) -> Weight {
    if is_nfc(text) {
        return weigh_composed(text);
    }
    weigh_composed(&text.nfc().collect::<String>())
}

/// The weighted length alone, for shortening.
pub fn length(text: &str) -> usize {
    weigh(text).length
}

fn weigh_composed(text: &str) -> Weight {
    let mut addresses = urls::find(text, &DIALECT).into_iter().peekable();
    let (mut length, mut refused) = (0, false);
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        if let Some(address) = addresses.next_if(|address| address.start == at) {
            length += URL_LENGTH;
            at = address.end;
        } else if let Some(bytes) = emoji::length(&text[at..]) {
            length += 2;
            at += bytes;
        } else {
            length += weight(c);
            refused |= hosts::is_invalid(c);
            at += c.len_utf8();
        }
    }
    Weight {
        length,
        valid: !refused && (1..=LIMIT).contains(&length),
    }
}

/// Weight of one character: 1 for Latin, Greek, Cyrillic and their neighbours and for common punctuation, else 2.
const fn weight(c: char) -> usize {
    match c as u32 {
        0..=4351 | 8192..=8205 | 8208..=8223 | 8242..=8247 => 1,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn weights_of_characters() {
        assert_eq!(length("–—„“”‘’ä§°·‐‑"), 13);
        for c in ["…", "•", "→", "€", "™", "❗", "中", "🔌"] {
            assert_eq!(length(c), 2, "{c}");
        }
    }

    #[test]
    fn addresses_count_23() {
        assert_eq!(length("http://test.co"), 23);
        assert_eq!(length("potsdam.de"), 23);
        assert_eq!(length("Siehe www.potsdam.de/it."), 6 + 23 + 1);
        assert_eq!(length("(https://www.potsdam.de/it_(2023))"), 25);
        assert_eq!(length("https://t.co/abc/def"), 23 + 4);
    }

    #[test]
    fn what_is_no_address_counts_in_full() {
        for text in [
            "z.B.",
            "a@potsdam.de",
            "#a.de",
            "x.example",
            "-potsdam.de",
            "http://x.example/i",
            "Datei.pdf",
        ] {
            assert_eq!(length(text), text.len(), "{text}");
        }
    }

    #[test]
    fn emoji_count_two_as_a_whole() {
        assert_eq!(length("H🐱☺👨‍👩‍👧‍👦"), 7);
        assert_eq!(length("🇩🇪1⃣🙋🏽👨‍🎤"), 8);
    }

    #[test]
    fn composed_before_counting() {
        assert_eq!(length("A\u{301}B"), 2);
    }

    #[test]
    fn refused_characters_and_empty_posts_do_not_fit() {
        assert_eq!(
            weigh("ABC\u{202a}\u{ffff}ABC\u{fffe}"),
            Weight {
                length: 12,
                valid: false
            }
        );
        assert!(!weigh("").valid);
        assert!(weigh(&"a".repeat(280)).valid);
        assert!(!weigh(&"a".repeat(281)).valid);
    }

    proptest! {
        #[test]
        fn any_text_is_weighed(text in any::<String>()) {
            let weight = weigh(&text);
            prop_assert!(weight.length <= 25 * text.chars().count());
        }

        #[test]
        fn addresses_lie_in_the_text(text in "(https?://)?[a-cä.\\-_/あ(:?@#8 ]{0,14}(\\.com|\\.de|/)?[a(/).?=]{0,6}") {
            let mut last = 0;
            for address in urls::find(&text, &DIALECT) {
                prop_assert!(address.start >= last && text.get(address.clone()).is_some_and(|url| !url.is_empty()));
                last = address.end;
            }
        }
    }
}
