//! Dates as HTTP has them (RFC 9110, 5.6.7): the usual form, the two old ones that every reader has to know, and what people write instead.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::fmt::rfc2822::DateTimeParser;
use jiff::tz::TimeZone;

use crate::clock::Ms;

/// The last moment of the calendar that can be shown, ms: what lies behind it is as far away as anything can be.
pub const LAST_MS: Ms = 253_402_207_200_000;

/// A two-digit year that looks so far ahead is of the past (RFC 9110), years.
const YEARS_AHEAD: i16 = 50;

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// An HTTP date; `now` says in which century a year of two digits is.
///
/// ```
/// use rundruf::net::date::http_date;
/// let forms = ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"];
/// assert_eq!(forms.map(|form| http_date(form, 1_767_323_045_000)), [Some(784_111_777_000); 3]);
/// ```
pub fn http_date(written: &str, now: Ms) -> Option<Ms> {
    static PARSER: DateTimeParser = DateTimeParser::new();
    // A year of two digits has a rule of its own.
    let old = written.contains('-') && !written.contains(" -");
    if let Some(at) = PARSER.parse_timestamp(written).ok().filter(|_| !old) {
        return Some(at.as_millisecond());
    }
    let words: Vec<&str> = written.split([' ', ',', '-']).filter(|word| !word.is_empty()).collect();
    let (day, month, year, time) = match words[..] {
        [_, day, month, year, time, "GMT" | "UTC"] => (day, month, year, time),
        [_, month, day, time, year] => (day, month, year, time),
        _ => return None,
    };
    let month = MONTHS.iter().position(|name| *name == month)?;
    let year = match (year.len(), digits(year)?) {
        (2, year) => century(year, now)?,
        (4, year) => year,
        _ => return None,
    };
    let date = Date::new(year, i8::try_from(month + 1).ok()?, i8::try_from(digits(day)?).ok()?).ok()?;
    let parts: Vec<i16> = time.split(':').map(digits).collect::<Option<_>>()?;
    let [hour, minute, second] = parts[..] else { return None };
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let seconds = (i64::from(hour) * 60 + i64::from(minute)) * 60 + i64::from(second);
    Some(day_ms(date) + seconds * 1_000)
}

/// The date of an answer whose reader does not know what time it is.
pub fn of_answer(written: &str) -> Option<Ms> {
    // In this century.
    http_date(written, 1_767_225_600_000)
}

/// A moment in the form of ISO 8601, rounded up: a millisecond early is too early. Without an offset it is UTC, as services write it.
pub fn iso(written: &str) -> Option<Ms> {
    if let Ok(at) = written.parse::<Timestamp>() {
        return Some(at.as_millisecond() + i64::from(at.subsec_nanosecond() % 1_000_000 > 0));
    }
    let bare = written.trim_end_matches("UTC").trim_end_matches(['Z', 'z', ' ']);
    let civil: DateTime = bare.parse().ok()?;
    let time = civil.time().duration_since(Time::midnight()).as_nanos();
    let time = Ms::try_from((time + 999_999) / 1_000_000).ok()?;
    Some(day_ms(civil.date()) + time)
}

fn digits(written: &str) -> Option<i16> {
    written
        .bytes()
        .all(|b| b.is_ascii_digit())
        .then(|| written.parse().ok())?
}

fn century(year: i16, now: Ms) -> Option<i16> {
    let this = Timestamp::from_millisecond(now)
        .ok()?
        .to_zoned_datetime(TimeZone::UTC)
        .year();
    let year = this - this.rem_euclid(100) + year;
    Some(match year - this {
        ahead if ahead > YEARS_AHEAD => year - 100,
        ahead if ahead <= YEARS_AHEAD - 100 => year + 100,
        _ => year,
    })
}

/// The beginning of a day in UTC, ms; also of the last day of the calendar, which no timestamp reaches.
fn day_ms(day: Date) -> Ms {
    day.duration_since(Date::constant(1970, 1, 1)).as_secs() * 1_000
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Ms = 1_767_323_045_000; // 2026-01-02 03:04:05 UTC

    #[test]
    fn years_of_two_digits() {
        let year = |yy: &str| {
            let ms = http_date(&format!("Sunday, 06-Nov-{yy} 08:49:37 GMT"), NOW).unwrap();
            crate::clock::timestamp(ms).to_string()[..4].to_owned()
        };
        assert_eq!(
            ["94", "26", "76", "77", "00"].map(year),
            ["1994", "2026", "2076", "1977", "2000"]
        );
    }

    #[test]
    fn the_end_of_the_calendar_is_no_error() {
        for written in ["Fri, 31 Dec 9999 23:59:59 GMT", "Fri Dec 31 23:59:59 9999"] {
            assert_eq!(http_date(written, NOW), Some(253_402_300_799_000), "{written}");
        }
        assert_eq!(iso("9999-12-31T23:59:59Z"), Some(253_402_300_799_000));
        assert_eq!(LAST_MS, Timestamp::MAX.as_millisecond() - 999);
    }

    #[test]
    fn what_people_write_as_iso() {
        for written in [
            "2026-01-02T03:04:05Z",
            "2026-01-02 03:04:05 UTC",
            "2026-01-02T03:04:05",
            "2026-01-02T04:04:05+01:00",
        ] {
            assert_eq!(iso(written), Some(NOW), "{written}");
        }
        assert_eq!(iso("2026-01-02T03:04:05.0000001"), Some(NOW + 1));
    }

    #[test]
    fn nonsense_is_nothing() {
        for wrong in [
            "",
            "soon",
            "Fri, 99 Foo 2026",
            "Sun, 06 Nov 1994 25:49:37 GMT",
            "Sun Nov 6 08:49 1994",
            "Sun, 31 Feb 1994 08:49:37 GMT",
        ] {
            assert_eq!(http_date(wrong, NOW), None, "{wrong}");
        }
    }
}
