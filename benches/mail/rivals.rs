//! Where `setup` puts what is measured beside us, and how its absence is said.

use std::path::PathBuf;

use tokio::process::Command;

/// `target/rivals`, unless `RUNDRUF_RIVALS` names another folder.
pub fn folder() -> PathBuf {
    std::env::var_os("RUNDRUF_RIVALS").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/rivals"),
        PathBuf::from,
    )
}

/// Says aloud that something is not measured.
pub fn skipped(name: &str) {
    println!("  skipped: {name} not installed (benches/mail/setup)");
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

/// Postfix can only be started by root.
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
