//! `/.well-known/rundruf.json`: who publishes here, where the feeds are, and by which key copies of the site are checked.

use serde_json::json;

use super::links::Links;
use super::manifest::{Jwk, MANIFEST};
use super::{PublisherSite, SiteFile, languages_of};
use crate::render::times::clean;
use crate::secret::signing::PublicKey;

/// Where the file stands (RFC 8615).
pub const DESCRIPTION: &str = ".well-known/rundruf.json";

/// The file for these publishers.
pub fn describe(site_url: &str, publishers: &[PublisherSite], key: PublicKey) -> SiteFile {
    let site_url = site_url.trim_end_matches('/');
    let list: Vec<_> = publishers
        .iter()
        .map(|source| {
            let publisher = &source.publisher;
            let links = Links::of(site_url, publisher, publisher.first_language());
            json!({
                "id": publisher.id,
                "name": clean(&publisher.name),
                "url": links.url(""),
                "languages": languages_of(source).iter().map(ToString::to_string).collect::<Vec<_>>(),
                "feeds": {
                    "rss": links.url("feed.rss"),
                    "atom": links.url("feed.atom"),
                    "json": links.url("feed.json"),
                },
                "state": links.url("state.json"),
            })
        })
        .collect();
    let value = json!({
        "format": 1,
        "url": format!("{site_url}/"),
        "key": Jwk::from(key),
        "manifest": format!("{site_url}/{MANIFEST}"),
        "publishers": list,
    });
    SiteFile {
        bytes: value.to_string().into(),
        media_type: "application/json; charset=utf-8",
    }
}
