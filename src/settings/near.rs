//! The nearest known name, for errors that help.

/// The known name nearest to what was written, where it is near enough to be meant.
pub fn nearest<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let written: String = written.chars().take(80).flat_map(char::to_lowercase).collect();
    known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(&written, name), name))
        .filter(|(distance, name)| *distance <= 1 + name.chars().count() / 4)
        .min()
        .map(|(_, name)| name)
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_is_near_and_far_is_nothing() {
        let known = ["catch_up", "concurrency", "kind", "url"];
        assert_eq!(nearest("catchup", known), Some("catch_up"));
        assert_eq!(nearest("Knid", known), Some("kind"));
        assert_eq!(nearest("colour", known), None);
    }
}
