//! What to do when a request left and nobody knows what became of it (LANES 3, "Unknown").

use crate::clock::Ms;
use crate::domain::delivery::UnknownPolicy;
use crate::lane_core::event::Rules;

/// The way on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WayOn {
    /// Again by its handle, or because the channel's policy says a double does little harm.
    Repeat,
    /// Stands as unknown, and is looked for.
    LookUp,
    /// Stands as unknown until a receipt or a person ends it.
    Stand,
    /// Ends as dropped.
    Drop,
}

/// True where a request started at `at` would still be recognised by the service as the same one. Counted from the first
/// start, which is before the service first saw it, and with twice the request's own time taken off (a request may arrive
/// after the lane stopped waiting for it): never too long.
pub fn handle_in_force(rules: &Rules, first_started_ms: Ms, at: Ms) -> bool {
    rules
        .handle_for_ms
        .filter(|term| *term == Ms::MAX || first_started_ms > rules.handles_from_ms)
        .is_some_and(|term| at.saturating_add(2 * rules.timeout_ms) < first_started_ms.saturating_add(term))
}

/// What follows from an unknown outcome whose next attempt would start at `next`.
pub fn way_on(rules: &Rules, first_started_ms: Ms, next: Ms) -> WayOn {
    if handle_in_force(rules, first_started_ms, next) {
        WayOn::Repeat
    } else if rules.looks_up {
        WayOn::LookUp
    } else {
        by_policy(rules)
    }
}

/// What follows where neither handle nor look-up helps.
pub fn by_policy(rules: &Rules) -> WayOn {
    match rules.unknown {
        UnknownPolicy::Repeat => WayOn::Repeat,
        UnknownPolicy::Ask => WayOn::Stand,
        UnknownPolicy::Drop => WayOn::Drop,
    }
}

/// True where a claimed row must not be sent: an earlier attempt may have got through, and its handle ran out while the
/// row waited (held for hours, say).
pub fn too_late_to_repeat(rules: &Rules, after_unknown: bool, first_started_ms: Ms, now: Ms) -> bool {
    // A row that was looked for in vain and goes again by policy does not come as one that may have got through.
    let asks_nobody = rules.unknown == UnknownPolicy::Repeat && !rules.looks_up;
    after_unknown && !asks_nobody && !handle_in_force(rules, first_started_ms, now)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(handle_for_ms: Option<Ms>, looks_up: bool, unknown: UnknownPolicy) -> Rules {
        Rules {
            handle_for_ms,
            handles_from_ms: Ms::MIN,
            looks_up,
            unknown,
            concurrency: 1,
            timeout_ms: 10,
            one_counterpart: true,
            rate: None,
            ramp: None,
        }
    }

    #[test]
    fn handle_then_look_up_then_policy() {
        use UnknownPolicy::{Ask, Drop, Repeat};
        let cases = [
            (Some(100), true, Ask, 79, WayOn::Repeat),
            (Some(100), true, Ask, 80, WayOn::LookUp),
            (Some(100), false, Ask, 80, WayOn::Stand),
            (Some(Ms::MAX), false, Ask, Ms::MAX / 2, WayOn::Repeat),
            (None, true, Repeat, 0, WayOn::LookUp),
            (None, false, Repeat, 0, WayOn::Repeat),
            (None, false, Ask, 0, WayOn::Stand),
            (None, false, Drop, 0, WayOn::Drop),
        ];
        for (handle, looks_up, policy, next, want) in cases {
            let rules = rules(handle, looks_up, policy);
            assert_eq!(way_on(&rules, 0, next), want, "{rules:?} at {next}");
        }
    }

    #[test]
    fn after_a_clock_set_back_at_rest_only_endless_handles_hold() {
        let mut rules = rules(Some(100), false, UnknownPolicy::Ask);
        rules.handles_from_ms = 50;
        assert!(!handle_in_force(&rules, 50, 60));
        assert!(handle_in_force(&rules, 51, 60));
        rules.handle_for_ms = Some(Ms::MAX);
        assert!(handle_in_force(&rules, 49, 60));
    }

    #[test]
    fn a_row_that_waited_too_long_is_not_repeated() {
        let mut rules = rules(Some(100), true, UnknownPolicy::Ask);
        assert!(
            !too_late_to_repeat(&rules, false, 0, 5_000),
            "nothing got through before"
        );
        assert!(!too_late_to_repeat(&rules, true, 0, 50));
        assert!(too_late_to_repeat(&rules, true, 0, 5_000));
        rules.unknown = UnknownPolicy::Repeat;
        assert!(too_late_to_repeat(&rules, true, 0, 5_000), "it can be looked for first");
        rules.looks_up = false;
        assert!(!too_late_to_repeat(&rules, true, 0, 5_000));
    }
}
