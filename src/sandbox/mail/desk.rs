//! What the mail server takes and what it refuses, with its faults; the books of what it took; what it sends back.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::json;

use super::letter::{self, Letter};
use super::reply::Reply;
use super::session::{Desk, Envelope};
use crate::clock::Ms;
use crate::sandbox::books::{Books, Entry};
use crate::sandbox::provider::BookKeeper;

/// Mails in the books, by recipient; with more it takes none.
const ENTRIES: usize = 100_000;
/// Senders and recipients that greylisting remembers; of more it forgets the oldest.
const GREYLISTED: usize = 10_000;

/// What it knows and how it behaves.
#[derive(Debug, Default)]
pub(super) struct Rules {
    /// Mailboxes it delivers to, in small letters; without any it takes mail for everybody.
    pub(super) known: BTreeSet<String>,
    /// How long a recipient's first mail has to wait, ms.
    pub(super) greylisting: Option<Ms>,
    /// When a sender first came with a mail for a recipient.
    greylist: BTreeMap<(String, String), Ms>,
    /// A Maildir for what comes back to senders.
    pub(super) returns: Option<PathBuf>,
    /// Mail for this address is taken and comes back.
    pub(super) undeliverable: Option<String>,
    /// The way to the outside fails after so many mails.
    pub(super) fails_after: Option<FailsAfter>,
    /// Nothing gets out.
    pub(super) cut_off: bool,
    returned: u32,
    /// What is to be sent back once books and rules are closed.
    pub(super) post: Vec<Back>,
}

/// A report on its way to a sender's Maildir.
#[derive(Debug)]
pub(super) struct Back {
    folder: PathBuf,
    name: String,
    report: String,
    /// Id of the mail's entry.
    about: String,
}

impl Back {
    /// Writes it, and into the books what came of that: a sandbox that cannot write says so there.
    pub(super) fn deliver(self, keeper: &BookKeeper) {
        let returned = match deliver(&self.folder, &self.name, &self.report) {
            Ok(()) => json!(true),
            Err(error) => json!(error.to_string()),
        };
        keeper.open(|books| {
            if let Some(entry) = books.entry_mut(&self.about) {
                entry.more["returned"] = returned;
            }
        });
    }
}

/// An outage that is still to come.
#[derive(Debug)]
pub(super) struct FailsAfter {
    /// Mails taken, without those to the probe's mailbox.
    pub(super) mails: usize,
    /// The mailbox of the probe: what it was sent last is still on its way then.
    pub(super) probe: String,
}

/// The desk at one moment.
pub(super) struct At<'a> {
    pub(super) rules: &'a mut Rules,
    pub(super) keeper: &'a BookKeeper,
    pub(super) now: Ms,
}

impl Rules {
    fn reachable(&self) -> Result<(), Reply> {
        if self.cut_off {
            return Err(Reply::new(451, "4.4.1", "no route to the outside, try again later"));
        }
        Ok(())
    }

    fn mailbox(&mut self, sender: &str, recipient: &str, now: Ms) -> Result<(), Reply> {
        if !self.known.is_empty() && !self.known.contains(&recipient.to_ascii_lowercase()) {
            let words = format!("<{recipient}>: Recipient address rejected: User unknown");
            return Err(Reply::new(550, "5.1.1", &words));
        }
        let Some(wait) = self.greylisting else {
            return Ok(());
        };
        let known = (sender.to_owned(), recipient.to_owned());
        if self.greylist.len() >= GREYLISTED && !self.greylist.contains_key(&known) {
            let oldest = self.greylist.iter().min_by_key(|(_, first)| **first);
            if let Some(oldest) = oldest.map(|(pair, _)| pair.clone()) {
                self.greylist.remove(&oldest);
            }
        }
        let first = *self.greylist.entry(known).or_insert(now);
        if now - first < wait {
            return Err(Reply::new(451, "4.7.1", "greylisted, please try again later"));
        }
        Ok(())
    }

    /// Where the last mail arrived the network fails, if it is to fail.
    fn after_taking(&mut self, books: &mut Books, now: Ms) {
        let Some(FailsAfter { mails, probe }) = &self.fails_after else {
            return;
        };
        let taken = books.entries.iter().filter(|entry| entry.to != *probe).count();
        if taken < *mails {
            return;
        }
        let on_its_way = books.entries.iter().rfind(|entry| entry.to == *probe);
        self.fails_after = None;
        self.cut_off = true;
        if let Some(entry) = on_its_way {
            self.send_back(entry, now, "5.4.4", "no route to the outside");
        }
    }

