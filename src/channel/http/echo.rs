//! What a counterpart echoes of our request: secrets go out of its answer before anyone reads it, so that none comes into a reason, an id or
//! the store. Before anything is cut, too: half a secret is one still.

use bytes::Bytes;

use crate::net::Answer;

/// What is shorter is no secret, and the answer's own words would be taken for it.
const SHORTEST: usize = 4;
/// Stands where a secret was.
const HIDDEN: &[u8] = "…".as_bytes();
/// The longest one character is written with.
const LONGEST_ESCAPE: usize = 12;

/// The answer without these secrets, however its echo writes them: plain, percent-encoded, or escaped for JSON or HTML.
pub fn without(mut answer: Answer, secrets: &[&str]) -> Answer {
    for secret in secrets.iter().filter(|secret| secret.len() >= SHORTEST) {
        if let Some(body) = hidden(&answer.body, secret, !answer.complete) {
            answer.body = body;
        }
    }
    answer
}

/// `None` where it is nowhere.
fn hidden(body: &[u8], secret: &str, broken_off: bool) -> Option<Bytes> {
    let mut out = Vec::new();
    let (mut at, mut copied) = (0, 0);
    while at < body.len() {
        let Some(length) = echo(&body[at..], secret, broken_off) else {
            at += 1;
            continue;
        };
        out.extend_from_slice(&body[copied..at]);
        out.extend_from_slice(HIDDEN);
        at += length;
        copied = at;
    }
    (copied > 0).then(|| {
        out.extend_from_slice(&body[copied..]);
        out.into()
    })
}

/// How many bytes of an echo of `secret` stand at the beginning of `text`; an answer that broke off may end within one.
fn echo(text: &[u8], secret: &str, broken_off: bool) -> Option<usize> {
    let mut at = 0;
    for (n, c) in secret.chars().enumerate() {
        let rest = &text[at..];
        match written(rest, c) {
            Some(length) => at += length,
            None if broken_off && n >= SHORTEST && is_cut(rest) => return Some(text.len()),
            None => return None,
        }
    }
    Some(at)
}

/// True where nothing is left, or the beginning of an escape.
fn is_cut(rest: &[u8]) -> bool {
    rest.first()
        .is_none_or(|first| rest.len() < LONGEST_ESCAPE && (b"%\\&".contains(first) || !first.is_ascii()))
}

/// How many bytes at the beginning of `rest` are `c`.
fn written(rest: &[u8], c: char) -> Option<usize> {
    let mut buffer = [0; 4];
    let plain = c.encode_utf8(&mut buffer).as_bytes();
    let escaped = match rest.first()? {
        b'%' => percent(rest, plain),
        b'\\' => json(rest, c),
        b'&' => html(rest, c),
        b'+' if c == ' ' => Some(1),
        _ => None,
    };
    escaped.or_else(|| rest.starts_with(plain).then_some(plain.len()))
}

fn percent(rest: &[u8], plain: &[u8]) -> Option<usize> {
    let is = |escape: &[u8], byte: u8| escape[0] == b'%' && number(&escape[1..], 16) == Some(u32::from(byte));
    let mut escapes = rest.chunks_exact(3);
    plain
        .iter()
        .all(|byte| escapes.next().is_some_and(|escape| is(escape, *byte)))
        .then_some(3 * plain.len())
}

fn json(rest: &[u8], c: char) -> Option<usize> {
    let mut buffer = [0; 2];
    let units = c.encode_utf16(&mut buffer);
    let is = |escape: &[u8], unit: u16| escape.starts_with(b"\\u") && number(&escape[2..], 16) == Some(u32::from(unit));
    let mut escapes = rest.chunks_exact(6);
    let by_number = units
        .iter()
        .all(|unit| escapes.next().is_some_and(|escape| is(escape, *unit)));
    if by_number {
        return Some(6 * units.len());
    }
    let by_itself = c.is_ascii_punctuation() && rest.get(1).is_some_and(|next| char::from(*next) == c);
    by_itself.then_some(2)
}

fn html(rest: &[u8], c: char) -> Option<usize> {
    let end = rest.iter().take(LONGEST_ESCAPE).position(|byte| *byte == b';')?;
    let found = match &rest[1..end] {
        b"amp" => Some('&'),
        b"lt" => Some('<'),
        b"gt" => Some('>'),
        b"quot" => Some('"'),
        b"apos" => Some('\''),
        [b'#', b'x' | b'X', digits @ ..] => number(digits, 16).and_then(char::from_u32),
        [b'#', digits @ ..] => number(digits, 10).and_then(char::from_u32),
        _ => None,
    };
    (found? == c).then_some(end + 1)
}

fn number(digits: &[u8], radix: u32) -> Option<u32> {
    u32::from_str_radix(std::str::from_utf8(digits).ok()?, radix).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "p4ss&w<rd\"1 +2/ü🔌";

    fn clean(body: &str, complete: bool) -> String {
        let answer = Answer {
            status: 400,
            headers: reqwest::header::HeaderMap::default(),
            body: Bytes::copy_from_slice(body.as_bytes()),
            complete,
            took: std::time::Duration::ZERO,
        };
        String::from_utf8(without(answer, &["ok", SECRET]).body.to_vec()).unwrap()
    }

    #[test]
    fn an_echo_is_found_however_it_is_written() {
        let form: String = url::form_urlencoded::byte_serialize(SECRET.as_bytes()).collect();
        let json = serde_json::Value::from(SECRET).to_string();
        for echo in [
            SECRET,
            &form,
            &form.to_lowercase(),
            &form.replace('+', "%20"),
            json.trim_matches('"'),
            "p4ss\\u0026w\\u003Crd\\\"1 +2\\/\\u00fc\\ud83d\\udd0c",
            "p4ss&amp;w&lt;rd&quot;1 +2/&#252;&#x1F50C;",
            "p4ss&w%3Crd&#34;1+%2B2/ü🔌",
        ] {
            assert_eq!(clean(&format!("ok key={echo}; {echo}"), true), "ok key=…; …", "{echo}");
        }
    }

    #[test]
    fn all_else_stays_as_it_is() {
        for body in [
            "",
            "ok",
            "p4ss&w<rd",
            "{\"p4ss\": \"&w<rd\\\"1\"}",
            "p4ss&amp;amp;w&lt;rd",
        ] {
            assert_eq!(clean(body, true), body);
        }
    }

    #[test]
    fn an_answer_that_broke_off_within_it_shows_no_half_of_it() {
        assert_eq!(clean("key=p4ss&w", false), "key=…");
        assert_eq!(clean("key=p4ss%2", false), "key=…");
        assert_eq!(clean("key=p4s", false), "key=p4s");
    }
}
