//! Mail through a relay (SMTP, RFC 5321), to each recipient of an audience by itself. A mail has no handle that servers honour, but
//! its Message-ID is the same on every attempt; so what was lost after the final dot is sent again (CHANNELS 18, LANES 3).

pub mod bounce;
mod check;
mod compose;
mod dkim;
mod keys;
mod letter;
pub mod maildir;
mod pool;
mod probe;
mod reply;
mod session;
mod signers;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use lettre::Address;
use tokio::time::Instant;

use super::http::{self, report};
use super::registry::{Kind, Surroundings};
use super::{Abilities, Built, Channel, Finding};
use crate::clock::Ms;
use crate::domain::delivery::{Operation, UnknownPolicy};
use crate::domain::outcome::{Outcome, Reason, Remote, Report};
use crate::domain::problem::Problem;
use crate::ids::LaneId;
use crate::render::Engine;
use crate::render::compose::ComposeError;
use crate::render::message::Message;
use crate::said;
use crate::secret::KeyFile;
use crate::settings::{COMMON, ChannelSettings, Reader};
use crate::store::{Job, Variant};
use letter::{Forms, Letter, Letterhead};
use pool::Pool;
use session::Parcel;
use signers::Signers;

/// One line of the registry.
pub const KIND: Kind = Kind {
    name: "email",
    purpose: [
        "Verschickt jede Meldung als E-Mail an eine Liste, einzeln und mit Abmelde-Link.",
        "Sends every notice as e-mail to a list, one by one and with an unsubscribe link.",
    ],
    example: EXAMPLE,
    build,
};

const EXAMPLE: &str = r#"[channel.email]
kind = "email"
server = "smtp.stadt.example"         # the relay that takes our mail
# port = 587                          # 587 with starttls, 465 with tls, 25 with none
# tls = "starttls"                    # required; or "tls" (from the first byte), "none" (on this machine only)
# tls_ca_file = "ca.pem"              # a certificate that only the house knows, beside the system's
username = "rundruf"
password = "geheim"                   # better password_file or password_env
from = "Stadt Beispiel <info@stadt.example>"
# reply_to = "poststelle@stadt.example"
# bounces = "bounce@stadt.example"    # what comes back goes to bounce+TOKEN@stadt.example
# bounces_folder = "/var/mail/bounce" # and from there into this Maildir: read while serve runs, each mail once
# dkim = { selector = "rundruf", key_file = "dkim.pem" }   # only where the relay does not sign; domain: the sender's
audience = { file = "presse.csv" }    # address,name,language,places; the address of a mailing list is a recipient like any other
gate = "held"                         # as long as nobody knows whether mail works
# canary = "probe@anderswo.example"   # a mailbox outside: each probe sends a mail there
# release = { probe = "smtp", then = "propose", every = "5m", good = 3, ramp = { start = "200/min", double = "10m", per_domain = "20/min" } }
catch_up = "digest"                  # after an outage one mail that sums up what waited, the newest first
# expires = "2d"
"#;

/// How mail behaves: taken over by the relay and then out of sight; nothing can be called back.
const ABILITIES: Abilities = Abilities {
    handle_for: None,
    looks_up: false,
    receipts: false,
    // Threads follow from names, not from what was stored.
    threads: false,
    correction: Operation::Post,
    retraction: Operation::Post,
    links: true,
    audience: true,
    unknown: UnknownPolicy::Repeat,
    // As Postfix has to one destination as it comes (default_destination_concurrency_limit).
    concurrency: 20,
    // A relay that looks for viruses before it answers takes its time, and who gives up too soon sends twice.
    timeout: Duration::from_secs(60),
};

struct Email {
    pool: Arc<Pool>,
    letterhead: Letterhead,
    signers: Option<Arc<Signers>>,
    canary: Option<Address>,
    returns: Option<PathBuf>,
    key: KeyFile,
    timeout: Duration,
    site_url: String,
}

