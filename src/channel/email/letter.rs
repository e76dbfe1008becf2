//! The mail of one recipient. What all recipients of a text share (most of the head, both parts of the body, encoded) is made
//! once; a recipient's own are a few fields and the token in the unsubscribe address, which is as long as the mark it replaces.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use lettre::Address;
use lettre::message::header::{self, ContentTransferEncoding, ContentType, HeaderName, HeaderValue, Headers};
use lettre::message::{Mailbox, Mailboxes, MultiPart, SinglePart};

use super::compose::{MARK, Words};
use super::session::Parcel;
use crate::clock::Ms;
use crate::ids::LaneId;
use crate::secret::{Key, Returns};
use crate::store::{Job, Variant};

/// Stands between the parts. Quoted-printable never writes an underscore behind an equals sign, so no text can contain it.
const BOUNDARY: &str = "=_rundruf";
/// Longest name shown before an address.
const LONGEST_NAME: usize = 80;

/// What all mails of a channel have in common.
pub(super) struct Letterhead {
    pub(super) channel: String,
    pub(super) from: Mailbox,
    pub(super) reply_to: Option<Mailbox>,
    /// Where bounces go, with the mail's own token behind a plus sign (VERP); else they go to the sender.
    pub(super) bounces: Option<Address>,
    pub(super) forms: Forms,
}

/// A mail ready to be signed and sent.
#[derive(Debug)]
pub(super) struct Letter {
    pub(super) return_path: Address,
    pub(super) to: Address,
    pub(super) head: String,
    pub(super) body: String,
}

/// A text made ready for all its recipients.
#[derive(Debug)]
pub(super) struct Form {
    /// Fields that are the same for all.
    head: String,
    /// Both parts, encoded, with the mark in place of the token.
    body: String,
    /// Where the mark's characters stand, mark by mark: a line may end in the middle of one.
    marks: Vec<usize>,
    /// Address to unsubscribe, with the mark; empty where there is none.
    unsubscribe: String,
    /// Names the incident.
    thread: String,
    /// Not the incident's first notice: there is something to answer.
    follows: bool,
}

/// The newest texts made ready.
#[derive(Default)]
pub(super) struct Forms(Mutex<Vec<(Arc<Variant>, Arc<Form>)>>);

impl Forms {
    /// One for each language of the two newest messages.
    const KEPT: usize = 6;

    fn of(&self, variant: &Arc<Variant>, make: impl FnOnce() -> Form) -> Arc<Form> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Every claim reads the texts anew: the same text is another place in memory.
        let known = kept.iter().find(|(v, _)| Arc::ptr_eq(v, variant) || **v == **variant);
        if let Some((_, form)) = known {
            return Arc::clone(form);
        }
        let form = Arc::new(make());
        kept.truncate(Self::KEPT - 1);
        kept.insert(0, (Arc::clone(variant), Arc::clone(&form)));
        form
    }
}

impl Letterhead {
    /// The domain of the sender: message ids and the list id are made under it.
    pub(super) fn domain(&self) -> &str {
        self.from.email.domain()
    }

    /// The mail for a delivery. The same delivery gets the same Message-ID whenever and from wherever it is sent.
    pub(super) fn write(&self, key: &Key, job: &Job, to: Address, now: Ms) -> Letter {
        let form = self
            .forms
            .of(&job.variant, || self.form(&job.variant, job.lang.html_lang()));
        let token = key.unsubscribe_token(job.recipient.0, &job.address);
        let id = key.handle("mail", &[&self.channel, &job.name_for_ever()]);
        let domain = self.domain();
        let mailbox = Mailbox::new(job.name.as_deref().and_then(name), to.clone());
        let mut own = Headers::with_capacity(7);
        own.set(header::Date::new(
            SystemTime::UNIX_EPOCH + Duration::from_millis(u64::try_from(now).unwrap_or(0)),
        ));
        own.set(header::To::from(Mailboxes::from(mailbox)));
        raw(&mut own, "Message-ID", format!("<{id}@{domain}>"));
        // Nobody has to remember which mail was the first: all mails of an incident to somebody hang under a name that follows from both.
        let root = format!(
            "<{}@{domain}>",
            key.handle("mail thread", &[&form.thread, &job.address])
        );
        if form.follows {
            raw(&mut own, "In-Reply-To", root.clone());
        }
        raw(&mut own, "References", root);
        if !form.unsubscribe.is_empty() {
            let address = form.unsubscribe.replace(MARK, &token);
            // RFC 8058: one click only over TLS.
            let one_click = address.starts_with("https:");
            raw(&mut own, "List-Unsubscribe", format!("<{address}>"));
            if one_click {
                raw(
                    &mut own,
                    "List-Unsubscribe-Post",
                    "List-Unsubscribe=One-Click".to_owned(),
                );
            }
        }
        Letter {
            return_path: self.return_path(key, Returns::Delivery(job.delivery.0)),
            to,
            head: format!("{own}{}", form.head),
            body: form.filled(&token),
        }
    }

