//! Texts that are written again because words were taken out of a notice.

use std::collections::{BTreeMap, BTreeSet};

use super::digest::covered;
use super::prepare::Messages;
use super::redact::Mark;
use super::{Office, PublishError};
use crate::channel::Built;
use crate::channel::registry::Configured;
use crate::domain::delivery::{Gate, GateCause};
use crate::domain::notice::Notice;
use crate::ids::BroadcastId;
use crate::said;
use crate::store::{Act, BroadcastRow, FrozenTexts, GateChange, LaneRow, Missing, Store, StoreError, Variant};
use crate::text::lang::Lang;
use crate::text::said::Said;

/// What a redaction changes.
#[derive(Debug, Default)]
pub struct Rerendered {
    /// Texts as they are to stand.
    pub texts: Vec<(BroadcastId, FrozenTexts)>,
    /// Of broadcasts whose channel is not configured, so that nobody can render them: the mark alone, in their languages.
    pub unrendered: Vec<(BroadcastId, BTreeMap<Lang, Variant>)>,
}

impl Office {
    /// The texts of a broadcast, of a cut with its digests, in the languages that it was published in, whatever is configured by now.
    fn whole(
        &self,
        configured: &Configured,
        messages: &mut Messages<'_>,
        earlier: &[Notice],
        languages: &[Lang],
    ) -> Result<FrozenTexts, PublishError> {
        let own = self.composed(configured, messages, languages.iter().copied())?;
        let digest = if earlier.is_empty() {
            BTreeMap::new()
        } else {
            let earlier: Vec<&Notice> = earlier.iter().collect();
            self.digests(configured, messages, &earlier, own.keys().copied())?
        };
        Ok(FrozenTexts { own, digest })
    }

    /// The texts that a redaction changes, rendered anew: of the notice itself, and of later ones that carry its facts on.
    pub async fn rerender(
        &self,
        store: &dyn Store,
        redacted: &Notice,
        mark: &Mark,
    ) -> Result<Rerendered, PublishError> {
        let incidents = store.incidents(Some(&redacted.publisher)).await?;
        let Some(row) = incidents.iter().find(|i| i.slug == redacted.incident) else {
            return Ok(Rerendered::default());
        };
        let stored = store.notices(row.id).await?;
        let with = |notice: &Notice| {
            if notice.number == redacted.number {
                redacted.clone()
            } else {
                notice.clone()
            }
        };
        let mut changed = Rerendered::default();
        for (at, this) in stored
            .iter()
            .enumerate()
            .filter(|(_, s)| s.notice.number >= redacted.number)
        {
            let (now, notice) = (this.notice.published.as_millisecond(), with(&this.notice));
            let before: Vec<Notice> = stored[..=at].iter().map(|s| s.notice.clone()).collect();
            let after: Vec<Notice> = before.iter().map(with).collect();
            let (publisher, old_view) = self.fold(&this.notice, &before, now)?;
            let (_, new_view) = self.fold(&notice, &after, now)?;
            let mut old = self.messages(publisher, &old_view, &this.notice);
            let mut new = self.messages(publisher, &new_view, &notice);
            for row in store.broadcasts_of(this.seq).await? {
                let Some(configured) = self.channels.iter().find(|c| c.settings.name == row.channel) else {
                    let own = store.texts(row.id).await?.own;
                    // Whatever of a message its channel would have said.
                    if own.keys().any(|lang| new.of(*lang) != old.of(*lang)) {
                        let marked = own.into_iter().map(|(lang, text)| (lang, mark.instead_of(&text, lang)));
                        changed.unrendered.push((row.id, marked.collect()));
                    }
                    continue;
                };
                let languages: Vec<Lang> = store.texts(row.id).await?.own.into_keys().collect();
                let earlier = covered(&stored, &row.covers);
                let without: Vec<Notice> = earlier.iter().copied().map(with).collect();
                let new = self.whole(configured, &mut new, &without, &languages)?;
                // A text that says the same stays as it went out, whatever the templates say by now.
                let earlier: Vec<Notice> = earlier.into_iter().cloned().collect();
                if new != self.whole(configured, &mut old, &earlier, &languages)? {
                    changed.texts.push((row.id, new));
                }
            }
        }
        Ok(changed)
    }

