//! Whose notice it is, and of which incident.

use jiff::Timestamp;

use super::Notes;
use crate::domain::draft::{Context, Draft, KnownIncident, RECOGNISED};
use crate::domain::publisher::Publisher;
use crate::domain::read::sink::{Sink, choice};
use crate::ids::is_slug;
use crate::said;
use crate::text::lang::Lang;
use crate::text::near::nearest;

/// The incident a notice belongs to.
pub struct Home<'a> {
    /// Its id.
    pub slug: String,
    /// As known; `None`: this notice begins it.
    pub known: Option<&'a KnownIncident>,
    /// Number of the notice with the same key.
    pub existing: Option<u32>,
}

impl Home<'_> {
    /// Number of the newest notice; 0 without one.
    pub fn newest(&self) -> u32 {
        self.known
            .and_then(|known| known.notices.last())
            .map_or(0, |notice| notice.number)
    }
}

/// The publisher given, or the only one.
pub fn publisher<'a>(
    draft: &Draft,
    context: &Context<'a>,
    sink: &mut Sink,
    notes: &mut Notes,
) -> Option<&'a Publisher> {
    let ids: Vec<&str> = context.publishers.iter().map(|p| p.id.as_str()).collect();
    if let Some(given) = &draft.publisher {
        let found = context.publishers.iter().find(|p| p.id == given.value);
        if found.is_none() {
            let id = &given.value;
            let what = said!(
                "Den Herausgeber \"{id}\" gibt es nicht.",
                "There is no publisher \"{id}\"."
            );
            sink.add(given.line, "publisher", what, choice(id, &ids));
        }
        return found;
    }
    match context.publishers {
        [only] => {
            let (id, name) = (&only.id, &only.name);
            notes.filled(said!(
                "Herausgeber: {name} ({id}), der einzige eingerichtete.",
                "Publisher: {name} ({id}), the only one configured."
            ));
            Some(only)
        }
        [] => {
            sink.add(
                0,
                "publisher",
                said!("Es ist kein Herausgeber eingerichtet.", "No publisher is configured."),
                said!(
                    "Richten Sie in channels.toml einen ein: [publisher.stadt].",
                    "Configure one in channels.toml: [publisher.city]."
                ),
            );
            None
        }
        _ => {
            let list = ids.join(", ");
            sink.add(
                0,
                "publisher",
                said!(
                    "Es sind mehrere Herausgeber eingerichtet.",
                    "Several publishers are configured."
                ),
                said!(
                    "Nennen Sie einen: publisher = \"…\"; eingerichtet sind: {list}.",
                    "Name one: publisher = \"…\"; configured are: {list}."
                ),
            );
            None
        }
    }
}

/// True where the publisher has the language; else a fault.
pub fn has_language(publisher: &Publisher, lang: Lang, line: usize, field: &str, sink: &mut Sink) -> bool {
    if publisher.languages.contains(&lang) {
        return true;
    }
    let list = publisher
        .languages
        .iter()
        .map(|l| l.tag())
        .collect::<Vec<_>>()
        .join(", ");
    let id = &publisher.id;
    sink.add(
        line,
        field,
        said!(
            "Der Herausgeber {id} hat die Sprache {lang} nicht.",
            "The publisher {id} does not have the language {lang}."
        ),
        said!(
            "Seine Sprachen sind: {list}; ergänzen Sie languages in channels.toml oder streichen Sie den Text.",
            "Its languages are: {list}; add to languages in channels.toml or remove the text."
        ),
    );
    false
}

