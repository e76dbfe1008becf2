//! Times as people read them, in German, plain German and English, and as feeds want them. The clock is always passed in; `now`
//! is in the publisher's zone, and every time is said in that zone. Imports [`super::lang`].

use jiff::{
    SignedDuration, ZonedDateTime,
    civil::{Date, Time, Weekday},
};

use super::lang::Lang;

const MONTHS_DE: [&str; 12] = [
    "Januar",
    "Februar",
    "März",
    "April",
    "Mai",
    "Juni",
    "Juli",
    "August",
    "September",
    "Oktober",
    "November",
    "Dezember",
];
const MONTHS_EN: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// The clock: `10:00 Uhr`, in plain German `10 Uhr` at full hours, in English `10:00`.
pub fn clock(time: Time, lang: Lang) -> String {
    let (hour, minute) = (time.hour(), time.minute());
    match lang {
        Lang::De => format!("{hour}:{minute:02} Uhr"),
        Lang::DeSimple if minute == 0 => format!("{hour} Uhr"),
        Lang::DeSimple => format!("{hour}:{minute:02} Uhr"),
        Lang::En => format!("{hour:02}:{minute:02}"),
    }
}

/// The full date: `24. Januar 2023`, `24 January 2023`.
pub fn date(date: Date, lang: Lang) -> String {
    format!("{} {}", day_and_month(date, lang), date.year())
}

/// Date and clock: `24. Januar 2023, 18:00 Uhr`.
pub fn date_time(when: &ZonedDateTime, lang: Lang) -> String {
    format!("{}, {}", date(when.date(), lang), clock(when.time(), lang))
}

/// `24. Januar`, `24 January`.
pub fn day_and_month(date: Date, lang: Lang) -> String {
    let day = date.day();
    if lang.is_german() {
        format!("{day}. {}", month(date, lang))
    } else {
        format!("{day} {}", month(date, lang))
    }
}

fn month(date: Date, lang: Lang) -> &'static str {
    // Months count from 1 to 12, so both tables have the place.
    let index = usize::from(date.month().unsigned_abs()).saturating_sub(1).min(11);
    if lang.is_german() {
        MONTHS_DE[index]
    } else {
        MONTHS_EN[index]
    }
}

/// The day of the week: `Dienstag`, `Tuesday`.
pub const fn weekday(day: Weekday, lang: Lang) -> &'static str {
    let (german, english) = match day {
        Weekday::Monday => ("Montag", "Monday"),
        Weekday::Tuesday => ("Dienstag", "Tuesday"),
        Weekday::Wednesday => ("Mittwoch", "Wednesday"),
        Weekday::Thursday => ("Donnerstag", "Thursday"),
        Weekday::Friday => ("Freitag", "Friday"),
        Weekday::Saturday => ("Samstag", "Saturday"),
        Weekday::Sunday => ("Sonntag", "Sunday"),
    };
    if lang.is_german() { german } else { english }
}

/// A day seen from `today`: `heute`, `gestern`, `morgen`, else `Dienstag, 24. Januar`, with the year where it differs.
pub fn short_date(day: Date, today: Date, lang: Lang) -> String {
    if let Some(word) = day_word(day, today, lang) {
        return word.to_owned();
    }
    let name = weekday(day.weekday(), lang);
    let separator = if lang.is_german() { ", " } else { " " };
    let rest = if day.year() == today.year() {
        day_and_month(day, lang)
    } else {
        date(day, lang)
    };
    format!("{name}{separator}{rest}")
}

fn day_word(day: Date, today: Date, lang: Lang) -> Option<&'static str> {
    let is = |other: Result<Date, jiff::Error>| other.is_ok_and(|other| other == day);
    let (german, english) = if day == today {
        ("heute", "today")
    } else if is(today.yesterday()) {
        ("gestern", "yesterday")
    } else if is(today.tomorrow()) {
        ("morgen", "tomorrow")
    } else {
        return None;
    };
    Some(if lang.is_german() { german } else { english })
}

