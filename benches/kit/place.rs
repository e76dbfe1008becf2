//! A place to measure in: folder, configuration, notice, ports, threads for what stands outside.

use std::net::TcpListener;
use std::path::{Path, PathBuf};

use tokio::sync::oneshot;

/// A folder on the disk of the project, not in a memory that no disk stands behind.
pub fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder")
}

/// Writes `channels.toml`.
pub fn write_config(dir: &Path, site: &str, port: u16, admin: u16, channels: &str) -> PathBuf {
    let file = dir.join("channels.toml");
    let text = format!(
        "[site]\nurl = \"{site}\"\n[serve]\nlisten = \"127.0.0.1:{port}\"\nadmin_listen = \"127.0.0.1:{admin}\"\n\
         [publisher.p]\nname = \"Stadt\"\nlanguages = [\"de\"]\ntimezone = \"Europe/Berlin\"\n{channels}"
    );
    std::fs::write(&file, text).expect("written");
    file
}

/// A short notice.
pub fn notice(headline: &str, incident: &str) -> String {
    format!(
        "headline = \"{headline}\"\nsummary = \"Das Bürgerbüro ist offen, kann aber nur beraten. Bitte rufen Sie vor einem Besuch an.\"\nincident = \"{incident}\"\n"
    )
}

/// A port of our own, and who listens there.
pub fn port() -> (u16, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.set_nonblocking(true).expect("non-blocking");
    (listener.local_addr().expect("an address").port(), listener)
}

/// A port that was free a moment ago.
pub fn free_port() -> u16 {
    port().0
}

/// Runs on a thread of its own until the sender is dropped, as it would on a machine of its own.
pub fn aside(work: impl Future<Output = ()> + Send + 'static) -> oneshot::Sender<()> {
    let (stop, stopped) = oneshot::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        runtime.block_on(async {
            tokio::select! {
                () = work => {}
                _ = stopped => {}
            }
        });
    });
    stop
}
