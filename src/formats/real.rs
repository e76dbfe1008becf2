//! How readers tell that a page is real, and where an incident comes from: who publishes it, who stands above, which official
//! sites point here.

use serde::Serialize;

use super::frame::{Desk, Dial};
use super::links::tel;
use crate::domain::incident::IncidentView;
use crate::render::times::{Text, clean};

/// "Woran Sie erkennen, dass diese Seite echt ist".
#[derive(Debug, Clone, Serialize)]
pub struct Real {
    /// "Herausgeber dieser Seite: Landeshauptstadt Potsdam, Brandenburg."
    publisher: String,
    /// The one above.
    parent: Option<Above>,
    /// Official sites and accounts that point here.
    official: Vec<String>,
    /// Number to compare notices by.
    phone: Option<Dial>,
}

/// A publisher above this one.
#[derive(Debug, Clone, Serialize)]
struct Above {
    words: String,
    /// Its page, where it is part of this site.
    href: Option<String>,
}

/// The larger incident that this one is a part of.
#[derive(Debug, Clone, Serialize)]
pub struct Cause {
    /// Whose incident it is.
    publisher: String,
    /// What it is called, where that is known.
    title: Option<Text>,
    /// Its page, where it is part of this site.
    href: Option<String>,
}

impl<'a> Desk<'a> {
    /// `root` leads to the site's root.
    pub fn real(&self, root: &str) -> Real {
        let publisher = &self.source.publisher;
        let name = clean(&publisher.name);
        let land = publisher.land.as_ref().map(|land| self.words.of_list("land", land));
        Real {
            publisher: match land.filter(|land| !land.is_empty() && *land != name) {
                Some(land) => self
                    .words
                    .fill("page.real-who-land", &[("name", &name), ("land", land)]),
                None => self.words.fill("page.real-who", &[("name", &name)]),
            },
            parent: self.source.parent.as_ref().map(|name| Above {
                words: self.words.fill("page.real-parent", &[("name", &clean(name))]),
                href: publisher
                    .parent
                    .as_ref()
                    .and_then(|id| self.other(id))
                    .map(|desk| format!("{root}{}", desk.links.path(""))),
            }),
            official: publisher.official.clone(),
            phone: publisher.phone.as_ref().map(|text| Dial {
                href: tel(text),
                text: clean(text),
            }),
        }
    }

    /// The incident's parent (`provider/2023-10-sit`), called as its publisher calls it. `root` leads to the site's root.
    pub fn cause(&self, view: &IncidentView, root: &str) -> Option<Cause> {
        let (publisher, slug) = view.parent.as_ref()?.split_once('/')?;
        let desk = self.other(publisher);
        let incident = desk
            .as_ref()
            .and_then(|desk| desk.source.incidents.iter().find(|i| i.slug == slug));
        let above = self.source.publisher.parent.as_deref() == Some(publisher);
        let name = match &desk {
            Some(desk) => clean(&desk.source.publisher.name),
            None => clean(self.source.parent.as_deref().filter(|_| above).unwrap_or(publisher)),
        };
        Some(Cause {
            publisher: name,
            title: desk.as_ref().zip(incident).map(|(desk, incident)| {
                let mut title = desk.title(incident);
                if desk.lang() != self.lang() {
                    title.lang = title.lang.or(Some(desk.lang().html_lang()));
                }
                title
            }),
            href: desk
                .zip(incident)
                .map(|(desk, incident)| format!("{root}{}", desk.links.path(&format!("{}/", incident.slug)))),
        })
    }

    /// Another publisher of the site, in this language where it speaks it.
    fn other(&self, id: &str) -> Option<Desk<'a>> {
        let source = self.all.iter().find(|source| source.publisher.id == id)?;
        let lang = if source.publisher.languages.contains(&self.lang()) {
            self.lang()
        } else {
            source.publisher.first_language()
        };
        Some(Desk::of(self.engine, self.site, self.all, source, lang, self.now))
    }
}
