//! `rundruf explain DELIVERY`: one delivery's whole story on one screen.

use clap::Args;
use jiff::tz::TimeZone;
use serde_json::json;

use super::Globals;
use super::output::{Failure, Output, table, wrap};
use crate::app::{App, Open};
use crate::clock::Ms;
use crate::domain::delivery::{DeliveryState, Gate, Health};
use crate::ids::{BroadcastId, DeliveryId};
use crate::publication::board::{self, day, exact_time};
use crate::publication::suppressed;
use crate::said;
use crate::store::{Board, BroadcastRow, Consent, DeliveryRow, Lanes, Notices, Story, Suppressed};
use crate::text::said::Said;

/// Deliveries of a broadcast shown at most: a screen, not an audience.
const SHOWN: u32 = 50;

/// Arguments of `explain`.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// A delivery's number, or `b7` for the deliveries of broadcast b7 (numbers: `rundruf status`).
    pub delivery: String,
}

/// Runs the command.
pub async fn run(globals: &Globals, args: ExplainArgs, out: &Output) -> Result<u8, Failure> {
    let Ok(open) = App::load_existing(&globals.config, &globals.data).await? else {
        return Err(Failure::Refused(said!(
            "Noch nichts veröffentlicht.",
            "Nothing published yet."
        )));
    };
    let word = args.delivery.as_str();
    if let Some(id) = word.strip_prefix('b').and_then(|n| n.parse().ok()) {
        return broadcast(&open, BroadcastId(id), out).await;
    }
    let Ok(delivery) = word.parse() else {
        return Err(Failure::Usage(said!(
            "„{word}“ ist keine Nummer. Nummern von Zustellungen zeigt: rundruf explain b7 (b7: eine Sendung aus rundruf status).",
            "`{word}` is no number. See numbers of deliveries with: rundruf explain b7 (b7: an id from rundruf status)."
        )));
    };
    tell(&open, DeliveryId(delivery), out).await
}

/// All deliveries of a broadcast; where there is only one, its story.
async fn broadcast(open: &Open, id: BroadcastId, out: &Output) -> Result<u8, Failure> {
    let all = open.store.broadcasts(None).await?;
    let Some(row) = all.iter().find(|b| b.id == id) else {
        return Err(Failure::Refused(said!(
            "Eine Sendung b{id} gibt es nicht. Die Nummern zeigt: rundruf status",
            "There is no broadcast b{id}. See the numbers with: rundruf status"
        )));
    };
    let (now, zone) = (open.office.clock.now_ms(), zone_of(open, row).await?);
    let rows = open.store.deliveries(id, None, SHOWN).await?;
    if row.kind == "website" {
        return targets(open, row, &rows, &zone, out).await;
    }
    if rows.is_empty()
        && let Some(at) = row.removed_ms
    {
        return removed(row, at, now, &zone, open, out).await;
    }
    if let [only] = rows.as_slice() {
        return tell(open, only.id, out).await;
    }
    let (number, channel, count) = (row.number, &row.channel, rows.len());
    let head = said!(
        "Sendung b{id}: Meldung {number} über {channel}, {count} Zustellungen",
        "Broadcast b{id}: notice {number} by {channel}, {count} deliveries"
    );
    out.title(head.in_german(out.german));
    summed_up(row, out);
    if count == SHOWN as usize {
        out.say(&said!(
            "Gezeigt sind die ersten {SHOWN}.",
            "These are the first {SHOWN}."
        ));
    }
    let cells: Vec<Vec<String>> = rows
        .iter()
        .map(|d| {
            let at = exact_time(d.changed_ms, now, &zone);
            vec![
                d.id.to_string(),
                state_word(d.state).in_german(out.german).to_owned(),
                at,
                d.text.as_ref().map_or("", |t| t.in_german(out.german)).to_owned(),
            ]
        })
        .collect();
    let head = if out.german {
        ["Zustellung", "Stand", "zuletzt", "Näheres"]
    } else {
        ["delivery", "state", "last", "more"]
    };
    out.text(table(&head, &cells).trim_end());
    out.answer(&json!({ "broadcast": row, "deliveries": rows }));
    Ok(0)
}

