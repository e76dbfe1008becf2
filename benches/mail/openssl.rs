//! `openssl speed`: what the machine signs a second with RSA of 2048 bits, on all cores, and nothing else.

use tokio::process::Command;

use super::rivals;

/// Signatures a second; `None` where it is not installed.
pub async fn run() -> Option<f64> {
    let program = rivals::program("openssl")?;
    let cores = std::thread::available_parallelism().expect("a number").to_string();
    let mut command = Command::new(program);
    command.args(["speed", "-seconds", "2", "-multi", &cores, "rsa2048"]);
    let text = rivals::output(&mut command).await.expect("openssl speed");
    // rsa 2048 bits 0.000305s 0.000017s   3277.1  60042.0
    let line = text.lines().last().expect("a line");
    let signs = line.split_whitespace().rev().nth(1).and_then(|n| n.parse().ok());
    Some(signs.unwrap_or_else(|| panic!("signatures a second in {line:?}")))
}
