//! The texts of a digest: what waits on a lane, the newest notice first, in every language that its broadcast has (LANES 4). Rendered outside
//! of the store and frozen by it, where still the same waits.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;

use super::prepare::Messages;
use super::{Office, PublishError};
use crate::channel::Built;
use crate::channel::Channel;
use crate::channel::registry::Configured;
use crate::clock::Ms;
use crate::domain::delivery::Operation;
use crate::domain::notice::Notice;
use crate::ids::{LaneId, NoticeSeq};
use crate::lane::{Digests, Unwritten};
use crate::render::compose::ComposeError;
use crate::store::{Conflict, DueCut, FrozenCut, Missing, Store, StoreError, StoredNotice, Variant};
use crate::text::lang::Lang;

/// How often a digest is rendered again because something else waits by then.
const TRIES: usize = 8;

/// Digests from the store's notices.
pub struct StoreDigests {
    /// Settings, templates, channels.
    pub office: Arc<Office>,
    /// The store.
    pub store: Arc<dyn Store>,
}

#[async_trait]
impl Digests for StoreDigests {
    async fn cut(&self, lane: LaneId, over: Option<Ms>) -> Result<(), Unwritten> {
        let mut known = false;
        let made = self.make(lane, over, &mut known).await;
        made.map_err(|error| Unwritten {
            why: error.to_string(),
            known,
        })
    }
}

impl StoreDigests {
    /// Makes all that can be made: what cannot be written holds up its own incident only. `known` becomes true where nothing
    /// else stands in the way than is on the board already.
    async fn make(&self, lane: LaneId, over: Option<Ms>, known: &mut bool) -> Result<(), PublishError> {
        for _ in 0..TRIES {
            let (mut again, mut trouble, mut all_known) = (false, None, true);
            for due in self.store.due_cuts(lane, over).await? {
                match self.one(&due).await {
                    Ok(()) => {}
                    // Published, redacted, or cut by another process in between.
                    Err(PublishError::Store(StoreError::Conflict(Conflict::Waiting))) => again = true,
                    Err(error) => {
                        all_known &= match error.unwritten() {
                            Some(why) => !self.store.no_digest(&due, &why).await?,
                            None => false,
                        };
                        trouble = Some(error);
                    }
                }
            }
            match trouble {
                Some(error) => {
                    *known = all_known;
                    return Err(error);
                }
                None if again => {}
                None => return Ok(()),
            }
        }
        Err(StoreError::Conflict(Conflict::Waiting).into())
    }

    async fn one(&self, due: &DueCut) -> Result<(), PublishError> {
        let frozen = self.office.digest(self.store.as_ref(), due).await?;
        Ok(self.store.cut(&frozen, self.office.clock.now_ms()).await?)
    }
}

impl Office {
    /// The digest of a cut that is due, as it would go now. Changes nothing.
    pub async fn digest(&self, store: &dyn Store, due: &DueCut) -> Result<FrozenCut, PublishError> {
        let rows = store.lane_rows().await?;
        let name = rows.iter().find(|row| row.id == due.lane).map(|row| row.name.clone());
        let configured = self.channels.iter().find(|c| Some(&c.settings.name) == name.as_ref());
        let configured = configured.ok_or(StoreError::NotFound(Missing::Lane(due.lane.0)))?;
        let stored = store.notices(due.incident).await?;
        let texts = store.texts(due.broadcast).await?;
        let newest = stored.iter().position(|s| s.seq == due.notice);
        let newest = newest.ok_or(StoreError::NotFound(Missing::Notice(due.notice.0)))?;
        let earlier = covered(&stored, &due.covers);
        let notices: Vec<Notice> = stored[..=newest].iter().map(|s| s.notice.clone()).collect();
        let this = &stored[newest].notice;
        // As the newest notice's own text: of the moment of its publication, whatever has run out since. Its as-of says so.
        let (publisher, view) = self.fold(this, &notices, this.published.as_millisecond())?;
        let mut messages = self.messages(publisher, &view, this);
        Ok(FrozenCut {
            due: due.clone(),
            texts: self.digests(configured, &mut messages, &earlier, texts.own.into_keys())?,
        })
    }

    /// The digest of a message and what is earlier, in these languages.
    pub(super) fn digests(
        &self,
        configured: &Configured,
        messages: &mut Messages<'_>,
        earlier: &[&Notice],
        languages: impl Iterator<Item = Lang>,
    ) -> Result<BTreeMap<Lang, Variant>, PublishError> {
        let Built::Messages(channel) = &configured.built else {
            return Ok(BTreeMap::new());
        };
        let mut digests = BTreeMap::new();
        for lang in languages {
            let mut message = messages.of(lang).clone();
            message.earlier = messages.earlier(earlier, lang);
            let channel: &dyn Channel = channel.as_ref();
            let text = match channel.compose(&self.engine, &message, Operation::Post) {
                // Not even that there is more has room: that stands at the link.
                Err(ComposeError::TooLong { .. }) => channel.compose(&self.engine, messages.of(lang), Operation::Post),
                text => text,
            };
            let name = &configured.settings.name;
            digests.insert(lang, text.map_err(|error| PublishError::composing(name, error))?);
        }
        Ok(digests)
    }
}

/// The notices that a cut sums up beside its own, newest first.
pub(super) fn covered<'a>(stored: &'a [StoredNotice], covers: &[NoticeSeq]) -> Vec<&'a Notice> {
    let covered = stored.iter().rev().filter(|s| covers.contains(&s.seq));
    covered.map(|s| &s.notice).collect()
}
