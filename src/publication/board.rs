//! The board: one sentence per channel and notice, in plain words with clock times. Says "sent" only where it is known.

use jiff::tz::TimeZone;

use crate::clock::Ms;
use crate::domain::delivery::{BroadcastState, Gate, Health};
use crate::ids::BroadcastId;
use crate::publication::deciding::ways_to_decide;
use crate::said;
use crate::store::{BroadcastRow, Counters, LaneRow};
use crate::text::said::Said;

pub use super::moments::{clock_time, day, exact_time};

/// How sure the board may look: green only where it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Light {
    /// Known to be there, everywhere.
    Done,
    /// On its way or waiting.
    Waiting,
    /// Held by a person, a probe or the settings.
    Held,
    /// A person has to look: unknown, refused, credentials.
    Look,
    /// A newer notice took its place.
    Superseded,
}

/// One line of the board.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Line {
    /// The broadcast: `b7` names it to `explain` and `decide`.
    pub id: BroadcastId,
    /// Channel.
    pub channel: String,
    /// Notice number.
    pub number: u32,
    /// How it stands.
    pub light: Light,
    /// In words.
    pub text: Said,
}

/// A number as Germans write it: 1.204.
pub(super) fn dotted(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push('.');
        }
        out.push(digit);
    }
    out
}

/// "1 wartet", "2 warten".
pub(super) fn wait(n: u64) -> &'static str {
    if n == 1 { "wartet" } else { "warten" }
}

/// The line of one broadcast; `None` where its lane is not among these.
pub fn line(row: &BroadcastRow, lanes: &[LaneRow], now: Ms, zone: &TimeZone) -> Option<Line> {
    let lane = lanes.iter().find(|lane| lane.id == row.lane)?;
    let (mut light, mut text) = if let Some(waiting) = halted(row, lane, now, zone) {
        waiting
    } else if row.kind == "website" {
        website(row, lane, now, zone)
    } else if !row.audience {
        account(row, lane, now, zone)
    } else {
        audience(row, lane, now, zone)
    };
    // What its post tells, and else what would be summed up now.
    let earlier = row.told.unwrap_or(row.covers.len() as u64);
    if earlier > 0 {
        let n = earlier + 1;
        text.de.push_str(&format!("; Zusammenfassung von {n} Meldungen"));
        text.en.push_str(&format!("; digest of {n} notices"));
    }
    if let Some(Said { de, en }) = row.no_digest.as_ref().filter(|_| unfinished(row) > 0) {
        light = Light::Look;
        text.de
            .push_str(&format!("; die Zusammenfassung lässt sich nicht schreiben ({de})"));
        text.en.push_str(&format!("; the digest cannot be written ({en})"));
    }
    if row.moved > 0 {
        let (n, moved) = (dotted(row.moved), row.moved);
        text.de.push_str(&format!("; {n} davon über den Ersatzkanal"));
        text.en.push_str(&format!("; {moved} of them by the reserve channel"));
    }
    if let Some(at) = row.removed_ms.filter(|_| row.counters.opened > 0) {
        let Said { de, en } = day(at, zone);
        text.de.push_str(&format!("; Einzelergebnisse am {de} gelöscht"));
        text.en.push_str(&format!("; single results deleted on {en}"));
    }
    for guests in &row.guests {
        let Some(reserve) = lanes.iter().find(|lane| lane.id == guests.lane) else {
            continue;
        };
        if let Some((there, more)) = super::reserve::halted(reserve, guests.waiting, now, zone) {
            text.de.push_str(&more.de);
            text.en.push_str(&more.en);
            light = match (light, there) {
                (Light::Look, _) | (_, Light::Look) => Light::Look,
                _ => there,
            };
        }
    }
    Some(Line {
        id: row.id,
        channel: row.channel.clone(),
        number: row.number,
        light,
        text,
    })
}

/// What overrides the row's own story: superseded, channel gone, held, paused.
fn halted(row: &BroadcastRow, lane: &LaneRow, now: Ms, zone: &TimeZone) -> Option<(Light, Said)> {
    if row.state == BroadcastState::Superseded {
        return Some((Light::Superseded, replaced(row)));
    }
    // What has moved waits for another lane.
    let away: u64 = row.guests.iter().map(|guests| guests.waiting).sum();
    let open = unfinished(row).saturating_sub(away);
    if open == 0 {
        return None;
    }
    if !lane.configured {
        let (n, wait) = (dotted(open), wait(open));
        return Some((
            Light::Look,
            said!(
                "steht nicht mehr in der Konfiguration; {n} {wait} (rundruf channel rename oder drop)",
                "not in the configuration any more; {open} waiting (rundruf channel rename or drop)"
            ),
        ));
    }
    let since = clock_time(lane.gate_since_ms, now, zone);
    if lane.gate == Gate::Held {
        let (n, why) = (dotted(open), Said::in_brackets(lane.gate_reason.as_ref()));
        let probe = super::gate::probe(lane, now, zone);
        return Some((
            Light::Held,
            Said {
                de: format!("angehalten seit {since}{}; {n} {}{}", why.de, wait(open), probe.de),
                en: format!("held since {since}{}; {open} waiting{}", why.en, probe.en),
            },
        ));
    }
    if lane.health.health == Health::Paused {
        let since = clock_time(lane.health.since_ms, now, zone);
        let (Said { de, en }, name) = (lane.health.text.clone().unwrap_or_default(), &row.channel);
        return Some((
            Light::Look,
            said!(
                "pausiert seit {since}: {de}. Nach der Abhilfe: rundruf channel retry {name}",
                "paused since {since}: {en}. When mended: rundruf channel retry {name}"
            ),
        ));
    }
    None
}

