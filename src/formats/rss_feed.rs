//! RSS 2.0 with the crate `rss`. Readers show new ids only, so an entry's id is that of the notice and a correction is an entry
//! of its own.

use std::collections::BTreeMap;

use rss::extension::{Extension, ExtensionMap};
use rss::{Category, Channel, Guid, Item};

use super::SiteFile;
use super::feeds::Feed;
use super::frame::Desk;
use crate::render::RenderError;
use crate::text::dates;

/// Minutes for which a reader may keep the feed.
const TTL_MINUTES: &str = "5";

/// The file.
pub fn write(feed: &Feed, desk: &Desk<'_>) -> Result<SiteFile, RenderError> {
    let items = feed.entries.iter().map(|entry| Item {
        title: Some(entry.title.clone()),
        link: Some(entry.url.clone()),
        description: Some(entry.html.clone()),
        guid: Some(Guid {
            value: entry.id.clone(),
            permalink: false,
        }),
        pub_date: Some(dates::rfc2822(&desk.voice.local(entry.published))),
        categories: entry
            .places
            .iter()
            .map(|name| Category {
                name: name.clone(),
                domain: None,
            })
            .collect(),
        ..Item::default()
    });
    let channel = Channel {
        title: feed.title.clone(),
        link: feed.page.clone(),
        description: feed.about.clone(),
        language: Some(feed.lang.to_owned()),
        last_build_date: Some(dates::rfc2822(&desk.voice.local(feed.updated))),
        ttl: Some(TTL_MINUTES.to_owned()),
        namespaces: BTreeMap::from([("atom".to_owned(), "http://www.w3.org/2005/Atom".to_owned())]),
        extensions: own_address(&format!("{}feed.rss", feed.folder)),
        items: items.collect(),
        ..Channel::default()
    };
    let mut bytes = Vec::new();
    channel
        .pretty_write_to(&mut bytes, b' ', 1)
        .map_err(|fault| RenderError {
            template: "feed.rss".to_owned(),
            message: fault.to_string(),
        })?;
    Ok(SiteFile {
        bytes: bytes.into(),
        media_type: "application/rss+xml; charset=utf-8",
    })
}

/// `<atom:link rel="self">`.
fn own_address(url: &str) -> ExtensionMap {
    let mut link = Extension {
        name: "atom:link".to_owned(),
        ..Extension::default()
    };
    for (name, value) in [("href", url), ("rel", "self"), ("type", "application/rss+xml")] {
        link.attrs.insert(name.to_owned(), value.to_owned());
    }
    BTreeMap::from([("atom".to_owned(), BTreeMap::from([("link".to_owned(), vec![link])]))])
}
