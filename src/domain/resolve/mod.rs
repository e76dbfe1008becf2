//! Fills in and checks a draft against what is known: publisher, incident, state, times, references, languages (NOTICE.md
//! "What is filled in" and the rules under it). Pure: the same draft in the same context gives the same notice.

mod belonging;
mod facts;
mod hash;
mod order;
mod warn;
mod zone;

use std::collections::BTreeMap;

use super::draft::{Context, Draft, Resolved};
use super::notice::{Notice, Words};
use super::problem::Problem;
use super::publisher::Publisher;
use super::read::sink::Sink;
use super::when::Next;
use crate::said;
use crate::text::lang::Lang;
use crate::text::said::Said;
pub use belonging::new_slug;
use zone::Zone;

/// What is said to the author beside faults.
#[derive(Debug, Default)]
struct Notes {
    filled: Vec<Said>,
    warnings: Vec<Said>,
}

impl Notes {
    fn filled(&mut self, said: Said) {
        self.filled.push(said);
    }
    fn warn(&mut self, said: Said) {
        if !self.warnings.contains(&said) {
            self.warnings.push(said);
        }
    }
}

/// Fills in and checks a draft against what is known.
pub fn resolve(draft: &Draft, context: &Context<'_>) -> Result<Resolved, Vec<Problem>> {
    let mut sink = Sink::new(&draft.file);
    match fill(draft, context, &mut sink) {
        Some(resolved) if sink.is_empty() => Ok(resolved),
        _ => Err(sink.into_problems()),
    }
}

fn fill(draft: &Draft, context: &Context<'_>, sink: &mut Sink) -> Option<Resolved> {
    let mut notes = Notes::default();
    let publisher = belonging::publisher(draft, context, sink, &mut notes)?;
    let zone = Zone::new(&publisher.timezone, context.now);
    let mut notice = as_written(draft, publisher, &zone, sink, &mut notes);
    let content_hash = hash::of(draft, &notice);
    let key = draft.key.as_deref().unwrap_or(&content_hash);
    let home = belonging::incident(draft, context, publisher, key, sink, &mut notes)?;
    notice.incident.clone_from(&home.slug);
    order::apply(draft, &home, &mut notice, sink, &mut notes);
    warn::apply(draft, &home, publisher, context, &mut notice, sink, &mut notes);
    Some(Resolved {
        notice,
        new_incident: home.known.is_none(),
        existing: home.existing,
        key: draft.key.clone(),
        after: draft.after,
        content_hash,
        filled: notes.filled,
        warnings: notes.warnings,
    })
}

/// The notice with what the file says, its times resolved; incident, number, kind and state follow.
fn as_written(draft: &Draft, publisher: &Publisher, zone: &Zone<'_>, sink: &mut Sink, notes: &mut Notes) -> Notice {
    let as_of = draft.as_of.as_ref();
    let as_of = as_of.and_then(|at| zone.moment(at.value, at.line, "as_of", sink, notes));
    if draft.as_of.is_none() {
        let now = zone.shown(zone.now);
        notes.filled(said!(
            "Stand (as_of): der Zeitpunkt der Veröffentlichung, jetzt {now}.",
            "As of: the time of publication, now {now}."
        ));
    }
    let numbers =
        |list: &Option<super::draft::At<Vec<u32>>>| list.as_ref().map(|at| at.value.clone()).unwrap_or_default();
    let next = draft.next.as_ref().and_then(|at| {
        let place = at.value.place.clone();
        let at = zone.when(&at.value.at, at.line, "next", sink, notes)?;
        Some(Next { at, place })
    });
    Notice {
        publisher: publisher.id.clone(),
        incident: String::new(),
        number: 0,
        kind: super::words::Kind::Notice,
        state: super::words::IncidentState::Restricted,
        exercise: false,
        title: None,
        parent: draft
            .parent
            .as_ref()
            .map(|at| format!("{}/{}", at.value.publisher, at.value.incident)),
        words: words(draft, publisher, sink, notes),
        scope: draft.scope.as_ref().map(|at| at.value.clone()).unwrap_or_default(),
        at: draft
            .at
            .as_ref()
            .and_then(|at| zone.when(&at.value, at.line, "at", sink, notes)),
        since: draft
            .since
            .as_ref()
            .and_then(|at| zone.when(&at.value, at.line, "since", sink, notes)),
        as_of: as_of.unwrap_or(zone.now),
        published: zone.now,
        next,
        replaces: numbers(&draft.replaces),
        takes_back: numbers(&draft.takes_back),
        corrects: numbers(&draft.corrects),
        urgent: draft.urgent,
        cleared_with: draft.cleared_with.clone(),
        facts: facts::facts(draft, publisher, zone, sink, notes).unwrap_or_default(),
    }
}

/// The words by language; a language the publisher does not have is a fault, a missing one is noted.
fn words(draft: &Draft, publisher: &Publisher, sink: &mut Sink, notes: &mut Notes) -> BTreeMap<Lang, Words> {
    let first = publisher.first_language();
    let mut words = BTreeMap::from([(first, draft.words.clone())]);
    for (lang, at) in &draft.texts {
        if *lang == first {
            sink.add(
                at.line,
                &format!("text.{lang}"),
                said!(
                    "{lang} ist die erste Sprache des Herausgebers; ihre Texte stehen ganz oben.",
                    "{lang} is the publisher's first language; its texts stand at the top."
                ),
                said!("Streichen Sie [text.{lang}].", "Remove [text.{lang}]."),
            );
        } else if belonging::has_language(publisher, *lang, at.line, &format!("text.{lang}"), sink) {
            words.insert(*lang, at.value.clone());
        }
    }
    notes.filled(said!(
        "Sprache der Texte ganz oben: {first}, die erste des Herausgebers.",
        "Language of the texts at the top: {first}, the publisher's first."
    ));
    let whole = |lang: &Lang| words.get(lang).is_some_and(Words::whole);
    let missing = publisher.languages.iter().filter(|lang| !whole(lang));
    let missing = missing.map(|lang| lang.tag()).collect::<Vec<_>>().join(", ");
    if !missing.is_empty() {
        notes.filled(said!(
            "Ohne Text oder ohne ganzen Text in: {missing}. Was fehlt, erscheint dort auf {first}, mit einem Satz, der das sagt.",
            "No text or no whole text in: {missing}. What is missing appears there in {first}, with a sentence saying so."
        ));
    }
    words
}
