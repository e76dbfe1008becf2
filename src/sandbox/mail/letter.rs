//! What a mail says, read as a mail program reads it: header fields (RFC 5322), words in other alphabets (RFC 2047), parts and
//! their encodings (RFC 2045, 2046). Written a second time and without the product's.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// How deep parts may stand in parts.
const DEPTH: usize = 8;

/// A mail as its reader sees it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Letter {
    pub(super) from: String,
    pub(super) subject: String,
    pub(super) message_id: String,
    /// The text part.
    pub(super) text: String,
    /// There is an HTML part too.
    pub(super) html: bool,
    /// The language it says it has.
    pub(super) language: String,
    /// Names a way to leave the list.
    pub(super) unsubscribe: bool,
    /// Answers another mail.
    pub(super) follows: bool,
}

/// Header fields, unfolded, in order.
struct Head(Vec<(String, String)>);

impl Head {
    fn get(&self, name: &str) -> Option<&str> {
        let mut found = self.0.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name));
        found.next().map(|(_, value)| value.as_str())
    }

    fn count(&self, name: &str) -> usize {
        self.0.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name)).count()
    }
}

/// Reads a mail; what is no mail is refused, with a reason.
pub(super) fn read(mail: &[u8]) -> Result<Letter, &'static str> {
    let text = String::from_utf8_lossy(mail);
    let (head, body) = split(&text);
    for once in ["From", "Date", "Message-ID"] {
        match head.count(once) {
            1 => {}
            0 => return Err("a mail has From, Date and Message-ID"),
            _ => return Err("a field stands twice"),
        }
    }
    let own = |name: &str| head.get(name).unwrap_or_default().to_owned();
    let mut letter = Letter {
        from: words(&own("From")),
        subject: words(&own("Subject")),
        message_id: own("Message-ID"),
        unsubscribe: head.get("List-Unsubscribe").is_some(),
        follows: head.get("In-Reply-To").is_some(),
        language: own("Content-Language"),
        ..Letter::default()
    };
    part(&head, body, DEPTH, &mut letter);
    Ok(letter)
}

/// Head and body.
fn split(text: &str) -> (Head, &str) {
    let (head, body) = match text.strip_prefix("\r\n") {
        Some(body) => ("", body),
        None => text.split_once("\r\n\r\n").unwrap_or((text, "")),
    };
    let mut fields: Vec<(String, String)> = Vec::new();
    for line in head.split("\r\n") {
        if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = fields.last_mut() {
                value.push(' ');
                value.push_str(line.trim());
            }
        } else if let Some((name, value)) = line.split_once(':') {
            fields.push((name.trim().to_owned(), value.trim().to_owned()));
        }
    }
    (Head(fields), body)
}

fn part(head: &Head, body: &str, depth: usize, letter: &mut Letter) {
    let kind = head.get("Content-Type").unwrap_or("text/plain");
    let media = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if media.starts_with("multipart/") {
        let Some(boundary) = parameter(kind, "boundary").filter(|_| depth > 0) else {
            return;
        };
        let fence = format!("\r\n--{boundary}");
        let whole = format!("\r\n{body}");
        // What stands before the first fence is for readers of forty years ago; what follows the last one begins with two hyphens.
        for piece in whole.split(&fence).skip(1).take_while(|piece| !piece.starts_with("--")) {
            let piece = piece.split_once("\r\n").map_or("", |(_, rest)| rest);
            let (head, body) = split(piece);
            part(&head, body, depth - 1, letter);
        }
    } else if media == "text/html" {
        letter.html = true;
    } else if media == "text/plain" && letter.text.is_empty() {
        let bytes = match head
            .get("Content-Transfer-Encoding")
            .map(str::to_ascii_lowercase)
            .as_deref()
        {
            Some("base64") => unpack(body),
            Some("quoted-printable") => unquote(body),
            _ => body.as_bytes().to_vec(),
        };
        letter.text = super::super::http::text(bytes).replace("\r\n", "\n").trim().to_owned();
        if letter.language.is_empty() {
            letter.language = head.get("Content-Language").unwrap_or_default().to_owned();
        }
    }
}

/// `name=value` or `name="value"` of a field.
fn parameter(field: &str, name: &str) -> Option<String> {
    field.split(';').skip(1).find_map(|parameter| {
        let (n, value) = parameter.split_once('=')?;
        n.trim()
            .eq_ignore_ascii_case(name)
            .then(|| value.trim().trim_matches('"').to_owned())
    })
}

fn unpack(body: &str) -> Vec<u8> {
    let packed: String = body.split_ascii_whitespace().collect();
    STANDARD.decode(packed).unwrap_or_default()
}

