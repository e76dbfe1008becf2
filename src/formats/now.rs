//! The page of an incident: the state now on top, the course of events below (UX, "The public page"). The publisher's page, the
//! incident's and a place's are the same page with other addresses and filters.

use serde::Serialize;

use super::blocks::{Badge, Blocks, ServiceRow};
use super::contacts::Contact;
use super::frame::{Desk, Dial, Frame};
use super::known::Known;
use super::links::tel;
use super::ticker::Entry;
use crate::domain::incident::IncidentView;
use crate::render::message::place_name;
use crate::render::times::{Text, clean};

/// One emergency number.
#[derive(Debug, Clone, Serialize)]
pub struct Emergency {
    number: &'static str,
    href: String,
    what: String,
    badge: Option<Badge>,
    meta: Vec<String>,
}

/// The first line of the page.
#[derive(Debug, Clone, Serialize)]
pub struct StateLine {
    /// State.
    pub badge: Badge,
    /// "Stand: …".
    pub as_of: String,
    /// For machines.
    pub machine: String,
    /// Promise, or its breach.
    pub next: Option<String>,
    /// The promise has passed.
    pub overdue: bool,
}

/// A jump to the first service of a state.
#[derive(Debug, Clone, Serialize)]
struct Jump {
    id: String,
    word: String,
    count: usize,
}

/// A place that has a page of its own and no card here.
#[derive(Debug, Clone, Serialize)]
struct PlaceLink {
    id: String,
    name: Text,
}

/// Another incident of the same publisher.
#[derive(Debug, Clone, Serialize)]
pub struct Other {
    /// Where.
    pub href: String,
    /// Title.
    pub title: Text,
    /// State.
    pub state: StateLine,
}

#[derive(Debug, Serialize)]
struct Now {
    frame: Frame,
    title: Text,
    /// The place this page is about.
    place: Option<Text>,
    state: StateLine,
    emergency: Vec<Emergency>,
    short: Option<Entry>,
    contacts: Vec<Contact>,
    services: Vec<ServiceRow>,
    jumps: Vec<Jump>,
    #[serde(flatten)]
    known: Known,
    more_places: Vec<PlaceLink>,
    ticker: Vec<Entry>,
    others: Vec<Other>,
    phone: Option<Dial>,
}

/// From this many services on, jumps by state stand above the table.
const JUMPS_FROM: usize = 6;

