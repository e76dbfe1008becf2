//! From publishing to the first byte of the last first attempt on eight channels, inside the serving process and by command line,
//! against the disk of the same minute.

use std::process::Stdio;
use std::time::{Duration, Instant};

use rundruf::ids::IncidentId;
use rundruf::sandbox::get_status;
use tokio::process::{Child, Command};

use super::stage::{File, Notice, Setup, Stage};
use crate::kit::machine::{self, Spread, Syncs};
use crate::kit::rivals;
use crate::kit::table::Table;

const PUBLICATIONS: usize = 60;
/// Closed incidents in the store: it has been in use for some time.
const PAST: u32 = 25;
/// Not counted: connections are made, instances asked for their limits.
const WARM_UP: usize = 3;
/// A program's page that is not there yet is asked for again after this.
const AGAIN: Duration = Duration::from_millis(5);

/// The bar of issue 2: 3 × fdatasync + 3 ms, and so much more by command line.
const FIXED: Duration = Duration::from_millis(3);
const COMMAND: Duration = Duration::from_millis(15);

/// Publishes in the process whose lanes send.
pub async fn inside(table: &mut Table) {
    println!("publish inside the serving process, load {}", machine::load());
    let mut stage = Stage::new(Setup {
        past: PAST,
        ..Setup::default()
    })
    .await;
    let lanes = stage.lanes().await;
    let mut syncs = Syncs::beside(stage.path());
    let (mut took, mut committed) = (Vec::new(), Vec::new());
    for n in 0..WARM_UP + PUBLICATIONS {
        syncs.sample();
        let begin = Instant::now();
        let (notice, at) = stage.publish().await;
        let attempts = stage.first_attempts(None).await;
        let last = attempts.iter().map(|a| a.came).max().expect("eight");
        if n >= WARM_UP {
            took.push(last - begin);
            committed.push(at - begin);
        }
        stage.at_rest(notice, None).await;
    }
    lanes.stop(Duration::from_secs(5)).await;
    stage.counterparts.prove(WARM_UP + PUBLICATIONS);
    let (sync, took) = (syncs.spread().p50, Spread::of(took));
    println!("  committed: {}", Spread::of(committed));
    println!("  first byte of the last of 8: {took}; fdatasync p50 {sync:.1?}");
    let bar = sync * 3 + FIXED;
    table.at_most("publish inside serve, p50", took.p50, bar, "3 × fdatasync p50 + 3 ms");
}

/// Publishes by the real command beside the real `serve`.
pub async fn by_command_line(table: &mut Table) {
    println!("publish by command line beside serve, load {}", machine::load());
    let mut stage = Stage::new(Setup {
        past: PAST,
        reports: true,
        ..Setup::default()
    })
    .await;
    let mut serve = command(&stage, &["serve"]).spawn().expect("serve");
    until_there(&stage, "/readyz").await;
    let mut syncs = Syncs::beside(stage.path());
    let (mut took, mut ended, mut nothing) = (Vec::new(), Vec::new(), Vec::new());
    for n in 0..WARM_UP + PUBLICATIONS {
        let File { text, page, number } = stage.next_file();
        std::fs::write(stage.path().join("meldung.toml"), text).expect("written");
        let begin = Instant::now();
        let done = command(&stage, &["--version"]).status().await.expect("the program");
        assert!(done.success());
        nothing.push(begin.elapsed());
        syncs.sample();
        let begin = Instant::now();
        let publish = command(&stage, &["publish", "meldung.toml", "--yes", "--json"])
            .spawn()
            .expect("publish");
        let (attempts, incident) = tokio::join!(stage.first_attempts(None), incident_of(publish));
        let last = attempts.iter().map(|a| a.came).max().expect("eight");
        if n >= WARM_UP {
            took.push(last - begin);
            ended.push(incident.1 - begin);
        }
        let notice = Notice {
            incident: incident.0,
            number,
        };
        stage.at_rest(notice, None).await;
        until_there(&stage, &page).await;
    }
    assert!(rivals::stop(&mut serve, "TERM").await.success());
    stage.counterparts.prove(WARM_UP + PUBLICATIONS);
    let (sync, took) = (syncs.spread().p50, Spread::of(took));
    println!("  the program, doing nothing (--version): {}", Spread::of(nothing));
    println!("  the command ends: {}", Spread::of(ended));
    println!("  first byte of the last of 8: {took}; fdatasync p50 {sync:.1?}");
    let bar = sync * 3 + FIXED + COMMAND;
    table.at_most(
        "publish by command line, p50",
        took.p50,
        bar,
        "3 × fdatasync p50 + 18 ms",
    );
}

fn command(stage: &Stage, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rundruf"));
    command
        .args(args)
        .current_dir(stage.path())
        .env("LANG", "C.UTF-8")
        .env("RUST_LOG", "error")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// The incident that a running `publish --json` names at its end, and when it ended.
async fn incident_of(publish: Child) -> (IncidentId, Instant) {
    let output = publish.wait_with_output().await.expect("an answer");
    let ended = Instant::now();
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let incident = answer["incident_row"].as_i64().expect("an incident");
    (IncidentId(incident), ended)
}

/// Waits until `serve` answers this path with 200.
async fn until_there(stage: &Stage, path: &str) {
    let url = format!("{}{path}", stage.site).parse().expect("an address");
    while !matches!(get_status(&url).await, Ok(200)) {
        tokio::time::sleep(AGAIN).await;
    }
}
