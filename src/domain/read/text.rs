//! Texts of every sort: one line, several lines, phone numbers, links, mail addresses, yes or no.

use super::limits::{MAX_ADDRESS, MAX_PHONE, MAX_TEXT};
use super::node::{Node, Value};
use super::sink::{Sink, shown};
use crate::said;
use crate::text::contact::{MAX_MAIL, is_mail, is_phone};

/// A text of one line.
pub fn line(node: &Node, field: &str, sink: &mut Sink) -> Option<String> {
    let text = lines(node, field, sink)?;
    if text.contains(['\n', '\u{2028}', '\u{2029}']) {
        sink.add(
            node.line,
            field,
            said!("Der Text hat mehrere Zeilen.", "The text has several lines."),
            said!(
                "Hier ist nur eine Zeile erlaubt. Bitte lassen Sie die Zeilenumbrüche weg.",
                "Only one line is allowed here. Leave the line breaks out."
            ),
        );
        return None;
    }
    Some(text)
}

/// A text of one line of at most `limit` characters.
pub fn bounded(node: &Node, field: &str, limit: usize, sink: &mut Sink) -> Option<String> {
    let text = line(node, field, sink)?;
    within(node, field, text, limit, sink)
}

/// The text where it has at most `limit` characters.
pub fn within(node: &Node, field: &str, text: String, limit: usize, sink: &mut Sink) -> Option<String> {
    let found = text.chars().count();
    if found <= limit {
        return Some(text);
    }
    let over = found - limit;
    sink.add(
        node.line,
        field,
        said!("Der Text hat {found} Zeichen.", "The text has {found} characters."),
        said!(
            "Erlaubt sind {limit}; kürzen Sie ihn um {over}.",
            "Allowed are {limit}; shorten it by {over}."
        ),
    );
    None
}

/// A text of any number of lines: trimmed, not empty, without invisible control characters.
pub fn lines(node: &Node, field: &str, sink: &mut Sink) -> Option<String> {
    let Value::Text(text) = &node.value else {
        sink.wrong_type(
            node,
            field,
            said!("ein Text in Anführungszeichen", "a text in quotation marks"),
        );
        return None;
    };
    let text = text.trim().trim_matches('\u{feff}');
    if text.is_empty() {
        sink.add(
            node.line,
            field,
            said!("Das Feld ist leer.", "The field is empty."),
            said!(
                "Schreiben Sie etwas hinein oder streichen Sie die Zeile.",
                "Write something or remove the line."
            ),
        );
        return None;
    }
    if let Some(found) = text.chars().find(|c| is_forbidden(*c)) {
        let code = format!("U+{:04X}", u32::from(found));
        sink.add(
            node.line,
            field,
            said!(
                "Der Text enthält das unsichtbare Steuerzeichen {code}.",
                "The text contains the invisible control character {code}."
            ),
            said!(
                "Löschen Sie es; oft hilft es, den Satz neu zu tippen statt ihn einzufügen.",
                "Delete it; it often helps to type the sentence instead of pasting it."
            ),
        );
        return None;
    }
    within(node, field, text.to_owned(), MAX_TEXT, sink)
}

/// Control characters but newline and tab, and those that turn the direction of what follows: they make a text read
/// otherwise than it was checked ("Trojan Source").
fn is_forbidden(c: char) -> bool {
    (c.is_control() && !matches!(c, '\n' | '\t'))
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{fff9}'..='\u{fffb}')
}

/// A phone or fax number as people write it.
pub fn phone(node: &Node, field: &str, sink: &mut Sink) -> Option<String> {
    if let Value::Whole(n) = node.value {
        sink.add(
            node.line,
            field,
            said!("Hier steht die Zahl {n}.", "Found the number {n}."),
            said!(
                "Nummern stehen in Anführungszeichen: \"{n}\".",
                "Phone numbers stand in quotation marks: \"{n}\"."
            ),
        );
        return None;
    }
    let text = bounded(node, field, MAX_PHONE, sink)?;
    if is_phone(&text) {
        return Some(text);
    }
    let found = shown(&text);
    sink.add(
        node.line,
        field,
        said!("\"{found}\" ist keine Nummer.", "\"{found}\" is no phone number."),
        said!(
            "Schreiben Sie sie wie \"115\" oder \"+49 30 23125100\"; Erläuterungen gehören in note.",
            "Write it like \"115\" or \"+49 30 23125100\"; explanations belong into note."
        ),
    );
    None
}

/// A link that begins with `http://` or `https://` and carries no password.
pub fn link(node: &Node, field: &str, sink: &mut Sink) -> Option<String> {
    let text = bounded(node, field, MAX_ADDRESS, sink)?;
    let parsed = url::Url::parse(&text).ok();
    let good = parsed.is_some_and(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.host_str().is_some_and(|h| !h.is_empty())
            && url.username().is_empty()
            && url.password().is_none()
    });
    if good && !text.contains(char::is_whitespace) {
        return Some(text);
    }
    let found = shown(&text);
    sink.add(
        node.line,
        field,
        said!("\"{found}\" ist kein Link.", "\"{found}\" is no link."),
        said!(
            "Erlaubt sind Adressen mit http:// oder https://, ohne Namen und Passwort darin.",
            "Allowed are addresses with http:// or https://, without name and password in them."
        ),
    );
    None
}

/// A mail address.
pub fn mail(node: &Node, field: &str, sink: &mut Sink) -> Option<String> {
    let text = bounded(node, field, MAX_MAIL, sink)?;
    if is_mail(&text) {
        return Some(text);
    }
    let found = shown(&text);
    sink.add(
        node.line,
        field,
        said!(
            "\"{found}\" ist keine E-Mail-Adresse.",
            "\"{found}\" is no mail address."
        ),
        said!(
            "Schreiben Sie nur die Adresse: \"buergerbuero@stadt.example\".",
            "Write the address alone: \"office@city.example\"."
        ),
    );
    None
}

/// `true` or `false`.
pub fn flag(node: &Node, field: &str, sink: &mut Sink) -> Option<bool> {
    if let Value::Flag(flag) = node.value {
        return Some(flag);
    }
    sink.wrong_type(
        node,
        field,
        said!(
            "true oder false, ohne Anführungszeichen",
            "true or false, without quotation marks"
        ),
    );
    None
}
