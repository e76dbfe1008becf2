//! A notice as published: everything filled in, nothing left to guess. Stored as JSON, immutable but for redaction.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::facts::Facts;
use super::when::{Next, When};
use super::words::{IncidentState, Kind};
use crate::text::lang::Lang;

/// The words of a notice in one language.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Words {
    /// At most 140 characters; empty where another language has to do.
    #[serde(default)]
    pub headline: String,
    /// At most 600 characters; empty where another language has to do.
    #[serde(default)]
    pub summary: String,
    /// Markdown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// For SMS and short posts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub short: Option<String>,
    /// Who checked it; only then "Leichte Sprache" may be said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checked_by: Option<String>,
}

impl Words {
    /// Headline and summary are there. Other languages than the first may have less: what they lack is shown in the first.
    pub fn whole(&self) -> bool {
        !self.headline.is_empty() && !self.summary.is_empty()
    }
}

/// Whom a notice concerns.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// Everybody.
    #[default]
    All,
    /// Named places and services (sorted, without doubles, not both empty).
    Named {
        /// Place ids.
        places: Vec<String>,
        /// Service ids.
        services: Vec<String>,
    },
}

/// A published notice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Publisher's id.
    pub publisher: String,
    /// Incident's id (`2023-01-it`).
    pub incident: String,
    /// Number within the incident, from 1.
    pub number: u32,
    /// What it is.
    pub kind: Kind,
    /// The incident's state with this notice.
    pub state: IncidentState,
    /// An exercise (belongs to the incident; repeated here so that a notice stands alone).
    #[serde(default)]
    pub exercise: bool,
    /// Title of a new incident.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Another publisher's incident (`provider/2023-10-sit`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// Words by language; the publisher's first language is always there.
    pub words: BTreeMap<Lang, Words>,
    /// Whom it concerns.
    #[serde(default)]
    pub scope: Scope,
    /// When it happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<When>,
    /// Since when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<When>,
    /// As-of.
    pub as_of: Timestamp,
    /// Time of publication.
    pub published: Timestamp,
    /// Promised next information.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Next>,
    /// Earlier notices superseded by this one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub replaces: Vec<u32>,
    /// Earlier notices true then, undone now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub takes_back: Vec<u32>,
    /// Earlier notices that were wrong, corrected (or retracted) here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub corrects: Vec<u32>,
    /// Ahead of bulk.
    #[serde(default)]
    pub urgent: bool,
    /// With whom it is agreed; stored, never published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cleared_with: Option<String>,
    /// The facts given by this notice, as patches.
    #[serde(default)]
    pub facts: Facts,
}
