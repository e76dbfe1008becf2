//! Floor 1: the lane as a synchronous state machine. Pure: time, outcomes and rows come in as values, commands go out
//! as values; nothing here waits, reads a clock or knows a network.
//!
//! [`lane::Lane`] holds the pieces together; every rule of the specification is a small file of its own:
//! [`gate`] (hold, epoch), [`claims`] (how many rows to ask for), [`queue`] (urgent before bulk, start times),
//! [`schedule`] (when to try again), [`pace`] (how fast a service lets us), [`unknown`] (what to do when nobody knows), [`breaker`] (one probe at a time),
//! [`told`] (times single counterparts named), [`batch`] (one commit for many outcomes), [`look_ups`] (reading back), [`level`] (website targets),
//! [`failover`] (who may move), [`clock_jump`] (wall clock against monotonic clock), [`ramp`], [`turns`] and [`window`] (a release with a ramp:
//! how fast, when exactly, and when it stops by itself), [`probation`] (what a probe does with the gate).

pub mod batch;
pub mod breaker;
pub mod claims;
pub mod clock_jump;
pub mod event;
pub mod failover;
pub mod gate;
mod go_on;
pub mod health;
pub mod lane;
pub mod level;
pub mod look_ups;
pub mod pace;
pub mod probation;
pub mod queue;
pub mod ramp;
pub mod schedule;
mod settle;
pub mod told;
pub mod turns;
pub mod unknown;
pub mod values;
pub mod window;

#[cfg(test)]
mod clock_tests;
#[cfg(test)]
mod drain_tests;
#[cfg(test)]
mod pace_tests;
#[cfg(test)]
mod tests;
