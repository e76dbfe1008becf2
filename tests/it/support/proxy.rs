//! A proxy in front of a counterpart that fails on demand; its modes stand in the head of `tests/peers/faultproxy.py`.

use super::Peer;
use std::path::Path;

/// Carries to one port of 127.0.0.1, until told otherwise.
#[derive(Debug)]
pub struct FaultProxy(Peer);

impl FaultProxy {
    /// In front of `target_port`. `None`, said aloud, without Python.
    pub fn start(target_port: u16) -> Option<FaultProxy> {
        Peer::start_with("faultproxy", 1, &[&target_port.to_string()], &[]).map(FaultProxy)
    }

    /// The port to connect to instead of the target's.
    pub fn port(&self) -> u16 {
        self.0.port()
    }

    /// `http://127.0.0.1:PORT`
    pub fn url(&self) -> String {
        self.0.url()
    }

    /// Its folder.
    pub fn dir(&self) -> &Path {
        self.0.dir()
    }

    /// From the next connection on: `pass`, `refuse`, `hang`, `lose-answer`, `cut-answer 10`, `http 503`, `refuse x2` …
    /// Connections that rest between two requests are closed, so that a pooled client notices.
    pub fn mode(&self, words: &str) {
        self.0.verb("mode", &words.split(' ').collect::<Vec<_>>());
    }

    /// From the next connection on: this answer, and the target is never asked. `{+60}` in a header is the time in 60 s
    /// as RFC 3339, `{@60}` as seconds since 1970.
    pub fn answer(&self, status: u16, headers: &[(&str, &str)], body: &str) {
        let lines: String = headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}\n"))
            .collect();
        std::fs::write(self.dir().join("headers"), lines).unwrap();
        std::fs::write(self.dir().join("body"), body).unwrap();
        self.mode(&format!("http {status}"));
    }

    /// Ends it: its port refuses connections, as that of a counterpart that is switched off.
    pub fn stop(&self) {
        self.0.stop();
    }

    /// Starts it anew on the same port, after [`FaultProxy::stop`], with the mode it had.
    pub fn start_again(&self) {
        self.0.start_again();
    }

    /// Resets every open connection now, also those in the middle of a request.
    pub fn cut(&self) {
        self.0.verb("cut", &[]);
    }

    /// One line per connection: the mode it met.
    pub fn log_lines(&self) -> Vec<String> {
        self.0.read("log").lines().map(str::to_owned).collect()
    }
}
