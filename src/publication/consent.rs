//! Leaving a channel's audience by the link in a mail. Whoever has the token got it in a mail: nobody logs in, and nobody else can guess it.

use std::sync::Arc;

use crate::domain::publisher::Publisher;
use crate::formats::{SiteFile, UnsubscribePage, unsubscribe_page};
use crate::ids::RecipientId;
use crate::publication::Office;
use crate::render::RenderError;
use crate::secret::{KeyFile, unsubscribe_number};
use crate::store::{Act, Recipient, Store, StoreError, SuppressedBecause, Suppression};
use crate::text::lang::Lang;

/// Where people leave.
pub struct UnsubscribeDesk {
    /// Settings, templates, clock.
    pub office: Arc<Office>,
    /// Who is who, and who has left.
    pub store: Arc<dyn Store>,
    /// Made the tokens.
    pub key: KeyFile,
}

/// Why there is no page; the reader is told that we are in trouble, nothing more.
#[derive(Debug, thiserror::Error)]
pub enum DeskError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The key file.
    #[error("the key file cannot be read: {0}")]
    Key(#[from] std::io::Error),
    /// The template.
    #[error(transparent)]
    Render(#[from] RenderError),
}

impl UnsubscribeDesk {
    /// The page behind a token; with `leave` its owner leaves first. `None`: there is no such publisher, or not in this language.
    pub async fn page(
        &self,
        publisher: &str,
        lang: Option<Lang>,
        token: &str,
        leave: bool,
    ) -> Result<Option<(UnsubscribePage, SiteFile)>, DeskError> {
        let Some(publisher) = self.office.publisher(publisher) else {
            return Ok(None);
        };
        let first = publisher.first_language();
        // As for every page: the first language has no prefix.
        if lang.is_some_and(|lang| lang == first || !publisher.languages.contains(&lang)) {
            return Ok(None);
        }
        let what = match self.owner(publisher, token).await? {
            None => UnsubscribePage::Unknown,
            // Also where the channel writes to them no more for another reason: that may end, theirs is kept.
            Some(owner) if leave => {
                self.leave(owner).await?;
                UnsubscribePage::Done
            }
            Some(owner) if owner.suppressed == Some(SuppressedBecause::Unsubscribed) => UnsubscribePage::Done,
            Some(_) => UnsubscribePage::Ask,
        };
        let (engine, site) = (&self.office.engine, &self.office.settings.site_url);
        let page = unsubscribe_page(engine, site, publisher, lang.unwrap_or(first), what)?;
        Ok(Some((what, page)))
    }

    /// Whom a token was written to.
    async fn owner(&self, publisher: &Publisher, token: &str) -> Result<Option<Recipient>, DeskError> {
        let Some(number) = unsubscribe_number(token) else {
            return Ok(None);
        };
        let Some(recipient) = self.store.recipient(RecipientId(number)).await? else {
            return Ok(None);
        };
        let theirs = self.key.key()?.is_unsubscribe_token(number, &recipient.address, token);
        let channel = self
            .office
            .channels
            .iter()
            .find(|c| c.settings.name == recipient.channel);
        let speaks = channel.is_none_or(|c| c.settings.publishers.contains(&publisher.id));
        Ok((theirs && speaks).then_some(recipient))
    }

    async fn leave(&self, owner: Recipient) -> Result<(), StoreError> {
        let act = Act {
            at_ms: self.office.clock.now_ms(),
            actor: "recipient".to_owned(),
            action: "unsubscribe".to_owned(),
            object: format!("channel {}", owner.channel),
            details: serde_json::json!({ "recipient": owner.id }),
        };
        let suppression = Suppression {
            lane: owner.lane,
            address: owner.canonical,
            because: SuppressedBecause::Unsubscribed,
        };
        self.store.suppress(&suppression, &act).await.map(drop)
    }
}