/// What is left of a broadcast whose rows are kept no longer: its line of the board.
async fn removed(
    row: &BroadcastRow,
    at: Ms,
    now: Ms,
    zone: &TimeZone,
    open: &Open,
    out: &Output,
) -> Result<u8, Failure> {
    let (id, number, channel, Said { de, en }) = (row.id, row.number, &row.channel, day(at, zone));
    let head = said!(
        "Sendung b{id}: Meldung {number} über {channel}",
        "Broadcast b{id}: notice {number} by {channel}"
    );
    out.title(head.in_german(out.german));
    out.say(&said!(
        "Was aus den einzelnen Zustellungen wurde, ist seit dem {de} gelöscht (store.keep). Geblieben sind die Zahlen:",
        "What became of the single deliveries is deleted since {en} (store.keep). The numbers have stayed:"
    ));
    let lanes = open.store.lane_rows().await?;
    if let Some(line) = board::line(row, &lanes, now, zone) {
        out.say(&line.text);
    }
    out.answer(&json!({ "broadcast": row, "deliveries": [] }));
    Ok(0)
}

/// A website's targets: levels, so what counts is how far each has come, not what became of one notice's upload.
async fn targets(
    open: &Open,
    row: &BroadcastRow,
    rows: &[DeliveryRow],
    zone: &TimeZone,
    out: &Output,
) -> Result<u8, Failure> {
    let now = open.office.clock.now_ms();
    let targets = open.store.targets(row.lane).await?;
    let (number, channel) = (row.number, &row.channel);
    let head = said!(
        "Meldung {number} auf den Zielen von {channel}:",
        "Notice {number} on the targets of {channel}:"
    );
    out.title(head.in_german(out.german));
    let cells: Vec<Vec<String>> = targets
        .iter()
        .map(|t| {
            let Said { de, en } = Said::in_brackets(t.text.as_ref());
            let due = exact_time(t.due_ms, now, zone);
            let stand = match (t.done >= t.wanted, t.done_at_ms) {
                (true, Some(at)) => {
                    let at = exact_time(at, now, zone);
                    said!("aktuell seit {at}", "up to date since {at}")
                }
                (true, None) => said!("aktuell", "up to date"),
                (false, _) if t.due_ms > now => said!(
                    "noch nicht aktuell, nächster Versuch {due}{de}",
                    "not up to date yet, next try {due}{en}"
                ),
                (false, _) => said!(
                    "noch nicht aktuell, jetzt an der Reihe{de}",
                    "not up to date yet, due now{en}"
                ),
            };
            vec![t.address.clone(), stand.in_german(out.german).to_owned()]
        })
        .collect();
    let head = if out.german {
        ["Ziel", "Stand"]
    } else {
        ["target", "state"]
    };
    out.text(table(&head, &cells).trim_end());
    out.answer(&json!({ "broadcast": row, "targets": targets, "deliveries": rows }));
    Ok(0)
}

/// The zone of the broadcast's publisher: the same clock as `status`, whatever the machine's own.
async fn zone_of(open: &Open, row: &BroadcastRow) -> Result<TimeZone, Failure> {
    let incidents = open.store.incidents(None).await?;
    let publisher = incidents
        .iter()
        .find(|i| i.id == row.incident)
        .and_then(|i| open.office.publisher(&i.publisher));
    Ok(publisher.map_or_else(TimeZone::system, |p| p.timezone.clone()))
}

