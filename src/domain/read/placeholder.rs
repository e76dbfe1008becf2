//! What nobody has filled in yet: `rundruf new` prints `headline = "…"`, and a text of nothing but dots is never meant.

use super::node::{Node, Value};
use super::sink::{Sink, shown};

/// Reports every placeholder of a file. What else is wrong with such a value is not said: there is none yet.
pub fn look(root: &Node, sink: &mut Sink) {
    below(root, "", sink);
}

fn below(node: &Node, path: &str, sink: &mut Sink) {
    match &node.value {
        Value::Text(text) if is_placeholder(text) => sink.placeholder(node.line, path),
        Value::List(list) => list.iter().for_each(|node| below(node, path, sink)),
        Value::Table(entries) => {
            for (key, node) in entries {
                let name = shown(&key.name);
                let path = if path.is_empty() {
                    name
                } else {
                    format!("{path}.{name}")
                };
                below(node, &path, sink);
            }
        }
        _ => {}
    }
}

/// `…` or `...`, alone. Within a sentence dots are the author's.
fn is_placeholder(text: &str) -> bool {
    let text = text.trim();
    text.contains('…') && text.chars().all(|c| matches!(c, '…' | '.' | ' '))
        || text.len() > 2 && text.bytes().all(|b| b == b'.')
}

#[cfg(test)]
mod tests {
    use super::is_placeholder;

    #[test]
    fn dots_alone_are_a_placeholder_and_dots_in_a_sentence_are_not() {
        for text in ["…", " … ", "...", "…..", "….", "....."] {
            assert!(is_placeholder(text), "{text}");
        }
        for text in ["", ".", "..", "Wir prüfen noch …", "… und so weiter", "[…]", "-"] {
            assert!(!is_placeholder(text), "{text}");
        }
    }
}