    /// The probe's mail to ourselves. What comes back names the lane and this moment.
    pub(super) fn canary(&self, key: &Key, lane: LaneId, to: Address, now: Ms) -> Letter {
        let id = key.handle("canary", &[&self.channel, &now.to_string()]);
        let mut head = Headers::with_capacity(9);
        head.set(header::Date::new(
            SystemTime::UNIX_EPOCH + Duration::from_millis(u64::try_from(now).unwrap_or(0)),
        ));
        head.set(header::From::from(Mailboxes::from(self.from.clone())));
        head.set(header::To::from(Mailboxes::from(Mailbox::new(None, to.clone()))));
        head.set(header::Subject::from(format!("Rundruf: Probe ({})", self.channel)));
        raw(&mut head, "Message-ID", format!("<{id}@{}>", self.domain()));
        raw(&mut head, "Auto-Submitted", "auto-generated".to_owned());
        raw(&mut head, "X-Auto-Response-Suppress", "All".to_owned());
        raw(&mut head, "MIME-Version", "1.0".to_owned());
        let text = "Diese Mail prüft, ob der E-Mail-Kanal sendet. Niemand muss etwas tun.\r\n\r\n\
                    This mail looks whether the e-mail channel sends. Nobody has to do anything.\r\n";
        let part = part(ContentType::TEXT_PLAIN, text).formatted();
        let part = String::from_utf8_lossy(&part).into_owned();
        let (content_type, body) = part.split_once("\r\n\r\n").unwrap_or_default();
        Letter {
            return_path: self.return_path(
                key,
                Returns::Canary {
                    lane: lane.0,
                    sent_ms: now,
                },
            ),
            to,
            head: format!("{head}{content_type}\r\n"),
            body: body.to_owned(),
        }
    }

    fn return_path(&self, key: &Key, of: Returns) -> Address {
        let own = self.bounces.as_ref().and_then(|bounces| {
            let token = key.return_token(of);
            Address::new(format!("{}+{token}", bounces.user()), bounces.domain()).ok()
        });
        own.or_else(|| self.bounces.clone())
            .unwrap_or_else(|| self.from.email.clone())
    }

    fn form(&self, variant: &Variant, lang: &str) -> Form {
        let words = Words::of(variant);
        let from_name = self.from.name.clone().or_else(|| name(words.from));
        let mut head = Headers::with_capacity(8);
        head.set(header::From::from(Mailboxes::from(Mailbox::new(
            from_name,
            self.from.email.clone(),
        ))));
        if let Some(reply_to) = &self.reply_to {
            head.set(header::ReplyTo::from(Mailboxes::from(reply_to.clone())));
        }
        head.set(header::Subject::from(words.subject.clone()));
        raw(
            &mut head,
            "List-Id",
            format!("<{}.{}.{}>", self.channel, words.publisher, self.domain()),
        );
        raw(&mut head, "Content-Language", lang.to_owned());
        raw(&mut head, "Auto-Submitted", "auto-generated".to_owned());
        raw(&mut head, "X-Auto-Response-Suppress", "All".to_owned());
        raw(&mut head, "MIME-Version", "1.0".to_owned());
        let parts = MultiPart::alternative()
            .boundary(BOUNDARY)
            .singlepart(part(ContentType::TEXT_PLAIN, words.text));
        let parts = match words.html {
            Some(html) => parts.singlepart(part(ContentType::TEXT_HTML, html)),
            None => parts,
        };
        let parts = String::from_utf8_lossy(&parts.formatted()).into_owned();
        let (content_type, body) = parts.split_once("\r\n\r\n").unwrap_or_default();
        Form {
            head: format!("{head}{content_type}\r\n"),
            marks: marks(body),
            body: body.to_owned(),
            unsubscribe: words.unsubscribe.to_owned(),
            thread: words.thread.to_owned(),
            follows: words.number > 1,
        }
    }
}

