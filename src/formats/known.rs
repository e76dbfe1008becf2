//! The blocks below the services: places and hours, what takes place, what is not affected or assured, findings, open questions,
//! quotations, answers, and what happened.

use jiff::Timestamp;
use serde::Serialize;

use super::blocks::{Badge, Blocks, Line, is_web};
use crate::domain::facts::{Common, Event};
use crate::domain::incident::Live;
use crate::domain::when::When;
use crate::domain::words::{EventKind, PlaceState, Sure};
use crate::render::times::{Text, clean};

/// A place with its hours.
#[derive(Debug, Clone, Serialize)]
pub struct PlaceCard {
    /// Id.
    pub id: String,
    /// Name.
    pub name: Text,
    /// State.
    pub badge: Option<Badge>,
    /// Address.
    pub address: Option<Text>,
    /// What to do.
    pub r#do: Option<Text>,
    /// Entrance, hours, exceptions, pick-up, appointments.
    pub lines: Vec<Text>,
    /// Since, until, as-of and source.
    pub meta: Vec<String>,
}

/// Everything below the services.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Known {
    /// Places and hours.
    pub places: Vec<PlaceCard>,
    /// Events that take place, or do not.
    pub happens: Vec<Line>,
    /// Not affected.
    pub unaffected: Vec<Line>,
    /// Assured.
    pub assured: Vec<Line>,
    /// Findings.
    pub findings: Vec<Line>,
    /// Not known yet.
    pub unknown: Vec<Line>,
    /// Quotations.
    pub said: Vec<Line>,
    /// Questions and answers.
    pub questions: Vec<Line>,
    /// What happened, newest first.
    pub events: Vec<Line>,
}

