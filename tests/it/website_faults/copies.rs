//! One installation with four copies of its site: in a folder, on OpenSSH (SFTP), on nginx (WebDAV over TLS) and in a bucket of s3s-fs
//! (S3). One of them can be made to fail.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rundruf::formats::manifest::MANIFEST;
use serde_json::Value;

use super::reader::{Copy, Reader};
use crate::support::app::Serve;
use crate::support::stage::{assert_same, files, host_key, user};
use crate::support::{FaultProxy, Peer, TestApp, eventually};

/// Of one upload; long enough for a whole site on a loaded machine, short enough to wait for.
const TIMEOUT: &str = "15s";
/// In the name of the list, also while it is written beside its place.
const LIST: &str = "rundruf-manifest.json";
/// The copies.
const NAMES: [&str; 4] = ["file", "sftp", "nginx", "s3fs"];

/// An installation with its four copies.
pub struct Copies {
    pub app: TestApp,
    pub sftp: Peer,
    pub nginx: Peer,
    pub s3: Peer,
    serve: Serve,
    /// The one that fails.
    faulty: &'static str,
    /// In front of it; a folder has none.
    proxy: Option<FaultProxy>,
    notices: u64,
}

/// A file as it lies there: its number and when it was written. Another one has other numbers.
type Written = (u64, i64, i64);

impl Copies {
    /// Two notices are everywhere already.
    pub fn start(faulty: &'static str, nginx_env: &[(&str, &str)]) -> Option<Self> {
        Self::start_on(faulty, nginx_env, |_| Some(()))
    }

