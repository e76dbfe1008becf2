//! How many parts an SMS takes, and what makes it dear. A part carries 140 bytes; concatenated parts lose 6 of them to
//! the header that numbers them (3GPP TS 23.040, 8-bit reference). Imports [`super::gsm7`].

use std::collections::HashSet;

use super::gsm7;

/// Parts that gateways take for one message; most refuse or cut beyond about ten.
pub const MAX_SEGMENTS: usize = 10;

/// How a message travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// 7 bits a character; the length counts septets.
    Gsm7,
    /// 16 bits a unit (in truth UTF-16); the length counts units.
    Ucs2,
}

impl Encoding {
    /// The name in JSON output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gsm7 => "gsm7",
            Self::Ucs2 => "ucs2",
        }
    }

    /// Septets or units that fit into a message of one part.
    pub const fn single(self) -> usize {
        match self {
            Self::Gsm7 => 160,
            Self::Ucs2 => 70,
        }
    }

    /// Septets or units that fit into each part of a longer message.
    pub const fn part(self) -> usize {
        match self {
            Self::Gsm7 => 153,
            Self::Ucs2 => 67,
        }
    }

    /// The longest message in [`MAX_SEGMENTS`] parts: 1530 septets or 670 units.
    pub const fn limit(self) -> usize {
        self.part() * MAX_SEGMENTS
    }

    /// Price of one character in this encoding. Characters the 7-bit alphabet lacks never get here with `Gsm7`.
    fn price(self, c: char) -> usize {
        match self {
            Self::Gsm7 => gsm7::septets(c).unwrap_or(0),
            Self::Ucs2 => c.len_utf16(),
        }
    }
}

/// A text as an SMS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sms {
    /// How it travels.
    pub encoding: Encoding,
    /// Septets or UTF-16 units, without what is lost at the ends of parts.
    pub length: usize,
    /// Parts that are paid for; an empty text still takes one.
    pub segments: usize,
    /// The distinct characters, in order of appearance, that force UCS-2.
    pub costly: Vec<char>,
}

impl Sms {
    /// Whether gateways take it: at most [`MAX_SEGMENTS`] parts.
    pub fn fits(&self) -> bool {
        self.segments <= MAX_SEGMENTS
    }
}

/// Measures `text` as it stands, without transliterating.
///
/// Parts are filled greedily; neither an escape pair nor a surrogate pair is split, so a part may end one short.
///
/// ```
/// # use rundruf::text::sms::{Encoding, measure};
/// let dear = measure("„Störung“");
/// assert_eq!((dear.encoding, dear.costly), (Encoding::Ucs2, vec!['„', '“']));
/// ```
pub fn measure(text: &str) -> Sms {
    let mut seen = HashSet::new();
    let costly: Vec<char> = text
        .chars()
        .filter(|c| gsm7::septets(*c).is_none() && seen.insert(*c))
        .collect();
    let encoding = if costly.is_empty() {
        Encoding::Gsm7
    } else {
        Encoding::Ucs2
    };
    let length = text.chars().map(|c| encoding.price(c)).sum();
    let segments = if length <= encoding.single() {
        1
    } else {
        parts(text, encoding)
    };
    Sms {
        encoding,
        length,
        segments,
        costly,
    }
}

fn parts(text: &str, encoding: Encoding) -> usize {
    let (mut parts, mut filled) = (1, 0);
    for c in text.chars() {
        let price = encoding.price(c);
        if filled + price > encoding.part() {
            parts += 1;
            filled = 0;
        }
        filled += price;
    }
    parts
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Encoding::*, *};

    /// Encoding, length, segments.
    fn short(text: &str) -> (Encoding, usize, usize) {
        let sms = measure(text);
        (sms.encoding, sms.length, sms.segments)
    }

    #[test]
    fn borders_of_parts() {
        let a = |n| "a".repeat(n);
        assert_eq!(short(""), (Gsm7, 0, 1));
        assert_eq!(short(&"ä".repeat(160)), (Gsm7, 160, 1));
        assert_eq!(short(&a(161)), (Gsm7, 161, 2));
        assert_eq!(short(&a(306)), (Gsm7, 306, 2));
        assert_eq!(short(&a(307)), (Gsm7, 307, 3));
        assert_eq!(short(&"€".repeat(80)), (Gsm7, 160, 1));
        assert_eq!(short(&"€".repeat(81)), (Gsm7, 162, 2));
        assert_eq!(short(&format!("–{}", a(69))), (Ucs2, 70, 1));
        assert_eq!(short(&format!("–{}", a(70))), (Ucs2, 71, 2));
        assert_eq!(short(&"🔌".repeat(35)), (Ucs2, 70, 1));
        assert_eq!(short(&"🔌".repeat(36)), (Ucs2, 72, 2));
    }

    #[test]
    fn pairs_do_not_straddle_parts() {
        assert_eq!(short(&format!("{0}€{0}", "a".repeat(152))), (Gsm7, 306, 3));
        assert_eq!(short(&format!("{0}🔌{0}", "a".repeat(66))), (Ucs2, 134, 3));
    }

    #[test]
    fn costly_characters_once_and_in_order() {
        assert_eq!(measure("„Wir“ – „Sie“ ä€").costly, ['„', '“', '–']);
    }

    proptest! {
        #[test]
        fn any_text_is_measured(text in any::<String>()) {
            let sms = measure(&text);
            prop_assert!(sms.segments >= 1);
            prop_assert!(sms.segments * sms.encoding.single() >= sms.length);
            prop_assert_eq!(sms.costly.is_empty(), sms.encoding == Gsm7);
        }
    }
}
