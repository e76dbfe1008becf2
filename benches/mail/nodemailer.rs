//! nodemailer with a pool of connections: what a script that mails a list does. It remembers nothing.

use super::rivals;
use super::smtp_sink::SmtpSink;

/// Mails a second, by its own clock: without the start of Node. `None` where it is not installed.
pub async fn run(sink: &SmtpSink, mails: u64, connections: u32) -> Option<f64> {
    let node = rivals::program("node")?;
    let modules = rivals::folder().join("node");
    if !modules.join("node_modules/nodemailer").is_dir() {
        return None;
    }
    let mut command = tokio::process::Command::new(node);
    command
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/benches/mail/nodemailer.mjs"))
        .args([&sink.port.to_string(), &mails.to_string(), &connections.to_string()])
        .env("RIVALS_NODE", modules);
    let seconds = rivals::output(&mut command).await.expect("nodemailer");
    let seconds: f64 = seconds.parse().expect("seconds");
    Some(mails as f64 / seconds)
}
