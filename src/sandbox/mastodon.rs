//! A Mastodon server with one account (CHANNELS 2): posting, threads, editing, deleting, reading back, limits.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::http::Method;
use serde_json::{Value, json};

use super::books::{Books, Entry};
use super::http::{Call, Reply};
use super::mastodon_length;
use super::provider::Service;
use crate::clock::{Ms, timestamp};

/// The account's token.
pub const TOKEN: &str = "sandbox-token";
/// The account.
pub const ACCOUNT: &str = "rundruf";

/// `configuration.statuses.max_characters`, Mastodon's default.
const MAX_CHARACTERS: usize = 500;
/// How long an `Idempotency-Key` is remembered.
const KEY_MS: Ms = 60 * 60 * 1000;
/// New posts in [`RATE_MS`].
const RATE: usize = 300;
/// Three hours.
const RATE_MS: Ms = 3 * 60 * 60 * 1000;
/// Ids of Mastodon begin with the time; these look alike.
const FIRST_ID: u64 = 113_900_000_000_000_001;

/// The service.
#[derive(Debug, Default)]
pub struct Mastodon {
    memory: Mutex<Memory>,
}

#[derive(Debug, Default)]
struct Memory {
    next: u64,
    /// Key to post and end.
    keys: HashMap<String, (String, Ms)>,
    posted: Vec<Ms>,
}

impl Service for Mastodon {
    fn answer(&self, call: &Call, books: &mut Books) -> Reply {
        let reply = self.route(call, books);
        if reply.status >= 400 {
            books.refused += 1;
        }
        reply
    }

    fn too_many(&self, call: &Call, seconds: u32) -> Reply {
        let reset = call.at_ms + Ms::from(seconds) * 1000;
        limits(Reply::error(429, "Too many requests"), 0, reset)
    }

    fn unauthorized(&self) -> Reply {
        Reply::error(401, "The access token is invalid")
    }
}

impl Mastodon {
    /// The hour of every Idempotency-Key so far is over.
    pub fn forget_keys(&self) {
        let mut memory = self.memory.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        memory.keys.clear();
    }

    fn route(&self, call: &Call, books: &mut Books) -> Reply {
        let path = call.path.trim_matches('/');
        if (&call.method, path) == (&Method::GET, "api/v2/instance") {
            return Reply::json(200, &instance());
        }
        if call.header("authorization") != Some(&format!("Bearer {TOKEN}")) {
            return self.unauthorized();
        }
        let parts: Vec<&str> = path.split('/').collect();
        match (call.method.as_str(), parts.as_slice()) {
            ("GET", ["api", "v1", "accounts", "verify_credentials"]) => Reply::json(200, &account(call)),
            ("GET", ["api", "v1", "accounts", "1", "statuses"]) => Reply::json(
                200,
                &books
                    .entries
                    .iter()
                    .rev()
                    .filter(|e| !e.deleted)
                    .take(20)
                    .map(|e| status(call, e))
                    .collect(),
            ),
            ("POST", ["api", "v1", "statuses"]) => self.post(call, books),
            ("GET", ["api", "v1", "statuses", id]) => match there(books, id) {
                Some(entry) => Reply::json(200, &status(call, entry)),
                None => missing(),
            },
            ("PUT", ["api", "v1", "statuses", id]) => edit(call, books, id),
            ("DELETE", ["api", "v1", "statuses", id]) => match there(books, id) {
                Some(entry) => {
                    entry.deleted = true;
                    let mut body = status(call, entry);
                    body["text"] = json!(&*entry.text);
                    Reply::json(200, &body)
                }
                None => missing(),
            },
            _ => missing(),
        }
    }

