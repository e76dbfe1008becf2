//! Supersession by scope (LANES 4): which waiting broadcast a newer notice ends, and whom a notice concerns. Pure.

use super::delivery::CatchUp;
use super::notice::{Notice, Scope};

/// True where a newer notice of the same incident ends what still waits of an older one, by the channel's `catch_up`.
pub fn ends(catch_up: CatchUp, older_number: u32, older_scope: &Scope, newer: &Notice) -> bool {
    if older_number >= newer.number {
        return false;
    }
    let named = [&newer.replaces, &newer.takes_back, &newer.corrects]
        .iter()
        .any(|list| list.contains(&older_number));
    named || (catch_up != CatchUp::Every && covers(&newer.scope, older_scope))
}

/// True where `newer` is the same scope or a wider list. `all` covers only `all`, and nothing else covers it.
fn covers(newer: &Scope, older: &Scope) -> bool {
    match (newer, older) {
        (Scope::All, Scope::All) => true,
        (
            Scope::Named { places, services },
            Scope::Named {
                places: old_places,
                services: old_services,
            },
        ) => {
            old_places.iter().all(|p| places.contains(p))
                && old_services.iter().all(|s| services.contains(s))
        }
        _ => false,
    }
}

/// True where a notice of this scope concerns somebody who follows these places (none: everything).
pub fn concerns(scope: &Scope, places: &[String]) -> bool {
    match scope {
        Scope::All => true,
        Scope::Named { places: named, .. } => {
            places.is_empty() || named.is_empty() || named.iter().any(|p| places.contains(p))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(names: &[&str]) -> Scope {
        Scope::Named {
            places: names.iter().map(ToString::to_string).collect(),
            services: Vec::new(),
        }
    }

    #[test]
    fn all_ends_only_all_and_wider_lists_end_narrower_ones() {
        assert!(covers(&Scope::All, &Scope::All));
        assert!(!covers(&Scope::All, &places(&["werl"])));
        assert!(!covers(&places(&["werl"]), &Scope::All));
        assert!(covers(&places(&["soest", "werl"]), &places(&["werl"])));
        assert!(!covers(&places(&["werl"]), &places(&["soest", "werl"])));
    }

    #[test]
    fn who_follows_nothing_in_particular_is_concerned_by_everything() {
        assert!(concerns(&places(&["werl"]), &[]));
        assert!(concerns(&places(&["werl"]), &["werl".to_owned()]));
        assert!(!concerns(&places(&["werl"]), &["soest".to_owned()]));
        assert!(concerns(&Scope::All, &["soest".to_owned()]));
    }
}
