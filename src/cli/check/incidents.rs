//! What is left to people: open incidents nobody speaks for, promises that are overdue, messages of which nobody knows whether they arrived.

use jiff::tz::TimeZone;

use super::{Group, Line};
use crate::app::Open;
use crate::cli::output::Failure;
use crate::clock::Ms;
use crate::domain::delivery::Gate;
use crate::domain::draft::KnownIncident;
use crate::domain::incident::IncidentView;
use crate::publication::board::clock_time;
use crate::publication::deciding::ways_to_decide;
use crate::publication::known_incidents;
use crate::said;
use crate::store::{Board, BroadcastRow, LaneRow, Lanes as _, Notices as _};
use crate::text::said::Said;

/// How it stands with them; `None` where there is no incident and nothing is left of one.
pub async fn group(open: &Open) -> Result<Option<Group>, Failure> {
    let now = open.office.clock.now_ms();
    let known = known_incidents(open.store.as_ref(), None, now).await?;
    let alive: Vec<&KnownIncident> = known.iter().filter(|incident| !incident.closed).collect();
    let rows = open.store.broadcasts(None).await?;
    let lanes = open.store.lane_rows().await?;
    let mut lines: Vec<Line> = alive
        .iter()
        .filter_map(|incident| promised(open, incident, now))
        .collect();
    let incidents = open.store.incidents(None).await?;
    let of = |row: &BroadcastRow| {
        let of = incidents.iter().find(|incident| incident.id == row.incident);
        of.map_or_else(String::new, |incident| {
            format!("{}/{}, ", incident.publisher, incident.slug)
        })
    };
    lines.extend(rows.iter().filter_map(|row| undecided(&of(row), row, now)));
    // A store that has moved sends nothing, whoever is started.
    if !open.store.identity().await?.moved {
        lines.extend(nobody_sends(open, &rows, &lanes));
    }
    if alive.is_empty() && lines.is_empty() {
        return Ok(None);
    }
    if lines.is_empty() {
        lines.push(Line::well(match alive.len() {
            1 => said!(
                "1 Vorfall ist offen; keine Ankündigung ist verspätet, nichts ist zu entscheiden.",
                "1 incident is open; no promise is overdue, nothing is to be decided."
            ),
            n => said!(
                "{n} Vorfälle sind offen; keine Ankündigung ist verspätet, nichts ist zu entscheiden.",
                "{n} incidents are open; no promise is overdue, nothing is to be decided."
            ),
        }));
    }
    Ok(Some(Group::new("incidents", said!("Vorfälle", "Incidents"), lines)))
}

/// What cannot be read is a finding.
pub fn unread(failure: &Failure) -> Group {
    Group::new(
        "incidents",
        said!("Vorfälle", "Incidents"),
        vec![Line::wrong(failure.said())],
    )
}

/// An incident without anybody who could speak for it, or whose next information is late.
fn promised(open: &Open, incident: &KnownIncident, now: Ms) -> Option<Line> {
    let (publisher, slug) = (&incident.publisher, &incident.slug);
    let Some(speaks) = open.office.publisher(publisher) else {
        return Some(Line::note(said!(
            "Der Vorfall {publisher}/{slug} ist offen, aber {publisher} steht nicht mehr in der Konfiguration: Niemand kann dazu etwas melden, und seine Seite wird nicht mehr erneuert. Bitte [publisher.{publisher}] wieder eintragen, oder den Vorfall beenden: rundruf incident close {publisher}/{slug}",
            "The incident {publisher}/{slug} is open, but {publisher} is not configured any more: nobody can say anything about it, and its page is not renewed. Please put [publisher.{publisher}] back, or end the incident: rundruf incident close {publisher}/{slug}"
        )));
    };
    let view = IncidentView::fold(speaks, &incident.notices, None, crate::clock::timestamp(now))?;
    if !view.overdue {
        return None;
    }
    let Said { de, en } = promise(&view, &speaks.timezone, now);
    Some(Line::note(said!(
        "{publisher}/{slug}: Die nächste Information war {de} angekündigt und ist verspätet; so steht es auch auf der Seite. Bitte melden Sie sich, auch wenn es nichts Neues gibt: rundruf new update --incident {publisher}/{slug} > meldung.toml, ausfüllen, rundruf publish meldung.toml. Ist es vorbei: rundruf incident close {publisher}/{slug}",
        "{publisher}/{slug}: the next information was promised {en} and is overdue; the page says so, too. Please say something, also where there is nothing new: rundruf new update --incident {publisher}/{slug} > notice.toml, fill it in, rundruf publish notice.toml. Where it is over: rundruf incident close {publisher}/{slug}"
    )))
}

fn promise(view: &IncidentView, zone: &TimeZone, now: Ms) -> Said {
    let at = view.next.as_ref().and_then(|next| next.at.over_at(zone));
    match at.map(|at| clock_time(at.as_millisecond(), now, zone)) {
        Some(at) => said!("für {at} Uhr", "for {at}"),
        None => said!("für früher", "for earlier"),
    }
}

/// Messages that stand as unknown until somebody looks.
fn undecided(of: &str, row: &BroadcastRow, now: Ms) -> Option<Line> {
    let (id, channel, notice) = (row.id, &row.channel, row.number);
    let Said { de, en } = ways_to_decide(row, now);
    let text = match row.counters.unknown {
        0 => return None,
        1 => said!(
            "{of}{channel}, Meldung {notice}: Bei 1 Sendung weiß niemand, ob sie angekommen ist. Bitte nachsehen und entscheiden: rundruf decide b{id} {de}",
            "{of}{channel}, notice {notice}: of 1 message nobody knows whether it arrived. Please look and decide: rundruf decide b{id} {en}"
        ),
        n => said!(
            "{of}{channel}, Meldung {notice}: Bei {n} Sendungen weiß niemand, ob sie angekommen sind. Bitte nachsehen und entscheiden: rundruf decide b{id} {de}",
            "{of}{channel}, notice {notice}: of {n} messages nobody knows whether they arrived. Please look and decide: rundruf decide b{id} {en}"
        ),
    };
    Some(Line::note(text))
}

/// Something waits, its channel may send, and no process does.
fn nobody_sends(open: &Open, rows: &[BroadcastRow], lanes: &[LaneRow]) -> Option<Line> {
    let sends = |lane: &&LaneRow| lane.configured && lane.gate != Gate::Held;
    let mut waiting = lanes
        .iter()
        .filter(sends)
        .flat_map(|lane| rows.iter().map(|row| row.waiting_on(lane.id)));
    if crate::store::owner::is_running(&open.office.settings.data) || waiting.all(|n| n == 0) {
        return None;
    }
    Some(Line::note(said!(
        "Es läuft kein rundruf serve, und es warten Sendungen: Bitte starten, erst dann gehen sie hinaus.",
        "No rundruf serve is running, and messages wait: please start it, only then do they go out."
    )))
}
