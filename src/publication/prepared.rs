//! What a publication asks for, what is made of it, and why nothing came of it.

use std::collections::BTreeMap;

use crate::domain::delivery::Operation;
use crate::domain::draft::Resolved;
use crate::domain::incident::IncidentView;
use crate::domain::problem::Problem;
use crate::domain::words::Kind;
use crate::ids::{IncidentId, NoticeSeq};
use crate::render::RenderError;
use crate::render::compose::{ComposeError, unit_in_words};
use crate::said;
use crate::store::{Published, StoreError, Variant};
use crate::text::lang::Lang;
use crate::text::said::Said;

/// Why nothing was published.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The notice is not right.
    #[error("the notice has {} problem(s)", .0.len())]
    Notice(Vec<Problem>),
    /// An audience file is not right.
    #[error("an audience file has {} problem(s)", .0.len())]
    Audience(Vec<Problem>),
    /// A template failed.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// It does not fit a channel, however short it is made.
    #[error("{channel}: even as short as possible it is longer than {limit} {unit}")]
    TooLong {
        /// The channel.
        channel: String,
        /// What it allows.
        limit: usize,
        /// In this unit, as in [`crate::store::Fit`].
        unit: String,
    },
    /// The store refused or failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// `--channel` names none.
    #[error("there is no channel `{name}`; configured are: {known}")]
    NoChannel {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
}

impl PublishError {
    /// Why a text could not be written; `None`: something else is wrong than text, template and channel.
    pub fn unwritten(&self) -> Option<Said> {
        match self {
            Self::Render(error) => Some(said!("Vorlage {error}", "template {error}")),
            Self::TooLong { limit, unit, .. } => {
                let (de, en) = (unit_in_words(unit, true), unit_in_words(unit, false));
                Some(said!(
                    "auch so kurz wie möglich länger als {limit} {de}",
                    "even as short as possible longer than {limit} {en}"
                ))
            }
            Self::Notice(_) | Self::Audience(_) | Self::Store(_) | Self::NoChannel { .. } => None,
        }
    }

    /// Why a channel has no text.
    pub(super) fn composing(channel: &str, error: ComposeError) -> Self {
        match error {
            ComposeError::Template(error) => Self::Render(error),
            ComposeError::TooLong { limit, unit } => Self::TooLong {
                channel: channel.to_owned(),
                limit,
                unit,
            },
        }
    }
}

/// What one publication asks for beside the notice.
#[derive(Debug, Clone, Default)]
pub struct Wishes {
    /// `--key`.
    pub key: Option<String>,
    /// `--after`.
    pub after: Option<u32>,
    /// `--channel`: only these; empty: all that fit.
    pub channels: Vec<String>,
    /// Who acts (`os:anna`).
    pub actor: String,
    /// `--override`: why no second person was asked.
    pub override_reason: Option<String>,
}

/// One channel's texts of a notice, as they will go.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Rendered {
    /// Channel.
    pub channel: String,
    /// Kind.
    pub kind: String,
    /// What it does to an earlier post.
    pub operation: Operation,
    /// Texts by language. Empty for a website.
    pub variants: BTreeMap<Lang, Variant>,
    /// True where nothing of it can be taken back (SMS, e-mail).
    pub final_once_sent: bool,
}

/// A notice ready to be written.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// The notice with all that was filled in and noticed.
    pub resolved: Resolved,
    /// The incident with this notice as its newest.
    pub view: IncidentView,
    /// The channels' texts.
    pub rendered: Vec<Rendered>,
}

/// A channel whose audience file has faults.
#[derive(Debug, Clone)]
pub struct FaultyAudience {
    /// Channel.
    pub channel: String,
    /// What is wrong in its file.
    pub problems: Vec<Problem>,
    /// Recipients it had when its file was last right; they are served.
    pub kept: u64,
}

impl FaultyAudience {
    /// For people: the first fault with its place, and who is served meanwhile.
    pub fn said(&self) -> Said {
        let (channel, kept) = (&self.channel, self.kept);
        let first = |german| self.problems.first().map(|p| p.line_for(german)).unwrap_or_default();
        let (de, en) = (first(true), first(false));
        said!(
            "{channel}: Die Empfängerliste hat Fehler; es gilt der Stand, den sie zuletzt ohne Fehler hatte ({kept} Empfänger). {de}",
            "{channel}: the list of recipients has faults; whoever was in it when it was last right is served ({kept} recipients). {en}"
        )
    }
}

/// A list that was never right reaches nobody, and whoever is added later would not get this notice: better said than sent to no one.
pub(super) fn refuse_empty(faulty: &[FaultyAudience], prepared: &Prepared) -> Result<(), PublishError> {
    let retracts = prepared.resolved.notice.kind == Kind::Retraction;
    let receives = |channel: &str| prepared.rendered.iter().any(|rendered| rendered.channel == channel);
    let empty = faulty.iter().find(|f| f.kept == 0 && !retracts && receives(&f.channel));
    empty.map_or(Ok(()), |found| Err(PublishError::Audience(found.problems.clone())))
}

/// What was published.
#[derive(Debug, Clone)]
pub struct Done {
    /// What went out (or would have, where it exists already).
    pub prepared: Prepared,
    /// What the store says.
    pub published: Published,
    /// Channels that used the audience they had before.
    pub faulty: Vec<FaultyAudience>,
}

impl Done {
    /// The notice's number, row and incident, where it is in the store.
    pub fn place(&self) -> Option<(u32, NoticeSeq, IncidentId)> {
        match self.published {
            Published::New { seq, incident } => Some((self.prepared.resolved.notice.number, seq, incident)),
            Published::Existing { seq, incident, number } => Some((number, seq, incident)),
            Published::KeyTaken { .. } | Published::CameBetween { .. } => None,
        }
    }
}
