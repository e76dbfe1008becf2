//! What one publication writes, and the notices as stored.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Act;
use crate::clock::Ms;
use crate::domain::delivery::{CatchUp, DeliveryState, Operation};
use crate::domain::notice::Notice;
use crate::ids::{BroadcastId, DeliveryId, IncidentId, LaneId, NoticeSeq};
use crate::text::lang::Lang;

/// An incident as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IncidentRow {
    /// Row.
    pub id: IncidentId,
    /// Publisher's id.
    pub publisher: String,
    /// Incident's id as people write it.
    pub slug: String,
    /// Title.
    pub title: Option<String>,
    /// Parent incident (`provider/2023-10-sit`).
    pub parent: Option<String>,
    /// An exercise.
    pub exercise: bool,
    /// When its first notice came.
    pub opened_at_ms: Ms,
    /// When it was closed.
    pub closed_at_ms: Option<Ms>,
    /// Number of the newest notice.
    pub last_number: u32,
}

/// A notice as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StoredNotice {
    /// Place in the order of all notices.
    pub seq: NoticeSeq,
    /// The notice.
    pub notice: Notice,
    /// Who published it (`os:anna`).
    pub actor: String,
    /// Its idempotency key.
    pub key: String,
}

/// All that one publication writes.
#[derive(Debug, Clone)]
pub struct Publication {
    /// The notice; its `number` is the expected one (newest + 1), else [`StoreError::Conflict`].
    pub notice: Notice,
    /// Title of a new incident.
    pub new_incident_title: Option<String>,
    /// Idempotency key.
    pub key: String,
    /// Hash of the content as written (LANES 2): same key with another hash is refused.
    pub content_hash: String,
    /// `after = n`: refused with what came in between where the newest is not n.
    pub after: Option<u32>,
    /// One for each channel.
    pub broadcasts: Vec<NewBroadcast>,
    /// Who.
    pub act: Act,
}

/// A broadcast to be written.
#[derive(Debug, Clone)]
pub struct NewBroadcast {
    /// Its lane.
    pub lane: LaneId,
    /// The frozen texts by language; at least one.
    pub variants: BTreeMap<Lang, Variant>,
    /// What follows from `corrects` for this channel (edit, reply, post).
    pub operation: Operation,
    /// `catch_up` of the channel at this time.
    pub catch_up: CatchUp,
    /// Ends what has not started by then.
    pub expires_at_ms: Option<Ms>,
    /// The link target this broadcast waits for: lane, latest moment to wait until.
    pub waits_for_link: Option<(LaneId, Ms)>,
    /// Reaches an audience (chunks open as the lane can send), not one account.
    pub audience: bool,
    /// A website: one delivery per target, generation raised.
    pub levels: bool,
}

/// A rendered, frozen text for one channel in one language. `payload` is the kind's own; every later release reads `format`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Variant {
    /// Format version of `payload`.
    pub format: u16,
    /// The text as people will read it.
    pub text: String,
    /// Of a correction: the text for whoever has not got what it corrects, as their first message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<String>,
    /// What the kind needs beside the text (subject, JSON body, spoiler, …).
    #[serde(default, skip_serializing_if = "serde_json::Value::is_null")]
    pub payload: serde_json::Value,
    /// How it fits.
    pub fit: Fit,
}

/// The frozen texts of a broadcast, by language.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FrozenTexts {
    /// Its notice's own.
    pub own: BTreeMap<Lang, Variant>,
    /// Of a cut, the digest: for whoever lacks any of what it sums up; all others get the newest notice alone.
    pub digest: BTreeMap<Lang, Variant>,
}

impl FrozenTexts {
    /// Of each language the text that costs more.
    pub fn dearest(mut self) -> BTreeMap<Lang, Variant> {
        for (lang, digest) in self.digest {
            match self.own.get(&lang) {
                Some(own) if own.fit.segments > digest.fit.segments => {}
                _ => drop(self.own.insert(lang, digest)),
            }
        }
        self.own
    }
}

/// What waits of an incident on a lane and has to go out as one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueCut {
    /// The lane.
    pub lane: LaneId,
    /// The incident.
    pub incident: IncidentId,
    /// The broadcast that it is to be.
    pub broadcast: BroadcastId,
    /// Its notice: the newest.
    pub notice: NoticeSeq,
    /// What it sums up beside that, newest first.
    pub covers: Vec<NoticeSeq>,
    /// What was taken out of these notices since they were published, as far as it can be told apart.
    pub redacted: String,
    /// What has run out by then does not wait any more, though nobody has ended it yet. `None`: the clock is in doubt, nothing runs out.
    pub over: Option<Ms>,
}

/// A cut with its texts, frozen now.
#[derive(Debug, Clone)]
pub struct FrozenCut {
    /// What the texts were written from.
    pub due: DueCut,
    /// The digest in every language in which the newest notice's broadcast has a text.
    pub texts: BTreeMap<Lang, Variant>,
}

/// How a text fits its channel; shown in the preview and on the board.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fit {
    /// Length in the channel's unit.
    pub length: usize,
    /// Limit in the same unit; `None`: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// The unit in a word (`septets`, `graphemes`, …).
    pub unit: String,
    /// True where it had to be shortened (at a sentence end, the link kept).
    #[serde(default)]
    pub shortened: bool,
    /// Parts of the message that are too large for the channel and can be read at the link.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
    /// SMS segments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segments: Option<usize>,
    /// `gsm7` or `ucs2`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
    /// Characters that made it costly.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub costly: Vec<char>,
    /// Characters replaced so that it costs less: from, to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub replaced: Vec<(String, String)>,
    /// True where the language was missing and the first language is shown with a sentence saying so.
    #[serde(default)]
    pub language_missing: bool,
}

/// What came of publishing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Published {
    /// Written.
    New {
        /// The notice's row.
        seq: NoticeSeq,
        /// The incident's row.
        incident: IncidentId,
    },
    /// Same key, same content: it is there already.
    Existing {
        /// The notice's row.
        seq: NoticeSeq,
        /// The incident's row.
        incident: IncidentId,
        /// Its number.
        number: u32,
    },
    /// Same key, other content.
    KeyTaken {
        /// Number of the notice that has the key.
        number: u32,
    },
    /// `after` is not the newest: these came in between.
    CameBetween {
        /// Their numbers.
        numbers: Vec<u32>,
    },
}

/// A field to take out of a published notice.
#[derive(Debug, Clone)]
pub struct Redaction {
    /// The notice.
    pub notice: NoticeSeq,
    /// The notice with the field replaced, as it is to be stored from now on.
    pub redacted: Notice,
    /// Salted hash of the old content.
    pub hash: String,
    /// The frozen texts that say it, rendered again.
    pub texts: Vec<(BroadcastId, FrozenTexts)>,
    /// Those that may say it and that nobody can render, because their channel is not configured: what takes their place when it is dropped.
    pub unrendered: Vec<(BroadcastId, BTreeMap<Lang, Variant>)>,
    /// The channels that find a post of theirs again by its words.
    pub looks_up: Vec<String>,
}

/// Where words that were taken out of a notice still are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StillThere {
    /// The channel.
    pub channel: String,
    /// The notice whose text it is.
    pub number: u32,
    /// The message that may have gone out with them, by which its post is found again: until it has settled. `None`: the text of a channel that
    /// is not configured, until it is dropped.
    pub delivery: Option<(DeliveryId, DeliveryState)>,
}
