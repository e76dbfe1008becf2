//! What happens in an outage, what is broken in it, and what it comes to.

use rundruf::clock::Ms;
use rundruf::ids::DeliveryId;
use rundruf::lane_core::values::Rate;

use super::service::{Away, Limit};

pub const HOUR_MS: Ms = 3_600_000;
/// The service is away so long.
pub const OUTAGE_MS: Ms = 6 * HOUR_MS;
/// The longest the lane waits for an answer.
pub const TIMEOUT_MS: Ms = 25_000;
/// One commit of the one writer, whatever is in it.
pub const COMMIT_MS: Ms = 2;

/// What a test breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sabotage {
    None,
    /// Two probes at a time.
    Two,
    /// Somebody asks for a try after every failure.
    Restless,
    /// The lane hears half of the time the service named.
    Clamp,
    /// A request to wait costs an attempt.
    Costs,
    /// The lane does not hear that it is to wait.
    Deaf,
    /// All lanes stand behind the requests of the one.
    Behind,
}

/// What happens.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    pub seed: u64,
    /// `None`: the seven alone.
    pub away: Option<Away>,
    pub waiting: usize,
    /// A handle without end, so that a lost answer is repeated; else a person decides.
    pub handle: bool,
    pub concurrency: u32,
    /// As configured.
    pub rate: Option<Rate>,
    pub limit: Limit,
    /// A request takes up to so long.
    pub takes_ms: Ms,
    pub sabotage: Sabotage,
}

/// What it came to.
#[derive(Debug, Default)]
pub struct Sum {
    pub probes: usize,
    pub last_gap_ms: Ms,
    /// Answers of 429: when, from the end of the outage.
    pub waits: Vec<Ms>,
    pub unknown: usize,
    pub first_after_ms: Ms,
    pub all_after_ms: Ms,
    /// From the publication to the answer, of every message of the others: lane, message, ms.
    pub others: Vec<(usize, DeliveryId, Ms)>,
}
