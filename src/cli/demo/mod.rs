//! `rundruf demo`: case A before the reader's eyes, in a throw-away folder on free ports. Nothing leaves the machine.
//!
//! The demo plays the services ([`crate::sandbox`]) and starts this very program as `serve` and `publish`, so that what is killed
//! in the middle is a real process. At the end our board is compared with the services' own books.

mod board;
mod folder;
mod stage;
mod words;

use std::io::IsTerminal;
use std::time::Duration;

use anyhow::Context;

use super::output::{Failure, Output};
use super::progress::Progress;
use crate::said;
use crate::sandbox::Sandbox;
use crate::sandbox::kannel::Plan;
use board::Tally;
use stage::Stage;
use words::Words;

/// Until what is expected has arrived. The lanes wait up to 15 s between early tries.
const PATIENCE: Duration = Duration::from_secs(90);
/// How long Mastodon stays away before the reader's eyes.
const AWAY: Duration = Duration::from_secs(3);
/// How long the phones take in the last act, so that their reports find `serve` killed.
const REPORTS_LATER: Duration = Duration::from_secs(1);

/// Arguments of `demo`.
#[derive(Debug, Clone, clap::Args)]
pub struct DemoArgs {
    /// End by itself; without a terminal it does so anyway.
    #[arg(long)]
    pub once: bool,
}

/// Case A: the notices of 16, 24 and 31 January.
const NOTICES: [&str; 3] = [
    include_str!("../../../examples/a-potsdam/1-2023-01-16.toml"),
    include_str!("../../../examples/a-potsdam/2-2023-01-24.toml"),
    include_str!("../../../examples/a-potsdam/3-2023-01-31.toml"),
];

/// Runs the command: 0 only where nothing was lost and nothing came twice.
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
    let mut stage = Stage::build(&sandbox, &NOTICES)?;
    // The addresses come first: whoever wants to watch opens them now.
    words.opening(&stage.site_url(), &sandbox.page_url());

    let mut end = std::pin::pin!(asked_to_end());
    let played = tokio::select! {
        played = play(words, &sandbox, &mut stage) => played.map(Some),
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

/// Plays the three acts; true where board and books agree.
async fn play(words: &Words, sandbox: &Sandbox, stage: &mut Stage) -> anyhow::Result<bool> {
    stage.serve().await?;

    words.act_one();
    stage.publish(1).await?;
    others_arrived(sandbox, stage, 1).await?;
    mastodon_arrived(sandbox, stage, 1).await?;
    words.everywhere(1, stage.people());

    words.act_two();
    sandbox.mastodon.stop().await;
    words.mastodon_away();
    stage.publish(2).await?;
    others_arrived(sandbox, stage, 2).await?;
    words.everywhere_but_mastodon(2, stage.people());
    words.mastodon_waits(stage.status().await?.next_try("mastodon"));
    tokio::time::sleep(AWAY).await;
    sandbox.mastodon.start_again().await?;
    words.mastodon_back();
    mastodon_arrived(sandbox, stage, 2).await?;
    words.mastodon_has_it(2);

    words.act_three();
    // In the middle means here: the gateway has every SMS and has reported none, the webhook's receiver has nothing. An SMS that
    // was started and never left would stand as unknown and wait for a person, rightly; that is not what this act is about.
    sandbox.webhook.stop().await;
    sandbox.kannel.service().plan(Plan::Late(REPORTS_LATER));
    stage.publish(3).await?;
    in_the_middle(sandbox, stage).await?;
    stage.kill().await?;
    words.killed();
    sandbox.webhook.start_again().await?;
    stage.serve().await?;
    words.serving_again();
    others_arrived(sandbox, stage, 3).await?;
    mastodon_arrived(sandbox, stage, 3).await?;
    words.everywhere(3, stage.people());
    settled(stage).await;

    let on_the_page = stage.on_the_page(NOTICES.len()).await?;
    let tallies = board::compare(
        &stage.status().await?,
        sandbox,
        on_the_page,
        NOTICES.len(),
        stage.people(),
    );
    words.table(&tallies);
    let good = tallies.iter().all(Tally::is_good);
    words.verdict(good);
    Ok(good)
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

async fn mastodon_arrived(sandbox: &Sandbox, stage: &Stage, notices: usize) -> anyhow::Result<()> {
    let toots = sandbox.mastodon.until(|books| books.accepted() >= notices);
    patient(toots, "Mastodon", stage).await.map(|_| ())
}

/// The page and the webhook's receiver have the first `notices` notices, and every phone has its SMS.
async fn others_arrived(sandbox: &Sandbox, stage: &Stage, notices: usize) -> anyhow::Result<()> {
    let on_phones = notices * stage.people();
    let phones = sandbox.kannel.until(|books| {
        let delivered = books.entries.iter().filter(|e| e.reports.contains(&1));
        delivered.count() >= on_phones
    });
    let calls = sandbox.webhook.until(|books| books.accepted() >= notices);
    let page = async {
        while stage.on_the_page(notices).await? < notices {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        anyhow::Ok(())
    };
    patient(page, "Website", stage).await??;
    patient(phones, "SMS", stage).await?;
    patient(calls, "Webhook", stage).await?;
    Ok(())
}

/// Waits until the gateway has the third notice for everybody.
async fn in_the_middle(sandbox: &Sandbox, stage: &Stage) -> anyhow::Result<()> {
    let all = NOTICES.len() * stage.people();
    let taken = sandbox.kannel.until(|books| books.accepted() >= all);
    patient(taken, "SMS", stage).await.map(|_| ())
}

/// Until our board knows what the services know: the last delivery reports are on their way.
async fn settled(stage: &Stage) {
    let _waiting = Progress::turning("");
    let quiet = async {
        loop {
            match stage.status().await {
                Ok(status) if status.is_settled() => return,
                _ => tokio::time::sleep(Duration::from_millis(300)).await,
            }
        }
    };
    // What is not settled by then shows in the table.
    let _ = tokio::time::timeout(PATIENCE, quiet).await;
}

async fn patient<T>(what: impl Future<Output = T>, name: &str, stage: &Stage) -> anyhow::Result<T> {
    let waiting = Progress::turning("");
    let came = tokio::time::timeout(PATIENCE, what).await;
    drop(waiting);
    came.map_err(|_| {
        anyhow::anyhow!(
            "{name}: not everything arrived within {} s\n{}",
            PATIENCE.as_secs(),
            stage.last_words()
        )
    })
}
