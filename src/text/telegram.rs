//! Length of a message on Telegram: UTF-16 code units after markup is parsed (Bot API, `sendMessage`). Imports nothing of ours.

/// Longest message.
pub const LIMIT: usize = 4096;
/// Longest caption of a picture.
pub const CAPTION_LIMIT: usize = 1024;

/// Length in UTF-16 code units.
pub fn length(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn astral_characters_count_two() {
        assert_eq!(length("Störung 🔌"), 10);
    }

    proptest! {
        #[test]
        fn as_the_standard_library_encodes(text in any::<String>()) {
            prop_assert_eq!(length(&text), text.encode_utf16().count());
        }
    }
}
