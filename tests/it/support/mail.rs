//! A mail server for tests: it answers as told, and what it took can be read.

use mail_parser::{Address, HeaderValue, Message, MessageParser};
use serde_json::Value;

use super::{Peer, eventually};

/// `tests/peers/smtp.sh`, running.
pub struct MailServer {
    pub peer: Peer,
}

/// A mail it took.
#[derive(Debug, Clone)]
pub struct Mail {
    /// As it came, with the server's three lines on top.
    pub raw: String,
    /// To whom the envelope said.
    pub to: String,
    /// Who the envelope said it came from.
    pub from: String,
    /// Came encrypted.
    pub tls: bool,
}

impl MailServer {
    /// Starts one; `env` as in the script's head. `None`, said aloud, where it is not installed.
    pub fn start(env: &[(&str, &str)]) -> Option<Self> {
        Peer::start_with("smtp", 1, &[], env).map(|peer| Self { peer })
    }

    /// STARTTLS and a login: user `u`, password `p`.
    pub fn with_login() -> Option<Self> {
        Self::start(&[("SMTP_TLS", "starttls"), ("SMTP_USER", "u"), ("SMTP_PASS", "p")])
    }

    /// The keys of a channel that uses it, by `with_login`.
    pub fn keys(&self) -> String {
        format!(
            "kind = \"email\"\nserver = \"localhost\"\nport = {}\ntls_ca_file = \"{}\"\nusername = \"u\"\npassword = \"p\"\n\
             from = \"info@stadt.example\"\naudience = {{ file = \"verteiler.csv\" }}\ntimeout = \"5s\"\n",
            self.peer.port(),
            self.peer.dir().join("ca.pem").display()
        )
    }

    /// From now on it answers like this.
    pub fn rules(&self, rules: &Value) {
        let dir = self.peer.dir();
        std::fs::remove_file(dir.join("refused")).ok();
        std::fs::write(dir.join("rules.new"), rules.to_string()).unwrap();
        std::fs::rename(dir.join("rules.new"), dir.join("rules.json")).unwrap();
    }

    /// What it took, in order.
    pub fn mails(&self) -> Vec<Mail> {
        let mut mails = Vec::new();
        while let Ok(raw) = std::fs::read(self.peer.dir().join(format!("mail/{}.eml", mails.len() + 1))) {
            let raw = String::from_utf8(raw).expect("a mail is ASCII");
            let line = |name: &str| {
                let line = raw.lines().find_map(|line| line.strip_prefix(name));
                line.unwrap_or_default().to_owned()
            };
            mails.push(Mail {
                to: line("X-Peer-To: "),
                from: line("X-Peer-From: "),
                tls: line("X-Peer-TLS: ") == "yes",
                raw,
            });
        }
        mails
    }

    /// Mails that say this in their subject, when there are at least so many.
    pub fn about(&self, words: &str, at_least: usize) -> Vec<Mail> {
        eventually(&format!("{at_least} mails about {words}"), || {
            let mut mails = self.mails();
            mails.retain(|mail| mail.subject().contains(words));
            (mails.len() >= at_least).then_some(mails)
        })
    }

    /// Lines of its log that begin with this word.
    pub fn commands(&self, verb: &str) -> usize {
        let log = self.peer.read("commands");
        log.lines().filter(|line| line.split(' ').next() == Some(verb)).count()
    }
}

impl Mail {
    /// Read by somebody else's parser.
    pub fn parsed(&self) -> Message<'_> {
        MessageParser::default().parse(self.raw.as_bytes()).expect("a mail")
    }

    /// Subject, decoded.
    pub fn subject(&self) -> String {
        self.parsed().subject().unwrap_or_default().to_owned()
    }

    /// A field as text.
    pub fn field(&self, name: &str) -> Option<String> {
        let parsed = self.parsed();
        match parsed.header(name)? {
            HeaderValue::Text(text) => Some(text.to_string()),
            HeaderValue::TextList(list) => Some(list.join(" ")),
            HeaderValue::Address(Address::List(list)) => list.first()?.address.as_deref().map(str::to_owned),
            other => Some(format!("{other:?}")),
        }
    }

    /// The field as it was written, unfolded.
    pub fn written(&self, name: &str) -> Option<String> {
        let head = self
            .raw
            .split("\r\n\r\n")
            .next()
            .unwrap_or_default()
            .replace("\r\n ", " ");
        let found = head
            .split("\r\n")
            .find_map(|line| line.strip_prefix(&format!("{name}: ")));
        found.map(str::to_owned)
    }

    /// The plain text.
    pub fn text(&self) -> String {
        self.parsed().body_text(0).unwrap_or_default().into_owned()
    }

    /// The HTML.
    pub fn html(&self) -> String {
        self.parsed().body_html(0).unwrap_or_default().into_owned()
    }

    /// The path of its unsubscribe address.
    pub fn unsubscribe_path(&self) -> String {
        let address = self.written("List-Unsubscribe").expect("an unsubscribe address");
        let url = url::Url::parse(address.trim_matches(['<', '>'])).unwrap();
        url.path().to_owned()
    }
}
