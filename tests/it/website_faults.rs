//! Three copies of one site, in a folder, on nginx (WebDAV) and in a bucket of s3s-fs (S3). One fails in every way while readers
//! look at all of them: each copy is whole at every moment, old or new; the others go on; the retry goes on where it was.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use serde_json::Value;

use super::support::app::Serve;
use super::support::stage::{assert_same, files};
use super::support::{FaultProxy, Peer, TestApp, eventually, http};

/// Of one upload; long enough for a whole site on a loaded machine, short enough to wait for.
const TIMEOUT: &str = "15s";

/// A copy as a reader gets at it, past the proxy.
#[derive(Clone)]
enum Copy {
    Folder(PathBuf),
    Nginx(u16),
}

impl Copy {
    /// `Ok(None)`: not there. `Err`: nobody answers.
    fn get(&self, path: &str) -> Result<Option<Vec<u8>>, ()> {
        match self {
            Self::Folder(folder) => Ok(std::fs::read(folder.join(path)).ok()),
            Self::Nginx(port) => {
                let login = [("Authorization", "Basic dTpw")];
                let reply = http::send(*port, "GET", &format!("/dav/site/{path}"), &login, b"");
                match reply.map_err(drop)? {
                    reply if reply.status == 200 => Ok(Some(reply.body)),
                    reply if reply.status == 404 => Ok(None),
                    _ => Err(()),
                }
            }
        }
    }

    /// Follows every link from the front page; what is not there, or not whole. `None` where the copy cannot be read now.
    fn faults(&self) -> Option<Vec<String>> {
        let (mut open, mut seen, mut faults) = (vec!["index.html".to_owned()], BTreeSet::new(), Vec::new());
        while let Some(path) = open.pop() {
            if !seen.insert(path.clone()) {
                continue;
            }
            let Some(content) = self.get(&path).ok()? else {
                faults.push(format!("{path} is not there"));
                continue;
            };
            let text = String::from_utf8_lossy(&content);
            if path.ends_with(".html") {
                if !text.trim_end().ends_with("</html>") {
                    faults.push(format!("{path} is not whole"));
                }
                open.extend(links(&path, &text));
            }
        }
        Some(faults)
    }
}

/// The files that a page points at on its own site.
fn links(page: &str, html: &str) -> Vec<String> {
    let base = url::Url::parse(&format!("http://copy.invalid/{page}")).unwrap();
    let hrefs = html.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
    hrefs
        .filter_map(|href| base.join(href).ok())
        .filter(|url| url.host_str() == Some("copy.invalid"))
        .map(|url| {
            let path = url.path().trim_start_matches('/');
            if path.is_empty() || path.ends_with('/') {
                format!("{path}index.html")
            } else {
                path.to_owned()
            }
        })
        .collect()
}

/// A reader who looks at the copies in turn, all the time.
struct Reader {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Result<usize, String>>,
}

