//! One history: lanes, a model store, services and a scheduler on one thread, all drawn from one seed. Time is a number;
//! the wall clock is that number plus an offset that jumps.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rundruf::clock::Ms;
use rundruf::domain::delivery::{CatchUp, Gate};
use rundruf::ids::{DeliveryId, LaneId};
use rundruf::lane_core::event::{Event, Rules};
use rundruf::lane_core::lane::Lane;
use rundruf::store::{Completion, Decision, HealthRow, Job, ReceiptWord};

use super::checks::Checks;
use super::provider::{Fate, Mood, Provider};
use crate::model::{Breaks, Model};

/// A store call under way.
#[derive(Debug, Clone)]
pub enum Op {
    Claim {
        epoch: i64,
        limit: u32,
        probe: bool,
        late_ms: Ms,
        settles: Vec<Completion>,
    },
    Complete(Vec<Completion>),
    GiveBack(Vec<(DeliveryId, u32)>),
    Health(HealthRow),
    Acknowledge {
        epoch: i64,
        in_flight: u32,
    },
    ReadUnknown {
        after: DeliveryId,
    },
    EndDrain {
        epoch: i64,
    },
}

impl Op {
    /// A claim that takes outcomes along: one commit, two answers.
    pub fn settles(&self) -> bool {
        matches!(self, Self::Claim { settles, .. } if !settles.is_empty())
    }

    pub fn name(&self) -> &'static str {
        match self {
            Self::Claim { .. } => "a claim",
            Self::Complete(_) => "a completion",
            Self::GiveBack(_) => "giving back",
            Self::Health(_) => "health",
            Self::Acknowledge { .. } => "an acknowledgement",
            Self::ReadUnknown { .. } => "reading",
            Self::EndDrain { .. } => "the end of a drain",
        }
    }

    /// What the lane hears where the store fails.
    pub fn failure(&self) -> Option<Event<Job>> {
        match self {
            Self::Claim { .. } => Some(Event::ClaimFailed),
            Self::Complete(_) => Some(Event::CommitFailed),
            Self::GiveBack(_) => Some(Event::GiveBackFailed),
            Self::Health(_) => Some(Event::HealthFailed),
            Self::ReadUnknown { .. } => Some(Event::UnknownsFailed),
            Self::Acknowledge { .. } | Self::EndDrain { .. } => None,
        }
    }
}

/// What happens from outside.
#[derive(Debug, Clone, Copy)]
pub enum Act {
    Publish {
        expires: Option<Ms>,
    },
    Gate(LaneId, Gate),
    Crash,
    /// Asked to end.
    Stop,
    Start,
    Disk(Disk),
    Decide(Decision),
    /// A person has looked at the clock.
    Trust,
    Jump(Ms),
    /// What has ended so long ago goes.
    Remove {
        after: Ms,
    },
    Mood(LaneId, Mood),
    Heal,
    TryNow,
}

/// How much room there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disk {
    Enough,
    /// Nothing new begins.
    Low,
    /// Nothing can be written.
    Full,
}

/// True time, the wall clock's, and how far this one had gone off unnoticed (jumps that shift nothing).
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    pub t: Ms,
    pub wall: Ms,
    pub unnoticed: Ms,
}

/// What is to happen at some time.
#[derive(Debug)]
pub enum Item {
    Op(LaneId, Op),
    Back(LaneId, Event<Job>),
    ReadRow(LaneId),
    Arrive(LaneId, DeliveryId, u32),
    Answer(LaneId, Job, Fate, Moment),
    Look(LaneId, Job),
    Timer(LaneId, u64),
    /// The process looks what has run out of time.
    Expire,
    Act(Act),
    /// The gateway's later word.
    Reported(LaneId, DeliveryId, u32, ReceiptWord),
}

/// What a test may break outside the store.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sabotage {
    pub store: Breaks,
    /// Lanes hear half of the time a service named.
    pub clamp: bool,
    /// Holds are acknowledged and not obeyed.
    pub deaf: bool,
    /// Lanes take a handle of an hour for one without end.
    pub endless_handle: bool,
    /// Lanes take an unknown outcome for "certainly not accepted".
    pub optimist: bool,
    /// Lanes wait by the wall clock.
    pub wall_time: bool,
    /// Lanes have more connections than the channel.
    pub crowded: bool,
    /// Lanes take a handle without end for one of an hour.
    pub short_handle: bool,
    /// Nobody knows of the rate.
    pub rateless: bool,
    /// A request to wait costs an attempt.
    pub costs: bool,
    /// The end of the process is not heard.
    pub restless: bool,
    /// The process ends with its requests under way.
    pub hasty: bool,
}

/// What a history is drawn from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    pub seed: u64,
    /// Parts of the script that are left out, by their number in it.
    pub without: BTreeSet<u32>,
    /// Another course of the same script.
    pub course: u64,
}

impl From<u64> for History {
    fn from(seed: u64) -> Self {
        Self {
            seed,
            ..Self::default()
        }
    }
}

/// One history's world.
pub struct World {
    history: History,
    /// Parts of the script so far.
    pub parts: u32,
    pub rng: fastrand::Rng,
    pub sabotage: Sabotage,
    /// True time; the monotonic clock.
    pub t: Ms,
    pub offset: Ms,
    pub unnoticed: Ms,
    pub model: Model,
    /// Of the lanes that get broadcasts.
    pub catch_ups: BTreeMap<LaneId, CatchUp>,
    pub rules: BTreeMap<LaneId, Rules>,
    pub providers: BTreeMap<LaneId, Provider>,
    pub cores: BTreeMap<LaneId, Lane<Job>>,
    pub checks: Checks,
    pub process: u32,
    pub crashes_left: u32,
    /// Now and then the store fails.
    pub store_fails: bool,
    pub disk: Disk,
    /// Lanes that were asked to end.
    pub stopping: BTreeSet<LaneId>,
    pub healed: bool,
    /// By then all has come to rest.
    pub end: Ms,
    /// The clock is set back before the next process starts.
    pub back_at_rest: bool,
    pub timers: HashMap<LaneId, u64>,
    /// When which item happens, and in which process (0: outside).
    pub agenda: BTreeMap<(Ms, u64), (u32, Item)>,
    pub story: Option<Vec<String>>,
    count: u64,
    pub steps: u64,
}

