//! Requests on their way to the services and back, and what services say later.

use rundruf::domain::outcome::{Outcome, Reason, Remote, Report};
use rundruf::ids::{DeliveryId, LaneId};
use rundruf::lane_core::event::{Event, Found};
use rundruf::store::{Job, Receipt, ReceiptMatch, ReceiptWord};
use rundruf::text::said::Said;

use super::provider::{Fate, LATEST_ARRIVAL_MS, Mood};
use super::script::TIMEOUT_MS;
use super::world::{Disk, Item, Moment, World};

impl World {
    /// A gateway reports until somebody listens; some know our reference, some only their own.
    pub(super) fn reported(&mut self, lane: LaneId, delivery: DeliveryId, attempt: u32, word: ReceiptWord) {
        if self.cores.is_empty() || self.disk == Disk::Full {
            self.outside(10_000, Item::Reported(lane, delivery, attempt, word));
            return;
        }
        let by_id = delivery.0 % 2 == 1;
        let receipt = Receipt {
            delivery: (!by_id).then_some((delivery, attempt)),
            remote_id: by_id.then(|| delivery.to_string()),
            word,
            raw: String::new(),
        };
        let heard = self.model.receipts(lane, &[receipt], self.wall());
        let via = self.model.row(delivery).via;
        self.say(|| {
            format!(
                "lane {lane}: a receipt says of delivery {delivery} attempt {attempt} {word:?}: {heard:?}, via {via:?}"
            )
        });
        let bad = matches!(word, ReceiptWord::Rejected | ReceiptWord::Expired);
        if bad && heard == [ReceiptMatch::Applied] {
            self.checks.rejected(delivery);
        }
        self.poke();
    }

    /// A request reaches the service, which does what it asks, and may say so later in a receipt or two.
    pub(super) fn arrive(&mut self, lane: LaneId, delivery: DeliveryId, attempt: u32) {
        let t = self.t;
        self.say(|| format!("lane {lane}: the service does delivery {delivery}"));
        let provider = self.providers.get_mut(&lane).unwrap();
        provider.accept(delivery, t);
        if provider.reports && provider.mood != Mood::Good {
            let (buffered, delivered) = (self.rng.i64(1..60_000), self.rng.i64(1..300_000));
            let words = [(buffered, ReceiptWord::Buffered), (delivered, ReceiptWord::Delivered)];
            for (delay, word) in words {
                if self.rng.bool() {
                    self.outside(delay, Item::Reported(lane, delivery, attempt, word));
                }
            }
        }
    }

    pub(super) fn send(&mut self, lane: LaneId, job: Job) -> Result<(), String> {
        let began = self.now();
        self.checks
            .start(lane, &self.rules[&lane], &job, &self.model, began.t)?;
        let provider = &self.providers[&lane];
        let mut fate = provider.fate(&mut self.rng);
        let refuses = matches!(
            fate,
            Fate::Permanent | Fate::Gone | Fate::NoWay | Fate::TakenThenRejected { .. }
        );
        if refuses && provider.agreed.contains(&job.delivery) {
            fate = Fate::Done;
        }
        self.say(|| {
            format!(
                "lane {lane}: delivery {} attempt {} leaves ({fate:?})",
                job.delivery, job.attempt
            )
        });
        let took = self.rng.i64(1..2_000);
        let (arrives, answers) = match fate {
            Fate::Done | Fate::DoneThen500 => (Some(took / 2), took),
            Fate::AnswerLost => (Some(took / 2), TIMEOUT_MS),
            Fate::ArrivesLate => (Some(TIMEOUT_MS + self.rng.i64(0..LATEST_ARRIVAL_MS)), TIMEOUT_MS),
            Fate::RequestLost | Fate::TakenThenRejected { answered: false } => (None, TIMEOUT_MS),
            _ => (None, took),
        };
        if let Some(delay) = arrives {
            let provider = self.providers.get_mut(&lane).unwrap();
            provider.agreed.insert(job.delivery);
            self.outside(delay, Item::Arrive(lane, job.delivery, job.attempt));
        }
        if matches!(fate, Fate::TakenThenRejected { .. }) {
            let delay = self.rng.i64(1..300_000);
            let word = [ReceiptWord::Rejected, ReceiptWord::Expired][self.rng.usize(..2)];
            self.outside(delay, Item::Reported(lane, job.delivery, job.attempt, word));
        }
        self.after(answers, Item::Answer(lane, job, fate, began));
        Ok(())
    }

    pub(super) fn answer(&mut self, lane: LaneId, job: Job, fate: Fate, began: Moment) -> Result<(), String> {
        *self.checks.in_flight.entry(lane).or_default() -= 1;
        let remote = Remote {
            id: Some(job.delivery.to_string()),
            url: None,
        };
        let (outcome, reason) = match fate {
            Fate::Done if lane.0 == 1 => (Outcome::Delivered(remote), Reason::Ok),
            Fate::Done | Fate::TakenThenRejected { answered: true } => (Outcome::Accepted(remote), Reason::Ok),
            Fate::DoneThen500 => (Outcome::Unknown, Reason::ServiceTrouble),
            Fate::AnswerLost | Fate::ArrivesLate | Fate::RequestLost | Fate::TakenThenRejected { answered: false } => {
                (Outcome::Unknown, Reason::NoAnswer)
            }
            Fate::Refused => (Outcome::Transient, Reason::ServiceTrouble),
            Fate::NoConnection => (Outcome::Transient, Reason::NotConnected),
            Fate::Wait(wait) => {
                let rules = self.rules[&lane];
                let now = self.now();
                self.checks.told_later(lane, &rules, &job, wait, began, now);
                let heard = if self.sabotage.clamp { wait / 2 } else { wait };
                // The channel counts from the start of the request by the clock of then.
                let until = began.wall + (now.t - began.t) + heard;
                (Outcome::Later { until }, Reason::RateLimited)
            }
            Fate::Busy(wait) => {
                let now = self.now();
                self.checks.told_aside(lane, &job, wait, began, now);
                let until = began.wall + (now.t - began.t) + wait;
                (Outcome::Deferred { until }, Reason::RecipientBusy)
            }
            Fate::Permanent => (Outcome::Permanent, Reason::ContentRefused),
            Fate::NoWay => (Outcome::Permanent, Reason::RecipientRefused),
            Fate::Gone => (Outcome::Gone, Reason::RecipientGone),
            Fate::Auth => (Outcome::Auth, Reason::Credentials),
        };
        let outcome = match outcome {
            Outcome::Unknown if self.sabotage.optimist => Outcome::Transient,
            outcome => outcome,
        };
        let report = Report {
            outcome,
            reason,
            text: Said::default(),
        };
        self.step(lane, Event::Finished { job, report })
    }

    pub(super) fn look(&mut self, lane: LaneId, job: Job) -> Result<(), String> {
        let provider = &self.providers[&lane];
        let blind = match provider.mood {
            Mood::Good => false,
            Mood::Down | Mood::Hangs => true,
            Mood::Fair | Mood::Busy => self.rng.u8(..5) == 0,
        };
        let found = if blind {
            Found::CannotTell
        } else if provider.done(job.delivery) > 0 {
            Found::There(Remote::default())
        } else {
            Found::NotThere
        };
        self.say(|| format!("lane {lane}: looks for delivery {}: {found:?}", job.delivery));
        self.step(lane, Event::LookedUp { job, found })
    }
}