impl Blocks<'_> {
    /// Everything below the services.
    pub fn known(&self) -> Known {
        let facts = &self.view.facts;
        let plain = |id: &str, live: &Live<crate::domain::facts::Assured>| {
            let name = self.voice.field(&live.fact.common, "name", live.fact.name.as_ref());
            let text = self.voice.field(&live.fact.common, "text", live.fact.text.as_ref());
            self.line(id, live, &live.fact.common, None, name, text)
        };
        let events = |happened: bool| {
            let mut events: Vec<_> = facts
                .event
                .iter()
                .filter(|(_, live)| self.concerns(&live.fact.common))
                .filter(|(_, live)| (live.fact.kind.unwrap_or(EventKind::Happened) == EventKind::Happened) == happened)
                .collect();
            events.sort_by_key(|(_, live)| (self.order(&live.fact), live.first));
            if happened {
                events.reverse();
            }
            events.into_iter().map(|(id, live)| self.event(id, live)).collect()
        };
        Known {
            places: self.places(),
            happens: events(false),
            unaffected: facts
                .unaffected
                .iter()
                .filter(|(_, l)| self.concerns(&l.fact.common))
                .map(|(id, l)| plain(id, l))
                .collect(),
            assured: facts
                .assured
                .iter()
                .filter(|(_, l)| self.concerns(&l.fact.common))
                .map(|(id, l)| plain(id, l))
                .collect(),
            findings: self.findings(),
            unknown: facts
                .unknown
                .iter()
                .filter(|(_, l)| self.concerns(&l.fact.common))
                .map(|(id, l)| {
                    let text = self.voice.field(&l.fact.common, "text", l.fact.text.as_ref());
                    self.line(id, l, &l.fact.common, None, None, text)
                })
                .collect(),
            said: facts
                .said
                .iter()
                .filter(|(_, l)| self.concerns(&l.fact.common))
                .map(|(id, l)| self.quotation(id, l))
                .collect(),
            questions: facts
                .question
                .iter()
                .filter(|(_, l)| self.concerns(&l.fact.common))
                .map(|(id, l)| {
                    let ask = self.voice.field(&l.fact.common, "ask", l.fact.ask.as_ref());
                    let answer = self.voice.field(&l.fact.common, "answer", l.fact.answer.as_ref());
                    self.line(id, l, &l.fact.common, None, ask, answer)
                })
                .collect(),
            events: events(true),
        }
    }

    /// What is known before what is only thought.
    fn findings(&self) -> Vec<Line> {
        const SUREST_FIRST: [Sure; 4] = [Sure::Confirmed, Sure::Suspected, Sure::Quoted, Sure::NoSignSoFar];
        let mut findings: Vec<_> = self.view.facts.finding.iter().collect();
        findings.retain(|(_, live)| self.concerns(&live.fact.common));
        findings.sort_by_key(|(_, live)| live.fact.sure.map(|s| SUREST_FIRST.iter().position(|o| *o == s)));
        let line = |(id, live): (&String, &Live<crate::domain::facts::Finding>)| {
            let badge = live.fact.sure.map(|sure| {
                let tone = if sure == Sure::Confirmed { "note" } else { "later" };
                self.badge("sure", sure.word(), tone)
            });
            let text = self.voice.field(&live.fact.common, "text", live.fact.text.as_ref());
            self.line(id, live, &live.fact.common, badge, None, text)
        };
        findings.into_iter().map(line).collect()
    }

    fn line<T>(
        &self,
        id: &str,
        live: &Live<T>,
        common: &Common,
        badge: Option<Badge>,
        name: Option<Text>,
        text: Option<Text>,
    ) -> Line {
        Line {
            id: id.to_owned(),
            badge,
            name,
            text,
            meta: self.meta(live, common),
            link: common
                .source
                .as_ref()
                .and_then(|s| s.link.clone())
                .filter(|url| is_web(url)),
        }
    }

    fn quotation(&self, id: &str, live: &Live<crate::domain::facts::Said>) -> Line {
        let fact = &live.fact;
        let who = self.voice.field(&fact.common, "who", fact.who.as_ref());
        let function = self.voice.field(&fact.common, "function", fact.function.as_ref());
        let name = match (who, function) {
            (Some(who), Some(function)) => Some(Text {
                text: format!("{}, {}", who.text, function.text),
                lang: who.lang,
            }),
            (who, function) => who.or(function),
        };
        let text = self.voice.field(&fact.common, "text", fact.text.as_ref());
        let mut line = self.line(id, live, &fact.common, None, name, text);
        line.link = fact.link.clone().filter(|url| is_web(url)).or(line.link);
        line
    }

    /// When an event was, as a moment to sort by; the earliest that is known.
    fn order(&self, event: &Event) -> Timestamp {
        match &event.at {
            Some(When::Exact { at }) => *at,
            Some(When::Day { date }) => date
                .to_zoned_datetime(self.voice.zone.clone())
                .map_or(Timestamp::MIN, |day| day.timestamp()),
            Some(When::Vague { from, before, .. }) => {
                // "Before the 16th" comes before what happened on the 16th.
                let just_before = |at: Timestamp| at.checked_sub(jiff::SignedDuration::from_secs(1)).ok();
                from.or(before.and_then(just_before)).unwrap_or(Timestamp::MIN)
            }
            None => Timestamp::MIN,
        }
    }

    fn event(&self, id: &str, live: &Live<Event>) -> Line {
        let fact = &live.fact;
        let when = fact.at.as_ref().map(|at| Text::own(self.voice.when(at)));
        let text = self.voice.field(&fact.common, "text", fact.text.as_ref());
        let mut line = self.line(id, live, &fact.common, self.event_badge(fact), when, text);
        if fact.kind.unwrap_or(EventKind::Happened) == EventKind::Happened {
            // What happened, happened: when that was last said is not news.
            line.meta = fact
                .common
                .source
                .as_ref()
                .and_then(|s| self.voice.source(s))
                .map(|source| self.voice.words.fill("as-of.source", &[("source", &source)]))
                .into_iter()
                .collect();
        }
        line
    }

    fn places(&self) -> Vec<PlaceCard> {
        let (voice, words) = (self.voice, self.voice.words);
        let cards = self.view.facts.place.iter();
        let cards = cards.filter(|(id, _)| self.place.is_none_or(|place| place == id.as_str()));
        cards
            // A place that only lends its name to scopes says nothing by itself.
            .filter(|(_, live)| {
                let f = &live.fact;
                f.state.is_some()
                    || f.hours.is_some()
                    || f.r#do.is_some()
                    || f.address.is_some()
                    || f.pickup.is_some()
                    || f.entrance.is_some()
                    || f.appointments.is_some()
                    || f.exceptions.is_some()
            })
            .map(|(id, live)| {
                let fact = &live.fact;
                let field = |name: &str, own| voice.field(&fact.common, name, own);
                let mut lines = Vec::new();
                let mut push = |key: &str, hole: &str, text: Option<Text>| {
                    lines.extend(text.map(|t| self.labelled(key, hole, t)));
                };
                push("place.hours", "hours", field("hours", fact.hours.as_ref()));
                push("place.entrance", "text", field("entrance", fact.entrance.as_ref()));
                push("place.pickup", "text", field("pickup", fact.pickup.as_ref()));
                for exception in fact.exceptions.iter().flatten() {
                    let date = voice.day(exception.date);
                    lines.push(Text::own(match &exception.hours {
                        Some(hours) if !exception.closed => {
                            words.fill("place.exception-hours", &[("date", &date), ("hours", &clean(hours))])
                        }
                        _ => words.fill("place.exception-closed", &[("date", &date)]),
                    }));
                }
                let appointments = fact.appointments.map(|a| words.of_list("appointments", a.word()));
                lines.extend(appointments.map(Text::own));
                PlaceCard {
                    id: id.clone(),
                    name: field("name", fact.name.as_ref()).unwrap_or_else(|| Text::own(id)),
                    badge: fact.state.map(|state| {
                        let tone = match state {
                            PlaceState::Open => "ok",
                            PlaceState::Limited => "part",
                            PlaceState::Closed => "off",
                        };
                        self.badge("place", state.word(), tone)
                    }),
                    address: field("address", fact.address.as_ref()),
                    r#do: field("do", fact.r#do.as_ref()),
                    lines,
                    meta: self.meta(live, &fact.common),
                }
            })
            .collect()
    }
}
