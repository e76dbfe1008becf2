//! Floor 3: the kinds of channels. One file per kind and one line in the registry.

#[cfg(test)]
mod addresses;
#[cfg(test)]
mod compliance;
pub mod email;
pub mod http;
mod kannel;
mod mastodon;
pub mod registry;
mod seven;
pub mod sms;
mod sms_http;
#[cfg(test)]
pub mod testing;
pub mod webhook;
pub mod website;

use async_trait::async_trait;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Ms;
use crate::domain::delivery::{Operation, UnknownPolicy};
use crate::domain::outcome::{Outcome, Reason, Remote, Report};
use crate::formats::Site;
use crate::ids::LaneId;
use crate::render::Engine;
use crate::render::compose::ComposeError;
use crate::render::message::Message;
use crate::said;
use crate::store::{Job, Receipt, Variant};
use crate::text::said::Said;

/// What a kind can do; the lane's rules follow from it.
#[derive(Debug, Clone, Copy)]
pub struct Abilities {
    /// For how long after its first start a delivery can be repeated safely by its handle; `None`: no handle.
    pub handle_for: Option<Duration>,
    /// Can look up whether a message is there.
    pub looks_up: bool,
    /// Receipts follow.
    pub receipts: bool,
    /// Updates hang under the incident's first post.
    pub threads: bool,
    /// What a correction does to a post that is there.
    pub correction: Operation,
    /// What a retraction does to a post that is there.
    pub retraction: Operation,
    /// Texts carry a link (waits for the link target).
    pub links: bool,
    /// Reaches an audience; else one account.
    pub audience: bool,
    /// Default of `unknown`.
    pub unknown: UnknownPolicy,
    /// Default of `concurrency`.
    pub concurrency: u32,
    /// Default of `timeout`.
    pub timeout: Duration,
}

/// What a look-up found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LookUp {
    /// It is there.
    There(Remote),
    /// It is certainly not there.
    NotThere,
    /// Nobody can say.
    CannotTell,
}

/// A delivery report as it came over HTTP.
#[derive(Debug, Clone)]
pub struct ReceiptRequest {
    /// Query, decoded, in order.
    pub query: Vec<(String, String)>,
    /// Headers, lower-case names.
    pub headers: Vec<(String, String)>,
    /// Body, at most 64 KiB.
    pub body: bytes::Bytes,
}

/// Why a delivery report is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReceiptRefusal {
    /// Not authentic.
    Forbidden,
    /// Not understood.
    Malformed,
    /// It cannot be told apart from a forged one now: the key file is not readable.
    NotReady,
    /// This kind has no receipts.
    None,
}

/// One line of `check`.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Finding {
    /// All is well.
    pub ok: bool,
    /// What was looked at, what was found, what to do.
    pub text: Said,
}

/// A channel that sends messages one by one.
#[async_trait]
pub trait Channel: Send + Sync {
    /// What this kind can do.
    fn abilities(&self) -> Abilities;

    /// True where every recipient of an audience is a service of its own (webhooks): then one that is down or asks to wait
    /// holds up nobody else. False for a gateway that brings messages to many.
    fn many_counterparts(&self) -> bool {
        false
    }

    /// Account identity for order, rate and "changed account": host and user, no secret.
    fn account(&self) -> String;

    /// What one part of a message costs, in the currency of the contract; `None`: not given, or nothing.
    fn price(&self) -> Option<f64> {
        None
    }

    /// The form in which recipients' addresses are compared: the same for all spellings of one, and its own. `None` where it is no address that this
    /// kind can send to, as far as its form shows. What is sent to is the address as written.
    fn canonical(&self, _address: &str) -> Option<String> {
        None
    }

    /// The frozen text of a notice in one language; shortened where it has to be.
    fn compose(&self, engine: &Engine, message: &Message, operation: Operation) -> Result<Variant, ComposeError>;

    /// One attempt of one step. Never panics, never takes longer than the timeout, never follows a redirect with a token.
    async fn send(&self, job: &Job, now: Ms) -> Report;

    /// After unknown: is it there?
    async fn look_up(&self, _job: &Job) -> LookUp {
        LookUp::CannotTell
    }

    /// Reads and authenticates a delivery report.
    fn read_receipt(&self, _request: &ReceiptRequest) -> Result<Vec<Receipt>, ReceiptRefusal> {
        Err(ReceiptRefusal::None)
    }

    /// The folder (Maildir) into which somebody puts what comes back of its messages.
    fn returns(&self) -> Option<&Path> {
        None
    }

    /// Where its probe sends a message that has to arrive, as an address.
    fn canary(&self) -> Option<&str> {
        None
    }

    /// True where the kind has a probe of this name (`release = { probe = "…" }`).
    fn has_probe(&self, _name: &str) -> bool {
        false
    }

    /// Looks whether messages would go out, as far as can be seen without the audience; `lane` and `now` name what it sends to itself.
    async fn probe(&self, _lane: LaneId, _now: Ms) -> Report {
        http::report(
            Outcome::Unknown,
            Reason::Local,
            said!("diese Kanalart hat keine Probe", "this kind of channel has no probe"),
        )
    }

    /// The counterpart's host and the wall time on its clock; sends no message.
    async fn their_time(&self) -> Option<(String, Ms)> {
        None
    }

    /// Credentials, counterpart, limits; sends no message.
    async fn check(&self) -> Vec<Finding>;
}

/// What an upload is marked with.
#[derive(Debug, Clone, Copy)]
pub struct Stamp {
    /// The store's instance number.
    pub instance: i64,
    /// The generation wanted.
    pub generation: i64,
    /// Now.
    pub now: Ms,
}

/// A place a whole site goes to.
#[async_trait]
pub trait Target: Send + Sync {
    /// Address without credentials.
    fn address(&self) -> String;
    /// The place it means: two addresses of one place have the same. Shown to nobody.
    fn place(&self) -> String {
        self.address()
    }
    /// Messages with a link wait for it.
    fn link(&self) -> bool;
    /// Brings the target to this site: changed files only, what is referred to first, switch last, stale files removed.
    /// Refuses where the target's manifest is of a newer instance. The number of files changed.
    async fn upload(&self, site: &Site, stamp: Stamp) -> Result<u64, Report>;
    /// Files brought there by this process so far, also by uploads that then broke off.
    fn brought(&self) -> u64;
    /// Credentials and write access; changes nothing visible.
    async fn check(&self) -> Vec<Finding>;
}

/// A configured channel, built by its kind.
#[derive(Clone)]
pub enum Built {
    /// Sends messages.
    Messages(Arc<dyn Channel>),
    /// Keeps whole sites.
    Website(Vec<Arc<dyn Target>>),
}

impl Built {
    /// [`Channel::canonical`]; a website and an account write to nobody.
    pub fn canonical(&self, address: &str) -> Option<String> {
        match self {
            Self::Messages(channel) if channel.abilities().audience => channel.canonical(address),
            _ => None,
        }
    }

    /// What stands for a recipient wherever addresses are compared: the canonical form, and of what is no address (a list may have such lines, and
    /// an older release may have stored them) the written one in lower case.
    pub fn compared(&self, address: &str) -> String {
        self.spelled(address).0
    }

    /// As [`Built::compared`], and whether it is an address.
    pub fn spelled(&self, address: &str) -> (String, bool) {
        match self.canonical(address) {
            Some(canonical) => (canonical, true),
            None => (address.trim().to_ascii_lowercase(), false),
        }
    }
}
