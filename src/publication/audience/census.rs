//! How many of a list follow which places: what a notice to them costs, without reading the list.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::concerns;
use crate::domain::notice::Scope;
use crate::store::{LeftOut, Person};

/// More different choices of places than these are not counted in advance.
const CHOICES: usize = 2_000;
/// More addresses that are none than these are not kept.
const FAULTY: usize = 200;

/// The people of a list, counted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Census {
    /// By the places they follow, as written, apart by blanks; none: everything.
    follow: BTreeMap<String, u64>,
    /// Those whose address is none are not among them.
    faulty: Vec<Faulty>,
}

/// Somebody whose address is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Faulty {
    address: String,
    canonical: String,
    places: Vec<String>,
}

impl Census {
    /// With one more; `None`: they are too various.
    pub(super) fn with(mut self, person: &Person, is_address: bool) -> Option<Self> {
        if !is_address {
            self.faulty.push(Faulty {
                address: person.address.clone(),
                canonical: person.canonical.clone(),
                places: person.places.clone(),
            });
            return (self.faulty.len() <= FAULTY).then_some(self);
        }
        let places = person.places.join(" ");
        match self.follow.get_mut(&places) {
            Some(n) => *n += 1,
            None => {
                self.follow.insert(places, 1);
            }
        }
        (self.follow.len() <= CHOICES).then_some(self)
    }

    /// The forms in which the addresses that are none are compared.
    pub fn apart(&self) -> Vec<String> {
        self.faulty.iter().map(|one| one.canonical.clone()).collect()
    }

    /// How many a notice of this scope goes to, without those who are left out; and whose addresses are none.
    pub fn concerned(&self, scope: &Scope, left_out: &LeftOut) -> (u64, Vec<String>) {
        let words = |places: &str| places.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let listed = self.follow.iter().filter(|(places, _)| concerns(&words(places), scope));
        let out = left_out.by_places.iter().filter(|(places, _)| concerns(places, scope));
        let (listed, out): (u64, u64) = (listed.map(|(_, n)| n).sum(), out.map(|(_, n)| n).sum());
        let faulty = self.faulty.iter().filter(|one| concerns(&one.places, scope));
        let faulty = faulty.filter(|one| !left_out.named.contains(&one.canonical));
        (
            listed.saturating_sub(out),
            faulty.map(|one| one.address.clone()).collect(),
        )
    }
}
