//! Website targets are levels (LANES 6): each has a wanted and a done generation; ten waiting notices are one upload.
//! One upload at a time per target, and never an older generation after a newer one.

use std::collections::BTreeMap;

use crate::clock::Ms;
use crate::domain::delivery::Gate;
use crate::domain::outcome::{Outcome, Reason, Report};
use crate::ids::RecipientId;
use crate::lane_core::gate::{GateKeeper, GateNews};
use crate::lane_core::schedule;
use crate::text::said::Said;

/// A target as stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level {
    /// Target.
    pub id: RecipientId,
    /// Generation wanted.
    pub wanted: i64,
    /// Generation there.
    pub done: i64,
    /// Failures in a row.
    pub failures: u32,
    /// Not before this.
    pub due_ms: Ms,
}

/// What happened.
#[derive(Debug)]
pub enum LevelEvent {
    /// The lane's row and its targets as stored now.
    Rows {
        /// Gate.
        gate: Gate,
        /// Epoch.
        epoch: i64,
        /// Newest epoch acknowledged.
        acknowledged: i64,
        /// Targets.
        targets: Vec<Level>,
    },
    /// An upload ended.
    Uploaded {
        /// Target.
        target: RecipientId,
        /// The generation it was started for.
        generation: i64,
        /// Something was brought there, also where it then broke off.
        progress: bool,
        /// Files changed, or why not.
        result: Result<u64, Report>,
    },
    /// Its result is committed.
    Recorded {
        /// Target.
        target: RecipientId,
    },
    /// Its result could not be committed.
    RecordFailed {
        /// Target.
        target: RecipientId,
    },
    /// The time of the last [`LevelCommand::WakeAt`] has come.
    Timer,
    /// The process ends: what runs, runs out.
    Stop,
}

/// A failed upload as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LevelFailure {
    /// Failures in a row that brought nothing, and this one.
    pub failures: u32,
    /// Next try.
    pub due_ms: Ms,
    /// Why.
    pub reason: Reason,
    /// For people.
    pub text: Said,
}

/// What is to be done.
#[derive(Debug, PartialEq, Eq)]
pub enum LevelCommand {
    /// Read the site now and bring it there.
    Upload {
        /// Target.
        target: RecipientId,
        /// The generation wanted before the site is read.
        generation: i64,
    },
    /// Store what came of it.
    Record {
        /// Target.
        target: RecipientId,
        /// Generation.
        generation: i64,
        /// When.
        at_ms: Ms,
        /// Files changed, or why not.
        result: Result<u64, LevelFailure>,
    },
    /// Nothing of an older epoch starts any more.
    Acknowledge {
        /// Epoch.
        epoch: i64,
        /// Uploads that will still end.
        in_flight: u32,
    },
    /// Send [`LevelEvent::Timer`] then; replaces the former.
    WakeAt(Option<Ms>),
    /// Nothing runs, everything is recorded.
    Stopped,
}

#[derive(Debug)]
struct Target {
    level: Level,
    uploading: bool,
    recording: Option<(i64, Ms, Result<u64, LevelFailure>)>,
    record_again: Option<Ms>,
}

impl Target {
    fn at_rest(&self) -> bool {
        !self.uploading && self.recording.is_none()
    }
}

/// All targets of one website lane.
#[derive(Debug)]
pub struct Levels {
    gate: GateKeeper,
    targets: BTreeMap<RecipientId, Target>,
    rng: fastrand::Rng,
    timer: Option<Ms>,
    stopping: bool,
    stopped: bool,
}

/// The store is asked again after a failure, ms.
const STORE_AGAIN_MS: Ms = 1_000;

impl Levels {
    /// Held until the first [`LevelEvent::Rows`]. `seed` feeds the jitter.
    pub fn new(seed: u64) -> Self {
        Self {
            gate: GateKeeper::default(),
            targets: BTreeMap::new(),
            rng: fastrand::Rng::with_seed(seed),
            timer: None,
            stopping: false,
            stopped: false,
        }
    }

