//! Real counterparts: a script of `tests/peers` started for one test, ended with it.

use super::{node_peers, ports, python, root, skipped};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// A running counterpart on 127.0.0.1. Ends when dropped, also by a panic; when the whole test process is killed, the
/// script's own watch ends it.
#[derive(Debug)]
pub struct Peer {
    name: String,
    dir: TempDir,
    ports: ports::Ports,
    args: Vec<String>,
    env: Vec<(String, String)>,
}

impl Peer {
    /// Starts `tests/peers/NAME.sh` on `port_count` ports in a row and returns when it answers.
    /// `None`, said aloud, when its program is not installed.
    pub fn start(name: &str, port_count: u16) -> Option<Peer> {
        Peer::start_with(name, port_count, &[], &[])
    }

    /// As [`Peer::start`], with further arguments and environment (`&[("READONLY", "1")]`): the script's head names them.
    pub fn start_with(name: &str, port_count: u16, args: &[&str], env: &[(&str, &str)]) -> Option<Peer> {
        let env: Vec<(String, String)> = env.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
        let check = command(name, &env).arg("check").output().unwrap();
        if !check.status.success() {
            skipped(&format!("{name}: {}", String::from_utf8_lossy(&check.stderr).trim()));
            return None;
        }
        let peer = Peer {
            name: name.to_owned(),
            dir: TempDir::with_prefix(format!("rundruf-{name}-")).unwrap(),
            ports: ports::free(port_count),
            args: args.iter().map(ToString::to_string).collect(),
            env,
        };
        peer.start_again();
        Some(peer)
    }

    /// Its first port.
    pub fn port(&self) -> u16 {
        self.ports.first()
    }

    /// `http://127.0.0.1:PORT`
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port())
    }

    /// Where it keeps its logs and books.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// A file of its folder as text, with what is not UTF-8 replaced; empty while it is not there.
    pub fn read(&self, file: &str) -> String {
        std::fs::read(self.dir().join(file))
            .map_or_else(|_| String::new(), |b| String::from_utf8_lossy(&b).into_owned())
    }

    /// Ends it and waits until it is gone. The folder and the ports stay.
    pub fn stop(&self) {
        self.verb("stop", &[]);
    }

    /// Starts it anew on the same ports and folder, after [`Peer::stop`].
    pub fn start_again(&self) {
        self.start_again_with(&[]);
    }

    /// As [`Peer::start_again`], with another environment for this time.
    pub fn start_again_with(&self, env: &[(&str, &str)]) {
        let port = self.port().to_string();
        let mut all = self.env.clone();
        all.extend(env.iter().map(|(k, v)| (k.to_string(), v.to_string())));
        let mut more = vec![port.as_str()];
        more.extend(self.args.iter().map(String::as_str));
        self.verb_with(&all, "start", &more);
    }

    /// Another verb of the script: `NAME.sh VERB DIR MORE…`.
    pub fn verb(&self, verb: &str, more: &[&str]) {
        self.verb_with(&self.env, verb, more);
    }

    fn verb_with(&self, env: &[(String, String)], verb: &str, more: &[&str]) {
        let done = command(&self.name, env)
            .arg(verb)
            .arg(self.dir())
            .args(more)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "tests/peers/{}.sh {verb}: {said}", self.name);
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // No assertion here: a panic within a panic would hide the first one.
        let _ = command(&self.name, &self.env).arg("stop").arg(self.dir()).output();
    }
}

fn script(name: &str) -> PathBuf {
    root().join(format!("tests/peers/{name}.sh"))
}

fn command(name: &str, env: &[(String, String)]) -> Command {
    let mut command = Command::new(script(name));
    command
        .stdin(Stdio::null())
        .env("PYTHON", python())
        .env("NODE_PEERS", node_peers())
        .env("PEER_OWNER", std::process::id().to_string())
        .envs(env.iter().cloned());
    command
}
