//! The real program: `serve` as a process with a memory of its own, and commands beside it.

use std::process::Stdio;
use std::time::{Duration, Instant};

use rundruf::sandbox::get_status;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use super::town::Town;
use crate::kit::machine;

/// Looks at what is not there yet.
pub const AGAIN: Duration = Duration::from_millis(5);

/// A running `serve`.
pub struct Serve {
    child: Child,
    said: Lines<BufReader<ChildStdout>>,
    pub begun: Instant,
}

impl Serve {
    pub fn start(town: &Town) -> Self {
        let begun = Instant::now();
        let mut child = command(town, &["serve"]).stdout(Stdio::piped()).spawn().expect("serve");
        let said = BufReader::new(child.stdout.take().expect("its words")).lines();
        Self { child, said, begun }
    }

    /// Waits until its lanes run, which it says; how long that took since its start.
    pub async fn runs(&mut self) -> Duration {
        loop {
            let line = self.said.next_line().await.expect("its words");
            if line.expect("serve has ended").starts_with("Rundruf") {
                return self.begun.elapsed();
            }
        }
    }

    /// Waits until `/readyz` says so; how long that took since its start.
    pub async fn ready(&mut self, town: &Town) -> Duration {
        let url = format!("http://127.0.0.1:{}/readyz", town.site)
            .parse()
            .expect("an address");
        while !matches!(get_status(&url).await, Ok(200)) {
            assert!(self.child.try_wait().expect("a child").is_none(), "serve has ended");
            tokio::time::sleep(AGAIN).await;
        }
        self.begun.elapsed()
    }

    fn id(&self) -> u32 {
        self.child.id().expect("still running")
    }

    /// `RssAnon`, MB.
    pub fn memory(&self) -> f64 {
        rss_anon(&format!("/proc/{}/status", self.id()))
    }

    /// SIGTERM, and its end.
    pub async fn stop(mut self) {
        let id = self.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &id]).status().await.expect("kill");
        assert!(sent.success());
        assert!(self.child.wait().await.expect("its end").success());
    }

    /// SIGKILL.
    pub async fn kill(mut self) {
        self.child.kill().await.expect("killed");
    }
}

/// A command of the program in this installation.
pub fn command(town: &Town, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rundruf"));
    command
        .args(args)
        .current_dir(town.path())
        .env("LANG", "C.UTF-8")
        .env("RUST_LOG", "error")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .kill_on_drop(true);
    command
}

/// Runs one to its end; how long it took.
pub async fn timed(town: &Town, args: &[&str]) -> Duration {
    let begin = Instant::now();
    let ended = command(town, args).status().await.expect("its end");
    assert!(ended.success(), "{args:?}");
    begin.elapsed()
}

/// The list is taken over by the first `serve`, before it begins.
pub async fn taken_over(town: &mut Town) {
    println!("the list is taken over, load {}", machine::load());
    let mut serve = Serve::start(town);
    let mut most: f64 = 0.0;
    let memory = format!("/proc/{}/status", serve.id());
    let took = loop {
        match tokio::time::timeout(Duration::from_millis(100), serve.runs()).await {
            Ok(took) => break took,
            Err(_) => most = most.max(rss_anon(&memory)),
        }
    };
    println!(
        "  {} recipients in {took:.1?}, RssAnon at most {most:.0} MB",
        town.people
    );
    serve.stop().await;
}

/// Of the process with this status, MB.
fn rss_anon(status: &str) -> f64 {
    let status = std::fs::read_to_string(status).expect("a status");
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    let kb: Option<f64> = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    kb.expect("RssAnon") / 1024.0
}
