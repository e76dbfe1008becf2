//! Length of a post on Mastodon, as its `StatusLengthValidator` counts: spoiler and text together in grapheme clusters,
//! each address as 23, each remote mention without its server. Imports [`super::urls`].

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;

use super::urls::{self, Dialect};

/// Longest post unless the instance says otherwise (`configuration.statuses.max_characters`).
pub const LIMIT: usize = 500;
/// What an address counts unless the instance says otherwise (`characters_reserved_per_url`).
pub const URL_LENGTH: usize = 23;
/// Longest server name of a mention (RFC 1035); a longer one is no mention.
const MAX_DOMAIN_LENGTH: usize = 253;

/// Addresses as Mastodon finds them (its `twitter_regex.rb`): only with a protocol, any letters in the path.
pub const DIALECT: Dialect = Dialect {
    bare: false,
    in_path: |c| !c.is_whitespace() && !matches!(c, '<' | '>' | '(' | ')' | '?'),
    ends_path: |c| {
        !c.is_whitespace()
            && !matches!(
                c,
                '(' | ')'
                    | '?'
                    | '!'
                    | '*'
                    | '"'
                    | '\''
                    | '「'
                    | '」'
                    | '<'
                    | '>'
                    | ';'
                    | ':'
                    | '='
                    | ','
                    | '.'
                    | '$'
                    | '%'
                    | '['
                    | ']'
                    | '~'
                    | '&'
                    | '|'
                    | '@'
            )
    },
    in_query: |c| {
        ends_query(c)
            || matches!(
                c,
                '!' | '?'
                    | '*'
                    | '\''
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
                    | '@'
                    | '^'
            )
    },
    ends_query,
    counts_protocol_twice: false,
};

fn ends_query(c: char) -> bool {
    c.is_ascii_alphanumeric()
        || matches!(c, '-' | '_' | '&' | '=' | '#' | '/')
        || (c >= '\u{a0}' && !matches!(c, '\u{fdd0}'..='\u{fdef}'))
}

/// Length of a post in grapheme clusters. `spoiler` is the warning above it, empty for none.
///
/// ```
/// # use rundruf::text::mastodon::length;
/// assert_eq!(length("", "Siehe https://www.potsdam.de/ein/sehr/langer/weg"), 6 + 23);
/// assert_eq!(length("", "Dank an @info@social.berlin"), "Dank an @info".len());
/// ```
pub fn length(spoiler: &str, text: &str) -> usize {
    length_with(spoiler, text, URL_LENGTH)
}

/// As [`length`], on an instance that counts an address as `url_length`.
pub fn length_with(spoiler: &str, text: &str, url_length: usize) -> usize {
    let mut counted = String::with_capacity(spoiler.len() + text.len());
    counted.push_str(spoiler);
    if !text.trim().is_empty() {
        push_reduced(&mut counted, text, url_length);
    }
    counted.graphemes(true).count()
}

fn push_reduced(counted: &mut String, text: &str, url_length: usize) {
    let mut entities: Vec<(Range<usize>, Option<Range<usize>>)> = urls::find(text, &DIALECT)
        .into_iter()
        .map(|address| (address, None))
        .collect();
    entities.extend(
        mentions(text)
            .into_iter()
            .map(|mention| (mention.whole, Some(mention.local))),
    );
    entities.sort_by_key(|(range, _)| range.start);
    let mut at = 0;
    for (range, local) in entities {
        if range.start < at {
            continue;
        }
        counted.push_str(&text[at..range.start]);
        match local {
            Some(local) => counted.push_str(&text[local]),
            None => counted.extend(std::iter::repeat_n('x', url_length)),
        }
        at = range.end;
    }
    counted.push_str(&text[at..]);
}

struct Mention {
    whole: Range<usize>,
    /// `@user` without the server.
    local: Range<usize>,
}

/// Mentions after `Account::MENTION_RE`: `@user` or `@user@server`, not inside a word, an address or another mention.
fn mentions(text: &str) -> Vec<Mention> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(offset) = text[at..].find('@') {
        let start = at + offset;
        at = start + 1;
        let before = text[..start].chars().next_back();
        if before.is_some_and(|c| is_word(c) || matches!(c, '=' | '/')) {
            continue;
        }
        let user_end = name_end(text, start + 1, |c| c.is_ascii_alphanumeric() || c == '_');
        if user_end == start + 1 {
            continue;
        }
        let mut end = user_end;
        if text[user_end..].starts_with('@') {
            let server_end = name_end(text, user_end + 1, is_word);
            if server_end > user_end + 1 {
                end = server_end;
            }
        }
        at = end;
        let ends_badly = text[end..].starts_with(|c| matches!(c, '@' | '＠') || urls::is_latin_accent(c))
            || text[end..].starts_with("://");
        let server_length = text[user_end..end].chars().count().saturating_sub(1);
        if !ends_badly && server_length <= MAX_DOMAIN_LENGTH {
            found.push(Mention {
                whole: start..end,
                local: start..user_end,
            });
        }
    }
    found
}

/// End of a name from `at`: word characters, inside also dots and hyphens. `at` itself when there is none.
fn name_end(text: &str, at: usize, in_name: fn(char) -> bool) -> usize {
    let mut end = at;
    for (offset, c) in text[at..].char_indices() {
        if in_name(c) {
            end = at + offset + c.len_utf8();
        } else if !matches!(c, '.' | '-') || end == at {
            break;
        }
    }
    end
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LINK: &str = "http://bbbbbbbbbbbbbbbbbbbbbbbbbbbbbb.com/example";

    #[test]
    fn addresses_after_a_space_count_23() {
        assert_eq!(length("", &format!("{} {LINK}", "a".repeat(476))), 500);
        assert_eq!(length("", &format!("{}{LINK}", "a".repeat(476))), 476 + LINK.len());
        assert_eq!(length("", "www.potsdam.de"), 14);
        assert_eq!(length("", "https://potsdam.de/straße/“ä"), 23);
    }

    #[test]
    fn overlong_addresses_count_in_full() {
        let text = format!("http://example.com/valid?{}", "#foo?".repeat(1000));
        assert_eq!(length("", &text), text.len());
    }

    #[test]
    fn mentions_count_without_their_server() {
        assert_eq!(
            length("", &format!("{} @alice@{}.com", "a".repeat(475), "b".repeat(30))),
            475 + 7
        );
        assert_eq!(length("", "@alice@social.example: danke"), "@alice: danke".len());
        let long = format!("@alice@{}.com", "b".repeat(500));
        assert_eq!(length("", &long), long.len());
        for text in ["mail an info@potsdam.de", "x=@a@b.de", "/@a@b.de", "@a@b.de@c"] {
            assert_eq!(length("", text), text.len(), "{text}");
        }
    }

    #[test]
    fn grapheme_clusters_of_spoiler_and_text() {
        assert_eq!(length("", &"🏳️‍⚧️".repeat(500)), 500);
        assert_eq!(length(&"a".repeat(250), &"b".repeat(251)), 501);
        assert_eq!(length("CW", "   "), 2);
    }

    proptest! {
        #[test]
        fn any_text_is_counted(spoiler in any::<String>(), text in any::<String>()) {
            length(&spoiler, &text);
        }

        #[test]
        fn texts_full_of_marks_are_counted(text in "(@[a.@-]{0,5}|https?://|[a.deä/@()?= ]{0,4}|\\.de){0,6}") {
            length("", &text);
        }
    }
}
