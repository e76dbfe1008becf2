//! One installation and all its counterparts: an SFTP server, a Mastodon emulator, a Kannel with its SMS centre and a
//! receiver of webhooks, each behind a proxy that fails on demand.

use std::collections::BTreeMap;
use std::path::Path;

use rundruf::formats::manifest::MANIFEST;
use serde_json::Value;

use super::receiver::{self, Receiver};
use super::{FaultProxy, Peer, TestApp, eventually, http};

/// The press list: two people who follow everything.
pub const PRESS: &str = "address,name,language,places\n+491713920001,Lokalblatt,de,\n+491713920002,Rundfunk,de,\n";

/// Everything at once. The channels are called `website`, `mastodon`, `sms` and `nachbarn`.
pub struct Stage {
    /// The installation.
    pub app: TestApp,
    /// OpenSSH; uploads land in `www/htdocs` of its folder.
    pub sftp: Peer,
    /// A second SFTP server, by password, where there is one.
    pub second: Option<Peer>,
    /// The emulator.
    pub mastodon: Peer,
    /// Kannel with fakesmsc.
    pub kannel: Peer,
    /// Webhooks.
    pub receiver: Receiver,
    /// In front of the SFTP server.
    pub sftp_proxy: FaultProxy,
    /// In front of the second one, where there is one.
    pub second_proxy: Option<FaultProxy>,
    /// In front of Mastodon.
    pub mastodon_proxy: FaultProxy,
    /// In front of Kannel.
    pub kannel_proxy: FaultProxy,
    /// In front of the receiver.
    pub hook_proxy: FaultProxy,
}

/// An SMS as the centre got it, its parts put together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sms {
    pub to: String,
    pub text: String,
}

impl Stage {
    /// All counterparts, with a timeout of two seconds for each request; the SFTP server is the link target. `None`, said
    /// aloud, where a counterpart is not installed.
    pub fn start() -> Option<Self> {
        Self::build(false)
    }

    /// As [`Stage::start`], with the second SFTP server as a further target.
    pub fn with_password_sftp() -> Option<Self> {
        Self::build(true)
    }

    fn build(two_targets: bool) -> Option<Self> {
        let sftp = Peer::start("sftp", 1)?;
        let second = if two_targets {
            Some(Peer::start("sftp_password", 1)?)
        } else {
            None
        };
        let mastodon = Peer::start("mastodon", 1)?;
        let kannel = Peer::start("kannel", 4)?;
        let receiver = Receiver::start();
        let (sftp_proxy, mastodon_proxy) = (FaultProxy::start(sftp.port())?, FaultProxy::start(mastodon.port())?);
        let (kannel_proxy, hook_proxy) = (FaultProxy::start(kannel.port())?, FaultProxy::start(receiver.port())?);

        let user = user();
        let mut targets = format!(
            "\"file:public\",\n  {{ url = \"sftp://127.0.0.1:{}/htdocs\", username = \"{user}\", private_key_file = \"{}\", host_key = \"{}\", link = true }},\n",
            sftp_proxy.port(),
            sftp.dir().join("id").display(),
            host_key(&sftp),
        );
        let mut second_proxy = None;
        if let Some(second) = &second {
            let proxy = FaultProxy::start(second.port())?;
            targets += &format!(
                "  {{ url = \"sftp://kommune@127.0.0.1:{}/web/htdocs\", password = \"geheim\", host_key = \"{}\" }},\n",
                proxy.port(),
                host_key(second),
            );
            second_proxy = Some(proxy);
        }
        let app = TestApp::new(&format!(
            "[channel.website]\nkind = \"website\"\ntimeout = \"10s\"\ntargets = [\n  {targets}]\n
             [channel.mastodon]\nkind = \"mastodon\"\nurl = \"{}\"\ntoken = \"mock_token\"\ntimeout = \"2s\"\n
             [channel.sms]\nkind = \"kannel\"\nurl = \"{}\"\nusername = \"u\"\npassword = \"p\"\nfrom = \"Potsdam\"\naudience = {{ file = \"presse.csv\" }}\ntimeout = \"2s\"\n
             [channel.nachbarn]\nkind = \"webhook\"\nurl = \"{}/hooks/rundruf\"\nsecret = \"{}\"\ntimeout = \"2s\"\n",
            mastodon_proxy.url(),
            kannel_proxy.url(),
            hook_proxy.url(),
            receiver::SECRET,
        ));
        app.write("presse.csv", PRESS);
        Some(Self {
            app,
            sftp,
            second,
            mastodon,
            kannel,
            receiver,
            sftp_proxy,
            second_proxy,
            mastodon_proxy,
            kannel_proxy,
            hook_proxy,
        })
    }

    /// What the account has posted, newest first.
    pub fn posts(&self) -> Vec<Value> {
        let ask = |path: &str| {
            let headers = [("Authorization", "Bearer mock_token")];
            let reply = http::send(self.mastodon.port(), "GET", path, &headers, b"").unwrap();
            assert_eq!(reply.status, 200, "{}", reply.text());
            reply.json()
        };
        let me = ask("/api/v1/accounts/verify_credentials");
        let posts = ask(&format!(
            "/api/v1/accounts/{}/statuses?limit=40",
            me["id"].as_str().unwrap()
        ));
        posts.as_array().unwrap().clone()
    }

