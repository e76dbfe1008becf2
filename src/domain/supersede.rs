//! Which notice takes the place of which (LANES 4), for the store and for the model it is compared with. Pure.

use std::collections::BTreeSet;

use super::delivery::CatchUp;
use super::notice::{Notice, Scope};
use super::words::Kind;

/// A broadcast that waits: what supersession needs of its notice.
#[derive(Debug, Clone, Copy)]
pub struct OlderBroadcast<'a> {
    /// Number of its notice.
    pub number: u32,
    /// Scope of its notice.
    pub scope: &'a Scope,
}

/// True where a newer notice of the same incident ends a waiting broadcast of an older one.
///
/// A notice that names the older one (`replaces`, `takes_back`, `corrects`) always ends it. `latest` and `digest` also end it
/// where the newer one has the same scope or a wider list of places and services. `all` ends only `all`: it never ends a
/// place's notice, nor a place's notice `all`. A retraction ends only what it names: whoever has not got the retracted notice
/// gets nothing of the retraction, so an older notice ended by it would leave them with nothing at all.
pub fn ends(catch_up: CatchUp, older: OlderBroadcast<'_>, newer: &Notice) -> bool {
    if older.number >= newer.number {
        return false;
    }
    if names(newer, older.number) {
        return true;
    }
    match catch_up {
        CatchUp::Every => false,
        CatchUp::Latest | CatchUp::Digest => newer.kind != Kind::Retraction && covers(&newer.scope, older.scope),
    }
}

/// True where a notice names an earlier one as superseded, undone, wrong or retracted.
pub fn names(newer: &Notice, number: u32) -> bool {
    [&newer.replaces, &newer.takes_back, &newer.corrects].into_iter().any(|list| list.contains(&number))
}

/// True where `newer` is the same scope or a wider list of places and services.
pub fn covers(newer: &Scope, older: &Scope) -> bool {
    match (newer, older) {
        (Scope::All, Scope::All) => true,
        (Scope::All, Scope::Named { .. }) | (Scope::Named { .. }, Scope::All) => false,
        (
            Scope::Named { places: wide_places, services: wide_services },
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
