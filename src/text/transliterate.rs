//! Cheap characters for dear ones: one typographic quote turns a whole SMS into UCS-2 and doubles its price. Replacements
//! are those of the project's channel reference, section 16.3. German letters stay as they are: the 7-bit alphabet has
//! them. Imports [`super::gsm7`] and [`super::emoji`].

use unicode_normalization::UnicodeNormalization;

use super::{emoji, gsm7};

/// What was replaced: the original as it stood in the text, and what stands there now.
pub type Replacement = (String, String);

/// Makes a text fit the 7-bit alphabet, if that is possible at all.
///
/// Returns the new text and each distinct replacement in order of appearance, so that it can be shown. A text that
/// already fits, or that would not fit even then (Cyrillic, Arabic), comes back unchanged with no replacement.
///
/// ```
/// # use rundruf::text::transliterate::transliterate;
/// let (text, changes) = transliterate("„Störung“ – bis 5 °C");
/// assert_eq!(text, "\"Störung\" - bis 5 Grad C");
/// assert_eq!(changes[0], ("„".to_owned(), "\"".to_owned()));
/// assert_eq!(transliterate("Привет – Hallo").0, "Привет – Hallo");
/// ```
pub fn transliterate(text: &str) -> (String, Vec<Replacement>) {
    if gsm7::covers(text) {
        return (text.to_owned(), Vec::new());
    }
    let composed: String = text.nfc().collect();
    match replace_all(&composed) {
        Some((cheap, changes)) => (cheap, changes),
        None => (text.to_owned(), Vec::new()),
    }
}

/// The whole text replaced, or nothing when one character has no replacement.
fn replace_all(text: &str) -> Option<(String, Vec<Replacement>)> {
    let mut cheap = String::with_capacity(text.len());
    let mut changes: Vec<Replacement> = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if gsm7::septets(c).is_some() && emoji::length(rest).is_none() {
            cheap.push(c);
            rest = &rest[c.len_utf8()..];
            continue;
        }
        let (taken, mut replacement) = replace_first(rest, c)?;
        // "5 °C" and "5°C" both become "5 Grad C"; a removed emoji leaves no double space behind.
        if cheap.ends_with(' ') || cheap.is_empty() {
            replacement = replacement.trim_start().to_owned();
        }
        let mut after = taken;
        if replacement.is_empty() && (cheap.ends_with(' ') || cheap.is_empty()) && emoji::length(rest).is_some() {
            after += rest[taken..].len() - rest[taken..].trim_start_matches(' ').len();
        }
        let change = (rest[..taken].to_owned(), replacement.clone());
        if !changes.contains(&change) {
            changes.push(change);
        }
        cheap.push_str(&replacement);
        rest = &rest[after..];
    }
    // A sentence that ended in an emoji must not now end in a space.
    let trimmed = if text.ends_with(' ') {
        cheap.len()
    } else {
        cheap.trim_end_matches(' ').len()
    };
    cheap.truncate(trimmed);
    Some((cheap, changes))
}

/// How many bytes of `rest` (which begins with `c`) go, and what comes for them.
fn replace_first(rest: &str, c: char) -> Option<(usize, String)> {
    let one = |replacement: &str| Some((c.len_utf8(), replacement.to_owned()));
    match c {
        '„' | '“' | '”' | '‟' | '«' | '»' => one("\""),
        '‚' | '‘' | '’' | '‛' | '‹' | '›' | '´' | '`' => one("'"),
        '–' | '—' | '―' | '‐' | '‑' | '‒' | '−' => one("-"),
        '…' => one("..."),
        '•' | '·' | '‣' | '●' => one("-"),
        _ if c.is_whitespace() => one(" "),
        '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}' | '\u{ad}' | '\u{fe0e}' | '\u{fe0f}' => one(""),
        '°' if rest[c.len_utf8()..].starts_with('C') => Some((c.len_utf8() + 1, " Grad C".to_owned())),
        '°' => one(" Grad"),
        '→' | '⇒' => one("->"),
        '×' => one("x"),
        '÷' => one(":"),
        '±' => one("+/-"),
        '≤' => one("<="),
        '≥' => one(">="),
        '≈' => one("ca."),
        // "1½" must not become "11/2".
        '½' => one(" 1/2"),
        '¼' => one(" 1/4"),
        '¾' => one(" 3/4"),
        '′' => one("'"),
        '″' => one("\""),
        '¹' => one("1"),
        '²' => one("2"),
        '³' => one("3"),
        'µ' | 'μ' => one("u"),
        '™' => one("(TM)"),
        '©' => one("(C)"),
        '®' => one("(R)"),
        'ẞ' => one("SS"),
        _ => emoji_word(rest).or_else(|| one(&base_letter(c)?)),
    }
}

