//! The `body` of a notice: markdown in, safe HTML or plain text out. Raw HTML and pictures are left out, headings begin
//! below those of the page, and the result goes through a sanitiser that allows what is listed here. Imports [`super::links`].

use std::{
    collections::{HashMap, HashSet},
    sync::LazyLock,
};

use ammonia::{Builder, UrlRelative};
use pulldown_cmark::{CowStr, Event, HeadingLevel, LinkType, Options, Parser, Tag, TagEnd, TextMergeStream, html};

use super::links::{self, Kind};

/// Quotes and lists nested deeper than this lose their frame, not their words.
const MAX_DEPTH: usize = 6;

static SANITISER: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut builder = Builder::default();
    builder
        .tags(HashSet::from([
            "p",
            "ul",
            "ol",
            "li",
            "strong",
            "em",
            "a",
            "br",
            "blockquote",
            "h3",
            "h4",
            "code",
        ]))
        .generic_attributes(HashSet::new())
        .tag_attributes(HashMap::from([("a", HashSet::from(["href"]))]))
        .url_schemes(HashSet::from(["http", "https", "tel", "mailto"]))
        .url_relative(UrlRelative::Deny)
        .link_rel(Some("nofollow noopener"));
    builder
});

/// Markdown as HTML: `p ul ol li strong em a br blockquote h3 h4 code`, links to `http https tel mailto` only. Addresses in
/// running text become links too.
///
/// ```
/// # use rundruf::text::markdown::to_html;
/// assert_eq!(to_html("Rufen Sie *bitte* an."), "<p>Rufen Sie <em>bitte</em> an.</p>\n");
/// ```
pub fn to_html(markdown: &str) -> String {
    let mut unsafe_html = String::with_capacity(markdown.len() * 3 / 2);
    html::push_html(&mut unsafe_html, events(markdown).into_iter());
    SANITISER.clean(&unsafe_html).to_string()
}

/// The events we publish, in order.
fn events(markdown: &str) -> Vec<Event<'_>> {
    let mut kept = Vec::new();
    let (mut depth, mut links, mut images) = (0usize, 0usize, 0usize);
    for event in TextMergeStream::new(Parser::new_ext(markdown, Options::empty())) {
        match event {
            // The one tag people know from elsewhere; without it words would grow together.
            Event::InlineHtml(tag) if is_line_break(&tag) => kept.push(Event::HardBreak),
            Event::Html(_) | Event::InlineHtml(_) => {}
            Event::Start(Tag::Image { .. }) => images += 1,
            Event::End(TagEnd::Image) => images -= 1,
            Event::Start(Tag::HtmlBlock) | Event::End(TagEnd::HtmlBlock) => {}
            Event::Start(Tag::Heading { level, .. }) => kept.push(Event::Start(Tag::Heading {
                level: lowered(level),
                id: None,
                classes: Vec::new(),
                attrs: Vec::new(),
            })),
            Event::End(TagEnd::Heading(level)) => kept.push(Event::End(TagEnd::Heading(lowered(level)))),
            Event::Start(tag @ (Tag::BlockQuote(_) | Tag::List(_) | Tag::Item)) => {
                depth += 1;
                if depth <= MAX_DEPTH {
                    kept.push(Event::Start(tag));
                }
            }
            Event::End(tag @ (TagEnd::BlockQuote(_) | TagEnd::List(_) | TagEnd::Item)) => {
                if depth <= MAX_DEPTH {
                    kept.push(Event::End(tag));
                }
                depth -= 1;
            }
            Event::Start(tag @ Tag::Link { .. }) => {
                links += 1;
                kept.push(Event::Start(tag));
            }
            Event::End(TagEnd::Link) => {
                links -= 1;
                kept.push(Event::End(TagEnd::Link));
            }
            // What a picture shows stays as words.
            Event::Text(text) if links == 0 && images == 0 => push_linked(&mut kept, text),
            event => kept.push(event),
        }
    }
    kept
}

fn is_line_break(tag: &str) -> bool {
    tag.trim_matches(['<', '>', '/', ' ']).eq_ignore_ascii_case("br")
}

/// Headings of a notice stand below the page's own first two.
const fn lowered(level: HeadingLevel) -> HeadingLevel {
    match level {
        HeadingLevel::H1 => HeadingLevel::H3,
        _ => HeadingLevel::H4,
    }
}

/// Running text with its addresses as links.
fn push_linked<'t>(kept: &mut Vec<Event<'t>>, text: CowStr<'t>) {
    let found = links::find(&text);
    if found.is_empty() {
        kept.push(Event::Text(text));
        return;
    }
    let piece = |range: std::ops::Range<usize>| Event::Text(CowStr::from(text[range].to_owned()));
    let mut at = 0;
    for link in found {
        kept.push(piece(at..link.range.start));
        at = link.range.end;
        kept.push(Event::Start(Tag::Link {
            link_type: if link.kind == Kind::Mail {
                LinkType::Email
            } else {
                LinkType::Autolink
            },
            dest_url: CowStr::from(text[link.range.clone()].to_owned()),
            title: CowStr::Borrowed(""),
            id: CowStr::Borrowed(""),
        }));
        kept.push(piece(link.range));
        kept.push(Event::End(TagEnd::Link));
    }
    kept.push(piece(at..text.len()));
}

/// Markdown as plain text for posts, SMS and mail: paragraphs with an empty line between them, list items with a hyphen or their
/// number, the address of a link in parentheses behind its words.
///
/// ```
/// # use rundruf::text::markdown::to_plain;
/// assert_eq!(to_plain("# Lage\n\n* eins\n* [zwei](https://a.de)"), "Lage\n\n- eins\n- zwei (https://a.de)");
/// ```
pub fn to_plain(markdown: &str) -> String {
    let mut plain = Plain::default();
    for event in events(markdown) {
        plain.take(event);
    }
    plain.text.trim().to_owned()
}

