//! The described request: a text with places in braces, filled in so that what is filled in can never be read as anything else.

use crate::said;
use crate::text::said::Said;

/// What can stand in braces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    /// The number, `+49…`.
    To,
    /// The number without plus.
    Digits,
    /// The text.
    Text,
    /// The sender.
    From,
    /// The secret.
    Secret,
    /// Our reference of this attempt.
    Ref,
    /// The address for delivery reports of this attempt.
    Receipts,
    /// `gsm7` or `ucs2`, or the gateway's words for these.
    Encoding,
}

/// Every name, as written.
const NAMES: &[(&str, Field)] = &[
    ("to", Field::To),
    ("digits", Field::Digits),
    ("text", Field::Text),
    ("from", Field::From),
    ("secret", Field::Secret),
    ("ref", Field::Ref),
    ("receipts", Field::Receipts),
    ("encoding", Field::Encoding),
];

/// Where a text goes, and so what has to be escaped in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    /// Query or form: percent-encoded.
    Form,
    /// Within a JSON text.
    Json,
    /// A header's value: nothing is escaped, so nothing that could need it may stand there.
    Header,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Plain(String),
    Field(Field),
}

/// A text with its places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Template {
    pieces: Vec<Piece>,
    target: Target,
}

impl Template {
    /// Reads a template; braces around anything but a plain word are braces.
    pub(super) fn parse(written: &str, target: Target) -> Result<Self, Said> {
        let mut pieces = Vec::new();
        let mut plain = String::new();
        let mut rest = written;
        while let Some(at) = rest.find('{') {
            let (before, from) = rest.split_at(at);
            plain.push_str(before);
            let name: String = from[1..]
                .chars()
                .take_while(|c| c.is_ascii_lowercase() || *c == '_')
                .collect();
            if name.is_empty() || !from[1 + name.len()..].starts_with('}') {
                plain.push('{');
                rest = &from[1..];
                continue;
            }
            let Some((_, field)) = NAMES.iter().find(|(known, _)| *known == name) else {
                return Err(said!("{{{name}}} gibt es nicht.", "there is no {{{name}}}."));
            };
            if target == Target::Header && matches!(field, Field::Text | Field::Receipts) {
                return Err(said!(
                    "{{{name}}} kann in keinem Kopffeld stehen.",
                    "{{{name}}} cannot stand in a header."
                ));
            }
            pieces.push(Piece::Plain(std::mem::take(&mut plain)));
            pieces.push(Piece::Field(*field));
            rest = &from[name.len() + 2..];
        }
        plain.push_str(rest);
        pieces.push(Piece::Plain(plain));
        Ok(Self { pieces, target })
    }

    /// True where it uses one of these.
    pub(super) fn has_one_of(&self, fields: &[Field]) -> bool {
        let is_one = |piece: &Piece| matches!(piece, Piece::Field(field) if fields.contains(field));
        self.pieces.iter().any(is_one)
    }

    /// Filled in.
    pub(super) fn fill<'v>(&self, value: impl Fn(Field) -> &'v str) -> String {
        let mut out = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Plain(text) => out.push_str(text),
                Piece::Field(field) => self.escape(value(*field), &mut out),
            }
        }
        out
    }

    fn escape(&self, value: &str, out: &mut String) {
        match self.target {
            Target::Form => out.extend(url::form_urlencoded::byte_serialize(value.as_bytes())),
            Target::Json => {
                let quoted = serde_json::Value::from(value).to_string();
                // Without its own quotation marks: the template has them.
                out.push_str(&quoted[1..quoted.len() - 1]);
            }
            Target::Header => out.extend(value.chars().filter(|c| !c.is_control())),
        }
    }
}

/// The names for an error's remedy.
pub(super) fn names() -> String {
    let names: Vec<String> = NAMES.iter().map(|(name, _)| format!("{{{name}}}")).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(template: &str, target: Target, value: &str) -> String {
        Template::parse(template, target).unwrap().fill(|_| value)
    }

    #[test]
    fn what_is_filled_in_stays_what_it_is() {
        let nasty = "a\"b\\c\n}&x=1 {to} ä€🔌 </s>\u{0}";
        let json = fill("{\"t\": \"{text}\", \"n\": {}}", Target::Json, nasty);
        let read: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(read["t"], nasty);
        let form = fill("a={to}&text={text}", Target::Form, nasty);
        let read: Vec<_> = url::form_urlencoded::parse(form.as_bytes()).into_owned().collect();
        assert_eq!(
            read,
            [
                ("a".to_owned(), nasty.to_owned()),
                ("text".to_owned(), nasty.to_owned())
            ]
        );
        assert_eq!(
            fill("Bearer {secret}", Target::Header, "x\r\nEvil: 1"),
            "Bearer xEvil: 1"
        );
    }

    #[test]
    fn what_is_no_place_is_refused_by_name() {
        let wrong = Template::parse("x={nummer}", Target::Form).unwrap_err();
        assert!(wrong.en.contains("{nummer}"), "{wrong:?}");
        assert!(Template::parse("{text}", Target::Header).is_err());
        assert!(Template::parse("{ \"a\": {} }", Target::Json).is_ok());
    }
}
