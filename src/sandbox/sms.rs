//! How a phone network counts a text (CHANNELS 16), written a second time and without the product's.

/// One place each in the default alphabet of GSM 03.38 (escape left out: it is no character).
const ONE: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
/// Two places each: an escape and a code.
const TWO: &str = "\u{c}^{}\\[~]|€";

/// Places of a character in 7 bits; `None`: not in the alphabet.
pub(super) fn places(c: char) -> Option<usize> {
    if ONE.contains(c) {
        Some(1)
    } else if TWO.contains(c) {
        Some(2)
    } else {
        None
    }
}

/// Parts of a 7-bit text.
pub(super) fn parts_gsm7(text: &str) -> u32 {
    // Kannel puts a question mark for what the alphabet lacks.
    parts(text.chars().map(|c| places(c).unwrap_or(1)), 160, 153)
}

/// Parts of a UCS-2 text.
pub(super) fn parts_ucs2(text: &str) -> u32 {
    parts(text.chars().map(char::len_utf16), 70, 67)
}

/// Greedy, so that no character is cut in two.
fn parts(sizes: impl Iterator<Item = usize> + Clone, alone: usize, each: usize) -> u32 {
    if sizes.clone().sum::<usize>() <= alone {
        return 1;
    }
    let (mut parts, mut used) = (1, 0);
    for size in sizes {
        if used + size > each {
            parts += 1;
            used = 0;
        }
        used += size;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn borders_of_parts() {
        for (text, expected) in [
            (String::new(), 1),
            ("ä".repeat(160), 1),
            ("a".repeat(161), 2),
            ("a".repeat(306), 2),
            ("a".repeat(307), 3),
            ("€".repeat(80), 1),
            ("€".repeat(81), 2),
        ] {
            assert_eq!(parts_gsm7(&text), expected, "{} × {text:.1}", text.chars().count());
        }
        for (text, expected) in [("„".repeat(70), 1), ("„".repeat(71), 2), ("🔌".repeat(67), 3)] {
            assert_eq!(parts_ucs2(&text), expected);
        }
        assert_eq!(ONE.chars().count(), 127);
    }
}
