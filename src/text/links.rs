//! Links in running text for our own pages, and questions about addresses. How services find links for their counting is
//! their own matter, see [`super::urls`] and [`super::bluesky`]. Imports nothing of ours.

use std::ops::Range;

use linkify::{LinkFinder, LinkKind};
use url::Url;

/// What a found piece of text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An address with `http://` or `https://`.
    Web,
    /// A mail address.
    Mail,
}

/// A link in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its bytes.
    pub range: Range<usize>,
    /// What it is.
    pub kind: Kind,
}

impl Found {
    /// What `href` needs, from the text it was found in. Not escaped.
    pub fn href(&self, text: &str) -> String {
        let shown = &text[self.range.clone()];
        match self.kind {
            Kind::Web => shown.to_owned(),
            Kind::Mail => format!("mailto:{shown}"),
        }
    }
}

/// Web addresses with their protocol and mail addresses, in order. Bare hosts are left alone: who writes for our pages and
/// wants a link writes it out, and file names stay text.
pub fn find(text: &str) -> Vec<Found> {
    LinkFinder::new()
        .links(text)
        .filter_map(|link| {
            let kind = match link.kind() {
                LinkKind::Url if has_web_scheme(link.as_str()) => Kind::Web,
                LinkKind::Email => Kind::Mail,
                _ => return None,
            };
            Some(Found {
                range: link.start()..link.end(),
                kind,
            })
        })
        .collect()
}

fn has_web_scheme(address: &str) -> bool {
    ["https://", "http://"].iter().any(|scheme| {
        address
            .get(..scheme.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(scheme))
    })
}

/// Plain text as HTML: escaped, with links made clickable.
///
/// ```
/// # use rundruf::text::links::to_html;
/// assert_eq!(to_html("1 < 2: https://a.de."), "1 &lt; 2: <a href=\"https://a.de\" rel=\"nofollow noopener\">https://a.de</a>.");
/// ```
pub fn to_html(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    let mut at = 0;
    for found in find(text) {
        push_escaped(&mut html, &text[at..found.range.start]);
        html.push_str("<a href=\"");
        push_escaped(&mut html, &found.href(text));
        html.push_str("\" rel=\"nofollow noopener\">");
        push_escaped(&mut html, &text[found.range.clone()]);
        html.push_str("</a>");
        at = found.range.end;
    }
    push_escaped(&mut html, &text[at..]);
    html
}

fn push_escaped(html: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            _ => html.push(c),
        }
    }
}

/// Whether an address, a host or a mail address lies in `domain` or below it: what may be dead with the city's own IT.
///
/// ```
/// # use rundruf::text::links::is_within;
/// assert!(is_within("https://www.potsdam.example/x", "potsdam.example"));
/// assert!(is_within("post@potsdam.example", "potsdam.example"));
/// assert!(!is_within("https://notpotsdam.example", "potsdam.example"));
/// ```
pub fn is_within(address: &str, domain: &str) -> bool {
    let host = host(address).unwrap_or_else(|| {
        let bare = address.rsplit('@').next().unwrap_or(address);
        ascii_host(bare)
    });
    let domain = ascii_host(domain.trim_start_matches('.'));
    !domain.is_empty()
        && host
            .strip_suffix(domain.as_str())
            .is_some_and(|left| left.is_empty() || left.ends_with('.'))
}

/// The host of an address in lower-case ASCII form, without a trailing dot.
pub fn host(address: &str) -> Option<String> {
    let url = Url::parse(address).ok()?;
    url.host_str().filter(|host| !host.is_empty()).map(ascii_host)
}

fn ascii_host(host: &str) -> String {
    let host = host.trim_end_matches('.');
    url::Host::parse(host).map_or_else(|_| host.to_lowercase(), |host| host.to_string())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sentences_keep_their_marks() {
        let text = "Siehe https://a.de/x (oder HTTP://b.de/y_(z)), info@c.de, ftp://d.de, e.de.";
        let found: Vec<_> = find(text).into_iter().map(|found| found.href(text)).collect();
        assert_eq!(found, ["https://a.de/x", "HTTP://b.de/y_(z)", "mailto:info@c.de"]);
    }

    #[test]
    fn html_is_escaped_inside_links_too() {
        assert_eq!(
            to_html("<b> https://a.de/?a=1&b='2' & x@y.de"),
            "&lt;b&gt; <a href=\"https://a.de/?a=1&amp;b=&#39;2&#39;\" rel=\"nofollow noopener\">https://a.de/?a=1&amp;b=&#39;2&#39;</a> \
             &amp; <a href=\"mailto:x@y.de\" rel=\"nofollow noopener\">x@y.de</a>"
        );
    }

    #[test]
    fn hosts_compare_in_ascii_form() {
        assert!(is_within("sftp://user@www.grüße.de/x", "grüße.de"));
        assert!(is_within("www.a.de", ".A.de."));
        assert!(!is_within("https://a.de.evil.example", "a.de"));
        assert!(!is_within("", ""));
    }

    proptest! {
        #[test]
        fn any_text_is_taken(text in any::<String>(), other in any::<String>()) {
            prop_assert!(!to_html(&text).contains("<script"));
            is_within(&text, &other);
        }
    }
}
