//! The languages notices are written in. A language is a closed choice on purpose: whoever adds one adds a variant, and
//! the compiler then names every place that needs words for it. Imports nothing of ours.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A language of a publisher, in the order in which pages offer them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Lang {
    /// German.
    De,
    /// German in plain words ("Einfache Sprache").
    DeSimple,
    /// English.
    En,
}

impl Lang {
    /// Every language, in order.
    pub const ALL: [Self; 3] = [Self::De, Self::DeSimple, Self::En];

    /// The tag of notice files, configuration, paths and template folders: `de`, `de-simple`, `en`.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::De => "de",
            Self::DeSimple => "de-simple",
            Self::En => "en",
        }
    }

    /// The value of HTML `lang` and of the language elements of feeds (BCP 47). For plain German the registry has the variant
    /// `simple` ("Simplified form"), so our tags are language tags as they stand.
    pub const fn html_lang(self) -> &'static str {
        self.tag()
    }

    /// The two-letter code (ISO 639-1), for services that know nothing finer: Mastodon, Bluesky.
    pub const fn iso(self) -> &'static str {
        match self {
            Self::De | Self::DeSimple => "de",
            Self::En => "en",
        }
    }

    /// Whether it is German, plain or not: same dates, same sentence rules.
    pub const fn is_german(self) -> bool {
        matches!(self, Self::De | Self::DeSimple)
    }
}

impl fmt::Display for Lang {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.tag())
    }
}

/// A language tag that is not one of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{found}\" is no language known here; known are de, de-simple, en")]
pub struct UnknownLang {
    /// What stood there.
    pub found: String,
}

impl FromStr for Lang {
    type Err = UnknownLang;

    fn from_str(tag: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|lang| lang.tag() == tag)
            .ok_or_else(|| UnknownLang {
                found: tag.chars().take(40).collect(),
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_the_same_in_text_serde_and_clap() {
        use clap::ValueEnum;
        for lang in Lang::ALL {
            assert_eq!(lang.tag().parse(), Ok(lang));
            assert_eq!(serde_json::to_value(lang).unwrap(), lang.tag());
            assert_eq!(lang.to_possible_value().unwrap().get_name(), lang.tag());
        }
    }

    #[test]
    fn an_unknown_tag_says_what_is_known() {
        let error = "fr".parse::<Lang>().unwrap_err().to_string();
        assert!(error.contains("\"fr\"") && error.contains("de-simple"), "{error}");
    }
}
