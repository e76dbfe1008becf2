//! What looks wrong but is not refused, and what a new fact needs.

use super::Notes;
use super::belonging::Home;
use crate::domain::draft::{Context, Draft, Given, GivenFact};
use crate::domain::fold::Fold;
use crate::domain::guard;
use crate::domain::incident::LiveFacts;
use crate::domain::notice::{Notice, Scope};
use crate::domain::publisher::Publisher;
use crate::domain::read::sink::Sink;
use crate::domain::schema::Table;
use crate::said;

/// Warns; faults in `sink`.
pub fn apply(
    draft: &Draft,
    home: &Home<'_>,
    publisher: &Publisher,
    context: &Context<'_>,
    notice: &mut Notice,
    sink: &mut Sink,
    notes: &mut Notes,
) {
    let before = home.known.map(|known| known.notices.as_slice()).unwrap_or_default();
    let live = LiveFacts::of(&mut Fold::new(before, &publisher.timezone, context.now));
    for fact in &draft.facts {
        self::fact(fact, &live, publisher, sink, notes);
    }
    places(notice, &live, notes);
    times(publisher, context, notice, notes);
    guard(draft, notice, notes);
}

/// A new fact has something to show; an ended one is there.
fn fact(given: &GivenFact, live: &LiveFacts, publisher: &Publisher, sink: &mut Sink, notes: &mut Notes) {
    let (table, id) = (given.table.name(), &given.id);
    let known = live.contains(given.table, id);
    let plain = |name: &str| match given.fields.get(name).map(|at| &at.value) {
        Some(Given::Plain(value)) => Some(value),
        _ => None,
    };
    if plain("ended").and_then(serde_json::Value::as_bool) == Some(true) {
        if !known {
            notes.warn(said!(
                "{table}.{id} soll enden, ist aber in keiner gültigen Angabe vorhanden.",
                "{table}.{id} is to end, but there is no such fact."
            ));
        }
        return;
    }
    if known {
        return;
    }
    let first = given.texts.get(&publisher.first_language());
    let has = |name: &&str| given.fields.contains_key(*name) || first.is_some_and(|at| at.value.contains_key(*name));
    let needs = given.table.needs();
    if !needs.is_empty() && !needs.iter().any(has) {
        let list = needs.join(" / ");
        let lang = publisher.first_language();
        sink.add(
            given.line,
            &format!("{table}.{id}"),
            said!("Es fehlt {list} auf {lang}.", "{list} is missing in {lang}."),
            said!(
                "Ein neuer Fakt braucht etwas, das man zeigen kann: {list} = \"…\".",
                "A new fact needs something to show: {list} = \"…\"."
            ),
        );
    }
    if matches!(given.table, Table::Service | Table::Place) && !has(&"name") {
        notes.warn(said!(
            "{table}.{id} hat keinen Namen (name); gezeigt wird die Kennung \"{id}\".",
            "{table}.{id} has no name; its id \"{id}\" is shown."
        ));
    }
    let from = plain("state").and_then(serde_json::Value::as_str) == Some("from");
    if given.table == Table::Contact && from && !has(&"since") {
        notes.warn(said!(
            "{table}.{id}: bei state = \"from\" fehlt since; ohne es gilt der Kontakt nie als erreichbar.",
            "{table}.{id}: state = \"from\" lacks since; without it the contact never counts as working."
        ));
    }
}

/// Places and services named as scope exist as facts, so that they have a name.
fn places(notice: &Notice, live: &LiveFacts, notes: &mut Notes) {
    let Scope::Named { places, services } = &notice.scope else {
        return;
    };
    let missing_places = places
        .iter()
        .filter(|id| !notice.facts.place.contains_key(*id) && !live.place.contains_key(*id))
        .map(|id| ("place", id));
    let missing_services = services
        .iter()
        .filter(|id| !notice.facts.service.contains_key(*id) && !live.service.contains_key(*id))
        .map(|id| ("service", id));
    for (table, id) in missing_places.chain(missing_services) {
        notes.warn(said!(
            "scope nennt \"{id}\", aber es gibt keinen Fakt [{table}.{id}]; gezeigt wird die Kennung.",
            "scope names \"{id}\", but there is no fact [{table}.{id}]; the id is shown."
        ));
    }
}

fn times(publisher: &Publisher, context: &Context<'_>, notice: &Notice, notes: &mut Notes) {
    let tz = &publisher.timezone;
    if notice.as_of > context.now {
        notes.warn(said!(
            "Der Stand (as_of) liegt in der Zukunft.",
            "The as-of is in the future."
        ));
    }
    let promise = notice.next.as_ref().and_then(|next| next.at.over_at(tz));
    if promise.is_some_and(|at| at <= context.now) {
        notes.warn(said!(
            "Die angekündigte nächste Information (next) liegt in der Vergangenheit und erscheint als verspätet.",
            "The promised next information (next) is in the past and shows as overdue."
        ));
    }
    let mut alone = Fold::new(std::slice::from_ref(notice), tz, context.now);
    LiveFacts::of(&mut alone);
    for gone in alone.expired {
        let (table, id) = (gone.table, gone.id);
        notes.warn(said!(
            "{table}.{id} ist schon abgelaufen und erscheint nicht mehr.",
            "{table}.{id} has run out already and is not shown."
        ));
    }
}

/// Words that want somebody's consent first.
fn guard(draft: &Draft, notice: &Notice, notes: &mut Notes) {
    for hit in guard::hits(notice, draft.as_of.is_some()) {
        // "No sign so far" under "assured" stays wrong whoever has agreed to it.
        if draft.cleared_with.is_none() || hit.always {
            notes.warn(hit.said);
        }
    }
}
