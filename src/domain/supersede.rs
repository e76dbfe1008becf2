//! Which notice takes the place of which (LANES 4), for the store and for the model it is compared with. Pure.

use std::collections::BTreeSet;

use super::delivery::CatchUp;
use super::notice::{Notice, Scope};
use super::words::Kind;

/// What waits, as far as it matters here.
#[derive(Debug, Clone, Copy)]
pub struct Older<'a> {
    /// Number within the incident.
    pub number: u32,
    /// Kind.
    pub kind: Kind,
    /// Scope.
    pub scope: &'a Scope,
}

/// True where a newer notice of the same incident ends a waiting broadcast of an older one: it names it (`replaces`, `takes_back`, `corrects`),
/// or takes its place (see [`takes_place`]) and the older one puts nothing right that somebody has already.
pub fn ends(catch_up: CatchUp, older: Older<'_>, newer: &Notice) -> bool {
    older.number < newer.number
        && (names(newer, older.number) || (older.kind == Kind::Notice && takes_place(catch_up, older, newer)))
}

/// True where a newer notice has the place of an older one for whoever has got neither: `latest`, the same scope or a wider list of places and
/// services. `all` takes only the place of `all`: never that of a place's notice, nor a place's notice that of `all`. With `digest` the older
/// one is in the cut that is made when the channel can send ([`super::digest`]): until then it waits.
///
/// A correction or retraction takes nothing's place by its scope (LANES 4 tells "a newer notice" from "a correction or retraction"): it puts
/// older words right and is not the newest on anything else. A notice it ended by scope would be lost, to whoever has the old post edited and to
/// whoever gets nothing of a retraction.
pub fn takes_place(catch_up: CatchUp, older: Older<'_>, newer: &Notice) -> bool {
    catch_up == CatchUp::Latest
        && older.number < newer.number
        && newer.kind == Kind::Notice
        && covers(&newer.scope, older.scope)
}

/// The earlier notices that a notice names as superseded, undone, wrong or retracted.
pub fn named(newer: &Notice) -> impl Iterator<Item = u32> + '_ {
    let lists = [&newer.replaces, &newer.takes_back, &newer.corrects];
    lists.into_iter().flatten().copied()
}

/// True where a notice names an earlier one so.
pub fn names(newer: &Notice, number: u32) -> bool {
    named(newer).any(|named| named == number)
}

/// True where `newer` is the same scope or a wider list of places and services.
pub fn covers(newer: &Scope, older: &Scope) -> bool {
    match (newer, older) {
        (Scope::All, Scope::All) => true,
        (Scope::All, Scope::Named { .. }) | (Scope::Named { .. }, Scope::All) => false,
        (
            Scope::Named {
                places: wide_places,
                services: wide_services,
            },
            Scope::Named { places, services },
        ) => {
            // Services alone concern everybody (see `concerns`); a list of places would reach fewer people.
            (wide_places.is_empty() || !places.is_empty())
                && contains(wide_places, places)
                && contains(wide_services, services)
        }
    }
}

/// True where every entry of `few` is in `many`, also where the lists are not sorted.
fn contains(many: &[String], few: &[String]) -> bool {
    let many: BTreeSet<&String> = many.iter().collect();
    few.iter().all(|id| many.contains(id))
}

/// True where a notice of this scope goes to somebody who follows these places. Who follows none gets everything; a scope
/// without places (all, or services alone) concerns everybody.
pub fn concerns(scope: &Scope, recipient_places: &[String]) -> bool {
    match scope {
        Scope::All => true,
        Scope::Named { places, .. } => {
            places.is_empty()
                || recipient_places.is_empty()
                || places.iter().any(|place| recipient_places.contains(place))
        }
    }
}

/// The scope that concerns whoever one of these concerns; `None` of none.
pub fn union<'a>(scopes: impl IntoIterator<Item = &'a Scope>) -> Option<Scope> {
    scopes.into_iter().cloned().reduce(|one, other| match (one, other) {
        (Scope::All, _) | (_, Scope::All) => Scope::All,
        (
            Scope::Named {
                places: some,
                services: mine,
            },
            Scope::Named { places: more, services },
        ) => Scope::Named {
            // No places: everybody (see `concerns`).
            places: if some.is_empty() || more.is_empty() {
                Vec::new()
            } else {
                together(some, more)
            },
            services: together(mine, services),
        },
    })
}

