//! Postfix's smtp-sink, the receiver of all: takes many thousand mails a second, keeps none, counts them.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::{Child, Command};

use crate::kit::{place, rivals};

/// How often its counter is read.
const LOOK: Duration = Duration::from_millis(2);
/// The counter's last line is not longer.
const LINE: u64 = 200;
/// Nobody here takes longer.
const GIVE_UP: Duration = Duration::from_secs(120);

/// Ends when dropped.
pub struct SmtpSink {
    pub port: u16,
    counter: PathBuf,
    _dir: tempfile::TempDir,
    _process: Child,
}

impl SmtpSink {
    /// Starts it; `None` where it is not installed.
    pub async fn start() -> Option<Self> {
        let program = rivals::program("smtp-sink")?;
        let dir = place::folder();
        let counter = dir.path().join("count");
        let port = place::free_port();
        let mut command = Command::new(program);
        command.arg("-c");
        if rivals::is_root() {
            command.args(["-u", "nobody"]);
        }
        let process = command
            .args([&format!("127.0.0.1:{port}"), "1000"])
            .stdin(Stdio::null())
            .stdout(File::create(&counter).expect("a file"))
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("smtp-sink");
        while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            tokio::time::sleep(LOOK).await;
        }
        Some(Self {
            port,
            counter,
            _dir: dir,
            _process: process,
        })
    }

    /// Mails so far.
    pub fn count(&self) -> u64 {
        let mut end = Vec::new();
        let mut file = File::open(&self.counter).expect("its counter");
        let length = file.seek(SeekFrom::End(0)).expect("a length");
        file.seek(SeekFrom::Start(length.saturating_sub(LINE)))
            .expect("a place");
        file.take(LINE).read_to_end(&mut end).expect("its counter");
        let text = String::from_utf8_lossy(&end);
        // The last one may not be written to its end.
        let whole = text.rsplit_once('\r').map_or("", |(whole, _)| whole);
        let number = whole.rsplit_once("mesg=").map(|(_, number)| number.trim());
        number.and_then(|n| n.parse().ok()).unwrap_or(0)
    }

    /// Waits until so many came.
    pub async fn reaches(&self, count: u64) {
        let reached = async {
            while self.count() < count {
                tokio::time::sleep(LOOK).await;
            }
        };
        let done = tokio::time::timeout(GIVE_UP, reached).await;
        assert!(done.is_ok(), "{} of {count} mails came", self.count());
    }
}
