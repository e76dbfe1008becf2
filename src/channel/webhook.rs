//! Signed webhooks by Standard Webhooks 1.0.0: neighbouring systems take notices over by machine. The id is the same on every
//! attempt of a delivery, so a receiver recognises repeats; therefore a lost answer is simply repeated.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use bytes::Bytes;
use jiff::SignedDuration;
use reqwest::Url;
use serde_json::json;

use super::http;
use super::registry::{Kind, Surroundings};
use super::{Abilities, Built, Channel, Finding};
use crate::clock::{Ms, timestamp};
use crate::domain::delivery::{Operation, UnknownPolicy};
use crate::domain::outcome::{Outcome, Reason, Remote, Report};
use crate::domain::problem::Problem;
use crate::net::{Http, retry};
use crate::render::Engine;
use crate::render::compose::ComposeError;
use crate::render::message::Message;
use crate::said;
use crate::secret::{ExposeSecret, KeyFile, SecretString, hmac_sha256};
use crate::settings::{COMMON, ChannelSettings, Reader};
use crate::store::{Fit, Job, Variant};
use crate::text::dates::duration;
use crate::text::lang::Lang;

/// One line of the registry.
pub const KIND: Kind = Kind {
    name: "webhook",
    purpose: [
        "Schickt jede Meldung signiert als JSON an fremde Systeme (Standard Webhooks).",
        "Sends every notice, signed, as JSON to other systems (Standard Webhooks).",
    ],
    example: EXAMPLE,
    build,
};

const EXAMPLE: &str = r#"[channel.nachbarn]
kind = "webhook"
url = "https://leitstelle.example/hooks/rundruf"   # one address, or: audience = { file = "hooks.csv" }
secret = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="   # 24 to 64 bytes in base64; better secret_file or secret_env
# allow_private = true                             # addresses of an audience file may be private
"#;

/// Payloads stay under this (the specification's advice).
const LARGEST_PAYLOAD: usize = 20_000;
/// Standard Webhooks has receivers refuse what was signed too long ago, or for later: by five minutes, as a rule; some allow less.
const TOLERANCE_MS: Ms = 120_000;
/// Format version of the payload.
const FORMAT: u16 = 1;

/// How webhooks behave. Receivers are asked to keep ids for long; a delivery that old is none of theirs any more.
const ABILITIES: Abilities = Abilities {
    handle_for: Some(Duration::MAX),
    looks_up: false,
    receipts: false,
    threads: false,
    correction: Operation::Post,
    retraction: Operation::Post,
    links: true,
    audience: false,
    unknown: UnknownPolicy::Repeat,
    concurrency: 64,
    // The specification: 15 to 30 seconds.
    timeout: Duration::from_secs(20),
};

struct Webhook {
    /// The one address; `None`: every recipient has its own.
    url: Option<Url>,
    secret: Vec<u8>,
    http: Http,
    key: KeyFile,
    channel: String,
    account: String,
    bodies: Bodies,
}

/// The newest bodies as they go out: ten thousand receivers get the same bytes, written once.
#[derive(Default)]
struct Bodies(Mutex<Vec<(Arc<Variant>, Ms, Bytes)>>);

impl Bodies {
    /// One for each language of the newest message.
    const KEPT: usize = 4;

    fn of(&self, variant: &Arc<Variant>, created_ms: Ms) -> Bytes {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, _, body)) = kept
            .iter()
            .find(|(v, at, _)| Arc::ptr_eq(v, variant) && *at == created_ms)
        {
            return body.clone();
        }
        let mut body = variant.payload.clone();
        // The time of the event, the same on every attempt.
        body["timestamp"] = json!(timestamp(created_ms).to_string());
        let body = Bytes::from(body.to_string());
        kept.truncate(Self::KEPT - 1);
        kept.insert(0, (Arc::clone(variant), created_ms, body.clone()));
        body
    }
}

