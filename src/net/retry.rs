//! When a service says we may try again, in every form services use (CHANNELS 1.2). Exactly, never clamped.

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use reqwest::header::HeaderMap;

use crate::clock::Ms;

/// Clocks that differ by no more than this are the same, ms: `Date` has whole seconds, and an answer takes its time.
const SAME_MS: Ms = 2_000;

/// `Retry-After` in seconds or as an HTTP date, else the reset header of a used-up limit: ISO 8601 (Mastodon), Unix seconds
/// (Bluesky, X). `None` where none is there or none is understood. By our clock: a moment that is named by a clock that differs from ours (the answer's
/// `Date`, RFC 9110 section 6.6.1) is as far away as it is there, else a wrong clock of ours would come too early.
pub fn when(headers: &HeaderMap, now: Ms) -> Option<Ms> {
    let ahead = ahead(headers, now).unwrap_or(0);
    let theirs = if ahead.abs() <= SAME_MS {
        now
    } else {
        now.saturating_sub(ahead)
    };
    let until = by_their_clock(headers, theirs)?;
    Some(until.saturating_add(now.saturating_sub(theirs)))
}

/// By how much our clock is ahead of the one that gave this answer, ms; `None` where it does not say what time it is.
pub fn ahead(headers: &HeaderMap, now: Ms) -> Option<Ms> {
    let theirs = http_date(headers.get("date")?.to_str().ok()?)?;
    Some(now.saturating_sub(theirs))
}

/// As [`when`], where `now` is what the counterpart's clock shows.
fn by_their_clock(headers: &HeaderMap, now: Ms) -> Option<Ms> {
    let text = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).map(str::trim);
    if let Some(until) = text("retry-after").and_then(|written| retry_after(written, now)) {
        return Some(until);
    }
    ["x-ratelimit", "ratelimit", "x-rate-limit"]
        .into_iter()
        .find_map(|family| {
            // A limit with something left is not what stopped us.
            let left = text(&format!("{family}-remaining")).and_then(|n| n.parse::<f64>().ok());
            if left.is_some_and(|left| left > 0.0) {
                return None;
            }
            reset(text(&format!("{family}-reset"))?, now)
        })
}

fn retry_after(written: &str, now: Ms) -> Option<Ms> {
    if let Some(ms) = seconds(written) {
        return now.checked_add(ms);
    }
    http_date(written)
}

/// Whole or broken seconds, not negative.
fn seconds(written: &str) -> Option<Ms> {
    let seconds: f64 = written.parse().ok()?;
    // 1e11 seconds are 3,000 years: nobody means that, and beyond it integers of milliseconds grow thin.
    (seconds.is_finite() && (0.0..1e11).contains(&seconds)).then(|| (seconds * 1_000.0).ceil() as Ms)
}

/// An HTTP date (RFC 9110, 5.6.7).
pub(super) fn http_date(written: &str) -> Option<Ms> {
    static PARSER: DateTimeParser = DateTimeParser::new();
    PARSER.parse_timestamp(written).ok().map(Timestamp::as_millisecond)
}

fn reset(written: &str, now: Ms) -> Option<Ms> {
    if let Ok(at) = written.parse::<Timestamp>() {
        // Rounded up: a millisecond early is too early.
        return Some(at.as_millisecond() + i64::from(at.subsec_nanosecond() % 1_000_000 > 0));
    }
    let ms = seconds(written)?;
    // Below a thousand million it cannot be a date of this century: seconds from now (RateLimit-Reset of the IETF draft).
    if ms < 1_000_000_000_000 {
        now.checked_add(ms)
    } else {
        Some(ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Ms = 1_767_323_045_000;

    fn found(headers: &[(&'static str, &'static str)]) -> Option<Ms> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().unwrap());
        }
        when(&map, NOW)
    }

    /// Our clock is years ahead, or behind: what they name is as far away as it is for them.
    #[test]
    fn a_moment_is_of_the_clock_that_named_it() {
        // NOW is 2026-01-02 03:04:05 UTC.
        let forms = [
            ("retry-after", "60"),
            ("retry-after", "Fri, 02 Jan 2026 03:05:05 GMT"),
            ("x-ratelimit-reset", "2026-01-02T03:05:05.000000Z"),
            ("ratelimit-reset", "1767323105"),
        ];
        let date = ("date", "Fri, 02 Jan 2026 03:04:05 GMT");
        for form in forms {
            let mut map = HeaderMap::new();
            for (name, value) in [form, date] {
                map.insert(name, value.parse().unwrap());
            }
            for off in [0, 315_360_000_000, -3_600_000, 900, -900] {
                let until = when(&map, NOW + off).unwrap();
                let wanted = if off.abs() <= SAME_MS && form.1 != "60" {
                    NOW
                } else {
                    NOW + off
                };
                assert_eq!(until, wanted + 60_000, "{form:?} {off}");
            }
        }
    }

    #[test]
    fn every_form() {
        assert_eq!(found(&[("retry-after", "120")]), Some(NOW + 120_000));
        assert_eq!(found(&[("retry-after", "0.5")]), Some(NOW + 500));
        assert_eq!(
            found(&[("retry-after", "Fri, 02 Jan 2026 03:05:00 GMT")]),
            Some(1_767_323_100_000)
        );
        assert_eq!(
            found(&[("x-ratelimit-reset", "2026-01-02T03:05:00.000001Z")]),
            Some(1_767_323_100_001)
        );
        assert_eq!(found(&[("ratelimit-reset", "1767323100")]), Some(1_767_323_100_000));
        assert_eq!(found(&[("ratelimit-reset", "60")]), Some(NOW + 60_000));
        assert_eq!(found(&[("x-rate-limit-reset", "1767323100")]), Some(1_767_323_100_000));
        let left = [
            ("x-ratelimit-remaining", "12"),
            ("x-ratelimit-reset", "2026-01-02T03:05:00Z"),
        ];
        assert_eq!(found(&left), None);
    }

    #[test]
    fn nonsense_is_nothing() {
        for wrong in ["", "soon", "-5", "NaN", "inf", "9e99", "Fri, 99 Foo 2026"] {
            assert_eq!(found(&[("retry-after", wrong)]), None, "{wrong}");
        }
        assert_eq!(found(&[]), None);
    }

    #[test]
    fn very_long_waits_are_kept() {
        assert_eq!(found(&[("retry-after", "31536000")]), Some(NOW + 31_536_000_000));
    }
}