fn build(around: &Surroundings<'_>, channel: &ChannelSettings) -> Result<Built, Vec<Problem>> {
    let mut reader = Reader::new(&channel.own, COMMON);
    let keys = keys::read(&mut reader);
    let problems = reader.finish();
    let (Some(keys), true) = (keys, problems.is_empty()) else {
        return Err(problems);
    };
    Ok(Built::Messages(Arc::new(Email {
        pool: Pool::new(keys.server),
        letterhead: Letterhead {
            channel: channel.name.clone(),
            from: keys.from,
            reply_to: keys.reply_to,
            bounces: keys.bounces,
            forms: Forms::default(),
        },
        signers: keys.dkim.map(Signers::new),
        canary: keys.canary,
        returns: keys.bounces_folder,
        key: around.key.clone(),
        timeout: http::timeout(channel, &ABILITIES),
        site_url: around.settings.site_url.clone(),
    })))
}

impl Email {
    fn who(&self) -> &str {
        &self.pool.server.host
    }

    /// The mail as it goes over the wire, signed where we sign.
    async fn parcel(&self, letter: Letter, now: Ms) -> Result<Parcel, String> {
        match &self.signers {
            // RSA computes for a millisecond: a lane's other mails must not wait for it.
            Some(signers) => signers.sign(letter, now.div_euclid(1_000)).await,
            None => Ok(letter.parcel("")),
        }
    }
}

/// A recipient's address as SMTP takes it everywhere: the domain in ASCII (IDNA).
fn address(written: &str) -> Option<Address> {
    let (user, domain) = written.trim().rsplit_once('@')?;
    let domain = match url::Host::parse(domain) {
        Ok(url::Host::Domain(domain)) if user.is_ascii() => domain,
        _ => return None,
    };
    Address::new(user, domain).ok()
}

/// The form in which mail addresses are compared: the domain in ASCII, all in lower case. A server may tell `Anna` from `anna` (RFC 5321, 2.4); none
/// is known to, and two mails to one person are the worse mistake. Mails go to the address as written.
pub fn canonical(written: &str) -> Option<String> {
    address(written).map(|address| address.to_string().to_ascii_lowercase())
}

#[async_trait]
impl Channel for Email {
    fn abilities(&self) -> Abilities {
        ABILITIES
    }

    fn account(&self) -> String {
        let server = &self.pool.server;
        let sender = &self.letterhead.from.email;
        let user = server.login.as_ref().map_or(sender.as_ref(), |(user, _)| user.as_str());
        format!("{user}@{}:{}", server.host, server.port)
    }

    fn compose(&self, engine: &Engine, message: &Message, _operation: Operation) -> Result<Variant, ComposeError> {
        Ok(compose::compose(engine, message)?)
    }

    fn canonical(&self, written: &str) -> Option<String> {
        canonical(written)
    }

    async fn send(&self, job: &Job, now: Ms) -> Report {
        let deadline = Instant::now() + self.timeout;
        let Some(to) = address(&job.address) else {
            let text = said!(
                "die Adresse in der Empfängerliste ist keine Mailadresse",
                "the address in the audience file is no mail address"
            );
            return report(Outcome::Permanent, Reason::BadAddress, text);
        };
        let letter = match self.key.key() {
            Ok(key) => self.letterhead.write(key, job, to, now),
            Err(error) => return http::no_key(&error),
        };
        let parcel = match self.parcel(letter, now).await {
            Ok(parcel) => parcel,
            Err(error) => {
                let text = said!(
                    "die Mail ließ sich nicht signieren: {error}",
                    "the mail could not be signed: {error}"
                );
                return report(Outcome::Transient, Reason::Local, text);
            }
        };
        match self.pool.deliver(&parcel, deadline).await {
            // The Message-ID follows from the delivery; stored for each recipient it would only make the store larger.
            Ok(taken) => {
                let (who, code) = (self.who(), taken.code);
                let text = said!("{who} hat sie angenommen ({code})", "{who} took it ({code})");
                http::delivered(Remote::default(), text)
            }
            Err(fault) => reply::sort(self.who(), &fault, job.attempt, now),
        }
    }

    fn returns(&self) -> Option<&Path> {
        self.returns.as_deref()
    }

    fn canary(&self) -> Option<&str> {
        self.canary.as_ref().map(AsRef::as_ref)
    }

    fn has_probe(&self, name: &str) -> bool {
        name == "smtp"
    }

    async fn probe(&self, lane: LaneId, now: Ms) -> Report {
        probe::look(self, lane, now).await
    }

    async fn check(&self) -> Vec<Finding> {
        check::findings(self).await
    }
}

#[cfg(test)]
mod tests;
