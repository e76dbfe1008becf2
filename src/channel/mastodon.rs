//! Mastodon and what speaks its API: updates hang under the incident's first post, corrections edit it. The
//! `Idempotency-Key` makes a repeat harmless for an hour; after that our own recent posts are read (CHANNELS 2).

mod account;
mod same_text;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use reqwest::Method;
use serde_json::{Value, json};

use super::http;
use super::registry::{Kind, Surroundings};
use super::{Abilities, Built, Channel, Finding, LookUp};
use crate::clock::Ms;
use crate::domain::delivery::{Operation, UnknownPolicy};
use crate::domain::outcome::{Outcome, Reason, Remote, Report};
use crate::domain::problem::Problem;
use crate::net::{Answer, Failure};
use crate::render::Engine;
use crate::render::compose::{self, ComposeError};
use crate::render::message::Message;
use crate::said;
use crate::secret::KeyFile;
use crate::settings::{COMMON, ChannelSettings, Reader};
use crate::store::{Job, Variant};
use crate::text::mastodon::length_with;
use account::{Account, DEFAULT_LIMITS, LIMITS_FOR};
use same_text::same_text;

/// One line of the registry.
pub const KIND: Kind = Kind {
    name: "mastodon",
    purpose: [
        "Veröffentlicht auf einem Mastodon-Konto; spätere Meldungen antworten auf die erste.",
        "Publishes on a Mastodon account; later notices reply to the first.",
    ],
    example: EXAMPLE,
    build,
};

const EXAMPLE: &str = r#"[channel.mastodon]
kind = "mastodon"
url = "https://social.example"
token = "…"                           # scopes read:accounts read:statuses write:statuses; better token_file or token_env
# visibility = "public"               # public, unlisted, private
"#;

/// Posts read back in a look-up; the most the API gives at once.
const LOOK_BACK: usize = 40;

/// How Mastodon behaves.
const ABILITIES: Abilities = Abilities {
    // Kept for an hour by the server; a little less here, because its hour began before our answer.
    handle_for: Some(Duration::from_secs(58 * 60)),
    looks_up: true,
    receipts: false,
    threads: true,
    correction: Operation::Edit,
    retraction: Operation::Edit,
    links: true,
    audience: false,
    unknown: UnknownPolicy::Ask,
    concurrency: 2,
    timeout: Duration::from_secs(20),
};

struct Mastodon {
    account: Arc<Account>,
    visibility: &'static str,
    key: KeyFile,
    channel: String,
}

fn build(around: &Surroundings<'_>, channel: &ChannelSettings) -> Result<Built, Vec<Problem>> {
    let mut reader = Reader::new(&channel.own, COMMON);
    if !reader.has("url") {
        reader.missing(
            "url",
            said!(
                "Schreiben Sie url = \"https://social.example\", die Adresse der Instanz.",
                "Write url = \"https://social.example\", the address of the instance."
            ),
        );
    }
    let url = reader.url("url", &["http", "https"]);
    let token = reader.required_secret("token");
    let visibility = reader
        .word(
            "visibility",
            &[("public", "public"), ("unlisted", "unlisted"), ("private", "private")],
        )
        .unwrap_or("public");
    if reader.has("audience") {
        reader.problem(
            "audience",
            said!(
                "Ein Mastodon-Konto hat keine Empfängerliste.",
                "a Mastodon account has no list of recipients."
            ),
            said!("Lassen Sie audience weg.", "Leave audience out."),
        );
    }
    let http = http::client(&mut reader, channel, &ABILITIES, true);
    let problems = reader.finish();
    let (Some(base), Some(token), Some(http), true) = (url, token, http, problems.is_empty()) else {
        return Err(problems);
    };
    let account = Arc::new(Account {
        base,
        token,
        http,
        limits: Mutex::new((DEFAULT_LIMITS, None)),
    });
    Ok(Built::Messages(Arc::new(Mastodon {
        account,
        visibility,
        key: around.key.clone(),
        channel: channel.name.clone(),
    })))
}

impl Mastodon {
    /// A post, under `parent` where there is one that is still there.
    async fn post(&self, job: &Job, parent: Option<&str>) -> Result<Answer, Failure> {
        let mut body = json!({
            "status": job.variant.text,
            "visibility": self.visibility,
            "language": job.lang.iso(),
        });
        if let Some(parent) = parent {
            body["in_reply_to_id"] = json!(parent);
        }
        let key = self
            .key
            .key()
            .map_err(|error| Failure::NotConnected(http::no_key(&error).text))?
            .handle("mastodon", &[&self.channel, &job.name_for_ever()]);
        let request = self
            .account
            .request(Method::POST, "/api/v1/statuses")
            .header("Idempotency-Key", key)
            .json(&body);
        self.account.send(request).await
    }

