//! What a provider accepted, by its own account: the other side of our board.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::clock::Ms;

/// One message a provider accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// The provider's id.
    pub id: String,
    /// Whom it is for: a number, a path; empty for an account's own post.
    pub to: String,
    /// The text as people see it; entries of one message to many people share it.
    #[serde(serialize_with = "as_text")]
    pub text: Arc<str>,
    /// When it was accepted.
    pub at_ms: Ms,
    /// The post it hangs under.
    pub reply_to: Option<String>,
    /// Its idempotency key or webhook id.
    pub key: Option<String>,
    /// Requests that brought it: 2 and more were recognised as repeats and did nothing.
    pub requests: u32,
    /// Times its text was changed.
    pub edits: u32,
    /// Taken back.
    pub deleted: bool,
    /// SMS parts.
    pub parts: Option<u32>,
    /// `gsm7` or `ucs2`.
    pub encoding: Option<&'static str>,
    /// Delivery reports given so far, `1` for delivered.
    pub reports: Vec<u8>,
    /// No report is under way any more: each was taken, or nobody took it for so long that it was given up.
    pub reported: bool,
    /// What else there is.
    pub more: Value,
}

fn as_text<S: Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(text)
}

impl Entry {
    /// A new message, brought by one request.
    pub(crate) fn new(id: String, to: &str, text: impl Into<Arc<str>>, at_ms: Ms) -> Self {
        Self {
            id,
            to: to.to_owned(),
            text: text.into(),
            at_ms,
            reply_to: None,
            key: None,
            requests: 1,
            edits: 0,
            deleted: false,
            parts: None,
            encoding: None,
            reports: Vec::new(),
            reported: false,
            more: Value::Null,
        }
    }
}

/// A provider's books.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Books {
    /// What was accepted, oldest first.
    pub entries: Vec<Entry>,
    /// Requests refused (too long, wrong password, wrong signature, …).
    pub refused: u64,
}

impl Books {
    /// Nobody has come yet, not even to be refused.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.refused == 0
    }

    /// Messages accepted, without those taken back.
    pub fn accepted(&self) -> usize {
        self.entries.iter().filter(|e| !e.deleted).count()
    }

    /// Messages that somebody got more than once: same receiver, same text, and not recognised as a repeat.
    pub fn doubles(&self) -> usize {
        let mut seen: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        for entry in self.entries.iter().filter(|e| !e.deleted) {
            *seen.entry((&entry.to, &entry.text)).or_default() += 1;
        }
        seen.values().map(|times| times - 1).sum()
    }

    /// Repeats that were recognised and did nothing.
    pub fn repeats(&self) -> u32 {
        self.entries.iter().map(|e| e.requests.saturating_sub(1)).sum()
    }

    /// The entry with this id.
    pub fn entry(&self, id: &str) -> Option<&Entry> {
        self.entries.iter().find(|e| e.id == id)
    }

    pub(super) fn entry_mut(&mut self, id: &str) -> Option<&mut Entry> {
        // What is reported on was taken a moment ago, as a rule.
        self.entries.iter_mut().rev().find(|e| e.id == id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_double_is_the_same_text_for_the_same_receiver() {
        let mut books = Books::default();
        for (id, to, text) in [("1", "a", "x"), ("2", "b", "x"), ("3", "a", "y"), ("4", "a", "x")] {
            books.entries.push(Entry::new(id.into(), to, text, 0));
        }
        assert_eq!((books.accepted(), books.doubles()), (4, 1));
        books.entry_mut("4").unwrap().deleted = true;
        books.entry_mut("1").unwrap().requests = 3;
        assert_eq!((books.accepted(), books.doubles(), books.repeats()), (3, 0, 2));
    }
}
