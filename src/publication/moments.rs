//! Moments as people read them, in the publisher's zone.

use jiff::tz::TimeZone;

use crate::clock::{Ms, timestamp};
use crate::text::said::Said;

/// A clock time in the publisher's zone; with the day where it is not the day of `now`.
pub fn clock_time(at: Ms, now: Ms, zone: &TimeZone) -> String {
    shown(at, now, zone, "%H:%M")
}

/// A clock time with seconds, for the next try: a difference of seconds matters there.
pub fn exact_time(at: Ms, now: Ms, zone: &TimeZone) -> String {
    shown(at, now, zone, "%H:%M:%S")
}

fn shown(at: Ms, now: Ms, zone: &TimeZone, clock: &str) -> String {
    let local = |ms| timestamp(ms).to_zoned_datetime(zone.clone());
    let at = local(at);
    let clock = at.strftime(clock);
    if at.date() == local(now).date() {
        clock.to_string()
    } else {
        format!("{} {clock}", at.strftime("%d.%m."))
    }
}

/// The day, for what is long ago.
pub fn day(at: Ms, zone: &TimeZone) -> Said {
    let at = timestamp(at).to_zoned_datetime(zone.clone());
    Said {
        de: at.strftime("%d.%m.%Y").to_string(),
        en: at.strftime("%-d %B %Y").to_string(),
    }
}
