//! Lanes under random histories (LANES 9): crash at every commit border, slow, partial, late and lost answers, 500 after
//! accepting, clock jumps, a failing store, hold and release in mid-drain, corrections in between. One thread, its own
//! scheduler, one seed per history.
//!
//! `RUNDRUF_HISTORIES=100000 cargo test simulation` runs more; `RUNDRUF_SEED=42` runs one and prints its story.

mod audience;
mod checks;
mod digests;
pub mod model;
mod process;
mod provider;
mod ramps;
mod script;
mod world;

use model::Breaks;
use world::{Sabotage, Sum, World};

fn history(seed: u64, sabotage: Sabotage) -> Result<Sum, String> {
    World::new(seed, sabotage, false).run()
}

fn story(seed: u64, sabotage: Sabotage) -> String {
    let mut world = World::new(seed, sabotage, true);
    let end = world.run();
    let lines = world.story.take().unwrap_or_default().join("\n");
    format!("{lines}\n{end:?}\n\nAgain: RUNDRUF_SEED={seed} cargo test --test it histories -- --nocapture")
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn ten_thousand_histories_keep_every_promise() {
    let none = Sabotage::default();
    if let Some(seed) = number("RUNDRUF_SEED") {
        println!("{}", story(seed, none));
        history(seed, none).unwrap();
        return;
    }
    let mut all = Sum::default();
    for seed in 0..number("RUNDRUF_HISTORIES").unwrap_or(10_000) {
        match history(seed, none) {
            Ok(sum) => {
                all.steps += sum.steps;
                all.starts += sum.starts;
                all.rows += sum.rows;
            }
            Err(error) => panic!("history {seed}: {error}\n\n{}", story(seed, none)),
        }
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
        ("recut", store(Breaks { recut: true, ..none }), "what was taken back"),
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
            "optimist",
            Sabotage { optimist: true, ..well },
            "times|nobody knows|less than there is",
        ),
    ];
    for (what, sabotage, sign) in cases {
        // A broken rule may show in several ways; the one meant must be among the first.
        let found = (0..2_000).find_map(|seed| {
            let error = history(seed, sabotage).err()?;
            let meant = sign.split('|').any(|sign| error.contains(sign));
            meant.then_some((seed, error))
        });
        let (seed, error) = found.unwrap_or_else(|| panic!("{what}: not found in 2,000 histories"));
        println!("{what}: found by history {seed}: {error}");
    }
}