/// An emoji becomes a word where it carries meaning, else nothing.
fn emoji_word(rest: &str) -> Option<(usize, String)> {
    let bytes = emoji::length(rest)?;
    let word = match rest.chars().next()? {
        '⚠' => "Achtung:",
        '✅' => "OK:",
        _ => "",
    };
    Some((bytes, word.to_owned()))
}

/// `á` as `a`: the letter without its marks, if the alphabet has that.
fn base_letter(c: char) -> Option<String> {
    let stripped = match c {
        // These do not decompose.
        'Ł' => "L".to_owned(),
        'ł' => "l".to_owned(),
        'Đ' => "D".to_owned(),
        'đ' => "d".to_owned(),
        'ı' => "i".to_owned(),
        'œ' => "oe".to_owned(),
        'Œ' => "OE".to_owned(),
        _ => {
            let mut decomposed = std::iter::once(c).nfd();
            let base = decomposed.next()?;
            (base != c).then(|| base.to_string())?
        }
    };
    gsm7::covers(&stripped).then_some(stripped)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cheap(text: &str) -> String {
        transliterate(text).0
    }

    #[test]
    fn the_table() {
        assert_eq!(cheap("„a“ «b» ‚c‘ `d´"), "\"a\" \"b\" 'c' 'd'");
        assert_eq!(cheap("1–2 — 3…"), "1-2 - 3...");
        assert_eq!(cheap("5°C, 20 °, 3\u{a0}m²"), "5 Grad C, 20 Grad, 3 m2");
        assert_eq!(cheap("a → b × c ≥ 3 ®"), "a -> b x c >= 3 (R)");
        assert_eq!(
            cheap("STRAẞE façade mañana Łódź Škoda"),
            "STRASSE facade mañana Lodz Skoda"
        );
        assert_eq!(cheap("Bür\u{ad}ger ©\u{fe0f} 1½\t\u{2003}h"), "Bürger (C) 1 1/2 h");
    }

    #[test]
    fn decomposed_letters_are_composed_first() {
        assert_eq!(cheap("Bu\u{308}rgeramt"), "Bürgeramt");
    }

    #[test]
    fn emoji_become_words_or_go() {
        assert_eq!(cheap("⚠️ Störung 🔌 im Netz 👨‍👩‍👧‍👦"), "Achtung: Störung im Netz");
        assert_eq!(cheap("🔌 Störung"), "Störung");
        assert_eq!(cheap("✅ Alles läuft"), "OK: Alles läuft");
    }

    #[test]
    fn german_and_cheap_texts_stay() {
        assert_eq!(
            transliterate("Straße für Ärger, 5 € {x}"),
            ("Straße für Ärger, 5 € {x}".into(), vec![])
        );
    }

    #[test]
    fn what_cannot_be_sent_cheaply_stays_as_it_is() {
        let text = "„Внимание“";
        assert_eq!(transliterate(text), (text.into(), vec![]));
    }

    proptest! {
        #[test]
        fn either_cheap_or_unchanged(text in "[a-zäöüß „“–…°C€🔌⚠️áñ\u{ad}ж]{0,30}") {
            let (result, changes) = transliterate(&text);
            prop_assert!(gsm7::covers(&result) || (result == text && changes.is_empty()));
        }

        #[test]
        fn any_text_is_taken(text in any::<String>()) {
            transliterate(&text);
        }
    }
}