async fn tell(open: &Open, id: DeliveryId, out: &Output) -> Result<u8, Failure> {
    let Some(story) = open.store.explain(id).await? else {
        return Err(Failure::Refused(said!(
            "Eine Zustellung {id} gibt es nicht, oder nicht mehr (store.keep). Die Nummern zeigt: rundruf explain b7 (b7: eine Sendung aus rundruf status).",
            "There is no delivery {id}, or no longer (store.keep). See numbers with: rundruf explain b7 (b7: an id from rundruf status)."
        )));
    };
    let zone = zone_of(open, &story.broadcast).await?;
    print(&story, open.office.clock.now_ms(), &zone, out);
    if story.delivery.state == DeliveryState::Gone {
        suppressed_since(open, &story, &zone, out).await?;
    }
    out.answer(&story);
    Ok(0)
}

/// Why nobody writes to this recipient any more, and what ends that.
async fn suppressed_since(open: &Open, story: &Story, zone: &TimeZone, out: &Output) -> Result<(), Failure> {
    let Some(recipient) = open.store.recipient(story.delivery.recipient).await? else {
        return Ok(());
    };
    let all = open.store.suppressions().await?;
    let own = |one: &&Suppressed| one.channel == recipient.channel && one.address == recipient.canonical;
    if let Some(one) = all.iter().find(own) {
        let (address, Said { de, en }) = (&one.address, suppressed::because(one, zone));
        out.say(&said!(
            "Gesperrt ({de}). Wieder anschreiben mit: rundruf suppression lift {address}",
            "Suppressed ({en}). To write again: rundruf suppression lift {address}"
        ));
    }
    Ok(())
}

fn print(story: &Story, now: i64, zone: &TimeZone, out: &Output) {
    let Said { de, en } = state_word(story.delivery.state);
    let (id, number, channel) = (story.delivery.id, story.broadcast.number, &story.lane.name);
    let head = said!(
        "Zustellung {id}: Meldung {number} über {channel}, Stand: {de}",
        "Delivery {id}: notice {number} by {channel}, state: {en}"
    );
    out.title(head.in_german(out.german));
    if let Some(address) = &story.address {
        out.title(said!("An: {address}", "To: {address}").in_german(out.german));
    }
    if story.delivery.state == DeliveryState::Superseded {
        summed_up(&story.broadcast, out);
    } else if !story.tells.is_empty() {
        let list: Vec<String> = story.tells.iter().map(ToString::to_string).collect();
        let (list, n) = (list.join(", "), story.tells.len() + 1);
        out.say(&said!(
            "Eine Zusammenfassung von {n} Meldungen (auch {list}).",
            "A digest of {n} notices (also {list})."
        ));
    }
    if story.delivery.via.is_some() {
        let first = &story.broadcast.channel;
        out.say(&said!(
            "Zuerst für {first}; umgeleitet über den Ersatzkanal {channel}.",
            "For {first} at first; moved to the reserve channel {channel}."
        ));
    }
    if let Some(url) = &story.delivery.remote.url {
        // Whole, whatever its length: it is there to be opened.
        out.text(url);
    }
    out.text("");
    let rows: Vec<Vec<String>> = story
        .events
        .iter()
        .map(|e| {
            let attempt = e.attempt.map(|a| a.to_string()).unwrap_or_default();
            vec![
                exact_time(e.at_ms, now, zone),
                attempt,
                event_word(&e.what).in_german(out.german).to_owned(),
                e.text.as_ref().map_or("", |t| t.in_german(out.german)).to_owned(),
            ]
        })
        .collect();
    let head = if out.german {
        ["Zeit", "Versuch", "Was", "Näheres"]
    } else {
        ["time", "attempt", "what", "more"]
    };
    out.text(table(&head, &rows).trim_end());
    next(story, now, zone, out);
    out.text("");
    for line in story.variant.text.lines().flat_map(|l| wrap(l, 78)) {
        out.text(&format!("  {line}"));
    }
}