/// What a history was.
#[derive(Debug, Default, Clone, Copy)]
pub struct Sum {
    pub steps: u64,
    pub starts: u64,
    pub rows: u64,
}

/// A lane of which somebody looks around every second takes some ten thousand in a few hours.
const MOST_STEPS: u64 = 200_000;

impl World {
    pub fn new(history: History, sabotage: Sabotage, tell: bool) -> Self {
        let mut world = Self {
            parts: 0,
            rng: fastrand::Rng::with_seed(history.seed),
            history,
            sabotage,
            t: 0,
            offset: 1_700_000_000_000,
            unnoticed: 0,
            catch_ups: BTreeMap::new(),
            model: Model::breaking(sabotage.store),
            rules: BTreeMap::new(),
            providers: BTreeMap::new(),
            cores: BTreeMap::new(),
            checks: Checks::default(),
            process: 0,
            crashes_left: 0,
            store_fails: false,
            disk: Disk::Enough,
            stopping: BTreeSet::new(),
            healed: false,
            end: 0,
            back_at_rest: false,
            timers: HashMap::new(),
            agenda: BTreeMap::new(),
            story: tell.then(Vec::new),
            count: 0,
            steps: 0,
        };
        // A store sees the time when it is made.
        world.model.high_ms = world.wall();
        super::script::write(&mut world);
        // The course has draws of its own, so that leaving something out changes nothing of the script.
        let of = world.history.seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ world.history.course;
        world.rng = fastrand::Rng::with_seed(of);
        world
    }

    /// The next part of the script is not left out. Whoever asks has drawn it already.
    pub fn has(&mut self) -> bool {
        self.parts += 1;
        !self.history.without.contains(&self.parts)
    }

    pub fn wall(&self) -> Ms {
        self.t + self.offset
    }

    pub fn now(&self) -> Moment {
        Moment {
            t: self.t,
            wall: self.wall(),
            unnoticed: self.unnoticed,
        }
    }

    pub fn say(&mut self, line: impl FnOnce() -> String) {
        let t = self.t;
        if let Some(story) = &mut self.story {
            story.push(format!("{:>9.3} s  {}", t as f64 / 1_000.0, line()));
        }
    }

    /// Puts something on the agenda of this process.
    pub fn after(&mut self, delay: Ms, item: Item) {
        self.put(delay, self.process, item);
    }

    /// Puts something on the agenda that no crash takes away.
    pub fn outside(&mut self, delay: Ms, item: Item) {
        self.put(delay, 0, item);
    }

    fn put(&mut self, delay: Ms, process: u32, item: Item) {
        self.count += 1;
        self.agenda.insert((self.t + delay, self.count), (process, item));
    }

    /// Runs until nothing is left to happen but that lanes look around now and then.
    pub fn run(&mut self) -> Result<Sum, String> {
        while let Some(((at, _), (process, item))) = self.agenda.pop_first() {
            if at > self.end {
                break;
            }
            self.t = at;
            self.steps += 1;
            if self.steps > MOST_STEPS {
                return Err("it never comes to rest".into());
            }
            if process == 0 || process == self.process && !self.cores.is_empty() {
                self.happen(item)?;
            }
        }
        self.checks
            .at_rest(&self.model, &self.rules, &self.providers, self.wall())?;
        Ok(Sum {
            steps: self.steps,
            starts: self.checks.starts,
            rows: self.model.rows.len() as u64,
        })
    }

    fn happen(&mut self, item: Item) -> Result<(), String> {
        match item {
            Item::Act(act) => self.act(act),
            Item::Arrive(lane, delivery, attempt) => {
                self.arrive(lane, delivery, attempt);
                Ok(())
            }
            Item::Op(lane, op) => self.store(lane, op),
            Item::Back(lane, event) => self.step(lane, event),
            Item::ReadRow(lane) => {
                self.checks.read(lane);
                let row = self.model.lanes.get_mut(&lane).unwrap();
                if self.sabotage.deaf && row.gate == Gate::Held {
                    row.acknowledged = (row.epoch, 0);
                    return Ok(());
                }
                let event = Event::Row {
                    gate: row.gate,
                    epoch: row.epoch,
                    acknowledged: row.acknowledged.0,
                    health: row.health.clone(),
                };
                self.step(lane, event)
            }
            Item::Answer(lane, job, fate, began) => self.answer(lane, job, fate, began),
            Item::Look(lane, job) => self.look(lane, job),
            Item::Expire => {
                self.expire();
                Ok(())
            }
            Item::Reported(lane, delivery, attempt, word) => {
                self.reported(lane, delivery, attempt, word);
                Ok(())
            }
            Item::Timer(lane, number) => {
                if self.timers.get(&lane) == Some(&number) {
                    self.step(lane, Event::Timer)?;
                }
                Ok(())
            }
        }
    }

    /// Another process committed something, or this one did: rows are read again, lanes wake.
    pub fn poke(&mut self) {
        let lanes: Vec<_> = self.cores.keys().copied().collect();
        for lane in lanes {
            let (row, wake) = (self.rng.i64(0..200), self.rng.i64(0..200));
            self.after(row, Item::ReadRow(lane));
            self.after(wake, Item::Back(lane, Event::Wake));
        }
    }
}