impl Reader {
    fn of(copies: [(&'static str, Copy); 3]) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let seen = stop.clone();
        let thread = std::thread::spawn(move || {
            let mut rounds = 0;
            while !seen.load(Ordering::Relaxed) || rounds < copies.len() {
                for (name, copy) in &copies {
                    match copy.faults() {
                        Some(faults) if !faults.is_empty() => return Err(format!("{name}: {faults:#?}")),
                        Some(_) => rounds += 1,
                        None => {}
                    }
                }
            }
            Ok(rounds)
        });
        Self { stop, thread }
    }

    /// Nothing was half at any moment.
    fn end(self) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap().unwrap_or_else(|faults| panic!("{faults}"));
    }
}

/// An installation with its three copies.
struct Copies {
    app: TestApp,
    serve: Serve,
    nginx: Peer,
    s3: Peer,
    /// In front of the one that fails.
    proxy: FaultProxy,
    notices: u64,
}

impl Copies {
    /// Two notices are everywhere already.
    fn start(faulty: &'static str, nginx_env: &[(&str, &str)]) -> Option<Self> {
        let nginx = Peer::start_with("nginx", 1, &[], nginx_env)?;
        let s3 = Peer::start("s3fs", 1)?;
        let proxy = FaultProxy::start(if faulty == "nginx" { nginx.port() } else { s3.port() })?;
        let at = |name: &str, peer: &Peer| if faulty == name { proxy.port() } else { peer.port() };
        let app = TestApp::new(&format!(
            "[channel.website]\nkind = \"website\"\ntimeout = \"{TIMEOUT}\"\ntargets = [\n  \"file:public\",\n  \
             {{ url = \"webdav://u@127.0.0.1:{}/dav/site\", password = \"p\" }},\n  \
             {{ url = \"s3://127.0.0.1:{}/site\", access_key = \"peerkey\", secret_key = \"peersecret\" }},\n]\n",
            at("nginx", &nginx),
            at("s3fs", &s3),
        ));
        let serve = app.serve();
        let mut copies = Self {
            app,
            serve,
            nginx,
            s3,
            proxy,
            notices: 0,
        };
        for words in ["Die IT ist abgeschaltet", "Die Telefone gehen wieder"] {
            let number = copies.publish("2023-01-it", words);
            copies.arrives(number);
        }
        copies.all_same();
        Some(copies)
    }

    fn publish(&mut self, incident: &str, words: &str) -> u64 {
        self.notices += 1;
        let notice = format!(
            "incident = \"{incident}\"\nheadline = \"{words}\"\nsummary = \"{words}. Bitte rufen Sie vorher an.\"\n\
             contact.zentrale.phone = \"115\"\n[place.ort-{}]\nname = \"Ort {}\"\n",
            self.notices, self.notices,
        );
        self.app.publish(&notice, &[])["number"].as_u64().unwrap()
    }

    fn copy(&self, name: &str) -> Copy {
        match name {
            "file" => Copy::Folder(self.app.path().join("public")),
            "nginx" => Copy::Nginx(self.nginx.port()),
            _ => Copy::Folder(self.s3.dir().join("data/site")),
        }
    }

    fn reader(&self) -> Reader {
        Reader::of(["file", "nginx", "s3fs"].map(|name| (name, self.copy(name))))
    }

    /// The others have it, and the faulty one does not; the board says why (`words`) and when it is tried again.
    fn others_arrive(&self, number: u64, words: &str) {
        self.app.wait_for("website", number, "delivered", 2);
        eventually("status says what is wrong", || {
            let broadcast = self.broadcast(number);
            assert_eq!(broadcast["counters"]["delivered"], 2, "{broadcast}");
            let text = broadcast["text"].as_str().unwrap();
            (text.contains("next try") && text.contains(words)).then_some(())
        });
        assert!(!self.app.log().contains("peersecret"));
    }

    fn broadcast(&self, number: u64) -> Value {
        self.app.broadcast("website", number)
    }

    /// Everywhere.
    fn arrives(&self, number: u64) {
        eventually("it arrives everywhere", || {
            self.app.run(&["channel", "retry", "website"]).ok();
            (self.broadcast(number)["counters"]["delivered"] == 3).then_some(())
        });
    }

    /// The three copies are the same bytes.
    fn all_same(&self) {
        let wanted = files(&self.app.path().join("public"));
        assert!(wanted.len() > 20);
        let bucket = self.s3.dir().join("data/site");
        let mut there = files(&bucket);
        // What s3s-fs keeps beside the objects.
        there.retain(|name, _| !name.starts_with('.') || name.starts_with(".well-known/"));
        assert_same(&wanted, &there, &bucket);
        let site = Copy::Nginx(self.nginx.port());
        let there: BTreeMap<String, Vec<u8>> = wanted
            .keys()
            .map(|path| (path.clone(), site.get(path).unwrap().unwrap_or_default()))
            .collect();
        assert_same(&wanted, &there, &self.nginx.dir().join("www/dav/site"));
    }

