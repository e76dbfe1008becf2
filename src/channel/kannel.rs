//! SMS through a Kannel gateway of one's own (`sendsms`, Kannel user guide). Kannel gives no message id, so our own reference
//! travels in the address of the delivery report, with a token; that report also settles what nobody knew.

use std::time::Duration;

use async_trait::async_trait;
use reqwest::Url;

use super::http;
use super::registry::{Kind, Surroundings};
use super::sms;
use super::{Abilities, Built, Channel, Finding, ReceiptRefusal, ReceiptRequest};
use crate::clock::Ms;
use crate::domain::delivery::{Operation, UnknownPolicy};
use crate::domain::outcome::{Outcome, Reason, Remote, Report};
use crate::domain::problem::Problem;
use crate::ids::DeliveryId;
use crate::net::{Answer, Http};
use crate::render::Engine;
use crate::render::compose::ComposeError;
use crate::render::message::Message;
use crate::said;
use crate::secret::{ExposeSecret, KeyFile, SecretString};
use crate::settings::{COMMON, ChannelSettings, Reader};
use crate::store::{Job, Receipt, ReceiptWord, Variant};
use crate::text::sms::{Encoding, measure};

/// One line of the registry.
pub const KIND: Kind = Kind {
    name: "kannel",
    purpose: [
        "Verschickt SMS über ein eigenes Kannel-Gateway, mit Zustellberichten.",
        "Sends SMS through a Kannel gateway of your own, with delivery reports.",
    ],
    example: EXAMPLE,
    build,
};

const EXAMPLE: &str = r#"[channel.sms]
kind = "kannel"
url = "http://127.0.0.1:13013"        # sendsms-port; without a path /cgi-bin/sendsms is meant
username = "rundruf"
password = "geheim"                   # better password_file or password_env
audience = { file = "presse.csv" }    # address,name,language,places
from = "Potsdam"                      # at most 11 letters and digits, or a number
# max_parts = 4                       # longer texts are shortened at the end of a sentence
# price = 0.07                        # per part, shown before anything is sent
rate = "50/s"
catch_up = "latest"
expires = "6h"
# failover = "sms_reserve"
"#;

/// Delivered, not delivered, queued, accepted and rejected by the centre (user guide, "Delivery Reports").
const DLR_MASK: &str = "31";

/// How Kannel behaves: no handle, no read-back, receipts.
const ABILITIES: Abilities = Abilities {
    handle_for: None,
    looks_up: false,
    receipts: true,
    threads: false,
    correction: Operation::Post,
    retraction: Operation::Post,
    links: true,
    audience: true,
    unknown: UnknownPolicy::Ask,
    concurrency: 16,
    timeout: Duration::from_secs(15),
};

struct Kannel {
    url: Url,
    username: String,
    password: SecretString,
    sms: sms::Common,
    http: Http,
    key: KeyFile,
    channel: String,
    receipts: String,
}

fn build(around: &Surroundings<'_>, channel: &ChannelSettings) -> Result<Built, Vec<Problem>> {
    let mut reader = Reader::new(&channel.own, COMMON);
    if !reader.has("url") {
        reader.missing(
            "url",
            said!(
                "Schreiben Sie url = \"http://127.0.0.1:13013\".",
                "Write url = \"http://127.0.0.1:13013\"."
            ),
        );
    }
    let url = reader.url("url", &["http", "https"]);
    let username = reader.required(
        "username",
        said!(
            "Wie in der Gruppe sendsms-user von kannel.conf.",
            "As in the group sendsms-user of kannel.conf."
        ),
    );
    let password = reader.required_secret("password");
    let sms = sms::read(&mut reader);
    sms::needs_audience(&mut reader, around.settings.is_reserve(&channel.name));
    let http = http::client(&mut reader, channel, &ABILITIES, true);
    let problems = reader.finish();
    let (Some(mut url), Some(username), Some(password), Some(http), true) =
        (url, username, password, http, problems.is_empty())
    else {
        return Err(problems);
    };
    if url.path() == "/" {
        url.set_path("/cgi-bin/sendsms");
    }
    Ok(Built::Messages(std::sync::Arc::new(Kannel {
        receipts: format!("{}/receipts/{}", around.settings.site_url, channel.name),
        url,
        username,
        password,
        sms,
        http,
        key: around.key.clone(),
        channel: channel.name.clone(),
    })))
}

