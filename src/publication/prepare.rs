//! From a draft to the texts of every channel. Changes nothing; what is known of the store comes in.

use std::collections::BTreeMap;

use super::digest::covered;
use super::redact::Mark;
use super::{Office, Prepared, PublishError, Rendered, Wishes};
use crate::channel::registry::Configured;
use crate::channel::{Built, Channel};
use crate::clock::Ms;
use crate::domain::delivery::Operation;
use crate::domain::digest::apart;
use crate::domain::draft::{self, Context, Draft, KnownIncident};
use crate::domain::incident::IncidentView;
use crate::domain::notice::{Notice, Scope};
use crate::domain::publisher::Publisher;
use crate::domain::words::Kind;
use crate::formats::in_short;
use crate::ids::BroadcastId;
use crate::render::earlier::Earlier;
use crate::render::message::Message;
use crate::said;
use crate::store::{BroadcastRow, FrozenTexts, Missing, Store, StoreError, Variant};
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
    /// Fills a draft in and renders it for every channel. Changes nothing, asks no network.
    pub fn prepare(
        &self,
        draft: &Draft,
        known: &[KnownIncident],
        wishes: &Wishes,
        now: Ms,
    ) -> Result<Prepared, PublishError> {
        let publishers: Vec<Publisher> = self.settings.publishers.values().cloned().collect();
        let mut draft = draft.clone();
        draft.key = wishes.key.clone().or(draft.key);
        draft.after = wishes.after.or(draft.after);
        let context = Context {
            publishers: &publishers,
            incidents: known,
            now: crate::clock::timestamp(now),
        };
        let mut resolved = draft::resolve(&draft, &context).map_err(PublishError::Notice)?;
        let (publisher, view) = self.view_with(&resolved.notice, known, now)?;
        let mut messages = self.messages(publisher, &view, &resolved.notice);
        let mut rendered = Vec::new();
        for configured in self.receivers(&resolved.notice, wishes)? {
            rendered.push(self.render(configured, &mut messages)?);
        }
        if rendered.is_empty() {
            resolved.warnings.push(nobody(&resolved.notice));
        }
        Ok(Prepared {
            resolved,
            view,
            rendered,
        })
    }

    /// The channels that bring a notice out: of its publisher, exercises only where wanted, never a failover target.
    fn receivers(&self, notice: &Notice, wishes: &Wishes) -> Result<Vec<&Configured>, PublishError> {
        for name in &wishes.channels {
            if !self.channels.iter().any(|c| c.settings.name == *name) {
                let known = self
                    .channels
                    .iter()
                    .map(|c| c.settings.name.as_str())
                    .collect::<Vec<_>>()
                    .join(", ");
                return Err(PublishError::NoChannel {
                    name: name.clone(),
                    known,
                });
            }
        }
        let reserves: Vec<&str> = self
            .channels
            .iter()
            .filter_map(|c| c.settings.common.failover.as_deref())
            .collect();
        Ok(self
            .channels
            .iter()
            .filter(|c| c.settings.publishers.contains(&notice.publisher))
            .filter(|c| !notice.exercise || c.settings.common.exercises)
            .filter(|c| !reserves.contains(&c.settings.name.as_str()))
            .filter(|c| wishes.channels.is_empty() || wishes.channels.contains(&c.settings.name))
            .collect())
    }

    fn view_with<'a>(
        &'a self,
        notice: &Notice,
        known: &[KnownIncident],
        now: Ms,
    ) -> Result<(&'a Publisher, IncidentView), PublishError> {
        let mut notices = known
            .iter()
            .find(|i| i.publisher == notice.publisher && i.slug == notice.incident)
            .map(|i| i.notices.clone())
            .unwrap_or_default();
        notices.push(notice.clone());
        self.fold(notice, &notices, now)
    }

    /// The incident as it stands with these notices, the given one being the newest.
    pub(super) fn fold(
        &self,
        notice: &Notice,
        notices: &[Notice],
        now: Ms,
    ) -> Result<(&Publisher, IncidentView), PublishError> {
        let publisher = self
            .publisher(&notice.publisher)
            .ok_or_else(|| StoreError::NotFound(Missing::Publisher(notice.publisher.clone())))?;
        let view = IncidentView::fold(publisher, notices, None, crate::clock::timestamp(now))
            .ok_or_else(|| StoreError::Database("an incident without a notice".to_owned()))?;
        Ok((publisher, view))
    }

    pub(super) fn messages<'a>(
        &'a self,
        publisher: &'a Publisher,
        view: &'a IncidentView,
        notice: &'a Notice,
    ) -> Messages<'a> {
        Messages {
            office: self,
            publisher,
            view,
            notice,
            by_language: BTreeMap::new(),
        }
    }

    fn render(&self, configured: &Configured, messages: &mut Messages<'_>) -> Result<Rendered, PublishError> {
        let mut rendered = Rendered {
            channel: configured.settings.name.clone(),
            kind: configured.settings.kind.clone(),
            operation: Operation::Post,
            variants: BTreeMap::new(),
            final_once_sent: false,
        };
        let Built::Messages(channel) = &configured.built else {
            return Ok(rendered);
        };
        rendered.operation = operation(channel.as_ref(), messages.notice.kind);
        let can = channel.abilities();
        rendered.final_once_sent = can.correction == Operation::Post && can.audience && !channel.many_counterparts();
        let publisher = messages.publisher;
        let languages = if configured.settings.common.languages.is_empty() {
            &publisher.languages
        } else {
            &configured.settings.common.languages
        };
        for lang in languages {
            let variant = channel
                .compose(&self.engine, messages.of(*lang), rendered.operation)
                .map_err(|error| PublishError::composing(&rendered.channel, error))?;
            rendered.variants.insert(*lang, variant);
            if !can.audience {
                break; // an account speaks one language: the first
            }
        }
        Ok(rendered)
    }

    /// The texts of a broadcast, of a cut with its digests.
    fn whole(
        &self,
        configured: &Configured,
        messages: &mut Messages<'_>,
        earlier: &[Notice],
    ) -> Result<FrozenTexts, PublishError> {
        let own = self.render(configured, messages)?.variants;
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
                let earlier = covered(&stored, &row.covers);
                let new = self.whole(
                    configured,
                    &mut new,
                    &earlier.iter().copied().map(with).collect::<Vec<_>>(),
                )?;
                // A text that says the same stays as it went out, whatever the templates say by now.
                let earlier: Vec<Notice> = earlier.into_iter().cloned().collect();
                if new != self.whole(configured, &mut old, &earlier)? {
                    changed.texts.push((row.id, new));
                }
            }
        }
        Ok(changed)
    }
}

