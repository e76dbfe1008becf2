//! What follows from the notices before: number, kind, state, references, exercise, title.

use std::collections::BTreeSet;

use super::Notes;
use super::belonging::Home;
use crate::domain::draft::{At, Draft};
use crate::domain::fold::retracted;
use crate::domain::notice::{Notice, Scope};
use crate::domain::read::sink::Sink;
use crate::domain::supersede::union;
use crate::domain::words::{IncidentState, Kind};
use crate::said;

/// Fills in and checks; faults in `sink`.
pub fn apply(draft: &Draft, home: &Home<'_>, notice: &mut Notice, sink: &mut Sink, notes: &mut Notes) {
    notice.number = home.newest() + 1;
    if home.existing.is_none() && home.known.is_some_and(|known| known.closed) {
        let slug = &home.slug;
        let line = draft.incident.as_ref().map_or(0, |at| at.line);
        sink.add(
            line,
            "incident",
            said!("Der Vorfall {slug} ist geschlossen.", "The incident {slug} is closed."),
            said!(
                "Öffnen Sie ihn wieder (rundruf incident reopen {slug}) oder nennen Sie einen anderen.",
                "Open it again (rundruf incident reopen {slug}) or name another one."
            ),
        );
    }
    references(draft, home, notice, sink);
    kind(draft, notice, sink, notes);
    scope(draft, home, notice, notes);
    state(draft, home, notice, notes);
    exercise(draft, home, notice, sink);
    title(draft, home, notice, notes);
}

fn references(draft: &Draft, home: &Home<'_>, notice: &Notice, sink: &mut Sink) {
    let newest = home.newest();
    let mut seen = BTreeSet::new();
    let lists: [(&str, &Option<At<Vec<u32>>>); 3] = [
        ("replaces", &draft.replaces),
        ("takes_back", &draft.takes_back),
        ("corrects", &draft.corrects),
    ];
    for (field, list) in lists {
        let Some(At { line, value }) = list else {
            continue;
        };
        for n in value {
            if *n > newest {
                let slug = &notice.incident;
                sink.add(
                    *line,
                    field,
                    said!(
                        "Eine Meldung {n} gibt es im Vorfall {slug} nicht.",
                        "There is no notice {n} in the incident {slug}."
                    ),
                    if newest == 0 {
                        said!(
                            "Der Vorfall hat noch keine Meldung; streichen Sie die Zeile oder prüfen Sie incident.",
                            "The incident has no notice yet; remove the line or check incident."
                        )
                    } else {
                        said!("Vorhanden sind 1 bis {newest}.", "There are 1 to {newest}.")
                    },
                );
            } else if !seen.insert(*n) {
                sink.add(
                    *line,
                    field,
                    said!(
                        "Meldung {n} ist in zwei Feldern genannt.",
                        "Notice {n} is named in two fields."
                    ),
                    said!(
                        "replaces: überholt; takes_back: galt, ist rückgängig; corrects: war falsch. Wählen Sie eines.",
                        "replaces: superseded; takes_back: was true, is undone; corrects: was wrong. Choose one."
                    ),
                );
            }
        }
    }
}

/// `corrects` makes a correction; a correction or retraction needs it.
fn kind(draft: &Draft, notice: &mut Notice, sink: &mut Sink, notes: &mut Notes) {
    let named = !notice.corrects.is_empty();
    match &draft.kind {
        None if named => {
            notice.kind = Kind::Correction;
            notes.filled(said!(
                "Art: Berichtigung, weil corrects angegeben ist.",
                "Kind: correction, because corrects is given."
            ));
        }
        None => {
            notice.kind = Kind::Notice;
            notes.filled(said!("Art: Meldung.", "Kind: notice."));
        }
        Some(At {
            line,
            value: Kind::Notice,
        }) if named => sink.add(
            *line,
            "kind",
            said!(
                "kind = \"notice\" und corrects widersprechen sich.",
                "kind = \"notice\" and corrects contradict each other."
            ),
            said!("Schreiben Sie kind = \"correction\".", "Write kind = \"correction\"."),
        ),
        Some(At { line, value: kind }) => {
            notice.kind = *kind;
            if *kind != Kind::Notice && !named {
                sink.add(
                    *line,
                    "kind",
                    said!(
                        "Für kind = \"{kind}\" fehlt corrects.",
                        "kind = \"{kind}\" lacks corrects."
                    ),
                    said!(
                        "Nennen Sie die Nummer der Meldung, um die es geht: corrects = [1].",
                        "Give the number of the notice it is about: corrects = [1]."
                    ),
                );
            }
        }
    }
}