    /// Texts of channels that were not configured when words were taken out, and are again: without these words, before anything of them goes.
    /// Where that cannot be, the channel is held. True where one was.
    pub(super) async fn render_again(&self, store: &dyn Store, lanes: &[LaneRow]) -> Result<bool, StoreError> {
        let mut texts = Vec::new();
        let mut held = BTreeSet::new();
        for row in store.unrendered().await? {
            match self.as_of_now(store, &row).await {
                Ok(rendered) => texts.extend(rendered.map(|rendered| (row.id, rendered))),
                Err(PublishError::Store(error)) if !matches!(error, StoreError::NotFound(_)) => return Err(error),
                Err(error) => {
                    let channel = &row.channel;
                    tracing::error!(channel, %error, "a text with words that were taken out cannot be written again: the channel is held");
                    let lane = lanes.iter().find(|lane| lane.name == *channel);
                    if let Some(lane) = lane.filter(|lane| lane.gate != Gate::Held && !held.contains(&lane.id)) {
                        self.hold(store, lane, &row, error.unwritten()).await?;
                        held.insert(lane.id);
                    }
                }
            }
        }
        if !texts.is_empty() {
            store.rendered(&texts, &self.looking_up()).await?;
        }
        Ok(!held.is_empty())
    }

    async fn hold(
        &self,
        store: &dyn Store,
        lane: &LaneRow,
        row: &BroadcastRow,
        why: Option<Said>,
    ) -> Result<(), StoreError> {
        let (channel, number) = (&lane.name, row.number);
        let Said { de, en } = why.unwrap_or_else(|| {
            said!(
                "der Herausgeber steht nicht mehr in der Konfiguration",
                "its publisher is not configured any more"
            )
        });
        let change = GateChange {
            lane: lane.id,
            gate: Gate::Held,
            cause: GateCause::Change,
            expected_epoch: None,
            reason: Some(said!(
                "aus Meldung {number}, die hier wartet, wurden Worte entfernt, und ihr Text lässt sich nicht ohne sie schreiben ({de}); bitte das beheben, oder [channel.{channel}] aus der Konfiguration nehmen und dann: rundruf channel drop {channel}",
                "words were taken out of notice {number}, which waits here, and its text cannot be written without them ({en}); please mend that, or take [channel.{channel}] out of the configuration and then: rundruf channel drop {channel}"
            )),
        };
        let act = Act {
            at_ms: self.clock.now_ms(),
            actor: "rundruf".to_owned(),
            action: "hold".to_owned(),
            object: format!("channel {channel}"),
            details: serde_json::Value::Null,
        };
        store.set_gate(&change, &act).await.map(drop)
    }

    /// The texts of a broadcast, from the notices as they are stored by now.
    async fn as_of_now(&self, store: &dyn Store, row: &BroadcastRow) -> Result<Option<FrozenTexts>, PublishError> {
        let Some(configured) = self.channels.iter().find(|c| c.settings.name == row.channel) else {
            return Ok(None);
        };
        let stored = store.notices(row.incident).await?;
        let at = stored.iter().position(|s| s.seq == row.notice);
        let at = at.ok_or(StoreError::NotFound(Missing::Notice(row.notice.0)))?;
        let notices: Vec<Notice> = stored[..=at].iter().map(|s| s.notice.clone()).collect();
        let this = &stored[at].notice;
        let (publisher, view) = self.fold(this, &notices, this.published.as_millisecond())?;
        let mut messages = self.messages(publisher, &view, this);
        let earlier: Vec<Notice> = covered(&stored, &row.covers).into_iter().cloned().collect();
        let languages: Vec<Lang> = store.texts(row.id).await?.own.into_keys().collect();
        self.whole(configured, &mut messages, &earlier, &languages).map(Some)
    }

    /// The channels that find a post of theirs again by its words.
    pub fn looking_up(&self) -> Vec<String> {
        let looks = |c: &&Configured| matches!(&c.built, Built::Messages(channel) if channel.abilities().looks_up);
        self.channels
            .iter()
            .filter(looks)
            .map(|c| c.settings.name.clone())
            .collect()
    }
}
