//! SMS through any gateway that takes an HTTP request: the configuration describes the request and how its answer reads. It is taken for one
//! without a handle: a lost answer stands as unknown until a report names our reference, or a person knows.

mod reading;
mod template;

use std::time::Duration;

use async_trait::async_trait;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};

use self::reading::{Accept, Receipts};
use self::template::{Field, Target, Template, names};
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
use crate::settings::raw::Value;
use crate::settings::{COMMON, ChannelSettings, Reader};
use crate::store::{Job, Receipt, Variant};
use crate::text::sms::measure;

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
# What an answer with 2xx has to say: a path in its JSON (or, without field, words anywhere in it). All else is unknown.
accept = { field = "status", is = ["queued"], refused = ["invalid_number"], again = ["busy"], id = "messages.0.id" }
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
    url: Url,
    query: Option<Template>,
    method: Method,
    headers: Vec<(HeaderName, Template)>,
    body: Option<Template>,
    media_type: &'static str,
    secret: Option<SecretString>,
    accept: Accept,
    receipts: Option<Receipts>,
    sms: Gateway,
    account: String,
}

fn build(around: &Surroundings<'_>, channel: &ChannelSettings) -> Result<Built, Vec<Problem>> {
    let mut reader = Reader::new(&channel.own, COMMON);
    if !reader.has("url") {
        let remedy = said!("Die Adresse, an die eine SMS geht.", "The address that takes an SMS.");
        reader.missing("url", remedy);
    }
    let url = reader.url("url", &["http", "https"]);
    let query = url.as_ref().and_then(Url::query).map(str::to_owned);
    let query = query.and_then(|written| template(&mut reader, "url", &written, Target::Form));
    let get = reader
        .word("method", &[("POST", false), ("GET", true)])
        .unwrap_or(false);
    let method = if get { Method::GET } else { Method::POST };
    let headers = headers(&mut reader);
    let (body, media_type) = body(&mut reader, &method);
    let secret = reader.secret("secret");
    let accept = reading::accept(&mut reader);
    let receipts = reading::receipts(&mut reader);
    let account = reader.text("account").unwrap_or_else(|| channel.name.clone());
    let sms = sms::gateway(&mut reader, around, channel, &ABILITIES);
    let all = || query.iter().chain(body.iter()).chain(headers.iter().map(|(_, t)| t));
    let has = |fields: &[Field]| all().any(|t| fields.iter().any(|f| t.has(*f)));
    let (to, text) = (has(&[Field::To, Field::Digits]), has(&[Field::Text]));
    let wants = [
        (Field::Secret, secret.is_none(), "secret"),
        (Field::From, !reader.has("from"), "from"),
    ];
    let lacking: Vec<&str> = wants
        .into_iter()
        .filter(|(f, none, _)| *none && has(&[*f]))
        .map(|w| w.2)
        .collect();
    if url.is_some() && !(to && text) {
        let key = if method == Method::GET { "url" } else { "body" };
        reader.problem(
            key,
            said!(
                "In der Anfrage fehlt die Nummer oder der Text.",
                "the request lacks the number or the text."
            ),
            said!(
                "Schreiben Sie {{to}} und {{text}} hinein.",
                "Put {{to}} and {{text}} into it."
            ),
        );
    }
    for key in lacking {
        let remedy = said!("{{{key}}} steht in der Anfrage.", "{{{key}}} stands in the request.");
        reader.missing(key, remedy);
    }
    let problems = reader.finish();
    let (Some(url), Some(accept), Some(sms), true) = (url, accept, sms, problems.is_empty()) else {
        return Err(problems);
    };
    Ok(Built::Messages(std::sync::Arc::new(SmsHttp {
        url,
        query,
        method,
        headers,
        body,
        media_type,
        secret,
        accept,
        receipts,
        sms,
        account,
    })))
}

fn template(reader: &mut Reader<'_>, key: &str, written: &str, target: Target) -> Option<Template> {
    match Template::parse(written, target) {
        Ok(template) => Some(template),
        Err(what) => {
            let list = names();
            reader.problem(key, what, said!("Es gibt: {list}.", "There are: {list}."));
            None
        }
    }
}

