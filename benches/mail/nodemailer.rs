//! nodemailer with a pool of connections: what a script that mails a list does. It remembers nothing.

use super::smtp_sink::SmtpSink;
use crate::kit::rivals;

/// Mails a second, by its own clock: without the start of Node. `None` where it is not installed.
pub async fn run(sink: &SmtpSink, mails: u64, connections: u32) -> Option<f64> {
    let mut command = rivals::node("mail/nodemailer.mjs", "nodemailer")?;
    command.args([&sink.port.to_string(), &mails.to_string(), &connections.to_string()]);
    let seconds = rivals::output(&mut command).await.expect("nodemailer");
    let seconds: f64 = seconds.parse().expect("seconds");
    Some(mails as f64 / seconds)
}
