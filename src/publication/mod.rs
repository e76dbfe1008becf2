//! Floor 4: the way of a message. A notice file is read, filled in, rendered for every channel and language, and written
//! in one transaction; the commit is the answer. Also the site as it follows from the store.

pub mod audience;
pub mod board;
pub mod redact;
pub mod site;

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use crate::channel::registry::Configured;
use crate::channel::{Built, Channel};
use crate::clock::{Ms, SharedClock};
use crate::domain::delivery::{CatchUp, Operation};
use crate::domain::draft::{self, Context, Draft, KnownIncident, KnownKey, Resolved};
use crate::domain::incident::IncidentView;
use crate::domain::notice::Notice;
use crate::domain::problem::Problem;
use crate::domain::publisher::Publisher;
use crate::domain::words::Kind;
use crate::ids::{BroadcastId, IncidentId, LaneId, NoticeSeq};
use crate::render::{Engine, RenderError};
use crate::settings::Settings;
use crate::store::{Act, LaneRow, NewBroadcast, Publication, Published, Store, StoreError, Variant};
use crate::text::lang::Lang;

/// How often a publication is filled in again when another one came first. Two people at once need one; a script that
/// publishes in a loop a few.
const RESOLVE_TRIES: usize = 8;

/// How long messages wait for the link target at most (LANES 6), ms.
const LINK_WAIT_MS: Ms = 5_000;

/// Settings, templates and channels together: all that turns a notice into broadcasts.
pub struct Office {
    /// The configuration.
    pub settings: Arc<Settings>,
    /// The templates.
    pub engine: Arc<Engine>,
    /// The channels, by name.
    pub channels: Arc<Vec<Configured>>,
    /// The wall clock.
    pub clock: SharedClock,
    /// What this process has registered with the store.
    pub registered: tokio::sync::Mutex<Registered>,
}

/// Lanes and audience files as last registered.
#[derive(Debug, Default)]
pub struct Registered {
    rows: Vec<LaneRow>,
    stamps: HashMap<PathBuf, Option<(SystemTime, u64)>>,
}

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
    /// True where nothing of it can be taken back (SMS).
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

/// What was published.
#[derive(Debug, Clone)]
pub struct Done {
    /// What went out (or would have, where it exists already).
    pub prepared: Prepared,
    /// What the store says.
    pub published: Published,
}

/// A broadcast with its texts as they are to stand.
pub type Rerendered = (BroadcastId, BTreeMap<Lang, Variant>);

impl Office {
    /// The publisher of this id.
    pub fn publisher(&self, id: &str) -> Option<&Publisher> {
        self.settings.publishers.get(id)
    }

