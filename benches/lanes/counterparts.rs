//! Eight channels of three kinds: two Mastodon servers, two SMS gateways, four receivers of webhooks, each behind a door that
//! tells when something passes. The services are the sandbox's: they count, verify and refuse as the real ones do.

use std::fmt::Write as _;
use std::sync::{Arc, mpsc as std_mpsc};
use std::time::{Duration, Instant};

use rundruf::clock::SystemClock;
use rundruf::sandbox::{Sandbox, kannel, mastodon, webhook};
use tokio::sync::{mpsc, oneshot};

use super::relay::{self, Behind, Passed};
use crate::kit::place::aside;

/// What the channels are called, by the number of their door.
pub const CHANNELS: [&str; 8] = [
    "mastodon_1",
    "mastodon_2",
    "sms_1",
    "sms_2",
    "hook_1",
    "hook_2",
    "hook_3",
    "hook_4",
];

/// After so long a message never comes; far beyond every bar.
pub const GIVE_UP: Duration = Duration::from_secs(60);

/// What a channel's counterpart does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    Hangs,
    Refuses,
}

/// A message's first attempt on one channel.
#[derive(Debug, Clone, Copy)]
pub struct Attempt {
    /// Its first byte came.
    pub came: Instant,
    /// The answer's first byte went.
    pub answered: Instant,
}

/// The services on a thread of their own, the doors on another, as they would be on machines of their own.
pub struct Counterparts {
    ports: [u16; 8],
    passed: mpsc::UnboundedReceiver<Passed>,
    sandboxes: Arc<[Sandbox; 2]>,
    /// Gateways say what became of an SMS.
    pub reports: bool,
    _threads: [oneshot::Sender<()>; 2],
}

impl Counterparts {
    /// All well but the given one. Gateways report what became of an SMS where `reports`.
    pub fn start(faulty: Option<(usize, Fault)>, reports: bool) -> Self {
        let (give, take) = std_mpsc::channel();
        let services = aside(async move {
            let start = || Sandbox::start(Arc::new(SystemClock), false);
            let sandboxes = [start().await.expect("a sandbox"), start().await.expect("a sandbox")];
            let sandboxes = Arc::new(sandboxes);
            give.send(Arc::clone(&sandboxes)).expect("somebody who waits for it");
            std::future::pending::<()>().await;
        });
        let sandboxes = take.recv().expect("a sandbox");
        let silent = if reports {
            kannel::Plan::Deliver
        } else {
            kannel::Plan::Silent
        };
        sandboxes.iter().for_each(|s| s.kannel.service().plan(silent));

        let (tell, passed) = mpsc::unbounded_channel();
        let mut open = Vec::new();
        let ports = std::array::from_fn(|door| {
            let behind = match faulty.filter(|(at, _)| *at == door) {
                Some((_, Fault::Hangs)) => Behind::Hangs,
                Some((_, Fault::Refuses)) => Behind::Nothing,
                None => Behind::Service(service_port(&sandboxes, door)),
            };
            let (port, listener) = relay::port(behind);
            open.extend(listener.map(|listener| (door, listener, behind)));
            port
        });
        let doors = aside(async move {
            for (door, listener, behind) in open {
                tokio::spawn(relay::open(door, listener, behind, tell.clone()));
            }
            std::future::pending::<()>().await;
        });
        Self {
            ports,
            passed,
            sandboxes,
            reports,
            _threads: [services, doors],
        }
    }

    /// `[channel.NAME]` of the first `n` doors.
    pub fn channels(&self, n: usize) -> String {
        let mut toml = String::new();
        for (name, port) in CHANNELS.iter().zip(self.ports).take(n) {
            let own = match name.split_once('_').expect("kind and number").0 {
                "mastodon" => format!(
                    "kind = \"mastodon\"\nurl = \"http://127.0.0.1:{port}\"\ntoken = \"{}\"",
                    mastodon::TOKEN
                ),
                "sms" => format!(
                    "kind = \"kannel\"\nurl = \"http://127.0.0.1:{port}\"\nusername = \"{}\"\npassword = \"{}\"\nfrom = \"{}\"\naudience = {{ file = \"presse.csv\" }}",
                    kannel::USER,
                    kannel::PASSWORD,
                    kannel::FROM
                ),
                _ => format!(
                    "kind = \"webhook\"\nurl = \"http://127.0.0.1:{port}/{name}\"\nsecret = \"{}\"",
                    webhook::SECRET
                ),
            };
            writeln!(toml, "[channel.{name}]\n{own}").expect("text takes everything");
        }
        toml
    }

    /// Waits until the first `n` doors but one had a message and its answer; by the number of their door.
    pub async fn first_attempts(&mut self, n: usize, but: Option<usize>) -> Vec<Attempt> {
        let mut seen = [(None, None); 8];
        let wanted = |door: &usize| *door < n && Some(*door) != but;
        let missing = |seen: &[(Option<Instant>, Option<Instant>); 8]| {
            let open = |door: &usize| wanted(door) && seen[*door].1.is_none();
            (0..8).filter(open).collect::<Vec<_>>()
        };
        while !missing(&seen).is_empty() {
            let passed = tokio::time::timeout(GIVE_UP, self.passed.recv()).await;
            let Ok(Some(Passed { door, at, came })) = passed else {
                panic!("nothing came at the doors {:?}", missing(&seen));
            };
            let (first, answer) = &mut seen[door];
            if came {
                first.get_or_insert(at);
            } else {
                answer.get_or_insert(at);
            }
        }
        let attempt = |(came, answered): (Option<Instant>, Option<Instant>)| {
            Some(Attempt {
                came: came?,
                answered: answered?,
            })
        };
        (0..8).filter(wanted).filter_map(|door| attempt(seen[door])).collect()
    }

    /// Forgets what passed so far.
    pub fn forget(&mut self) {
        while self.passed.try_recv().is_ok() {}
    }

    /// By the services' own books: every message of `n` publications is there once, nothing was refused.
    pub fn prove(&self, n: usize) {
        for Sandbox {
            mastodon,
            kannel,
            webhook,
            ..
        } in self.sandboxes.iter()
        {
            for (books, channels) in [(mastodon.books(), 1), (kannel.books(), 1), (webhook.books(), 2)] {
                let (there, doubles) = (books.accepted(), books.doubles());
                assert_eq!(
                    (there, doubles, books.refused),
                    (n * channels, 0, 0),
                    "messages, doubles, refused"
                );
            }
        }
    }
}

/// Odd and even channels of a kind have a sandbox each.
fn service_port(sandboxes: &[Sandbox; 2], door: usize) -> u16 {
    let sandbox = &sandboxes[door % 2];
    let url = match door {
        0 | 1 => sandbox.mastodon.url(),
        2 | 3 => sandbox.kannel.url(),
        _ => sandbox.webhook.url(),
    };
    let port = url.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
    port.expect("a sandbox's address ends with its port")
}