fn build(around: &Surroundings<'_>, channel: &ChannelSettings) -> Result<Built, Vec<Problem>> {
    let mut reader = Reader::new(&channel.own, COMMON);
    let url = reader.url("url", &["http", "https"]);
    if reader.has("url") == reader.has("audience") {
        reader.problem(
            "url",
            said!(
                "Genau eines von url und audience gehört hierher.",
                "exactly one of url and audience belongs here."
            ),
            said!(
                "Schreiben Sie url = \"https://…\" oder audience = {{ file = \"hooks.csv\" }}.",
                "Write url = \"https://…\" or audience = {{ file = \"hooks.csv\" }}."
            ),
        );
    }
    let secret = reader.required_secret("secret").and_then(|secret| {
        let bytes = decode(&secret);
        if bytes.is_none() {
            reader.problem("secret", said!("Das Geheimnis hat nicht die Form whsec_….", "the secret does not have the form whsec_…."), said!("Nach whsec_ stehen 24 bis 64 zufällige Bytes in Base64, zum Beispiel aus: openssl rand -base64 32.", "After whsec_ come 24 to 64 random bytes in base64, for example out of: openssl rand -base64 32."));
        }
        bytes
    });
    // An address of the configuration itself may be private, those of an audience file only where allowed.
    let private = channel.common.audience.is_none() || channel.common.allow_private;
    let http = http::client(&mut reader, channel, &ABILITIES, private);
    let account = url
        .as_ref()
        .map_or_else(|| format!("webhook:{}", channel.name), |url| host(url).to_owned());
    let problems = reader.finish();
    let (Some(http), Some(secret), true) = (http, secret, problems.is_empty()) else {
        return Err(problems);
    };
    Ok(Built::Messages(Arc::new(Webhook {
        url,
        secret,
        http,
        key: around.key.clone(),
        channel: channel.name.clone(),
        account,
        bodies: Bodies::default(),
    })))
}

/// The bytes of `whsec_…`: 24 to 64.
fn decode(secret: &SecretString) -> Option<Vec<u8>> {
    let coded = secret.expose_secret().trim().strip_prefix("whsec_")?;
    let bytes = STANDARD.decode(coded).or_else(|_| STANDARD_NO_PAD.decode(coded)).ok()?;
    (24..=64).contains(&bytes.len()).then_some(bytes)
}

fn host(url: &Url) -> &str {
    url.host_str().unwrap_or("webhook")
}

/// The header `webhook-signature` of an attempt.
pub fn sign(secret: &[u8], id: &str, seconds: i64, body: &[u8]) -> String {
    let head = format!("{id}.{seconds}.");
    format!("v1,{}", STANDARD.encode(hmac_sha256(secret, &[head.as_bytes(), body])))
}

/// A receiver of an audience file, normalised as far as a parser can (RFC 3986, 6.2.2 and 6.2.3): scheme and host in lower case, no port where it
/// is the scheme's own, no dots in the path, and no fragment, which is never sent. A path is somebody's own matter and keeps its case.
fn address(written: &str) -> Option<Url> {
    let mut url = Url::parse(written.trim()).ok()?;
    url.set_fragment(None);
    matches!(url.scheme(), "http" | "https").then_some(url)
}

#[async_trait]
impl Channel for Webhook {
    fn abilities(&self) -> Abilities {
        Abilities {
            audience: self.url.is_none(),
            ..ABILITIES
        }
    }

    fn account(&self) -> String {
        self.account.clone()
    }

    fn many_counterparts(&self) -> bool {
        self.url.is_none()
    }

    fn compose(&self, _engine: &Engine, message: &Message, _operation: Operation) -> Result<Variant, ComposeError> {
        let event = match message.kind.as_str() {
            "correction" => "notice.corrected",
            "retraction" => "notice.retracted",
            _ => "notice.published",
        };
        let mut data = json!(message);
        // The body in HTML is the largest part and can be read at the link: it goes first where room is short. A short text
        // may be as long as any; the summary never is.
        let mut left_out = Vec::new();
        let mut large = [
            ("body_html", serde_json::Value::Null),
            ("body_text", serde_json::Value::Null),
            ("short", json!(message.summary)),
            ("earlier", serde_json::Value::Null),
        ]
        .into_iter();
        while data.to_string().len() > LARGEST_PAYLOAD - 500
            && let Some((large, instead)) = large.next()
        {
            if data[large] != instead {
                data[large] = instead;
                left_out.push(large.to_owned());
            }
        }
        let payload = json!({ "type": event, "data": data });
        let length = payload.to_string().len();
        if length > LARGEST_PAYLOAD {
            return Err(ComposeError::TooLong {
                limit: LARGEST_PAYLOAD,
                unit: "bytes".to_owned(),
            });
        }
        let fit = Fit {
            length,
            limit: Some(LARGEST_PAYLOAD),
            unit: "bytes".to_owned(),
            left_out,
            language_missing: message.language_missing,
            ..Fit::default()
        };
        let text = format!("{}\n{}\n{}", message.headline, message.summary, message.link);
        Ok(Variant {
            first: None,
            format: FORMAT,
            text,
            payload,
            fit,
        })
    }

