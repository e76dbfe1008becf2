//! SMS through seven.io (formerly sms77). It knows no handle: a lost answer stands as unknown until its delivery report comes, which names our own
//! reference (`foreign_id`) and is signed where a signing secret is set.

mod answer;
mod report;

use std::time::Duration;

use async_trait::async_trait;
use reqwest::Url;
use reqwest::header::HeaderValue;

use super::registry::{Kind, Surroundings};
use super::sms::{self, Gateway};
use super::{Abilities, Built, Channel, Finding, ReceiptRefusal, ReceiptRequest};
use crate::clock::Ms;
use crate::domain::delivery::Operation;
use crate::domain::outcome::Report;
use crate::domain::problem::Problem;
use crate::net::Answer;
use crate::render::Engine;
use crate::render::compose::ComposeError;
use crate::render::message::Message;
use crate::secret::{ExposeSecret, SecretString};
use crate::settings::{COMMON, ChannelSettings, Reader};
use crate::store::{Job, Receipt, Variant};

/// One line of the registry.
pub const KIND: Kind = Kind {
    name: "seven",
    purpose: [
        "Verschickt SMS über seven.io, mit Zustellberichten.",
        "Sends SMS through seven.io, with delivery reports.",
    ],
    example: EXAMPLE,
    build,
};

const EXAMPLE: &str = r#"[channel.sms_reserve]
kind = "seven"
api_key = "geheim"                    # better api_key_file or api_key_env
audience = { file = "presse.csv" }    # not needed where it only stands in for another channel (failover)
from = "Potsdam"                      # at most 11 letters and digits, or a number
# url = "https://gateway.seven.io"
# signing_secret_env = "SEVEN_SIGNING"   # reports without this signature are refused
# account = "stadt"                   # channels of one name here share the rate; without it each is its own
# max_parts = 4                       # longer texts are shortened at the end of a sentence
# price = 0.075                       # per part, shown before anything is sent
rate = "20/s"
# Delivery reports: at seven.io add a webhook of the type dlr, as JSON, to SITE/receipts/sms_reserve
"#;

/// Where seven.io answers.
const HOME: &str = "https://gateway.seven.io";

/// How seven behaves.
const ABILITIES: Abilities = sms::abilities(8, Duration::from_secs(20));

struct Seven {
    url: Url,
    api_key: SecretString,
    signing: Option<SecretString>,
    sms: Gateway,
    account: String,
}

fn build(around: &Surroundings<'_>, channel: &ChannelSettings) -> Result<Built, Vec<Problem>> {
    let mut reader = Reader::new(&channel.own, COMMON);
    let url = if reader.has("url") {
        reader.url("url", &["http", "https"])
    } else {
        Url::parse(HOME).ok()
    };
    let api_key = reader.required_secret("api_key");
    if api_key
        .as_ref()
        .is_some_and(|key| !sms::fits_a_header(key.expose_secret()))
    {
        sms::in_no_header(&mut reader, "api_key");
    }
    let signing = reader.secret("signing_secret");
    let account = reader.text("account").unwrap_or_else(|| channel.name.clone());
    let sms = sms::gateway(&mut reader, around, channel, &ABILITIES);
    let problems = reader.finish();
    let (Some(url), Some(api_key), Some(sms), true) = (url, api_key, sms, problems.is_empty()) else {
        return Err(problems);
    };
    Ok(Built::Messages(std::sync::Arc::new(Seven {
        url,
        api_key,
        signing,
        sms,
        account,
    })))
}

impl Seven {
    fn who(&self) -> String {
        format!("seven {}", self.url.host_str().unwrap_or("?"))
    }

    fn at(&self, path: &str) -> Url {
        let mut url = self.url.clone();
        url.set_path(path);
        url
    }

    fn request(&self, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        // Without this header seven answers with a bare number.
        let request = request.header("Accept", "application/json");
        match HeaderValue::from_str(self.api_key.expose_secret()) {
            Ok(mut key) => {
                key.set_sensitive(true);
                request.header("X-Api-Key", key)
            }
            // Looked at in `build`: it fits.
            Err(_) => request,
        }
    }
}

#[async_trait]
impl Channel for Seven {
    fn abilities(&self) -> Abilities {
        ABILITIES
    }

    /// A key names no account and may be changed for a fresh one: the account has the name it is given here.
    fn account(&self) -> String {
        format!("{}@{}", self.account, self.url.host_str().unwrap_or("?"))
    }

    fn price(&self) -> Option<f64> {
        self.sms.price
    }

    fn canonical(&self, address: &str) -> Option<String> {
        Gateway::canonical(address)
    }

    fn compose(&self, engine: &Engine, message: &Message, _operation: Operation) -> Result<Variant, ComposeError> {
        self.sms.compose(engine, message)
    }

    async fn send(&self, job: &Job, now: Ms) -> Report {
        let (to, reference) = match self.sms.ready(job) {
            Ok(ready) => ready,
            Err(report) => return report,
        };
        let mut form = vec![
            ("to", to.as_str()),
            ("text", job.variant.text.as_str()),
            ("foreign_id", reference.as_str()),
        ];
        form.extend(self.sms.from.as_deref().map(|from| ("from", from)));
        let request = self
            .request(self.sms.http.client().post(self.at("/api/sms")))
            .form(&form);
        let (who, secrets) = (self.who(), [self.api_key.expose_secret()]);
        let sort = |answer: &Answer| answer::sort(&who, answer, job, now);
        self.sms.ask(&who, &secrets, request, sort).await
    }

    async fn their_time(&self) -> Option<(String, Ms)> {
        self.sms.http.date(&self.at("/")).await
    }

    fn read_receipt(&self, request: &ReceiptRequest) -> Result<Vec<Receipt>, ReceiptRefusal> {
        let signing = self.signing.as_ref().map(|secret| secret.expose_secret().as_bytes());
        report::read(request, signing, &self.sms)
    }

    async fn check(&self) -> Vec<Finding> {
        let who = self.who();
        let request = self.request(self.sms.http.client().get(self.at("/api/balance")));
        let read = |answer: &Answer| answer::balance(&who, answer);
        vec![
            self.sms
                .look(&who, &[self.api_key.expose_secret()], request, read)
                .await,
        ]
    }
}

#[cfg(test)]
mod tests;