    /// Public address of a notice.
    pub fn link(&self, notice: &Notice) -> String {
        format!(
            "{}/{}/{}/{}/",
            self.settings.site_url, notice.publisher, notice.incident, notice.number
        )
    }

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
        let resolved = draft::resolve(&draft, &context).map_err(PublishError::Notice)?;
        let (publisher, view) = self.view_with(&resolved.notice, known, now)?;
        let mut rendered = Vec::new();
        for configured in self.receivers(&resolved.notice, wishes)? {
            rendered.push(self.render(configured, publisher, &view, &resolved.notice)?);
        }
        Ok(Prepared {
            resolved,
            view,
            rendered,
        })
    }

    /// Publishes a draft: fills in against the store as it is, and again where another notice came first.
    pub async fn publish(&self, store: &dyn Store, draft: &Draft, wishes: &Wishes) -> Result<Done, PublishError> {
        if store.identity().await?.moved {
            return Err(StoreError::Refused(
                "this store has moved to another machine (rundruf backup --move): publish there".to_owned(),
            )
            .into());
        }
        let lanes = self.register(store).await?;
        let mut tries = 0;
        loop {
            tries += 1;
            let now = self.clock.now_ms();
            let known = known_incidents(store).await?;
            let prepared = self.prepare(draft, &known, wishes, now)?;
            let publication = self.publication(&prepared, wishes, &lanes, now);
            match store.publish(&publication).await {
                Ok(published) => return Ok(Done { prepared, published }),
                Err(StoreError::Conflict(_)) if tries < RESOLVE_TRIES => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// The lanes' rows: registered with the store once per process, file audiences brought up to date when their file changed.
    /// A publication in a running `serve` pays for neither.
    pub async fn register(&self, store: &dyn Store) -> Result<Vec<LaneRow>, PublishError> {
        let mut known = self.registered.lock().await;
        let now = self.clock.now_ms();
        if known.rows.is_empty() {
            let specs: Vec<_> = self.channels.iter().map(|c| c.spec.clone()).collect();
            known.rows = store.configure(&specs, now).await?;
        }
        for configured in self.channels.iter() {
            let Some(file) = &configured.settings.common.audience else {
                continue;
            };
            let stamp = std::fs::metadata(file).and_then(|m| Ok((m.modified()?, m.len()))).ok();
            if stamp.is_some() && known.stamps.get(file) == Some(&stamp) {
                continue;
            }
            let people = audience::read(file).map_err(PublishError::Audience)?;
            if let Some(row) = known.rows.iter().find(|r| r.name == configured.settings.name) {
                store.sync_audience(row.id, &people, now).await?;
            }
            known.stamps.insert(file.clone(), stamp);
        }
        Ok(known.rows.clone())
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
    fn fold(&self, notice: &Notice, notices: &[Notice], now: Ms) -> Result<(&Publisher, IncidentView), PublishError> {
        let publisher = self
            .publisher(&notice.publisher)
            .ok_or_else(|| StoreError::NotFound(format!("there is no publisher `{}`", notice.publisher)))?;
        let view = IncidentView::fold(publisher, notices, None, crate::clock::timestamp(now))
            .ok_or_else(|| StoreError::NotFound("an incident without a notice".to_owned()))?;
        Ok((publisher, view))
    }

    fn render(
        &self,
        configured: &Configured,
        publisher: &Publisher,
        view: &IncidentView,
        notice: &Notice,
    ) -> Result<Rendered, PublishError> {
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
        rendered.operation = operation(channel.as_ref(), notice.kind);
        rendered.final_once_sent = channel.abilities().correction == Operation::Post && channel.abilities().receipts;
        let languages = if configured.settings.common.languages.is_empty() {
            &publisher.languages
        } else {
            &configured.settings.common.languages
        };
        for lang in languages {
            let message = self.engine.message(publisher, view, notice, *lang, &self.settings.site_url);
            rendered
                .variants
                .insert(*lang, channel.compose(&self.engine, &message, rendered.operation)?);
            if !channel.abilities().audience {
                break; // an account speaks one language: the first
            }
        }
        Ok(rendered)
    }

    /// The key a prepared notice will have.
    fn key(prepared: &Prepared, wishes: &Wishes) -> String {
        let given = wishes.key.clone().or_else(|| prepared.resolved.key.clone());
        given.unwrap_or_else(|| prepared.resolved.content_hash.clone())
    }

    /// True where the store has a notice of this key already: publishing sends nothing new.
    pub fn is_known(prepared: &Prepared, wishes: &Wishes, known: &[KnownIncident]) -> bool {
        let (notice, key) = (&prepared.resolved.notice, Self::key(prepared, wishes));
        known
            .iter()
            .filter(|i| i.publisher == notice.publisher && i.slug == notice.incident)
            .any(|i| i.keys.iter().any(|k| k.key == key))
    }

    /// The texts that a redaction changes, rendered anew: of the notice itself, and of later ones that carry its facts on.
    pub async fn rerender(&self, store: &dyn Store, redacted: &Notice) -> Result<Vec<Rerendered>, PublishError> {
        let incidents = store.incidents(Some(&redacted.publisher)).await?;
        let Some(row) = incidents.iter().find(|i| i.slug == redacted.incident) else { return Ok(Vec::new()) };
        let stored = store.notices(row.id).await?;
        let with = |notice: &Notice| if notice.number == redacted.number { redacted.clone() } else { notice.clone() };
        let mut changed = Vec::new();
        for (at, this) in stored.iter().enumerate().filter(|(_, s)| s.notice.number >= redacted.number) {
            let (now, notice) = (this.notice.published.as_millisecond(), with(&this.notice));
            let before: Vec<Notice> = stored[..=at].iter().map(|s| s.notice.clone()).collect();
            let after: Vec<Notice> = before.iter().map(with).collect();
            let (publisher, old_view) = self.fold(&this.notice, &before, now)?;
            let (_, new_view) = self.fold(&notice, &after, now)?;
            for row in store.broadcasts_of(this.seq).await? {
                let Some(configured) = self.channels.iter().find(|c| c.settings.name == row.channel) else { continue };
                let new = self.render(configured, publisher, &new_view, &notice)?.variants;
                // A text that says the same stays as it went out, whatever the templates say by now.
                if new != self.render(configured, publisher, &old_view, &this.notice)?.variants {
                    changed.push((row.id, new));
                }
            }
        }
        Ok(changed)
    }

    fn publication(&self, prepared: &Prepared, wishes: &Wishes, lanes: &[LaneRow], now: Ms) -> Publication {
        let notice = &prepared.resolved.notice;
        let lane = |name: &str| lanes.iter().find(|l| l.name == name).map(|l| l.id);
        let link = self.link_target(notice).and_then(|name| lane(name));
        let broadcasts = prepared
            .rendered
            .iter()
            .filter_map(|rendered| Some(self.broadcast(rendered, lane(&rendered.channel)?, link, now)))
            .collect();
        let object = format!("{}/{}/{}", notice.publisher, notice.incident, notice.number);
        Publication {
            notice: notice.clone(),
            new_incident_title: prepared.resolved.new_incident.then(|| prepared.view.title.clone()),
            key: Self::key(prepared, wishes),
            content_hash: prepared.resolved.content_hash.clone(),
            after: wishes.after.or(prepared.resolved.after),
            broadcasts,
            act: Act {
                at_ms: now,
                actor: wishes.actor.clone(),
                action: "publish".to_owned(),
                object,
                details: serde_json::json!({ "second_person": false, "override": wishes.override_reason }),
            },
        }
    }

    fn broadcast(&self, rendered: &Rendered, lane: LaneId, link: Option<LaneId>, now: Ms) -> NewBroadcast {
        let configured = self.channels.iter().find(|c| c.settings.name == rendered.channel);
        let common = configured.map(|c| c.settings.common.clone()).unwrap_or_default();
        let channel = configured.and_then(|c| match &c.built {
            Built::Messages(channel) => Some(channel.abilities()),
            Built::Website(_) => None,
        });
        NewBroadcast {
            lane,
            variants: rendered.variants.clone(),
            operation: rendered.operation,
            catch_up: common.catch_up.unwrap_or(CatchUp::Every),
            expires_at_ms: common
                .expires
                .map(|d| now.saturating_add(i64::try_from(d.as_millis()).unwrap_or(i64::MAX))),
            waits_for_link: link
                .filter(|_| channel.is_some_and(|a| a.links))
                .map(|l| (l, now + LINK_WAIT_MS)),
            audience: channel.is_some_and(|a| a.audience),
            levels: channel.is_none(),
        }
    }

    /// The website channel of the notice's publisher that has the link target.
    fn link_target(&self, notice: &Notice) -> Option<&str> {
        self.channels
            .iter()
            .filter(|c| c.settings.publishers.contains(&notice.publisher))
            .find(|c| matches!(&c.built, Built::Website(targets) if targets.iter().any(|t| t.link())))
            .map(|c| c.settings.name.as_str())
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

/// Every incident of the store with its notices, for filling in.
pub async fn known_incidents(store: &dyn Store) -> Result<Vec<KnownIncident>, StoreError> {
    let mut known = Vec::new();
    for row in store.incidents(None).await? {
        let (notices, keys) = store
            .notices(row.id)
            .await?
            .into_iter()
            .map(|n| {
                let key = KnownKey {
                    number: n.notice.number,
                    key: n.key,
                };
                (n.notice, key)
            })
            .unzip();
        known.push(KnownIncident {
            publisher: row.publisher,
            slug: row.slug,
            closed: row.closed_at_ms.is_some(),
            exercise: row.exercise,
            notices,
            keys,
        });
    }
    Ok(known)
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