/// Quoted-printable: `=C3=BC`, and an equals sign at the end of a line takes the line's end away.
fn unquote(body: &str) -> Vec<u8> {
    let bytes = body.as_bytes();
    let (mut out, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while let Some(&byte) = bytes.get(at) {
        if byte != b'=' {
            out.push(byte);
            at += 1;
        } else if bytes[at..].starts_with(b"=\r\n") {
            at += 3;
        } else {
            let hex = bytes.get(at + 1..at + 3).and_then(|hex| std::str::from_utf8(hex).ok());
            match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
                Some(decoded) => out.push(decoded),
                None => out.extend_from_slice(&bytes[at..bytes.len().min(at + 3)]),
            }
            at = bytes.len().min(at + 3);
        }
    }
    out
}

/// A field with its encoded words decoded: `=?utf-8?b?w7w=?=`.
fn words(field: &str) -> String {
    let (mut out, mut rest) = (String::new(), field);
    let mut after_word = false;
    while let Some(start) = rest.find("=?") {
        let (before, from) = rest.split_at(start);
        // White space between two encoded words belongs to neither.
        if !(after_word && before.trim().is_empty()) {
            out.push_str(before);
        }
        let mut pieces = from[2..].splitn(4, '?');
        let word = (pieces.next(), pieces.next(), pieces.next(), pieces.next());
        let (Some(charset), Some(encoding), Some(text), Some(end)) = word else {
            rest = from;
            break;
        };
        let bytes = match encoding {
            "b" | "B" => STANDARD.decode(text).ok(),
            "q" | "Q" => Some(unquote(&text.replace('_', " "))),
            _ => None,
        };
        let known = charset.eq_ignore_ascii_case("utf-8") || charset.eq_ignore_ascii_case("us-ascii");
        match bytes.filter(|_| known && end.starts_with('=')) {
            Some(bytes) => {
                out.push_str(&super::super::http::text(bytes));
                (rest, after_word) = (&end[1..], true);
            }
            None => {
                out.push_str("=?");
                (rest, after_word) = (&from[2..], false);
            }
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_in_two_parts_reads_as_its_reader_sees_it() {
        let mail = "From: =?utf-8?b?U3RhZHQgw5xiZXI=?= <info@stadt.example>\r\nDate: Tue, 24 Jan 2023 18:00:00 +0100\r\n\
            Message-ID: <1@stadt.example>\r\nSubject: =?utf-8?q?St=C3=B6rung?=\r\n =?utf-8?q?_im_Rathaus?= heute\r\n\
            In-Reply-To: <0@stadt.example>\r\nContent-Type: multipart/alternative;\r\n boundary=\"=_x\"\r\n\r\n\
            Vorwort\r\n--=_x\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\
            Zu lang=\r\ne Zeile, =C3=BCber alles =3D gut\r\n--=_x\r\nContent-Type: text/html; charset=utf-8\r\n\
            Content-Transfer-Encoding: base64\r\n\r\nPHA+eDwvcD4=\r\n--=_x--\r\n";
        let letter = read(mail.as_bytes()).unwrap();
        assert_eq!(letter.from, "Stadt Über <info@stadt.example>");
        assert_eq!(letter.subject, "Störung im Rathaus heute");
        assert_eq!(letter.text, "Zu lange Zeile, über alles = gut");
        assert!(letter.html && letter.follows && !letter.unsubscribe);
        assert_eq!(letter.message_id, "<1@stadt.example>");
    }

    #[test]
    fn what_is_no_encoded_word_stays_as_it_is() {
        for text in [
            "=?",
            "a =?utf-8?q",
            "=?utf-8?x?y?=",
            "=?latin-9?q?=A4?=",
            "1 =? 2 ?= 3",
            "",
        ] {
            assert_eq!(words(text), text);
        }
        assert_eq!(words("=?UTF-8?B?w7w=?= =?utf-8?Q?b=65r?= x"), "über x");
        assert_eq!(unquote("a=ZZb="), b"a=ZZb=");
    }

    #[test]
    fn a_mail_without_its_fields_or_with_two_senders_is_none() {
        let fields = ["From: a@b.example", "Date: x", "Message-ID: <1@b.example>"];
        let mail = |fields: &[&str]| format!("{}\r\n\r\nText\r\n", fields.join("\r\n"));
        assert_eq!(read(mail(&fields).as_bytes()).unwrap().text, "Text");
        for missing in 0..fields.len() {
            let mut fewer = fields.to_vec();
            fewer.remove(missing);
            assert!(read(mail(&fewer).as_bytes()).is_err());
            fewer.extend([fields[missing]; 2]);
            assert!(read(mail(&fewer).as_bytes()).is_err());
        }
        assert!(read(b"").is_err());
    }
}
