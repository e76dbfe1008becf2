//! A spell of requests to wait: two lanes of one account, or one whose recipients are counterparts of their own, hear nothing but 429 and are woken all
//! the time. Simulated time; the wall clock is the running one plus a number.

use std::collections::{BTreeMap, HashMap};

use rundruf::clock::Ms;
use rundruf::domain::delivery::{Gate, UnknownPolicy};
use rundruf::ids::DeliveryId;
use rundruf::lane_core::event::{Command, Event, Now, Rules};
use rundruf::lane_core::lane::Lane;
use rundruf::lane_core::values::{Completion, HealthRow, Settled};

use super::answers::{FORMS, LAST_MS, NEVER, draw};
use super::{PER_SPELL, heard};
use crate::model::well;
use crate::outage::desk::{Desk, Parcel};

/// So long before the end of the calendar nobody sends any more.
const CENTURY_MS: Ms = 100 * 31_557_600_000;

/// What a test breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sabotage {
    None,
    /// Lanes wait an hour at most.
    Clamp,
    /// A request to wait costs an attempt.
    Costs,
    /// Nobody looks what the service's clock shows.
    Undated,
    /// Lanes of one account do not hear of each other.
    Apart,
}

enum Item {
    Event(usize, Box<Event<Parcel>>),
    Timer(usize, u64),
    Answer(usize, Parcel, Ms),
}

pub struct Spell {
    rng: fastrand::Rng,
    sabotage: Sabotage,
    /// Running time, and how much more the wall clock shows.
    t: Ms,
    offset: Ms,
    one: bool,
    lanes: Vec<Lane<Parcel>>,
    desks: Vec<Desk>,
    timers: Vec<u64>,
    agenda: BTreeMap<(Ms, u64), Item>,
    count: u64,
    /// Not before this by the running clock: the account, or a recipient.
    allowed: HashMap<Option<DeliveryId>, Ms>,
    heard: u64,
}

