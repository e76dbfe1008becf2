//! TOML to a tree with lines. The tokens are looked through first, so that nothing deep is ever built: the crate bounds
//! brackets, but a dotted key of 100,000 parts would become tables of that depth.

use toml::Spanned;
use toml::de::{DeTable, DeValue};
use toml_parser::Source;
use toml_parser::lexer::TokenKind;

use super::limits::MAX_DEPTH;
use super::node::{Key, Lines, Node, Value};
use super::sink::Sink;
use super::source::too_deep;
use super::time;
use crate::said;
use crate::text::said::Said;

/// The tree of a TOML file, or a fault in `sink`.
pub fn node(text: &str, sink: &mut Sink) -> Option<Node> {
    let lines = Lines::of(text);
    if let Some(offset) = depth_fault(text) {
        too_deep(lines.line(offset), sink);
        return None;
    }
    match DeTable::parse(text) {
        Ok(table) => {
            let mut deep = None;
            let root = convert_table(table.get_ref(), 1, &lines, &mut deep);
            if let Some(line) = deep {
                too_deep(line, sink);
                return None;
            }
            Some(Node { line: 1, value: root })
        }
        Err(error) => {
            let line = error.span().map_or(0, |span| lines.line(span.start));
            let content = text.lines().nth(line.saturating_sub(1)).unwrap_or("");
            let (what, remedy) = explain(error.message(), content);
            sink.add(line, "", what, remedy);
            None
        }
    }
}

/// Offset of the first token that is deeper than any notice can be: brackets within brackets, or parts of one dotted key.
fn depth_fault(text: &str) -> Option<usize> {
    let (mut brackets, mut parts) = (0_usize, 0_usize);
    for token in Source::new(text).lex() {
        match token.kind() {
            TokenKind::LeftSquareBracket | TokenKind::LeftCurlyBracket => brackets += 1,
            TokenKind::RightSquareBracket | TokenKind::RightCurlyBracket => {
                brackets = brackets.saturating_sub(1);
            }
            TokenKind::Dot => parts += 1,
            TokenKind::Newline | TokenKind::Equals | TokenKind::Comma => parts = 0,
            _ => {}
        }
        if brackets > MAX_DEPTH || parts >= MAX_DEPTH {
            return Some(token.span().start());
        }
    }
    None
}

fn convert(value: &Spanned<DeValue<'_>>, depth: usize, lines: &Lines, deep: &mut Option<usize>) -> Node {
    let line = lines.line(value.span().start);
    let value = match value.get_ref() {
        DeValue::String(text) => Value::Text(text.replace("\r\n", "\n")),
        DeValue::Integer(n) => i64::from_str_radix(n.as_str(), n.radix())
            .map_or_else(|_| Value::Number(n.as_str().to_owned()), Value::Whole),
        DeValue::Float(n) => Value::Number(n.as_str().to_owned()),
        DeValue::Boolean(flag) => Value::Flag(*flag),
        DeValue::Datetime(at) => time::of_toml(at).map_or_else(|| Value::Text(at.to_string()), Value::Time),
        DeValue::Array(_) | DeValue::Table(_) if depth >= MAX_DEPTH => {
            deep.get_or_insert(line);
            Value::Nothing
        }
        DeValue::Array(list) => Value::List(list.iter().map(|v| convert(v, depth + 1, lines, deep)).collect()),
        DeValue::Table(table) => convert_table(table, depth + 1, lines, deep),
    };
    Node { line, value }
}

fn convert_table(table: &DeTable<'_>, depth: usize, lines: &Lines, deep: &mut Option<usize>) -> Value {
    let mut entries: Vec<(Key, Node)> = table
        .iter()
        .map(|(key, value)| {
            let line = lines.line(key.span().start);
            let name = key.get_ref().to_string();
            (Key { line, name }, convert(value, depth, lines, deep))
        })
        .collect();
    entries.sort_by_key(|(key, _)| key.line);
    Value::Table(entries)
}

/// The parser's message in both languages, and the remedy for what people mostly do wrong.
fn explain(message: &str, line: &str) -> (Said, Said) {
    let message = message.replace('\n', " ");
    let en = message.clone();
    let de = match message.as_str() {
        m if m.contains("duplicate key") => "ein Feld oder eine Tabelle steht zweimal da",
        m if m.contains("extend value") || m.contains("redefine") => "ein Feld ist hier Tabelle und anderswo Wert",
        m if m.contains("string") => "eine Zeichenkette ist nicht richtig begonnen oder beendet",
        m if m.contains("datetime") || m.contains("date") || m.contains("time") => {
            "ein Datum oder eine Uhrzeit ist falsch geschrieben"
        }
        m if m.contains("key") => "ein Feldname ist falsch geschrieben, oder ihm fehlt der Wert",
        m if m.contains("array") || m.contains("table") => "eine Liste oder Tabelle ist nicht geschlossen",
        _ => "die Zeile ist nicht zu verstehen",
    };
    let what = said!("Kein gültiges TOML: {de} ({en}).", "Not valid TOML: {en}.");
    let after = line.split_once('=').map(|(_, value)| value.trim_start());
    let remedy = if message.contains("duplicate key") {
        said!(
            "Jedes Feld und jede Tabelle darf nur einmal vorkommen; streichen Sie eines.",
            "Every field and every table may stand only once; remove one."
        )
    } else if line.contains(['„', '“', '”', '‚', '‘', '«', '»']) {
        said!(
            "Nehmen Sie gerade Anführungszeichen: headline = \"…\".",
            "Use straight quotation marks: headline = \"…\"."
        )
    } else if after.is_some_and(|v| v.starts_with(char::is_alphabetic)) {
        said!(
            "Texte und Wörter stehen in geraden Anführungszeichen: state = \"limited\".",
            "Texts and words stand in straight quotation marks: state = \"limited\"."
        )
    } else if after.is_some_and(|v| v.starts_with(|c: char| c.is_ascii_digit())) {
        said!(
            "Zeiten und Nummern am besten in Anführungszeichen: since = \"06:00\", phone = \"115\".",
            "Times and numbers are best put in quotation marks: since = \"06:00\", phone = \"115\"."
        )
    } else if after.is_some_and(|v| v.starts_with('"')) {
        said!(
            "Ein Text beginnt und endet mit \"; mehrere Zeilen stehen zwischen \"\"\" und \"\"\"; ein \" im Text wird \\\" geschrieben.",
            "A text begins and ends with \"; several lines stand between \"\"\" and \"\"\"; a \" within is written \\\"."
        )
    } else {
        said!(
            "Eine Zeile heißt feld = \"Text\", eine Tabelle beginnt mit [service.ID], Bemerkungen beginnen mit #.",
            "A line reads field = \"text\", a table begins with [service.ID], comments begin with #."
        )
    };
    (what, remedy)
}
