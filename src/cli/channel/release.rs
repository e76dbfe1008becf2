//! `rundruf channel release`: who gets what, how many, how fast, what was collapsed; then it goes. Pressed twice it is one release.

mod preview;

use serde_json::json;

use self::preview::Preview;
use super::{act, find, not_serving};
use crate::app::Open;
use crate::cli::confirm;
use crate::cli::output::{Failure, Output};
use crate::domain::delivery::{Gate, GateCause};
use crate::lane_core::probation::{Probed, Verdict};
use crate::said;
use crate::store::{GateChange, LaneRow, Lanes};
use crate::text::said::Said;

/// Shows what would go, asks, releases.
pub(super) async fn release(
    open: &Open,
    name: &str,
    override_reason: Option<String>,
    yes: bool,
    out: &Output,
) -> Result<u8, Failure> {
    let lane = find(open, name).await?;
    let preview = Preview::of(open, &lane).await?;
    let messages = preview.messages();
    if lane.gate != Gate::Held {
        // The same word twice is one release.
        out.say(&said!("{name} ist schon freigegeben.", "{name} is released already."));
        out.answer(&preview.answer(name, lane.gate, lane.epoch));
        return Ok(0);
    }
    if let Some(probed) = failing(&lane)
        && override_reason.is_none()
    {
        return Err(Failure::Refused(against(name, probed)));
    }
    // Where nothing waits nothing is to be asked, and a page can be put right at any time.
    if messages > 0 && lane.kind != "website" {
        preview.show(&lane, out);
        confirm::ask(out, &preview.said(name), yes)?;
    }
    let gate = if preview.drains() { Gate::Draining } else { Gate::Open };
    // The epoch shown is the one released: whoever held it again meanwhile wins.
    let change = GateChange {
        lane: lane.id,
        gate,
        cause: GateCause::Person,
        expected_epoch: Some(lane.epoch),
        // A person's words, in whatever language they wrote them.
        reason: override_reason.as_deref().map(Said::quoted),
    };
    let mut act = act(open, "release", name);
    if failing(&lane).is_some() {
        act.details = json!({ "override": true });
    }
    let row = open.store.set_gate(&change, &act).await?;
    crate::store::owner::wake(&open.office.settings.data);
    out.say(&said!("{name} ist freigegeben.", "{name} is released."));
    if messages > 0 {
        not_serving(open, out);
    }
    out.answer(&preview.answer(name, row.gate, row.epoch));
    Ok(0)
}

/// The probe's newest word, where it says that it does not work.
fn failing(lane: &LaneRow) -> Option<&Probed> {
    lane.probe
        .as_ref()
        .filter(|probed| matches!(probed.verdict, Verdict::Bad | Verdict::CameBack))
}

fn against(name: &str, probed: &Probed) -> Said {
    let Said { de, en } = &probed.text;
    said!(
        "Die Probe von {name} misslingt: {de}. Nichts wurde freigegeben. Trotzdem: rundruf channel release {name} --override \"GRUND\"",
        "The probe of {name} fails: {en}. Nothing was released. To do it all the same: rundruf channel release {name} --override \"REASON\""
    )
}