/// What became of a notice that goes out no more by itself.
fn replaced(row: &BroadcastRow) -> Said {
    match row.summed_up_in {
        Some(n) => said!(
            "in der Zusammenfassung von Meldung {n} enthalten",
            "in the digest of notice {n}"
        ),
        None => said!(
            "nicht mehr nötig, eine neuere Meldung ersetzt sie",
            "not needed any more, a newer notice replaces it"
        ),
    }
}

/// Rows and recipients that have neither ended nor been taken over.
fn unfinished(row: &BroadcastRow) -> u64 {
    let c = &row.counters;
    unopened(row).0 + c.waiting + c.started
}

/// Recipients of whom there is no row: those whose turn will come, and those whose turn never came because it was closed before.
fn unopened(row: &BroadcastRow) -> (u64, u64) {
    let left = row.counters.expected.saturating_sub(row.counters.opened);
    if row.state == BroadcastState::Open {
        (left, 0)
    } else {
        (0, left)
    }
}

fn website(row: &BroadcastRow, lane: &LaneRow, now: Ms, zone: &TimeZone) -> (Light, Said) {
    let (done, all) = (row.counters.delivered, row.counters.opened);
    let at = clock_time(row.first_done_ms.unwrap_or(row.changed_ms), now, zone);
    if done == all {
        return (
            Light::Done,
            match all {
                1 => said!("auf der Website seit {at}", "on the website since {at}"),
                _ => said!("auf allen {all} Zielen seit {at}", "on all {all} targets since {at}"),
            },
        );
    }
    let tail = next_try(row, lane, now, zone);
    (
        Light::Waiting,
        Said {
            de: format!("auf {done} von {all} Zielen{}", tail.de),
            en: format!("on {done} of {all} targets{}", tail.en),
        },
    )
}

fn account(row: &BroadcastRow, lane: &LaneRow, now: Ms, zone: &TimeZone) -> (Light, Said) {
    let c = &row.counters;
    let at = clock_time(row.changed_ms, now, zone);
    let Said { de, en } = Said::in_brackets(row.last_text.as_ref());
    if c.delivered > 0 {
        return (Light::Done, said!("veröffentlicht {at}", "published {at}"));
    }
    if c.accepted > 0 {
        return (
            Light::Waiting,
            said!(
                "übergeben {at}, Zustellbericht steht aus",
                "handed over {at}, delivery report to come"
            ),
        );
    }
    if c.unknown > 0 {
        let id = row.id;
        let Said { de: ways_de, en: ways } = ways_to_decide(row, now);
        return (
            Light::Look,
            said!(
                "unbekannt, ob angekommen{de}; bitte entscheiden: rundruf decide b{id} {ways_de}",
                "unknown whether it arrived{en}; please decide: rundruf decide b{id} {ways}"
            ),
        );
    }
    if c.permanent + c.gone > 0 {
        return (Light::Look, said!("abgelehnt {at}{de}", "refused {at}{en}"));
    }
    if c.expired > 0 {
        return (
            Light::Look,
            said!("abgelaufen {at}, nicht gesendet", "out of time {at}, not sent"),
        );
    }
    if c.dropped > 0 {
        return (Light::Look, said!("aufgegeben {at}", "given up {at}"));
    }
    if c.superseded > 0 {
        return (Light::Superseded, replaced(row));
    }
    if c.started > 0 {
        return (Light::Waiting, said!("wird gerade gesendet", "being sent"));
    }
    let tail = next_try(row, lane, now, zone);
    if lane.health.failures > 0 || row.last_text.is_some() {
        // One failure is no outage yet: before the lane's health knows of one, the last try is what is known.
        let began = if lane.health.failures > 0 {
            lane.health.since_ms
        } else {
            row.changed_ms
        };
        let since = clock_time(began, now, zone);
        return (
            Light::Waiting,
            Said {
                de: format!("nicht erreichbar seit {since}{}", tail.de),
                en: format!("not reachable since {since}{}", tail.en),
            },
        );
    }
    (
        Light::Waiting,
        Said {
            de: format!("wartet{}", tail.de),
            en: format!("waiting{}", tail.en),
        },
    )
}