    async fn one(&self, method: Method, id: &str, body: Option<Value>) -> Result<Answer, Failure> {
        let request = self.account.request(method, &format!("/api/v1/statuses/{id}"));
        self.account
            .send(match body {
                Some(body) => request.json(&body),
                None => request,
            })
            .await
    }

    async fn attempt(&self, job: &Job) -> Result<Answer, Failure> {
        let target = job.target.as_ref().and_then(|t| t.id.as_deref()).filter(|id| is_id(id));
        match (job.operation, target) {
            (Operation::Edit, Some(id)) => {
                let body = json!({ "status": job.variant.text, "language": job.lang.iso() });
                let answer = self.one(Method::PUT, id, Some(body)).await?;
                // Somebody deleted the post: readers get the corrected text as a post of its own.
                if answer.status == 404 {
                    self.post(job, None).await
                } else {
                    Ok(answer)
                }
            }
            (Operation::Delete, Some(id)) => self.one(Method::DELETE, id, None).await,
            _ => {
                let thread = job.thread.as_ref().and_then(|t| t.parent.id.as_deref());
                let parent = target.or(thread).filter(|id| is_id(id));
                let answer = self.post(job, parent).await?;
                // The post being replied to is gone: a post of its own is better than none.
                if answer.status == 404 && parent.is_some() {
                    self.post(job, None).await
                } else {
                    Ok(answer)
                }
            }
        }
    }

    fn sort(&self, job: &Job, answer: &Answer, now: Ms) -> Report {
        let (who, words) = (self.account.host(), http::said_by(answer));
        match answer.status {
            404 if job.operation == Operation::Delete => {
                let text = said!("{who}: Der Beitrag war schon weg", "{who}: the post was gone already");
                http::delivered(Remote::default(), text)
            }
            404 => http::report(
                Outcome::Permanent,
                Reason::ReferenceGone,
                said!(
                    "{who} findet es nicht (404): Ist das die Adresse einer Mastodon-Instanz?{words}",
                    "{who} does not find it (404): is this the address of a Mastodon instance?{words}"
                ),
            ),
            422 if words.contains("not finished processing") => http::report(
                Outcome::Transient,
                Reason::ServiceTrouble,
                said!(
                    "{who} arbeitet noch an einem Bild",
                    "{who} is still working on a picture"
                ),
            ),
            200 => {
                let remote = answer.json().as_ref().and_then(remote);
                remote.map_or_else(
                    || http::not_understood(who, answer),
                    |remote| http::delivered(remote, said!("{who} zeigt ihn", "{who} shows it")),
                )
            }
            201..=299 => http::not_understood(who, answer),
            _ => http::sort(who, answer, now),
        }
    }
}

