//! Which names are top-level domains, for services that turn a bare `stadt.example.de` into a link. Imports nothing of ours.

use std::{collections::HashSet, sync::LazyLock};

/// The names of the IANA root zone in Unicode form, one a line; lines with `#` are comments.
static LIST: &str = include_str!("tlds.txt");

static KNOWN: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| LIST.lines().filter(|line| !line.starts_with('#')).collect());

/// The names that are not ASCII, longest first: in scripts without spaces they may run straight into the next word.
static INTERNATIONAL: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let mut names: Vec<_> = KNOWN.iter().copied().filter(|name| !name.is_ascii()).collect();
    names.sort_by_key(|name| (std::cmp::Reverse(name.len()), *name));
    names
});

/// Whether `name` (lower case) is a top-level domain.
pub fn is_known(name: &str) -> bool {
    KNOWN.contains(name)
}

/// The top-level domains beyond ASCII that `text` begins with, longest first.
pub fn international_prefixes(text: &str) -> impl Iterator<Item = &'static str> {
    INTERNATIONAL.iter().copied().filter(move |name| text.starts_with(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_names_are_known_and_file_endings_are_not() {
        for name in ["de", "com", "org", "berlin", "xyz"] {
            assert!(is_known(name), "{name}");
        }
        for name in ["jpg", "pdf", "example", "test", "", "DE"] {
            assert!(!is_known(name), "{name}");
        }
    }

    #[test]
    fn international_names_are_found_at_the_start() {
        assert_eq!(international_prefixes("рф/пример").next(), Some("рф"));
        assert_eq!(international_prefixes("com").next(), None);
    }
}
