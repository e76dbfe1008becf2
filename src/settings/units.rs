//! Durations (`"6h"`) and rates (`"50/s"`) as people write them.

use std::time::Duration;

use crate::store::Rate;

/// Longest duration taken: ten years. What is longer is a slip.
const LONGEST: u64 = 10 * 365 * 24 * 3_600;

/// Reads `500ms`, `5s`, `10m`, `6h`, `2d`: a whole number and one unit, more than nothing, at most ten years.
pub fn duration(written: &str) -> Option<Duration> {
    let written = written.trim();
    let unit_at = written.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = written.split_at(unit_at);
    let number: u64 = number.parse().ok()?;
    let length = match unit.trim_start() {
        "ms" => Duration::from_millis(number),
        "s" => Duration::from_secs(number),
        "m" | "min" => Duration::from_secs(number.checked_mul(60)?),
        "h" => Duration::from_secs(number.checked_mul(3_600)?),
        "d" => Duration::from_secs(number.checked_mul(86_400)?),
        _ => return None,
    };
    (!length.is_zero() && length <= Duration::from_secs(LONGEST)).then_some(length)
}

/// Reads `50/s`, `200/min`, `1000/h`, `500/d`: at least one, at most a million.
pub fn rate(written: &str) -> Option<Rate> {
    let (count, unit) = written.split_once('/')?;
    let count: u32 = count.trim().parse().ok()?;
    let per_ms = match unit.trim() {
        "s" => 1_000,
        "min" | "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    (1..=1_000_000).contains(&count).then_some(Rate { count, per_ms })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        assert_eq!(duration("6h"), Some(Duration::from_secs(21_600)));
        assert_eq!(duration("250ms"), Some(Duration::from_millis(250)));
        for wrong in [
            "",
            "6",
            "h",
            "-1s",
            "1.5h",
            "0s",
            "6 Stunden",
            "99999999999999999999s",
            "9999999d",
        ] {
            assert_eq!(duration(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn rates() {
        assert_eq!(
            rate("50/s"),
            Some(Rate {
                count: 50,
                per_ms: 1_000
            })
        );
        assert_eq!(
            rate("200/min"),
            Some(Rate {
                count: 200,
                per_ms: 60_000
            })
        );
        for wrong in ["50", "0/s", "50/woche", "-1/s", "/s", "9999999999/s"] {
            assert_eq!(rate(wrong), None, "{wrong}");
        }
    }
}
