//! What the tests of all kinds share: a channel out of TOML, a job, a scripted counterpart, the table test.

use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use super::registry::{self, Configured};
use super::{Built, Channel};
use crate::domain::delivery::Operation;
use crate::domain::outcome::{Outcome, Reason};
use crate::domain::problem::Problem;
use crate::formats::{Site, SiteFile};
use crate::ids::{ACCOUNT, BroadcastId, DeliveryId, IncidentId, NoticeSeq};
use crate::render::Engine;
use crate::render::message::{InShort, Message};
use crate::secret::{Key, KeyFile};
use crate::store::{Job, Variant};
use crate::text::lang::Lang;

/// A site of these files: path and content.
pub fn site(files: &[(&str, &str)]) -> Site {
    let file = |text: &str| SiteFile {
        bytes: Bytes::copy_from_slice(text.as_bytes()),
        media_type: "text/html",
    };
    Site {
        files: files
            .iter()
            .map(|(path, text)| ((*path).to_owned(), file(text)))
            .collect(),
        ..Site::default()
    }
}

/// An installation's key.
pub fn key() -> KeyFile {
    KeyFile::fixed(Key::from_bytes([7; 32]))
}

/// A counterpart that always answers the same.
pub struct Scripted(MockServer);

impl Scripted {
    /// Answers with status, one header line (`name: value` or nothing) and body.
    pub async fn start(status: u16, header: &str, body: &str) -> Self {
        let server = MockServer::start().await;
        // Its clock is that of the tests, who send at the beginning of 1970.
        let mut answer = ResponseTemplate::new(status)
            .set_body_string(body)
            .insert_header("date", "Thu, 01 Jan 1970 00:00:00 GMT");
        if let Some((name, value)) = header.split_once(": ") {
            answer = answer.insert_header(name, value);
        }
        Mock::given(any()).respond_with(answer).mount(&server).await;
        Self(server)
    }

    /// Its address.
    pub fn url(&self) -> String {
        self.0.uri()
    }

    /// What it got.
    pub async fn requests(&self) -> Vec<Request> {
        self.0.received_requests().await.unwrap()
    }
}

/// A channel of `kind` at `url` with further keys as TOML.
pub fn channel(kind: &str, url: &str, keys: &str) -> Arc<dyn Channel> {
    built(&configuration(kind, url, keys))
}

/// The first channel of this configuration.
pub fn built(configuration: &str) -> Arc<dyn Channel> {
    let mut channels = configured(configuration).unwrap_or_else(|problems| panic!("{}", problems[0].line_for(false)));
    match channels.remove(0).built {
        Built::Messages(channel) => channel,
        Built::Website(_) => panic!("a website sends no messages"),
    }
}

/// What is wrong with such a channel, in English.
pub fn faults(kind: &str, url: &str, keys: &str) -> String {
    let problems = configured(&configuration(kind, url, keys)).expect_err(keys);
    problems.iter().map(|problem| problem.line_for(false)).collect()
}

fn configuration(kind: &str, url: &str, keys: &str) -> String {
    format!(
        "[publisher.stadt]\nname = \"Stadt\"\n[channel.test]\nkind = \"{kind}\"\nurl = \"{url}\"\ntimeout = \"2s\"\n{keys}\n"
    )
}

/// An installation that has its key, where the configuration names no other; `presse.csv` is there, without recipients.
fn configured(configuration: &str) -> Result<Vec<Configured>, Vec<Problem>> {
    // Lists and key are read when they are needed: the folder stays until the process ends.
    let dir = tempfile::tempdir().unwrap().keep();
    std::fs::write(dir.join("presse.csv"), "address\n").unwrap();
    let file = dir.join("channels.toml");
    std::fs::write(&file, configuration).unwrap();
    let (settings, channels) = registry::configure(&file, &dir)?;
    if !settings.store.key_file.exists() {
        KeyFile::new(settings.store.key_file).make().unwrap();
    }
    Ok(channels)
}

/// A frozen text, as `compose` of the kind makes it.
pub fn compose(channel: &dyn Channel) -> Variant {
    // Compiling all templates takes longer than all else here: once is enough.
    static ENGINE: LazyLock<Engine> = LazyLock::new(|| Engine::load(None).unwrap());
    let message = Message {
        lang: Lang::De,
        publisher: "stadt".into(),
        publisher_name: "Stadt".into(),
        incident: "2023-01-it".into(),
        number: 2,
        kind: "notice".into(),
        lead: String::new(),
        state: "Störung".into(),
        headline: "Die IT ist abgeschaltet".into(),
        summary: "Das Rathaus ist nur persönlich zu erreichen. Anträge nimmt das Bürgeramt auf Papier an.".into(),
        short: "Das Rathaus ist nur persönlich zu erreichen.".into(),
        body_text: None,
        body_html: None,
        as_of: "Stand: 24. Januar 2023, 18:00 Uhr".into(),
        next: None,
        places: Vec::new(),
        link: "https://info.example/stadt/2023-01-it/2/".into(),
        language_missing: false,
        language_note: None,
        earlier: Vec::new(),
        in_short: InShort::default(),
        foreign: Default::default(),
    };
    channel.compose(&ENGINE, &message, Operation::Post).unwrap()
}

/// A first attempt for the account itself.
pub fn job(variant: &Variant) -> Job {
    Job {
        delivery: DeliveryId(12),
        broadcast: BroadcastId(3),
        incident: IncidentId(1),
        notice: NoticeSeq(2),
        attempt: 1,
        first_started_ms: 0,
        start_at_ms: 0,
        operation: Operation::Post,
        step: 0,
        step_handle: None,
        after_unknown: false,
        begun: false,
        recipient: ACCOUNT,
        address: String::new(),
        name: None,
        variant: Arc::new(variant.clone()),
        lang: Lang::De,
        withdrawn: None,
        thread: None,
        target: None,
        urgent: false,
        created_ms: 1_700_000_000_000,
    }
}

/// An outcome in a word.
pub fn word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Delivered(_) => "delivered",
        Outcome::Accepted(_) => "accepted",
        Outcome::Stepped { .. } => "stepped",
        Outcome::Later { .. } => "later",
        Outcome::Deferred { .. } => "deferred",
        Outcome::Transient => "transient",
        Outcome::Unknown => "unknown",
        Outcome::Permanent => "permanent",
        Outcome::Auth => "auth",
        Outcome::Gone => "gone",
    }
}

/// A row of the table test: status, header, body, outcome in a word, reason.
pub type Row<'a> = (u16, &'a str, &'a str, &'a str, Reason);

/// Sends once per row and compares.
pub async fn outcomes(kind: &str, keys: &str, table: &[Row<'_>], tweak: impl Fn(&mut Job)) {
    for (status, header, body, expected, reason) in table {
        let server = Scripted::start(*status, header, body).await;
        let channel = channel(kind, &server.url(), keys);
        let mut job = job(&compose(channel.as_ref()));
        tweak(&mut job);
        let report = channel.send(&job, 0).await;
        assert_eq!(
            (word(&report.outcome), report.reason),
            (*expected, *reason),
            "{status} {body}: {report:?}"
        );
        for text in [&report.text.de, &report.text.en] {
            assert!(!text.is_empty() && text.chars().count() <= 500);
        }
        // Reasons people see on German screens are German.
        assert_ne!(report.text.de, report.text.en, "{report:?}");
    }
}
