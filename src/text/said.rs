//! A sentence for people in the two languages of the program. German first, English second.

use serde::{Deserialize, Serialize};

/// One sentence in German and in English.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// German.
    pub de: String,
    /// English.
    pub en: String,
}

impl Said {
    /// The sentence in German (`true`) or English.
    pub fn in_german(&self, german: bool) -> &str {
        if german { &self.de } else { &self.en }
    }
}

impl std::fmt::Display for Said {
    /// English: logs and `--json` are never translated.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.en)
    }
}

/// Builds a [`Said`] from two format strings with captured variables: `said!("Meldung {n}", "notice {n}")`.
#[macro_export]
macro_rules! said {
    ($de:literal, $en:literal $(,)?) => {
        $crate::text::said::Said {
            de: format!($de),
            en: format!($en),
        }
    };
}
