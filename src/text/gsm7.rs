//! The GSM 7-bit default alphabet (3GPP TS 23.038 section 6.2.1, formerly GSM 03.38) with its extension table, default
//! language only. Which characters an SMS carries cheaply, and at what price in septets. Imports nothing of ours.

/// The basic table in code order, 0x00 to 0x7F; 0x1B is the escape and no character of its own, shown here as U+001B.
const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\u{1b}ÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?\
                     ¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";

/// The extension table: each costs the escape and one more septet.
const EXTENSION: &str = "\u{c}^{}\\[~]|€";

/// Price of a character in septets: 1 or 2, or `None` when the alphabet does not have it.
///
/// ```
/// # use rundruf::text::gsm7::septets;
/// assert_eq!(septets('ä'), Some(1));
/// assert_eq!(septets('€'), Some(2));
/// assert_eq!(septets('„'), None);
/// ```
pub fn septets(c: char) -> Option<usize> {
    match c {
        // Most of every German text; the tables need not be searched for it. The backtick is in neither.
        'a'..='z' | 'A'..='Z' | '0'..='9' | ' ' => Some(1),
        '\u{1b}' => None,
        _ if BASIC.contains(c) => Some(1),
        _ if EXTENSION.contains(c) => Some(2),
        _ => None,
    }
}

/// Whether the whole text can be sent in the 7-bit alphabet.
pub fn covers(text: &str) -> bool {
    text.chars().all(|c| septets(c).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_basic_table_has_128_places() {
        assert_eq!(BASIC.chars().count(), 128);
        let code = |c| BASIC.chars().position(|other| other == c);
        for (c, expected) in [
            ('@', 0x00),
            ('Ç', 0x09),
            ('Δ', 0x10),
            ('É', 0x1f),
            (' ', 0x20),
            ('¡', 0x40),
            ('Ä', 0x5b),
            ('§', 0x5f),
            ('¿', 0x60),
            ('à', 0x7f),
        ] {
            assert_eq!(code(c), Some(expected), "{c}");
        }
    }

    #[test]
    fn what_german_texts_use() {
        assert!(covers("Störung: Bürgeramt geschlossen, §12, Straße! ÄÖÜß @ 5$"));
        for c in "ẞçêáíóúŁš`\t\u{a0}°²µ´…•„“”‚‘’–—™©®⚠".chars() {
            assert_eq!(septets(c), None, "{c}");
        }
        for c in "^{}\\[~]|€\u{c}".chars() {
            assert_eq!(septets(c), Some(2), "{c:?}");
        }
        assert_eq!(septets('\u{1b}'), None);
    }
}