/// That it is in a digest, or is one.
fn summed_up(row: &BroadcastRow, out: &Output) {
    if let Some(n) = row.summed_up_in {
        out.say(&said!(
            "Wer sie noch nicht hatte, bekommt sie in der Zusammenfassung von Meldung {n}.",
            "Whoever had not got it gets it in the digest of notice {n}."
        ));
    }
    if !row.covers.is_empty() {
        let n = row.covers.len() + 1;
        out.say(&said!(
            "Wer nicht alle früheren hat, bekommt eine Zusammenfassung von {n} Meldungen, alle anderen nur diese.",
            "Whoever lacks earlier ones gets a digest of {n} notices, all others this one alone."
        ));
    }
}

/// What happens next, and when, as clock time; or what a person has to do.
fn next(story: &Story, now: i64, zone: &TimeZone, out: &Output) {
    let (id, name) = (story.delivery.id, &story.lane.name);
    match story.delivery.state {
        DeliveryState::Waiting if story.lane.gate == Gate::Held => {
            let Said { de, en } = crate::publication::gate::probe(&story.lane, now, zone);
            out.say(&said!(
                "Der Kanal ist angehalten{de}. Weiter mit: rundruf channel release {name}",
                "The channel is held{en}. To go on: rundruf channel release {name}"
            ));
        }
        DeliveryState::Waiting if story.lane.health.health == Health::Paused => out.say(&said!(
            "Der Kanal pausiert. Nach der Abhilfe: rundruf channel retry {name}",
            "The channel is paused. When mended: rundruf channel retry {name}"
        )),
        DeliveryState::Waiting => {
            let due = story
                .delivery
                .due_ms
                .max(story.lane.health.blocked_until_ms.unwrap_or(0));
            let due = exact_time(due.max(now), now, zone);
            out.say(&said!("Nächster Versuch: {due}", "Next try: {due}"));
        }
        DeliveryState::Unknown => {
            let Said { de, en } = crate::publication::deciding::ways_to_decide_one(story, now);
            out.say(&said!(
                "Niemand weiß, ob es angekommen ist. Bitte nachsehen, dann: rundruf decide {id} {de}",
                "Nobody knows whether it arrived. Please look, then: rundruf decide {id} {en}"
            ));
        }
        _ => {}
    }
}

fn state_word(state: DeliveryState) -> Said {
    match state {
        DeliveryState::Waiting => said!("wartet", "waiting"),
        DeliveryState::Started => said!("wird gesendet", "being sent"),
        DeliveryState::Accepted => said!("übergeben, Zustellbericht steht aus", "handed over, report to come"),
        DeliveryState::Delivered => said!("zugestellt", "delivered"),
        DeliveryState::Unknown => said!("unbekannt", "unknown"),
        DeliveryState::Permanent => said!("abgelehnt", "refused"),
        DeliveryState::Gone => said!("Empfänger nicht mehr dabei", "recipient gone"),
        DeliveryState::Superseded => said!("durch Neueres ersetzt", "replaced by newer"),
        DeliveryState::Expired => said!("abgelaufen, nicht angekommen", "out of time, did not arrive"),
        DeliveryState::Dropped => said!("aufgegeben", "given up"),
    }
}

/// A line of the story: the store's own words and those of the states.
fn event_word(what: &str) -> Said {
    match what {
        "created" => said!("veröffentlicht", "published"),
        "started" => said!("gesendet", "sent off"),
        "failed" => said!("gescheitert", "failed"),
        "receipt" => said!("Zustellbericht", "delivery report"),
        "evidence" => said!("spätere Antwort, nicht angewandt", "later answer, not applied"),
        "came-back" => said!("kam zurück", "came back"),
        "moved" => said!("umgeleitet", "moved"),
        "decided" => said!("von Hand entschieden", "decided by a person"),
        "takeover" => said!("rundruf neu gestartet", "rundruf restarted"),
        other => match serde_json::from_value::<DeliveryState>(json!(other)) {
            Ok(state) => state_word(state),
            Err(_) => said!("{other}", "{other}"),
        },
    }
}
