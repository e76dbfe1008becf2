//! The promise of a release with a ramp: never faster, for the lane and for each domain, across holds, releases and restarts; and no more
//! once the results were too bad.

use std::collections::HashMap;

use rundruf::clock::Ms;
use rundruf::domain::delivery::Gate;
use rundruf::ids::{DeliveryId, LaneId};
use rundruf::lane_core::event::Rules;
use rundruf::lane_core::ramp::domain;
use rundruf::store::{Job, Rate};

use crate::model::Model;

/// The newest start, what was due after it, and how far the clock has gone ahead since without anybody noticing.
#[derive(Debug, Clone, Copy)]
struct Last {
    t: Ms,
    spacing: Ms,
    slipped: Ms,
}

/// What is remembered beside the store.
#[derive(Debug, Default)]
pub struct Ramps {
    released: HashMap<LaneId, (Ms, Ms)>,
    last: HashMap<(LaneId, String), Last>,
    /// How far the clock has gone ahead unnoticed since a start was reserved.
    reserved: HashMap<DeliveryId, Ms>,
}

fn step(rate: Rate) -> Ms {
    Ms::from(rate.per_ms / rate.count)
}

impl Ramps {
    /// A gate was changed at this true time.
    pub fn gate(&mut self, lane: LaneId, gate: Gate, t: Ms) {
        if gate == Gate::Draining {
            self.released.insert(lane, (t, 0));
        }
    }

    /// Starts are reserved, by the wall clock.
    pub fn claimed(&mut self, jobs: &[Job]) {
        self.reserved.extend(jobs.iter().map(|job| (job.delivery, 0)));
    }

    /// The wall clock went ahead, and nobody noticed.
    pub fn slipped(&mut self, by: Ms) {
        for last in self.last.values_mut() {
            last.slipped += by.max(0);
        }
        for slipped in self.reserved.values_mut() {
            *slipped += by.max(0);
        }
        for released in self.released.values_mut() {
            released.1 += by.max(0);
        }
    }

    /// A request leaves.
    pub fn start(&mut self, lane: LaneId, rules: &Rules, job: &Job, model: &Model, t: Ms) -> Result<(), String> {
        let stored = &model.lanes[&lane];
        let Some(ramp) = rules.ramp.filter(|_| stored.gate == Gate::Draining) else {
            return Ok(());
        };
        if stored.acknowledged.0 < stored.epoch {
            return Ok(()); // of an older gate; the owner has not seen this one yet
        }
        if stored.results.contains(&None) {
            return Err(format!("lane {lane} was told that it is too fast, and drains on"));
        }
        let since_reserved = self.reserved.remove(&job.delivery).unwrap_or(0);
        let (released, slipped) = self.released[&lane];
        let doubled = ((t - released + slipped) / ramp.double_ms).min(20);
        let mut spacings = vec![(String::new(), step(ramp.start) >> doubled)];
        if let (Some(rate), Some(domain)) = (ramp.per_domain, domain(&job.address)) {
            spacings.push((domain, step(rate)));
        }
        for (whom, spacing) in spacings {
            let new = Last {
                t,
                spacing,
                slipped: since_reserved,
            };
            let last = self.last.insert((lane, whom.clone()), new);
            // The next one was reserved with it: a release in between begins anew after that.
            if last.is_some_and(|last| t < last.t + spacing.min(last.spacing) - last.slipped) {
                return Err(format!(
                    "lane {lane} is faster than its ramp: {spacing} ms are due between two starts {whom:?}, at {t} after {last:?}"
                ));
            }
        }
        Ok(())
    }
}
