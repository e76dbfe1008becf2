//! Addresses in running text as services find them that build on twitter-text (its `extractUrl` expression, version 3.1):
//! X itself and, with a wider path, Mastodon. Both count every address they find as 23 characters, so it matters what they
//! find. Read by hand in linear time instead of by a backtracking expression. Imports [`super::hosts`].

use std::ops::Range;

use super::hosts::{self, HostRun};

/// Longest address that is still one (twitter-text `MAX_URL_LENGTH`), in UTF-16 units, protocol counted as the services do.
const MAX_URL_LENGTH: usize = 4096;
/// Longest identifier of an address of the shortener t.co.
const MAX_TCO_SLUG_LENGTH: usize = 40;

/// Which characters one service takes for a part of an address.
pub struct Dialect {
    /// Whether a host without `http://` or `https://` is an address.
    pub bare: bool,
    /// What may stand in a path, beside balanced parentheses.
    pub in_path: fn(char) -> bool,
    /// What may end a path, beside `)`.
    pub ends_path: fn(char) -> bool,
    /// What may stand in a query.
    pub in_query: fn(char) -> bool,
    /// What may end a query.
    pub ends_query: fn(char) -> bool,
    /// Whether the protocol is counted a second time before the comparison with the longest address.
    pub counts_protocol_twice: bool,
}

/// An address that the expression matched, before it is judged.
struct Candidate {
    before: Option<char>,
    start: usize,
    protocol: usize,
    host_end: usize,
    has_path: bool,
    end: usize,
}

/// The byte ranges of all addresses in `text`, in order and disjoint.
pub fn find(text: &str, dialect: &Dialect) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    if !text.contains('.') {
        return found;
    }
    let mut run = HostRun::default();
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let next = at + c.len_utf8();
        let candidate = may_precede(c)
            .then(|| match_at(text, next, Some(c), dialect, &mut run))
            .flatten()
            .or_else(|| (at == 0).then(|| match_at(text, 0, None, dialect, &mut run)).flatten());
        match candidate {
            Some(candidate) => {
                at = candidate.end;
                judge(text, &candidate, dialect, &mut found);
            }
            None => at = next,
        }
    }
    found
}

fn may_precede(c: char) -> bool {
    !c.is_ascii_alphanumeric() && !matches!(c, '@' | '＠' | '$' | '#' | '＃') && !hosts::is_invalid(c)
}

fn match_at(text: &str, start: usize, before: Option<char>, dialect: &Dialect, run: &mut HostRun) -> Option<Candidate> {
    let protocol = protocol_length(&text[start..]);
    let host_end = run.host_end(text, start + protocol)?;
    let mut end = after_port(text, host_end);
    let has_path = text[end..].starts_with('/');
    if has_path {
        end = path_end(text, end + 1, dialect);
    }
    end = query_end(text, end, dialect);
    Some(Candidate {
        before,
        start,
        protocol,
        host_end,
        has_path,
        end,
    })
}

fn protocol_length(text: &str) -> usize {
    ["https://", "http://"]
        .into_iter()
        .find(|protocol| {
            text.get(..protocol.len())
                .is_some_and(|head| head.eq_ignore_ascii_case(protocol))
        })
        .map_or(0, str::len)
}

fn after_port(text: &str, at: usize) -> usize {
    match text[at..].strip_prefix(':') {
        Some(rest) => match rest.bytes().take_while(u8::is_ascii_digit).count() {
            0 => at,
            digits => at + 1 + digits,
        },
        None => at,
    }
}

/// The longest path from `at`: a full stop or comma at its end belongs to the sentence, not to the address.
fn path_end(text: &str, at: usize, dialect: &Dialect) -> usize {
    let (mut pos, mut end) = (at, at);
    while let Some(c) = text[pos..].chars().next() {
        if c == '(' {
            let Some(closed) = parentheses_end(text, pos, dialect) else {
                break;
            };
            (pos, end) = (closed, closed);
        } else if (dialect.in_path)(c) {
            pos += c.len_utf8();
            if (dialect.ends_path)(c) {
                end = pos;
            }
        } else {
            break;
        }
    }
    end
}

/// End of balanced parentheses (`/Primer_(film)`), which may hold one more pair.
fn parentheses_end(text: &str, open: usize, dialect: &Dialect) -> Option<usize> {
    let skip = |from: usize| {
        from + text[from..]
            .find(|c| !(dialect.in_path)(c))
            .unwrap_or(text.len() - from)
    };
    let inner = skip(open + 1);
    if text[inner..].starts_with(')') && inner > open + 1 {
        return Some(inner + 1);
    }
    if !text[inner..].starts_with('(') {
        return None;
    }
    let nested = skip(inner + 1);
    if nested == inner + 1 || !text[nested..].starts_with(')') {
        return None;
    }
    let outer = skip(nested + 1);
    text[outer..].starts_with(')').then_some(outer + 1)
}

