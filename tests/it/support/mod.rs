//! What the integration tests share: real counterparts, ports, waiting, a small HTTP client, a browser.
//! Nothing here knows the product; `TestApp` builds on it.
#![allow(dead_code, reason = "each part of the kit is there for tests that come and go")]

pub mod app;
pub mod browser;
pub mod cases;
pub mod clock;
pub mod counterparts;
pub mod disk;
pub mod fixture;
pub mod http;
pub mod mail;
pub mod peer;
pub mod ports;
pub mod proxy;
pub mod receiver;
pub mod stage;
pub mod terminal;
pub mod wait;

use std::io::Write;
use std::path::{Path, PathBuf};

#[allow(unused_imports, reason = "each part of the kit is there for tests that come and go")]
pub use app::TestApp;
pub use peer::Peer;
pub use proxy::FaultProxy;
pub use stage::Stage;
pub use wait::eventually;

/// The project's folder.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Says aloud that a test did not look. Written past the test runner's capture, because `tests/run` reads these lines and
/// fails on them where everything should be installed.
pub fn skipped(what: &str) {
    let _ = writeln!(std::io::stderr(), "\nskipped: {what}");
}

/// The conformance cases that lie beside the project, or `None` with a word where they do not.
pub fn cases() -> Option<PathBuf> {
    let path = root().join("../shared/cases");
    if path.is_dir() {
        return Some(path);
    }
    skipped("../shared/cases is not there");
    None
}

/// The Python that has the packages of `tests/peers/requirements.txt`.
pub fn python() -> PathBuf {
    std::env::var_os("RUNDRUF_PEERS_PYTHON").map_or_else(|| root().join("target/peers/venv/bin/python"), PathBuf::from)
}

/// The folder whose `node_modules` has the packages of `tests/peers/package.json`.
pub fn node_peers() -> PathBuf {
    std::env::var_os("RUNDRUF_NODE_PEERS").map_or_else(|| root().join("target/peers/node"), PathBuf::from)
}
