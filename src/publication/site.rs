//! The site as it follows from the store: read, fold, render, sign. The same builder feeds the server, the targets and `export`.

use std::sync::Arc;

use async_trait::async_trait;

use crate::clock::{Ms, timestamp};
use crate::domain::incident::IncidentView;
use crate::domain::notice::Notice;
use crate::formats::manifest::{MANIFEST, Manifest};
use crate::formats::well_known::{DESCRIPTION, describe};
use crate::formats::{PublisherSite, Site, SiteBuilder, SiteError, render_site};
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
    async fn read(&self, publishers: &[String], now: Ms) -> Result<Vec<PublisherSite>, SiteError> {
        let mut sites = Vec::new();
        for publisher in self.settings.publishers.values() {
            if !publishers.is_empty() && !publishers.contains(&publisher.id) {
                continue;
            }
            let mut incidents = Vec::new();
            for row in self.store.incidents(Some(&publisher.id)).await.map_err(failed)? {
                let notices: Vec<Notice> = self
                    .store
                    .notices(row.id)
                    .await
                    .map_err(failed)?
                    .into_iter()
                    .map(|n| n.notice)
                    .collect();
                let closed = row.closed_at_ms.map(timestamp);
                incidents.extend(IncidentView::fold(publisher, &notices, closed, timestamp(now)));
            }
            sites.push(PublisherSite {
                publisher: publisher.clone(),
                incidents,
            });
        }
        Ok(sites)
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
    let manifest = Manifest::of(&site, mark.instance, mark.generation).signed(signer);
    site.files.insert(MANIFEST.to_owned(), manifest);
    Ok(site)
}

#[async_trait]
impl SiteBuilder for StoreSite {
    async fn build(&self, publishers: &[String], now: Ms) -> Result<Site, SiteError> {
        // Before the notices: a copy is never said to be newer than it is.
        let mark = self.mark().await?;
        let sites = self.read(publishers, now).await?;
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
