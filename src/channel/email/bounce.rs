//! What comes back to the return address of a mail: reports of mail servers (RFC 3464), their plain-text forerunners, automatic replies
//! (RFC 3834) and complaints (RFC 5965). Pure: bytes in, a reading out; what follows from it is decided elsewhere.
//! Imports `text` and the form of return tokens.

mod auto;
mod mime;
mod plain;
mod report;
mod words;

pub use mime::LARGEST;
pub use words::Because;

use crate::said;
use crate::secret::Returns;
use crate::text::said::Said;
use mime::{Head, Leaf};

/// Recipients of one mail that are looked at; a report of ours names one.
const MOST_RECIPIENTS: usize = 64;
/// Return tokens that are looked at.
const MOST_TOKENS: usize = 8;
/// Hexadecimal digits of a return token's proof ([`crate::secret::Key::return_token`]).
const PROOF: usize = 16;
/// Characters of the longest token: two numbers of 20, what parts them, and the proof.
const LONGEST_TOKEN: usize = 43 + PROOF;

/// What a mail turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A mail did not arrive, or not yet.
    Bounce,
    /// A server says that a mail arrived.
    Arrived,
    /// Written by a machine for a person: absence, receipt, confirmation. It says nothing about the address.
    AutoReply,
    /// A person called a mail of ours unwanted (feedback loop).
    Complaint,
    /// None of these: perhaps a person's answer.
    Unknown,
}

/// One recipient that a mail speaks of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Returned {
    /// Where the mail was to go in the end; without an address in it: what stands in its place.
    pub address: String,
    /// Where it was sent at first, where the report tells that apart (an alias, a forwarding).
    pub original: Option<String>,
    /// `failed`, `delayed`, `delivered`, `relayed`, `expanded` (RFC 3464), in lower case; a server's own word where it uses one.
    pub action: String,
    /// Enhanced status (RFC 3463), as reported; of a report in plain text: as written there, else what its words mean.
    pub status: Option<String>,
    /// Why.
    pub because: Because,
    /// No later mail to this address arrives either, as far as the server says. A full mailbox is not for good.
    pub permanent: bool,
}

impl Returned {
    fn new(address: String, action: String, status: Option<String>, because: Because) -> Self {
        let permanent = action == "failed"
            && because != Because::Full
            && match status.as_deref() {
                Some(status) => status.starts_with('5'),
                None => because.is_gone(),
            };
        Self {
            address,
            original: None,
            action,
            status,
            because,
            permanent,
        }
    }

    /// For people, without the address.
    pub fn says(&self) -> Said {
        if self.action == "delayed" {
            return said!(
                "Die Mail ist noch unterwegs; der Server versucht es weiter.",
                "The mail is still on its way; the server keeps trying."
            );
        }
        match self.because {
            Because::NobodyThere => said!("Diese Adresse gibt es nicht.", "There is no such address."),
            Because::NoSuchDomain => said!(
                "Die Domain dieser Adresse ist nicht zu finden.",
                "The domain of this address cannot be found."
            ),
            Because::Unclear => said!(
                "Der Server nimmt für diese Adresse nichts an oder findet sie nicht; ob es sie gibt, sagt er nicht sicher.",
                "The server takes nothing for this address or does not find it; it does not say for sure whether it exists."
            ),
            Because::Full => said!("Das Postfach ist voll.", "The mailbox is full."),
            Because::Policy => said!(
                "Der Server nimmt von uns nach seinen Regeln nichts an.",
                "The server takes nothing from us by its rules."
            ),
            Because::Content => said!("Der Server weist diese Mail ab.", "The server refuses this mail."),
            Because::Trouble => said!("Der Server war nicht zu erreichen.", "The server could not be reached."),
            Because::Other => said!("Die Mail kam nicht an.", "The mail did not arrive."),
        }
    }

    /// Nobody is there: the only reason to write to this address no more (the codes of CHANNELS 18). A policy, a content, a full mailbox
    /// pass, and so does a domain that nobody could look up; unless it says itself that it takes no mail (RFC 7505).
    pub fn is_gone(&self) -> bool {
        self.permanent
            && match self.because {
                Because::NobodyThere => true,
                Because::NoSuchDomain => self.status.as_deref() == Some("5.1.10"),
                _ => false,
            }
    }

    /// The addresses of whoever is not there: as the server names it, and as we wrote it where that is the same mailbox. An alias of five
    /// people is not gone with one of them.
    pub fn mailbox(&self) -> impl Iterator<Item = &str> {
        let here = self.address.rsplit_once('@');
        let same = |original: &&str| {
            let written = original.rsplit_once('@');
            here.zip(written).is_some_and(|((user, host), (wrote, domain))| {
                let (host, domain) = (host.to_lowercase(), domain.to_lowercase());
                user.eq_ignore_ascii_case(wrote) && (host == domain || host.ends_with(&format!(".{domain}")))
            })
        };
        std::iter::once(self.address.as_str()).chain(self.original.as_deref().filter(same))
    }
}

