//! SMS through any gateway that takes an HTTP request: the configuration describes the request and how its answer reads. It is taken for one
//! without a handle: a lost answer stands as unknown until a report names our reference, or a person knows.

mod reading;
mod request;
mod template;

use std::time::Duration;

use async_trait::async_trait;
use reqwest::Url;

use self::reading::{Accept, Receipts};
use self::request::Described;
use self::template::Field;
use super::http;
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
use crate::said;
use crate::secret::{ExposeSecret, SecretString};
use crate::settings::{COMMON, ChannelSettings, Reader};
use crate::store::{Job, Receipt, Variant};
use crate::text::sms::{Encoding, measure};

/// One line of the registry.
pub const KIND: Kind = Kind {
    name: "sms_http",
    purpose: [
        "Verschickt SMS über ein beliebiges HTTP-Gateway, das die Konfiguration beschreibt.",
        "Sends SMS through any HTTP gateway that the configuration describes.",
    ],
    example: EXAMPLE,
    build,
};

const EXAMPLE: &str = r#"[channel.sms]
kind = "sms_http"
url = "https://sms.provider.example/v1/messages"   # {…} may stand in its query
method = "POST"                       # or "GET", without body
headers = { Authorization = "Bearer {secret}" }
secret = "geheim"                     # better secret_file or secret_env; {secret} stands for it
body = '{"to": "{to}", "text": "{text}", "reference": "{ref}", "callback": "{receipts}"}'
# body = "to={digits}&text={text}"    # a body that does not begin with { or [ is a form
#   {to} +49…, {digits} 49…, {text}, {from}, {secret}, {ref} our reference, {receipts} where to report, {encoding} gsm7 or ucs2
# encoding = { gsm7 = "text", ucs2 = "unicode" }   # what {encoding} says instead, for gateways with words of their own (Vonage: type={encoding})
# What an answer with 2xx has to say: the whole value at a path in its JSON, or, without field, the word its text begins with.
# refused: not to this number; again: later; stop: nothing more until a person has looked (credit, key). All else is unknown.
accept = { field = "status", is = ["queued"], refused = ["invalid_number"], again = ["busy"], stop = ["no_credit"], id = "messages.0.id" }
# The fields of a delivery report (query, form or JSON), and its words
receipts = { ref = "reference", status = "state", delivered = ["DELIVRD"], rejected = ["UNDELIV", "REJECTD"], expired = ["EXPIRED"] }
audience = { file = "presse.csv" }    # not needed where it only stands in for another channel (failover)
from = "Potsdam"
# account = "stadt"                   # channels of one name here share the rate; without it each is its own
# max_parts = 4                       # longer texts are shortened at the end of a sentence
# price = 0.07                        # per part, shown before anything is sent
rate = "10/s"
"#;

/// What may be said of any gateway.
const ABILITIES: Abilities = sms::abilities(8, Duration::from_secs(20));

struct SmsHttp {
    described: Described,
    secret: Option<SecretString>,
    accept: Accept,
    receipts: Option<Receipts>,
    /// What `{encoding}` says.
    encodings: Encodings,
    sms: Gateway,
    account: String,
}

/// The gateway's words for how a text travels.
struct Encodings {
    gsm7: String,
    ucs2: String,
}

impl Encodings {
    fn word(&self, encoding: Encoding) -> &str {
        match encoding {
            Encoding::Gsm7 => &self.gsm7,
            Encoding::Ucs2 => &self.ucs2,
        }
    }
}

/// Reads `encoding`.
fn encodings(reader: &mut Reader<'_>) -> Encodings {
    let [gsm7, ucs2] = [Encoding::Gsm7, Encoding::Ucs2].map(|encoding| encoding.name().to_owned());
    let mut words = Encodings { gsm7, ucs2 };
    if !reader.has("encoding") {
        return words;
    }
    let Some(table) = reader.table("encoding") else {
        return words;
    };
    let mut inner = Reader::new(&table, &[]);
    let remedy = || {
        said!(
            "Das Wort des Gateways dafür, zum Beispiel encoding = {{ gsm7 = \"text\", ucs2 = \"unicode\" }}.",
            "The gateway's word for it, such as encoding = {{ gsm7 = \"text\", ucs2 = \"unicode\" }}."
        )
    };
    for (key, word) in [("gsm7", &mut words.gsm7), ("ucs2", &mut words.ucs2)] {
        if let Some(written) = inner.required(key, remedy()) {
            *word = written;
        }
    }
    reader.absorb(inner.finish());
    words
}

