//! Texts as values of a TOML file that a person goes on writing.

/// A text as a TOML basic string, quotation marks included. Umlauts and emoji stay; what an editor does not show is escaped.
///
/// ```
/// # use rundruf::text::basic::toml_string;
/// assert_eq!(toml_string("Rat\thaus „Mitte“ \"alt\""), r#""Rat\thaus „Mitte“ \"alt\"""#);
/// ```
pub fn toml_string(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            // Controls, and the characters that turn the direction of what follows.
            c if c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}') => {
                out.push_str(&format!("\\u{:04X}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_text_reads_back_as_it_was(text in any::<String>()) {
            let table: toml::Table = toml::from_str(&format!("v = {}", super::toml_string(&text))).unwrap();
            prop_assert_eq!(table["v"].as_str(), Some(text.as_str()));
        }
    }
}
