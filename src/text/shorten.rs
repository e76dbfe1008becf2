//! Making a text fit: at the end of a sentence if one fits, else at the end of a word with an ellipsis, and never without the
//! link to the full notice. Imports [`super::sentences`].

use unicode_segmentation::UnicodeSegmentation;

use super::sentences;

/// A text that fits, and what it cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shortened {
    /// The text with the link at its end.
    pub text: String,
    /// Whether anything is missing.
    pub cut: bool,
    /// Characters of the original that are missing.
    pub dropped: usize,
}

/// Shortens for a service with Unicode: ` …` marks a cut inside a sentence.
///
/// `unit` measures a text in the service's unit, `limit` is in that unit. The link, if any, stands last after a space and is
/// part of what is measured; it is kept even where it alone is too long, since a message without it is worth less than
/// a message refused. A text that already ends with the link does not get it twice.
///
/// ```
/// # use rundruf::text::shorten::shorten;
/// let by_characters = |text: &str| text.chars().count();
/// let short = shorten("E-Mail geht nicht. Das dauert wohl noch lange.", 32, &by_characters, Some("https://a.de"));
/// assert_eq!((short.text.as_str(), short.dropped), ("E-Mail geht nicht. https://a.de", 28));
/// ```
pub fn shorten(text: &str, limit: usize, unit: &dyn Fn(&str) -> usize, link: Option<&str>) -> Shortened {
    shorten_with(text, limit, unit, link, "…")
}

/// As [`shorten`], with three full stops: the ellipsis would turn a whole SMS into the dear encoding.
pub fn shorten_sms(text: &str, limit: usize, unit: &dyn Fn(&str) -> usize, link: Option<&str>) -> Shortened {
    shorten_with(text, limit, unit, link, "...")
}

fn shorten_with(
    text: &str,
    limit: usize,
    unit: &dyn Fn(&str) -> usize,
    link: Option<&str>,
    ellipsis: &str,
) -> Shortened {
    let body = without_link(text.trim(), link);
    let compose = |kept: &str, mark: &str| {
        let mut whole = format!("{kept}{mark}");
        if let Some(link) = link {
            if !whole.is_empty() {
                whole.push(' ');
            }
            whole.push_str(link);
        }
        whole
    };
    let fits = |kept: &str, mark: &str| unit(&compose(kept, mark)) <= limit;
    let whole = compose(body, "");
    if unit(&whole) <= limit {
        return Shortened {
            text: whole,
            cut: false,
            dropped: 0,
        };
    }

    let after_word = format!(" {ellipsis}");
    let kept = last_fitting(&sentences::ends(body), |end| fits(&body[..end], ""))
        .map(|end| (&body[..end], ""))
        .or_else(|| {
            let ends = word_ends(body);
            last_fitting(&ends, |end| fits(&body[..end], &after_word)).map(|end| (&body[..end], after_word.as_str()))
        })
        .or_else(|| {
            let ends: Vec<_> = body.grapheme_indices(true).map(|(start, _)| start).skip(1).collect();
            last_fitting(&ends, |end| fits(&body[..end], ellipsis)).map(|end| (&body[..end], ellipsis))
        });
    let (kept, mark) = kept.unwrap_or(("", ""));
    Shortened {
        text: compose(kept, mark),
        cut: true,
        dropped: body[kept.len()..].chars().count(),
    }
}

fn without_link<'t>(text: &'t str, link: Option<&str>) -> &'t str {
    let Some(link) = link.filter(|link| !link.is_empty()) else {
        return text;
    };
    match text.strip_suffix(link) {
        Some(body) if body.is_empty() || body.ends_with(char::is_whitespace) => body.trim_end(),
        _ => text,
    }
}

/// Ends of words, without the commas and dashes that would dangle before the ellipsis.
fn word_ends(text: &str) -> Vec<usize> {
    let mut ends: Vec<usize> = text
        .grapheme_indices(true)
        .filter(|(_, cluster)| cluster.starts_with(char::is_whitespace))
        .map(|(at, _)| at)
        .map(|at| {
            grapheme_floor(
                text,
                text[..at]
                    .trim_end_matches(|c: char| c.is_whitespace() || DANGLING.contains(c))
                    .len(),
                at,
            )
        })
        .filter(|end| *end > 0)
        .collect();
    ends.dedup();
    ends
}

const DANGLING: &str = ",;:–—-(„\"/&+";

/// `end` if it is a border between grapheme clusters, else `fallback`, which is one: a comma may carry a combining mark.
fn grapheme_floor(text: &str, end: usize, fallback: usize) -> usize {
    let mut cursor = unicode_segmentation::GraphemeCursor::new(end, text.len(), true);
    if cursor.is_boundary(text, 0) == Ok(true) {
        end
    } else {
        fallback
    }
}

