//! A notice to fill in: what `rundruf new` prints. Five lines wait for words, everything else is there already: the numbers it
//! refers to, the last notice seen, and what holds now.
//!
//! What holds now stands there as comments. A fact carries over by itself (NOTICE.md); given again it would take this notice's
//! as-of and look as if somebody had just checked it.

mod around;
mod page;
mod parts;

use jiff::Timestamp;

use crate::domain::draft::{KnownIncident, new_slug};
use crate::domain::incident::{IncidentView, NoticeView, Overtaken};
use crate::domain::publisher::Publisher;
use crate::domain::words::{IncidentState, Kind};
use crate::said;
use crate::text::said::Said;
use page::Page;

/// What kind of notice is to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// The first notice of an incident.
    First,
    /// The next one.
    Update,
    /// Sets an earlier notice right.
    Correction,
    /// Takes an earlier notice back.
    Retraction,
    /// What worked again is switched off again.
    RolledBack,
}

/// What a form is made from.
#[derive(Debug)]
pub struct Occasion<'a> {
    /// Who speaks.
    pub publisher: &'a Publisher,
    /// The notice must name its publisher.
    pub several: bool,
    /// All incidents of the publisher.
    pub incidents: &'a [&'a KnownIncident],
    /// The open incident it belongs to; `None` for a first notice.
    pub incident: Option<&'a KnownIncident>,
    /// The id of the incident that a first notice begins, where somebody chose one.
    pub wanted: Option<&'a str>,
    /// Now.
    pub now: Timestamp,
}

/// A form.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Filled {
    /// What it is for.
    pub kind: Form,
    /// Publisher's id.
    pub publisher: String,
    /// Incident's id; `None`: the one that a first notice begins by itself.
    pub incident: Option<String>,
    /// Number the notice will have.
    pub number: u32,
    /// The last notice seen; 0 for a first one.
    pub after: u32,
    /// The file.
    pub notice: String,
    /// Lines of it that wait for words, from 1.
    pub lines: Vec<usize>,
}

/// Writes a form in the publisher's language, or says why there is none.
pub fn form(kind: Form, occasion: &Occasion<'_>) -> Result<Filled, Said> {
    let publisher = occasion.publisher;
    let view = occasion
        .incident
        .and_then(|known| IncidentView::fold(publisher, &known.notices, None, occasion.now));
    if kind != Form::First && view.is_none() {
        return Err(said!(
            "Es gibt keinen offenen Vorfall. Die erste Meldung: rundruf new first",
            "There is no open incident. The first notice: rundruf new first"
        ));
    }
    let after = view
        .as_ref()
        .and_then(|v| v.notices.last())
        .map_or(0, |n| n.notice.number);
    let incident = match (&view, occasion.wanted) {
        (Some(view), _) => Some(view.slug.clone()),
        (None, Some(wanted)) => Some(wanted.to_owned()),
        // Left out it would be the open one.
        (None, None) => occasion
            .incidents
            .iter()
            .any(|i| !i.closed)
            .then(|| new_slug(occasion.incidents, publisher, occasion.now)),
    };
    let mut page = Page::new(publisher.first_language().is_german());
    page.head(kind, publisher, view.as_ref(), after + 1);
    match (kind, &view) {
        (Form::First, _) | (_, None) => page.first(occasion),
        (Form::Update, Some(view)) => page.update(view),
        (Form::Correction, Some(view)) => page.correction(&standing(view)?, occasion),
        (Form::Retraction, Some(view)) => page.retraction(&standing(view)?, occasion),
        (Form::RolledBack, Some(view)) => page.rolled_back(&restored(view), occasion),
    }
    page.more(kind);
    let named = occasion.several.then_some(publisher.id.as_str());
    page.belongs(kind, named, incident.as_deref(), after);
    match &view {
        None => page.contact(publisher),
        // A retraction says one thing.
        Some(_) if kind == Form::Retraction => {}
        Some(view) => page.live(view, publisher, kind),
    }
    page.languages(publisher);
    let (notice, lines) = page.finish();
    Ok(Filled {
        kind,
        publisher: publisher.id.clone(),
        incident,
        number: after + 1,
        after,
        notice,
        lines,
    })
}

/// The notices that can be corrected or taken back, oldest first.
fn standing(view: &IncidentView) -> Result<Vec<&NoticeView>, Said> {
    let gone = |n: &NoticeView| n.fate.as_ref().is_some_and(|fate| fate.how == Overtaken::Retracted);
    let all: Vec<&NoticeView> = view
        .notices
        .iter()
        .filter(|n| n.notice.kind != Kind::Retraction && !gone(n))
        .collect();
    if all.is_empty() {
        let slug = &view.slug;
        return Err(said!(
            "In {slug} steht keine Meldung mehr, die sich berichtigen oder zurückziehen ließe. Die nächste: rundruf new update",
            "{slug} has no notice left to correct or take back. The next one: rundruf new update"
        ));
    }
    Ok(all)
}

/// The notices that said something works again and still stand.
fn restored(view: &IncidentView) -> Vec<u32> {
    let back = |state| matches!(state, IncidentState::PartlyRestored | IncidentState::Restored);
    view.notices
        .iter()
        .filter(|n| n.fate.is_none() && n.notice.kind != Kind::Retraction && back(n.notice.state))
        .map(|n| n.notice.number)
        .collect()
}
