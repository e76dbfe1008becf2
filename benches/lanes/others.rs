//! One channel fails, the others deliver as if nothing were: within a second, or, where the failing one is their link target,
//! within six (they wait five for it).

use std::time::{Duration, Instant};

use super::counterparts::{CHANNELS, Fault};
use super::stage::{Eighth, Setup, Stage};
use crate::kit::machine::{self, Spread};
use crate::kit::table::Table;

const PUBLICATIONS: usize = 20;
/// Each lasts as long as the others wait for the link.
const WITHOUT_LINK: usize = 3;
/// One channel of each kind.
const FAILING: [usize; 3] = [0, 2, 4];

const SECOND: Duration = Duration::from_secs(1);
const LINK_WAIT: Duration = Duration::from_secs(5);
const LINK_BAR: Duration = Duration::from_secs(6);

/// From publishing to the other channels' counterparts.
struct Others {
    /// First byte of the first of them.
    first: Spread,
    /// First byte of the last of them.
    last: Spread,
    /// The answer of the last of them: delivered.
    answered: Spread,
}

/// Publishes and looks at all channels but one.
async fn run(mut stage: Stage, but: Option<usize>, publications: usize) -> Others {
    let lanes = stage.lanes().await;
    let (mut first, mut last, mut answered) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..publications {
        let begin = Instant::now();
        let (notice, _) = stage.publish().await;
        let attempts = stage.first_attempts(but).await;
        let came = || attempts.iter().map(|a| a.came - begin);
        first.push(came().min().expect("some"));
        last.push(came().max().expect("some"));
        answered.push(attempts.iter().map(|a| a.answered - begin).max().expect("some"));
        stage.at_rest(notice, but).await;
    }
    // What hangs is left hanging: dropping the lanes ends them as a crash would.
    drop(lanes);
    Others {
        first: Spread::of(first),
        last: Spread::of(last),
        answered: Spread::of(answered),
    }
}

/// A channel of each kind in turn hangs, then refuses.
pub async fn one_fails(table: &mut Table) {
    println!("one channel of 8 fails, the other 7, load {}", machine::load());
    for door in FAILING {
        let name = CHANNELS[door];
        let well = run(Stage::new(Setup::default()).await, Some(door), PUBLICATIONS).await;
        println!(
            "  beside {name}, undisturbed: first byte of the last of 7 {}",
            well.last
        );
        for (fault, word) in [(Fault::Hangs, "hangs"), (Fault::Refuses, "refuses")] {
            let faulty = Some((door, fault));
            let stage = Stage::new(Setup {
                faulty,
                ..Setup::default()
            })
            .await;
            let others = run(stage, Some(door), PUBLICATIONS).await;
            let ratio = |of: fn(&Spread) -> Duration| of(&others.last).as_secs_f64() / of(&well.last).as_secs_f64();
            println!(
                "  {name} {word}: first byte {}, {:.2} (p50) and {:.2} (max) of undisturbed; answered {}",
                others.last,
                ratio(|s| s.p50),
                ratio(|s| s.max),
                others.answered
            );
            let what = format!("{name} {word}: 7 others delivered, max");
            table.at_most(what, others.answered.max, SECOND, "1 s");
        }
    }
}

fn with(eighth: Eighth) -> Setup {
    Setup {
        eighth,
        ..Setup::default()
    }
}

/// Seven channels wait for the website's link.
pub async fn the_link_target_fails(table: &mut Table) {
    println!("7 channels wait for the link, load {}", machine::load());
    let well = run(Stage::new(with(Eighth::Folder)).await, None, PUBLICATIONS).await;
    println!("  the target is well: first byte of the last of 7 {}", well.last);
    for (fault, word) in [(Fault::Hangs, "hangs"), (Fault::Refuses, "refuses")] {
        let others = run(Stage::new(with(Eighth::Server(fault))).await, None, WITHOUT_LINK).await;
        println!(
            "  the target {word}: first byte of the first {}, of the last {}",
            others.first, others.last
        );
        let what = format!("link target {word}: 7 others begin, p50");
        table.at_least(what, others.first.p50, LINK_WAIT);
        let what = format!("link target {word}: 7 others delivered, max");
        table.at_most(what, others.answered.max, LINK_BAR, "6 s");
    }
}