/// The last of `ends` that fits. Longer texts measure more but for rare cases (an address cut in two), so the search halves
/// first and then only steps back.
fn last_fitting(ends: &[usize], fits: impl Fn(usize) -> bool) -> Option<usize> {
    let guess = ends.partition_point(|end| fits(*end));
    ends[..guess].iter().rev().copied().find(|end| fits(*end))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::text::{mastodon, sms, xweight};

    const LINK: &str = "https://info.potsdam.de/i/1";

    fn characters(text: &str) -> usize {
        text.chars().count()
    }

    fn short(text: &str, limit: usize) -> String {
        shorten(text, limit, &characters, None).text
    }

    #[test]
    fn what_fits_stays() {
        let kept = shorten("Kurz.", 40, &characters, Some(LINK));
        assert_eq!(
            kept,
            Shortened {
                text: format!("Kurz. {LINK}"),
                cut: false,
                dropped: 0
            }
        );
        let twice = shorten(&format!("Kurz. {LINK}"), 40, &characters, Some(LINK));
        assert_eq!(twice, kept);
    }

    #[test]
    fn at_sentence_ends_first() {
        let text = "Am 16. Januar gehen z. B. E-Mails. Das Bürgeramt bleibt zu. Mehr folgt.";
        assert_eq!(
            short(text, 65),
            "Am 16. Januar gehen z. B. E-Mails. Das Bürgeramt bleibt zu."
        );
        assert_eq!(short(text, 40), "Am 16. Januar gehen z. B. E-Mails.");
    }

    #[test]
    fn at_word_ends_else() {
        let text = "Am 16. Januar gehen z. B. E-Mails, Faxe und Briefe";
        assert_eq!(short(text, 40), "Am 16. Januar gehen z. B. E-Mails …");
        assert_eq!(
            shorten_sms(text, 40, &characters, None).text,
            "Am 16. Januar gehen z. B. E-Mails ..."
        );
        assert_eq!(short(text, 9), "Am 16. …");
    }

    #[test]
    fn inside_a_word_when_there_is_only_one() {
        assert_eq!(short("Donaudampfschifffahrt", 6), "Donau…");
        assert_eq!(short("👨‍👩‍👧‍👦👨‍👩‍👧‍👦", 12), "👨‍👩‍👧‍👦…");
    }

    #[test]
    fn the_link_outlives_the_text() {
        assert_eq!(
            shorten("Ein langer Satz", LINK.len(), &characters, Some(LINK)).text,
            LINK
        );
        assert_eq!(shorten("Ein langer Satz", 3, &characters, Some(LINK)).text, LINK);
    }

    #[test]
    fn parts_of_an_sms_are_a_unit_too() {
        let text = "Das Bürgeramt ist geschlossen. ".repeat(20);
        let one = shorten_sms(&text, 1, &|text| sms::measure(text).segments, Some(LINK));
        assert!(one.cut && one.text.ends_with(&format!("geschlossen. {LINK}")));
        assert_eq!(sms::measure(&one.text).segments, 1);
    }

    fn units() -> [fn(&str) -> usize; 3] {
        [characters, xweight::length, |text| mastodon::length("", text)]
    }

    proptest! {
        #[test]
        fn it_fits_keeps_the_link_and_is_a_prefix(
            text in "([A-Za-zäöü]{1,8}[ ,.!\n]{1,2}|👨‍👩‍👧|e\u{301}|https://a\\.de/[a-z]{3,30} |16\\. Januar ){0,20}",
            limit in 30usize..200,
            unit in 0usize..3,
            linked: bool,
        ) {
            let (unit, link) = (units()[unit], linked.then_some(LINK));
            let result = shorten(&text, limit, &unit, link);
            prop_assert!(unit(&result.text) <= limit, "{:?}", result);
            let body = match link {
                Some(link) => result.text.strip_suffix(link).unwrap().trim_end(),
                None => result.text.as_str(),
            };
            let kept = if result.cut { body.strip_suffix('…').unwrap_or(body).trim_end() } else { body };
            prop_assert!(text.trim().starts_with(kept), "{kept:?}");
            prop_assert!(text.trim().grapheme_indices(true).any(|(at, _)| at == kept.len()) || kept == text.trim());
            prop_assert_eq!(result.cut, result.dropped > 0);
        }

        #[test]
        fn any_text_is_taken(text in any::<String>(), limit in 0usize..50) {
            shorten(&text, limit, &characters, Some(LINK));
        }
    }
}