impl Kannel {
    fn who(&self) -> String {
        format!("Kannel {}", self.url.host_str().unwrap_or("?"))
    }

    /// Where Kannel reports to: it replaces `%d` by the report's kind, `%F` by the centre's id, `%A` by the centre's words.
    fn report_address(&self, job: &Job) -> std::io::Result<String> {
        let (delivery, attempt) = (job.delivery.0, job.attempt);
        let token = self.key.key()?.receipt_token(&self.channel, delivery, attempt);
        Ok(format!(
            "{}?d={delivery}&a={attempt}&t={token}&type=%d&fid=%F&reply=%A",
            self.receipts
        ))
    }

    fn sort(&self, answer: &Answer, now: Ms) -> Report {
        let who = self.who();
        let body = String::from_utf8_lossy(&answer.body[..answer.body.len().min(1_000)]).into_owned();
        let body = body.trim();
        let (status, words) = (answer.status, http::said_by(answer));
        match status {
            200..=299 if body.contains("Denied receivers are:") => http::report(
                Outcome::Permanent,
                Reason::RecipientRefused,
                said!(
                    "{who} nimmt diese Nummer nicht an{words}",
                    "{who} refuses this number{words}"
                ),
            ),
            200..=299 if answer.complete && ["0:", "3:", "Sent."].iter().any(|begin| body.starts_with(begin)) => {
                http::report(
                    Outcome::Accepted(Remote::default()),
                    Reason::Ok,
                    said!("{who} hat sie angenommen{words}", "{who} took it{words}"),
                )
            }
            200..=299 => http::not_understood(&who, answer),
            403 if body.starts_with("Not routable") => http::report(
                Outcome::Permanent,
                Reason::RecipientRefused,
                said!(
                    "{who} hat keinen Weg zu dieser Nummer{words}",
                    "{who} has no route to this number{words}"
                ),
            ),
            400 if body.to_lowercase().contains("receiver") || body.starts_with("Number(s)") => http::report(
                Outcome::Permanent,
                Reason::RecipientRefused,
                said!(
                    "{who} nimmt diese Nummer nicht an{words}",
                    "{who} refuses this number{words}"
                ),
            ),
            404 => http::report(
                Outcome::Auth,
                Reason::Credentials,
                said!(
                    "{who} kennt unter dieser Adresse kein sendsms (404): bitte url prüfen",
                    "{who} knows no sendsms at this address (404): check url"
                ),
            ),
            500 if body.starts_with("Sending failed") => http::sort(&who, answer, now),
            // A proxy in front of Kannel says so after handing the request on, or not: an SMS is never sent twice on a guess.
            500 | 502 | 504 => http::report(
                Outcome::Unknown,
                Reason::ServiceTrouble,
                said!(
                    "etwas vor {who} ist gestört ({status}); die SMS kann durchgegangen sein{words}",
                    "something in front of {who} is in trouble ({status}); the SMS may have gone through{words}"
                ),
            ),
            _ => http::sort(&who, answer, now),
        }
    }
}

#[async_trait]
impl Channel for Kannel {
    fn abilities(&self) -> Abilities {
        ABILITIES
    }

    fn account(&self) -> String {
        let (host, port) = (
            self.url.host_str().unwrap_or("?"),
            self.url.port_or_known_default().unwrap_or(0),
        );
        format!("{}@{host}:{port}", self.username)
    }

    fn compose(&self, engine: &Engine, message: &Message, _operation: Operation) -> Result<Variant, ComposeError> {
        sms::compose(engine, message, self.sms.max_parts)
    }

