//! Where an emoji begins and ends, for services that count one as a whole. Sequences are those of Unicode TS #51: keycaps,
//! flags, skin tones, joined people; which may be joined follows the recommended set, loosely: new pairs of known parts
//! count as one before we learn of them. Imports nothing of ours.

use super::tables::{self, EMOJI, EMOJI_MODIFIER_BASE, EMOJI_VARIATION};

const JOINER: char = '\u{200d}';
const AS_TEXT: char = '\u{fe0e}';
const AS_EMOJI: char = '\u{fe0f}';
const KEYCAP: char = '\u{20e3}';
const CANCEL_TAG: char = '\u{e007f}';

/// Regions with a flag, by first letter (ISO 3166-1 and the exceptional reservations that Unicode lists).
#[rustfmt::skip]
const REGIONS: [(char, &str); 26] = [
    ('A', "CDEFGILMOQRSTUWXZ"), ('B', "ABDEFGHIJLMNOQRSTVWYZ"), ('C', "ACDFGHIKLMNOPQRUVWXYZ"), ('D', "EGJKMOZ"),
    ('E', "ACEGHRSTU"), ('F', "IJKMOR"), ('G', "ABDEFGHILMNPQRSTUWY"), ('H', "KMNRTU"), ('I', "CDELMNOQRST"),
    ('J', "EMOP"), ('K', "EGHIMNPRWYZ"), ('L', "ABCIKRSTUVY"), ('M', "ACDEFGHKLMNOPQRSTUVWXYZ"),
    ('N', "ACEFGILOPRUZ"), ('O', "M"), ('P', "AEFGHKLMNRSTWY"), ('Q', "A"), ('R', "EOSUW"),
    ('S', "ABCDEGHIJKLMNORSTVXYZ"), ('T', "ACDFGHJKLMNORTVWZ"), ('U', "AGMNSYZ"), ('V', "ACEGINU"), ('W', "FS"),
    ('X', "K"), ('Y', "ET"), ('Z', "AMW"),
];

/// What may begin a joined sequence, beside everything that takes a skin tone.
const STARTS: &str = "👯🤼🧞🧟🏳🏴👁❤🐕🐈🐻🐦😮😵😶🙂⛓🍄🍋⛹🫂";

/// What may follow a joiner: signs of sex, professions, hair, family, and parts of single combinations.
const JOINED: &str =
    "♀♂⚕⚖✈⚧☠❤❄⬛➡↔↕🌾🍳🍼🎄🎓🎤🎨🏫🏭💻💼🔧🔬🚀🚒🦰🦱🦲🦳🦯🦼🦽🦺🤝💋👨👩👦👧🧑🧒🐰🌈🗨🔥🩹💨💫💥🟩🟫🩰🫯";

/// Bytes of the emoji that `text` begins with, or `None` when it begins with none.
///
/// ```
/// # use rundruf::text::emoji::length;
/// assert_eq!(length("👩🏽‍🚒 kommt"), Some("👩🏽‍🚒".len()));
/// assert_eq!(length("1 Stunde"), None);
/// ```
pub fn length(text: &str) -> Option<usize> {
    let mut rest = Rest(text);
    let first = rest.0.chars().next()?;
    match first {
        '0'..='9' | '#' | '*' => {
            rest.skip(first);
            rest.take(AS_EMOJI);
            return rest.take(KEYCAP).then(|| text.len() - rest.0.len());
        }
        _ if first.is_ascii() => return None,
        _ => {}
    }
    if let Some(flag) = flag(text) {
        return Some(flag);
    }
    if !tables::contains(EMOJI, first) {
        return None;
    }
    rest.skip(first);
    if rest.0.starts_with(AS_TEXT) {
        return None;
    }
    let shown_as_emoji = rest.presentation(first);
    // Letters-like signs are text unless told otherwise.
    if matches!(first, '©' | '®' | '™' | '♟') && !shown_as_emoji {
        return None;
    }
    if first == '🏴' {
        rest.nation();
    }
    if tables::contains(EMOJI_MODIFIER_BASE, first) || STARTS.contains(first) {
        while let Some(next) = rest.joined() {
            rest = next;
        }
    }
    Some(text.len() - rest.0.len())
}