    /// Posts that contain these words.
    pub fn posts_about(&self, words: &str) -> Vec<Value> {
        let mut posts = self.posts();
        posts.retain(|post| post["content"].as_str().is_some_and(|c| c.contains(words)));
        posts
    }

    /// What the SMS centre has got, in order.
    pub fn sms(&self) -> Vec<Sms> {
        read_fakesmsc(&self.kannel.read("fakesmsc.log"))
    }

    /// SMS that contain these words, of which the centre must have at least `at_least`.
    pub fn sms_about(&self, words: &str, at_least: usize) -> Vec<Sms> {
        eventually(&format!("{at_least} SMS about {words}"), || {
            let found: Vec<Sms> = self.sms().into_iter().filter(|sms| sms.text.contains(words)).collect();
            (found.len() >= at_least).then_some(found)
        })
    }

    /// Waits until all four channels have brought out this notice, the SMS with its receipts.
    pub fn all_delivered(&self, number: u64) {
        for (channel, count) in [
            ("website", self.targets()),
            ("mastodon", 1),
            ("sms", 2),
            ("nachbarn", 1),
        ] {
            self.app.wait_for(channel, number, "delivered", count);
        }
    }

    /// Targets of the website.
    pub fn targets(&self) -> u64 {
        2 + u64::from(self.second.is_some())
    }
}

/// The login of whoever runs the tests, and so the counterparts.
pub fn user() -> String {
    let who = std::process::Command::new("id").arg("-un").output().unwrap();
    String::from_utf8_lossy(&who.stdout).trim().to_owned()
}

/// The server's key as `ssh-keyscan` prints it, without the host.
pub fn host_key(peer: &Peer) -> String {
    let known = peer.read("known_hosts");
    let words: Vec<&str> = known.split_whitespace().skip(1).take(2).collect();
    words.join(" ")
}

/// `Got message 1: <FROM TO text WORDS>`, `<FROM TO ucs-2 CODED>`, or in parts `<FROM TO udh CODED data CODED>`.
fn read_fakesmsc(log: &str) -> Vec<Sms> {
    let mut out: Vec<(Option<u8>, Sms)> = Vec::new();
    for line in log.lines() {
        let Some((_, message)) = line.split_once("Got message ") else {
            continue;
        };
        let Some(message) = message.split_once('<').and_then(|(_, m)| m.strip_suffix('>')) else {
            continue;
        };
        let mut words = message.splitn(4, ' ');
        let (Some(_), Some(to), Some(kind), Some(rest)) = (words.next(), words.next(), words.next(), words.next())
        else {
            continue;
        };
        let (part_of, text) = match kind {
            "text" => (None, rest.to_owned()),
            "ucs-2" => (None, utf16(&decoded(rest))),
            _ => {
                let (udh, data) = rest.split_once(" data ").unwrap();
                // 05 00 03 REFERENCE TOTAL NUMBER
                (
                    decoded(udh).get(3).copied(),
                    String::from_utf8_lossy(&decoded(data)).into_owned(),
                )
            }
        };
        let known = out
            .iter_mut()
            .rev()
            .find(|(part, sms)| part.is_some() && *part == part_of && sms.to == to);
        match known {
            Some((_, sms)) => sms.text += &text,
            None => out.push((
                part_of,
                Sms {
                    to: to.to_owned(),
                    text,
                },
            )),
        }
    }
    out.into_iter().map(|(_, sms)| sms).collect()
}

fn decoded(coded: &str) -> Vec<u8> {
    let (mut out, mut rest) = (Vec::new(), coded.as_bytes());
    while let [first, tail @ ..] = rest {
        rest = tail;
        match (first, tail) {
            (b'%', [a, b, after @ ..]) => {
                let hex = String::from_utf8_lossy(&[*a, *b]).into_owned();
                out.push(u8::from_str_radix(&hex, 16).unwrap());
                rest = after;
            }
            (b'+', _) => out.push(b' '),
            _ => out.push(*first),
        }
    }
    out
}

fn utf16(bytes: &[u8]) -> String {
    let units: Vec<u16> = bytes
        .chunks_exact(2)
        .map(|p| u16::from_be_bytes([p[0], p[1]]))
        .collect();
    String::from_utf16_lossy(&units)
}

/// Files below a folder by their path, without the manifest: it also says who wrote them and when.
pub fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut out = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
                out.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    out.remove(MANIFEST);
    out
}

/// The same files with the same bytes.
pub fn assert_same(wanted: &BTreeMap<String, Vec<u8>>, there: &BTreeMap<String, Vec<u8>>, target: &Path) {
    let names = |files: &BTreeMap<String, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(wanted), names(there), "{}", target.display());
    for (name, bytes) in wanted {
        assert!(
            bytes == &there[name],
            "{name} differs in {}:\n{}\n---\n{}",
            target.display(),
            String::from_utf8_lossy(bytes),
            String::from_utf8_lossy(&there[name]),
        );
    }
}
