//! Host names inside running text, as twitter-text reads them: any letters but punctuation, and a known top-level domain.
//! Text without spaces (Chinese, Japanese) is one long candidate; a run is therefore read once and asked often. Imports
//! [`super::tlds`].

use super::tlds;

/// End of the top-level domain that begins at `at`, or `None`.
///
/// What follows must not continue it: `.com` in `a.common` is none, in `a.comです` it is.
pub fn tld_end(text: &str, at: usize) -> Option<usize> {
    let rest = &text[at..];
    let ascii = rest.bytes().take_while(u8::is_ascii_alphanumeric).count();
    if ascii > 0 && ascii <= 63 && ends_here(&rest[ascii..]) && tlds::is_known(&rest[..ascii].to_ascii_lowercase()) {
        return Some(at + ascii);
    }
    if ascii == 0 {
        return tlds::international_prefixes(rest)
            .find(|name| ends_here(&rest[name.len()..]))
            .map(|name| at + name.len());
    }
    let punycode = rest.get(..4).filter(|head| head.eq_ignore_ascii_case("xn--"))?.len();
    let more = rest[punycode..]
        .bytes()
        .take_while(|b| b.is_ascii_alphanumeric() || *b == b'-')
        .count();
    (more > 0).then_some(at + punycode + more)
}

fn ends_here(rest: &str) -> bool {
    !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '@' | '+' | '-'))
}

/// Whether a label may begin and end with `c`.
pub fn is_label_char(c: char) -> bool {
    !matches!(
        c,
        '!' | '\''
            | '#'
            | '%'
            | '&'
            | '('
            | ')'
            | '*'
            | '+'
            | ','
            | '\\'
            | '-'
            | '.'
            | '/'
            | ':'
            | ';'
            | '<'
            | '='
            | '>'
            | '?'
            | '@'
            | '['
            | ']'
            | '^'
            | '_'
            | '{'
            | '|'
            | '}'
            | '~'
            | '$'
    ) && !is_space(c)
        && !is_invalid(c)
        && !is_directional(c)
}

/// White space as twitter-text lists it.
fn is_space(c: char) -> bool {
    c.is_whitespace() || c == '\u{180e}'
}

/// Characters that no post may have.
pub fn is_invalid(c: char) -> bool {
    matches!(c, '\u{fffe}' | '\u{feff}' | '\u{ffff}')
}

fn is_directional(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2066}'..='\u{2069}')
}

/// One maximal run of label characters, `-`, `_` and dots, with what its labels allow.
#[derive(Default)]
pub struct HostRun {
    start: usize,
    end: usize,
    labels: Vec<Label>,
}

struct Label {
    start: usize,
    /// Where its dot is, or the end of the run.
    end: usize,
    last_underscore: Option<usize>,
    ends_well: bool,
    starts_well: bool,
    /// End of the top-level domain behind its dot.
    tld_end: Option<usize>,
    /// End of the longest host that goes on with this label from its start.
    host_end: Option<usize>,
}

impl HostRun {
    /// End of the longest host name that begins at `at`. Reads the run around `at` only when it is not the one at hand.
    pub fn host_end(&mut self, text: &str, at: usize) -> Option<usize> {
        if !text[at..].starts_with(is_label_char) {
            return None;
        }
        if !(self.start..self.end).contains(&at) {
            *self = Self::read(text, at);
        }
        let index = self.labels.partition_point(|label| label.end < at);
        let label = self.labels.get(index)?;
        if !label.ends_well {
            return None;
        }
        let further = self.labels.get(index + 1).and_then(|next| next.host_end);
        // Underscores are for subdomains only.
        further.or_else(|| {
            label
                .tld_end
                .filter(|_| label.last_underscore.is_none_or(|place| place < at))
        })
    }

    fn read(text: &str, start: usize) -> Self {
        let in_run = |c: char| is_label_char(c) || matches!(c, '-' | '_' | '.');
        let end = start + text[start..].find(|c| !in_run(c)).unwrap_or(text.len() - start);
        let mut labels: Vec<Label> = Vec::new();
        let mut label_start = start;
        for label in text[start..end].split('.') {
            let label_end = label_start + label.len();
            labels.push(Label {
                start: label_start,
                end: label_end,
                last_underscore: label.rfind('_').map(|place| label_start + place),
                ends_well: label.ends_with(is_label_char),
                starts_well: label.starts_with(is_label_char),
                tld_end: if label_end < end {
                    tld_end(text, label_end + 1)
                } else {
                    None
                },
                host_end: None,
            });
            label_start = label_end + 1;
        }
        let mut further = None;
        for label in labels.iter_mut().rev() {
            if label.starts_well && label.ends_well {
                let here = label.tld_end.filter(|_| label.last_underscore.is_none());
                label.host_end = further.or(here);
            }
            further = label.host_end;
        }
        debug_assert!(labels.first().is_some_and(|label| label.start == start));
        Self { start, end, labels }
    }
}