    /// A report (RFC 3464) to the sender; nobody reports to nobody.
    fn send_back(&mut self, entry: &Entry, now: Ms, status: &str, why: &str) {
        let sender = entry.more["sender"].as_str().unwrap_or_default();
        let Some(folder) = self.returns.clone().filter(|_| !sender.is_empty()) else {
            return;
        };
        self.returned += 1;
        self.post.push(Back {
            folder,
            name: format!("{}.{}.sandbox", now.div_euclid(1_000), self.returned),
            report: report(sender, entry, status, why),
            about: entry.id.clone(),
        });
    }

    fn enter(&mut self, books: &mut Books, envelope: &Envelope, letter: &Letter, now: Ms) -> String {
        let number = format!("S{:05}", books.entries.len() + 1);
        let text: Arc<str> = letter.text.as_str().into();
        for (n, recipient) in envelope.recipients.iter().enumerate() {
            let id = if n == 0 {
                number.clone()
            } else {
                format!("{number}-{n}")
            };
            let mut entry = Entry::new(id, recipient, Arc::clone(&text), now);
            entry.key = Some(letter.message_id.clone());
            entry.more = json!({
                "subject": letter.subject, "from": letter.from, "language": letter.language, "html": letter.html,
                "unsubscribe": letter.unsubscribe, "follows": letter.follows, "sender": envelope.sender, "returned": false,
            });
            if self.undeliverable.as_ref() == Some(recipient) {
                self.send_back(&entry, now, "5.1.1", "user unknown");
            }
            books.entries.push(entry);
        }
        self.after_taking(books, now);
        number
    }
}

impl At<'_> {
    /// Notes a refusal.
    fn noted<T>(&self, answer: Result<T, Reply>) -> Result<T, Reply> {
        if answer.is_err() {
            self.keeper.open(|books| books.refused += 1);
        }
        answer
    }
}

impl Desk for At<'_> {
    fn sender(&mut self) -> Result<(), Reply> {
        self.noted(self.rules.reachable())
    }

    fn recipient(&mut self, sender: &str, recipient: &str) -> Result<(), Reply> {
        let answer = self.rules.reachable();
        let answer = answer.and_then(|()| self.rules.mailbox(sender, recipient, self.now));
        self.noted(answer)
    }

    fn take(&mut self, envelope: &Envelope, mail: &[u8]) -> Result<String, Reply> {
        let room = |books: &Books| books.entries.len() + envelope.recipients.len() <= ENTRIES;
        let letter = self.rules.reachable().and_then(|()| {
            if !self.keeper.look(room) {
                return Err(Reply::new(452, "4.3.1", "insufficient system storage"));
            }
            let no_mail = |fault| Reply::new(554, "5.6.0", fault);
            letter::read(mail).map_err(no_mail)
        });
        let letter = self.noted(letter)?;
        Ok(self
            .keeper
            .open(|books| self.rules.enter(books, envelope, &letter, self.now)))
    }
}

fn report(sender: &str, entry: &Entry, status: &str, why: &str) -> String {
    let host = super::HOST;
    let (id, to) = (entry.key.as_deref().unwrap_or_default(), &entry.to);
    let subject = entry.more["subject"]
        .as_str()
        .filter(|subject| subject.is_ascii())
        .unwrap_or("mail");
    format!(
        "Return-Path: <>\nFrom: MAILER-DAEMON@{host} (Mail Delivery System)\nTo: {sender}\nAuto-Submitted: auto-replied\n\
         Subject: Undelivered Mail Returned to Sender\nMIME-Version: 1.0\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=\"back\"\n\n\
         --back\nContent-Type: text/plain; charset=us-ascii\n\nThis is the mail system at host {host}.\n\n\
         Your message could not be delivered.\n\n<{to}>: {why}\n\n\
         --back\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; {host}\n\n\
         Final-Recipient: rfc822; {to}\nAction: failed\nStatus: {status}\nDiagnostic-Code: smtp; 550 {status} {why}\n\n\
         --back\nContent-Type: text/rfc822-headers\n\nTo: {to}\nSubject: {subject}\nMessage-ID: {id}\n\n--back--\n"
    )
}

/// Into a Maildir: written beside, then moved to where it is looked for.
fn deliver(folder: &Path, name: &str, report: &str) -> std::io::Result<()> {
    for of in ["tmp", "new", "cur"] {
        std::fs::create_dir_all(folder.join(of))?;
    }
    let written = folder.join("tmp").join(name);
    std::fs::write(&written, report)?;
    std::fs::rename(written, folder.join("new").join(name))
}
