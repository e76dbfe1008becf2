//! What a person can still decide of messages of which nobody knows whether they arrived.

use crate::clock::Ms;
use crate::said;
use crate::store::{BroadcastRow, Story};
use crate::text::said::Said;

/// The answers that `decide` takes now: what a newer notice has closed or what is out of time does not go again.
pub fn ways_to_decide(row: &BroadcastRow, now: Ms) -> Said {
    ways(!is_over(row, now))
}

/// The same for one of its deliveries: nor does what something newer has passed.
pub fn ways_to_decide_one(story: &Story, now: Ms) -> Said {
    ways(!is_over(&story.broadcast, now) && !story.passed)
}

fn is_over(row: &BroadcastRow, now: Ms) -> bool {
    let closed = row.superseded_by.is_some() && row.summed_up_in.is_none();
    closed || row.expires_ms.is_some_and(|at| at <= now)
}

fn ways(again: bool) -> Said {
    match again {
        true => said!("there, again oder drop", "there, again or drop"),
        false => said!("there oder drop", "there or drop"),
    }
}
