//! From what a person wrote to a notice with everything filled in: `read` (floor of the file) and `resolve` (what is filled in).

use jiff::Timestamp;
use serde::Serialize;

use super::notice::Notice;
use super::problem::Problem;
use super::publisher::Publisher;
use crate::text::said::Said;

/// A notice as read: fields as given, with their places, nothing filled in.
#[derive(Debug, Clone, Default)]
pub struct Draft {}

/// An incident as known to the store, for filling in.
#[derive(Debug, Clone)]
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
}

/// What filling in needs to know.
#[derive(Debug)]
pub struct Context<'a> {
    /// Configured publishers.
    pub publishers: &'a [Publisher],
    /// Incidents of the store (all of them; only open ones are picked by default).
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
    /// `key` of the file.
    pub key: Option<String>,
    /// `after` of the file.
    pub after: Option<u32>,
    /// Hash of the notice as written (LANES 2): order, spacing, comments aside; filled-in fields left out.
    pub content_hash: String,
    /// What was filled in, in words, for the preview.
    pub filled: Vec<Said>,
    /// What looks wrong or needs clearing, in words.
    pub warnings: Vec<Said>,
}

/// Reads a notice file: JSON where the first character is `{`, else TOML. `name` is for error places.
pub fn read(name: &str, bytes: &[u8]) -> Result<Draft, Vec<Problem>> {
    let _ = (name, bytes);
    Ok(Draft::default())
}

/// Fills in and checks a draft against what is known.
pub fn resolve(draft: &Draft, context: &Context<'_>) -> Result<Resolved, Vec<Problem>> {
    let _ = (draft, context);
    Err(Vec::new())
}
