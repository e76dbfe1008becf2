//! The little of MIME (RFC 2045, 2046) that bounces need, bounded in size, depth and number: a mail from outside may nest ten thousand
//! messages in each other, and a reader that follows them all runs out of stack. A returned message is never opened.

use mail_parser::MessageParser;
use mail_parser::decoders::base64::base64_decode;
use mail_parser::decoders::charsets::map::charset_decoder;
use mail_parser::decoders::quoted_printable::quoted_printable_decode;

/// Bytes of a mail that are looked at: what a server has to say stands in front of what it returns.
pub const LARGEST: usize = 512 * 1024;
/// Parts within parts.
const DEEPEST: usize = 8;
/// Parts of a mail.
const MOST_PARTS: usize = 64;

/// The fields of a mail or a part, in order; names in lower case, folded values in one line.
#[derive(Debug, Clone, Default)]
pub(super) struct Head {
    fields: Vec<(String, String)>,
    /// The subject as a person reads it, in lower case; of a whole mail only.
    pub(super) subject: String,
}

/// A part that has no parts, or is not opened.
#[derive(Debug)]
pub(super) struct Leaf<'a> {
    /// Media type in lower case.
    pub(super) kind: String,
    head: Head,
    body: &'a [u8],
}

/// Head and leaves of a mail.
pub(super) fn read(raw: &[u8]) -> (Head, Vec<Leaf<'_>>) {
    let raw = without_mbox_line(raw);
    let (head, body) = whole_head(raw);
    let mut leaves = Vec::new();
    open(head.clone(), body, 0, &mut leaves);
    (head, leaves)
}

/// The head of a mail, and nothing of what stands below it.
pub(super) fn head(raw: &[u8]) -> Head {
    whole_head(without_mbox_line(raw)).0
}

fn whole_head(raw: &[u8]) -> (Head, &[u8]) {
    let (mut head, body) = split(raw);
    let subject = MessageParser::default()
        .parse_headers(&raw[..raw.len() - body.len()])
        .and_then(|mail| mail.subject().map(str::to_lowercase));
    head.subject = subject.unwrap_or_default();
    (head, body)
}

/// A mailbox file begins each mail with `From ` and a date.
fn without_mbox_line(raw: &[u8]) -> &[u8] {
    match raw.iter().position(|b| *b == b'\n') {
        Some(end) if raw.starts_with(b"From ") => &raw[end + 1..],
        _ => raw,
    }
}

/// Takes a head off. It ends at an empty line, or at the first line that is no field.
fn split(raw: &[u8]) -> (Head, &[u8]) {
    let mut head = Head::default();
    let mut rest = raw;
    while !rest.is_empty() {
        let (line, next) = first_line(rest);
        let line = String::from_utf8_lossy(line);
        if line.trim().is_empty() {
            return (head, next);
        }
        let folded = line.starts_with([' ', '\t']);
        match (folded, head.fields.last_mut(), line.split_once(':')) {
            (true, Some((_, value)), _) => {
                value.push(' ');
                value.push_str(line.trim());
            }
            (false, _, Some((name, value))) if is_name(name.trim_end()) => {
                let name = name.trim_end().to_ascii_lowercase();
                head.fields.push((name, value.trim().to_owned()));
            }
            _ => break,
        }
        rest = next;
    }
    (head, rest)
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_graphic())
}

fn first_line(of: &[u8]) -> (&[u8], &[u8]) {
    match of.iter().position(|b| *b == b'\n') {
        Some(end) => (of[..end].strip_suffix(b"\r").unwrap_or(&of[..end]), &of[end + 1..]),
        None => (of, &[]),
    }
}

fn open<'a>(head: Head, body: &'a [u8], depth: usize, leaves: &mut Vec<Leaf<'a>>) {
    let kind = head.kind();
    if let (true, Some(boundary)) = (kind.starts_with("multipart/"), head.parameter("boundary"))
        && depth < DEEPEST
    {
        let parts = parts(body, boundary.as_bytes());
        if !parts.is_empty() {
            for part in parts {
                let (head, body) = split(part);
                open(head, body, depth + 1, leaves);
            }
            return;
        }
    }
    if leaves.len() < MOST_PARTS {
        // What calls itself multipart and has no parts is read as the text that it is.
        let kind = match kind.strip_prefix("multipart/") {
            Some(_) => "text/plain".to_owned(),
            None => kind,
        };
        leaves.push(Leaf { kind, head, body });
    }
}

/// What stands between the lines `--boundary`; the last part also where the final line is missing.
fn parts<'a>(body: &'a [u8], boundary: &[u8]) -> Vec<&'a [u8]> {
    let mut parts = Vec::new();
    let (mut begin, mut rest) = (None, body);
    while !rest.is_empty() {
        let at = body.len() - rest.len();
        let (line, next) = first_line(rest);
        let mark = line
            .trim_ascii_end()
            .strip_prefix(b"--")
            .and_then(|mark| mark.strip_prefix(boundary));
        if matches!(mark, Some(b"" | b"--")) {
            parts.extend(begin.map(|begin| &body[begin..at]));
            begin = (mark == Some(b"")).then_some(body.len() - next.len());
            if begin.is_none() || parts.len() >= MOST_PARTS {
                return parts;
            }
        }
        rest = next;
    }
    parts.extend(begin.map(|begin| &body[begin..]));
    parts
}

impl Head {
    /// The first field of this name (in lower case).
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.fields
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, value)| value.as_str())
    }

    /// All fields, in order.
    pub(super) fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Says of itself that it carries a complaint (RFC 5965).
    pub(super) fn is_complaint(&self) -> bool {
        self.parameter("report-type")
            .is_some_and(|of| of.eq_ignore_ascii_case("feedback-report"))
    }

    fn kind(&self) -> String {
        let written = self.get("content-type").unwrap_or("text/plain");
        let kind = written.split([';', ' ']).next().unwrap_or_default();
        kind.trim().to_ascii_lowercase()
    }

    /// A parameter of the content type.
    fn parameter(&self, name: &str) -> Option<String> {
        let written = self.get("content-type")?;
        for parameter in written.split(';').skip(1) {
            let Some((key, value)) = parameter.split_once('=') else {
                continue;
            };
            if key.trim().eq_ignore_ascii_case(name) {
                let value = value.trim();
                let value = match value.strip_prefix('"') {
                    Some(quoted) => quoted.split('"').next().unwrap_or_default(),
                    None => value,
                };
                return (!value.is_empty()).then(|| value.to_owned());
            }
        }
        None
    }
}

impl Leaf<'_> {
    /// The text, decoded as far as it can be.
    pub(super) fn text(&self) -> String {
        let encoding = self.head.get("content-transfer-encoding").unwrap_or_default();
        let decoded = match encoding.trim().to_ascii_lowercase().as_str() {
            "base64" => base64_decode(self.body),
            "quoted-printable" => quoted_printable_decode(self.body),
            _ => None,
        };
        let bytes = decoded.as_deref().unwrap_or(self.body);
        let charset = self.head.parameter("charset");
        match (
            str::from_utf8(bytes),
            charset.and_then(|name| charset_decoder(name.as_bytes())),
        ) {
            (Ok(text), _) => text.to_owned(),
            (Err(_), Some(decode)) => decode(bytes),
            (Err(_), None) => String::from_utf8_lossy(bytes).into_owned(),
        }
    }
}