/// A time seen from `now`: `heute, 18:00 Uhr`, `Dienstag, 24. Januar, 18:00 Uhr`, with the year where it differs. Said in the
/// zone of `now`.
///
/// ```
/// # use rundruf::text::{dates::short, lang::Lang};
/// let now: jiff::ZonedDateTime = "2023-01-24T12:00[Europe/Berlin]".parse().unwrap();
/// let next: jiff::ZonedDateTime = "2023-01-25T11:00[UTC]".parse().unwrap();
/// assert_eq!(short(&next, &now, Lang::De), "morgen, 12:00 Uhr");
/// ```
pub fn short(when: &ZonedDateTime, now: &ZonedDateTime, lang: Lang) -> String {
    let when = when.with_time_zone(now.time_zone().clone());
    format!(
        "{}, {}",
        short_date(when.date(), now.date(), lang),
        clock(when.time(), lang)
    )
}

/// How long in words, in the largest unit that fills: `3 Stunden`, `weniger als 1 Minute`. Signs do not count.
pub fn duration(length: SignedDuration, lang: Lang) -> String {
    say_duration(length, lang, false)
}

/// How long it has lasted: `seit 3 Tagen`, `for 3 days`.
pub fn lasting(since: &ZonedDateTime, now: &ZonedDateTime, lang: Lang) -> String {
    let length = now.duration_since(since);
    let words = say_duration(length, lang, true);
    if lang.is_german() {
        format!("seit {words}")
    } else {
        format!("for {words}")
    }
}

/// How long ago it was: `vor 3 Tagen`, `3 days ago`.
pub fn ago(when: &ZonedDateTime, now: &ZonedDateTime, lang: Lang) -> String {
    let words = say_duration(now.duration_since(when), lang, true);
    if lang.is_german() {
        format!("vor {words}")
    } else {
        format!("{words} ago")
    }
}

/// `dative`: after "seit" and "vor" days become "Tagen".
fn say_duration(length: SignedDuration, lang: Lang, dative: bool) -> String {
    const MINUTE: u64 = 60;
    const HOUR: u64 = 60 * MINUTE;
    const DAY: u64 = 24 * HOUR;
    let seconds = length.as_secs().unsigned_abs();
    let (count, german, english) = match seconds {
        DAY.. => (
            seconds / DAY,
            ["Tag", if dative { "Tagen" } else { "Tage" }],
            ["day", "days"],
        ),
        HOUR.. => (seconds / HOUR, ["Stunde", "Stunden"], ["hour", "hours"]),
        MINUTE.. => (seconds / MINUTE, ["Minute", "Minuten"], ["minute", "minutes"]),
        _ if lang.is_german() => return "weniger als 1 Minute".to_owned(),
        _ => return "less than 1 minute".to_owned(),
    };
    let [one, many] = if lang.is_german() { german } else { english };
    format!("{count} {}", if count == 1 { one } else { many })
}

/// For RSS: RFC 2822, `Tue, 24 Jan 2023 18:00:00 +0100`. Empty only for years before 0, which no notice has.
pub fn rfc2822(when: &ZonedDateTime) -> String {
    jiff::fmt::rfc2822::to_string(when).unwrap_or_default()
}

