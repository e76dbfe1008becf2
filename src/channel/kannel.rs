//! SMS through a Kannel gateway of one's own (`sendsms`, Kannel user guide). Kannel gives no message id, so our own reference
//! travels in the address of the delivery report, with a token; that report also settles what nobody knew.

use std::time::Duration;

use async_trait::async_trait;
use reqwest::Url;

use super::http;
use super::registry::{Kind, Surroundings};
use super::sms::{self, Gateway};
use super::{Abilities, Built, Channel, Finding, ReceiptRefusal, ReceiptRequest};
use crate::clock::Ms;
use crate::domain::delivery::Operation;
use crate::domain::outcome::{Outcome, Reason, Remote, Report};
use crate::domain::problem::Problem;
use crate::net::Answer;
use crate::render::Engine;
use crate::render::compose::ComposeError;
use crate::render::message::Message;
use crate::said;
use crate::secret::{ExposeSecret, SecretString};
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

/// How Kannel behaves.
const ABILITIES: Abilities = sms::abilities(16, Duration::from_secs(15));

struct Kannel {
    url: Url,
    username: String,
    password: SecretString,
    sms: Gateway,
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
    let sms = sms::gateway(&mut reader, around, channel, &ABILITIES);
    let problems = reader.finish();
    let (Some(mut url), Some(username), Some(password), Some(sms), true) =
        (url, username, password, sms, problems.is_empty())
    else {
        return Err(problems);
    };
    if url.path() == "/" {
        url.set_path("/cgi-bin/sendsms");
    }
    Ok(Built::Messages(std::sync::Arc::new(Kannel {
        url,
        username,
        password,
        sms,
    })))
}

impl Kannel {
    fn who(&self) -> String {
        format!("Kannel {}", self.url.host_str().unwrap_or("?"))
    }

    /// Where Kannel reports to: it replaces `%d` by the report's kind, `%F` by the centre's id, `%A` by the centre's words.
    fn report_address(&self, reference: &str) -> String {
        format!("{}?r={reference}&type=%d&fid=%F&reply=%A", self.sms.receipts)
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
            500 if body.starts_with("Sending failed") => http::sort(&who, answer, now),
            _ => sms::sort(&who, answer, now),
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
        let report_to = self.report_address(&reference);
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
        let request = self.sms.http.client().get(self.url.clone()).query(&query);
        let secrets = [self.password.expose_secret()];
        self.sms
            .ask(&self.who(), &secrets, request, |answer| self.sort(answer, now))
            .await
    }

    async fn their_time(&self) -> Option<(String, Ms)> {
        let mut root = self.url.clone();
        root.set_path("/");
        self.sms.http.date(&root).await
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
        let delivery = match (field("r"), field("d"), field("a"), field("t")) {
            (Some(reference), ..) => self.sms.ours(reference)?,
            // As the address was before it had one `r`: such reports may still be under way.
            (_, Some(delivery), Some(attempt), Some(token)) => {
                self.sms.ours(&format!("{delivery}.{attempt}.{token}"))?
            }
            _ => return Err(ReceiptRefusal::Forbidden),
        };
        let reply = field("reply").unwrap_or_default();
        let word = match number("type").ok_or(ReceiptRefusal::Malformed)? {
            1 => ReceiptWord::Delivered,
            2 if reply.contains("stat:EXPIRED") => ReceiptWord::Expired,
            2 | 16 => ReceiptWord::Rejected,
            4 | 8 | 32 => ReceiptWord::Buffered,
            _ => return Err(ReceiptRefusal::Malformed),
        };
        Ok(vec![Receipt {
            delivery: Some(delivery),
            remote_id: field("fid").and_then(sms::remote_id),
            word,
            raw: sms::words_of_a_report(reply),
        }])
    }

    async fn check(&self) -> Vec<Finding> {
        let who = self.who();
        // Without a receiver Kannel checks the credentials and sends nothing.
        let query = [
            ("username", self.username.as_str()),
            ("password", self.password.expose_secret()),
        ];
        let request = self.sms.http.client().get(self.url.clone()).query(&query);
        let read = |answer: &Answer| match answer.status {
            400 => http::well(said!(
                "{who} nimmt die Zugangsdaten an.",
                "{who} takes the credentials."
            )),
            _ => sms::unwell(&who, answer, &self.sort(answer, 0)),
        };
        vec![
            self.sms
                .look(&who, &[self.password.expose_secret()], request, read)
                .await,
        ]
    }
}

#[cfg(test)]
mod tests;