fn query_end(text: &str, at: usize, dialect: &Dialect) -> usize {
    let Some(query) = text[at..].strip_prefix('?') else {
        return at;
    };
    let mut end = at;
    for (offset, c) in query.char_indices().take_while(|(_, c)| (dialect.in_query)(*c)) {
        if (dialect.ends_query)(c) {
            end = at + 1 + offset + c.len_utf8();
        }
    }
    end
}

fn judge(text: &str, candidate: &Candidate, dialect: &Dialect, found: &mut Vec<Range<usize>>) {
    let &Candidate {
        before,
        start,
        protocol,
        host_end,
        has_path,
        mut end,
    } = candidate;
    let units: usize = text[start..end].chars().map(char::len_utf16).sum();
    let extra = match protocol {
        0 => "https://".len(),
        _ if dialect.counts_protocol_twice => protocol,
        _ => 0,
    };
    let host = &text[start + protocol..host_end];
    let mixed_punycode = host.starts_with("xn--") && latin_hosts(host).is_empty();
    if units + extra > MAX_URL_LENGTH || mixed_punycode || !hosts::has_valid_labels(host) {
        return;
    }
    if protocol == 0 {
        if dialect.bare && !matches!(before, Some('-' | '_' | '.' | '/')) {
            bare_hosts(text, start..host_end, has_path.then_some(end), found);
        }
        return;
    }
    if host.eq_ignore_ascii_case("t.co") && text[host_end..].starts_with('/') {
        // Addresses of t.co take no further path, and end where their identifier ends.
        let slug = text[host_end + 1..end]
            .bytes()
            .take_while(u8::is_ascii_alphanumeric)
            .count();
        if slug > MAX_TCO_SLUG_LENGTH {
            return;
        }
        if slug > 0 {
            end = query_end(text, host_end + 1 + slug, dialect);
        }
    }
    found.push(start..end);
}

/// Without a protocol only hosts in Latin letters are addresses; in running Japanese there may be several. The path
/// belongs to the last one.
fn bare_hosts(text: &str, range: Range<usize>, path_end: Option<usize>, found: &mut Vec<Range<usize>>) {
    let mut hosts = latin_hosts(&text[range.clone()]);
    for host in &mut hosts {
        *host = range.start + host.start..range.start + host.end;
    }
    if let (Some(end), Some(last)) = (path_end, hosts.last_mut()) {
        last.end = end;
    }
    found.extend(hosts);
}

/// The hosts in Latin letters inside a host.
fn latin_hosts(host: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < host.len() {
        let chain = latin_chain(host, at);
        match chain.host_end {
            Some(end) => {
                found.push(at..end);
                at = end;
            }
            None => at = chain.next,
        }
    }
    found
}

struct LatinChain {
    /// End of the longest host that begins at the start of the chain.
    host_end: Option<usize>,
    /// Where to go on when there is none.
    next: usize,
}

/// Labels of Latin letters, digits and hyphens from `at`, each with its dot.
fn latin_chain(host: &str, at: usize) -> LatinChain {
    let mut chain = LatinChain {
        host_end: None,
        next: at,
    };
    loop {
        let label = host[chain.next..]
            .find(|c| !is_latin(c))
            .unwrap_or(host.len() - chain.next);
        let dot = chain.next + label;
        if label == 0 || !host[dot..].starts_with('.') {
            let skipped = host[dot..].chars().next().map_or(0, char::len_utf8);
            chain.next = dot + skipped;
            return chain;
        }
        chain.next = dot + 1;
        chain.host_end = hosts::tld_end(host, dot + 1).or(chain.host_end);
    }
}

fn is_latin(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '-' || is_latin_accent(c)
}

/// Latin letters beyond ASCII as twitter-text lists them (`latinAccentChars`).
pub fn is_latin_accent(c: char) -> bool {
    matches!(c, '\u{c0}'..='\u{d6}' | '\u{d8}'..='\u{f6}' | '\u{f8}'..='\u{24f}' | '\u{253}' | '\u{254}' | '\u{256}' | '\u{257}'
        | '\u{259}' | '\u{25b}' | '\u{263}' | '\u{268}' | '\u{26f}' | '\u{272}' | '\u{289}' | '\u{28b}' | '\u{2bb}'
        | '\u{300}'..='\u{36f}' | '\u{1e00}'..='\u{1eff}')
}
