//! Answers of 429 as services write them (CHANNELS 1.2), made together with the true moment from which a request is allowed. Dates, numbers and headers are
//! written here by code of its own: what reads them has to agree with the standards, not with itself.

use bytes::Bytes;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use rundruf::clock::Ms;
use rundruf::net::Answer;
use std::time::Duration;

/// The end of the calendar: what is named behind it is never.
pub const LAST_MS: Ms = 253_402_207_200_000;
const DAY_MS: Ms = 86_400_000;
const YEAR_MS: Ms = 31_557_600_000;
/// What a service may name: boundaries of every unit.
const WAITS: [Ms; 22] = [
    0,
    1,
    499,
    500,
    999,
    1_000,
    1_001,
    1_999,
    2_000,
    59_999,
    60_000,
    60_001,
    899_999,
    900_000,
    3_599_999,
    3_600_000,
    3_600_001,
    DAY_MS - 1,
    DAY_MS,
    31 * DAY_MS,
    YEAR_MS,
    30 * YEAR_MS,
];

/// An answer in full, and what it means.
#[derive(Debug)]
pub struct Told {
    pub head: String,
    pub body: String,
    /// From the start of the request to the answer.
    pub took: Duration,
    /// By our clock.
    pub began_ms: Ms,
    /// Not before this, by our clock, µs.
    pub allowed_us: i128,
    /// How much later it may be taken for, ms: what the answer took, and a second where the service's clock shows no less.
    pub slack_ms: Ms,
}

/// How many forms there are.
pub const FORMS: u8 = 22;
/// From this one on they name what nobody lives to see.
pub const NEVER: u8 = 20;

