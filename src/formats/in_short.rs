//! An incident's facts in a few lines, for channels that bring more than a headline (e-mail): the same words as on the page.

use super::blocks::{Badge, Blocks};
use super::contacts::Contact;
use crate::domain::incident::IncidentView;
use crate::domain::publisher::Publisher;
use crate::render::Engine;
use crate::render::message::{InShort, ShortLine};
use crate::render::times::{Text, Voice, clean};
use crate::text::lang::Lang;

/// More services than this are counted, not listed: a mail is read on a phone, and the page has them all.
const MOST_SERVICES: usize = 12;
/// More contacts than this nobody compares.
const MOST_CONTACTS: usize = 6;

/// The facts as they stand with the incident's newest notice.
pub fn in_short(engine: &Engine, publisher: &Publisher, view: &IncidentView, lang: Lang) -> InShort {
    let voice = Voice {
        words: engine.words(lang),
        zone: publisher.timezone.clone(),
        first: publisher.first_language(),
    };
    let blocks = Blocks {
        voice: &voice,
        view,
        place: None,
        // A frozen text says what holds at its own time.
        now: view.as_of,
    };
    let rows = blocks.services();
    let services = rows.iter().take(MOST_SERVICES).map(|row| {
        // The first line says the state in a sentence; here it stands as a word already.
        let lines = row.lines.iter().skip(usize::from(row.badge.is_some()));
        line(&row.name, row.badge.as_ref(), row.r#do.iter().chain(lines).cloned())
    });
    InShort {
        services: services.collect(),
        more: rows.len().saturating_sub(MOST_SERVICES),
        contacts: blocks.contacts().iter().take(MOST_CONTACTS).map(contact).collect(),
        phone: publisher.phone.as_deref().map(one_line),
    }
}

fn contact(contact: &Contact) -> ShortLine {
    let ways: Vec<&str> = contact.ways.iter().map(|way| way.text.as_str()).collect();
    let ways = (!ways.is_empty()).then(|| Text::own(ways.join(", ")));
    line(
        &contact.name,
        contact.badge.as_ref(),
        ways.into_iter().chain(contact.lines.iter().cloned()),
    )
}

/// Texts as sentences behind each other, each but the last with a full stop.
fn line(name: &Text, badge: Option<&Badge>, texts: impl Iterator<Item = Text>) -> ShortLine {
    let mut lines: Vec<Text> = texts
        .map(|text| Text {
            text: one_line(&text.text),
            ..text
        })
        .filter(|text| !text.text.is_empty())
        .collect();
    let last = lines.len().saturating_sub(1);
    for text in lines
        .iter_mut()
        .take(last)
        .filter(|t| !t.text.ends_with(['.', '!', '?', ':']))
    {
        text.text.push('.');
    }
    ShortLine {
        name: Text {
            text: one_line(&name.text),
            lang: name.lang,
        },
        state: badge.map(|badge| one_line(&badge.word)),
        lines,
    }
}

fn one_line(text: &str) -> String {
    clean(text).split_whitespace().collect::<Vec<_>>().join(" ")
}
