//! Floor 4: the way of a message. A notice file is read, filled in, rendered for every channel and language, and written
//! in one transaction; the commit is the answer. Also the site as it follows from the store.

pub mod audience;
pub mod board;
pub mod consent;
pub mod deciding;
pub mod digest;
pub mod form;
pub mod gate;
mod lists;
mod moments;
mod prepare;
mod prepared;
pub mod redact;
pub mod removed;
mod rerender;
mod reserve;
pub mod returns;
pub mod site;
pub mod suppressed;

use std::collections::HashMap;
use std::sync::Arc;

use crate::channel::Built;
use crate::channel::registry::Configured;
use crate::clock::{Ms, SharedClock};
use crate::domain::delivery::CatchUp;
use crate::domain::draft::{self, Draft, KnownIncident, KnownKey};
use crate::domain::notice::Notice;
use crate::domain::publisher::Publisher;
use crate::ids::LaneId;
use crate::render::Engine;
use crate::settings::Settings;
use crate::store::{Act, Compared, LaneRow, NewBroadcast, Publication, Store, StoreError};
use prepared::refuse_empty;

pub use lists::Counted;
pub use prepared::{Done, FaultyAudience, Prepared, PublishError, Rendered, Wishes};
pub use rerender::Rerendered;

/// How often a publication is filled in again when another one came first. Two people at once need one; a script that
/// publishes in a loop a few.
const RESOLVE_TRIES: usize = 8;

/// What was prepared so long ago at most is published as it is; times are shown by the minute.
const FRESH_MS: Ms = 1_000;

/// How long messages wait for the link target at most (LANES 6), ms.
const LINK_WAIT_MS: Ms = 5_000;

/// See [`draft::RECOGNISED`].
const RECOGNISED_MS: Ms = draft::RECOGNISED.as_secs() * 1_000;

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
    /// By channel: several may have one file.
    stamps: HashMap<String, String>,
}

impl Office {
    /// The publisher of this id.
    pub fn publisher(&self, id: &str) -> Option<&Publisher> {
        self.settings.publishers.get(id)
    }

    /// What the channel of this name is built as; `None`: it is not configured.
    pub fn built(&self, channel: &str) -> Option<&Built> {
        let found = self.channels.iter().find(|c| c.settings.name == channel);
        found.map(|configured| &configured.built)
    }

    /// Public address of a notice.
    pub fn link(&self, notice: &Notice) -> String {
        format!(
            "{}/{}/{}/{}/",
            self.settings.site_url, notice.publisher, notice.incident, notice.number
        )
    }

    /// Publishes a draft: fills in against the store as it is, and again where another notice came first. What was `prepared` from it for
    /// these wishes a moment ago is taken first.
    pub async fn publish(
        &self,
        store: &dyn Store,
        draft: &Draft,
        wishes: &Wishes,
        prepared: Option<Prepared>,
    ) -> Result<Done, PublishError> {
        let lanes = self.register(store).await?;
        let faulty = self.sync_audiences(store).await?;
        let age = |prepared: &Prepared| self.clock.now_ms() - prepared.resolved.notice.published.as_millisecond();
        let mut ready = prepared.filter(|prepared| (0..FRESH_MS).contains(&age(prepared)));
        let mut tries = 0;
        loop {
            tries += 1;
            let prepared = match ready.take() {
                Some(ready) => ready,
                None => {
                    let now = self.clock.now_ms();
                    let known = known_incidents(store, draft.incident_named(), now).await?;
                    self.prepare(draft, &known, wishes, now)?
                }
            };
            refuse_empty(&faulty, &prepared)?;
            let publication = self.publication(&prepared, wishes, &lanes);
            match store.publish(&publication).await {
                Ok(published) => {
                    return Ok(Done {
                        prepared,
                        published,
                        faulty,
                    });
                }
                Err(StoreError::Conflict(_)) if tries < RESOLVE_TRIES => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// The lanes' rows, registered with the store once per process.
    pub async fn register(&self, store: &dyn Store) -> Result<Vec<LaneRow>, StoreError> {
        let mut known = self.registered.lock().await;
        if known.rows.is_empty() {
            let specs: Vec<_> = self.channels.iter().map(|c| c.spec.clone()).collect();
            let rows = store.configure(&specs, self.clock.now_ms()).await?;
            self.respell(store, &rows).await?;
            let held = self.render_again(store, &rows).await?;
            known.rows = if held { store.lane_rows().await? } else { rows };
        }
        Ok(known.rows.clone())
    }

    /// Addresses are compared as their channels say.
    async fn respell(&self, store: &dyn Store, rows: &[LaneRow]) -> Result<(), StoreError> {
        let compared: Vec<_> = self
            .channels
            .iter()
            .filter_map(|configured| {
                let row = rows.iter().find(|row| row.name == configured.settings.name)?;
                Some((row.id, |address: &str| configured.built.compared(address)))
            })
            .collect();
        let lanes: Vec<(LaneId, Compared<'_>)> = compared.iter().map(|(id, by)| (*id, by as Compared<'_>)).collect();
        store.respell(&lanes).await
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

    fn publication(&self, prepared: &Prepared, wishes: &Wishes, lanes: &[LaneRow]) -> Publication {
        let notice = &prepared.resolved.notice;
        let now = notice.published.as_millisecond();
        let lane = |name: &str| lanes.iter().find(|l| l.name == name).map(|l| l.id);
        let link = self.link_target(notice).and_then(&lane);
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

/// Every incident of the store, for filling a draft in; with its notices where the draft may belong to it: the incident `named`,
/// else those that are not over for long. What is costs a publication nothing, however many years there are of it.
pub async fn known_incidents(
    store: &dyn Store,
    named: Option<&str>,
    now: Ms,
) -> Result<Vec<KnownIncident>, StoreError> {
    let mut known = Vec::new();
    for (row, stored) in store.known(named, now.saturating_sub(RECOGNISED_MS)).await? {
        let (notices, keys) = stored
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