/// Draws an answer of this form to a request that began at `began_ms` by our clock and took so long, ms, less a part of the last one.
pub fn draw(rng: &mut fastrand::Rng, form: u8, began_ms: Ms, took_ms: Ms) -> Told {
    let took_us = (took_ms * 1_000 - rng.i64(0..1_000)).max(0);
    let answered_after_us = rng.i64(0..=took_us);
    // Their clock when they answer, µs.
    let skew_us = match rng.u8(..4) {
        0 => 0,
        1 => rng.i64(-3_000_000..3_000_000),
        2 => rng.i64(-7_200_000_000..7_200_000_000),
        _ => rng.i64(-300_000_000_000_000..300_000_000_000_000),
    };
    let ours_us = began_ms * 1_000 + answered_after_us;
    let theirs_us = ours_us + skew_us;
    let wait_ms = if rng.bool() {
        WAITS[rng.usize(..WAITS.len())]
    } else {
        let most = [5_000, 600_000, DAY_MS, YEAR_MS][rng.usize(..4)];
        rng.i64(0..most)
    };
    // Whole seconds from now; whole seconds of their clock; to the microsecond.
    let after_s = (wait_ms + 999) / 1_000;
    let at_us = theirs_us + wait_ms * 1_000 + rng.i64(0..1_000);
    let at_s = (at_us + 999_999).div_euclid(1_000_000);
    let far = match rng.u8(..3) {
        0 => format!("{}", rng.u64(300_000_000_000..)),
        1 => "9".repeat(rng.usize(20..300)),
        _ => format!("{}{}", rng.u64(1_000_000_000_000..), rng.u64(..)),
    };
    let after = |seconds: i64| Some(i128::from(theirs_us) + i128::from(seconds) * 1_000_000);
    let at = |seconds: i64| Some(i128::from(seconds) * 1_000_000);
    let mut lines: Vec<(&str, String)> = Vec::new();
    let mut body = String::new();
    let mut absolute = false;
    // From when by their clock, µs.
    let named = match form {
        0 => {
            lines.push(("Retry-After", after_s.to_string()));
            after(after_s)
        }
        1 => {
            let digits = rng.usize(1..=6);
            let unit = 10_i64.pow(6 - u32::try_from(digits).unwrap());
            let parts = (wait_ms * 1_000 + rng.i64(0..1_000)) / unit;
            let of = 1_000_000 / unit;
            lines.push(("Retry-After", format!("{}.{:0digits$}", parts / of, parts % of)));
            Some(i128::from(theirs_us) + i128::from(parts * unit))
        }
        2..=4 => {
            absolute = true;
            // A year of two digits is within fifty of now.
            let at_s = if form == 3 {
                at_s.min(theirs_us / 1_000_000 + 40 * 31_557_600)
            } else {
                at_s
            };
            lines.push(("Retry-After", date(at_s, form - 2)));
            at(at_s)
        }
        5 | 6 => {
            absolute = true;
            lines.push(("X-RateLimit-Limit", "300".into()));
            lines.push(("X-RateLimit-Remaining", "0".into()));
            let at_us = if form == 5 { at_us } else { at_s * 1_000_000 };
            let written = iso(at_us);
            let written = if form == 5 {
                written
            } else {
                written.replace(".000000", "")
            };
            lines.push(("X-RateLimit-Reset", written));
            Some(i128::from(at_us))
        }
        7 => {
            absolute = true;
            lines.push(("RateLimit-Limit", "3000".into()));
            lines.push(("RateLimit-Remaining", "0".into()));
            lines.push(("RateLimit-Policy", "3000;w=300".into()));
            lines.push(("RateLimit-Reset", at_s.to_string()));
            at(at_s)
        }
        8 => {
            lines.push(("RateLimit-Remaining", "0".into()));
            lines.push(("RateLimit-Reset", after_s.to_string()));
            after(after_s)
        }
        9 | 10 => {
            absolute = true;
            lines.push(("x-rate-limit-limit", "50".into()));
            lines.push(("x-rate-limit-remaining", "0".into()));
            let soon = if form == 9 { at_s } else { at_s - rng.i64(0..=900) };
            lines.push(("x-rate-limit-reset", soon.to_string()));
            if form == 10 {
                let whose = ["x-app-limit-24hour", "x-user-limit-24hour"][rng.usize(..2)];
                lines.push((
                    if whose.contains("app") {
                        "x-app-limit-24hour-remaining"
                    } else {
                        "x-user-limit-24hour-remaining"
                    },
                    "0".into(),
                ));
                lines.push((
                    if whose.contains("app") {
                        "x-app-limit-24hour-reset"
                    } else {
                        "x-user-limit-24hour-reset"
                    },
                    at_s.to_string(),
                ));
            }
            at(at_s)
        }
        11 => {
            lines.push((
                "RateLimit",
                format!("\"burst\";r=7;t={}, \"day\";r=0;t={after_s}", rng.u32(..)),
            ));
            lines.push(("RateLimit-Policy", "\"burst\";q=10;w=1, \"day\";q=100;w=86400".into()));
            after(after_s)
        }
        12 => {
            lines.push(("RateLimit", format!("limit=100, remaining=0, reset={after_s}")));
            after(after_s)
        }
        13 => {
            let minutes = (wait_ms + 59_999) / 60_000 + 1;
            let (less, name) = (rng.i64(0..minutes), rng.u32(..));
            lines.push((
                "X-Business-Use-Case-Usage",
                format!(
                    r#"{{"{name}":[{{"type":"pages","call_count":100,"estimated_time_to_regain_access":{minutes}}},{{"type":"ads","estimated_time_to_regain_access":{less}}}]}}"#
                ),
            ));
            after(minutes * 60)
        }
        14 => {
            body = format!(
                r#"{{"ok":false,"error_code":429,"description":"Too Many Requests: retry after {after_s}","parameters":{{"retry_after":{after_s}}}}}"#
            );
            after(after_s)
        }
        15 => {
            body =
                format!(r#"{{"errcode":"M_LIMIT_EXCEEDED","error":"Too many requests","retry_after_ms":{wait_ms}}}"#);
            if rng.bool() {
                lines.push(("Retry-After", after_s.to_string()));
            }
            Some(i128::from(theirs_us) + i128::from(wait_ms) * 1_000)
        }
        16 => {
            body = format!(
                r#"{{"message":"You are being rate limited.","retry_after":{}.{:03},"global":true}}"#,
                wait_ms / 1_000,
                wait_ms % 1_000
            );
            lines.push(("Retry-After", after_s.to_string()));
            Some(i128::from(theirs_us) + i128::from(wait_ms) * 1_000)
        }
        17 => {
            absolute = true;
            lines.push(("X-RateLimit-Reset", ((at_us + 999).div_euclid(1_000)).to_string()));
            Some(i128::from((at_us + 999).div_euclid(1_000)) * 1_000)
        }
        18 => {
            // The header of the answer wins over what is said of limits.
            lines.push(("Retry-After", after_s.to_string()));
            lines.push(("X-RateLimit-Remaining", "0".into()));
            lines.push(("X-RateLimit-Reset", iso(theirs_us)));
            after(after_s)
        }
        19 => {
            // A limit with something left is not what stopped us.
            absolute = true;
            lines.push(("X-RateLimit-Remaining", "17".into()));
            lines.push(("X-RateLimit-Reset", iso(theirs_us)));
            lines.push(("x-rate-limit-remaining", "0".into()));
            lines.push(("x-rate-limit-reset", at_s.to_string()));
            at(at_s)
        }
        20 => {
            lines.push(("Retry-After", far));
            None
        }
        _ => {
            absolute = true;
            let last_s = 253_402_300_799;
            lines.push(("Retry-After", date(last_s, [0, 2][rng.usize(..2)])));
            at(last_s)
        }
    };
    // Without their date nobody knows what their clock shows: then it shows what ours does.
    let dated = !absolute || skew_us != 0 || rng.bool();
    if dated {
        // Nobody sends the old forms, but readers must know them; a year of two digits would need to be near ours.
        lines.push((
            "Date",
            date(theirs_us.div_euclid(1_000_000), [0, 0, 0, 2][rng.usize(..4)]),
        ));
    }
    lines.push(("Server", "nginx".into()));
    lines.push(("Content-Type", "application/json".into()));
    rng.shuffle(&mut lines);
    let mut head = String::from("HTTP/1.1 429 Too Many Requests\r\n");
    for (name, value) in lines {
        let name = match rng.u8(..3) {
            0 => name.to_ascii_lowercase(),
            1 => name.to_ascii_uppercase(),
            _ => name.to_owned(),
        };
        let space = [" ", "", "  "][rng.usize(..3)];
        head += &format!("{name}:{space}{value}\r\n");
    }
    let last_us = i128::from(LAST_MS) * 1_000;
    Told {
        head: head + "\r\n",
        body,
        took: Duration::from_micros(took_us.unsigned_abs()),
        began_ms,
        allowed_us: named.map_or(last_us, |us| (us - i128::from(skew_us)).min(last_us)),
        slack_ms: (took_us - answered_after_us) / 1_000 + 2 + if absolute && dated { 1_000 } else { 0 },
    }
}

impl Told {
    /// Read as a client reads it: names in any case, blanks around values.
    pub fn answer(&self) -> Answer {
        let mut headers = HeaderMap::new();
        for line in self.head.lines().skip(1) {
            if let Some((name, value)) = line.split_once(':') {
                let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
                headers.append(name, HeaderValue::from_str(value.trim()).unwrap());
            }
        }
        Answer {
            status: self.head[9..12].parse().unwrap(),
            headers,
            body: Bytes::copy_from_slice(self.body.as_bytes()),
            complete: true,
            took: self.took,
        }
    }

    /// Not before this by our clock, ms.
    pub fn allowed_ms(&self) -> Ms {
        Ms::try_from((self.allowed_us + 999).div_euclid(1_000)).unwrap()
    }
}

/// The day since 1970 as year, month, day (by counting from a first of March, as H. Hinnant describes it).
fn civil(days: i64) -> (i64, usize, i64) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    let year = yoe + era * 400 + i64::from(month <= 2);
    (year, usize::try_from(month).unwrap(), doy - (153 * mp + 2) / 5 + 1)
}

