//! Times that single counterparts named (webhooks of an audience, say), in case the stored ones move: whatever the wall clock does, no row
//! starts before its time. Where all messages go to one counterpart, the breaker keeps the lane's.

use std::collections::HashMap;

use crate::clock::Ms;
use crate::ids::DeliveryId;

/// Above so many, what has passed is forgotten.
const MANY: usize = 4_096;

/// Until when, by the monotonic clock.
#[derive(Debug, Default)]
pub struct Told {
    until: HashMap<DeliveryId, Ms>,
    prune_at: usize,
}

impl Told {
    /// A service named a time for this one.
    pub fn wait(&mut self, now: Ms, delivery: DeliveryId, until: Ms) {
        self.until.insert(delivery, until);
        if self.until.len() > self.prune_at.max(MANY) {
            self.until.retain(|_, until| *until > now);
            self.prune_at = 2 * self.until.len();
        }
    }

    /// Until when it has to wait still; otherwise forgets it.
    pub fn still(&mut self, now: Ms, delivery: DeliveryId) -> Option<Ms> {
        if self.until.is_empty() {
            return None;
        }
        let until = self.until.get(&delivery).copied().filter(|until| *until > now);
        if until.is_none() {
            self.until.remove(&delivery);
        }
        until
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_passed_is_forgotten() {
        let mut told = Told::default();
        told.wait(0, DeliveryId(1), 100);
        assert_eq!(told.still(99, DeliveryId(1)), Some(100));
        assert_eq!(told.still(100, DeliveryId(1)), None);
        for n in 0..10_000 {
            told.wait(n, DeliveryId(n), n + 10);
        }
        assert!(told.until.len() <= 2 * MANY);
    }
}
