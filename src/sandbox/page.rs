//! The sandbox's own page: the posts as cards, the SMS on phones, the webhooks as JSON. It looks for news by itself;
//! this is a stage, not the public page.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, Response};
use handlebars::Handlebars;
use hyper::body::Incoming;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::books::{Books, Entry};
use super::http::Reply;
use super::provider::View;
use crate::clock::timestamp;

const TEMPLATE: &str = include_str!("../../templates/sandbox/page.hbs");
/// More would only be scrolled past.
const SHOWN: usize = 30;

/// What the page shows.
#[derive(Clone)]
pub(super) struct Shown {
    pub(super) mastodon: View,
    /// Name in the books, heading, view; the first is always shown, the others once they have been asked something.
    pub(super) gateways: [(&'static str, &'static str, View); 3],
    pub(super) webhook: View,
    pub(super) german: bool,
}

type Answer = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

/// `/` is the page, `/books.json` the books as they stand.
pub(super) fn handler(shown: Shown) -> impl Fn(Request<Incoming>) -> Answer + Clone + Send + Sync + 'static {
    let shown = Arc::new(shown);
    move |request| {
        let shown = shown.clone();
        Box::pin(async move {
            let reply = match request.uri().path() {
                "/" => draw(&shown),
                "/books.json" => Reply::json(200, &shown.books()),
                _ => Reply::plain(404, "not found"),
            };
            Ok(reply.into_response(None))
        })
    }
}

fn draw(shown: &Shown) -> Reply {
    match render(&shown.values()) {
        Ok(html) => Reply::html(200, html),
        Err(error) => Reply::plain(500, &error.to_string()),
    }
}

fn render(values: &Value) -> Result<String, handlebars::RenderError> {
    let mut registry = Handlebars::new();
    registry.set_strict_mode(true);
    registry.render_template(TEMPLATE, values)
}

impl Shown {
    fn books(&self) -> Value {
        let mut books = json!({
            "mastodon": self.mastodon.keeper.copy(),
            "webhook": self.webhook.keeper.copy(),
        });
        for (name, _, view) in &self.gateways {
            books[*name] = json!(view.keeper.copy());
        }
        books
    }

    fn values(&self) -> Value {
        json!({
            "german": self.german,
            "mastodon": self.provider(&self.mastodon),
            "gateways": self.gateways.iter().enumerate().filter_map(|(n, gateway)| self.gateway(n, gateway)).collect::<Vec<_>>(),
            "webhook": self.provider(&self.webhook),
        })
    }

    fn gateway(&self, n: usize, (_, heading, view): &(&str, &str, View)) -> Option<Value> {
        let mut drawn = self.provider(view);
        let asked = drawn["accepted"] != 0 || drawn["refused"] != 0 || drawn["up"] == false;
        drawn["heading"] = (*heading).into();
        (n == 0 || asked).then_some(drawn)
    }

    fn provider(&self, view: &View) -> Value {
        let books = view.keeper.copy();
        let state = match (view.is_up(), view.fault(), self.german) {
            (false, _, true) => "angehalten: nimmt keine Verbindung an".to_owned(),
            (false, _, false) => "stopped: takes no connection".to_owned(),
            (true, Some(fault), true) => format!("gestört ({fault:?})"),
            (true, Some(fault), false) => format!("faulty ({fault:?})"),
            (true, None, true) => "läuft".to_owned(),
            (true, None, false) => "running".to_owned(),
        };
        json!({
            "up": view.is_up() && view.fault().is_none(),
            "state": state,
            "accepted": books.accepted(),
            "one": books.accepted() == 1,
            "doubles": books.doubles(),
            "repeats": books.repeats(),
            "refused": books.refused,
            "phones": phones(&books),
            "entries": books.entries.iter().rev().take(SHOWN).map(|e| drawn(e, &books)).collect::<Vec<_>>(),
        })
    }
}

/// The newest messages by the phone they came to.
fn phones(books: &Books) -> Vec<Value> {
    let mut phones: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for entry in books.entries.iter().rev().take(SHOWN) {
        phones.entry(&entry.to).or_default().push(drawn(entry, books));
    }
    phones
        .into_iter()
        .map(|(to, entries)| json!({ "to": to, "entries": entries }))
        .collect()
}

fn drawn(entry: &Entry, books: &Books) -> Value {
    json!({
        "id": entry.id,
        "to": entry.to,
        "text": entry.text,
        "time": timestamp(entry.at_ms).to_zoned_datetime(TimeZone::system()).strftime("%H:%M:%S").to_string(),
        "length": entry.text.chars().count(),
        "single": entry.parts == Some(1),
        "reply": entry.reply_to.as_ref().is_some_and(|id| books.entry(id).is_some()),
        "edited": entry.edits > 0,
        "deleted": entry.deleted,
        "repeats": entry.requests - 1,
        "parts": entry.parts,
        "delivered": entry.reports.contains(&1),
        "failed": entry.reports.iter().any(|r| matches!(r, 2 | 16)),
        "verified": entry.more["verified"] == true,
        "spoiler": entry.more["spoiler_text"].as_str().unwrap_or_default(),
        "language": entry.more["language"].as_str().unwrap_or_default(),
        "from": entry.more["from"].as_str().unwrap_or_default(),
    })
}
