//! What a history is about: which lanes, what happens when. And the acts themselves.

use rundruf::clock::Ms;
use rundruf::domain::delivery::{CatchUp, Gate, Health, UnknownPolicy};
use rundruf::domain::notice::Scope;
use rundruf::domain::supersede::names;
use rundruf::domain::words::Kind;
use rundruf::ids::{IncidentId, LaneId, NoticeSeq};
use rundruf::lane_core::clock_jump::{JUMP_MS, Jump, jump_at_start};
use rundruf::lane_core::event::{Event, Rules};
use rundruf::lane_core::lane::Lane;
use rundruf::lane_core::ramp::Ramp;
use rundruf::store::{Rate, Takeover};

use super::model;
use super::provider::{LATEST_ARRIVAL_MS, Mood, Provider};
use super::world::{Act, Item, World};
use crate::store_conformance::fixture::{notice, places, publication, to, to_all};

/// The longest a lane waits for a request, ms.
pub const TIMEOUT_MS: Ms = 15_000;
const HOUR_MS: Ms = 3_600_000;
const PLACES: [&str; 2] = ["soest", "werl"];
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

/// Draws the lanes and everything that will happen.
pub fn write(world: &mut World) {
    for n in 1..=world.rng.i64(1..=3) {
        let (name, handle, looks_up, unknown, concurrency) = KINDS[world.rng.usize(..KINDS.len())];
        let lane = LaneId(n);
        let rate = (world.rng.u8(..4) == 0).then_some(Rate {
            count: 2,
            per_ms: 1_000,
        });
        let term = if world.sabotage.endless_handle {
            handle.map(|_| Ms::MAX)
        } else {
            handle
        };
        let rules = Rules {
            handle_for_ms: term,
            handles_from_ms: Ms::MIN,
            looks_up,
            unknown,
            concurrency,
            timeout_ms: TIMEOUT_MS,
            one_counterpart: name != "webhook",
            rate,
            ramp: (world.rng.u8(..3) > 0).then_some(RAMP),
        };
        // Nobody: an account. Every second one follows one of two places.
        let people = world.rng.usize(0..=4);
        let follows = |n: usize| {
            if n % 2 == 1 {
                vec![PLACES[n / 2 % 2].to_owned()]
            } else {
                Vec::new()
            }
        };
        let domain = |n: usize| if n < 3 { "gmx" } else { "web" };
        let audience = (0..people).map(|n| (format!("{lane}-{n}@{}", domain(n)), follows(n)));
        let audience: Vec<_> = audience.collect();
        world.model.add_lane(lane, &audience);
        let catch_up = [CatchUp::Every, CatchUp::Latest, CatchUp::Digest][world.rng.usize(..3)];
        world.catch_ups.insert(lane, catch_up);
        world.rules.insert(lane, rules);
        let provider = Provider {
            mood: Mood::Fair,
            knows_for_ms: handle,
            reports: handle.is_none() && unknown == UnknownPolicy::Ask && !looks_up && n > 1,
            books: std::collections::HashMap::new(),
            agreed: std::collections::HashSet::new(),
        };
        world.providers.insert(lane, provider);
        world.say(|| format!("lane {lane}: {name}, {people} recipients, {concurrency} connections, {catch_up:?}"));
    }
    // Now and then the last lane stands in for others and gets nothing of its own.
    let last = LaneId(world.rules.len() as i64);
    if last.0 > 1 && world.rng.u8(..3) > 0 {
        world.catch_ups.remove(&last);
        for n in 1..last.0 {
            if last.0 == 2 || world.rng.bool() {
                world.model.lanes.get_mut(&LaneId(n)).unwrap().failover = Some(last);
                world.say(|| format!("lane {last} stands in for lane {n}"));
            }
        }
    }
    let horizon = [30_000, 300_000, 3 * HOUR_MS][world.rng.usize(..3)];
    world.outside(0, Item::Act(Act::Start));
    for _ in 0..world.rng.u8(2..=6) {
        // Half of the notices come close together.
        let at = world.rng.i64(0..horizon) / if world.rng.bool() { 10 } else { 1 };
        world.outside(at, Item::Act(Act::Publish));
    }
    let lanes: Vec<_> = world.rules.keys().copied().collect();
    for lane in lanes {
        for _ in 0..world.rng.u8(0..3) {
            let at = world.rng.i64(0..horizon);
            let long = world.rng.i64(1..horizon);
            world.outside(at, Item::Act(Act::Gate(lane, Gate::Held)));
            let released = [Gate::Open, Gate::Draining, Gate::Draining][world.rng.usize(..3)];
            world.outside(at + long, Item::Act(Act::Gate(lane, released)));
        }
        for _ in 0..world.rng.u8(0..3) {
            let mood = [Mood::Down, Mood::Hangs, Mood::Busy][world.rng.usize(..3)];
            let at = world.rng.i64(0..horizon);
            let long = world.rng.i64(1..horizon);
            world.outside(at, Item::Act(Act::Mood(lane, mood)));
            world.outside(at + long, Item::Act(Act::Mood(lane, Mood::Fair)));
        }
    }
    for _ in 0..world.rng.u8(0..3) {
        let at = world.rng.i64(0..horizon);
        world.outside(at, Item::Act(Act::Crash));
    }
    world.crashes_left = world.rng.u32(0..4);
    for _ in 0..world.rng.u8(0..3) {
        let by = [-2 * HOUR_MS, -20_000, -3_000, 4_000, 90_000, 2 * HOUR_MS][world.rng.usize(..6)];
        let at = world.rng.i64(0..horizon);
        world.outside(at, Item::Act(Act::Jump(by)));
    }
    world.end = 2 * horizon + 24 * HOUR_MS;
    world.outside(2 * horizon + 1, Item::Act(Act::Heal));
    for n in 1..=4 {
        world.outside(2 * horizon + n * 30_000, Item::Act(Act::TryNow));
    }
}

