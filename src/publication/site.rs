//! The site as it follows from the store: read, fold, render, sign. The same builder feeds the server, the targets and `export`.

use std::sync::Arc;

use async_trait::async_trait;

use crate::clock::{Ms, timestamp};
use crate::domain::incident::IncidentView;
use crate::domain::notice::Notice;
use crate::formats::manifest::{MANIFEST, Manifest};
use crate::formats::well_known::{DESCRIPTION, describe};
use crate::formats::{PublisherSite, Site, SiteBuilder, SiteError, SiteOf, render_site};
use crate::render::Engine;
use crate::secret::KeyFile;
use crate::secret::signing::Signer;
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
    /// Signs it.
    pub key: KeyFile,
}

/// Which state of the store a site shows.
#[derive(Debug, Clone, Copy, Default)]
pub struct Mark {
    /// The store's instance number.
    pub instance: i64,
    /// The newest generation wanted anywhere; 0 without a website channel.
    pub generation: i64,
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

    async fn mark(&self) -> Result<Mark, SiteError> {
        let mut mark = Mark {
            instance: self.store.identity().await.map_err(failed)?.instance,
            generation: 0,
        };
        for lane in self.store.lane_rows().await.map_err(failed)? {
            for target in self.store.targets(lane.id).await.map_err(failed)? {
                mark.generation = mark.generation.max(target.wanted);
            }
        }
        Ok(mark)
    }
}

/// Renders the site and adds what others know it by: who publishes here and with which key, and the signed list of all files.
pub fn signed_site(
    engine: &Engine,
    site_url: &str,
    publishers: &[PublisherSite],
    now: Ms,
    mark: Mark,
    signer: &Signer,
) -> Result<Site, SiteError> {
    let mut site = render_site(engine, site_url, publishers, now).map_err(failed)?;
    let description = describe(site_url, publishers, signer.public());
    site.files.insert(DESCRIPTION.to_owned(), description);
    let manifest = Manifest::of(&site, mark.instance, mark.generation);
    site.files.insert(MANIFEST.to_owned(), manifest.signed(signer));
    site.known = manifest.files;
    Ok(site)
}

#[async_trait]
impl SiteBuilder for StoreSite {
    async fn build(&self, of: SiteOf<'_>, now: Ms) -> Result<Site, SiteError> {
        // Before the notices: a copy is never said to be newer than it is.
        let mark = self.mark().await?;
        let sites = self.read(of, now).await?;
        let signer = self.key.key().map_err(failed)?.signer();
        let (engine, url) = (Arc::clone(&self.engine), self.settings.site_url.clone());
        // Rendering a wall of 70 publishers takes longer than a lane may wait for its thread.
        tokio::task::spawn_blocking(move || signed_site(&engine, &url, &sites, now, mark, &signer))
            .await
            .map_err(failed)?
    }
}

fn failed(error: impl std::fmt::Display) -> SiteError {
    SiteError(error.to_string())
}
