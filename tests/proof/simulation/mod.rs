//! Lanes under random histories (LANES 9): crash at every commit border, slow, partial, late and lost answers, 500 after
//! accepting, clock jumps, a failing store, hold and release in mid-drain, corrections in between. One thread, its own
//! scheduler, one seed per history.
//!
//! `RUNDRUF_HISTORIES=1000000 tests/run histories` runs more; `RUNDRUF_SEED=42` runs one and prints its story.

mod acts;
mod audience;
mod checks;
mod digests;
mod process;
mod provider;
mod ramps;
mod requests;
mod script;
mod shrink;
mod world;

use crate::model::{Breaks, Model};
use crate::{each, number};
use shrink::shrunk;
use world::{History, Sabotage, Sum, World};

/// Some seconds where nothing is optimised; `tests/run` asks for more.
const HISTORIES: u64 = 5_000;

/// A broken rule shows in one of so many.
const FOUND_WITHIN: u64 = 10_000;

fn history(seed: u64, sabotage: Sabotage) -> Result<Sum, String> {
    World::new(History::from(seed), sabotage, false).run()
}

/// What happens in a history, in plain words.
fn story(history: &History, sabotage: Sabotage) -> String {
    let mut world = World::new(history.clone(), sabotage, true);
    let end = world.run();
    let mut lines = world.story.take().unwrap_or_default();
    match end {
        Ok(sum) => lines.push(format!("{sum:?}")),
        Err(error) => {
            lines.extend(rows(&world.model));
            lines.push(error);
        }
    }
    lines.join("\n")
}

/// How everything stands at the end.
fn rows(model: &Model) -> impl Iterator<Item = String> {
    model.rows.iter().map(|row| {
        let b = &model.broadcasts[row.broadcast];
        format!(
            "{} of lane {} for {}: delivery {} {:?}, attempt {}, due {}, changed {}, text {}; its broadcast {:?}, by {:?}, overtaken {}",
            b.notice, row.lane, row.recipient, row.id, row.state, row.attempt, row.due_ms, row.changed_ms, row.told, b.state, b.superseded_by, b.overtaken
        )
    })
}

/// A failing history as a person needs it: the complaint, the shortest story that ends with it, how to see it again.
fn failure(seed: u64, error: &str) -> String {
    let none = Sabotage::default();
    let smallest = shrunk(&History::from(seed), none);
    let story = story(&smallest, none);
    format!("history {seed}: {error}\n\nshrunk:\n{story}\n\nAgain: RUNDRUF_SEED={seed} tests/run histories")
}

#[test]
fn histories_keep_every_promise() {
    let none = Sabotage::default();
    if let Some(seed) = number("RUNDRUF_SEED") {
        println!("{}", story(&History::from(seed), none));
        if let Err(error) = history(seed, none) {
            panic!("{}", failure(seed, &error));
        }
        return;
    }
    let count = number("RUNDRUF_HISTORIES").unwrap_or(HISTORIES);
    let sums = each("histories", count, |seed| history(seed, none));
    let mut all = Sum::default();
    for sum in sums.unwrap_or_else(|(seed, error)| panic!("{}", failure(seed, &error))) {
        all.steps += sum.steps;
        all.starts += sum.starts;
        all.rows += sum.rows;
    }
    assert!(
        all.starts > all.rows,
        "histories in which nothing fails prove nothing: {all:?}"
    );
    println!("{all:?}");
}

/// Whoever breaks a rule is found out: a check that cannot fail checks nothing.
#[test]
fn every_broken_rule_is_found() {
    let store = |breaks| Sabotage {
        store: breaks,
        ..Sabotage::default()
    };
    let none = Breaks::default();
    let well = Sabotage::default();
    let cases = [
        ("order", store(Breaks { order: true, ..none }), "after notice"),
        (
            "takeover",
            store(Breaks { takeover: true, ..none }),
            "nobody knows|done 2 times",
        ),
        ("counters", store(Breaks { counters: true, ..none }), "counters"),
        (
            "mark",
            store(Breaks { mark: true, ..none }),
            "never comes to rest|nothing moves|nobody looks",
        ),
        ("passed", store(Breaks { passed: true, ..none }), "after notice"),
        ("latest", store(Breaks { latest: true, ..none }), "ends without"),
        (
            "elsewhere",
            store(Breaks {
                elsewhere: true,
                ..none
            }),
            "has the wrong words",
        ),
        ("served", store(Breaks { served: true, ..none }), "only what they have"),
        ("run out", store(Breaks { run_out: true, ..none }), "ends without"),
        ("recut", store(Breaks { recut: true, ..none }), "what was taken back"),
        (
            "removed too early",
            store(Breaks { restless: true, ..none }),
            "are removed, and delivery",
        ),
        ("ramp", store(Breaks { ramp: true, ..none }), "faster than its ramp"),
        ("results", store(Breaks { results: true, ..none }), "drains on"),
        ("crowd", store(Breaks { crowd: true, ..none }), "after notice"),
        (
            "moves",
            store(Breaks { moves: true, ..none }),
            "done 2 times|nobody knows",
        ),
        (
            "late move",
            store(Breaks {
                late_move: true,
                ..none
            }),
            "after notice",
        ),
        (
            "wall time",
            Sabotage {
                wall_time: true,
                ..well
            },
            "told to wait",
        ),
        ("started", store(Breaks { started: true, ..none }), "the store says"),
        ("clamped wait", Sabotage { clamp: true, ..well }, "told to wait"),
        ("deaf to holds", Sabotage { deaf: true, ..well }, "is held"),
        (
            "endless handle",
            Sabotage {
                endless_handle: true,
                ..well
            },
            "done 2 times|nobody knows",
        ),
        (
            "rate",
            Sabotage { rateless: true, ..well },
            "starts two requests within",
        ),
        ("late", store(Breaks { late: true, ..none }), "its time has run out"),
        (
            "unmarked",
            store(Breaks { unmarked: true, ..none }),
            "nothing says that it may be there",
        ),
        (
            "crowded",
            Sabotage { crowded: true, ..well },
            "requests at the same time",
        ),
        (
            "open rows",
            Sabotage { crowded: true, ..well },
            "open rows and no handle",
        ),
        (
            "short handle",
            Sabotage {
                short_handle: true,
                ..well
            },
            "a handle is in force for ever",
        ),
        ("costs", Sabotage { costs: true, ..well }, "lost an attempt"),
        (
            "restless",
            Sabotage { restless: true, ..well },
            "although the process ends",
        ),
        ("hasty", Sabotage { hasty: true, ..well }, "has ended, and delivery"),
        (
            "optimist",
            Sabotage { optimist: true, ..well },
            "times|nobody knows|less than there is",
        ),
    ];
    let found = each("rules", cases.len() as u64, |case| {
        let (what, sabotage, sign) = cases[case as usize];
        // A broken rule may show in several ways; the one meant must be among the first.
        let found = (0..FOUND_WITHIN).find_map(|seed| {
            let error = history(seed, sabotage).err()?;
            let meant = sign.split('|').any(|sign| error.contains(sign));
            meant.then_some((seed, error))
        });
        let (seed, error) = found.ok_or_else(|| format!("{what}: not found in {FOUND_WITHIN} histories"))?;
        println!("{what}: found by history {seed}: {error}");
        Ok(())
    });
    found.unwrap();
}