/// Whether every label of a host has 1 to 63 bytes in its ASCII form (RFC 1035 section 2.3.4, RFC 3490).
pub fn has_valid_labels(host: &str) -> bool {
    host.split('.').all(|label| (1..=63).contains(&ascii_length(label)))
}

/// Length of a label in its ASCII form, `xn--` and Punycode where it has other letters.
fn ascii_length(label: &str) -> usize {
    // Punycode is never shorter than the number of characters, so overlong labels need not be encoded.
    let characters = label.chars().count();
    if label.is_ascii() || characters > 63 {
        return characters;
    }
    "xn--".len() + punycode_length(label)
}

/// How many letters RFC 3492 section 6.3 makes of a label; twitter-text encodes labels as they stand, unmapped.
fn punycode_length(label: &str) -> usize {
    const BASE: u32 = 36;
    const T_MIN: u32 = 1;
    const T_MAX: u32 = 26;
    let basic = label.bytes().filter(u8::is_ascii).count();
    let total = label.chars().count();
    let mut length = if basic > 0 { basic + 1 } else { 0 };
    let (mut n, mut delta, mut bias, mut handled) = (128u32, 0u32, 72u32, basic);
    while handled < total {
        let Some(next) = label.chars().map(u32::from).filter(|c| *c >= n).min() else {
            break;
        };
        // Labels have at most 63 characters here, so neither product nor sum can overflow.
        delta += (next - n) * (handled as u32 + 1);
        n = next;
        for c in label.chars().map(u32::from) {
            delta += u32::from(c < n);
            if c != n {
                continue;
            }
            let mut rest = delta;
            for k in (BASE..).step_by(BASE as usize) {
                length += 1;
                let t = k.saturating_sub(bias).clamp(T_MIN, T_MAX);
                if rest < t {
                    break;
                }
                rest = (rest - t) / (BASE - t);
            }
            bias = adapted(delta, handled as u32 + 1, handled == basic);
            delta = 0;
            handled += 1;
        }
        delta += 1;
        n += 1;
    }
    length
}

/// The bias for the next letter (RFC 3492 section 6.1).
fn adapted(delta: u32, handled: u32, first: bool) -> u32 {
    let mut delta = if first { delta / 700 } else { delta / 2 };
    delta += delta / handled;
    let mut k = 0;
    while delta > 455 {
        delta /= 35;
        k += 36;
    }
    k + 36 * delta / (delta + 38)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn host(text: &str) -> Option<&str> {
        HostRun::default().host_end(text, 0).map(|end| &text[..end])
    }

    #[test]
    fn hosts_end_with_their_last_known_domain() {
        assert_eq!(host("www.potsdam.de/x"), Some("www.potsdam.de"));
        assert_eq!(host("a.com.jpg"), Some("a.com"));
        assert_eq!(host("z.B."), None);
        assert_eq!(host("test_x.example.org"), Some("test_x.example.org"));
        assert_eq!(host("test_x.org"), None);
        assert_eq!(host("x-.de"), None);
        assert_eq!(host("grüße.de"), Some("grüße.de"));
        assert_eq!(host("пример.рф"), Some("пример.рф"));
        assert_eq!(host("a.xn--p1ai"), Some("a.xn--p1ai"));
        assert_eq!(host("a.deutsch"), None);
    }

    #[test]
    fn a_run_answers_for_every_place_in_it() {
        let text = "あい.a_b.comう.de";
        let mut run = HostRun::default();
        let all: Vec<_> = text
            .char_indices()
            .map(|(at, _)| run.host_end(text, at).map(|end| &text[at..end]))
            .collect();
        let fresh: Vec<_> = text.char_indices().map(|(at, _)| host(&text[at..])).collect();
        assert_eq!(all, fresh);
    }

    #[test]
    fn labels_are_measured_in_their_ascii_form() {
        assert!(has_valid_labels(&format!("{}.com", "a".repeat(63))));
        assert!(!has_valid_labels(&format!("{}.com", "a".repeat(64))));
        assert!(!has_valid_labels(&format!("{}.com", "あいうえおかきくけこ".repeat(6))));
    }

    #[test]
    fn punycode_lengths_agree_with_known_names() {
        for (label, ascii) in [
            ("bücher", "xn--bcher-kva"),
            ("münchen", "xn--mnchen-3ya"),
            ("рф", "xn--p1ai"),
            ("他们为什么不说中文", "xn--ihqwcrb4cv8a8dqg056pqjye"),
        ] {
            assert_eq!(ascii_length(label), ascii.len(), "{label}");
        }
    }

    proptest! {
        #[test]
        fn any_label_has_a_length(label in any::<String>()) {
            has_valid_labels(&label);
        }

        #[test]
        fn any_text_is_taken(text in "[a-c.\\-_дあ @]{0,12}(com|de|рф)?") {
            let mut run = HostRun::default();
            for (at, _) in text.char_indices() {
                let found = run.host_end(&text, at);
                prop_assert_eq!(found.map(|end| end - at), HostRun::default().host_end(&text[at..], 0));
            }
        }
    }
}
