//! Lists of recipients as they are taken over: page by page, and how one is known again.

use std::collections::HashSet;

use super::Person;
use crate::store::StoreError;

/// A list that is read page by page, so that none is ever in memory as a whole.
pub trait List: Send {
    /// The next of its people, each once, in order; nobody: all were read. [`crate::store::Conflict::List`] where it is another one by now than it
    /// was at its first page.
    fn page(&mut self) -> Result<Vec<Person>, StoreError>;

    /// How it is known again, once all were read; `None`: it came from no file.
    fn mark(&self) -> Option<ListMark>;
}

/// How a list is known again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListMark {
    /// What the file system says of its file; `None`: that may not tell it from a later one.
    pub stamp: Option<String>,
    /// Of its content.
    pub hash: String,
    /// How many follow which places, in words of whoever reads lists; `None`: unknown.
    pub census: Option<String>,
}

/// A list that is there as a whole: of whoever stands in it twice the first counts.
#[derive(Debug)]
pub struct Whole<'a> {
    rest: std::slice::Iter<'a, Person>,
    seen: HashSet<&'a str>,
}

impl<'a> Whole<'a> {
    /// These people.
    pub fn of(people: &'a [Person]) -> Self {
        Self {
            rest: people.iter(),
            seen: HashSet::new(),
        }
    }
}

impl List for Whole<'_> {
    fn page(&mut self) -> Result<Vec<Person>, StoreError> {
        let (rest, seen) = (&mut self.rest, &mut self.seen);
        let new = rest.filter(|person| seen.insert(person.canonical.as_str()));
        Ok(new.take(LIST_PAGE).cloned().collect())
    }

    fn mark(&self) -> Option<ListMark> {
        None
    }
}

/// People of a page: what is written of it is well within 50 ms (LANES 1).
pub const LIST_PAGE: usize = 1_000;

/// Whom a lane's list has and the lane does not write to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// How many, by the places they follow; none: everything.
    pub by_places: Vec<(Vec<String>, u64)>,
    /// Those of the addresses asked about.
    pub named: Vec<String>,
}