/// The incident given, the only open one, or a new one. What does not say that it is an exercise never becomes part of one:
/// a real notice has to reach everybody. `key` recognises what was published before.
pub fn incident<'a>(
    draft: &Draft,
    context: &Context<'a>,
    publisher: &Publisher,
    key: &str,
    sink: &mut Sink,
    notes: &mut Notes,
) -> Option<Home<'a>> {
    let mine: Vec<&KnownIncident> = context
        .incidents
        .iter()
        .filter(|i| i.publisher == publisher.id)
        .collect();
    let by_key = |known: &KnownIncident| known.keys.iter().find(|k| k.key == key).map(|k| k.number);
    let open: Vec<&KnownIncident> = mine.iter().copied().filter(|i| !i.closed).collect();
    if let Some(given) = &draft.incident {
        let slug = &given.value;
        let known = mine.iter().copied().find(|i| i.slug == *slug);
        if known.is_none() {
            notes.filled(said!(
                "Mit dieser Meldung beginnt der Vorfall {slug}.",
                "This notice begins the incident {slug}."
            ));
            let open: Vec<&str> = open.iter().map(|i| i.slug.as_str()).collect();
            if let Some(near) = nearest(slug, open).filter(|n| strsim::levenshtein(n, slug) <= 2) {
                notes.warn(said!(
                    "Es gibt schon den offenen Vorfall {near}; {slug} beginnt einen neuen. Ist das gemeint?",
                    "There is the open incident {near} already; {slug} begins a new one. Is that meant?"
                ));
            }
        }
        return Some(Home {
            slug: slug.clone(),
            known,
            existing: known.and_then(by_key),
        });
    }
    let exercise = draft.exercise.as_ref().is_some_and(|at| at.value);
    let (alike, others): (Vec<&KnownIncident>, Vec<_>) = open.into_iter().partition(|i| i.exercise == exercise);
    if let Some(other) = others.first().filter(|other| other.exercise) {
        let slug = &other.slug;
        notes.warn(said!(
            "Die Übung {slug} ist offen; diese Meldung gehört nicht dazu und geht an alle Kanäle. Gehört sie zur Übung: incident = \"{slug}\".",
            "The exercise {slug} is open; this notice is no part of it and goes to all channels. If it is: incident = \"{slug}\"."
        ));
    }
    match alike.as_slice() {
        [only] => {
            let slug = &only.slug;
            notes.filled(said!(
                "Vorfall: {slug}, der einzige offene.",
                "Incident: {slug}, the only open one."
            ));
            Some(Home {
                slug: slug.clone(),
                known: Some(only),
                existing: by_key(only),
            })
        }
        [] => Some(closed_by_the_same(&mine, context, by_key).unwrap_or_else(|| {
            let slug = new_slug(&mine, publisher, context.now);
            notes.filled(said!(
                "Kein Vorfall ist offen: mit dieser Meldung beginnt der Vorfall {slug}.",
                "No incident is open: this notice begins the incident {slug}."
            ));
            Home {
                slug,
                known: None,
                existing: None,
            }
        })),
        several => {
            let list = several.iter().map(|i| i.slug.as_str()).collect::<Vec<_>>().join(", ");
            sink.add(
                0,
                "incident",
                said!("Es sind mehrere Vorfälle offen.", "Several incidents are open."),
                said!(
                    "Nennen Sie einen: incident = \"…\"; offen sind: {list}.",
                    "Name one: incident = \"…\"; open are: {list}."
                ),
            );
            None
        }
    }
}

/// The incident that this very notice closed a while ago: published twice, it must not begin a new one.
fn closed_by_the_same<'a>(
    mine: &[&'a KnownIncident],
    context: &Context<'_>,
    by_key: impl Fn(&KnownIncident) -> Option<u32>,
) -> Option<Home<'a>> {
    mine.iter().rev().find_map(|known| {
        let last = known.notices.last()?;
        let fresh = context.now.duration_since(last.published) < RECOGNISED;
        let existing = by_key(known).filter(|number| fresh && *number == last.number)?;
        Some(Home {
            slug: known.slug.clone(),
            known: Some(known),
            existing: Some(existing),
        })
    })
}

/// The id of an incident that nobody has named: `YYYY-MM-DD-it`, with `-2`, `-3`, … where that day has one already among the
/// publisher's incidents.
pub fn new_slug(mine: &[&KnownIncident], publisher: &Publisher, now: Timestamp) -> String {
    let today = now.to_zoned_datetime(publisher.timezone.clone()).date();
    let base = format!("{today}-it");
    let taken = |slug: &str| mine.iter().any(|i| i.slug == slug);
    let mut slug = base.clone();
    let mut n = 2_u32;
    while taken(&slug) {
        slug = format!("{base}-{n}");
        n += 1;
    }
    debug_assert!(is_slug(&slug), "{slug}");
    slug
}