impl Office {
    /// Texts of channels that were not configured when words were taken out, and are again: without these words, before anything of them goes.
    pub(super) async fn render_again(&self, store: &dyn Store) -> Result<(), StoreError> {
        let mut texts = Vec::new();
        for row in store.unrendered().await? {
            match self.as_of_now(store, &row).await {
                Ok(rendered) => texts.extend(rendered.map(|rendered| (row.id, rendered))),
                Err(error) => {
                    let channel = &row.channel;
                    tracing::error!(channel, %error, "a text with words that were taken out cannot be written again; rundruf channel hold {channel}");
                }
            }
        }
        match texts.is_empty() {
            true => Ok(()),
            false => store.rendered(&texts, &self.looking_up()).await,
        }
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
        self.whole(configured, &mut messages, &earlier).map(Some)
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

/// What a notice says, in every language that some channel asks for: once, however many channels there are.
pub(super) struct Messages<'a> {
    office: &'a Office,
    publisher: &'a Publisher,
    view: &'a IncidentView,
    notice: &'a Notice,
    by_language: BTreeMap<Lang, Message>,
}

impl Messages<'_> {
    /// The words of earlier notices of the incident, newest first.
    pub(super) fn earlier(&self, notices: &[&Notice], lang: Lang) -> Vec<Earlier> {
        let (engine, site) = (&self.office.engine, &self.office.settings.site_url);
        let scopes: Vec<&Scope> = notices.iter().map(|notice| &notice.scope).collect();
        let apart = apart(&self.notice.scope, &scopes);
        let said = notices.iter().zip(apart).map(|(notice, apart)| {
            let message = engine.message(self.publisher, self.view, notice, lang, site);
            Earlier::of(engine.words(lang), message, notice, apart)
        });
        said.collect()
    }

    pub(super) fn of(&mut self, lang: Lang) -> &Message {
        self.by_language.entry(lang).or_insert_with(|| {
            let (engine, site) = (&self.office.engine, &self.office.settings.site_url);
            Message {
                in_short: in_short(engine, self.publisher, self.view, lang),
                ..engine.message(self.publisher, self.view, self.notice, lang, site)
            }
        })
    }
}

/// No channel brings the notice out: who believes to have informed everybody has to hear that.
fn nobody(notice: &Notice) -> Said {
    let publisher = &notice.publisher;
    if notice.exercise {
        said!(
            "Kein Kanal bekommt diese Meldung: Übungen gehen nur an Kanäle mit exercises = true.",
            "No channel gets this notice: exercises go only to channels with exercises = true."
        )
    } else {
        said!(
            "Kein Kanal bekommt diese Meldung: Für {publisher} ist keiner dafür eingerichtet ([channel.…]).",
            "No channel gets this notice: none is configured for it and for {publisher} ([channel.…])."
        )
    }
}

/// What a notice of this kind does to the post it corrects.
fn operation(channel: &dyn Channel, kind: Kind) -> Operation {
    match kind {
        Kind::Notice => Operation::Post,
        Kind::Correction => channel.abilities().correction,
        Kind::Retraction => channel.abilities().retraction,
    }
}
