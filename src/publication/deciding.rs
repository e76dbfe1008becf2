//! What a person can still decide of messages of which nobody knows whether they arrived.

use crate::clock::Ms;
use crate::said;
use crate::store::BroadcastRow;
use crate::text::said::Said;

/// The answers that `decide` takes now: what a newer notice has closed or what is out of time does not go again.
pub fn ways_to_decide(row: &BroadcastRow, now: Ms) -> Said {
    let closed = row.superseded_by.is_some() && row.summed_up_in.is_none();
    if closed || row.expires_ms.is_some_and(|at| at <= now) {
        said!("there oder drop", "there or drop")
    } else {
        said!("there, again oder drop", "there, again or drop")
    }
}
