//! Mastodon's own way of counting (CHANNELS 2.3), written a second time and without the product's.

use unicode_segmentation::UnicodeSegmentation;

/// Every link counts so much.
pub(super) const LINK: usize = 23;
/// Longer links count in full.
const LONGEST_LINK: usize = 4096;

/// Grapheme clusters after links became 23 characters and `@user@host` became `@user`.
pub(super) fn length(spoiler: &str, text: &str) -> usize {
    spoiler.graphemes(true).count() + shortened(text).graphemes(true).count()
}

fn shortened(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut before = None::<char>;
    while let Some(first) = rest.chars().next() {
        let free = before.is_none_or(|c| !c.is_alphanumeric());
        let (taken, instead) = match (free, link(rest), mention(rest)) {
            (true, Some(length), _) if length <= LONGEST_LINK => (length, "x".repeat(LINK)),
            (true, None, Some((length, user))) => (length, format!("@{user}")),
            _ => (first.len_utf8(), first.to_string()),
        };
        before = rest[..taken].chars().next_back();
        out.push_str(&instead);
        rest = &rest[taken..];
    }
    out
}

/// Bytes of the link that begins here.
fn link(text: &str) -> Option<usize> {
    let scheme = ["https://", "http://"].into_iter().find(|s| text.starts_with(s))?;
    let end = text
        .find(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"' | '„' | '“' | '”'))
        .unwrap_or(text.len());
    let link = text[..end].trim_end_matches(['.', ',', ';', ':', '!', '?', ')', '\'', '…']);
    let host = link.get(scheme.len()..).unwrap_or_default();
    let named = host.starts_with(|c: char| c.is_alphanumeric());
    (named && (host.contains('.') || host.starts_with("localhost"))).then_some(link.len())
}

/// Bytes of the mention of somebody elsewhere that begins here, and the name.
fn mention(text: &str) -> Option<(usize, &str)> {
    let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    let rest = text.strip_prefix('@')?;
    let user = rest.split(|c| !word(c)).next().filter(|u| !u.is_empty())?;
    let host = rest[user.len()..].strip_prefix('@')?;
    let host = host.split(|c| !word(c)).next()?.trim_end_matches('.');
    (host.len() <= 253 && host.contains('.')).then(|| (user.len() + host.len() + 2, user))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_mentions_and_clusters() {
        for (text, expected) in [
            ("", 0),
            ("äöü", 3),
            ("👨‍👩‍👧‍👦", 1),
            ("https://info.potsdam.example/potsdam/2023-01-it/2/", 23),
            ("Mehr: https://a.example/x.", 6 + 23 + 1),
            ("xhttps://a.example", 18),
            ("a.example", 9),
            ("@stadt@social.example!", 7),
            ("post@stadt.example", 18),
        ] {
            assert_eq!(length("", text), expected, "{text}");
        }
        assert_eq!(length("Übung", "ja"), 7);
    }
}
