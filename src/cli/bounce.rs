//! `rundruf bounce parse FILE|-`: what a mail that came back means. Reads no configuration, touches no store, suppresses nobody.

use std::io::{self, Write};

use clap::{Args, Subcommand};
use serde_json::json;

use super::output::{Failure, Output};
use super::publish;
use crate::channel::email::bounce::{self, Kind, Reading};
use crate::said;
use crate::text::said::Said;

/// What to do with what came back.
#[derive(Debug, Subcommand)]
pub enum BounceCommand {
    /// Say what a returned mail means: JSON on standard output.
    Parse(ParseArgs),
}

/// Arguments of `bounce parse`.
#[derive(Debug, Args)]
pub struct ParseArgs {
    /// The mail as it arrived; `-` reads standard input.
    pub file: String,
}

/// Runs the command.
pub fn run(command: BounceCommand, out: &Output) -> Result<u8, Failure> {
    let BounceCommand::Parse(ParseArgs { file }) = command;
    let reading = bounce::read(&publish::read_input(&file, bounce::LARGEST as u64)?);
    // Standard output is for programs with or without --json, as with `measure`; the sentence for people stands beside it.
    if !out.json {
        out.complain(&sentence(&reading));
    }
    let _ = writeln!(io::stdout().lock(), "{}", answer(&reading));
    Ok(0)
}

/// As the contract has it (DESIGN 6).
fn answer(reading: &Reading) -> serde_json::Value {
    let recipients: Vec<_> = reading
        .recipients
        .iter()
        .map(|one| {
            json!({
                "address": one.address,
                "action": one.action,
                "status": one.status,
                "permanent": one.permanent,
            })
        })
        .collect();
    json!({ "is_bounce": reading.kind == Kind::Bounce, "recipients": recipients })
}

fn sentence(reading: &Reading) -> Said {
    match reading.kind {
        Kind::Arrived => said!(
            "Ein Mailserver meldet, dass die Mail angekommen ist.",
            "A mail server reports that the mail has arrived."
        ),
        Kind::AutoReply => said!(
            "Eine automatische Antwort. Über die Adresse sagt sie nichts; sie sperrt niemanden.",
            "An automatic reply. It says nothing about the address and suppresses nobody."
        ),
        Kind::Complaint => said!(
            "Eine Beschwerde: Jemand hat unsere Mail als unerwünscht gemeldet.",
            "A complaint: somebody called our mail unwanted."
        ),
        Kind::Unknown => said!(
            "Das ist keine zurückgekommene Mail, soweit zu erkennen ist; vielleicht hat ein Mensch geantwortet.",
            "This is no returned mail as far as can be told; perhaps a person has answered."
        ),
        Kind::Bounce if reading.recipients.is_empty() => said!(
            "Eine Mail kam zurück; für wen sie war, steht nicht darin.",
            "A mail came back; it does not say whom it was for."
        ),
        Kind::Bounce => {
            let (mut de, mut en) = (Vec::new(), Vec::new());
            for one in &reading.recipients {
                let why = one.says();
                de.push(format!("{}: {}", one.address, why.de));
                en.push(format!("{}: {}", one.address, why.en));
            }
            let (de, en) = (de.join("\n"), en.join("\n"));
            said!("{de}", "{en}")
        }
    }
}
