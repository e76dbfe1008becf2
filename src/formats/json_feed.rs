//! JSON Feed 1.1 (jsonfeed.org/version/1.1).

use serde_json::json;

use super::SiteFile;
use super::feeds::Feed;
use super::frame::Desk;
use crate::render::RenderError;
use crate::text::dates;

/// The file.
pub fn write(feed: &Feed, desk: &Desk<'_>) -> Result<SiteFile, RenderError> {
    let time = |at| dates::rfc3339(&desk.voice.local(at));
    let items: Vec<_> = feed
        .entries
        .iter()
        .map(|entry| {
            let mut item = json!({
                "id": entry.id,
                "url": entry.url,
                "title": entry.title,
                "summary": entry.summary,
                "content_html": entry.html,
                "date_published": time(entry.published),
                "date_modified": time(entry.updated),
                "language": feed.lang,
            });
            if !entry.places.is_empty() {
                item["tags"] = json!(entry.places);
            }
            item
        })
        .collect();
    let value = json!({
        "version": "https://jsonfeed.org/version/1.1",
        "title": feed.title,
        "home_page_url": feed.page,
        "feed_url": format!("{}feed.json", feed.folder),
        "description": feed.about,
        "language": feed.lang,
        "authors": [{"name": feed.author}],
        "items": items,
    });
    let text = serde_json::to_string_pretty(&value).map_err(|fault| RenderError {
        template: "feed.json".to_owned(),
        message: fault.to_string(),
    })?;
    Ok(SiteFile {
        bytes: text.into(),
        media_type: "application/feed+json; charset=utf-8",
    })
}
