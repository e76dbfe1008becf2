//! A service that is away for hours, and then takes no more than its own limit. It counts for itself.

use rundruf::clock::Ms;

/// How it is away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Away {
    /// Nobody listens.
    Refuses,
    /// 503, without a time.
    Trouble,
    /// Takes the connection and says nothing.
    Hangs,
}

/// What it takes.
#[derive(Debug, Clone, Copy)]
pub enum Limit {
    None,
    /// So many in so many ms, evenly, and `burst` of them at once.
    Bucket {
        count: i64,
        per_ms: Ms,
        burst: i64,
    },
    /// So many in each window of the clock.
    Window {
        count: u32,
        per_ms: Ms,
    },
}

/// What it says to a request that it hears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    Taken,
    /// 429 with `Retry-After` in whole seconds, as most have it.
    Wait(Ms),
}

#[derive(Debug)]
pub struct Service {
    limit: Limit,
    /// The bucket's theoretical arrival time, µs.
    full_us: i64,
    window: (i64, u32),
}

impl Service {
    pub fn new(limit: Limit) -> Self {
        Self {
            limit,
            full_us: 0,
            window: (0, 0),
        }
    }

    pub fn hear(&mut self, now: Ms) -> Word {
        let free_us = match self.limit {
            Limit::None => now * 1_000,
            Limit::Bucket { count, per_ms, burst } => {
                let step = per_ms * 1_000 / count;
                let free = self.full_us - (burst - 1) * step;
                if free <= now * 1_000 {
                    self.full_us = self.full_us.max(now * 1_000) + step;
                }
                free
            }
            Limit::Window { count, per_ms } => {
                let this = now / per_ms;
                if self.window.0 != this {
                    self.window = (this, 0);
                }
                if self.window.1 < count {
                    self.window.1 += 1;
                    now * 1_000
                } else {
                    (this + 1) * per_ms * 1_000
                }
            }
        };
        if free_us <= now * 1_000 {
            return Word::Taken;
        }
        Word::Wait((free_us - now * 1_000 + 999_999) / 1_000_000 * 1_000)
    }
}
