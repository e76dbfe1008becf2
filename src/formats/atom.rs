//! Atom (RFC 4287) with the crate `atom_syndication`. Here an overtaken notice shows again, because its `updated` moves.

use atom_syndication::{Category, Content, Entry, FixedDateTime, Generator, Link, Person, Text, TextType};
use jiff::Timestamp;

use super::SiteFile;
use super::feeds::Feed;
use super::frame::Desk;
use crate::render::RenderError;
use crate::text::dates;

/// The file.
pub fn write(feed: &Feed, desk: &Desk<'_>) -> Result<SiteFile, RenderError> {
    let time = |at: Timestamp| -> Result<FixedDateTime, RenderError> {
        let text = dates::rfc3339(&desk.voice.local(at));
        FixedDateTime::parse_from_rfc3339(&text).map_err(|fault| RenderError {
            template: "feed.atom".to_owned(),
            message: format!("{text}: {fault}"),
        })
    };
    let entries = feed
        .entries
        .iter()
        .map(|entry| {
            Ok(Entry {
                id: entry.id.clone(),
                title: plain(&entry.title),
                updated: time(entry.updated)?,
                published: Some(time(entry.published)?),
                links: vec![link("alternate", "text/html", &entry.url)],
                summary: Some(plain(&entry.summary)),
                content: Some(Content {
                    content_type: Some("html".to_owned()),
                    value: Some(entry.html.clone()),
                    ..Content::default()
                }),
                categories: entry
                    .places
                    .iter()
                    .map(|place| Category {
                        term: place.clone(),
                        ..Category::default()
                    })
                    .collect(),
                ..Entry::default()
            })
        })
        .collect::<Result<Vec<_>, RenderError>>()?;
    let atom = atom_syndication::Feed {
        id: feed.id.clone(),
        title: plain(&feed.title),
        updated: time(feed.updated)?,
        authors: vec![Person {
            name: feed.author.clone(),
            ..Person::default()
        }],
        links: vec![
            link("self", "application/atom+xml", &format!("{}feed.atom", feed.folder)),
            link("alternate", "text/html", &feed.page),
        ],
        generator: Some(Generator {
            value: "Rundruf".to_owned(),
            ..Generator::default()
        }),
        subtitle: Some(plain(&feed.about)),
        lang: Some(feed.lang.to_owned()),
        entries,
        ..atom_syndication::Feed::default()
    };
    let mut bytes = Vec::new();
    atom.write_to(&mut bytes).map_err(|fault| RenderError {
        template: "feed.atom".to_owned(),
        message: fault.to_string(),
    })?;
    Ok(SiteFile {
        bytes: bytes.into(),
        media_type: "application/atom+xml; charset=utf-8",
    })
}

fn plain(text: &str) -> Text {
    Text {
        value: text.to_owned(),
        r#type: TextType::Text,
        ..Text::default()
    }
}

fn link(rel: &str, mime: &str, href: &str) -> Link {
    Link {
        rel: rel.to_owned(),
        href: href.to_owned(),
        mime_type: Some(mime.to_owned()),
        ..Link::default()
    }
}