/// A correction or retraction without a scope of its own concerns whom the notices concerned that it is about.
fn scope(draft: &Draft, home: &Home<'_>, notice: &mut Notice, notes: &mut Notes) {
    let known = home.known.map(|known| known.notices.as_slice()).unwrap_or_default();
    let about = known.iter().filter(|n| notice.corrects.contains(&n.number));
    let inherited = union(about.map(|n| &n.scope)).filter(|_| draft.scope.is_none());
    let Some(scope @ Scope::Named { places, services }) = &inherited else {
        return;
    };
    let names = places.iter().chain(services).map(String::as_str);
    let names = names.collect::<Vec<_>>().join(", ");
    notice.scope.clone_from(scope);
    notes.filled(said!(
        "Gilt für (scope): {names}, wie die Meldung, um die es geht.",
        "Scope: {names}, as of the notice it is about."
    ));
}

fn state(draft: &Draft, home: &Home<'_>, notice: &mut Notice, notes: &mut Notes) {
    if let Some(At { value, .. }) = &draft.state {
        notice.state = *value;
    } else if let Some(known) = home.known.filter(|known| !known.notices.is_empty()) {
        // What is retracted never was; and who reopens an incident does not mean to go on with "closed".
        let mut gone = retracted(&known.notices);
        if notice.kind == Kind::Retraction {
            gone.extend(&notice.corrects);
        }
        let holds = |n: &&Notice| !gone.contains(&n.number) && n.state != IncidentState::Closed;
        let last = known.notices.iter().rev().find(holds);
        notice.state = last.map_or(IncidentState::Restricted, |n| n.state);
        let word = notice.state;
        notes.filled(said!("Zustand: unverändert {word}.", "State: unchanged, {word}."));
    } else {
        notice.state = IncidentState::Restricted;
        notes.filled(said!(
            "Zustand: restricted (eingeschränkt), weil es die erste Meldung ist.",
            "State: restricted, because it is the first notice."
        ));
    }
    let before = home.known.map(|known| known.notices.as_slice()).unwrap_or_default();
    let restored = |n: &Notice| matches!(n.state, IncidentState::PartlyRestored | IncidentState::Restored);
    if notice.state == IncidentState::RolledBack && !before.iter().any(restored) {
        notes.warn(said!(
            "state = \"rolled-back\" heißt „wieder abgeschaltet“; bisher hat keine Meldung gesagt, dass etwas wieder geht (partly-restored, restored).",
            "state = \"rolled-back\" means switched off again; so far no notice has said that anything was back (partly-restored, restored)."
        ));
    }
}

/// An exercise is one from its first notice to its last.
fn exercise(draft: &Draft, home: &Home<'_>, notice: &mut Notice, sink: &mut Sink) {
    let given = draft.exercise.as_ref();
    let Some(known) = home.known else {
        notice.exercise = given.is_some_and(|at| at.value);
        return;
    };
    notice.exercise = known.exercise;
    if let Some(at) = given.filter(|at| at.value != known.exercise) {
        let slug = &home.slug;
        sink.add(
            at.line,
            "exercise",
            if known.exercise {
                said!("Der Vorfall {slug} ist eine Übung.", "The incident {slug} is an exercise.")
            } else {
                said!("Der Vorfall {slug} ist keine Übung.", "The incident {slug} is no exercise.")
            },
            said!(
                "Eine Übung ist ein eigener Vorfall: geben Sie incident = \"…-uebung\" an oder streichen Sie die Zeile.",
                "An exercise is an incident of its own: give incident = \"…-exercise\" or remove the line."
            ),
        );
    }
}

fn title(draft: &Draft, home: &Home<'_>, notice: &mut Notice, notes: &mut Notes) {
    let Some(At { value, .. }) = &draft.title else {
        return;
    };
    if home.known.is_none() {
        notice.title = Some(value.clone());
    } else {
        notes.warn(said!(
            "title benennt nur einen neuen Vorfall und bleibt hier ohne Wirkung.",
            "title names a new incident only and has no effect here."
        ));
    }
}
