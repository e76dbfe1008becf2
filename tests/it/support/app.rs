//! The program as people have it: the built binary, a folder of its own, a configuration written by the test.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

use super::{eventually, http, ports};

/// An installation in a throw-away folder.
pub struct TestApp {
    dir: tempfile::TempDir,
    _ports: ports::Ports,
    env: Vec<(&'static str, PathBuf)>,
    /// Port of the public listener.
    pub port: u16,
    /// Port of the admin listener.
    pub admin_port: u16,
}

/// What one command answered.
#[derive(Debug)]
pub struct Answer {
    /// Exit code; -1 where a signal ended it.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Answer {
    /// Standard output as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(self.out.trim()).unwrap_or_else(|e| panic!("no JSON ({e}): {} / {}", self.out, self.err))
    }

    /// Panics with the whole answer where the exit code is not 0.
    pub fn ok(self) -> Self {
        assert_eq!(self.code, 0, "{} / {}", self.out, self.err);
        self
    }
}

/// A running `serve`; killed when dropped.
pub struct Serve(Child);

impl Serve {
    /// kill -9, and gone when this returns.
    pub fn kill(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([name, &self.0.id().to_string()]).status();
        assert!(sent.unwrap().success(), "kill {name}");
    }

    /// Asks it to stop; [`Serve::ended`] waits.
    pub fn term(&self) {
        self.signal("-TERM");
    }

    /// SIGSTOP: it does nothing any more, and keeps what it has. Every thread stands when this returns.
    pub fn freeze(&self) {
        self.signal("-STOP");
        let tasks = PathBuf::from(format!("/proc/{}/task", self.0.id()));
        eventually("all its threads stand", || {
            let mut states = std::fs::read_dir(&tasks).unwrap().map(|task| {
                // A thread may end while we look; "1234 (its name) T …", see proc_pid_stat(5).
                let stat = std::fs::read_to_string(task.unwrap().path().join("stat")).unwrap_or_default();
                stat.rsplit_once(')')
                    .is_none_or(|(_, rest)| rest.trim_start().starts_with('T'))
            });
            states.all(|stands| stands).then_some(())
        });
    }

    /// SIGCONT after [`Serve::freeze`].
    pub fn go_on(&self) {
        self.signal("-CONT");
    }

    /// Waits until it has ended; its exit code.
    pub fn ended(mut self) -> i32 {
        self.0.wait().unwrap().code().unwrap_or(-1)
    }

    /// Asks it to stop and waits; its exit code.
    pub fn stop(mut self) -> i32 {
        self.term();
        self.0.wait().unwrap().code().unwrap_or(-1)
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        self.kill();
    }
}

impl TestApp {
    /// A publisher `potsdam` in three languages, and the channels given as TOML.
    pub fn new(channels: &str) -> Self {
        Self::with_publishers(
            "[publisher.potsdam]\nname = \"Landeshauptstadt Potsdam\"\nlanguages = [\"de\", \"de-simple\", \"en\"]\ntimezone = \"Europe/Berlin\"\nphone = \"115\"\n",
            channels,
        )
    }

