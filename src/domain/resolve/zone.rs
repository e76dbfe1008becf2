//! Times as written become moments in the publisher's zone.

use jiff::civil::Date;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Timestamp, civil::DateTime};

use super::Notes;
use crate::domain::read::sink::Sink;
use crate::domain::read::time::{GivenTime, GivenUntil, GivenWhen};
use crate::domain::when::{Until, When, day_end, day_start};
use crate::said;

/// Years a notice can speak of; anything else is a slip of the finger.
const YEARS: std::ops::RangeInclusive<i16> = 1900..=2199;

/// The publisher's zone and the moment of publication.
pub struct Zone<'a> {
    tz: &'a TimeZone,
    /// Now.
    pub now: Timestamp,
    today: Date,
}

impl<'a> Zone<'a> {
    /// Of a publisher, now.
    pub fn new(tz: &'a TimeZone, now: Timestamp) -> Self {
        Self {
            tz,
            now,
            today: now.to_zoned_datetime(tz.clone()).date(),
        }
    }

    /// A moment as the author reads it: `24.1.2023, 18:00 Uhr`.
    pub fn shown(&self, at: Timestamp) -> String {
        at.to_zoned_datetime(self.tz.clone())
            .strftime("%-d.%-m.%Y, %H:%M")
            .to_string()
    }

    /// The moment of a point in time; of a date its beginning.
    pub fn moment(
        &self,
        given: GivenTime,
        line: usize,
        field: &str,
        sink: &mut Sink,
        notes: &mut Notes,
    ) -> Option<Timestamp> {
        let year = match given {
            GivenTime::Clock(_) => self.today.year(),
            GivenTime::Day(day) => day.year(),
            GivenTime::Local(at) => at.date().year(),
            GivenTime::Moment(at) => at.to_zoned_datetime(self.tz.clone()).year(),
        };
        if !YEARS.contains(&year) {
            let (first, last) = (YEARS.start(), YEARS.end());
            sink.add(
                line,
                field,
                said!("Das Jahr {year} liegt zu weit weg.", "The year {year} is too far away."),
                said!(
                    "Erlaubt sind {first} bis {last}; prüfen Sie die Jahreszahl.",
                    "Allowed are {first} to {last}; check the year."
                ),
            );
            return None;
        }
        match given {
            GivenTime::Moment(at) => Some(at),
            GivenTime::Day(day) => Some(day_start(day, self.tz)),
            GivenTime::Local(at) => self.local(at, line, field, sink),
            GivenTime::Clock(clock) => {
                let at = self.local(self.today.to_datetime(clock), line, field, sink)?;
                let when = self.shown(at);
                notes.filled(if at < self.now {
                    said!(
                        "{field}: Uhrzeit ohne Datum heißt heute, {when} Uhr; das ist schon vorbei.",
                        "{field}: a clock time without a date means today, {when}; that has passed."
                    )
                } else {
                    said!(
                        "{field}: Uhrzeit ohne Datum heißt heute, {when} Uhr; das kommt noch.",
                        "{field}: a clock time without a date means today, {when}; that is still to come."
                    )
                });
                Some(at)
            }
        }
    }

    /// A clock time that exists once; else a fault with the candidates.
    fn local(&self, at: DateTime, line: usize, field: &str, sink: &mut Sink) -> Option<Timestamp> {
        let (before, after, twice) = match self.tz.to_ambiguous_timestamp(at).offset() {
            AmbiguousOffset::Unambiguous { offset } => return offset.to_timestamp(at).ok(),
            AmbiguousOffset::Gap { before, after } => (before, after, false),
            AmbiguousOffset::Fold { before, after } => (before, after, true),
        };
        let mut candidates: Vec<Timestamp> = [before, after]
            .iter()
            .filter_map(|offset| offset.to_timestamp(at).ok())
            .collect();
        candidates.sort_unstable();
        let written = candidates.iter().map(|c| {
            c.to_zoned_datetime(self.tz.clone())
                .strftime("%Y-%m-%dT%H:%M:%S%:z")
                .to_string()
        });
        let written = written.collect::<Vec<_>>();
        let (de, en) = (written.join(" oder "), written.join(" or "));
        let clock = at.strftime("%H:%M");
        let day = at.strftime("%-d.%-m.%Y");
        sink.add(
            line,
            field,
            if twice {
                said!(
                    "{clock} Uhr gibt es am {day} zweimal (Ende der Sommerzeit).",
                    "{clock} exists twice on {day} (end of summer time)."
                )
            } else {
                said!(
                    "{clock} Uhr gibt es am {day} nicht (Beginn der Sommerzeit).",
                    "{clock} does not exist on {day} (begin of summer time)."
                )
            },
            said!("Schreiben Sie {de}.", "Write {en}."),
        );
        None
    }

    /// A time with its precision.
    pub fn when(
        &self,
        given: &GivenWhen,
        line: usize,
        field: &str,
        sink: &mut Sink,
        notes: &mut Notes,
    ) -> Option<When> {
        Some(match given {
            GivenWhen::Time(given @ GivenTime::Day(date)) => {
                self.moment(*given, line, field, sink, notes)?;
                When::Day { date: *date }
            }
            GivenWhen::Time(given) => When::Exact {
                at: self.moment(*given, line, field, sink, notes)?,
            },
            GivenWhen::Vague { words, from, before } => {
                let mut moment = |given: &Option<GivenTime>| match given {
                    Some(given) => self.moment(*given, line, field, sink, notes).map(Some),
                    None => Some(None),
                };
                let (from, before) = (moment(from)?, moment(before)?);
                if let (Some(from), Some(before)) = (from, before)
                    && before < from
                {
                    sink.add(
                        line,
                        field,
                        said!("before liegt vor from.", "before is earlier than from."),
                        said!("Vertauschen Sie die beiden.", "Swap the two."),
                    );
                    return None;
                }
                When::Vague {
                    words: words.clone(),
                    from,
                    before,
                }
            }
        })
    }

    /// An end.
    pub fn until(
        &self,
        given: &GivenUntil,
        line: usize,
        field: &str,
        sink: &mut Sink,
        notes: &mut Notes,
    ) -> Option<Until> {
        Some(match given {
            GivenUntil::FurtherNotice => Until::FurtherNotice,
            GivenUntil::At(when) => Until::At {
                when: self.when(when, line, field, sink, notes)?,
            },
            GivenUntil::Confirm { words, at } => {
                let start = self.moment(*at, line, field, sink, notes)?;
                // A bare date holds through that day.
                let at = if let GivenTime::Day(day) = at {
                    day_end(*day, self.tz)
                } else {
                    start
                };
                Until::Confirm {
                    words: words.clone(),
                    at,
                }
            }
        })
    }
}
