//! The one integration binary: the product from outside, against real counterparts on loopback.
//! Each file is one subject; what they share is in `support`.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on should stop there"
)]

mod lane_runner;
mod simulation;
