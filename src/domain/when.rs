//! Times as people know them: exact, a whole day, vague with words, open-ended (NOTICE.md "Times").

use jiff::tz::TimeZone;
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

impl When {
    /// The moment after which it is over: of a day its end in `tz`; `None` where nobody knows.
    pub fn over_at(&self, tz: &TimeZone) -> Option<Timestamp> {
        match self {
            Self::Exact { at } => Some(*at),
            Self::Day { date } => Some(day_end(*date, tz)),
            Self::Vague { before, .. } => *before,
        }
    }

    /// The earliest moment at which it may have begun: of a day its beginning in `tz`; `None` where nobody knows.
    pub fn begins_at(&self, tz: &TimeZone) -> Option<Timestamp> {
        match self {
            Self::Exact { at } => Some(*at),
            Self::Day { date } => Some(day_start(*date, tz)),
            Self::Vague { from, .. } => *from,
        }
    }
}

/// The first moment of a day in a zone (not always 00:00).
pub fn day_start(day: Date, tz: &TimeZone) -> Timestamp {
    // Fails only within hours of the calendar's borders, years -9999 and 9999; the reader allows 1900 to 2199.
    day.to_zoned_datetime(tz.clone())
        .map_or(Timestamp::MAX, |at| at.timestamp())
}

/// The first moment after a day in a zone.
pub fn day_end(day: Date, tz: &TimeZone) -> Timestamp {
    day.tomorrow().map_or(Timestamp::MAX, |next| day_start(next, tz))
}
