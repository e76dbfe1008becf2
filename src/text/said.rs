//! A sentence for people in the two languages of the program. German first, English second.

use serde::{Serialize, Serializer};

/// One sentence in German and in English.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said {
    /// German.
    pub de: String,
    /// English.
    pub en: String,
}

impl Said {
    /// Words of somebody else (a service, a system, a person), shown as they are in both languages.
    pub fn quoted(words: impl Into<String>) -> Self {
        let de: String = words.into();
        Self { en: de.clone(), de }
    }

    /// The sentence in German (`true`) or English.
    pub fn in_german(&self, german: bool) -> &str {
        if german { &self.de } else { &self.en }
    }

    /// Nothing to say.
    pub fn is_empty(&self) -> bool {
        self.de.is_empty() && self.en.is_empty()
    }

    /// The same in both languages, changed by `change`.
    #[must_use]
    pub fn map(&self, change: impl Fn(&str) -> String) -> Self {
        Self {
            de: change(&self.de),
            en: change(&self.en),
        }
    }

    /// ` (why)`, for the end of a sentence; nothing where there is nothing to say.
    pub fn in_brackets(why: Option<&Self>) -> Self {
        why.map(|why| why.map(|why| format!(" ({why})"))).unwrap_or_default()
    }
}

impl std::fmt::Display for Said {
    /// English: logs and `--json` are never translated.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.en)
    }
}

impl Serialize for Said {
    /// English, as a string: see `Display`.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.en)
    }
}

/// What the operating system says of a file or a connection: usual faults in plain words, others in its own.
pub fn system(error: &std::io::Error) -> Said {
    usual(error.kind()).unwrap_or_else(|| Said::quoted(error.to_string()))
}

/// A usual fault of files and connections in plain words: the system's numbers help nobody at three in the morning.
pub fn usual(kind: std::io::ErrorKind) -> Option<Said> {
    use std::io::ErrorKind as K;
    let (de, en) = match kind {
        K::NotFound => ("das gibt es dort nicht", "it is not there"),
        K::PermissionDenied => ("dieser Benutzer darf das nicht", "this user may not do that"),
        K::AlreadyExists => ("das gibt es schon", "it is there already"),
        K::StorageFull | K::QuotaExceeded => ("der Datenträger ist voll", "the disk is full"),
        K::ReadOnlyFilesystem => ("der Datenträger ist schreibgeschützt", "the disk is read-only"),
        K::IsADirectory => ("das ist ein Ordner", "that is a folder"),
        K::NotADirectory => ("ein Teil des Pfads ist kein Ordner", "a part of the path is no folder"),
        K::AddrInUse => (
            "dort lauscht schon ein anderes Programm",
            "another program listens there",
        ),
        K::AddrNotAvailable => (
            "diese Adresse hat der Rechner nicht",
            "this machine does not have the address",
        ),
        K::ConnectionRefused => ("dort antwortet niemand", "nothing answers there"),
        K::ConnectionReset | K::ConnectionAborted | K::BrokenPipe => {
            ("die Verbindung brach ab", "the connection was cut")
        }
        K::TimedOut => ("es kam rechtzeitig nichts", "nothing came in time"),
        K::HostUnreachable | K::NetworkUnreachable | K::NetworkDown => {
            ("das Netz führt nicht dorthin", "the network does not lead there")
        }
        _ => return None,
    };
    Some(Said {
        de: de.to_owned(),
        en: en.to_owned(),
    })
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
