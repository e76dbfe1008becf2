//! A PostgreSQL as Debian delivers it, which waits for the disk at every commit (`fsync`, `synchronous_commit`): a cluster of its own in a
//! folder of its own, on a port of its own. The machine's is not touched.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::process::{Child, Command};

use crate::kit::{place, rivals};

/// It does not run as root.
const USER: &str = "nobody";
const LOOK: Duration = Duration::from_millis(20);

/// Runs, empty.
pub struct Postgres {
    pub url: String,
    process: Child,
    _dir: tempfile::TempDir,
}

impl Postgres {
    /// `None` where it is not installed.
    pub async fn start() -> Option<Self> {
        let programs = programs()?;
        let dir = place::folder();
        let port = place::free_port().to_string();
        if rivals::is_root() {
            let mut chown = Command::new("chown");
            rivals::output(chown.arg(USER).arg(dir.path())).await.expect("chown");
        }
        let data = dir.path().join("data");
        let mut init = as_user(&programs.join("initdb"), dir.path());
        init.args(["-U", "bench", "-A", "trust", "-E", "UTF8", "--no-locale", "-D"])
            .arg(&data);
        rivals::output(&mut init).await.expect("initdb");
        let mut server = as_user(&programs.join("postgres"), dir.path());
        // By TCP alone: the path to a socket must be short, ours may be long.
        server
            .args([
                "-p",
                &port,
                "-c",
                "listen_addresses=127.0.0.1",
                "-c",
                "unix_socket_directories=",
                "-D",
            ])
            .arg(&data);
        let mut process = rivals::spawn(&mut server);
        let ready = || {
            let mut ask = Command::new(programs.join("pg_isready"));
            ask.args(["-q", "-h", "127.0.0.1", "-p", &port]);
            ask
        };
        while rivals::output(&mut ready()).await.is_err() {
            let ended = process.try_wait().expect("its state");
            assert!(ended.is_none(), "postgres: {ended:?}");
            tokio::time::sleep(LOOK).await;
        }
        Some(Self {
            url: format!("postgres://bench@127.0.0.1:{port}/postgres"),
            process,
            _dir: dir,
        })
    }

    /// Ends it, whoever is still connected.
    pub async fn stop(mut self) {
        rivals::stop(&mut self.process, "INT").await;
    }
}

/// Where Debian has the newest.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let number = |folder: &PathBuf| folder.file_name()?.to_str()?.parse::<u32>().ok();
    versions
        .filter_map(|version| Some(version.ok()?.path()))
        .filter(|folder| folder.join("bin/initdb").is_file())
        .max_by_key(number)
        .map(|folder| folder.join("bin"))
}

fn as_user(program: &Path, dir: &Path) -> Command {
    let mut command = if rivals::is_root() {
        let mut command = Command::new("setpriv");
        command.args(["--reuid", USER, "--clear-groups"]).arg(program);
        command
    } else {
        Command::new(program)
    };
    command.current_dir(dir);
    command
}
