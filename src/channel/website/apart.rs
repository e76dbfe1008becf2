//! Targets have to lie apart: of two that mean the same place, or one inside the other, what one brings there the other would take away.

use std::sync::Arc;

use crate::channel::Target;
use crate::domain::problem::Problem;
use crate::said;
use crate::settings::RawTable;
use crate::text::said::Said;

/// What is wrong with the targets of these channels.
pub fn problems<'a>(channels: impl Iterator<Item = (&'a RawTable, &'a [Arc<dyn Target>])>) -> Vec<Problem> {
    let mut seen: Vec<(&dyn Target, &RawTable)> = Vec::new();
    let mut problems = Vec::new();
    for (own, targets) in channels {
        for target in targets {
            let target = target.as_ref();
            let found = seen.iter().find_map(|(other, of)| Some((overlap(target, *other)?, of)));
            if let (Some((what, other)), Some(node)) = (found, own.entries.get("targets")) {
                problems.push(
                    node.place
                        .problem(&own.field("targets"), told(&what, other, own), what.remedy()),
                );
            }
            seen.push((target, own));
        }
    }
    problems
}

/// How two targets are in each other's way.
enum Overlap {
    /// The same place.
    Same(String),
    /// The first lies in the second.
    Inside(String, String),
}

fn overlap(target: &dyn Target, other: &dyn Target) -> Option<Overlap> {
    let (a, b) = (target.place(), other.place());
    let inside = |inner: &str, outer: &str| {
        let below = inner.strip_prefix(outer.trim_end_matches('/'));
        below.is_some_and(|below| below.starts_with('/'))
    };
    let (here, there) = (target.address(), other.address());
    if a == b {
        Some(Overlap::Same(here))
    } else if inside(&a, &b) {
        Some(Overlap::Inside(here, there))
    } else if inside(&b, &a) {
        Some(Overlap::Inside(there, here))
    } else {
        None
    }
}

fn told(what: &Overlap, first: &RawTable, own: &RawTable) -> Said {
    let field = first.field("targets");
    match what {
        Overlap::Same(address) if first.path == own.path => said!(
            "Das Ziel {address} steht doppelt.",
            "the target {address} is there twice."
        ),
        Overlap::Same(address) => said!(
            "Das Ziel {address} steht auch unter {field}; die eine Website würde die andere überschreiben.",
            "the target {address} is also in {field}; one website would overwrite the other."
        ),
        Overlap::Inside(inner, outer) => {
            let (de, en) = if first.path == own.path {
                (String::new(), String::new())
            } else {
                (
                    format!(" (das andere steht unter {field})"),
                    format!(" (the other is in {field})"),
                )
            };
            said!(
                "Das Ziel {inner} liegt in dem Ordner des Ziels {outer}{de}; was das eine dort ablegt, stünde auch unter der Adresse des anderen.",
                "the target {inner} lies in the folder of the target {outer}{en}; what one puts there would also stand at the address of the other."
            )
        }
    }
}

impl Overlap {
    fn remedy(&self) -> Said {
        match self {
            Self::Same(_) => said!(
                "Bitte nennen Sie jedes Ziel nur einmal; eine zweite Website braucht einen Ordner für sich.",
                "Name each target only once; a second website needs a folder for itself."
            ),
            Self::Inside(..) => said!(
                "Bitte geben Sie jedem Ziel einen Ordner für sich, neben dem anderen: zum Beispiel \"file:public\" und \"file:public-2\".",
                "Give each target a folder for itself, beside the other: for example \"file:public\" and \"file:public-2\"."
            ),
        }
    }
}