/// Whether a grapheme cluster is shown as an emoji.
pub fn is_emoji(cluster: &str) -> bool {
    length(cluster).is_some()
}

/// Two regional indicators that name a region.
fn flag(text: &str) -> Option<usize> {
    let mut letters = text.chars().map(|c| {
        let index = (c as u32).checked_sub(0x1f1e6).filter(|index| *index < 26)?;
        char::from_u32('A' as u32 + index)
    });
    let (first, second) = (letters.next()??, letters.next()??);
    let (_, seconds) = REGIONS.iter().find(|(letter, _)| *letter == first)?;
    seconds.contains(second).then_some(8)
}

/// What is left of a text while a sequence is read.
#[derive(Clone, Copy)]
struct Rest<'t>(&'t str);

impl Rest<'_> {
    fn skip(&mut self, c: char) {
        self.0 = &self.0[c.len_utf8()..];
    }

    fn take(&mut self, c: char) -> bool {
        let found = self.0.starts_with(c);
        if found {
            self.skip(c);
        }
        found
    }

    /// A skin tone, or the sign for "as an emoji", after `base`.
    fn presentation(&mut self, base: char) -> bool {
        if tables::contains(EMOJI_MODIFIER_BASE, base) && self.0.starts_with(|c| matches!(c, '🏻'..='🏿')) {
            self.0 = &self.0['🏻'.len_utf8()..];
            return true;
        }
        tables::contains(EMOJI_VARIATION, base) && self.take(AS_EMOJI)
    }

    /// A joiner and what it joins.
    fn joined(mut self) -> Option<Self> {
        if !self.take(JOINER) {
            return None;
        }
        let next = self.0.chars().next().filter(|c| JOINED.contains(*c))?;
        self.skip(next);
        self.presentation(next);
        Some(self)
    }

    /// The tags that make the black flag that of England, Scotland or Wales.
    fn nation(&mut self) {
        for code in ["gbeng", "gbsct", "gbwls"] {
            let tags: String = code
                .chars()
                .filter_map(|c| char::from_u32(0xe0000 + c as u32))
                .chain([CANCEL_TAG])
                .collect();
            if let Some(after) = self.0.strip_prefix(tags.as_str()) {
                self.0 = after;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn whole_sequences() {
        for emoji in [
            "🔌",
            "☺",
            "☺️",
            "⚠️",
            "1️⃣",
            "1⃣",
            "🇩🇪",
            "👍🏽",
            "👨‍👩‍👧‍👦",
            "🏳️‍🌈",
            "🏴󠁧󠁢󠁥󠁮󠁧󠁿",
            "👩🏽‍🚒",
            "🙋🏽",
            "❤️‍🔥",
            "©️",
        ] {
            assert_eq!(length(emoji), Some(emoji.len()), "{emoji}");
            assert_eq!(length(&format!("{emoji} x")), Some(emoji.len()), "{emoji}");
        }
    }

    #[test]
    fn text_is_no_emoji() {
        for text in [
            "",
            "a",
            "1",
            "#Strom",
            "©",
            "™",
            "☺\u{fe0e}",
            "–",
            "\u{200d}",
            "\u{fe0f}",
            "中",
        ] {
            assert_eq!(length(text), None, "{text:?}");
        }
    }

    #[test]
    fn what_does_not_belong_together_ends_the_sequence() {
        assert_eq!(length("🔌\u{200d}🔌"), Some("🔌".len()));
        assert_eq!(length("👍\u{200d}x"), Some("👍".len()));
        assert_eq!(length("🇦🇦"), Some("🇦".len()));
        assert_eq!(length("🔌🏽"), Some("🔌".len()));
    }

    proptest! {
        #[test]
        fn the_end_is_a_character_border(text in "[👩🏽\u{200d}\u{fe0f}\u{fe0e}🇩🇪🏴1#\u{20e3}❤🔥a]{0,8}") {
            if let Some(bytes) = length(&text) {
                prop_assert!(bytes > 0 && text.is_char_boundary(bytes));
            }
        }

        #[test]
        fn any_text_is_taken(text in any::<String>()) {
            length(&text);
        }
    }
}
