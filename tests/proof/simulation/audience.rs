//! Who ends with what (LANES 9): whoever follows a place ends with the newest notice for it and the newest for all; whoever has wrong words
//! hears that they are wrong.

use std::collections::{BTreeSet, HashSet};

use rundruf::clock::Ms;
use rundruf::domain::delivery::DeliveryState as State;
use rundruf::domain::notice::{Notice, Scope};
use rundruf::domain::supersede::names;
use rundruf::domain::words::Kind;
use rundruf::ids::{ACCOUNT, DeliveryId, IncidentId, LaneId, NoticeSeq, RecipientId};

use super::digests::Tells;
use crate::model::{Model, ModelRow, Person};

/// Everybody on every lane.
pub fn all_hear(model: &Model, tells: &Tells, decided: &HashSet<DeliveryId>, wall: Ms) -> Result<(), String> {
    let incidents: BTreeSet<IncidentId> = model.notices.iter().map(|(_, incident, _)| *incident).collect();
    for (lane, of) in &model.lanes {
        let audience = of.people.iter().filter(|p| p.is == Person::In);
        let mut people: Vec<(RecipientId, &[String])> = audience.map(|p| (p.id, p.places.as_slice())).collect();
        if of.people.is_empty() {
            people.push((ACCOUNT, &[]));
        }
        for incident in &incidents {
            for (person, places) in &people {
                // Who got what is somebody's word then.
                let of = |row: &ModelRow| (row.lane, row.recipient) == (*lane, *person) && decided.contains(&row.id);
                if model
                    .rows
                    .iter()
                    .any(|row| of(row) && model.broadcasts[row.broadcast].incident == *incident)
                {
                    continue;
                }
                newest(model, tells, (*lane, *person), *incident, places, wall)?;
                corrected(model, tells, (*lane, *person), *incident, wall)?;
            }
        }
    }
    Ok(())
}

/// True where a newer notice of the incident has started for this recipient, whether that is still stored or not.
pub fn passed(model: &Model, at: usize) -> bool {
    let row = &model.rows[at];
    model.ever_passed((row.broadcast, Some(row.told)), row.recipient, |_| true)
}

/// The notices of an incident that stand: no later one names them, and they are no retractions.
fn standing(model: &Model, incident: IncidentId) -> Vec<&Notice> {
    let all: Vec<&Notice> = model
        .notices
        .iter()
        .filter(|(_, of, _)| *of == incident)
        .map(|(.., n)| n)
        .collect();
    let named = |n: &Notice| all.iter().any(|later| names(later, n.number));
    all.iter().copied().filter(|n| !named(n)).collect()
}