impl Spell {
    pub fn new(seed: u64, sabotage: Sabotage) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        let one = rng.u8(..4) > 0;
        let rules = Rules {
            handle_for_ms: rng.bool().then_some(Ms::MAX),
            handles_from_ms: Ms::MIN,
            looks_up: false,
            unknown: UnknownPolicy::Ask,
            concurrency: rng.u32(1..9),
            timeout_ms: 25_000,
            one_counterpart: one,
            rate: None,
            ramp: None,
        };
        let lanes = if one { 2 } else { 1 };
        let mut spell = Self {
            sabotage,
            t: 0,
            // Some day between 2024 and 2087.
            offset: 1_704_067_200_000 + rng.i64(0..2_000_000_000_000),
            one,
            lanes: (0..lanes).map(|_| Lane::new(rules, rng.u64(..))).collect(),
            desks: (0..lanes).map(|_| Desk::default()).collect(),
            timers: vec![0; lanes],
            agenda: BTreeMap::new(),
            count: 0,
            allowed: HashMap::new(),
            heard: 0,
            rng,
        };
        for n in 0..lanes {
            spell.desks[n].publish(40, spell.offset);
            let row = Event::Row {
                gate: Gate::Open,
                epoch: 1,
                acknowledged: 0,
                health: well(0),
            };
            spell.after(0, Item::Event(n, Box::new(row)));
        }
        spell
    }

    fn after(&mut self, delay: Ms, item: Item) {
        self.count += 1;
        self.agenda.insert((self.t.saturating_add(delay), self.count), item);
    }

    /// How many answers it heard.
    pub fn run(mut self) -> Result<u64, String> {
        while self.heard < PER_SPELL
            && let Some(((at, _), item)) = self.agenda.pop_first()
            && at < LAST_MS - CENTURY_MS - self.offset
        {
            self.t = at;
            match item {
                Item::Event(n, event) => self.step(n, *event)?,
                Item::Timer(n, number) if self.timers[n] == number => self.step(n, Event::Timer)?,
                Item::Timer(..) => {}
                Item::Answer(n, parcel, began) => self.answer(n, parcel, began)?,
            }
        }
        Ok(self.heard)
    }

    fn step(&mut self, n: usize, event: Event<Parcel>) -> Result<(), String> {
        let now = Now {
            wall_ms: self.t + self.offset,
            running_ms: self.t,
        };
        for command in self.lanes[n].step(now, event) {
            let back = match command {
                Command::Start(parcel) => {
                    self.start(n, parcel)?;
                    continue;
                }
                Command::Claim {
                    limit, probe, settles, ..
                } => {
                    if !settles.is_empty() {
                        self.complete(n, &settles)?;
                        self.after(0, Item::Event(n, Box::new(Event::Committed)));
                    }
                    let found = self.desks[n].claim(if probe { 1 } else { limit }, None, now.wall_ms);
                    Event::Claimed {
                        epoch: 1,
                        stored_epoch: 1,
                        jobs: found.jobs,
                        next_due_ms: found.next_due_ms,
                        more: found.more,
                        drained: false,
                        paid_ms: 0,
                    }
                }
                Command::Complete(batch) => {
                    self.complete(n, &batch)?;
                    Event::Committed
                }
                Command::GiveBack(rows) => {
                    rows.iter()
                        .for_each(|(id, _)| self.desks[n].give_back(*id, now.wall_ms));
                    Event::GivenBack
                }
                Command::SetHealth(row) => {
                    self.tell_account(n, &row)?;
                    Event::HealthStored
                }
                Command::WakeAt(at) => {
                    self.timers[n] += 1;
                    if let Some(at) = at {
                        let number = self.timers[n];
                        self.after((at - self.t).max(0), Item::Timer(n, number));
                    }
                    continue;
                }
                _ => continue,
            };
            self.after(0, Item::Event(n, Box::new(back)));
        }
        Ok(())
    }

    /// As the supervisor does when the row is stored.
    fn tell_account(&mut self, n: usize, row: &HealthRow) -> Result<(), String> {
        if row.until_told().is_some() && self.sabotage != Sabotage::Apart {
            for other in (0..self.lanes.len()).filter(|other| *other != n) {
                self.step(other, Event::AccountWaits(row.clone()))?;
            }
        }
        Ok(())
    }

    fn start(&mut self, n: usize, parcel: Parcel) -> Result<(), String> {
        let whom = (!self.one).then_some(parcel.id);
        if let Some(allowed) = self.allowed.get(&whom).filter(|allowed| self.t < **allowed) {
            let early = allowed - self.t;
            return Err(format!(
                "{:?} of lane {n} starts {early} ms early: it was told to wait",
                parcel.id
            ));
        }
        if parcel.attempt != 1 {
            return Err(format!(
                "{:?} lost an attempt: it starts as number {}",
                parcel.id, parcel.attempt
            ));
        }
        let takes = [self.rng.i64(0..3), self.rng.i64(0..20_000)][self.rng.usize(..2)];
        self.after(takes, Item::Answer(n, parcel, self.t));
        Ok(())
    }

    fn answer(&mut self, n: usize, job: Parcel, began: Ms) -> Result<(), String> {
        self.heard += 1;
        // What never ends ends the spell: it comes seldom.
        let never = self.rng.u8(..128) == 0;
        let form = if never {
            self.rng.u8(NEVER..FORMS)
        } else {
            self.rng.u8(..NEVER)
        };
        let mut told = draw(&mut self.rng, form, began + self.offset, self.t - began);
        if self.sabotage == Sabotage::Undated {
            let lines = told.head.split_inclusive("\r\n");
            told.head = lines
                .filter(|line| !line.to_ascii_lowercase().starts_with("date:"))
                .collect();
        }
        let (until, mut report) = heard(&told)?;
        if self.sabotage == Sabotage::Clamp {
            let most = self.t + self.offset + 3_600_000;
            report.outcome = rundruf::domain::outcome::Outcome::Later { until: until.min(most) };
        }
        let allowed = told.allowed_ms() - self.offset;
        let whom = (!self.one).then_some(job.id);
        let before = self.allowed.entry(whom).or_insert(allowed);
        *before = allowed.max(*before);
        self.step(n, Event::Finished { job, report })?;
        // Woken all the time, and just before the moment.
        let left = (until.min(LAST_MS) - self.offset - self.t).max(0);
        for delay in [0, self.rng.i64(0..=left), left - left.min(1)] {
            let lane = self.rng.usize(..self.lanes.len());
            self.after(delay, Item::Event(lane, Box::new(Event::Wake)));
        }
        Ok(())
    }

    fn complete(&mut self, n: usize, batch: &[Completion]) -> Result<(), String> {
        for c in batch {
            let mut c = c.clone();
            if let (Sabotage::Costs, Settled::Waiting { spent, .. }) = (self.sabotage, &mut c.settled) {
                *spent = true;
            }
            if !matches!(c.settled, Settled::Waiting { spent: false, .. }) {
                return Err(format!(
                    "{:?} was told to wait and lost an attempt: {:?}",
                    c.delivery, c.settled
                ));
            }
            self.desks[n].complete(&c);
        }
        Ok(())
    }
}
