//! A real browser: the scripts of `tests/browser` run by node's test runner against a page that a test serves.

use super::{node_peers, root, skipped};
use std::path::Path;
use std::process::{Command, Stdio};

/// Where Debian puts it; `CHROMIUM` names another.
const CHROMIUM: &str = "/usr/bin/chromium";

/// Runs `tests/browser/SCRIPT` with `RUNDRUF_URL = url` and further environment; panics with its report when a check in it
/// fails. Says aloud that it did not look, and does nothing, when browser or driver are missing. Blocks.
pub fn run(script: &str, url: &str, env: &[(&str, &str)]) {
    let chromium = std::env::var("CHROMIUM").unwrap_or_else(|_| CHROMIUM.to_owned());
    if !Path::new(&chromium).exists() {
        return skipped(&format!("{script}: chromium not installed (Debian chromium)"));
    }
    if !node_peers().join("node_modules/playwright-core").is_dir() {
        return skipped(&format!(
            "{script}: playwright-core not installed (tests/setup installs it)"
        ));
    }
    let done = Command::new("node")
        // The bound, 20 minutes a script, is for a page that never loads; nothing is measured by it.
        .args(["--test", "--test-reporter=spec", "--test-timeout=1200000"])
        .arg(root().join("tests/browser").join(script))
        .env("RUNDRUF_URL", url)
        .env("RUNDRUF_NODE_PEERS", node_peers())
        .env("CHROMIUM", chromium)
        .envs(env.iter().copied())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let report = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success(), "tests/browser/{script}:\n{report}");
    // A script without a test would be green and mean nothing.
    let ran = report
        .lines()
        .find_map(|l| l.split_once("tests "))
        .and_then(|(_, n)| n.trim().parse::<u32>().ok());
    assert!(
        ran.is_some_and(|n| n > 0),
        "tests/browser/{script} ran no test:\n{report}"
    );
}