    /// It broke off in the middle, and the rest followed: no file but the manifest was switched twice.
    fn fails_and_follows(
        &mut self,
        reader: Reader,
        incident: &str,
        words: &str,
        why: &str,
        well_again: impl Fn(&Self),
    ) {
        let before = self.switched();
        let number = self.publish(incident, words);
        self.others_arrive(number, why);
        well_again(self);
        self.arrives(number);
        reader.end();
        self.all_same();
        let mut since: BTreeMap<String, usize> = BTreeMap::new();
        for name in self.switched().split_off(before.len()) {
            *since.entry(name).or_default() += 1;
        }
        since.retain(|name, times| *times > 1 && !name.contains("manifest"));
        assert!(since.is_empty(), "sent again: {since:?}");
    }

    /// The files that nginx has switched, in order; nothing where it is another's turn.
    fn switched(&self) -> Vec<String> {
        let log = self.nginx.read("access.log");
        let moves = log.lines().filter_map(|line| line.strip_prefix("MOVE "));
        moves
            .filter_map(|line| line.strip_suffix(" 204").or(line.strip_suffix(" 201")))
            .map(str::to_owned)
            .collect()
    }

    fn end(self) {
        assert_eq!(self.serve.stop(), 0);
    }
}

/// Away, cut in the middle from either side, slow: what any server on the net does.
fn fails_in_every_way(faulty: &'static str) {
    let Some(mut copies) = Copies::start(faulty, &[]) else {
        return;
    };
    let reader = copies.reader();
    copies.proxy.stop();
    copies.fails_and_follows(reader, "2023-01-it", "Server steht", "no connection", |copies| {
        copies.proxy.start_again();
    });

    // New incidents, whose names sort before and after all that is there: the front page must not know them too early.
    for (mode, incident, why) in [
        ("hang", "2023-01-it", "within"),
        ("cut-request 40000", "a-neu", "://"),
        ("cut-request 25000", "z-neu", "://"),
        ("cut-answer 4000", "2023-01-it", "://"),
        ("lose-answer", "b-neu", "://"),
    ] {
        let reader = copies.reader();
        copies.proxy.mode(mode);
        copies.fails_and_follows(reader, incident, &format!("Server: {mode}"), why, |copies| {
            copies.proxy.mode("pass");
            copies.proxy.cut();
        });
    }

    let reader = copies.reader();
    copies.proxy.mode("slow 3");
    let number = copies.publish("c-neu", "Server ist langsam");
    copies.arrives(number);
    reader.end();
    copies.all_same();
    copies.end();
}

#[test]
fn a_webdav_server_fails_in_every_way() {
    fails_in_every_way("nginx");
}

#[test]
fn a_bucket_fails_in_every_way() {
    fails_in_every_way("s3fs");
}

#[test]
fn a_server_that_takes_no_changes() {
    let Some(mut copies) = Copies::start("nginx", &[]) else {
        return;
    };
    for (name, why) in [("nginx", "does not allow it (403)"), ("s3fs", "is in trouble (500)")] {
        let peer = |copies: &Copies, env: &[(&str, &str)]| {
            let peer = if name == "nginx" { &copies.nginx } else { &copies.s3 };
            peer.stop();
            peer.start_again_with(env);
        };
        peer(&copies, &[("READONLY", "1")]);
        let reader = copies.reader();
        copies.fails_and_follows(reader, "2023-01-it", &format!("Nur lesen: {name}"), why, |copies| {
            peer(copies, &[]);
        });
    }
    copies.end();
}

#[test]
fn a_server_whose_disk_is_full() {
    let Some(mut copies) = Copies::start("nginx", &[("SMALL", "6m")]) else {
        return;
    };
    copies.nginx.verb("full", &[]);
    let reader = copies.reader();
    copies.fails_and_follows(reader, "a-neu", "Platte voll", "is in trouble (500)", |copies| {
        copies.nginx.verb("roomy", &[]);
    });
    copies.end();
}
