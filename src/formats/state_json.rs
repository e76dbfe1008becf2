//! `state.json`: the small machine-readable state, at most 2 kB, for signs, apps and other people's pages.

use serde_json::{Value, json};

use super::SiteFile;
use super::frame::Desk;
use crate::domain::incident::IncidentView;
use crate::domain::when::When;
use crate::render::message::Message;
use crate::render::times::clean;

/// Bytes at most.
const LIMIT: usize = 2_000;

impl Desk<'_> {
    /// The file: open incidents newest first, as many as fit.
    pub fn state_json(&self) -> SiteFile {
        let mut incidents: Vec<Value> = self.open().into_iter().map(|view| self.small(view)).collect();
        let total = incidents.len();
        let name: String = clean(&self.source.publisher.name).chars().take(100).collect();
        loop {
            let value = json!({
                "publisher": self.source.publisher.id,
                "name": name,
                "url": self.links.url(""),
                "open_incidents": total,
                "incidents": incidents,
            });
            let text = value.to_string();
            if text.len() <= LIMIT || incidents.pop().is_none() {
                return SiteFile {
                    bytes: text.into(),
                    media_type: "application/json; charset=utf-8",
                };
            }
        }
    }

    fn small(&self, view: &IncidentView) -> Value {
        let newest = view.notices.last().map(|n| &n.notice);
        let message = newest.map(|n| Message::in_words(self.words, &self.source.publisher, view, n, self.site));
        json!({
            "incident": view.slug,
            "state": view.state.word(),
            "state_words": self.words.of_list("state", view.state.word()),
            "exercise": view.exercise,
            "notice": newest.map(|n| n.number),
            "headline": message.as_ref().map(|m| format!("{}{}", m.lead, m.headline)),
            "as_of": self.voice.machine(view.as_of),
            "next": view.next.as_ref().map(|next| match &next.at {
                When::Exact { at } => self.voice.machine(*at),
                When::Day { date } => date.to_string(),
                When::Vague { words, .. } => clean(words).chars().take(100).collect(),
            }),
            "overdue": view.overdue,
            "url": message.map(|m| m.link),
        })
    }
}