fn build(around: &Surroundings<'_>, channel: &ChannelSettings) -> Result<Built, Vec<Problem>> {
    let mut reader = Reader::new(&channel.own, COMMON);
    let described = request::described(&mut reader);
    let secret = reader.secret("secret");
    let accept = reading::accept(&mut reader);
    let receipts = reading::receipts(&mut reader);
    let translated = reader.has("encoding");
    let encodings = encodings(&mut reader);
    let account = reader.text("account").unwrap_or_else(|| channel.name.clone());
    let sms = sms::gateway(&mut reader, around, channel, &ABILITIES);
    let from = reader.has("from");
    if let Some(described) = &described {
        for (field, given, key) in [(Field::Secret, secret.is_some(), "secret"), (Field::From, from, "from")] {
            if !given && described.uses(&[field]) {
                let remedy = said!("{{{key}}} steht in der Anfrage.", "{{{key}}} stands in the request.");
                reader.missing(key, remedy);
            }
        }
        if translated && !described.uses(&[Field::Encoding]) {
            reader.problem(
                "encoding",
                said!(
                    "{{encoding}} steht nirgends in der Anfrage.",
                    "{{encoding}} stands nowhere in the request."
                ),
                said!(
                    "Schreiben Sie es dorthin, wo das Gateway dieses Wort erwartet, zum Beispiel type={{encoding}}.",
                    "Write it where the gateway expects that word, such as type={{encoding}}."
                ),
            );
        }
        if let Some(what) = reading::no_way_home(receipts.as_ref(), described) {
            reader.problem(
                "receipts",
                what,
                said!(
                    "Entweder steht {{receipts}} in der Anfrage, oder {{ref}} steht darin, und receipts nennt mit ref das Feld, in dem es zurückkommt.",
                    "Either {{receipts}} stands in the request, or {{ref}} does and receipts names with ref the field in which it comes back."
                ),
            );
        }
        let written = secret.as_ref().map_or("", |secret| secret.expose_secret());
        if !described.can_carry(Field::Secret, written) {
            sms::in_no_header(&mut reader, "secret");
        }
    }
    let problems = reader.finish();
    let (Some(described), Some(accept), Some(sms), true) = (described, accept, sms, problems.is_empty()) else {
        return Err(problems);
    };
    Ok(Built::Messages(std::sync::Arc::new(SmsHttp {
        described,
        secret,
        accept,
        receipts,
        encodings,
        sms,
        account,
    })))
}

impl SmsHttp {
    fn who(&self) -> String {
        format!("Gateway {}", self.described.url().host_str().unwrap_or("?"))
    }

    fn secret(&self) -> &str {
        self.secret.as_ref().map_or("", |secret| secret.expose_secret())
    }

    /// A message's request.
    fn request(&self, job: &Job, to: &str, reference: &str) -> reqwest::RequestBuilder {
        let report_to = format!("{}?r={reference}", self.sms.receipts);
        let encoding = self.encodings.word(measure(&job.variant.text).encoding);
        self.described.request(self.sms.http.client(), |field| match field {
            Field::To => to,
            Field::Digits => to.trim_start_matches('+'),
            Field::Text => job.variant.text.as_str(),
            Field::Ref => reference,
            Field::Receipts => report_to.as_str(),
            Field::Encoding => encoding,
            Field::From | Field::Secret => self.same_for_all(field),
        })
    }

    /// What stands in every request, whatever the message.
    fn same_for_all(&self, field: Field) -> &str {
        match field {
            Field::From => self.sms.from.as_deref().unwrap_or_default(),
            Field::Secret => self.secret(),
            Field::Encoding => self.encodings.word(Encoding::Gsm7),
            Field::To | Field::Digits | Field::Text | Field::Ref | Field::Receipts => "",
        }
    }

    fn sort(&self, who: &str, answer: &Answer, now: Ms) -> Report {
        match answer.status {
            200..=299 => self.accept.read(who, answer),
            _ => sms::sort(who, answer, now),
        }
    }

    /// The address without what only a message has.
    fn root(&self) -> Url {
        let mut root = self.described.url().clone();
        root.set_path("/");
        root.set_query(None);
        root
    }
}

#[async_trait]
impl Channel for SmsHttp {
    fn abilities(&self) -> Abilities {
        Abilities {
            receipts: self.receipts.is_some(),
            ..ABILITIES
        }
    }

    fn account(&self) -> String {
        format!("{}@{}", self.account, self.described.url().host_str().unwrap_or("?"))
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
        let (who, secrets) = (self.who(), [self.secret()]);
        let sort = |answer: &Answer| self.sort(&who, answer, now);
        self.sms
            .ask(&who, &secrets, self.request(job, &to, &reference), sort)
            .await
    }

    async fn their_time(&self) -> Option<(String, Ms)> {
        self.sms.http.date(&self.root()).await
    }

    fn read_receipt(&self, request: &ReceiptRequest) -> Result<Vec<Receipt>, ReceiptRefusal> {
        let described = self.receipts.as_ref().ok_or(ReceiptRefusal::None)?;
        let reference = described.reference(request).ok_or(ReceiptRefusal::Forbidden)?;
        let delivery = self.sms.ours(&reference)?;
        let (word, raw) = described.word(request).ok_or(ReceiptRefusal::Malformed)?;
        Ok(vec![Receipt {
            delivery: Some(delivery),
            remote_id: None,
            word,
            raw,
        }])
    }

    async fn check(&self) -> Vec<Finding> {
        let who = self.who();
        let client = self.sms.http.client();
        let request = self.described.bare(client, |field| self.same_for_all(field));
        let read = |answer: &Answer| match answer.status {
            // What is no message is refused, or answered somehow: it was read by whom it was for.
            200..=299 | 400 | 406 | 409 | 411 | 415 | 422 => http::well(said!(
                "{who} antwortet. Ob Zugangsdaten und Beschreibung stimmen, zeigt erst eine SMS.",
                "{who} answers. Whether credentials and description are right only an SMS will show."
            )),
            _ => sms::unwell(&who, answer, &sms::sort(&who, answer, 0)),
        };
        vec![self.sms.look(&who, &[self.secret()], request, read).await]
    }
}

#[cfg(test)]
mod tests;
