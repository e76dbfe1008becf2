//! What a history is about: which lanes, what happens when. And the acts themselves.

use rundruf::clock::Ms;
use rundruf::domain::delivery::{Gate, Health, UnknownPolicy};
use rundruf::ids::{IncidentId, LaneId, NoticeSeq};
use rundruf::lane_core::clock_jump::{Jump, jump_at_start};
use rundruf::lane_core::event::{Event, Rules};
use rundruf::lane_core::lane::Lane;
use rundruf::store::{Rate, Takeover};

use super::model;
use super::provider::{LATEST_ARRIVAL_MS, Mood, Provider};
use super::world::{Act, Item, World};

/// The longest a lane waits for a request, ms.
pub const TIMEOUT_MS: Ms = 15_000;
const HOUR_MS: Ms = 3_600_000;

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
        };
        let people = world.rng.i64(1..=4);
        world.model.add_lane(lane, people);
        world.rules.insert(lane, rules);
        let provider = Provider {
            mood: Mood::Fair,
            knows_for_ms: handle,
            books: std::collections::HashMap::new(),
            agreed: std::collections::HashSet::new(),
        };
        world.providers.insert(lane, provider);
        world.say(|| format!("lane {lane}: {name}, {people} recipients, {concurrency} connections"));
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
            world.outside(at + long, Item::Act(Act::Gate(lane, Gate::Open)));
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
                    self.model.set_gate(lane, gate);
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
                lanes.into_iter().for_each(|lane| self.model.set_gate(lane, Gate::Open));
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

    fn publish(&mut self) {
        let incident = IncidentId(self.rng.i64(1..=2));
        let place = self.rng.bool().then(|| self.rng.u8(..2));
        let earlier: Vec<NoticeSeq> = self
            .notices
            .iter()
            .filter(|(_, i)| *i == incident)
            .map(|(n, _)| *n)
            .collect();
        let closes = match self.rng.u8(..4) {
            0 => earlier.last().map(|n| (*n, true)),
            1 => earlier.last().map(|n| (*n, false)),
            _ => None,
        };
        let (urgent, wall) = (self.rng.bool(), self.wall());
        let notice = self.model.publish(incident, place, urgent, closes, wall);
        self.notices.push((notice, incident));
        self.say(|| {
            format!("notice {notice} of incident {incident}, place {place:?}, urgent {urgent}, closes {closes:?}")
        });
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
        for rules in self.rules.values_mut() {
            rules.handles_from_ms = if back == Jump::None { Ms::MIN } else { wall };
        }
        let takeovers: Vec<_> = self.rules.iter().map(|(lane, rules)| takeover(*lane, rules)).collect();
        let found = self.model.take_over(&takeovers, wall);
        self.say(|| format!("a process takes over: {found:?}"));
        let lanes: Vec<_> = self.rules.iter().map(|(lane, rules)| (*lane, *rules)).collect();
        for (lane, rules) in lanes {
            let seed = self.rng.u64(..);
            self.cores.insert(lane, Lane::new(rules, seed));
            if rules.looks_up {
                self.after(1, Item::Op(lane, super::world::Op::ReadUnknown));
            }
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
        self.checks.last_start.clear();
        if by < -5_000 {
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
        self.model.high_ms = self.wall();
        self.checks.told.values_mut().for_each(|until| *until -= by);
    }
}

fn takeover(lane: LaneId, rules: &Rules) -> Takeover {
    Takeover {
        lane,
        handle_for_ms: rules
            .handle_for_ms
            .filter(|term| *term == Ms::MAX || rules.handles_from_ms == Ms::MIN),
        repeat: rules.unknown == UnknownPolicy::Repeat && !rules.looks_up,
        drop: rules.unknown == UnknownPolicy::Drop && !rules.looks_up,
    }
}
