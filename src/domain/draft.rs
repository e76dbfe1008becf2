//! From what a person wrote to a notice with everything filled in: [`read`] (the file, with the places of its faults) and
//! [`resolve`] (what is filled in). This file holds the values that go in and come out.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::notice::{Notice, Scope, Words};
use super::publisher::Publisher;
pub use super::read::time::{GivenNext, GivenTime, GivenUntil, GivenWhen};
pub use super::read::{
    MAX_ADDRESS, MAX_BYTES, MAX_DEPTH, MAX_FACTS, MAX_HEADLINE, MAX_KEY, MAX_LIST, MAX_PHONE, MAX_PROBLEMS,
    MAX_SUMMARY, MAX_TEXT, read,
};
pub use super::resolve::{new_slug, resolve};
use super::schema::Table;
use super::words::{IncidentState, Kind};
use crate::text::lang::Lang;
use crate::text::said::Said;

/// A value and the line of the file it stands in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct At<T> {
    /// The line, from 1.
    pub line: usize,
    /// The value.
    pub value: T,
}

/// A notice as read: fields as given, with their places, nothing filled in. `--key` and `--after` of the command line go
/// into `key` and `after` before [`resolve`].
#[derive(Debug, Clone, Default)]
pub struct Draft {
    /// The file as the person named it.
    pub file: String,
    /// Publisher's id.
    pub publisher: Option<At<String>>,
    /// Incident's id.
    pub incident: Option<At<String>>,
    /// What it is.
    pub kind: Option<At<Kind>>,
    /// State of the incident.
    pub state: Option<At<IncidentState>>,
    /// An exercise.
    pub exercise: Option<At<bool>>,
    /// Title of a new incident.
    pub title: Option<At<String>>,
    /// Another publisher's incident.
    pub parent: Option<At<GivenParent>>,
    /// The words of the first language.
    pub words: Words,
    /// The words of other languages.
    pub texts: BTreeMap<Lang, At<Words>>,
    /// Whom it concerns.
    pub scope: Option<At<Scope>>,
    /// When it happened.
    pub at: Option<At<GivenWhen>>,
    /// Since when.
    pub since: Option<At<GivenWhen>>,
    /// As-of.
    pub as_of: Option<At<GivenTime>>,
    /// Promised next information.
    pub next: Option<At<GivenNext>>,
    /// Numbers of notices superseded.
    pub replaces: Option<At<Vec<u32>>>,
    /// Numbers of notices undone.
    pub takes_back: Option<At<Vec<u32>>>,
    /// Numbers of notices corrected or retracted.
    pub corrects: Option<At<Vec<u32>>>,
    /// Ahead of bulk.
    pub urgent: bool,
    /// With whom it is agreed.
    pub cleared_with: Option<String>,
    /// Idempotency key.
    pub key: Option<String>,
    /// Last notice the author saw.
    pub after: Option<u32>,
    /// Facts, in the order of the file.
    pub facts: Vec<GivenFact>,
}

impl Draft {
    /// The incident the draft says it belongs to.
    pub fn incident_named(&self) -> Option<&str> {
        self.incident.as_ref().map(|given| given.value.as_str())
    }
}

/// `publisher/incident`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenParent {
    /// Publisher's id.
    pub publisher: String,
    /// Incident's id.
    pub incident: String,
}

/// A fact as given: its fields by name.
#[derive(Debug, Clone)]
pub struct GivenFact {
    /// Table.
    pub table: Table,
    /// Id.
    pub id: String,
    /// Line of its first field.
    pub line: usize,
    /// Fields.
    pub fields: BTreeMap<&'static str, At<Given>>,
    /// Words by language.
    pub texts: BTreeMap<Lang, At<BTreeMap<String, String>>>,
}

/// A field's value: what needs the publisher's zone is kept as written.
#[derive(Debug, Clone)]
pub enum Given {
    /// Anything without a time, in the shape of the fact's JSON.
    Plain(serde_json::Value),
    /// A point in time.
    Time(GivenTime),
    /// A time with its precision.
    When(GivenWhen),
    /// An end.
    Until(GivenUntil),
}

/// The idempotency key under which a notice was published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownKey {
    /// Number of the notice.
    pub number: u32,
    /// Its key.
    pub key: String,
}

/// An incident as known to the store, for filling in.
#[derive(Debug, Clone, Default)]
pub struct KnownIncident {
    /// Publisher's id.
    pub publisher: String,
    /// Incident's id.
    pub slug: String,
    /// Closed.
    pub closed: bool,
    /// An exercise.
    pub exercise: bool,
    /// Its notices, oldest first.
    pub notices: Vec<Notice>,
    /// The keys of its notices, so that a file published twice is recognised even after it closed the incident.
    pub keys: Vec<KnownKey>,
}

/// A file that closed its incident is recognised for so long when it is published again.
pub const RECOGNISED: SignedDuration = SignedDuration::from_hours(24);

/// What filling in needs to know.
#[derive(Debug)]
pub struct Context<'a> {
    /// Configured publishers.
    pub publishers: &'a [Publisher],
    /// Incidents of the store, all of them. Notices are needed of the one the draft names; where it names none, of those that
    /// are open or closed within [`RECOGNISED`].
    pub incidents: &'a [KnownIncident],
    /// Now.
    pub now: Timestamp,
}

/// A draft with everything filled in.
#[derive(Debug, Clone, Serialize)]
pub struct Resolved {
    /// The notice, numbered newest + 1.
    pub notice: Notice,
    /// True where it begins an incident.
    pub new_incident: bool,
    /// Number of the notice that was already published under this key. The store has the last word (same content or not);
    /// rules of order (nothing after `closed`) were not applied.
    pub existing: Option<u32>,
    /// `key` of the file.
    pub key: Option<String>,
    /// `after` of the file.
    pub after: Option<u32>,
    /// Hash of the notice as written (LANES 2): order, spacing, comments aside; filled-in fields left out. It is the key
    /// where none is given.
    pub content_hash: String,
    /// What was filled in, in words, for the preview.
    pub filled: Vec<Said>,
    /// What looks wrong or needs clearing, in words.
    pub warnings: Vec<Said>,
}
