//! `rundruf demo`: case A and its 24 January before the reader's eyes, in a throw-away folder on free ports. Nothing leaves the machine.
//!
//! The demo plays the services ([`crate::sandbox`]) and starts this very program as `serve`, `publish` and `channel release`, so that
//! what is killed in the middle is a real process. Days pass because it and what it starts pretend a time ([`crate::clock::pretend`]);
//! that works in the demo's own data folder and nowhere else ([`shift_clock`]).
//! At the end our board is compared with the services' own books, and what people got is counted there.

mod board;
mod folder;
mod people;
mod plot;
mod post;
mod stage;
mod words;

use std::io::IsTerminal;
use std::path::Path;

use anyhow::Context;

use super::output::{Failure, Output};
use crate::said;
use crate::sandbox::Sandbox;
use plot::{Pace, Plot};
use stage::Stage;
use words::Words;

/// Lies in the data folder of a demo, and in no other.
const MARK: &str = "demo";

/// Takes the clock to be `ahead` ms ahead of the machine's. Refused outside a demo: with a wrong clock notices of a real installation would
/// run out, expire or wait, and what its store says about times could not be mended.
pub(super) fn shift_clock(ahead: crate::clock::Ms, data: &Path) -> Result<(), Failure> {
    if !data.join(MARK).is_file() {
        let data = data.display();
        return Err(Failure::Usage(said!(
            "--clock-ahead stellt die Uhr der Vorführung; {data} gehört zu keiner. Bitte lassen Sie es weg.",
            "--clock-ahead sets the clock of the demo; {data} belongs to none. Please leave it out."
        )));
    }
    crate::clock::run_ahead(ahead);
    Ok(())
}

/// Arguments of `demo`.
#[derive(Debug, Clone, clap::Args)]
pub struct DemoArgs {
    /// End by itself; without a terminal it does so anyway.
    #[arg(long)]
    pub once: bool,
}

/// Runs the command: 0 only where nothing was lost, nothing came twice and nothing stale went out.
pub async fn run(args: DemoArgs, out: &Output) -> Result<u8, Failure> {
    let once = args.once || out.json || !std::io::stdout().is_terminal() || !std::io::stdin().is_terminal();
    show(once, &Words::new(out)).await.map_err(|error| {
        let why = format!("{error:#}");
        Failure::Refused(said!(
            "Die Vorführung ist abgebrochen: {why}",
            "The demo has ended early: {why}"
        ))
    })
}

async fn show(once: bool, words: &Words) -> anyhow::Result<u8> {
    let clock = std::sync::Arc::new(crate::clock::SystemClock);
    let sandbox = Sandbox::start(clock, words.german())
        .await
        .context("the imitated services found no free port on 127.0.0.1")?;
    let pace = if once { Pace::Script } else { Pace::Reader };
    let mut stage = Stage::build(&sandbox, pace.rate())?;
    // The addresses come first: whoever wants to watch opens them now.
    words.opening(&stage.site_url(), &sandbox.page_url());

    let plot = Plot {
        words,
        sandbox: &sandbox,
        stage: &mut stage,
        pace,
    };
    let mut end = std::pin::pin!(asked_to_end());
    let played = tokio::select! {
        played = plot.play() => played.map(Some),
        () = &mut end => Ok(None),
    };
    match played {
        Ok(None) => words.interrupted(),
        Ok(Some(_)) if !once => {
            words.stays_open();
            tokio::select! {
                () = enter() => {}
                () = end => {}
            }
        }
        Ok(Some(_)) | Err(_) => {}
    }
    // However it went: children first, then their folder.
    stage.stop().await;
    sandbox.stop().await;
    Ok(u8::from(played? != Some(true)))
}

/// Ctrl-C, SIGTERM, or the terminal is gone.
async fn asked_to_end() {
    use tokio::signal::unix::{SignalKind, signal};
    let one = async |kind: SignalKind| match signal(kind) {
        Ok(mut asked) => asked.recv().await,
        // Without a handler the signal does what it always does.
        Err(_) => std::future::pending().await,
    };
    tokio::select! {
        _ = one(SignalKind::interrupt()) => {}
        _ = one(SignalKind::terminate()) => {}
        _ = one(SignalKind::hangup()) => {}
    }
}

/// A line on standard input, or its end.
async fn enter() {
    let (pressed, press) = tokio::sync::oneshot::channel::<()>();
    // A thread of its own: a read that never returns must not keep the runtime from ending.
    std::thread::spawn(move || {
        let _ = std::io::stdin().read_line(&mut String::new());
        drop(pressed);
    });
    let _ = press.await;
}
