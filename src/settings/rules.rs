//! Rules between sections: parents, failover, staff, imprint; and what follows from several sections together.

use std::collections::BTreeSet;

use super::Settings;
use super::raw::RawTable;
use super::reader::hint;
use crate::domain::problem::Problem;
use crate::domain::publisher::Publisher;
use crate::said;
use crate::text::said::Said;

/// Checks what one section says of another.
pub fn check(settings: &Settings, all: &RawTable) -> Vec<Problem> {
    let mut problems = Vec::new();
    parents(settings, all, &mut problems);
    failovers(settings, all, &mut problems);
    staff(settings, all, &mut problems);
    if !settings.listen.ip().is_loopback() {
        let why = said!(
            "Diese Seite wird öffentlich ausgeliefert ([serve] listen), und dafür fehlt das Impressum.",
            "this site is served to the public ([serve] listen), and the imprint for that is missing."
        );
        for id in settings.publishers.keys() {
            problems.extend(imprint(settings, all, id, why.clone()));
        }
    }
    problems
}

/// The problem of a publisher without a complete imprint; `why` says what demands it.
pub fn imprint(settings: &Settings, all: &RawTable, id: &str, why: Said) -> Option<Problem> {
    let publisher = settings.publishers.get(id)?;
    if publisher
        .imprint
        .as_ref()
        .is_some_and(crate::domain::publisher::Imprint::complete)
    {
        return None;
    }
    let table = all.table("publisher")?.table(id)?;
    Some(table.place.problem(
        &table.field("imprint"),
        why,
        said!(
            "Bitte füllen Sie [publisher.{id}.imprint] aus: name, address, represented_by, phone, email, responsible.",
            "Fill in [publisher.{id}.imprint]: name, address, represented_by, phone, email, responsible."
        ),
    ))
}

fn parents(settings: &Settings, all: &RawTable, problems: &mut Vec<Problem>) {
    for (id, publisher) in &settings.publishers {
        let Some(parent) = &publisher.parent else {
            continue;
        };
        let Some(node) = all
            .table("publisher")
            .and_then(|t| t.table(id))
            .and_then(|t| t.entries.get("parent"))
        else {
            continue;
        };
        let field = format!("publisher.{id}.parent");
        if !settings.publishers.contains_key(parent) {
            let (de, en) = hint(parent, settings.publishers.keys().map(String::as_str));
            problems.push(node.place.problem(
                &field,
                said!(
                    "Einen Herausgeber \"{parent}\" gibt es nicht.{de}",
                    "there is no publisher \"{parent}\".{en}"
                ),
                said!(
                    "Bitte nennen Sie eine Kennung aus [publisher.…] oder lassen Sie parent weg.",
                    "Name an id of [publisher.…] or leave parent out."
                ),
            ));
            continue;
        }
        let mut seen = BTreeSet::from([id]);
        let mut at = parent;
        loop {
            if !seen.insert(at) {
                problems.push(node.place.problem(
                    &field,
                    said!(
                        "Die Angaben parent führen im Kreis.",
                        "the parents go round in a circle."
                    ),
                    said!(
                        "Bitte lassen Sie bei einem Herausgeber parent weg.",
                        "Leave parent out at one publisher."
                    ),
                ));
                break;
            }
            match settings.publishers.get(at).and_then(|p| p.parent.as_ref()) {
                Some(next) => at = next,
                None => break,
            }
        }
    }
}

fn failovers(settings: &Settings, all: &RawTable, problems: &mut Vec<Problem>) {
    for (name, channel) in &settings.channels {
        let Some(target) = &channel.common.failover else {
            continue;
        };
        let Some(node) = all
            .table("channel")
            .and_then(|t| t.table(name))
            .and_then(|t| t.entries.get("failover"))
        else {
            continue;
        };
        let field = format!("channel.{name}.failover");
        let Some(other) = settings.channels.get(target) else {
            let (de, en) = hint(target, settings.channels.keys().map(String::as_str));
            problems.push(node.place.problem(
                &field,
                said!(
                    "Einen Kanal \"{target}\" gibt es nicht.{de}",
                    "there is no channel \"{target}\".{en}"
                ),
                said!(
                    "Bitte nennen Sie einen Kanal aus [channel.…].",
                    "Name a channel of [channel.…]."
                ),
            ));
            continue;
        };
        if other.publishers != channel.publishers {
            problems.push(node.place.problem(
                &field,
                said!(
                    "Der Ersatzkanal \"{target}\" spricht für andere Herausgeber.",
                    "the reserve channel \"{target}\" speaks for other publishers."
                ),
                said!(
                    "Beide Kanäle brauchen dieselben publishers.",
                    "Both channels need the same publishers."
                ),
            ));
        }
        let mut seen = BTreeSet::from([name]);
        let mut at = target;
        loop {
            if !seen.insert(at) {
                problems.push(node.place.problem(
                    &field,
                    said!(
                        "Die Ersatzkanäle führen im Kreis.",
                        "the reserve channels go round in a circle."
                    ),
                    said!(
                        "Bitte lassen Sie bei einem Kanal failover weg.",
                        "Leave failover out at one channel."
                    ),
                ));
                break;
            }
            match settings.channels.get(at).and_then(|c| c.common.failover.as_ref()) {
                Some(next) => at = next,
                None => break,
            }
        }
    }
}

fn staff(settings: &Settings, all: &RawTable, problems: &mut Vec<Problem>) {
    let Some(node) = all.table("staff").and_then(|t| t.entries.get("notify")) else {
        return;
    };
    for name in &settings.staff_notify {
        if !settings.channels.contains_key(name) {
            let (de, en) = hint(name, settings.channels.keys().map(String::as_str));
            problems.push(node.place.problem(
                "staff.notify",
                said!(
                    "Einen Kanal \"{name}\" gibt es nicht.{de}",
                    "there is no channel \"{name}\".{en}"
                ),
                said!(
                    "Bitte nennen Sie Kanäle aus [channel.…].",
                    "Name channels of [channel.…]."
                ),
            ));
        }
    }
}

impl Settings {
    /// Whether the public site shows exercises of a publisher: only where every website of its own gets them. One that trains
    /// on web space of its own must not put the exercise where citizens look.
    pub fn shows_exercises(&self, publisher: &String) -> bool {
        let websites = self.channels.values().filter(|c| c.kind == "website");
        let mut websites = websites.filter(|c| c.publishers.contains(publisher)).peekable();
        websites.peek().is_some() && websites.all(|c| c.common.exercises)
    }

    /// Name of the publisher above another.
    pub fn parent_name(&self, publisher: &Publisher) -> Option<String> {
        let parent = self.publishers.get(publisher.parent.as_ref()?)?;
        Some(parent.name.clone())
    }

    /// Keys that are accepted and do nothing yet: who relies on one has to hear that.
    pub fn without_effect(&self) -> Vec<Said> {
        let staff = (!self.staff_notify.is_empty()).then(|| "staff.notify".to_owned());
        let verify = self.channels.values().filter(|c| c.common.verify);
        let verify = verify.map(|c| format!("channel.{}.verify", c.name));
        staff
            .into_iter()
            .chain(verify)
            .map(|key| said!("{key} ist noch ohne Wirkung.", "{key} has no effect yet."))
            .collect()
    }
}
