//! Floor 1: the values of the field and their rules. Imports only floor 0. Nothing here knows a store, a network or a clock.

pub mod delivery;
pub mod digest;
pub mod draft;
pub mod facts;
mod fold;
pub mod guard;
pub mod incident;
pub mod notice;
pub mod outcome;
pub mod problem;
pub mod publisher;
mod read;
mod resolve;
pub mod schema;
pub mod supersede;
pub mod when;
pub mod words;
pub mod write;
