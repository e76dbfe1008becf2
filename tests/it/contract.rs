//! The contract of the command line (DESIGN 6, NOTICE.md, LANES 1 and 2) as a black box: the built program in a folder of its
//! own, looked at through its answers, its pages and its files.

mod acts;
mod asking;
mod channels;
mod command_line;
mod examples;
mod fitting;
mod incidents;
mod public_site;
mod publishing;
mod screens;
mod serving;
mod waiting;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};

use crate::support::app::Answer;
use crate::support::{TestApp, root};

/// A website into the folder `public`.
pub const WEBSITE: &str = "[channel.website]\nkind = \"website\"\ntargets = [\"file:public\"]\n";

/// A short notice; `n` makes it another one.
pub fn notice(n: u32) -> String {
    format!("headline = \"Lage {n}\"\nsummary = \"Stand der Dinge, Folge {n}.\"\n")
}

/// An SMS gateway at `port` with this audience file.
pub fn sms(port: u16) -> String {
    format!(
        "[channel.sms]\nkind = \"kannel\"\nurl = \"http://127.0.0.1:{port}\"\nusername = \"u\"\npassword = \"pass-word-1\"\nfrom = \"Potsdam\"\nprice = 0.07\naudience = {{ file = \"presse.csv\" }}\n"
    )
}

/// A webhook at `port`.
pub fn hook(name: &str, port: u16) -> String {
    format!(
        "[channel.{name}]\nkind = \"webhook\"\nurl = \"http://127.0.0.1:{port}/in\"\nsecret = \"whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\"\n"
    )
}

/// An installation with an SMS channel whose gateway is away, and two recipients.
fn with_sms(port: u16) -> TestApp {
    let app = TestApp::new(&format!("{WEBSITE}{}", sms(port)));
    app.write(
        "presse.csv",
        "address,name,language,places\n+491713920001,Redaktion,,\n+491713920002,Funk,,werl\n",
    );
    app
}

/// A port where nobody listens, for as long as the holder lives.
pub fn nobody() -> crate::support::ports::Ports {
    crate::support::ports::free(1)
}

/// Publishes a file of the project as it stands.
fn publish_file(app: &TestApp, path: &str, args: &[&str]) -> Answer {
    let file = root().join(path);
    let mut all = vec!["publish", file.to_str().unwrap(), "--yes"];
    all.extend(args);
    app.run(&all)
}

/// Every file below a folder with its content.
pub(super) fn tree(folder: &Path) -> Vec<(String, Vec<u8>)> {
    fn walk(folder: &Path, base: &Path, all: &mut Vec<(String, Vec<u8>)>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, base, all);
            } else if let Ok(bytes) = std::fs::read(&path) {
                all.push((path.strip_prefix(base).unwrap().display().to_string(), bytes));
            }
        }
    }
    let mut all = Vec::new();
    if folder.is_dir() {
        walk(folder, folder, &mut all);
    }
    all.sort();
    all
}

/// A counterpart that takes each request and leaves the answer to the test.
pub struct Counterpart {
    /// Where it listens.
    pub port: u16,
    requests: Receiver<(String, TcpStream)>,
}

impl Counterpart {
    /// Listens from now on; ends with the process.
    pub fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let (port, (tell, requests)) = (listener.local_addr().unwrap().port(), channel());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let tell: Sender<_> = tell.clone();
                std::thread::spawn(move || {
                    let mut stream = stream;
                    let head = read_request(&mut stream);
                    // The test may be over already.
                    let _ = tell.send((head, stream));
                });
            }
        });
        Self { port, requests }
    }

    /// The next request, unanswered.
    pub fn next(&self) -> (String, TcpStream) {
        self.requests
            .recv_timeout(std::time::Duration::from_secs(60))
            .expect("no request came")
    }

    /// Answers the next request with a status.
    pub fn answer(&self, status: &str) {
        reply(&mut self.next().1, status);
    }
}

fn reply(stream: &mut TcpStream, status: &str) {
    let _ = write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    );
}

/// Head and body of a request.
fn read_request(stream: &mut TcpStream) -> String {
    let (mut bytes, mut piece) = (Vec::new(), [0; 4096]);
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .filter_map(|l| l.split_once(':'))
                .find(|(n, _)| n.eq_ignore_ascii_case("content-length"));
            let length: usize = length.and_then(|(_, v)| v.trim().parse().ok()).unwrap_or(0);
            if body.len() >= length {
                return text;
            }
        }
        match stream.read(&mut piece) {
            Ok(0) | Err(_) => return text,
            Ok(n) => bytes.extend_from_slice(&piece[..n]),
        }
    }
}