fn audience(row: &BroadcastRow, lane: &LaneRow, now: Ms, zone: &TimeZone) -> (Light, Said) {
    let c = &row.counters;
    let all = c.expected.max(c.opened);
    if all == 0 && row.state != BroadcastState::Open {
        let text = said!("betrifft niemanden auf der Liste", "concerns nobody on the list");
        return (Light::Done, text);
    }
    let (all_de, done_de) = (dotted(all), dotted(c.delivered));
    let done = c.delivered;
    let mut text = said!("{done_de} von {all_de} zugestellt", "{done} of {all} delivered");
    let mut add = |n: u64, de: &str, en: &str| {
        if n > 0 {
            text.de.push_str(&format!(", {} {de}", dotted(n)));
            text.en.push_str(&format!(", {n} {en}"));
        }
    };
    let (reported_de, reported_en) = match row.removed_ms {
        None => ("übergeben, Zustellbericht steht aus", "handed over, report to come"),
        Some(_) => ("übergeben, ohne Zustellbericht", "handed over, no report came"),
    };
    add(c.accepted, reported_de, reported_en);
    add(c.started, "unterwegs", "under way");
    add(c.unknown, "unbekannt", "unknown");
    add(c.permanent, "abgelehnt", "refused");
    add(c.gone, "nicht mehr dabei", "gone");
    add(c.expired, "abgelaufen", "out of time");
    add(c.dropped, "aufgegeben", "given up");
    let (unopened, mut never) = unopened(row);
    if row.summed_up_in.is_some() {
        let Said { de, en } = replaced(row);
        add(c.superseded + std::mem::take(&mut never), &de, &en);
    } else {
        add(c.superseded, "durch Neueres ersetzt", "replaced by newer");
    }
    if never > 0 && row.expires_ms.is_some_and(|at| at <= row.changed_ms) {
        add(
            never,
            "abgelaufen, bevor es hinausging",
            "out of time before it went out",
        );
    } else {
        add(never, "nicht mehr gesendet", "not sent any more");
    }
    add(c.waiting + unopened, wait(c.waiting + unopened), "waiting");
    if c.waiting + unopened > 0 && (lane.health.failures > 0 || row.last_text.is_some()) {
        let tail = next_try(row, lane, now, zone);
        text.de.push_str(&tail.de);
        text.en.push_str(&tail.en);
    }
    if c.unknown > 0 {
        let (id, Said { de, en }) = (row.id, Said::in_brackets(row.last_text.as_ref()));
        let ways = ways_to_decide(row, now);
        text.de
            .push_str(&format!("{de}; bitte entscheiden: rundruf decide b{id} {}", ways.de));
        text.en
            .push_str(&format!("{en}; please decide: rundruf decide b{id} {}", ways.en));
    }
    // A report that never comes must not hide what a person has to decide.
    let light = if unfinished(row) > 0 || (c.accepted > 0 && c.unknown == 0 && row.removed_ms.is_none()) {
        Light::Waiting
    } else if c.unknown + c.permanent + c.expired + never > 0 {
        Light::Look
    } else {
        Light::Done
    };
    (light, text)
}

/// When it goes on, as clock time: not before the lane's own pause is over, whatever the row says.
fn next_try(row: &BroadcastRow, lane: &LaneRow, now: Ms, zone: &TimeZone) -> Said {
    let Said { de, en } = Said::in_brackets(row.last_text.as_ref());
    let Some(due) = row.next_due_ms else {
        return Said { de, en };
    };
    let due = due.max(lane.health.blocked_until_ms.unwrap_or(due));
    if due > now {
        let at = exact_time(due, now, zone);
        said!(", nächster Versuch {at}{de}", ", next try {at}{en}")
    } else {
        said!(", jetzt an der Reihe{de}", ", due now{en}")
    }
}

/// The counters as one number each for a whole incident: what a person asks first.
pub fn sum(rows: &[BroadcastRow]) -> Counters {
    rows.iter().fold(Counters::default(), |mut sum, row| {
        let c = &row.counters;
        for (mine, theirs) in [
            (&mut sum.opened, c.opened),
            (&mut sum.expected, c.expected),
            (&mut sum.waiting, c.waiting),
            (&mut sum.started, c.started),
            (&mut sum.accepted, c.accepted),
            (&mut sum.delivered, c.delivered),
            (&mut sum.unknown, c.unknown),
            (&mut sum.permanent, c.permanent),
            (&mut sum.gone, c.gone),
            (&mut sum.superseded, c.superseded),
            (&mut sum.expired, c.expired),
            (&mut sum.dropped, c.dropped),
        ] {
            *mine += theirs;
        }
        sum
    })
}
