//! The gate and its epoch (LANES 5): after a hold is acknowledged nothing of an older epoch starts.

use crate::domain::delivery::Gate;

/// The gate as the lane knows it. Held until the first row was read.
#[derive(Debug, Clone, Copy)]
pub struct GateKeeper {
    gate: Gate,
    epoch: i64,
}

/// What a look at the stored row means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GateNews {
    /// Nothing changed.
    Same,
    /// Nothing changed, but the store does not have our acknowledgement.
    Unacknowledged,
    /// A new epoch: claimed, not started rows go back, then it is acknowledged.
    Changed,
}

impl Default for GateKeeper {
    fn default() -> Self {
        Self {
            gate: Gate::Held,
            epoch: i64::MIN,
        }
    }
}

impl GateKeeper {
    /// Takes in the stored row. An older epoch (a late read) changes nothing.
    pub fn read(&mut self, gate: Gate, epoch: i64, acknowledged: i64) -> GateNews {
        if epoch > self.epoch {
            self.gate = gate;
            self.epoch = epoch;
            GateNews::Changed
        } else if epoch == self.epoch && acknowledged < epoch {
            GateNews::Unacknowledged
        } else {
            GateNews::Same
        }
    }

    /// True where requests may start.
    pub fn sends(&self) -> bool {
        self.gate != Gate::Held
    }

    /// The store has held the lane in the same commit; the row with the new epoch comes later.
    pub fn shut(&mut self) {
        self.gate = Gate::Held;
    }

    /// Released with a ramp.
    pub fn drains(&self) -> bool {
        self.gate == Gate::Draining
    }

    /// The gate.
    pub fn gate(&self) -> Gate {
        self.gate
    }

    /// The epoch to claim with.
    pub fn epoch(&self) -> i64 {
        self.epoch
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_read_of_an_older_row_opens_nothing() {
        let mut gate = GateKeeper::default();
        assert!(!gate.sends(), "held before the first row");
        assert_eq!(gate.read(Gate::Open, 4, 4), GateNews::Changed);
        assert!(gate.sends());
        assert_eq!(gate.read(Gate::Held, 5, 4), GateNews::Changed);
        assert_eq!(gate.read(Gate::Open, 4, 4), GateNews::Same);
        assert!(!gate.sends());
        assert_eq!(gate.read(Gate::Held, 5, 4), GateNews::Unacknowledged);
        assert_eq!(gate.read(Gate::Held, 5, 5), GateNews::Same);
    }
}
