//! What happens from outside and to the process: publications, gates, ends and starts, clocks, people.

use rundruf::clock::Ms;
use rundruf::domain::delivery::{DeliveryState as State, Gate, Health, UnknownPolicy};
use rundruf::domain::notice::Scope;
use rundruf::domain::supersede::names;
use rundruf::domain::words::Kind;
use rundruf::ids::{IncidentId, LaneId, NoticeSeq};
use rundruf::lane_core::clock_jump::{JUMP_MS, Jump, LEAP_MS, jump_at_start};
use rundruf::lane_core::event::{Event, Rules};
use rundruf::lane_core::lane::Lane;
use rundruf::store::{Decision, Takeover};

use super::provider::{LATEST_ARRIVAL_MS, Mood};
use super::script::{HOUR_MS, PLACES};
use super::world::{Act, Disk, Item, World};
use crate::fixture::{notice, places, publication, to, to_all};
use crate::model;

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
                self.model.leapt = None;
                self.expiries();
            }
            Act::Remove { after } => self.remove_old(after)?,
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
                self.model.leapt = None;
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
            if self.sabotage.hasty {
                self.stopped(lane)?;
            } else if !self.sabotage.restless {
                self.step(lane, Event::Stop)?;
            }
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
            self.cores.insert(lane, Lane::new(self.broken(rules), seed));
        }
        self.expiries();
        self.poke();
    }

    /// The rules as a lane with a fault has them.
    fn broken(&self, mut rules: Rules) -> Rules {
        if self.sabotage.crowded {
            rules.concurrency += 1;
        }
        rules.rate = rules.rate.filter(|_| !self.sabotage.rateless);
        if self.sabotage.short_handle {
            rules.handle_for_ms = rules.handle_for_ms.map(|term| term.min(HOUR_MS));
        }
        if self.sabotage.endless_handle {
            rules.handle_for_ms = rules.handle_for_ms.map(|_| Ms::MAX);
        }
        rules
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
                self.model.leapt = Some(by + self.model.leapt.unwrap_or(0));
            } else if self.model.leapt.is_some_and(|leapt| -by > leapt - LEAP_MS) {
                self.model.leapt = None;
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
        if !self.cores.is_empty()
            && self.model.leapt.is_none()
            && self.disk != Disk::Full
            && self.model.expire(wall) > 0
        {
            self.say(|| "what has run out of time ends".into());
            self.poke();
        }
        // What is open still may come back to wait.
        let open = |b: &model::ModelBroadcast| b.is_alive() && b.expires_ms.is_some_and(|at| at <= wall);
        if self.model.broadcasts.iter().any(open) {
            self.outside(10 * 60_000, Item::Expire);
        }
    }

    /// The process takes out what has ended long ago, a few rows at a time, where it believes the clock.
    fn remove_old(&mut self, after: Ms) -> Result<(), String> {
        if self.cores.is_empty() || self.model.leapt.is_some() || self.disk == Disk::Full {
            return Ok(());
        }
        let (wall, limit) = (self.wall(), self.rng.u32(1..4));
        let begun = self.model.broadcasts.iter().any(|b| b.removing);
        let removed = self.model.remove_old(wall - after, limit, wall);
        let Some(broadcast) = removed.broadcast else {
            return Ok(());
        };
        self.say(|| format!("{} rows of broadcast {broadcast} are removed", removed.rows));
        let soon = self.rng.i64(1..5_000);
        self.outside(soon, Item::Act(Act::Remove { after }));
        if begun {
            return Ok(());
        }
        self.checks.removed(&self.model, broadcast)
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
