//! What a history is about: which lanes, what happens when.

use rundruf::clock::Ms;
use rundruf::domain::delivery::{CatchUp, Gate, UnknownPolicy};
use rundruf::ids::LaneId;
use rundruf::lane_core::event::Rules;
use rundruf::lane_core::ramp::Ramp;
use rundruf::store::{Decision, Rate};

use super::provider::{Mood, Provider};
use super::world::{Act, Disk, Item, World};

/// The longest a lane waits for a request, ms.
pub const TIMEOUT_MS: Ms = 15_000;
pub const HOUR_MS: Ms = 3_600_000;
pub const PLACES: [&str; 2] = ["soest", "werl"];
/// Slow enough that most histories are about it, fast enough that they end.
const RAMP: Ramp = Ramp {
    start: Rate {
        count: 20,
        per_ms: 60_000,
    },
    double_ms: 20_000,
    per_domain: Some(Rate {
        count: 10,
        per_ms: 60_000,
    }),
};

/// The kinds of lanes: what they are like, how long the handle holds, whether they read back, the policy, connections.
const KINDS: [(&str, Option<Ms>, bool, UnknownPolicy, u32); 7] = [
    ("webhook", Some(Ms::MAX), false, UnknownPolicy::Ask, 4),
    ("mastodon", Some(HOUR_MS), true, UnknownPolicy::Ask, 2),
    ("key of an hour", Some(HOUR_MS), false, UnknownPolicy::Ask, 3),
    ("SMS", None, false, UnknownPolicy::Ask, 3),
    ("reads back", None, true, UnknownPolicy::Ask, 1),
    ("e-mail", None, false, UnknownPolicy::Repeat, 3),
    ("drops", None, false, UnknownPolicy::Drop, 2),
];

/// Draws the lanes and everything that will happen. What may be left out asks [`World::has`] after it was drawn.
pub fn write(world: &mut World) {
    let lanes: Vec<_> = (1..=world.rng.i64(1..=3)).map(LaneId).collect();
    for lane in &lanes {
        draw_lane(world, *lane);
    }
    stand_in(world, &lanes);
    let horizon = [30_000, 300_000, 3 * HOUR_MS][world.rng.usize(..3)];
    world.outside(0, Item::Act(Act::Start));
    for _ in 0..world.rng.u8(2..=6) {
        // Half of the notices come close together.
        let at = world.rng.i64(0..horizon) / if world.rng.bool() { 10 } else { 1 };
        // Out of time at some moment of the history, now and then.
        let expires = (world.rng.u8(..4) == 0).then_some(world.rng.i64(1..2 * horizon));
        happens(world, &[(at, Act::Publish { expires })]);
    }
    for lane in lanes {
        for _ in 0..world.rng.u8(0..3) {
            let (from, to) = span(world, horizon);
            let released = [Gate::Open, Gate::Draining, Gate::Draining][world.rng.usize(..3)];
            happens(
                world,
                &[(from, Act::Gate(lane, Gate::Held)), (to, Act::Gate(lane, released))],
            );
        }
        for _ in 0..world.rng.u8(0..3) {
            let mood = [Mood::Down, Mood::Hangs, Mood::Busy][world.rng.usize(..3)];
            let (from, to) = span(world, horizon);
            happens(
                world,
                &[(from, Act::Mood(lane, mood)), (to, Act::Mood(lane, Mood::Fair))],
            );
        }
    }
    for _ in 0..world.rng.u8(0..3) {
        let end = [Act::Crash, Act::Crash, Act::Stop][world.rng.usize(..3)];
        let at = world.rng.i64(0..horizon);
        happens(world, &[(at, end)]);
    }
    for _ in 0..world.rng.u8(0..3) {
        let by = [-2 * HOUR_MS, -20_000, -3_000, 4_000, 90_000, 2 * HOUR_MS][world.rng.usize(..6)];
        let at = world.rng.i64(0..horizon);
        let looks = at + world.rng.i64(1..horizon);
        happens(world, &[(at, Act::Jump(by)), (looks, Act::Trust)]);
    }
    if world.rng.u8(..4) == 0 {
        let disk = [Disk::Low, Disk::Full][world.rng.usize(..2)];
        let from = world.rng.i64(0..horizon);
        // Lanes try again every second.
        let to = from + world.rng.i64(1..60_000);
        happens(world, &[(from, Act::Disk(disk)), (to, Act::Disk(Disk::Enough))]);
    }
    for _ in 0..world.rng.u8(0..4) {
        let decision = [Decision::There, Decision::Again, Decision::Drop][world.rng.usize(..3)];
        let at = world.rng.i64(0..2 * horizon);
        happens(world, &[(at, Act::Decide(decision))]);
    }
    for _ in 0..world.rng.u8(0..4) {
        let after = [0, 60_000, 10 * 60_000, HOUR_MS][world.rng.usize(..4)];
        let at = world.rng.i64(0..2 * horizon);
        happens(world, &[(at, Act::Remove { after })]);
    }
    let crashes = world.rng.u32(0..4);
    world.crashes_left = if world.has() { crashes } else { 0 };
    world.store_fails = world.has();
    world.end = 2 * horizon + 24 * HOUR_MS;
    world.outside(2 * horizon + 1, Item::Act(Act::Heal));
    for n in 1..=4 {
        world.outside(2 * horizon + n * 30_000, Item::Act(Act::TryNow));
    }
}