    fn post(&self, call: &Call, books: &mut Books) -> Reply {
        let mut memory = self.memory();
        let key = call.header("idempotency-key").map(str::to_owned);
        if let Some((id, until)) = key.as_ref().and_then(|k| memory.keys.get(k)).cloned()
            && call.at_ms < until
            && let Some(entry) = books.entry_mut(&id)
        {
            entry.requests += 1;
            return Reply::json(200, &status(call, entry));
        }
        memory.posted.retain(|at| *at > call.at_ms - RATE_MS);
        let reset = memory.posted.first().unwrap_or(&call.at_ms) + RATE_MS;
        if memory.posted.len() >= RATE {
            return limits(Reply::error(429, "Too many requests"), 0, reset);
        }
        let Some(fields) = call.fields() else {
            return Reply::error(400, "Error occurred while parsing request parameters");
        };
        if let Err(reply) = acceptable(&fields) {
            return reply;
        }
        let parent = fields.get("in_reply_to_id").filter(|id| !id.is_empty());
        if parent.is_some_and(|id| there(books, id).is_none()) {
            return Reply::error(404, "The post you are trying to reply to does not appear to exist.");
        }
        let id = (FIRST_ID + memory.next).to_string();
        memory.next += 1;
        memory.posted.push(call.at_ms);
        let of = |name: &str| fields.get(name).cloned().unwrap_or_default();
        let mut entry = Entry::new(id.clone(), "", of("status"), call.at_ms);
        entry.reply_to = parent.cloned();
        entry.key = key.clone();
        entry.more = json!({
            "language": of("language"),
            "spoiler_text": of("spoiler_text"),
            "visibility": fields.get("visibility").map_or("public", String::as_str),
        });
        if let Some(key) = key {
            memory.keys.insert(key, (id, call.at_ms + KEY_MS));
        }
        let reply = Reply::json(200, &status(call, &entry));
        books.entries.push(entry);
        limits(reply, RATE - memory.posted.len(), reset)
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn edit(call: &Call, books: &mut Books, id: &str) -> Reply {
    let Some(fields) = call.fields() else {
        return Reply::error(400, "Error occurred while parsing request parameters");
    };
    if let Err(reply) = acceptable(&fields) {
        return reply;
    }
    let Some(entry) = there(books, id) else {
        return missing();
    };
    let text = fields.get("status").cloned().unwrap_or_default();
    if *entry.text == *text {
        entry.requests += 1;
    } else {
        entry.text = text.into();
        entry.edits += 1;
    }
    entry.more["spoiler_text"] = json!(fields.get("spoiler_text").cloned().unwrap_or_default());
    let mut body = status(call, entry);
    body["edited_at"] = json!(iso(call.at_ms));
    Reply::json(200, &body)
}

/// The rules for a post's text, new or edited.
fn acceptable(fields: &BTreeMap<String, String>) -> Result<(), Reply> {
    let of = |name: &str| fields.get(name).map_or("", String::as_str);
    if of("status").trim().is_empty() {
        return Err(Reply::error(422, "Validation failed: Text can't be blank"));
    }
    if mastodon_length::length(of("spoiler_text"), of("status")) > MAX_CHARACTERS {
        let error = format!("Validation failed: Text character limit of {MAX_CHARACTERS} exceeded");
        return Err(Reply::error(422, &error));
    }
    if !matches!(of("visibility"), "" | "public" | "unlisted" | "private" | "direct") {
        return Err(Reply::error(
            422,
            "Validation failed: Visibility is not included in the list",
        ));
    }
    let language = of("language");
    if !language.is_empty() && !(2..=3).contains(&language.split('-').next().map_or(0, str::len)) {
        return Err(Reply::error(422, "Validation failed: Language is invalid"));
    }
    Ok(())
}

fn there<'a>(books: &'a mut Books, id: &str) -> Option<&'a mut Entry> {
    books.entry_mut(id).filter(|entry| !entry.deleted)
}

fn missing() -> Reply {
    Reply::error(404, "Record not found")
}

fn limits(reply: Reply, remaining: usize, reset: Ms) -> Reply {
    reply
        .with("x-ratelimit-limit", RATE)
        .with("x-ratelimit-remaining", remaining)
        .with("x-ratelimit-reset", iso(reset))
}

/// Mastodon's own form: six fractional digits.
fn iso(at: Ms) -> String {
    timestamp(at).strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}

fn instance() -> Value {
    json!({
        "domain": "127.0.0.1",
        "title": "Rundruf sandbox",
        "version": "4.5.0",
        "configuration": {
            "statuses": {
                "max_characters": MAX_CHARACTERS,
                "max_media_attachments": 4,
                "characters_reserved_per_url": mastodon_length::LINK,
            },
            "media_attachments": { "description_limit": 1500, "image_size_limit": 16_777_216 },
        },
    })
}

fn base(call: &Call) -> String {
    format!("http://{}", call.header("host").unwrap_or("127.0.0.1"))
}

fn account(call: &Call) -> Value {
    json!({
        "id": "1",
        "username": ACCOUNT,
        "acct": ACCOUNT,
        "display_name": "Rundruf",
        "bot": true,
        "url": format!("{}/@{ACCOUNT}", base(call)),
        "source": { "privacy": "public", "language": "de" },
    })
}

fn status(call: &Call, entry: &Entry) -> Value {
    let escaped = entry
        .text
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace("\n\n", "</p><p>")
        .replace('\n', "<br />");
    let url = format!("{}/@{ACCOUNT}/{}", base(call), entry.id);
    json!({
        "id": entry.id,
        "created_at": iso(entry.at_ms),
        "edited_at": null,
        "in_reply_to_id": entry.reply_to,
        "sensitive": false,
        "spoiler_text": entry.more["spoiler_text"],
        "visibility": entry.more["visibility"],
        "language": entry.more["language"],
        "uri": url,
        "url": url,
        "content": format!("<p>{escaped}</p>"),
        "account": account(call),
        "media_attachments": [],
    })
}
