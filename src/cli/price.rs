//! Who gets what at what price: said before what cannot be called back.

mod lists;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::channel::Built;
use crate::channel::registry::Configured;
use crate::domain::problem::Problem;
use crate::publication::{Office, Prepared, Rendered};
use crate::said;
use crate::store::Variant;
use crate::text::lang::Lang;
use crate::text::said::Said;
pub use lists::Lists;

/// So many addresses that are none are named.
const NAMED: usize = 5;

/// What one channel sends for good.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Cost {
    /// Channel.
    pub channel: String,
    /// Recipients.
    pub people: u64,
    /// SMS each, where it is SMS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parts: Option<u64>,
    /// Price of one part, where it is configured; with a channel that stands in, of both: what one takes and then rejects may cost twice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price_per_part: Option<f64>,
    /// The most that it can cost, rounded up to the cent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_most: Option<f64>,
    /// The channel that stands in, where its price is in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub with: Option<String>,
    /// Channels by which it may go whose price is not configured, where another's is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub without: Vec<String>,
    /// Addresses of the list that are none of this kind: they get nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub faulty: Vec<String>,
}

impl Cost {
    /// These texts to so many people over this channel.
    pub fn of(office: &Office, channel: &str, people: u64, texts: &BTreeMap<Lang, Variant>) -> Self {
        let find = |name: &str| office.channels.iter().find(|c| c.settings.name == name);
        let own = find(channel);
        let reserve = own.and_then(|c| c.settings.common.failover.as_deref()).and_then(find);
        let prices: Vec<Priced> = own.into_iter().chain(reserve).map(Priced::of).collect();
        let parts = texts.values().filter_map(|text| text.fit.segments).max();
        Self::priced(channel, people, parts.and_then(|n| u64::try_from(n).ok()), &prices)
    }

    fn priced(channel: &str, people: u64, parts: Option<u64>, prices: &[Priced]) -> Self {
        let known: Vec<f64> = prices.iter().filter_map(|one| one.price).collect();
        let priced = !known.is_empty() && parts.is_some();
        let mut cost = Self {
            channel: channel.to_owned(),
            people,
            parts,
            ..Self::default()
        };
        if priced {
            let other = |one: &&Priced| one.name != channel && one.price.is_some();
            let none = prices.iter().filter(|one| one.price.is_none());
            cost.price_per_part = Some(known.iter().sum());
            cost.with = prices.iter().find(other).map(|one| one.name.clone());
            cost.without = none.map(|one| one.name.clone()).collect();
            cost.at_most = cost.millionths().map(|amount| cents(amount) as f64 / 100.0);
        }
        cost
    }

    /// "sms: 2 Empfänger, je 3 SMS, zusammen höchstens 0,42".
    fn said(&self) -> Said {
        let (name, people) = (&self.channel, self.people);
        let recipients = if people == 1 { "recipient" } else { "recipients" };
        let mut said = said!("{name}: {people} Empfänger", "{name}: {people} {recipients}");
        let mut add = |more: Said| {
            said.de.push_str(&more.de);
            said.en.push_str(&more.en);
        };
        if let Some(parts) = self.parts {
            add(said!(", je {parts} SMS", ", {parts} SMS each"));
        }
        add(sum(std::slice::from_ref(self)));
        add(self.faulty_said());
        said
    }

    /// ", 2 weitere bekommen nichts, weil ihre Adresse keine ist (0171…, …)".
    fn faulty_said(&self) -> Said {
        let mut list = self.faulty.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
        if self.faulty.len() > NAMED {
            list.push_str(", …");
        }
        match self.faulty.len() {
            0 => Said::default(),
            1 => said!(
                ", 1 weiterer bekommt nichts, weil seine Adresse keine ist ({list})",
                ", 1 more gets nothing, because the address is none ({list})"
            ),
            more => said!(
                ", {more} weitere bekommen nichts, weil ihre Adressen keine sind ({list})",
                ", {more} more get nothing, because their addresses are none ({list})"
            ),
        }
    }

    /// What it costs at most, in millionths: whole numbers, so that nothing is lost or added far beyond any audience.
    fn millionths(&self) -> Option<u64> {
        // A price is read as at most 1,000.
        let price = (self.price_per_part? * 1e6).round() as u64;
        Some(price.saturating_mul(self.people).saturating_mul(self.parts?))
    }
}

/// A begun cent is one: what is said is the most that can come.
fn cents(millionths: u64) -> u64 {
    millionths.div_ceil(10_000)
}

/// A channel by which it may go, and its price.
struct Priced {
    name: String,
    price: Option<f64>,
}

impl Priced {
    fn of(configured: &Configured) -> Self {
        Self {
            name: configured.settings.name.clone(),
            price: match &configured.built {
                Built::Messages(channel) => channel.price(),
                Built::Website(_) => None,
            },
        }
    }
}

/// All of them in one sentence's length.
pub fn list(costs: &[Cost]) -> Said {
    let all: Vec<Said> = costs.iter().map(Cost::said).collect();
    let join = |one: fn(&Said) -> &str| all.iter().map(one).collect::<Vec<_>>().join("; ");
    Said {
        de: join(|s| &s.de),
        en: join(|s| &s.en),
    }
}

