//! The word that was meant, for errors that help: in a notice, in the settings.

/// The known word nearest to what was written, where one is near enough to be meant. Capitals and `_` or `-` do not count.
///
/// ```
/// # use rundruf::text::near::nearest;
/// assert_eq!(nearest("catchup", ["catch_up", "concurrency"]), Some("catch_up"));
/// ```
pub fn nearest<'k>(written: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    // Longer than any known word by far: not a slip of the finger, and the comparison would take long.
    if written.len() > 80 {
        return None;
    }
    let plain = |word: &str| word.to_lowercase().replace('_', "-");
    let written = plain(written);
    known
        .into_iter()
        .map(|name| {
            let known = plain(name);
            let likeness = strsim::jaro_winkler(&written, &known);
            // "telephone" is meant as "phone", whatever the distance says.
            let contained = known.len() >= 4 && written.contains(&known);
            // One slip in a short word is too much for the likeness: "ulr".
            let slip = strsim::damerau_levenshtein(&written, &known) <= 1;
            (
                if contained || slip {
                    likeness.max(0.81)
                } else {
                    likeness
                },
                name,
            )
        })
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_is_near_and_far_is_nothing() {
        let known = ["catch_up", "concurrency", "kind", "url", "phone"];
        assert_eq!(nearest("catchup", known), Some("catch_up"));
        assert_eq!(nearest("Knid", known), Some("kind"));
        assert_eq!(nearest("ulr", known), Some("url"));
        assert_eq!(nearest("telephone", known), Some("phone"));
        assert_eq!(nearest("colour", known), None);
        assert_eq!(nearest(&"kind".repeat(30), known), None);
    }
}