    /// Takes in one event and says what is to be done now.
    pub fn step(&mut self, now: Ms, event: LevelEvent) -> Vec<LevelCommand> {
        let mut out = Vec::new();
        match event {
            LevelEvent::Rows {
                gate,
                epoch,
                acknowledged,
                targets,
            } => self.rows(gate, epoch, acknowledged, targets, &mut out),
            LevelEvent::Uploaded {
                target,
                generation,
                progress,
                result,
            } => {
                if let Some(target) = self.targets.get_mut(&target).filter(|_| progress) {
                    // A large site on a slow line gets there in many short tries: each goes on where the last one was.
                    target.level.failures = 0;
                }
                self.uploaded(now, target, generation, result, &mut out);
            }
            LevelEvent::Recorded { target } => {
                if let Some(target) = self.targets.get_mut(&target) {
                    target.recording = None;
                }
            }
            LevelEvent::RecordFailed { target } => {
                if let Some(target) = self.targets.get_mut(&target) {
                    target.record_again = Some(now + STORE_AGAIN_MS);
                }
            }
            LevelEvent::Timer => self.timer = None,
            LevelEvent::Stop => self.stopping = true,
        }
        self.go_on(now, &mut out);
        out
    }

    fn rows(&mut self, gate: Gate, epoch: i64, acknowledged: i64, targets: Vec<Level>, out: &mut Vec<LevelCommand>) {
        for level in targets {
            let target = self.targets.entry(level.id).or_insert(Target {
                level,
                uploading: false,
                recording: None,
                record_again: None,
            });
            // A row read before our own result was committed does not undo it.
            target.level.wanted = target.level.wanted.max(level.wanted);
            if target.at_rest() && level.done >= target.level.done {
                target.level = Level {
                    wanted: target.level.wanted,
                    ..level
                };
            }
        }
        if self.gate.read(gate, epoch, acknowledged) != GateNews::Same {
            let running = self.targets.values().filter(|t| t.uploading).count();
            out.push(LevelCommand::Acknowledge {
                epoch,
                in_flight: u32::try_from(running).unwrap_or(u32::MAX),
            });
        }
    }

    fn uploaded(
        &mut self,
        now: Ms,
        id: RecipientId,
        generation: i64,
        result: Result<u64, Report>,
        out: &mut Vec<LevelCommand>,
    ) {
        let chance = self.rng.f64();
        let Some(target) = self.targets.get_mut(&id).filter(|t| t.uploading) else {
            return;
        };
        target.uploading = false;
        let result = match result {
            Ok(files) => {
                target.level.done = target.level.done.max(generation);
                target.level.failures = 0;
                target.level.due_ms = now;
                Ok(files)
            }
            Err(report) => {
                target.level.failures = target.level.failures.saturating_add(1);
                target.level.due_ms = match report.outcome {
                    Outcome::Later { until } => until,
                    _ => now + schedule::delay_ms(target.level.failures, true, chance),
                };
                Err(LevelFailure {
                    failures: target.level.failures,
                    due_ms: target.level.due_ms,
                    reason: report.reason,
                    text: report.text,
                })
            }
        };
        target.recording = Some((generation, now, result.clone()));
        out.push(LevelCommand::Record {
            target: id,
            generation,
            at_ms: now,
            result,
        });
    }

    fn go_on(&mut self, now: Ms, out: &mut Vec<LevelCommand>) {
        if self.stopped {
            return;
        }
        let may = self.gate.sends() && !self.stopping;
        let mut next = None::<Ms>;
        let mut later = |at: Ms| next = Some(next.map_or(at, |n| n.min(at)));
        for (id, target) in &mut self.targets {
            if let (Some(at), Some((generation, at_ms, result))) = (target.record_again, &target.recording) {
                if at <= now {
                    target.record_again = None;
                    out.push(LevelCommand::Record {
                        target: *id,
                        generation: *generation,
                        at_ms: *at_ms,
                        result: result.clone(),
                    });
                } else {
                    later(at);
                }
            }
            let behind = target.level.done < target.level.wanted;
            if may && behind && target.at_rest() {
                if target.level.due_ms <= now {
                    target.uploading = true;
                    out.push(LevelCommand::Upload {
                        target: *id,
                        generation: target.level.wanted,
                    });
                } else {
                    later(target.level.due_ms);
                }
            }
        }
        if next != self.timer {
            self.timer = next;
            out.push(LevelCommand::WakeAt(next));
        }
        if self.stopping && self.targets.values().all(Target::at_rest) {
            self.stopped = true;
            out.push(LevelCommand::Stopped);
        }
    }

    /// The gate as the lane knows it.
    pub fn gate(&self) -> Gate {
        self.gate.gate()
    }

    /// Every target is there, or waits for a later try.
    pub fn is_drained(&self, now: Ms) -> bool {
        self.targets
            .values()
            .all(|t| t.at_rest() && (t.level.done >= t.level.wanted || t.level.due_ms > now || !self.gate.sends()))
    }
}

#[cfg(test)]
#[path = "level_tests.rs"]
mod tests;
