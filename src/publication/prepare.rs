//! From a draft to the texts of every channel. Changes nothing; what is known of the store comes in.

use std::collections::BTreeMap;

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
use crate::render::earlier::Earlier;
use crate::render::message::Message;
use crate::said;
use crate::store::{Missing, StoreError, Variant};
use crate::text::lang::Lang;
use crate::text::said::Said;

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
        let languages = if configured.settings.common.languages.is_empty() {
            &messages.publisher.languages
        } else {
            &configured.settings.common.languages
        };
        // An account speaks one language: the first.
        let many = if can.audience { languages.len() } else { 1 };
        rendered.variants = self.composed(configured, messages, languages.iter().copied().take(many))?;
        Ok(rendered)
    }

    /// The texts of a message channel in these languages.
    pub(super) fn composed(
        &self,
        configured: &Configured,
        messages: &mut Messages<'_>,
        languages: impl Iterator<Item = Lang>,
    ) -> Result<BTreeMap<Lang, Variant>, PublishError> {
        let Built::Messages(channel) = &configured.built else {
            return Ok(BTreeMap::new());
        };
        let operation = operation(channel.as_ref(), messages.notice.kind);
        let mut texts = BTreeMap::new();
        for lang in languages {
            let text = channel.compose(&self.engine, messages.of(lang), operation);
            let text = text.map_err(|error| PublishError::composing(&configured.settings.name, error))?;
            texts.insert(lang, text);
        }
        Ok(texts)
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