/// ", zusammen höchstens 12,30", where anything has a price; and what is in it or missing.
pub fn sum(costs: &[Cost]) -> Said {
    let priced: Vec<u64> = costs.iter().filter_map(Cost::millionths).collect();
    if priced.is_empty() {
        return Said::default();
    }
    let cents = cents(priced.iter().fold(0, |sum, one| sum.saturating_add(*one)));
    let (whole, rest) = (cents / 100, cents % 100);
    let mut said = said!(
        ", zusammen höchstens {whole},{rest:02}",
        ", {whole}.{rest:02} in all at most"
    );
    let names = |of: fn(&Cost) -> Vec<&String>| {
        let all: BTreeSet<&String> = costs.iter().flat_map(of).collect();
        all.into_iter().cloned().collect::<Vec<_>>().join(", ")
    };
    let (with, without) = (
        names(|cost| cost.with.iter().collect()),
        names(|cost| cost.without.iter().collect()),
    );
    if !with.is_empty() {
        said.de.push_str(&format!(", falls alles auch über {with} geht"));
        said.en.push_str(&format!(", should all of it also go by {with}"));
    }
    if !without.is_empty() {
        said.de.push_str(&format!(", ohne den Preis von {without}"));
        said.en.push_str(&format!(", without the price of {without}"));
    }
    said
}

/// What a notice costs, and what is wrong with the lists of recipients.
#[derive(Debug, Default)]
pub struct Bill {
    /// Of each channel that cannot take anything back.
    pub costs: Vec<Cost>,
    /// Faults of the audience files.
    pub faults: Vec<Problem>,
    /// One of them was never right: nobody knows whom it concerns.
    pub nobody_knows: bool,
}

impl Bill {
    /// What a notice costs on every channel that cannot take anything back. A list with a fault stays as it was last right.
    pub fn of_notice(office: &Office, prepared: &Prepared, lists: &Lists) -> Self {
        let mut bill = Self::default();
        for rendered in prepared.rendered.iter().filter(|r| r.final_once_sent) {
            bill.add(office, prepared, rendered, lists);
        }
        bill
    }

    fn add(&mut self, office: &Office, prepared: &Prepared, rendered: &Rendered, lists: &Lists) {
        let (name, texts) = (&rendered.channel, &rendered.variants);
        let configured = office.channels.iter().find(|c| c.settings.name == *name);
        let Some((configured, file)) = configured.and_then(|c| Some((c, c.settings.common.audience.as_ref()?))) else {
            self.costs.push(Cost::of(office, name, 1, texts));
            return;
        };
        match lists.concerned(configured, file, &prepared.resolved.notice.scope) {
            Ok((people, faulty)) => {
                let mut cost = Cost::of(office, name, people, texts);
                cost.faulty = faulty;
                self.costs.push(cost);
            }
            Err(faults) => {
                self.faults.extend(faults);
                match lists.kept(name) {
                    0 => self.nobody_knows = true,
                    kept => self.costs.push(Cost::of(office, name, kept, texts)),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cost(people: u64, prices: &[(&str, Option<f64>)]) -> Cost {
        let prices: Vec<Priced> = prices
            .iter()
            .map(|(name, price)| Priced {
                name: (*name).to_owned(),
                price: *price,
            })
            .collect();
        Cost::priced("sms", people, Some(3), &prices)
    }

    #[test]
    fn what_is_said_is_the_most_that_can_come() {
        for (people, prices, expected) in [
            (2, &[("sms", Some(0.07))][..], ", zusammen höchstens 0,42"),
            // A begun cent is one.
            (1, &[("sms", Some(0.0751))], ", zusammen höchstens 0,23"),
            (1_700_000, &[("sms", Some(0.07))], ", zusammen höchstens 357000,00"),
            // Taken, rejected, and taken by the other: both are paid.
            (
                2,
                &[("sms", Some(0.07)), ("reserve", Some(0.075))],
                ", zusammen höchstens 0,87, falls alles auch über reserve geht",
            ),
            (
                2,
                &[("sms", Some(0.07)), ("reserve", None)],
                ", zusammen höchstens 0,42, ohne den Preis von reserve",
            ),
            (
                2,
                &[("sms", None), ("reserve", Some(0.07))],
                ", zusammen höchstens 0,42, falls alles auch über reserve geht, ohne den Preis von sms",
            ),
            (2, &[("sms", None)], ""),
        ] {
            assert_eq!(sum(&[cost(people, prices)]).de, expected);
        }
        let both = [cost(1, &[("sms", Some(0.001))]), cost(1, &[("sms", Some(0.002))])];
        assert_eq!(sum(&both).en, ", 0.01 in all at most", "rounded once");
    }

    #[test]
    fn whose_address_is_none_is_named_and_not_counted() {
        let mut cost = cost(2, &[]);
        cost.faulty = vec!["0171 1".to_owned()];
        assert_eq!(
            list(&[cost.clone()]).de,
            "sms: 2 Empfänger, je 3 SMS, 1 weiterer bekommt nichts, weil seine Adresse keine ist (0171 1)"
        );
        cost.faulty = (1..=6).map(|n| n.to_string()).collect();
        let all = list(&[cost]).en;
        assert!(
            all.ends_with("because their addresses are none (1, 2, 3, 4, 5, …)"),
            "{all}"
        );
    }
}
