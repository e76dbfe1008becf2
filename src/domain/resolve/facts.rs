//! Facts as given become the patches of a notice: times resolved, words sorted by language.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::Notes;
use super::belonging::has_language;
use super::zone::Zone;
use crate::domain::draft::{Draft, Given, GivenFact};
use crate::domain::facts::Facts;
use crate::domain::publisher::Publisher;
use crate::domain::read::sink::Sink;
use crate::domain::schema::Table;
use crate::said;

/// The patches of a draft; `None` with faults in `sink`.
pub fn facts(
    draft: &Draft,
    publisher: &Publisher,
    zone: &Zone<'_>,
    sink: &mut Sink,
    notes: &mut Notes,
) -> Option<Facts> {
    let mut facts = Facts::default();
    let mut all = Some(());
    for given in &draft.facts {
        let added = fields(given, publisher, zone, sink, notes).and_then(|fields| add(&mut facts, given, fields, sink));
        all = all.and(added);
    }
    all.map(|()| facts)
}

/// A fact in the shape of its JSON.
fn fields(
    given: &GivenFact,
    publisher: &Publisher,
    zone: &Zone<'_>,
    sink: &mut Sink,
    notes: &mut Notes,
) -> Option<Value> {
    let (table, id) = (given.table.name(), &given.id);
    let mut out = Map::new();
    for (name, at) in &given.fields {
        let field = format!("{table}.{id}.{name}");
        let value = match &at.value {
            Given::Plain(value) => value.clone(),
            Given::Time(time) => json!(zone.moment(*time, at.line, &field, sink, notes)?),
            Given::When(when) => json!(zone.when(when, at.line, &field, sink, notes)?),
            Given::Until(until) => json!(zone.until(until, at.line, &field, sink, notes)?),
        };
        out.insert((*name).to_owned(), value);
    }
    let mut translations = Map::new();
    for (lang, at) in &given.texts {
        let field = format!("{table}.{id}.text.{lang}");
        if !has_language(publisher, *lang, at.line, &field, sink) {
            return None;
        }
        if *lang != publisher.first_language() {
            translations.insert(lang.tag().to_owned(), json!(at.value));
            continue;
        }
        for (name, text) in &at.value {
            if out.insert(name.clone(), json!(text)).is_some() {
                sink.add(
                    at.line,
                    &field,
                    said!(
                        "{name} ist auf {lang} zweimal angegeben.",
                        "{name} is given twice in {lang}."
                    ),
                    said!("Streichen Sie eine der beiden Angaben.", "Remove one of the two."),
                );
                return None;
            }
        }
    }
    if !translations.is_empty() {
        out.insert("translations".to_owned(), translations.into());
    }
    Some(out.into())
}

fn add(facts: &mut Facts, given: &GivenFact, fields: Value, sink: &mut Sink) -> Option<()> {
    fn put<T: DeserializeOwned>(
        table: &mut std::collections::BTreeMap<String, T>,
        given: &GivenFact,
        fields: Value,
        sink: &mut Sink,
    ) -> Option<()> {
        match serde_json::from_value(fields) {
            Ok(fact) => {
                table.insert(given.id.clone(), fact);
                Some(())
            }
            // The reader has checked every field by the same schema; a test reads all of them.
            Err(error) => {
                let (name, id) = (given.table.name(), &given.id);
                sink.add(
                    given.line,
                    &format!("{name}.{id}"),
                    said!(
                        "Der Fakt passt nicht in seine Tabelle ({error}).",
                        "The fact does not fit its table: {error}."
                    ),
                    said!(
                        "Vergleichen Sie ihn mit den Beispielen.",
                        "Compare it with the examples."
                    ),
                );
                None
            }
        }
    }
    match given.table {
        Table::Service => put(&mut facts.service, given, fields, sink),
        Table::Contact => put(&mut facts.contact, given, fields, sink),
        Table::Place => put(&mut facts.place, given, fields, sink),
        Table::Assured => put(&mut facts.assured, given, fields, sink),
        Table::Unaffected => put(&mut facts.unaffected, given, fields, sink),
        Table::Finding => put(&mut facts.finding, given, fields, sink),
        Table::Unknown => put(&mut facts.unknown, given, fields, sink),
        Table::Question => put(&mut facts.question, given, fields, sink),
        Table::Said => put(&mut facts.said, given, fields, sink),
        Table::Event => put(&mut facts.event, given, fields, sink),
    }
}
