//! `openssl speed`: what the machine signs a second with RSA of 2048 bits, on all cores, and nothing else.

use tokio::process::Command;

use crate::kit::{machine, rivals};

/// OpenSSL's own switch: without the 52-bit multiplication of AVX-512, which halves its time on the newest processors and which no
/// library of the design's choice has (ring).
const WITHOUT_IFMA: (&str, &str) = ("OPENSSL_ia32cap", ":~0x200000");

/// Signatures a second, with all the processor has or without AVX-512 IFMA; `None` where it is not installed.
pub async fn run(ifma: bool) -> Option<f64> {
    let program = rivals::program("openssl")?;
    let cores = machine::cores().to_string();
    let mut command = Command::new(program);
    command.args(["speed", "-seconds", "2", "-multi", &cores, "rsa2048"]);
    if !ifma {
        command.env(WITHOUT_IFMA.0, WITHOUT_IFMA.1);
    }
    let text = rivals::output(&mut command).await.expect("openssl speed");
    // rsa 2048 bits 0.000305s 0.000017s   3277.1  60042.0
    let line = text.lines().last().expect("a line");
    let signs = line.split_whitespace().rev().nth(1).and_then(|n| n.parse().ok());
    Some(signs.unwrap_or_else(|| panic!("signatures a second in {line:?}")))
}