fn span(world: &mut World, horizon: Ms) -> (Ms, Ms) {
    let from = world.rng.i64(0..horizon);
    (from, from + world.rng.i64(1..horizon))
}

/// One part of the script: at these times.
fn happens(world: &mut World, acts: &[(Ms, Act)]) {
    if world.has() {
        for (at, act) in acts {
            world.outside(*at, Item::Act(*act));
        }
    }
}

fn draw_lane(world: &mut World, lane: LaneId) {
    let (name, handle, looks_up, unknown, concurrency) = KINDS[world.rng.usize(..KINDS.len())];
    let rate = (world.rng.u8(..4) == 0).then_some(Rate {
        count: 2,
        per_ms: 1_000,
    });
    let ramp = (world.rng.u8(..3) > 0).then_some(RAMP);
    // Nobody: an account. Every second one follows one of two places.
    let people = world.rng.usize(0..=4);
    let catch_up = [CatchUp::Every, CatchUp::Latest, CatchUp::Digest][world.rng.usize(..3)];
    let (is, limits) = (world.has(), world.has());
    let people = (0..people).filter(|n| *n == 0 || world.has()).collect::<Vec<_>>();
    let mood = if world.has() { Mood::Fair } else { Mood::Good };
    if !is {
        return;
    }
    let rules = Rules {
        handle_for_ms: handle,
        handles_from_ms: Ms::MIN,
        looks_up,
        unknown,
        concurrency,
        timeout_ms: TIMEOUT_MS,
        one_counterpart: name != "webhook",
        rate: rate.filter(|_| limits),
        ramp: ramp.filter(|_| limits),
    };
    let follows = |n: usize| {
        if n % 2 == 1 {
            vec![PLACES[n / 2 % 2].to_owned()]
        } else {
            Vec::new()
        }
    };
    let domain = |n: usize| if n < 3 { "gmx" } else { "web" };
    let audience = people
        .iter()
        .map(|n| (format!("{lane}-{n}@{}", domain(*n)), follows(*n)));
    let audience: Vec<_> = audience.collect();
    world.model.add_lane(lane, &audience);
    world.catch_ups.insert(lane, catch_up);
    world.rules.insert(lane, rules);
    let provider = Provider {
        usual: mood,
        mood,
        knows_for_ms: handle,
        reports: handle.is_none() && unknown == UnknownPolicy::Ask && !looks_up && lane.0 > 1,
        books: std::collections::HashMap::new(),
        agreed: std::collections::HashSet::new(),
    };
    world.providers.insert(lane, provider);
    let people = people.len();
    world.say(|| format!("lane {lane}: {name}, {people} recipients, {concurrency} connections, {catch_up:?}"));
}

/// Now and then the last lane stands in for others and gets nothing of its own.
fn stand_in(world: &mut World, lanes: &[LaneId]) {
    let Some((last, others)) = lanes.split_last().filter(|(_, others)| !others.is_empty()) else {
        return;
    };
    if world.rng.u8(..3) == 0 {
        return;
    }
    world.catch_ups.remove(last);
    for lane in others {
        let drawn = others.len() == 1 || world.rng.bool();
        if drawn && world.has() && world.rules.contains_key(lane) && world.rules.contains_key(last) {
            world.model.lanes.get_mut(lane).unwrap().failover = Some(*last);
            world.say(|| format!("lane {last} stands in for lane {lane}"));
        }
    }
}