    /// Publishers and channels as TOML.
    pub fn with_publishers(publishers: &str, channels: &str) -> Self {
        let ports = ports::free(2);
        let (port, admin_port) = (ports.first(), ports.first() + 1);
        let app = Self {
            dir: tempfile::tempdir().unwrap(),
            _ports: ports,
            env: Vec::new(),
            port,
            admin_port,
        };
        let config = format!(
            "[site]\nurl = \"http://127.0.0.1:{port}\"\n[serve]\nlisten = \"127.0.0.1:{port}\"\nadmin_listen = \"127.0.0.1:{admin_port}\"\n{publishers}\n{channels}\n"
        );
        app.write("channels.toml", &config);
        app
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Everything that is started from now on has this in its environment.
    pub fn always(&mut self, name: &'static str, value: impl Into<PathBuf>) {
        self.env.push((name, value.into()));
    }

    /// Writes a file into the folder; its path.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    /// The command with the folder's configuration and data, in English, in UTC.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rundruf"));
        command
            .args(args)
            .arg("--config")
            .arg(self.path().join("channels.toml"))
            .arg("--data")
            .arg(self.path().join("data"))
            .current_dir(self.path())
            .env("LANG", "C.UTF-8")
            .env("USER", "tester")
            .env_remove("LC_ALL")
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null());
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, args: &[&str]) -> Answer {
        Self::answer(self.command(args).output().unwrap())
    }

    /// Runs a command where the language is German.
    pub fn german(&self, args: &[&str]) -> Answer {
        Self::answer(self.command(args).env("LANG", "de_DE.UTF-8").output().unwrap())
    }

    /// Runs a command with `--json`; panics where it fails.
    pub fn json(&self, args: &[&str]) -> Value {
        let mut all = args.to_vec();
        all.push("--json");
        self.run(&all).ok().json()
    }

    /// Writes a notice and publishes it with `--yes --json` and whatever else.
    pub fn publish(&self, notice: &str, args: &[&str]) -> Value {
        self.write("meldung.toml", notice);
        let mut all = vec!["publish", "meldung.toml", "--yes"];
        all.extend(args);
        self.json(&all)
    }

    /// Starts `serve` and waits until it is ready.
    pub fn serve(&self) -> Serve {
        self.serve_with(&[])
    }

    /// As [`TestApp::serve`], with more in its environment.
    pub fn serve_with(&self, env: &[(&str, &str)]) -> Serve {
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.path().join("serve.log"))
            .unwrap();
        let child = self
            .command(&["serve"])
            .envs(env.iter().copied())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut serve = Serve(child);
        eventually("serve is ready", || {
            assert!(serve.0.try_wait().unwrap().is_none(), "serve ended: {}", self.log());
            http::get(self.port, "/readyz").ok().filter(|a| a.status == 200)
        });
        serve
    }

    /// What `serve` has logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.path().join("serve.log")).unwrap_or_default()
    }

    /// Address of the public listener.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// All that commands can change, as commands and files show it: incidents, lanes, broadcasts, every file but the
    /// database's own (opening one moves pages between file and log).
    pub fn state(&self) -> Vec<String> {
        let mut status = self.json(&["status"]);
        status.as_object_mut().unwrap().remove("as_of");
        let mut state = vec![self.json(&["incident", "list"]).to_string(), status.to_string()];
        let mut folders = vec![self.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if !path.display().to_string().contains("rundruf.db") {
                    let bytes = std::fs::read(&path).unwrap_or_default();
                    state.push(format!("{} {}", path.display(), String::from_utf8_lossy(&bytes)));
                }
            }
        }
        state.sort();
        state
    }

    /// Broadcasts of all incidents as `status --json` shows them.
    pub fn broadcasts(&self) -> Vec<Value> {
        let status = self.json(&["status"]);
        status["incidents"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|i| i["broadcasts"].as_array().unwrap().clone())
            .collect()
    }

    /// The broadcast of notice `number` on `channel`.
    pub fn broadcast(&self, channel: &str, number: u64) -> Value {
        self.broadcasts()
            .into_iter()
            .find(|b| b["channel"] == channel && b["number"] == number)
            .unwrap_or_else(|| panic!("no broadcast of {number} on {channel}"))
    }

    /// Waits until a counter of a broadcast has a value.
    pub fn wait_for(&self, channel: &str, number: u64, counter: &str, value: u64) {
        eventually(&format!("{channel} {number} has {counter} = {value}"), || {
            (self.broadcast(channel, number)["counters"][counter] == value).then_some(())
        });
    }

    /// What a command that was run otherwise has answered.
    pub fn answer(output: Output) -> Answer {
        Answer {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}
