//! The described request: where it goes, by which method, with which headers and body. What is wrong with the description is said at the start.

use reqwest::header::{
    CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue, TRANSFER_ENCODING,
};
use reqwest::{Client, Method, RequestBuilder, Url};

use super::template::{Field, Target, Template, names};
use crate::channel::sms;
use crate::said;
use crate::settings::Reader;
use crate::settings::raw::Value;

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

/// What the client writes by itself.
const OURS: [HeaderName; 4] = [CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING];

/// What only a message has: without them nothing can come of a request.
const OF_A_MESSAGE: [Field; 5] = [Field::To, Field::Digits, Field::Text, Field::Ref, Field::Receipts];

/// A request with its places.
pub(super) struct Described {
    url: Url,
    /// The pairs of its query.
    query: Vec<Template>,
    method: Method,
    headers: Vec<(HeaderName, Template)>,
    body: Option<(Template, &'static str)>,
}

/// Reads `url`, `method`, `headers` and `body`; `None` with problems where there is no address.
pub(super) fn described(reader: &mut Reader<'_>) -> Option<Described> {
    if !reader.has("url") {
        let remedy = said!("Die Adresse, an die eine SMS geht.", "The address that takes an SMS.");
        reader.missing("url", remedy);
    }
    let url = reader.url("url", &["http", "https"]);
    let written = url.as_ref().and_then(Url::query).unwrap_or_default().to_owned();
    let pairs = written.split('&').filter(|pair| !pair.is_empty());
    let query = pairs
        .filter_map(|pair| template(reader, "url", pair, Target::Form))
        .collect();
    let get = reader
        .word("method", &[("POST", false), ("GET", true)])
        .unwrap_or(false);
    let method = if get { Method::GET } else { Method::POST };
    let headers = headers(reader);
    let body = body(reader, &method);
    let described = Described {
        url: url?,
        query,
        method,
        headers,
        body,
    };
    if !(described.uses(&[Field::To, Field::Digits]) && described.uses(&[Field::Text])) {
        reader.problem(
            if get { "url" } else { "body" },
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
    Some(described)
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
    let mut headers: Vec<(HeaderName, Template)> = Vec::new();
    for (written, node) in table.iter().flat_map(|t| &t.entries) {
        match (HeaderName::from_bytes(written.as_bytes()), &node.value) {
            (Ok(name), _) if OURS.contains(&name) => reader.problem(
                "headers",
                said!("Das Kopffeld {written} setzt Rundruf selbst.", "the header {written} is set by Rundruf itself."),
                said!("Lassen Sie es weg.", "Leave it out."),
            ),
            // Names are told apart by their letters, not by their case.
            (Ok(name), _) if headers.iter().any(|(known, _)| *known == name) => reader.problem(
                "headers",
                said!("Das Kopffeld {written} steht zweimal da.", "the header {written} stands there twice."),
                said!("Groß und klein geschrieben ist es dasselbe. Lassen Sie eines weg.", "Upper and lower case are the same. Leave one out."),
            ),
            (Ok(name), Value::Text(value)) if sms::fits_a_header(value) => {
                headers.extend(template(reader, "headers", value, Target::Header).map(|t| (name, t)));
            }
            _ => reader.problem(
                "headers",
                said!("Das Kopffeld {written} kann man so nicht senden.", "the header {written} cannot be sent like this."),
                said!(
                    "Namen aus Buchstaben von a bis z, Ziffern und Bindestrichen, Werte als Text in einer Zeile; beide ohne Umlaute und andere Sonderzeichen.",
                    "Names of letters from a to z, digits and hyphens, values as text on one line; both in ASCII."
                ),
            ),
        }
    }
    headers
}

/// The body and its media type. JSON has to be JSON once it is filled in.
fn body(reader: &mut Reader<'_>, method: &Method) -> Option<(Template, &'static str)> {
    let written = if reader.has("body") { reader.text("body") } else { None }?;
    if *method == Method::GET {
        reader.problem(
            "body",
            said!("GET hat keinen Inhalt.", "GET has no body."),
            said!("Schreiben Sie method = \"POST\".", "Write method = \"POST\"."),
        );
        return None;
    }
    if !written.trim_start().starts_with(['{', '[']) {
        return Some((template(reader, "body", &written, Target::Form)?, FORM));
    }
    let body = template(reader, "body", &written, Target::Json)?;
    if serde_json::from_str::<serde_json::Value>(&body.fill(sample)).is_err() {
        reader.problem(
            "body",
            said!(
                "Das ist kein JSON, wenn Nummer und Text darin stehen.",
                "this is no JSON once number and text stand in it."
            ),
            said!(
                "Zum Beispiel body = '{{\"to\": \"{{to}}\", \"text\": \"{{text}}\"}}', mit Anführungszeichen um alles, was keine reine Zahl ist.",
                "For example body = '{{\"to\": \"{{to}}\", \"text\": \"{{text}}\"}}', with quotation marks around all that is no plain number."
            ),
        );
    }
    Some((body, JSON))
}

/// Values as ugly as real ones: a place without its quotation marks shows.
fn sample(field: Field) -> &'static str {
    match field {
        Field::To => "+4917112345",
        Field::Digits => "4917112345",
        Field::Text => "\"Zu\" \\ bis morgen",
        Field::From => "Stadt",
        Field::Secret => "a\"b",
        Field::Ref => "1.1.a",
        Field::Receipts => "https://info.stadt.example/receipts/sms?r=1.1.a",
        Field::Encoding => "gsm7",
    }
}

impl Described {
    /// True where one of these stands in it.
    pub(super) fn uses(&self, fields: &[Field]) -> bool {
        self.templates().any(|template| template.has_one_of(fields))
    }

    /// True where this value can be sent wherever it stands.
    pub(super) fn can_carry(&self, field: Field, value: &str) -> bool {
        sms::fits_a_header(value) || !self.headers.iter().any(|(_, template)| template.has_one_of(&[field]))
    }

    fn templates(&self) -> impl Iterator<Item = &Template> {
        let headers = self.headers.iter().map(|(_, template)| template);
        self.query
            .iter()
            .chain(headers)
            .chain(self.body.iter().map(|(body, _)| body))
    }

    /// The address without user, query and fragment: who it is, as people read it.
    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    /// The request of one message.
    pub(super) fn request<'v>(&self, client: &Client, value: impl Fn(Field) -> &'v str) -> RequestBuilder {
        let request = self.begin(client, &value, |_| true);
        match &self.body {
            Some((body, _)) => request.body(body.fill(&value)),
            None => request,
        }
    }

    /// The same without number, text and body: nothing can come of it, but address, method and credentials are a message's.
    pub(super) fn bare<'v>(&self, client: &Client, value: impl Fn(Field) -> &'v str) -> RequestBuilder {
        self.begin(client, &value, |template| !template.has_one_of(&OF_A_MESSAGE))
    }

    fn begin<'v>(
        &self,
        client: &Client,
        value: &impl Fn(Field) -> &'v str,
        keep: impl Fn(&Template) -> bool,
    ) -> RequestBuilder {
        let mut url = self.url.clone();
        let pairs: Vec<String> = self
            .query
            .iter()
            .filter(|pair| keep(pair))
            .map(|pair| pair.fill(value))
            .collect();
        url.set_query(Some(pairs.join("&")).filter(|query| !query.is_empty()).as_deref());
        let mut headers = HeaderMap::new();
        if let Some((_, media_type)) = &self.body {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
        }
        for (name, template) in self.headers.iter().filter(|(_, template)| keep(template)) {
            if let Ok(mut filled) = HeaderValue::from_str(&template.fill(value)) {
                filled.set_sensitive(true);
                headers.insert(name, filled);
            }
        }
        client.request(self.method.clone(), url).headers(headers)
    }
}
