//! `rundruf explain DELIVERY`: one delivery's whole story on one screen.

use clap::Args;
use jiff::tz::TimeZone;
use serde_json::json;

use super::output::{Failure, Output, table, wrap};
use super::Globals;
use crate::app::App;
use crate::ids::{BroadcastId, DeliveryId, IncidentId};
use crate::publication::board::exact_time;
use crate::said;
use crate::store::{Board, Notices as _, Story};

/// Arguments of `explain`.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// A delivery's number, or `b7` for the deliveries of broadcast 7 (numbers: `rundruf status --json`).
    pub delivery: String,
}

/// Runs the command.
pub async fn run(globals: &Globals, args: ExplainArgs, out: &Output) -> Result<u8, Failure> {
    let Ok(open) = App::load(&globals.config, &globals.data)?.open_existing().await? else {
        return Err(Failure::Refused(said!("Noch nichts veröffentlicht.", "Nothing published yet.")));
    };
    let word = args.delivery.as_str();
    if let Some(broadcast) = word.strip_prefix('b').and_then(|n| n.parse().ok()) {
        let rows = open.store.deliveries(BroadcastId(broadcast), None, 50).await?;
        if let [only] = rows.as_slice() {
            return tell(&open, only.id, out).await;
        }
        let now = open.office.clock.now_ms();
        let broadcasts = open.store.broadcasts(None).await?;
        let zone = match broadcasts.iter().find(|b| b.id == BroadcastId(broadcast)) {
            Some(row) => zone(&open, row.incident).await?,
            None => TimeZone::system(),
        };
        let cells: Vec<Vec<String>> = rows
            .iter()
            .map(|d| {
                let state = serde_json::to_value(d.state).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default();
                let at = exact_time(d.changed_ms, now, &zone);
                vec![d.id.to_string(), state, format!("{at}  {}", d.text.clone().unwrap_or_default())]
            })
            .collect();
        let head = if out.german { ["Zustellung", "Stand", "zuletzt"] } else { ["delivery", "state", "last"] };
        out.text(table(&head, &cells).trim_end());
        out.answer(&json!({ "deliveries": rows }));
        return Ok(0);
    }
    let Ok(delivery) = word.parse() else {
        return Err(Failure::Usage(said!(
            "„{word}“ ist keine Nummer. Nummern von Zustellungen zeigt: rundruf explain b7 (7: Nummer aus rundruf status --json).",
            "`{word}` is no number. See numbers of deliveries with: rundruf explain b7 (7: from rundruf status --json)."
        )));
    };
    tell(&open, DeliveryId(delivery), out).await
}

async fn tell(open: &crate::app::Open, id: DeliveryId, out: &Output) -> Result<u8, Failure> {
    let Some(story) = open.store.explain(id).await? else {
        return Err(Failure::Refused(said!("Eine Zustellung {id} gibt es nicht.", "There is no delivery {id}.")));
    };
    let zone = zone(open, story.broadcast.incident).await?;
    print(&story, open.office.clock.now_ms(), &zone, out);
    out.answer(&story);
    Ok(0)
}

/// The zone of the incident's publisher, as in `status`: two clocks on one screen would mislead.
async fn zone(open: &crate::app::Open, incident: IncidentId) -> Result<TimeZone, Failure> {
    let incidents = open.store.incidents(None).await?;
    let publisher = incidents.iter().find(|i| i.id == incident).and_then(|i| open.office.publisher(&i.publisher));
    Ok(publisher.map_or_else(TimeZone::system, |p| p.timezone.clone()))
}

fn print(story: &Story, now: i64, zone: &TimeZone, out: &Output) {
    let state = serde_json::to_value(story.delivery.state).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default();
    let (id, number, channel) = (story.delivery.id, story.broadcast.number, &story.lane.name);
    out.say(&said!("Zustellung {id}: Meldung {number} über {channel}, Stand: {state}", "Delivery {id}: notice {number} by {channel}, state: {state}"));
    if let Some(address) = &story.address {
        out.say(&said!("An: {address}", "To: {address}"));
    }
    if let Some(url) = &story.delivery.remote.url {
        out.text(url);
    }
    out.text("");
    let rows: Vec<Vec<String>> = story
        .events
        .iter()
        .map(|e| {
            let attempt = e.attempt.map(|a| a.to_string()).unwrap_or_default();
            let text = e.text.clone().unwrap_or_default();
            vec![exact_time(e.at_ms, now, zone), attempt, e.what.clone(), text]
        })
        .collect();
    let head = if out.german { ["Zeit", "Versuch", "Was", "Näheres"] } else { ["time", "attempt", "what", "more"] };
    out.text(table(&head, &rows).trim_end());
    if story.delivery.state == crate::domain::delivery::DeliveryState::Waiting {
        let due = exact_time(story.delivery.due_ms.max(story.lane.health.blocked_until_ms.unwrap_or(0)), now, zone);
        out.say(&said!("Nächster Versuch: {due}", "Next try: {due}"));
    }
    out.text("");
    for line in story.variant.text.lines().flat_map(|l| wrap(l, 78)) {
        out.text(&format!("  {line}"));
    }
}
