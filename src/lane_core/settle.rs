//! From what a request came to, to what its row becomes (LANES 3).

use crate::clock::Ms;
use crate::domain::delivery::Health;
use crate::domain::outcome::{Outcome, Reason, Report};
use crate::lane_core::event::{Found, Now, Work};
use crate::lane_core::lane::{Lane, unsent};
use crate::lane_core::schedule;
use crate::lane_core::unknown::{self, WayOn};
use crate::lane_core::values::{Completion, HealthRow, Settled};
use crate::said;

/// A failed probe's row rests this much longer than the lane, ms, so that the next probe takes another row if there is one:
/// a message that alone makes the service stumble does not hold up all others.
const PROBE_STEPS_BACK_MS: Ms = 1_000;

impl<J: Work> Lane<J> {
    /// A request ended.
    pub(super) fn finished(&mut self, now: Now, job: J, report: &Report) {
        let Some(flight) = self.take_from_flight(job.delivery()) else {
            return;
        };
        let one = self.rules.one_counterpart;
        let settled = match &report.outcome {
            Outcome::Delivered(remote) => {
                self.answered(now);
                Settled::Delivered(remote.clone())
            }
            Outcome::Accepted(remote) => {
                self.answered(now);
                Settled::Accepted(remote.clone())
            }
            Outcome::Stepped { step, handle } => {
                self.answered(now);
                Settled::Stepped {
                    step: *step,
                    handle: handle.clone(),
                }
            }
            Outcome::Permanent => {
                self.answered(now);
                Settled::Permanent
            }
            Outcome::Gone => {
                self.answered(now);
                Settled::Gone
            }
            Outcome::Later { until } => {
                // The channel counted from the start of the request; the clock may have been shifted since.
                let mut until = until.saturating_sub(self.shifted.net - flight.shifted.net);
                // "Now" is no answer to when: tried again and again at once, it would never end.
                let at_once = now.running(until) <= now.running_ms;
                if one {
                    if at_once {
                        self.failed(now, flight.probe, report);
                    }
                    if report.reason == Reason::RateLimited {
                        self.pace
                            .told_to_wait(now.running_ms, flight.started, now.running(until));
                    }
                    self.breaker.told_to_wait(now.running(until));
                    self.show_trouble(now, Health::BackingOff, report);
                } else {
                    if at_once {
                        until = now.wall_ms + self.delay(&job);
                    }
                    self.told.wait(now.running_ms, job.delivery(), now.running(until));
                }
                waiting(&job, until, false)
            }
            Outcome::Deferred { until } => {
                self.answered(now);
                let until = until.saturating_sub(self.shifted.net - flight.shifted.net);
                // Our own wait, not a time the service named: a person may cut it short.
                waiting(&job, until, true)
            }
            Outcome::Auth => {
                let failures = self.breaker.failures();
                self.health.set(now.wall_ms, Health::Paused, None, report, failures);
                waiting(&job, now.wall_ms, false)
            }
            Outcome::Transient => {
                if one && report.reason == Reason::RateLimited {
                    self.pace.told_to_wait(now.running_ms, flight.started, now.running_ms);
                }
                self.failed(now, flight.probe, report);
                if flight.probe {
                    waiting(&job, now.wall(self.breaker.until_ms()) + PROBE_STEPS_BACK_MS, false)
                } else {
                    let due = now.wall_ms + self.delay(&job);
                    waiting(&job, due, true)
                }
            }
            Outcome::Unknown => {
                self.failed(now, flight.probe, report);
                let first = job.first_started_ms() - (self.shifted.back - flight.shifted.back);
                return self.settle_unknown(now, job, report, first);
            }
        };
        self.complete(now, &job, settled, report);
    }

    fn settle_unknown(&mut self, now: Now, job: J, report: &Report, first_started_ms: Ms) {
        let due = (now.wall_ms + self.delay(&job)).max(now.wall(self.breaker.until_ms()));
        let way = unknown::way_on(&self.rules, first_started_ms, due);
        self.take_way(now, job, way, due, report);
    }

    /// A claimed row that its counterpart told to wait longer: the stored time has moved.
    pub(super) fn not_yet(&mut self, now: Now, job: &J, until: Ms) {
        let report = unsent(said!(
            "der Empfänger hat eine spätere Zeit genannt",
            "the receiver named a later time"
        ));
        self.complete(now, job, waiting(job, now.wall(until), false), &report);
    }