fn newest(
    model: &Model,
    tells: &Tells,
    (lane, person): (LaneId, RecipientId),
    incident: IncidentId,
    places: &[String],
    wall: Ms,
) -> Result<(), String> {
    let standing = standing(model, incident);
    let everywhere = ["soest".to_owned(), "werl".to_owned()];
    // Who follows nothing gets everything.
    let places = if places.is_empty() { &everywhere } else { places };
    let about = |n: &&&Notice, place: Option<&String>| match (&n.scope, place) {
        (Scope::All, None) => true,
        (Scope::Named { places, .. }, Some(place)) => places.contains(place),
        _ => false,
    };
    for place in [None].into_iter().chain(places.iter().map(Some)) {
        let mut told = standing.iter().filter(|n| n.kind != Kind::Retraction);
        let Some(newest) = told.rfind(|n| about(n, place)) else {
            continue;
        };
        let Some((index, b)) = model
            .broadcasts
            .iter()
            .enumerate()
            .find(|(_, b)| b.lane == lane && b.incident == incident && b.number == newest.number)
        else {
            continue;
        };
        // Nobody is told any more what has run out of time.
        if b.expires_ms.is_some_and(|at| at <= wall) {
            continue;
        }
        let ended = model.row_ever(index, person).is_some_and(|row| {
            let at = model.at(row.id);
            !matches!(row.state, State::Waiting | State::Started | State::Superseded) || passed(model, at)
        });
        let told = model
            .rows
            .iter()
            .filter(|row| row.lane == lane && row.recipient == person)
            .any(|row| {
                // Passed while nobody knew of it, it never starts again, whatever it tells.
                let over = !matches!(row.state, State::Waiting | State::Started | State::Superseded)
                    || passed(model, model.at(row.id));
                over && tells.get(&row.id).is_some_and(|told| told.contains(&b.notice))
            });
        // Summed up under one that has started for them and was taken back then: an older one never starts after a newer one.
        let late = model
            .rows
            .iter()
            .filter(|row| row.lane == lane && row.recipient == person)
            .any(|row| {
                let of = &model.broadcasts[row.broadcast];
                let wrong = !standing.iter().any(|n| n.number == of.number);
                let started = row.state != State::Superseded && (row.attempt > 0 || row.tried);
                of.incident == incident && of.notice > b.notice && of.digest && wrong && started
            });
        // Summed up under one that was passed itself, or has run out or was taken back since: by then another one had started for them, which needed no
        // digest (a correction).
        let summed_up = model.broadcasts.iter().enumerate().any(|(cut, of)| {
            let wrong = !standing.iter().any(|n| n.number == of.number);
            let over = wrong || of.expires_ms.is_some_and(|at| at <= wall);
            let its = (of.lane, of.incident) == (lane, incident) && of.covers.contains(&b.notice);
            its && model.ever_passed((if over { index } else { cut }, None), person, |_| true)
        });
        let late = late || summed_up;
        // What took its place was named by another itself: its author has the word.
        let by = |seq| model.notices.iter().find(|(of, ..)| *of == seq).map(|(.., n)| n);
        let replaced = b.superseded_by.and_then(by).is_some_and(|n| !standing.contains(&n));
        if !ended && !told && !late && !replaced && !b.overtaken {
            return Err(format!(
                "recipient {person} of lane {lane} ends without notice {} of incident {incident}, the newest for {}",
                newest.number,
                place.map_or("all", |p| p)
            ));
        }
    }
    Ok(())
}

/// A correction or retraction that stands reaches whoever has, or may have, what it is about.
fn corrected(
    model: &Model,
    tells: &Tells,
    (lane, person): (LaneId, RecipientId),
    incident: IncidentId,
    wall: Ms,
) -> Result<(), String> {
    let standing = standing(model, incident);
    for (index, b) in model.broadcasts.iter().enumerate() {
        let of = b.lane == lane && b.incident == incident && b.kind != Kind::Notice;
        let over = b.expires_ms.is_some_and(|at| at <= wall);
        if !of || over || !standing.iter().any(|n| n.number == b.number) {
            continue;
        }
        // Told by whatever of ours it was: the notice itself, or a digest, also one that was written again since.
        let numbers = model.numbers(incident, &[b.number]);
        let wrong = |seq: &NoticeSeq| {
            let known = model.notices.iter().find(|(of, ..)| of == seq);
            let named = known.is_some_and(|(_, of, n)| *of == incident && numbers.contains(&n.number));
            named && *seq != b.notice
        };
        // Who has it, nobody knows any more where the rows are removed.
        let has = model.rows.iter().filter(|row| !row.removed).any(|row| {
            let told = tells.get(&row.id).is_some_and(|told| told.iter().any(wrong));
            (row.lane, row.recipient) == (lane, person)
                && told
                && matches!(row.state, State::Accepted | State::Delivered)
        });
        let heard = model.row_ever(index, person).is_some_and(|row| {
            let at = model.at(row.id);
            row.state != State::Superseded || passed(model, at)
        });
        if has && !heard {
            return Err(format!(
                "recipient {person} of lane {lane} has the wrong words, and never hears of notice {} of incident {incident}",
                b.number
            ));
        }
    }
    Ok(())
}