impl Desk<'_> {
    /// The first line of a page about this incident.
    pub fn state_line(&self, view: &IncidentView) -> StateLine {
        StateLine {
            badge: self.state_badge(view.state),
            as_of: self
                .words
                .fill("as-of.line", &[("when", &self.voice.moment(view.as_of))]),
            machine: self.voice.machine(view.as_of),
            next: view.next.as_ref().filter(|_| view.closed.is_none()).map(|next| {
                if view.overdue {
                    let when = self.voice.next_when(next, view.as_of);
                    self.words.fill("next.overdue", &[("when", &when)])
                } else {
                    self.voice.next(next, view.as_of)
                }
            }),
            overdue: view.overdue && view.closed.is_none(),
        }
    }

    /// The page of an incident at `page` below the publisher, written to `file`.
    pub fn now_page(
        &self,
        view: &IncidentView,
        page: &str,
        file: &str,
        place: Option<(&str, Text)>,
    ) -> Result<super::SiteFile, crate::render::RenderError> {
        let blocks = Blocks {
            voice: &self.voice,
            view,
            place: place.as_ref().map(|(id, _)| *id),
            now: self.now,
        };
        let state = self.state_line(view);
        let title = self.title(view);
        let heading = match &place {
            Some((_, name)) => format!("{}: {}", name.text, state.badge.word),
            None => state.badge.word.clone(),
        };
        let mut frame = self.frame(page, file, &heading);
        frame.exercise = view.exercise;
        frame.feeds = Some(format!("{}{}", frame.root, self.links.path(page)));
        frame.holds = Some(self.holds(view));
        let ticker = self.ticker(view, blocks.place, &frame.root);
        let short = ticker.first().cloned();
        if let Some(newest) = &short {
            frame.description = format!("{}{}", newest.lead, newest.headline.text);
            // A preview of a link in a messenger shows only this: the exercise has to stand there too.
            frame.title = format!("{}{}", self.exercise_lead(view), frame.title);
        }
        let (services, known) = (blocks.services(), blocks.known());
        let jumps = jumps(&services);
        let others = self
            .open()
            .into_iter()
            .filter(|other| other.slug != view.slug)
            .map(|other| Other {
                href: format!("{}{}", frame.root, self.links.path(&format!("{}/", other.slug))),
                title: self.title(other),
                state: self.state_line(other),
            })
            .collect();
        let data = Now {
            title,
            state,
            emergency: self.emergency(Some(&blocks)),
            short,
            contacts: blocks.contacts(),
            services,
            jumps,
            more_places: self.more_places(&blocks, &known),
            known,
            ticker,
            others,
            phone: self.source.publisher.phone.clone().map(|text| Dial {
                href: tel(&text),
                text: clean(&text),
            }),
            place: place.map(|(_, name)| name),
            frame,
        };
        self.page("now", &data)
    }

    /// Title of an incident; in another language the first notice's headline, where it has one. An exercise says so first.
    pub fn title(&self, view: &IncidentView) -> Text {
        let first = view.notices.first().map(|n| &n.notice);
        let given = first.is_some_and(|n| n.title.is_some());
        let own = first.and_then(|n| n.words.get(&self.lang()));
        let mut title = match own {
            Some(words) if !given => Text::own(words.headline.as_str()),
            _ => Text {
                text: clean(&view.title),
                lang: (self.lang() != self.voice.first).then(|| self.voice.first.html_lang()),
            },
        };
        title.text.insert_str(0, self.exercise_lead(view));
        title
    }

    /// "ÜBUNG: " in front of all that is one.
    pub fn exercise_lead(&self, view: &IncidentView) -> &str {
        if view.exercise {
            self.words.get("lead.exercise")
        } else {
            ""
        }
    }

    /// Places that notices name and that say nothing by themselves: who lives there finds the page all the same.
    fn more_places(&self, blocks: &Blocks<'_>, known: &Known) -> Vec<PlaceLink> {
        if blocks.place.is_some() {
            return Vec::new();
        }
        let mut ids = super::place_ids(blocks.view);
        ids.retain(|id| known.places.iter().all(|card| card.id != *id));
        let link = |id: String| PlaceLink {
            name: place_name(&self.voice, blocks.view, &id),
            id,
        };
        ids.into_iter().map(link).collect()
    }

    /// The emergency numbers, always; their state only where an incident has a fact about it.
    pub fn emergency(&self, blocks: Option<&Blocks<'_>>) -> Vec<Emergency> {
        [("110", "page.police"), ("112", "page.fire"), ("116 117", "page.doctor")]
            .into_iter()
            .map(|(number, key)| {
                let href = tel(number).unwrap_or_default();
                let (badge, meta) = blocks
                    .and_then(|blocks| blocks.emergency_state(&href))
                    .map_or((None, Vec::new()), |(badge, meta)| (Some(badge), meta));
                Emergency {
                    number,
                    what: self.words.get(key).to_owned(),
                    badge,
                    meta,
                    href,
                }
            })
            .collect()
    }
}

/// Jumps by state, in the order of the table.
fn jumps(services: &[ServiceRow]) -> Vec<Jump> {
    if services.len() < JUMPS_FROM {
        return Vec::new();
    }
    let mut jumps: Vec<Jump> = Vec::new();
    for row in services {
        let Some(badge) = &row.badge else { continue };
        match jumps.iter_mut().find(|j| j.word == badge.word) {
            Some(jump) => jump.count += 1,
            None => jumps.push(Jump {
                id: row.id.clone(),
                word: badge.word.clone(),
                count: 1,
            }),
        }
    }
    jumps
}