    /// A claimed row whose handle ran out while it waited; no request left this time.
    pub(super) fn not_repeated(&mut self, now: Now, job: J) {
        let way = unknown::way_on(&self.rules, job.first_started_ms(), now.wall_ms);
        let report = unsent(said!(
            "ein früherer Versuch kann angekommen sein, und eine Wiederholung würde der Dienst nicht mehr erkennen",
            "an earlier attempt may have got through, and the service would no longer notice a repetition"
        ));
        self.take_way(now, job, way, now.wall_ms, &report);
    }

    fn take_way(&mut self, now: Now, job: J, way: WayOn, due_ms: Ms, report: &Report) {
        let settled = match way {
            WayOn::Repeat => Settled::Waiting {
                due_ms,
                spent: true,
                after_unknown: true,
            },
            WayOn::LookUp | WayOn::Stand => Settled::Unknown,
            WayOn::Drop => Settled::Dropped,
        };
        self.complete(now, &job, settled, report);
        if way == WayOn::LookUp {
            self.look_ups.add(now.running_ms, job);
        }
    }

    /// A look-up ended.
    pub(super) fn looked_up(&mut self, now: Now, job: J, found: Found) {
        let looks = self.look_ups.ended(&job);
        match found {
            Found::There(remote) => {
                let report = unsent(said!("beim Dienst gefunden", "found at the service"));
                self.complete(now, &job, Settled::Delivered(remote), &report);
            }
            Found::NotThere => {
                let report = unsent(said!(
                    "beim Dienst nicht gefunden: geht noch einmal hinaus",
                    "not found at the service: it goes again"
                ));
                let settled = Settled::Waiting {
                    due_ms: now.wall_ms,
                    spent: true,
                    after_unknown: false,
                };
                self.complete(now, &job, settled, &report);
            }
            Found::CannotTell => {
                let way = unknown::by_policy(&self.rules);
                let policy = way != WayOn::Stand;
                let chance = self.rng.f64();
                let (delivery, attempt) = (job.delivery(), job.attempt());
                if !self.look_ups.again(now.running_ms, looks, policy, chance, job) && policy {
                    let settled = if way == WayOn::Drop {
                        Settled::Dropped
                    } else {
                        Settled::GoesAgain { due_ms: now.wall_ms }
                    };
                    let report = unsent(said!(
                        "der Dienst konnte nicht sagen, ob sie da ist",
                        "the service could not say whether it is there"
                    ));
                    self.outcomes.add(Completion {
                        delivery,
                        attempt,
                        at_ms: now.wall_ms,
                        settled,
                        reason: report.reason,
                        text: report.text,
                    });
                }
            }
        }
    }

    fn complete(&mut self, now: Now, job: &J, settled: Settled, report: &Report) {
        if let Settled::Waiting { due_ms, .. } = settled {
            self.due_again(now.running(due_ms));
        }
        self.outcomes.add(Completion {
            delivery: job.delivery(),
            attempt: job.attempt(),
            at_ms: now.wall_ms,
            settled,
            reason: report.reason,
            text: report.text.clone(),
        });
    }

    fn delay(&mut self, job: &J) -> Ms {
        let chance = self.rng.f64();
        schedule::delay_ms(job.attempt(), job.urgent(), chance)
    }

    fn answered(&mut self, now: Now) {
        self.pace.taken(now.running_ms);
        if self.breaker.answered(now.running_ms) && !self.is_paused() {
            self.health.well(now.wall_ms);
        }
    }

    fn failed(&mut self, now: Now, probe: bool, report: &Report) {
        let chance = self.rng.f64();
        if self.rules.one_counterpart && self.breaker.failed(now.running_ms, probe, chance) {
            self.show_trouble(now, Health::Probing, report);
        }
    }

    /// The service asked another lane of the account to wait.
    pub(super) fn account_waits(&mut self, now: Now, other: &HealthRow) {
        let Some(until) = other.until_told().map(|at| now.running(at)) else {
            return;
        };
        if !self.rules.one_counterpart || until <= now.running_ms.max(self.breaker.until_ms()) {
            return;
        }
        self.breaker.told_to_wait(until);
        let report = Report {
            outcome: Outcome::Transient,
            reason: Reason::RateLimited,
            text: other.text.clone().unwrap_or_default(),
        };
        self.show_trouble(now, Health::BackingOff, &report);
    }

    fn show_trouble(&mut self, now: Now, health: Health, report: &Report) {
        if !self.is_paused() {
            let until = Some(now.wall(self.breaker.until_ms()));
            let failures = self.breaker.failures();
            self.health.set(now.wall_ms, health, until, report, failures);
        }
    }
}

/// Waits until then. What an earlier attempt left open stays open: only the service's handle makes it safe.
fn waiting<J: Work>(job: &J, due_ms: Ms, spent: bool) -> Settled {
    Settled::Waiting {
        due_ms,
        spent,
        after_unknown: job.after_unknown(),
    }
}
