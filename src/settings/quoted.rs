//! What a person wrote, quoted in an error.

/// Something a person wrote, for quoting in an error: without control characters, at most 60 characters.
pub fn quoted(written: &str) -> String {
    let mut out: String = written
        .chars()
        .map(|c| if c.is_control() { '\u{FFFD}' } else { c })
        .take(60)
        .collect();
    if written.chars().count() > 60 {
        out.push('…');
    }
    format!("\"{out}\"")
}
