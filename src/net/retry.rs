//! When a service says we may try again, in every form services use (CHANNELS 1.2). Exactly, never clamped, and where clocks and rounding leave a
//! doubt the later moment: one request early is one too many.

use reqwest::header::HeaderMap;
use serde_json::Value;

use super::date::{LAST_MS, http_date, iso};
use crate::clock::Ms;

/// Below so many ms since 1970 a number cannot be a date of this century: it is seconds from now (`RateLimit-Reset` of the IETF's drafts).
const DATES_FROM_MS: i128 = 1_000_000_000_000;
/// From so many ms on a number of seconds would be a date more than a thousand years away: it was one of milliseconds, microseconds or less.
const SECONDS_TO_MS: i128 = 100_000_000_000_000;
/// Nobody means more, and it can be reckoned with, ms.
const MOST_MS: i128 = i128::MAX / 1_000_000;

/// By the body (Telegram, Matrix, Discord), else `Retry-After` in seconds or as an HTTP date, else what the service says of its limits. `None` where
/// nothing is there or understood. By our clock: a moment that is named by a clock that differs from ours (the answer's `Date`, RFC 9110 section 6.6.1)
/// is as far away as it is there, else a wrong clock of ours would come too early. `Date` has whole seconds, so that may be up to one more.
pub fn when(headers: &HeaderMap, body: Option<&Value>, now: Ms) -> Option<Ms> {
    by_body(body, now)
        .map(|until| until.min(LAST_MS))
        .or_else(|| asked(headers, now))
        .or_else(|| by_our_clock(headers, now, limits))
}

/// By `Retry-After` alone: what any answer may carry, where the state of a limit says nothing of why it failed.
pub fn asked(headers: &HeaderMap, now: Ms) -> Option<Ms> {
    by_our_clock(headers, now, |headers, theirs| {
        retry_after(text(headers, "retry-after")?, theirs)
    })
}

/// By how much our clock is ahead of the one that gave this answer, ms; `None` where it does not say what time it is.
pub fn ahead(headers: &HeaderMap, now: Ms) -> Option<Ms> {
    let theirs = http_date(text(headers, "date")?, now)?;
    Some(now.saturating_sub(theirs))
}