impl World {
    pub(super) fn act(&mut self, act: Act) -> Result<(), String> {
        if !matches!(act, Act::TryNow) {
            self.say(|| format!("{act:?}"));
        }
        match act {
            Act::Publish => self.publish(),
            Act::Gate(lane, gate) => {
                if !self.healed {
                    self.set_gate(lane, gate);
                    self.poke();
                }
            }
            Act::Crash => self.crash(),
            Act::Start => self.start_process(),
            Act::Jump(by) => self.jump(by)?,
            Act::Mood(lane, mood) => {
                if !self.healed {
                    self.providers.get_mut(&lane).unwrap().mood = mood;
                }
            }
            Act::Heal => {
                self.healed = true;
                self.providers.values_mut().for_each(|p| p.mood = Mood::Good);
                let lanes: Vec<_> = self.rules.keys().copied().collect();
                lanes.into_iter().for_each(|lane| self.set_gate(lane, Gate::Open));
                self.poke();
            }
            Act::TryNow => {
                let wall = self.wall();
                for (id, lane) in &mut self.model.lanes {
                    if lane.health.health == Health::Paused {
                        lane.health = model::well(wall);
                        self.checks.told.remove(&(*id, None));
                    }
                }
                self.poke();
            }
        }
        Ok(())
    }

    fn set_gate(&mut self, lane: LaneId, gate: Gate) {
        let wall = self.wall();
        self.model.set_gate(lane, gate, wall);
        self.checks.ramps.gate(lane, gate, self.t);
    }

    fn publish(&mut self) {
        let incident = IncidentId(self.rng.i64(1..=2));
        let earlier: Vec<Scope> = self
            .model
            .notices
            .iter()
            .filter(|(_, of, _)| *of == incident)
            .map(|(.., n)| n.scope.clone())
            .collect();
        let number = u32::try_from(earlier.len()).unwrap() + 1;
        let mut n = notice(&format!("i{incident}"), number);
        n.urgent = self.rng.bool();
        n.scope = match self.rng.u8(..4) {
            0 | 1 => Scope::All,
            2 => places(&[PLACES[self.rng.usize(..2)]]),
            _ => places(&PLACES),
        };
        if number > 1 {
            let old = self.rng.u32(1..number);
            match self.rng.u8(..6) {
                0 => n.replaces = vec![old],
                1 => (n.kind, n.corrects) = (Kind::Correction, vec![old]),
                2 => (n.kind, n.corrects) = (Kind::Retraction, vec![old]),
                _ => {}
            }
            // What corrects mostly concerns whom the other concerned.
            if n.kind != Kind::Notice && self.rng.u8(..4) > 0 {
                n.scope.clone_from(&earlier[old as usize - 1]);
            }
        }
        let lanes = self.catch_ups.iter().map(|(lane, catch_up)| {
            let account = self.model.lanes[lane].people.is_empty();
            let mut broadcast = if account { to(*lane) } else { to_all(*lane) };
            broadcast.catch_up = *catch_up;
            broadcast
        });
        let lanes = lanes.collect();
        let seq = NoticeSeq(i64::try_from(self.model.notices.len()).unwrap() + 1);
        self.say(|| {
            format!(
                "notice {seq} ({number} of incident {incident}): {:?}, {:?}, urgent {}, corrects {:?}, replaces {:?}",
                n.kind, n.scope, n.urgent, n.corrects, n.replaces
            )
        });
        let wall = self.wall();
        let old = self
            .model
            .notices
            .iter()
            .filter(|(_, of, old)| *of == incident && names(&n, old.number));
        self.checks.digests.taken_back.extend(old.map(|(seq, ..)| *seq));
        self.model.publish(&publication(n, lanes, wall), seq, incident);
        self.poke();
    }

