//! Floor 6: the command line, one file per command. Arguments here, behaviour there.

mod bounce;
mod channel;
mod check;
mod confirm;
mod decide;
mod explain;
mod export;
mod german;
mod host;
mod incident;
mod init;
mod keep;
mod new;
pub mod output;
mod preview;
mod price;
mod progress;
mod publish;
mod retract;
mod serve;
mod status;
mod suppression;
mod verify;
mod wait;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::processor;

use output::{Failure, Output};

/// One incident message, written once, reaches everybody.
#[derive(Debug, Parser)]
#[command(
    name = "rundruf",
    version,
    about = "One incident message, written once, reaches everybody: website, feeds, social media, SMS, e-mail, webhooks.",
    after_help = "Begin with `rundruf demo`: it shows everything on this machine and sends nothing. `rundruf init` sets up your own.\n\
        A notice needs five lines: `rundruf new > meldung.toml` prints them to fill in, `rundruf preview meldung.toml` shows what will go \
        out, `rundruf publish meldung.toml` sends it.\n\
        `rundruf status` says what has arrived; `rundruf channel hold NAME` stops a channel.\n\n\
        Exit: 0 done · 1 refused, does not fit, or conflict · 2 usage or configuration"
)]
pub struct Cli {
    #[command(flatten)]
    globals: Globals,
    #[command(subcommand)]
    command: Command,
}

/// Accepted before or after any command.
#[derive(Debug, Clone, Args)]
pub struct Globals {
    /// The configuration.
    #[arg(long, global = true, default_value = "channels.toml", value_name = "FILE")]
    pub config: PathBuf,
    /// The folder of store, key and lock.
    #[arg(long, global = true, default_value = "data", value_name = "DIR")]
    pub data: PathBuf,
    /// Answer in JSON, never translated.
    #[arg(long, global = true)]
    pub json: bool,
    /// Do not ask before what cannot be undone.
    #[arg(long, global = true)]
    pub yes: bool,
    /// End when standard input ends: for a program that starts this one and may be killed itself (the demo).
    #[arg(long, global = true, hide = true)]
    pub until_stdin_ends: bool,
    /// Take the clock to be so many milliseconds ahead (the demo, in which weeks pass); refused where no demo lies.
    #[arg(long, global = true, hide = true, value_name = "MS", allow_hyphen_values = true)]
    pub clock_ahead: Option<crate::clock::Ms>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show everything in a throw-away folder with sandbox providers; nothing leaves this machine.
    Demo(crate::cli::demo::DemoArgs),
    /// Set up: asks six things, writes channels.toml and key, looks whether all is well, writes the emergency sheet.
    Init(init::InitArgs),
    /// Print a notice to fill in, with the incident's numbers and what holds now.
    New(new::NewArgs),
    /// Run the lanes, the public site and the admin listener until stopped.
    Serve,
    /// Publish a notice file (or `-`) to every channel.
    Publish(publish::PublishArgs),
    /// Show what every channel will say. Changes nothing, uses no network.
    Preview(preview::PreviewArgs),
    /// Take a notice back.
    Retract(retract::RetractArgs),
    /// List, show, close or reopen incidents.
    #[command(subcommand)]
    Incident(incident::IncidentCommand),
    /// What has arrived, channel by channel.
    Status(status::StatusArgs),
    /// The whole story of one delivery.
    Explain(explain::ExplainArgs),
    /// End an unknown delivery: it is there, send it again, or drop it.
    Decide(decide::DecideArgs),
    /// List, test, hold, release, retry, rename or drop channels.
    #[command(subcommand)]
    Channel(channel::ChannelCommand),
    /// Look at every setting, template, credential and counterpart. Sends no message.
    Check(check::CheckArgs),
    /// Count texts as a service counts them: JSON lines in, JSON lines out.
    Measure(crate::cli::measure::MeasureArgs),
    /// Read what comes back of mails.
    #[command(subcommand)]
    Bounce(bounce::BounceCommand),
    /// List, add or lift addresses that are written to no more.
    #[command(subcommand)]
    Suppression(suppression::SuppressionCommand),
    /// Write the public site to a folder.
    Export(export::ExportArgs),
    /// Look whether a copy of the site (folder or address) is whole, unchanged and signed.
    Verify(verify::VerifyArgs),
    /// Copy store and key into one file.
    Backup(keep::BackupArgs),
    /// Bring a backup back, every lane held except the website.
    Restore(keep::RestoreArgs),
}

