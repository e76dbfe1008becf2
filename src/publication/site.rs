//! The site as it follows from the store: read, fold, render. The same builder feeds the server, the targets and `export`.

use std::sync::Arc;

use async_trait::async_trait;

use crate::clock::{Ms, timestamp};
use crate::domain::incident::IncidentView;
use crate::domain::notice::Notice;
use crate::formats::{PublisherSite, Site, SiteBuilder, SiteError, SiteOf, render_site};
use crate::render::Engine;
use crate::settings::Settings;
use crate::store::Store;

/// Builds sites from a store.
pub struct StoreSite {
    /// The store.
    pub store: Arc<dyn Store>,
    /// The configuration.
    pub settings: Arc<Settings>,
    /// The templates.
    pub engine: Arc<Engine>,
    /// As the site stood at the moment it is built for: what came later is no part of it. Only for who looks back; a clock
    /// that was set back must not take the newest notice from the readers.
    pub looking_back: bool,
}

impl StoreSite {
    async fn read(&self, of: SiteOf<'_>, now: Ms) -> Result<Vec<PublisherSite>, SiteError> {
        let mut sites = Vec::new();
        for publisher in self.settings.publishers.values() {
            let Some(exercises) = self.shown(of, &publisher.id)? else {
                continue;
            };
            let mut incidents = Vec::new();
            for row in self.store.incidents(Some(&publisher.id)).await.map_err(failed)? {
                if row.exercise && !exercises {
                    continue;
                }
                // What was written about a moment counts from that moment, also where it was published later.
                let there = |n: &Notice| !self.looking_back || n.published.min(n.as_of) <= timestamp(now);
                let stored = self.store.notices(row.id).await.map_err(failed)?;
                let notices: Vec<Notice> = stored.into_iter().map(|n| n.notice).filter(there).collect();
                let closed = row
                    .closed_at_ms
                    .filter(|at| !self.looking_back || *at <= now)
                    .map(timestamp);
                incidents.extend(IncidentView::fold(publisher, &notices, closed, timestamp(now)));
            }
            sites.push(PublisherSite {
                publisher: publisher.clone(),
                incidents,
                parent: self.settings.parent_name(publisher),
            });
        }
        Ok(sites)
    }

    /// Whether a publisher stands on this site: with its exercises, without them, or not at all.
    fn shown(&self, of: SiteOf<'_>, publisher: &String) -> Result<Option<bool>, SiteError> {
        let SiteOf::Channel(name) = of else {
            return Ok(Some(self.settings.shows_exercises(publisher)));
        };
        let channel = self.settings.channels.get(name);
        let channel = channel.ok_or_else(|| SiteError(format!("there is no channel {name}")))?;
        Ok(channel
            .publishers
            .contains(publisher)
            .then_some(channel.common.exercises))
    }
}

#[async_trait]
impl SiteBuilder for StoreSite {
    async fn build(&self, of: SiteOf<'_>, now: Ms) -> Result<Site, SiteError> {
        let sites = self.read(of, now).await?;
        let (engine, url) = (Arc::clone(&self.engine), self.settings.site_url.clone());
        // Rendering a wall of 70 publishers takes longer than a lane may wait for its thread.
        tokio::task::spawn_blocking(move || render_site(&engine, &url, &sites, now))
            .await
            .map_err(failed)?
            .map_err(failed)
    }
}

fn failed(error: impl std::fmt::Display) -> SiteError {
    SiteError(error.to_string())
}
