//! `rundruf demo`: case A before the reader's eyes, in a throw-away folder on free ports. Nothing leaves the machine.
//!
//! The demo plays the services ([`crate::sandbox`]) and starts this very program as `serve` and `publish`, so that what is killed
//! in the middle is a real process. At the end our board is compared with the services' own books.

mod board;
mod stage;
mod words;

use std::io::IsTerminal;
use std::time::Duration;

use anyhow::{Context, bail};

use super::output::{Failure, Output};
use crate::said;
use crate::sandbox::Sandbox;
use crate::sandbox::kannel::Plan;
use board::Tally;
use stage::Stage;
use words::Words;

/// Until what is expected has arrived. The lanes wait up to 15 s between early tries.
const PATIENCE: Duration = Duration::from_secs(90);
/// How long Mastodon stays away before the reader's eyes.
const AWAY: Duration = Duration::from_secs(4);
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
    let once = args.once || !std::io::stdout().is_terminal();
    show(once, &Words::new(out.german, out.colour)).await.map_err(|error| {
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
    // The address comes first: whoever wants to watch opens it now.
    words.opening(&sandbox.page_url());
    let stage = Stage::build(&sandbox, &NOTICES).await?;
    words.site(&stage.site_url());

    let result = tokio::select! {
        result = play(words, &sandbox, stage, once) => result,
        _ = tokio::signal::ctrl_c() => {
            words.interrupted();
            Ok(1)
        }
    };
    sandbox.stop().await;
    result
}

async fn play(words: &Words, sandbox: &Sandbox, mut stage: Stage, once: bool) -> anyhow::Result<u8> {
    stage.serve().await?;

    words.act_one();
    stage.publish(1, true).await?;
    arrived(words, sandbox, &stage, 1).await?;

    words.act_two();
    sandbox.mastodon.stop().await;
    words.mastodon_away();
    stage.publish(2, true).await?;
    others_arrived(words, sandbox, &stage, 2).await?;
    words.only_mastodon_waits(stage.status().await?.next_try("mastodon"));
    tokio::time::sleep(AWAY).await;
    sandbox.mastodon.start_again().await?;
    words.mastodon_back();
    arrived(words, sandbox, &stage, 2).await?;

    words.act_three();
    // In the middle means here: the gateway has every SMS and has reported none, the webhook's receiver has nothing. An SMS that
    // was started and never left would stand as unknown and wait for a person, rightly; that is not what this act is about.
    sandbox.webhook.stop().await;
    sandbox.kannel.service().plan(Plan::Late(REPORTS_LATER));
    stage.publish(3, false).await?;
    in_the_middle(words, sandbox, &stage).await?;
    stage.kill().await?;
    words.killed();
    sandbox.webhook.start_again().await?;
    stage.serve().await?;
    words.serving_again();
    arrived(words, sandbox, &stage, 3).await?;
    settled(words, &stage).await;

    let tallies = board::compare(&stage.status().await?, sandbox, 3, stage.people());
    words.table(&tallies);
    let good = tallies.iter().all(Tally::is_good);
    words.verdict(good);
    if !once {
        words.stays_open(&sandbox.page_url());
        tokio::signal::ctrl_c().await?;
    }
    stage.stop().await;
    Ok(u8::from(!good))
}

/// Every service has the first `notices` notices, and every phone its SMS.
async fn arrived(words: &Words, sandbox: &Sandbox, stage: &Stage, notices: usize) -> anyhow::Result<()> {
    let toots = sandbox.mastodon.until(|books| books.accepted() >= notices);
    patient(words, toots, "Mastodon", stage).await?;
    others_arrived(words, sandbox, stage, notices).await
}

async fn others_arrived(words: &Words, sandbox: &Sandbox, stage: &Stage, notices: usize) -> anyhow::Result<()> {
    let on_phones = notices * stage.people();
    let phones = sandbox.kannel.until(|books| {
        let delivered = books.entries.iter().filter(|e| e.reports.contains(&1));
        delivered.count() >= on_phones
    });
    let calls = sandbox.webhook.until(|books| books.accepted() >= notices);
    patient(words, phones, "SMS", stage).await?;
    patient(words, calls, "Webhook", stage).await?;
    words.arrived(notices);
    Ok(())
}

/// Waits until the gateway has the third notice for everybody.
async fn in_the_middle(words: &Words, sandbox: &Sandbox, stage: &Stage) -> anyhow::Result<()> {
    let all = 3 * stage.people();
    let taken = sandbox.kannel.until(|books| books.accepted() >= all);
    patient(words, taken, "SMS", stage).await
}

/// Until our board knows what the services know: the last delivery reports are on their way.
async fn settled(words: &Words, stage: &Stage) {
    let _waiting = words.waiting();
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

async fn patient<T>(words: &Words, what: impl Future<Output = T>, name: &str, stage: &Stage) -> anyhow::Result<()> {
    let waiting = words.waiting();
    let came = tokio::time::timeout(PATIENCE, what).await;
    drop(waiting);
    if came.is_err() {
        bail!(
            "{name}: not everything arrived within {} s\n{}",
            PATIENCE.as_secs(),
            stage.last_words()
        );
    }
    Ok(())
}