/// For Atom, JSON Feed, HTML `datetime` and JSON: RFC 3339 to the second with a numeric offset, `2023-01-24T18:00:00+01:00`.
pub fn rfc3339(when: &ZonedDateTime) -> String {
    when.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

/// For CAP: as [`rfc3339`], but UTC is written `-00:00` (CAP 1.2 section 3.3.2, which also refuses `Z`).
pub fn cap(when: &ZonedDateTime) -> String {
    let text = rfc3339(when);
    match text.strip_suffix("+00:00") {
        Some(utc) => format!("{utc}-00:00"),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> ZonedDateTime {
        format!("{text}[Europe/Berlin]").parse().unwrap()
    }

    fn in_all(say: impl Fn(Lang) -> String) -> [String; 3] {
        Lang::ALL.map(say)
    }

    #[test]
    fn clocks_and_dates() {
        let when = at("2023-01-24T18:00");
        assert_eq!(
            in_all(|lang| clock(when.time(), lang)),
            ["18:00 Uhr", "18 Uhr", "18:00"]
        );
        assert_eq!(
            in_all(|lang| clock(at("2023-01-24T08:05").time(), lang)),
            ["8:05 Uhr", "8:05 Uhr", "08:05"]
        );
        assert_eq!(
            in_all(|lang| date_time(&when, lang)),
            [
                "24. Januar 2023, 18:00 Uhr",
                "24. Januar 2023, 18 Uhr",
                "24 January 2023, 18:00"
            ]
        );
    }

    #[test]
    fn days_seen_from_today() {
        let now = at("2023-01-24T12:00");
        let say = |text, lang| short(&at(text), &now, lang);
        assert_eq!(say("2023-01-24T18:00", Lang::De), "heute, 18:00 Uhr");
        assert_eq!(say("2023-01-23T23:59", Lang::De), "gestern, 23:59 Uhr");
        assert_eq!(say("2023-01-25T00:00", Lang::DeSimple), "morgen, 0 Uhr");
        assert_eq!(say("2023-01-31T18:00", Lang::De), "Dienstag, 31. Januar, 18:00 Uhr");
        assert_eq!(
            say("2022-12-24T18:00", Lang::De),
            "Samstag, 24. Dezember 2022, 18:00 Uhr"
        );
        assert_eq!(say("2023-01-31T18:00", Lang::En), "Tuesday 31 January, 18:00");
    }

    #[test]
    fn times_are_said_in_the_zone_of_now() {
        let late = "2023-01-24T23:30[UTC]".parse().unwrap();
        assert_eq!(short(&late, &at("2023-01-24T12:00"), Lang::De), "morgen, 0:30 Uhr");
    }

    #[test]
    fn durations_in_words() {
        let now = at("2023-01-24T12:00");
        let since = |text| in_all(|lang| lasting(&at(text), &now, lang));
        assert_eq!(
            since("2023-01-24T09:00")[..],
            ["seit 3 Stunden", "seit 3 Stunden", "for 3 hours"]
        );
        assert_eq!(since("2023-01-24T11:00")[0], "seit 1 Stunde");
        assert_eq!(since("2023-01-21T11:00")[0], "seit 3 Tagen");
        assert_eq!(since("2023-01-24T11:59:30")[2], "for less than 1 minute");
        assert_eq!(duration(SignedDuration::from_hours(72), Lang::De), "3 Tage");
        assert_eq!(ago(&at("2023-01-23T11:00"), &now, Lang::De), "vor 1 Tag");
        assert_eq!(ago(&at("2023-01-24T11:58"), &now, Lang::En), "2 minutes ago");
    }

    #[test]
    fn for_machines() {
        let when = at("2023-01-24T18:00:00.5");
        assert_eq!(rfc2822(&when), "Tue, 24 Jan 2023 18:00:00 +0100");
        assert_eq!(rfc3339(&when), "2023-01-24T18:00:00+01:00");
        assert_eq!(cap(&when), "2023-01-24T18:00:00+01:00");
        assert_eq!(
            cap(&"2023-01-24T18:00[UTC]".parse().unwrap()),
            "2023-01-24T18:00:00-00:00"
        );
    }

    proptest! {
        #[test]
        fn any_time_is_said(then in any::<i32>(), now in any::<i32>()) {
            let zone = jiff::tz::TimeZone::get("Europe/Berlin").unwrap();
            let zoned = |second: i32| jiff::Timestamp::from_second(second.into()).unwrap().to_zoned_datetime(zone.clone());
            let (then, now) = (zoned(then), zoned(now));
            for lang in Lang::ALL {
                prop_assert!(!short(&then, &now, lang).is_empty() && !lasting(&then, &now, lang).is_empty());
            }
            prop_assert!(!rfc2822(&then).is_empty());
        }
    }
}
