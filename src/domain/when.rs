//! Times as people know them: exact, a whole day, vague with words, open-ended (NOTICE.md "Times").

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

/// A time with its precision. Instants are resolved from the publisher's zone when the notice is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum When {
    /// A moment, to the minute.
    Exact {
        /// The moment.
        at: Timestamp,
    },
    /// "In the course of the day", in the publisher's zone.
    Day {
        /// The day.
        date: Date,
    },
    /// Words of the author, with the earliest and latest moment where known; shown as written.
    Vague {
        /// "seit Freitagmorgen".
        words: String,
        /// Earliest moment.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<Timestamp>,
        /// Latest moment.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<Timestamp>,
    },
}

/// The end of a fact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum Until {
    /// Ends at this time.
    At {
        /// The end.
        when: When,
    },
    /// "Until further notice": ends only by a later notice.
    FurtherNotice,
    /// "At first until Monday noon": after `at` it shows as unconfirmed, it does not end.
    Confirm {
        /// The author's words.
        words: String,
        /// When it has to be confirmed again.
        at: Timestamp,
    },
}

/// The promised next information.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Next {
    /// When.
    pub at: When,
    /// Where, in the author's words.
    #[serde(default, rename = "where", skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
}
