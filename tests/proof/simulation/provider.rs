//! The services as they are on bad days, and their own books.

use std::collections::{HashMap, HashSet};

use rundruf::clock::Ms;
use rundruf::ids::DeliveryId;

/// How long after the lane gave up waiting a request may still arrive, ms.
pub const LATEST_ARRIVAL_MS: Ms = 8_000;

/// How a service behaves for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    /// Now and then something goes wrong.
    Fair,
    /// Nothing goes wrong.
    Good,
    /// Refuses connections.
    Down,
    /// Takes requests and does not answer.
    Hangs,
    /// Asks to wait.
    Busy,
}

/// What becomes of a request, decided when it leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Arrives, is done, is answered.
    Done,
    /// Arrives, is done, and is answered with an error 500.
    DoneThen500,
    /// Arrives, is done, the answer is lost.
    AnswerLost,
    /// Arrives after the lane has stopped waiting.
    ArrivesLate,
    /// Is lost on the way.
    RequestLost,
    /// Refused with 503 before anything was done.
    Refused,
    /// No connection.
    NoConnection,
    /// 429 with a time.
    Wait(Ms),
    /// Takes nothing for this recipient for so long.
    Busy(Ms),
    /// Will never be accepted.
    Permanent,
    /// This gateway has no way to the recipient.
    NoWay,
    /// Taken, and rejected by a receipt later; nothing is done. The answer may be lost.
    TakenThenRejected {
        /// The answer comes.
        answered: bool,
    },
    /// This recipient is gone.
    Gone,
    /// Credentials.
    Auth,
}

/// A service.
#[derive(Debug)]
pub struct Provider {
    /// Where nothing special is the matter.
    pub usual: Mood,
    pub mood: Mood,
    /// For how long it knows a request again; `None`: not at all.
    pub knows_for_ms: Option<Ms>,
    /// Says later what became of it.
    pub reports: bool,
    /// Accepted how often, and when first (true time).
    pub books: HashMap<DeliveryId, (u32, Ms)>,
    /// What it does or will do; of that it says no more that it never will.
    pub agreed: HashSet<DeliveryId>,
}

impl Provider {
    /// Draws what becomes of a request.
    pub fn fate(&self, rng: &mut fastrand::Rng) -> Fate {
        if self.reports && self.mood == Mood::Fair && rng.u8(..8) == 0 {
            return Fate::TakenThenRejected { answered: rng.bool() };
        }
        match self.mood {
            Mood::Good => Fate::Done,
            Mood::Down => Fate::NoConnection,
            Mood::Hangs => {
                if rng.bool() {
                    Fate::AnswerLost
                } else {
                    Fate::RequestLost
                }
            }
            Mood::Busy if rng.u8(..4) > 0 => Fate::Wait(rng.i64(1..200_000)),
            Mood::Busy => Fate::Done,
            Mood::Fair => match rng.u8(..100) {
                0..60 => Fate::Done,
                60..64 => Fate::DoneThen500,
                64..68 => Fate::AnswerLost,
                68..71 => Fate::ArrivesLate,
                71..74 => Fate::RequestLost,
                74..82 => Fate::Refused,
                82..88 => Fate::NoConnection,
                88..92 => Fate::Wait(if rng.bool() {
                    rng.i64(1..20_000)
                } else {
                    rng.i64(1..5_000_000)
                }),
                92..94 => Fate::Busy(rng.i64(1..5_000_000)),
                94 => Fate::Permanent,
                95 => Fate::NoWay,
                96..98 => Fate::Gone,
                _ => Fate::Auth,
            },
        }
    }

    /// True where it would notice that it has this one.
    pub fn knows(&self, delivery: DeliveryId, now: Ms) -> bool {
        let seen = self.books.get(&delivery).map(|(_, at)| *at);
        seen.zip(self.knows_for_ms)
            .is_some_and(|(at, term)| now < at.saturating_add(term))
    }

    /// Does it, unless it is known to be done.
    pub fn accept(&mut self, delivery: DeliveryId, now: Ms) {
        if !self.knows(delivery, now) {
            let entry = self.books.entry(delivery).or_insert((0, now));
            entry.0 += 1;
        }
    }

    /// How often it was done.
    pub fn done(&self, delivery: DeliveryId) -> u32 {
        self.books.get(&delivery).map_or(0, |(n, _)| *n)
    }
}
