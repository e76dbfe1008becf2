//! Times and texts of the domain in the words of a language: dates as written in the publisher's zone, never "today"; a
//! fact's field in the wanted language, else in the first one together with its name.

use jiff::civil::{Date, DateTime};
use jiff::{Timestamp, ZonedDateTime, tz::TimeZone};
use serde::Serialize;

use super::words::Words;
use crate::domain::draft::GivenTime;
use crate::domain::facts::{Common, Source};
use crate::domain::when::{Next, Until, When};
use crate::text::dates;
use crate::text::lang::Lang;

/// A text and, where it differs from that of the page, its language (for the `lang` attribute).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Text {
    /// The words, without control characters.
    pub text: String,
    /// BCP 47, only where it is not the page's.
    pub lang: Option<&'static str>,
}

impl Text {
    /// A text in the language of the page.
    pub fn own(text: impl Into<String>) -> Self {
        Self {
            text: clean(&text.into()),
            lang: None,
        }
    }
}

/// A text without what may stand neither in XML nor in HTML (control characters but line breaks and tabs, noncharacters), and
/// without the marks that make the rest of a line read backwards.
pub fn clean(text: &str) -> String {
    text.chars()
        .filter(|&c| {
            matches!(c, '\n' | '\t')
                || !(c.is_control()
                    || matches!(
                        c,
                        '\u{202a}'..='\u{202e}' | '\u{2028}' | '\u{2029}' | '\u{fffe}' | '\u{ffff}'
                    ))
        })
        .collect()
}

/// Speaks about times in one language and zone.
#[derive(Debug, Clone)]
pub struct Voice<'a> {
    /// Words.
    pub words: &'a Words,
    /// The publisher's zone.
    pub zone: TimeZone,
    /// The publisher's first language, that of fields without translation.
    pub first: Lang,
}

impl Voice<'_> {
    /// A day: "24. Januar 2023".
    pub fn day(&self, date: Date) -> String {
        dates::date(date, self.words.lang)
    }

    /// A moment with its day: "24. Januar 2023, 18:00 Uhr".
    pub fn moment(&self, at: Timestamp) -> String {
        dates::date_time(&self.local(at), self.words.lang)
    }

    /// An as-of. Midnight sharp is how a date without a clock time is kept, so it stands as the day alone.
    pub fn as_of(&self, at: Timestamp) -> String {
        let local = self.local(at);
        if local.time() == jiff::civil::Time::midnight() {
            self.day(local.date())
        } else {
            self.moment(at)
        }
    }

    /// The clock time alone: "18:00 Uhr".
    pub fn clock(&self, at: Timestamp) -> String {
        dates::clock(self.local(at).time(), self.words.lang)
    }

    /// For `datetime` attributes and machines: RFC 3339 with the zone's offset.
    pub fn machine(&self, at: Timestamp) -> String {
        dates::rfc3339(&self.local(at))
    }

    /// In the publisher's zone.
    pub fn local(&self, at: Timestamp) -> ZonedDateTime {
        at.to_zoned_datetime(self.zone.clone())
    }

    /// The clock time where both are on one day, else with the day.
    pub fn beside(&self, at: Timestamp, other: Timestamp) -> String {
        let date = |t: Timestamp| self.local(t).date();
        if date(at) == date(other) {
            self.clock(at)
        } else {
            self.moment(at)
        }
    }

    /// A time with its precision; vague ones as written.
    pub fn when(&self, when: &When) -> String {
        match when {
            When::Exact { at } => self.moment(*at),
            When::Day { date } => self.day(*date),
            When::Vague { words, .. } => clean(words),
        }
    }

    /// "seit 24. Januar 2023"; the author's words as they are.
    pub fn since(&self, when: &When) -> String {
        match when {
            When::Vague { words, .. } => clean(words),
            _ => self.words.fill("date.since", &[("when", &self.when(when))]),
        }
    }

    /// "bis …", "bis auf Weiteres", "zunächst bis Montagmittag (seither nicht bestätigt)".
    pub fn until(&self, until: &Until, unconfirmed: bool) -> String {
        match until {
            Until::At {
                when: When::Vague { words, .. },
            } => clean(words),
            Until::At { when } => self.words.fill("date.until", &[("when", &self.when(when))]),
            Until::FurtherNotice => self.words.get("date.further-notice").to_owned(),
            Until::Confirm { words, .. } if unconfirmed => {
                self.words.fill("date.unconfirmed", &[("words", &clean(words))])
            }
            Until::Confirm { words, .. } => clean(words),
        }
    }

    /// The moment of a promise: the clock time alone where it is on the day of the as-of.
    pub fn next_when(&self, next: &Next, as_of: Timestamp) -> String {
        match &next.at {
            When::Exact { at } => self.beside(*at, as_of),
            other => self.when(other),
        }
    }

    /// "Nächste Information: 25. Januar 2023, 12:00 Uhr, auf dieser Seite und unter 115".
    pub fn next(&self, next: &Next, as_of: Timestamp) -> String {
        let mut when = self.next_when(next, as_of);
        if let Some(place) = &next.place {
            when = format!("{when}, {}", clean(place));
        }
        self.words.fill("next.line", &[("when", &when)])
    }

    /// A field of a fact: in the wanted language, else as written, with the first language's name where it differs.
    pub fn field(&self, common: &Common, name: &str, own: Option<&String>) -> Option<Text> {
        let wanted = self.words.lang;
        if let Some(text) = common.translations.get(&wanted).and_then(|t| t.get(name)) {
            return Some(Text::own(text.as_str()));
        }
        own.filter(|text| !text.trim().is_empty()).map(|text| Text {
            text: clean(text),
            lang: (wanted != self.first).then(|| self.first.html_lang()),
        })
    }

    /// A text that is nothing but a date or a moment, in words; every other text as it is.
    pub fn dated(&self, text: Text) -> Text {
        let moment = |at: DateTime| at.to_zoned_datetime(self.zone.clone()).ok().map(|at| at.timestamp());
        let words = match text.text.parse() {
            Ok(GivenTime::Day(date)) => Some(self.day(date)),
            Ok(GivenTime::Local(at)) => moment(at).map(|at| self.moment(at)),
            Ok(GivenTime::Moment(at)) => Some(self.moment(at)),
            Ok(GivenTime::Clock(_)) | Err(()) => None,
        };
        words.map_or(text, Text::own)
    }

    /// "Die Polizei, Pressestelle".
    pub fn source(&self, source: &Source) -> Option<String> {
        let parts: Vec<String> = [&source.who, &source.function]
            .into_iter()
            .flatten()
            .map(|part| clean(part))
            .collect();
        (!parts.is_empty()).then(|| parts.join(", "))
    }
}