/// Ids are decimal numbers, but emulators have others; none has a character that means something in a path.
fn is_id(id: &str) -> bool {
    !id.is_empty() && id.len() <= 64 && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// Id and address out of a status.
fn remote(status: &Value) -> Option<Remote> {
    let id = match status.get("id")? {
        Value::String(id) => id.clone(),
        Value::Number(id) => id.to_string(),
        _ => return None,
    };
    let url = status
        .get("url")
        .or_else(|| status.get("uri"))
        .and_then(Value::as_str)
        .filter(|u| u.starts_with("http"));
    is_id(&id).then(|| Remote {
        id: Some(id),
        url: url.map(str::to_owned),
    })
}

#[async_trait]
impl Channel for Mastodon {
    fn abilities(&self) -> Abilities {
        ABILITIES
    }

    fn account(&self) -> String {
        // The token names the account; two accounts of one instance have two channels.
        let port = self.account.base.port().map(|p| format!(":{p}")).unwrap_or_default();
        format!("{}@{}{port}", self.channel, self.account.host())
    }

    fn compose(&self, engine: &Engine, message: &Message, _operation: Operation) -> Result<Variant, ComposeError> {
        let (limits, _) = self.account.limits();
        let unit = |text: &str| length_with("", text, limits.url);
        compose::short_text(engine, message, "post", limits.characters, &unit, "graphemes", false)
    }

    async fn send(&self, job: &Job, now: Ms) -> Report {
        let report = match self.attempt(job).await {
            Ok(answer) => self.sort(job, &answer, now),
            Err(failure) => http::failed(self.account.host(), &failure),
        };
        let asked = self.account.limits().1;
        if report.reason == Reason::Ok && asked.is_none_or(|at| now - at > LIMITS_FOR) {
            let account = self.account.clone();
            // Beside the lane: a slow answer about limits holds nothing up, a missing one changes nothing.
            tokio::spawn(async move { account.ask_limits(now).await.map(|_| ()) });
        }
        report
    }

    async fn look_up(&self, job: &Job) -> LookUp {
        let target = job.target.as_ref().and_then(|t| t.id.as_deref()).filter(|id| is_id(id));
        if let (Operation::Edit | Operation::Delete, Some(id)) = (job.operation, target) {
            let Ok(answer) = self.one(Method::GET, id, None).await else {
                return LookUp::CannotTell;
            };
            let status = answer.json();
            return match (answer.status, status) {
                (404 | 410, _) if job.operation == Operation::Delete => LookUp::There(Remote::default()),
                (200, Some(status)) => {
                    let content = status.get("content").and_then(Value::as_str).unwrap_or_default();
                    match remote(&status) {
                        Some(remote) if job.operation == Operation::Edit && same_text(content, &job.variant.text) => {
                            LookUp::There(remote)
                        }
                        _ => LookUp::NotThere,
                    }
                }
                _ => LookUp::CannotTell,
            };
        }
        let Ok(me) = self.account.ask("/api/v1/accounts/verify_credentials").await else {
            return LookUp::CannotTell;
        };
        let Some(me) = remote(&me).and_then(|r| r.id) else {
            return LookUp::CannotTell;
        };
        let request = self
            .account
            .request(Method::GET, &format!("/api/v1/accounts/{me}/statuses"))
            .query(&[("limit", LOOK_BACK.to_string())]);
        let Ok(answer) = self.account.send(request).await else {
            return LookUp::CannotTell;
        };
        let Some(Value::Array(posts)) = answer.json().filter(|_| answer.status == 200) else {
            return LookUp::CannotTell;
        };
        let created = |post: &Value| {
            post.get("created_at")?
                .as_str()?
                .parse::<jiff::Timestamp>()
                .ok()
                .map(jiff::Timestamp::as_millisecond)
        };
        let ours = |content: &str| {
            let withdrawn = job.withdrawn.as_deref();
            same_text(content, &job.variant.text) || withdrawn.is_some_and(|text| same_text(content, text))
        };
        // Clocks differ: what was posted up to five minutes before our first attempt may still be ours.
        let since = job.first_started_ms - 300_000;
        for post in &posts {
            let content = post.get("content").and_then(Value::as_str).unwrap_or_default();
            if created(post).is_none_or(|at| at >= since) && ours(content) {
                return remote(post).map_or(LookUp::CannotTell, LookUp::There);
            }
        }
        let far_enough = posts.len() < LOOK_BACK || posts.last().and_then(created).is_some_and(|at| at < since);
        if far_enough {
            LookUp::NotThere
        } else {
            LookUp::CannotTell
        }
    }

    async fn their_time(&self) -> Option<(String, Ms)> {
        self.account.http.date(&self.account.base).await
    }

    async fn check(&self) -> Vec<Finding> {
        let who = self.account.host();
        let mut out = Vec::new();
        match self.account.ask("/api/v1/accounts/verify_credentials").await {
            Ok(me) => {
                let name: String = me
                    .get("acct")
                    .and_then(Value::as_str)
                    .unwrap_or("?")
                    .chars()
                    .filter(|c| !c.is_control())
                    .take(60)
                    .collect();
                out.push(http::well(said!(
                    "{who} kennt uns als @{name}.",
                    "{who} knows us as @{name}."
                )));
            }
            Err(report) => out.push(http::unwell(who, &report)),
        }
        match self.account.ask_limits(0).await {
            Ok(limits) => {
                let n = limits.characters;
                out.push(http::well(said!(
                    "Ein Beitrag darf dort {n} Zeichen haben.",
                    "A post may have {n} characters there."
                )));
            }
            Err(report) => out.push(http::unwell(who, &report)),
        }
        out
    }
}

#[cfg(test)]
mod tests;