impl Letter {
    /// Ready to be handed over.
    pub(super) fn parcel(self, signature: &str) -> Parcel {
        Parcel {
            wire: self.wire(signature),
            sender: self.return_path,
            recipient: self.to,
        }
    }

    /// As it goes over the wire: a dot at the beginning of a line doubled, the final dot behind (RFC 5321, 4.5.2).
    pub(super) fn wire(&self, signature: &str) -> String {
        let mut wire = String::with_capacity(signature.len() + self.head.len() + self.body.len() + 64);
        for part in [signature, &self.head, "\r\n"] {
            wire.push_str(part);
        }
        // Looking whether there is one is many times as fast as looking where.
        if self.body.contains("\r\n.") {
            wire.push_str(&self.body.replace("\r\n.", "\r\n.."));
        } else {
            wire.push_str(&self.body);
        }
        wire.push_str(if wire.ends_with("\r\n") { ".\r\n" } else { "\r\n.\r\n" });
        wire
    }
}

impl Form {
    /// The body with the token in every mark.
    fn filled(&self, token: &str) -> String {
        let mut body = self.body.clone().into_bytes();
        for (at, byte) in self.marks.iter().zip(token.bytes().cycle()) {
            body[*at] = byte;
        }
        // Token and encoded parts are ASCII.
        String::from_utf8(body).unwrap_or_default()
    }
}

/// Where the characters of each mark stand in an encoded text; a soft line break (`=` and a line end) may lie between them.
fn marks(body: &str) -> Vec<usize> {
    let bytes = body.as_bytes();
    let mut found = Vec::new();
    let mut from = 0;
    while from < bytes.len() {
        let mut at = from;
        let mut places = Vec::with_capacity(MARK.len());
        for wanted in MARK.bytes() {
            while bytes[at.min(bytes.len())..].starts_with(b"=\r\n") && !places.is_empty() {
                at += 3;
            }
            if bytes.get(at) != Some(&wanted) {
                break;
            }
            places.push(at);
            at += 1;
        }
        if places.len() == MARK.len() {
            found.append(&mut places);
            from = at;
        } else {
            from += 1;
        }
    }
    found
}

fn part(content_type: ContentType, text: &str) -> SinglePart {
    SinglePart::builder()
        .header(content_type)
        .header(ContentTransferEncoding::QuotedPrintable)
        .body(text.to_owned())
}

/// A field of plain ASCII words of ours.
fn raw(headers: &mut Headers, name: &'static str, value: String) {
    headers.insert_raw(HeaderValue::new(HeaderName::new_from_ascii_str(name), value));
}

/// A name before an address: one line, not too long; `None` where nothing is left.
pub(super) fn name(written: &str) -> Option<String> {
    let name = one_line(written, LONGEST_NAME);
    (!name.is_empty()).then_some(name)
}

/// Without line ends and control characters, cut at a word.
pub(super) fn one_line(text: &str, longest: usize) -> String {
    let cleaned = crate::render::times::clean(text);
    let line = cleaned.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= longest {
        return line;
    }
    let cut: String = line.chars().take(longest - 1).collect();
    let cut = match cut.rsplit_once(' ') {
        Some((words, _)) if words.chars().count() > longest / 2 => words,
        _ => cut.as_str(),
    };
    format!("{cut}…")
}