fn headers(reader: &mut Reader<'_>) -> Vec<(HeaderName, Template)> {
    let table = if reader.has("headers") {
        reader.table("headers")
    } else {
        None
    };
    let mut headers = Vec::new();
    for (name, node) in table.iter().flat_map(|t| &t.entries) {
        match (HeaderName::from_bytes(name.as_bytes()), &node.value) {
            (Ok(name), Value::Text(written)) if !written.chars().any(char::is_control) => {
                headers.extend(template(reader, "headers", written, Target::Header).map(|t| (name, t)));
            }
            _ => reader.problem(
                "headers",
                said!("Das Kopffeld {name} ist keines.", "the header {name} is none."),
                said!(
                    "Namen aus Buchstaben, Ziffern und Bindestrichen, Werte als Text in einer Zeile.",
                    "Names of letters, digits and hyphens, values as text on one line."
                ),
            ),
        }
    }
    headers
}

/// The body and its media type. JSON has to be JSON once it is filled in.
fn body(reader: &mut Reader<'_>, method: &Method) -> (Option<Template>, &'static str) {
    const FORM: &str = "application/x-www-form-urlencoded";
    let written = if reader.has("body") { reader.text("body") } else { None };
    let Some(written) = written else { return (None, FORM) };
    if *method == Method::GET {
        reader.problem(
            "body",
            said!("GET hat keinen Inhalt.", "GET has no body."),
            said!("Schreiben Sie method = \"POST\".", "Write method = \"POST\"."),
        );
        return (None, FORM);
    }
    if !written.trim_start().starts_with(['{', '[']) {
        return (template(reader, "body", &written, Target::Form), FORM);
    }
    let body = template(reader, "body", &written, Target::Json);
    let filled = body.as_ref().map(|b| b.fill(|_| "1"));
    if filled.is_some_and(|filled| serde_json::from_str::<serde_json::Value>(&filled).is_err()) {
        reader.problem(
            "body",
            said!("Das ist kein JSON.", "this is no JSON."),
            said!(
                "Zum Beispiel body = '{{\"to\": \"{{to}}\", \"text\": \"{{text}}\"}}'.",
                "For example body = '{{\"to\": \"{{to}}\", \"text\": \"{{text}}\"}}'."
            ),
        );
    }
    (body, "application/json")
}

impl SmsHttp {
    fn who(&self) -> String {
        format!("Gateway {}", self.url.host_str().unwrap_or("?"))
    }

    fn secret(&self) -> &str {
        self.secret.as_ref().map_or("", |secret| secret.expose_secret())
    }

    fn request(&self, job: &Job, to: &str, reference: &str) -> reqwest::RequestBuilder {
        let report_to = format!("{}?r={reference}", self.sms.receipts);
        let encoding = measure(&job.variant.text).encoding.name();
        let value = |field| match field {
            Field::To => to,
            Field::Digits => to.trim_start_matches('+'),
            Field::Text => job.variant.text.as_str(),
            Field::From => self.sms.from.as_deref().unwrap_or_default(),
            Field::Secret => self.secret(),
            Field::Ref => reference,
            Field::Receipts => report_to.as_str(),
            Field::Encoding => encoding,
        };
        let mut url = self.url.clone();
        if let Some(query) = &self.query {
            url.set_query(Some(&query.fill(value)));
        }
        let mut headers = HeaderMap::new();
        if self.body.is_some() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.media_type));
        }
        for (name, template) in &self.headers {
            if let Ok(mut filled) = HeaderValue::from_str(&template.fill(value)) {
                filled.set_sensitive(true);
                headers.insert(name, filled);
            }
        }
        let request = self
            .sms
            .http
            .client()
            .request(self.method.clone(), url)
            .headers(headers);
        match &self.body {
            Some(body) => request.body(body.fill(value)),
            None => request,
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
        let mut root = self.url.clone();
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
        format!("{}@{}", self.account, self.url.host_str().unwrap_or("?"))
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
        match self.sms.http.send(self.sms.http.client().get(self.root())).await {
            Ok(_) => vec![http::well(said!(
                "{who} antwortet. Ob Zugangsdaten und Beschreibung stimmen, zeigt erst eine SMS.",
                "{who} answers. Whether credentials and description are right only an SMS will show."
            ))],
            Err(failure) => vec![http::unwell(&who, &http::failed(&who, &failure))],
        }
    }
}

#[cfg(test)]
mod tests;