    async fn send(&self, job: &Job, now: Ms) -> Report {
        let Some(to) = sms::number(&job.address) else {
            return sms::no_number();
        };
        let report_to = match self.report_address(job) {
            Ok(address) => address,
            Err(error) => return http::no_key(&error),
        };
        let coding = match measure(&job.variant.text).encoding {
            Encoding::Gsm7 => "0",
            Encoding::Ucs2 => "2",
        };
        let mut query = vec![
            ("username", self.username.as_str()),
            ("password", self.password.expose_secret()),
            ("to", &to),
            ("text", &job.variant.text),
            ("coding", coding),
            // Kannel's default for coding 2 is UTF-16BE; with this it takes UTF-8 and encodes itself.
            ("charset", "UTF-8"),
            ("dlr-mask", DLR_MASK),
            ("dlr-url", &report_to),
        ];
        query.extend(self.sms.from.as_deref().map(|from| ("from", from)));
        match self
            .http
            .send(self.http.client().get(self.url.clone()).query(&query))
            .await
        {
            Ok(answer) => self.sort(&http::without(answer, &[self.password.expose_secret()]), now),
            Err(failure) => http::failed(&self.who(), &failure),
        }
    }

    async fn their_time(&self) -> Option<(String, Ms)> {
        let mut root = self.url.clone();
        root.set_path("/");
        self.http.date(&root).await
    }

    fn read_receipt(&self, request: &ReceiptRequest) -> Result<Vec<Receipt>, ReceiptRefusal> {
        let field = |name: &str| {
            request
                .query
                .iter()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.as_str())
        };
        let number = |name: &str| field(name).and_then(|v| v.parse::<i64>().ok());
        let token = field("t").ok_or(ReceiptRefusal::Forbidden)?;
        let delivery = number("d").ok_or(ReceiptRefusal::Malformed)?;
        let attempt = number("a")
            .and_then(|a| u32::try_from(a).ok())
            .ok_or(ReceiptRefusal::Malformed)?;
        let key = self.key.key().map_err(|_| ReceiptRefusal::Forbidden)?;
        if !key.is_receipt_token(&self.channel, delivery, attempt, token) {
            return Err(ReceiptRefusal::Forbidden);
        }
        let reply = field("reply").unwrap_or_default();
        let word = match number("type").ok_or(ReceiptRefusal::Malformed)? {
            1 => ReceiptWord::Delivered,
            2 if reply.contains("stat:EXPIRED") => ReceiptWord::Expired,
            2 | 16 => ReceiptWord::Rejected,
            4 | 8 | 32 => ReceiptWord::Buffered,
            _ => return Err(ReceiptRefusal::Malformed),
        };
        let short = |text: &str| text.chars().filter(|c| !c.is_control()).take(200).collect::<String>();
        Ok(vec![Receipt {
            delivery: Some((DeliveryId(delivery), attempt)),
            remote_id: field("fid").filter(|id| !id.is_empty()).map(short),
            word,
            raw: short(reply),
        }])
    }

    async fn check(&self) -> Vec<Finding> {
        let who = self.who();
        // Without a receiver Kannel checks the credentials and sends nothing.
        let query = [
            ("username", self.username.as_str()),
            ("password", self.password.expose_secret()),
        ];
        match self
            .http
            .send(self.http.client().get(self.url.clone()).query(&query))
            .await
        {
            Ok(answer) if answer.status == 400 => vec![http::well(said!(
                "{who} nimmt die Zugangsdaten an.",
                "{who} takes the credentials."
            ))],
            Ok(answer) => {
                let answer = http::without(answer, &[self.password.expose_secret()]);
                vec![http::unwell(&who, &self.sort(&answer, 0))]
            }
            Err(failure) => vec![http::unwell(&who, &http::failed(&who, &failure))],
        }
    }
}

#[cfg(test)]
mod tests;
