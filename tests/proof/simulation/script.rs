//! What a history is about: which lanes, what happens when. And the acts themselves.

use rundruf::clock::Ms;
use rundruf::domain::delivery::{CatchUp, DeliveryState as State, Gate, Health, UnknownPolicy};
use rundruf::domain::notice::Scope;
use rundruf::domain::supersede::names;
use rundruf::domain::words::Kind;
use rundruf::ids::{IncidentId, LaneId, NoticeSeq};
use rundruf::lane_core::clock_jump::{JUMP_MS, Jump, LEAP_MS, jump_at_start};
use rundruf::lane_core::event::{Event, Rules};
use rundruf::lane_core::lane::Lane;
use rundruf::lane_core::ramp::Ramp;
use rundruf::store::{Decision, Rate, Takeover};

use super::provider::{LATEST_ARRIVAL_MS, Mood, Provider};
use super::world::{Act, Disk, Item, World};
use crate::fixture::{notice, places, publication, to, to_all};
use crate::model;

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
    let term = if world.sabotage.endless_handle {
        handle.map(|_| Ms::MAX)
    } else {
        handle
    };
    let (is, limits) = (world.has(), world.has());
    let people = (0..people).filter(|n| *n == 0 || world.has()).collect::<Vec<_>>();
    let mood = if world.has() { Mood::Fair } else { Mood::Good };
    if !is {
        return;
    }
    let rules = Rules {
        handle_for_ms: term,
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

impl World {
    pub(super) fn act(&mut self, act: Act) -> Result<(), String> {
        if !matches!(act, Act::TryNow) {
            self.say(|| format!("{act:?}"));
        }
        match act {
            Act::Publish { expires } => self.publish(expires),
            Act::Gate(lane, gate) => {
                if !self.healed && self.rules.contains_key(&lane) {
                    self.set_gate(lane, gate);
                    self.poke();
                }
            }
            Act::Crash => self.crash(),
            Act::Stop => self.stop()?,
            Act::Disk(disk) => self.disk = disk,
            Act::Decide(decision) => self.decide(decision),
            Act::Trust => {
                self.leapt = None;
                self.expiries();
            }
            Act::Start => self.start_process(),
            Act::Jump(by) => self.jump(by)?,
            Act::Mood(lane, mood) => {
                if let Some(provider) = self.providers.get_mut(&lane).filter(|_| !self.healed) {
                    provider.mood = if mood == Mood::Fair { provider.usual } else { mood };
                }
            }
            Act::Heal => {
                self.healed = true;
                self.disk = Disk::Enough;
                self.leapt = None;
                self.expiries();
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

    fn publish(&mut self, expires: Option<Ms>) {
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
            broadcast.expires_at_ms = expires.map(|after| self.wall() + after);
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
        self.expiries();
        self.poke();
    }

    /// The process dies: what it had asked the store for is committed or not, what it had sent may still arrive.
    pub(super) fn crash(&mut self) {
        if self.cores.is_empty() || self.healed {
            return;
        }
        self.say(|| "the process dies".into());
        self.cores.clear();
        self.stopping.clear();
        let agenda = std::mem::take(&mut self.agenda);
        let t = self.t;
        for ((at, n), (process, item)) in agenda {
            match item {
                Item::Op(lane, op) if self.rng.bool() => {
                    self.commit(lane, &op);
                }
                Item::Op(..) => {}
                Item::Arrive(..) => {
                    let at = at.min(t + LATEST_ARRIVAL_MS);
                    self.agenda.insert((at, n), (process, item));
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

    /// The process is asked to end: nothing new begins, what is under way runs out.
    fn stop(&mut self) -> Result<(), String> {
        if self.healed {
            return Ok(());
        }
        let lanes: Vec<_> = self.cores.keys().copied().collect();
        for lane in lanes {
            self.stopping.insert(lane);
            self.step(lane, Event::Stop)?;
        }
        Ok(())
    }

    /// A lane has ended; with the last one the process has.
    pub(super) fn stopped(&mut self, lane: LaneId) -> Result<(), String> {
        let open = |row: &&model::ModelRow| row.by() == lane && row.state == State::Started;
        if let Some(row) = self.model.rows.iter().find(open) {
            return Err(format!(
                "lane {lane} has ended, and delivery {} is still started",
                row.id
            ));
        }
        if !self.stopping.remove(&lane) {
            return Err("a lane stopped by itself".into());
        }
        self.say(|| format!("lane {lane} has ended"));
        self.cores.remove(&lane);
        if self.cores.is_empty() {
            self.checks.ended();
            let down = self.rng.i64(0..HOUR_MS);
            self.outside(down, Item::Act(Act::Start));
        }
        Ok(())
    }

    /// A person decides on something that waits for one; "it is there" says who has seen it.
    fn decide(&mut self, decision: Decision) {
        let done = |row: &model::ModelRow| self.providers.values().any(|p| p.done(row.id) > 0);
        let open = |row: &&model::ModelRow| match row.state {
            State::Unknown | State::Permanent => decision != Decision::There || done(row),
            State::Waiting => decision == Decision::Drop,
            _ => false,
        };
        let rows: Vec<_> = self.model.rows.iter().filter(open).map(|row| row.id).collect();
        let Some(delivery) = self.rng.choice(rows) else {
            return;
        };
        let wall = self.wall();
        if self.model.decide(delivery, decision, wall).is_some() {
            self.say(|| format!("a person decides on delivery {delivery}: {decision:?}"));
            self.checks.decided(delivery);
            self.poke();
        }
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
        self.expiries();
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
            if by > LEAP_MS {
                self.leapt = Some(by + self.leapt.unwrap_or(0));
            } else if self.leapt.is_some_and(|leapt| -by > leapt - LEAP_MS) {
                self.leapt = None;
            }
            let lanes: Vec<_> = self.cores.keys().copied().collect();
            for lane in lanes {
                self.step(lane, Event::Shifted { by: -by })?;
                self.after(0, Item::ReadRow(lane));
            }
        }
        self.expiries();
        Ok(())
    }

    /// Sees to it that the process looks at what will run out of time soon after it has.
    fn expiries(&mut self) {
        let wall = self.wall();
        let times: Vec<_> = self.model.broadcasts.iter().filter_map(|b| b.expires_ms).collect();
        for at in times {
            let late = self.rng.i64(1..10_000);
            self.outside((at - wall).max(0) + late, Item::Expire);
        }
    }

    /// The process looks what has run out of time, where it believes the clock.
    pub(super) fn expire(&mut self) {
        let wall = self.wall();
        if !self.cores.is_empty() && self.leapt.is_none() && self.disk != Disk::Full && self.model.expire(wall) > 0 {
            self.say(|| "what has run out of time ends".into());
            self.poke();
        }
        // What is open still may come back to wait.
        let open = |b: &model::ModelBroadcast| b.is_alive() && b.expires_ms.is_some_and(|at| at <= wall);
        if self.model.broadcasts.iter().any(open) {
            self.outside(10 * 60_000, Item::Expire);
        }
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
