//! Floor 0: the only place that asks the machine for the time. Everything that decides takes the time as a value.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// Milliseconds since the Unix epoch (UTC), as stored in every `*_at_ms` column.
pub type Ms = i64;

/// Where the wall time comes from: the machine in production, a hand-set value in tests and simulations.
pub trait Clock: Send + Sync + 'static {
    /// The wall time now, in milliseconds since the Unix epoch.
    fn now_ms(&self) -> Ms;

    /// The wall time now as a timestamp.
    fn now(&self) -> jiff::Timestamp {
        timestamp(self.now_ms())
    }
}

/// How long the machine has been running, sleep included: what the wall clock is compared with.
pub fn running() -> std::time::Duration {
    // A clock that stands still while the machine sleeps would take every waking for a leap of the wall clock.
    let since_boot = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    std::time::Duration::try_from(since_boot).unwrap_or_default()
}

/// The clock handed around at run time.
pub type SharedClock = Arc<dyn Clock>;

/// How far this process's wall clock is ahead of the machine's, ms. Only the demo sets it: a week passes while one watches.
static AHEAD_MS: AtomicI64 = AtomicI64::new(0);

/// From now on this process takes the wall clock to show this time, and to go on from there. The machine's clock stays as it is.
pub fn pretend(now: Ms) {
    run_ahead(now.saturating_sub(SystemClock.now_ms().saturating_sub(ahead())));
}

/// From now on this process's wall clock is so far ahead of the machine's, ms; two processes that are told the same share a clock.
pub fn run_ahead(by: Ms) {
    AHEAD_MS.store(by, Ordering::Relaxed);
}

/// How far this process's wall clock is ahead of the machine's, ms; 0 but in a demo.
pub fn ahead() -> Ms {
    AHEAD_MS.load(Ordering::Relaxed)
}

/// The machine's wall clock, unless this process pretends another time.
#[derive(Debug, Default, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the home of the ban: everybody else asks a Clock"
    )]
    fn now_ms(&self) -> Ms {
        let machine = jiff::Timestamp::now().as_millisecond();
        machine.saturating_add(ahead())
    }
}

/// A stored time as a timestamp; times outside the calendar (year ±9999) end at its border.
pub fn timestamp(at: Ms) -> jiff::Timestamp {
    jiff::Timestamp::from_millisecond(at).unwrap_or(if at < 0 {
        jiff::Timestamp::MIN
    } else {
        jiff::Timestamp::MAX
    })
}

/// Where Unix keeps the time zones.
const ZONEINFO: &str = "/usr/share/zoneinfo";

/// A time zone by its IANA name; `None` where there is none of that name.
pub fn zone(name: &str) -> Option<jiff::tz::TimeZone> {
    // jiff lists the whole folder before it opens one file, which every command would pay.
    let plain = name.starts_with(|c: char| c.is_ascii_uppercase())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_+-/".contains(&b))
        && std::env::var_os("TZDIR").is_none();
    let read = plain
        .then(|| std::fs::read(std::path::Path::new(ZONEINFO).join(name)).ok())
        .flatten();
    let known = read.and_then(|data| jiff::tz::TimeZone::tzif(name, &data).ok());
    known.or_else(|| jiff::tz::TimeZone::get(name).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_is_found_however_it_is_written_and_nothing_else_is() {
        for name in ["Europe/Berlin", "europe/berlin", "UTC"] {
            let zone = zone(name).unwrap();
            assert!(
                zone.iana_name().is_some_and(|known| known.eq_ignore_ascii_case(name)),
                "{name}"
            );
        }
        for name in [
            "Europe/Potsdam",
            "../../../etc/passwd",
            "Europe/../Europe/Berlin",
            "Europe",
            "",
            "/etc/localtime",
        ] {
            assert_eq!(zone(name), None, "{name}");
        }
    }
}