/// Has a moment read by the counterpart's clock, and says when that is by ours.
fn by_our_clock(headers: &HeaderMap, now: Ms, read: impl FnOnce(&HeaderMap, Ms) -> Option<Ms>) -> Option<Ms> {
    let ahead = ahead(headers, now).unwrap_or(0);
    let until = read(headers, now.saturating_sub(ahead))?;
    Some(until.saturating_add(ahead).min(LAST_MS))
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

/// Telegram says `parameters.retry_after` in seconds, Matrix `retry_after_ms`, Discord and others `retry_after` in seconds.
fn by_body(body: Option<&Value>, now: Ms) -> Option<Ms> {
    let body = body?;
    let number = |value: &Value| match value {
        Value::Number(number) => amount_ms(&number.to_string()),
        Value::String(text) => amount_ms(text.trim()),
        _ => None,
    };
    let seconds = body
        .pointer("/parameters/retry_after")
        .or_else(|| body.get("retry_after"));
    let ms = match body.get("retry_after_ms").and_then(number) {
        // A number of thousandths, read as one of seconds.
        Some(thousandfold) => (thousandfold + 999) / 1_000,
        None => number(seconds?)?,
    };
    Some(later(now, ms))
}

fn retry_after(written: &str, now: Ms) -> Option<Ms> {
    amount_ms(written)
        .map(|ms| later(now, ms))
        .or_else(|| http_date(written, now))
}

/// What a service says of its limits: only one that is used up, or of which nobody says what is left, can be what stopped us.
fn limits(headers: &HeaderMap, now: Ms) -> Option<Ms> {
    // X: a day's share that is used up counts before the fifteen minutes.
    let days = ["x-app-limit-24hour", "x-user-limit-24hour"].into_iter();
    let day = days.filter_map(|family| {
        left(headers, family).filter(|left| *left == 0)?;
        reset(text(headers, &format!("{family}-reset"))?, now)
    });
    day.max()
        .or_else(|| usage(headers, now))
        .or_else(|| {
            ["x-ratelimit", "ratelimit", "x-rate-limit"]
                .into_iter()
                .find_map(|family| {
                    if left(headers, family).is_some_and(|left| left > 0) {
                        return None;
                    }
                    reset(text(headers, &format!("{family}-reset"))?, now)
                })
        })
        .or_else(|| structured(text(headers, "ratelimit")?, now))
}

fn left(headers: &HeaderMap, family: &str) -> Option<i128> {
    amount_ms(text(headers, &format!("{family}-remaining"))?)
}

/// Meta's usage headers are JSON and say in minutes when a used-up quota is there again; the longest of them.
fn usage(headers: &HeaderMap, now: Ms) -> Option<Ms> {
    fn longest(value: &Value) -> Option<i128> {
        match value {
            Value::Object(map) => {
                let own = map.get("estimated_time_to_regain_access");
                let own = own
                    .and_then(|minutes| amount_ms(&minutes.to_string()))
                    .map(|ms| ms * 60);
                map.values().filter_map(longest).chain(own).max()
            }
            Value::Array(list) => list.iter().filter_map(longest).max(),
            _ => None,
        }
    }
    let names = ["x-business-use-case-usage", "x-app-usage"].into_iter();
    let read = names.filter_map(|name| longest(&serde_json::from_str(text(headers, name)?).ok()?));
    read.max().filter(|ms| *ms > 0).map(|ms| later(now, ms))
}

/// `RateLimit` of the IETF's drafts: `"default";r=0;t=30`, earlier `limit=10, remaining=0, reset=30`; the longest of what is used up.
fn structured(written: &str, now: Ms) -> Option<Ms> {
    let of = |item: &str, names: [&str; 2]| {
        item.split([';', ',']).find_map(|part| {
            let (name, value) = part.split_once('=')?;
            names.contains(&name.trim()).then(|| amount_ms(value.trim()))?
        })
    };
    let items: Vec<&str> = if written.contains(';') {
        written.split(',').collect()
    } else {
        vec![written]
    };
    let used_up = items
        .into_iter()
        .filter(|item| of(item, ["r", "remaining"]).is_none_or(|left| left == 0));
    used_up
        .filter_map(|item| of(item, ["t", "reset"]))
        .max()
        .map(|ms| later(now, ms))
}

/// A number of seconds as ms, rounded up, not negative; however large. To the digit: a thousandth of a second is none that a
/// binary fraction may lose.
fn amount_ms(written: &str) -> Option<i128> {
    let (whole, broken) = written.split_once('.').unwrap_or((written, ""));
    let plain = |digits: &str| digits.bytes().all(|b| b.is_ascii_digit());
    if !plain(whole) || !plain(broken) || (whole.is_empty() && broken.is_empty()) {
        // 6e1, +60. A word for something endless or for nothing is none.
        let seconds: f64 = written
            .parse()
            .ok()
            .filter(|_| written.bytes().any(|b| b.is_ascii_digit()))?;
        return (seconds >= 0.0).then(|| ((seconds * 1_000.0).ceil() as i128).min(MOST_MS));
    }
    let whole: i128 = if whole.is_empty() {
        0
    } else {
        whole.parse().unwrap_or(MOST_MS)
    };
    let thousandths: i128 = format!("{broken:0<3}")[..3].parse().ok()?;
    let more = broken.len() > 3 && broken[3..].bytes().any(|b| b != b'0');
    Some(whole.min(MOST_MS / 2_000) * 1_000 + thousandths + i128::from(more))
}

/// So much later; of what lies far behind the calendar only that it does.
fn later(now: Ms, ms: i128) -> Ms {
    now.saturating_add(Ms::try_from(ms).unwrap_or(Ms::MAX).min(8 * LAST_MS))
}

fn reset(written: &str, now: Ms) -> Option<Ms> {
    let Some(mut ms) = amount_ms(written) else {
        return iso(written).or_else(|| http_date(written, now));
    };
    if ms < DATES_FROM_MS {
        return Some(later(now, ms));
    }
    while ms >= SECONDS_TO_MS {
        ms = (ms + 999) / 1_000;
    }
    Some(later(0, ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Ms = 1_767_323_045_000;

    fn map(headers: &[(&'static str, &'static str)]) -> HeaderMap {
        headers
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect()
    }

    fn found(headers: &[(&'static str, &'static str)]) -> Option<Ms> {
        when(&map(headers), None, NOW)
    }

    fn told(body: &str) -> Option<Ms> {
        when(&HeaderMap::new(), Some(&serde_json::from_str(body).unwrap()), NOW)
    }

    /// Our clock is years ahead, or behind: what they name is as far away as it is for them, never nearer.
    #[test]
    fn a_moment_is_of_the_clock_that_named_it() {
        // NOW is 2026-01-02 03:04:05 UTC.
        let forms = [
            ("retry-after", "60"),
            ("retry-after", "Fri, 02 Jan 2026 03:05:05 GMT"),
            ("retry-after", "Friday, 02-Jan-26 03:05:05 GMT"),
            ("retry-after", "Fri Jan  2 03:05:05 2026"),
            ("x-ratelimit-reset", "2026-01-02T03:05:05.000000Z"),
            ("ratelimit-reset", "1767323105"),
        ];
        for form in forms {
            let headers = map(&[form, ("date", "Fri, 02 Jan 2026 03:04:05 GMT")]);
            for off in [0, 315_360_000_000, -3_600_000, 1_900, 900, -900] {
                assert_eq!(
                    when(&headers, None, NOW + off),
                    Some(NOW + off + 60_000),
                    "{form:?} {off}"
                );
            }
        }
    }

    #[test]
    fn every_form() {
        assert_eq!(found(&[("retry-after", "120")]), Some(NOW + 120_000));
        assert_eq!(found(&[("retry-after", "0.5")]), Some(NOW + 500));
        assert_eq!(found(&[("retry-after", "1.1")]), Some(NOW + 1_100), "to the digit");
        assert_eq!(found(&[("retry-after", "1.1000001")]), Some(NOW + 1_101), "rounded up");
        assert_eq!(
            found(&[("retry-after", "Fri, 02 Jan 2026 03:05:00 GMT")]),
            Some(1_767_323_100_000)
        );
        assert_eq!(
            found(&[("x-ratelimit-reset", "2026-01-02T03:05:00.000001Z")]),
            Some(1_767_323_100_001)
        );
        for (name, value) in [
            ("ratelimit-reset", "1767323100"),
            ("x-rate-limit-reset", "1767323100"),
            ("x-rate-limit-reset", "1767323100000"),
            ("x-ratelimit-reset", "1767323099.9999"),
            ("ratelimit-reset", "55"),
            ("ratelimit", "limit=10, remaining=0, reset=55"),
            ("ratelimit", "\"minute\";r=0;t=55, \"day\";r=100;t=9000"),
        ] {
            assert_eq!(found(&[(name, value)]), Some(1_767_323_100_000), "{name}: {value}");
        }
        let minutes =
            r#"{"1":[{"type":"pages","estimated_time_to_regain_access":3},{"estimated_time_to_regain_access":2}]}"#;
        assert_eq!(found(&[("x-business-use-case-usage", minutes)]), Some(NOW + 180_000));
    }

    #[test]
    fn a_limit_with_something_left_is_not_what_stopped_us() {
        let left = [
            ("x-ratelimit-remaining", "12"),
            ("x-ratelimit-reset", "2026-01-02T03:05:00Z"),
        ];
        assert_eq!(found(&left), None);
        assert_eq!(found(&[("ratelimit", "\"day\";r=100;t=9000")]), None);
        let day = [
            ("x-rate-limit-reset", "1767323100"),
            ("x-app-limit-24hour-remaining", "0"),
            ("x-app-limit-24hour-reset", "1767399999"),
        ];
        assert_eq!(found(&day), Some(1_767_399_999_000), "the day's share");
    }

    #[test]
    fn the_body_says_it_more_exactly() {
        assert_eq!(
            told(r#"{"ok":false,"parameters":{"retry_after":35}}"#),
            Some(NOW + 35_000)
        );
        assert_eq!(
            told(r#"{"errcode":"M_LIMIT_EXCEEDED","retry_after_ms":2001}"#),
            Some(NOW + 2_001)
        );
        assert_eq!(told(r#"{"retry_after":64.5701,"global":false}"#), Some(NOW + 64_571));
        assert_eq!(told(r#"{"retry_after":"soon"}"#), None);
        let both = when(
            &map(&[("retry-after", "65")]),
            Some(&serde_json::json!({"retry_after": 64.57})),
            NOW,
        );
        assert_eq!(both, Some(NOW + 64_570));
    }

    #[test]
    fn nonsense_is_nothing() {
        for wrong in ["", "soon", "-5", "NaN", "inf", ".", "Fri, 99 Foo 2026"] {
            assert_eq!(found(&[("retry-after", wrong)]), None, "{wrong}");
        }
        assert_eq!(found(&[]), None);
    }

    #[test]
    fn very_long_waits_are_kept() {
        assert_eq!(found(&[("retry-after", "31536000")]), Some(NOW + 31_536_000_000));
        let nines = "9".repeat(400);
        for long in [
            "300000000000",
            "9e99",
            "99999999999999999999",
            &nines,
            "Fri, 31 Dec 9999 23:59:59 GMT",
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("retry-after", long.parse().unwrap());
            assert_eq!(when(&headers, None, NOW), Some(LAST_MS), "{long}");
        }
    }
}