fn together(some: Vec<String>, more: Vec<String>) -> Vec<String> {
    some.into_iter()
        .chain(more)
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::facts::Facts;
    use crate::domain::words::IncidentState;

    fn scope() -> impl Strategy<Value = Scope> {
        let ids = || prop::collection::btree_set("[a-d]", 0..3).prop_map(|set| set.into_iter().collect());
        prop_oneof![
            Just(Scope::All),
            (ids(), ids()).prop_map(|(places, services)| {
                let places: Vec<String> = places;
                let services: Vec<String> = services;
                if places.is_empty() && services.is_empty() {
                    Scope::All
                } else {
                    Scope::Named { places, services }
                }
            }),
        ]
    }

    fn notice(number: u32, scope: Scope) -> Notice {
        Notice {
            publisher: "p".to_owned(),
            incident: "i".to_owned(),
            number,
            kind: Kind::Notice,
            state: IncidentState::Restricted,
            exercise: false,
            title: None,
            parent: None,
            words: std::collections::BTreeMap::new(),
            scope,
            at: None,
            since: None,
            as_of: jiff::Timestamp::UNIX_EPOCH,
            published: jiff::Timestamp::UNIX_EPOCH,
            next: None,
            replaces: Vec::new(),
            takes_back: Vec::new(),
            corrects: Vec::new(),
            urgent: false,
            cleared_with: None,
            facts: Facts::default(),
        }
    }

    fn older(number: u32, scope: &Scope) -> Older<'_> {
        Older {
            number,
            kind: Kind::Notice,
            scope,
        }
    }

    proptest! {
        #[test]
        fn all_ends_only_all(old in scope(), newer in scope()) {
            let ended = ends(CatchUp::Latest, older(1, &old), &notice(2, newer.clone()));
            if (old == Scope::All) != (newer == Scope::All) {
                prop_assert!(!ended);
            }
            prop_assert!(!ends(CatchUp::Digest, older(1, &old), &notice(2, newer)), "it waits for the cut");
        }

        #[test]
        fn every_ends_only_what_is_named(old in scope(), newer in scope(), named in any::<bool>()) {
            let mut newer = notice(5, newer);
            if named {
                newer.takes_back = vec![3];
            }
            prop_assert_eq!(ends(CatchUp::Every, older(3, &old), &newer), named);
        }

        #[test]
        fn an_older_notice_ends_nothing(old in scope(), newer in scope()) {
            let mut newer = notice(2, newer);
            newer.replaces = vec![2, 3];
            for number in [2, 3] {
                let ended = ends(CatchUp::Latest, older(number, &old), &newer);
                prop_assert!(!ended);
            }
        }

        /// Whoever an ended notice concerned gets the one that ended it.
        #[test]
        fn nobody_is_left_with_nothing(older in scope(), newer in scope(), places in prop::collection::vec("[a-e]", 0..3)) {
            if covers(&newer, &older) && concerns(&older, &places) {
                prop_assert!(concerns(&newer, &places));
            }
        }

        #[test]
        fn a_union_concerns_whom_its_parts_concern(a in scope(), b in scope(), places in prop::collection::vec("[a-e]", 0..3)) {
            let both = union([&a, &b]).unwrap();
            prop_assert_eq!(concerns(&both, &places), concerns(&a, &places) || concerns(&b, &places));
            prop_assert_eq!(union([&a]), Some(a));
        }

        #[test]
        fn covering_is_reflexive_and_transitive(a in scope(), b in scope(), c in scope()) {
            prop_assert!(covers(&a, &a));
            if covers(&a, &b) && covers(&b, &c) {
                prop_assert!(covers(&a, &c));
            }
        }
    }

    #[test]
    fn a_correction_or_retraction_ends_only_what_it_names() {
        for kind in [Kind::Correction, Kind::Retraction] {
            let mut newer = notice(4, Scope::All);
            newer.kind = kind;
            newer.corrects = vec![2];
            let ended = |number| ends(CatchUp::Latest, older(number, &Scope::All), &newer);
            assert!(ended(2) && !ended(1) && !ended(3));
        }
    }

    #[test]
    fn a_correction_is_ended_only_by_what_names_it() {
        let correction = Older {
            kind: Kind::Correction,
            ..older(2, &Scope::All)
        };
        let mut newer = notice(3, Scope::All);
        assert!(!ends(CatchUp::Latest, correction, &newer) && takes_place(CatchUp::Latest, correction, &newer));
        newer.replaces = vec![2];
        assert!(ends(CatchUp::Latest, correction, &newer));
    }
}