    /// As [`Copies::start`], after `prepare` has seen the folder under which the copy that will fail is going to lie; `None`
    /// where that did not work out.
    pub fn start_on(
        faulty: &'static str,
        nginx_env: &[(&str, &str)],
        prepare: impl FnOnce(&Path) -> Option<()>,
    ) -> Option<Self> {
        let sftp = Peer::start("sftp", 1)?;
        let nginx_env = [&[("TLS", "1"), ("PLAIN", "1")], nginx_env].concat();
        let nginx = Peer::start_with("nginx", 2, &[], &nginx_env)?;
        let s3 = Peer::start("s3fs", 1)?;
        let port = |name: &str| match name {
            "sftp" => sftp.port(),
            "nginx" => nginx.port(),
            _ => s3.port(),
        };
        let proxy = match faulty {
            "file" => None,
            name => Some(FaultProxy::start(port(name))?),
        };
        let at = |name: &str| match &proxy {
            Some(proxy) if faulty == name => proxy.port(),
            _ => port(name),
        };
        let app = TestApp::new(&format!(
            "[channel.website]\nkind = \"website\"\ntimeout = \"{TIMEOUT}\"\ntargets = [\n  \"file:public\",\n  \
             {{ url = \"sftp://{}@127.0.0.1:{}/htdocs\", private_key_file = \"{}\", host_key = \"{}\" }},\n  \
             {{ url = \"webdavs://u@localhost:{}/dav/site\", password = \"p\" }},\n  \
             {{ url = \"s3://127.0.0.1:{}/site\", access_key = \"peerkey\", secret_key = \"peersecret\" }},\n]\n",
            user(),
            at("sftp"),
            sftp.dir().join("id").display(),
            host_key(&sftp),
            at("nginx"),
            at("s3fs"),
        ));
        let root = match faulty {
            "file" => app.path().join("public"),
            "sftp" => sftp.dir().join("www"),
            "nginx" => nginx.dir().join("www/dav"),
            _ => s3.dir().join("data"),
        };
        prepare(&root)?;
        std::fs::create_dir_all(s3.dir().join("data/site")).unwrap();
        // The certificate is its own authority.
        let serve = app.serve_with(&[("SSL_CERT_FILE", nginx.dir().join("ca.pem").to_str().unwrap())]);
        let mut copies = Self {
            app,
            sftp,
            nginx,
            s3,
            serve,
            faulty,
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

    /// In front of the one that fails.
    pub fn proxy(&self) -> &FaultProxy {
        self.proxy.as_ref().expect("only what is on the net has a proxy")
    }

    pub fn publish(&mut self, incident: &str, words: &str) -> u64 {
        self.notices += 1;
        let notice = format!(
            "incident = \"{incident}\"\nheadline = \"{words}\"\nsummary = \"{words}. Bitte rufen Sie vorher an.\"\n\
             contact.zentrale.phone = \"115\"\n[place.ort-{}]\nname = \"Ort {}\"\n",
            self.notices, self.notices,
        );
        self.app.publish(&notice, &[])["number"].as_u64().unwrap()
    }

    /// Where a copy lies on this machine.
    fn folder(&self, name: &str) -> PathBuf {
        match name {
            "file" => self.app.path().join("public"),
            "sftp" => self.sftp.dir().join("www/htdocs"),
            "nginx" => self.nginx.dir().join("www/dav/site"),
            _ => self.s3.dir().join("data/site"),
        }
    }

    fn copy(&self, name: &str) -> Copy {
        match name {
            "nginx" => Copy::Nginx(self.nginx.port() + 1),
            name => Copy::Folder(self.folder(name)),
        }
    }

    /// Somebody who looks at all of them from now on.
    pub fn reader(&self) -> Reader {
        Reader::of(NAMES.map(|name| (name, self.copy(name))))
    }

    /// The others have it, and the faulty one does not; the board says why (`words`) and when it is tried again.
    fn others_arrive(&self, number: u64, words: &str) {
        self.app.wait_for("website", number, "delivered", 3);
        eventually("status says what is wrong", || {
            let broadcast = self.broadcast(number);
            assert_eq!(broadcast["counters"]["delivered"], 3, "{broadcast}");
            let text = broadcast["text"].as_str().unwrap();
            (text.contains("next try") && text.contains(words)).then_some(())
        });
        assert!(!self.app.log().contains("peersecret"));
    }

    fn broadcast(&self, number: u64) -> Value {
        self.app.broadcast("website", number)
    }

    /// Everywhere. What waits for its next try is told to try now; what is under way is left alone.
    pub fn arrives(&self, number: u64) {
        eventually("it arrives everywhere", || {
            let broadcast = self.broadcast(number);
            if broadcast["text"].as_str().is_some_and(|text| text.contains("next try")) {
                self.app.run(&["channel", "retry", "website"]).ok();
            }
            (broadcast["counters"]["delivered"] == 4).then_some(())
        });
    }

    /// The four copies are the same bytes.
    pub fn all_same(&self) {
        let wanted = files(&self.folder("file"));
        assert!(wanted.len() > 20);
        for name in ["sftp", "s3fs"] {
            let mut there = files(&self.folder(name));
            // What s3s-fs keeps beside the objects.
            there.retain(|name, _| !name.starts_with('.') || name.starts_with(".well-known/"));
            assert_same(&wanted, &there, &self.folder(name));
        }
        // Its folder may be on a disk that nginx alone sees.
        let nginx = self.copy("nginx");
        let there: BTreeMap<String, Vec<u8>> = wanted
            .keys()
            .map(|path| (path.clone(), nginx.get(path).unwrap().unwrap_or_default()))
            .collect();
        assert_same(&wanted, &there, &self.folder("nginx"));
    }

    /// It breaks off in the middle, and the rest follows: nothing but the list is sent twice.
    pub fn fails_and_follows(
        &mut self,
        reader: Reader,
        incident: &str,
        words: &str,
        why: &str,
        well_again: impl Fn(&Self),
    ) {
        let (before, moves) = (self.written(), self.moves().len());
        let number = self.publish(incident, words);
        self.others_arrive(number, why);
        let broke_off = self.written();
        well_again(self);
        self.arrives(number);
        reader.end();
        self.all_same();

        let at_last = self.written();
        let brought = broke_off.iter().filter(|(path, at)| before.get(*path) != Some(*at));
        let again: Vec<&String> = brought
            .filter(|(path, at)| at_last.get(*path).is_some_and(|last| last != *at))
            .map(|(path, _)| path)
            .collect();
        assert!(again.is_empty(), "{}: sent again: {again:?}", self.faulty);
        let mut since: BTreeMap<String, usize> = BTreeMap::new();
        for name in self.moves().split_off(moves) {
            *since.entry(name).or_default() += 1;
        }
        since.retain(|name, times| *times > 1 && !name.contains(LIST));
        assert!(since.is_empty(), "nginx: sent again: {since:?}");
    }

    /// The files of the copy that fails, without the list; none where only its server sees them.
    fn written(&self) -> BTreeMap<String, Written> {
        let (mut found, root) = (BTreeMap::new(), self.folder(self.faulty));
        let mut folders = vec![root.clone()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                let path = entry.path();
                let name = path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
                // What was to take its place, and what s3s-fs keeps beside the objects, is no file of the copy.
                let aside = entry.file_name().to_string_lossy().starts_with('.') && name != ".well-known";
                // It may be renamed away while we look.
                let Ok(about) = entry.metadata() else { continue };
                if about.is_dir() {
                    folders.push(path);
                } else if !aside && name != MANIFEST {
                    found.insert(name, (about.ino(), about.mtime(), about.mtime_nsec()));
                }
            }
        }
        found
    }

    /// The files that nginx has switched, in order.
    fn moves(&self) -> Vec<String> {
        let log = self.nginx.read("access.log");
        let moves = log.lines().filter_map(|line| line.strip_prefix("MOVE "));
        moves
            .filter_map(|line| line.strip_suffix(" 204").or(line.strip_suffix(" 201")))
            .map(str::to_owned)
            .collect()
    }

    pub fn end(self) {
        assert_eq!(self.serve.stop(), 0);
    }
}