    fn canonical(&self, written: &str) -> Option<String> {
        address(written).map(String::from)
    }

    async fn send(&self, job: &Job, now: Ms) -> Report {
        let url = match &self.url {
            Some(url) => url.clone(),
            None => match address(&job.address) {
                Some(url) => url,
                None => {
                    return http::report(
                        Outcome::Permanent,
                        Reason::BadAddress,
                        said!(
                            "die Adresse in der Empfängerliste ist keine Webadresse",
                            "the address in the audience file is no web address"
                        ),
                    );
                }
            },
        };
        let who = host(&url).to_owned();
        let id = match self.key.key() {
            Ok(key) => format!("msg_{}", key.handle("webhook", &[&self.channel, &job.name_for_ever()])),
            Err(error) => return http::no_key(&error),
        };
        let body = self.bodies.of(&job.variant, job.created_ms);
        let seconds = now.div_euclid(1_000);
        let request = self
            .http
            .client()
            .post(url)
            .header("content-type", "application/json")
            .header("webhook-id", &id)
            .header("webhook-timestamp", seconds)
            .header("webhook-signature", sign(&self.secret, &id, seconds, &body))
            .body(body);
        let answer = match self.http.send(request).await {
            Ok(answer) => answer,
            Err(failure) => return http::failed(&who, &failure),
        };
        let status = answer.status;
        // By our clock when it came: a slow answer is none of a clock that is late.
        let came = now.saturating_add(i64::try_from(answer.took.as_millis()).unwrap_or(0));
        let ahead_ms = retry::ahead(&answer.headers, came).unwrap_or(0);
        match status {
            // It could not take what is signed for another time. When the clocks agree again it may.
            400..=403 if ahead_ms.saturating_abs() > TOLERANCE_MS => {
                let apart = SignedDuration::from_mins(ahead_ms.saturating_add(30_000).div_euclid(60_000));
                let (de, en) = (duration(apart, Lang::De), duration(apart, Lang::En));
                let (de_is, en_is) = if ahead_ms > 0 {
                    ("früher", "earlier")
                } else {
                    ("später", "later")
                };
                http::report(
                    Outcome::Transient,
                    Reason::Local,
                    said!(
                        "{who} lehnt es ab ({status}), und dort ist es {de} {de_is} als hier; bitte beide Uhren prüfen",
                        "{who} refuses it ({status}), and there it is {en} {en_is} than here; please look at both clocks"
                    ),
                )
            }
            // The id follows from the delivery; stored ten thousand times it would only make the store larger and slower.
            200..=299 => http::delivered(
                Remote::default(),
                said!("{who} hat sie angenommen ({status})", "{who} took it ({status})"),
            ),
            410 => http::report(
                Outcome::Gone,
                Reason::RecipientGone,
                said!(
                    "{who} möchte keine Nachrichten mehr (410)",
                    "{who} wants no more messages (410)"
                ),
            ),
            // A receiver that does not let us in now may do so later: the specification retries everything else.
            400..=407 | 409 | 411..=424 | 426 | 428 | 431..=499 if self.url.is_none() => {
                let words = http::said_by(&answer);
                http::report(
                    Outcome::Permanent,
                    Reason::RecipientRefused,
                    said!(
                        "{who} lehnt es ab ({status}){words}",
                        "{who} refuses it ({status}){words}"
                    ),
                )
            }
            _ => http::sort(&who, &answer, now),
        }
    }

    async fn check(&self) -> Vec<Finding> {
        let Some(url) = &self.url else {
            return vec![http::well(said!(
                "Die Empfänger stehen in der Datei audience.",
                "The recipients are in the audience file."
            ))];
        };
        let who = host(url);
        // Any answer at all shows that somebody is there; a message is not sent.
        match self.http.send(self.http.client().head(url.clone())).await {
            Ok(answer) if answer.status < 500 => {
                vec![http::well(said!("{who} antwortet.", "{who} answers."))]
            }
            Ok(answer) => vec![http::unwell(who, &http::sort(who, &answer, 0))],
            Err(failure) => vec![http::unwell(who, &http::failed(who, &failure))],
        }
    }
}

#[cfg(test)]
mod tests;
