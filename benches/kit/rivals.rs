//! What is measured beside us: where `benches/setup` puts it, how its absence is said, how its programs are started and ended.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};

use tokio::process::{Child, Command};

/// `target/rivals`, unless `RUNDRUF_RIVALS` names another folder.
pub fn folder() -> PathBuf {
    std::env::var_os("RUNDRUF_RIVALS").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/rivals"),
        PathBuf::from,
    )
}

/// Says aloud that something is not measured.
pub fn skipped(name: &str) {
    println!("    skipped: {name} not installed (benches/setup)");
}

/// Where a program of the system lies; administrators' programs are not in everybody's path.
pub fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let system = ["/usr/sbin", "/sbin"].map(PathBuf::from);
    std::env::split_paths(&path)
        .chain(system)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

/// Node with a script below `benches/`, which loads `package` out of what is installed; `None` where one of them is missing.
pub fn node(script: &str, package: &str) -> Option<Command> {
    let modules = folder().join("node");
    if !modules.join("node_modules").join(package).is_dir() {
        return None;
    }
    let benches = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches");
    let mut command = Command::new(program("node")?);
    command
        .arg(benches.join(script))
        .env("RIVALS_NODE", modules)
        .kill_on_drop(true);
    Some(command)
}

/// Some programs can only be started by root, some only by others.
pub fn is_root() -> bool {
    rundruf::store::owner::own_uid() == Some(0)
}

/// What a program prints; its own complaint where it fails.
pub async fn output(command: &mut Command) -> Result<String, String> {
    let output = command.kill_on_drop(true).output().await.map_err(|e| e.to_string())?;
    let text = |bytes| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() {
        Ok(text(&output.stdout))
    } else {
        Err(text(&output.stderr))
    }
}

/// Starts what runs beside the measurement; it says nothing, and ends with the bench at the latest.
pub fn spawn(command: &mut Command) -> Child {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

/// Sends a signal (`TERM`) and waits for the end.
pub async fn stop(process: &mut Child, signal: &str) -> ExitStatus {
    let id = process.id().expect("still running").to_string();
    let sent = Command::new("kill").args(["-s", signal, &id]).status().await;
    assert!(sent.expect("kill").success());
    process.wait().await.expect("its end")
}
