//! The sandbox's own page: the posts as cards, the mails counted and the newest drawn, the SMS on phones, the webhooks as JSON. It looks for news by itself;
//! this is a stage, not the public page.

use std::collections::{BTreeMap, BTreeSet};
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
use super::mail::MailView;
use super::provider::View;
use crate::clock::timestamp;

/// The clock times of whoever publishes in a demo.
const ZONE: &str = "Europe/Berlin";
const TEMPLATE: &str = include_str!("../../templates/sandbox/page.hbs");
/// More would only be scrolled past.
const SHOWN: usize = 30;
/// Mails drawn whole; the rest is counted.
const MAILS: usize = 4;
/// Lines of a mail before the rest folds.
const LINES: usize = 9;

/// What the page shows.
#[derive(Clone)]
pub(super) struct Shown {
    pub(super) mastodon: View,
    pub(super) mail: MailView,
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
            "mail": self.mail.keeper.copy(),
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
            "mail": self.mail(),
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
        let fault = view.fault().map(|fault| {
            if self.german {
                format!("gestört ({fault:?})")
            } else {
                format!("faulty ({fault:?})")
            }
        });
        self.service(&view.keeper.copy(), view.is_up(), fault)
    }

    /// What every service shows: how it is, how much it took, the newest of it.
    fn service(&self, books: &Books, open: bool, fault: Option<String>) -> Value {
        let state = match (open, &fault, self.german) {
            (false, _, true) => "angehalten: nimmt keine Verbindung an",
            (false, _, false) => "stopped: takes no connection",
            (true, Some(fault), _) => fault,
            (true, None, true) => "läuft",
            (true, None, false) => "running",
        };
        json!({
            "up": open && fault.is_none(),
            "state": state,
            "accepted": books.accepted(),
            "one": books.accepted() == 1,
            "doubles": books.doubles(),
            "repeats": books.repeats(),
            "refused": books.refused,
            "phones": phones(books),
            "entries": books.entries.iter().rev().take(SHOWN).map(|e| drawn(e, books)).collect::<Vec<_>>(),
        })
    }

    /// The mails by subject, counted, and the newest of them; nothing as long as nobody uses it.
    fn mail(&self) -> Option<Value> {
        if !self.mail.is_used() {
            return None;
        }
        let books = self.mail.keeper.copy();
        let trouble = self
            .mail
            .trouble()
            .map(|[de, en]| if self.german { de } else { en }.to_owned());
        let mut drawn = self.service(&books, self.mail.is_up(), trouble);
        drawn["doubles"] = twice(&books).into();
        drawn["subjects"] = json!(subjects(&books));
        drawn["mails"] = books.entries.iter().rev().take(MAILS).map(letter).collect();
        Some(drawn)
    }
}

/// Mails that somebody got more than once. Two with the same words and different Message-IDs are two: every canary reads alike.
fn twice(books: &Books) -> usize {
    let once: BTreeSet<_> = books.entries.iter().map(|entry| (&entry.to, &entry.key)).collect();
    books.entries.len() - once.len()
}

/// How many mails there are of each subject, and how many of them came back; the newest subject first.
fn subjects(books: &Books) -> Vec<Value> {
    let mut counts: Vec<(&str, usize, usize)> = Vec::new();
    for entry in books.entries.iter().rev() {
        let subject = entry.more["subject"].as_str().unwrap_or_default();
        let returned = usize::from(entry.more["returned"] == true);
        match counts.iter_mut().find(|(known, ..)| *known == subject) {
            Some((_, count, back)) => (*count, *back) = (*count + 1, *back + returned),
            None => counts.push((subject, 1, returned)),
        }
    }
    let most = counts.iter().map(|(_, count, _)| *count).max().unwrap_or(1);
    let row = |(subject, count, returned): (&str, usize, usize)| json!({ "subject": subject, "count": count, "share": count * 100 / most, "returned": returned });
    counts.into_iter().map(row).collect()
}

fn letter(entry: &Entry) -> Value {
    let lines: Vec<&str> = entry.text.lines().collect();
    let (first, rest) = lines.split_at(lines.len().min(LINES));
    let word = |name: &str| entry.more[name].as_str().unwrap_or_default().to_owned();
    json!({
        "from": word("from").replace('"', ""), "to": entry.to, "subject": word("subject"), "language": word("language"),
        "time": time(entry), "text": first.join("\n"), "rest": rest.join("\n"),
        "html": entry.more["html"] == true, "unsubscribe": entry.more["unsubscribe"] == true,
        "returned": entry.more["returned"] == true,
    })
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
        "text": &*entry.text,
        "time": time(entry),
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

fn time(entry: &Entry) -> String {
    let zone = TimeZone::get(ZONE).unwrap_or_else(|_| TimeZone::system());
    timestamp(entry.at_ms)
        .to_zoned_datetime(zone)
        .strftime("%H:%M:%S")
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mails_are_counted_by_subject_and_double_by_their_id() {
        let mut books = Books::default();
        for (to, id, subject, returned) in [
            ("a", "1", "Alt", false),
            ("probe", "2", "Probe", false),
            ("probe", "3", "Probe", true),
            ("b", "4", "Neu", false),
            ("b", "4", "Neu", false),
            ("c", "4", "Neu", false),
        ] {
            let mut entry = Entry::new(String::new(), to, "Text", 0);
            entry.key = Some(id.to_owned());
            entry.more = json!({ "subject": subject, "returned": returned });
            books.entries.push(entry);
        }
        assert_eq!(twice(&books), 1, "two canaries read alike and are two");
        let expected = [("Neu", 3, 100, 0), ("Probe", 2, 66, 1), ("Alt", 1, 33, 0)];
        let expected = expected.map(|(subject, count, share, returned)| json!({ "subject": subject, "count": count, "share": share, "returned": returned }));
        assert_eq!(subjects(&books), expected);
    }
}