/// A date of HTTP: 0 as everybody writes it, 1 of RFC 850, 2 of C's asctime.
fn date(seconds: i64, form: u8) -> String {
    const DAYS: [&str; 7] = [
        "Thursday",
        "Friday",
        "Saturday",
        "Sunday",
        "Monday",
        "Tuesday",
        "Wednesday",
    ];
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = civil(days);
    let weekday = DAYS[usize::try_from(days.rem_euclid(7)).unwrap()];
    let (short, month) = (&weekday[..3], MONTHS[month - 1]);
    let time = format!("{:02}:{:02}:{:02}", rest / 3_600, rest / 60 % 60, rest % 60);
    match form {
        0 => format!("{short}, {day:02} {month} {year:04} {time} GMT"),
        1 => format!("{weekday}, {day:02}-{month}-{:02} {time} GMT", year % 100),
        _ => format!("{short} {month} {day:2} {time} {year:04}"),
    }
}

/// ISO 8601 with six digits, as Mastodon writes it.
fn iso(us: i64) -> String {
    let (seconds, fraction) = (us.div_euclid(1_000_000), us.rem_euclid(1_000_000));
    let (year, month, day) = civil(seconds.div_euclid(86_400));
    let rest = seconds.rem_euclid(86_400);
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{fraction:06}Z",
        rest / 3_600,
        rest / 60 % 60,
        rest % 60
    )
}