#[derive(Default)]
struct Plain {
    text: String,
    /// The next number of each open list, `None` where items have a hyphen.
    lists: Vec<Option<u64>>,
    /// Where the words of the open link begin, and where it leads.
    link: Option<(usize, String)>,
}

impl Plain {
    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Text(text) | Event::Code(text) => self.text.push_str(&text),
            Event::SoftBreak => self.text.push(' '),
            Event::HardBreak => self.text.push('\n'),
            Event::Start(Tag::List(first)) => {
                self.break_to(if self.lists.is_empty() { 2 } else { 1 });
                self.lists.push(first);
            }
            Event::End(TagEnd::List(_)) => {
                self.lists.pop();
            }
            Event::Start(Tag::Item) => self.start_item(),
            Event::Start(Tag::Paragraph | Tag::Heading { .. } | Tag::BlockQuote(_) | Tag::CodeBlock(_)) | Event::Rule
                // The first paragraph of a list item follows its hyphen.
                if !self.text.ends_with("- ") && !self.text.ends_with(". ") =>
            {
                self.break_to(if self.lists.is_empty() { 2 } else { 1 });
            }
            Event::Start(Tag::Link { dest_url, .. }) => {
                self.link = Some((self.text.len(), dest_url.into_string()));
            }
            Event::End(TagEnd::Link) => self.end_link(),
            _ => {}
        }
    }

    fn start_item(&mut self) {
        if !self.text.ends_with("\n\n") {
            self.break_to(1);
        }
        self.text.push_str(&"  ".repeat(self.lists.len().saturating_sub(1)));
        match self.lists.last_mut() {
            Some(Some(number)) => {
                self.text.push_str(&format!("{number}. "));
                *number = number.saturating_add(1);
            }
            _ => self.text.push_str("- "),
        }
    }

    fn end_link(&mut self) {
        let Some((start, address)) = self.link.take() else {
            return;
        };
        let words = &self.text[start..];
        let known = address
            .strip_prefix("mailto:")
            .or_else(|| address.strip_prefix("tel:"))
            .unwrap_or(&address);
        if !address.is_empty() && words != known {
            let added = format!(" ({known})");
            self.text.push_str(&added);
        }
    }

    /// Ends the text in exactly `lines` line breaks, unless it is still empty.
    fn break_to(&mut self, lines: usize) {
        let kept = self.text.trim_end().len();
        self.text.truncate(kept);
        if kept > 0 {
            self.text.push_str(&"\n".repeat(lines));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_allowed_comes_out() {
        insta::assert_snapshot!(to_html(
            "# Lage\n\n## Mehr\n\n**Neu:** siehe [hier](https://a.de) und https://b.de/x_y_z.\\\nTel. [115](tel:115), info@c.de\n\n1. eins\n2. `zwei`\n\n> Zitat"
        ), @r#"
        <h3>Lage</h3>
        <h4>Mehr</h4>
        <p><strong>Neu:</strong> siehe <a href="https://a.de" rel="nofollow noopener">hier</a> und <a href="https://b.de/x_y_z" rel="nofollow noopener">https://b.de/x_y_z</a>.<br>
        Tel. <a href="tel:115" rel="nofollow noopener">115</a>, <a href="mailto:info@c.de" rel="nofollow noopener">info@c.de</a></p>
        <ol>
        <li>eins</li>
        <li><code>zwei</code></li>
        </ol>
        <blockquote>
        <p>Zitat</p>
        </blockquote>
        "#);
    }

    #[test]
    fn what_is_not_allowed_stays_out() {
        let html = to_html(
            "<script>alert(1)</script>\n\na <b onclick=x>c</b> ![Bild](https://t.de/p.png) [x](javascript:alert(1)) [y](/rel) <img src=x onerror=y>",
        );
        assert_eq!(
            html,
            "\n<p>a c Bild <a rel=\"nofollow noopener\">x</a> <a rel=\"nofollow noopener\">y</a> </p>\n".trim_start()
        );
    }

    #[test]
    fn depth_is_bounded() {
        let deep = format!("{}Wort", "> ".repeat(5000));
        let html = to_html(&deep);
        assert_eq!(html.matches("<blockquote>").count(), MAX_DEPTH);
        assert!(html.contains("Wort"));
        assert!(to_plain(&deep).contains("Wort"));
    }

    #[test]
    fn plain_text_reads_like_a_letter() {
        assert_eq!(
            to_plain(
                "Ein *Satz*\nmit Umbruch.\n\nZweiter, [Seite](https://a.de), <https://b.de>.\n\n- a\n  - b\n- c\n\nEnde [115](tel:115)"
            ),
            "Ein Satz mit Umbruch.\n\nZweiter, Seite (https://a.de), https://b.de.\n\n- a\n  - b\n- c\n\nEnde 115"
        );
        assert_eq!(to_plain("oben<br />unten"), "oben\nunten");
        assert_eq!(to_plain("3. drei\n4. vier"), "3. drei\n4. vier");
    }

    proptest! {
        #[test]
        fn any_text_becomes_safe_html(text in "([a-zä<>*_#`\\[\\]()!& \n]|https://a\\.de|javascript:|<script>|onerror=|- |> ){0,40}") {
            let html = to_html(&text);
            prop_assert!(!html.contains("<script") && !html.contains("<img"));
            to_plain(&text);
        }
    }
}