/// A mail as read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// What it is.
    pub kind: Kind,
    /// Whom it speaks of; nobody, where it is neither bounce nor receipt of a server.
    pub recipients: Vec<Returned>,
}

/// Reads a mail: any bytes, of which [`LARGEST`] are looked at.
///
/// ```
/// use rundruf::channel::email::bounce::{Kind, read};
/// let mail = b"From: Mailer-Daemon@t-online.example\nSubject: mail failed\n\n\
///   |---- Failed addresses follow: ----|\n <a@ex.example>\n   550 5.1.1 user unknown\n";
/// let reading = read(mail);
/// assert_eq!(reading.kind, Kind::Bounce);
/// assert!(reading.recipients[0].is_gone());
/// ```
pub fn read(raw: &[u8]) -> Reading {
    let raw = &raw[..raw.len().min(LARGEST)];
    let (head, leaves) = mime::read(raw);
    let (kind, recipients) = sort(&head, &leaves);
    Reading { kind, recipients }
}

/// Whether a mail server or an answering machine wrote it, by its head alone. A complaint is none: people are to see it.
pub fn is_from_machine(raw: &[u8]) -> bool {
    let head = mime::head(&raw[..raw.len().min(LARGEST)]);
    let by_server = auto::from_mail_server(&head);
    !head.is_complaint() && (by_server || auto::is_reply(&head, by_server))
}

fn sort(head: &Head, leaves: &[Leaf<'_>]) -> (Kind, Vec<Returned>) {
    let part = |kinds: &[&str]| leaves.iter().find(|leaf| kinds.contains(&leaf.kind.as_str()));
    // A report is what it is, whatever else its head says: Postfix and Gmail mark theirs as "auto-replied".
    if let Some(status) = part(&["message/delivery-status", "message/global-delivery-status"]) {
        let recipients = report::recipients(&status.text());
        if !recipients.is_empty() {
            return (whether_arrived(&recipients), recipients);
        }
    }
    if part(&["message/feedback-report"]).is_some() {
        return (Kind::Complaint, Vec::new());
    }
    if part(&[
        "message/disposition-notification",
        "message/global-disposition-notification",
    ])
    .is_some()
    {
        return (Kind::AutoReply, Vec::new());
    }
    let by_machine = auto::from_mail_server(head);
    if auto::is_reply(head, by_machine) {
        return (Kind::AutoReply, Vec::new());
    }
    let failed = head.get("x-failed-recipients");
    if !by_machine && failed.is_none() {
        return (Kind::Unknown, Vec::new());
    }
    let Some(text) = leaves
        .iter()
        .find(|leaf| leaf.kind.starts_with("text/"))
        .map(Leaf::text)
    else {
        return (Kind::Unknown, Vec::new());
    };
    // Some servers write the fields of a report into the text.
    let recipients = report::recipients(&text);
    if !recipients.is_empty() {
        return (whether_arrived(&recipients), recipients);
    }
    match plain::recipients(head, &text, failed) {
        Some(recipients) => (Kind::Bounce, recipients),
        None => (Kind::Unknown, Vec::new()),
    }
}

fn whether_arrived(recipients: &[Returned]) -> Kind {
    let came_back = |one: &Returned| {
        let class = one.status.as_deref().and_then(|status| status.chars().next());
        matches!(one.action.as_str(), "failed" | "delayed") || matches!(class, Some('4' | '5'))
    };
    if recipients.iter().any(came_back) {
        Kind::Bounce
    } else {
        Kind::Arrived
    }
}

/// What stands behind a plus sign and looks like a return token of ours, first seen first; who has the key says which one is. Everything of the
/// form `+NAME-PROOF@`, wherever it stands: in the bounce's own address, or in the head of the mail that it returns.
pub fn tokens(raw: &[u8]) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for behind in raw.split(|b| *b == b'+').skip(1) {
        let Some(end) = behind.iter().take(LONGEST_TOKEN + 1).position(|b| *b == b'@') else {
            continue;
        };
        let Ok(token) = str::from_utf8(&behind[..end]) else {
            continue;
        };
        let token = token.to_ascii_lowercase();
        if is_token(&token) && !found.contains(&token) {
            found.push(token);
        }
        if found.len() == MOST_TOKENS {
            break;
        }
    }
    found
}

fn is_token(written: &str) -> bool {
    let name_and_proof = written.rsplit_once('-');
    name_and_proof.is_some_and(|(name, proof)| {
        Returns::named(name).is_some() && proof.len() == PROOF && proof.bytes().all(|b| b.is_ascii_hexdigit())
    })
}

#[cfg(test)]
mod tests;
