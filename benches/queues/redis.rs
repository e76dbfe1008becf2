//! A Redis that writes what it is told: on a port of its own, in a folder of its own. The machine's is not touched.

use std::time::Duration;

use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::kit::{place, rivals};

const LOOK: Duration = Duration::from_millis(20);

/// When its log is on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fsync {
    /// Before it answers: as durable as we are.
    Always,
    /// Once a second, as its log comes and as BullMQ advises: a power cut loses up to a second of messages and of ends.
    EverySecond,
}

/// Runs, empty.
pub struct Redis {
    pub port: u16,
    process: Child,
    _dir: tempfile::TempDir,
}

impl Redis {
    /// `None` where it is not installed.
    pub async fn start(sync: Fsync) -> Option<Self> {
        let program = rivals::program("redis-server")?;
        let dir = place::folder();
        let port = place::free_port();
        let sync = match sync {
            Fsync::Always => "always",
            Fsync::EverySecond => "everysec",
        };
        let mut server = Command::new(program);
        server
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", ""])
            .args(["--appendonly", "yes", "--appendfsync", sync, "--dir"])
            .arg(dir.path());
        let mut process = rivals::spawn(&mut server);
        while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            let ended = process.try_wait().expect("its state");
            assert!(ended.is_none(), "redis-server: {ended:?}");
            tokio::time::sleep(LOOK).await;
        }
        Some(Self {
            port,
            process,
            _dir: dir,
        })
    }

    /// Ends it.
    pub async fn stop(mut self) {
        rivals::stop(&mut self.process, "TERM").await;
    }
}
