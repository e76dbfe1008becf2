//! Length of a post on Threads. Meta counts characters, "emoji by their UTF-8 bytes"; what exactly an emoji is it does not
//! say, so every cluster that could be shown as one counts by its bytes. Imports [`super::emoji`].

use unicode_segmentation::UnicodeSegmentation;

use super::emoji;

/// Longest post (Threads API, "text-only posts").
pub const LIMIT: usize = 500;

/// Length in Threads' characters.
///
/// ```
/// # use rundruf::text::threads::length;
/// assert_eq!(length("Störung 🔌"), 8 + 4);
/// ```
pub fn length(text: &str) -> usize {
    text.graphemes(true)
        .map(|cluster| {
            if emoji::is_emoji(cluster) {
                cluster.len()
            } else {
                cluster.chars().count()
            }
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn emoji_by_bytes_and_all_else_by_characters() {
        assert_eq!(length("äöü„“…"), 6);
        assert_eq!(length("👨‍👩‍👧‍👦"), 25);
        assert_eq!(length("🇩🇪"), 8);
        assert_eq!(length("1 2"), 3);
    }

    proptest! {
        #[test]
        fn between_characters_and_bytes(text in any::<String>()) {
            let length = length(&text);
            prop_assert!((text.chars().count()..=text.len()).contains(&length));
        }
    }
}
