//! The gate changes that nobody has to decide.

use crate::clock::Ms;
use crate::domain::delivery::{Gate, GateCause};
use crate::ids::LaneId;
use crate::said;
use crate::store::{Act, GateChange, Lanes, StoreError};

/// Everything that waited at the release is out: the ramp is over.
pub(super) async fn open_drained(
    store: &dyn Lanes,
    lane: LaneId,
    name: &str,
    epoch: i64,
    at_ms: Ms,
) -> Result<(), StoreError> {
    let change = GateChange {
        lane,
        gate: Gate::Open,
        cause: GateCause::Itself,
        expected_epoch: Some(epoch),
        reason: Some(said!("alles Wartende ist hinaus", "all that waited is out")),
    };
    let act = Act {
        at_ms,
        actor: "rundruf".to_owned(),
        action: "drained".to_owned(),
        object: format!("channel {name}"),
        details: serde_json::Value::Null,
    };
    store.set_gate(&change, &act).await.map(drop)
}
