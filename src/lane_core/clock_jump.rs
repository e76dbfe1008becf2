//! The wall clock against the monotonic clock (LANES 8): a jump shifts due times, a leap forward makes expiry wait.

use crate::clock::Ms;

/// A jump of more than this, back or ahead, shifts every stored time: what runs is as long as it was.
pub const JUMP_MS: Ms = 5_000;
/// Forward by more than this makes expiry and erasure wait for a person.
pub const LEAP_MS: Ms = 10 * 60_000;

/// What happened between two looks at both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Jump {
    /// The clocks agree well enough.
    None,
    /// The wall clock went back by so many ms.
    Back(Ms),
    /// It went ahead by so many ms.
    Ahead(Ms),
    /// It leapt forward by so many ms, too many to believe.
    Leap(Ms),
}

/// Compares how far the wall clock went with how far the monotonic clock went, both in ms.
pub fn jump(wall_before: Ms, wall_now: Ms, monotonic_passed: Ms) -> Jump {
    let off = wall_now.saturating_sub(wall_before).saturating_sub(monotonic_passed);
    if off < -JUMP_MS {
        Jump::Back(-off)
    } else if off > LEAP_MS {
        Jump::Leap(off)
    } else if off > JUMP_MS {
        Jump::Ahead(off)
    } else {
        Jump::None
    }
}

/// After a start the monotonic clock says nothing about before: only a wall clock behind the highest time seen counts.
pub fn jump_at_start(highest_seen: Ms, wall_now: Ms) -> Jump {
    if highest_seen.saturating_sub(wall_now) > JUMP_MS {
        Jump::Back(highest_seen - wall_now)
    } else {
        Jump::None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn borders() {
        assert_eq!(jump(1_000_000, 1_001_000, 1_000), Jump::None);
        assert_eq!(jump(1_000_000, 996_000, 1_000), Jump::None, "5 s are corrections");
        assert_eq!(jump(1_000_000, 995_999, 1_000), Jump::Back(5_001));
        assert_eq!(jump(0, 5_000, 0), Jump::None);
        assert_eq!(jump(0, 600_000, 0), Jump::Ahead(600_000));
        assert_eq!(jump(0, 601_000, 0), Jump::Leap(601_000));
        assert_eq!(
            jump(0, 3_600_000, 3_600_000),
            Jump::None,
            "an hour asleep is no leap: the running clock went on"
        );
        assert_eq!(jump_at_start(10_000, 4_000), Jump::Back(6_000));
        assert_eq!(jump_at_start(10_000, 9_000_000), Jump::None);
    }
}