    /// The process dies: what it had asked the store for is committed or not, what it had sent may still arrive.
    pub(super) fn crash(&mut self) {
        if self.cores.is_empty() || self.healed {
            return;
        }
        self.say(|| "the process dies".into());
        self.cores.clear();
        let agenda = std::mem::take(&mut self.agenda);
        let t = self.t;
        for ((at, n), (process, item)) in agenda {
            match item {
                Item::Op(lane, op) if self.rng.bool() => {
                    self.commit(lane, &op);
                }
                Item::Op(..) => {}
                Item::Arrive(lane, delivery) => {
                    let at = at.min(t + LATEST_ARRIVAL_MS);
                    self.agenda.insert((at, n), (process, Item::Arrive(lane, delivery)));
                }
                item if process == 0 => {
                    self.agenda.insert((at, n), (process, item));
                }
                _ => {}
            }
        }
        self.checks.crashed(&self.model);
        let down = if self.rng.u8(..10) < 7 {
            self.rng.i64(0..3_000)
        } else {
            self.rng.i64(0..3 * HOUR_MS)
        };
        self.outside(down, Item::Act(Act::Start));
    }

    fn start_process(&mut self) {
        if !self.cores.is_empty() {
            return;
        }
        self.process += 1;
        if std::mem::take(&mut self.back_at_rest) {
            self.offset = self.offset.min(self.model.high_ms - 20_000 - self.t);
        }
        let wall = self.wall();
        let back = jump_at_start(self.model.high_ms, wall);
        if let Jump::Back(by) = back {
            self.say(|| format!("the clock is {by} ms behind"));
            self.shift(by);
        }
        let handles_from_ms = self.model.handles_from((back != Jump::None).then_some(wall));
        for rules in self.rules.values_mut() {
            rules.handles_from_ms = handles_from_ms;
        }
        let takeovers: Vec<_> = self.rules.iter().map(|(lane, rules)| takeover(*lane, rules)).collect();
        let now = self.now();
        self.checks.started(now);
        let found = self.model.take_over(&takeovers, wall);
        self.say(|| format!("a process takes over: {found:?}"));
        let lanes: Vec<_> = self.rules.iter().map(|(lane, rules)| (*lane, *rules)).collect();
        for (lane, rules) in lanes {
            let seed = self.rng.u64(..);
            self.cores.insert(lane, Lane::new(rules, seed));
        }
        self.poke();
    }

    fn jump(&mut self, by: Ms) -> Result<(), String> {
        if by < -5_000 && self.cores.is_empty() {
            // Set back by less than the process was down for, nobody could notice; so it is more.
            self.back_at_rest = true;
            return Ok(());
        }
        self.offset += by;
        if self.cores.is_empty() {
            self.checks.ramps.slipped(by);
        }
        if by.abs() <= JUMP_MS {
            self.unnoticed += by;
            self.checks.slipped(by);
        } else if !self.cores.is_empty() {
            self.shift(-by);
            let lanes: Vec<_> = self.cores.keys().copied().collect();
            for lane in lanes {
                self.step(lane, Event::Shifted { by: -by })?;
                self.after(0, Item::ReadRow(lane));
            }
        }
        Ok(())
    }

    fn shift(&mut self, by: Ms) {
        self.model.shift_times(by);
        if by > 0 {
            self.model.high_ms = self.wall();
        }
        self.checks.shifted(by);
    }
}

fn takeover(lane: LaneId, rules: &Rules) -> Takeover {
    Takeover {
        lane,
        handle_for_ms: rules.handle_for_ms,
        handles_from_ms: rules.handles_from_ms,
        repeat: rules.unknown == UnknownPolicy::Repeat && !rules.looks_up,
        drop: rules.unknown == UnknownPolicy::Drop && !rules.looks_up,
    }
}