impl Command {
    /// It may become the process that runs the lanes, or start one.
    fn may_send(&self) -> bool {
        match self {
            Self::Serve | Self::Demo(_) => true,
            Self::Publish(args) => args.wait,
            _ => false,
        }
    }
}

pub mod demo;
pub mod measure;

/// Runs the command line; the exit code of the contract.
pub fn run() -> u8 {
    let cli = match read(std::env::args_os().collect()) {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let out = Output::new(cli.globals.json);
    if let Some(ahead) = cli.globals.clock_ahead
        && let Err(failure) = demo::shift_clock(ahead, &cli.globals.data)
    {
        return out.failure(&failure);
    }
    let may_send = cli.command.may_send();
    let mut threads = if may_send {
        tokio::runtime::Builder::new_multi_thread()
    } else {
        // Nothing runs beside what is asked for, and threads take time to come and go.
        tokio::runtime::Builder::new_current_thread()
    };
    if !may_send {
        // It asks the store one thing after the other.
        processor::stay();
    }
    let runtime = match threads.enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("the program cannot start: {error}");
            return 1;
        }
    };
    let orphaned = cli.globals.until_stdin_ends;
    let result = runtime.block_on(async {
        tokio::select! {
            result = dispatch(cli, &out) => result,
            () = stdin_ended(), if orphaned => Ok(1),
        }
    });
    // A worker that hangs in a name look-up must not keep a finished command alive.
    runtime.shutdown_background();
    match result {
        Ok(code) => code,
        Err(failure) => out.failure(&failure),
    }
}

/// Reads the command line; help is in the reader's language.
fn read(mut args: Vec<OsString>) -> Result<Cli, clap::Error> {
    if args.get(1).is_some_and(|arg| arg == "help") {
        args.remove(1);
        args.push("--help".into());
    }
    let command = if Output::new(false).german {
        german::in_german(Cli::command())
    } else {
        Cli::command()
    };
    // A fixed name: help shows what to type, whatever the file is called.
    let matches = command.bin_name("rundruf").try_get_matches_from(args)?;
    Cli::from_arg_matches(&matches)
}

/// Help and version (exit 0), or what is wrong with the command line (exit 2), also as JSON where that was asked for.
fn usage(error: &clap::Error) -> u8 {
    if !error.use_stderr() {
        // A closed pipe (`rundruf --help | head`) is no failure of ours.
        let _ = error.print();
        return 0;
    }
    let json = std::env::args_os()
        .take_while(|arg| arg != "--")
        .any(|arg| arg == "--json");
    Output::new(json).usage(error);
    2
}

/// Until whoever holds the other end of standard input is gone, even by `kill -9`.
async fn stdin_ended() {
    let (ended, end) = tokio::sync::oneshot::channel::<()>();
    // A thread of its own: a read that never returns must not keep the runtime from ending.
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
        drop(ended);
    });
    let _ = end.await;
}

async fn dispatch(cli: Cli, out: &Output) -> Result<u8, Failure> {
    let globals = &cli.globals;
    match cli.command {
        Command::Demo(args) => crate::cli::demo::run(args, out).await,
        Command::Init(args) => init::run(globals, args, out).await,
        Command::New(args) => new::run(globals, args, out).await,
        Command::Serve => serve::run(globals, out).await,
        Command::Publish(args) => publish::run(globals, args, out).await,
        Command::Preview(args) => preview::run(globals, args, out).await,
        Command::Retract(args) => retract::run(globals, args, out).await,
        Command::Incident(command) => incident::run(globals, command, out).await,
        Command::Status(args) => status::run(globals, args, out).await,
        Command::Explain(args) => explain::run(globals, args, out).await,
        Command::Decide(args) => decide::run(globals, args, out).await,
        Command::Channel(command) => channel::run(globals, command, out).await,
        Command::Check(args) => check::run(globals, args, out).await,
        Command::Measure(args) => crate::cli::measure::run(args).map(|()| 0).map_err(|stopped| {
            Failure::Usage(crate::text::said::Said {
                de: stopped.in_german(),
                en: stopped.to_string(),
            })
        }),
        Command::Bounce(command) => bounce::run(command, out),
        Command::Suppression(command) => suppression::run(globals, command, out).await,
        Command::Export(args) => export::run(globals, args, out).await,
        Command::Verify(args) => verify::run(globals, args, out).await,
        Command::Backup(args) => keep::backup(globals, args, out).await,
        Command::Restore(args) => keep::restore(globals, args, out).await,
    }
}
